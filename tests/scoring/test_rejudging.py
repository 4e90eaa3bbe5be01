"""The same generations judged both ways: what is the model's, and what is the tooling's."""

from __future__ import annotations

import json

import pytest

from passk_tasks import api
from passk_tasks.cli.app import main
from passk_tasks.errors import UsageError

RIGHT = "    for i, a in enumerate(numbers):\n        for b in numbers[i + 1 :]:\n" + (
    "            if abs(a - b) < threshold:\n                return True\n    return False\n"
)
WRONG = "    return None\n"
PROBLEM = "HumanEval/0"


def fenced(body):
    """What a chat model writes of this body."""
    head = (
        "from typing import List\n\ndef has_close_elements(numbers: List[float], threshold: float) -> bool:\n"
    )
    return f"Sure:\n```python\n{head}{body}```\n"


@pytest.fixture
def run(tmp_path):
    """Judge these texts, extracted in this way, and return the stored run."""

    def build(name, texts, extract):
        file = tmp_path / f"{name}.jsonl"
        lines = [{"task_id": PROBLEM, "completion": text} for text in texts]
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        api.score_samples([file], "passk_humaneval", extract=extract, out=tmp_path / name)
        return api.load_run(tmp_path / name)

    return build


def only(found):
    """The one effect of two runs."""
    (effect,) = found.effects
    return effect


def test_what_the_extraction_did_is_the_toolings(run):
    """The same chat answers, read as completions and as answers: all of the difference is the tooling's."""
    texts = [fenced(RIGHT), fenced(RIGHT), fenced(WRONG)]
    before, after = run("before", texts, "completion"), run("after", texts, "answer")
    effect = only(api.attribute_runs([before, after], rescore=True))
    assert effect.factors == ("extraction",)
    assert effect.difference.value == pytest.approx(2 / 3)
    assert effect.split.tooling.value == pytest.approx(2 / 3)
    assert effect.split.model.value == pytest.approx(0, abs=1e-12)
    assert effect.elsewhere == pytest.approx(0, abs=1e-12)


def test_what_the_generations_did_is_the_models(run, tmp_path, capsys):
    """Better answers that came with another extraction, which reads both alike: all of it is the model's."""
    run("before", [RIGHT, WRONG, WRONG], "completion")
    run("after", [RIGHT, RIGHT, RIGHT], "verbatim")
    assert main(["factors", str(tmp_path / "before"), str(tmp_path / "after"), "--rescore"]) == 0
    shown = capsys.readouterr().out
    rows = {line.split()[-5]: line for line in shown.splitlines() if "model" in line and "+0." in line}
    assert any("+0.6667" in line for line in rows.values())
    found = api.attribute_runs(api.load_runs([tmp_path / "before", tmp_path / "after"]), rescore=True)
    assert only(found).split.tooling.value == pytest.approx(0, abs=1e-12)
    assert only(found).split.model.value == pytest.approx(2 / 3)


def test_half_of_each(run):
    """Chat answers that got better while their extraction was mended: the parts add up to the whole."""
    before = run("before", [fenced(RIGHT), fenced(WRONG)], "completion")
    after = run("after", [fenced(RIGHT), fenced(RIGHT)], "answer")
    effect = only(api.attribute_runs([before, after], rescore=True))
    assert (effect.split.total.value, effect.split.model.value) == pytest.approx((1.0, 0.25))
    assert effect.split.tooling.value == pytest.approx(0.75)


def test_a_stored_number_that_this_host_does_not_give(run, tmp_path):
    """A run whose stored verdicts were others: what is left of the difference is neither's."""
    before, after = run("before", [RIGHT, WRONG], "completion"), run("after", [RIGHT, WRONG], "verbatim")
    # As of a host where the first one failed.
    lines = (tmp_path / "after" / "outcomes.jsonl").read_text().replace('"passed"', '"failed"')
    (tmp_path / "after" / "outcomes.jsonl").write_text(lines)
    results = json.loads((tmp_path / "after" / "results.json").read_text())
    results["verdicts"] = {"failed": 2}
    (tmp_path / "after" / "results.json").write_text(json.dumps(results))
    after = api.load_run(tmp_path / "after")
    effect = only(api.attribute_runs([before, after], rescore=True))
    assert (effect.difference.value, effect.split.total.value, effect.elsewhere) == (-0.5, 0, -0.5)


def test_texts_that_are_gone_are_an_error(run, tmp_path):
    """Nothing is judged where the samples are no longer there, and the run is named."""
    before, after = run("before", [RIGHT], "completion"), run("after", [RIGHT], "verbatim")
    (tmp_path / "before.jsonl").unlink()
    with pytest.raises(UsageError, match=r"before/results\.json: its generations cannot be judged again"):
        api.attribute_runs([before, after], rescore=True)
