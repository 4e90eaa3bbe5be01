"""MBPP (Austin et al., 2021, arXiv:2108.07732) and MBPP+ (Liu et al., 2023, arXiv:2305.01210).

A problem is a sentence, a reference program and three assertions. The hub's `google-research-datasets/mbpp`
has two configurations: `full` has 974 problems, 500 of them in the test split; `sanitized` has 427, 257 of
them in the test split. They name the columns of sentence and imports differently. `evalplus/mbppplus` has the
sanitized columns and `test`, a program with some 100 inputs a problem, including the original ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from passk_tasks.benchmarks import inspection
from passk_tasks.benchmarks.base import KEPT_TESTS, Benchmark, text, texts
from passk_tasks.benchmarks.evalplus import REFERENCE_TIMES, WHOLE_TIMES, like_evalplus, without_waiting
from passk_tasks.errors import DatasetError
from passk_tasks.problem import Problem
from passk_tasks.program import Judge, Place, Program, Tests

_TEST_SPLIT = range(11, 511)
"""Numbers of the problems in the test split: README of google-research/mbpp."""


@dataclass(frozen=True, slots=True)
class MbppProblem(Problem):
    """A problem whose tests are statements.

    Attributes:
        setup: imports and other statements that the assertions need.
        base_test: the original assertions, where `test` holds other tests; else `""`.
        timeout_s, whole_times: as `program.Tests` has them.
    """

    setup: str = ""
    base_test: str = ""
    timeout_s: float | None = None
    whole_times: float | None = None


class Mbpp(Benchmark):
    """The test split of the configuration `full`."""

    name: ClassVar[str] = "mbpp"
    hub_path: ClassVar[str] = "google-research-datasets/mbpp"
    hub_revision: ClassVar[str | None] = "4bb6404fdc6cacfda99d4ac4205087b89d32030c"
    hub_name: ClassVar[str | None] = "full"
    split: ClassVar[str] = "test"
    own_problems: ClassVar[bool] = False
    columns: ClassVar[tuple[str, ...]] = ("task_id", "text", "code", "test_list")
    sentence: ClassVar[str] = "text"
    reference_s: ClassVar[Mapping[str, float]] = {}  # seconds of the longest call, where that is known
    numbered: ClassVar[str] = "Mbpp/{}"
    count: ClassVar[int | None] = 500
    # Of the rows 11 to 510 in mbpp/mbpp.jsonl of google-research/google-research.
    authors_sha256: ClassVar[str | None] = "59a9043c87e9e38009abc4d0993d4a11e12c152b78090d313ee92c3149b47f01"

    def rows(self, rows: Iterable[Mapping[str, object]]) -> list[dict[str, object]]:
        """Return the rows of the test split, their numbers as EvalPlus writes them: `Mbpp/11`.

        The authors' repository has one file without splits. Its other problems are left out, since the
        paper's prompt shows some of them.
        """
        kept = []
        for row in rows:
            number = row.get("task_id")
            if type(number) is int or (isinstance(number, str) and number.isdecimal()):
                if int(number) not in _TEST_SPLIT and self.hub_name is not None:
                    continue
                row = {**row, "task_id": self.task_id_of(number)}
            kept.append(dict(row))
        return kept

    def problem(self, row: Mapping[str, object]) -> Problem:
        """Return the problem of a row of `full`, `sanitized` or MBPP+."""
        task_id = text(row, "task_id", self.columns)
        sentence = text(row, self.sentence, self.columns)
        code = text(row, "code", self.columns).replace("\r\n", "\n")
        assertions = texts(row, "test_list", self.columns)
        if not assertions:
            raise DatasetError(f"row {task_id!r}: column 'test_list' is empty")
        setup = _setup(row, self.columns)
        asserted = "".join(line + "\n" for line in assertions)
        test = self._test(row, asserted)
        try:
            functions = inspection.functions(assertions, setup, code)
            if test != asserted:
                functions = tuple(dict.fromkeys((*functions, *inspection.functions([test], setup, code))))
            proofs = [inspection.needs(setup + part, functions) for part in dict.fromkeys((asserted, test))]
        except DatasetError as error:
            raise DatasetError(f"row {task_id!r}: {error}") from None
        return MbppProblem(
            task_id=task_id,
            # One assertion, as with InCoder, BigCode's harness and EvalPlus, shows the function's name.
            prompt=f'"""\n{sentence}\n{assertions[0]}\n"""\n',
            entry_point=functions[0],
            test=test,
            canonical_solution=code,
            one_process=next((proof.reason for proof in proofs if proof.reason), None),
            setup=setup,
            base_test=asserted if test != asserted else "",
            timeout_s=self.reference_s[task_id] * REFERENCE_TIMES if task_id in self.reference_s else None,
            whole_times=self.whole_times,
            functions=functions,
        )

    def program(self, problem: Problem, code: str | None, place: Place) -> Program:
        """Return the candidate under the assertions, in its own namespace where those need it."""
        place = self.place_of(problem, place)
        return Program(problem.task_id, code, _tests(problem, place), place)

    def canonical(self, problem: Problem) -> str | None:
        """Return the reference program."""
        return problem.canonical_solution

    def _test(self, _row: Mapping[str, object], asserted: str) -> str:
        return asserted


class MbppSanitized(Mbpp):
    """The test split of the configuration `sanitized`, whose problems its authors checked by hand."""

    name: ClassVar[str] = "mbpp_sanitized"
    hub_name: ClassVar[str | None] = "sanitized"
    count: ClassVar[int | None] = 257
    columns: ClassVar[tuple[str, ...]] = ("task_id", "prompt", "code", "test_imports", "test_list")
    sentence: ClassVar[str] = "prompt"


class MbppPlus(Mbpp):
    """MBPP's problems under EvalPlus's tests, which alone decide; the assertions are the base stage.

    The assertions cannot decide: the column `test` compares some results as sets and others by their truth,
    and EvalPlus has corrected some of the original assertions.
    """

    hidden: ClassVar[tuple[str, ...]] = ("evalplus",)
    name: ClassVar[str] = "mbpp_plus"
    hub_path: ClassVar[str] = "evalplus/mbppplus"
    count: ClassVar[int | None] = 378
    hub_revision: ClassVar[str | None] = "b2d74c91837c3f2a20c1299ae98133cbe7cfa077"
    hub_name: ClassVar[str | None] = None
    columns: ClassVar[tuple[str, ...]] = (*MbppSanitized.columns, "test")
    sentence: ClassVar[str] = "prompt"
    base_stage: ClassVar[bool] = True
    whole_times: ClassVar[float | None] = WHOLE_TIMES
    # Of the 394 references of the development data (see docs/judges.md), on a machine with two cores, no
    # other takes more than 0.6 s for a call.
    reference_s: ClassVar[Mapping[str, float]] = {"Mbpp/599": 1.24}

    def _test(self, row: Mapping[str, object], _asserted: str) -> str:
        return like_evalplus(text(row, "test", self.columns))


@lru_cache(maxsize=KEPT_TESTS)
def _tests(problem: Problem, place: Place) -> Tests:
    assert isinstance(problem, MbppProblem)
    alone, times = not problem.base_test, (problem.timeout_s, problem.whole_times)
    if place is Judge.SCRIPT:  # the candidate's namespace has no prelude, so each stage brings its setup
        base = "" if alone else problem.setup + problem.base_test
        source = problem.setup + problem.test
        return Tests(source, problem.functions, "", base, alone, False, *times)
    setup, base = problem.setup, problem.base_test
    test = problem.test if alone else without_waiting(problem.test)
    return Tests(test, problem.functions, setup, base, alone, False, *times)


def _setup(row: Mapping[str, object], columns: tuple[str, ...]) -> str:
    lines = texts(row, "test_imports", columns) if row.get("test_imports") is not None else []
    if row.get("test_setup_code"):
        lines.append(text(row, "test_setup_code", columns).replace("\r\n", "\n"))
    return "".join(line + "\n" for line in lines)
