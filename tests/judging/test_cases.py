"""The share of cases that hold: as rewards, and with `partial=true` in a scoring."""

from __future__ import annotations

import json
from pathlib import Path

import contest_rows
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import passk_tasks
from passk_tasks.errors import SettingsError
from passk_tasks.statistics.estimators import max_at_k, pass_at_k

SMALL = "n = sum(map(int, input().split()))\nprint(n if n == 3 or n > 99 else 0)\n"  # wrong in one of three


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.data())
def test_max_at_k_is_that_of_scorio(levels: list[int], data: st.DataObject) -> None:
    """Of one problem with values in six steps; of values that are 0 or 1 it is pass@k."""
    scorio = pytest.importorskip("scorio.eval", reason="scorio, the oracle, is not installed")
    k = data.draw(st.integers(1, len(levels)))
    weights = np.linspace(0, 1, 6)
    table = np.array([levels])
    assert max_at_k([weights[i] for i in levels], k) == pytest.approx(scorio.max_at_k(table, k, weights))
    ones = [float(i > 2) for i in levels]
    assert max_at_k(ones, k) == pytest.approx(pass_at_k(len(ones), int(sum(ones)), k))


def test_a_scoring_has_the_shares_when_asked_for(tmp_path: Path) -> None:
    """Verdicts, counts and programs are the same; each outcome has its share, and max@k its score."""
    data = tmp_path / "problems.jsonl"
    data.write_text(json.dumps(contest_rows.lcb_row(1)) + "\n")
    texts = [f"```python\n{code}```" for code in (SMALL, "print(0)\n")] + ["no code at all ("]
    settings = {"data_files": str(data), "workers": 2, "k": [1, 2]}
    name = "passk_livecodebench_instruct"
    plain, partial = (
        passk_tasks.score_texts(name, {"abc1_a": texts}, {**settings, **more})
        for more in ({}, {"partial": True})
    )
    assert plain.verdicts == partial.verdicts
    assert plain.scores == {k: v for k, v in partial.scores.items() if not k.startswith("max@")}
    assert [record.program_sha256 for record in plain.records] == [r.program_sha256 for r in partial.records]
    assert [record.share for record in plain.records] == [None] * 3
    assert [record.share for record in partial.records] == [pytest.approx(2 / 3), 0.0, 0.0]
    assert [line.get("share") for line in (r.as_dict() for r in partial.records)][1:] == [0.0, 0.0]
    assert partial.scores["max@1"] == pytest.approx(2 / 9)
    assert partial.scores["max@2"] == pytest.approx(4 / 9)
    assert partial.metrics["max@2"].over_samples.method == "over-samples-bound"
    assert "partial" not in plain.settings
    assert partial.settings["partial"] is True


def test_a_stored_run_keeps_max_at_k(tmp_path: Path) -> None:
    """`passk show` has the score of the results file, since counts of outcomes do not say it."""
    data = tmp_path / "problems.jsonl"
    data.write_text(json.dumps(contest_rows.lcb_row(1)) + "\n")
    passk_tasks.score_texts(
        "passk_livecodebench_instruct",
        {"abc1_a": [f"```python\n{SMALL}```"]},
        {"data_files": str(data), "partial": True},
        out=tmp_path / "out",
    )
    (run,) = passk_tasks.load_runs(tmp_path / "out")
    assert passk_tasks.score_run(run)["max@1"].value == pytest.approx(2 / 3)


def test_answers_without_code_hold_no_case(tmp_path: Path) -> None:
    """Where no answer has code nothing is judged, and max@k is 0, not unknown."""
    data = tmp_path / "problems.jsonl"
    data.write_text(json.dumps(contest_rows.lcb_row(1)) + "\n")
    settings = {"data_files": str(data), "partial": True, "k": 1}
    scored = passk_tasks.score_texts("passk_livecodebench_instruct", {"abc1_a": ["no code ("] * 2}, settings)
    assert [record.share for record in scored.records] == [0.0, 0.0]
    assert scored.scores["max@1"] == 0.0


def test_tests_that_are_functions_have_no_cases() -> None:
    """The setting is refused before anything is executed."""
    with pytest.raises(SettingsError, match="leave partial out"):
        passk_tasks.score_texts("passk_humaneval", {"HumanEval/0": ["    pass\n"]}, {"partial": True})
