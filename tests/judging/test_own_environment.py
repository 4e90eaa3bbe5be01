"""Versions and data sets of a benchmark's own environment."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import sys

import library_layout
import pytest
import shared_data

from passk_tasks import benchmarks
from passk_tasks.benchmarks import data_sets
from passk_tasks.judging import libraries, own_environment
from passk_tasks.program import Judge
from passk_tasks.results import conditions, store
from passk_tasks.results.summary import Summary
from passk_tasks.tasks.settings import Settings

WHOLE = "whole/ds1000/test.jsonl.gz"


def settings(tmp_path, name: str = "ds1000", **more) -> Settings:
    """Settings of a family with the problems of `library_layout`."""
    folder = library_layout.folder(name, tmp_path)
    return Settings(benchmark=name, judge=Judge.SCRIPT, data_files=str(folder), **more)


def loaded(chosen: Settings):
    """Return their problems."""
    return benchmarks.load(benchmarks.get(chosen.benchmark), chosen)


@pytest.fixture
def pins(monkeypatch):
    """Let DS-1000's pins be set by a test."""

    def pin(**versions: str) -> None:
        monkeypatch.setattr(type(benchmarks.get("ds1000")), "pins", versions)

    return pin


def test_versions_that_differ_are_told_with_what_they_cost(tmp_path, pins):
    """The warning has both versions, the references known to fail, and how to get the benchmark's own."""
    chosen = settings(tmp_path)
    dataset = loaded(chosen)
    here = importlib.metadata.version("numpy")
    pins(python="3.1", numpy="0.9")
    told = own_environment.unpinned(dataset, chosen)
    assert told["numpy"] == ("0.9", here)
    assert told["python"][0] == "3.1"
    text = " ".join(own_environment.warnings(dataset, chosen))
    assert f"numpy {here} (its own: 0.9)" in text
    assert "65 references that pass with its own are known to fail" in text
    assert "Pandas 47" in text
    assert "python3.1 -m venv ENV && ENV/bin/pip install" in text
    assert "numpy==0.9" in text


def test_its_own_versions_need_no_word(tmp_path, pins):
    """Equal versions are equal in any spelling, and a patch of the interpreter is no difference."""
    chosen = settings(tmp_path)
    pins(python="{}.{}".format(*sys.version_info), numpy=importlib.metadata.version("numpy") + ".0")
    assert own_environment.unpinned(loaded(chosen), chosen) == {}


def test_hints_name_the_benchmarks_own_versions(tmp_path):
    """For the same Python they go where candidates import; for another, into an environment of that one."""
    chosen = settings(tmp_path)
    dataset = loaded(chosen)
    assert (
        libraries.install_line(["sklearn", "PIL"], {"sklearn": "1.4.0"})
        == "pip install pillow scikit-learn==1.4.0"
    )
    assert libraries.install_line(["numpy"], {}, sys.executable) == f"{sys.executable} -m pip install numpy"
    hint = libraries.install_hint(["seaborn"], dataset, chosen)
    assert "seaborn==0.13.2" in hint
    assert hint.startswith("python3.10 -m venv ENV") is (sys.version_info[:2] != (3, 10))


@pytest.mark.parametrize("name", benchmarks.names())
def test_pins_are_of_libraries_that_the_family_needs(name):
    """Whoever has pins has one for each of its libraries, and for the interpreter."""
    family = benchmarks.get(name)
    if family.pins:
        assert {*family.libraries, "python"} <= family.pins.keys()
    assert bool(family.outgrown) <= bool(family.outgrown_with)


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ('x = sns.load_dataset("tips")', ("seaborn-data/tips.csv",)),
        ("import seaborn as s\ns.load_dataset( 'penguins' , cache=True)", ("seaborn-data/penguins.csv",)),
        ("fetch_california_housing()", ("scikit_learn_data/cal_housing_py3.pkz",)),
        ("datasets.fetch_openml('mnist')", ("scikit_learn_data/openml",)),
        ("fetch_something_new(a)", ("scikit_learn_data/",)),
        ("load_iris(); prefetch_all(); load_dataset(name)", ()),
    ],
)
def test_which_files_a_program_reads(source, files):
    """What seaborn and scikit-learn download is found by their own names for it."""
    assert data_sets.read_by(source) == files


def test_the_problems_of_ds1000_that_read_data(tmp_path):
    """They are the 15 whose references fail without a network; each that has its file is within reach."""
    rows = shared_data.rows(WHOLE)
    chosen = Settings(benchmark="ds1000", judge=Judge.SCRIPT, data_files=str(shared_data.path(WHOLE).parent))
    dataset = loaded(chosen)
    assert len(dataset.problems) == len(rows)
    numbers = (519, 539, 565, 566, 567, 577, 598, 624, 629, 650, 654, 655, 656, 661, 819)
    unread = own_environment.unread(dataset, chosen)
    assert list(unread) == [f"DS-1000/{number}" for number in numbers]
    assert "15 problems cannot pass here" in " ".join(own_environment.warnings(dataset, chosen))
    (tmp_path / "seaborn-data").mkdir()
    (tmp_path / "seaborn-data" / "penguins.csv").write_text("")
    shown = dataclasses.replace(chosen, shown=str(tmp_path))
    assert len(own_environment.unread(dataset, shown)) == 15 - 6


def test_data_is_a_condition_of_a_run(tmp_path):
    """Two runs with other data or another interpreter are told apart, wherever both lie."""

    def of(**changes) -> conditions.Conditions:
        facts = {**store.provenance("stdlib", shown=str(tmp_path)), **changes}
        summary = Summary(task="t", problems=0, problems_total=0, samples=0, metrics={}, verdicts={}, **facts)
        return conditions.from_score(Summary.from_dict(summary.as_dict()))

    (tmp_path / "a").write_text("1")
    first = of()
    (tmp_path / "a").write_text("2")
    second = of()
    assert first.shown != second.shown
    assert of(shown=None).shown == "none"
    assert of(python="3.10.1").python != second.python
    (tmp_path / "a").rename(tmp_path / "b")
    assert of().shown != second.shown


def test_results_keep_what_was_out_of_reach():
    """Both are written and read back as they were."""
    facts = {"unpinned": {"numpy": "1.26.4"}, "out_of_reach": {"t/1": ("seaborn-data/tips.csv",)}}
    summary = Summary(task="t", problems=0, problems_total=0, samples=0, metrics={}, verdicts={}, **facts)
    again = Summary.from_dict(summary.as_dict())
    assert (again.unpinned, again.out_of_reach) == (facts["unpinned"], facts["out_of_reach"])


@pytest.mark.parametrize(("version", "is_told"), [("3.10.1", False), ("3.13.9", False), ("3.19.0", True)])
def test_a_grammar_that_extraction_does_not_know_is_told(tmp_path, monkeypatch, version, is_told):
    """Syntax up to 3.13 is read whatever Python runs this package; answers in newer syntax may be cut."""
    used = dataclasses.replace(own_environment.interpreter(None), version=version)
    monkeypatch.setattr(own_environment, "interpreter", lambda _python: used)
    chosen = settings(tmp_path)
    told = " ".join(own_environment.warnings(loaded(chosen), chosen))
    assert ("answers in newer syntax may be cut" in told) is is_told
