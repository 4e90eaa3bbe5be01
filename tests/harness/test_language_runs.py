"""Tests of the tasks of other languages through lm-eval's own evaluate, with Bash, which every host has."""

from __future__ import annotations

import json

import pytest
from support import outcomes, record

ROWS = [
    {
        "name": f"HumanEval_{number}_{name}",
        "language": "sh",
        "prompt": f"#!/bin/bash\n# $1 is an integer\n{name}() {{\n",
        "doctests": "transform",
        "original": f"HumanEval_{number}_{name}.py",
        "prompt_terminology": "reworded",
        "tests": f'}}\n\ncandidate() {{\n    {name} "$@"\n}}\n\nset -e\nrun_test() {{\n'
        f'    [[ $(candidate "3") = "{result}" ]]\n}}\n\nrun_test\n',
        "stop_tokens": ["\n}"],
    }
    for number, (name, result) in enumerate({"twice": 6, "square": 9}.items())
]


@pytest.fixture
def files(tmp_path) -> dict[str, str]:
    """Metadata that names a file of the rows."""
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return {"passk.data_files": str(path), "passk.samples": "2", "passk.k": "1"}


def test_completions(evaluate, canned, files) -> None:
    """The prompt is the row's, its stops are sent, and a completion that goes on is cut at them."""
    model = canned(
        lambda _doc, index: "    echo $((2 * $1))\n}\n\nexit 1\n" if index == 0 else "    echo 0\n"
    )
    name = "passk_multiple_humaneval_sh"
    found = evaluate(model, name, metadata=files, limit=None)
    assert [request.args[0] for request in model.requests[:1]] == [ROWS[0]["prompt"]]
    assert {tuple(request.args[1]["until"]) for request in model.requests} == {("\n}",)}
    assert found["results"][name]["pass@1,none"] == 0.25
    verdicts = [[one["verdict"] for one in outcomes(line)] for line in found["samples"][name]]
    assert verdicts == [["passed", "failed"], ["failed", "failed"]]
    assert record(found, name)["judge"] == "command"


def test_stops_of_the_rows_are_not_warned_of(evaluate, canned, tmp_path, caplog) -> None:
    """A stop at blank lines is the benchmark's where it stands in the rows, and the user's elsewhere."""
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({**ROWS[0], "stop_tokens": ["\n}", "\n\n"]}) + "\n")
    metadata = {"passk.data_files": str(path), "passk.samples": "1", "passk.k": "1"}
    name, said = "passk_multiple_humaneval_sh", "cuts a program at its first blank line"
    evaluate(canned(lambda *_: ":\n"), name, metadata=metadata, limit=None)
    assert said not in caplog.text
    evaluate(canned(lambda *_: ":\n"), name, metadata=metadata, limit=None, gen_kwargs={"until": ["\n \n"]})
    assert said in caplog.text


def test_answers(evaluate, canned, files) -> None:
    """A chat model is shown the whole prompt in a fence of the language, and answers with a file."""
    model = canned(
        lambda doc, _: (
            f"Sure.\n```bash\n{doc['prompt']}    echo $((2 * $1))\n}}\n```\n```bash\ntwice 4\n```\n"
        )
    )
    name = "passk_multiple_humaneval_sh_instruct"
    found = evaluate(model, name, metadata=files, limit=None)
    asked = model.requests[0].args
    assert f"```bash\n{ROWS[0]['prompt'].strip()}\n```" in asked[0]
    assert asked[1]["until"] == []
    assert found["results"][name]["pass@1,none"] == 0.5
    assert {one["extraction"] for line in found["samples"][name] for one in outcomes(line)} == {"fence"}
