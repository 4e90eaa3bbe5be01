"""`passk compare`: which of several runs is better, and whether that is more than noise."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.compare import Comparison, label
from passk_tasks.text import spending
from passk_tasks.text.spending import amount
from passk_tasks.text.summary import bound_mark, interval, p_value
from passk_tasks.text.terminal import BOLD, DIM, GREEN, RED, YELLOW, Page

_SHOWN = 10  # changed problems shown in each direction, without --all
_ALL_PAIRS = 5  # most runs of which every pair is shown, without --all

_EPILOG = """\
A run is a results file or folder of lm-eval (with --log_samples) or of `passk score --out`; a folder with
several runs gives all of them, by date. Runs are paired problem by problem. The interval says what the
difference would be on other problems of this kind; p, of the sign-flip test, says how often equally good runs
differ by as much.

exit codes: 0 done, 1 with --fail-on-regression: the last run is worse than the first (by the first metric
asked for, p < 0.05), 2 a mistake in arguments or files, or runs that measured different things"""


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
    return 1 if options.fail_on_regression and result.regressed else 0


def render(
    result: Comparison, *, colour: bool = False, width: int | None = None, everything: bool = False
) -> str:
    """Return the comparison as text, without a final newline; `everything` adds all changes and all pairs."""
    page = Page(colour=colour, width=width)
    left_out = f"; {result.left_out} that some run lacks are left out" if result.left_out else ""
    page.line(f"{len(result.runs)} runs over {len(result.problems)} problems{left_out}", BOLD)
    page.line()
    rows = [
        (label(i), run.name, run.task, f"{run.date:%Y-%m-%d %H:%M}" if run.date else "-", str(run.path))
        for i, run in enumerate(result.runs)
    ]
    page.table(("", "model", "task", "date", "results"), rows, "lllll")
    page.line()
    _conditions(page, result)
    _ranking(page, result)
    _pairs(page, result, everything=everything)
    _at_cost(page, result)
    _cut_off(page, result)
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
        rows = [(condition.name, *condition.shown()) for condition in result.conditions]
        styles = [RED if condition.unlike else YELLOW for condition in result.conditions]
        page.table(head, rows, "l" * len(head), styles=styles)
    else:
        page.line("  every condition that all runs recorded is the same")
    if result.unrecorded:
        page.text(f"not recorded by all: {', '.join(result.unrecorded)}", DIM)
    page.line()


def _ranking(page: Page, result: Comparison) -> None:
    several = len(result.runs) > 2
    for metric in result.metrics:
        primary = metric == result.primary
        rows = []
        for i in result.order if primary else range(len(result.runs)):
            score = result.scores[metric.name][i]
            over_samples = bound_mark(score.over_samples.method) + interval(score.over_samples.ci95)
            groups = " ".join(str(number) for number, group in enumerate(result.groups, 1) if i in group)
            over_problems = interval(score.over_problems.ci95)
            rows.append((label(i), f"{score.value:.4f}", over_problems, over_samples, groups))
        columns = 5 if several and primary else 4
        head = (metric.name, "", "over problems", "over samples", "group")[:columns]
        page.table(head, [row[:columns] for row in rows], "lrlll"[:columns])
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
            neighbours = [{i, j} for i, j in zip(result.order, result.order[1:], strict=False)]
            pairs = [pair for pair in pairs if {pair.first, pair.second} in neighbours]
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
        # Only for two runs with one sample a problem.
        if any(pair.mcnemar for pair in pairs):
            columns["only first"] = [str(pair.mcnemar[0]) if pair.mcnemar else "-" for pair in pairs]
            columns["only second"] = [str(pair.mcnemar[1]) if pair.mcnemar else "-" for pair in pairs]
            columns["p (McNemar)"] = [p_value(pair.mcnemar[2]) if pair.mcnemar else "-" for pair in pairs]
        styles = ["" if not pair.apart else GREEN if pair.difference.value > 0 else RED for pair in pairs]
        align = "".join("l" if name == metric.name or name.startswith("over") else "r" for name in columns)
        page.table(list(columns), list(zip(*columns.values(), strict=True)), align, styles=styles)
        page.line()


def _at_cost(page: Page, result: Comparison) -> None:
    if not result.at_cost:
        page.text("What they cost is not known of all: no comparison at equal cost.", DIM)
        page.line()
    for at_cost in result.at_cost:
        page.line(f"  where each may spend {amount(at_cost.budget)} {at_cost.unit} a problem:", BOLD)
        rows = [
            (label(i), f"{point.k:.2f}", f"{point.estimate.value:.4f}", interval(point.estimate.ci95))
            for i, point in enumerate(at_cost.points)
        ]
        page.table(("", "samples", "pass@cost", "over problems"), rows, "lrrl")
        rows = [
            (
                f"{label(i)} → {label(j)}",
                f"{difference.value:+.4f}",
                interval(difference.ci95, signed=True),
                p_value(difference.p),
            )
            for (i, j), difference in at_cost.pairs.items()
        ]
        page.table(("", "difference", "over problems", "p"), rows, "lrlr")
        page.line()


def _cut_off(page: Page, result: Comparison) -> None:
    known = [(label(i), run.cut_off) for i, run in enumerate(result.runs) if run.cut_off is not None]
    if known:
        page.line("  answers that were cut off", BOLD)
        page.facts([(name, spending.cut_off(cut)) for name, cut in known])
        page.line()


def _changes(page: Page, result: Comparison, *, everything: bool) -> None:
    if not result.changes:
        page.line("  no problem changed its pass rate")
        return
    last = label(len(result.runs) - 1)
    worse = [change for change in result.changes if change.difference < 0]
    better = [change for change in result.changes if change.difference > 0][::-1]
    for name, changes, style in ((f"worse in {last}", worse, RED), (f"better in {last}", better, GREEN)):
        if not changes or (len(result.runs) > 2 and not everything):
            continue
        shown = changes if everything else changes[:_SHOWN]
        rows = [
            (change.task_id, _rate(change.before), "→", _rate(change.after), change.flip or "", verdicts)
            for change in shown
            for verdicts in [f"{_listed(change.verdicts_before)} → {_listed(change.verdicts_after)}"]
        ]
        styles = [style if change.flip else "" for change in shown]
        page.table((name, "A", "", last, "", f"verdicts in A → {last}"), rows, "lrlrll", styles=styles)
        if len(shown) < len(changes):
            page.line(f"  … and {len(changes) - len(shown)} more: --all", DIM)
        page.line()
    lost, gained = (sum(change.flip is not None for change in changes) for changes in (worse, better))
    page.line(f"  {lost} problems lost (solved in A, never in {last}), {gained} gained", BOLD)
    if len(result.runs) > 2 and not everything:
        page.line(f"  {len(result.changes)} changed from A to {last}: --all", DIM)


def _listed(verdicts: Mapping[str, int]) -> str:
    if sum(verdicts.values()) == 1:
        return next(iter(verdicts))
    return ", ".join(f"{count} {name}" for name, count in verdicts.items())


def _rate(counts: tuple[int, int]) -> str:
    return f"{counts[1]}/{counts[0]}"
