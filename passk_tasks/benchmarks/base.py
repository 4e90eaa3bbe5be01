"""What a family of problems has to say of itself."""

from __future__ import annotations

import contextlib
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from passk_tasks.benchmarks import files, hub
from passk_tasks.errors import DatasetError, SettingsError
from passk_tasks.problem import Problem
from passk_tasks.program import AnyTests, CommandTests, Confinement, Judge, Place, Program, StdioTests, Tests
from passk_tasks.tasks.settings import Settings

KEPT_TESTS = 1024
"""Problems of a family whose `Tests` are kept: more than any of them has in memory at one time."""


class Benchmark(ABC):
    """A family of problems. Stateless; one instance serves everyone.

    Attributes:
        name: what `passk.benchmark` says.
        hub_path: repository on the hub.
        hub_name: configuration in it; None for its only one.
        split: the split that is evaluated.
        columns: columns that `problem` needs, in the hub's order.
        kinds: what kinds of tests its problems have, the usual one first.
        places: where those of them that are `Tests` may run, the usual one first.
        whole_times: None where `timeout_s` is for all tests of functions together. Otherwise it is for each
            call, and all calls of a stage together may take so many times as long.
        windows: settings that choose among the problems: `release`, `since`, `until`.
        sha256: `loading.rows_sha256` of the published rows, where it is known. Embedded rows and the hub's
            must have it; files of other rows are a warning.
        authors_sha256: the same of the rows in the authors' own repository, where nobody has compared the
            hub's with them: other rows are a warning wherever they come from; not inherited either.
        count: how many rows were published, those included that settings leave out; not inherited, since
            another set has another number. Another number is a warning, and an error where `sha256` is known
            and the rows should be the published ones.
        hub_revision: the commit of the repository, or a branch of it; None for the main branch.
        fills_gaps: whether the model fills a gap, so that the setting `fim` says how it is asked.
        base_stage: whether its tests have a base stage, whose metrics stand beside the others;
            `program.Tests` says who decides.
        submissions: the n of n@k, where the base stage is what problems show of their tests.
        own_n: whether the benchmark's own program leaves answers out of n (`leaves_out`). `pass@k` counts
            them; `kept_pass@k` stands beside it and does not.
        trivial: what an audit tries as answers that ignore the problem, by name; empty where candidates are
            functions or programs, for which it has its own.
        own_problems: the problems are people's own, so that their references are tried before a run
            (`trial.references`). False for families whose references this package's own tests judge.
        libraries: what its problems import besides the standard library, as import names, where that is known
            without the rows; each problem names its own.
        toolchains: the languages of its programs, by the names of their records; empty for Python.
        pins: versions in the benchmark's own environment, by import name, and of `python`.
        outgrown: how many references pass with `pins` and are known to fail with the newest libraries of
            `outgrown_with`, by what the benchmark calls the library they are about.
        outgrown_with: those libraries, in words.
        loopback: whether right programs open sockets at 127.0.0.1.
        hidden: installed packages that hold its tests or solutions, as import names: no candidate of any
            family sees them.
        variant: the part of its name by which it differs from families that are listed as one with it, e.g.
            `cpp`; empty where it stands alone.
        numbered: how it writes the problem of a number, e.g. `Mbpp/{}`; empty where its problems have none.
    """

    name: ClassVar[str]
    hub_path: ClassVar[str]
    hub_name: ClassVar[str | None]
    split: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]
    kinds: ClassVar[tuple[type[AnyTests], ...]] = (Tests,)
    places: ClassVar[tuple[Place, ...]] = (Judge.ISOLATED, Judge.SCRIPT)
    whole_times: ClassVar[float | None] = None
    windows: ClassVar[tuple[str, ...]] = ()
    sha256: ClassVar[str | None] = None
    authors_sha256: ClassVar[str | None] = None
    count: ClassVar[int | None] = None
    base_stage: ClassVar[bool] = False
    submissions: ClassVar[tuple[int, ...]] = ()
    own_n: ClassVar[bool] = False
    trivial: ClassVar[Mapping[str, str]] = {}
    libraries: ClassVar[tuple[str, ...]] = ()
    toolchains: ClassVar[tuple[str, ...]] = ()
    hub_revision: ClassVar[str | None] = None
    fills_gaps: ClassVar[bool] = False
    own_problems: ClassVar[bool] = True
    pins: ClassVar[Mapping[str, str]] = {}
    outgrown: ClassVar[Mapping[str, int]] = {}
    outgrown_with: ClassVar[str] = ""
    loopback: ClassVar[bool] = False
    hidden: ClassVar[tuple[str, ...]] = ()
    numbered: ClassVar[str] = ""
    variant: ClassVar[str] = ""

    def task_id_of(self, foreign: str | int) -> str:
        """Return the task_id of what others call a problem by its number; any other name as it is.

        The number stands alone (`11`, `"011"`), or behind the family's own word in any spelling (`MBPP/11`,
        `mbpp_11`; `MBPP/-11` is no number).
        """
        name = str(foreign)
        if not self.numbered:
            return name
        own = re.sub(r"[\W_]", "", self.numbered.format("")).lower()
        match = re.fullmatch(r"(?:(.*?[^\W_])[\W_]?)??([0-9]+)", name, re.DOTALL)
        if match is None or (match[1] is not None and re.sub(r"[\W_]", "", match[1]).lower() != own):
            return name
        return self.numbered.format(int(match[2]))

    def rows(self, rows: Iterable[Mapping[str, object]]) -> Iterable[Mapping[str, object]]:
        """Yield those of the rows that are evaluated; a mere number for `task_id` as the family writes it."""
        for row in rows:
            number = row.get("task_id")
            if type(number) is int or (isinstance(number, str) and number.isdecimal()):
                row = {**row, "task_id": self.task_id_of(number)}
            yield row

    @property
    def judges(self) -> tuple[Judge, ...]:
        """What the setting `judge` may say: a place, or the one of tests that are no functions."""
        words = {StdioTests: Judge.STDIO, CommandTests: Judge.COMMAND}
        usual = words.get(self.kinds[0], self.places[0])
        return (usual, *self.places[1:]) if Tests in self.kinds else (usual,)

    def check_settings(self, settings: Settings) -> None:
        """Raise `SettingsError` at a setting that this benchmark has no use for."""
        if settings.judge not in self.judges:
            judges = ", ".join(judge.value for judge in self.judges)
            raise SettingsError(f"{self.name}: judge must be one of {judges}, not {settings.judge}")
        if settings.partial and StdioTests not in self.kinds:
            raise SettingsError(f"{self.name}: its tests have no cases to count: leave partial out")
        for name in ("release", "since", "until"):
            if getattr(settings, name) is not None and name not in self.windows:
                raise SettingsError(f"{self.name} has no problems by {name}: leave passk.{name} out")

    def confinement(self, settings: Settings) -> Confinement:
        """Return what candidates are kept in: as the settings say, with what this family asks for besides."""
        own_process = Judge.ISOLATED in self.places  # then it is the tests that import them
        libraries = () if own_process else self.libraries
        return replace(settings.confinement, loopback=self.loopback, libraries=libraries)

    def files(self, settings: Settings) -> tuple[str, ...] | None:  # noqa: ARG002  for those that choose
        """Return the data files of the hub's repository, by name or pattern; None to leave it to `datasets`.

        For repositories with a dataset script, which `datasets` does not run any more, and for those whose
        other splits are much larger than the one that is evaluated.
        """
        return None

    def published(self, settings: Settings) -> int | None:  # noqa: ARG002  for those that grow
        """Return how many rows were published; None where that is not known."""
        return vars(type(self)).get("count")

    def keeps(self, row: Mapping[str, object], settings: Settings) -> bool:  # noqa: ARG002
        """Return whether a row is one that the settings choose."""
        return True

    def document(self, row: Mapping[str, object]) -> dict[str, object]:
        """Return what prompts are made of: the row with its `task_id`, without tests of megabytes."""
        return dict(row)

    def request(self, row: Mapping[str, object], settings: Settings) -> str | None:  # noqa: ARG002
        """Return the prompt of a row where settings decide about it; None leaves it to the task's YAML."""
        return None

    def told(self, row: Mapping[str, object], said: str) -> str:  # noqa: ARG002
        """Return what a second request hears of the answer to the first, in tasks that ask twice."""
        return said.strip()

    def examples(self, path: Path) -> list[dict[str, object]]:
        """Return the worked examples in a file or folder, in the columns of those in the task's YAML.

        Raises:
            DatasetError: they cannot be read.
        """
        if not path.exists():
            raise DatasetError(f"{path}: no such file or folder (shots, seen from {Path.cwd()})")
        return [dict(row) for row in files.read(path, config=None, split=self.split)]

    def fits(self, example: Mapping[str, object], row: Mapping[str, object]) -> bool:  # noqa: ARG002
        """Return whether a worked example goes with a problem; families of several kinds choose."""
        return True

    @abstractmethod
    def problem(self, row: Mapping[str, object]) -> Problem:
        """Return the problem of a dataset row.

        Raises:
            DatasetError: a column is missing or of the wrong type; the message names row and column.
        """

    @abstractmethod
    def program(self, problem: Problem, code: str | None, place: Place) -> Program:
        """Return what is executed to judge `code`, the whole candidate (None: the text held no code).

        All programs of a problem share their tests, which may be megabytes. `place` is where the tests of
        functions are to run; those that need the candidate's process run there all the same (`place_of`).
        """

    def written_tests(self, problem: Problem) -> Tests | None:
        """Return tests that are statements of the row's author; None for cases, and for a family's own."""
        tests = self.program(problem, None, self.places[0]).tests
        return tests if isinstance(tests, Tests) else None

    def one_process(self, problem: Problem) -> str | None:
        """Return why tests need the candidate's process, a few words; None where they can do without."""
        return problem.one_process

    def place_of(self, problem: Problem, place: Place) -> Place:
        """Return the place asked for, or the candidate's process for tests that need it."""
        return place if self.one_process(problem) is None else Judge.SCRIPT

    def leaves_out(self, problem: Problem, code: str | None) -> bool:  # noqa: ARG002  for those that do
        """Return whether the benchmark's own program leaves this answer out of n."""
        return False

    @abstractmethod
    def canonical(self, problem: Problem) -> str | None:
        """Return the whole reference candidate, which must pass, or None where the dataset has none."""

    def function(self, problem: Problem) -> str:
        """Return the name of the function that a candidate defines; `""` where it need not define one."""
        return problem.entry_point

    def missing(self, settings: Settings) -> list[str]:
        """Return what this host lacks for a run with these settings, a few words each."""
        if settings.data_files is not None:
            exists = Path(settings.data_files).expanduser().exists()
            return [] if exists else [f"problems ({settings.data_files} does not exist)"]
        if settings.dataset == "embedded":
            return []
        path = self.hub_path if settings.dataset == "hub" else "/".join(settings.dataset.split("/")[:2])
        if not path:
            return ["problems (set data_files or dataset)"]
        return [] if hub.is_cached(path) else ["problems (to be fetched from the hub)"]

    def embedded_rows(self) -> list[dict[str, object]] | None:
        """Return the rows that are installed with this package's dependencies, or None.

        Raises:
            DatasetError: they should be there and are not.
        """
        return None


