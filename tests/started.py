"""Sandboxes that tests share: a start takes a fifth of a second of CPU, a program milliseconds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any, ClassVar

from passk_tasks.judging.executor import Executor, local
from passk_tasks.program import Confinement, Limits, Program
from passk_tasks.sandbox import supervisor, worker
from passk_tasks.sandbox.supervisor import Sandbox
from passk_tasks.verdict import Outcome

_stack = ExitStack()
_started: dict[tuple[Limits, int], Executor] = {}


def sandbox(limits: Limits | None = None, workers: int = 1) -> Executor:
    """Return the sandbox with these limits, entered; `close` ends it after the last test of the file."""
    key = limits or Limits(), workers
    if key not in _started:
        _started[key] = _stack.enter_context(local(Confinement(key[0]), workers))
    return _started[key]


def close() -> None:
    """End what `sandbox` started."""
    _started.clear()
    _stack.close()


class Kept:
    """A `Sandbox` that goes on after its last exit: the next one that is asked for the same is it.

    conftest.py names the modules whose tests look at the start or the end of sandboxes: they have their own.
    """

    _MOST = 6
    _idle: ClassVar[list[tuple[object, Sandbox]]] = []

    def __init__(self, confinement: Confinement, workers: int = 0, *, hidden: Sequence[str]) -> None:
        self._sandbox = Sandbox(confinement, workers, hidden=hidden)
        # Tests change how workers are started, and where.
        packages = self._sandbox._surroundings.packages
        start = supervisor._WAYS[confinement.mode], worker._BOOT, worker._make_groups, tempfile.gettempdir()
        self._key = confinement, self._sandbox.workers, hidden, packages.folders, packages.shown, *start
        self._entered = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sandbox, name)

    def run(self, programs: Sequence[Program]) -> Iterator[tuple[int, Outcome]]:
        """As `Sandbox.run`."""
        return self._sandbox.run(programs)

    def __enter__(self) -> Kept:
        self._entered += 1
        if self._entered == 1:
            place = next((i for i, (key, _) in enumerate(self._idle) if key == self._key), None)
            self._sandbox = self._sandbox.__enter__() if place is None else self._idle.pop(place)[1]
        return self

    def __exit__(self, *error: object) -> None:
        self._entered -= 1
        if self._entered:
            return
        if any(worker.held for worker in self._sandbox._pool):  # it was left while it judged
            self._sandbox.close()
        else:
            self._idle.append((self._key, self._sandbox))
        while len(self._idle) > self._MOST:
            self._idle.pop(0)[1].close()

    @classmethod
    def end(cls) -> None:
        """End all that are idle."""
        while cls._idle:
            cls._idle.pop()[1].close()
