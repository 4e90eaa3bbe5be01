"""Scoring without files: `score_texts` judges as `score_samples` does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import passk_tasks
from passk_tasks.errors import UsageError

RIGHT = passk_tasks.load_problems("passk_humaneval").problems["HumanEval/0"].canonical_solution
WRONG = "    return None\n"
TEXTS = {"HumanEval/0": [RIGHT + "\n\nprint('more')", WRONG], "HumanEval/1": [WRONG, ""]}


def test_texts_in_memory_score_as_the_same_responses_in_a_file(tmp_path: Path) -> None:
    """Counts, metrics, verdicts, programs and settings are those of lm-eval's file with these texts."""
    with (path := tmp_path / "samples.jsonl").open("w") as file:
        for task_id, texts in TEXTS.items():
            print(json.dumps({"doc": {"task_id": task_id}, "resps": [texts]}), file=file)
    settings = {"k": [1, 2], "workers": 2}
    there = passk_tasks.score_samples(path, "passk_humaneval", settings)
    here = passk_tasks.score_texts("passk_humaneval", TEXTS, settings, out=tmp_path / "out")
    assert here.counts == there.counts == {"HumanEval/0": (2, 1), "HumanEval/1": (2, 0)}
    assert here.metrics == there.metrics
    assert [r.program_sha256 for r in here.records] == [r.program_sha256 for r in there.records]
    assert here.inputs == ()
    (stored,) = passk_tasks.load_runs(tmp_path / "out")
    assert stored.metrics["pass@1"].value == here.metrics["pass@1"].value == 0.25


def test_messages_are_read_and_numbers_name_problems() -> None:
    """The assistant's last message is the answer; a problem's own number is its task_id."""
    said = [{"role": "user", "content": "?"}, {"role": "assistant", "content": RIGHT}]
    scored = passk_tasks.score_texts("passk_humaneval", {0: [said, None]}, {"k": [1], "workers": 1})  # type: ignore[dict-item]
    assert scored.counts == {"HumanEval/0": (2, 1)}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({}, "no samples"),
        ({"HumanEval/0": []}, "no samples"),
        ({"HumanEval/0": RIGHT}, r"texts\['HumanEval/0'\]: a list of texts expected, found str"),
        ({"HumanEval/0": [RIGHT, 5]}, r"texts\['HumanEval/0'\]\[1\]: an answer that is no text: int"),
        ({"HumanEval/0": [["a", "b"]]}, "bare texts, which may be several answers"),
        ({"HumanEval/999": [RIGHT]}, r"texts\['HumanEval/999'\]\[0\]: passk_humaneval has no problem"),
        ({"HumanEval/0": 5}, "a list of texts expected, found int"),
    ],
)
def test_texts_that_are_none_are_refused_before_anything_runs(texts: object, message: str) -> None:
    """Each mistake is a `UsageError` that says where in the texts it is."""
    with pytest.raises(UsageError, match=message):
        passk_tasks.score_texts("passk_humaneval", texts)  # type: ignore[arg-type]
