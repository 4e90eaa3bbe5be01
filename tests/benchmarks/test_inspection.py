"""Tests of passk_tasks.benchmarks.inspection."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.benchmarks import inspection
from passk_tasks.errors import DatasetError


@pytest.mark.parametrize(
    ("assertions", "setup", "code", "expected"),
    [
        (["assert f(1) == 2"], "", "", ("f",)),
        (["assert set(f((1, 2))) == {1}"], "", "", ("f",)),
        (["assert math.isclose(f(1), 2)"], "import math", "", ("f",)),
        (["assert isclose(f(1), 2)"], "from math import isclose", "", ("f",)),
        (["assert f(g(1)) == 2", "assert f(3) == 4"], "", "", ("f", "g")),
        (["assert g(1)", "assert f(3)", "assert f(4)"], "", "", ("f", "g")),
        (["assert sum(10, 15) == 6"], "", "def sum(a, b):\n    return 6\n", ("sum",)),
    ],
)
def test_functions(assertions: list[str], setup: str, code: str, expected: tuple[str, ...]) -> None:
    """What assertions call of the candidate is found, whatever stands around it."""
    assert inspection.functions(assertions, setup, code) == expected


@pytest.mark.parametrize("assertions", [["assert len([1]) == 1"], ["assert f(1"], []])
def test_no_functions(assertions: list[str]) -> None:
    """Assertions without a function to test are an error."""
    with pytest.raises(DatasetError):
        inspection.functions(assertions)


PLAIN = [
    "assert f([1, 'a', (2.0, None)]) == {1: {2}}",
    "import math\nassert math.isclose(f(-1), math.pi)",
    "inputs = [[1], [2]]\nfor i, (inp, exp) in enumerate(zip(inputs, [1, 2])):\n    assert f(*inp) == exp",
    "def check(candidate):\n    assert candidate(sorted([2, 1], key=lambda x: -x)) == 1\ncheck(f)",
    "def help(x):\n    return x\nassert f(help(3)) == 3",
    "assert f(int) == 'int'",
    "assert [f(x) for x in range(3)] == [0, 1, 2]",
    "values = ['lambda x: x']\nassert f(values) == 1",
]
OBJECTS = [
    "assert f(lambda x: x) == 1",
    "assert f(x for x in [1]) == 1",
    "assert f(map(str, [1])) == 1",
    "assert f(key=len) == 1",
    "def g(x):\n    return x\nassert f(g, 1) == 1",
    "class C:\n    pass\nassert f([C()]) == 1",
    "class C:\n    pass\ninputs = [[C()]]\nfor inp in inputs:\n    assert f(*inp) == 1",
    "inputs = [[lambda x: x]]\nfor i, (inp, exp) in enumerate(zip(inputs, [1])):\n    assert f(*inp) == exp",
    "import re\npattern = re.compile('a')\nassert f(pattern) == 1",
    "root = Node(1)\nassert f(root) == 1",
    "root.left = 2\nassert f(root) == 1",
    "import asyncio\nassert asyncio.run(f(1)) == 1",
    "async def check():\n    assert await f(1) == 1\ncheck()",
    "import asyncio\nasync def check():\n    assert [x async for x in f(1)] == [1]\nasyncio.run(check())",
    "inputs = [eval(f'[{i}]') for i in ['lambda x: x']]\nfor inp in inputs:\n    assert f(*inp) == 1",
]


@pytest.mark.parametrize("source", PLAIN)
def test_plain_data(source: str) -> None:
    """Tests that hand over data leave the judge to the task."""
    assert inspection.needs(source, ("f",)).reason is None


@pytest.mark.parametrize("source", OBJECTS)
def test_objects(source: str) -> None:
    """Tests that hand over functions, iterators or objects, or use unknown names, need script."""
    assert inspection.needs(source, ("f",)).reason


@given(st.lists(st.integers() | st.text(max_size=20) | st.floats() | st.binary(max_size=9), min_size=1))
def test_long_lists_of_data_are_plain(values: list[object]) -> None:
    """A list of literals is plain data at any length, whatever its texts hold."""
    head = "from math import inf, nan\n"
    source = f"{head}inputs = {values * (2000 // len(repr(values)) + 1)!r}\nassert f(*inputs) == 1\n"
    assert inspection.needs(source, ("f",)).reason is None


def test_a_long_list_with_an_object() -> None:
    """A lambda among thousands of numbers is still seen, and so is a name that nobody defines."""
    numbers = ", ".join(map(str, range(1000)))
    for item in ("lambda x: x", "Node(1)", "len"):
        source = f"inputs = [{numbers}, {item}]\nassert f(inputs) == 1\n"
        assert inspection.needs(source, ("f",)).reason


def test_a_literal_of_many_digits() -> None:
    """Tests with a longer integer than Python reads by default are read all the same, and the limit stays."""
    before = sys.get_int_max_str_digits()
    proof = inspection.needs(f"assert f() == {'9' * 6000}", ("f",))
    assert proof.reason is None
    assert sys.get_int_max_str_digits() == before
