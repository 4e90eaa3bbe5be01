"""Tests of the contest benchmarks through lm-eval's own evaluate, on folders in the hub's layout."""

from __future__ import annotations

from pathlib import Path

import pytest
from contest_rows import FUNCTION, METHOD, PROGRAM, folder
from support import outcomes, record

from passk_tasks import benchmarks
from passk_tasks.program import Judge
from passk_tasks.statistics.estimators import n_at_k
from passk_tasks.tasks import catalog

SYSTEM = (
    "You are an expert Python programmer. You will be given a question (problem specification) and will "
    "generate a correct Python program that matches the specification and passes all tests."
)
STDIN = (
    "### Format: Read the inputs from stdin solve the problem and write the answer to stdout (do not "
    "directly test on the sample inputs). Enclose your code within delimiters as follows. Ensure that when "
    "the python program runs, it reads the inputs, runs the algorithm and writes output to STDOUT.\n"
    "```python\n# YOUR CODE HERE\n```\n\n"
)
STARTER = (
    "### Format: You will use the following starter code to write the solution to the problem and enclose "
    "your code within delimiters.\n```python\n{}\n```\n\n"
)
ANSWER = "### Answer: (use the provided format with backticks)\n\n"

TASKS = [n for n in catalog.task_names() if catalog.load_task(n).settings.judge is Judge.STDIO]
CHAT = [n for n in TASKS if catalog.load_task(n).settings.extraction == "answer"]


@pytest.fixture
def there(tmp_path: Path):
    """Metadata that lets a task find two problems, a program's and, where there are such, a function's."""

    def build(name: str) -> dict[str, str]:
        settings = catalog.load_task(name).settings
        found = {"passk.data_files": str(folder(settings.benchmark, tmp_path))}
        return found | ({"passk.since": "2023-01-01"} if settings.benchmark == "livecodebench" else {})

    return build


def right(doc: dict) -> str:
    """Return a right answer to a problem of `contest_rows`."""
    if "question_id" in doc:
        return METHOD if doc["starter_code"] else PROGRAM
    return FUNCTION if doc.get("fn_name") else PROGRAM


def few(name: str) -> dict[str, object]:
    """Return metadata for at most three samples a problem."""
    return {"passk.samples": min(3, catalog.load_task(name).settings.samples), "passk.k": 1}


def test_every_family_is_here() -> None:
    """No family of contest problems goes without a run through lm-eval."""
    programs = {n for n in benchmarks.names() if Judge.STDIO in benchmarks.get(n).judges}
    assert {catalog.load_task(name).settings.benchmark for name in TASKS} == programs


@pytest.mark.parametrize("name", [n for n in TASKS if n not in CHAT])
def test_right_and_wrong(evaluate, canned, there, name) -> None:
    """Base models: a right answer to one problem and a wrong one to the other score one half."""

    def answer(doc, _index):
        return right(doc) if "1" in doc["task_id"].partition("_")[0][-1] else "x = 1\n"

    metadata = {**there(name), **few(name)}
    model = canned(answer)
    found = evaluate(model, name, metadata=metadata, limit=None)
    assert found["results"][name]["pass@1,none"] == 0.5
    facts = record(found, name)
    assert facts["judge"] == "stdio"
    has_base = benchmarks.get(catalog.load_task(name).settings.benchmark).base_stage
    assert found["results"][name].get("base_pass@1,none") == (0.5 if has_base else None)
    judges = {one["judge"] for line in found["samples"][name] for one in outcomes(line)}
    assert judges == ({"stdio"} if has_base else {"stdio", "isolated"})
    texts = sorted({request.args[0] for request in model.requests})
    if name.startswith("passk_livecodebench"):
        starter = model.requests[-1].doc["starter_code"]
        ends = [
            "### Question\nAdd up the numbers.\n\n### Answer\n\n",
            f"### Question\nAdd up the numbers.\n\n### Starter Code\n{starter}\n\n### Answer\n\n",
        ]
        # Above each stands a worked example of its kind.
        assert sorted(text[text.rindex("### Question") :] for text in texts) == ends
        assert [text.count("### Question") for text in texts] == [2, 2]
    elif has_base:
        assert texts == ["\nQUESTION:\nAdd up the numbers.\nUse Standard Input format\nANSWER:\n"]
    else:
        assert texts == [
            "\nQUESTION:\nAdd up the numbers.\nUse Standard Input format\nANSWER:\n",
            "\nQUESTION:\nAdd up the numbers.\ndef total(nums):\n\t\nUse Call-Based format\nANSWER:\n",
        ]
    # Megabytes of tests are in no logged document.
    assert all("input_output" not in line["doc"] for line in found["samples"][name])
    assert all("private_test_cases" not in line["doc"] for line in found["samples"][name])


@pytest.mark.parametrize("name", CHAT)
def test_chat_models(evaluate, canned, there, name) -> None:
    """Chat models are asked as LiveCodeBench asks, and the last block that is a program is taken."""

    def answer(doc, _index):
        return (
            f"First:\n```python\nprint('no')\n```\nThen:\n```python\n{right(doc)}```\nPrints:\n```\n3\n```\n"
        )

    model = canned(answer)
    found = evaluate(model, name, metadata={**there(name), **few(name)}, limit=None)
    assert found["results"][name]["pass@1,none"] == 1.0
    for request in model.requests:
        doc = request.doc
        functional = doc.get("starter_code") and (doc.get("fn_name") or "question_id" in doc)
        middle = STARTER.format(doc["starter_code"]) if functional else STDIN
        # Without a chat template, lm-eval puts the system message before the request.
        assert request.args[0] == f"{SYSTEM}### Question:\nAdd up the numbers.\n\n{middle}{ANSWER}"


def test_submissions_out_of_samples(evaluate, canned, there) -> None:
    """1@2 of CodeContests is that of one submission out of two samples, filtered by the examples."""
    # Right; right on the example; wrong everywhere; right.
    codes = [PROGRAM, "print(3)", "print(0)", PROGRAM + "# again\n"]
    name = "passk_code_contests"
    metadata = {**there(name), "passk.samples": 4, "passk.k": [1, 2]}
    found = evaluate(canned(lambda _doc, index: codes[index]), name, metadata=metadata, limit=1)
    values = found["results"][name]
    assert values["base_pass@1,none"] == pytest.approx(3 / 4)
    assert values["1@2,none"] == pytest.approx(n_at_k(4, 3, 2, 1, 2))
    assert values["pass@1,none"] < values["1@2,none"] < values["pass@2,none"]
    scores = record(found, name)["metrics"]
    assert scores["1@2"]["value"] == pytest.approx(values["1@2,none"])
    assert "10@2" not in scores
