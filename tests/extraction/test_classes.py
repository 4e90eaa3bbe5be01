"""Classes that an answer shows in parts."""

from __future__ import annotations

import pytest
from shapes import fence

from passk_tasks.extraction import extract

CLASS = "class Box:\n    def __init__(self, w, h):\n        self.w = w\n        self.h = h\n"
AREA = "def area(self):\n    return self.w * self.h\n"
SCALED = "@classmethod\ndef unit(cls):\n    return cls(1, 1)\n"


def extracted(text):
    """Return what is found of a class."""
    return extract(text, mode="answer", prompt="", entry_point="Box")


@pytest.mark.parametrize("margin", ["", "    ", "\t"])
def test_methods_in_blocks_below_belong_to_the_class(margin):
    """Whatever their indentation; code below the class stays there."""
    methods = [fence("".join(margin + line for line in part.splitlines(True))) for part in (AREA, SCALED)]
    for whole in (CLASS, CLASS + "\n\nBox.kind = 'flat'\n", "import math\n\n\n" + CLASS):
        found = extracted(f"The class:\n{fence(whole)}Its methods:\n{''.join(methods)}")
        names: dict = {}
        exec(found.code, names)
        assert (names["Box"](2, 3).area(), names["Box"].unit().w) == (6, 1)
        assert getattr(names["Box"], "kind", "flat") == "flat"
        assert found.strategy == "fence_joined"


@pytest.mark.parametrize(
    "other",
    [
        "def area(box):\n    return box.w * box.h\n",
        "def area(self):\n    return 0\n\nprint(area(1))\n",
        "def __init__(self):\n    pass\n",
        "x = 1\n",
    ],
    ids=["no method", "more than methods", "one that it has", "no function"],
)
def test_other_blocks_do_not(other):
    """A function, an example, or another version of a method."""
    found = extracted(fence(CLASS) + fence(other))
    assert (found.code, found.strategy) == (CLASS, "fence")


def test_a_class_on_one_line_is_left_alone():
    """Nothing can stand below it."""
    assert extracted(fence("class Box: pass\n") + fence(AREA)).code is not None
    text = fence("class Box: w = 1\n") + fence(AREA)
    assert extracted(text).code == "class Box: w = 1\n"
