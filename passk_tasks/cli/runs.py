"""`passk runs`: what is in a folder of results."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.results.model import Listing, StoredRun
from passk_tasks.text.terminal import BOLD, DIM, Page


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `runs` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help="what is in a folder of results: date, model, task, conditions, scores",
        description="List the runs in a folder: lm-eval's results and those of `passk score --out`.",
    )
    parser.add_argument("folder", nargs="?", default=".", metavar="DIR", help="folder or results file")


def run(options: argparse.Namespace) -> int:
    """Print the runs."""
    listing = api.list_runs(options.folder)
    result = [stored.listed() for stored in listing.runs]
    shared.show(options, result, partial(render, listing, options.folder))
    if options.json:
        for note in listing.notes:
            print(f"passk: {note}", file=sys.stderr)
    return 0


def render(found: Listing, folder: str, *, colour: bool = False, width: int | None = None) -> str:
    """Return the table of runs, without a newline at its end."""
    page = Page(colour=colour, width=width)
    if not found.runs:
        page.line(f"no runs in {folder}")
    else:
        head = ("date", "model", "task", "problems", "n", "T", "judge", "scores", "results")
        rows = [_row(one, folder) for one in found.runs]
        if page.fits(head, rows, indent=0):
            page.table(head, rows, "lllrrrlll", indent=0)
        else:
            _blocks(page, rows)
        if any(one.samples_path is None for one in found.runs):
            page.line()
            page.line("* the samples are not beside the results: nothing but these scores is known", DIM)
    if found.notes:
        page.line()
    for note in found.notes:
        page.text(note, DIM, indent=0)
    return str(page)


def _blocks(page: Page, rows: list[tuple[str, ...]]) -> None:
    """Add some lines a run, where a table of such rows would be wider than the terminal."""
    for date, name, task, problems, n, temperature, judge, scores, results in rows:
        page.gap()
        page.text(f"{date}  {name}", BOLD, indent=0, hang=2)
        page.text(f"{task}: {problems} problems, n = {n}, T = {temperature}, {judge}", hang=2)
        page.text(scores, hang=2)
        page.text(results, DIM, hang=2)


def _row(one: StoredRun, folder: str) -> tuple[str, ...]:
    conditions = one.conditions
    problems = (
        f"{one.problems}" if one.problems == one.problems_total else f"{one.problems}/{one.problems_total}"
    )
    path = one.path.relative_to(folder) if one.path.is_relative_to(folder) else one.path
    return (
        "-" if one.date is None else one.date.strftime("%Y-%m-%d %H:%M"),
        one.name,
        one.task,
        problems,
        "-" if conditions.n is None else str(conditions.n),
        "-" if conditions.temperature is None else f"{conditions.temperature:g}",
        conditions.judge or "-",
        ", ".join(f"{name} {value:.4f}" for name, value in one.scores.items()) or "-",
        str(path) + ("" if one.samples_path else " *"),
    )
