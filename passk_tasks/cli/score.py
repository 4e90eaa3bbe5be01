"""`passk score`: judge saved samples again, without a model."""

from __future__ import annotations

import argparse
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.errors import InfrastructureError, TerminatedError
from passk_tasks.program import MODES, Judge
from passk_tasks.results import store
from passk_tasks.scoring.candidates import EXTRACT
from passk_tasks.scoring.summary import Scored
from passk_tasks.text import summary

# Options that set the task's settings, by option; two have another name.
_SETTINGS = {name: name for name in ("k", "judge", "workers", "sandbox", "cluster", "mixed")}
_SETTINGS |= {"timeout": "timeout_s", "memory": "memory_mib"}

_EPILOG = """\
SAMPLES may be human-eval or EvalPlus lines (task_id with completion or solution), EvalPlus' folder of
solutions, lm-eval's samples_*.jsonl, BigCode's generations.json, LiveCodeBench's output, the output of an
OpenAI batch (custom_id is the task_id), a log of Inspect, or the journal of a run; plain or gzipped, several
at once, or a pipe (/dev/stdin). A journal brings the task and settings of its run; options given here win. A
sample that several files hold counts once; --pool adds up the samples of several runs.

exit codes: 0 done, 2 a mistake in arguments or files, 3 this host cannot give the sandbox asked for,
4 samples remained without a verdict (everything is printed and saved first)"""


def add_parser(commands: argparse._SubParsersAction[Any], what: str) -> None:
    """Add `score` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help=what,
        description="Judge saved samples of a task and estimate pass@k with its standard error.",
        epilog=_EPILOG,
    )
    parser.add_argument("samples", nargs="+", metavar="SAMPLES", help="file or folder of samples")
    parser.add_argument("--task", help="the task, see `passk tasks`; needed unless SAMPLES is a journal")
    parser.add_argument("--k", metavar="1,10,100", help="budgets of pass@k (default: the task's)")
    parser.add_argument(
        "--extract",
        choices=EXTRACT,
        default="auto",
        help="how code is extracted from a text; auto (the default) takes completions and solutions verbatim "
        "and extracts from model responses as the task says",
    )
    parser.add_argument(
        "--pool",
        action="store_true",
        help="add up the samples of several runs; without it, several runs are an error",
    )
    parser.add_argument("--judge", choices=[judge.value for judge in Judge], help="how samples are judged")
    parser.add_argument(
        "--workers", metavar="N", help="candidates judged at one time (0: as many as usable CPUs)"
    )
    parser.add_argument(
        "--cluster", metavar="auto|ray://HOST:PORT", help="judge on the nodes of a Ray cluster"
    )
    parser.add_argument(
        "--mixed",
        action="store_const",
        const="true",
        help="let nodes of the cluster judge whose environment differs from this machine's",
    )
    parser.add_argument("--timeout", metavar="S", help="seconds that a candidate or a call may work")
    parser.add_argument("--memory", metavar="MIB", help="memory that a candidate may use, in MiB")
    parser.add_argument("--sandbox", choices=MODES, help="rlimits is weaker than strict, the default")
    shared.add_set(parser)
    parser.add_argument("--out", metavar="DIR", help="folder for results.json and outcomes.jsonl")


def run(options: argparse.Namespace) -> int:
    """Score, save and print.

    Raises:
        InfrastructureError: samples remained without a verdict; everything was saved and printed before.
    """
    try:
        scored = api.score_samples(
            options.samples,
            options.task,
            _overrides(options),
            extract=options.extract,
            pool=options.pool,
            progress=sys.stderr.isatty(),
            out=options.out,
            show=partial(_show, options),
        )
    except (KeyboardInterrupt, TerminatedError):
        unfinished = None if options.out is None else Path(options.out) / store.UNFINISHED
        if unfinished is not None and unfinished.exists():
            print(
                f"passk: what was judged so far is in {unfinished}; the same command judges all anew",
                file=sys.stderr,
            )
        raise
    if options.out is not None and not options.json:
        print(f"\n  {Path(options.out) / store.RESULTS}\n  {Path(options.out) / store.OUTCOMES}")
        print(f"  next: {shlex.join(['passk', 'report', options.out])}")
    if scored.infra_errors:
        outcomes = (record.outcome for record in scored.records)
        example = next(outcome.detail for outcome in outcomes if outcome.verdict == "infra_error")
        raise InfrastructureError(
            f"{scored.infra_errors} of {len(scored.records)} samples remained without a verdict, for "
            f"a reason that is not the model's ({example}); score again, with fewer --workers if the "
            "host is short of memory"
        )
    return 0


def _show(options: argparse.Namespace, scored: Scored) -> None:
    shared.show(options, scored.as_dict(), partial(summary.render, scored))
    sys.stdout.flush()
    if options.json:
        for warning in scored.warnings:
            print(f"passk: warning: {warning}", file=sys.stderr)


def _overrides(options: argparse.Namespace) -> dict[str, Any]:
    """Return the settings named on the command line, as text: `Settings` converts and checks them."""
    given = {setting: getattr(options, option) for option, setting in _SETTINGS.items()}
    return shared.assignments(options.set, {key: text for key, text in given.items() if text is not None})
