"""`passk plan`: how many samples a wanted half-width takes."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from passk_tasks.cli import options as shared
from passk_tasks.errors import UsageError
from passk_tasks.results import joining
from passk_tasks.statistics import plan
from passk_tasks.statistics.plan import Plan
from passk_tasks.text.terminal import BOLD, DIM, Page, colour_wanted, width_of

_EPILOG = """\
With RUN, a pilot of at least 2k samples a problem, the plan goes by how its problems and samples vary.
Without, by --rate and --problems, it is on the safe side for pass@1."""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `plan` to the commands."""
    parser = commands.add_parser(
        "plan",
        help="how many samples a problem a wanted half-width takes",
        description="Say how many samples a problem the wanted half-width of the 95 %% interval takes.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run_path", nargs="?", metavar="RUN", help="a stored run as the pilot")
    parser.add_argument("--task", help="take the run of this task")
    parser.add_argument("--k", type=int, default=1, metavar="K", help="budget of pass@k (default: 1)")
    parser.add_argument(
        "--half-width", type=float, required=True, metavar="W", help="wanted, e.g. 0.02 for ± 2 points"
    )
    parser.add_argument("--rate", type=float, metavar="P", help="expected pass@1, without a pilot")
    parser.add_argument("--problems", type=int, default=164, metavar="M", help="with --rate (default: 164)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Plan and print."""
    if (options.run_path is None) == (options.rate is None):
        raise UsageError("name a RUN as the pilot, or the expected pass@1 with --rate")
    try:
        if options.run_path is None:
            found = plan.from_rate(options.rate, options.problems, options.k, options.half_width)
        else:
            _, n, c = joining.counted(shared.one_run(options))
            found = plan.from_pilot(n, c, options.k, options.half_width)
    except UsageError:
        raise
    except ValueError as error:
        raise UsageError(str(error)) from None
    if options.json:
        print(json.dumps(found.as_dict(), indent=2))
    else:
        print(render(found, colour=colour_wanted(sys.stdout), width=width_of(sys.stdout)))
    return 0


def render(found: Plan, *, colour: bool = False, width: int | None = None) -> str:
    """Return the plan as people read it, without a newline at its end."""
    page = Page(colour=colour, width=width)
    page.line(f"pass@{found.k} near {found.value:.4f} within ± {found.half_width:g}", BOLD)
    page.line()
    samples = "no number of samples is enough" if found.samples is None else f"n = {found.samples:,}"
    needed = "more than ten million" if found.problems_needed is None else f"{found.problems_needed:,}"
    page.facts(
        [
            ("over samples", f"{samples} for each of the {found.problems:,} problems"),
            ("over problems", f"± {found.over_problems:.4f} with those, and never below ± {found.floor:.4f}"),
            ("problems", f"{needed} would be needed for ± {found.half_width:g} over problems"),
        ]
    )
    page.line()
    page.text("Over samples: if these problems were asked again; over problems: if others were.", DIM)
    return str(page)
