"""`passk show`: the summary of a stored run, with whatever metrics are asked for."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import numpy as np

from passk_tasks import metrics
from passk_tasks.cli import options as shared
from passk_tasks.errors import UsageError
from passk_tasks.metrics import PASS, Metric
from passk_tasks.results import runs, summary
from passk_tasks.results.runs import Run
from passk_tasks.terminal import colour_wanted

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
    wanted = shared.metrics(options) or [Metric(PASS, k) for k in found.k]
    clusters = shared.clusters(options, [found])
    result = {**found.facts, "metrics": scores(found, wanted, clusters)}
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        print(summary.render(result, colour=colour_wanted(sys.stdout)))
    return 0


def scores(found: Run, wanted: list[Metric], clusters: Any = None) -> dict[str, dict[str, Any]]:
    """Return the metrics of a run by name, pass@1 first whatever was asked for.

    Raises:
        UsageError: a budget beyond the samples of some problem.
    """
    task_ids, n, c = runs.counted(found)
    if not task_ids:
        raise UsageError(f"{found.path}: no sample has a verdict")
    chosen = list(dict.fromkeys([Metric(PASS, 1), *wanted]))
    for metric in chosen:
        if metric.k > n.min():
            poorest = task_ids[int(np.argmin(n))]
            raise UsageError(
                f"{metric.name} needs {metric.k} samples of each problem, but {poorest} has {n.min()}"
            )
    shared_by = None if clusters is None else [clusters[task_id] for task_id in task_ids]
    return {metric.name: metrics.score(metric, n, c, shared_by).as_dict() for metric in chosen}
