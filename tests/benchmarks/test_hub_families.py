"""Tests of the families whose problems come from the hub: rows, prompts, programs, verdicts."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import hub_layout
import pytest
import started

from passk_tasks import benchmarks
from passk_tasks.benchmarks import evalplus, evoeval
from passk_tasks.benchmarks.humaneval_plus import PlusProblem
from passk_tasks.benchmarks.mbpp import MbppProblem
from passk_tasks.errors import DatasetError
from passk_tasks.judging import batch
from passk_tasks.program import Judge, Limits
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Outcome, Verdict

JUDGES = (Judge.ISOLATED, Judge.SCRIPT)
# Those of functions; contest problems have tests of their own.
FAMILIES = [n for n in benchmarks.names() if n != "humaneval" and benchmarks.get(n).judges == JUDGES]


def dataset(name: str, folder: Path) -> benchmarks.Dataset:
    """Load a family from a folder in the hub's layout."""
    path = hub_layout.folder(name, folder)
    return benchmarks.load(benchmarks.get(name), Settings(benchmark=name, data_files=str(path)))


def judged(name: str, folder: Path, code: str, judge: Judge, task: int = 0) -> Outcome:
    """Return the outcome of a candidate for one of a family's problems."""
    family = benchmarks.get(name)
    problem = list(dataset(name, folder).problems.values())[task]
    return batch.judge([family.program(problem, code, judge)], started.sandbox()).outcomes[0]


@pytest.mark.parametrize("name", FAMILIES)
def test_the_hubs_layout_loads(name: str, tmp_path: Path) -> None:
    """A copy of the hub's repository gives its configuration's test split, and no other problem."""
    found = dataset(name, tmp_path)
    wanted = [row.get("task_id", row.get("id")) for row in hub_layout.rows(name)]
    assert list(found.problems) == [
        (f"Mbpp/{t}" if "mbpp" in name else str(t)) if isinstance(t, int) else t for t in wanted
    ]
    assert [row["task_id"] for row in found.rows] == list(found.problems)
    assert list(found.rows[0])[: len(benchmarks.get(name).columns)] == list(benchmarks.get(name).columns)


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("name", FAMILIES)
def test_right_and_wrong(name: str, judge: Judge, tmp_path: Path) -> None:
    """Reference solutions pass and functions that return None fail, under both judges."""
    family, found = benchmarks.get(name), dataset(name, tmp_path)
    problems = list(found.problems.values())
    codes = [family.canonical(problem) for problem in problems]
    codes += [hub_layout.wrong_candidate(name, problem.entry_point) for problem in problems]
    programs = [family.program(p, code, judge) for p, code in zip(problems * 2, codes, strict=True)]
    outcomes = batch.judge(programs, started.sandbox(workers=2)).outcomes
    expected = [Verdict.PASSED] * len(problems) + [Verdict.FAILED] * len(problems)
    # math.isclose(None, 5.0) is no wrong answer but an error.
    assert [o.verdict if o.verdict is not Verdict.ERROR else Verdict.FAILED for o in outcomes] == expected
    assert {o.judge for o in outcomes} == {judge.value}
    bases = {o.base_passed for o in outcomes[: len(problems)]}
    assert bases == ({True} if family.base_stage else {None})


def test_mbpp_prompt() -> None:
    """An MBPP prompt is the docstring with the first assertion, whichever column has the sentence."""
    for name in ("mbpp", "mbpp_sanitized", "mbpp_plus"):
        family = benchmarks.get(name)
        problem = family.problem(next(iter(family.rows(hub_layout.rows(name)))))
        assert problem.prompt == '"""\nWrite a function to double a number.\nassert double(1) == 2\n"""\n'
        assert problem.entry_point == "double"


def test_mbpp_from_the_authors_file() -> None:
    """Of the authors' one file of 974 problems, only those of the test split are taken."""
    family = benchmarks.get("mbpp")
    rows = [{**hub_layout.MBPP[0], "task_id": number} for number in (2, 10, 11, 510, 511, 974)]
    assert [row["task_id"] for row in family.rows(rows)] == ["Mbpp/11", "Mbpp/510"]


def test_mbpp_setup_reaches_the_tests_only() -> None:
    """Imports and setup code are the prelude under isolated, and stand before the tests under script."""
    family = benchmarks.get("mbpp")
    problem = family.problem({**hub_layout.MBPP[1], "task_id": "Mbpp/12"})
    isolated, script = (family.program(problem, "x = 1", judge).tests for judge in JUDGES)
    assert (isolated.prelude, isolated.source) == ("import math\n", problem.test)
    assert (script.prelude, script.source) == ("", "import math\n" + problem.test)


