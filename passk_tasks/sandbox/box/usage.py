"""What the processes of one candidate use, by /proc, as the tests' side sees it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Callable
from typing import NamedTuple

from passk_tasks.sandbox.box import processes

_TICKS = os.sysconf("SC_CLK_TCK")  # of /proc's CPU times, a second
_ROUNDED_S = 2 / _TICKS  # what rounding both of a process's times down may take from them
_WATCHED = 16  # so many threads are watched: those that ran or waited for a CPU the longest
_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / (1 << 20)
_FILES_LEAST = 1000  # that a disk must take for programs to be judged
_SOCKET_MIB = 212_992 / (1 << 20)  # net.core.wmem_default: what one sender may have under way
# Senders that one receiver may keep waiting: net.unix.max_dgram_qlen of a new namespace, and one more.
_DATAGRAMS = 11
_SMALL_PIPE = 2 * os.sysconf("SC_PAGE_SIZE")  # where the user has too many; elsewhere it has 16 pages


def is_small(pipe: int) -> bool:
    """Return whether a pipe is of the size that it has where its user holds too many."""
    return fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) <= _SMALL_PIPE


def new_pipes_are_small() -> bool:
    """Return whether the user of this process holds so many pipes that the kernel makes new ones small."""
    reading, writing = os.pipe()
    try:
        return is_small(writing)
    finally:
        os.close(reading)
        os.close(writing)


class Tree:
    """All processes of one candidate: whatever is below a zygote, orphans and zombies included.

    Args:
        nursery_pid: the zygote's parent.
        own_queued_s: tells how many seconds the thread that looks has waited for a CPU.

    Attributes:
        processes: how many there were at the last look.
        resident_mib, mapped_mib: their memory at that look; what several share counts several times.
        largest_mib: what the largest of them had resident.
        faulted_mib: the most memory that they ever touched; infinite where children end unseen.
        cpu_s: CPU seconds, with those of children that were waited for.
        awake_s: seconds of waiting for an answer that the candidate is to blame for.
        looking_s: CPU seconds that the looks took.
    """

    def __init__(self, nursery_pid: int, own_queued_s: Callable[[], float]) -> None:
        self._nursery_pid, self._read_own_queued_s = nursery_pid, own_queued_s
        self.processes = 0
        self.resident_mib = self.largest_mib = self.mapped_mib = self.faulted_mib = 0.0
        self.cpu_s = self.awake_s = self.looking_s = 0.0
        # By folder: seconds that the thread ran, and waited for a CPU.
        self._threads: dict[str, tuple[float, float]] = {}
        self._busiest: list[str] = []
        self._wait = _Wait()
        self._stolen_s: float | None = None
        self._own_queued_s = own_queued_s()
        self._known: dict[int, _Process] = {}  # at the last look
        self._ended_s: dict[int, float] = {}  # by parent: what its children that ended were seen to work
        self._loses = False

    @property
    def used_s(self) -> float:
        """Seconds of its time limit that it used: the larger of work and wall time, plus the looks' cost."""
        return max(self.cpu_s, self.awake_s) + self.looking_s

    def look(self, waited_s: float) -> None:
        """Add what it used since the last look.

        Args:
            waited_s: seconds since then in which an answer was waited for.
        """
        # First of all: a thread that wakes while this process has the CPU waits for it.
        states = "".join(map(_state, self._busiest))
        tree = processes.descendants(self._nursery_pid, zombies=True, below=1)
        started_s = time.thread_time()  # the list above takes as long as the host has processes
        threads: dict[str, tuple[float, float]] = {}
        known: dict[int, _Process] = {}
        self.processes = len(tree)
        self.cpu_s = self.resident_mib = self.largest_mib = self.mapped_mib = self.faulted_mib = 0.0
        for process in tree:
            try:
                stat = _stat(f"/proc/{process}/stat")
                parent, of_children_s = int(stat[1]), sum(map(int, stat[13:15])) / _TICKS
                self.cpu_s += sum(map(int, stat[11:15])) / _TICKS
                self.faulted_mib += sum(map(int, stat[7:11])) * _PAGE_MIB
                ran_s = 0.0
                for thread in os.listdir(f"/proc/{process}/task"):
                    folder = f"/proc/{process}/task/{thread}"
                    ran_ns, queued_ns = _read(f"{folder}/schedstat").split()[:2]
                    threads[folder] = int(ran_ns) * 1e-9, int(queued_ns) * 1e-9
                    ran_s += threads[folder][0]
                    if not self._busiest:  # the first look
                        states += stat[0]
                mapped, resident = map(int, _read(f"/proc/{process}/statm").split()[:2])
                self.mapped_mib += mapped * _PAGE_MIB
                self.resident_mib += resident * _PAGE_MIB
                self.largest_mib = max(self.largest_mib, resident * _PAGE_MIB)
                known[process] = _Process(parent, ran_s, of_children_s)
            except (OSError, ValueError, IndexError):
                continue  # it ended meanwhile
        # Who waits for the answer may have to wait for a CPU once it is there. That is the machine's doing,
        # too: if it was the candidate that had the CPU, its CPU seconds say so.
        before_s, self._own_queued_s = self._own_queued_s, self._read_own_queued_s()
        machine_s = self._queued_s(threads, waited_s, runnable="R" in states) + self._own_queued_s - before_s
        unseen_s = self._wait.seen_late_s
        parents = {process.parent for process in known.values()}
        if self._loses_children(known) or any(_forgets_children(process) for process in parents & tree):
            # Their children's work is added to nobody's, and who waits for a CPU may wait for those.
            machine_s, unseen_s, self.faulted_mib = 0.0, 0.0, float("inf")
        charged_s = waited_s - min(machine_s + self._stolen_since_s(), waited_s)
        self.awake_s += charged_s - unseen_s
        self._wait.charged(charged_s)
        self.looking_s += time.thread_time() - started_s

    def _loses_children(self, known: dict[int, _Process]) -> bool:
        """Return whether some child's work was added to nobody's when it ended: no flag tells of that.

        A child that is gone was waited for. Then its work, as far as it was seen, is in what its parent's
        children worked: at the next look, since it may have ended during this one.
        """
        self._loses = self._loses or any(
            ended_s > known[parent].of_children_s + _ROUNDED_S
            for parent, ended_s in self._ended_s.items()
            if parent in known
        )
        for number, child in self._known.items():
            if number not in known and child.parent in known:
                worked_s = self._ended_s.get(child.parent, 0.0) + child.ran_s + child.of_children_s
                self._ended_s[child.parent] = worked_s
        self._known = known
        return self._loses

    def _queued_s(self, threads: dict[str, tuple[float, float]], waited_s: float, *, runnable: bool) -> float:
        """Return the seconds since the last look in which the candidate as a whole waited for a CPU.

        As a whole it waits when some thread waits and none runs. The kernel tells how long each thread ran
        and waited, not when. The most is the sum of all waits; the least is the longest wait while no other
        ran. For many threads that wake together and sleep the rest of the time, the most is far too much. So
        the state at the moment of the look decides: the most counts if one of the busiest threads is ready to
        run just then. No candidate knows when that is.
        """
        ran_s = queued_s = 0.0
        ready_s: dict[str, float] = {}
        unchanged = bool(threads) and threads == self._threads
        for folder, (ran, queued) in threads.items():
            ran_before, queued_before = self._threads.get(folder, (0.0, 0.0))
            ran, queued = max(0.0, ran - ran_before), max(0.0, queued - queued_before)
            ran_s, queued_s, ready_s[folder] = ran_s + ran, queued_s + queued, ran + queued
        self._threads = threads
        self._busiest = sorted(ready_s, key=ready_s.__getitem__)[-_WATCHED:]
        longest_s = max(ready_s.values(), default=0.0)
        counted_s = self._wait.look(longest_s, unchanged=unchanged, runnable=runnable)
        if self._wait.whole:
            return waited_s
        queued_s, longest_s = queued_s - counted_s, longest_s - counted_s
        return max(0.0, min(queued_s, waited_s - ran_s) if runnable else longest_s - ran_s)

    def _stolen_since_s(self) -> float:
        before_s, self._stolen_s = self._stolen_s, _all_stolen_s()
        return 0.0 if before_s is None else self._stolen_s - before_s


