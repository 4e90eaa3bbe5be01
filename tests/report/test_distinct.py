from __future__ import annotations

import json
from pathlib import Path

import pytest

from passk_tasks import benchmarks
from passk_tasks.cli import main
from passk_tasks.report import distinct
from passk_tasks.results import model, reading
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Outcome, Verdict

ZERO, ONE = "HumanEval/0", "HumanEval/1"
ANSWERS = {
    ZERO: [
        ("    return True\n", "failed", "assert 1"),
        ("    return False\n", "failed", "assert 2"),
        ("    return False\n", "failed", "assert 2"),
        ("    return False\n\nprint('more')", "failed", "assert 2"),
    ],
    ONE: [("    return []\n", "passed", "")] * 3
    + [("    return [\n", "syntax_error", "'[' was never closed")],
}


def test_equal_programs_are_one_candidate(tmp_path, loaded):
    """Samples that led to the same program are one candidate, the most frequent first, without the prompt."""
    found = distinct.read(loaded(tmp_path, ANSWERS))
    first, second = found.programs[ZERO]
    assert (first.samples, first.outcome.detail) == ((1, 2, 3), "assert 2")
    assert first.code is not None
    assert first.code.strip() == "return False"
    assert first.text is None  # the text is in the code
    assert second.samples == (0,)
    assert [one.outcome.verdict.value for one in found.programs[ONE]] == ["passed", "syntax_error"]
    assert found.problems[ZERO].prompt.startswith("from typing import List")
    assert "def check(candidate):" in found.problems[ZERO].tests
    assert {name: shown.entry_point for name, shown in found.problems.items()} == {
        ZERO: "has_close_elements",
        ONE: "separate_paren_groups",
    }
    assert found.notes == ()


def test_a_text_that_says_more_than_its_code_is_kept(tmp_path, loaded):
    """What extraction cut off can be read beside the candidate."""
    answers = {ZERO: [("    return True\nprint('tail')\n", "failed", "")]}
    (found,) = distinct.read(loaded(tmp_path, answers)).programs[ZERO]
    assert found.code is not None
    assert "tail" not in found.code
    assert found.text == "    return True\nprint('tail')\n"


def test_code_that_cannot_be_proved_is_not_shown_as_the_candidate(tmp_path, stored):
    """Where the text does not lead to what was executed, it is shown as the model's text, and noted."""
    folder = stored(tmp_path, ANSWERS)
    (path,) = folder.glob("samples_*")
    path.write_text(path.read_text().replace("return True", "return None"))
    (run,) = reading.load_all([folder])
    found = distinct.read(run)
    changed = found.programs[ZERO][1]
    assert (changed.code, changed.text) == (None, "    return None\n")
    assert found.programs[ZERO][0].code is not None
    (note,) = found.notes
    assert "For 1 candidates" in note


