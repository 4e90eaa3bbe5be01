"""What one candidate could tell the next one, and how that is noticed or undone."""

from __future__ import annotations

import _thread
import fcntl
import math
import os
import time
from collections.abc import Callable

# By how many numbers to go on at random: at most, by how many times those that a candidate used, and
# where it used few.
_STIRRED_MOST, _STIRRED_TIMES, _STIRRED_LEAST = 1 << 18, 4, 24
# CPU seconds that the start of a candidate may take, where none has shown that it takes less.
_START_S = 0.004
_CLOCK_REALTIME_COARSE = 5  # what the kernel gives files for times


class Numbers:
    """Numbers that the kernel counts up for each CPU, for everybody: pipes and sockets, shared mappings.

    Nothing sets them back. They are moved on by a random amount that is larger than what a candidate moved
    them by, so that the next one can read little in them. How far they moved says only how much it may have
    been: a CPU takes numbers by the thousand, those of other CPUs lie between, and others stir too.
    What a candidate can have taken it had the CPU time for, and stirring takes a few times that at most.

    Args:
        take: takes so many numbers, one after the other, and returns the last one.
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
        if moved > 1:  # not by our own look alone
            possible = int((cpu_s - self._start_s) / self._each_s)
            most = min(max(_STIRRED_LEAST, _STIRRED_TIMES * min(moved, possible)), _STIRRED_MOST)
            if count := int.from_bytes(os.urandom(4), "little") % most:
                number = self._take(count)
        self._at = number


def new_pipes(count: int) -> int:
    """Make pipes, let go of each and return the number of the last one."""
    number = 0
    for left in reversed(range(count)):
        reading, writing = os.pipe()
        if not left:
            number = os.fstat(reading).st_ino
        os.close(reading)
        os.close(writing)
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


def skip_process_numbers() -> int:
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


def forget(output: int) -> None:
    """Make the file for output as it was: its content, place, flags, mode and times."""
    os.ftruncate(output, 0)
    os.lseek(output, 0, os.SEEK_SET)
    fcntl.fcntl(output, fcntl.F_SETFL, os.O_APPEND)
    fcntl.fcntl(output, fcntl.F_SETOWN, 0)
    os.fchmod(output, 0o600)
    os.utime(output, (0, 0))


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
