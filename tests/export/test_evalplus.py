from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from one_run import stored

from passk_tasks.export import export
from passk_tasks.export.evalplus import EvalPlus, statuses
from passk_tasks.export.source import Candidate
from passk_tasks.results import samples
from passk_tasks.verdict import Outcome, Verdict


def test_statuses_and_scores_are_the_run_s(tmp_path, evaluated_run):
    """Every sample has its solution and its status; the additional tests did not run."""
    run = stored(evaluated_run(tmp_path / "run"))
    solutions, results = export([run], "evalplus", tmp_path / "out").files
    content = json.loads(results.read_text())
    assert list(content) == ["date", "hash", "eval", "pass_at_k"]
    assert len(content["eval"]) == 164
    first = content["eval"]["HumanEval/0"]
    assert [one["base_status"] for one in first] == ["pass", "fail", "timeout", "fail"]
    assert {one["plus_status"] for one in first} == {None}
    assert first[3]["solution"] == ""
    assert content["pass_at_k"]["base"] == run.scores
    read = samples.read(solutions).samples
    assert [one.text for one in read[:4]] == [one["solution"] for one in first]
    assert {one.form for one in read} == {"solution"}


def test_the_receiver_reads_what_is_written(tmp_path, evaluated_run, capsys, monkeypatch):
    """EvalPlus's own evaluation takes the results as its own and prints the stored score."""
    evaluate = pytest.importorskip("evalplus.evaluate", reason="evalplus is not installed")
    data = pytest.importorskip("evalplus.data", reason="evalplus is not installed")
    run = stored(evaluated_run(tmp_path / "run"))
    solutions, _ = export([run], "evalplus", tmp_path / "out").files
    monkeypatch.setattr("builtins.input", lambda *_: "n")  # it asks whether to overwrite what it has read
    evaluate.evaluate(dataset="humaneval", samples=str(solutions), base_only=True)
    assert f"pass@1:\t{run.scores['pass@1']:.3f}" in capsys.readouterr().out
    assert len(list(data.load_solutions(str(solutions)))) == run.samples


@pytest.mark.parametrize(
    ("base", "passed", "expected"),
    [(True, True, ("pass", "pass")), (True, False, ("pass", "fail")), (False, False, ("fail", "fail"))],
)
def test_a_base_stage_has_its_own_status(base, passed, expected):
    """Where base and additional tests were judged apart, both statuses are written; a pass needs both."""
    outcome = Outcome(Verdict.PASSED if passed else Verdict.FAILED, base_passed=base)
    assert statuses(Candidate("", "", "body", outcome)) == expected


def test_sets_of_another_size_are_refused(source):
    """EvalPlus wants all of its own problems, and a verdict of the base tests for each sample."""
    rows = [{"task_id": "HumanEval/0", "prompt": "p"}]
    found = source(rows, [("a = 1", Verdict.PASSED)], family="humaneval_plus")
    said = list(EvalPlus().missing([found], None))
    assert len(said) == 2
    assert "164 problems" in said[1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(code=st.text(st.characters()))
def test_any_text_survives(tmp_path, source, code):
    """Control characters and lone surrogates of a candidate come back to the character."""
    rows = [{"task_id": "HumanEval/0", "prompt": "p"}]
    found = source(rows, [(code, Verdict.FAILED)], family="humaneval", published=True)
    for name, content in EvalPlus().files([found], None).items():
        (tmp_path / name).write_bytes(content)
    (sample,) = samples.read(tmp_path / "samples.jsonl").samples
    assert sample.text == code
    results = json.loads((tmp_path / "samples_eval_results.json").read_text())
    assert results["eval"]["HumanEval/0"][0]["solution"] == code
