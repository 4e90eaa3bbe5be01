"""What the commands share: adding a parser, common options, and printing a result."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from passk_tasks import api
from passk_tasks.errors import InfrastructureError, UsageError
from passk_tasks.results import store
from passk_tasks.results.model import Run
from passk_tasks.scoring.summary import Scored
from passk_tasks.statistics.metrics import PASS
from passk_tasks.tasks.settings import NAMESPACE
from passk_tasks.text import summary
from passk_tasks.text.terminal import colour_wanted, width_of


def add_command(
    commands: argparse._SubParsersAction[Any],
    run: Callable[[argparse.Namespace], int],
    help: str,
    description: str,
    epilog: str | None = None,
) -> argparse.ArgumentParser:
    """Add a command named after the module of `run`, with `--json`, and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        run.__module__.rpartition(".")[2],
        help=help,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.set_defaults(run=run)
    return parser


def show(
    options: argparse.Namespace, result: Any, render: Callable[..., str], then: Sequence[object] = ()
) -> None:
    """Print a result: as JSON with `--json`, else as the text that `render` makes for the terminal.

    Below the text stands what to type next, where `then` has the words after `passk`.
    """
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(render(colour=colour_wanted(sys.stdout), width=width_of(sys.stdout)))
    if then:
        print(f"\n{following(*then)}")


def following(*words: object) -> str:
    """Return the line that says which command to type next."""
    return f"  next: {shlex.join(['passk', *map(str, words)])}"


def of_task(options: argparse.Namespace) -> list[str]:
    """Return `--task` as it was given, for the next command."""
    return [] if options.task is None else ["--task", options.task]


def show_scored(options: argparse.Namespace, scored: Scored) -> None:
    """Print the score of samples; with `--json` its warnings on standard error."""
    show(options, scored.as_dict(), partial(summary.render, scored))
    sys.stdout.flush()
    if options.json:
        for warning in scored.warnings:
            print(f"passk: warning: {warning}", file=sys.stderr)


def end_scoring(options: argparse.Namespace, scored: Scored) -> None:
    """Say where a score was stored, and what next.

    Raises:
        InfrastructureError: samples remained without a verdict.
    """
    if options.out is not None and not options.json:
        print(f"\n  {Path(options.out) / store.RESULTS}\n  {Path(options.out) / store.OUTCOMES}")
        print(following("report", options.out))
    if scored.infra_errors:
        outcomes = (record.outcome for record in scored.records)
        example = next(outcome.detail for outcome in outcomes if outcome.verdict == "infra_error")
        raise InfrastructureError(
            f"{scored.infra_errors} of {len(scored.records)} samples remained without a verdict, for "
            f"a reason that is not the model's ({example}); score again, with fewer --workers if the "
            "host is short of memory"
        )


def add_metrics(parser: argparse.ArgumentParser) -> None:
    """Add `--k` and `--metrics`."""
    parser.add_argument("--k", metavar="1,10,100", help="budgets of pass@k (default: those of the runs)")
    parser.add_argument(
        "--metrics",
        metavar="NAMES",
        help="more metrics, e.g. pass^5,avg@16,bayes@16,cover@0.8; pass@1 is always there, and first",
    )


