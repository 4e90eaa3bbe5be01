"""`passk tasks`: what there is to run, and what each needs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any

from passk_tasks import benchmarks, libraries
from passk_tasks.catalog import TaskSpec, load_task, task_names

_COLUMNS = ("name", "n", "k", "temperature", "judge", "dataset", "missing")


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `tasks` to the commands."""
    parser = commands.add_parser(
        "tasks", help="what there is to run", description="List the tasks and what each of them needs."
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list instead of a table")
    parser.add_argument("--markdown", action="store_true", help="print the table of the README")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the tasks."""
    rows = [_row(load_task(name)) for name in task_names()]
    if options.json:
        print(json.dumps(rows, indent=2))
        return 0
    if options.markdown:
        print(markdown(rows))
        return 0
    cells = [list(_COLUMNS), *([_cell(row[column]) for column in _COLUMNS] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(_COLUMNS))]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    return 0


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the tasks as the README's table, without a newline at its end."""
    lines = ["| task | n | k | temperature | what it is |", "|---|---|---|---|---|"]
    for row in rows:
        ks = ", ".join(map(str, row["k"]))
        lines.append(
            f"| `{row['name']}` | {row['n']} | {ks} | {row['temperature']:g} | {row['description']} |"
        )
    return "\n".join(lines)


def _row(spec: TaskSpec) -> dict[str, Any]:
    settings, kwargs = spec.settings, spec.generation_kwargs
    benchmark = benchmarks.get(settings.benchmark)
    absent = libraries.absent(benchmark.libraries, settings.packages)
    return {
        "name": spec.name,
        "version": spec.version,
        "description": spec.description,
        "n": settings.samples,
        "k": list(settings.k),
        # Without do_sample lm-eval's models are greedy, whatever the temperature says.
        "temperature": float(kwargs.get("temperature", 0)) if kwargs.get("do_sample") else 0.0,
        "judge": settings.judge.value,
        "dataset": settings.data_files or f"{settings.benchmark} ({settings.dataset})",
        "missing": [
            *benchmark.missing(settings),
            *([f"{len(absent)} {'library' if len(absent) == 1 else 'libraries'}"] if absent else []),
        ],
        "missing_libraries": list(absent),
        "extraction": settings.extraction,
        "generation_kwargs": kwargs,
    }


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value)) or "-"
    return f"{value:g}" if isinstance(value, float) else str(value)
