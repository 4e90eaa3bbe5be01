"""A result as people read it: one small table on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from passk_tasks.terminal import BOLD, DIM, GREEN, WIDTH, YELLOW, Page

__all__ = ["WIDTH", "metrics_table", "render"]

_BOUND = "over-samples-bound"


def render(result: Mapping[str, Any], *, colour: bool = False) -> str:
    """Return the summary of a result, without a newline at its end.

    Args:
        result: the object of `passk score --json`, or a run's provenance, which has the same keys.
        colour: whether the terminal shows colours.
    """
    page = Page(colour=colour)
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
    page.facts([(name, text) for name, text in _facts(result) if text])
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
    rows = [
        (name, f"{one['value']:.4f}", *_uncertainty(one["over_problems"]), *_uncertainty(one["over_samples"]))
        for name, one in metrics.items()
    ]
    page.table(("", "value", "se", "over problems", "se", "over samples"), rows, "lrrlrl")
    page.line()
    page.text(
        "95 % intervals. Over problems: if others of this kind were asked; over samples: if these were asked "
        "again.",
        DIM,
    )
    if any(one["over_samples"]["method"] == _BOUND for one in metrics.values()):
        page.text("≤ bound: n < 2k leaves no unbiased estimate, so what holds over problems stands in.", DIM)


def _headline(result: Mapping[str, Any]) -> str:
    problems, samples, n = result["problems"], result["samples"], result.get("n")
    total = result.get("problems_total") or round(problems / (result["coverage"] or 1))
    each = f" (n = {n})" if n else ""
    return f"{result['task']}: {problems:,} of {total:,} problems, {samples:,} samples{each}"


def _uncertainty(one: Mapping[str, Any]) -> tuple[str, str]:
    if one["se"] is None or one["ci95"] is None:
        return "-", "none from one" if one["method"].startswith("over-problems") else "none"
    low, high = one["ci95"]
    bound = "≤ " if one["method"] == _BOUND else ""
    return f"{bound}{one['se']:.4f}", f"{low:.4f} … {high:.4f}"


def _facts(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = []
    if result.get("coverage", 1) < 1:
        facts.append(
            ("coverage", f"{result['coverage']:.1%} of the task's problems; the rest has no samples")
        )
    if result.get("distinct") is not None and result["samples"] > result["problems"]:
        facts.append(("distinct", f"{result['distinct']:.1%} of a problem's samples, on average"))
    limits = result["limits"]
    facts.append(
        (
            "judge",
            f"{result['judge']}; {limits['timeout_s']:g} s, {limits['memory_mib']} MiB of memory, "
            f"{limits['output_mib']} MiB of output, {limits['processes']} processes",
        )
    )
    layers = result["sandbox"]["layers"]
    active = ", ".join(name for name, on in layers.items() if on) or ("none" if layers else "nothing was run")
    missing = ", ".join(name for name, on in layers.items() if not on)
    facts.append(
        ("sandbox", f"{result['sandbox']['mode']}: {active}" + (f"; without {missing}" if missing else ""))
    )
    if result.get("flags"):
        facts.append(("flagged", ", ".join(f"{name}: {count}" for name, count in result["flags"].items())))
    dataset = result.get("dataset")
    if dataset:
        facts.append(("problems", f"{dataset['source']}, sha256 {dataset['sha256'][:12]}"))
    return facts
