"""LiveCodeBench, code generation (Jain et al., 2024, arXiv:2403.07974): contest problems by their date.

`livecodebench/code_generation_lite` has a dataset script, so its data files are read directly: `test.jsonl`
holds the first release, and each later file what a release added. The rows' private tests are JSON, or a
compressed pickle of JSON text, which is unpacked by something that can yield nothing but text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, ClassVar

from passk_tasks.benchmarks.base import Benchmark, text
from passk_tasks.benchmarks.contests import LINES, ContestProblem, call_tests, parsed, unpack_text
from passk_tasks.errors import DatasetError, SettingsError, did_you_mean
from passk_tasks.problem import Problem
from passk_tasks.program import Place, Program, StdioTests, Tests
from passk_tasks.tasks.settings import Settings

_FILES = ("test.jsonl", "test2.jsonl", "test3.jsonl", "test4.jsonl", "test5.jsonl", "test6.jsonl")
RELEASES = {f"release_v{number}": _FILES[:number] for number in range(1, len(_FILES) + 1)}
"""Files of each release: code_generation_lite.py in the dataset's repository."""

# What their harness puts above every candidate: lcb_runner/evaluation/testing_util.py, import_string.
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
)


class LiveCodeBench(Benchmark):
    """Problems from AtCoder, Codeforces and LeetCode: programs, and methods of a class `Solution`."""

    name: ClassVar[str] = "livecodebench"
    hub_path: ClassVar[str] = "livecodebench/code_generation_lite"
    hub_name: ClassVar[str | None] = None
    split: ClassVar[str] = "test"
    hidden: ClassVar[tuple[str, ...]] = ("lcb_runner",)
    own_problems: ClassVar[bool] = False
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

    def check_settings(self, settings: Settings) -> None:
        """Raise `SettingsError` at a release that there is not, or days in the wrong order."""
        super().check_settings(settings)
        if settings.release is not None and settings.release not in RELEASES:
            near = did_you_mean(settings.release, RELEASES)
            raise SettingsError(f"livecodebench has no release {settings.release!r}{near}")
        if settings.since and settings.until and settings.since > settings.until:
            raise SettingsError(f"since {settings.since} is after until {settings.until}")

    def files(self, settings: Settings) -> tuple[str, ...]:
        """Return the files of the release: each holds what was added."""
        return RELEASES[settings.release or list(RELEASES)[-1]]

    def rows(self, rows: Iterable[Mapping[str, object]]) -> Iterable[Mapping[str, object]]:
        """Yield all rows; a `question_id` that is a number, as LeetCode's are, as text."""
        for row in rows:
            name = row.get("question_id")
            yield {**row, "question_id": str(name)} if type(name) is int else row

    def keeps(self, row: Mapping[str, object], settings: Settings) -> bool:
        """Return whether the problem's contest was in the window, both days included."""
        day = _day(row, self.columns)
        return (settings.since or day) <= day <= (settings.until or day)

    def document(self, row: Mapping[str, object]) -> dict[str, object]:
        """Return the row without its tests."""
        kept = {name: value for name, value in row.items() if not name.endswith("_test_cases")}
        return {"task_id": row["question_id"], **kept, "contest_date": str(row["contest_date"])}

    def problem(self, row: Mapping[str, object]) -> Problem:
        """Return the problem of a row; its tests are unpacked, checked and packed again."""
        task_id = text(row, "question_id", self.columns)
        row = {"task_id": task_id, **row}  # which messages name
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
                (_arguments(given, what), _arguments(wanted, what)[0]) for given, wanted in cases
            )
        else:
            tests = StdioTests.of(cases, comparison=LINES)
        return ContestProblem(
            task_id,
            "",
            "",
            "",
            tests=tests,
            function=function,
            functions=(function,) if function else (),
            imports=IMPORTS,
        )

    def program(self, problem: Problem, code: str | None, place: Place) -> Program:
        """Return the candidate below the imports of LiveCodeBench's own harness."""
        assert isinstance(problem, ContestProblem)
        return problem.program(code, place)

    def function(self, problem: Problem) -> str:
        """Return the name in the problem's tests; `""` for programs."""
        assert isinstance(problem, ContestProblem)
        return problem.function

    def canonical(self, problem: Problem) -> str | None:  # noqa: ARG002
        """Return None: the dataset has no solutions."""
        return None


def _day(row: Mapping[str, object], columns: tuple[str, ...]) -> str:
    value = row.get("contest_date")
    if isinstance(value, date):  # a datetime is one
        return value.isoformat()[:10]
    written = text(row, "contest_date", columns)
    try:
        return datetime.fromisoformat(written).date().isoformat()
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
    try:
        return [json.loads(line) for line in written.split("\n")]
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{what}of tests: arguments must be JSON, a line each: {error}") from None
