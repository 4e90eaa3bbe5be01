from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from one_run import stored

from passk_tasks.errors import UsageError
from passk_tasks.export import Details, export
from passk_tasks.export.evalplus import EvalPlus, statuses
from passk_tasks.results import sample_files
from passk_tasks.scoring.candidates import Candidate
from passk_tasks.scoring.summary import estimate
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
    read = sample_files.read(solutions).samples
    assert [one.text for one in read[:4]] == [one["solution"] for one in first]
    assert {one.form for one in read} == {"solution"}


_RECEIVER = """
import sys
from evalplus.data import load_solutions
from evalplus.evaluate import evaluate

path, dataset, base_only = sys.argv[1:]
evaluate(dataset=dataset, samples=path, base_only=base_only == "True")
print(len(list(load_solutions(path))), "solutions")
"""


def as_evalplus_says(solutions: Path, dataset: str, *, base_only: bool) -> str:
    """Return what EvalPlus's own evaluation prints of results that lie beside their solutions."""
    if importlib.util.find_spec("evalplus") is None:
        pytest.skip("evalplus is not installed (.ci/run has it without what it needs for models)")
    # A process of its own: what it imports has warnings, and prints colours.
    command = [sys.executable, "-W", "ignore", "-c", _RECEIVER, str(solutions), dataset, str(base_only)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    assert "Load from previous results" in done.stdout
    return done.stdout


def test_the_receiver_reads_what_is_written(tmp_path, evaluated_run):
    """EvalPlus's own evaluation takes the results as its own, and prints the stored score."""
    run = stored(evaluated_run(tmp_path / "run"))
    solutions, _ = export([run], "evalplus", tmp_path / "out").files
    said = as_evalplus_says(solutions, "humaneval", base_only=True)
    assert f"pass@1:\t{run.scores['pass@1']:.3f}" in said
    assert f"{run.samples} solutions" in said


@pytest.mark.parametrize(
    ("family", "dataset", "prefix", "total"),
    [("humaneval_plus", "humaneval", "HumanEval", 164), ("mbpp_plus", "mbpp", "Mbpp", 378)],
)
def test_the_receiver_counts_both_kinds_of_tests(tmp_path, source, family, dataset, prefix, total):
    """Of four samples two pass the base tests and one of these the additional ones: its counts are ours."""
    rows = [{"task_id": f"{prefix}/{i}", "prompt": "p"} for i in range(total)]
    codes = [
        ("a = 1", Verdict.PASSED),
        ("a = 2", Verdict.FAILED),
        ("a = 3", Verdict.TIMEOUT),
        (None, Verdict.NO_CODE),
    ]
    found = source(rows, codes, family=family)
    bases = (True, True, False, False)
    judged = {
        task_id: tuple(
            replace(one, outcome=replace(one.outcome, base_passed=base))
            for one, base in zip(candidates, bases, strict=True)
        )
        for task_id, candidates in found.candidates.items()
    }
    found = replace(found, candidates=judged)
    assert list(EvalPlus().missing([found], None)) == []
    for name, content in EvalPlus().files([found], None).items():
        (tmp_path / name).write_bytes(content)
    said = as_evalplus_says(tmp_path / "samples.jsonl", dataset, base_only=False)
    base, plus = said.split("(base + extra tests)")
    assert "pass@1:\t0.500" in base
    assert "pass@1:\t0.250" in plus
    assert f"{4 * total} solutions" in said


@pytest.mark.parametrize(("family", "mine"), [("humaneval_plus", "humaneval"), ("mbpp_plus", "mbpp")])
def test_the_site_gets_its_row(source, family, mine):
    """Percent with one digit under the site's names, null for what nobody says, and what to know."""
    rows = [{"task_id": f"X/{i}", "prompt": "p"} for i in range(3)]
    found = source(rows, [("a = 1", Verdict.PASSED), ("a = 2", Verdict.FAILED)], family=family)
    base = {row["task_id"]: 2 if row["task_id"] == "X/0" else 1 for row in rows}
    scores = estimate({row["task_id"]: (2, 1) for row in rows}, [1], base=base)
    found = replace(found, run=replace(found.run, metrics=scores))
    row = json.loads(EvalPlus().files([found], Details())["results_row.json"])
    numbers = dict.fromkeys(("humaneval", "humaneval+", "mbpp", "mbpp+"))
    assert row == {
        "model": {
            "link": "https://huggingface.co/org/model",
            "open-data": None,
            "pass@1": {**numbers, mine: 66.7, f"{mine}+": 50.0},
            "prompted": False,
            "size": None,
        }
    }
    said = Details(size=7.0, open_data="Full", source_url="https://example.org")
    (whole,) = json.loads(EvalPlus().files([found], said)["results_row.json"]).values()
    assert (whole["size"], whole["open-data"], whole["link"]) == (7.0, "Full", "https://example.org")
    note = EvalPlus().note([found], Details())
    assert "this one is sampled" in note
    assert "seems dead" in note


@pytest.mark.parametrize(
    ("base", "passed", "expected"),
    [(True, True, ("pass", "pass")), (True, False, ("pass", "fail")), (False, False, ("fail", "fail"))],
)
def test_a_base_stage_has_its_own_status(base, passed, expected):
    """Where base and additional tests were judged apart, both statuses are written; a pass needs both."""
    outcome = Outcome(Verdict.PASSED if passed else Verdict.FAILED, base_passed=base)
    assert statuses(Candidate("", "", "body", outcome, proved=True)) == expected


@pytest.mark.parametrize("size", [0.0, -7.0, float("nan"), float("inf")])
def test_a_size_that_is_none_is_refused(size):
    """No model has it, and JSON could not hold it."""
    with pytest.raises(UsageError, match="billions of parameters expected"):
        Details(size=size)


def test_sets_of_another_size_are_refused(source):
    """EvalPlus wants all of its own problems, and a verdict of the base tests for each sample."""
    rows = [{"task_id": "HumanEval/0", "prompt": "p"}]
    found = source(rows, [("a = 1", Verdict.PASSED)], family="humaneval_plus")
    said = list(EvalPlus().missing([found], None))
    assert len(said) == 2
    assert "164 problems" in said[1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(code=st.text(st.characters()))
def test_any_text_survives(tmp_path, source, code):
    """Control characters and lone surrogates of a candidate come back to the character."""
    rows = [{"task_id": "HumanEval/0", "prompt": "p"}]
    found = source(rows, [(code, Verdict.FAILED)], family="humaneval", published=True)
    for name, content in EvalPlus().files([found], None).items():
        (tmp_path / name).write_bytes(content)
    (sample,) = sample_files.read(tmp_path / "samples.jsonl").samples
    assert sample.text == code
    results = json.loads((tmp_path / "samples_eval_results.json").read_text())
    assert results["eval"]["HumanEval/0"][0]["solution"] == code
