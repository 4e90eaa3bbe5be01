from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from pathlib import Path

import our_tasks
import pytest
from under_load import HANG_S

from passk_tasks.cli import main
from passk_tasks.errors import SamplesError
from passk_tasks.results import joining, reading
from passk_tasks.verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]
COUNTS = {"HumanEval/0": (4, 1), "HumanEval/1": (4, 4), "HumanEval/10": (4, 0)}


def only(path):
    """Return the one run in a place, with its outcomes."""
    (stored,) = reading.listing(path).runs
    return reading.load(stored)


def test_both_kinds_give_the_same_run(tmp_path, scored, evaluated):
    """Counts, verdicts, date, task and score do not depend on which tool wrote the run down."""
    one, two = only(scored(tmp_path / "a", COUNTS)), only(evaluated(tmp_path / "b", COUNTS))
    for run in (one, two):
        assert run.counts == COUNTS
        assert [len(found) for found in run.outcomes.values()] == [4, 4, 4]
        assert run.outcomes["HumanEval/0"][0].verdict is Verdict.PASSED
        assert run.outcomes["HumanEval/0"][1].detail == "assert f(1) == 2"
        assert (run.task, run.samples, run.problems, run.problems_total) == ("passk_humaneval", 12, 3, 164)
        assert run.date is not None
        assert run.date.isoformat() == "2026-01-02T03:04:05+00:00"
        assert run.scores == {"pass@1": pytest.approx(5 / 12)}
        assert run.k == (1,)
    assert (one.model, two.model) == (None, "org/model")
    assert (one.name, two.name) == ("a", "org/model")
    assert one.prompts == {}
    assert two.prompts.keys() == COUNTS.keys()


def test_conditions_of_lm_eval_s_runs(tmp_path, evaluated):
    """Prompt, template, stops, temperature and the other arguments are all in."""
    path = evaluated(
        tmp_path,
        COUNTS,
        content={
            "chat_template": "{{ messages }}",
            "chat_template_sha": "abc",
            "n-shot": {"passk_humaneval": 2},
        },
    )
    found = only(path).conditions
    assert (found.dataset, found.task, found.version) == ("53e6" + "0" * 60, "passk_humaneval", "1.0")
    assert (found.n, found.temperature, found.stops) == (4, 0.2, ("\ndef",))
    assert found.sampling == {"max_gen_toks": 1024, "top_p": 0.95}
    assert (found.chat_template, found.system_instruction) == ("{{ messages }}", "none")
    assert (found.prompt, found.fewshot) == ("{{prompt}}", 2)
    assert found.limits == {"timeout_s": 3.0, "memory_mib": 512, "output_mib": 16, "processes": 64}
    assert (found.extraction, found.judge, found.sandbox) == ("completion", "isolated", "strict")
    assert json.loads(json.dumps(found.as_dict())) == found.as_dict()


def test_no_template_and_an_unseen_one_are_two_things(tmp_path, evaluated):
    """A server's own chat template is not the absence of one."""
    bare = only(evaluated(tmp_path / "a", COUNTS)).conditions
    served = only(evaluated(tmp_path / "b", COUNTS, content={"chat_template": ""})).conditions
    assert (bare.chat_template, served.chat_template) == ("none", "the server's own")


def test_greedy_decoding_has_temperature_0(tmp_path, evaluated):
    """Without do_sample the temperature that stands beside it means nothing."""
    path = evaluated(tmp_path, COUNTS, generation_kwargs={"do_sample": False, "temperature": 0.8})
    assert only(path).conditions.temperature == 0


def test_samples_of_unknown_origin_have_unknown_conditions(tmp_path, scored):
    """What `passk score` was not told is None, and not the task's default."""
    found = only(scored(tmp_path, COUNTS)).conditions
    assert (found.temperature, found.stops, found.sampling, found.prompt) == (None, None, None, None)
    assert (found.chat_template, found.fewshot) == (None, None)
    assert only(scored(tmp_path, COUNTS, extract="verbatim")).conditions.extraction == "verbatim"


def test_played_back_samples_have_the_conditions_of_their_drawing(tmp_path, evaluated):
    """A replay's temperature and model are those of the samples, and its prompt was never sent."""
    drawn = {"model": "tiny", "temperature": 0.8, "top_p": 0.9}
    content = {"config": {"model": "replay", "replay": {"paths": ["embedded"], "drawn_with": drawn}}}
    run = only(evaluated(tmp_path / "a", COUNTS, content=content))
    assert (run.model, run.conditions.temperature, run.conditions.sampling) == ("tiny", 0.8, {"top_p": 0.9})
    assert (run.conditions.prompt, run.conditions.chat_template, run.prompts) == (None, None, {})
    assert run.conditions.stops == ("\ndef",)
    content = {"config": {"model": "replay", "replay": {"paths": ["x.jsonl"], "drawn_with": None}}}
    assert only(evaluated(tmp_path / "b", COUNTS, content=content)).conditions.temperature is None


