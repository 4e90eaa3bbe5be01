"""`passk trend`: a metric over time, and where the conditions changed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.results import names
from passk_tasks.statistics.rounding import decimal
from passk_tasks.text.summary import bounded, p_value
from passk_tasks.text.terminal import BOLD, DIM, GREEN, RED, Page
from passk_tasks.trend import Point, Step, Trend

_CHART = 24  # columns of the chart

_EPILOG = """\
Every run of a task stands in the order of its date, with its 95 % interval over samples: what these problems
would give if they were asked again. The difference is from the run before it, paired by problem; p (Holm) is
corrected for the number of steps. The conditions that changed stand below the table."""


def add_parser(commands: argparse._SubParsersAction[Any], what: str) -> None:
    """Add `trend` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help=what,
        description="Show a metric of the runs in a folder by date, and what changed between them.",
        epilog=_EPILOG,
    )
    parser.add_argument("runs", nargs="+", metavar="FOLDER", help="folder with results, or results files")
    parser.add_argument("--task", help="take only the runs of this task")
    parser.add_argument("--metric", metavar="NAME", help="what is shown, e.g. pass@10 (default: pass@1)")


def run(options: argparse.Namespace) -> int:
    """Read and print."""
    found = api.trend_runs(options.runs, options.metric, task=options.task)

    def text(*, colour: bool, width: int | None) -> str:
        return "\n\n".join(render(one, colour=colour, width=width) for one in found)

    then = ["factors", *options.runs, *shared.of_task(options)]
    shared.show(options, [one.as_dict() for one in found], text, then)
    return 0


def render(trend: Trend, *, colour: bool = False, width: int | None = None) -> str:
    """Return one task's trend as text, without a final newline."""
    page = Page(colour=colour, width=width)
    page.line(f"{trend.task}: {trend.metric.name} of {len(trend.points)} runs", BOLD)
    page.line()
    head = ("date", "run", trend.metric.name, "over samples", "", "change", "p (Holm)")
    cells = zip(*_rows(trend), strict=True)
    page.columns(
        dict(zip(head, cells, strict=True)) if trend.points else {},
        texts=("date", "run"),
        droppable=("", "p (Holm)", "over samples"),
        styles=[_style(point) for point in trend.points],
    )
    page.line()
    _changes(page, trend)
    if trend.undated:
        page.text(f"without a date, so left out: {', '.join(str(run.path) for run in trend.undated)}", DIM)
        page.line()
    page.text(trend.conclusion, BOLD)
    return str(page)


def _rows(trend: Trend) -> list[tuple[str, ...]]:
    charts = _charts(trend.points)
    dates = names.dates([point.run for point in trend.points])
    rows: list[tuple[str, ...]] = []
    for point, date, chart in zip(trend.points, dates, charts, strict=True):
        score, step = point.score, point.step
        difference = step.difference if step is not None else None
        rows.append(
            (
                date,
                point.name,
                "-" if score is None else decimal(score.value),
                "" if score is None else bounded(score.over_samples),
                chart,
                "" if difference is None else f"{difference.value:+.4f}",
                "" if step is None or step.p_adjusted is None else p_value(step.p_adjusted),
            )
        )
    return rows


def _style(point: Point) -> str:
    if point.step is None or not point.step.apart or point.step.difference is None:
        return ""
    return GREEN if point.step.difference.value > 0 else RED


def _charts(points: Sequence[Point]) -> list[str]:
    """Return a line for each point: its interval over samples, and its value in it, on one scale."""
    known = [point.score.over_samples for point in points if point.score is not None]
    ends = [end for one in known for end in one.ci95 or (one.value, one.value)]
    low, high = min(ends, default=0.0), max(ends, default=1.0)

    def place(value: float) -> int:
        return round((value - low) / ((high - low) or 1) * (_CHART - 1))

    charts = []
    for point in points:
        cells = [" "] * _CHART
        if point.score is not None:
            value, ci95 = point.score.value, point.score.over_samples.ci95
            if ci95 is not None:
                first, last = place(ci95[0]), place(ci95[1])
                cells[first : last + 1] = "─" * (last + 1 - first)
            cells[place(value)] = "●"
        charts.append("".join(cells))
    return charts


def _changes(page: Page, trend: Trend) -> None:
    said = [(point.name, _of(point.step)) for point in trend.points if point.step is not None]
    if any(changes for _, changes in said):
        page.line("  what changed since the run before", BOLD)
        for name, changes in said:
            if changes:
                page.text(f"{name}: {'; '.join(changes)}", indent=4, hang=2)
        page.line()


def _of(step: Step) -> list[str]:
    said = list(step.changes)
    if step.unknown:
        said.append(f"recorded by one of the two alone: {', '.join(step.unknown)}")
    if step.why_not:
        said.append(f"not compared: {step.why_not}")
    if not said and step.apart:
        said.append("nothing that is recorded changed")
    return said
