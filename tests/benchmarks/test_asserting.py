"""Tests that pass anything are found before anything runs, in any benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import hub_layout
import pytest
import started

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Benchmark, inspection
from passk_tasks.errors import DatasetError
from passk_tasks.judging import batch
from passk_tasks.program import Judge
from passk_tasks.tasks.settings import Settings

IDLE = {
    "no statement": "",
    "a call": "f(1)",
    "a comparison without assert": "f(1) == 2",
    "an assertion of a pair": "assert (f(1) == 2, 'message')",
    "True": "assert True",
    "or True": "assert f(1) == 2 or True",
    "not False": "x = f(1)\nassert not False",
    "a constant": "x = f(1)\nassert 1 == 1",
    "both sides the same": "assert f(1) == f(1)",
    "never reached": "if False:\n    assert f(1) == 2",
    "as a program": "if __name__ == '__main__':\n    assert f(1) == 2",
    "a loop that does not begin": "xs = []\nfor i, x in enumerate(zip(xs, [1])):\n    assert f(x) == 2",
    "a loop over nothing": "for x in ():\n    assert f(x) == 2",
    "while False": "while False:\n    assert f(1) == 2",
    "a function that is not called": "def check(g):\n    assert g(1) == 2\n",
    "a function that returns first": "def check(g):\n    g(1)\n    return\n    assert g(1) == 2\ncheck(f)",
    "a function that only compares": "def check(g):\n    same = g(1) == 2\ncheck(f)",
    "a function that does not look": "def check(g):\n    assert len(xs) == 2\nxs = [1, 2]\ncheck(f)",
    "caught": "try:\n    assert f(1) == 2\nexcept Exception:\n    pass",
    "caught by name": "try:\n    assert f(1) == 2\nexcept (ValueError, AssertionError) as e:\n    print(e)",
    "suppressed": "import contextlib\nwith contextlib.suppress(AssertionError):\n    assert f(1) == 2",
    "printed": "print(f(1))\nprint('passed')",
    "all of nothing": "cases = []\nassert all(f(x) == y for x, y in cases)",
    "the function itself": "f(1)\nassert f",
    "a lambda": "assert lambda: f(1) == 2",
    "named and not called": "def check():\n    assert f(1) == 2\nf(1)\ncheck",
    "a coroutine that nobody awaits": "async def check():\n    assert f(1) == 2\ncheck()",
    "unittest without a test": "from unittest import *\nclass T(TestCase):\n    def look(self): assert f(1)",
    "doctests that are printed": "import doctest\ndoctest.run_docstring_examples(f, {})",
    "a range of nothing": "xs = []\nfor i in range(len(xs)):\n    assert f(xs[i]) == 2",
    "no numbers": "for x in range(0):\n    assert f(x) == 2",
    "an empty dictionary": "xs = {}\nfor x, y in xs.items():\n    assert f(x) == y",
    "a generator": "assert (f(x) == 2 for x in [1])",
    "unittest with constants": (
        "import unittest\nclass T(unittest.TestCase):\n    def test(self):\n"
        "        x = f(1)\n        self.assertEqual(x, x)\n        self.assertTrue(True)"
    ),
    "their own function": "def f(x):\n    return 2\nassert f(1) == 2",
    "other names": "def g(x): return x\nassert g(1) == 1",
}
TESTING = {
    "an assertion": "assert f(1) == 2",
    "of a name": "x = f(1)\nassert x",
    "raise": "if f(1) != 2:\n    raise ValueError",
    "assert False": "if f(1) != 2:\n    assert False, 'wrong'",
    "else": "if f(1) == 2:\n    pass\nelse:\n    assert 0",
    "a helper": "def same(a, b):\n    assert a == b\nsame(f(1), 2)",
    "a helper's helper": "def no():\n    raise ValueError\ndef same(a):\n    a == 2 or no()\nsame(f(1))",
    "numpy": "import numpy as np\nnp.testing.assert_allclose(f(1), 2)",
    "a function from elsewhere": "from compare import compare\ncompare(f(1), 2)",
    "unittest": "import unittest\nclass T(unittest.TestCase):\n    def test(self): self.assertTrue(f(1))",
    "an error wanted": "try:\n    f(1)\nexcept ValueError:\n    pass\nelse:\n    assert f is None",
    "raised again": "try:\n    assert f(1) == 2\nexcept Exception as e:\n    raise ValueError from e",
    "another error is caught": "try:\n    assert f(1) == 2\nexcept ValueError:\n    pass",
    "a flag": "ok = True\ntry:\n    assert f(1) == 2\nexcept Exception:\n    ok = False\nassert ok",
    "filled later": "xs = []\nxs.append((1, 2))\nfor x, y in xs:\n    assert f(x) == y",
    "bound twice": "xs = []\nxs = [1]\nfor x in xs:\n    assert f(x)",
    "exec": "exec('assert f(1) == 2')",
    "division": "1 / (f(1) == 2)",
    "a key": "{2: None}[f(1)]",
    "a range": "xs = [1]\nfor i in range(len(xs)):\n    assert f(xs[i]) == 2",
    "a dictionary": "xs = {}\nxs.update({1: 2})\nfor x, y in xs.items():\n    assert f(x) == y",
    "unittest with two sides": (
        "import unittest\nclass T(unittest.TestCase):\n    def test(self):\n        self.assertEqual(f(1), 2)"
    ),
    "unittest that calls a helper": (
        "import unittest\nclass T(unittest.TestCase):\n    def test(self):\n"
        "        self.assertTrue([self.look()])\n    def look(self):\n        assert f(1)"
    ),
    "used before it is defined anew": "assert f(1) == 2\ndef f(x):\n    return 2",
    "exit": "import sys\nf(1) == 2 or sys.exit(1)",
    "a map": "def same(p):\n    assert f(p[0]) == p[1]\nlist(map(same, [(1, 2)]))",
    "all of something": "assert all(f(x) == y for x, y in [(1, 2)])",
    "its name for something else": "for f in [f(1)]:\n    assert f",
    "a coroutine": "import asyncio\nasync def check():\n    assert f(1) == 2\nasyncio.run(check())",
    "by another name": "g = f\nassert g(1) == 2",
    "a parameter": "def check(candidate):\n    assert candidate(1) == 2\ncheck(f)",
    "a long list": f"inputs = [{'1, ' * 1000}]\nfor x in inputs:\n    assert f(x) == 2",
    "any function": "def test_it():\n    assert f(1) == 2\ntests = [test_it]\nfor test in tests:\n    test()",
    "a function by its name": "def test():\n    assert f(1) == 2\nglobals()['test']()",
    "doctest": "import doctest\nassert not doctest.testmod().failed",
    "by its module": "import __main__\nassert __main__.f(1) == 2",
    "not Python": "assert f(1",
}


@pytest.mark.parametrize("name", IDLE)
def test_tests_that_pass_anything(name: str) -> None:
    """They are found, whatever their form."""
    assert inspection.passes_anything(IDLE[name], ("f",))


@pytest.mark.parametrize("name", TESTING)
def test_tests_that_can_fail(name: str) -> None:
    """What can fail in any way is left alone."""
    assert not inspection.passes_anything(TESTING[name], ("f",))


@pytest.mark.parametrize("family", [f for f in benchmarks.imported() if f.embedded_rows()])
def test_embedded_tests_can_fail(family: Benchmark) -> None:
    """No embedded problem's tests pass anything, so that loading need not look; their hash is known."""
    assert family.sha256 is not None
    for problem in map(family.problem, family.embedded_rows() or []):
        tests = family.written_tests(problem)
        assert tests is not None
        assert not inspection.passes_anything(f"{tests.prelude}\n{tests.source}", tests.names)


