"""`passk compare`: which of several runs is better, and whether that is more than noise."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.compare import LOST, Change, Comparison, label
from passk_tasks.text.summary import bound_mark, interval, p_value
from passk_tasks.text.terminal import BOLD, DIM, GREEN, RED, YELLOW, Page

_SHOWN = 10  # changed problems in each direction, unless all are asked for
_ALL_PAIRS = 5  # runs, up to which every pair is shown
_REGRESSED = 1

_EPILOG = """\
A run is a results file or folder of lm-eval (with --log_samples) or of `passk score --out`; a folder with
several runs gives all of them, by date. Runs are paired problem by problem. The interval says what the
difference would be on other problems of this kind; p is the sign-flip test's: how often runs that are alike
differ by as much.

exit codes: 0 done, 1 the last run is worse than the first (--fail-on-regression: by the first metric asked
for, p < 0.05), 2 a mistake in arguments or files, or runs that measured different things"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `compare` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help="which of several runs is better, beyond noise, and which problems changed",
        description="Compare stored runs, paired by problem.",
        epilog=_EPILOG,
    )
    shared.add_runs(parser)
    parser.add_argument(
        "--fail-on-regression",
        action="store_true",
        help="exit with 1 when the last run is worse than the first beyond noise",
    )
    parser.add_argument("--all", action="store_true", help="show every changed problem and every pair")


def run(options: argparse.Namespace) -> int:
    """Compare and print."""
    runs = api.load_runs(options.runs, options.task)
    result = api.compare_runs(
        runs, shared.metrics(options), shared.clusters(options, runs), anyway=options.anyway
    )
    shared.show(options, result.as_dict(), partial(render, result, everything=options.all))
    return _REGRESSED if options.fail_on_regression and result.regressed else 0


def render(
    result: Comparison, *, colour: bool = False, width: int | None = None, everything: bool = False
) -> str:
    """Return the comparison as people read it, without a newline at its end.

    Args:
        result: what to show.
        colour: whether the terminal shows colours.
        width: of the terminal; None for a file or a pipe.
        everything: show all changed problems and all pairs.
    """
    page = Page(colour=colour, width=width)
    left_out = f"; {result.left_out} that not all have are left out" if result.left_out else ""
    page.line(f"{len(result.runs)} runs over {len(result.problems)} problems{left_out}", BOLD)
    page.line()
    rows = [
        (
            label(i),
            one.name,
            one.task,
            "-" if one.date is None else f"{one.date:%Y-%m-%d %H:%M}",
            str(one.path),
        )
        for i, one in enumerate(result.runs)
    ]
    page.table(("", "model", "task", "date", "results"), rows, "lllll")
    page.line()
    _conditions(page, result)
    _ranking(page, result)
    _pairs(page, result, everything=everything)
    _changes(page, result, everything=everything)
    for warning in result.warnings:
        page.gap()
        page.text(f"warning: {warning}", YELLOW)
    page.gap()
    page.text(result.conclusion, BOLD)
    return str(page)


def _conditions(page: Page, result: Comparison) -> None:
    if result.conditions:
        head = ("differs", *(label(i) for i in range(len(result.runs))))
        rows = [(one.name, *one.shown()) for one in result.conditions]
        styles = [RED if one.unlike else YELLOW for one in result.conditions]
        page.table(head, rows, "l" * len(head), styles=styles)
    else:
        page.line("  every condition that all runs recorded is the same")
    if result.unrecorded:
        page.text(f"not recorded by all: {', '.join(result.unrecorded)}", DIM)
    page.line()


def _ranking(page: Page, result: Comparison) -> None:
    several = len(result.runs) > 2
    groups = {i: [] for i in range(len(result.runs))}  # type: dict[int, list[str]]
    for number, group in enumerate(result.groups, 1):
        for i in group:
            groups[i].append(str(number))
    for metric in result.metrics:
        primary = metric == result.primary
        order = result.order if primary else range(len(result.runs))
        rows = []
        for i in order:
            score = result.scores[metric.name][i]
            row = [label(i), f"{score.value:.4f}", interval(score.over_problems.ci95)]
            row.append(bound_mark(score.over_samples.method) + interval(score.over_samples.ci95))
            rows.append([*row, " ".join(groups[i])] if several and primary else row)
        head = [metric.name, "", "over problems", "over samples"]
        align = "lrll"
        if several and primary:
            head, align = [*head, "group"], align + "l"
        page.table(head, rows, align)
        page.line()
    if several:
        page.text(f"Runs of one group cannot be told apart by {result.primary.name}.", DIM)
        page.line()


