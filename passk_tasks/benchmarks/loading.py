"""Rows of a benchmark and the problems in them: embedded, from the hub, or from local files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from passk_tasks.benchmarks import files, hub
from passk_tasks.benchmarks.base import Benchmark
from passk_tasks.errors import DatasetError, SettingsError
from passk_tasks.problem import Problem
from passk_tasks.settings import Settings


@dataclass(frozen=True)
class Dataset:
    """The problems of a task.

    Attributes:
        rows: in the dataset's order; the benchmark's own columns first, whatever else there was after them.
        problems: by task_id, in the same order.
        sha256: of the rows, the same wherever they came from.
        source: where they came from, for people.
    """

    rows: list[dict[str, Any]]
    problems: dict[str, Problem]
    sha256: str
    source: str


def load(benchmark: Benchmark, settings: Settings) -> Dataset:
    """Return the problems that the settings name: `data_files`, else the hub or the embedded ones.

    Raises:
        DatasetError: they cannot be had, or are not what they should be.
        SettingsError: the judge is none of the benchmark's.
    """
    if settings.judge not in benchmark.judges:
        raise SettingsError(
            f"{benchmark.name}: judge must be one of {', '.join(benchmark.judges)}, not {settings.judge}"
        )
    expected_sha256 = None
    if settings.data_files is not None:
        path = Path(settings.data_files).expanduser()
        source = str(path)
        rows = files.read(path, config=benchmark.hub_name, split=benchmark.split)
    elif settings.dataset == "hub":
        source = f"hub: {benchmark.hub_path} ({benchmark.split})"
        rows = hub.read(benchmark.hub_path, benchmark.hub_name, benchmark.split)
        expected_sha256 = benchmark.sha256
    else:
        source = "embedded"
        embedded = benchmark.embedded_rows()
        if embedded is None:
            raise DatasetError(
                f"{benchmark.name} has no embedded problems: "
                "set dataset=hub, or data_files=PATH to a local copy"
            )
        rows = embedded
        expected_sha256 = benchmark.sha256
    rows = [_ordered(row, benchmark.columns) for row in benchmark.rows(rows)]
    problems = _problems(benchmark, rows, source)
    sha256 = rows_sha256(rows)
    if expected_sha256 is not None and sha256 != expected_sha256:
        raise DatasetError(
            f"{source}: these are not the published problems of {benchmark.name}: {len(rows)} rows "
            f"with SHA-256 {sha256}, expected {expected_sha256}; if the change is meant, "
            "name a file of them with data_files=PATH"
        )
    return Dataset(rows=rows, problems=problems, sha256=sha256, source=source)


def rows_sha256(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return a hash of rows that does not depend on the file format, nor on the order of the columns."""
    digest = hashlib.sha256()
    for row in rows:
        # Parquet has types that JSON lacks (dates, bytes); their repr is stable enough for a hash.
        digest.update(json.dumps(row, sort_keys=True, default=repr).encode())
        digest.update(b"\n")
    return digest.hexdigest()


def _ordered(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    first = {column: row[column] for column in columns if column in row}
    return {**first, **row}


def _problems(benchmark: Benchmark, rows: Sequence[Mapping[str, Any]], source: str) -> dict[str, Problem]:
    if not rows:
        raise DatasetError(f"{source}: holds no problems")
    problems: dict[str, Problem] = {}
    for number, row in enumerate(rows, start=1):
        try:
            problem = benchmark.problem(row)
        except DatasetError as error:
            raise DatasetError(f"{source}: problem {number} of {len(rows)}: {error}") from None
        if problem.task_id in problems:
            raise DatasetError(
                f"{source}: the task_id {problem.task_id!r} is there twice (again as problem {number} of "
                f"{len(rows)}); if the folder holds several configurations, name one file of it"
            )
        problems[problem.task_id] = problem
    return problems
