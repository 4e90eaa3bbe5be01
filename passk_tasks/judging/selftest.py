"""Tries a right and a wrong program for each way of judging, so that its verdicts can be trusted."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Dataset
from passk_tasks.benchmarks.contests import LINES
from passk_tasks.errors import SandboxError, SelftestError
from passk_tasks.judging import batch
from passk_tasks.judging.executor import Executor, executor_for
from passk_tasks.languages.examples import EXAMPLES as IN_LANGUAGES
from passk_tasks.program import CommandTests, Judge, Program, StdioTests, Tests
from passk_tasks.tasks.catalog import TaskSpec

_REFERENCES = 3  # tried before the warning that none passes

_FUNCTION = Tests("assert following(1) == 2\nassert following(5) == 6\n", ("following",))
_CASES = StdioTests.of([("1\n", "2\n"), ("5\n", "6\n")], comparison=LINES)
_RIGHT, _WRONG = (f"def following(x):\n    return {result}\n" for result in ("x + 1", "2"))

# Not from a dataset, since its references may be wrong.
EXAMPLES = {
    Judge.ISOLATED: tuple(Program("selftest", code, _FUNCTION, Judge.ISOLATED) for code in (_RIGHT, _WRONG)),
    Judge.SCRIPT: tuple(Program("selftest", code, _FUNCTION, Judge.SCRIPT) for code in (_RIGHT, _WRONG)),
    Judge.STDIO: tuple(
        Program("selftest", code, _CASES) for code in ("print(int(input()) + 1)\n", "print(2)\n")
    ),
}
"""For each way of judging, a program that must pass and one that must not."""


def require(programs: Iterable[Program], executor: Executor) -> None:
    """Judge the examples of each way of judging that these programs need.

    Raises:
        SelftestError: a right program does not pass.
        SandboxError: the sandbox does not start, or a wrong program passes.
    """
    ways = dict.fromkeys(map(_examples, programs))
    right, wrong = ([way[number] for way in ways] for number in (0, 1))
    with executor:
        outcomes = list(executor.selftest([*right, *wrong]))
    for index, outcome in sorted(outcomes, key=lambda item: item[0]):
        if index < len(right) and not outcome.passed:
            raise SelftestError(
                f"the sandbox fails a right program (judge {_way(right[index])}: {outcome.verdict}, "
                f"{outcome.detail}): no verdict of this host could be trusted. If the limits were lowered, "
                "raise them."
            )
        if index >= len(right) and outcome.passed:
            raise SandboxError(
                f"the sandbox passes a wrong program (judge {_way(wrong[index - len(right)])}): "
                "no verdict of this host could be trusted"
            )


def _way(program: Program) -> str:
    """Return the judge, with the language where there is one."""
    language = f" of {program.tests.language}" if isinstance(program.tests, CommandTests) else ""
    return f"{program.judge}{language}"


def _examples(program: Program) -> tuple[Program, ...]:
    """Return the examples of a program's way of judging: a right one and a wrong one."""
    if not isinstance(program.tests, CommandTests):
        return EXAMPLES[program.judge]
    language = program.tests.language
    example = IN_LANGUAGES[language]
    tests = CommandTests(language, example.tests)
    return tuple(Program("selftest", code, tests) for code in (example.right, example.wrong))


def of_task(
    spec: TaskSpec,
    dataset: Dataset,
    asked: Collection[str] | None = None,
    executor: Executor | None = None,
) -> tuple[str, ...]:
    """Try the examples of each way that judges a task's problems, then up to three of its references.

    `asked` has the task_ids at hand, None for all; the executor is this host's sandbox where None.

    Returns:
        A warning if no reference passes, or if a function that returns None does; else nothing.

    Raises:
        SandboxError: this host cannot give the sandbox asked for, or an example got a wrong verdict.
    """
    place = spec.settings.judge.place
    benchmark = benchmarks.get(spec.settings.benchmark)
    executor = executor or executor_for(spec.settings, workers=1)
    problems = [p for p in dataset.problems.values() if p.task_id not in dataset.skipped]
    at_hand = (p for p in problems if asked is None or p.task_id in asked)
    with executor:
        require((benchmark.program(problem, None, place) for problem in at_hand), executor)
        # `trial.references` tries those of own problems; those of contests are slow or missing.
        if benchmark.own_problems or StdioTests in benchmark.kinds:
            return ()
        canonicals = ((problem, benchmark.canonical(problem)) for problem in problems)
        failed = []
        for problem, code in itertools.islice(((p, c) for p, c in canonicals if c is not None), _REFERENCES):
            nothing = f"def {problem.entry_point}(*args, **kwargs):\n    return None\n"
            pair = [benchmark.program(problem, body, place) for body in (code, nothing)]
            reference, empty = batch.judge(pair, executor).outcomes
            if empty.passed:
                return (f"a function that only returns None passes the tests of {problem.task_id}",)
            if reference.passed:
                return ()
            failed.append(f"{problem.task_id} ({reference.verdict}: {reference.detail:.120})")
    if not failed:
        return ()
    return (
        f"no reference solution that was tried passes its own tests, though the sandbox judges rightly: "
        f"{', '.join(failed)}; the references or the tests are wrong, or a limit was set too low",
    )
