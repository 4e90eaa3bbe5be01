"""Tests of passk_tasks.benchmarks.pytest_style: what pytest would run decides, or is refused by name."""

# ruff: noqa: E501  a line a program

from __future__ import annotations

from typing import Any

import pytest
import started

from passk_tasks import benchmarks
from passk_tasks.errors import DatasetError
from passk_tasks.judging import batch
from passk_tasks.program import Judge
from passk_tasks.verdict import Verdict

FAMILY = benchmarks.get("custom")
RIGHT, WRONG = "def f(x):\n    return x + 1\n", "def f(x):\n    return x if x else 1\n"
# Each of these has one test that the wrong program fails, besides one that it passes.
ZERO = "def test_zero():\n    assert f(0) == 1\n"
RUN_AS_PYTEST_DOES = {
    "a class whose test stands in its base": "class Base:\n    x = 0\n    def test_it(self):\n"
    "        assert f(self.x) == self.x + 1\nclass TestIt(Base):\n    x = 1\n",
    "a class with a base that has none": "class Base:\n    x = 1\nclass TestIt(Base):\n"
    "    def test_it(self):\n        assert f(self.x) == 2\n",
    "a class in a class": "class TestOuter:\n    class TestInner:\n        def test_it(self):\n"
    "            assert f(1) == 2\n",
    "methods without an object": "class TestIt:\n    @staticmethod\n    def test_static():\n"
    "        assert f(1) == 2\n    @classmethod\n    def test_class(cls):\n        assert f(2) == 3\n",
    "setup_class": "class TestIt:\n    @classmethod\n    def setup_class(cls):\n        cls.x = 1\n"
    "    def test_it(self):\n        assert f(self.x) == 2\n",
    "setup_class without a decorator": "class TestIt:\n    def setup_class(cls):\n        cls.x = 1\n"
    "    def test_it(self):\n        assert f(self.x) == 2\n",
    "a setup that looks at the method": "class TestIt:\n    def setup_method(self, method):\n"
    "        self.name = method.__name__\n    def test_it(self):\n"
    "        assert self.name == 'test_it' and f(1) == 2\n",
    "setup_function": "X = []\ndef setup_function(function):\n    X[:] = [1]\n"
    "def teardown_function():\n    X.clear()\ndef test_it():\n    assert f(X[0]) == 2\n",
    "setup_module": "def setup_module(module):\n    module.X = 1\ndef teardown_module():\n    assert X == 1\n"
    "def test_it():\n    assert f(X) == 2\n",
    "a branch": "import sys\nif sys.maxsize:\n    def test_it():\n        assert f(1) == 2\n",
    "a handler": "try:\n    import nothing_of_that_name\nexcept ImportError:\n    def test_it():\n"
    "        assert f(1) == 2\n",
    "a decorator that puts a function around it": "import functools\ndef twice(test):\n"
    "    @functools.wraps(test)\n    def both():\n        test()\n        test()\n    return both\n"
    "@twice\ndef test_it():\n    assert f(1) == 2\n",
    "a decorator with arguments": "def times(n):\n    def around(test):\n        return lambda: [test() for _ in range(n)]\n"
    "    return around\n@times(2)\ndef test_it():\n    assert f(1) == 2\n",
    "mock's patch": "from unittest import mock\n@mock.patch('builtins.print')\ndef test_it(printed):\n"
    "    assert f(1) == 2\n    printed.assert_not_called()\n",
    "hypothesis": "from hypothesis import given, settings, strategies\n@settings(max_examples=5)\n"
    "@given(strategies.integers(1, 9))\ndef test_it(x):\n    assert f(x) == x + 1\n",
    "hypothesis in a class": "from hypothesis import given, strategies\nclass TestIt:\n"
    "    @given(x=strategies.integers(1, 9))\n    def test_it(self, x):\n        assert f(x) == x + 1\n",
    "a name that is used elsewhere": "def test_it():\n    assert f(1) == 2\ntest_it.slow = True\n",
    "a function that calls itself": "def test_it(x=1):\n    assert f(x) == x + 1\n    if x:\n        test_it(x - 1)\n",
    "a runner that nobody calls": "def test_it():\n    assert f(1) == 2\ndef run():\n    test_it()\n",
    "inspect within a test": "import inspect\ndef test_it():\n    assert not inspect.isclass(f) and f(1) == 2\n",
    "check as a helper": "def check(x, wanted):\n    assert f(x) == wanted\ndef test_it():\n    check(1, 2)\n",
    "marks of the module": "import pytest\npytestmark = [pytest.mark.parametrize('x', [0, 1])]\n"
    "def test_it(x):\n    assert f(x) == x + 1\ndef test_zero(x):\n    assert f(0) == 1\n",
    "marks of a class": "import pytest\n@pytest.mark.parametrize('x', [0, 1])\nclass TestIt:\n"
    "    def test_it(self, x):\n        assert f(x) == x + 1\n",
    "a mark with a name": "import pytest\ncases = pytest.mark.parametrize('x', [0, 1])\n@cases\n"
    "def test_it(x):\n    assert f(x) == x + 1\n",
    "parametrize by keywords": "import pytest\n@pytest.mark.parametrize(argnames='x', argvalues=[0, 1])\n"
    "def test_it(x):\n    assert f(x) == x + 1\n",
    "tuples of one": "import pytest\n@pytest.mark.parametrize('x,', [(0,), (1,)])\ndef test_it(x):\n"
    "    assert f(x) == x + 1\n@pytest.mark.parametrize('p', [(1, 2)])\ndef test_pair(p):\n    assert f(p[0]) == p[1]\n",
    "rows that are expected to fail": "import pytest\n@pytest.mark.parametrize('x, y', [(1, 2), "
    "pytest.param(1, 5, marks=pytest.mark.xfail)])\ndef test_it(x, y):\n    assert f(x) == y\n",
    "skips that hold or not": "import pytest, sys\n@pytest.mark.skipif(sys.maxsize < 9, reason='small')\n"
    "def test_it():\n    assert f(1) == 2\n@pytest.mark.skipif('sys.maxsize > 9', reason='large')\n"
    "def test_not():\n    assert f(1) == 5\n@pytest.mark.skip('never')\ndef test_never():\n    assert f(1) == 5\n",
}
REFUSED = {
    "autouse": "import pytest\n@pytest.fixture(autouse=True)\ndef fill(): pass\ndef test_it():\n    assert f(1) == 2\n",
    "usefixtures": "import pytest\n@pytest.mark.usefixtures('fill')\ndef test_it():\n    assert f(1) == 2\n",
    "filterwarnings": "import pytest\n@pytest.mark.filterwarnings('error')\ndef test_it():\n    assert f(1) == 2\n",
    "indirect": "import pytest\n@pytest.mark.parametrize('x', [1], indirect=True)\ndef test_it(x):\n    assert f(x) == 2\n",
    "coroutine test_it": f"{ZERO}async def test_it():\n    assert f(1) == 2\n",
    "needs tmp_path": f"{ZERO}class TestIt:\n    def test_it(self, tmp_path):\n        assert f(1) == 2\n",
    "needs x": f"{ZERO}def test_it(*, x):\n    assert f(x) == 2\n",
    "no class with `__init__`": f"{ZERO}class TestIt:\n    def __init__(self):\n        self.x = 1\n"
    "    def test_it(self):\n        assert f(self.x) == 2\n",
    "`check`, which needs 2 arguments": "def check(candidate, x):\n    assert candidate(x) == 2\n",
}