def test_infra_errors_leave_n(tmp_path, scored):
    """A sample without a verdict counts neither as a pass nor as a failure."""
    folder = scored(tmp_path, COUNTS)
    lines = [json.loads(line) for line in (folder / "outcomes.jsonl").read_text().splitlines()]
    lines[1]["verdict"] = "infra_error"
    (folder / "outcomes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    facts = json.loads((folder / "results.json").read_text())
    facts["verdicts"] = {"passed": 5, "failed": 6, "infra_error": 1}
    (folder / "results.json").write_text(json.dumps(facts))
    run = only(folder)
    assert run.counts["HumanEval/0"] == (3, 1)
    assert len(run.outcomes["HumanEval/0"]) == 4


def test_outcomes_out_of_order_are_put_in_order(tmp_path, scored):
    """The sample's own number is its place."""
    folder = scored(tmp_path, COUNTS)
    lines = (folder / "outcomes.jsonl").read_text().splitlines(keepends=True)
    (folder / "outcomes.jsonl").write_text("".join(reversed(lines)))
    assert [one.passed for one in only(folder).outcomes["HumanEval/0"]] == [True, False, False, False]


def test_a_folder_is_searched_and_sorted_by_date(tmp_path, scored, evaluated):
    """Runs of both kinds are found at any depth, the oldest first; other JSON is not looked at."""
    scored(tmp_path / "x" / "late", COUNTS, date="2026-03-01T00:00:00+00:00")
    evaluated(tmp_path / "y", COUNTS, date="2026-02-01T00-00-00.0")
    scored(tmp_path / "x" / "early", COUNTS, date="2026-01-01T00:00:00+00:00")
    (tmp_path / "config.json").write_text("{")
    found = reading.listing(tmp_path)
    assert [run.path.parent.name for run in found.runs] == ["early", "y", "late"]
    assert found.notes == ()


def test_several_tasks_of_one_file_are_several_runs(tmp_path, evaluated):
    """lm-eval puts all tasks of a run into one file; tasks that are not ours are named and left alone."""
    path = evaluated(tmp_path, COUNTS)
    other = evaluated(tmp_path / "o", COUNTS, task="passk_humaneval_instruct")
    whole, second = json.loads(path.read_text()), json.loads(other.read_text())
    whole["configs"] |= second["configs"] | {
        "gsm8k": {"metadata": {"version": 3.0}},
        "passk_humaneval_n200": {"metadata": {"passk": {}}},
    }
    path.write_text(json.dumps(whole))
    found = reading.listing(path)
    assert [(run.task, run.samples_path is None) for run in found.runs] == [
        ("passk_humaneval", False),
        ("passk_humaneval_instruct", True),
    ]
    assert found.notes == (
        f"{path}: gsm8k: not a task of ours",
        f"{path}: passk_humaneval_n200: its samples were not judged (--predict_only)",
    )


def test_samples_or_outcomes_stand_for_their_run(tmp_path, scored, evaluated):
    """Naming the big file of the two finds the same run."""
    folder = scored(tmp_path / "a", COUNTS)
    assert reading.listing(folder / "outcomes.jsonl").runs == reading.listing(folder / "results.json").runs
    path = evaluated(tmp_path / "b", COUNTS)
    (samples,) = path.parent.glob("samples_*")
    assert reading.listing(samples).runs == reading.listing(path).runs


def test_each_run_is_taken_once(tmp_path, scored):
    """A folder and a file in it do not give the same run twice; --task chooses."""
    scored(tmp_path / "a", COUNTS)
    scored(tmp_path / "b", COUNTS, task="other")
    assert len(reading.load_all([tmp_path, tmp_path / "a" / "results.json"])) == 2
    (one,) = reading.load_all([tmp_path], task="other")
    assert one.task == "other"
    with pytest.raises(SamplesError, match=r"no run of othr in it \(did you mean 'other'\?\)"):
        reading.load_all([tmp_path], task="othr")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("results.json", "{", "not JSON"),
        ("results.json", "[]", "expected a JSON object, found list"),
        ("results.json", "{}", "neither lm-eval's results nor those"),
        ("results.json", '{"task": "t", "verdicts": {}, "settings": {}}', "not as a run of ours leaves it"),
        ("results.json", "\udcff", "not JSON"),
    ],
)
def test_what_is_no_run_says_so(tmp_path, name, content, message):
    """A file that was named is an error with its path; one in a folder is a note."""
    path = tmp_path / name
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(SamplesError, match=message) as raised:
        reading.listing(path)
    assert str(path) in str(raised.value)
    found = reading.listing(tmp_path)
    assert found.runs == ()
    assert message in found.notes[0]


