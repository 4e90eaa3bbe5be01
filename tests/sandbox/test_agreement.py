"""Random tests and programs get the same verdict across the channel as in one process.

The tests bind nested, shared and cyclic values, call, look at identity, change arguments and results, and
call again. What they assert is what happens in one process with one candidate; others are judged by it too.
PASSK_AGREEMENT_CASES sets how many verdicts are compared.
"""

from __future__ import annotations

import contextlib
import os
import random
import textwrap
from dataclasses import dataclass
from typing import Any

import pytest

from passk_tasks import benchmarks, runner
from passk_tasks.program import Judge, Limits, Program, Tests
from passk_tasks.verdict import Verdict

LIMITS = Limits(timeout_s=5.0)
BATCH = 4000
CANDIDATES = 4  # judged by each problem's tests

# Both sides have these; whatever they are given, they do something to it.
HELPERS = textwrap.dedent(
    """
    import copy

    def get(x, i=0):
        if type(x) in (list, tuple):
            return x[i % len(x)] if x else x
        return list(x.values())[i % len(x)] if type(x) is dict and x else x

    def put(x, y):
        if type(x) is list:
            x.append(y)
        elif type(x) is dict:
            x[len(x)] = y
        elif type(x) is set:
            x.add(len(x))

    def drop(x):
        if type(x) in (list, set) and x:
            x.pop()
        elif type(x) is dict and x:
            x.popitem()

    def turn(x):
        if type(x) is list:
            x.reverse()

    def same(x, y):
        return x is y and type(x) in (list, dict, set)
    """
)
PROMPT = HELPERS + '\n\ndef f(a, b=None):\n    """Do something."""\n'


@dataclass(frozen=True)
class Candidate:
    """A candidate, and whether it keeps objects from one call to the next."""

    code: str
    keeps: bool


def a_candidate(chance: random.Random) -> Candidate:
    """Return a function of some random steps."""
    keeps = chance.random() < 0.2
    steps = [
        "x = a", "x = b", "x = [x]", "x = [a, a]", "x = [x, b]", "x = (a, x)", "x = {'k': x, 'l': a}",
        "x = get(a)", "x = get(x, 1)", "x = copy.copy(x)", "x = copy.deepcopy(x)", "put(a, x)", "put(x, b)",
        "put(b, a)", "drop(a)", "drop(x)", "turn(a)", "a, b = b, a", "x = [[0] * 2] * 2", "x = [a == b]",
        "x = same(a, b)", "x = len(repr(a))", "x = [float('nan')] * 2", "x = x == [x]", "put(get(a), x)",
        "x = {1, 2}", "x = list(a) if type(a) is list else x",
        f"if {chance.random() < 0.3}: raise ValueError(repr(x))",
    ]  # fmt: skip
    kept = [
        "kept.append(a)",
        "kept.append(x)",
        "x = kept",
        "x = get(kept)",
        "put(get(kept), b)",
        "put(kept, 3)",
    ]
    body = [chance.choice(steps) for _ in range(chance.randint(1, 5))]
    if keeps:
        body = chance.sample(kept, 2) + body
        chance.shuffle(body)
    lines = [
        "kept = []",
        "def f(a, b=None):",
        "    x = [1]",
        *(f"    {step}" for step in body),
        "    return x",
    ]
    return Candidate(HELPERS + "\n".join(lines) + "\n", keeps)


LITERALS = (
    "[]", "[1, 2]", "[[1], [2]]", "{'a': [1]}", "3", "'ab'", "(1, [2])", "{1, 3}", "None", "[1.5, 'x', None]",
    "{1: {2: []}}", "[[]] * 2",
)  # fmt: skip


def plain_steps(chance: random.Random) -> list[str]:
    """Return tests that call with literals and compare what comes."""
    calls = [f"f({chance.choice(LITERALS)}, {chance.choice(LITERALS)})" for _ in range(chance.randint(1, 4))]
    return [f"LOOK {call}" for call in calls]


def curious_steps(chance: random.Random) -> list[str]:
    """Return tests that hand over what is shared, change what they gave and got, and look at identity."""
    steps = [f"{name} = {chance.choice(LITERALS)}" for name in "abr"]
    more = [
        "b = [a, a]", "b = (a, [a])", "b = {'a': a}", "put(a, a)", "put(a, b)", "b = a", "r = f(a)",
        "r = f(a, b)", "r = f(b, a)", "r = f(r, a)", "r = f(a, get(b))", "s = r\nr = f(a, s)", "put(r, 5)",
        "put(a, 6)", "drop(r)", "turn(a)", "put(get(r), 7)", "a = get(b, 1)", "n = float('nan')\na = [n, n]",
        "LOOK repr([a, b, r])", "LOOK r == a", "LOOK a == [get(a)]", "LOOK same(get(r), get(r, 1))",
        "LOOK [same(x, y) for x in (a, b, r, get(r)) for y in (a, b, r, get(b))]",
    ]  # fmt: skip
    for _ in range(chance.randint(3, 9)):
        steps += chance.choice(more).split("\n")
    return [
        "s = None",
        *steps,
        "LOOK repr([a, b, r, s])",
        "LOOK [same(x, y) for x in (r, s) for y in (a, b, r)]",
    ]


