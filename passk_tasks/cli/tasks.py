"""`passk tasks`: what there is to run, and what each needs."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from passk_tasks import benchmarks, plugins
from passk_tasks.benchmarks import Benchmark
from passk_tasks.judging import libraries
from passk_tasks.tasks.catalog import TaskSpec, load_task, task_names
from passk_tasks.tasks.settings import Settings

_COLUMNS = ("name", "n", "k", "temperature")
_WIDTH = 79  # what any terminal shows on one line


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
    print(text(rows))
    return 0


def text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the tasks by dataset, with judge and what is missing at the head of each, without a newline.

    In one table the lines would be twice as wide as a terminal.
    """
    groups: dict[tuple[str, str, tuple[str, ...]], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["source"], row["judge"], tuple(row["missing"])), []).append(row)
    cells = [list(_COLUMNS), *([_cell(row[column]) for column in _COLUMNS] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(_COLUMNS))]

    def line(cells: Sequence[str]) -> str:
        return "  " + "  ".join(cell.ljust(w) for cell, w in zip(cells, widths, strict=True)).rstrip()

    lines = [line(_COLUMNS)]
    for (dataset, judge, missing), members in groups.items():
        lines += [
            "",
            *_wrap(f"{dataset}; judge: {judge}"),
            *_wrap(f"missing: {', '.join(missing) or 'nothing'}"),
        ]
        lines += [line([_cell(row[column]) for column in _COLUMNS]) for row in members]
    if any(row["missing_libraries"] for row in rows):
        lines += ["", "`passk tasks --json` names the missing libraries."]
    others = [f"{point.name} ({plugins.owner(point)})" for point in plugins.declared(plugins.FAMILIES)]
    if others:
        lines += ["", *_wrap(f"benchmarks of other packages: {', '.join(sorted(others))}")]
    return "\n".join(lines)


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the tasks as the README's table, without a newline at its end."""
    lines = ["| task | n | k | temperature | what it is |", "|---|---|---|---|---|"]
    for row in rows:
        ks = ", ".join(map(str, row["k"]))
        lines.append(
            f"| `{row['name']}` | {row['n']} | {ks} | {row['temperature']:g} | {row['description']} |"
        )
    return "\n".join(lines)


def _wrap(line: str) -> list[str]:
    return textwrap.wrap(line, _WIDTH, break_on_hyphens=False)


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
        "source": _origin(settings, benchmark),
        "missing": [
            *benchmark.missing(settings),
            *([f"{len(absent)} {'library' if len(absent) == 1 else 'libraries'}"] if absent else []),
        ],
        "missing_libraries": list(absent),
        "extraction": settings.extraction,
        "generation_kwargs": kwargs,
    }


def _origin(settings: Settings, benchmark: Benchmark) -> str:
    """Return where the problems come from, in few words."""
    if settings.data_files is not None:
        return settings.data_files
    if settings.dataset == "embedded":
        package = type(benchmark).__module__.partition(".")[0]
        return f"{benchmark.name}, installed with {package.replace('passk_tasks', 'this package')}"
    if settings.dataset != "hub":
        return f"hub: {settings.dataset}"
    if not benchmark.hub_path:
        return "problems of your own"
    return f"hub: {benchmark.hub_path}" + (f", {benchmark.hub_name}" if benchmark.hub_name else "")


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value)) or "-"
    return f"{value:g}" if isinstance(value, float) else str(value)
