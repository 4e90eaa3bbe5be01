"""Programs that wait: for any worker, or, as suspects, for a fresh worker of their own."""

from __future__ import annotations

import collections
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from passk_tasks.program import Program
from passk_tasks.verdict import Verdict

PROBE = -1
"""The index of an empty program that shows whether a worker works."""
_AHEAD, _AHEAD_SIZE = 4096, 1 << 24  # programs, and characters of their code, that are read ahead
_MAX_DEATHS = 2  # of fresh workers, over a suspect or over the empty programs before it


class Suspects:
    """Programs during which a worker ended, and how often fresh workers ended over them."""

    def __init__(self) -> None:
        self._indices: collections.deque[int] = collections.deque()
        self._deaths: collections.Counter[tuple[int, bool]] = collections.Counter()

    def __bool__(self) -> bool:
        return bool(self._indices)

    def add(self, index: int) -> None:
        """Add a program, to be tried alone."""
        self._indices.append(index)

    def take(self) -> int:
        """Return the next one to try."""
        return self._indices.popleft()

    def verdict(self, first: int, *others: int) -> Verdict | None:
        """Return the verdict once a worker with these has ended; None if the suspect is tried again."""
        is_probe = first == PROBE
        suspect = others[0] if is_probe else first
        self._deaths[suspect, is_probe] += 1
        if self._deaths[suspect, is_probe] < _MAX_DEATHS:
            self.add(suspect)
            return None
        return Verdict.INFRA_ERROR if is_probe else Verdict.CRASHED


class Waiting:
    """Programs that no worker has yet, by their tests: each worker has to compile a problem's tests."""

    def __init__(self) -> None:
        self._suites: dict[int, int] = {}  # of programs without a verdict
        self._indices: dict[int, collections.deque[int]] = {}
        self._chosen: dict[Hashable, int] = {}
        self._fresh: collections.deque[int] = collections.deque()  # which no worker has had
        self._seen: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._indices)

    def add(self, index: int, suite: int) -> None:
        """Add a program by its position, with the number of its tests."""
        self._suites[index] = suite
        self._indices.setdefault(suite, collections.deque()).append(index)
        if suite not in self._seen:
            self._seen.add(suite)
            self._fresh.append(suite)

    def forget(self, index: int) -> None:
        """Forget a program that has a verdict."""
        del self._suites[index]

    def take(self, worker: Hashable) -> tuple[int, int]:
        """Return a program and the number of its tests.

        The tests are those that the worker has, else new ones, else those with the most programs left.
        """
        suite = self._chosen.get(worker)
        if suite not in self._indices:
            if self._fresh:
                suite = self._fresh.popleft()
            else:
                suite = max(self._indices, key=lambda number: len(self._indices[number]))
            self._chosen[worker] = suite
        index = self._indices[suite].popleft()
        if not self._indices[suite]:
            del self._indices[suite]
        return index, suite

    def put_back(self, indices: Iterable[int], *, last: bool = False) -> None:
        """Take back programs to be judged next, or after the others with their tests."""
        for index in indices:
            queue = self._indices.setdefault(self._suites[index], collections.deque())
            (queue.append if last else queue.appendleft)(index)


class Ahead:
    """The programs of a sequence that were read and have no verdict: few, however many there are.

    Args:
        programs: read in their order, each once.

    Attributes:
        held: by position.
    """

    def __init__(self, programs: Sequence[Program]) -> None:
        self.held: dict[int, Program] = {}
        self._programs = programs
        self._unread = self._size = 0

    @property
    def begun(self) -> bool:
        """Whether a program was read."""
        return self._unread > 0

    @property
    def next(self) -> Program:
        """The first program that was not read."""
        return self._programs[self._unread]

    def read(self, *, least: int, stops: Callable[[Program, bool], bool]) -> Iterator[tuple[int, Program]]:
        """Read on, and yield position and program.

        Args:
            least: programs that are held whatever their size.
            stops: whether a program, and whether others were read before it, must wait with all behind it.
        """
        while self._unread < len(self._programs) and (
            len(self.held) < least or (len(self.held) < _AHEAD and self._size < _AHEAD_SIZE)
        ):
            index, program = self._unread, self.next
            if stops(program, self.begun):
                return
            self._unread += 1
            self._size += len(program.code or "")
            self.held[index] = program
            yield index, program

    def drop(self, index: int) -> None:
        """Drop a program that has a verdict."""
        self._size -= len(self.held.pop(index).code or "")
