from __future__ import annotations

import dataclasses

import pytest

from passk_tasks import benchmarks
from passk_tasks.errors import SandboxError
from passk_tasks.judging import selftest
from passk_tasks.program import Tests
from passk_tasks.tasks.catalog import load_task

SPEC = load_task("passk_humaneval", {"samples": 2, "k": [1, 2], "workers": 2})
DATASET = benchmarks.load(benchmarks.get("humaneval"), SPEC.settings)
PROBLEM = DATASET.problems["HumanEval/0"]


@pytest.mark.parametrize("judge", ["isolated", "script"])
def test_the_selftest_passes_on_this_host(judge):
    """A right program passes and a wrong one fails, under both judges."""
    selftest.selftest(load_task("passk_humaneval", {"judge": judge}), DATASET)


def test_a_reference_that_does_not_pass_is_named():
    """Where the dataset's own solution fails, it is the solution that is named, and not the sandbox."""
    broken = dataclasses.replace(PROBLEM, canonical_solution="    return 1 / 0\n")
    dataset = dataclasses.replace(DATASET, problems={"HumanEval/0": broken})
    (warning,) = selftest.selftest(SPEC, dataset)
    assert "HumanEval/0 (error: ZeroDivisionError" in warning
    assert "the sandbox judges rightly" in warning


def test_a_sandbox_that_fails_the_right_program(monkeypatch):
    """Where this package's own right program fails, no verdict of this host can be trusted."""
    monkeypatch.setattr(selftest, "_NEXT_FUNCTION", Tests("assert following(1) == 3", ("following",)))
    with pytest.raises(SandboxError, match="fails a right program"):
        selftest.selftest(SPEC, DATASET)


def test_tests_that_a_wrong_program_passes_are_named():
    """Tests that cannot fail are named, and not the sandbox."""
    idle = dataclasses.replace(PROBLEM, test="def check(candidate):\n    pass\n")
    dataset = dataclasses.replace(DATASET, problems={"HumanEval/0": idle})
    assert selftest.selftest(SPEC, dataset) == (
        "a function that only returns None passes the tests of HumanEval/0",
    )
