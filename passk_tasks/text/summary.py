"""The summary of a result as text for a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from passk_tasks.results.keys import Keys
from passk_tasks.results.summary import Summary
from passk_tasks.statistics.intervals import Estimate
from passk_tasks.statistics.metrics import KEPT, MAX, Score
from passk_tasks.statistics.rounding import decimal, percent
from passk_tasks.text import spending
from passk_tasks.text.terminal import BOLD, DIM, GREEN, YELLOW, Page
from passk_tasks.verdict import Machine, Verdict

if TYPE_CHECKING:  # whoever shows a stored run needs nothing that scores
    from passk_tasks.scoring.shards import Shard

METRICS_HEAD = ("", "value", "se", "over problems", "se", "over samples")
MEANING = (
    "95 % intervals. Over problems: if others of this kind were asked; over samples: if these were asked "
    "again."
)
BOUND_MEANING = (
    "≤ bound: no unbiased estimate (n < 2k, or none is known); the value over problems is a bound."
)
CREDIBLE_MEANING = "credible: what the samples make one believe of the true value, from a uniform prior."
MAX_MEANING = "max@k: the largest share of cases that hold among k samples, each case tried by itself."
KEPT_MEANING = (
    "pass@k counts every answer. kept_pass@k is what the benchmark's own program reports: it leaves some "
    "answers out of n, see docs/judges.md."
)

_BOUND, _CREDIBLE = "over-samples-bound", "credible"
_REASONS = 4  # most reasons shown in one line
_LIMITS = {
    "memory_mib": "MiB of memory",
    "output_mib": "MiB of output",
    "processes": "processes",
}
_SMALLEST_P = 0.0001  # smaller ones are shown as `< 0.0001`


def render(result: Summary, *, colour: bool = False, width: int | None = None) -> str:
    """Return the summary of a scoring or a stored run, without a final newline; a file has no `width`."""
    page = Page(colour=colour, width=width)
    page.line(_headline(result), BOLD)
    page.line()
    findings(page, result)
    if result.metrics:
        page.table(METRICS_HEAD, metrics_rows(result.metrics), "lrrlrl")
        page.line()
        page.text(MEANING, DIM)
        if any(is_bound(score) for score in result.metrics.values()):
            page.text(BOUND_MEANING, DIM)
        if any(score.over_samples.method == _CREDIBLE for score in result.metrics.values()):
            page.text(CREDIBLE_MEANING, DIM)
        if any(name.startswith(KEPT) for name in result.metrics):
            page.text(KEPT_MEANING, DIM)
        if any(name.startswith(MAX) for name in result.metrics):
            page.text(MAX_MEANING, DIM)
        page.line()
    if result.verdicts:
        counts = verdicts(result)
        rows = [(name, f"{count:,}", percent(count / result.samples, 2)) for name, count in counts]
        styles = [{"passed": GREEN, "infra_error": YELLOW}.get(name, "") for name, _ in counts]
        page.table(("verdict", "samples", "share"), rows, "lrr", styles=styles)
        page.line()
    page.facts(facts(result))
    for warning in result.other_warnings:
        page.line()
        page.text(f"warning: {warning}", YELLOW)
    return str(page)


def render_shard(shard: Shard, *, colour: bool = False, width: int | None = None) -> str:
    """Return what a part of a scoring came to, without a final newline; arguments as those of `render`."""
    page = Page(colour=colour, width=width)
    share = f"{shard.samples:,} of {shard.samples_total:,} samples"
    page.line(f"{shard.task}, part {shard.number} of {shard.of} (from 0): {share}", BOLD)
    page.line()
    if shard.verdicts:
        page.table(("verdict", "samples"), [(name, f"{n:,}") for name, n in shard.verdicts.items()], "lr")
        page.line()
    if shard.resumed:
        page.text(f"{shard.resumed:,} of them had a verdict already; --again judges all anew")
    page.line(f"  {shard.path}")
    page.line(f"  next, when all parts are there: {shlex.join(['passk', 'merge', str(shard.path.parent)])}")
    return str(page)


def findings(page: Page, result: Summary) -> None:
    """Add what a run suffers from, each with its remedy and the command to type."""
    for found in result.findings:
        page.text(f"warning: {found}", YELLOW)
        if found.typed:
            page.line(f"    {found.typed}", BOLD)
        page.line()


def verdicts(result: Summary) -> list[tuple[str, int]]:
    """Return each verdict with its count; below `no_code`, indented, each way to have none."""
    rows = []
    for name, count in result.verdicts.items():
        rows.append((name, count))
        if name == Verdict.NO_CODE.value:
            rows += [(f"  {way}", of_way) for way, of_way in result.no_code.items()]
    return rows


def metrics_rows(metrics: Mapping[str, Score]) -> list[tuple[str, ...]]:
    """Return the cells below `METRICS_HEAD`, a row for each metric; `metrics` are by name."""
    return [
        (name, decimal(score.value), *_uncertainty(score.over_problems), *_uncertainty(score.over_samples))
        for name, score in metrics.items()
    ]


def is_bound(score: Score) -> bool:
    """Whether a score's uncertainty over samples is a bound, which `BOUND_MEANING` explains."""
    return score.over_samples.method == _BOUND


def bound_mark(method: str) -> str:
    """Return the mark before an uncertainty that is not what its column says, else nothing."""
    return {_BOUND: "≤ ", _CREDIBLE: "credible "}.get(method, "")


def interval(ci95: Sequence[float] | None, *, signed: bool = False) -> str:
    """Return an interval as text, in the one form used everywhere; `-` for None."""
    form = "+.4f" if signed else ".4f"
    return "-" if ci95 is None else f"{ci95[0]:{form}} … {ci95[1]:{form}}"


