"""Stored runs in a notebook."""

from __future__ import annotations

import sys

import pytest

from passk_tasks import compare
from passk_tasks.errors import UsageError
from passk_tasks.results import reading

COUNTS = {f"HumanEval/{i}": (4, i % 5) for i in range(164)}


@pytest.fixture
def run(tmp_path, evaluated):
    """A run with a label and a note that would be markup."""
    settings = {"label": "<b>few</b>", "note": "a & b", "tags": ["x"]}
    (one,) = reading.load_all(
        evaluated(tmp_path / "run", COUNTS, settings=settings, warnings=["<i>mind</i>"])
    )
    return one


def test_a_frame_has_a_row_a_sample(run):
    """Every outcome is in it, in order, with its number; what nobody recorded is missing."""
    pandas = pytest.importorskip("pandas")
    frame = run.to_frame()
    assert len(frame) == run.samples == 656
    passed = frame.groupby("task_id").passed.sum()
    assert {task_id: int(passed[task_id]) for task_id in COUNTS} == {k: c for k, (_, c) in COUNTS.items()}
    first = frame[frame.task_id == "HumanEval/1"]
    assert list(first["sample"]) == [0, 1, 2, 3]
    assert list(first.verdict) == ["passed", "failed", "failed", "failed"]
    assert pandas.isna(first.tokens_out).all()
    assert pandas.isna(first.base_passed).all()


def test_without_pandas_the_extra_is_named(run, monkeypatch):
    """It is a user's mistake, with the remedy."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match=r"passk-tasks\[notebook\]"):
        run.to_frame()


def test_a_repr_is_one_short_line(run, tmp_path):
    """Run, listing and comparison say what they are in a line, whatever they hold."""
    assert repr(run).startswith(
        "<Run '<b>few</b>', passk_humaneval, 164 of 164 problems, 656 samples, pass@1 "
    )
    assert repr(run).endswith(f"org/model, {run.path}>")
    found = compare.compare([run, run])
    assert repr(found).startswith("<Comparison of 2 runs over 164 problems: No difference in pass@1")
    for value in (run, found, run.conditions, reading.listing(tmp_path)):
        assert len(repr(value)) < 1500
        assert "\n" not in repr(value)


def test_html_is_escaped(run, tmp_path):
    """Names, notes and warnings of others are text; numbers are those of the run."""
    found = compare.compare([run, run])
    for value in (run, found, reading.listing(tmp_path)):
        html = value._repr_html_()
        assert "&lt;b&gt;few&lt;/b&gt;" in html
        assert not set(html.replace("</", "<").split("<")[1:]) & {"b>few", "i>mind"}
    assert "&lt;i&gt;mind&lt;/i&gt;" in run._repr_html_()
    assert f"<td>{run.scores['pass@1']:.4f}</td>" in run._repr_html_()
