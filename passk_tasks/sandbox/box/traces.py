"""Traces by which one candidate could tell the next one something: notices or removes them."""

from __future__ import annotations

import _socket
import _thread
import fcntl
import math
import os
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from passk_tasks.sandbox.box import kernel
from passk_tasks.sandbox.box.ledger import Ledger, Taken

# The random number of steps is below: this many; so many times what a candidate used; and this if it used
# few.
_STIRRED_MOST, _STIRRED_TIMES, _STIRRED_LEAST = 1 << 18, 4, 8
# On average, stirring takes the candidate's CPU time at most: most of what it seems to have used is others',
# where those are busy.
_STIRRED_SHARE = 1.0
_TOLD_S = 0.05  # a candidate that used more may be followed by as long a stirring, which is told
_TRIED, _TIMED = 64, 16  # so many steps show whether a way to take numbers works, and what one costs
# CPU seconds that the start of a candidate may take, until one has taken less.
_START_S = 0.004
# A CPU takes so many numbers at a time. We begin the next ones if fewer are left: then what a candidate
# takes is hardly ever in two such ranges, which may lie far from each other.
_RANGE, _LEFT_LEAST = 1024, 128
_T = TypeVar("_T")
_CLOCK_REALTIME_COARSE = 5  # what the kernel gives files for times


