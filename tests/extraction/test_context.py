"""`context`: what stands in a prompt besides the function to write."""

from __future__ import annotations

import ast
from collections import Counter

import pytest
from shapes import BARE, HELPED, PROBLEMS

from passk_tasks.extraction import context


def test_context_is_the_prompt_without_the_function():
    """Imports, assignments and helpers stay, the entry point goes."""
    assert context(HELPED, "total") == (
        "import math\nSCALE = 2\ndef scale(x):\n    return SCALE * math.floor(x)\n"
    )
    assert context(BARE, "total") == ""
    assert context("import re\n" + BARE, "total") == "import re\n"


@pytest.mark.parametrize("prompt", ["", "Write a function that sums.", "def (", "\0", "\ud800", "x = '''"])
def test_context_of_what_is_no_program_is_empty(prompt):
    """A prompt in prose has no context, and is no error."""
    assert context(prompt, "total") == ""


def test_context_of_humaneval():
    """Of the 164 prompts, four have a helper and one an assignment; all others have imports at most."""
    kinds = Counter()
    for problem in PROBLEMS.values():
        ast.parse(problem["prompt"] + "    pass\n")
        tree = ast.parse(context(problem["prompt"], problem["entry_point"]))
        names = [getattr(node, "name", type(node).__name__) for node in tree.body]
        assert problem["entry_point"] not in names
        kinds.update(name for name in names if name not in ("Import", "ImportFrom"))
    assert kinds == {"is_palindrome": 1, "poly": 1, "encode_cyclic": 1, "encode_shift": 1, "Assign": 1}
