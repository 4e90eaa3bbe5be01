"""Blocks that an answer itself calls wrong, below the right one or above it."""

from __future__ import annotations

import pytest

from passk_tasks.extraction.answer import find
from passk_tasks.extraction.files import find_file
from passk_tasks.extraction.programs import find_program
from passk_tasks.problem import Protocol

# What stands above a block that shows what not to do.
DISOWNING = [
    "A common mistake is to subtract:",
    "### Common mistake\n\nSubtracting gives smaller numbers:",
    "**Incorrect version** (do not use):",
    "Wrong:",
    "\u274c This one is off by two:",
    "Note that the following doesn't work:",
    "This buggy version subtracts:",
    "For comparison, the original code:",
    "A pitfall:\n",
    "The original (buggy) function was:",
    "Beware, this fails for x = 0:",
    "### \u274c Wrong\n",
    "Common mistakes to avoid:",
    "The broken attempt was",
    "### Before",
    "**Old code:**",
    "Before the fix:",
]
# What stands above a block that takes the place of the one before it, or adds to it.
SETTLING = [
    "Here is the fixed version, without the mistake:",
    "I made a mistake. The correct version is:",
    "\u2705 Corrected:",
    "To fix the bug, add one:",
    "This avoids the wrong sign:",
    "Now the final version:",
    "Here is a shorter one:",
    "This handles the case where it fails:",
    "Oops, that is wrong. It should be:",
    "The code above has a bug. Improved version:",
    "Let me correct my mistake:",
    "That would not work; use this instead:",
    "An alternative without the original loop:",
    "Wrong sign above, sorry:",
    "There is a bug: we need to add, not subtract.",
    "Wait, that fails for 3.",
    "I see that it is wrong for negatives:",
    "The previous version fails for zero:",
    "My first attempt was wrong:",
    "Actually, the sign was wrong:",
    "That doesn't work for 2.",
    "The function doesn't need a loop:",
    "Without bugs:",
    "This version never fails:",
    "Here is a bug-free version:",
    "A fail-safe version:",
    "The non-buggy code:",
    "",
]
# First comments of a block.
ABOUT_THE_BLOCK = [
    "Wrong!",
    "Buggy version",
    "\u274c Subtracts",
    "This fails for x = 0",
    "Incorrect: the sign",
    "BUG: the sign",
    "The original code",
    "This version doesn't work",
    "Do not use this!",
    "Common mistake",
    "a broken one",
]
ABOUT_WHAT_IT_DOES = [
    "Skip broken lines",
    "Count the wrong pairs",
    "Don't use extra space",
    "The original list is kept",
    "Incorrect values are dropped",
    "Tests for failing cases",
    "wrong_pairs counts them",
    "Do not use recursion",
    "Bug reports are read line by line",
    "This function does not do I/O",
    "Pitfalls are holes in the board",
]
FUNCTION, PROGRAM = "def f(x):\n    return x {} 1\n", "x = int(input())\nprint(x {} 1)\n"
JAVASCRIPT = "function f(x) {{\n  return x {} 1;\n}}\n"
JS = Protocol("js")


def _extracted(kind, text):
    if kind == "function":
        return find(text, "def f(x):\n", "f")
    return find_program(text) if kind == "program" else find_file(text, "function f(x){\n", "f", JS)


def _fenced(kind, sign):
    code = {"function": FUNCTION, "program": PROGRAM, "file": JAVASCRIPT}[kind].format(sign)
    return f"```{'js' if kind == 'file' else 'python'}\n{code}```\n"


def _commented(comment, sign):
    return _fenced("function", sign).replace("\n", f"\n# {comment}\n", 1)


@pytest.mark.parametrize("kind", ["function", "program", "file"])
def test_a_block_that_is_called_wrong_is_not_the_answer(kind):
    """Below the right one it is passed over, which the strategy tells; above it, there is nothing to tell."""
    for words in DISOWNING:
        right = _fenced(kind, "+")
        wrong = words + "\n" + _fenced(kind, "-")
        below = _extracted(kind, f"Answer:\n{right}\n{wrong}\nHope it helps.")
        assert "x + 1" in below.code, words
        assert "undecided" in below.strategy, words
        above = _extracted(kind, f"{wrong}\nAnswer:\n{right}\nHope it helps.")
        assert "x + 1" in above.code, words
        assert "undecided" not in above.strategy, words


@pytest.mark.parametrize("kind", ["function", "program", "file"])
def test_words_about_an_earlier_block_leave_the_last_one_the_answer(kind):
    """Models draft first and settle last."""
    for words in SETTLING:
        text = f"Answer:\n{_fenced(kind, '-')}\n{words}\n{_fenced(kind, '+')}\nHope it helps."
        settled = _extracted(kind, text)
        assert "x + 1" in settled.code, words
        assert "undecided" not in settled.strategy, words


@pytest.mark.parametrize("kind", ["function", "program", "file"])
def test_the_only_block_is_the_answer_whatever_stands_above_it(kind):
    """An answer may begin with the mistake that it describes."""
    for words in DISOWNING:
        assert "x + 1" in _extracted(kind, f"{words}\n{_fenced(kind, '+')}").code, words


@pytest.mark.parametrize("comment", ABOUT_THE_BLOCK)
def test_a_first_comment_about_the_block_speaks_for_it(comment):
    """As a line above it does."""
    found = _extracted("function", f"{_fenced('function', '+')}\n{_commented(comment, '-')}")
    assert "x + 1" in found.code
    assert "undecided" in found.strategy


@pytest.mark.parametrize("comment", ABOUT_WHAT_IT_DOES)
def test_a_first_comment_about_what_the_code_does_says_nothing_of_it(comment):
    """Models draft first and settle last, and describe what they write."""
    found = _extracted("function", f"{_fenced('function', '-')}\n{_commented(comment, '+')}")
    assert "x + 1" in found.code
    assert "undecided" not in found.strategy
