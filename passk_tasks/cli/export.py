"""`passk export`: the file that a leaderboard or another tool accepts."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.errors import check_name
from passk_tasks.export import FORMATS, Details, Exported
from passk_tasks.export.base import RELATIONSHIPS
from passk_tasks.text.terminal import BOLD, DIM, Page

_WIDEST = max(map(len, FORMATS))

_EPILOG = f"""\
formats:
{chr(10).join(f"  {name:<{_WIDEST}}  {one.summary}" for name, one in FORMATS.items())}

Each format is checked for what its receiver demands (all problems, n, temperature, names); a run that
would be turned down is refused with the list of everything that is missing, and nothing is written. Nothing
is uploaded: how to submit is printed. Texts come from lm-eval's samples (--log_samples) or from the files
that `passk score` was given; each candidate is proved by its hash to be the one that was judged."""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `export` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help="the file that a leaderboard or another tool accepts",
        description="Write a stored run in the form that a leaderboard or another tool accepts.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="results file, or folder with the results of one run; several for bigcode and model-index",
    )
    parser.add_argument("--format", required=True, metavar="FORMAT", help="one of the formats below")
    parser.add_argument(
        "--out",
        required=True,
        metavar="DIR",
        help="folder for the files; those of an earlier export are replaced",
    )
    parser.add_argument("--task", help="take only the runs of this task")
    parser.add_argument(
        "--samples", action="append", metavar="FILE", help="samples that were scored; may be repeated"
    )
    parser.add_argument("--data-files", metavar="PATH", help="the problems, where the run's are not at hand")
    told = parser.add_argument_group("what a receiver wants to know and no run can say")
    told.add_argument("--model", metavar="ORGANISATION/MODEL", help="the model's name on the hub")
    told.add_argument("--user", metavar="NAME", help="your name on the hub (bigcode, hf-eval-results)")
    told.add_argument("--organization", metavar="NAME", help="who evaluated (every-eval-ever)")
    told.add_argument(
        "--relationship",
        choices=RELATIONSHIPS,
        help="what they are to the model's makers (every-eval-ever)",
    )
    told.add_argument("--dataset-id", metavar="ID", help="registered benchmark (hf-eval-results)")
    told.add_argument("--dataset-task", metavar="TASK", help="its task (hf-eval-results)")
    told.add_argument(
        "--source-url", metavar="URL", help="a page about the evaluation (hf-eval-results, every-eval-ever)"
    )
    told.add_argument("--backend", metavar="NAME", help="what ran the model, e.g. vllm (bigcodebench)")
    told.add_argument("--revision", metavar="NAME", help="of the model (bigcodebench, every-eval-ever)")


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
    """Return what was written and how to submit it, without a newline at its end."""
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