def score(
    folder: Path, lines: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch, *options: str
) -> model.Run:
    """Really judge samples with `passk score`, in a folder, and read the run."""
    monkeypatch.chdir(folder)
    Path("samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert main(["score", "samples.jsonl", "--task", "passk_humaneval", "--out", "out", *options]) == 0
    (run,) = reading.load_all(["out"])
    return run


LINES = [
    {"task_id": ZERO, "completion": "    return nothing\n"},
    {"task_id": ZERO, "completion": "    return nothing\n"},
    {"task_id": ZERO, "completion": "    return"},
]


def test_scored_samples_are_read_from_where_they_were(tmp_path, monkeypatch, capsys):
    """`passk score --out` keeps no texts; they come from the file that was scored."""
    found = distinct.read(score(tmp_path, LINES, monkeypatch))
    capsys.readouterr()
    first, second = found.programs[ZERO]
    assert (first.samples, first.code, first.outcome.detail) == (
        (0, 1),
        "    return nothing\n",
        "NameError: name 'nothing' is not defined",
    )
    assert second.samples == (2,)
    assert found.problems[ZERO].prompt.startswith("from typing import List")
    assert found.notes == ()


def test_without_texts_the_verdicts_are_there(tmp_path, monkeypatch, capsys):
    """Candidates are told apart by the hash of what was executed even where nobody kept them."""
    run = score(tmp_path, LINES, monkeypatch)
    capsys.readouterr()
    Path("samples.jsonl").unlink()
    found = distinct.read(run)
    assert [(one.samples, one.code, one.text) for one in found.programs[ZERO]] == [
        ((0, 1), None, None),
        ((2,), None, None),
    ]
    (note,) = found.notes
    assert "not stored" in note
    assert "samples.jsonl" in note


def test_fewer_samples_than_were_judged_are_not_used(tmp_path, monkeypatch, capsys):
    """A file that was cut since gives no candidates, rather than wrong ones."""
    run = score(tmp_path, LINES, monkeypatch)
    capsys.readouterr()
    Path("samples.jsonl").write_text(json.dumps(LINES[0]) + "\n")
    found = distinct.read(run)
    assert all(one.code is None for one in found.programs[ZERO])
    assert "the file has changed since" in found.notes[0]


def test_the_first_of_more_samples_are_those_that_were_judged(tmp_path, monkeypatch, capsys):
    """`--set samples=N` judged the first N of each problem."""
    found = distinct.read(score(tmp_path, LINES, monkeypatch, "--set", "samples=2", "--k", "1"))
    capsys.readouterr()
    assert [one.samples for one in found.programs[ZERO]] == [(0, 1)]


@pytest.mark.parametrize("dataset", ["hub", "somebody/problems"])
def test_problems_of_the_hub_are_not_asked_for(tmp_path, scored, dataset):
    """A run over problems of the hub that holds none of them is shown without prompts, and says so."""
    settings = {**Settings().as_dict(), "dataset": dataset}
    (run,) = reading.load_all([scored(tmp_path, {ZERO: (2, 1)}, settings=settings, inputs=[])])
    found = distinct.read(run)
    assert found.problems == {}
    assert "which a report does not ask" in found.notes[0]
    assert len(found.programs[ZERO]) == 2


def test_other_problems_than_those_of_the_run_are_not_shown(tmp_path, scored):
    """The dataset must be the one that was judged, by its hash."""
    (run,) = reading.load_all([scored(tmp_path, {ZERO: (2, 1)})])  # its hash is made up
    found = distinct.read(run)
    assert found.problems == {}
    assert "others by now" in found.notes[0]
    real = benchmarks.load(benchmarks.get("humaneval"), Settings()).sha256
    dataset = {"source": "embedded", "sha256": real}
    (run,) = reading.load_all([scored(tmp_path / "b", {ZERO: (2, 1)}, dataset=dataset)])
    assert distinct.read(run).problems.keys() == {ZERO}


def test_rows_that_are_no_problems_are_noted(tmp_path, stored):
    """A samples file whose rows lack a column gives verdicts and texts, without prompts."""
    folder = stored(tmp_path, ANSWERS)
    (path,) = folder.glob("samples_*")
    path.write_text(path.read_text().replace('"entry_point"', '"entry"'))
    (run,) = reading.load_all([folder])
    found = distinct.read(run)
    assert found.problems == {}
    assert "entry_point" in found.notes[0]
    assert {one.text for one in found.programs[ZERO]} >= {"    return True\n"}


def test_the_most_frequent_of_each_verdict_are_shown(tmp_path, loaded):
    """Of more programs than a page can hold; how many there are is known all the same."""
    found = distinct.read(loaded(tmp_path, ANSWERS), most=1)
    assert [one.samples for one in found.programs[ZERO]] == [(1, 2, 3)]
    assert found.distinct == {ZERO: 3 - 1, ONE: 2}
    outcomes = (
        [Outcome(Verdict.FAILED)] * 3 + [Outcome(Verdict.PASSED)] + [Outcome(Verdict.PASSED, flags=("x",))]
    )
    assert distinct.spread(outcomes, 3) == [0, 3, 4]
    assert distinct.spread(outcomes, 1) == [4]
    assert distinct.spread(outcomes, 9) == [0, 1, 2, 3, 4]
