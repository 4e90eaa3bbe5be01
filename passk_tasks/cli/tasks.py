"""`passk tasks`: the tasks and what each needs."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.text.terminal import DIM, Page

_WIDTH = 79  # what any terminal shows on one line
_VARIANT = "<lang>"


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `tasks` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help="the tasks and what each needs",
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
    """Return the tasks as text, without a final newline, grouped by dataset, judge and what is missing.

    A single table would be twice as wide as a terminal. `outside` comes from `api.outside_benchmarks`.
    """
    groups: dict[tuple[str, str, tuple[str, ...]], list[Mapping[str, Any]]] = {}
    for one in folded(rows):
        groups.setdefault((one["source"], one["judge"], tuple(one["missing"])), []).append(one)
    table = Page()  # one table for all groups, so that their columns are aligned
    cells = [
        (row["name"], str(row["n"]), ",".join(map(str, row["k"])) or "-", f"{row['temperature']:g}")
        for group in groups.values()
        for row in group
    ]
    table.table(("name", "n", "k", "temperature"), cells, "llll")
    head, *lines = str(table).splitlines()
    page = Page(colour=colour, width=min(width or _WIDTH, _WIDTH))
    page.line(head, DIM)
    for (dataset, judge, missing), group in groups.items():
        page.gap()
        page.text(f"{dataset}; judge: {judge}", indent=0)
        page.text(f"missing: {', '.join(missing) or 'nothing'}", indent=0)
        for at, row in enumerate(group):
            page.line(lines.pop(0))
            if row["variants"] and (at + 1 == len(group) or group[at + 1]["variants"] != row["variants"]):
                page.text(f"{_VARIANT}: {', '.join(row['variants'])}", indent=4)
    if any(row["missing_libraries"] for row in rows):
        page.gap()
        page.text("`passk tasks --json` names the missing libraries.", indent=0)
    if outside:
        page.gap()
        named = ", ".join(f"{name} ({package})" for name, package in sorted(outside.items()))
        page.text(f"benchmarks of other packages: {named}", indent=0)
    return str(page)


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the tasks as the README's table, without a final newline."""
    lines = ["| task | n | k | temperature | what it is |", "|---|---|---|---|---|"]
    for row in folded(rows, by_missing=False):
        numbers = f"{row['n']} | {', '.join(map(str, row['k']))} | {row['temperature']:g}"
        named = ", ".join(sorted(row["variants"]))
        variants = f" ({_VARIANT}: {named})" if named else ""
        lines.append(f"| `{row['name']}` | {numbers} | {row['description']}{variants} |")
    return "\n".join(lines)


def folded(rows: Sequence[Mapping[str, Any]], *, by_missing: bool = True) -> list[dict[str, Any]]:
    """Return the rows with those that differ only in the language as one, whose `variants` name the
    languages.

    Args:
        rows: as `api.list_tasks` returns them.
        by_missing: whether those that lack different things stay apart.
    """
    kept: dict[tuple[object, ...], dict[str, Any]] = {}
    for row in rows:
        variant = row["variant"]
        name, source, description = row["name"], row["source"], row["description"]
        if variant:
            name = re.sub(rf"_{re.escape(variant)}(?=_|\Z)", f"_{_VARIANT}", name)
            source = re.sub(rf"(?<=[ -]){re.escape(variant)}\Z", _VARIANT, source)
            description = re.sub(r" in [^,]+(?=, (?:code|for))", f" in {_VARIANT}", description)
        key = (name, row["judge"], *row["missing"]) if by_missing else (name,)
        one = kept.setdefault(
            key, {**row, "name": name, "source": source, "description": description, "variants": []}
        )
        one["variants"] += [variant] if variant else []
    return list(kept.values())
