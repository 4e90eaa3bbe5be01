"""`passk plan`: how many samples a half-width needs."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.errors import UsageError
from passk_tasks.statistics.plan import Plan
from passk_tasks.statistics.rounding import decimal
from passk_tasks.text.terminal import BOLD, DIM, Page

_PROBLEMS = 164  # of HumanEval

_EPILOG = """\
With RUN, a pilot of at least 2k samples a problem, the plan uses how its problems and samples vary. With
--rate and --problems alone, it errs on the safe side for pass@1."""


def add_parser(commands: argparse._SubParsersAction[Any], what: str) -> None:
    """Add `plan` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help=what,
        description="Say how many samples a problem you need for a half-width of the 95 %% interval.",
        epilog=_EPILOG,
    )
    parser.add_argument("run_path", nargs="?", metavar="RUN", help="a stored run as the pilot")
    parser.add_argument("--task", help="take the run of this task")
    parser.add_argument("--k", type=int, default=1, metavar="K", help="budget of pass@k (default: 1)")
    parser.add_argument(
        "--half-width", type=float, required=True, metavar="W", help="wanted, e.g. 0.02 for ± 2 points"
    )
    parser.add_argument("--rate", type=float, metavar="P", help="expected pass@1, without a pilot")
    parser.add_argument("--problems", type=int, metavar="M", help="with --rate (default: 164)")


def run(options: argparse.Namespace) -> int:
    """Plan and print."""
    if (options.run_path is None) == (options.rate is None):
        raise UsageError("name a RUN as the pilot, or the expected pass@1 with --rate")
    if options.run_path is None:
        if options.task is not None:
            raise UsageError("--task goes with RUN: it says which of its runs is the pilot")
        problems = _PROBLEMS if options.problems is None else options.problems
        result = api.plan_from_rate(options.rate, problems, options.half_width, options.k)
    else:
        if options.problems is not None:
            raise UsageError("--problems goes with --rate: a pilot has problems of its own")
        pilot = api.load_run(options.run_path, options.task)
        result = api.plan_from_run(pilot, options.half_width, options.k)
    shared.show(options, result.as_dict(), partial(render, result))
    return 0


def render(plan: Plan, *, colour: bool = False, width: int | None = None) -> str:
    """Return the plan as text, without a final newline."""
    page = Page(colour=colour, width=width)
    page.line(f"pass@{plan.k} near {decimal(plan.value)} within ± {plan.half_width:g}", BOLD)
    page.line()
    samples = "no number of samples is enough" if plan.samples is None else f"n = {plan.samples:,}"
    needed = "more than ten million" if plan.problems_needed is None else f"{plan.problems_needed:,}"
    page.facts(
        [
            ("over samples", f"{samples} for each of the {plan.problems:,} problems"),
            *_topped_up(plan),
            ("over problems", f"± {plan.over_problems:.4f} with those, and never below ± {plan.floor:.4f}"),
            ("problems", f"{needed} would be needed for ± {plan.half_width:g} over problems"),
        ]
    )
    page.line()
    page.text("Over samples: if these problems were asked again; over problems: if others were.", DIM)
    return str(page)


def _topped_up(plan: Plan) -> list[tuple[str, str]]:
    """Return what the setting `top_up` would ask for instead."""
    if plan.topped_up is None or plan.samples is None:
        return []
    scouts = f", {plan.scouts} of each problem scouts that do not count" if plan.scouts else ""
    fixed = plan.problems * plan.samples
    text = f"passk.top_up would ask for some {plan.topped_up:,} samples in all, not {fixed:,}{scouts}"
    return [("or topped up", text)]
