"""`passk tasks`: what there is to run, and what each needs."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.text.terminal import DIM, Page

_COLUMNS = ("name", "n", "k", "temperature")
_WIDTH = 79  # what any terminal shows on one line


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `tasks` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help="what there is to run",
        description="List the tasks and what each of them needs.",
    )
    parser.add_argument("--markdown", action="store_true", help="print the table of the README")


def run(options: argparse.Namespace) -> int:
    """Print the tasks."""
    rows = api.list_tasks()
    if options.markdown:
        print(markdown(rows))
    else:
        shared.show(options, rows, partial(render, rows, api.outside_benchmarks()))
    return 0


def render(
    rows: Sequence[Mapping[str, Any]],
    outside: Mapping[str, str],
    *,
    colour: bool = False,
    width: int | None = None,
) -> str:
    """Return the tasks by dataset, with judge and what is missing at the head of each, without a newline.

    In one table the lines would be twice as wide as a terminal.

    Args:
        rows: the tasks.
        outside: packages of the benchmarks that other packages bring, by the benchmark's name.
        colour: whether the terminal shows colours.
        width: of the terminal; None for a file or a pipe.
    """
    groups: dict[tuple[str, str, tuple[str, ...]], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["source"], row["judge"], tuple(row["missing"])), []).append(row)
    table = Page()  # of all groups, so that their columns stand below each other
    members = [row for group in groups.values() for row in group]
    table.table(_COLUMNS, [[_cell(row[column]) for column in _COLUMNS] for row in members], "llll")
    head, *lines = str(table).splitlines()
    page = Page(colour=colour, width=min(width or _WIDTH, _WIDTH))
    page.line(head, DIM)
    for (dataset, judge, missing), group in groups.items():
        page.gap()
        page.text(f"{dataset}; judge: {judge}", indent=0)
        page.text(f"missing: {', '.join(missing) or 'nothing'}", indent=0)
        for _ in group:
            page.line(lines.pop(0))
    if any(row["missing_libraries"] for row in rows):
        page.gap()
        page.text("`passk tasks --json` names the missing libraries.", indent=0)
    if outside:
        page.gap()
        named = ", ".join(f"{name} ({package})" for name, package in sorted(outside.items()))
        page.text(f"benchmarks of other packages: {named}", indent=0)
    return str(page)


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the tasks as the README's table, without a newline at its end."""
    lines = ["| task | n | k | temperature | what it is |", "|---|---|---|---|---|"]
    for row in rows:
        ks = ", ".join(map(str, row["k"]))
        lines.append(
            f"| `{row['name']}` | {row['n']} | {ks} | {row['temperature']:g} | {row['description']} |"
        )
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value)) or "-"
    return f"{value:g}" if isinstance(value, float) else str(value)
