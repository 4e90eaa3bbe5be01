"""LiveCodeBench, code generation (Jain et al., 2024, arXiv:2403.07974): contest problems by their date.

`livecodebench/code_generation_lite` has a dataset script, so its data files are read directly: `test.jsonl`
holds the first release, and each later file holds what a release added. The rows' private tests are JSON, or
a compressed pickle of JSON text, which `unpack_text` reads without executing the pickle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar

from passk_tasks.benchmarks.base import text
from passk_tasks.benchmarks.contests import (
    LINES,
    Contest,
    ContestProblem,
    call_tests,
    most_digits,
    parsed,
    unpack_text,
)
from passk_tasks.errors import DatasetError, SettingsError, did_you_mean
from passk_tasks.problem import Problem
from passk_tasks.program import Place, Program, StdioTests, Tests
from passk_tasks.tasks.settings import Settings

_FILES = ("test.jsonl", "test2.jsonl", "test3.jsonl", "test4.jsonl", "test5.jsonl", "test6.jsonl")
_ROWS = (400, 111, 101, 101, 167, 175)
"""How many problems each file has: README.md of LiveCodeBench/LiveCodeBench, "Dataset Versions"."""

RELEASES = {f"release_v{number}": _FILES[:number] for number in range(1, len(_FILES) + 1)}
"""Files of each release: code_generation_lite.py in the dataset's repository."""

_SHOTS = "lcb_runner/prompts/few_shot_examples/generation"
"""Folder of the worked examples in a checkout of LiveCodeBench/LiveCodeBench, a file for each kind."""

DIGITS = 50_000
"""Of texts of integers, on both sides: lcb_runner/evaluation/compute_code_generation_metrics.py."""

# LiveCodeBench's harness puts these above every candidate: lcb_runner/evaluation/testing_util.py,
# import_string.
_STAR = (
    "string re datetime collections heapq bisect copy math random statistics itertools functools operator io "
    "sys json builtins typing"
)
_PLAIN = (
    "string re datetime collections heapq bisect copy math random statistics itertools functools operator io "
    "sys json"
)
IMPORTS = (
    "".join(f"from {name} import *\n" for name in _STAR.split())
    + "".join(f"import {name}\n" for name in _PLAIN.split())
    + "sys.setrecursionlimit(50000)\n"
    + most_digits(DIGITS)
    + "\n"
)


