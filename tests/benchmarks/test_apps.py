"""Tests of passk_tasks.benchmarks.apps, on files in the hub's layout and columns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import started
from contest_rows import FUNCTION, PROGRAM, apps_row, write_jsonl

from passk_tasks import benchmarks
from passk_tasks.benchmarks.apps import LEVELS
from passk_tasks.benchmarks.contests import SETS
from passk_tasks.errors import DatasetError
from passk_tasks.judging import batch
from passk_tasks.program import Judge, Limits, StdioTests, Tests
from passk_tasks.tasks.settings import Settings

FAMILY, INTERVIEW, COMPETITION = (level() for level in LEVELS)


def load(path: Path, family: benchmarks.Benchmark = FAMILY) -> benchmarks.Dataset:
    """Load local rows."""
    return benchmarks.load(family, Settings(data_files=str(path), judge=Judge.STDIO))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a folder as the repository is: both splits, the levels mixed, one problem without tests."""
    rows = [
        apps_row(0, difficulty="interview"),
        apps_row(1),
        apps_row(2, functional=True),
        apps_row(3, difficulty="competition"),
        apps_row(4, input_output=""),
    ]
    write_jsonl(tmp_path / "test.jsonl", rows)
    write_jsonl(tmp_path / "train.jsonl", [apps_row(9)])
    (tmp_path / "apps.py").write_text("raise SystemExit('never run')\n")
    return tmp_path


@pytest.mark.parametrize(
    ("family", "ids"),
    [(FAMILY, ["APPS/1", "APPS/2"]), (INTERVIEW, ["APPS/0"]), (COMPETITION, ["APPS/3"])],
)
def test_levels(family: benchmarks.Benchmark, ids: list[str], repository: Path) -> None:
    """Each family has the test problems of its level that have tests."""
    dataset = load(repository, family)
    assert list(dataset.problems) == ids
    assert [row["task_id"] for row in dataset.rows] == ids
    assert not {"input_output", "solutions", "id"} & set(dataset.rows[0])


def test_columns_of_the_script(tmp_path: Path) -> None:
    """Rows that `datasets` wrote have `problem_id` where the file has `id`."""
    row = {("problem_id" if key == "id" else key): value for key, value in apps_row(7).items()}
    write_jsonl(tmp_path / "test.jsonl", [row])
    assert list(load(tmp_path).problems) == ["APPS/7"]


def test_problems(repository: Path) -> None:
    """Programs have cases, functions have tests that call them; documents name the function."""
    dataset = load(repository)
    program, function = dataset.problems.values()
    judged = FAMILY.program(program, PROGRAM, Judge.ISOLATED)
    assert isinstance(judged.tests, StdioTests)
    assert judged.tests.comparison is SETS
    assert FAMILY.program(function, FUNCTION, Judge.ISOLATED).judge is Judge.ISOLATED
    assert isinstance(FAMILY.program(function, FUNCTION, Judge.ISOLATED).tests, Tests)
    assert [row["fn_name"] for row in dataset.rows] == ["", "total"]
    assert FAMILY.canonical(program) == PROGRAM


def test_lines_in_lists(tmp_path: Path) -> None:
    """Inputs and outputs that are lists of lines are joined."""
    tests = {"inputs": [["1 2", "3"]], "outputs": [["6"]]}
    write_jsonl(tmp_path / "test.jsonl", [apps_row(1, input_output=json.dumps(tests))])
    (problem,) = load(tmp_path).problems.values()
    assert FAMILY.program(problem, "", Judge.ISOLATED).tests.cases() == [("1 2\n3", "6")]


def test_right_and_wrong_answers(repository: Path) -> None:
    """The reference solutions pass; others do not."""
    program, function = load(repository).problems.values()
    codes = {
        PROGRAM: (program, "passed"),
        "stdout.write(str(sum(map(int, stdin.read().split()))))": (program, "passed"),
        "import numpy\nprint(np.array(input().split(), int).sum())": (program, "passed"),
        "print(3)": (program, "failed"),
        FUNCTION: (function, "passed"),
        "class Solution:\n    def total(self, nums: List[int]): return sum(nums)": (function, "passed"),
        "def total(nums): return 3": (function, "failed"),
        "def other(nums): return sum(nums)": (function, "error"),
    }
    programs = [FAMILY.program(problem, code, Judge.ISOLATED) for code, (problem, _) in codes.items()]
    outcomes = batch.judge(programs, started.sandbox(Limits(timeout_s=4, memory_mib=1024))).outcomes
    assert [o.verdict.value for o in outcomes] == [verdict for _, verdict in codes.values()], outcomes


