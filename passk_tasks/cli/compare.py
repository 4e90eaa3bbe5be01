"""`passk compare`: which of several runs is better, and whether that is more than noise."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.compare import Comparison, label
from passk_tasks.question import BASELINE, BEST, LAST, Pair, lettered
from passk_tasks.statistics.metrics import Metric
from passk_tasks.statistics.rounding import decimal
from passk_tasks.text import sent, spending
from passk_tasks.text.spending import amount
from passk_tasks.text.summary import bounded, interval, p_value
from passk_tasks.text.terminal import BOLD, DIM, GREEN, RED, YELLOW, Page

_SHOWN = 10  # changed problems shown in each direction, without --all

_EPILOG = """\
A run is a results file or folder of lm-eval (with --log_samples) or of `passk score --out`; a folder with
several runs gives all of them, by date. Two runs are set against each other, of more the best against all
others, unless --baseline or --last asks otherwise. Runs are paired problem by problem. The interval says what
the difference would be on other problems of this kind; p, of the sign-flip test, says how often equally good
runs differ by as much.

exit codes: 0 done, 1 with --fail-on-regression: a run is worse (by the first metric asked for, p < 0.05),
2 a mistake in arguments or files, or runs that measured different things"""


def add_parser(commands: argparse._SubParsersAction[Any], what: str) -> None:
    """Add `compare` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help=what,
        description="Compare stored runs, paired by problem.",
        epilog=_EPILOG,
    )
    shared.add_runs(parser)
    shared.add_question(parser)
    parser.add_argument(
        "--fail-on-regression",
        action="store_true",
        help="exit with 1 when the last run is worse than the first beyond noise; with --baseline, when any "
        "is worse than that; with --last, when the last is worse than the one before",
    )
    parser.add_argument("--all", action="store_true", help="show everything: problems, pairs, lines of texts")


def run(options: argparse.Namespace) -> int:
    """Compare and print."""
    runs = api.load_runs(options.runs, options.task)
    result = api.compare_runs(
        runs,
        shared.metrics(options),
        shared.clusters(options, runs),
        anyway=options.anyway,
        baseline=options.baseline,
        last=options.last,
    )
    then = ["report", *options.runs, *shared.of_task(options)]
    shared.show(options, result.as_dict(), partial(render, result, everything=options.all), then)
    return 1 if options.fail_on_regression and result.regressed else 0


def render(
    result: Comparison, *, colour: bool = False, width: int | None = None, everything: bool = False
) -> str:
    """Return the comparison as text, without a final newline; `everything` adds all changes and all pairs."""
    page = Page(colour=colour, width=width)
    letters = [label(i) for i in range(len(result.runs))]
    sent.head(page, result.runs, result.names, letters, len(result.problems), result.left_out)
    _said(page, result)
    sent.differing(page, result.conditions, result.unrecorded, letters, everything=everything)
    if len(result.runs) > 2:
        _ranking(page, result)
        if everything:
            _scores(page, result, result.metrics)
            _pairs(page, result)
    else:
        _scores(page, result, result.metrics)
        _pairs(page, result)
    _at_cost(page, result, everything=everything)
    _cut_off(page, result)
    _changes(page, result, everything=everything)
    for warning in result.warnings:
        page.gap()
        page.text(f"warning: {warning}", YELLOW)
    page.gap()
    page.text(result.conclusion, BOLD)
    return str(page)


def _said(page: Page, result: Comparison) -> None:
    said = [
        (label(i), "; ".join(filter(None, [run.note, ", ".join(run.tags)])))
        for i, run in enumerate(result.runs)
        if run.note or run.tags
    ]
    if said:
        page.line()
        page.facts(said)
    page.line()


def _scores(page: Page, result: Comparison, metrics: Sequence[Metric]) -> None:
    for metric in metrics:
        rows = []
        for i in result.order if metric == result.primary else range(len(result.runs)):
            score = result.scores[metric.name][i]
            over_samples = bounded(score.over_samples)
            rows.append((label(i), decimal(score.value), interval(score.over_problems.ci95), over_samples))
        page.table((metric.name, "", "over problems", "over samples"), rows, "lrll")
        page.line()


