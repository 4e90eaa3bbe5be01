"""A small clean interpreter that forks one candidate at a time and leaves nothing of it behind.

It never sees a program: a candidate reads its own from its channel after the fork. Its commands:

    F + CPU seconds       fork a candidate that owns the socket that comes along as a descriptor, and where
                          two more come, has them for its standard input and output; answers P + a pidfd
    M                     answers how much memory its processes hold together, in KiB; 0 if that is not known
    W                     answers how much its processes have written, in KiB; 0 if that is not known
    E                     end it: kill everything it left, empty its folders; answers R + how it ended

In namespaces the zygote is init of its own pid namespace: `kill(-1)` reaches every process below it at once,
also those that are being forked, and nothing inside can signal it. Without them it is a subreaper and finds
orphans among its children.
"""

from __future__ import annotations

import array
import gc
import math
import os
import random
import resource
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from passk_tasks.sandbox.box import candidate, kernel

FORK = struct.Struct("<cI")  # the command F, RLIMIT_CPU of each process of the candidate in seconds
AMOUNT = struct.Struct("<Q")  # KiB
REPORT = struct.Struct("<idI")  # wait status of the candidate, CPU seconds of all, peak resident KiB
_MAX_CLEANED = 100_000
_SCRATCH_MODE = 0o1777
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") >> 10


class Scratch:
    """The folders that a candidate may write to, emptied after each but for the paths in `kept`."""

    def __init__(self, folders: tuple[str, ...], kept: frozenset[str]) -> None:
        self.folders, self._kept = folders, kept
        self._inodes = [self._used(folder) for folder in folders]
        # By candidates too, which have the same user: they can lock the folders themselves.
        self._owned = all(os.stat(folder).st_uid == os.geteuid() for folder in folders)

    @staticmethod
    def _used(folder: str) -> int:
        status = os.statvfs(folder)
        return status.f_files - status.f_ffree

    def clean(self, *, is_tmpfs: bool) -> None:
        """Empty the folders; two system calls each where nothing was written."""
        for folder, fresh in zip(self.folders, self._inodes, strict=True):
            if self._owned:
                os.chmod(folder, _SCRATCH_MODE)
                os.utime(folder, (0, 0))  # they hold a message otherwise
            if not is_tmpfs or self._used(folder) != fresh:
                _empty(folder, self._kept)


def _empty(folder: str, kept: frozenset[str] = frozenset()) -> None:
    """Remove everything in a folder but `kept`, whatever its depth and its permissions.

    Folders are flattened rather than descended: a tree deeper than paths may be long is no obstacle.
    """
    moved = 0
    prefix = f"{folder}/.{os.urandom(8).hex()}"  # no name that a candidate could have put there
    for _ in range(_MAX_CLEANED):
        with os.scandir(folder) as entries:
            entry = next((e for e in entries if e.path not in kept), None)
        if entry is None:
            return
        if not entry.is_dir(follow_symlinks=False):
            os.unlink(entry.path)
            continue
        os.chmod(entry.path, 0o700)
        with os.scandir(entry.path) as inner:
            names = [(i.path, i.is_dir(follow_symlinks=False)) for i in inner]
        for path, is_folder in names:
            if is_folder:
                moved += 1
                os.chmod(path, 0o700)  # moving a folder writes to it
                os.rename(path, f"{prefix}-{moved}")
            else:
                os.unlink(path)
        os.rmdir(entry.path)


