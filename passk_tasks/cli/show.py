"""`passk show`: the summary of a stored run, with whatever metrics are asked for."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from typing import Any

from passk_tasks.cli import options as shared
from passk_tasks.results import joining
from passk_tasks.statistics.metrics import FAMILIES
from passk_tasks.text import summary
from passk_tasks.text.terminal import colour_wanted, width_of

_EPILOG = "\n".join(f"{name:14} {family.meaning}" for name, family in FAMILIES.items())


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
    result = replace(found, metrics=scores)
    if options.cluster is not None:
        result = replace(result, clusters=None)  # those of the benchmark are not in use
    if options.json:
        print(json.dumps(result.as_dict(), indent=2))
    else:
        print(summary.render(result, colour=colour_wanted(sys.stdout), width=width_of(sys.stdout)))
    return 0