class Numbers:
    """Numbers that the kernel counts up on each CPU for all processes: of pipes, or of shared mappings.

    Nothing sets them back. We move them on by a random amount that is larger than what the candidate moved
    them by, so that the next one can read little in them. How far they moved, less what other sandboxes say
    that they took, is only the most that the candidate can have used: other processes use some, too. A
    candidate needs CPU time for each, so stirring takes no more than that, on average.

    Args:
        read: takes one, and returns it.
        ways: each takes a number; the first that works is used, so the cheapest comes first.
        taken: what sandboxes take.
        begun: whether `begin` is called before each candidate; else it is enough that `stir` follows each.
    """

    def __init__(
        self,
        read: Callable[[], int],
        ways: Sequence[Callable[[], object]],
        taken: Taken,
        begun: bool = False,
    ) -> None:
        self._take_and_read, self._taken, self._begun, self._start_s = read, taken, begun, _START_S
        for way in ways:
            self._take, self._each_s, self._at = way, math.inf, self._read()
            for _ in range(_TRIED // _TIMED):
                self._move(_TIMED)
            if self._since(self._read()) > _TRIED:
                break
        self._at = self._read()

    def begin(self, number: int) -> None:
        """Note the last number that was taken before a candidate, and that the candidate sees it.

        So the next one gets others in any case: they would tell how many came before.
        """
        self._at = number - 1
        self._taken.begin()

    def taking(self, count: int, take: Callable[[], _T]) -> _T:
        """Take so many numbers by a call, and tell the other sandboxes."""
        self._taken.announce(count)
        got = take()
        self._taken.took()
        return got

    def _read(self) -> int:
        return self.taking(1, self._take_and_read)

    def stir(self, cpu_s: float) -> None:
        """Move the numbers on, after a candidate that used so many CPU seconds."""
        self._start_s = min(self._start_s, cpu_s)
        others = self._taken.others()  # first: what they take after it must not be subtracted
        number = self._read()
        if (moved := self._since(number) - 1 - others) > 0:  # somebody took some, perhaps the candidate
            affordable = int(2 * _STIRRED_SHARE * (cpu_s - self._start_s) / self._each_s)
            most = min(max(_STIRRED_LEAST, min(_STIRRED_TIMES * moved, affordable)), _STIRRED_MOST)
            count = int.from_bytes(os.urandom(4), "little") % most
            if -(number + count) % _RANGE <= _LEFT_LEAST:
                count += _LEFT_LEAST
            self.taking(count, lambda: self._move(count))
            if not self._begun:
                number = self._read()
        if not self._begun:
            self.begin(number + 1)

    def _since(self, number: int) -> int:
        return (number - self._at) % (1 << 32)

    def _move(self, count: int) -> None:
        started_s = time.thread_time()
        for _ in range(count):
            self._take()
        if count >= _TIMED:
            self._each_s = min(self._each_s, (time.thread_time() - started_s) / count)


def of_pipes(ledger: Ledger) -> Numbers:
    """Return the numbers of pipes and sockets; those of a candidate's channel are among them."""
    ways = (kernel.no_socket, kernel.no_pair_of_sockets, new_pipe)
    return Numbers(new_pipe, ways, ledger.kind(0), begun=True)


def of_shared_mappings(ledger: Ledger) -> Numbers:
    """Return the numbers of shared mappings and files in memory."""
    return Numbers(new_shared_file, (new_shared_file,), ledger.kind(1))


def new_pipe() -> int:
    """Make and close a pipe; return its number."""
    reading, writing = os.pipe()
    number = os.fstat(reading).st_ino
    os.close(reading)
    os.close(writing)
    return number


def new_shared_file() -> int:
    """Make and close a file in memory; return its number, which a shared mapping would have had."""
    fd = kernel.new_file_in_memory()
    number = os.fstat(fd).st_ino
    os.close(fd)
    return number


class Traces:
    """What candidates may leave behind: notices or removes it, on the tests' side, after each.

    Attributes:
        tell: called before what may take long.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.tell: Callable[[], object] = bool
        self._pipes, self._mappings = of_pipes(ledger), of_shared_mappings(ledger)
        self._scratch, self._output = Scratch(()), -1

    def adopt(self, descriptors: Sequence[int]) -> None:
        """Take a new zygote's descriptors: its folders, and the file for output. No candidate ran yet."""
        self._let_go()
        *folders, self._output = descriptors
        self._scratch = Scratch(folders)

    def begin(self) -> tuple[_socket.socket, _socket.socket]:
        """Note what a candidate finds; return the two ends of its channel, of which it gets the second.

        These are sockets without `socket`'s class, which asks the kernel once more what each is.
        """
        ours, theirs = self._pipes.taking(2, _socket.socketpair)
        self._pipes.begin(os.fstat(theirs.fileno()).st_ino)
        return ours, theirs

    def remove(self, cpu_s: float) -> bool:
        """Remove what a candidate left that used so many CPU seconds, and that has ended.

        Returns:
            Whether that was possible: else the next one needs another zygote.
        """
        if cpu_s > _TOLD_S:
            self.tell()
        self._pipes.stir(cpu_s)
        self._mappings.stir(cpu_s)
        if self._scratch.moved():
            self._let_go()
            return False
        self._scratch.touch()
        forget(self._output)
        return True

    def _let_go(self) -> None:
        for fd in (*self._scratch.folders, self._output):
            if fd >= 0:
                os.close(fd)
        self._scratch, self._output = Scratch(()), -1


class Scratch:
    """The folders that a candidate may write to, as descriptors.

    Nothing is cleaned here. A candidate that made a name in them, even for a moment, has changed a folder's
    times, and the next candidate gets other folders. The filter refuses files that never have a name
    (O_TMPFILE): their only trace would be the number of the next file.
    """

    def __init__(self, folders: Sequence[int]) -> None:
        self.folders = folders
        self._before: list[tuple[int, ...]] = []
        self.touch()
        # Before Linux 6.13, times do not show a change within the same tick of the clock.
        newest_s = max((os.stat(folder).st_ctime for folder in folders), default=0.0)
        while time.clock_gettime(_CLOCK_REALTIME_COARSE) <= newest_s:
            time.sleep(0.001)

    def touch(self) -> None:
        """Set the folders' times to now, so that they tell only when a candidate starts."""
        for folder in self.folders:
            os.utime(folder)
        self._before = self._states()

    def _states(self) -> list[tuple[int, ...]]:
        states = map(os.fstat, self.folders)
        return [(s.st_mtime_ns, s.st_ctime_ns, s.st_size, s.st_nlink) for s in states]

    def moved(self) -> bool:
        """Return whether a folder has changed since the start of the candidate."""
        return self._states() != self._before


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
