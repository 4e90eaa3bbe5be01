"""`passk selfcheck`: what the sandbox guarantees on this host, proved by attacking it."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from passk_tasks.errors import SandboxError, UsageError
from passk_tasks.program import MODES

_EPILOG = """\
Runs some 700 programs of its own: hostile ones, which must not get what they are after, and right ones, which
must pass. They reach only for what this command puts there: files in a temporary folder, sockets, sleeping
processes, secrets of random digits. Under rlimits, whatever would hurt this host is left out and shown as not
tried.

exit codes: 0 every guarantee is proved, 2 a mistake in the arguments, 3 some guarantee is not proved, or no
sandbox of the wanted strength on this host"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `selfcheck` to the commands."""
    parser = commands.add_parser(
        "selfcheck",
        help="what the sandbox guarantees on this host, proved by attacking it",
        description="Attack the sandbox of this host and print which guarantees hold.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--sandbox", choices=MODES, default="strict", help="rlimits is the explicit weaker choice"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument(
        "--workers", default="0", metavar="N", help="programs at one time (0: as many as usable CPUs)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Attack and print; 3 unless every guarantee is proved."""
    # Here, so that the other commands start without the corpus.
    from passk_tasks.selfcheck import check, table

    if not options.workers.isdecimal():
        raise UsageError(f"--workers {options.workers}: a number of programs at one time, 0 or more")
    report = check.check(sandbox=options.sandbox, workers=int(options.workers), progress=sys.stderr.isatty())
    if options.json:
        print(json.dumps(table.as_dict(report), indent=2))
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        print(table.render(report, colour=colour))
    return 0 if report.proved else SandboxError.exit_code
