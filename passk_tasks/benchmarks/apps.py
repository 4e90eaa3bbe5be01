"""APPS (Hendrycks et al., 2021, arXiv:2105.09938): 5,000 test problems in three levels.

`codeparrot/apps` has a dataset script, so its `test.jsonl` is read directly. Most problems ask for a program,
some for a function (`fn_name` in `input_output`). Problems without tests cannot be judged and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from passk_tasks.benchmarks.base import text
from passk_tasks.benchmarks.contests import SETS, Contest, ContestProblem, call_tests, parsed
from passk_tasks.errors import DatasetError
from passk_tasks.problem import Problem
from passk_tasks.program import Place, Program, StdioTests, Tests
from passk_tasks.tasks.settings import Settings

# APPS's harness puts these above every candidate: eval/testing_util.py in hendrycks/apps, run_test.
_IMPORTS = """\
import sys
import time
import itertools
from itertools import accumulate, product, permutations, combinations
import collections
from collections import Counter, OrderedDict, deque, defaultdict, ChainMap
from functools import lru_cache
import math
from math import sqrt, sin, cos, tan, ceil, fabs, floor, gcd, exp, log, log2
import fractions
from typing import List, Tuple
import random
import heapq
from heapq import *
"""
_STREAMS = "stdin = sys.stdin\nstdout = sys.stdout\n"
_NUMPY = "import numpy as np\n"  # takes a tenth of a second, so only candidates that use `np` get it

# How APPS compares results and prepares arguments, run_test in the same file. JSON has no dictionaries with
# integer keys: where all keys are integers the dictionary gets them back and stands alone, as theirs does;
# where one is not, all stays as it is.
_HELPERS = """\
def alone(values):
    if isinstance(values, dict):
        values = [values]
    if isinstance(values, list) and values and isinstance(values[0], dict):
        return [{int(key): item for key, item in values[0].items()}]
    raise ValueError

def arguments(given):
    try:
        return alone(given)
    except ValueError:
        return given

def holds(result, expected):
    if isinstance(result, tuple):
        result = list(result)
    try:
        expected = alone(expected)
    except ValueError:
        pass
    if result == expected or (isinstance(expected, list) and expected and result == expected[0]):
        return True
    if isinstance(result, list) and result and isinstance(result[0], tuple) and isinstance(expected, list):
        return bool(expected) and [list(item) for item in result] == expected[0]
    return False
"""


class Apps(Contest):
    """The problems of one level."""

    level: ClassVar[str]
    numbered: ClassVar[str] = "APPS/{}"
    hub_path: ClassVar[str] = "codeparrot/apps"
    hub_revision: ClassVar[str | None] = "21e74ddf8de1a21436da12e3e653065c5213e9d1"
    columns: ClassVar[tuple[str, ...]] = (
        "problem_id",
        "question",
        "input_output",
        "difficulty",
        "starter_code",
    )
    kinds: ClassVar[tuple[type[Tests | StdioTests], ...]] = (StdioTests, Tests)
    # 4 s a call or case, 11 s for all: timeout in eval/testing_util.py, TIMEOUT in eval/test_one_solution.py.
    whole_times: ClassVar[float] = 2.75

    def files(self, settings: Settings) -> tuple[str, ...]:  # noqa: ARG002
        """Return the file of the test split."""
        return ("test.jsonl",)

    def keeps(self, row: Mapping[str, object], settings: Settings) -> bool:  # noqa: ARG002
        """Return whether the problem is of this level and has tests."""
        level = text({"task_id": _number(row), **row}, "difficulty", self.columns)
        return level == self.level and bool(row.get("input_output"))

    def document(self, row: Mapping[str, object]) -> dict[str, object]:
        """Return the row without tests and solutions, and with the name of the function."""
        kept = {k: v for k, v in row.items() if k not in ("id", "input_output", "solutions")}
        return {"task_id": _number(row), **kept, "fn_name": _tests(row, self.columns).get("fn_name") or ""}

    def problem(self, row: Mapping[str, object]) -> Problem:
        """Return the problem of a row in the hub's columns."""
        task_id = _number(row)
        row = {"task_id": task_id, **row}  # messages name the task_id
        text(row, "question", self.columns)
        text(row, "starter_code", self.columns)
        written_tests = _tests(row, self.columns)
        given, expected = written_tests.get("inputs"), written_tests.get("outputs")
        if not (isinstance(given, list) and isinstance(expected, list) and len(given) == len(expected) > 0):
            raise DatasetError(
                f"row {task_id!r}: column 'input_output' must hold lists `inputs` and `outputs`, equally long"
            )
        function = written_tests.get("fn_name") or ""
        cases = list(zip(given, expected, strict=True))
        tests: Tests | StdioTests
        if function:
            if not isinstance(function, str) or not all(isinstance(arguments, list) for arguments in given):
                raise DatasetError(f"row {task_id!r}: column 'input_output' must hold lists of arguments")
            tests = call_tests(cases, _HELPERS, whole_times=self.whole_times)
        else:
            tests = StdioTests.of(
                ((_joined(one, task_id), _joined(other, task_id)) for one, other in cases),
                comparison=SETS,
                whole_times=self.whole_times,
                any_status=True,  # theirs catches SystemExit
            )
        return ContestProblem(
            task_id,
            "",
            "",
            "",
            canonical_solution=_solution(row),
            tests=tests,
            function=function,
            functions=(function,) if function else (),
            wrapped=not function,
        )

    def program(self, problem: Problem, code: str | None, place: Place) -> Program:
        """Return the candidate below the imports of the benchmark's own harness."""
        assert isinstance(problem, ContestProblem)
        imports = _IMPORTS if problem.function else _IMPORTS + _STREAMS
        if code is not None and re.search(r"\bnp\b", code):
            imports += _NUMPY
        return replace(problem, imports=imports).program(code, place)


# Problems that need no algorithms, as in technical interviews, and of contests.
LEVELS: tuple[type[Apps], ...] = tuple(
    type(f"Apps_{level}", (Apps,), {"name": f"apps_{level}", "level": level, "count": 5000})
    for level in ("introductory", "interview", "competition")
)


def _number(row: Mapping[str, object]) -> str:
    number = row.get("problem_id", row.get("id"))
    if isinstance(number, bool) or not isinstance(number, (int, str)):
        raise DatasetError(f"column 'problem_id' must be a number, not {number!r:.80}")
    return f"APPS/{int(number) if str(number).isdecimal() else number}"


def _tests(row: Mapping[str, object], columns: tuple[str, ...]) -> dict[str, Any]:
    what = f"row {_number(row)!r}: column 'input_output'"
    written = text({"task_id": _number(row), **row}, "input_output", columns)
    tests: dict[str, object] = parsed(written, dict, what)
    return tests


def _joined(value: Any, task_id: str) -> str:
    lines = value if isinstance(value, list) else [value]
    if not all(isinstance(line, str) for line in lines):
        raise DatasetError(f"row {task_id!r}: column 'input_output': inputs and outputs must be texts")
    return "\n".join(lines)


def _solution(row: Mapping[str, object]) -> str | None:
    written = row.get("solutions")
    if not isinstance(written, str) or not written:
        return None
    solutions = parsed(written, list, f"row {_number(row)!r}: column 'solutions'")
    return solutions[0] if solutions and isinstance(solutions[0], str) else None
