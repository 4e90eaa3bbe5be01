"""`passk show`: the summary of a stored run, with whatever metrics are asked for."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.text import summary

_EPILOG = """\
pass@K: any of K samples passes; pass^K: all of them do; g-pass@K_T: at least the share T of them; mg-pass@K:
the mean of that over T from 0.5 to 1."""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `show` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help="the summary of a stored run, with whatever metrics are asked for",
        description="Show a stored run again: any budget, any metric, clustered standard errors.",
        epilog=_EPILOG,
    )
    shared.add_run(parser)
    shared.add_metrics(parser)
    shared.add_clusters(parser)


def run(options: argparse.Namespace) -> int:
    """Estimate and print."""
    stored = api.load_run(options.run_path, options.task)
    scores = api.score_run(stored, shared.metrics(options), shared.clusters(options, [stored]))
    result = {**stored.facts, "metrics": {name: score.as_dict() for name, score in scores.items()}}
    if options.cluster is not None:
        result.pop("clusters", None)  # of the benchmark
    shared.show(options, result, partial(summary.render, result))
    return 0
