"""A small clean interpreter that forks one candidate at a time and leaves nothing of it behind.

It never sees a program: a candidate reads its own from its channel after the fork. Where a candidate moved
anything that the next one could see, names in its folders or the numbers of processes, the zygote ends, and
another one, with everything fresh, takes its place (`launch`). Its commands:

    F + CPU seconds       fork a candidate that owns the socket that comes along as a descriptor, and where
                          two more come, has them for its standard input and output; answers P + a pidfd
    M + seconds           answers how much memory its processes hold together, in KiB (0 if unknown), and how
                          much of that is in shared mappings
    S + seconds           answers how many sockets its processes have open, of streams and of datagrams
    W + seconds           answers how much of the disk it holds, in KiB, and whether it hides more
    N + seconds           answers how many pipes its processes have open, and 0
    E                     end it: kill everything it left; answers R + how it ended

In namespaces the zygote is init of its own pid namespace: `kill(-1)` reaches every process below it at once,
also those that are being forked, and nothing inside can signal it. Without them it is a subreaper and finds
orphans among its children.

Looking stops after so many CPU seconds as came with the question; how many it took is a part of each answer.
"""

from __future__ import annotations

import _thread
import array
import fcntl
import gc
import math
import os
import random
import resource
import signal
import socket
import stat
import struct
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from passk_tasks.sandbox.box import candidate, kernel
from passk_tasks.sandbox.box.limits import OPEN_FILES

FORK = struct.Struct("<cI")  # the command F, RLIMIT_CPU of each process of the candidate in seconds
REQUEST = struct.Struct("<cd")  # what to look at, and for how many CPU seconds at most
AMOUNTS = struct.Struct("<QQd")  # what there is, and the CPU seconds that it took to see
REPORT = struct.Struct("<idI")  # wait status of the candidate, CPU seconds of all, peak resident KiB
FRESH = 64  # exit status: something moved that the next candidate could see, another zygote is to take over
# By how many numbers to go on at random: at most, by how many times those that a candidate used, and
# where it used few.
_STIRRED_MOST, _STIRRED_TIMES, _STIRRED_LEAST = 1 << 18, 4, 24
# CPU seconds that the start of a candidate may take, where none has shown that it takes less.
_START_S = 0.004
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") >> 10
_TAKEN_FIRST = b"1000"  # oom_score_adj: of all processes, the kernel ends these first when memory runs out
_CLOCK_REALTIME_COARSE = 5  # what the kernel gives files for times


class Numbers:
    """Numbers that the kernel counts up for each CPU, for everybody: pipes and sockets, shared mappings.

    Nothing sets them back. They are moved on by a random amount that is larger than what a candidate moved
    them by, so that the next one can read little in them. How far they moved says only how much it may have
    been: a CPU takes numbers by the thousand, those of other CPUs lie between, and others stir too.
    What a candidate can have taken it had the CPU time for, and stirring takes a few times that at most.

    Args:
        take: takes the next number and returns it.
    """

    def __init__(self, take: Callable[[], int]) -> None:
        self._take, self._at = take, take()
        self._start_s, self._each_s = _START_S, math.inf

    def stir(self, cpu_s: float) -> None:
        """Move the numbers on, after a candidate that used so many CPU seconds."""
        self._start_s = min(self._start_s, cpu_s)
        started_s = time.thread_time()
        number = self._take()
        self._each_s = min(self._each_s, max(time.thread_time() - started_s, 1e-7))
        moved = (number - self._at) % (1 << 32)
        if moved > 1:  # not by our own look alone
            possible = int((cpu_s - self._start_s) / self._each_s)
            most = min(max(_STIRRED_LEAST, _STIRRED_TIMES * min(moved, possible)), _STIRRED_MOST)
            for _ in range(int.from_bytes(os.urandom(4), "little") % most):
                number = self._take()
        self._at = number


def _new_pipe() -> int:
    """Make a pipe, let go of it and return its number."""
    ends = os.pipe()
    number = os.fstat(ends[0]).st_ino
    os.close(ends[0])
    os.close(ends[1])
    return number


