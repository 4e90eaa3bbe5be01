"""Random tests and programs get the same verdict across the channel as in one process.

The tests bind nested, shared and cyclic values, call, look at identity, change arguments and results, and
call again. What they assert is what happens in one process with one candidate; others are judged by it too.
Of many cases, each is first run in the process that made it, which takes a twentieth of the time of the
judge for one process; that judge decides where the two ways differ, and looks at a few of the other cases.
PASSK_AGREEMENT_CASES sets how many verdicts are compared.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import textwrap
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from random_steps import (
    HELPERS,
    PROMPT,
    a_candidate,
    common_steps,
    curious_steps,
    daring_steps,
    several_steps,
)

from passk_tasks import benchmarks
from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Judge, Limits, Program, Tests
from passk_tasks.verdict import Verdict

LIMITS = Limits(timeout_s=5.0)
BATCH = 4000
CANDIDATES = 3  # judged by each problem's tests
WAYS = (Judge.ISOLATED, Judge.SCRIPT)


class _TooLongError(BaseException):
    """The reference candidate does not end."""


@contextlib.contextmanager
def _briefly() -> Iterator[None]:
    """Give what is inside a tenth of a second: a candidate may feed the loop that calls it."""

    def stop(*_: object) -> None:
        raise _TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def written(steps: list[str], candidate: str) -> str:
    """Return the steps as tests that hold for this candidate in one process.

    An exception is part of what happens: tests of people have `try` too.
    """
    namespace: dict[str, Any] = {}
    exec(candidate, namespace)
    lines = []
    for step in steps:
        look = step.removeprefix("LOOK ")
        try:
            if look == step:
                exec(step, namespace)
                lines.append(step)
            else:
                lines.append(_assertion(look, eval(look, namespace)))
        except Exception as error:
            lines += [
                "try:",
                textwrap.indent(look, "    "),
                f"except {type(error).__name__}:",
                "    pass",
                "else:",
                "    assert False",
            ]
    return "\n".join(lines) + "\n"


def _assertion(look: str, seen: Any) -> str:
    """Return what the tests say of a value: that it equals a literal, where one can be written."""
    shown = repr(seen)
    try:
        literal = bool(eval(shown, {}) == seen)
    except (SyntaxError, NameError):  # `nan`, an iterator
        literal = False
    if literal and "..." not in shown:  # which stands for a list within itself
        return f"assert ({look}) == {shown}" if seen is not None else f"assert ({look}) is None"
    if "<" in shown:  # the text has an address
        return f"assert ({look}) is not None"
    return f"assert repr({look}) == {shown!r}"


class Case(NamedTuple):
    """A program under the judge that loading chose, the same in one process, and how it just ends."""

    chosen: Program
    script: Program
    bare: Verdict


def just_run(program: Program) -> Verdict:
    """Return the verdict of a candidate and its tests, executed one below the other in this process."""
    assert isinstance(program.tests, Tests)
    namespace: dict[str, Any] = {"__name__": "solution"}
    try:
        for source in (program.tests.prelude, str(program.code), program.tests.source):
            exec(source, namespace)
    except AssertionError:
        return Verdict.FAILED
    except Exception:
        return Verdict.ERROR
    return Verdict.PASSED


def cases(count: int, seed: int) -> list[Case]:
    """Return random cases."""
    chance = random.Random(seed)
    family = benchmarks.get("custom")
    made: list[Case] = []
    while len(made) < count:
        candidates = [a_candidate(chance) for _ in range(CANDIDATES)]
        [kind] = chance.choices((common_steps, daring_steps, curious_steps, several_steps), (8, 1, 1, 2))
        row = {"task_id": f"t/{len(made)}", "prompt": PROMPT, "entry_point": "f"}
        with contextlib.suppress(RecursionError, _TooLongError):
            with _briefly():
                test = written(kind(chance), candidates[0])
            problem = family.problem({**row, "test": test})
            for code in candidates:
                chosen, script = (family.program(problem, code, judge) for judge in WAYS)
                with _briefly():
                    made.append(Case(chosen, script, just_run(script)))
    return made


def disagreements(count: int, seed: int, *, every: int) -> tuple[list[str], Counter[str]]:
    """Judge cases both ways; return those that differ, and counts.

    Args:
        count: how many cases.
        seed: of the generator.
        every: one of so many cases is judged in one process even if it ends there as it does when just run.
    """
    counts: Counter[str] = Counter()
    differ = []
    with local(Confinement(LIMITS)) as sandbox:
        for start in range(0, count, BATCH):
            made = cases(min(BATCH, count - start), seed + start)
            across = [case for case in made if case.chosen.judge is Judge.ISOLATED]
            outcomes = batch.judge([case.chosen for case in across], sandbox).outcomes
            counts["cases"] += len(made)
            counts["passed"] += sum(case.bare is Verdict.PASSED for case in made)
            counts["isolated"] += len(across)
            counts["isolated and passed"] += sum(outcome.passed for outcome in outcomes)
            counts["chosen isolated, judged in one process"] += sum(o.judge == Judge.SCRIPT for o in outcomes)
            looked_at = [
                (case, chosen)
                for number, (case, chosen) in enumerate(zip(across, outcomes, strict=True))
                if number % every == 0 or chosen.verdict is not case.bare
            ]
            within = batch.judge([case.script for case, _ in looked_at], sandbox).outcomes
            counts["judged in one process too"] += len(looked_at)
            for (case, chosen), script in zip(looked_at, within, strict=True):
                assert isinstance(case.script.tests, Tests)
                if chosen.verdict is script.verdict and chosen.verdict is not Verdict.INFRA_ERROR:
                    continue
                code = str(case.script.code).removeprefix(HELPERS)
                differ.append(f"--- {chosen}\n--- {script}\n{code}\n{case.script.tests.source}")
    return differ, counts


def check(count: int, seed: int, *, every: int) -> None:
    """Compare that many verdicts."""
    differ, counts = disagreements(count, seed, every=every)
    print(dict(counts))
    assert not differ, f"{len(differ)} of {dict(counts)}:\n" + "\n".join(differ[:3])
    assert counts["cases"] / 3 <= counts["isolated"] <= counts["cases"] * 4 / 5
    assert counts["isolated"] / 5 <= counts["isolated and passed"] <= counts["isolated"] * 4 / 5
    assert counts["cases"] / 5 <= counts["passed"] <= counts["cases"] * 4 / 5


def test_verdicts_agree() -> None:
    """No random program gets another verdict for being judged apart from its tests."""
    check(int(os.environ.get("PASSK_AGREEMENT_CASES", "2000")), seed=1, every=20)


@pytest.mark.slow
def test_verdicts_agree_in_many_cases() -> None:
    """Nor does one of a hundred thousand that are judged apart, half of all."""
    check(200_000, seed=1_000_000, every=50)


# What the channel cannot keep: it knows objects within one call. Such tests are judged in one process.
KEPT = {
    "a result is handed back that the candidate kept": (
        "kept = [[]]\ndef f(x):\n    kept[0].append(1)\n    return kept[0] if not x else x",
        "assert f(f([])) == [1, 1]\n",
    ),
    "an argument is handed over again": (
        "kept = []\ndef f(x):\n    kept.append(x)\n    kept[0].append(1)\n    return len(x)",
        "a = []\nf(a)\nassert f(a) == 2\n",
    ),
    "a result is copied that is an iterator": (
        "def f(): return iter([1])",
        "import copy\nassert list(copy.deepcopy(f())) == [1]\n",
    ),
    "a later call gives what an earlier one gave": (
        "kept = []\ndef f(): return kept",
        "r = f()\nassert f() is r\n",
    ),
    "a later call changes what an earlier one gave": (
        "kept = []\ndef f():\n    kept.append(1)\n    return kept",
        "r = f()\nf()\nassert r == [1, 1]\n",
    ),
    "a later call changes what an earlier one was given": (
        "kept = []\ndef f(x):\n    kept.append(x)\n    kept[0].append(1)",
        "a = []\nf(a)\nf([])\nassert a == [1, 1]\n",
    ),
    "an item of what an earlier call gave is taken after a later one": (
        "kept = []\ndef f(x):\n    kept[:] = [x]\n    return kept",
        "r = f(1)\nf(2)\nassert r[0] == 2\n",
    ),
    "an item of what an earlier call was given is taken after a later one": (
        "kept = []\ndef f(x):\n    kept.append(x)\n    kept[0][0] = len(kept)",
        "a = [5]\nf(a)\nf([1])\nassert a[:1] + [a[0]] == [2, 2]\n",
    ),
    "the tests change what the candidate keeps": (
        "kept = []\ndef f():\n    return kept",
        "f().append(1)\nassert f() == [1]\n",
    ),
    "results of several calls are compared as a list": (
        "kept = []\ndef f(x):\n    kept.append(x)\n    return kept",
        "assert [f(x) for x in 'ab'] == [['a', 'b'], ['a', 'b']]\n",
    ),
    "a list gets results one by one": (
        "kept = []\ndef f(x):\n    kept.append(x)\n    return kept",
        "r = []\nfor x in 'ab': r += [f(x)]\nassert r == [['a', 'b'], ['a', 'b']]\n",
    ),
    "a dictionary gets results as pairs": (
        "kept = []\ndef f(x):\n    kept.append(x)\n    return kept",
        "assert dict(zip('ab', map(f, 'ab'))) == {'a': ['a', 'b'], 'b': ['a', 'b']}\n",
    ),
    "the larger of two results is asked for": (
        "kept = []\ndef f(x):\n    kept[:] = [x]\n    return kept",
        "try:\n    max(f(1), f('a'))\nexcept TypeError:\n    assert False\n",
    ),
    "an exception holds what the tests gave": (
        "def f(x): raise ValueError(x)",
        "a = [1]\ntry:\n    f(a)\nexcept ValueError as e:\n    assert e.args[0] is a\n",
    ),
    "texts and numbers that are the same object": (
        "def f(x): return x",
        "x = 10 ** 30\nassert f(x) is x\n",
    ),
    "a memory view shows what another argument holds": (
        "def f(a, b):\n    a[0] = 5\n    return b[0]",
        "a = bytearray(2)\nassert f(a, memoryview(a)) == 5\n",
    ),
    "a view of a dictionary shows its changes": (
        "def f(x): return x.keys()",
        "a = {}\nr = f(a)\na[1] = 2\nassert list(r) == [1]\n",
    ),
}


# What is left: loading takes the items of a result for values, where both sides copy one result.
LEFT = {
    "two results are copied, and the second call changes an item of the first": (
        "kept = []\ndef f(x):\n    kept.append(x)\n    return [kept] if x == 1 else [[1, 2]]",
        "assert list(f(1)) == list(f(2))\n",
    ),
}


@pytest.mark.parametrize("what", KEPT | LEFT)
def test_what_the_channel_cannot_keep(what: str) -> None:
    """Each kind fails across the channel, passes in one process, and is judged there unless it is left."""
    code, source = (KEPT | LEFT)[what]
    row = {"task_id": "t/0", "prompt": "def f(", "entry_point": "f", "test": source}
    family = benchmarks.get("custom")
    chosen = family.program(family.problem(row), code, Judge.ISOLATED)
    isolated, script = (Program("t/0", code, Tests(source, ("f",)), way) for way in WAYS)
    across, within = batch.judge([isolated, script], local(Confinement(LIMITS), 1)).outcomes
    assert across.verdict in (Verdict.FAILED, Verdict.ERROR)
    assert within.passed
    assert chosen.judge is (Judge.ISOLATED if what in LEFT else Judge.SCRIPT)


# Arrays that share memory go on to share it, in a call.
SHARED = {
    "a part of an argument": (
        "def f(a, b):\n    a[0] = 5\n    return b[0]",
        "import numpy\na = numpy.zeros(2)\nassert f(a, a[:1]) == 5\n",
    ),
    "parts of an array that is not handed over": (
        "def f(a, b):\n    a[1] = 5\n    return b[0]",
        "import numpy\na = numpy.zeros(4)\nassert f(a[:3], a[1:]) == 5\n",
    ),
    "an array in another order": (
        "def f(a, b):\n    b[2, 0] = 5\n    return a.sum()",
        "import numpy\na = numpy.zeros((2, 3))\nassert f(a, numpy.transpose(a)) == 5\n",
    ),
    "what a call changed": (
        "def f(a, b):\n    b[0] = 5",
        "import numpy\na = numpy.zeros(2)\nf(a, a[1:])\nassert list(a) == [0, 5]\n",
    ),
}


ONE_PROCESS = {
    "an array of objects": "import numpy\na = numpy.array([0, None])\nassert f(a, a[:1]) == 5\n",
    "an array in Fortran's order": "import numpy\na = numpy.zeros((2, 2), order='F')[0]\n"
    "assert f(a, a[:1]) == 5\n",
    "parts of a large array": "import numpy\na = numpy.zeros(100_000)\nassert f(a[:1], a[:2]) == 5\n",
}


@pytest.mark.parametrize("what", ONE_PROCESS)
def test_arrays_whose_memory_does_not_cross_are_seen(what: str) -> None:
    """They are judged again in one process, and the outcome says so."""
    [code, _], source = SHARED["a part of an argument"], ONE_PROCESS[what]
    program = Program("t/0", code, Tests(source, ("f",)), Judge.ISOLATED)
    [outcome] = batch.judge([program], local(Confinement(LIMITS), 1)).outcomes
    assert outcome.passed, outcome
    assert outcome.judge == "script"
    assert "share memory" in outcome.flags[0]


@pytest.mark.parametrize("what", SHARED)
def test_arrays_share_memory_across_the_channel(what: str) -> None:
    """Each kind passes in both ways, and a candidate that takes the arrays apart fails in both."""
    code, source = SHARED[what]
    apart = code.replace("):\n", "):\n    a, b = a.copy(), b.copy()\n", 1)
    programs = [Program("t/0", text, Tests(source, ("f",)), way) for text in (code, apart) for way in WAYS]
    outcomes = batch.judge(programs, local(Confinement(LIMITS), 1)).outcomes
    assert [(outcome.passed, outcome.judge) for outcome in outcomes] == [
        (True, "isolated"), (True, "script"), (False, "isolated"), (False, "script"),
    ]  # fmt: skip
