"""Tests of passk_tasks.benchmarks.cruxeval: an expression is hostile code."""

from __future__ import annotations

import hub_layout
import pytest
import shared_data
import started

from passk_tasks import benchmarks
from passk_tasks.judging import batch
from passk_tasks.program import Judge, Limits
from passk_tasks.verdict import Outcome, Verdict

ROWS = hub_layout.rows("cruxeval_output")
EQUAL = "type('E', (), {'__eq__': lambda *a: True, '__hash__': None})()"


def judged(which: str, answer: str | None, row: int = 0, **limits: float) -> Outcome:
    """Return the outcome of an answer to a problem of ours."""
    family = benchmarks.get(f"cruxeval_{which}")
    problem = family.problem(list(family.rows(ROWS))[row])
    program = family.program(problem, answer, Judge.ISOLATED)
    return batch.judge([program], started.sandbox(Limits(**limits))).outcomes[0]


@pytest.mark.parametrize(
    ("which", "answer", "row", "verdict"),
    [
        ("output", "['a', 'b']", 0, Verdict.PASSED),
        ("output", "'a==b'.split('==')", 0, Verdict.PASSED),
        ("output", "['a', 'b'], 'a message'", 0, Verdict.PASSED),
        ("output", "('a', 'b')", 0, Verdict.FAILED),
        ("output", "(7, 2)", 1, Verdict.PASSED),
        ("output", "(7, 2.0)", 1, Verdict.PASSED),
        ("output", "[7, 2]", 1, Verdict.FAILED),
        ("input", "f('a==b')", 0, Verdict.PASSED),
        ("input", "f('a' '==' 'b')", 0, Verdict.PASSED),
        ("input", "f('a', 'b')", 0, Verdict.ERROR),
        ("input", "f(7, 3)", 1, Verdict.PASSED),
        ("input", "f(**{'n': 7, 'by': 3})", 1, Verdict.PASSED),
        ("input", "f(7)", 1, Verdict.FAILED),
        ("input", "['a', 'b']", 0, Verdict.SYNTAX_ERROR),
        ("input", "f('x') or ['a', 'b']", 0, Verdict.SYNTAX_ERROR),
        ("input", "g('a==b')", 0, Verdict.SYNTAX_ERROR),
        ("output", None, 0, Verdict.NO_CODE),
    ],
)
def test_answers(which: str, answer: str | None, row: int, verdict: Verdict) -> None:
    """Any expression of the right value passes; the value decides, by `==`, as in the repository."""
    assert judged(which, answer, row).verdict is verdict


ROUND = (
    "import math\nxs = [1, 2]\nys = xs * 2\ndef f(a, b=2):\n    xs.append(9)\n    return a[:b]\nzs = f(ys)"
)


@pytest.mark.parametrize(
    ("which", "answer", "verdict"),
    [
        ("input", "f(ys[1:], 1)", Verdict.FAILED),
        ("input", "f(ys, b=math.floor(2.5))", Verdict.PASSED),
        ("input", "f(zs)", Verdict.PASSED),
        ("input", "f(xs)", Verdict.PASSED),
        ("input", "f(f(ys))", Verdict.FAILED),
        ("output", "ys[:2]", Verdict.PASSED),
        ("output", "zs", Verdict.PASSED),
        ("output", "f(ys)", Verdict.ERROR),
        ("output", "ys", Verdict.FAILED),
        ("output", "unknown", Verdict.ERROR),
    ],
)
@pytest.mark.parametrize("place", [Judge.ISOLATED, Judge.SCRIPT])
def test_what_stands_beside_the_function(which: str, answer: str, verdict: Verdict, place: Judge) -> None:
    """An answer may use what the module has besides the function, as in the repository."""
    family = benchmarks.get(f"cruxeval_{which}")
    row = {"id": "x", "code": ROUND, "input": "ys", "output": "[1, 2]"}
    problem = family.problem(next(iter(family.rows([row]))))
    program = family.program(problem, answer, place)
    assert batch.judge([program], started.sandbox()).outcomes[0].verdict is verdict


