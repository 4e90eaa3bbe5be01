"""Calls that are sent before earlier answers are there: the same verdicts and order, and no standstill."""

from __future__ import annotations

import pytest

from passk_tasks.benchmarks.evalplus import without_waiting
from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Limits, Program, Tests
from passk_tasks.verdict import Outcome, Verdict

LOOP = "for i, (inp, exp) in enumerate(zip(inputs, results)):\n    assertion(f(*inp), exp, 0)\n"
AHEAD = "for exp, out in zip(results, f.each(inputs)):\n    assertion(out, exp, 0)\n"
HEAD = "def assertion(out, exp, atol):\n    assert out == exp\n\n"
SIXTY = ("[[n] for n in range(60)]", "list(range(60))")


def judged(code: str, source: str) -> Outcome:
    """Return the outcome of a candidate under tests that may call ahead."""
    program = Program("t", code, Tests(source, ("f",)))
    return batch.judge([program], local(Confinement(), 1)).outcomes[0]


def source_of(inputs: str, results: str, loop: str = AHEAD) -> str:
    """Return tests of these inputs."""
    return f"{HEAD}inputs = {inputs}\nresults = {results}\n{loop}"


@pytest.mark.parametrize("atol", ["0", "1e-06", "0.0001"])
def test_the_loops_of_evalplus(atol: str) -> None:
    """Both sets' loops are rewritten, whatever the tolerance, and nothing before them is."""
    mbpp = (HEAD + LOOP).replace(", 0)", f", {atol})")
    assert without_waiting(mbpp) == (HEAD + AHEAD).replace(", 0)", f", {atol})")
    body = "".join(f"    {line}\n" for line in LOOP.splitlines())
    humaneval = f"def check(f):\n    inputs, results = [], []\n{body}\n\n"
    assert without_waiting(humaneval).startswith(
        "def check(f):\n    inputs, results = [], []\n    for exp, out in "
    )
    assert without_waiting(humaneval).endswith("\n        assertion(out, exp, 0)\n")


@pytest.mark.parametrize(
    "test",
    [
        HEAD + LOOP + "assert f(1) == 1\n",
        HEAD + LOOP.replace("f(*inp), exp, 0", "f(*inp), exp, f(*inp), 0"),
        HEAD + LOOP.replace("exp, 0", "ref_func(*inp), 0"),
        HEAD + LOOP.replace("zip(inputs, results)", "zip(inputs, outputs)"),
        "def check(candidate):\n    assert candidate(1) == 1\n",
    ],
)
def test_other_tests_stay_as_they_are(test: str) -> None:
    """Only EvalPlus's own loop, at the very end, is known well enough."""
    assert without_waiting(test) == test


def test_right_answers_pass() -> None:
    """Some hundred calls, of any plain arguments and results."""
    inputs = "[[n, [n] * n, {'k': (n,)}] for n in range(150)]"
    outcome = judged(
        "def f(n, a, b): return (n, sum(a), b['k'])\n",
        source_of(inputs, "[(n, n * n, (n,)) for n in range(150)]"),
    )
    assert outcome.passed, outcome


def test_a_wrong_answer_is_what_counts() -> None:
    """What calls behind the first wrong answer do is never waited for, and decides nothing."""
    ends = [
        "while True: pass",
        "import os; os._exit(0)",
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "raise SystemExit",
        "x = []\n    while True: x.append(bytearray(1 << 24))",
    ]
    tests = Tests(source_of(*SIXTY), ("f",))
    programs = [
        Program(
            "t",
            f"def f(n):\n    if n == {first}: return -1\n    if n < {first}: return n\n    {rest}\n",
            tests,
        )
        for rest in ends
        for first in (0, 1, 2, 5, 6, 40)
    ]
    outcomes = batch.judge(programs, local(Confinement(Limits(timeout_s=20.0)))).outcomes
    assert {outcome.verdict for outcome in outcomes} == {Verdict.FAILED}, outcomes


def test_what_ends_the_calls_decides() -> None:
    """Right answers before do not help: verdict and detail are those of calls that wait for each answer."""
    ends = {
        "while True: pass": Verdict.TIMEOUT,
        "import os; os._exit(0)": Verdict.CRASHED,
        "raise ValueError(n)": Verdict.ERROR,
        "return object()": Verdict.FAILED,
    }
    ahead, waiting = (Tests(source_of(*SIXTY, loop), ("f",)) for loop in (AHEAD, LOOP))
    programs = [
        Program("t", f"def f(n):\n    if n < 20: return n\n    {rest}\n", tests)
        for tests in (ahead, waiting)
        for rest in ends
    ]
    outcomes = [
        (o.verdict, o.detail)
        for o in batch.judge(programs, local(Confinement(Limits(timeout_s=0.5)))).outcomes
    ]
    assert outcomes[: len(ends)] == outcomes[len(ends) :]
    assert [verdict for verdict, _ in outcomes[: len(ends)]] == list(ends.values())


def test_calls_after_calls_that_nobody_waits_for() -> None:
    """An answer that was left behind is not taken for the next one."""
    source = (
        "seen = f.each([n] for n in range(50))\n"
        "assert [next(seen) for _ in range(4)] == [0, 1, 2, 3]\n"
        "assert f(99) == 99\n"
        "assert list(f.each([[7], [8], [9]])) == [7, 8, 9]\n"
        "assert f(5) == 5\n"
    )
    assert judged("def f(n): return n\n", source).passed


def test_calls_in_between_end_the_loop() -> None:
    """Answers that were given up for another call are not waited for."""
    source = "seen = f.each([n] for n in range(50))\nfor n in seen:\n    assert f(n) == n\n"
    outcome = judged("def f(n): return n\n", source)
    assert outcome.verdict is Verdict.ERROR
    assert "another call came between" in outcome.detail


def test_changed_arguments_are_seen() -> None:
    """What a call does to its arguments is done here too, once its result is there."""
    source = "given = [[[3, 1, 2]], [[9, 8]], [[5, 4]]]\nassert list(f.each(given)) == [None] * 3\n" + (
        "assert given == [[[1, 2, 3]], [[8, 9]], [[4, 5]]]\n"
    )
    assert judged("def f(a): a.sort()\n", source).passed


def test_large_messages_do_not_block() -> None:
    """Neither side waits for the other to read, whatever the size of arguments and results."""
    code = "def f(text, n): return text + str(n)\n"
    programs = []
    for size in (10, 1_000, 5_000, 40_000, 300_000, 3_000_000):
        source = source_of(
            f"[['x' * {size}, n] for n in range(12)]", f"['x' * {size} + str(n) for n in range(12)]"
        )
        programs.append(Program("t", code, Tests(source, ("f",))))
    outcomes = batch.judge(programs, local(Confinement(Limits(timeout_s=10.0)))).outcomes
    assert all(outcome.passed for outcome in outcomes), outcomes


def test_forged_answers_are_no_answers() -> None:
    """Answers that the candidate writes itself, ahead of those asked for, end it or are wrong."""
    code = (
        "import os, struct\n"
        "def f(n):\n"
        "    raw = b'[\"value\",' + str(n + 1).encode() + b']'\n"
        "    os.write(3, struct.pack('<I', len(raw)) + raw)\n"
        "    return -1\n"
    )
    outcome = judged(code, source_of("[[n] for n in range(20)]", "list(range(20))"))
    assert not outcome.passed


def test_a_name_that_is_not_there() -> None:
    """A candidate without the function is an error, as in any other test."""
    outcome = judged("g = 1\n", source_of("[[1]]", "[1]"))
    assert outcome.verdict is Verdict.ERROR
    assert "'f' is not defined" in outcome.detail