class _Wait:
    """A wait for a CPU that looks fall into: the kernel adds it to the thread's waits when it is over.

    Attributes:
        whole: whether the candidate waited all the time between the last two looks.
        seen_late_s: seconds of the wait that were taken for the candidate's own at earlier looks.
    """

    def __init__(self) -> None:
        self.whole, self.seen_late_s = False, 0.0
        self._runnable = False
        self._looked_at_s = time.monotonic()
        self._counted_s = 0.0  # of the wait that goes on: what was seen as such
        self._charged_s = 0.0  # and what was not

    def look(self, longest_s: float, *, unchanged: bool, runnable: bool) -> float:
        """Take what a look saw; return the seconds of the kernel's numbers that were counted before.

        Args:
            longest_s: what one thread ran and waited since the last look, by the kernel, at most.
            unchanged: whether no thread ran, and no wait ended.
            runnable: whether a thread is ready to run.
        """
        passed_s = time.monotonic() - self._looked_at_s
        self._looked_at_s += passed_s
        self.whole, self._runnable = unchanged and runnable and self._runnable, runnable
        self.seen_late_s = 0.0
        if self.whole:
            self._counted_s += passed_s
        if unchanged:
            return 0.0
        # More than passed since the last look: the rest is from before.
        counted_s, before_s = self._counted_s, longest_s - passed_s - self._counted_s
        self.seen_late_s = max(0.0, min(before_s, self._charged_s))
        self._counted_s = self._charged_s = 0.0
        return counted_s

    def charged(self, seconds: float) -> None:
        """Remember what the candidate was charged at this look: it may have been a part of the wait."""
        self._charged_s = self._charged_s + seconds if self._runnable else 0.0


