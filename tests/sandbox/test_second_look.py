"""Tests of what `script` tries a program with: which values change, and that no right program falls."""

from __future__ import annotations

import ast
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Judge, Program, Tests
from passk_tasks.sandbox.box import claims, in_one_process, second_look
from passk_tasks.verdict import Outcome, Verdict

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
) | st.sets(st.integers() | st.text())


def judged(code: str, tests: str, *, names: tuple[str, ...] = ("f",), prelude: str = "") -> Outcome:
    """Return what comes of one program under `script`."""
    given_tests = Tests(textwrap.dedent(tests), names, textwrap.dedent(prelude))
    program = Program("t/0", textwrap.dedent(code), given_tests, Judge.SCRIPT)
    return batch.judge([program], local(Confinement(), 1)).outcomes[0]


def claimed(tests: str) -> list[object]:
    """Return the expected values that may change, in their order."""
    tree = ast.parse(textwrap.dedent(tests) + "\nassert 5 == 5\n")
    return [claim.value for claim in claims.claims(tree)][:-1]


@given(PLAIN, st.sampled_from([None, 0.0, 1e-6, 0.5]))
def test_another_value_is_another(value: object, within: float | None) -> None:
    """Whatever is expected, the other value is of a kind that crosses, and not equal."""
    other = claims.another(value, within)
    assert other != value
    assert claims._closed(ast.parse(repr([1]), mode="eval").body) == (True, [1])
    second_look.marshal.dumps(other)


@given(st.integers(-(10**30), 10**30) | st.floats(-1e9, 1e9), st.floats(1e-9, 10))
def test_another_value_is_further_than_the_tolerance(value: float, within: float) -> None:
    """A result that is near enough to the expected value is not near enough to the other one."""
    assert abs(claims.another(value, within) - value) > 2 * within


@pytest.mark.parametrize(
    ("tests", "values"),
    [
        ("assert f(1) == 2\nassert [3] == f(2)", [2, [3]]),
        ("assert f(1) is None\nassert f(2) is True\nassert f(3) is f(3)", [None, True]),
        ("assert abs(f(1) - 2.5) < 1e-6\nassert abs(f(1) - 2.5) < 1e9", [2.5]),
        ("def check(g):\n    assert g(1) == 2\n    if g(2): return\n    assert g(3) == 4\ncheck(f)", [2]),
        ("expected = 'a' + str(6)\nassert f(1) == expected", ["a6"]),
        ("given = 3\nassert f(given) == given", []),
        ("for a, b in [(1, 2), (3, 4)]:\n    assert f(a) == b", [2, 4]),
        ("for a, b in zip([1, 3], [2, 4]):\n    assert f(a) == b", [2, 4]),
        ("for a, b in zip([1], [2, 4]):\n    assert f(a) == b", []),
        ("for i, (a, b) in enumerate([(1, 2)]):\n    assert f(a) == b", [2]),
        ("for a, b in [(1, 2)]:\n    if a: continue\n    assert f(a) == b", []),
        ("def same(a, b):\n    assert f(a) == b\nsame(1, 2)\nsame(3, 4)", [2, 4]),
        ("if f(1) != 2:\n    raise ValueError\nif f(1) != 3:\n    pass", [2]),
        ("import math\nassert math.isclose(f(1), 2.5)\nassert math.isclose(f(1), 2.5, abs_tol=1e9)", [2.5]),
        ("def isclose(a, b):\n    return True\nassert isclose(f(1), 2.5)", []),
        ("assert f(1).isclose(f(2), 0.5)", []),
        ("try:\n    assert f(1) == 2\nexcept AssertionError:\n    pass", []),
        ("if f(1):\n    assert f(1) == 2", []),
        ("def check(g):\n    assert g(1) == 2", []),
        ("def check(g):\n    assert g(1) == 2\n    yield\ncheck(f)", []),
        ("from unittest.mock import ANY\nassert (f(1), ANY) == (2, 3)", []),
        ("class Any:\n    def __eq__(self, other):\n        return True\nassert [Any()] == [2]", []),
        ("assert f(1) == 2 or f(1) == 3\nassert 1 == 1", []),
    ],
)
def test_what_may_change(tests: str, values: list[object]) -> None:
    """An expected value changes only where it is compared in any case, and with nothing but a result."""
    assert claimed(tests) == values