class Scratch:
    """The folders that a candidate may write to, and the numbers that its start moves.

    Nothing is cleaned here. A candidate that left a name, or only had one for a moment, has changed the times
    of a folder, and the next one is given other folders. Files that never had a name (O_TMPFILE) would leave
    no trace there but the number of the next file: the filter refuses them.
    """

    def __init__(self, folders: tuple[str, ...]) -> None:
        self.folders = folders
        self._before: list[tuple[int, ...]] = []
        self.touch()
        # Before Linux 6.13 a change within the same tick of the clock would not show.
        newest_s = max(os.stat(folder).st_ctime for folder in folders)
        while time.clock_gettime(_CLOCK_REALTIME_COARSE) <= newest_s:
            time.sleep(0.001)

    def touch(self) -> None:
        """Let the folders' times tell nothing but that a candidate starts."""
        for folder in self.folders:
            os.utime(folder)
        self._before = self._states()

    def _states(self) -> list[tuple[int, ...]]:
        states: list[tuple[int, ...]] = []
        for folder in self.folders:
            status = os.stat(folder)
            states.append((status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_nlink))
        return states

    def moved(self) -> bool:
        """Whether a folder is not as it was at the start."""
        return self._states() != self._before

    def gone(self) -> bool:
        """Whether somebody removed the working folder."""
        return not os.path.exists(self.folders[0])  # by its path: a candidate may have locked it


