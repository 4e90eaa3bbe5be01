"""`passk curve`: what each further sample adds, and a forecast of what more would add."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.errors import UsageError
from passk_tasks.results.equal_cost import CostCurve
from passk_tasks.results.model import Run
from passk_tasks.statistics.curve import Point, budgets_to_show, tail_budget
from passk_tasks.statistics.forecast import Forecast
from passk_tasks.statistics.rounding import decimal
from passk_tasks.text.spending import amount
from passk_tasks.text.summary import bounded, interval
from passk_tasks.text.terminal import BOLD, DIM, Page

_EPILOG = """\
--forecast K says what K samples a problem would solve, of which the stored ones are the first. It rests on a
fitted distribution of pass rates, and its interval holds only as far as the fit does: docs/statistics.md
shows how it did on held-out samples, and where it fails."""


def add_parser(commands: argparse._SubParsersAction[Any], what: str) -> None:
    """Add `curve` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help=what,
        description="Show pass@k for k = 1 … n, and the problems that only many samples solve.",
        epilog=_EPILOG,
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
    parser.add_argument(
        "--cost",
        metavar="B",
        help="budgets a problem of pass@cost, e.g. 1000,5000: in money where the run has a price, else in "
        "tokens (default: round numbers)",
    )
    parser.add_argument("--forecast", metavar="K", help="budgets beyond n to forecast, e.g. 50,100")


def run(options: argparse.Namespace) -> int:
    """Estimate and print."""
    ks = shared.whole_numbers("--k", options.k)
    beyond = shared.whole_numbers("--forecast", options.forecast)
    stored = api.load_run(options.run_path, options.task)
    clusters = shared.clusters(options, [stored])
    points = api.pass_curve(stored, ks, clusters)
    costs = api.cost_curve(stored, shared.numbers("--cost", options.cost), clusters)
    if costs is None and options.cost is not None:
        raise UsageError(f"{stored.path}: --cost: nobody counted the tokens of all of its samples")
    most = min(n for n, _ in stored.counts.values() if n)
    tail_k = tail_budget(most) if options.tail is None else options.tail
    tail = api.tail_problems(stored, tail_k)
    forecasts = api.forecast_run(stored, beyond) if beyond else []
    result = {
        "points": [point.as_dict() for point in points],
        "cost": None if costs is None else costs.as_dict(),
        "tail": {
            "k": tail_k,
            "problems": [{"task_id": task_id, "c": c, "n": n} for task_id, (n, c) in tail.items()],
        },
        "forecast": [{"k": f.k, "value": f.value, "ci95": list(f.ci95)} for f in forecasts],
    }
    # The table shows some points, JSON has all.
    shown = [point for point in points if ks or point.k in budgets_to_show(most)]
    shared.show(options, result, partial(render, stored, most, shown, costs, tail, tail_k, forecasts))
    return 0


def render(
    run: Run,
    n: int,
    points: Sequence[Point],
    costs: CostCurve | None,
    tail: Mapping[str, tuple[int, int]],
    tail_k: int,
    forecasts: Sequence[Forecast],
    *,
    colour: bool = False,
    width: int | None = None,
) -> str:
    """Return the curve, the problems of the tail and the forecast as text, without a final newline."""
    page = Page(colour=colour, width=width)
    problems = sum(n > 0 for n, _ in run.counts.values())
    most = max(n for n, _ in run.counts.values())
    each = f"n = {n}" + (f" to {most}" if most > n else "")
    page.line(f"{run.task}: {run.label or run.name}, {problems} problems, {each}", BOLD)
    page.line()
    rows = [
        (
            str(point.k),
            decimal(point.score.value),
            interval(point.score.over_problems.ci95),
            bounded(point.score.over_samples),
            f"{point.gain:.4f}",
            "-" if point.samples_per_solved is None else f"{point.samples_per_solved:,.1f}",
        )
        for point in points
    ]
    head = ("k", "pass@k", "over problems", "over samples", "last sample adds", "samples per solved problem")
    page.table(head, rows, "rrllrr")
    page.line()
    _costs(page, points, costs)
    page.text(f"{len(tail)} problems are solved, but by {tail_k} samples no more often than not:", BOLD)
    for task_id, (samples, passed) in list(tail.items())[:20]:
        page.line(f"    {task_id}  {passed}/{samples}")
    if len(tail) > 20:
        page.line(f"    … and {len(tail) - 20} more: --json has all", DIM)
    if forecasts:
        page.line()
        further = [(str(f.k), decimal(f.value), interval(f.ci95)) for f in forecasts]
        page.table(("forecast", "pass@k", "95 % if the fit holds"), further, "rrl")
    return str(page)


def _costs(page: Page, points: Sequence[Point], costs: CostCurve | None) -> None:
    if costs is None:
        page.text("What it costs is not known: nobody counted the tokens of all samples.", DIM)
        page.line()
        return
    unit, each = costs.unit, costs.a_sample
    rows = [
        (
            str(point.k),
            amount(point.k * each),
            "-" if point.samples_per_solved is None else amount(point.samples_per_solved * each),
        )
        for point in points
    ]
    page.table(("k", f"{unit} a problem", f"{unit} a solved problem"), rows, "rrr")
    page.line()
    bought = [
        (
            amount(point.budget),
            f"{point.k:.2f}",
            decimal(point.estimate.value),
            interval(point.estimate.ci95),
        )
        for point in costs.points
    ]
    page.table((f"{unit} a problem", "buy k", "pass@cost", "over problems"), bought, "rrrl")
    page.line()
