"""`passk factors`: which condition moved the number, and how sure that is."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.compare import label
from passk_tasks.errors import UsageError
from passk_tasks.factors import Attribution, Effect
from passk_tasks.results.changes import TOOLING
from passk_tasks.text import sent
from passk_tasks.text.summary import interval, p_value
from passk_tasks.text.terminal import BOLD, DIM, GREEN, RED, YELLOW, Page

_EPILOG = """\
Runs that differ in one condition alone show what that condition does; pairs of runs that differ alike are
averaged. Where a condition has several values, each is set against the one of the run that is named first.
p (Holm) is corrected for the number of rows. Conditions that only ever changed together cannot be told apart
and stand in one row.

--rescore judges the generations of both runs both ways, on this host, wherever extraction or judging changed:
`model` is what other generations did, `tooling` what other judging did, `elsewhere` what is left of the
stored difference: other packages, another version, another host."""


def add_parser(commands: argparse._SubParsersAction[Any], what: str) -> None:
    """Add `factors` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help=what,
        description="Of a set of runs, find those that differ in one condition, and say what it did.",
        epilog=_EPILOG,
    )
    shared.add_run_paths(parser)
    parser.add_argument("--metric", metavar="NAME", help="what is measured, e.g. pass@10 (default: pass@1)")
    shared.add_clusters(parser)
    parser.add_argument(
        "--rescore",
        action="store_true",
        help="judge again where extraction or judging changed: the model's part and the tooling's",
    )


def run(options: argparse.Namespace) -> int:
    """Attribute and print."""
    runs = api.load_runs(options.runs, options.task)
    if len(runs) < 2:
        raise UsageError(f"{options.runs[0]}: one run; the effect of a condition needs at least two")
    result = api.attribute_runs(
        runs,
        options.metric,
        shared.clusters(options, runs),
        rescore=options.rescore,
        progress=sys.stderr.isatty(),
    )
    again = not options.rescore and any(TOOLING in effect.kinds for effect in result.effects)
    then = ["factors" if again else "report", *options.runs, *shared.of_task(options)]
    shared.show(options, result.as_dict(), partial(render, result), [*then, "--rescore"] if again else then)
    return 0


def render(result: Attribution, *, colour: bool = False, width: int | None = None) -> str:
    """Return the effects as text, without a final newline."""
    page = Page(colour=colour, width=width)
    letters = [label(i) for i in range(len(result.runs))]
    sent.head(page, result.runs, result.names, letters, len(result.problems), result.left_out)
    page.line()
    _effects(page, result)
    _split(page, [effect for effect in result.effects if effect.split is not None])
    for text in result.notes:
        page.text(text, YELLOW)
    for warning in result.warnings:
        page.text(f"warning: {warning}", YELLOW)
    if result.unrecorded:
        page.text(f"not recorded by all: {', '.join(result.unrecorded)}", DIM)
    page.gap()
    page.text(result.conclusion, BOLD)
    return str(page)


def _effects(page: Page, result: Attribution) -> None:
    if not result.effects:
        page.text("No two runs differ in a condition that was recorded.")
        page.line()
        return
    columns = {
        "kind": [", ".join(effect.kinds) for effect in result.effects],
        "what changed alone": [effect.words for effect in result.effects],
        "runs": [effect.seen_in for effect in result.effects],
        result.metric.name: [f"{effect.difference.value:+.4f}" for effect in result.effects],
        "over problems": [interval(effect.difference.ci95, signed=True) for effect in result.effects],
        "p": [p_value(effect.difference.p) for effect in result.effects],
        "p (Holm)": [p_value(effect.p_adjusted) for effect in result.effects],
    }
    styles = [
        "" if not effect.apart else GREEN if effect.difference.value > 0 else RED for effect in result.effects
    ]
    page.columns(
        columns,
        texts=("kind", "what changed alone", "runs"),
        droppable=("p", "kind", "over problems"),
        styles=styles,
    )
    page.line()


def _split(page: Page, effects: Sequence[Effect]) -> None:
    if not effects:
        return
    page.line("  judged again, both ways, on this host", BOLD)
    rows = []
    for effect in effects:
        split = effect.split
        assert split is not None
        parts = {"model": split.model, "tooling": split.tooling}
        rows += [
            (
                effect.words if name == "model" else "",
                name,
                f"{part.value:+.4f}",
                interval(part.ci95, signed=True),
                p_value(part.p),
            )
            for name, part in parts.items()
        ]
        rows.append(("", "elsewhere", f"{effect.elsewhere:+.4f}", "", ""))
    page.table(("what changed", "part", "difference", "over problems", "p"), rows, "llrlr")
    page.line()