@pytest.mark.parametrize(
    ("expected", "result", "passes"),
    [
        (3, "3", True),
        ([3], "3", True),
        ([[1, 2]], "[1, 2]", True),
        ([1, 2], "(1, 2)", True),
        ([[[1, 2]]], "[(1, 2)]", True),
        ({"1": 2}, "[{1: 2}]", True),
        ([{"1": 2}], "{1: 2}", True),
        ([{"1": 2}], "{'1': 2}", False),
        ({"a": 2}, "{'a': 2}", True),
        ({"a": 2}, "[{'a': 2}]", False),
        ({"1": 2, "a": 2}, "{'1': 2, 'a': 2}", True),
        ({"1": 2, "a": 2}, "{1: 2, 'a': 2}", False),
        ([{"a": 1}, {"b": 2}], "[{'a': 1}, {'b': 2}]", True),
        ([{"a": 1}, {"b": 2}], "[{'a': 1}]", False),
        ([{"1": 1}, {"2": 2}], "[{1: 1}, {2: 2}]", False),  # theirs keeps the first alone
        ([{"1": 1}, {"a": 2}], "[{1: 1}]", True),
        ({}, "[{}]", True),
        ([], "[]", True),
        ([1], "2", False),
        ("a", "'a'", True),
    ],
)
def test_results_are_compared_as_theirs(expected: object, result: str, passes: bool, tmp_path: Path) -> None:
    """A result may stand in a list of one, sequences may be tuples, and keys of int are restored."""
    tests = {"fn_name": "total", "inputs": [[{"5": 1}]], "outputs": [expected]}
    write_jsonl(tmp_path / "test.jsonl", [apps_row(1, input_output=json.dumps(tests))])
    (problem,) = load(tmp_path).problems.values()
    code = f"def total(x):\n    assert x == {{5: 1}}\n    return {result}"
    outcome = batch.judge([FAMILY.program(problem, code, Judge.ISOLATED)], started.sandbox()).outcomes[0]
    assert outcome.passed is passes, outcome


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ([{"5": 1}], "({5: 1},)"),
        ([{"a": 1}, 2], "({'a': 1}, 2)"),
        ([{"1": 1, "a": 2}, 2], "({'1': 1, 'a': 2}, 2)"),
        ([{"": 1}], "({'': 1},)"),
        ([{"1.5": 1}, [2]], "({'1.5': 1}, [2])"),
        ([2, {"1": 1}], "(2, {'1': 1})"),
        ([[{"1": 1}]], "([{'1': 1}],)"),
        ([{"1": {"2": 3}}], "({1: {'2': 3}},)"),
        ([{"1": 1}, 2], "({1: 1},)"),  # theirs takes it for the only argument
        ([], "()"),
    ],
)
def test_arguments_are_theirs(given: list[object], called: str, tmp_path: Path) -> None:
    """A dictionary in first place has keys of int where all of its keys are numbers, else all stays."""
    tests = {"fn_name": "total", "inputs": [given], "outputs": [True]}
    write_jsonl(tmp_path / "test.jsonl", [apps_row(1, input_output=json.dumps(tests))])
    (problem,) = load(tmp_path).problems.values()
    code = f"def total(*x): return x == {called}"
    outcome = batch.judge([FAMILY.program(problem, code, Judge.ISOLATED)], started.sandbox()).outcomes[0]
    assert outcome.passed, outcome


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"input_output": "{"}, "'input_output' is not valid JSON"),
        ({"input_output": "[1]"}, "'input_output' must hold a dict, not list"),
        ({"input_output": '{"inputs": [], "outputs": []}'}, "must hold lists `inputs` and `outputs`"),
        ({"input_output": '{"inputs": ["1"]}'}, "must hold lists `inputs` and `outputs`"),
        ({"input_output": '{"inputs": [1], "outputs": [2]}'}, "inputs and outputs must be texts"),
        ({"input_output": '{"fn_name": "f", "inputs": [1], "outputs": [2]}'}, "must hold lists of arguments"),
        ({"question": None}, "'question' must be text"),
        ({"solutions": "{}"}, "'solutions' must hold a list"),
    ],
)
def test_broken_rows(changes: dict[str, object], says: str, tmp_path: Path) -> None:
    """A broken row is an error that names file, row and column."""
    write_jsonl(tmp_path / "test.jsonl", [apps_row(1), apps_row(2, **changes)])
    with pytest.raises(DatasetError, match=rf"problem 2: row 'APPS/2': .*{says}"):
        load(tmp_path)
