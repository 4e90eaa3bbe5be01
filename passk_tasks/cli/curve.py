"""`passk curve`: what more samples buy, and what further ones might."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from passk_tasks.cli import options as shared
from passk_tasks.errors import UsageError
from passk_tasks.results import joining
from passk_tasks.statistics import curve
from passk_tasks.statistics.curve import Point
from passk_tasks.statistics.forecast import Forecast, forecast
from passk_tasks.statistics.intervals import Estimate
from passk_tasks.text.terminal import BOLD, DIM, Page, colour_wanted, width_of

_EPILOG = """\
--forecast K says what K samples a problem would solve, the stored ones being the first of them. It rests on a
fitted distribution of pass rates, and its interval holds only as far as that fits: docs/statistics.md has the
hold-outs, and where it fails."""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `curve` to the commands."""
    parser = commands.add_parser(
        "curve",
        help="pass@k for every k up to n: what each further sample adds",
        description="Show what more samples buy: pass@k for k = 1 … n, and what only the tail solves.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shared.add_run(parser)
    parser.add_argument("--k", metavar="1,10,100", help="budgets to show (default: 1, 2, 5, 10, … and n)")
    shared.add_clusters(parser)
    parser.add_argument(
        "--tail",
        metavar="K",
        type=int,
        help="list the problems that K samples solve no more often than not (default: 10, at most n/2)",
    )
    parser.add_argument("--forecast", metavar="K", help="budgets beyond n to forecast, e.g. 50,100")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Estimate and print."""
    found = shared.one_run(options)
    task_ids, n, c = joining.counted(found)
    if not task_ids:
        raise UsageError(f"{found.path}: no sample has a verdict")
    most = int(n.min())
    shared_by = joining.shared([found], task_ids, shared.clusters(options, [found]))
    ks = shared.whole_numbers("--k", options.k)
    tail_k = curve.tail_budget(most) if options.tail is None else options.tail
    beyond = shared.whole_numbers("--forecast", options.forecast) or []
    try:
        # JSON is for programs, which want every point.
        shown = ks or (None if options.json else curve.budgets_to_show(most))
        points = curve.curve(n, c, shown, shared_by)
        tail = [(task_ids[i], int(c[i]), int(n[i])) for i in curve.tail_only(n, c, tail_k)]
        forecasts = forecast(n, c, beyond) if beyond else []
    except ValueError as error:
        raise UsageError(str(error)) from None
    if options.json:
        print(
            json.dumps(
                {
                    "points": [point.as_dict() for point in points],
                    "tail": {"k": tail_k, "problems": [{"task_id": t, "c": c, "n": n} for t, c, n in tail]},
                    "forecast": [{"k": f.k, "value": f.value, "ci95": list(f.ci95)} for f in forecasts],
                },
                indent=2,
            )
        )
        return 0
    page = Page(colour=colour_wanted(sys.stdout), width=width_of(sys.stdout))
    page.line(f"{found.task}: {found.name}, {len(task_ids)} problems, n = {most}", BOLD)
    page.line()
    render(page, points, tail, tail_k, forecasts)
    print(page)
    return 0


def render(
    page: Page,
    points: list[Point],
    tail: list[tuple[str, int, int]],
    tail_k: int,
    forecasts: list[Forecast],
) -> None:
    """Add the curve, the problems of the tail, and the forecast."""
    rows = [
        (
            str(point.k),
            f"{point.score.value:.4f}",
            _interval(point.score.over_problems),
            ("≤ " if point.score.over_samples.method.endswith("bound") else "")
            + _interval(point.score.over_samples),
            f"{point.gain:.4f}",
            "-" if point.samples_per_solved is None else f"{point.samples_per_solved:,.1f}",
        )
        for point in points
    ]
    head = ("k", "pass@k", "over problems", "over samples", "last sample adds", "samples per solved problem")
    page.table(head, rows, "rrllrr")
    page.line()
    page.text(f"{len(tail)} problems are solved, but by {tail_k} samples no more often than not:", BOLD)
    for task_id, c, n in tail[:20]:
        page.line(f"    {task_id}  {c}/{n}")
    if len(tail) > 20:
        page.line(f"    … and {len(tail) - 20} more: --json has all", DIM)
    if forecasts:
        page.line()
        further = [(str(f.k), f"{f.value:.4f}", f"{f.ci95[0]:.4f} … {f.ci95[1]:.4f}") for f in forecasts]
        page.table(("forecast", "pass@k", "95 % if the fit holds"), further, "rrl")


def _interval(one: Estimate) -> str:
    return "-" if one.ci95 is None else f"{one.ci95[0]:.4f} … {one.ci95[1]:.4f}"
