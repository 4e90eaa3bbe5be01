"""What people call a run stands in an export where its form has a place for it."""

from __future__ import annotations

import pytest
from one_run import stored

from passk_tasks.export import Details, export
from passk_tasks.results.labels import relabel

DETAILS = Details(
    model="org/model",
    user="me",
    organization="us",
    relationship="third_party",
    dataset_id="openai/openai_humaneval",
    dataset_task="humaneval",
    source_url="https://example.org/log",
)


@pytest.mark.parametrize("form", ["every-eval-ever", "model-index", "hf-eval-results"])
def test_a_label_is_exported(tmp_path, evaluated_run, form):
    """The label is in one of the files, whole; without one nothing is said of it."""
    pytest.importorskip("huggingface_hub")
    run = stored(evaluated_run(tmp_path / "run"))
    texts = ["".join(path.read_text() for path in export([run], form, tmp_path / "a", DETAILS).files)]
    (run,) = relabel([run], label="with three examples")
    texts += ["".join(path.read_text() for path in export([run], form, tmp_path / "b", DETAILS).files)]
    assert ["with three examples" in " ".join(text.split()) for text in texts] == [False, True]
