"""Tests of what an answer's program lacks and other parts of the answer, or the prompt, define."""

from __future__ import annotations

import pytest
from shapes import HELPED, answer, fence, run

SCALED = "def total(xs):\n    return sum(map(scale, xs))\n"
ADD = "def add(xs):\n    return sum(xs)\n"
USER = "def total(xs):\n    return add(xs)\n"


@pytest.mark.parametrize(
    "stand_in",
    [
        "def scale(x):\n    ...\n",
        "def scale(x):\n    pass  # unchanged\n",
        'def scale(x):\n    """Given."""\n    # ... existing code ...\n',
        "def scale(x):\n    raise NotImplementedError\n",
        "from solution import scale\n",
        "from .helpers import scale  # given\n",
    ],
)
def test_a_helper_of_the_prompt_is_not_replaced_by_what_stands_for_it(stand_in):
    """A stub, or an import from a file that nobody has; a helper of the answer's own is."""
    for text in (stand_in + "\n\n" + SCALED, fence(stand_in + "\n\n" + SCALED)):
        assert run(answer(text, HELPED))["total"]([1.5, 2.5]) == 6
    own = "def scale(x):\n    return 1\n\n\n"
    assert run(answer(fence(own + SCALED), HELPED))["total"]([1.5, 2.5]) == 2


@pytest.mark.parametrize(
    ("stand_in", "user"),
    [
        ("from helpers import add\n", USER),
        ("from .helpers import add as plus\n", USER.replace("add(", "plus(")),
        ("def add(xs):\n    ...\n", USER),
    ],
)
def test_a_helper_of_another_file_is_put_above(stand_in, user):
    """Answers in several files import from each other; tests of theirs stay out."""
    tests = fence("from solution import total\n\n\ndef test():\n    assert total([1]) == 2\n")
    found = answer(f"helpers.py\n{fence(ADD)}solution.py\n{fence(stand_in + user)}test_solution.py\n{tests}")
    assert run(found)["total"]([1, 2]) == 3
    assert found.strategy == "fence_joined"
    unknown = answer(fence("from helpers import other\n\n\n" + USER.replace("add(", "other(")) + fence(ADD))
    assert "from helpers import other" in unknown.code  # nobody has it


def test_data_of_an_example_are_the_last_resort():
    """Where several blocks bind a name that a helper needs, one that calls the function shows it at work."""
    helper = "START = 0\n\n\n" + ADD.replace("(xs)\n", "(xs, START)\n")
    example = fence("START = 5\nprint(total([1]))\n")
    found = answer(f"{fence(USER)}Helper:\n{fence(helper)}Example:\n{example}")
    assert run(found)["total"]([1, 2]) == 3
    only = answer(f"{fence(USER)}Helper:\n{fence(helper.replace('START = 0', ''))}Example:\n{example}")
    assert run(only)["total"]([1, 2]) == 8