def bounded(estimate: Estimate) -> str:
    """Return an estimate's interval, behind its mark where it is not what its column says; `-` for none."""
    return "-" if estimate.ci95 is None else bound_mark(estimate.method) + interval(estimate.ci95)


def shown_times(limits: Mapping[str, float], judge: str | None) -> list[str]:
    """Return stored time limits as texts, each with what it is for."""
    of_one = {"stdio": " a call or case"}.get(judge or "", " a call") if "call_s" in limits else ""
    if judge == "command":
        of_one = " or the language's own limit, if longer"
    shown = {f" s{of_one}": limits.get("timeout_s"), " s for all calls": limits.get("whole_s")}
    if "whole_s" in limits and "call_s" not in limits:  # in one process calls are not timed one by one
        del shown[" s"]
    return [f"{value:g}{unit}" for unit, value in shown.items() if value is not None]


def p_value(p: float) -> str:
    """Return a p-value as text, in the one form used everywhere."""
    return f"< {_SMALLEST_P}" if p < _SMALLEST_P else f"{p:.4f}"


def _headline(result: Summary) -> str:
    each = f" (n = {result.n})" if result.n else ""
    problems = f"{result.problems:,} of {result.problems_total:,} problems"
    return f"{result.task}: {problems}, {result.samples:,} samples{each}"


def _judged(judges: Mapping[str, int], reasons: Mapping[str, int]) -> str:
    """Return how many problems each judge decided, and why some tests ran in the candidate's process."""
    shown = [f"{count} {reason}" for reason, count in list(reasons.items())[:_REASONS]]
    more = len(reasons) - _REASONS
    shown += [f"{more} more reason{'s' if more > 1 else ''}"] if more > 0 else []
    script = "in one process" + (f" ({'; '.join(shown)})" if shown else "")
    return ", ".join(f"{count:,} {script if judge == 'script' else judge}" for judge, count in judges.items())


def _machines(machines: Sequence[Machine]) -> str:
    """Return how many programs each machine judged, and which have another environment."""
    return "; ".join(
        f"{machine.name} {machine.programs:,} programs"
        + (f", with another {', '.join(list(machine.differs)[:3])}" if machine.differs else "")
        for machine in machines
    )


def _uncertainty(estimate: Estimate) -> tuple[str, str]:
    if estimate.se is None or estimate.ci95 is None:
        return "-", "none from one" if estimate.method.startswith("over-problems") else "none"
    return f"{bound_mark(estimate.method)}{estimate.se:.4f}", interval(estimate.ci95)


def _topped_up(keys: Keys) -> str:
    """Return how topping up ended."""
    reached, scouts = keys.number("half_width"), keys.inner("scouts")
    least, most = keys.whole("least"), keys.whole("most")
    text = f"pass@{keys.whole('k')} within ± {reached:.4f}" if reached is not None else "without an interval"
    text += f" over samples (wanted: ± {keys.number('wanted'):g}), with {least}"
    text += f" to {most} samples a problem" if least != most else " samples of each problem"
    if each := scouts.whole("each"):
        tokens = scouts.whole("tokens_out")
        text += f"; {each} scouts of each besides, {scouts.whole('samples'):,} answers"
        text += f" with {tokens:,} tokens" if tokens else ""
        if (money := scouts.number("money")) is not None:
            text += f" for {spending.amount(money)}"
        text += ", which do not count, here or in the cost"
    return text


def facts(result: Summary) -> list[tuple[str, str]]:
    """Return a name and a text for each fact below the tables, e.g. coverage, judge and sandbox."""
    called = {"label": result.label, "note": result.note, "tags": ", ".join(result.tags)}
    lines = [(name, text) for name, text in called.items() if text]
    if result.coverage < 1:
        lines.append(
            ("coverage", f"{percent(result.coverage, 1)} of the task's problems; the rest has no samples")
        )
    if result.out_of_reach:
        lines.append(("out of reach", f"{len(result.out_of_reach):,} problems, whose data sets are not here"))
    if result.top_up is not None:
        lines.append(("top-up", _topped_up(Keys(result.top_up))))
    if result.clusters is not None:
        lines.append(("clusters", f"{result.clusters:,} sources of problems; each is one unit over problems"))
    if result.distinct is not None and result.samples > result.problems:
        lines.append(("distinct", f"{percent(result.distinct, 1)} of a problem's samples, on average"))
    values = {unit: result.limits[name] for name, unit in _LIMITS.items() if name in result.limits}
    limits = shown_times(result.limits, result.judge)
    limits += [f"{v:g} {unit}" if isinstance(v, float) else f"{v} {unit}" for unit, v in values.items()]
    lines.append(("judge", f"{result.judge}; {', '.join(limits)}"))
    if set(result.judges) - {result.judge}:
        lines.append(("judged", _judged(result.judges, result.one_process)))
    if result.sandbox is not None:
        active = ", ".join(name for name, on in result.layers.items() if on)
        absent = ", ".join(name for name, on in result.layers.items() if not on)
        shown = active or ("none" if result.layers else "nothing was run")
        lines.append(("sandbox", f"{result.sandbox}: {shown}" + (f"; without {absent}" if absent else "")))
    if result.from_store is not None:
        lines.append(("store", f"{result.from_store:,} of {result.samples:,} verdicts came from it"))
    if result.machines:
        lines.append(("machines", _machines(result.machines)))
    lines += spending.facts(result)
    if result.flags:
        lines.append(("flagged", ", ".join(f"{name}: {count}" for name, count in result.flags.items())))
    if result.dataset_sha256 is not None:
        lines.append(("problems", f"{result.dataset_source}, sha256 {result.dataset_sha256[:12]}"))
    return lines