@pytest.mark.parametrize(
    "tests",
    [
        "print('nothing is asserted')",
        "assert f(1)\nassert not f(0)",
        "try:\n    assert f(1) == 2\nexcept AssertionError:\n    pass",
        "for item in []:\n    assert f(item) == 2",
        "from unittest.mock import ANY\nassert [f(1), 3] == [ANY, 3]",
        "class Any:\n    def __eq__(self, other):\n        return True\nassert f(1) == Any()",
        "value = 1\nassert f(value) == value\nfor value in [1, 2]:\n    assert f(value) == value",
        "assert abs(f(3) - 3.0) <= 1e-9\nassert f(10**30) == 10**30\nassert f(1e308) == 1e308",
        "from unittest.mock import patch\nwith patch('builtins.print') as printed:\n    f(print(1))\n"
        "printed.assert_called_once_with(1)",
        "assert sum([f(1), 1]) == 2\nassert globals()['f'](1) == 1\nassert (g := f(1)) == 1 and g == 1",
        "import math\nassert later(1.5) == 1",
        "assert f('a') == 'a' \\\n\n# the end",
    ],
)
def test_right_programs_pass_whatever_the_tests_look_like(tests: str) -> None:
    """A right program passes: no value is changed that it need not return, and nothing else changes."""
    outcome = judged("def f(x):\n    return x\n\ndef later(x):\n    return math.floor(x)\n", tests)
    assert (outcome.verdict, outcome.detail, outcome.flags) == (Verdict.PASSED, "", ())


def test_both_runs_look_alike() -> None:
    """The tests that a program must not pass are those that it must but for one value, masked in both."""
    prepared = second_look.Prepared("assert f(3) == 'sixteen'\nassert f(4) == 'twenty'\n", ("f",), "")
    first = prepared.message()
    assert [{**other, "code": ""} for other in prepared.others()] == [{**first, "code": ""}] * 2
    for message in (first, *prepared.others()):
        code = second_look.marshal.loads(bytes.fromhex(message["code"]))
        assert b"teen" not in bytes.fromhex(message["code"])
        assert code.co_names == second_look.marshal.loads(bytes.fromhex(first["code"])).co_names
        assert {in_one_process.SEEN, in_one_process.UNMASK} <= set(code.co_consts)
    assert len({other["code"] for other in (first, *prepared.others())}) == 3


ANSWERS_FOR_THE_DRIVER = """
import json, os, time
def say(*parts):
    raw = json.dumps(parts).encode()
    os.write(3, len(raw).to_bytes(4, "little") + raw)
def f(x):
    say("ended", [])
    say("proof", json.loads(os.read(3, 99)[4:])[1])
    time.sleep(60)
"""


@pytest.mark.parametrize(
    "tests", ["x = [" + "12345, " * 20_000 + "]\nassert f(1) == 1", "assert " + "not " * 600 + "f(1)"]
)
def test_large_and_deep_tests_are_tried_by_their_end(tests: str) -> None:
    """Tests too large or too deep to look at get one more assertion, and are tried with it made wrong."""
    assert len(second_look.Prepared(tests, ("f",), "").others()) == 1
    assert judged("def f(x):\n    return x\n", tests).passed
    assert not judged(ANSWERS_FOR_THE_DRIVER, tests).passed


def test_test_classes_inside_of_a_program() -> None:
    """Where a program has a test class in a literal, its values change, unless tests may be skipped."""
    tests = "class T(TestCase):\n    def test_é(self):\n        self.assertEqual(f('é'), 'ü')\n"
    program = f"run({tests!r})\n"
    [make] = second_look._texts(program)
    [call] = [node for node in ast.walk(ast.parse(make(False))) if isinstance(node, ast.Call)]
    changed = call.args[0].value  # type: ignore[attr-defined]
    assert changed != tests
    assert changed.startswith(tests[: tests.index("'ü'")] + "('")
    assert not list(second_look._texts(f"run({tests.replace('self.a', 'self.skipTest(1); self.a')!r})\n"))


def test_base_and_other_tests_are_tried_each() -> None:
    """A program that forges the base alone has not passed it."""
    code = (
        "import sys\nclass Any:\n"
        "    def __eq__(self, other): return 'in_one' not in sys._getframe(1).f_code.co_filename\n"
        "def f(x):\n    return Any() if x == 1 else x\n"
    )
    for decides in (True, False):
        tests = Tests("assert f(2) == 2\n", ("f",), "", "assert f(1) == 1\n", decides)
        [outcome] = batch.judge([Program("t/0", code, tests, Judge.SCRIPT)], local(Confinement())).outcomes
        assert (outcome.base_passed, outcome.passed) == (False, not decides)
    [right] = batch.judge(
        [Program("t/0", "def f(x): return x", tests, Judge.SCRIPT)], local(Confinement())
    ).outcomes
    assert (right.base_passed, right.passed) == (True, True)


def test_a_pass_that_says_nothing_is_told() -> None:
    """The detail of a program that passes whatever is expected says so."""
    outcome = judged(
        "import sys\ndef f(x):\n    return sys._getframe(1).f_locals['expected']\n",
        "for given, expected in [(1, 2), (3, 4)]:\n    assert f(given) == expected\n",
    )
    assert outcome.verdict is Verdict.FAILED
    assert "also passes with another expected value" in outcome.detail
