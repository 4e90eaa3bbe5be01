"""`passk tasks`: the tasks and what each needs."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from passk_tasks import api
from passk_tasks.cli import options as shared
from passk_tasks.judging.needs import ListedTask
from passk_tasks.text.terminal import DIM, Page

_WIDTH = 79  # what any terminal shows on one line
_VARIANT = "<lang>"


def add_parser(commands: argparse._SubParsersAction[Any], what: str) -> None:
    """Add `tasks` to the commands."""
    parser = shared.add_command(
        commands,
        run,
        help=what,
        description="List the tasks and what each of them needs.",
    )
    parser.add_argument("words", nargs="*", metavar="WORD", help="only tasks with all of these in their text")
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/tasks.md")


def run(options: argparse.Namespace) -> int:
    """Print the tasks."""
    tasks = api.list_tasks(options.words)
    if options.markdown:
        print(markdown(tasks))
    else:
        rendered = partial(render, tasks, api.outside_benchmarks())
        shared.show(options, [task.as_dict() for task in tasks], rendered)
    return 0


def render(
    tasks: Sequence[ListedTask],
    outside: Mapping[str, str],
    *,
    colour: bool = False,
    width: int | None = None,
) -> str:
    """Return the tasks as text, without a final newline, grouped by dataset, judge and what is missing.

    A single table would be twice as wide as a terminal. `outside` comes from `api.outside_benchmarks`.
    """
    groups: dict[tuple[str, str, tuple[str, ...]], list[Folded]] = {}
    for line in folded(tasks):
        groups.setdefault((line.task.source, line.task.judge, line.task.missing), []).append(line)
    table = Page()  # one table for all groups, so that their columns are aligned
    cells = [
        (task.name, str(task.n), ",".join(map(str, task.k)) or "-", f"{task.temperature:g}")
        for group in groups.values()
        for task in (line.task for line in group)
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
            if row.variants and (at + 1 == len(group) or group[at + 1].variants != row.variants):
                page.text(f"{_VARIANT}: {', '.join(row.variants)}", indent=4)
    if any(task.missing_libraries for task in tasks):
        page.gap()
        page.text("`passk tasks --json` names the missing libraries.", indent=0)
    if outside:
        page.gap()
        named = ", ".join(f"{name} ({package})" for name, package in sorted(outside.items()))
        page.text(f"benchmarks of other packages: {named}", indent=0)
    return str(page)


def markdown(tasks: Sequence[ListedTask]) -> str:
    """Return the tasks as the table of docs/tasks.md, without a final newline."""
    lines = ["| task | n | k | temperature | what it is |", "|---|---|---|---|---|"]
    for line in folded(tasks, by_missing=False):
        task = line.task
        numbers = f"{task.n} | {', '.join(map(str, task.k))} | {task.temperature:g}"
        named = ", ".join(sorted(line.variants))
        variants = f" ({_VARIANT}: {named})" if named else ""
        lines.append(f"| `{task.name}` | {numbers} | {task.description}{variants} |")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Folded:
    """A line of the list: a task, or those that differ in the language alone.

    Attributes:
        task: the task; where there are variants, its words have a placeholder for the language.
        variants: the languages; empty for a task that has none.
    """

    task: ListedTask
    variants: list[str]


def folded(tasks: Sequence[ListedTask], *, by_missing: bool = True) -> list[Folded]:
    """Return a line for each task, and one for all that differ only in the language."""
    lines: dict[tuple[object, ...], Folded] = {}
    for task in tasks:
        variant = task.variant
        if variant:
            task = replace(
                task,
                name=re.sub(rf"_{re.escape(variant)}(?=_|\Z)", f"_{_VARIANT}", task.name),
                source=re.sub(rf"(?<=[ -]){re.escape(variant)}\Z", _VARIANT, task.source),
                description=re.sub(r" in [^,]+(?=, (?:code|for))", f" in {_VARIANT}", task.description),
            )
        key = (task.name, task.judge, *task.missing) if by_missing else (task.name,)
        lines.setdefault(key, Folded(task, [])).variants.extend([variant] if variant else [])
    return list(lines.values())
