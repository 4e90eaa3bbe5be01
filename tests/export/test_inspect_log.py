"""Inspect's log, read back by our own reader and by inspect_ai itself."""

from __future__ import annotations

import pytest
from one_run import stored

from passk_tasks.export import Details, export
from passk_tasks.export.inspect_log import _output, _score
from passk_tasks.results import sample_files
from passk_tasks.results.spent import Spent
from passk_tasks.verdict import Verdict


def test_our_reader_takes_it(tmp_path, evaluated_run):
    """Every text comes back as the sample that it was, and an export made twice is the same to the byte."""
    run = stored(evaluated_run(tmp_path / "run"))
    once, again = (export([run], "inspect", tmp_path / name).files for name in "ab")
    assert [path.read_bytes() for path in once] == [path.read_bytes() for path in again]
    given = sample_files.read(run.samples_path).samples
    read = sample_files.read(once).samples
    assert {(s.task_id, s.index): s.text for s in read} == {(s.task_id, s.index): s.text for s in given}
    assert once[0].name.startswith("2026-01-02T03-04-05+00-00_passk-humaneval-greedy_")


def test_what_has_no_verdict_has_no_score(source):
    """An infra_error is not an incorrect answer there either."""
    rows = [{"task_id": "HumanEval/0", "prompt": "p"}]
    found = source(rows, [("a = 1", Verdict.INFRA_ERROR), ("a = 2", Verdict.PASSED)])
    none, right = found.candidates["HumanEval/0"]
    assert _score(none) == {}
    assert _score(right)["passk"]["value"] == "C"


@pytest.mark.parametrize(
    ("spent", "usage", "metadata"),
    [
        (Spent(7, 3), {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}, None),
        (Spent(None, 3), None, {"output_tokens": 3}),
        (Spent(7, None), None, None),
        (None, None, None),
    ],
)
def test_what_nobody_counted_is_not_zero(spent, usage, metadata):
    """Tokens stand in `usage` where both kinds were counted; those of an answer alone in its metadata."""
    output = _output({"content": "text"}, "model", spent)
    assert (output.get("usage"), output.get("metadata")) == (usage, metadata)


def test_inspect_reads_it(tmp_path, evaluated_run):
    """inspect_ai has the same scores, answers, verdicts, tokens and metrics, and lists the log."""
    log = pytest.importorskip("inspect_ai.log", reason="inspect_ai is not installed (.ci/run has it)")
    run = stored(evaluated_run(tmp_path / "run"))
    (path,) = export([run], "inspect", tmp_path / "out", Details(model="org/model")).files
    (listed,) = log.list_eval_logs(str(tmp_path / "out"))
    assert (listed.task, path.stem.rpartition("_")[2]) == ("passk-humaneval-greedy", listed.task_id)
    read = log.read_eval_log(listed)
    (scored,) = read.results.scores
    assert {name: metric.value for name, metric in scored.metrics.items()} == run.scores
    assert scored.metrics["pass@1"].metadata["over_problems"]["ci95"] is not None
    assert (read.status, read.eval.model, len(read.samples)) == ("success", "org/model", run.samples)
    right = [sample.scores["passk"].value == "C" for sample in read.samples]
    assert sum(right) == run.verdicts["passed"]
    assert {sample.metadata["verdict"] for sample in read.samples} == {*run.verdicts}
    assert {sample.output.usage.total_tokens for sample in read.samples} == {10}
    one = log.read_eval_log_sample(listed, id="HumanEval/0", epoch=1)
    assert one.input == one.messages[0].text
    assert one.scores["passk"].answer.startswith(one.input)
    assert {one.id for one in log.read_eval_log_sample_summaries(listed)} == {s.id for s in read.samples}