def add_clusters(parser: argparse.ArgumentParser) -> None:
    """Add `--cluster` and `--problems`."""
    parser.add_argument(
        "--cluster",
        metavar="COLUMN",
        help="column of the problems that names their common source, for clustered standard errors; `none` "
        "ignores the sources that the benchmark itself names",
    )
    parser.add_argument(
        "--problems",
        metavar="FILE",
        help="JSON lines with task_id and that column, for runs stored without their problems",
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


def add_labels(parser: argparse.ArgumentParser) -> None:
    """Add `--label`, `--note` and `--tag`."""
    parser.add_argument("--label", metavar="L", help="what the run is called; shown wherever the run is")
    parser.add_argument("--note", metavar="TEXT", help="what there is to say of the run")
    parser.add_argument(
        "--tag", action="append", default=[], metavar="T", help="a word to find the run by; may be repeated"
    )


def labels(options: argparse.Namespace) -> dict[str, str]:
    """Return the settings that `--label`, `--note` and `--tag` give, as text."""
    given = {"label": options.label, "note": options.note, "tags": ",".join(options.tag) or None}
    return {name: text for name, text in given.items() if text is not None}


def assignments(items: Sequence[str], named: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return `named`, the settings given by other options, with those of `--set`, all as text.

    `Settings` converts and checks them.

    Raises:
        UsageError: an item is not KEY=VALUE, or contradicts another.
    """
    settings = dict(named or {})
    for item in items:
        key, equals, value = item.partition("=")
        key = key.strip().removeprefix(NAMESPACE + ".")
        if not equals or not key:
            raise UsageError(f"--set {item}: KEY=VALUE expected, e.g. --set data_files=problems.jsonl")
        if settings.get(key, value) != value:
            raise UsageError(f"--set {item}: {key} is also given as {settings[key]}; give it once")
        settings[key] = value
    return settings


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add RUN and `--task`."""
    parser.add_argument("run_path", metavar="RUN", help="results file, or folder with the results of one run")
    parser.add_argument("--task", help="take the run of this task")


def add_run_paths(parser: argparse.ArgumentParser) -> None:
    """Add RUN, which may be several, and `--task`."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="results file, or folder with results")
    parser.add_argument("--task", help="take only the runs of this task")


def add_runs(parser: argparse.ArgumentParser) -> None:
    """Add RUN, which may be several, `--task`, and the options of a comparison."""
    add_run_paths(parser)
    add_metrics(parser)
    add_clusters(parser)
    parser.add_argument(
        "--anyway", action="store_true", help="compare even runs of different problems or task versions"
    )


def metrics(options: argparse.Namespace) -> list[str] | None:
    """Return the names of the metrics asked for, in their order, or None."""
    names = [PASS.replace("K", k.strip()) for k in (options.k or "").split(",") if k.strip()]
    names += [name.strip() for name in (options.metrics or "").split(",") if name.strip()]
    return list(dict.fromkeys(names)) or None


def add_question(parser: argparse.ArgumentParser) -> None:
    """Add `--baseline` and `--last`."""
    parser.add_argument(
        "--baseline",
        metavar="RUN",
        help="set each run against this one: its label, name, letter, file or folder (default: of two runs "
        "the first; of more, the best is set against the others)",
    )
    parser.add_argument("--last", action="store_true", help="set the last run against the one before it")


def whole_number(option: str, text: str, least: int = 0) -> int:
    """Return the number of an option.

    Raises:
        UsageError: it is no whole number, or less than `least`.
    """
    if not text.isdecimal() or int(text) < least:
        raise UsageError(f"{option} {text}: a whole number expected, {least} or more")
    return int(text)


def whole_numbers(option: str, text: str | None) -> list[int] | None:
    """Return the numbers in text such as `1,10,100`, ascending, or None if it has none.

    Raises:
        UsageError: some part is no whole number.
    """
    try:
        return sorted({int(part) for part in (text or "").split(",") if part.strip()}) or None
    except ValueError:
        raise UsageError(f"{option} {text}: whole numbers expected, e.g. {option} 1,10,100") from None


def numbers(option: str, text: str | None) -> list[float] | None:
    """Return the numbers in text such as `0.5,1000`, ascending, or None if it has none.

    Raises:
        UsageError: some part is no number.
    """
    try:
        return sorted({float(part) for part in (text or "").split(",") if part.strip()}) or None
    except ValueError:
        raise UsageError(f"{option} {text}: numbers expected, e.g. {option} 0.5,1000") from None


def clusters(options: argparse.Namespace, runs: list[Run]) -> Mapping[str, Hashable] | None:
    """Return the cluster of each problem by task_id: None without `--cluster`, empty for `none`.

    Raises:
        UsageError: no run has the column, or `--problems` stands without `--cluster`.
    """
    if options.cluster in (None, "none"):
        if options.problems is not None:
            raise UsageError("--problems needs --cluster COLUMN, which names a column of that file")
        return None if options.cluster is None else {}
    return api.clusters_of(runs, options.cluster, options.problems)
