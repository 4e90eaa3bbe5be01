"""Tests of passk_tasks.judging.trial: references judged both ways, and kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Dataset
from passk_tasks.errors import DatasetError
from passk_tasks.judging import batch, trial
from passk_tasks.tasks.settings import Settings

RIGHT = {"task_id": "right", "test": "assert f(1) == 2\n", "canonical_solution": "    return x + 1\n"}
WRONG = {"task_id": "wrong", "test": "assert f(1) == 2\n", "canonical_solution": "    return x\n"}
# The tests show nothing of it: a result that is compared is taken for plain data.
OBJECT = {
    "task_id": "object",
    "test": "assert f(1) == 1\n",
    "canonical_solution": "class Bag:\n    def __eq__(self, other):\n        return other == 1\n\n\n"
    "def f(x):\n    return Bag()\n",
}
CLASHES = {
    "task_id": "clashes",
    "test": "offset = 5\nassert f(1) == 2\n",
    "canonical_solution": "offset = 1\n\n\ndef f(x):\n    return x + offset\n",
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep verdicts in a folder of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def settings(folder: Path, *rows: dict[str, Any]) -> tuple[Settings, Dataset]:
    """Return settings and problems of these rows."""
    path = folder / "mine.jsonl"
    whole = [{"prompt": "def f(x):\n", "entry_point": "f", **row} for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in whole))
    found = Settings(benchmark="custom", data_files=str(path), workers=1)
    return found, benchmarks.load(benchmarks.get("custom"), found)


def test_what_references_show(tmp_path: Path) -> None:
    """One that needs one process gets it, a wrong one is named, one that only passes apart is named."""
    made, data = settings(tmp_path, RIGHT, WRONG, OBJECT, CLASHES)
    tried = trial.references(made, data)
    reasons = {task_id: problem.one_process for task_id, problem in tried.dataset.problems.items()}
    assert reasons == {"right": None, "wrong": None, "object": trial.ONE_PROCESS_ONLY, "clashes": None}
    wrong, apart = tried.warnings
    assert "wrong (failed: " in wrong
    assert "does not pass its own tests" in wrong
    assert "of clashes passes under judge=isolated, and not in one process" in apart


def test_verdicts_are_kept(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was tried once is not run again, and what of it is damaged is."""
    made, data = settings(tmp_path, RIGHT, OBJECT)
    first = trial.references(made, data)
    run: list[int] = []
    judge = batch.judge
    monkeypatch.setattr(
        batch, "judge", lambda programs, *rest: run.append(len(programs)) or judge(programs, *rest)
    )
    assert trial.references(made, data) == first
    assert run == []
    for kept in cache.rglob("*.json"):
        kept.write_text("{")
    assert trial.references(made, data) == first
    assert run == [2, 4]  # functions that do nothing, and references


IDLE = {
    "a list of results as a condition": "assert [f(x) == x + 1 for x in range(3)]\n",
    "failures that are only counted": "failed = 0\nfor x in range(3):\n    try:\n"
    "        assert f(x) == x + 1\n    except AssertionError:\n        failed += 1\n"
    "print(failed, 'failed')\n",
    "what is raised is caught": "try:\n    if f(1) != 2:\n        raise ValueError(f(1))\n"
    "except ValueError as e:\n    print(e)\n",
    "a thread": "import threading\ndef test():\n    assert f(1) == 2\nt = threading.Thread(target=test)\n"
    "t.start()\nt.join()\n",
    "a class that nobody uses": "class Suite:\n    def test_it(self):\n        assert f(1) == 2\nf(1)\n",
    "a doctest runner's result": "import doctest\n"
    "test = doctest.DocTestParser().get_doctest('>>> f(1)\\n2\\n', {'f': f}, 't', None, 0)\n"
    "doctest.DocTestRunner().run(test)\n",
}


@pytest.mark.parametrize("test", IDLE.values(), ids=IDLE.keys())
def test_tests_that_no_result_fails_are_refused(tmp_path: Path, test: str) -> None:
    """Whatever their syntax: where functions that do nothing pass, the problem is named before a run."""
    made, data = settings(tmp_path, RIGHT, {**RIGHT, "task_id": "idle", "test": test})
    with pytest.raises(
        DatasetError, match="tests of idle pass a function that does nothing, whatever it"
    ) as said:
        trial.references(made, data)
    assert "right" not in str(said.value)
    assert trial.references(made, data, {"right"}).warnings == ()


def test_a_result_of_none_is_a_result(tmp_path: Path) -> None:
    """Tests that a body of `return None` passes can fail: another result does not pass them."""
    row = {"task_id": "none", "test": "assert f(5) is None\n", "canonical_solution": "    return None\n"}
    made, data = settings(tmp_path, row)
    assert trial.references(made, data).warnings == ()


def test_only_problems_at_hand(tmp_path: Path) -> None:
    """References of problems without samples are not tried."""
    made, data = settings(tmp_path, WRONG, RIGHT)
    assert trial.references(made, data, {"right"}).warnings == ()


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder that cannot be made is no error."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    made, data = settings(tmp_path, OBJECT)
    assert trial.references(made, data).dataset.problems["object"].one_process


def test_families_of_this_package_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The references of a family whose agreement the tests show are not run."""

    def tripwire(*_: Any, **__: Any) -> None:
        raise AssertionError("something was executed")

    monkeypatch.setattr(batch, "judge", tripwire)
    made = Settings()
    data = benchmarks.load(benchmarks.get("humaneval"), made)
    assert trial.references(made, data).dataset is data
