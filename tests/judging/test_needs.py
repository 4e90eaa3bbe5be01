"""The tasks with what this host lacks for each."""

from __future__ import annotations

import dataclasses

import pytest

from passk_tasks import api
from passk_tasks.judging import needs
from passk_tasks.tasks.catalog import load_task


def test_a_task_is_listed_with_what_it_asks_for() -> None:
    """What a run needs to know stands in typed fields, and the JSON has the same names."""
    task = needs.listed(load_task("passk_humaneval"))
    assert (task.name, task.judge, task.extraction) == ("passk_humaneval", "isolated", "completion")
    assert (task.n, task.k, task.temperature) == (20, (1, 10), 0.2)
    assert (task.source, task.missing) == ("humaneval, installed with this package", ())
    assert task.as_dict()["k"] == (1, 10)
    assert list(task.as_dict()) == [field.name for field in dataclasses.fields(task)]
    with pytest.raises(dataclasses.FrozenInstanceError):
        task.n = 1  # type: ignore[misc]


def test_what_this_host_lacks_is_named(tmp_path) -> None:
    """A file that is not there is missing, and so are libraries that candidates cannot import."""
    spec = load_task(
        "passk_bigcodebench_complete", {"packages": "stdlib", "data_files": str(tmp_path / "gone")}
    )
    task = needs.listed(spec)
    assert task.missing[0].startswith("problems (")
    assert task.missing[-1] == f"{len(task.missing_libraries)} libraries"
    assert "numpy" in task.missing_libraries


def test_all_tasks_are_listed() -> None:
    """Each task is there once, sorted by name."""
    names = [task.name for task in api.list_tasks()]
    assert names == sorted(set(names))
    assert "passk_humaneval" in names
