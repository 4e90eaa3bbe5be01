"""Tests of passk_tasks.scoring.candidates: stored texts, and the proof that they are what was judged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import library_layout
import pytest

from passk_tasks import benchmarks, score_samples
from passk_tasks.errors import SamplesError, UsageError
from passk_tasks.results import joining, reading
from passk_tasks.results.model import Run
from passk_tasks.results.samples import COMPLETION, RESPONSE, Sample
from passk_tasks.scoring.candidates import Candidate, Prover, candidate, problems_of, spec_of
from passk_tasks.tasks.catalog import load_task

ZERO = "HumanEval/0"


@pytest.fixture
def run(tmp_path, scored) -> Run:
    """A run of `passk score` with two samples of one problem; its hashes are made up."""
    (loaded,) = reading.load_all([scored(tmp_path / "run", {ZERO: (2, 1)})])
    return loaded


def with_stops(run: Run, *stops: str) -> Run:
    """Return the run with stop sequences that its results record."""
    return replace(run, conditions=replace(run.conditions, stops=stops))


def proved(run: Run) -> list[Candidate]:
    """Return every candidate of a run, with its own texts and problems."""
    prover = Prover(run, problems_of(run).problems)
    return [
        prover.candidate(sample, number)
        for samples in joining.texts(run).values()
        for number, sample in enumerate(samples)
    ]


# What a reference returns shows that it needs one process with the tests; the tests show nothing of it.
BAG = "class Bag:\n    def __eq__(self, other):\n        return other == 1\n\n\ndef f(x):\n    return Bag()\n"
PROBLEM = {"task_id": "bag", "prompt": "def f(x):\n", "entry_point": "f", "test": "assert f(1) == 1\n"}


def test_programs_of_problems_that_need_one_process_are_proved(tmp_path):
    """A problem of people's own that its reference showed to need one process is proved, without a trial."""
    problems, samples = tmp_path / "problems.jsonl", tmp_path / "samples.jsonl"
    problems.write_text(json.dumps({**PROBLEM, "canonical_solution": BAG}) + "\n")
    lines = [{"task_id": "bag", "solution": BAG}, {"task_id": "bag", "solution": ""}]
    samples.write_text("".join(json.dumps(line) + "\n" for line in lines))
    settings = {"data_files": str(problems), "workers": 1}
    score_samples(samples, "passk_custom", settings, out=tmp_path / "out")
    (run,) = reading.load_all([tmp_path / "out"])
    right, empty = proved(run)
    assert (right.proved, right.code, right.outcome.judge) == (True, BAG, "script")
    assert (empty.proved, empty.code, empty.outcome.verdict.value) == (True, None, "no_code")
    assert not any(candidate.proved for candidate in proved(replace(run, programs={"bag": ("00", "11")})))


def test_outcomes_of_another_benchmark_are_refused(run):
    """A run cannot be proved with problems that lack one of its own."""
    with pytest.raises(SamplesError, match="passk_humaneval has no problem 'HumanEval/0'"):
        Prover(run, {})


def test_scored_texts_without_stops_end_at_those_of_the_task(run):
    """What `passk score` records of some texts' stops says nothing of those that record none."""
    own = load_task("passk_humaneval").until
    assert spec_of(run).until == own
    assert spec_of(with_stops(run, "\nelsewhere")).until == own


def test_a_run_of_lm_eval_ends_texts_at_the_stops_that_it_sent(run):
    """They may be others than the task's."""
    sent = replace(with_stops(run, "\nelsewhere"), samples_path=Path("samples_passk_humaneval_x.jsonl"))
    assert spec_of(sent).until == ("\nelsewhere",)


def test_a_task_of_the_users_own_has_what_the_run_recorded(run):
    """Its YAML is not at hand; nothing but the results is needed."""
    own = replace(with_stops(run, "\nelsewhere"), task="mine", task_version="3")
    spec = spec_of(own)
    assert (spec.name, spec.version, spec.until, spec.asked) == ("mine", "3", ("\nelsewhere",), None)


def test_stops_go_with_the_way_of_asking_that_they_were_written_for(run):
    """Answers of a chat model that a task of completions was scored from end at none of its stops."""
    assert spec_of(run).asked == "completion"
    answers = replace(run, settings={**run.settings, "extraction": "answer"})
    assert spec_of(answers).until == ()


def test_problems_are_those_of_the_run_by_their_hash(run):
    """Others under the same names are refused, with both hashes."""
    with pytest.raises(
        UsageError, match=r"embedded has others by now \(sha256 53e6de8cb31d, .* 53e600000000"
    ):
        problems_of(run)
    real = "53e6de8cb31dc96b8f53510f0ad0d6bbb34c02bf136f16bdcb6065a0964ec973"
    assert ZERO in problems_of(replace(run, dataset_sha256=real)).problems
    with pytest.raises(UsageError, match="others by now"):
        problems_of(replace(run, dataset_sha256=None))


def test_problems_may_lie_elsewhere_by_now(tmp_path, run):
    """A file that is named wins over what the settings say."""
    path = tmp_path / "problems.jsonl"
    path.write_text(json.dumps({**PROBLEM, "task_id": ZERO}) + "\n")
    custom = replace(run, settings={"benchmark": "custom", "data_files": str(tmp_path / "gone.jsonl")})
    with pytest.raises(UsageError, match=r"gone\.jsonl"):
        problems_of(custom)
    with pytest.raises(UsageError, match=r"problems\.jsonl has others by now"):
        problems_of(custom, str(path))


@pytest.mark.parametrize("task", ["passk_ds1000", "passk_ds1000_instruct", "passk_ds1000_numpy"])
@pytest.mark.parametrize("form", [COMPLETION, RESPONSE])
def test_snippets_that_are_there_are_cut_by_the_benchmarks_rule_alone(task, form):
    """`# SOLUTION END` ends what a model writes, and cuts nothing that it wrote without that stop.

    Plots of published answers go on below it. Where the stops are recorded, they are applied.
    """
    family = benchmarks.get("ds1000")
    problem = family.problem(next(iter(family.rows(library_layout.DS1000))))
    text = "<code>\nresult = 1\n# SOLUTION END\nresult += 1\n</code>\nDone."
    spec, bare = load_task(task), Sample(problem.task_id, 0, text, form, "x")
    assert candidate(bare, problem, spec).code == "\nresult = 1\n# SOLUTION END\nresult += 1\n"
    recorded = replace(bare, stops=("# SOLUTION END",), asked="snippet")
    assert candidate(recorded, problem, spec).code == "\nresult = 1\n"
