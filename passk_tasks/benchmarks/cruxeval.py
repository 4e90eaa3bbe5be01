"""CRUXEval (Gu et al., 2024, arXiv:2401.03065): 800 functions; predict an output, or an input for an output.

A candidate is an expression. facebookresearch/cruxeval executes `assert {output} == {expression}` below the
function (evaluation/utils_general.py), in one process. Here the candidate's process evaluates the expression,
and only its value goes to the tests, as plain data:

- output prediction: the value is compared with the dataset's output;
- input prediction: the value is the arguments of the predicted call, and the tests call the function with
  them, so the expression cannot change the function or its result.

Every answer counts here. The repository leaves some out of n (`leaves_out`), so `kept_pass@k` is its number.

The text must be one expression. A second statement, or an operator that binds weaker than `==`, is a syntax
error here; in the repository `1 or True` would pass.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from passk_tasks import extraction
from passk_tasks.benchmarks.base import KEPT_TESTS, Benchmark, text
from passk_tasks.extraction.syntax import silently
from passk_tasks.problem import Problem
from passk_tasks.program import Judge, Place, Program, Tests

_ENTRY_POINT = "predicted"
_CONSTANTS = ("None", "True", "False", "0", "1", "''", "[]")
_NOT_ONE_EXPRESSION = "the answer is not one expression\n"  # does not compile, so it is a syntax error


@dataclass(frozen=True, slots=True)
class CruxProblem(Problem):
    """A function with one input and its output.

    Attributes:
        code: source of the function, `f`, for input prediction; `""` for output prediction, which needs none.
        beside: the same source where it has more than the function, for the expression to use; else `""`.
        call: the call whose output is asked for; `""` for input prediction.
    """

    code: str = ""
    beside: str = ""
    call: str = ""


class CruxEvalOutput(Benchmark):
    """CRUXEval-O: what the function returns."""

    name: ClassVar[str] = "cruxeval_output"
    count: ClassVar[int | None] = 800
    hub_path: ClassVar[str] = "cruxeval-org/cruxeval"
    hub_revision: ClassVar[str | None] = "b96af0450242eb4da433032b90998f25588a5d0f"
    # Of data/cruxeval.jsonl in facebookresearch/cruxeval, its test.jsonl (SHA-256 8368b81047dc5014…).
    sha256: ClassVar[str | None] = "9dbad87ee92dca7a37ecbb14527fc55393d31fbafc00ceba4684282f56eac99c"
    hub_name: ClassVar[str | None] = None
    split: ClassVar[str] = "test"
    own_problems: ClassVar[bool] = False
    columns: ClassVar[tuple[str, ...]] = ("task_id", "code", "input", "output", "id")
    numbered: ClassVar[str] = "sample_{}"
    trivial: ClassVar[Mapping[str, str]] = {f"constant {value}": value for value in _CONSTANTS}
    own_n: ClassVar[bool] = True

    def rows(self, rows: Iterable[Mapping[str, object]]) -> Iterable[Mapping[str, object]]:
        """Yield all rows; the column `id` is the `task_id`."""
        for row in super().rows({**row, "task_id": row["id"]} if "id" in row else row for row in rows):
            yield {**row, "id": row["task_id"]} if type(row.get("id")) is int else row

    def problem(self, row: Mapping[str, object]) -> Problem:
        """Return the problem of a row."""
        task_id, code, arguments, output, _ = (text(row, column, self.columns) for column in self.columns)
        return CruxProblem(
            task_id=task_id,
            prompt="",  # the answer continues no code
            entry_point=_ENTRY_POINT,
            test=f"assert {output} == {_ENTRY_POINT}()\n",
            canonical_solution=output,
            beside=_beside(code),
            call=f"f({arguments})",
        )

    def program(self, problem: Problem, code: str | None, place: Place) -> Program:
        """Return the expression `code` as a program, under the assertion."""
        if code is not None:
            assert isinstance(problem, CruxProblem)
            code = self.candidate(extraction.expression(code)) or _NOT_ONE_EXPRESSION
            code = problem.beside + code
        return Program(problem.task_id, code, _tests(problem, place), place)

    def candidate(self, answer: ast.expr | None) -> str | None:
        """Return the program that evaluates an answer, None where the answer is not one expression.

        The expression is unparsed from its tree to module level, where `yield` and `return` do not compile.
        """
        source = None if answer is None else _unparsed(answer)
        return source and f"answer = {source}\n\n\ndef {_ENTRY_POINT}():\n    return answer\n"

    def canonical(self, problem: Problem) -> str | None:
        """Return the dataset's own answer."""
        return problem.canonical_solution

    def leaves_out(self, problem: Problem, code: str | None) -> bool:
        """Return whether the answer holds the very call; extraction may have changed the blanks in it."""
        assert isinstance(problem, CruxProblem)
        tree = extraction.expression(problem.call)
        unparsed = (tree and _unparsed(tree)) or f"({problem.call})"
        return code is not None and any(call in code for call in (problem.call, unparsed[1:-1]))


class CruxEvalInput(CruxEvalOutput):
    """CRUXEval-I: arguments for which the function returns the output; there may be several."""

    name: ClassVar[str] = "cruxeval_input"
    count: ClassVar[int | None] = 800
    trivial: ClassVar[Mapping[str, str]] = {
        "empty": "f()",
        **{f"constant {value}": f"f({value})" for value in _CONSTANTS},
    }

    def problem(self, row: Mapping[str, object]) -> Problem:
        """Return the problem of a row."""
        task_id, code, arguments, output, _ = (text(row, column, self.columns) for column in self.columns)
        return CruxProblem(
            task_id=task_id,
            prompt="",
            entry_point=_ENTRY_POINT,
            test=f"arguments, keywords = {_ENTRY_POINT}()\nassert {output} == f(*arguments, **keywords)\n",
            canonical_solution=f"f({arguments})",
            code=code,
            beside=_beside(code),
        )

    def leaves_out(self, problem: Problem, code: str | None) -> bool:  # noqa: ARG002
        """Return whether the answer has no call of `f`."""
        return "f(" not in (code or "")

    def candidate(self, answer: ast.expr | None) -> str | None:
        """Return the program that evaluates the arguments of a call of `f`, None for any other answer."""
        if not (isinstance(answer, ast.Call) and isinstance(answer.func, ast.Name) and answer.func.id == "f"):
            return None
        source = super().candidate(answer)
        return source and f"def f(*arguments, **keywords):\n    return arguments, keywords\n\n\n{source}"


def _beside(code: str) -> str:
    """Return source that has more than the function `f`, and takes `f` away; `""` where it has no more."""
    try:
        body = silently(lambda: ast.parse(code)).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return ""
    alone = all(isinstance(node, ast.FunctionDef) and node.name == "f" for node in body)
    return "" if alone else f"{code}\nglobals().pop('f', None)\n"


@lru_cache(maxsize=KEPT_TESTS)
def _tests(problem: Problem, place: Place) -> Tests:
    assert isinstance(problem, CruxProblem)
    if place is Judge.SCRIPT:  # in the candidate's namespace: the real `f` must replace the candidate's
        call, _, rest = problem.test.rpartition("\nassert ")
        source = f"{call}\n{problem.code}\nassert {rest}" if problem.code else problem.test
        return Tests(source, (_ENTRY_POINT,))
    return Tests(problem.test, (_ENTRY_POINT,), prelude=problem.code)


def _unparsed(answer: ast.expr) -> str | None:
    try:
        # An unparsed tuple or walrus may need the parentheses.
        return f"({ast.unparse(answer)})"
    except (RecursionError, ValueError):
        return None
