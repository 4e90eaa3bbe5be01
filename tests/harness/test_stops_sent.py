"""Which stop sequences go with a request, and what becomes of answers that come back without being cut."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lm_eval
import pytest
from lm_eval.tasks import TaskManager
from support import record, samples_file

from passk_tasks import api
from passk_tasks.harness import host
from passk_tasks.tasks.catalog import load_task, task_configs_path

BASE = "passk_humaneval_greedy"
ANSWER = {"passk.extraction": "answer"}

PROGRAM = """\
# sums
def total(line):
    return sum(map(int, line.split()))

class Case:
    pass

if True:
    print(total(input()))
print("end")
"""
FUNCTION = {
    "task_id": "f",
    "prompt": "def double(n):\n",
    "entry_point": "double",
    "test": "assert double(2) == 4",
}
STDIN = {
    "task_id": "p",
    "prompt": "Add the numbers.\n",
    "stdin_tests": [{"input": "1 2\n", "output": "3\nend\n"}],
}


def fenced(doc: dict[str, Any], _: int = 0) -> str:
    """A chat model's answer, with what completions stop at in it."""
    code = doc["prompt"] + doc["canonical_solution"]
    return f"Here:\n\n---\n\n```python\n# code\nimport math\n\n{code}\nprint('done')\n```\n"


