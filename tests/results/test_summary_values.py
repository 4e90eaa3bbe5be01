"""Tests of the typed summary and of its JSON: what is written is read back, whoever wrote it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from passk_tasks import benchmarks
from passk_tasks.cli import main
from passk_tasks.errors import SamplesError
from passk_tasks.extraction import Extraction
from passk_tasks.results import reading
from passk_tasks.results.keys import Keys
from passk_tasks.results.samples import Sample
from passk_tasks.results.spent import Spent
from passk_tasks.results.store import provenance
from passk_tasks.results.summary import Summary, extended
from passk_tasks.scoring.summary import Record, summarise
from passk_tasks.statistics.intervals import Estimate
from passk_tasks.statistics.metrics import Score
from passk_tasks.tasks.catalog import load_task
from passk_tasks.verdict import Machine, Outcome, Verdict

COUNTS = {"HumanEval/0": (4, 1), "HumanEval/1": (4, 4)}


@pytest.fixture(scope="module")
def whole() -> Summary:
    """A summary in which every attribute says something."""
    spec = load_task("passk_humaneval", {"samples": 2, "k": [1, 2, 3]})
    dataset = benchmarks.load(benchmarks.get("humaneval"), spec.settings)
    dataset = replace(dataset, left_out={"HumanEval/7": ("pandas",)})
    problem = replace(dataset.problems["HumanEval/0"], one_process="reads f.__doc__")
    dataset.problems["HumanEval/0"] = problem
    outcome = Outcome(Verdict.PASSED, judge="script", flags=("early exit",), base_passed=True)
    records = [
        Record(Sample(task_id, index, "x", "response", "here"), Extraction("x", "body"), outcome, "0", "one")
        for task_id in COUNTS
        for index in range(2)
    ]
    spent = Spent(100, 40, limit_hit=True, by="server")
    records[0] = replace(records[0], sample=replace(records[0].sample, spent=spent), unfinished="fence")
    nothing = replace(outcome, verdict=Verdict.NO_CODE)
    records[1] = replace(records[1], outcome=nothing, extraction=Extraction(None, "none:empty"))
    spec = replace(spec, settings=replace(spec.settings, price={"in": 1, "out": 2}))
    scored = summarise(records, spec=spec, dataset=dataset, layers={"seccomp": True, "cgroup": False})
    return replace(
        scored,
        extract="auto",
        top_up={"k": 1, "half_width": 0.01, "scouts": {"each": 4}},
        inputs=("a.jsonl",),
        generation_kwargs={"until": ["\ndef"], "temperature": 0.8},
        sent={"temperature": 1.0, "until": []},
        asked={"model": "m", "prompt": "{{prompt}}"},
        machines=(Machine("a (10.0.0.1)", 2, 7, {"python": ("3.11.7", None)}),),
        cost=replace(scored.cost, generation_s=12.5),
        journals=("j.jsonl",),
        ranks=2,
        environments=("e1", "e2"),
        from_store=3,
        unpinned={"numpy": "1.26.4"},
        out_of_reach={"HumanEval/8": ("seaborn-data/tips.csv",)},
        untested=("HumanEval/9",),
        **{
            **provenance("stdlib"),
            "packages": {"numpy": "2.0"},
            "shown": "0" * 64,
            "toolchains": {"g++": "12.2.0"},
        },
    )


def test_what_is_written_is_read_back(whole):
    """Every attribute survives its JSON, to the last bit, and so does the JSON."""
    stored = json.loads(json.dumps(whole.as_dict(), allow_nan=False))
    again = Summary.from_dict(stored)
    assert again.as_dict() == stored
    for name in Summary.__dataclass_fields__:
        assert getattr(again, name) == getattr(whole, name), name
        assert getattr(again, name) not in (None, (), {}) or name == "more", name


def test_keys_of_a_newer_version_are_kept(whole):
    """A key that this version does not know is written again as it was."""
    stored = {**whole.as_dict(), "energy": {"joules": 3}}
    assert Summary.from_dict(stored).more == {"energy": {"joules": 3}}
    assert Summary.from_dict(stored).as_dict()["energy"] == {"joules": 3}


def test_a_metric_of_a_newer_version_is_kept(whole):
    """A metric that this version cannot compute has its value and its uncertainties all the same."""
    metrics = {"best@3": whole.as_dict()["metrics"]["pass@1"]}
    again = Summary.from_dict({**whole.as_dict(), "metrics": metrics})
    assert again.metrics["best@3"].name == "best@3"
    assert again.as_dict()["metrics"] == metrics


def test_older_files_lack_keys():
    """What is not there is not made up, and the number of problems comes from the coverage."""
    old = {"task": "t", "problems": 41, "coverage": 0.25, "samples": 41, "metrics": {}, "verdicts": {}}
    summary = Summary.from_dict({**old, "limits": {"timeout_s": 3}, "date": "2026-01-02T03:04:05"})
    assert (summary.problems_total, summary.limits) == (164, {"timeout_s": 3})
    for name in ("n", "distinct", "judge", "sandbox", "dataset_sha256", "generation_kwargs", "packages"):
        assert getattr(summary, name) is None, name
    assert summary.date.isoformat() == "2026-01-02T03:04:05+00:00"
    assert "packages" not in summary.as_dict()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"problems": None}, "there is no problems"),
        ({"samples": []}, "samples should be a whole number, not list"),
        ({"sandbox": "strict"}, "sandbox. should hold an object, not str"),
        ({"verdicts": {"passed": {}}}, "verdicts.passed should be a whole number, not dict"),
        ({"metrics": {"pass@1": {}}}, "there is no metrics.pass@1.value"),
        ({"warnings": 1}, "warnings should be a list, not int"),
    ],
)
def test_a_value_of_another_type_says_where(tmp_path, scored, changes, message):
    """The message has the file and the key, and no trace of Python."""
    folder = scored(tmp_path, COUNTS, **changes)
    with pytest.raises(SamplesError, match=r"results.json: not as a run of ours leaves it: ") as raised:
        reading.listing(folder / "results.json")
    assert message in str(raised.value)


def test_a_run_is_shown_with_all_that_its_file_has(tmp_path, scored, capsys):
    """`passk show --json` gives the stored object back, its metrics estimated again."""
    folder = scored(tmp_path, COUNTS, energy=3)
    stored = json.loads((folder / "results.json").read_text())
    assert main(["show", str(folder), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {key: shown[key] for key in stored} == stored


def test_a_summary_grows_into_a_run(whole):
    """`extended` keeps every attribute, and what is given wins."""
    more = extended(Summary, whole, task="other")
    assert (more.task, more.samples, more.metrics) == ("other", whole.samples, whole.metrics)


def test_null_is_what_is_not_there():
    """A key whose value is null reads as one that is missing, at any depth."""
    keys = Keys({"a": None, "b": {"c": None}})
    assert "a" not in keys
    assert (keys.text("a"), keys.texts("a"), keys.counts("a")) == (None, (), {})
    assert keys.inner("a").inner("x").whole("y") is None
    assert keys.inner("b").number("c") is None


def test_a_score_is_named_after_its_metric():
    """The value of a score is the one that both of its estimates share."""
    one = Estimate(0.5, None, None)
    assert Score("pass@1", one, one).value == 0.5