def _pairs(page: Page, result: Comparison, *, everything: bool) -> None:
    several = len(result.runs) > 2
    for metric in result.metrics:
        pairs = list(result.pairs[metric.name])
        if several and metric != result.primary and not everything:
            continue
        if len(result.runs) > _ALL_PAIRS and not everything:
            near = {frozenset(two) for two in zip(result.order, result.order[1:], strict=False)}
            pairs = [pair for pair in pairs if {pair.first, pair.second} in near]
        columns = {
            metric.name: [f"{label(pair.first)} → {label(pair.second)}" for pair in pairs],
            "difference": [f"{pair.difference.value:+.4f}" for pair in pairs],
            "over problems": [interval(pair.difference.ci95, signed=True) for pair in pairs],
        }
        if any(pair.over_samples is not None for pair in pairs):
            columns["over samples"] = [interval(pair.over_samples, signed=True) for pair in pairs]
        columns["p"] = [p_value(pair.difference.p) for pair in pairs]
        if several:
            columns["p (Holm)"] = [p_value(pair.p_adjusted) for pair in pairs]
        # There where both runs have one sample a problem.
        if any(pair.mcnemar for pair in pairs):
            columns["only first"] = [str(pair.mcnemar[0]) if pair.mcnemar else "-" for pair in pairs]
            columns["only second"] = [str(pair.mcnemar[1]) if pair.mcnemar else "-" for pair in pairs]
            columns["p (McNemar)"] = [p_value(pair.mcnemar[2]) if pair.mcnemar else "-" for pair in pairs]
        styles = ["" if not pair.apart else GREEN if pair.difference.value > 0 else RED for pair in pairs]
        align = "".join("l" if name == metric.name or name.startswith("over") else "r" for name in columns)
        page.table(list(columns), list(zip(*columns.values(), strict=True)), align, styles=styles)
        page.line()


def _changes(page: Page, result: Comparison, *, everything: bool) -> None:
    if not result.changes:
        page.line("  no problem changed its pass rate")
        return
    last = label(len(result.runs) - 1)
    worse = [one for one in result.changes if one.difference < 0]
    better = [one for one in result.changes if one.difference > 0][::-1]
    for name, changes, style in ((f"worse in {last}", worse, RED), (f"better in {last}", better, GREEN)):
        if not changes or (len(result.runs) > 2 and not everything):
            continue
        shown = changes if everything else changes[:_SHOWN]
        rows = [
            (one.task_id, _rate(one.before), "→", _rate(one.after), one.flip or "", _verdicts(one))
            for one in shown
        ]
        styles = [style if one.flip else "" for one in shown]
        page.table((name, "A", "", last, "", f"verdicts in A → {last}"), rows, "lrlrll", styles=styles)
        if len(shown) < len(changes):
            page.line(f"  … and {len(changes) - len(shown)} more: --all", DIM)
        page.line()
    lost = sum(one.flip == LOST for one in worse)
    gained = sum(one.flip is not None for one in better)
    page.line(f"  {lost} problems lost (solved in A, never in {last}), {gained} gained", BOLD)
    if len(result.runs) > 2 and not everything:
        page.line(f"  {len(result.changes)} changed from A to {last}: --all", DIM)


def _verdicts(change: Change) -> str:
    def listed(verdicts: Mapping[str, int]) -> str:
        if sum(verdicts.values()) == 1:
            return next(iter(verdicts))
        return ", ".join(f"{count} {name}" for name, count in verdicts.items())

    return f"{listed(change.verdicts_before)} → {listed(change.verdicts_after)}"


def _rate(counts: tuple[int, int]) -> str:
    return f"{counts[1]}/{counts[0]}"
