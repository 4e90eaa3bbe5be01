"""`passk audit`."""

from __future__ import annotations

import json

import pytest

from passk_tasks.cli import main

ROW = {
    "task_id": "T/0",
    "prompt": "def f(n):\n",
    "canonical_solution": "    return n + 1\n",
    "entry_point": "f",
}


@pytest.fixture
def task(tmp_path):
    """Return the arguments for a task of one problem with the given tests."""

    def arguments(test, **changes):
        path = tmp_path / "problems.jsonl"
        path.write_text(json.dumps({**ROW, "test": test, **changes}) + "\n")
        return ["audit", "passk_humaneval", "--set", f"data_files={path}"]

    return arguments


def test_weak_tests_are_shown(task, capsys):
    """The share, the bodies that pass, and the mutants that do."""
    assert main(task("def check(f):\n    assert f(0)\n")) == 0
    out = capsys.readouterr().out
    assert "references that pass                 1 of 1" in out
    assert "T/0: constant True, constant 1" in out
    assert "line 2: return n + 1 -> return n + 2" in out


def test_strong_tests_have_no_survivors(task, capsys):
    """Said in so many words."""
    assert main(task("def check(f):\n    assert [f(0), f(1), f(-3)] == [1, 2, -2]\n")) == 0
    out = capsys.readouterr().out
    assert "no mutant survives" in out
    assert "100.0 %" in out


def test_json(task, capsys):
    """One object with everything, the code of survivors included."""
    assert main([*task("def check(f):\n    assert f(0)\n"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (problem,) = found["by_problem"]
    assert problem["trivial_passes"] == ["constant True", "constant 1"]
    assert any("return n + 2" in one["code"] for one in problem["survivors"])
    assert problem["base_caught"] is None


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (["--mutants", "x"], "--mutants x: a whole number"),
        (["--problems", "0"], "1 or more"),
        (["--set", "nothing"], "KEY=VALUE expected"),
    ],
)
def test_mistakes_are_named(task, extra, said, capsys):
    """Exit code 2 and what is wrong, before anything runs."""
    assert main([*task("def check(f):\n    assert f(0) == 1\n"), *extra]) == 2
    assert said in capsys.readouterr().err


def test_an_unknown_task_is_the_users_mistake(capsys):
    """With the nearest name."""
    assert main(["audit", "passk_humanevel"]) == 2
    assert "did you mean" in capsys.readouterr().err