@contextlib.contextmanager
def any_digits() -> Iterator[None]:
    """Let texts of integers have any number of digits: a benchmark's data may."""
    before: int | None = getattr(sys, "get_int_max_str_digits", lambda: None)()
    if before is not None:
        sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        if before is not None:
            sys.set_int_max_str_digits(before)


def text(row: Mapping[str, object], column: str, expected: tuple[str, ...]) -> str:
    """Return a text column of a row.

    Raises:
        DatasetError: the column is missing, or is not text.
    """
    label = f"row {row['task_id']!r}: " if "task_id" in row and column != "task_id" else ""
    if column not in row:
        raise DatasetError(
            f"{label}column {column!r} is missing; the row has {', '.join(map(str, row)) or 'no columns'}, "
            f"expected are {', '.join(expected)}"
        )
    value = row[column]
    if not isinstance(value, str):
        raise DatasetError(
            f"{label}column {column!r} must be text, not {type(value).__name__}: {value!r:.80}"
        )
    return value


def texts(row: Mapping[str, object], column: str, columns: tuple[str, ...]) -> list[str]:
    """Return a column that holds a list of texts."""
    if column not in row:
        text(row, column, columns)  # raises with what is there and what is expected
    value = row[column]
    if (
        not isinstance(value, Sequence)
        or isinstance(value, str)
        or not all(isinstance(v, str) for v in value)
    ):
        raise DatasetError(
            f"row {row.get('task_id')!r}: column {column!r} must be a list of texts, not {value!r:.80}"
        )
    return [item.replace("\r\n", "\n") for item in value]
