"""Tests of the families that need libraries, through lm-eval's own evaluate."""

from __future__ import annotations

import re
import sys

import hub_layout
import library_layout
import pytest
from support import record

from passk_tasks.errors import DatasetError, PreflightError
from passk_tasks.tasks import catalog

pytestmark = pytest.mark.whole

# Those whose libraries every host has; the rows of the others say that they need theirs.
RUNNABLE = [
    name for name in library_layout.FAMILIES if "bigcode" in name or name in ("ds1000", "ds1000_numpy")
]
PREFIX = (
    "Please provide a self-contained Python script that solves the following problem in a markdown code "
    "block:\n"
)
SYSTEM = (
    "Write a short code following the given format and indentation. Place the executable code between <code> "
    "and </code> tags, without any other non-executable things."
)
BASE = ("completion", "sanitized")
TASKS = [n for n in catalog.task_names() if catalog.load_task(n).settings.benchmark in RUNNABLE]


def right(doc: dict, extraction: str) -> str:
    """Return a right answer, in the form of a base or of a chat model."""
    if "reference_code" in doc:
        code = f"{doc['reference_code']}\n</code>"
        return code if extraction in BASE else f"<code>\n{code}"
    if extraction in BASE:
        return str(doc["canonical_solution"])
    return f"Sure:\n```python\n{doc['complete_prompt']}{doc['canonical_solution']}\n```"


def wrong(doc: dict, extraction: str) -> str:
    """Return an answer that runs and is wrong."""
    if "reference_code" in doc:
        return "    return a" if "### BEGIN" in doc["prompt"] else "result = a\n</code>"
    body = "    return None\n"
    return body if extraction in BASE else f"```python\n{doc['complete_prompt']}{body}```"


@pytest.mark.parametrize("name", TASKS)
def test_right_and_wrong(evaluate, canned, here, name) -> None:
    """A right answer to the first problem and a wrong one to the second score one half."""
    spec = catalog.load_task(name)
    first = str(library_layout.rows(spec.settings.benchmark)[0].get("task_id", "DS-1000/9001"))
    form = spec.settings.extraction

    def answer(doc, _index):
        return (right if doc["task_id"] == first else wrong)(doc, form)

    metadata = {**here(name), "passk.memory_mib": 1024}
    found = evaluate(canned(answer), name, metadata=metadata, limit=None)
    assert found["results"][name]["pass@1,none"] == 0.5
    facts = record(found, name)
    assert facts["verdicts"] == {"passed": spec.settings.samples, "failed": spec.settings.samples}
    assert facts["judge"] == "script"


@pytest.mark.parametrize("name", TASKS)
def test_prompts(evaluate, canned, here, name) -> None:
    """Each task asks as its benchmark's repository does."""
    model = canned(lambda doc, _index: "")
    evaluate(model, name, metadata=here(name), limit=1, predict_only=True)
    request, doc = model.requests[0], model.requests[0].doc
    if "ds1000" in name:
        asked = doc["prompt"]
        asked = f"{SYSTEM}{asked}" if name.endswith("_instruct") else asked
    elif "instruct" in name:
        asked = f"{PREFIX}{doc['instruct_prompt'].strip()}\n"
    elif "chat" in name:
        asked = f"{PREFIX}```\n{doc['complete_prompt'].strip()}\n```\n"
    else:
        asked = doc["complete_prompt"]
    assert request.args[0] == asked


def test_missing_libraries_are_found_before_generation(evaluate, canned, tmp_path) -> None:
    """A problem whose library nobody has stops the run before the first request, and is named."""
    rows = [*library_layout.BIGCODEBENCH, library_layout.NEEDS_ABSENT]
    path = library_layout.folder("bigcodebench", tmp_path, rows)
    model = canned(right)
    with pytest.raises(PreflightError) as caught:
        evaluate(model, "passk_bigcodebench_complete", metadata={"passk.data_files": str(path)}, limit=None)
    assert model.requests == []
    said = str(caught.value)
    assert "1 of 3 problems need libraries that candidates cannot import here" in said
    # In an environment of its own, where the benchmark's own versions are, unless this Python is its own.
    assert re.search(rf"pip install .*{library_layout.ABSENT}", said)
    assert ("; then set python=ENV" in said) is (sys.version_info[:2] != (3, 10))
    assert "--metadata passk.skip_missing=true" in said


def test_skipped_problems_are_in_the_coverage(evaluate, canned, tmp_path) -> None:
    """With skip_missing they are not asked, and the results say so: 2 of 3 problems."""
    rows = [library_layout.NEEDS_ABSENT, *library_layout.BIGCODEBENCH]
    name = "passk_bigcodebench_complete"
    path = library_layout.folder("bigcodebench", tmp_path, rows)
    model = canned(lambda doc, _index: right(doc, "completion"))
    metadata = {"passk.data_files": str(path), "passk.skip_missing": True, "passk.memory_mib": 1024}
    found = evaluate(model, name, metadata=metadata, limit=None)
    assert [request.doc["task_id"] for request in model.requests] == [
        "BigCodeBench/9000",
        "BigCodeBench/9001",
    ]
    assert found["results"][name]["pass@1,none"] == 1.0
    facts = record(found, name)
    assert (facts["problems"], facts["problems_total"]) == (2, 3)
    assert facts["coverage"] == pytest.approx(2 / 3)
    assert library_layout.ABSENT in facts["left_out"]["BigCodeBench/9002"]
    assert any("1 of 3 problems need libraries" in warning for warning in facts["warnings"])


def test_nothing_left_is_an_error(load, tmp_path) -> None:
    """A task of which no problem can be judged here is refused, whatever was asked for."""
    path = library_layout.folder("bigcodebench", tmp_path, [library_layout.NEEDS_ABSENT])
    with pytest.raises(DatasetError, match="skip_missing leaves no problem: 1 of 1 problems"):
        load(
            "passk_bigcodebench_complete",
            **{"passk.data_files": str(path), "passk.skip_missing": True},
        )


def test_every_family_of_these_is_in_the_layout() -> None:
    """The rows that stand for a family are those that its task loads."""
    for family, name in library_layout.FAMILIES.items():
        assert catalog.load_task(name).settings.benchmark == family
        assert hub_layout.rows(family) == library_layout.rows(family)
