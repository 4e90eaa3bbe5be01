"""Programs that wait: for any worker, or, as suspects, for a fresh worker of their own."""

from __future__ import annotations

import collections
from collections.abc import Hashable, Iterable, Mapping

from passk_tasks.verdict import Verdict

PROBE = -1
"""The index of an empty program that shows whether a worker works."""
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
    """Programs that no worker has yet, by their tests: each worker has to compile a problem's tests.

    Args:
        suites: the number of each program's tests, by the program's position.
    """

    def __init__(self, suites: Mapping[int, int]) -> None:
        self._suites = suites
        self._indices: dict[int, collections.deque[int]] = {}
        self._chosen: dict[Hashable, int] = {}
        for index, suite in suites.items():
            self._indices.setdefault(suite, collections.deque()).append(index)
        self._fresh = collections.deque(self._indices)

    def __bool__(self) -> bool:
        return bool(self._indices)

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

    def put_back(self, indices: Iterable[int]) -> None:
        """Take back programs that a worker did not finish."""
        for index in indices:
            self._indices.setdefault(self._suites[index], collections.deque()).appendleft(index)
