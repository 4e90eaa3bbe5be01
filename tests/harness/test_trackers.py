"""What lm-eval's trackers see of a run of ours."""

from __future__ import annotations

import contextlib
import json
import sqlite3

import pytest
from support import alternating, outcomes

pytest.importorskip("lm_eval.loggers.trackio_logger", reason="this lm-eval has no trackio")
from lm_eval.loggers.trackio_logger import TrackioLogger

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


def test_trackio_keeps_the_metrics(passk, tmp_path) -> None:
    """A real run with --trackio_args leaves metrics, both uncertainties and a trace a problem here."""
    pytest.importorskip("trackio", reason="trackio is not installed (.ci/run installs it)")
    passk(
        *(
            "our_run",
            "--tasks",
            "passk_humaneval",
            "--limit",
            "2",
            "--metadata",
            "passk.samples=2",
            "passk.k=[2]",
        ),
        *("--log_samples", "--output_path", str(tmp_path / "runs"), "--trackio_args", "project=passk"),
        TRACKIO_DIR=str(tmp_path / "trackio"),
    )
    (path,) = (tmp_path / "trackio").glob("*.db")
    with contextlib.closing(sqlite3.connect(path)) as database:
        rows = database.execute("select metrics from metrics").fetchall()
        ((configuration,),) = database.execute("select config from configs").fetchall()
        ((traces,),) = database.execute("select count(*) from traces").fetchall()
    logged: dict = {}
    for (text,) in rows:
        logged |= json.loads(text)
    names = {f"passk_humaneval/pass@{k}{end}" for k in (1, 2) for end in ("", "_stderr")}
    assert names <= logged.keys()
    stored = json.loads(configuration)["task_configs"]["passk_humaneval"]["metadata"]["passk_results"]
    assert list(stored["metrics"]) == ["pass@1", "pass@2"]
    assert {"over_problems", "over_samples"} <= stored["metrics"]["pass@1"].keys()
    assert traces == 2