class _Process(NamedTuple):
    """A process at a look.

    Attributes:
        parent: its parent's number.
        ran_s: CPU seconds of its threads.
        of_children_s: CPU seconds of the children that it has waited for, and of theirs.
    """

    parent: int
    ran_s: float
    of_children_s: float


def _forgets_children(process: int) -> bool:
    """Whether a process ignores the end of its children: the kernel then adds their CPU time to nobody's."""
    try:
        for line in _read(f"/proc/{process}/status").splitlines():
            if line.startswith("SigIgn:"):
                return bool(int(line.split()[1], 16) >> (signal.SIGCHLD - 1) & 1)
    except (OSError, ValueError, IndexError):
        pass  # it ended meanwhile
    return False


def sockets_mib(streams: int | None = None, datagrams: int = 0) -> float:
    """Return what sockets may hold at most: so many, or, without a number, all in this network namespace.

    That is the kernel's memory, not a process's. A socket that waits to be accepted is no one's descriptor,
    but may be full all the same.
    """
    if streams is None:
        try:
            kinds = [line.split()[4] for line in _read("/proc/net/unix").splitlines()[1:]]
        except (OSError, IndexError):
            return 0.0
        datagrams = kinds.count("0002")
        streams = len(kinds) - datagrams
    return _SOCKET_MIB * (streams + _DATAGRAMS * datagrams)


def free_mib(folder: str) -> float:
    """Return the free space on a folder's disk for ordinary users; 0 if it has hardly a file left."""
    status = os.statvfs(folder)
    if status.f_files and status.f_favail < _FILES_LEAST:
        return 0.0
    return status.f_bavail * status.f_frsize / (1 << 20)


def _all_stolen_s() -> float:
    """Return the seconds that a virtual machine's host took from this process's CPUs; 0 if unknown."""
    try:
        lines = _read("/proc/stat").splitlines()
        names = {f"cpu{number}" for number in os.sched_getaffinity(0)}
        return sum(int(fields[8]) for line in lines if (fields := line.split())[0] in names) / _TICKS
    except (OSError, ValueError, IndexError):
        return 0.0


def own_wait() -> Callable[[], float]:
    """Return a function that tells how many seconds this thread has waited for a CPU; 0 if unknown."""
    fd = -1
    with contextlib.suppress(OSError):
        # Kept open: to open it takes longer than to read it.
        fd = os.open("/proc/thread-self/schedstat", os.O_RDONLY | os.O_CLOEXEC)

    def seconds() -> float:
        try:
            return int(os.pread(fd, 128, 0).split()[1]) * 1e-9
        except (OSError, ValueError, IndexError):
            return 0.0

    return seconds


def killed_for_memory() -> Callable[[], int]:
    """Return a function that tells how many processes the kernel ended because memory ran out; 0 if unknown.

    They are those of the whole machine, of any container on it.
    """
    fd = -1
    with contextlib.suppress(OSError):
        fd = os.open("/proc/vmstat", os.O_RDONLY | os.O_CLOEXEC)

    def number() -> int:
        try:
            return int(os.pread(fd, 1 << 14, 0).partition(b"\noom_kill ")[2].split(maxsplit=1)[0])
        except (OSError, ValueError, IndexError):
            return 0

    return number


def _state(folder: str) -> str:
    try:
        return _stat(f"{folder}/stat")[0]
    except (OSError, IndexError):
        return ""  # it ended meanwhile


def _stat(path: str) -> list[str]:
    """Return the fields after the name (a name may hold anything); the state comes first."""
    return _read(path).rpartition(")")[2].split()


def _read(path: str) -> str:
    # Without a file object, which costs ten times as much.
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = b""
        while more := os.read(fd, 1 << 14):
            data += more
    finally:
        os.close(fd)
    return data.decode("utf-8", "replace")
