"""`passk show`: the summary of a stored run, with whatever metrics are asked for."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from passk_tasks.cli import options as shared
from passk_tasks.results import joining
from passk_tasks.text import summary
from passk_tasks.text.terminal import colour_wanted, width_of

_EPILOG = """\
pass@K: any of K samples passes; pass^K: all of them do; g-pass@K_T: at least the share T of them; mg-pass@K:
the mean of that over T from 0.5 to 1."""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `show` to the commands."""
    parser = commands.add_parser(
        "show",
        help="the summary of a stored run, with whatever metrics are asked for",
        description="Show a stored run again: any budget, any metric, clustered standard errors.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shared.add_run(parser)
    shared.add_metrics(parser)
    shared.add_clusters(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Estimate and print."""
    found = shared.one_run(options)
    scores = joining.scores(found, shared.metrics(options), shared.clusters(options, [found]))
    result = {**found.facts, "metrics": {name: score.as_dict() for name, score in scores.items()}}
    if options.cluster is not None:
        result.pop("clusters", None)  # of the benchmark
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        print(summary.render(result, colour=colour_wanted(sys.stdout), width=width_of(sys.stdout)))
    return 0
