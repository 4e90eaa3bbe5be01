"""What families say of their tests, held against the programs that they make."""

from __future__ import annotations

from pathlib import Path

import hub_layout
import pytest

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Benchmark
from passk_tasks.program import Judge, Program, StdioTests
from passk_tasks.tasks.settings import Settings


def programs(family: Benchmark, judge: Judge, folder: Path) -> list[Program]:
    """Return a program for each problem at hand, where the setting `judge` says this."""
    settings = Settings(benchmark=family.name, judge=judge)
    if family.name != "humaneval":  # whose problems are installed
        settings = Settings.parse({"data_files": folder}, where="here", base=settings)
    dataset = benchmarks.load(family, settings)
    return [family.program(problem, None, judge.place) for problem in dataset.problems.values()]


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
