"""`passk runs`: the runs in folders of results."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.results import names
from passk_tasks.results.model import Listing, StoredRun
from passk_tasks.statistics.metrics import PASS
from passk_tasks.statistics.rounding import decimal
from passk_tasks.text.summary import interval
from passk_tasks.text.terminal import BOLD, DIM, Page

_FIRST = PASS.replace("K", "1")
_NAMED = 4  # most runs that are named in the next command


def add_parser(commands: argparse._SubParsersAction[Any], what: str) -> None:
    """Add `runs` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help=what,
        description="List the runs in folders, oldest first: lm-eval's results and those of `passk score "
        "--out`. A run without a label is called by what differs between the runs of its task.",
    )
    parser.add_argument(
        "folders",
        nargs="*",
        default=["."],
        metavar="DIR",
        help="folders or results files (default: this one)",
    )
    parser.add_argument(
        "--tag", action="append", default=[], metavar="T", help="only runs with this tag; may be repeated"
    )
    parser.add_argument("--task", metavar="TEXT", help="only runs of tasks with this in their names")
    parser.add_argument("--model", metavar="TEXT", help="only runs of models with this in their names")
    parser.add_argument("--since", metavar="DAY", help="only runs since 2026-11-29, or since 10d, 6w, 3m ago")
    parser.add_argument(
        "--best",
        nargs="?",
        const=_FIRST,
        metavar="METRIC",
        help=f"the best first, by this metric (default: {_FIRST})",
    )


def run(options: argparse.Namespace) -> int:
    """Print the runs."""
    listing = api.list_runs(
        options.folders,
        tags=options.tag,
        task=options.task,
        model=options.model,
        since=options.since,
        best=options.best,
    )
    called = _called(listing.runs)
    listed = [{**run.listed(), "name": called[i]} for i, run in enumerate(listing.runs)]
    shared.show(options, listed, partial(render, listing, options.folders, called), _then(options, listing))
    if options.json:
        for note in listing.notes:
            print(f"passk: {note}", file=sys.stderr)
    return 0


def _then(options: argparse.Namespace, listing: Listing) -> list[object]:
    """Return what to type next, of the task of the last run: for one run `show`, for several `compare`."""
    known = [run for run in listing.runs if run.samples_path is not None]
    chosen = [run.path for run in known if run.task == known[-1].task]
    if len(chosen) < 2:
        return ["show", *chosen] if chosen else []
    if options.tag or options.model or options.since:
        return ["compare", *chosen] if len(chosen) <= _NAMED else []
    of_task = ["--task", known[-1].task] if len(chosen) < len(known) or options.task else []
    return ["compare", *options.folders, *of_task]


def render(
    listing: Listing,
    folders: Sequence[str],
    called: Sequence[str] | None = None,
    *,
    colour: bool = False,
    width: int | None = None,
) -> str:
    """Return the table of runs as text, without a final newline; `called` has their names, where known."""
    page = Page(colour=colour, width=width)
    if not listing.runs:
        page.line(f"no runs in {', '.join(folders)}")
    called = _called(listing.runs) if called is None else called
    within = folders[0] if len(folders) == 1 else ""
    for task in dict.fromkeys(run.task for run in listing.runs):
        page.gap()
        numbers = [i for i, run in enumerate(listing.runs) if run.task == task]
        _of_task(page, [listing.runs[i] for i in numbers], [called[i] for i in numbers], within)
    if any(run.samples_path is None for run in listing.runs):
        page.gap()
        page.text("* the samples are not beside the results: only these scores are known", DIM, indent=0)
    if listing.notes:
        page.gap()
    for note in listing.notes:
        page.text(note, DIM, indent=0)
    return str(page)


def _called(runs: Sequence[StoredRun]) -> list[str]:
    """Return the name of each run among those of its task."""
    called = [""] * len(runs)
    for task in dict.fromkeys(run.task for run in runs):
        numbers = [i for i, run in enumerate(runs) if run.task == task]
        for i, name in zip(numbers, names.named([runs[i] for i in numbers]), strict=True):
            called[i] = name
    return called


def _of_task(page: Page, runs: Sequence[StoredRun], called: Sequence[str], within: str) -> None:
    """Add the runs of one task: what each is called, its scores, and where it is."""
    models = list(dict.fromkeys(run.model for run in runs))
    shown = f", {models[0]}" if len(models) == 1 else f", {len(models)} models"
    shown = "" if None in models else shown
    page.text(f"{runs[0].task}{shown}, {len(runs)} run{'s' * (len(runs) > 1)}", BOLD, indent=0, hang=2)
    first, *others = dict.fromkeys(name for run in runs for name in run.scores) or [_FIRST]
    columns = {
        "date": names.dates(runs),
        "run": [name + " *" * (run.samples_path is None) for run, name in zip(runs, called, strict=True)],
        first: [_score(run, first) for run in runs],
        "over problems": [
            interval(run.metrics[first].over_problems.ci95) if first in run.metrics else "-" for run in runs
        ],
        **{name: [_score(run, name) for run in runs] for name in others},
        "tags": [", ".join(run.tags) for run in runs],
        "n": ["-" if run.conditions.n is None else str(run.conditions.n) for run in runs],
        "T": ["-" if (t := run.conditions.temperature) is None else f"{t:g}" for run in runs],
        "problems": [
            f"{run.problems}" + (f"/{run.problems_total}" if run.problems != run.problems_total else "")
            for run in runs
        ],
        "judge": [run.conditions.judge or "-" for run in runs],
        "results": names.places(runs, within),
    }
    if not any(columns["tags"]):
        del columns["tags"]
    droppable = ("judge", "T", "n", "problems", *others[::-1], "tags", "over problems")
    dropped = page.columns(
        columns,
        texts=("date", "run", "over problems", "tags", "judge", "results"),
        droppable=droppable,
        indent=0,
    )
    if dropped:
        page.text(f"no room for {', '.join(dropped)}", DIM)
    for run, name in zip(runs, called, strict=True):
        if run.note:
            page.text(f"{name}: {run.note}", DIM, hang=2)


def _score(run: StoredRun, metric: str) -> str:
    return decimal(run.scores[metric]) if metric in run.scores else "-"
