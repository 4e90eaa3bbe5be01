"""`passk audit`: what the tests of a benchmark are worth."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.audit.audit import Audit, ProblemAudit, facts, share
from passk_tasks.cli import options as shared
from passk_tasks.text.terminal import GREEN, RED, YELLOW, Page

_EPILOG = """\
Some mutants are right all the same (`i < n` and `i != n` may never differ), so that no benchmark catches all
of them. The share is for comparing tests, base with plus tests, or one benchmark with another; and the
survivors show where tests look away.

exit codes: 0 done, 1 a reference solution does not pass, 2 a mistake in the arguments or the data, 3 no
sandbox of the wanted strength on this host"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `audit` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help="what the tests of a benchmark are worth",
        description="Run reference solutions, bodies that ignore the problem, and references with one small "
        "mistake in each through the tests of a task.",
        epilog=_EPILOG,
    )
    parser.add_argument("task", metavar="TASK", help="the task, see `passk tasks`")
    parser.add_argument(
        "--mutants", default="20", metavar="N", help="mutants a problem at most (default: 20)"
    )
    parser.add_argument("--problems", metavar="N", help="only the first N problems")
    parser.add_argument("--seed", default="0", metavar="N", help="of the choice of mutants (default: 0)")
    parser.add_argument(
        "--show", default="10", metavar="N", help="problems with the weakest tests to show (default: 10)"
    )
    shared.add_set(parser)


def run(options: argparse.Namespace) -> int:
    """Audit and print; 1 where a reference does not pass."""
    problems = None
    if options.problems is not None:
        problems = shared.whole_number("--problems", options.problems, least=1)
    mutants, seed, show = (
        shared.whole_number(f"--{name}", getattr(options, name)) for name in ("mutants", "seed", "show")
    )
    found = api.audit_task(
        options.task,
        shared.assignments(options.set),
        mutants=mutants,
        problems=problems,
        seed=seed,
        progress=sys.stderr.isatty(),
    )
    shared.show(options, found.as_dict(), partial(render, found, show=show))
    return 1 if found.failing else 0


def render(found: Audit, *, show: int, colour: bool = False, width: int | None = None) -> str:
    """Return the audit as text: the whole, references that fail, trivial passes, the weakest problems."""
    page = Page(colour=colour, width=width)
    page.line(found.task)
    page.gap()
    page.facts(facts(found.as_dict()))
    if found.without_reference:
        page.text(f"{found.without_reference} problems have no reference solution and are left out", YELLOW)
    if found.infra_errors:
        page.text(f"{found.infra_errors} programs have no verdict (infra_error) and are left out", YELLOW)
    if found.failing:
        page.gap()
        page.line("references that do not pass", RED)
        for problem in found.failing:
            assert problem.reference is not None
            outcome = problem.reference.outcome
            page.text(f"{problem.task_id}: {outcome.verdict}: {outcome.detail}", indent=2, hang=2)
    if trivial := [problem for problem in found.problems if problem.trivial_passes]:
        page.gap()
        page.line("problems that a body passes which ignores them", RED)
        for problem in trivial:
            bodies = ", ".join(trial.what for trial in problem.trivial_passes)
            page.text(f"{problem.task_id}: {bodies}", indent=2, hang=2)
    _weakest(page, found, show)
    return str(page)


def _weakest(page: Page, found: Audit, show: int) -> None:
    weak = [problem for problem in found.problems if problem.survivors]
    weak.sort(key=lambda problem: problem.caught or 0.0)
    page.gap()
    if not weak:
        if any(problem.mutants for problem in found.problems):
            page.line("no mutant survives", GREEN)
        return
    if not show:
        return
    with_base = found.base_caught is not None
    page.line(f"the weakest tests: {min(show, len(weak))} of {len(weak)} problems with survivors")
    head = ["problem", "mutants", "caught", *(["base"] if with_base else [])]
    page.table(head, [_row(problem, with_base) for problem in weak[:show]], "l" + "r" * (len(head) - 1))
    page.gap()
    page.line("survivors")
    for problem in weak[:show]:
        page.line(f"  {problem.task_id}")
        for trial in problem.survivors:
            page.text(trial.what, indent=4, hang=2)


def _row(problem: ProblemAudit, with_base: bool) -> list[str]:
    row = [problem.task_id, str(len(problem.mutants)), share(problem.caught)]
    return [*row, share(problem.base_caught)] if with_base else row
