"""`passk audit`: how good the tests of a benchmark are."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.audit.audit import Audit, facts, share
from passk_tasks.cli import options as shared
from passk_tasks.text.terminal import GREEN, RED, YELLOW, Page

_EPILOG = """\
Some mutants are still right (`i < n` and `i != n` may never differ), so no benchmark catches all of them. Use
the share to compare tests: base with plus tests, or one benchmark with another. The survivors show what the
tests do not check.

exit codes: 0 done, 1 a reference solution does not pass, 2 a mistake in the arguments or the data, 3 this
host cannot give the sandbox asked for"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `audit` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help="how good the tests of a benchmark are",
        description="Run a task's tests on its reference solutions, on bodies that ignore the problem, and "
        "on mutants: references with one small mistake each.",
        epilog=_EPILOG,
    )
    parser.add_argument("task", metavar="TASK", help="the task, see `passk tasks`")
    parser.add_argument(
        "--mutants", default="20", metavar="N", help="at most N mutants for each problem (default: 20)"
    )
    parser.add_argument(
        "--references", action="store_true", help="try the reference solutions alone: minutes for a whole set"
    )
    parser.add_argument(
        "--out", metavar="FILE", help="keep each outcome in FILE as it comes; a killed audit goes on with it"
    )
    parser.add_argument("--problems", metavar="N", help="only the first N problems")
    parser.add_argument("--seed", default="0", metavar="N", help="seed that chooses mutants (default: 0)")
    parser.add_argument(
        "--show", default="10", metavar="N", help="show the N problems with the weakest tests (default: 10)"
    )
    shared.add_set(parser)


def run(options: argparse.Namespace) -> int:
    """Audit and print; return 1 if a reference does not pass."""
    problems = None
    if options.problems is not None:
        problems = shared.whole_number("--problems", options.problems, least=1)
    mutants, seed, show = (
        shared.whole_number(f"--{name}", getattr(options, name)) for name in ("mutants", "seed", "show")
    )
    audit = api.audit_task(
        options.task,
        shared.assignments(options.set),
        mutants=mutants,
        problems=problems,
        seed=seed,
        references=options.references,
        out=options.out,
        progress=sys.stderr.isatty(),
    )
    shared.show(options, audit.as_dict(), partial(render, audit, show=show))
    return 1 if audit.failing else 0


def render(audit: Audit, *, show: int, colour: bool = False, width: int | None = None) -> str:
    """Return the audit as text: totals, references that fail, trivial passes, the weakest problems."""
    page = Page(colour=colour, width=width)
    page.line(audit.task)
    page.gap()
    page.facts(facts(audit.as_dict()))
    if audit.without_reference:
        page.text(f"{audit.without_reference} problems have no reference solution and are left out", YELLOW)
    if audit.kept:
        page.text(f"{audit.kept} outcomes are from the file of --out", YELLOW)
    if audit.infra_errors:
        page.text(f"{audit.infra_errors} programs have no verdict (infra_error) and are left out", YELLOW)
    if audit.failing:
        page.gap()
        page.line("references that do not pass", RED)
        for problem in audit.failing:
            assert problem.reference is not None
            outcome = problem.reference.outcome
            page.text(f"{problem.task_id}: {outcome.verdict}: {outcome.detail}", indent=2, hang=2)
    if trivial := [problem for problem in audit.problems if problem.trivial_passes]:
        page.gap()
        page.line("problems that a body passes although it ignores them", RED)
        for problem in trivial:
            bodies = ", ".join(trial.what for trial in problem.trivial_passes)
            page.text(f"{problem.task_id}: {bodies}", indent=2, hang=2)
    _weakest(page, audit, show)
    return str(page)


def _weakest(page: Page, audit: Audit, show: int) -> None:
    weak = [problem for problem in audit.problems if problem.survivors]
    weak.sort(key=lambda problem: problem.caught or 0.0)
    page.gap()
    if not weak and any(problem.mutants for problem in audit.problems):
        page.line("no mutant survives", GREEN)
    if not weak or not show:
        return
    page.line(f"the weakest tests: {min(show, len(weak))} of {len(weak)} problems with survivors")
    columns = 4 if audit.base_caught is not None else 3
    rows = [(p.task_id, str(len(p.mutants)), share(p.caught), share(p.base_caught)) for p in weak[:show]]
    head = ("problem", "mutants", "caught", "base")[:columns]
    page.table(head, [row[:columns] for row in rows], "lrrr"[:columns])
    page.gap()
    page.line("survivors")
    for problem in weak[:show]:
        page.line(f"  {problem.task_id}")
        for trial in problem.survivors:
            page.text(trial.what, indent=4, hang=2)