@pytest.mark.parametrize("judge", JUDGES)
def test_shown_assertions_are_not_enough(judge: Judge, tmp_path: Path) -> None:
    """An MBPP+ answer that hard-codes the three assertions passes the base and fails the problem."""
    code = "def double(n):\n    return {1: 2, 2: 4, 3: 6}.get(n)\n"
    outcome = judged("mbpp_plus", tmp_path, code, judge)
    assert (outcome.verdict, outcome.base_passed) == (Verdict.FAILED, True)
    assert judged("mbpp_sanitized", tmp_path, code, judge).verdict is Verdict.PASSED


@pytest.mark.parametrize("judge", JUDGES)
def test_plus_alone_is_not_enough(judge: Judge, tmp_path: Path) -> None:
    """A HumanEval+ candidate that fails the base stops there, whatever it would do with the plus tests."""
    code = "def has_close_elements(numbers, threshold):\n    return False\n"
    outcome = judged("humaneval_plus", tmp_path, code, judge)
    assert (outcome.verdict, outcome.base_passed) == (Verdict.FAILED, False)


@pytest.mark.parametrize("judge", JUDGES)
def test_mbpp_plus_is_graded_on_its_tests_alone(judge: Judge) -> None:
    """Assertions that do not hold fail the base only: the tests may compare as sets where those do not."""
    row = {
        **hub_layout.MBPP_PLUS[0],
        "code": "def double(n):\n    return (2 * n, n)\n",
        "test_list": ["assert double(1) == (1, 2)"],
        "test": "for n in (1, 5):\n    assert set(double(n)) == {n, 2 * n}\n",
    }
    family = benchmarks.get("mbpp_plus")
    (row,) = family.rows([row])
    problem = family.problem(row)
    codes = [row["code"], "def double(n):\n    return (1, 2)\n", "def double(n):\n    return double\n"]
    programs = [family.program(problem, code, judge) for code in codes]
    outcomes = batch.judge(programs, started.sandbox()).outcomes
    assert [outcome.passed for outcome in outcomes] == [True, False, False]
    assert [outcome.base_passed for outcome in outcomes] == [False, True, False]
    assert len({program.sha256 for program in programs}) == 3
    deciding = dataclasses.replace(programs[0].tests, base_decides=True)
    assert dataclasses.replace(programs[0], tests=deciding).sha256 != programs[0].sha256


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("def double(n):\n    while n == 3: pass\n    return 2 * n\n", Verdict.TIMEOUT),
        ("import os\ndef double(n):\n    os._exit(0)\n", Verdict.CRASHED),
        ("def double(n:\n", Verdict.SYNTAX_ERROR),
        (None, Verdict.NO_CODE),
    ],
)
def test_whatever_ends_the_base_fails_it(judge: Judge, code: str | None, verdict: Verdict) -> None:
    """A candidate that ends during the base stage, or before it, has not passed the base."""
    family = benchmarks.get("mbpp_plus")
    problem = family.problem(family.rows(hub_layout.MBPP_PLUS)[0])
    judged = batch.judge([family.program(problem, code, judge)], started.sandbox(Limits(timeout_s=0.2)))
    assert (judged.outcomes[0].verdict, judged.outcomes[0].base_passed) == (verdict, False)


@pytest.mark.parametrize("decides", [True, False])
def test_a_base_that_catches_everything(decides: bool) -> None:
    """Base tests that swallow the end of the candidate do not pass by it."""
    family = benchmarks.get("mbpp_plus")
    program = family.program(
        family.problem(family.rows(hub_layout.MBPP_PLUS)[0]),
        "import os\ndef double(n):\n    os._exit(0)\n",
        Judge.ISOLATED,
    )
    base = "try:\n    double(1)\nexcept BaseException:\n    pass\n"
    tests = dataclasses.replace(program.tests, base=base, source="pass", base_decides=decides)
    program = dataclasses.replace(program, tests=tests)
    (outcome,) = batch.judge([program], started.sandbox()).outcomes
    assert (outcome.verdict, outcome.base_passed) == (Verdict.CRASHED, False)


