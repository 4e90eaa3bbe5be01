"""What moved the number, and when: the part of the page that rests on `factors` and `trend`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from passk_tasks import factors, trend
from passk_tasks.compare import label
from passk_tasks.factors import Attribution
from passk_tasks.report import figures
from passk_tasks.report.figures import DIM, INK
from passk_tasks.report.visible import visible
from passk_tasks.results.model import Run
from passk_tasks.results.names import cut
from passk_tasks.statistics.metrics import Metric
from passk_tasks.text import summary
from passk_tasks.trend import Trend

_FEWEST = 3  # runs of a task, on different dates, that are a trend
_LONGEST = 34  # of a change's name beside its bar


def described(
    runs: Sequence[Run], metric: Metric, clusters: Mapping[str, Hashable] | None
) -> tuple[dict[str, Any], dict[str, tuple[Figure, str]]]:
    """Return what the template is told of causes and trends of at least two runs, and their figures."""
    found = factors.attribute(runs, metric=metric, clusters=clusters)
    told: dict[str, Any] = {"conclusion": found.conclusion, "notes": found.notes, "effects": _rows(found)}
    drawn = {}
    if found.effects:
        drawn["effects"] = (effects(found), "effects of single changes with intervals")
    # By the same letters as elsewhere on the page.
    letters = {id(run): label(i) for i, run in enumerate(runs)}
    told["trends"] = []
    for number, one in enumerate(trend.trends(runs, metric=metric, clusters=clusters)):
        if len({point.run.date for point in one.points}) >= _FEWEST:
            name = f"trend-{number}"
            drawn[name] = (over_time(one, [letters[id(point.run)] for point in one.points]), "by date")
            told["trends"].append({"figure": name, "task": one.task, "conclusion": one.conclusion})
    return told, drawn


def _rows(found: Attribution) -> list[dict[str, Any]]:
    return [
        {
            "kinds": ", ".join(effect.kinds),
            "words": effect.words,
            "seen_in": effect.seen_in,
            "difference": f"{effect.difference.value:+.4f}",
            "ci95": summary.interval(effect.difference.ci95, signed=True),
            "p": summary.p_value(effect.difference.p),
            "p_holm": summary.p_value(effect.p_adjusted),
            "apart": effect.apart,
        }
        for effect in found.effects
    ]


def effects(found: Attribution) -> Figure:
    """Return the effect of each change with its 95 % interval over problems; grey where within noise."""
    rows = [(cut(effect.words, _LONGEST), effect.difference, effect.apart) for effect in found.effects]
    return figures.forest(rows, f"effect on {found.metric.name}", 0.32)


def over_time(one: Trend, letters: Sequence[str]) -> Figure:
    """Return a metric by date with its 95 % intervals over samples; what changed stands at dashed lines.

    A point is coloured where it differs from the one before it beyond noise.
    """
    figure, axes = figures.figure_and_axes()
    for place, point in enumerate(one.points):
        if point.score is None:
            continue
        step, colour = point.step, INK
        if step is not None and step.difference is not None:
            colour = figures.colour_of(step.difference, apart=step.apart)
        if point.score.over_samples.ci95 is not None:
            axes.plot(
                [place, place], point.score.over_samples.ci95, color=colour, lw=2, solid_capstyle="butt"
            )
        axes.plot([place], [point.score.value], "o", color=colour, ms=5)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.6 * (high - low))  # room for names above the points
    axes.set_yticks([tick for tick in axes.get_yticks() if low <= tick <= min(high, 1)])
    for place, point in enumerate(one.points):
        if point.step is not None and point.step.factors:
            changed = cut(", ".join(point.step.factors), _LONGEST)
            axes.axvline(place - 0.5, color=DIM, lw=0.8, ls="--")
            axes.text(
                place - 0.45, 0.99, visible(changed), rotation=90, va="top",
                ha="left", fontsize=6.5, color=DIM, transform=axes.get_xaxis_transform(), parse_math=False,
            )  # fmt: skip
    dates = [f"{p.run.date:%m-%d}" if p.run.date is not None else "" for p in one.points]
    ticks = [f"{letter}\n{date}" for letter, date in zip(letters, dates, strict=True)]
    every = max(1, len(ticks) // 10)
    axes.set_xticks(range(0, len(ticks), every), ticks[::every], parse_math=False)
    axes.set_xlim(-0.6, len(ticks) - 0.4)
    axes.set_ylabel(one.metric.name, parse_math=False)
    axes.grid(axis="x", visible=False)
    return figure
