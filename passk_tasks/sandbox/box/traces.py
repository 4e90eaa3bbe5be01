"""Traces by which one candidate could tell the next one something: notices or removes them."""

from __future__ import annotations

import _thread
import fcntl
import math
import os
import time
from collections.abc import Callable

# The random number of steps is below: this many; so many times what a candidate used; and this if it used
# few.
_STIRRED_MOST, _STIRRED_TIMES, _STIRRED_LEAST = 1 << 18, 4, 24
# CPU seconds that the start of a candidate may take, until one has taken less.
_START_S = 0.004
_CLOCK_REALTIME_COARSE = 5  # what the kernel gives files for times


class Numbers:
    """Numbers that the kernel counts up on each CPU for all processes: of pipes, or of shared mappings.

    Nothing sets them back. We move them on by a random amount that is larger than what the candidate moved
    them by, so that the next one can read little in them. How far they moved is only the most that the
    candidate can have used: a CPU takes numbers by the thousand, and other processes use them, too. A
    candidate needs CPU time for each, so stirring takes a few times its CPU time at most.

    Args:
        take: takes so many numbers, one after another, and returns the last one.
    """

    def __init__(self, take: Callable[[int], int]) -> None:
        self._take, self._at = take, take(1)
        self._start_s, self._each_s = _START_S, math.inf

    def stir(self, cpu_s: float) -> None:
        """Move the numbers on, after a candidate that used so many CPU seconds."""
        self._start_s = min(self._start_s, cpu_s)
        started_s = time.thread_time()
        number = self._take(1)
        self._each_s = min(self._each_s, max(time.thread_time() - started_s, 1e-7))
        moved = (number - self._at) % (1 << 32)
        if moved > 1:  # somebody else took some
            possible = int((cpu_s - self._start_s) / self._each_s)
            most = min(max(_STIRRED_LEAST, _STIRRED_TIMES * min(moved, possible)), _STIRRED_MOST)
            if count := int.from_bytes(os.urandom(4), "little") % most:
                number = self._take(count)
        self._at = number


def new_pipes(count: int) -> int:
    """Make and close `count` pipes; return the number of the last one."""
    number = 0
    for left in reversed(range(count)):
        reading, writing = os.pipe()
        if not left:
            number = os.fstat(reading).st_ino
        os.close(reading)
        os.close(writing)
    return number


class Scratch:
    """The folders that a candidate may write to.

    Nothing is cleaned here. A candidate that made a name in them, even for a moment, has changed a folder's
    times, and the next candidate gets other folders. The filter refuses files that never have a name
    (O_TMPFILE): their only trace would be the number of the next file.
    """

    def __init__(self, folders: tuple[str, ...]) -> None:
        self.folders = folders
        self._before: list[tuple[int, ...]] = []
        self.touch()
        # Before Linux 6.13, times do not show a change within the same tick of the clock.
        newest_s = max(os.stat(folder).st_ctime for folder in folders)
        while time.clock_gettime(_CLOCK_REALTIME_COARSE) <= newest_s:
            time.sleep(0.001)

    def touch(self) -> None:
        """Set the folders' times to now, so that they tell only when a candidate starts."""
        for folder in self.folders:
            os.utime(folder)
        self._before = self._states()

    def _states(self) -> list[tuple[int, ...]]:
        states = map(os.stat, self.folders)
        return [(s.st_mtime_ns, s.st_ctime_ns, s.st_size, s.st_nlink) for s in states]

    def moved(self) -> bool:
        """Return whether a folder has changed since the start of the candidate."""
        return self._states() != self._before

    def gone(self) -> bool:
        """Return whether somebody removed the working folder."""
        return not os.path.exists(self.folders[0])  # asks for the path only: a candidate may have locked it


class Network:
    """The counters and tables of the network namespace that candidates reach themselves through.

    To be made before `/proc` tells of candidates alone. A candidate that sent anything, if only to an address
    that nobody has, moved a counter, and the next candidate gets another namespace.
    """

    _COUNTERS = ("dev", "snmp", "netstat", "snmp6")
    _TABLES = ("unix", "tcp", "tcp6")

    def __init__(self) -> None:
        self.descriptors: dict[str, int] = {}
        for name in (*self._COUNTERS, *self._TABLES):
            try:
                self.descriptors[name] = os.open(f"/proc/self/net/{name}", os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                continue  # a kernel without IPv6
        self.touch()

    def table(self, name: str) -> list[str]:
        """Return the lines of a table without its head; none where the kernel has no such table."""
        fd = self.descriptors.get(name)
        text = b""
        while fd is not None and (more := os.pread(fd, 1 << 16, len(text))):
            text += more
        return text.decode("ascii", "replace").splitlines()[1:]

    def touch(self) -> None:
        """Note the counters as a candidate finds them."""
        self._before = self._counters()

    def moved(self) -> bool:
        """Return whether a counter has changed since then."""
        return self._counters() != self._before

    def _counters(self) -> list[list[str]]:
        return [self.table(name) for name in self._COUNTERS]


def skip_process_numbers() -> int:
    """Use up a few process numbers, at random, by threads that end at once; return how many."""
    count = os.urandom(1)[0] % 8
    before = _thread.stack_size(1 << 16)  # small: the C library keeps the stacks, in every candidate
    for _ in range(count):
        ended = _thread.allocate_lock()
        ended.acquire()
        _thread.start_new_thread(ended.release, ())
        ended.acquire()
    _thread.stack_size(before)
    return count


def forget(output: int) -> None:
    """Reset the file for output: its content, position, flags, owner of signals, mode and times."""
    os.ftruncate(output, 0)
    os.lseek(output, 0, os.SEEK_SET)
    fcntl.fcntl(output, fcntl.F_SETFL, os.O_APPEND)
    fcntl.fcntl(output, fcntl.F_SETOWN, 0)
    os.fchmod(output, 0o600)
    os.utime(output, (0, 0))


def nameless_file(folder: str) -> int:
    """Return a descriptor of a new file without a name, to append to and to read."""
    flags = os.O_RDWR | os.O_APPEND
    try:
        return os.open(folder, flags | os.O_TMPFILE, 0o600)
    except OSError:  # not on every file system: a container's overlay before Linux 6.1, network disks
        path = os.path.join(folder, f".{os.urandom(8).hex()}")
        fd = os.open(path, flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        os.unlink(path)
        return fd
