"""The judge `command` beside MultiPL-E's own commands and rule, on real answers of a model."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import CommandTests, Confinement, Program
from passk_tasks.sandbox import toolchains

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "multipl_e"

spec = importlib.util.spec_from_file_location("bench_languages", ROOT / "bench" / "languages.py")
assert spec is not None
assert spec.loader is not None
bench = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bench)


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason=f"MultiPL-E's rows and answers are not in {DATA}")
@pytest.mark.parametrize("source", ["humaneval", "mbpp"])
@pytest.mark.parametrize("language", bench.COMMANDS)
def test_verdicts_agree_with_the_rule(language, source):
    """Every answer passes here exactly where it passes by MultiPL-E's commands, run as plain subprocesses."""
    if missing := toolchains.hint([language]):
        pytest.skip(missing)
    answers = list(bench.answers(DATA, language, 20, source))
    assert len(answers) == 20
    programs = [Program(name, code, CommandTests(language, tests)) for name, code, tests in answers]
    outcomes = batch.judge(programs, local(Confinement(), 1)).outcomes
    different = {
        name: (ok, said[-200:], outcome)
        for (name, code, tests), outcome in zip(answers, outcomes, strict=True)
        for ok, said in [bench.rule(language, f"{code}\n{tests}")]
        if ok is not outcome.passed
    }
    assert not different
