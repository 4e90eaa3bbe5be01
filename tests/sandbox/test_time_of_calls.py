"""The limit of each call, and the cap of all of them: where tests have them, and how they are counted."""

from __future__ import annotations

import dataclasses

import pytest

from passk_tasks.benchmarks.contests import LINES
from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Judge, Limits, Program, StdioTests, Tests
from passk_tasks.sandbox.box.process import _Clock
from passk_tasks.verdict import Outcome, Verdict

WORKS = (
    "import time\ndef f(s):\n    end = time.process_time() + s\n"
    "    while time.process_time() < end: pass\n    return s\n"
)
SLEEPS = "import time\ndef f(s):\n    time.sleep(s)\n    return s\n"
LIMITS = Limits(timeout_s=0.3, backstop=1000.0)
# Calls take a quarter of that or more than twice as long, so that no load changes a verdict.


def judged(code: str, tests: Tests | StdioTests, place: Judge = Judge.ISOLATED) -> Outcome:
    """Return the outcome of a candidate under tests with 0.3 s a call."""
    return batch.judge([Program("t", code, tests, place)], local(Confinement(LIMITS), 1)).outcomes[0]


def calls(source: str, times: float | None = 20.0, **more: object) -> Tests:
    """Return tests that call `f`, with a limit a call unless `times` is None."""
    return dataclasses.replace(Tests(source, ("f",), whole_times=times), **more)


@pytest.mark.parametrize("code", [WORKS, SLEEPS], ids=["works", "sleeps"])
@pytest.mark.parametrize(
    ("source", "passes"),
    [
        ("for _ in range(8): assert f(0.07) == 0.07", True),
        ("assert list(f.each([[0.07]] * 8)) == [0.07] * 8", True),
        ("seen = f.each([[0.07]] * 8)\nnext(seen), next(seen), next(seen)\nassert f(0.05) == 0.05", True),
        ("assert f(0.8) == 0.8", False),
        ("assert f(0.07) == 0.07\nassert f(0.8) == 0.8", False),
        ("assert list(f.each([[0.05], [0.8], [0.05]]))[0] == 0.05", False),
        ("try:\n    f(0.8)\nexcept BaseException: pass", False),
    ],
)
def test_each_call_has_the_limit_for_itself(code: str, source: str, passes: bool) -> None:
    """Calls may take longer than the limit together, no call may, however it is made and spends its time."""
    outcome = judged(code, calls(source))
    assert outcome.verdict is (Verdict.PASSED if passes else Verdict.TIMEOUT), outcome
    assert passes or outcome.detail == "no result after 0.3 s"


def test_a_step_of_a_generator_is_a_call() -> None:
    """What a function returns may be asked step by step; each step has the limit."""
    code = WORKS + "work = f\ndef f(s):\n    for _ in range(5):\n        yield work(s)\n"
    assert judged(code, calls("assert list(f(0.07)) == [0.07] * 5")).passed


def test_loading_counts_as_a_call() -> None:
    """Statements of the module have a call's limit, too."""
    assert judged(f"{WORKS}f(0.8)\n", calls("pass")).verdict is Verdict.TIMEOUT


def test_all_calls_have_a_cap() -> None:
    """Calls within the limit end with the cap of the whole; each stage has it for itself."""
    outcome = judged(WORKS, calls("for _ in range(16): f(0.07)", 2.0))
    assert (outcome.verdict, outcome.detail) == (Verdict.TIMEOUT, "no result after 0.6 s")
    three = "for _ in range(4): f(0.07)"
    both = judged(WORKS, calls(three, 2.0, base=three))
    assert (both.verdict, both.base_passed) == (Verdict.PASSED, True), both
    late = judged(WORKS, calls("for _ in range(16): f(0.07)", 2.0, base=three))
    assert (late.verdict, late.base_passed) == (Verdict.TIMEOUT, True), late


def test_without_a_limit_a_call_all_share_one() -> None:
    """As before: the limit is for all calls, and for both stages."""
    eight, three = "for _ in range(12): f(0.07)", "for _ in range(6): f(0.07)"
    assert judged(WORKS, calls(eight, None)).verdict is Verdict.TIMEOUT
    assert judged(WORKS, calls(three, None, base=three)).verdict is Verdict.TIMEOUT