def test_humaneval_plus_has_humanevals_tests_as_its_base() -> None:
    """The base stage is HumanEval's own check of the same task_id, before EvalPlus's."""
    family = benchmarks.get("humaneval_plus")
    row = hub_layout.humaneval_plus_rows()[0]
    problem = family.problem(row)
    plain = benchmarks.load(benchmarks.get("humaneval"), Settings()).problems["HumanEval/0"]
    assert isinstance(problem, PlusProblem)
    assert problem.base_test == plain.test
    tests = family.program(problem, "", Judge.ISOLATED).tests
    assert tests.base == f"{plain.test}\ncheck(has_close_elements)\n"
    assert tests.source == f"{evalplus.like_evalplus(row['test'])}\ncheck(has_close_elements)\n"


def test_a_missing_column_is_named_once() -> None:
    """A row of MBPP+ without its tests is an error that names the row, once, and the column."""
    row = {key: value for key, value in hub_layout.MBPP_PLUS[0].items() if key != "test"}
    family = benchmarks.get("mbpp_plus")
    with pytest.raises(DatasetError, match=r"^row 'Mbpp/11': column 'test' is missing; the row has "):
        family.problem(family.rows([row])[0])


def test_humaneval_plus_needs_humanevals_task_ids() -> None:
    """A HumanEval+ row of a problem that HumanEval does not have is named."""
    row = {**hub_layout.humaneval_plus_rows()[0], "task_id": "HumanEval/999"}
    with pytest.raises(DatasetError, match=r"'HumanEval/999': HumanEval has no problem of this task_id"):
        benchmarks.get("humaneval_plus").problem(row)


def test_tests_are_shared() -> None:
    """All programs of a problem have the one object of tests, which may be megabytes."""
    for name in FAMILIES:
        family = benchmarks.get(name)
        problem = family.problem(next(iter(family.rows(hub_layout.rows(name)))))
        one, other = (family.program(problem, code, Judge.ISOLATED) for code in ("a", "b"))
        assert one.tests is other.tests


def test_evoeval_has_seven_subsets() -> None:
    """Each subset is a family with a repository of its own."""
    names = {family.name: family.hub_path for family in evoeval.SUBSETS}
    assert len(names) == 7
    assert names["evoeval_tool_use"] == "evoeval/EvoEval_tool_use"


@pytest.mark.parametrize("column", ["task_id", "text", "code", "test_list"])
def test_mbpp_missing_column(column: str) -> None:
    """A missing column of MBPP is named, with what the row has and what it should have."""
    whole = {**hub_layout.MBPP[0], "task_id": "Mbpp/11"}
    row = {key: value for key, value in whole.items() if key != column}
    with pytest.raises(DatasetError, match=rf"column {column!r} is missing; the row has .* expected are"):
        benchmarks.get("mbpp").problem(row)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"test_list": "assert f(1)"}, "column 'test_list' must be a list of texts"),
        ({"test_list": []}, "column 'test_list' is empty"),
        ({"test_list": ["assert f(1"]}, "this is not Python"),
        ({"test_list": ["assert 1 == 1"]}, "no assertion calls a function to be tested"),
    ],
)
def test_mbpp_wrong_column(change: dict[str, object], says: str) -> None:
    """A column that no problem can be made of is named with its row."""
    with pytest.raises(DatasetError, match=f"row 'Mbpp/11': .*{says}"):
        benchmarks.get("mbpp").problem({**hub_layout.MBPP[0], "task_id": "Mbpp/11", **change})


def test_setup_that_needs_the_candidate_is_for_script(tmp_path: Path) -> None:
    """A problem whose setup builds objects of the candidate's class is judged by script, and can pass."""
    family = benchmarks.get("mbpp")
    problem = family.problem(
        {
            "task_id": "Mbpp/367",
            "text": "Write a function to count the nodes of a tree.",
            "code": "class Node:\n    left = None\n    def __init__(self, n):\n        self.n = n\n"
            "def count(root):\n    return 0 if root is None else 1 + count(root.left)\n",
            "test_list": ["assert count(root) == 2"],
            "test_setup_code": "root = Node(1)\r\nroot.left = Node(2)",
        }
    )
    assert isinstance(problem, MbppProblem)
    assert family.one_process(problem)
    assert problem.entry_point == "count"
    program = family.program(problem, family.canonical(problem), Judge.ISOLATED)
    assert program.judge is Judge.SCRIPT
    assert batch.judge([program], started.sandbox()).outcomes[0].passed