def written(steps: list[str], candidate: Candidate) -> str:
    """Return the steps as tests that hold for this candidate in one process.

    An exception is part of what happens: tests of people have `try` too.
    """
    namespace: dict[str, Any] = {}
    exec(candidate.code, namespace)
    lines = []
    for step in steps:
        look = step.removeprefix("LOOK ")
        try:
            seen = repr(eval(look, namespace)) if look != step else exec(step, namespace)
        except Exception as error:
            lines += [
                "try:",
                f"    {look}",
                f"except {type(error).__name__} as e:",
                "    pass",
                "else:",
                "    assert False",
            ]
            continue
        lines.append(step if look == step else f"assert repr({look}) == {seen!r}")
    return "\n".join(lines) + "\n"


def cases(count: int, seed: int) -> list[tuple[Program, Program, bool]]:
    """Return programs under the judge that loading chose, the same in one process, and who keeps objects."""
    chance = random.Random(seed)
    family = benchmarks.get("custom")
    made = []
    while len(made) < count:
        candidates = [a_candidate(chance) for _ in range(CANDIDATES)]
        steps = (plain_steps if chance.random() < 0.6 else curious_steps)(chance)
        with contextlib.suppress(RecursionError):
            row = {"task_id": f"t/{len(made)}", "prompt": PROMPT, "entry_point": "f"}
            problem = family.problem({**row, "test": written(steps, candidates[0])})
            for candidate in candidates:
                ways = (Judge.ISOLATED, Judge.SCRIPT)
                isolated, script = (family.program(problem, candidate.code, judge) for judge in ways)
                made.append((isolated, script, candidate.keeps))
    return made


def disagreements(count: int, seed: int) -> tuple[list[str], dict[str, int]]:
    """Judge cases both ways; return those that differ without a known reason, and counts."""
    counts = {"cases": 0, "isolated": 0, "passed": 0, "kept": 0}
    differ = []
    for start in range(0, count, BATCH):
        batch = cases(min(BATCH, count - start), seed + start)
        outcomes = runner.judge([p for pair in batch for p in pair[:2]], limits=LIMITS).outcomes
        for (program, _, keeps), isolated, script in zip(batch, outcomes[::2], outcomes[1::2], strict=True):
            counts["cases"] += 1
            counts["isolated"] += isolated.judge == "isolated"
            counts["passed"] += script.passed
            if isolated.verdict is script.verdict and isolated.verdict is not Verdict.INFRA_ERROR:
                continue
            if keeps and isolated.judge == "isolated":
                counts["kept"] += 1  # KEPT
                continue
            assert isinstance(program.tests, Tests)
            code = str(program.code).removeprefix(HELPERS)
            differ.append(f"--- {isolated}\n--- {script}\n{code}\n{program.tests.source}")
    return differ, counts


def check(count: int, seed: int) -> None:
    """Compare that many verdicts."""
    differ, counts = disagreements(count, seed)
    print(counts)
    assert not differ, f"{len(differ)} of {counts}:\n" + "\n".join(differ[:3])
    assert counts["isolated"] >= counts["cases"] / 2
    assert counts["cases"] / 5 <= counts["passed"] <= counts["cases"] * 4 / 5


def test_verdicts_agree() -> None:
    """No random program gets another verdict for being judged apart from its tests."""
    check(int(os.environ.get("PASSK_AGREEMENT_CASES", "2000")), seed=1)


@pytest.mark.slow
def test_verdicts_agree_in_many_cases() -> None:
    """Nor does one of a hundred thousand."""
    check(100_000, seed=1_000_000)


# What the channel cannot keep: it knows objects within one call. Tests that could see it have to be judged in
# one process.
KEPT = {
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
    "the tests change what the candidate keeps": (
        "kept = []\ndef f():\n    return kept",
        "f().append(1)\nassert f() == [1]\n",
    ),
    "an exception holds what the tests gave": (
        "def f(x): raise ValueError(x)",
        "a = [1]\ntry:\n    f(a)\nexcept ValueError as e:\n    assert e.args[0] is a\n",
    ),
    "two arrays are of the same memory": (
        "def f(a, b):\n    a[0] = 5\n    return b[0]",
        "import numpy\na = numpy.zeros(2)\nassert f(a, a[:1]) == 5\n",
    ),
    "texts and numbers that are the same object": (
        "def f(x): return x",
        "x = 10 ** 30\nassert f(x) is x\n",
    ),
    "a view of a dictionary shows its changes": (
        "def f(x): return x.keys()",
        "a = {}\nr = f(a)\na[1] = 2\nassert list(r) == [1]\n",
    ),
}


@pytest.mark.parametrize("what", KEPT)
def test_what_the_channel_cannot_keep(what: str) -> None:
    """Each kind of disagreement that is left is there, and passes in one process."""
    code, source = KEPT[what]
    programs = [Program("t/0", code, Tests(source, ("f",)), how) for how in (Judge.ISOLATED, Judge.SCRIPT)]
    isolated, script = runner.judge(programs, limits=LIMITS, workers=1).outcomes
    assert script.passed
    assert isolated.verdict in (Verdict.FAILED, Verdict.ERROR)
