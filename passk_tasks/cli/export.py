"""`passk export`: the files that a leaderboard or another tool accepts."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.errors import check_name
from passk_tasks.export import FORMATS, Details, Exported
from passk_tasks.export.base import OPEN_DATA, RELATIONSHIPS
from passk_tasks.text.terminal import BOLD, DIM, Page

_WIDEST = max(map(len, FORMATS))

_EPILOG = f"""\
formats:
{chr(10).join(f"  {name:<{_WIDEST}}  {format.summary}" for name, format in FORMATS.items())}

The command checks what the receiver of each format demands (all problems, n, temperature, names). If the
receiver would turn the run down, it lists everything that is missing and writes nothing. It uploads nothing,
and prints how to submit. Texts come from lm-eval's samples (--log_samples) or from the files given to
`passk score`; the hash of each candidate proves that it is the one that was judged."""


def add_parser(commands: argparse._SubParsersAction[Any], what: str) -> None:
    """Add `export` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help=what,
        description="Write a stored run in the form that a leaderboard or another tool accepts.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="results file, or folder with the results of one run; bigcode and model-index take several",
    )
    parser.add_argument("--format", required=True, metavar="FORMAT", help="one of the formats below")
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="folder for the files; replaces an earlier export"
    )
    parser.add_argument("--task", help="take only the runs of this task")
    parser.add_argument(
        "--samples", action="append", metavar="FILE", help="samples that were scored; may be repeated"
    )
    parser.add_argument("--data-files", metavar="PATH", help="the problems, if the run's own are not here")
    receiver = parser.add_argument_group("what a receiver asks and a run does not record")
    receiver.add_argument("--model", metavar="ORGANISATION/MODEL", help="the model's name on the hub")
    receiver.add_argument("--user", metavar="NAME", help="your name on the hub (bigcode, hf-eval-results)")
    receiver.add_argument("--organization", metavar="NAME", help="who evaluated (every-eval-ever)")
    receiver.add_argument(
        "--relationship",
        choices=RELATIONSHIPS,
        help="how the evaluator is related to the model's makers (every-eval-ever)",
    )
    receiver.add_argument("--dataset-id", metavar="ID", help="registered benchmark (hf-eval-results)")
    receiver.add_argument("--dataset-task", metavar="TASK", help="its task (hf-eval-results)")
    receiver.add_argument(
        "--source-url", metavar="URL", help="a page about the evaluation (hf-eval-results, every-eval-ever)"
    )
    receiver.add_argument("--backend", metavar="NAME", help="what ran the model, e.g. vllm (bigcodebench)")
    receiver.add_argument(
        "--size", type=float, metavar="BILLIONS", help="of the model's parameters (evalplus, for its site)"
    )
    receiver.add_argument(
        "--open-data", choices=OPEN_DATA, help="how much of its training data is open (evalplus)"
    )
    receiver.add_argument("--revision", metavar="NAME", help="model revision (bigcodebench, every-eval-ever)")


def run(options: argparse.Namespace) -> int:
    """Check, write and say how to submit."""
    check_name("format", options.format, FORMATS)  # before anything is read
    result = api.export_runs(
        api.find_runs(options.runs, options.task),
        options.format,
        options.out,
        samples=options.samples,
        data_files=options.data_files,
        **{name: getattr(options, name) for name in Details.__dataclass_fields__},
    )
    shared.show(options, result.as_dict(), partial(render, result))
    return 0


def render(result: Exported, *, colour: bool = False, width: int | None = None) -> str:
    """Return the files written and how to submit them as text, without a final newline."""
    page = Page(colour=colour, width=width)
    shown = result.files if len(result.files) <= 8 else result.files[:3]
    for path in shown:
        page.line(f"  {path}", BOLD)
    if len(shown) < len(result.files):
        page.line(f"  … and {len(result.files) - len(shown)} more beside them", BOLD)
    for scores, conditions in zip(result.scores, result.conditions, strict=True):
        page.line()
        page.facts(list(scores.items()))
        page.text(conditions, DIM)
    page.line()
    page.text(result.note)
    page.line()
    page.text("Nothing was uploaded.", DIM)
    return str(page)
