"""Options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from passk_tasks.errors import UsageError
from passk_tasks.results import joining, reading
from passk_tasks.results.model import Run
from passk_tasks.results.store import OUTCOMES
from passk_tasks.statistics.metrics import PASS, Metric
from passk_tasks.tasks.settings import NAMESPACE


def add_metrics(parser: argparse.ArgumentParser) -> None:
    """Add `--k` and `--metrics`."""
    parser.add_argument("--k", metavar="1,10,100", help="budgets of pass@k (default: those of the runs)")
    parser.add_argument(
        "--metrics",
        metavar="NAMES",
        help="metrics beside them, e.g. pass^5,g-pass@10_0.5,mg-pass@10; pass@1 is always there, and first",
    )


def add_clusters(parser: argparse.ArgumentParser) -> None:
    """Add `--cluster` and `--problems`."""
    parser.add_argument(
        "--cluster",
        metavar="COLUMN",
        help="column of the problems that names their common source, for clustered standard errors; `none` "
        "leaves out what the benchmark itself says of it",
    )
    parser.add_argument(
        "--problems",
        metavar="FILE",
        help="JSON lines with task_id and that column, for runs that do not hold their problems",
    )


def add_set(parser: argparse.ArgumentParser) -> None:
    """Add `--set`."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override any setting of the task, e.g. data_files=PATH; may be repeated",
    )


def assignments(items: Sequence[str], named: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the settings of `--set`, as text: `Settings` converts and checks them.

    Args:
        items: what was given.
        named: settings that came by options of their own.

    Raises:
        UsageError: an item is not KEY=VALUE, or contradicts another.
    """
    found = dict(named or {})
    for item in items:
        key, equals, value = item.partition("=")
        key = key.strip().removeprefix(NAMESPACE + ".")
        if not equals or not key:
            raise UsageError(f"--set {item}: KEY=VALUE expected, e.g. --set data_files=problems.jsonl")
        if found.get(key, value) != value:
            raise UsageError(f"--set {item}: {key} is also given as {found[key]}; give it once")
        found[key] = value
    return found


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add RUN and `--task`."""
    parser.add_argument("run_path", metavar="RUN", help="results file, or folder with the results of one run")
    parser.add_argument("--task", help="take the run of this task")


def one_run(options: argparse.Namespace) -> Run:
    """Return the run that RUN and `--task` name.

    Raises:
        UsageError: there are several.
    """
    listed = reading.listing(options.run_path)
    wanted = [one for one in listed.runs if options.task in (None, one.task)]
    if len(wanted) > 1:
        files = "".join(f"\n  {one.path} ({one.task})" for one in wanted)
        raise UsageError(f"{options.run_path} holds {len(wanted)} runs; name one, or --task:{files}")
    (found,) = reading.load_all([options.run_path], task=options.task)
    return found


def metrics(options: argparse.Namespace) -> list[Metric] | None:
    """Return the metrics asked for, in their order; None where none was.

    Raises:
        UsageError: there is no such metric.
    """
    names = [PASS.replace("K", k.strip()) for k in (options.k or "").split(",") if k.strip()]
    names += [name.strip() for name in (options.metrics or "").split(",") if name.strip()]
    try:
        return list(dict.fromkeys(Metric.parse(name) for name in names)) or None
    except ValueError as error:
        raise UsageError(str(error)) from None


def whole_numbers(option: str, text: str | None) -> list[int] | None:
    """Return the numbers in `1,10,100`, ascending; None where the option was not given.

    Raises:
        UsageError: something else stands there.
    """
    if text is None:
        return None
    try:
        return sorted({int(part) for part in text.split(",") if part.strip()})
    except ValueError:
        raise UsageError(f"{option} {text}: whole numbers expected, e.g. {option} 1,10,100") from None


def clusters(options: argparse.Namespace, found: list[Run]) -> Mapping[str, Hashable] | None:
    """Return what problems share, by task_id, from the first run that knows; None where nobody asked.

    Raises:
        UsageError: no run knows.
    """
    if options.cluster is None:
        if options.problems is not None:
            raise UsageError("--problems is for --cluster COLUMN, which says what to look for in it")
        return None
    if options.cluster == "none":
        return {}
    # Lines of `passk score` hold no problems; one run of several that does is enough.
    run = next((one for one in found if one.samples_path and one.samples_path.name != OUTCOMES), found[0])
    return joining.clusters(run, options.cluster, options.problems)
