"""The share of cases that hold, for programs that read input: each case tried, by itself.

A verdict needs no case after the first that does not hold, so these are programs of their own, judged
besides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from passk_tasks.judging.batch import Batch
from passk_tasks.judging.executor import Executor
from passk_tasks.program import Program, StdioTests
from passk_tasks.verdict import Outcome, Verdict

_KEPT = 64  # problems whose cases are kept one by one: as many as a training step asks for


def by_case(program: Program) -> list[Program]:
    """Return a program for each case of its tests; the program itself where they have none."""
    if not isinstance(program.tests, StdioTests):
        return [program]
    return [replace(program, tests=case) for case in _alone(program.tests)]


def share(outcomes: Sequence[Outcome]) -> float | None:
    """Return the share that passed; None where that is not known."""
    if not outcomes or any(outcome.verdict is Verdict.INFRA_ERROR for outcome in outcomes):
        return None
    return sum(outcome.passed for outcome in outcomes) / len(outcomes)


def shares(
    programs: Batch, outcomes: Sequence[Outcome | None], executor: Executor, *, progress: bool = False
) -> list[float | None]:
    """Return the share of cases that hold for each distinct program; None where it is not known.

    Args:
        programs: that were judged.
        outcomes: theirs, by number; of a program that passed, or has no verdict, nothing is run again.
        executor: runs the cases; the caller has entered it.
        progress: show a bar on standard error, if that is a terminal.
    """
    found = [None if outcome is None else share([outcome]) for outcome in outcomes]
    cases = [
        (number, case)
        for number, passed in enumerate(found)
        if passed == 0.0
        for case in by_case(programs.program(number))
    ]
    alone = Batch([case for _, case in cases])
    judged = dict(alone.run(executor, progress=progress, shuffle=True))
    of_program: dict[int, list[Outcome]] = {}
    for (number, _), place in zip(cases, alone.numbers.tolist(), strict=True):
        of_program.setdefault(number, []).append(judged[place])
    return [share(of_program[number]) if number in of_program else one for number, one in enumerate(found)]


@lru_cache(maxsize=_KEPT)
def _alone(tests: StdioTests) -> tuple[StdioTests, ...]:
    """Return the tests of each case alone."""
    alone = (StdioTests.of([case], comparison=tests.comparison) for case in tests.cases())
    return tuple(
        replace(tests, packed=one.packed, size=one.size, sha256=one.sha256, base=0, whole_times=None)
        for one in alone
    )
