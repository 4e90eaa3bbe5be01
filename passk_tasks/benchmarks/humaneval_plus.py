"""HumanEval+ (Liu et al., 2023, arXiv:2305.01210): HumanEval's problems with some 80 times as many tests.

The hub's `evalplus/humanevalplus` has HumanEval's columns; its `test` holds base and plus inputs together.
The base stage is HumanEval's own tests, so base_pass@k is the pass@k that the same samples have on HumanEval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar

from passk_tasks.benchmarks.base import text
from passk_tasks.benchmarks.evalplus import WHOLE_TIMES, like_evalplus, without_waiting
from passk_tasks.benchmarks.humaneval import HumanEval
from passk_tasks.errors import DatasetError
from passk_tasks.problem import Problem
from passk_tasks.program import Judge, Place, Tests


@dataclass(frozen=True, slots=True)
class PlusProblem(Problem):
    """A problem with HumanEval's own tests besides the stronger ones.

    Attributes:
        base_test: source of HumanEval's own `check`.
    """

    base_test: str = ""


class HumanEvalPlus(HumanEval):
    """HumanEval's problems under EvalPlus's tests."""

    hidden: ClassVar[tuple[str, ...]] = ("evalplus",)
    name: ClassVar[str] = "humaneval_plus"
    hub_path: ClassVar[str] = "evalplus/humanevalplus"
    hub_revision: ClassVar[str | None] = "d32357cf319e50e9c8d8dab5ea876c72b0fd321b"
    hub_name: ClassVar[str | None] = None
    count: ClassVar[int | None] = 164
    sha256: ClassVar[str | None] = None
    base_stage: ClassVar[bool] = True
    whole_times: ClassVar[float | None] = WHOLE_TIMES

    def problem(self, row: Mapping[str, object]) -> Problem:
        """Return the problem of a row, joined by task_id with HumanEval's tests.

        Raises:
            DatasetError: as `HumanEval.problem`, or HumanEval has no problem of that task_id.
        """
        plain = super().problem({**row, "test": like_evalplus(text(row, "test", self.columns))})
        base = _base_tests().get(plain.task_id)
        if base is None:
            raise DatasetError(
                f"row {plain.task_id!r}: HumanEval has no problem of this task_id, so no base tests for it"
            )
        fields = {name: getattr(plain, name) for name in Problem.__dataclass_fields__}
        return PlusProblem(**fields, base_test=base)

    def tests(self, problem: Problem, place: Place) -> Tests:
        """Return HumanEval's tests as the base stage, and EvalPlus's after them."""
        assert isinstance(problem, PlusProblem)
        if place is Judge.ISOLATED:
            problem = replace(problem, test=without_waiting(problem.test))
        tests = super().tests(problem, place)
        return replace(tests, base=f"{problem.base_test}\ncheck({problem.entry_point})\n")


@cache
def _base_tests() -> dict[str, str]:
    return {str(row["task_id"]): str(row["test"]) for row in HumanEval().embedded_rows() or []}
