"""Tests of passk_tasks.extraction.programs: whole programs in answers of chat models."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.extraction import extract

PROGRAM = "import sys\nn = int(input())\nprint(n + 1)\n"
FENCE = "```python\n{}```\n"

CASES = {
    "the text": (PROGRAM, PROGRAM, "whole_file"),
    "a block": (f"Here:\n{FENCE.format(PROGRAM)}Done.", PROGRAM, "fence"),
    "the last of two": (
        FENCE.format("print(1)\n") + "Better:\n" + FENCE.format(PROGRAM),
        PROGRAM,
        "fence",
    ),
    "not the example output": (FENCE.format(PROGRAM) + "Output:\n```\n3\n4\n```\n", PROGRAM, "fence"),
    "not the example input": (FENCE.format(PROGRAM) + "Input:\n```\n3 4\nabc def\n```\n", PROGRAM, "fence"),
    "not what breaks off": (FENCE.format(PROGRAM) + "Or:\n```python\nprint(2)\n", PROGRAM, "fence"),
    "what breaks off, if nothing else": ("```python\n" + PROGRAM.rstrip(), PROGRAM, "fence_unclosed"),
    "opened by the template": (PROGRAM + "```\nIt works.", PROGRAM, "fence_prefilled"),
    "after reasoning": (
        f"<think>\n{FENCE.format('print(1)')}\n</think>\n{FENCE.format(PROGRAM)}",
        PROGRAM,
        "fence+reasoning",
    ),
    "main guard and prints stay": (
        FENCE.format("def main():\n    print(input())\nif __name__ == '__main__':\n    main()\n"),
        "def main():\n    print(input())\nif __name__ == '__main__':\n    main()\n",
        "fence",
    ),
    "broken code": (FENCE.format("def main(:\n"), "def main(:\n", "fence"),
    "a fence in a string": (
        "print('''\n```python\n1\n```\n''')",
        "print('''\n```python\n1\n```\n''')",
        "whole_file",
    ),
    "endless reasoning": (f"<think>\n{FENCE.format(PROGRAM)}", None, "none:unterminated_reasoning+reasoning"),
    "prose": ("I cannot solve this.", None, "none:no_code_found"),
    "a word": ("Hello", None, "none:no_code_found"),
    "nothing": (" \n", None, "none:empty"),
}


@pytest.mark.parametrize("case", CASES)
def test_answers(case: str) -> None:
    """The last block that is a program is taken as a whole; what is none is `no_code`."""
    text, code, strategy = CASES[case]
    found = extract(text, mode="answer", prompt="", entry_point="")
    assert (found.code, found.strategy) == (code, strategy)


def test_the_other_modes_take_the_text() -> None:
    """A base model's text is the program, up to the stop sequences."""
    found = extract(PROGRAM + "###\nmore", mode="completion", prompt="", entry_point="", stops=["###"])
    assert found.code == PROGRAM
    assert extract("x", mode="verbatim", prompt="", entry_point="").code == "x"


@given(st.text(st.sampled_from("`~ \npython<>/thik='\"():3"), max_size=200))
def test_never_raises(text: str) -> None:
    """Whatever the text, there is an answer, with code exactly where the strategy says so."""
    found = extract(text, mode="answer", prompt="", entry_point="")
    assert (found.code is None) == found.strategy.startswith("none:")