def problems(path: Path, *rows: dict[str, Any]) -> dict[str, str]:
    """Write problems of one's own, and return the metadata that names them."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {"passk.data_files": str(path)}


def test_answers_are_asked_for_without_a_completion_task_s_stops(evaluate, canned, tmp_path) -> None:
    """Under passk.extraction=answer no stop of the task is sent, recorded or applied, nor at a rescoring."""
    model = canned(fenced)
    found = evaluate(model, BASE, metadata={**ANSWER, "passk.journal": str(tmp_path)})
    assert [request.args[1]["until"] for request in model.requests] == [[]] * 3
    facts = record(found, BASE)
    assert facts["verdicts"] == {"passed": 3}
    assert facts["generation_kwargs"]["until"] == []
    assert api.score_samples(facts["journals"]).verdicts == {"passed": 3}


def test_stops_of_the_user_s_own_are_sent(evaluate, canned, caplog) -> None:
    """What --gen_kwargs names is sent and ends the answer; one that stands in functions is warned of."""
    model = canned(lambda doc, _: fenced(doc) + "\nSTOP\n" + fenced(doc).replace("return", "return not"))
    stops = {"until": ["\ndef", "STOP"]}
    found = evaluate(model, BASE, metadata=ANSWER, gen_kwargs=stops)
    assert model.requests[0].args[1]["until"] == ["\ndef", "STOP"]
    assert record(found, BASE)["verdicts"] == {"passed": 3}
    assert "the stop sequences '\\ndef' cut them off" in caplog.text


@pytest.mark.parametrize("extraction", ["answer", "completion"])
def test_a_task_of_one_s_own_has_the_stops_of_its_question(canned, tmp_path, extraction) -> None:
    """A YAML that includes a completion task and asks for answers does not inherit the stops."""
    base = task_configs_path() / "humaneval" / f"{BASE}.yaml"
    (tmp_path / "mine.yaml").write_text(
        f"include: {base}\ntask: mine\ntag: mine\n"
        f"metadata: {{version: 1.0, passk: {{benchmark: humaneval, extraction: {extraction}}}}}\n"
    )
    manager = TaskManager(include_path=str(tmp_path), include_defaults=False)
    model = canned(fenced)
    lm_eval.simple_evaluate(
        model=model, tasks=["mine"], task_manager=manager, limit=1, confirm_run_unsafe_code=True
    )
    sent = model.requests[0].args[1]["until"]
    assert sent == ([] if extraction == "answer" else list(load_task(BASE).until))


@pytest.mark.parametrize("task", ["passk_custom_greedy", "passk_custom_instruct_greedy"])
def test_programs_are_asked_for_whole(evaluate, canned, tmp_path, task) -> None:
    """A problem with stdin_tests is sent no stop that programs have in them, beside functions or alone."""
    functions = list(load_task(task).until)
    answer = {"f": "    return 2 * n\n" if functions else "```python\ndef double(n):\n    return 2 * n\n```"}
    for rows, recorded in (((FUNCTION, STDIN), functions), ((STDIN,), [])):
        model = canned(lambda doc, _: answer.get(doc["task_id"], PROGRAM))
        files = problems(tmp_path / "problems.jsonl", *rows)
        found = evaluate(model, task, metadata={**files, "passk.journal": str(tmp_path / "journals")})
        sent = {request.doc["task_id"]: request.args[1]["until"] for request in model.requests}
        assert sent == {row["task_id"]: functions if row is FUNCTION else [] for row in rows}
        facts = record(found, task)
        assert facts["verdicts"] == {"passed": len(rows)}
        assert facts["generation_kwargs"]["until"] == recorded
        again = api.score_samples(facts["journals"])
        assert (again.verdicts, again.warnings) == ({"passed": len(rows)}, ())


def test_stops_of_the_user_s_own_that_stand_in_programs_are_not_sent(
    evaluate, canned, tmp_path, caplog
) -> None:
    """Of --gen_kwargs until=…, a program is sent what it cannot hold, and the rest is named in a warning."""
    files = problems(tmp_path / "problems.jsonl", STDIN)
    model = canned(lambda *_: PROGRAM + "\n### Explanation\nNot Python.")
    stops = {"until": ["\nprint", "\nclass Case", "\n###"]}
    found = evaluate(model, "passk_custom_greedy", metadata=files, gen_kwargs=stops)
    assert model.requests[0].args[1]["until"] == ["\n###"]
    assert record(found, "passk_custom_greedy")["verdicts"] == {"passed": 1}
    assert "are not sent: '\\nprint', '\\nclass Case'" in caplog.text


def test_programs_that_were_asked_for_with_such_stops_are_not_cut_again(tmp_path) -> None:
    """Saved programs with HumanEval's stops recorded are judged whole, and it is said what may be missing."""
    files = problems(tmp_path / "problems.jsonl", STDIN)
    until = list(load_task(BASE).until)
    line = {
        "doc": {"task_id": "p"},
        "resps": [[PROGRAM]],
        "arguments": {"gen_args_0": {"arg_0": "", "arg_1": {"until": until}}},
    }
    (tmp_path / "s.jsonl").write_text(json.dumps(line))
    settings = {"data_files": files["passk.data_files"]}
    scored = api.score_samples(tmp_path / "s.jsonl", "passk_custom_greedy", settings)
    assert scored.verdicts == {"passed": 1}
    assert any("1 samples were asked for with stop sequences" in warning for warning in scored.warnings)


@pytest.mark.skipif(host.IS_NEW, reason="lm-eval 0.5.0.dev1 fails at a log of chosen documents")
def test_a_run_s_own_samples_say_how_they_were_asked_for(passk, tmp_path) -> None:
    """lm-eval's samples of a run with passk.extraction=answer score as the run did, under either task."""
    dataset = api.load_problems(BASE)
    doc = next(row for row in dataset.rows if row["task_id"] == "HumanEval/53")
    chat = tmp_path / "chat.jsonl"
    chat.write_text(
        json.dumps({"doc": {"task_id": "HumanEval/53"}, "resps": [[fenced(doc)]], "filter": "none"})
    )
    passk(
        *("our_run", "--model", "replay", "--model_args", f"path={chat}", "--tasks", BASE, "--log_samples"),
        *("--metadata", "passk.extraction=answer", "--output_path", str(tmp_path / "out")),
        *("--samples", json.dumps({BASE: [53]})),
    )
    saved = samples_file(tmp_path / "out", BASE)
    assert api.score_samples(saved, BASE, {"extraction": "answer"}).verdicts == {"passed": 1}
    assert api.score_samples(saved, "passk_humaneval_instruct_greedy").verdicts == {"passed": 1}