def test_places_without_runs(tmp_path):
    """A missing path, and a folder without results, are errors that say how results come about."""
    with pytest.raises(SamplesError, match="no such file or folder"):
        reading.listing(tmp_path / "nowhere")
    with pytest.raises(SamplesError, match="lm-eval writes them with --output_path"):
        reading.load_all([tmp_path])


def test_missing_samples_say_how_to_get_them(tmp_path, evaluated):
    """Results without the samples file are listed, and are an error where verdicts are needed."""
    path = evaluated(tmp_path, COUNTS)
    next(tmp_path.glob("samples_*")).unlink()
    (stored,) = reading.listing(path).runs
    assert stored.samples_path is None
    with pytest.raises(SamplesError, match="--log_samples"):
        reading.load(stored)


def test_files_of_two_runs_are_not_mixed(tmp_path, scored):
    """Outcomes that are not those the results speak of are refused."""
    folder = scored(tmp_path / "a", COUNTS)
    other = scored(tmp_path / "b", {**COUNTS, "HumanEval/1": (4, 3)})
    (folder / "outcomes.jsonl").write_bytes((other / "outcomes.jsonl").read_bytes())
    with pytest.raises(SamplesError, match="not of one run"):
        only(folder)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"task_id": "t", "sample": 0, "verdict": "pased"}', "'pased' .did you mean 'passed'"),
        ('{"task_id": "t", "sample": 0}', "its verdict is None"),
        ('{"sample": 0, "verdict": "passed"}', "no task_id"),
        ('{"task_id": "t", "verdict": "passed"}', "no number"),
        ('{"task_id"', "not a line of JSON"),
    ],
)
def test_broken_outcomes_name_file_and_line(tmp_path, scored, line, message):
    """A line that is no outcome is an error that says where it stands."""
    folder = scored(tmp_path, COUNTS)
    with (folder / "outcomes.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(SamplesError, match=message) as raised:
        only(folder)
    assert "outcomes.jsonl:13" in str(raised.value)


def test_clusters_come_from_the_problems(tmp_path, scored, evaluated):
    """A column of the documents, or of a file of problems, tells which problems belong together."""
    path = evaluated(tmp_path / "a", COUNTS, doc=lambda task_id: {"source": task_id[:11]})
    found = joining.clusters(only(path), "source")
    assert found["HumanEval/1"] == found["HumanEval/10"] != found["HumanEval/0"]
    with pytest.raises(SamplesError, match=r"no column 'sorce' \(did you mean 'source'\?\)"):
        joining.clusters(only(path), "sorce")
    run = only(scored(tmp_path / "b", COUNTS))
    with pytest.raises(SamplesError, match="--problems"):
        joining.clusters(run, "source")
    problems = tmp_path / "problems.jsonl"
    problems.write_text("".join(json.dumps({"task_id": t, "source": 1}) + "\n" for t in COUNTS))
    assert set(joining.clusters(run, "source", problems).values()) == {"1"}
    problems.write_text(json.dumps({"task_id": "HumanEval/0", "source": 1}) + "\n")
    with pytest.raises(SamplesError, match="2 of the run's problems are not in it"):
        joining.clusters(run, "source", problems)


def test_a_real_run_of_either_kind(tmp_path):
    """What `passk run` and then `passk score` on its journal really leave is read, and agrees."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    command = [*our_tasks.RUN, "--tasks", "passk_humaneval", "--limit", "2"]
    command += ["--metadata", "passk.samples=3", "passk.k=[1,2]", "--log_samples", "--output_path", "runs"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=HANG_S)
    (journal,) = tmp_path.glob("runs/*/passk_journal_*.jsonl")
    assert main(["score", str(journal), "--out", str(tmp_path / "again")]) == 0
    first, second = reading.load_all([tmp_path / "runs", tmp_path / "again"])
    assert first.counts == second.counts
    assert {task_id: nc[0] for task_id, nc in first.counts.items()} == {"HumanEval/0": 3, "HumanEval/1": 3}
    assert Counter(one.verdict for found in first.outcomes.values() for one in found).total() == 6
    assert first.model == "Gemma 3 270M, base, Q4_K_M"
    assert first.conditions.temperature == 0.8
    for name in ("dataset", "task", "version", "n", "stops", "extraction", "judge", "limits"):
        assert getattr(first.conditions, name) == getattr(second.conditions, name), name
