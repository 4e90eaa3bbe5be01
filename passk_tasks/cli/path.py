"""`passk path`: the paths in this package that other programs need."""

from __future__ import annotations

import argparse
from typing import Any

from passk_tasks import api


def add_parser(commands: argparse._SubParsersAction[Any], what: str) -> None:
    """Add `path` to the commands."""
    parser = commands.add_parser(
        "path",
        help=what,
        description="Print the folder of the task YAML, for lm-eval's --include_path.",
    )
    parser.add_argument(
        "task", nargs="?", help="print the folder of this task, from whichever package it comes"
    )
    parser.add_argument(
        "--code-eval",
        action="store_true",
        help="print the path of the evaluate module instead: evaluate.load(PATH) replaces code_eval",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the path."""
    if options.code_eval:
        print(api.code_eval_path())
    else:
        print(api.task_configs_path() if options.task is None else api.task_folder(options.task))
    return 0
