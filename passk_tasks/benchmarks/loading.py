"""Rows of a benchmark and the problems in them: embedded, from the hub, or from local files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path

from passk_tasks.benchmarks import files, hub, inspection
from passk_tasks.benchmarks.base import Benchmark
from passk_tasks.errors import DatasetError
from passk_tasks.problem import Problem
from passk_tasks.program import CommandTests, Judge
from passk_tasks.tasks.settings import Settings

_NAMED = 10  # problems that one message names


@dataclass(frozen=True)
class Dataset:
    """The problems of a task.

    Attributes:
        rows: in the dataset's order, the benchmark's own columns first. Large columns of tests are left out,
            since a model's prompt needs none of them.
        problems: by task_id, in the same order.
        sha256: hash of the rows with all their columns, the same wherever they came from.
        source: where the rows came from, for people.
        left_out: libraries that this host lacks, by the task_id of the problem that needs them. Such problems
            are not run; they are in `problems` but not in `rows`.
        untested: problems whose tests pass whatever a candidate returns, left out likewise (`skip_untested`).
    """

    rows: list[dict[str, object]] = field(repr=False)
    problems: dict[str, Problem] = field(repr=False)
    sha256: str
    source: str
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    untested: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def skipped(self) -> Set[str]:
        """All problems that are in `problems` but not in `rows`: the coverage counts them."""
        return self.left_out.keys() | set(self.untested)


def load(benchmark: Benchmark, settings: Settings) -> Dataset:
    """Return the problems that the settings name: `data_files`, else the hub or the embedded ones.

    Raises:
        DatasetError: the problems cannot be read, or are not the published ones.
        SettingsError: the benchmark has no use for one of the settings.
    """
    benchmark.check_settings(settings)
    official = settings.data_files is None and settings.dataset in ("hub", "embedded")
    names = benchmark.files(settings)
    rows: Iterable[Mapping[str, object]]
    if settings.data_files is not None:
        folder = Path(settings.data_files).expanduser()
        source = str(folder)
        rows = files.read(folder, config=benchmark.hub_name, split=benchmark.split, names=names)
    elif "/" in settings.dataset:
        path, name, split = repository(settings.dataset, benchmark.split)
        source = f"hub: {path} ({name + ', ' if name else ''}{split})"
        rows = hub.read(path, name, split)
    elif settings.dataset == "hub":
        if not benchmark.hub_path:
            raise DatasetError(
                f"{benchmark.name} has no problems of its own: set data_files=PATH to a file of them, or "
                "dataset=OWNER/NAME to a repository of the hub"
            )
        of, revision = benchmark.split, benchmark.hub_revision
        if names is None:
            rows = hub.read(benchmark.hub_path, benchmark.hub_name, benchmark.split, revision=revision)
        else:
            folder = hub.download(benchmark.hub_path, names, revision)
            of, revision = ", ".join(names), folder.name  # the commit, also of what is a branch
            rows = files.read(folder, config=None, split=benchmark.split, names=names)
        source = f"hub: {benchmark.hub_path} ({of}{f' at {revision}' if revision else ''})"
    else:
        source = "embedded"
        embedded = benchmark.embedded_rows()
        if embedded is None:
            raise DatasetError(
                f"{benchmark.name} has no embedded problems: "
                "set dataset=hub, or data_files=PATH to a local copy"
            )
        rows = embedded
    known = source == "embedded" and benchmark.sha256 is not None
    dataset, count = _dataset(benchmark, benchmark.rows(rows), settings, source, known=known)
    return _compared(dataset, count, benchmark, settings, official=official)


def _compared(
    dataset: Dataset, count: int, benchmark: Benchmark, settings: Settings, *, official: bool
) -> Dataset:
    """Return the dataset with a warning of what differs from the published one.

    Raises:
        DatasetError: it should be that one, and its hash is known.
    """
    published = benchmark.published(settings)
    sha256 = benchmark.sha256 or vars(type(benchmark)).get("authors_sha256")
    if published is not None and count != published:
        unlike = f"{count:,} rows, and {published:,} were published"
    elif sha256 is not None and dataset.sha256 != sha256:
        unlike = f"other rows, expected {sha256}"
    else:
        return dataset
    message = f"{dataset.source}: these are not the published problems of {benchmark.name}: {unlike}"
    if official and benchmark.sha256 is not None:
        raise DatasetError(
            f"{message} (SHA-256 {dataset.sha256}); if the change is meant, name a file of them with "
            "data_files=PATH"
        )
    return replace(dataset, warnings=(*dataset.warnings, message))


def repository(dataset: str, split: str) -> tuple[str, str | None, str]:
    """Return path, configuration and split of `OWNER/NAME[/CONFIG[/SPLIT]]`; `split` is the default."""
    owner, name, *rest = dataset.split("/")
    config, named_split = [*rest, None, None][:2]
    return f"{owner}/{name}", config, named_split or split


def rows_sha256(rows: Iterable[Mapping[str, object]]) -> str:
    """Return a hash of rows that does not depend on the file format, nor on the order of the columns."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(_row_bytes(row))
    return digest.hexdigest()


