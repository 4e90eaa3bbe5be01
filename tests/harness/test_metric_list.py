"""Tests of the one list of metrics: everybody who reports, reads or shows a metric asks it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import alternating, record

from passk_tasks.cli import main
from passk_tasks.scoring.summary import estimate
from passk_tasks.statistics import metrics
from passk_tasks.statistics.estimators import pass_at_k
from passk_tasks.statistics.metrics import Family, Metric

COUNTS = {f"HumanEval/{i}": (4, c) for i, c in enumerate((0, 1, 4, 2))}


@pytest.fixture
def none_at_k(monkeypatch: pytest.MonkeyPatch) -> None:
    """One registration: none@K, that none of K samples passes, reported as pass@K is."""
    monkeypatch.setattr(metrics, "FAMILIES", dict(metrics.FAMILIES))
    metrics.register(
        Family(
            "none@K",
            "none of K samples passes",
            lambda counts, metric: 1 - pass_at_k(counts.n, counts.c, metric.k),
            reported=lambda _k, _submissions: [None],
        )
    )


def test_a_registered_metric_is_scored(none_at_k: None) -> None:
    """A scoring reports it, each budget with its own name and both uncertainties."""
    scores = estimate(COUNTS, [1, 2])
    assert list(scores) == ["pass@1", "pass@2", "none@1", "none@2"]
    assert Metric.parse(scores["none@2"].name) == Metric("none@K", 2)
    assert scores["none@1"].value == pytest.approx(1 - scores["pass@1"].value)
    assert scores["none@1"].over_samples.method == "over-samples-bound"


def test_a_registered_metric_is_shown_and_compared(none_at_k: None, tmp_path: Path, scored, capsys) -> None:
    """`passk show` and `passk compare` find it by its name."""
    one, two = (str(scored(tmp_path / name, COUNTS)) for name in "ab")
    assert main(["show", one, "--json", "--metrics", "none@1"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["none@1"]["value"] == pytest.approx(9 / 16)
    assert main(["compare", one, two, "--json", "--metrics", "none@1"]) == 0
    assert len(json.loads(capsys.readouterr().out)["metrics"]["none@1"]["scores"]) == 2


def test_a_registered_metric_is_in_the_results_of_lm_eval(none_at_k: None, evaluate, canned) -> None:
    """lm-eval's table and our provenance in its results have it, and agree."""
    metadata = {"passk.samples": 4, "passk.k": 2}
    found = evaluate(canned(alternating), metadata=metadata, limit=1)
    assert found["results"]["passk_humaneval"]["none@2,none"] == pytest.approx(1 / 6)
    assert record(found)["metrics"]["none@2"]["value"] == pytest.approx(1 / 6)