ROWS = {
    "humaneval": {"test": "def check(candidate):\n    candidate(1) == 2\n"},
    "evoeval_subtle": {"test": "def check(candidate):\n    for x in []:\n        assert candidate(x)\n"},
    "mbpp": {"test_list": ["assert (add(1, 2) == 3, 'sum')", "add(1, 2)"]},
    "custom": {"test_list": ["add(1, 2) == 3"]},
}


@pytest.mark.parametrize("family", ROWS)
def test_rows_are_named(family: str, tmp_path: Path) -> None:
    """A set with such a row is refused, and the row named, in any benchmark."""
    row = {
        "task_id": "11",
        "prompt": "def add(a, b):\n",
        "text": "Add.",
        "entry_point": "add",
        "canonical_solution": "    return a + b\n",
        "code": "def add(a, b):\n    return a + b\n",
        "test": None,
        **ROWS[family],
    }
    row = {name: value for name, value in row.items() if value is not None}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    benchmark = benchmarks.get(family)
    with pytest.raises(DatasetError, match=r"tests of 1 of 1 problems pass whatever .* any answer: \S*11;"):
        benchmarks.load(benchmark, Settings(data_files=str(tmp_path / "rows.jsonl"), benchmark=family))


UNASSERTED = """import numpy as np

def assertion(out, exp, atol):
    if isinstance(out, bool):
        exact_match = out == exp
    else:
        exact_match = exp == (out is not None)

inputs = [[1]]
results = [True]
for i, (inp, exp) in enumerate(zip(inputs, results)):
    assertion(NAME(*inp), exp, 0)
"""


@pytest.mark.parametrize("place", [Judge.ISOLATED, Judge.SCRIPT])
def test_mbpp_plus_asserts_what_it_compares(place: Judge) -> None:
    """Three rows of MBPP+ compare and assert nothing; EvalPlus's evaluator asserts it, and so do we."""
    (first, *_) = hub_layout.rows("mbpp_plus")
    family = benchmarks.get("mbpp_plus")
    row = next(
        iter(family.rows([{**first, "test_list": ["assert check_str(1)"], "code": "def check_str(x): pass"}]))
    )
    problem = family.problem({**row, "test": UNASSERTED.replace("NAME", "check_str")})
    answers = {"True": True, "'a text'": True, "None": False, "False": False}
    programs = [family.program(problem, f"def check_str(x): return {answer}", place) for answer in answers]
    outcomes = batch.judge(programs, started.sandbox()).outcomes
    assert [outcome.passed for outcome in outcomes] == list(answers.values()), outcomes
