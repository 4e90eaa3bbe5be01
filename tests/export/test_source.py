from __future__ import annotations

import json

import pytest
from one_run import stored

from passk_tasks.errors import SamplesError, UsageError
from passk_tasks.export import source
from passk_tasks.results import sample_files
from passk_tasks.results.journal import Journal, JournalHeader
from passk_tasks.verdict import Verdict


def test_both_kinds_give_the_same_candidates(tmp_path, scored_run, evaluated_run):
    """Texts, code and verdicts do not depend on which tool wrote the run down."""
    one = source.load(stored(scored_run(tmp_path / "a")), candidates=True)
    two = source.load(stored(evaluated_run(tmp_path / "b")), candidates=True)
    assert len(one.candidates) == 164
    for task_id, found in one.candidates.items():
        # But for the last: an empty completion is the prompt as it stands, an empty response holds no code.
        assert [c.code for c in found[:3]] == [c.code for c in two.candidates[task_id][:3]]
        assert two.candidates[task_id][3].code is None
        assert [c.outcome.verdict for c in found] == [c.outcome.verdict for c in two.candidates[task_id]]
    first = one.candidates["HumanEval/0"]
    assert first[0].code == one.rows["HumanEval/0"]["prompt"] + first[0].text
    assert first[0].outcome.verdict is Verdict.PASSED
    assert (one.published, one.family, one.hub_path) == (True, "humaneval", "openai/openai_humaneval")
    assert (one.temperature, one.top_p) == (None, None)
    assert (two.temperature, two.top_p, two.n) == (0.2, 0.95, 4)


def test_samples_of_another_run_are_refused(tmp_path, scored_run):
    """A candidate that is not the judged one is seen by the hash of its program."""
    folder = scored_run(tmp_path)
    lines = (folder / "given.jsonl").read_text().splitlines()
    changed = json.loads(lines[5])
    changed["completion"] += "    # and more\n"
    (folder / "other.jsonl").write_text("\n".join([*lines[:5], json.dumps(changed), *lines[6:]]))
    with pytest.raises(UsageError, match=r"1 of its 656 samples do not give .* e\.g\. of HumanEval/1"):
        source.load(stored(folder), candidates=True, texts=[folder / "other.jsonl"])


def test_texts_that_are_gone_are_asked_for(tmp_path, scored_run):
    """Where the scored file is not there any more, the message says which it was and how to name it."""
    folder = scored_run(tmp_path)
    moved = (folder / "given.jsonl").rename(folder / "moved.jsonl")
    with pytest.raises(SamplesError, match=r"given\.jsonl, with --samples"):
        source.load(stored(folder), candidates=True)
    assert len(source.load(stored(folder), candidates=True, texts=[moved]).candidates) == 164


def test_a_text_that_is_missing_is_named(tmp_path, scored_run):
    """A samples file with fewer samples than were judged is refused."""
    folder = scored_run(tmp_path)
    lines = (folder / "given.jsonl").read_text().splitlines()
    (folder / "less.jsonl").write_text("\n".join(lines[:-1]))
    with pytest.raises(SamplesError, match="3 samples of HumanEval/163, and 4 were judged"):
        source.load(stored(folder), candidates=True, texts=[folder / "less.jsonl"])


def test_other_problems_are_refused(tmp_path, scored_run, humaneval):
    """Problems with another hash than the run's are not taken for them."""
    folder = scored_run(tmp_path)
    problems = tmp_path / "problems.jsonl"
    problems.write_text("".join(json.dumps(row) + "\n" for row in humaneval.rows[:3]))
    with pytest.raises(UsageError, match="--data-files"):
        source.load(stored(folder), candidates=True, data_files=str(problems))


def test_scores_alone_need_no_samples(tmp_path, evaluated_run):
    """A run without its samples is enough where a format takes only scores."""
    folder = evaluated_run(tmp_path)
    for path in folder.glob("samples_*"):
        path.unlink()
    assert source.load(stored(folder), candidates=False).candidates == {}
    with pytest.raises(SamplesError, match="--log_samples"):
        source.load(stored(folder), candidates=True)


def test_published_is_what_came_from_the_hub(evaluated_run, tmp_path):
    """A family without a hash of its own has published problems where they came from the hub."""
    settings = {"benchmark": "humaneval_plus"}
    for source_of, expected in (("hub: evalplus/humanevalplus (test)", True), ("/a/file.jsonl", False)):
        folder = evaluated_run(
            tmp_path / str(expected), settings=settings, dataset={"source": source_of, "sha256": "ab"}
        )
        found = source.load(stored(folder), candidates=False)
        assert (found.family, found.published) == ("humaneval_plus", expected)


def test_the_journal_is_a_source_of_texts(tmp_path, evaluated_run, humaneval):
    """The journal of a run holds the very texts that lm-eval's samples hold."""
    run = stored(evaluated_run(tmp_path / "run"))
    header = JournalHeader(run.task, "1.0", {}, (), humaneval.sha256)
    with Journal(tmp_path / "journal.jsonl", header) as journal:
        for sample in sample_files.read(run.samples_path).samples:
            journal.write(sample.task_id, sample.index, sample.text)
    found = source.load(run, candidates=True, texts=[tmp_path / "journal.jsonl"])
    assert found.candidates == source.load(run, candidates=True).candidates
