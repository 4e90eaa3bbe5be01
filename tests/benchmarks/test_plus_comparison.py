"""Tests of passk_tasks.benchmarks.evalplus: when numbers are close."""

from __future__ import annotations

import re

import pytest
import shared_data
import started

from passk_tasks import benchmarks
from passk_tasks.benchmarks.evalplus import like_evalplus
from passk_tasks.judging import batch
from passk_tasks.program import Judge, Program
from passk_tasks.tasks.settings import Settings

FILES = {"mbpp_plus": "mbppplus_like.jsonl.gz", "humaneval_plus": "humanevalplus_like.jsonl.gz"}
TRIVIAL = ("[]", "None", "0", "''", "{}", "()", "[[]]", "0.0", "False")
# Their references return matches, which the tests' authors wrote down as None: every expected value is None.
EXPECTED = {("mbpp_plus", "None"): {"Mbpp/737", "Mbpp/787", "Mbpp/794"}}


def _programs(name: str, value: str, only: int | None = None) -> list[Program]:
    family = benchmarks.get(name)
    data = benchmarks.load(family, Settings(data_files=str(shared_data.path(FILES[name]))))
    return [
        family.program(
            problem,
            "".join(
                f"def {function}(*args, **kwargs):\n    return {value}\n\n\n"
                for function in getattr(problem, "functions", (problem.entry_point,))
            ),
            Judge.ISOLATED,
        )
        for problem in list(data.problems.values())[:only]
    ]


def _passed(programs: list[Program]) -> set[str]:
    outcomes = batch.judge(programs, started.sandbox()).outcomes
    return {program.task_id for program, o in zip(programs, outcomes, strict=True) if o.passed}


def test_an_empty_list_is_no_number() -> None:
    """An empty list is close to no number: of the first problems of MBPP+ none accepts it."""
    assert _passed(_programs("mbpp_plus", "[]", 60)) == set()


@pytest.mark.parametrize("name", FILES)
def test_who_expects_none(name: str) -> None:
    """The problems that accept None are those whose every expected value is None."""
    nones = re.compile(r"^ *results = \[None(, None)*\]$", re.MULTILINE)
    expect = {str(row["task_id"]) for row in shared_data.rows(FILES[name]) if nones.search(row["test"])}
    assert expect == {task_id.removeprefix("Mbpp/") for task_id in EXPECTED.get((name, "None"), ())}


@pytest.mark.slow
@pytest.mark.parametrize("value", TRIVIAL)
@pytest.mark.parametrize("name", FILES)
def test_trivial_answers(name: str, value: str) -> None:
    """One value for all inputs passes no tests but those that expect it."""
    assert _passed(_programs(name, value)) == EXPECTED.get((name, value), set())


@pytest.mark.parametrize(
    ("out", "close"),
    [
        ("[1.0, 2.0 + 1e-9]", True),
        ("[]", False),
        ("[[]]", False),
        ("(1.0, 2.0 + 1e-9)", False),
        ("[1.5 + 1e-9]", False),
        ("[[1.0], [2.0]]", False),
        ("[[1.0, 2.0 + 1e-9]]", False),
        ("[1.0, 2.1]", False),
    ],
)
def test_what_is_close(out: str, close: bool) -> None:
    """Close numbers have the same type and shape as the expected ones, at every depth."""
    row = next(iter(shared_data.rows("mbppplus_like.jsonl.gz")))
    head = like_evalplus(row["test"].partition("inputs = ")[0])
    space: dict[str, object] = {}
    exec(head, space)
    assertion = space["assertion"]
    assert callable(assertion)
    try:
        assertion(eval(out), [1.0, 2.0], 0)
        held = True
    except (AssertionError, ValueError):
        held = False
    assert held is close


def test_other_tests_stay_as_they_are() -> None:
    """Tests without EvalPlus's comparison are not touched."""
    source = "import numpy as np\ndef check(f):\n    assert np.allclose(f(1), 2, 3)\n"
    assert like_evalplus(source) == source