def _ranking(page: Page, result: Comparison) -> None:
    """Add one table of all runs: their scores, their differences to the run that was asked about, p."""
    question, primary = result.question, result.primary.name
    order = range(len(result.runs)) if question.kind == LAST else result.order
    asked = {i: question.of(i) for i in order}
    others = [metric.name for metric in result.metrics if metric.name != primary]
    cells = [
        ("", "", "")
        if pair is None
        else (
            f"{pair.difference.value:+.4f}",
            interval(pair.difference.ci95, signed=True),
            p_value(pair.p_adjusted),
        )
        for pair in asked.values()
    ]
    differences, intervals, p_values = map(list, zip(*cells, strict=True))
    columns = {
        "": [label(i) for i in order],
        "run": [result.names[i] for i in order],
        primary: [decimal(result.scores[primary][i].value) for i in order],
        "over problems": [interval(result.scores[primary][i].over_problems.ci95) for i in order],
        f"against {label(question.reference)}": differences,
        "95 % interval": intervals,
        "p": p_values,
        "group": [
            " ".join(str(number) for number, group in enumerate(result.groups, 1) if i in group)
            for i in order
        ],
    }
    columns |= {name: [decimal(result.scores[name][i].value) for i in order] for name in others}
    styles = ["" if pair is None or not pair.apart else _style(pair) for pair in asked.values()]
    dropped = page.columns(
        columns,
        texts=("", "run", "over problems", "95 % interval", "group"),
        droppable=[*others[::-1], "over problems", "group", "p"],
        styles=styles,
    )
    page.line()
    said = {BEST: "p is corrected for all pairs.", BASELINE: "p is corrected for all runs.", LAST: ""}
    words = [said[question.kind]] if "p" not in dropped else []
    if "group" not in dropped:
        words.append(f"Runs of one group cannot be told apart by {primary}.")
    if dropped:
        words.append(f"No room for {', '.join(dropped)}.")
    page.text(" ".join(filter(None, words)), DIM)
    page.line()


def _style(pair: Pair) -> str:
    return GREEN if pair.difference.value > 0 else RED


def _pairs(page: Page, result: Comparison) -> None:
    several = len(result.runs) > 2
    for metric in result.metrics:
        pairs = result.pairs[metric.name]
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
        styles = [_style(pair) if pair.apart else "" for pair in pairs]
        align = "".join("l" if name == metric.name or name.startswith("over") else "r" for name in columns)
        page.table(list(columns), list(zip(*columns.values(), strict=True)), align, styles=styles)
        page.line()


def _at_cost(page: Page, result: Comparison, *, everything: bool) -> None:
    if not result.at_cost:
        page.text("What they cost is not known of all: no comparison at equal cost.", DIM)
        page.line()
    for at_cost in result.at_cost:
        page.line(f"  where each may spend {amount(at_cost.budget)} {at_cost.unit} a problem:", BOLD)
        rows = [
            (label(i), f"{point.k:.2f}", decimal(point.estimate.value), interval(point.estimate.ci95))
            for i, point in enumerate(at_cost.points)
        ]
        page.table(("", "samples", "pass@cost", "over problems"), rows, "lrrl")
        asked = [{pair.first, pair.second} for pair in result.question.pairs]
        rows = [
            (
                f"{label(i)} → {label(j)}",
                f"{difference.value:+.4f}",
                interval(difference.ci95, signed=True),
                p_value(difference.p),
            )
            for (i, j), difference in at_cost.pairs.items()
            if everything or {i, j} in asked
        ]
        page.table(("", "difference", "over problems", "p"), rows, "lrlr")
        page.line()


def _cut_off(page: Page, result: Comparison) -> None:
    said: dict[str, list[int]] = {}
    for i, run in enumerate(result.runs):
        if run.cut_off is not None:
            said.setdefault(spending.cut_off(run.cut_off), []).append(i)
    if said:
        page.line("  answers that were cut off", BOLD)
        page.facts([(lettered(numbers, len(result.runs)), text) for text, numbers in said.items()])
        page.line()


def _changes(page: Page, result: Comparison, *, everything: bool) -> None:
    first, last = label(result.question.before), label(result.question.after)
    if not result.changes:
        between = f" from {first} to {last}" if len(result.runs) > 2 else ""
        page.line(f"  no problem changed its pass rate{between}")
        return
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
        page.table(
            (name, first, "", last, "", f"verdicts in {first} → {last}"), rows, "lrlrll", styles=styles
        )
        if len(shown) < len(changes):
            page.line(f"  … and {len(changes) - len(shown)} more: --all", DIM)
        page.line()
    lost, gained = (sum(change.flip is not None for change in changes) for changes in (worse, better))
    page.line(f"  {lost} problems lost (solved in {first}, never in {last}), {gained} gained", BOLD)
    if len(result.runs) > 2 and not everything:
        page.line(f"  {len(result.changes)} changed from {first} to {last}: --all", DIM)


def _listed(verdicts: Mapping[str, int]) -> str:
    if sum(verdicts.values()) == 1:
        return next(iter(verdicts))
    return ", ".join(f"{count} {name}" for name, count in verdicts.items())


def _rate(counts: tuple[int, int]) -> str:
    return f"{counts[1]}/{counts[0]}"
