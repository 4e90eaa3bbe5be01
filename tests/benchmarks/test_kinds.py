"""What families say of their tests, held against the programs that they make."""

from __future__ import annotations

from pathlib import Path

import hub_layout
import pytest
from contest_rows import FUNCTION, METHOD

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Benchmark
from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.problem import Problem
from passk_tasks.program import Confinement, Judge, Limits, Program, StdioTests, Tests
from passk_tasks.tasks import catalog
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Verdict


def loaded(family: Benchmark, judge: Judge, folder: Path) -> list[Problem]:
    """Return the problems at hand, where the setting `judge` says this."""
    settings = Settings(benchmark=family.name, judge=judge)
    if family.name != "humaneval":  # whose problems are installed
        settings = Settings.parse({"data_files": folder}, where="here", base=settings)
    return list(benchmarks.load(family, settings).problems.values())


def programs(family: Benchmark, judge: Judge, folder: Path) -> list[Program]:
    """Return a program for each problem at hand, where the setting `judge` says this."""
    return [family.program(problem, None, judge.place) for problem in loaded(family, judge, folder)]


@pytest.mark.parametrize("name", benchmarks.names())
def test_no_program_falls_outside_of_what_its_family_lists(name: str, tmp_path: Path) -> None:
    """Whatever the setting says, tests are of a kind and in a place that the family names."""
    family = benchmarks.get(name)
    folder = hub_layout.folder(name, tmp_path) if name != "humaneval" else tmp_path
    assert family.judges
    for judge in family.judges:
        for program in programs(family, judge, folder):
            assert type(program.tests) in family.kinds, program.task_id
            assert isinstance(program.tests, StdioTests) or program.place in family.places, program.task_id


@pytest.mark.parametrize("name", ["apps_introductory", "livecodebench"])
def test_families_of_both_kinds(name: str, tmp_path: Path) -> None:
    """Where functions are judged is the choice of the setting; programs are judged as programs either way."""
    family = benchmarks.get(name)
    usual, script = family.judges
    folder = hub_layout.folder(name, tmp_path)
    assert {p.judge for p in programs(family, usual, folder)} >= {Judge.STDIO, Judge.ISOLATED}
    assert {p.judge for p in programs(family, script, folder)} == {Judge.STDIO, Judge.SCRIPT}


EVALPLUS = (15.5, 4.0, 4096)
LIMITS = {
    "livecodebench": (50.0, 6.0, 4096),
    "apps_introductory": (2.75, 4.0, 4096),
    "apps_interview": (2.75, 4.0, 4096),
    "apps_competition": (2.75, 4.0, 4096),
    "code_contests": (None, 10.0, 300),
    "humaneval_plus": EVALPLUS,
    "mbpp_plus": EVALPLUS,
    **{name: EVALPLUS for name in benchmarks.names() if name.startswith("evoeval_")},
}
"""By family: what all calls may take, in limits of one; that limit, in seconds; memory, in MiB."""


@pytest.mark.parametrize("name", LIMITS)
def test_limits_are_the_benchmarks_own(name: str, tmp_path: Path) -> None:
    """Tests of functions time each call where the benchmark's own harness does, and tasks say how long."""
    family = benchmarks.get(name)
    times, timeout_s, memory_mib = LIMITS[name]
    assert family.whole_times == times
    for program in programs(family, family.judges[0], hub_layout.folder(name, tmp_path)):
        theirs = times if isinstance(program.tests, Tests) or name.startswith("apps") else None
        assert program.tests.whole_times == theirs, program.task_id
    tasks = [task for task in catalog.task_names() if catalog.load_task(task).settings.benchmark == name]
    assert tasks
    for task in tasks:
        settings = catalog.load_task(task).settings
        assert (settings.timeout_s, settings.memory_mib) == (timeout_s, memory_mib), task


@pytest.mark.parametrize("name", sorted({*benchmarks.names()} - {*LIMITS, "passk_custom", "custom"}))
def test_other_benchmarks_time_the_whole(name: str, tmp_path: Path) -> None:
    """Where the benchmark's own harness gives a program one limit, so do we."""
    family = benchmarks.get(name)
    folder = hub_layout.folder(name, tmp_path) if name != "humaneval" else tmp_path
    tests = [program.tests for program in programs(family, family.judges[0], folder)]
    assert {(made.whole_times, made.timeout_s) for made in tests} == {(None, None)}


SLOWED = """
import time

def slowed(f):
    def slow(*args, **kwargs):
        end = time.process_time() + {}
        while time.process_time() < end: pass
        return f(*args, **kwargs)
    return slow

{name} = slowed({name})
"""


@pytest.mark.parametrize(
    "name",
    [*(pytest.param(n, marks=pytest.mark.slow) for n in ("livecodebench", "apps_introductory")), "mbpp_plus"],
)
def test_each_call_has_its_limit_under_the_tests_of_a_family(name: str, tmp_path: Path) -> None:
    """Where a call takes longer than the limit it is a timeout; others may be slow too."""
    family = benchmarks.get(name)
    problem = next(
        problem
        for problem in loaded(family, family.judges[0], hub_layout.folder(name, tmp_path))
        if isinstance(family.program(problem, None, Judge.ISOLATED).tests, Tests)
        and family.one_process(problem) is None
    )
    right = {"livecodebench": METHOD, "apps_introductory": FUNCTION}.get(name) or family.canonical(problem)
    function = ("Solution." if name == "livecodebench" else "") + family.function(problem)
    made = [
        family.program(problem, f"{right}\n{SLOWED.format(seconds, name=function)}", Judge.ISOLATED)
        for seconds in (0.3, 2.5)
    ]
    outcomes = batch.judge(made, local(Confinement(Limits(timeout_s=1.0, memory_mib=1024)), 1)).outcomes
    assert [outcome.verdict for outcome in outcomes] == [Verdict.PASSED, Verdict.TIMEOUT], outcomes
