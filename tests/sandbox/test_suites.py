"""Tests of many inputs: compiled once a problem, and not all of them kept."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from passk_tasks.judging import batch, executor
from passk_tasks.program import Confinement, Judge, Program, Tests
from passk_tasks.sandbox import supervisor, waiting, worker
from passk_tasks.sandbox.box import frames
from passk_tasks.sandbox.box.processes import descendants
from passk_tasks.sandbox.box.suites import Suite

RIGHT = "def f(x):\n    return x  # {}\n"


def large(number: int, items: int) -> Tests:
    """Return the tests of a problem, with a literal that takes its time to compile."""
    rows = ", ".join(f"[{i}, 'a{i + number}', ({i},)]" for i in range(items))
    return Tests(f"rows = [{rows}]\nassert f({number}) == {number}\n", ("f",))


class Watched(supervisor.Sandbox):
    """Notes what its processes used before they end: what dies with its namespace is nobody's child."""

    peak_mib = 0.0

    def __exit__(self, *error: object) -> None:
        Watched.peak_mib = max(peaks_mib())
        super().__exit__(*error)


def peaks_mib() -> Iterator[float]:
    """Yield the largest resident set of each process below this one."""
    for process in descendants(os.getpid()):
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{process}/status").read_text()
            peak = re.search(r"^VmHWM:\s+(\d+)", status, re.MULTILINE)
            yield int(peak[1]) / 1024 if peak else 0.0


@pytest.fixture(autouse=True)
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge in a sandbox that is watched."""
    monkeypatch.setattr(executor, "Sandbox", Watched)


def judged(programs: list[Program]) -> None:
    """Judge by one worker; all pass."""
    outcomes = batch.judge(programs, executor.local(Confinement(), 1)).outcomes
    assert all(outcome.passed for outcome in outcomes), outcomes


def test_tests_are_compiled_once_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker is given the tests of ten candidates once, and compiles what it was given once."""
    sent: list[bytes] = []
    pack = frames.pack
    monkeypatch.setattr(frames, "pack", lambda raw: (sent.append(raw), pack(raw))[1])
    judged([Program("t", RIGHT.format(i), large(1, 10)) for i in range(10)])
    assert sum("given" in json.loads(message) for message in sent) == 1
    suite = Suite("assert f() == 1\n", "", ["f"], "", base_decides=True, objects=False)
    assert suite.stages() is suite.stages()
    assert suite.prepared("isolated") is suite.prepared("isolated")


DIGITS = "import sys\nsys.set_int_max_str_digits(0)\n"
LENGTH = "def f(): return len(str(10**6000))"
LITERAL = "def f(): return len(str(" + "9" * 6001 + "))"
AT_ONCE = "X = len(str(10**6000))\ndef f(): return X"
ASSERTS = "assert f() == 6001\n"


@pytest.mark.parametrize("place", [Judge.ISOLATED, Judge.SCRIPT])
@pytest.mark.parametrize("code", [LENGTH, LITERAL, AT_ONCE])
@pytest.mark.parametrize(
    "tests",
    [
        Tests(DIGITS + ASSERTS, ("f",)),
        Tests(ASSERTS, ("f",), prelude=DIGITS),
        Tests(ASSERTS, ("f",), base=DIGITS + ASSERTS),
        Tests("from sys import *\nset_int_max_str_digits( 10000 )\n" + ASSERTS, ("f",)),
        Tests(f"def check(f):\n    import sys; sys.set_int_max_str_digits(0)\n    {ASSERTS}check(f)", ("f",)),
        Tests(f"import sys\nN = 0\nsys.set_int_max_str_digits(N)\n{ASSERTS}", ("f",)),
    ],
)
def test_digits_that_tests_allow(tests: Tests, code: str, place: Judge) -> None:
    """What tests say about the digits of integers holds for the candidate, wherever it runs."""
    if place is Judge.SCRIPT and tests.prelude:  # under `script` it is the candidate that has it
        code = tests.prelude + code
    judged([Program("t", code, tests, place)])


def test_digits_are_no_other_tests_affair() -> None:
    """Tests that say nothing of digits have the interpreter's own limit, whatever ran before them."""
    allows, refused = Tests(DIGITS + ASSERTS, ("f",)), Tests(DIGITS.replace("0", "100") + ASSERTS, ("f",))
    silent = Tests("assert len(str(f())) == 6001\n", ("f",))
    programs = [
        Program("a", LENGTH, allows),
        Program("b", LENGTH, Tests(ASSERTS, ("f",))),
        Program("c", "def f(): return 10**6000", silent),
        Program("d", LENGTH, allows),
        Program("e", LENGTH, refused),
    ]
    outcomes = batch.judge(programs, executor.local(Confinement(), 1)).outcomes
    assert [outcome.passed for outcome in outcomes] == [True, False, False, True, False], outcomes


@pytest.mark.whole
def test_a_worker_does_not_keep_all_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with the number of problems."""
    monkeypatch.setattr(worker, "_CASES_KEPT", 1 << 20)
    few = [Program(f"t{n}", RIGHT.format(n), large(n, 10_000)) for n in range(6)]
    judged(few)
    peak_mib = Watched.peak_mib
    judged(few + [Program(f"t{n}", RIGHT.format(n), large(n, 10_000)) for n in range(6, 30)])
    assert Watched.peak_mib < 1.3 * peak_mib


def test_workers_share_problems_out() -> None:
    """A worker keeps to the tests that it has; where all are begun it helps where most are left."""
    line = waiting.Waiting()
    for index, suite in enumerate([1, 1, 1, 2, 2, 3, 1]):
        line.add(index, suite)
    taken = [line.take(worker) for worker in "abaaab"]
    assert taken == [(0, 1), (3, 2), (1, 1), (2, 1), (6, 1), (4, 2)]
    line.put_back([1, 2])
    assert [line.take(worker) for worker in "bba"] == [(5, 3), (2, 1), (1, 1)]
    assert not line
    line.put_back([4])
    assert line.take("c") == (4, 2)
    assert not line