HOSTILE = {
    "an object equal to everything": (EQUAL, Verdict.FAILED),
    "in a list": (f"[{EQUAL}, {EQUAL}]", Verdict.FAILED),
    "an early exit": ("__import__('os')._exit(0)", Verdict.CRASHED),
    "SystemExit": ("__import__('sys').exit(0)", Verdict.CRASHED),
    "a walrus": ("(predicted := ['a', 'b'][0])", Verdict.FAILED),
    "a function": ("(lambda: ['a', 'b'])", Verdict.FAILED),
    "the function's name": ("f('a==b')", Verdict.ERROR),
    "a yield": ("(yield)", Verdict.SYNTAX_ERROR),
    "an await": ("(await x)", Verdict.SYNTAX_ERROR),
    "a second statement": ("['a']\nimport os", Verdict.SYNTAX_ERROR),
    "a semicolon": ("['a']; f = print", Verdict.SYNTAX_ERROR),
    "closing the parenthesis": ("1)\npredicted = lambda: ['a', 'b']\n(1", Verdict.SYNTAX_ERROR),
    "a weaker operator": ("1 or True", Verdict.SYNTAX_ERROR),
    "a chain": ("1 == 1", Verdict.SYNTAX_ERROR),
    "a huge text": ("'a' * 10 ** 12", Verdict.MEMORY_LIMIT),
    "a huge number": ("10 ** 10 ** 10", Verdict.TIMEOUT),
    "a long literal": ("[" + "1," * 60_000 + "]", Verdict.FAILED),
    "digits beyond the limit": ("9" * 5000, Verdict.SYNTAX_ERROR),
    "deep nesting": ("[" * 4000 + "]" * 4000, Verdict.SYNTAX_ERROR),
    "recursion": ("(lambda g: g(g))(lambda g: g(g))", Verdict.ERROR),
    "an endless loop": ("[0 for _ in iter(int, 1)]", Verdict.TIMEOUT),
    "a class that compares": ("type('L', (list,), {'__eq__': lambda *a: True})(['x'])", Verdict.FAILED),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_outputs(name: str) -> None:
    """An expression that is not the output does not pass, whatever it does in its process."""
    answer, verdict = HOSTILE[name]
    outcome = judged("output", answer, timeout_s=0.3)
    assert not outcome.passed
    assert outcome.verdict in (verdict, Verdict.MEMORY_LIMIT)


@pytest.mark.parametrize(
    "answer",
    [
        f"f({EQUAL})",
        "f(globals().update(f=lambda *a, **k: ['a', 'b']))",
        "f(globals().update(predicted=lambda: (('x',), {'text': 'a==b'})))",
        "f(*iter(int, 1))",
        "f(__import__('os')._exit(0))",
        "f((f := lambda *a: ((), {})))",
        "f(type('S', (str,), {'split': lambda *a: ['a', 'b']})('x'))",
        "f(type('T', (), {'split': lambda *a: ['a', 'b']})())",
        "f(lambda *a: ['a', 'b'])",
        "f(10 ** 10 ** 10)",
        "f((yield))",
        "f('a' * 10 ** 12)",
    ],
)
def test_hostile_inputs(answer: str) -> None:
    """Only plain arguments reach the function, which runs where the expression cannot change it."""
    assert judged("input", answer, timeout_s=0.3).verdict not in (Verdict.PASSED, Verdict.INFRA_ERROR)


def test_arguments_that_keep_the_function_busy() -> None:
    """A predicted input that the function never gets done with is a timeout of that sample, nothing more."""
    family = benchmarks.get("cruxeval_input")
    for code in ("def f(n):\n    while n: pass", "def f(n):\n    return n ** n % 7"):
        row = {"id": "x", "code": code, "input": "0", "output": "1"}
        problem = family.problem(next(iter(family.rows([row]))))
        program = family.program(problem, "f(10 ** 9)", Judge.ISOLATED)
        (outcome,) = batch.judge([program], started.sandbox(Limits(timeout_s=0.5))).outcomes
        assert outcome.verdict in (Verdict.TIMEOUT, Verdict.MEMORY_LIMIT)


def test_the_function_runs_with_the_predicted_arguments() -> None:
    """Input prediction accepts any arguments that lead to the output, not only the dataset's."""
    assert judged("input", "f(14 // 2, 3.5)", 1).passed
    assert judged("input", "f(7, by=4)", 1).verdict is Verdict.FAILED


@pytest.mark.parametrize("which", ["output", "input"])
def test_reference_answers_of_real_rows_pass(which: str) -> None:
    """Every real row's own input and output pass, under both judges."""
    family = benchmarks.get(f"cruxeval_{which}")
    problems = [family.problem(row) for row in family.rows(shared_data.rows("more/cruxeval.jsonl"))]
    programs = [
        family.program(problem, family.canonical(problem), judge)
        for problem in problems
        for judge in (Judge.ISOLATED, Judge.SCRIPT)
    ]
    assert len(programs) == 20
    assert {o.verdict for o in batch.judge(programs, started.sandbox()).outcomes} == {Verdict.PASSED}


@pytest.mark.parametrize(
    ("which", "answer", "row", "left_out"),
    [
        ("input", "f('a==b')", 0, False),
        ("input", "g(f('a==b'))", 0, False),
        ("input", "'a==b'", 0, True),
        ("input", "", 0, True),
        ("input", None, 0, True),
        ("output", "['a', 'b']", 0, False),
        ("output", "f('a==b')", 0, True),
        ("output", "list(f('a==b'))", 0, True),
        ("output", "f('ab')", 0, False),
        ("output", "(f(7, by=3))", 1, True),
        ("output", "f(7, 3)", 1, False),
        ("output", None, 0, False),
    ],
)
def test_answers_that_the_repository_leaves_out(
    which: str, answer: str | None, row: int, left_out: bool
) -> None:
    """It evaluates no answer for an input without a call of f, and none for an output with the very call."""
    family = benchmarks.get(f"cruxeval_{which}")
    assert family.leaves_out(family.problem(list(family.rows(ROWS))[row]), answer) is left_out


def test_blanks_in_the_call_do_not_matter() -> None:
    """Extraction writes expressions anew, so the dataset's blanks may be gone from an answer."""
    family = benchmarks.get("cruxeval_output")
    row = {"id": "x", "code": "def f(a, b): return a", "input": "[1,2],  'x'", "output": "[1, 2]"}
    problem = family.problem(next(iter(family.rows([row]))))
    assert family.leaves_out(problem, "f([1, 2], 'x')")
    assert family.leaves_out(problem, "f([1,2],  'x')")
    assert not family.leaves_out(problem, "f([1, 2], 'y')")
