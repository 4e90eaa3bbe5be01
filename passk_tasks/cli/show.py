"""`passk show`: the summary of a stored run, with the metrics asked for."""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.errors import check_name
from passk_tasks.results.model import Run
from passk_tasks.statistics.metrics import FAMILIES
from passk_tasks.text import sent, summary
from passk_tasks.text.terminal import BOLD, Page

_EPILOG = "\n".join(f"{name:14} {family.meaning}" for name, family in FAMILIES.items())


def add_parser(commands: argparse._SubParsersAction[Any], what: str) -> None:
    """Add `show` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help=what,
        description="Show a stored run again, with any budget and metric, and clustered standard errors.",
        epilog=_EPILOG,
    )
    shared.add_run(parser)
    shared.add_metrics(parser)
    shared.add_clusters(parser)
    parser.add_argument(
        "--sent",
        nargs="?",
        const="",
        metavar="TASK_ID",
        help="show what the model was sent instead: system instruction, chat template, prompt, that of one "
        "problem (default: the first) as it was sent, and every condition",
    )


def run(options: argparse.Namespace) -> int:
    """Estimate and print."""
    stored = api.load_run(options.run_path, options.task)
    if options.sent is not None:
        if options.sent:
            check_name("problem", options.sent, stored.outcomes)
        result_sent = {"conditions": stored.conditions.as_dict(), "prompts": dict(stored.prompts)}
        shared.show(options, result_sent, partial(_sent, stored, options.sent or None))
        return 0
    scores = api.score_run(stored, shared.metrics(options), shared.clusters(options, [stored]))
    result = replace(stored, metrics=scores)
    if options.cluster is not None:
        result = replace(result, clusters=None)  # the clusters of the benchmark were not used
    shared.show(options, result.as_dict(), partial(summary.render, result))
    return 0


def _sent(run: Run, task_id: str | None, *, colour: bool = False, width: int | None = None) -> str:
    """Return what the model was sent as text, without a final newline."""
    page = Page(colour=colour, width=width)
    page.line(f"{run.task}: {run.label or run.name}", BOLD)
    page.line()
    sent.sent(page, run, task_id)
    return str(page)
