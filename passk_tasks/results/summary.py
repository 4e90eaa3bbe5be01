"""A result as people read it: one small table on a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

WIDTH = 96

_BOLD, _GREEN, _YELLOW, _DIM, _END = "\033[1m", "\033[32m", "\033[1;33m", "\033[2m", "\033[0m"


def render(result: Mapping[str, Any], *, colour: bool = False) -> str:
    """Return the summary of a result, without a newline at its end.

    Args:
        result: the object of `passk score --json`, or a run's provenance, which has the same keys.
        colour: whether the terminal shows colours.
    """

    def paint(code: str, text: str) -> str:
        return f"{code}{text}{_END}" if colour else text

    lines = [paint(_BOLD, _plain(_headline(result))), ""]
    metrics = result["metrics"]
    if metrics:
        width = max(map(len, metrics))
        head = f"  {'':{width}}   value      se    95 % interval"
        lines.append(paint(_DIM, head))
        lines += [f"  {paint(_BOLD, f'{name:<{width}}')}  {_estimate(metrics[name])}" for name in metrics]
        lines.append("")
    verdicts, samples = result["verdicts"], result["samples"]
    if verdicts:
        count_width = max(len("samples"), len(f"{samples:,}"))
        name_width = max(len("verdict"), *map(len, verdicts))
        lines.append(paint(_DIM, f"  {'verdict':<{name_width}}  {'samples':>{count_width}}    share"))
        for name, count in verdicts.items():
            shown = f"{name:<{name_width}}"
            shown = paint(_GREEN, shown) if name == "passed" else shown
            shown = paint(_YELLOW, shown) if name == "infra_error" else shown
            lines.append(f"  {shown}  {count:>{count_width},}  {count / samples:>7.2%}")
        lines.append("")
    facts = [(name, text) for name, text in _facts(result) if text]
    fact_width = max(len(name) for name, _ in facts)
    for name, text in facts:
        wrapped = textwrap.wrap(
            _plain(text), WIDTH - fact_width - 4, break_on_hyphens=False, break_long_words=False
        )
        lines.append(f"  {paint(_DIM, f'{name:<{fact_width}}')}  {wrapped[0]}")
        lines += [f"  {'':{fact_width}}  {more}" for more in wrapped[1:]]
    for warning in result.get("warnings", []):
        lines.append("")
        wrapped = textwrap.wrap(
            f"warning: {_plain(warning)}", WIDTH - 2, break_on_hyphens=False, break_long_words=False
        )
        lines += [paint(_YELLOW, f"  {line}") for line in wrapped]
    return "\n".join(lines)


def _headline(result: Mapping[str, Any]) -> str:
    problems, samples, n = result["problems"], result["samples"], result.get("n")
    total = result.get("problems_total") or round(problems / (result["coverage"] or 1))
    each = f" (n = {n})" if n else ""
    return f"{result['task']}: {problems:,} of {total:,} problems, {samples:,} samples{each}"


def _estimate(estimate: Mapping[str, Any]) -> str:
    if estimate["se"] is None or estimate["ci95"] is None:
        return f"{estimate['value']:.4f}       -    none from one problem"
    low, high = estimate["ci95"]
    return f"{estimate['value']:.4f}  {estimate['se']:.4f}  {low:.4f} … {high:.4f}"


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


def _plain(text: str) -> str:
    """Return text that cannot move the cursor: names come from files that others wrote."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
