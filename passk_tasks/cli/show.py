"""`passk show`: the summary of a stored run, with the metrics asked for."""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.statistics.metrics import FAMILIES
from passk_tasks.text import summary

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


def run(options: argparse.Namespace) -> int:
    """Estimate and print."""
    stored = api.load_run(options.run_path, options.task)
    scores = api.score_run(stored, shared.metrics(options), shared.clusters(options, [stored]))
    result = replace(stored, metrics=scores)
    if options.cluster is not None:
        result = replace(result, clusters=None)  # the clusters of the benchmark were not used
    shared.show(options, result.as_dict(), partial(summary.render, result))
    return 0
