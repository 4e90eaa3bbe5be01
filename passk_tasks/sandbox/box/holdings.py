"""What all processes below a zygote hold together: memory, sockets, pipes and disk, by /proc.

Each function stops when this thread's CPU clock reaches `until_s`, and returns the two amounts that
`protocol` names. A process that made itself unreadable counts as if it held the most that it can.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterator

from passk_tasks.sandbox.box import protocol
from passk_tasks.sandbox.box.limits import OPEN_FILES
from passk_tasks.sandbox.box.processes import descendants
from passk_tasks.sandbox.box.traces import Network
from passk_tasks.sandbox.box.usage import is_small

_TIME_WAIT = "06"  # a connection that has ended, and holds nothing
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") >> 10


def memory_kib(until_s: float) -> tuple[int, int]:
    """Return the KiB that they hold in memory, and how much of it is in shared mappings.

    Pages that forks share count once. Shared mappings count in full, once each: their pages stay while any
    process has them mapped, and are resident only in processes that touched them.
    """
    if os.readlink("/proc/self") != str(os.getpid()):  # the host allowed no /proc of our own
        return 0, 0
    total = 0
    shared: dict[bytes, int] = {}
    for process in _until(until_s):
        try:
            with open(f"/proc/{process}/smaps_rollup", "rb") as file:
                sizes = {line.split(b":")[0]: line.split()[1] for line in file if b" kB" in line}
            total += int(sizes[b"Pss"]) - int(sizes.get(b"Pss_Shmem", 0))
            _add_shared(process, shared)
        except PermissionError:
            # Unreadable: the most that it may hold, some of it perhaps in shared mappings.
            if mapped_pages := _mapped_pages(process):
                total += mapped_pages * _PAGE_KIB
                shared.setdefault(b"", 1)
        except (OSError, KeyError, ValueError):
            continue  # it ended meanwhile
    return total + sum(shared.values()), sum(shared.values())


def shared_kib(until_s: float) -> tuple[int, int]:
    """Return the KiB that they have in shared mappings, and how many of them are unreadable.

    Where both are 0 they hold no more than what is resident in them: this is a fortieth of the work of
    `memory_kib` for a runtime that reserves gigabytes.
    """
    if os.readlink("/proc/self") != str(os.getpid()):
        return 0, 0
    shared: dict[bytes, int] = {}
    hidden = 0
    for process in _until(until_s):
        try:
            _add_shared(process, shared)
        except PermissionError:
            hidden += 1
        except (OSError, ValueError):
            continue  # it ended meanwhile
    return sum(shared.values()), hidden


def _add_shared(process: int, shared: dict[bytes, int]) -> None:
    """Add the KiB of each shared mapping of a process, by its number."""
    with open(f"/proc/{process}/maps", "rb") as file:
        for line in file:
            if line.endswith(b"/dev/zero (deleted)\n"):
                area, _access, offset, _device, inode = line.split()[:5]
                start, end = (int(number, 16) for number in area.split(b"-"))
                size = (int(offset, 16) + end - start) >> 10
                shared[inode] = max(size, shared.get(inode, 0))


def sockets(network: Network | None, until_s: float) -> tuple[int, int]:
    """Return how many stream sockets, and datagram sockets, they have open.

    Args:
        network: the candidates' own, whose connections count too, since one that waits to be accepted is no
            one's descriptor; None where the network is the host's.
        until_s: when to stop.
    """
    opened, _, hidden = _opened(until_s)
    lines, connections = [], 0
    if network is None:
        with open("/proc/net/unix", encoding="ascii", errors="replace") as file:
            lines = file.readlines()
    else:
        lines = network.table("unix")
        ends = [line.split()[3] for name in ("tcp", "tcp6") for line in network.table(name)]
        connections = len(ends) - ends.count(_TIME_WAIT)
    datagrams = {int(fields[6]) for line in lines if (fields := line.split())[4] == "0002"}
    return len(opened.keys() - datagrams) + hidden * OPEN_FILES + connections, len(opened.keys() & datagrams)


def pipes(until_s: float) -> tuple[int, int]:
    """Return how many pipes they have open, with a name or without, and how many files are under way.

    Under way is what was sent through a socket and not received: it may be pipes, or sockets with more.
    """
    opened_sockets, opened, hidden = _opened(until_s)
    return len(opened) + hidden * OPEN_FILES // 2, sum(map(_under_way, opened_sockets.values()))


def small_pipes(until_s: float) -> tuple[int, int]:
    """Return how many open ends of pipes are small, as where the user has too many; and 0."""
    small = 0
    for process in _until(until_s):
        with contextlib.suppress(OSError):  # it ended meanwhile, or hides them
            for name, status in _open_files(process):
                if stat.S_ISFIFO(status.st_mode):
                    with contextlib.suppress(OSError):  # closed meanwhile
                        end = os.open(
                            f"/proc/{process}/fd/{name}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
                        )
                        try:
                            small += is_small(end)
                        finally:
                            os.close(end)
    return small, 0


def disk_kib(folders: tuple[str, ...], until_s: float) -> tuple[int, int]:
    """Return the KiB that they surely hold of the disk with the candidate's folders, and what may be beyond.

    Files in the folders are sure, and files without a name that a process has open. Beyond is what the
    processes have written and may have removed since; or all, where they hide something.
    """
    device = os.stat(folders[0]).st_dev
    held, hides = _files_in(folders, until_s)
    written = 0
    for process in descendants(os.getpid(), zombies=True):
        try:
            with open(f"/proc/{process}/io", "rb") as file:
                counts = dict(line.split(b":") for line in file)
            written += int(counts[b"write_bytes"]) >> 10
            for name in os.listdir(f"/proc/{process}/fd"):
                status = os.stat(f"/proc/{process}/fd/{name}")
                if stat.S_ISREG(status.st_mode) and status.st_dev == device:
                    held[status.st_ino] = status.st_blocks >> 1
        except PermissionError:
            hides = hides or _mapped_pages(process) > 0
        except (OSError, KeyError, ValueError):
            continue  # it ended meanwhile
    sure = sum(held.values())
    return sure, protocol.UNSEEN_KIB if hides else max(0, written - sure)


def _files_in(folders: tuple[str, ...], until_s: float) -> tuple[dict[int, int], bool]:
    """Return the KiB of each file in folders, by its number, and whether some could not be read."""
    held: dict[int, int] = {}
    hides = False
    rest = list(folders)
    while rest and time.thread_time() < until_s:
        try:
            with os.scandir(rest.pop()) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    held[status.st_ino] = status.st_blocks >> 1
                    if entry.is_dir(follow_symlinks=False):
                        rest.append(entry.path)
        except FileNotFoundError:
            continue
        except OSError:
            hides = True  # the path is too long, or the folder is closed to us
    return held, hides


def _until(until_s: float) -> Iterator[int]:
    for process in descendants(os.getpid()):
        if time.thread_time() > until_s:
            return
        yield process


def _opened(until_s: float) -> tuple[dict[int, str], set[tuple[int, int]], int]:
    """Return the open sockets and pipes, and how many living processes are unreadable.

    Returns:
        Of each socket, by its number, one place, "process/descriptor"; device and number of each pipe; and
        the number of processes.
    """
    sockets: dict[int, str] = {}
    pipes: set[tuple[int, int]] = set()
    hidden = 0
    for process in _until(until_s):
        try:
            for name, status in _open_files(process):
                if stat.S_ISSOCK(status.st_mode):
                    sockets[status.st_ino] = f"{process}/{name}"
                elif stat.S_ISFIFO(status.st_mode):
                    pipes.add((status.st_dev, status.st_ino))
        except PermissionError:
            hidden += _mapped_pages(process) > 0
        except OSError:
            continue  # it ended meanwhile
    return sockets, pipes, hidden


def _open_files(process: int) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the number and the status of each file that a process has open."""
    folder = f"/proc/{process}/fd"
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            yield name, os.stat(f"{folder}/{name}")


def _under_way(place: str) -> int:
    """Return how many files wait in an open socket to be received."""
    process, _, descriptor = place.partition("/")
    try:
        with open(f"/proc/{process}/fdinfo/{descriptor}", "rb") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith(b"scm_fds:"))
    except OSError:
        return 0  # closed meanwhile


def _mapped_pages(process: int) -> int:
    """Return how many pages a process has mapped; 0 once it ends, when it becomes unreadable, too."""
    try:
        with open(f"/proc/{process}/statm", "rb") as file:
            return int(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return 0
