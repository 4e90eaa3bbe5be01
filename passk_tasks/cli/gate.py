"""`passk gate`: whether new runs keep to a policy; for CI."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.gate import Result, Verdict
from passk_tasks.statistics.gate import FAILED, INCONCLUSIVE, PASSED, POWER, PROBLEMS
from passk_tasks.statistics.rounding import decimal
from passk_tasks.text.terminal import BOLD, DIM, GREEN, RED, YELLOW, Page

EXIT_CODES = {PASSED: 0, FAILED: 5, INCONCLUSIVE: 6}
_STYLES = {PASSED: GREEN, FAILED: RED, INCONCLUSIVE: YELLOW}

_EPILOG = """\
The policy is YAML; paths in it are relative to it:

  confidence: 0.95
  tasks:
    passk_humaneval:
      baseline: baselines/humaneval
      largest_drop: 0.03

docs/gate.md has every key. Of several runs of a task the newest is tested.

exit codes: 0 pass: no more was lost than is allowed; 5 fail: more was lost; 6 inconclusive: the run is too
small to say, and the output says how many samples would be enough; 2 a mistake in policy, arguments or files.
Of several tasks the worst counts: fail, then inconclusive."""


def add_parser(commands: argparse._SubParsersAction[Any], what: str) -> None:
    """Add `gate` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help=what,
        description="Hold runs against baselines: pass, fail, or inconclusive.",
        epilog=_EPILOG,
    )
    parser.add_argument("runs", nargs="+", metavar="RUN", help="results file, or folder with results")
    parser.add_argument("--policy", metavar="FILE", required=True, help="tasks, baselines, largest drops")


def run(options: argparse.Namespace) -> int:
    """Check, print, and return the verdict's exit code."""
    result = api.gate_runs(options.runs, options.policy)
    failed = [(one.baseline.path, one.run.path) for one in result.verdicts if one.verdict == FAILED]
    then = ["compare", *failed[0]] if failed else ()
    shared.show(options, result.as_dict(), partial(render, result), then)
    return EXIT_CODES[result.verdict]


def render(result: Result, *, colour: bool = False, width: int | None = None) -> str:
    """Return the verdicts as text, without a final newline."""
    page = Page(colour=colour, width=width)
    for one in result.verdicts:
        page.line(f"{one.rule.task}: {one.verdict}", _STYLES[one.verdict])
        page.facts(_facts(one))
        if one.verdict == INCONCLUSIVE:
            page.text(_why(one), YELLOW)
        for note in one.notes:
            page.text(f"note: {note}", DIM)
        page.line()
    for note in result.notes:
        page.text(f"note: {note}", DIM)
    page.gap()
    page.line(result.verdict, BOLD)
    return str(page)


def _facts(one: Verdict) -> list[tuple[str, str]]:
    decision, rule = one.decision, one.rule
    return [
        (
            rule.metric.name,
            f"{decimal(decision.baseline)} → {decimal(decision.value)}, {decision.difference:+.4f}",
        ),
        (
            "bounds",
            f"{decision.low:+.4f} … {decision.high:+.4f}, each with {rule.confidence:.4g} confidence over "
            f"{decision.over}; a drop of {rule.largest_drop:g} is allowed",
        ),
        ("problems", f"{one.problems}"),
        ("baseline", str(one.baseline.path)),
        ("run", str(one.run.path)),
    ]


def _why(one: Verdict) -> str:
    """Return why there is no verdict, and what would be enough for one."""
    if one.missing:
        return (
            f"{one.missing} of the baseline's {one.problems + one.missing} problems have no samples with a "
            "verdict in this run: sample them."
        )
    decision = one.decision
    if decision.enough is not None:
        enough = f"n = {decision.enough:,} samples a problem in this run"
    elif decision.enough_of_both is not None:
        enough = f"n = {decision.enough_of_both:,} samples a problem in this run and in the baseline"
    elif decision.over == PROBLEMS and decision.problems is not None:
        enough = f"no number of samples of these problems, but {decision.problems:,} problems of this kind"
    else:
        enough = "no number of samples"
    return (
        f"Too few samples to say. Enough, with a chance of {POWER:.0%} if nothing was lost or twice what is "
        f"allowed: {enough}."
    )
