"""Tests of what the judge `script` does in the candidate's own interpreter."""

from __future__ import annotations

import textwrap

import pytest

from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Judge, Program, Tests
from passk_tasks.verdict import Outcome, Verdict


def judged(code: str, tests: str, *, names: tuple[str, ...] = ("f",), prelude: str = "") -> Outcome:
    """Return what comes of one program under `script`."""
    given_tests = Tests(textwrap.dedent(tests), names, textwrap.dedent(prelude))
    program = Program("t/0", textwrap.dedent(code), given_tests, Judge.SCRIPT)
    return batch.judge([program], local(Confinement(), 1)).outcomes[0]


HONEST = {
    "money": """
        def __init__(self, n): self.n = n
        def __eq__(self, other): return self.n == getattr(other, "n", other)
        """,
    "a modulus": """
        def __init__(self, n): self.n = n % 2
        def __eq__(self, other): return self.n == other % 2
        """,
    "an expression": """
        def __init__(self, n): self.n = n
        def __eq__(self, other): return V([other]) if isinstance(other, str) else self.n == other
        """,
    "a lazy value": """
        def __init__(self, n): self.n = lambda: n
        def __eq__(self, other): return self.n() == other
        """,
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_objects_pass(name: str) -> None:
    """An object that equals a plain value passes where it does so for a reason."""
    code = f"class V:\n{textwrap.indent(textwrap.dedent(HONEST[name]), '    ')}\ndef f(n):\n    return V(n)\n"
    outcome = judged(code, "assert f(16) == 16\nassert f(23) == 23\nassert not f(3) == 4")
    assert (outcome.verdict, outcome.detail) == (Verdict.PASSED, "")


@pytest.mark.parametrize(
    ("code", "tests"),
    [
        ("def f(n):\n    yield from range(n)", "g = f(3)\nassert 1 in g\nassert list(g) == [2]"),
        ("def f(n):\n    x = [[] for _ in range(9)]\n    for y in x: y.extend(x)\n    return x",
         "assert len(f(1)) == 9"),
        ("def f(n):\n    return [(i, [i]) for i in range(n)]", "assert f(50_000)[9] == (9, [9])"),
        ("from unittest.mock import MagicMock\ndef f(m):\n    m.go(1)\n    return m",
         "from unittest.mock import MagicMock, call\nm = f(MagicMock())\nassert m.go.called\n"
         "assert m.mock_calls == [call.go(1)]"),
    ],
)  # fmt: skip
def test_looking_changes_nothing(code: str, tests: str) -> None:
    """To look at a result uses up no iterator, ends on circles, and is no call that a mock remembers."""
    assert judged(code, tests).passed


def test_a_liar_is_named() -> None:
    """The detail names the class whose objects equal everything."""
    outcome = judged(
        "class Yes:\n    def __eq__(self, other): return True\ndef f(n): return Yes()", "assert f(1) == 2"
    )
    assert outcome.verdict is Verdict.FAILED
    assert "an object of the class Yes says that it equals everything" in outcome.detail


def test_a_lie_that_the_tests_catch_still_counts() -> None:
    """Tests that swallow assertions do not make a liar pass."""
    code = "class Yes:\n    def __eq__(self, other): return True\ndef f(n): return Yes()"
    assert not judged(code, "try:\n    assert f(1) == 2\nexcept AssertionError:\n    pass").passed


def test_what_the_candidate_changed_is_put_back_and_told() -> None:
    """Modules, functions' code and classes that tests import are as they were, and the flags name them."""
    code = """
        import builtins, fractions, statistics
        builtins.round = lambda *a: 0
        statistics.mean.__code__ = (lambda data: 0).__code__
        fractions.Fraction.__eq__ = lambda self, other: True
        def f(values):
            return sum(values) / len(values)
        """
    tests = """
        import fractions, statistics
        assert f([1, 2, 6]) == statistics.mean([1, 2, 6]) == 3
        assert round(f([1, 2]), 1) == 1.5
        assert fractions.Fraction(1, 2) != 2
        """
    outcome = judged(code, tests)
    assert (outcome.verdict, outcome.detail) == (Verdict.PASSED, "")
    assert set(outcome.flags) == {
        "patched builtins.round",
        "patched statistics.mean.__code__",
        "patched fractions.Fraction.__eq__",
    }


def test_tests_have_builtins_and_helpers_of_their_own() -> None:
    """What the candidate names like a builtin or a function of the prompt is its own, and not the tests'."""
    prelude = "import math\ndef double(x):\n    return 2 * x\n"
    code = "def double(x, y):\n    return x * y\ndef sum(x):\n    return -1\n"
    code += "def f(x):\n    return double(x, sum(x))\n"
    assert judged(code, "assert sum([double(2), f(3)]) == 1", prelude=prelude).passed


def test_a_class_of_the_prompt_is_the_candidates() -> None:
    """Objects that tests make for the candidate are of the class that it has."""
    prelude = (
        "class Node:\n    def __init__(self, x):\n        self.x = x\ndef made(x):\n    return Node(x)\n"
    )
    code = prelude + "def f(node):\n    return node.x if type(node) is Node else None\n"
    assert judged(code, "assert f(Node(3)) == f(made(3)) == 3", prelude=prelude).passed
