"""A right and a wrong program, judged before anything rests on the sandbox."""

from __future__ import annotations

import itertools

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Dataset
from passk_tasks.benchmarks.contests import LINES
from passk_tasks.judging import batch
from passk_tasks.program import Judge, Program, StdioTests, Tests
from passk_tasks.tasks.catalog import TaskSpec

_SELFTESTS = 3  # references that are tried before they are named as wrong


def selftest(spec: TaskSpec, dataset: Dataset) -> tuple[str, ...]:
    """Judge a right and a wrong program under the task's own limits, before anything rests on the sandbox.

    They are this package's own, one pair for each judge that the problems need: a dataset's own solution may
    be wrong. Of those, up to three are tried until one passes; what is returned names them where none does.

    Raises:
        SandboxError: no sandbox of the wanted strength, or a wrong verdict for either program.
    """
    settings = spec.settings
    benchmark = benchmarks.get(settings.benchmark)
    problems = [p for p in dataset.problems.values() if p.task_id not in dataset.left_out]
    for judge in dict.fromkeys(benchmark.judge_of(problem, settings.judge) for problem in problems):
        right, wrong = (Program("selftest", code, tests, judge) for tests, code in _selftests(judge))
        batch.selftest(
            right,
            wrong,
            limits=settings.limits(),
            sandbox=settings.sandbox,
            packages=settings.packages,
        )
    if benchmark.own_problems or settings.judge is Judge.STDIO:  # tried one by one; or slow, or missing
        return ()
    canonicals = ((problem, benchmark.canonical(problem)) for problem in problems)
    failed = []
    for problem, code in itertools.islice(((p, c) for p, c in canonicals if c is not None), _SELFTESTS):
        nothing = f"def {problem.entry_point}(*args, **kwargs):\n    return None\n"
        judged = batch.judge(
            [benchmark.program(problem, code, settings.judge) for code in (code, nothing)],
            limits=settings.limits(),
            sandbox=settings.sandbox,
            workers=1,
            packages=settings.packages,
        )
        reference, empty = judged.outcomes
        if empty.passed:
            return (f"a function that only returns None passes the tests of {problem.task_id}",)
        if reference.passed:
            return ()
        failed.append(f"{problem.task_id} ({reference.verdict}: {reference.detail:.120})")
    if not failed:
        return ()
    return (
        f"no reference solution that was tried passes its own tests, though the sandbox judges rightly: "
        f"{', '.join(failed)}; the reference or the tests are wrong, or a limit was set too low",
    )


_NEXT = StdioTests.of([("1\n", "2\n"), ("5\n", "6\n")], comparison=LINES)
_NEXT_FUNCTION = Tests("assert following(1) == 2\nassert following(5) == 6\n", ("following",))


def _selftests(judge: Judge) -> tuple[tuple[Tests | StdioTests, str], ...]:
    """Return a right and a wrong program for a judge, each after its tests."""
    if judge is Judge.STDIO:
        return (_NEXT, "print(int(input()) + 1)\n"), (_NEXT, "print(2)\n")
    right, wrong = (f"def following(x):\n    return {result}\n" for result in ("x + 1", "2"))
    return (_NEXT_FUNCTION, right), (_NEXT_FUNCTION, wrong)
