"""CodeContests (Li et al., 2022, arXiv:2203.07814): programs for contest problems of Codeforces and others.

The test split has 165 problems of Codeforces. A problem's tests are its examples (`public_tests`), the
contest's own (`private_tests`) and mutated ones (`generated_tests`); a sample has to pass all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from passk_tasks.benchmarks.base import text
from passk_tasks.benchmarks.contests import TOKENS, Contest, ContestProblem
from passk_tasks.errors import DatasetError
from passk_tasks.problem import Problem
from passk_tasks.program import StdioTests
from passk_tasks.tasks.settings import Settings

_TESTS = ("public_tests", "private_tests", "generated_tests")
_PYTHON3 = 3  # contest_problem.proto, Solution.Language


class CodeContests(Contest):
    """The test split."""

    name: ClassVar[str] = "code_contests"
    count: ClassVar[int | None] = 165
    hub_path: ClassVar[str] = "deepmind/code_contests"
    hub_revision: ClassVar[str | None] = "802411c3010cb00d1b05bad57ca77365a3c699d6"
    columns: ClassVar[tuple[str, ...]] = ("name", "description", *_TESTS, "time_limit", "solutions")
    kinds: ClassVar[tuple[type[StdioTests], ...]] = (StdioTests,)
    base_stage: ClassVar[bool] = True  # the examples
    submissions: ClassVar[tuple[int, ...]] = (1, 10)

    def files(self, settings: Settings) -> tuple[str, ...]:  # noqa: ARG002
        """Return the files of the test split; those of the other splits are 7 GB."""
        return ("data/test-*.parquet",)

    def document(self, row: Mapping[str, object]) -> dict[str, object]:
        """Return the row without tests and solutions."""
        left_out = {*_TESTS, "solutions", "incorrect_solutions"}
        return {"task_id": row["name"], **{k: v for k, v in row.items() if k not in left_out}}

    def problem(self, row: Mapping[str, object]) -> Problem:
        """Return the problem of a row in the hub's columns."""
        task_id = text(row, "name", self.columns)
        text({"task_id": task_id, **row}, "description", self.columns)
        counts, cases = [], []
        for column in _TESTS:
            cases_of_column = _cases(row, column)
            counts.append(len(cases_of_column))
            cases += cases_of_column
        if not cases:
            raise DatasetError(f"row {task_id!r}: has no tests")
        tests = StdioTests.of(
            cases,
            comparison=TOKENS,
            timeout_s=_seconds(row.get("time_limit")),
            base=counts[0],
            any_end=True,  # tester_sandboxer.cc compares what a program wrote, however it ended
        )
        return ContestProblem(task_id, "", "", "", canonical_solution=_python3(row), tests=tests)


def _cases(row: Mapping[str, object], column: str) -> list[tuple[str, str]]:
    tests = row.get(column)
    if isinstance(tests, Mapping):
        given, expected = tests.get("input"), tests.get("output")
        if isinstance(given, list) and isinstance(expected, list) and len(given) == len(expected):
            cases = list(zip(given, expected, strict=True))
            if all(isinstance(part, str) for case in cases for part in case):
                return cases
    raise DatasetError(
        f"row {row.get('name')!r}: column {column!r} must hold lists `input` and `output` of as many texts"
    )


def _seconds(limit: Any) -> float | None:
    if isinstance(limit, Mapping) and limit.get("seconds") is not None:
        return float(limit["seconds"]) + (limit.get("nanos") or 0) * 1e-9
    return None


def _python3(row: Mapping[str, object]) -> str | None:
    solutions = row.get("solutions")
    if not isinstance(solutions, Mapping):
        return None
    pairs = zip(solutions.get("language") or (), solutions.get("solution") or (), strict=False)
    return next((code for language, code in pairs if language == _PYTHON3), None)
