"""A result as people read it: one small table on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from passk_tasks.results.summary import Summary
from passk_tasks.statistics.intervals import Estimate
from passk_tasks.statistics.metrics import Score
from passk_tasks.text.terminal import BOLD, DIM, GREEN, WIDTH, YELLOW, Page

__all__ = [
    "BOUND_MEANING",
    "MEANING",
    "METRICS_HEAD",
    "WIDTH",
    "bound_mark",
    "facts",
    "interval",
    "is_bound",
    "metrics_rows",
    "metrics_table",
    "p_value",
    "render",
]

METRICS_HEAD = ("", "value", "se", "over problems", "se", "over samples")
MEANING = (
    "95 % intervals. Over problems: if others of this kind were asked; over samples: if these were asked "
    "again."
)
BOUND_MEANING = "≤ bound: n < 2k leaves no unbiased estimate, so what holds over problems stands in."

_BOUND = "over-samples-bound"
_REASONS = 4  # that one line shows
_LIMITS = {
    "timeout_s": "s",
    "memory_mib": "MiB of memory",
    "output_mib": "MiB of output",
    "processes": "processes",
}
_SMALLEST_P = 0.0001  # that is shown by its digits


def render(result: Summary, *, colour: bool = False, width: int | None = None) -> str:
    """Return the summary of a result, without a newline at its end.

    Args:
        result: of a scoring, or of a stored run.
        colour: whether the terminal shows colours.
        width: of the terminal; None for a file or a pipe.
    """
    page = Page(colour=colour, width=width)
    page.line(_headline(result), BOLD)
    page.line()
    if result.metrics:
        metrics_table(page, result.metrics)
        page.line()
    if result.verdicts:
        rows = [
            (name, f"{count:,}", f"{count / result.samples:.2%}") for name, count in result.verdicts.items()
        ]
        styles = [{"passed": GREEN, "infra_error": YELLOW}.get(name, "") for name in result.verdicts]
        page.table(("verdict", "samples", "share"), rows, "lrr", styles=styles)
        page.line()
    page.facts(facts(result))
    for warning in result.warnings:
        page.line()
        page.text(f"warning: {warning}", YELLOW)
    return str(page)


def metrics_table(page: Page, metrics: Mapping[str, Score]) -> None:
    """Add the table of metrics, each with both of its uncertainties, and what they mean.

    Args:
        page: where to.
        metrics: by name.
    """
    page.table(METRICS_HEAD, metrics_rows(metrics), "lrrlrl")
    page.line()
    page.text(MEANING, DIM)
    if any(is_bound(one) for one in metrics.values()):
        page.text(BOUND_MEANING, DIM)


def metrics_rows(metrics: Mapping[str, Score]) -> list[tuple[str, ...]]:
    """Return the cells below `METRICS_HEAD`; arguments as `metrics_table`."""
    return [
        (name, f"{one.value:.4f}", *_uncertainty(one.over_problems), *_uncertainty(one.over_samples))
        for name, one in metrics.items()
    ]


def is_bound(score: Score) -> bool:
    """Whether a score's uncertainty over samples is a bound, which `BOUND_MEANING` explains."""
    return score.over_samples.method == _BOUND


def bound_mark(method: str) -> str:
    """Return what stands before an uncertainty found by this method: a mark where it is a bound."""
    return "≤ " if method == _BOUND else ""


def interval(ci95: Sequence[float] | None, *, signed: bool = False) -> str:
    """Return an interval as it is written everywhere; `-` for none."""
    if ci95 is None:
        return "-"
    form = "+.4f" if signed else ".4f"
    return f"{ci95[0]:{form}} … {ci95[1]:{form}}"


def p_value(p: float) -> str:
    """Return a p-value as it is written everywhere."""
    return f"< {_SMALLEST_P}" if p < _SMALLEST_P else f"{p:.4f}"


def _headline(result: Summary) -> str:
    each = f" (n = {result.n})" if result.n else ""
    problems = f"{result.problems:,} of {result.problems_total:,} problems"
    return f"{result.task}: {problems}, {result.samples:,} samples{each}"


def _judged(judges: Mapping[str, int], reasons: Mapping[str, int]) -> str:
    """Return how many problems each judge decided, and why some needed one process with the candidate."""
    shown = [f"{count} {reason}" for reason, count in list(reasons.items())[:_REASONS]]
    more = len(reasons) - _REASONS
    shown += [f"{more} more reason{'s' if more > 1 else ''}"] if more > 0 else []
    counts = [
        f"{count:,} {'in one process' if judge == 'script' else judge}"
        + (f" ({'; '.join(shown)})" if judge == "script" and shown else "")
        for judge, count in judges.items()
    ]
    return ", ".join(counts)


def _uncertainty(one: Estimate) -> tuple[str, str]:
    if one.se is None or one.ci95 is None:
        return "-", "none from one" if one.method.startswith("over-problems") else "none"
    return f"{bound_mark(one.method)}{one.se:.4f}", interval(one.ci95)


def _limit(value: float, unit: str) -> str:
    return f"{value:g} {unit}" if isinstance(value, float) else f"{value} {unit}"


def facts(result: Summary) -> list[tuple[str, str]]:
    """Return what else is to be said, a name and a text each."""
    lines = []
    if result.coverage < 1:
        lines.append(("coverage", f"{result.coverage:.1%} of the task's problems; the rest has no samples"))
    if result.clusters is not None:
        lines.append(
            ("clusters", f"{result.clusters:,} sources of the problems, which over problems are what counts")
        )
    if result.distinct is not None and result.samples > result.problems:
        lines.append(("distinct", f"{result.distinct:.1%} of a problem's samples, on average"))
    limits = [_limit(result.limits[name], unit) for name, unit in _LIMITS.items() if name in result.limits]
    lines.append(("judge", f"{result.judge}; {', '.join(limits)}"))
    if set(result.judges) - {result.judge}:
        lines.append(("judged", _judged(result.judges, result.one_process)))
    layers = result.layers
    active = ", ".join(name for name, on in layers.items() if on) or ("none" if layers else "nothing was run")
    absent = ", ".join(name for name, on in layers.items() if not on)
    if result.sandbox is not None:
        lines.append(("sandbox", f"{result.sandbox}: {active}" + (f"; without {absent}" if absent else "")))
    if result.flags:
        lines.append(("flagged", ", ".join(f"{name}: {count}" for name, count in result.flags.items())))
    if result.dataset_sha256 is not None:
        lines.append(("problems", f"{result.dataset_source}, sha256 {result.dataset_sha256[:12]}"))
    return lines