def problem(test: str) -> Any:
    """Return the problem of a row with these tests."""
    return FAMILY.problem({"task_id": "one", "prompt": "def f(x):\n", "entry_point": "f", "test": test})


@pytest.mark.parametrize("judge", [Judge.ISOLATED, Judge.SCRIPT])
@pytest.mark.parametrize("test", RUN_AS_PYTEST_DOES.values(), ids=RUN_AS_PYTEST_DOES.keys())
def test_what_pytest_would_run_decides(test: str, judge: Judge) -> None:
    """A right program passes, and one that fails a single test does not, also beside tests that it passes."""
    test = test if "test_zero" in test else f"{test}{ZERO}"
    programs = [FAMILY.program(problem(test), code, judge) for code in (RIGHT, WRONG)]
    right, wrong = batch.judge(programs, started.sandbox()).outcomes
    assert right.verdict is Verdict.PASSED, right
    assert wrong.verdict is Verdict.FAILED, wrong


@pytest.mark.parametrize(("said", "test"), REFUSED.items(), ids=REFUSED.keys())
def test_what_only_pytest_can_do_is_refused_by_name(said: str, test: str) -> None:
    """Tests that would be left out, or would fail right programs, are an error when they are loaded."""
    with pytest.raises(DatasetError, match="row 'one'") as raised:
        problem(test)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    "test",
    [
        "def test_case(x, y):\n    assert f(x) == y\ndef test_all():\n    test_case(1, 2)\ntest_all()\n",
        "def test_case(x, y):\n    assert f(x) == y\ndef test_all():\n    test_case(1, 2)\n",
        "def test_one(g, x):\n    assert g(x) == x + 1\ndef check(candidate):\n    test_one(candidate, 1)\n",
        "T = {}\ndef keep(name):\n    def listed(test):\n        T[name] = test\n    return listed\n"
        "@keep('one')\ndef test_it():\n    assert f(1) == 2\nfor test in T.values():\n    test()\n",
        "def test_it():\n    TESTS.append(1)\n    assert f(len(TESTS)) == 2\nTESTS = []\ntest_it()\n",
    ],
)
def test_what_the_tests_run_themselves_is_run_once(test: str) -> None:
    """Functions that others call, or that a decorator of the tests lists, are not called a second time."""
    programs = [FAMILY.program(problem(test), code, Judge.ISOLATED) for code in (RIGHT, WRONG)]
    right, wrong = batch.judge(programs, started.sandbox()).outcomes
    assert (right.verdict, wrong.verdict) == (Verdict.PASSED, Verdict.FAILED)
