"""The figures of a report, each a matplotlib figure: a notebook gets what the page shows.

Nothing is drawn through pyplot, so no state and no window is left behind.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from passk_tasks.compare import Comparison, label
from passk_tasks.errors import UsageError
from passk_tasks.report.visible import visible
from passk_tasks.results import equal_cost, joining
from passk_tasks.results.model import Run
from passk_tasks.statistics import curve as curve_module
from passk_tasks.statistics.curve import Point
from passk_tasks.statistics.paired import Difference
from passk_tasks.text import summary
from passk_tasks.verdict import Verdict

try:
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator, PercentFormatter
except ImportError as _error:
    raise UsageError(f"a report needs matplotlib ({_error}): pip install 'passk-tasks[report]'") from None

INK, DIM, GRID = "#1f2328", "#656d76", "#d8dee4"
RUNS = (
    "#1f6feb",
    "#c2570c",
    "#1a7f5a",
    "#8250df",
    "#b3267a",
    "#6b6a00",
    "#0b7285",
    "#8f4a1f",
    "#4f5d75",
)
"""Colours of the runs in their order; further ones start again."""

VERDICTS: dict[Verdict, str] = {
    Verdict.PASSED: "#2da44e",
    Verdict.FAILED: "#d1484f",
    Verdict.ERROR: "#e08a3c",
    Verdict.SYNTAX_ERROR: "#9a6fd0",
    Verdict.NO_CODE: "#8c959f",
    Verdict.TIMEOUT: "#3f83d8",
    Verdict.MEMORY_LIMIT: "#1f9aa8",
    Verdict.OUTPUT_LIMIT: "#a9744f",
    Verdict.CRASHED: "#c04a94",
    Verdict.INFRA_ERROR: "#b59a00",
}

# Narrow, so that it is readable at the width of a phone; the page puts two side by side where there is room.
_WIDTH, _HEIGHT = 4.8, 3.1
_MOST_POINTS = 60


def curves(
    runs: Sequence[Run],
    *,
    labels: Sequence[str] | None = None,
    clusters: Mapping[str, Hashable] | None = None,
) -> Figure:
    """Return pass@k of runs for k from 1 to n, with 95 % bands.

    The wide band is over problems. Where there is one run, the narrow one is over samples, as far as k ≤ n/2:
    beyond, there is no unbiased estimate of it. Each holds for a k by itself.

    Raises:
        UsageError: a run has no sample with a verdict.
    """
    figure, axes = figure_and_axes()
    most = 1
    for i, run in enumerate(runs):
        points = points_of(run, clusters)
        colour = RUNS[i % len(RUNS)]
        ks = [point.k for point in points]
        most = max(most, ks[-1])
        marker = "o" if len(points) <= 12 else None
        values = [point.score.value for point in points]
        axes.plot(ks, values, color=colour, lw=1.8, marker=marker, ms=3.5, label=_label(runs, i, labels))
        _band(axes, [(point.k, point.score.over_problems.ci95) for point in points], colour, 0.16)
        if len(runs) == 1:
            narrow = [
                (point.k, point.score.over_samples.ci95)
                for point in points
                if not summary.is_bound(point.score)
            ]
            _band(axes, narrow, colour, 0.28)
    _budget_axis(axes, most)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("pass@k", parse_math=False)
    if len(runs) > 1:
        _legend(axes)
    return figure


def costs(
    runs: Sequence[Run],
    *,
    labels: Sequence[str] | None = None,
    clusters: Mapping[str, Hashable] | None = None,
) -> Figure | None:
    """Return pass@cost of runs, with 95 % bands over problems; None where it is not known what they took.

    The axis is money where every run has a price, else tokens.

    Raises:
        UsageError: a run has no sample with a verdict.
    """
    unit = equal_cost.unit_of(runs)
    known = [equal_cost.curve(run, clusters=clusters, unit=unit) for run in runs] if unit else []
    if not known or None in known:
        return None
    figure, axes = figure_and_axes()
    for i, of_run in enumerate(known):
        points, colour = of_run.points if of_run is not None else (), RUNS[i % len(RUNS)]
        budgets, values = [p.budget for p in points], [p.estimate.value for p in points]
        axes.plot(budgets, values, color=colour, lw=1.8, marker="o", ms=3.5, label=_label(runs, i, labels))
        _band(axes, [(point.budget, point.estimate.ci95) for point in points], colour, 0.16)
    _plain_numbers(axes, "log")
    axes.set_xlabel(f"{unit} a problem")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("pass@cost", parse_math=False)
    if len(runs) > 1:
        _legend(axes)
    return figure


def verdicts(runs: Sequence[Run], *, labels: Sequence[str] | None = None) -> Figure:
    """Return the share of each verdict: a histogram for one run, a stacked bar for each of several."""
    shown = [verdict for verdict in Verdict if any(run.verdicts.get(verdict.value) for run in runs)]
    figure, axes = figure_and_axes(_HEIGHT if len(runs) == 1 else max(_HEIGHT, 1.3 + 0.3 * len(runs)))
    shares = np.array(
        [[run.verdicts.get(verdict.value, 0) / max(run.samples, 1) for verdict in shown] for run in runs]
    )
    colours = [VERDICTS[verdict] for verdict in shown]
    if len(runs) == 1:
        bars = axes.barh(range(len(shown)), shares[0], 0.74, color=colours)
        counts = [f"{runs[0].verdicts.get(verdict.value, 0):,}" for verdict in shown]
        axes.bar_label(bars, counts, padding=3, color=INK, fontsize=8)
        axes.set_yticks(range(len(shown)), [verdict.value for verdict in shown], parse_math=False)
        axes.margins(x=0.13)
    else:
        before = np.zeros(len(runs))
        for share, verdict, colour in zip(shares.T, shown, colours, strict=True):
            axes.barh(range(len(runs)), share, 0.7, left=before, color=colour, label=verdict.value)
            before += share
        axes.set_yticks(
            range(len(runs)), [_label(runs, i, labels) for i in range(len(runs))], parse_math=False
        )
        axes.set_xlim(0, 1)
        figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8, labelcolor=INK)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("share of the samples")
    axes.grid(axis="y", visible=False)
    return figure


def resources(runs: Sequence[Run], *, labels: Sequence[str] | None = None) -> Figure:
    """Return how much CPU time and memory the candidates of runs took, as two histograms with log scales."""
    figure = Figure(figsize=(_WIDTH, _HEIGHT * 1.35), layout="constrained")
    panels = figure.subplots(2, 1)
    for axes, name, unit in zip(
        panels, ("cpu_s", "peak_mib"), ("CPU seconds", "peak memory, MiB"), strict=True
    ):
        _style(axes)
        values = [_measured(run, name) for run in runs]
        everything = np.concatenate(values)
        if not everything.size:
            axes.text(0.5, 0.5, "not recorded", transform=axes.transAxes, ha="center", color=DIM)
            axes.set_xlabel(unit)
            continue
        low, high = everything.min() / 1.1, everything.max() * 1.1
        bins = np.geomspace(low, high, 41)
        for i, of_run in enumerate(values):
            kind = {"histtype": "stepfilled", "alpha": 0.75} if len(runs) == 1 else {"histtype": "step"}
            colour = RUNS[i % len(RUNS)]
            axes.hist(of_run, bins, color=colour, lw=1.4, log=True, label=_label(runs, i, labels), **kind)
        _plain_numbers(axes, "log", _round_numbers(low, high))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axes.set_xlabel(unit)
        axes.set_ylabel("samples")
    if len(runs) > 1:
        _legend(panels[0])
    return figure


def differences(comparison: Comparison, *, labels: Sequence[str] | None = None) -> Figure:
    """Return a forest plot of the answer: each run that was asked about against the reference, best first.

    Dots are the paired differences of the primary metric, lines their 95 % intervals over problems; coloured
    where the two differ beyond noise.
    """
    question = comparison.question
    names = labels or [_label(comparison.runs, i, None, name) for i, name in enumerate(comparison.names)]
    against = visible(names[question.reference].split("  ")[0])
    rows = [(names[pair.second], pair.difference, pair.apart) for pair in question.pairs]
    return forest(rows, f"difference in {comparison.primary.name} to {against}", 0.27)


def forest(rows: Sequence[tuple[str, Difference, bool]], what: str, row: float) -> Figure:
    """Return a forest plot: a row for each name, its difference, and whether that is beyond noise.

    `what` names the axis, `row` is the height of a row in inches.
    """
    figure, axes = figure_and_axes(max(1.5, 0.75 + row * len(rows)))
    axes.axvline(0, color=DIM, lw=1)
    for place, (_, difference, apart) in enumerate(rows):
        colour = colour_of(difference, apart=apart)
        if difference.ci95 is not None:
            axes.plot(difference.ci95, [place, place], color=colour, lw=2, solid_capstyle="butt")
        axes.plot([difference.value], [place], "o", color=colour, ms=6)
    axes.set_yticks(range(len(rows)), [visible(name) for name, _, _ in rows], parse_math=False)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(what, parse_math=False)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+g}" if value else "0"))
    return figure


def colour_of(difference: Difference, *, apart: bool) -> str:
    """Return the colour of a difference; grey where it is not beyond noise."""
    if not apart:
        return DIM
    return VERDICTS[Verdict.PASSED if difference.value > 0 else Verdict.FAILED]


def points_of(run: Run, clusters: Mapping[str, Hashable] | None = None) -> list[Point]:
    """Return the points that `curves` draws of a run; for a large n not every k.

    Raises:
        UsageError: no sample has a verdict.
    """
    task_ids, n, c = joining.counted(run)
    most = int(n.min())
    ks = np.unique(np.geomspace(1, most, _MOST_POINTS).round().astype(int)) if most > _MOST_POINTS else None
    shared = joining.shared([run], task_ids, clusters)
    wanted = None if ks is None else sorted({*map(int, ks), *curve_module.budgets_to_show(most)})
    return curve_module.curve(n, c, wanted, shared)


def figure_and_axes(height: float = _HEIGHT) -> tuple[Figure, Any]:
    """Return an empty figure of the width of the others, and its axes; `height` is in inches."""
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.subplots()
    _style(axes)
    return figure, axes


def _style(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(DIM)
    axes.tick_params(colors=DIM, labelcolor=INK, labelsize=8.5)
    axes.grid(color=GRID, lw=0.7)
    axes.set_axisbelow(True)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_color(INK)
        axis.label.set_fontsize(9)


def _band(
    axes: Any, intervals: Sequence[tuple[float, tuple[float, float] | None]], colour: str, alpha: float
) -> None:
    known = [(k, *ci95) for k, ci95 in intervals if ci95 is not None]
    if len(known) == 1:
        k, low, high = known[0]
        axes.plot([k, k], [low, high], color=colour, lw=6, alpha=alpha, solid_capstyle="butt")
    elif known:
        ks, lows, highs = zip(*known, strict=True)
        axes.fill_between(ks, lows, highs, color=colour, alpha=alpha, lw=0)


def _budget_axis(axes: Any, most: int) -> None:
    axes.set_xlabel("k, samples a problem")
    ticks = curve_module.budgets_to_show(most)
    if len(ticks) > 1 and ticks[-1] / ticks[-2] < 1.3:
        del ticks[-2]  # too near for two numbers
    _plain_numbers(axes, "log" if most > 20 else "linear", ticks)


def _plain_numbers(axes: Any, scale: str, ticks: Sequence[float] | None = None) -> None:
    axes.set_xscale(scale)
    axes.xaxis.set_minor_locator(NullLocator())
    if ticks is not None:
        axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _measured(run: Run, name: str) -> npt.NDArray[np.float64]:
    values = [getattr(outcome, name) for outcomes in run.outcomes.values() for outcome in outcomes]
    # What was never executed (no_code, syntax errors) took nothing.
    return np.array([value for value in values if value > 0], dtype=np.float64)


def _round_numbers(low: float, high: float) -> list[float]:
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in ((1,), (1, 3), (1, 2, 5)):
        ticks = [step * 10.0**power for power in powers for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) >= 3:
            return ticks
    return [tick for tick in MaxNLocator(5).tick_values(low, high) if low <= tick <= high]


def _label(runs: Sequence[Run], number: int, labels: Sequence[str] | None, name: str | None = None) -> str:
    if labels is not None:
        return visible(labels[number])
    name = visible(name or runs[number].label or runs[number].name)
    return f"{label(number)}  {name if len(name) <= 40 else name[:39] + '…'}"


def _legend(axes: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of glyphs that a font lacks
        legend = axes.legend(frameon=False, fontsize=8.5, labelcolor=INK)
    for text in legend.get_texts():
        text.set_parse_math(False)
