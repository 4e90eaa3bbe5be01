"""What lm-eval's trackers see of a run of ours."""

from __future__ import annotations

import json
import sqlite3

import pytest
from lm_eval.loggers.trackio_logger import TrackioLogger
from support import alternating, outcomes

SETTINGS = {"passk.samples": 4, "passk.k": [1, 2]}


def test_every_metric_reaches_a_tracker(evaluate, canned) -> None:
    """lm-eval's own flattening keeps each pass@k with its standard error, under a plain name, as a number."""
    results = evaluate(canned(alternating), metadata=SETTINGS)
    logger = TrackioLogger.__new__(TrackioLogger)  # its constructor starts the tracker
    logger.post_init(results)
    logged = logger._flatten_results_for_log()
    task = "passk_humaneval"
    for name in ("pass@1", "pass@1_stderr", "pass@2", "pass@2_stderr", "distinct"):
        assert isinstance(logged[f"{task}/{name}"], float), name
    assert logged[f"{task}/pass@1"] == 0.5
    stored = logger.task_configs[task]["metadata"]["passk_results"]["metrics"]["pass@1"]
    assert stored["over_samples"]["ci95"][0] < 0.5 < stored["over_samples"]["ci95"][1]
    assert logged[f"{task}/pass@1_stderr"] == pytest.approx(stored["over_problems"]["se"])
    # Trackers take the configuration as JSON.
    assert json.loads(json.dumps(logger.task_configs))


def test_a_problem_s_trace_has_its_verdicts_and_metrics(evaluate, canned) -> None:
    """What a tracker shows of one problem: the verdict of each sample, and its own pass@k as numbers."""
    results = evaluate(canned(alternating), metadata=SETTINGS, log_samples=True)
    for sample in results["samples"]["passk_humaneval"]:
        assert {name: sample[name] for name in sample["metrics"]}["pass@1"] == 0.5
        assert len(outcomes(sample)) == 4


@pytest.mark.slow
def test_trackio_keeps_the_metrics(passk, tmp_path) -> None:
    """A real run with --trackio_args leaves the metrics in trackio's database on this machine."""
    pytest.importorskip("trackio", reason="trackio is not installed")
    passk(
        *(
            "run",
            "--tasks",
            "passk_humaneval",
            "--limit",
            "2",
            "--metadata",
            "passk.samples=2",
            "passk.k=[1]",
        ),
        *("--log_samples", "--output_path", str(tmp_path / "runs"), "--trackio_args", "project=passk"),
        TRACKIO_DIR=str(tmp_path / "trackio"),
    )
    (path,) = (tmp_path / "trackio").glob("*.db")
    rows = sqlite3.connect(path).execute("select metrics from metrics").fetchall()
    logged: dict = {}
    for (text,) in rows:
        logged |= json.loads(text)
    assert {"passk_humaneval/pass@1", "passk_humaneval/pass@1_stderr"} <= logged.keys()