def _row_bytes(row: Mapping[str, object]) -> bytes:
    # Parquet has types that JSON lacks (dates, bytes); a hash may use their repr, which is stable.
    return json.dumps(row, sort_keys=True, default=repr).encode() + b"\n"


def _ordered(row: Mapping[str, object], columns: Sequence[str]) -> dict[str, object]:
    first = {column: row[column] for column in columns if column in row}
    return {**first, **row}


def _passes_anything(benchmark: Benchmark, problem: Problem) -> bool:
    """Whether no candidate can fail a problem's tests, as far as their text tells."""
    tests = benchmark.written_tests(problem)
    if tests is not None:
        return inspection.passes_anything(f"{tests.prelude}\n{tests.source}", tests.names)
    commanded = benchmark.program(problem, None, Judge.ISOLATED).tests if problem.protocol else None
    return isinstance(commanded, CommandTests) and inspection.names_no_candidate(
        commanded, problem.entry_point, problem.prompt
    )


def _dataset(
    benchmark: Benchmark,
    rows: Iterable[Mapping[str, object]],
    settings: Settings,
    source: str,
    *,
    known: bool,
) -> tuple[Dataset, int]:
    """Read the rows once and keep only what is needed, since some benchmarks have gigabytes.

    Returns the dataset, and how many rows there were, those included that the settings leave out. Rows that
    are `known` by their hash are not searched for tests that pass anything: this package's own tests do that.
    """
    digest = hashlib.sha256()
    documents: list[dict[str, object]] = []
    problems: dict[str, Problem] = {}
    idle: list[str] = []
    number = 0
    for number, row in enumerate(rows, start=1):
        try:
            if not benchmark.keeps(row, settings):
                continue
            problem = benchmark.problem(row)
        except DatasetError as error:
            raise DatasetError(f"{source}: problem {number}: {error}") from None
        if problem.task_id in problems:
            raise DatasetError(
                f"{source}: the task_id {problem.task_id!r} is there twice (again as problem {number}); if "
                "the folder holds several configurations, name one file of it"
            )
        if not known and _passes_anything(benchmark, problem):
            idle.append(problem.task_id)
        digest.update(_row_bytes(row))
        problems[problem.task_id] = problem
        documents.append(_ordered(benchmark.document(row), benchmark.columns))
    if not problems:
        chosen = f" that the settings choose, of {number}" if number else ""
        raise DatasetError(f"{source}: holds no problems{chosen}")
    named = f"{', '.join(idle[:_NAMED])}{', …' * (len(idle) > _NAMED)}"
    if idle and (not settings.skip_untested or len(idle) == len(problems)):
        raise DatasetError(
            f"{source}: the tests of {len(idle)} of {len(problems)} problems pass whatever a candidate "
            f"returns, and so any answer: {named}; mend their tests, name a file without them with "
            "data_files=PATH, or leave them out with the setting skip_untested=true, which counts them"
        )
    warnings = [
        f"the tests of {len(idle)} of {len(problems)} problems pass whatever a candidate returns; these are "
        f"left out (skip_untested), and the coverage counts them: {named}"
    ]
    dataset = Dataset(
        rows=[row for row in documents if row["task_id"] not in idle],
        problems=problems,
        sha256=digest.hexdigest(),
        source=source,
        untested=tuple(idle),
        warnings=tuple(warnings if idle else ()),
    )
    return dataset, number