def test_a_problem_can_raise_the_limit_of_its_calls() -> None:
    """A problem's own limit holds where it is longer than the run's, and not where it is shorter."""
    assert judged(WORKS, calls("f(0.45)", timeout_s=1.5)).passed
    assert judged(WORKS, calls("f(0.8)", timeout_s=0.1)).verdict is Verdict.TIMEOUT
    assert judged(WORKS, calls("f(0.07)", timeout_s=0.1)).passed


def test_in_one_process_the_cap_is_all_there_is() -> None:
    """Calls in the candidate's process are not timed one by one; all of them end with the cap."""
    assert judged(WORKS, calls("for _ in range(8): f(0.07)"), Judge.SCRIPT).passed
    assert judged(WORKS, calls("f(0.8)"), Judge.SCRIPT).passed
    late = judged(WORKS, calls("f(5)", 2.0), Judge.SCRIPT)
    assert (late.verdict, late.detail) == (Verdict.TIMEOUT, "no result after 0.6 s")


def test_all_cases_have_a_cap() -> None:
    """Cases within the limit end with the cap of the whole, which starting their processes does not reach."""
    takes = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass\nprint(1)"
    eight = StdioTests.of([("", "1")] * 8, comparison=LINES, whole_times=1.0, timeout_s=9.0)
    assert judged(takes.format(0.05), eight).passed
    late = judged(takes.format(0.6), eight)
    assert (late.verdict, late.detail.partition(": ")[2]) == (
        Verdict.TIMEOUT,
        "the tests together took more than 1.9 s",
    )
    sleeping = judged("import time\ntime.sleep(0.6)\nprint(1)", eight)
    assert sleeping.verdict is Verdict.TIMEOUT


def test_limits_that_do_not_change_leave_the_hash() -> None:
    """What a program is executed with is part of its hash; without limits of its own it is as it was."""
    plain = Program("t", "def f(): pass", Tests("f()", ("f",)))
    assert plain.sha256 == "eb04611853dbd36e0ca8773ae629b510302edf28ec39bf254e2a0e876980a633"
    changed = [{"whole_times": 15.5}, {"whole_times": 2.75}, {"timeout_s": 5.0}]
    hashes = {
        dataclasses.replace(plain, tests=dataclasses.replace(plain.tests, **change)).sha256
        for change in changed
    }
    cases = StdioTests.of([("", "")], comparison=LINES)
    programs = [
        Program("t", "pass", dataclasses.replace(cases, **change))
        for change in ({}, {"whole_times": 2.0}, {"any_end": True}, {"any_status": True})
    ]
    assert programs[0].sha256 == "147fc2e3006d6b2cd9c6bfe4d09ab09e0af75aed0b75313ce5864d91e3359ef6"
    assert len({plain.sha256, *hashes, *(program.sha256 for program in programs)}) == 8


def test_a_worker_is_waited_for_as_long_as_it_may_judge() -> None:
    """The supervisor's patience is the limit of all that is judged without a word in between."""
    assert Tests("", ()).longest_s(3.0) == 3.0
    assert Tests("", (), base="f()").longest_s(3.0) == 3.0
    assert Tests("", (), timeout_s=5.0).longest_s(3.0) == 5.0
    assert Tests("", (), whole_times=4.0).longest_s(3.0) == 12.0
    assert Tests("", (), base="f()", whole_times=4.0).longest_s(3.0) == 24.0
    assert StdioTests.of([("", "")], comparison=LINES, whole_times=9.0).longest_s(3.0) == 3.0


def test_a_clock_counts_from_the_next_look() -> None:
    """What was used before the first look of a call belongs to nobody: at most a tenth of a second."""
    clock = _Clock(4.0, 80.0)
    assert clock.left_s(1.0) == 3.0
    clock.begin(7.0)
    assert clock.left_s(3.9) == 4.0
    clock.looked(3.9)
    clock.looked(5.0)
    assert clock.left_s(5.0) == pytest.approx(2.9)
    assert clock.wall_s(9.0) == 2.0
