"""Tests of passk_tasks.judging.selftest: what is tried before anything rests on the verdicts."""

from __future__ import annotations

import dataclasses

import contest_rows
import pytest

from passk_tasks import api, benchmarks
from passk_tasks.benchmarks import Dataset
from passk_tasks.code_eval import CodeEval
from passk_tasks.errors import SandboxError, SelftestError
from passk_tasks.harness import preflight
from passk_tasks.judging import selftest
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Judge
from passk_tasks.sandbox import supervisor, worker
from passk_tasks.tasks.catalog import TaskSpec, load_task

SPEC = load_task("passk_humaneval", {"samples": 2, "k": [1, 2], "workers": 2})
DATASET = benchmarks.load(benchmarks.get("humaneval"), SPEC.settings)
PROBLEM = DATASET.problems["HumanEval/0"]
EXECUTOR = local(SPEC.settings.confinement, 1)

# Put before what a worker's process runs: it compiles tests of functions into nothing, so that all pass.
_IDLE_TESTS = """
import builtins
real = builtins.compile
def idle(source, *arguments, **options):
    known = isinstance(source, str) and "assert following" in source
    return real("" if known else source, *arguments, **options)
builtins.compile = idle
"""
# Programs find no input.
_NO_INPUT = """
import fcntl
real = fcntl.fcntl
def refuse(fd, operation, *arguments):
    if operation == fcntl.F_ADD_SEALS:
        raise OSError(38, "no files in memory")
    return real(fd, operation, *arguments)
fcntl.fcntl = refuse
"""
BREAKS = {Judge.ISOLATED: _IDLE_TESTS, Judge.SCRIPT: _IDLE_TESTS, Judge.STDIO: _NO_INPUT}


def contest(task: str, folder) -> tuple[TaskSpec, Dataset]:
    """Return a task of contest problems, some for programs and some for functions."""
    family = load_task(task).settings.benchmark
    spec = load_task(task, {"data_files": str(contest_rows.folder(family, folder))})
    return spec, benchmarks.load(benchmarks.get(family), spec.settings)


@pytest.fixture
def tried(monkeypatch) -> list[tuple[Judge, str, bool]]:
    """Collect way, code and result of what is tried."""
    seen: list[tuple[Judge, str, bool]] = []
    real = supervisor.Sandbox.selftest

    def look(self, programs):
        for index, outcome in real(self, programs):
            seen.append((programs[index].judge, programs[index].code, outcome.passed))
            yield index, outcome

    monkeypatch.setattr(supervisor.Sandbox, "selftest", look)
    return seen


@pytest.mark.parametrize("judge", ["isolated", "script"])
def test_the_selftest_passes_on_this_host(judge):
    """A right program passes and a wrong one fails, under both judges."""
    selftest.of_task(load_task("passk_humaneval", {"judge": judge}), DATASET)


def test_every_way_at_hand_is_tried(tried, tmp_path):
    """Of APPS's rows of both kinds a right and a wrong program each, and of no other way."""
    spec, dataset = contest("passk_apps_introductory", tmp_path)
    assert selftest.of_task(spec, dataset) == ()
    assert sorted((judge.value, passed) for judge, _, passed in tried) == [
        ("isolated", False),
        ("isolated", True),
        ("stdio", False),
        ("stdio", True),
    ]


def test_what_is_not_at_hand_is_not_tried(tried, tmp_path):
    """Where only a program's samples are there, functions are not tried."""
    spec, dataset = contest("passk_apps_introductory", tmp_path)
    selftest.of_task(spec, dataset, {"APPS/1"})
    assert {judge for judge, _, _ in tried} == {Judge.STDIO}


# The examples of `command` are each language's: tests/sandbox/test_command.py.
@pytest.mark.parametrize("way", [judge for judge in Judge if judge is not Judge.COMMAND])
def test_a_sandbox_that_is_broken_for_one_kind_is_found(way, monkeypatch, tmp_path):
    """Whether the worker's process drops the tests of functions or has no input for programs: it is named."""
    spec, dataset = contest("passk_apps_introductory", tmp_path)
    spec = dataclasses.replace(spec, settings=dataclasses.replace(spec.settings, judge=way))
    monkeypatch.setattr(worker, "_BOOT", BREAKS[way] + worker._BOOT)
    with pytest.raises(SandboxError, match=rf"the sandbox .* program \(judge {way}"):
        selftest.of_task(spec, dataset)
    unbroken = [examples[0] for judge, examples in selftest.EXAMPLES.items() if BREAKS[judge] != BREAKS[way]]
    selftest.require(unbroken, EXECUTOR)


@pytest.mark.parametrize("way", [Judge.ISOLATED, Judge.STDIO])
def test_whoever_judges_finds_it(way, monkeypatch, tmp_path):
    """An audit and a run of lm-eval end before the first of their programs."""
    spec, dataset = contest("passk_apps_introductory", tmp_path)
    monkeypatch.setattr(worker, "_BOOT", BREAKS[way] + worker._BOOT)
    monkeypatch.setattr(preflight, "_tested", set())
    with pytest.raises(SandboxError, match=f"judge {way}"):
        api.audit_task(spec.name, {"data_files": spec.settings.data_files})
    with pytest.raises(SandboxError, match=f"task passk_apps_introductory: .*judge {way}"):
        preflight.check_sandbox(spec, dataset)


def test_code_eval_finds_it(monkeypatch):
    """The metric gives no number where a wrong program would pass."""
    monkeypatch.setattr(worker, "_BOOT", BREAKS[Judge.SCRIPT] + worker._BOOT)
    with pytest.raises(SandboxError, match="judge script"):
        CodeEval()._compute([["x = 1"]], ["assert x == 2"], k=1)


def test_limits_that_are_too_low_are_named(monkeypatch):
    """Where a right program does not pass, the message says how it ended, and what to try."""
    wrong = selftest.EXAMPLES[Judge.ISOLATED][1]
    monkeypatch.setitem(selftest.EXAMPLES, Judge.ISOLATED, (wrong, wrong))
    with pytest.raises(SelftestError, match=r"judge isolated: failed.*raise them"):
        selftest.require([wrong], EXECUTOR)


def test_nothing_to_judge_needs_no_example(tried):
    """Without programs there is no way to be tried."""
    selftest.require([], local(Confinement()))
    assert tried == []


def test_a_reference_that_does_not_pass_is_named():
    """Where the dataset's own solution fails, it is the solution that is named, and not the sandbox."""
    broken = dataclasses.replace(PROBLEM, canonical_solution="    return 1 / 0\n")
    dataset = dataclasses.replace(DATASET, problems={"HumanEval/0": broken})
    (warning,) = selftest.of_task(SPEC, dataset)
    assert "HumanEval/0 (error: ZeroDivisionError" in warning
    assert "the sandbox judges rightly" in warning


def test_tests_that_a_wrong_program_passes_are_named():
    """Tests that cannot fail are named, and not the sandbox."""
    idle = dataclasses.replace(PROBLEM, test="def check(candidate):\n    pass\n")
    dataset = dataclasses.replace(DATASET, problems={"HumanEval/0": idle})
    assert selftest.of_task(SPEC, dataset) == (
        "a function that only returns None passes the tests of HumanEval/0",
    )
