"""An executor that runs no program whose outcome is known already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType

import numpy as np

from passk_tasks.judging.batch import Chosen
from passk_tasks.judging.executor import Executor
from passk_tasks.program import Confinement, Program
from passk_tasks.verdict import Machine, Outcome


class Known:
    """An `Executor` in front of another one.

    Args:
        executor: runs what is not known.
        outcomes: by the hash of the program, under the same confinement; read when programs are run.
        warnings: what the user must know about the layers under which these came about.
    """

    def __init__(
        self, executor: Executor, outcomes: Mapping[str, Outcome], warnings: tuple[str, ...] = ()
    ) -> None:
        self._executor, self._outcomes, self._warnings = executor, outcomes, warnings

    @property
    def confinement(self) -> Confinement:
        """That of the other one."""
        return self._executor.confinement

    @property
    def packages(self) -> Mapping[str, str]:
        """Those of the other one."""
        return self._executor.packages

    @property
    def layers(self) -> Mapping[str, bool]:
        """Those of the other one."""
        return self._executor.layers

    @property
    def warnings(self) -> tuple[str, ...]:
        """Those of the other one, and those of the known outcomes."""
        return tuple(dict.fromkeys((*self._warnings, *self._executor.warnings)))

    @property
    def machines(self) -> tuple[Machine, ...]:
        """Those of the other one."""
        return self._executor.machines

    def run(self, programs: Sequence[Program]) -> Iterator[tuple[int, Outcome]]:
        """Yield what is known at once, and the rest as the other one judges it."""
        left = []
        for number, program in enumerate(programs):
            if (outcome := self._outcomes.get(program.sha256)) is None:
                left.append(number)
            else:
                yield number, outcome
        for number, outcome in self._executor.run(
            Chosen(programs.__getitem__, np.array(left, dtype=np.int64))
        ):
            yield left[number], outcome

    def selftest(self, programs: Sequence[Program]) -> Iterator[tuple[int, Outcome]]:
        """Let the other one judge them all."""
        return self._executor.selftest(programs)

    def __enter__(self) -> Known:
        self._executor.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.__exit__(kind, error, trace)