class LiveCodeBench(Contest):
    """Problems from AtCoder, Codeforces and LeetCode: programs, and methods of a class `Solution`."""

    name: ClassVar[str] = "livecodebench"
    hub_path: ClassVar[str] = "livecodebench/code_generation_lite"
    hub_revision: ClassVar[str | None] = "0fe84c3912ea0c4d4a78037083943e8f0c4dd505"
    hidden: ClassVar[tuple[str, ...]] = ("lcb_runner",)
    columns: ClassVar[tuple[str, ...]] = (
        "question_title",
        "question_content",
        "platform",
        "question_id",
        "contest_id",
        "contest_date",
        "starter_code",
        "difficulty",
        "public_test_cases",
        "private_test_cases",
        "metadata",
    )
    kinds: ClassVar[tuple[type[Tests | StdioTests], ...]] = (StdioTests, Tests)
    windows: ClassVar[tuple[str, ...]] = ("release", "since", "until")
    # 6 s a call; theirs is 7 s a case and 5 s more, which says less where there are up to 42 cases.
    whole_times: ClassVar[float] = 50.0

    def check_settings(self, settings: Settings) -> None:
        """Raise `SettingsError` at a release that does not exist, or days in the wrong order."""
        super().check_settings(settings)
        if settings.release is not None and settings.release not in RELEASES:
            near = did_you_mean(settings.release, RELEASES)
            raise SettingsError(f"livecodebench has no release {settings.release!r}{near}")
        if settings.since and settings.until and settings.since > settings.until:
            raise SettingsError(f"since {settings.since} is after until {settings.until}")

    def files(self, settings: Settings) -> tuple[str, ...]:
        """Return the files of the release: each release adds one."""
        return RELEASES[settings.release or list(RELEASES)[-1]]

    def published(self, settings: Settings) -> int:
        """Return how many problems the release has."""
        return sum(_ROWS[: len(self.files(settings))])

    def rows(self, rows: Iterable[Mapping[str, object]]) -> Iterable[Mapping[str, object]]:
        """Yield all rows, with `question_id` as text: LeetCode's are numbers."""
        for row in rows:
            name = row.get("question_id")
            yield {**row, "question_id": str(name)} if type(name) is int else row

    def keeps(self, row: Mapping[str, object], settings: Settings) -> bool:
        """Return whether the problem's contest was within the days of the settings, both included."""
        day = _day(row, self.columns)
        return (settings.since or day) <= day <= (settings.until or day)

    def document(self, row: Mapping[str, object]) -> dict[str, object]:
        """Return the row without its tests."""
        kept = {name: value for name, value in row.items() if not name.endswith("_test_cases")}
        return {"task_id": row["question_id"], **kept, "contest_date": str(row["contest_date"])}

    def examples(self, path: Path) -> list[dict[str, object]]:
        """Return the worked examples of a checkout of LiveCodeBench, of its folder of them, or of a file."""
        folder = path / _SHOTS if (path / _SHOTS).is_dir() else path
        if not folder.is_dir():
            return super().examples(path)
        rows = [*super().examples(folder / "func.json"), *super().examples(folder / "stdin.json")]
        return [
            {
                "question_content": row.get("question"),
                "starter_code": row.get("sample_code", ""),
                "answer": row.get("answer"),
            }
            for row in rows
        ]

    def fits(self, example: Mapping[str, object], row: Mapping[str, object]) -> bool:
        """Return whether both ask for a function, or both for a program that reads input."""
        return bool(example.get("starter_code")) == bool(row.get("starter_code"))

    def problem(self, row: Mapping[str, object]) -> Problem:
        """Return the problem of a row; its tests are unpacked, checked and packed again."""
        task_id = text(row, "question_id", self.columns)
        row = {"task_id": task_id, **row}  # messages name the task_id
        what = f"row {task_id!r}: column "
        text(row, "question_content", self.columns)
        text(row, "starter_code", self.columns)
        metadata = parsed(text(row, "metadata", self.columns), dict, f"{what}'metadata'")
        public = _cases(text(row, "public_test_cases", self.columns), f"{what}'public_test_cases'")
        hidden = text(row, "private_test_cases", self.columns)
        if not hidden.lstrip().startswith("["):
            try:
                hidden = unpack_text(hidden)
            except ValueError as error:
                raise DatasetError(f"{what}'private_test_cases' is no list, and {error}") from None
        cases = public + _cases(hidden, f"{what}'private_test_cases'")
        if not cases:
            raise DatasetError(f"row {task_id!r}: has no tests")
        function = metadata.get("func_name") or ""
        if function and not (isinstance(function, str) and function.isidentifier()):
            raise DatasetError(f"{what}'metadata' names a function {function!r:.80}")
        tests: Tests | StdioTests
        if function:
            tests = call_tests(
                ((_arguments(given, what), _value(wanted, what)) for given, wanted in cases),
                whole_times=self.whole_times,
                digits=DIGITS,
            )
        else:
            tests = StdioTests.of(cases, comparison=LINES, any_status=True)  # theirs catches SystemExit
        return ContestProblem(
            task_id,
            "",
            "",
            "",
            tests=tests,
            function=function,
            functions=(function,) if function else (),
            imports=IMPORTS,
            wrapped=not function,
        )

    def program(self, problem: Problem, code: str | None, place: Place) -> Program:
        """Return the candidate without blanks at its start: extract_code strips what a base model writes."""
        return super().program(problem, code and code.lstrip(), place)


def _day(row: Mapping[str, object], columns: tuple[str, ...]) -> str:
    value = row.get("contest_date")
    if isinstance(value, date):  # a datetime is a date too
        return value.isoformat()[:10]
    written = text(row, "contest_date", columns)
    try:
        return datetime.fromisoformat(written.removesuffix("Z")).date().isoformat()  # Python 3.10 knows no Z
    except ValueError:
        name = row.get("question_id")
        raise DatasetError(f"row {name!r}: column 'contest_date' is no date: {written!r:.80}") from None


def _cases(written: str, what: str) -> list[tuple[str, str]]:
    cases = []
    for case in parsed(written, list, what):
        if not isinstance(case, dict) or not all(isinstance(case.get(k), str) for k in ("input", "output")):
            raise DatasetError(f"{what} must hold objects with the texts `input` and `output`")
        cases.append((case["input"], case["output"]))
    return cases


def _arguments(written: str, what: str) -> list[Any]:
    return [_value(line, what) for line in written.strip().split("\n")]


def _value(written: str, what: str) -> Any:
    """Return the JSON value of a text, whatever whitespace is around it."""
    return parsed(written, object, f"{what}of tests: arguments must be JSON, a line each: {written!r:.80}")
