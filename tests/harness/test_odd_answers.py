"""Answers that are no text, as models hand them on, in a run and in what it leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support import logged, outcomes, record, samples_file

from passk_tasks import api
from passk_tasks.errors import PasskError
from passk_tasks.results import sample_files

TASK = "passk_humaneval_instruct_greedy"


def fenced(doc: dict[str, Any]) -> str:
    """A right answer."""
    return f"```python\n{doc['prompt']}{doc['canonical_solution']}```\n"


SHAPES = {
    "text": lambda text: text,
    "parts": lambda text: [{"type": "text", "text": text[:9]}, {"type": "text", "text": text[9:]}],
    "reasoning": lambda text: [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": text}],
    "message": lambda text: {"role": "assistant", "content": text},
    "message of parts": lambda text: {"role": "assistant", "content": [{"type": "text", "text": text}]},
    "tuple": lambda text: ({"type": "text", "text": text},),
    "bytes": lambda text: text.encode(),
    "null": lambda _: None,
    "empty": lambda _: "",
    "empty list": lambda _: [],
    "no parts": lambda _: {"content": []},
}


WITHOUT_TEXT = ("null", "empty", "empty list", "no parts")


def test_a_run_its_journal_and_its_samples_agree(evaluate, canned, tmp_path) -> None:
    """Whatever shape an answer has, a run, its journal and lm-eval's samples give the same verdicts."""
    from lm_eval.loggers import EvaluationTracker

    shape_of = {f"HumanEval/{number}": shape for number, shape in enumerate(SHAPES)}
    model = canned(lambda doc, _: SHAPES[shape_of[doc["task_id"]]](fenced(doc)))
    tracker = EvaluationTracker(output_path=str(tmp_path))
    found = evaluate(model, TASK, limit=len(SHAPES), evaluation_tracker=tracker)
    facts = record(found, TASK)
    verdicts = {"passed": len(SHAPES) - len(WITHOUT_TEXT), "no_code": len(WITHOUT_TEXT)}
    assert facts["verdicts"] == verdicts
    assert api.score_samples(facts["journals"]).verdicts == verdicts
    tracker.save_results_aggregated(results=found, samples=found["samples"])
    tracker.save_results_samples(task_name=TASK, samples=found["samples"][TASK])
    lines = logged(tmp_path, TASK)
    assert all(isinstance(text, str) for line in lines for text in line["resps"][0])
    verdict_of = {shape_of[line["doc"]["task_id"]]: outcomes(line)[0]["verdict"] for line in lines}
    assert verdict_of == {shape: "no_code" if shape in WITHOUT_TEXT else "passed" for shape in SHAPES}
    assert api.score_samples(samples_file(tmp_path, TASK), TASK).verdicts == verdicts


def test_half_a_character_costs_no_file(evaluate, canned, tmp_path) -> None:
    """A server that cut a text in UTF-16 left half a character: lm-eval could write no samples of the run."""
    from lm_eval.loggers import EvaluationTracker

    tails = {"HumanEval/0": "  # \ud83d", "HumanEval/1": "  # \ud83d" + "\ude00"}
    model = canned(lambda doc, _: fenced(doc).replace("\n```\n", f"{tails.get(doc['task_id'], '')}\n```\n"))
    tracker = EvaluationTracker(output_path=str(tmp_path))
    found = evaluate(model, TASK, limit=3, evaluation_tracker=tracker)
    tracker.save_results_aggregated(results=found, samples=found["samples"])
    tracker.save_results_samples(task_name=TASK, samples=found["samples"][TASK])
    texts = [line["resps"][0][0] for line in logged(tmp_path, TASK)]
    assert ["# \ufffd" in text for text in texts] == [True, False, False]
    assert "# \U0001f600" in texts[1]
    facts = record(found, TASK)
    assert facts["verdicts"] == {"passed": 3}
    assert api.score_samples(facts["journals"]).verdicts == {"passed": 3}
    assert api.score_samples(samples_file(tmp_path, TASK), TASK).verdicts == {"passed": 3}


@pytest.mark.parametrize(
    ("answer", "named"), [(0.5, "float"), (["a", "b"], "a list of bare texts"), ({"choices": []}, "dict")]
)
def test_an_answer_that_is_none_costs_no_other(evaluate, canned, state_folder, answer, named) -> None:
    """An answer that is no text is named with its place; the journal has all others and can be scored."""

    def answered(doc: dict[str, Any], index: int) -> Any:
        return answer if (doc["task_id"], index) == ("HumanEval/1", 1) else fenced(doc) + f"\n{index}"

    metadata = {"passk.samples": 2, "passk.k": 1}
    message = f"{TASK.removesuffix('_greedy')}, HumanEval/1, sample 1: an answer that is no text: {named}"
    with pytest.raises(PasskError, match=message) as caught:
        evaluate(canned(answered), TASK.removesuffix("_greedy"), metadata=metadata, limit=2)
    (journal,) = state_folder.iterdir()
    assert str(journal) in str(caught.value)
    assert [(s.task_id, s.index) for s in sample_files.read(journal).samples] == [
        ("HumanEval/0", 0),
        ("HumanEval/0", 1),
        ("HumanEval/1", 0),
    ]
    assert api.score_samples(journal).verdicts == {"passed": 3}


def test_another_task_s_journal_is_written_too(evaluate, canned, state_folder) -> None:
    """An answer that is no text in one task leaves the journals of all tasks of the run."""
    names = ["passk_humaneval_greedy", TASK]
    with pytest.raises(PasskError, match="no text: int"):
        evaluate(
            canned(lambda doc, _: 7 if doc["task_id"] == "HumanEval/1" else fenced(doc)), *names, limit=2
        )
    journals = [sample_files.read(path) for path in state_folder.iterdir()]
    assert sorted(one.header.task for one in journals) == names
    assert all([s.task_id for s in one.samples] == ["HumanEval/0"] for one in journals)


def test_missing_answers_cost_no_other(load, state_folder) -> None:
    """A model that answers too little is named, and the journal has what it gave."""
    task = load(TASK.removesuffix("_greedy"), **{"passk.samples": 2, "passk.k": 2})
    task.set_fewshot_seed(1)
    task.build_all_requests(limit=1)
    task.instances[0].resps = [None]
    with pytest.raises(PasskError, match=r"has 1 generations and should have 2.*safe in .*jsonl"):
        task.apply_filters()
    (journal,) = state_folder.iterdir()
    assert [json.loads(line).get("text") for line in journal.read_text().splitlines()] == [None, "", None]
