"""`passk runs`: the runs in a folder of results."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.results.model import Listing, StoredRun
from passk_tasks.text.terminal import BOLD, DIM, Page


def add_parser(commands: argparse._SubParsersAction[Any], what: str) -> None:
    """Add `runs` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help=what,
        description="List the runs in a folder: lm-eval's results and those of `passk score --out`.",
    )
    parser.add_argument("folder", nargs="?", default=".", metavar="DIR", help="folder or results file")


def run(options: argparse.Namespace) -> int:
    """Print the runs."""
    listing = api.list_runs(options.folder)
    shared.show(options, [run.listed() for run in listing.runs], partial(render, listing, options.folder))
    if options.json:
        for note in listing.notes:
            print(f"passk: {note}", file=sys.stderr)
    return 0


def render(listing: Listing, folder: str, *, colour: bool = False, width: int | None = None) -> str:
    """Return the table of runs as text, without a final newline."""
    page = Page(colour=colour, width=width)
    if not listing.runs:
        page.line(f"no runs in {folder}")
    else:
        head = ("date", "model", "task", "problems", "n", "T", "judge", "scores", "results")
        rows = [_row(run, folder) for run in listing.runs]
        if page.fits(head, rows, indent=0):
            page.table(head, rows, "lllrrrlll", indent=0)
        else:
            _blocks(page, rows)
        if any(run.samples_path is None for run in listing.runs):
            page.line()
            page.line("* the samples are not beside the results: only these scores are known", DIM)
    if listing.notes:
        page.line()
    for note in listing.notes:
        page.text(note, DIM, indent=0)
    return str(page)


def _blocks(page: Page, rows: list[tuple[str, ...]]) -> None:
    """Add several lines for each run, since a table would be wider than the terminal."""
    for date, name, task, problems, n, temperature, judge, scores, results in rows:
        page.gap()
        page.text(f"{date}  {name}", BOLD, indent=0, hang=2)
        page.text(f"{task}: {problems} problems, n = {n}, T = {temperature}, {judge}", hang=2)
        page.text(scores, hang=2)
        page.text(results, DIM, hang=2)


def _row(run: StoredRun, folder: str) -> tuple[str, ...]:
    conditions = run.conditions
    path = run.path.relative_to(folder) if run.path.is_relative_to(folder) else run.path
    return (
        f"{run.date:%Y-%m-%d %H:%M}" if run.date else "-",
        run.name,
        run.task,
        f"{run.problems}" + (f"/{run.problems_total}" if run.problems != run.problems_total else ""),
        "-" if conditions.n is None else str(conditions.n),
        "-" if conditions.temperature is None else f"{conditions.temperature:g}",
        conditions.judge or "-",
        ", ".join(f"{name} {value:.4f}" for name, value in run.scores.items()) or "-",
        f"{path}" if run.samples_path else f"{path} *",
    )
