"""`passk selfcheck`: what the sandbox guarantees on this host, proved by attacking it."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.errors import SandboxError
from passk_tasks.program import MODES

_EPILOG = """\
Runs some 950 programs of its own: hostile ones, whose attacks must fail, and right ones, which must pass.
They attack only what this command makes: files in a temporary folder, sockets, sleeping processes, secrets of
random digits. Under rlimits, attacks that would harm this host are left out and shown as not tried.

exit codes: 0 every guarantee is proved, 2 a mistake in the arguments, 3 some guarantee is not proved, or this
host cannot give the sandbox asked for"""


def add_parser(commands: argparse._SubParsersAction[Any], what: str) -> None:
    """Add `selfcheck` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help=what,
        description="Attack the sandbox of this host and print which guarantees hold.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "--sandbox", choices=MODES, default="strict", help="rlimits is weaker than strict, the default"
    )
    parser.add_argument(
        "--workers", default="0", metavar="N", help="programs at one time (0: as many as usable CPUs)"
    )
    parser.add_argument(
        "--python",
        metavar="PATH",
        help="prove it in another interpreter: its file, or the folder of a virtual environment",
    )


def run(options: argparse.Namespace) -> int:
    """Attack and print; return 3 unless every guarantee is proved."""
    workers = shared.whole_number("--workers", options.workers)
    report = api.check_sandbox(
        options.sandbox, workers=workers, python=options.python, progress=sys.stderr.isatty()
    )
    # Imported here so that the other commands start without the corpus.
    from passk_tasks.selfcheck import table

    shared.show(options, table.as_dict(report), partial(table.render, report))
    return 0 if report.proved else SandboxError.exit_code
