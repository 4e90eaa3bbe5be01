"""`passk report`: one HTML page about stored runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.errors import UsageError

_EPILOG = """\
A run is a results file or folder of lm-eval (with --log_samples) or of `passk score --out`; a folder with
several runs gives all of them, by date. Several runs are compared, as by `passk compare`. The page needs no
other file and no network. Needs: pip install 'passk-tasks[report]'"""


def add_parser(commands: argparse._SubParsersAction[Any], what: str) -> None:
    """Add `report` to the commands."""
    parser = commands.add_parser(
        "report",
        help=what,
        description="Write an HTML page: scores, curves, comparison, every problem with its candidates.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shared.add_runs(parser)
    shared.add_question(parser)
    parser.add_argument(
        "-o", "--out", metavar="FILE", default="report.html", help="the page (default: report.html)"
    )
    parser.add_argument(
        "--audit", metavar="FILE", help="output of `passk audit TASK --json`: what each problem's tests catch"
    )
    parser.add_argument("--title", help="heading of the page")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read, build and write."""
    import passk_tasks.report  # noqa: F401  names a missing extra before any file is read

    out = Path(options.out)
    if out.is_dir() or not out.parent.is_dir():
        raise UsageError(f"--out {out}: a file in an existing folder is expected")
    runs = api.load_runs(options.runs, options.task)
    page = api.report_runs(
        runs,
        shared.metrics(options),
        shared.clusters(options, runs),
        anyway=options.anyway,
        title=options.title,
        audit_file=options.audit,
        baseline=options.baseline,
        last=options.last,
    ).encode("utf-8")
    try:
        out.write_bytes(page)
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written: {error.strerror or error}") from error
    what = f"{len(runs)} runs" if len(runs) > 1 else "one run"
    print(f"{out}: {what}, {len(page) / 1e6:.1f} MB")
    return 0
