"""`passk merge`: the score of samples that were judged in parts."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared

_EPILOG = """\
The samples are read again, from the paths that the parts were given, so run it in the folder where they ran.
Nothing is judged. Parts that are missing, not complete, there twice, of another scoring or from another
environment are named.

exit codes: 0 done, 2 a mistake in arguments or files, 4 samples remained without a verdict (everything is
printed and saved first)"""


def add_parser(commands: argparse._SubParsersAction[Any], what: str) -> None:
    """Add `merge` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help=what,
        description="Add up the parts that `passk score --shard i/N --out DIR` has judged, as one scoring.",
        epilog=_EPILOG,
    )
    parser.add_argument("shards", nargs="+", metavar="SHARDS", help="folders with the parts, or their files")
    parser.add_argument("--out", metavar="DIR", help="folder for results.json and outcomes.jsonl")


def run(options: argparse.Namespace) -> int:
    """Merge, save and print."""
    scored = api.merge_shards(options.shards, out=options.out, show=partial(shared.show_scored, options))
    shared.end_scoring(options, scored)
    return 0
