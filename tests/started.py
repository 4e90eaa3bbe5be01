"""Sandboxes that a file of tests starts once: a start takes 0.1 s of CPU, a program milliseconds."""

from __future__ import annotations

from contextlib import ExitStack

from passk_tasks.judging.executor import Executor, local
from passk_tasks.program import Confinement, Limits

_stack = ExitStack()
_started: dict[tuple[Limits, int], Executor] = {}


def sandbox(limits: Limits | None = None, workers: int = 1) -> Executor:
    """Return the sandbox with these limits, entered; `close` ends it after the last test of the file."""
    key = limits or Limits(), workers
    if key not in _started:
        _started[key] = _stack.enter_context(local(Confinement(key[0]), workers))
    return _started[key]


def close() -> None:
    """End what was started."""
    _started.clear()
    _stack.close()