def run(
    control: socket.socket,
    scratch: Scratch,
    *,
    output: int,
    is_init: bool,
    confine: Callable[[], None] | None = None,
    processes: int | None = None,
    oom_score: int | None = None,
    maps: int | None = None,
    keeps_folder: bool = True,
) -> NoReturn:
    """Serve commands until the control socket closes.

    Args:
        control: where commands come from; on descriptor `candidate.CHANNEL`, so that the candidate's own
            channel takes its place; no descriptor above 2 is open but it, `output`, `oom_score` and `maps`.
        scratch: what a candidate may write to; the first folder is the working directory.
        output: a file without a name, which one candidate after the other has for its output.
        is_init: whether this process is init of a pid namespace of its own.
        confine: what a candidate does to itself before anything else, where the zygote could not be confined.
        processes: how many of its own a candidate may have, where that is not counted for this package alone.
        oom_score: this process's oom_score_adj, open for reading and writing; None where there is none.
        maps: this process's /proc/self/maps, where candidates can read theirs.
        keeps_folder: whether no candidate can remove the working folder.
    """
    own_score = b"" if oom_score is None else os.pread(oom_score, 16, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()  # the collector's headers of what exists now are never written again: fewer pages copied
    given = array.array("i")
    others, numbers = Others(), [Numbers(_new_pipe)]
    if maps is not None:
        numbers.append(Numbers(lambda: kernel.new_shared_mapping(maps)))
    last_pid: int | None = None
    while True:
        # Looked at and left in the queue: should this zygote turn out to be used, the next one takes it.
        command, ancillary, _flags, _address = control.recvmsg(
            FORK.size, socket.CMSG_SPACE(3 * given.itemsize), socket.MSG_PEEK
        )
        if not command:
            os._exit(0)
        if keeps_folder and scratch.gone():
            os._exit(1)  # somebody's doing on the host, no candidate's: to be tried again elsewhere
        del given[:]
        given.frombytes(ancillary[0][2])
        # A program that runs once a case must not know by its process number which case it is.
        skipped = _skip_process_numbers() if len(given) > 1 else 0
        most = None if processes is None else others.count() + processes
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        # A candidate is open to its zygote, which counts its memory. The zygote is open to nobody by the time
        # that the candidate, told of by the answer below, is given its program.
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
        if oom_score is not None:
            os.pwrite(
                oom_score, _TAKEN_FIRST, 0
            )  # of the candidate, who cannot change it once it is confined
        pid = os.fork()
        if pid == 0:
            for fd in (oom_score, maps):
                if fd is not None:
                    os.close(fd)
            _become_candidate(given, FORK.unpack(command)[1], output, confine, most)
        if oom_score is not None:
            os.pwrite(oom_score, own_score, 0)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        for fd in given:
            os.close(fd)
        if is_init and last_pid is not None and pid != last_pid + 1 + skipped:
            # The candidate before had processes or threads, and the numbers that come next would tell.
            os._exit(FRESH)
        last_pid = pid
        control.recv(FORK.size)
        pidfd = kernel.pidfd_open(pid)
        control.sendmsg([b"P"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", pidfd))])
        os.close(pidfd)
        while len(request := control.recv(REQUEST.size)) == REQUEST.size:
            what, most_s = REQUEST.unpack(request)
            started_s = time.thread_time()
            until_s = started_s + most_s
            if what == b"M":
                amounts = _memory_kib(until_s)
            elif what == b"S":
                amounts = _sockets(until_s)
            elif what == b"N":
                amounts = _pipes(until_s), 0
            else:
                amounts = _disk_kib(scratch.folders, until_s)
            control.send(AMOUNTS.pack(*amounts, time.thread_time() - started_s))
        last = request != b"E"
        status, peak_kib = _end(pid, is_init=is_init)
        if last:
            os._exit(0)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if keeps_folder and scratch.gone():
            os._exit(1)
        control.send(b"R" + REPORT.pack(status, cpu, min(peak_kib, 0xFFFFFFFF)))
        for counted in numbers:
            counted.stir(cpu)
        if scratch.moved():
            os._exit(FRESH)
        scratch.touch()
        _forget(output)


def _skip_process_numbers() -> int:
    """Use up a few process numbers, at random, by threads that end at once; return how many."""
    count = os.urandom(1)[0] % 8
    before = _thread.stack_size(1 << 16)  # the C library keeps it for later, in every candidate
    for _ in range(count):
        ended = _thread.allocate_lock()
        ended.acquire()
        _thread.start_new_thread(ended.release, ())
        ended.acquire()
    _thread.stack_size(before)
    return count


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


def _forget(output: int) -> None:
    """Make the file for output as it was: its content, place, flags, mode and times."""
    os.ftruncate(output, 0)
    os.lseek(output, 0, os.SEEK_SET)
    fcntl.fcntl(output, fcntl.F_SETFL, os.O_APPEND)
    fcntl.fcntl(output, fcntl.F_SETOWN, 0)
    os.fchmod(output, 0o600)
    os.utime(output, (0, 0))


def _become_candidate(
    given: array.array[int],
    cpu_s: int,
    output: int,
    confine: Callable[[], None] | None,
    processes: int | None,
) -> NoReturn:
    try:
        os.dup2(given[0], candidate.CHANNEL, inheritable=False)
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


def nameless_file(folder: str) -> int:
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


def descendants(root: int, *, zombies: bool = False, below: int = 0) -> set[int]:
    """Return the descendants of a process, by /proc; the living ones unless told otherwise.

    Args:
        root: the process.
        zombies: return what has ended and was not waited for, too.
        below: how many generations to leave out.
    """
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
    for _ in range(below):
        rest = [child for parent in rest for child in parents.get(parent, ())]
    while rest:
        for child in parents.get(rest.pop(), ()):
            if child not in found:
                found.add(child)
                rest.append(child)
    return found


def _memory_kib(until_s: float) -> tuple[int, int]:
    """Return what the descendants of this process hold together, and how much of it is in shared mappings.

    Pages that forks share count once. Shared mappings count in full, once each: their pages stay while any
    process has them mapped, and are no process's resident ones until it touches them.
    """
    if os.readlink("/proc/self") != str(os.getpid()):  # the host allowed no /proc of our own
        return 0, 0
    total = 0
    shared: dict[bytes, int] = {}
    for process in descendants(os.getpid()):
        if time.thread_time() > until_s:
            break
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
            # It made itself unreadable: what it may hold at most, and some of it in shared mappings.
            try:
                with open(f"/proc/{process}/statm", "rb") as file:
                    total += int(file.read().split()[0]) * _PAGE_KIB
                shared.setdefault(b"", 1)
            except OSError:
                continue
        except (OSError, KeyError, ValueError):
            continue  # it ended meanwhile
    return total + sum(shared.values()), sum(shared.values())


def _lives(process: int) -> bool:
    """Whether a process has memory yet: one that just ends is closed to others, too."""
    try:
        with open(f"/proc/{process}/statm", "rb") as file:
            return file.read(2) != b"0 "
    except OSError:
        return False


def _sockets(until_s: float) -> tuple[int, int]:
    """Return how many sockets of streams, and of datagrams, the descendants of this process have open."""
    open_sockets: set[bytes] = set()
    hidden = 0
    for process in descendants(os.getpid()):
        if time.thread_time() > until_s:
            break
        folder = f"/proc/{process}/fd"
        try:
            for name in os.listdir(folder):
                target = os.fsencode(os.readlink(f"{folder}/{name}"))
                if target.startswith(b"socket:["):
                    open_sockets.add(target[8:-1])
        except PermissionError:  # it made itself unreadable, or ends just now
            hidden += OPEN_FILES if _lives(process) else 0
        except OSError:
            continue  # it ended meanwhile
    datagrams: set[bytes] = set()
    with open("/proc/net/unix", "rb") as file:
        for line in file:
            fields = line.split()
            if fields[4] == b"0002":
                datagrams.add(fields[6])
    return len(open_sockets - datagrams) + hidden, len(open_sockets & datagrams)


def _disk_kib(folders: tuple[str, ...], until_s: float) -> tuple[int, int]:
    """Return what the candidate holds of the disk that its folders are on, and 1 if it may hold more.

    What lies in its folders counts, files that have no name any more while a process has them open, and
    whatever was written by those that live or were waited for, if that is more.
    """
    device = os.stat(folders[0]).st_dev
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
            hides = True  # deeper than paths may be, or closed
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
            hides = hides or _lives(process)  # it made itself unreadable
        except (OSError, KeyError, ValueError):
            continue  # it ended meanwhile
    return max(sum(held.values()), written), int(hides)


def let_limits_be_raised() -> None:
    """Let a program ask for more than its hard limits: they stay, and it goes on.

    A plain interpreter's are mostly infinite, and there the call succeeds. The kernel's are what they were:
    this is for programs that mean well.
    """
    setrlimit, getrlimit = resource.setrlimit, resource.getrlimit
    endless = resource.RLIM_INFINITY

    def setrlimit_in_bounds(kind: int, limits: tuple[int, int]) -> None:
        soft, hard = limits
        most = getrlimit(kind)[1]
        if most != endless and (hard == endless or hard > most) and (soft <= hard or hard == endless):
            soft = most if soft == endless else min(soft, most)
            hard = most
        setrlimit(kind, (soft, hard))

    setrlimit_in_bounds.__name__ = setrlimit_in_bounds.__qualname__ = "setrlimit"
    setrlimit_in_bounds.__module__ = "resource"
    resource.setrlimit = setrlimit_in_bounds


def _pipes(until_s: float) -> int:
    """Return how many pipes the descendants of this process have open."""
    pipes: set[str] = set()
    unknown = 0
    for process in descendants(os.getpid()):
        if time.thread_time() > until_s:
            break
        try:
            for fd in os.listdir(f"/proc/{process}/fd"):
                try:
                    target = os.readlink(f"/proc/{process}/fd/{fd}")
                except FileNotFoundError:
                    continue
                if target.startswith("pipe:"):
                    pipes.add(target)
        except PermissionError:
            unknown += OPEN_FILES // 2 if _lives(process) else 0
        except OSError:
            continue  # it ended meanwhile
    return len(pipes) + unknown


def drop_traces() -> None:
    """Take this package out of the interpreter's module table and path: a candidate starts without it."""
    for name in [n for n in sys.modules if n.split(".")[0] == "passk_tasks"]:
        del sys.modules[name]
