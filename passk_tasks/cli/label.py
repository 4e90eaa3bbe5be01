"""`passk label`: give stored runs a label, a note, tags."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.results.model import StoredRun
from passk_tasks.text.terminal import BOLD, DIM, Page

_EPILOG = """\
They are written into the results file, and every command that shows the run shows them. `passk run` and
`passk score` take the same options; for `lm-eval run`: --metadata passk.label=L"""


def add_parser(commands: argparse._SubParsersAction[Any], what: str) -> None:
    """Add `label` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help=what,
        description="Give stored runs a label, a note or tags; without these, show those that they have.",
        epilog=_EPILOG,
    )
    shared.add_run_paths(parser)
    shared.add_labels(parser)
    parser.add_argument(
        "--untag", action="append", default=[], metavar="T", help="take a tag away; may be repeated"
    )


def run(options: argparse.Namespace) -> int:
    """Write, and show what the runs are called now."""
    changed = api.label_runs(
        options.runs,
        options.task,
        label=options.label,
        note=options.note,
        tags=options.tag,
        without=options.untag,
    )
    shared.show(options, [run.listed() for run in changed], partial(render, changed))
    return 0


def render(runs: Sequence[StoredRun], *, colour: bool = False, width: int | None = None) -> str:
    """Return what runs are called as text, without a final newline."""
    page = Page(colour=colour, width=width)
    for run in runs:
        page.gap()
        page.text(f"{run.label or '(no label)'}  {run.task}, {run.name}", BOLD, indent=0)
        page.text(str(run.path), DIM)
        if run.tags:
            page.text(f"tags: {', '.join(run.tags)}")
        if run.note:
            page.text(run.note)
    return str(page)