def run(
    control: socket.socket,
    scratch: Scratch,
    *,
    is_init: bool,
    confine: Callable[[], None] | None = None,
    processes: int | None = None,
) -> NoReturn:
    """Serve commands until the control socket closes.

    Args:
        control: where commands come from; on descriptor `candidate.CHANNEL`, so that the candidate's own
            channel takes its place, and no other descriptor above 2 is open.
        scratch: what to empty after each candidate; the first folder is the working directory.
        is_init: whether this process is init of a pid namespace of its own.
        confine: what a candidate does to itself before anything else, where the zygote could not be confined.
        processes: how many of its own a candidate may have, where that is not counted for this package alone.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()  # the collector's headers of what exists now are never written again: fewer pages copied
    given = array.array("i")
    others = Others()
    while True:
        command, ancillary, _flags, _address = control.recvmsg(
            FORK.size, socket.CMSG_SPACE(3 * given.itemsize)
        )
        if not command:
            os._exit(0)
        del given[:]
        given.frombytes(ancillary[0][2])
        most = None if processes is None else others.count() + processes
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        # A candidate is open to its zygote, which counts its memory. The zygote is open to nobody by the time
        # that the candidate, told of by the answer below, is given its program.
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
        pid = os.fork()
        if pid == 0:
            _become_candidate(given, FORK.unpack(command)[1], confine, most)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        for fd in given:
            os.close(fd)
        pidfd = kernel.pidfd_open(pid)
        control.sendmsg([b"P"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", pidfd))])
        os.close(pidfd)
        while (request := control.recv(1)) in (b"M", b"W"):
            control.send(AMOUNT.pack(_memory_kib() if request == b"M" else _written_kib()))
        last = request != b"E"
        status, peak_kib = _end(pid, is_init=is_init)
        if last:
            os._exit(0)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        # The verdict goes first: should cleaning fail, this worker ends, and only the next program waits for
        # that.
        control.send(b"R" + REPORT.pack(status, cpu, min(peak_kib, 0xFFFFFFFF)))
        scratch.clean(is_tmpfs=is_init)


class Others:
    """Counts the processes and threads of this user, whom the limit on processes is for."""

    _OLD_S = 1.0
    _MORE = 128  # that may come in the meantime

    def __init__(self) -> None:
        self._at_s, self._found = -math.inf, 0

    def count(self) -> int:
        """Return how many there may be by now."""
        if time.monotonic() - self._at_s > self._OLD_S:
            uid = str(os.getuid()).encode()
            self._found = 0
            for name in os.listdir("/proc"):
                if name.isdigit():
                    try:
                        with open(f"/proc/{name}/status", "rb") as file:
                            fields = dict(line.split(b":", 1) for line in file)
                        if fields[b"Uid"].split()[0] == uid:
                            self._found += int(fields[b"Threads"])
                    except (OSError, KeyError, ValueError):
                        continue  # it ended meanwhile
            self._at_s = time.monotonic()
        return self._found + self._MORE


def _become_candidate(
    given: array.array[int], cpu_s: int, confine: Callable[[], None] | None, processes: int | None
) -> NoReturn:
    try:
        os.dup2(given[0], candidate.CHANNEL, inheritable=False)
        output = _nameless_file(".")
        null = os.open("/dev/null", os.O_RDONLY)
        stdin, stdout = given[1:] or (null, output)
        for number, fd in enumerate((stdin, stdout, output)):
            os.dup2(fd, number)
        for fd in {*given, output, null}:
            os.close(fd)
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if processes is not None:
            hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
            soft = processes if hard == resource.RLIM_INFINITY else min(processes, hard)
            resource.setrlimit(resource.RLIMIT_NPROC, (soft, hard))
        if confine is not None:
            confine()
        gc.enable()
        random.seed(0)  # the module draws a fresh seed after a fork; verdicts should not depend on one
        candidate.serve()
    finally:
        os._exit(79)


def _nameless_file(folder: str) -> int:
    """Return a descriptor to append to and read; the file ends with it."""
    flags = os.O_RDWR | os.O_APPEND
    try:
        return os.open(folder, flags | os.O_TMPFILE, 0o600)
    except OSError:  # not every file system has them: a container's overlay before Linux 6.1, network disks
        path = os.path.join(folder, f".{os.urandom(8).hex()}")
        fd = os.open(path, flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        os.unlink(path)
        return fd


def _end(pid: int, *, is_init: bool) -> tuple[int, int]:
    """Kill whatever is left, wait for all of it; return the candidate's wait status and peak resident KiB."""
    status, peak_kib = 0, 0
    while True:
        if is_init:
            try:
                os.kill(-1, signal.SIGKILL)
            except ProcessLookupError:
                pass
        else:
            _kill_tree(pid)
        try:
            ended, how, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return status, peak_kib
        peak_kib = max(peak_kib, usage.ru_maxrss)
        if ended == pid:
            status = how


