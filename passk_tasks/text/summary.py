"""A result as people read it: one small table on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
_SMALLEST_P = 0.0001  # that is shown by its digits


def render(result: Mapping[str, Any], *, colour: bool = False, width: int | None = None) -> str:
    """Return the summary of a result, without a newline at its end.

    Args:
        result: the object of `passk score --json`, or a run's provenance, which has the same keys.
        colour: whether the terminal shows colours.
        width: of the terminal; None for a file or a pipe.
    """
    page = Page(colour=colour, width=width)
    page.line(_headline(result), BOLD)
    page.line()
    if result["metrics"]:
        metrics_table(page, result["metrics"])
        page.line()
    verdicts, samples = result["verdicts"], result["samples"]
    if verdicts:
        rows = [(name, f"{count:,}", f"{count / samples:.2%}") for name, count in verdicts.items()]
        styles = [{"passed": GREEN, "infra_error": YELLOW}.get(name, "") for name in verdicts]
        page.table(("verdict", "samples", "share"), rows, "lrr", styles=styles)
        page.line()
    page.facts(facts(result))
    for warning in result.get("warnings", []):
        page.line()
        page.text(f"warning: {warning}", YELLOW)
    return str(page)


def metrics_table(page: Page, metrics: Mapping[str, Mapping[str, Any]]) -> None:
    """Add the table of metrics, each with both of its uncertainties, and what they mean.

    Args:
        page: where to.
        metrics: by name, each as `metrics.Score.as_dict` gives it.
    """
    page.table(METRICS_HEAD, metrics_rows(metrics), "lrrlrl")
    page.line()
    page.text(MEANING, DIM)
    if any(is_bound(one) for one in metrics.values()):
        page.text(BOUND_MEANING, DIM)


def metrics_rows(metrics: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return the cells below `METRICS_HEAD`; arguments as `metrics_table`."""
    return [
        (name, f"{one['value']:.4f}", *_uncertainty(one["over_problems"]), *_uncertainty(one["over_samples"]))
        for name, one in metrics.items()
    ]


def is_bound(metric: Mapping[str, Any]) -> bool:
    """Whether a metric's uncertainty over samples is a bound, which `BOUND_MEANING` explains."""
    return bool(metric["over_samples"]["method"] == _BOUND)


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


def _headline(result: Mapping[str, Any]) -> str:
    problems, samples, n = result["problems"], result["samples"], result.get("n")
    total = result.get("problems_total") or round(problems / (result["coverage"] or 1))
    each = f" (n = {n})" if n else ""
    return f"{result['task']}: {problems:,} of {total:,} problems, {samples:,} samples{each}"


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


def _uncertainty(one: Mapping[str, Any]) -> tuple[str, str]:
    if one["se"] is None or one["ci95"] is None:
        return "-", "none from one" if one["method"].startswith("over-problems") else "none"
    return f"{bound_mark(one['method'])}{one['se']:.4f}", interval(one["ci95"])


def facts(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what else is to be said, a name and a text each; the argument is that of `render`."""
    found = []
    if result.get("coverage", 1) < 1:
        found.append(
            ("coverage", f"{result['coverage']:.1%} of the task's problems; the rest has no samples")
        )
    if result.get("clusters") is not None:
        found.append(
            (
                "clusters",
                f"{result['clusters']:,} sources of the problems, which over problems are what counts",
            )
        )
    if result.get("distinct") is not None and result["samples"] > result["problems"]:
        found.append(("distinct", f"{result['distinct']:.1%} of a problem's samples, on average"))
    limits = result["limits"]
    found.append(
        (
            "judge",
            f"{result['judge']}; {limits['timeout_s']:g} s, {limits['memory_mib']} MiB of memory, "
            f"{limits['output_mib']} MiB of output, {limits['processes']} processes",
        )
    )
    if set(result.get("judges", {})) - {result["judge"]}:
        found.append(("judged", _judged(result["judges"], result.get("one_process", {}))))
    layers = result["sandbox"]["layers"]
    active = ", ".join(name for name, on in layers.items() if on) or ("none" if layers else "nothing was run")
    missing = ", ".join(name for name, on in layers.items() if not on)
    found.append(
        ("sandbox", f"{result['sandbox']['mode']}: {active}" + (f"; without {missing}" if missing else ""))
    )
    if result.get("flags"):
        found.append(("flagged", ", ".join(f"{name}: {count}" for name, count in result["flags"].items())))
    dataset = result.get("dataset")
    if dataset:
        found.append(("problems", f"{dataset['source']}, sha256 {dataset['sha256'][:12]}"))
    return [(name, text) for name, text in found if text]