def _kill_tree(pid: int) -> None:
    """Kill every descendant of this subreaper: stop all, until a pass finds no new one, then kill all.

    The candidate's own group first, in one call that no fork escapes: among hundreds that run, each of the
    others costs this process a turn.
    """
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass
    seen: set[int] = set()
    # A process whose main thread has ended looks like a zombie and may have others.
    while found := descendants(os.getpid(), zombies=True) - seen:
        seen |= found
        _signal(found, signal.SIGSTOP)  # what is stopped forks no more
    _signal(seen, signal.SIGKILL)


def _signal(processes: set[int], number: int) -> None:
    for process in processes:
        try:
            os.kill(process, number)
        except OSError:
            pass


def descendants(root: int, *, zombies: bool = False) -> set[int]:
    """Return the descendants of a process, by /proc; the living ones unless told otherwise."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if zombies or fields[0] != b"Z":
                parents.setdefault(int(fields[1]), []).append(int(name))
    found: set[int] = set()
    rest = [root]
    while rest:
        for child in parents.get(rest.pop(), ()):
            if child not in found:
                found.add(child)
                rest.append(child)
    return found


def _memory_kib() -> int:
    """Return what the descendants of this process hold together, 0 where that cannot be known.

    Pages that forks share count once. Shared mappings count in full, once each: their pages stay while any
    process has them mapped, and are no process's resident ones until it touches them.
    """
    if os.readlink("/proc/self") != str(os.getpid()):  # the host allowed no /proc of our own
        return 0
    total = 0
    shared: dict[bytes, int] = {}
    for process in descendants(os.getpid()):
        try:
            with open(f"/proc/{process}/smaps_rollup", "rb") as file:
                sizes = {line.split(b":")[0]: line.split()[1] for line in file if b" kB" in line}
            total += int(sizes[b"Pss"]) - int(sizes.get(b"Pss_Shmem", 0))
            with open(f"/proc/{process}/maps", "rb") as file:
                for line in file:
                    if line.endswith(b"/dev/zero (deleted)\n"):
                        area, _access, offset, _device, inode = line.split()[:5]
                        start, end = (int(number, 16) for number in area.split(b"-"))
                        size = (int(offset, 16) + end - start) >> 10
                        shared[inode] = max(size, shared.get(inode, 0))
        except PermissionError:
            # It made itself unreadable: what it may hold at most.
            try:
                with open(f"/proc/{process}/statm", "rb") as file:
                    total += int(file.read().split()[0]) * _PAGE_KIB
            except OSError:
                continue
        except (OSError, KeyError, ValueError):
            continue  # it ended meanwhile
    return total + sum(shared.values())


def _written_kib() -> int:
    """Return what the descendants of this process have written, to whatever: files, pipes or maps."""
    total = 0
    for process in descendants(os.getpid(), zombies=True):
        try:
            with open(f"/proc/{process}/io", "rb") as file:
                counts = dict(line.split(b":") for line in file)
            total += max(int(counts[b"wchar"]), int(counts[b"write_bytes"])) >> 10
        except (OSError, KeyError, ValueError):
            continue  # it ended meanwhile
    return total


def drop_traces() -> None:
    """Take this package out of the interpreter's module table and path: a candidate starts without it."""
    for name in [n for n in sys.modules if n.split(".")[0] == "passk_tasks"]:
        del sys.modules[name]
