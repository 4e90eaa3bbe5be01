"""Answers that are one side of an assertion: CRUXEval's `assert f(input) == output`.

The way of facebookresearch/cruxeval (inference/tasks/input_prediction.py, output_prediction.py): what stands
after the first [ANSWER] and before [/ANSWER], there what stands after `==`, or before it and after `assert`.
That way cuts through strings that hold `==` or `assert`; where the answer is an assertion that Python can
read, its sides are those that Python sees.
"""

from __future__ import annotations

import ast

from passk_tasks.extraction.reasoning import strip_reasoning
from passk_tasks.extraction.strategies import Extraction, Repair, Strategy, extraction
from passk_tasks.extraction.syntax import compared

OPEN, CLOSE = "[ANSWER]", "[/ANSWER]"


def side(text: str, *, output: bool) -> Extraction:
    """Return the right side of the assertion in a model's text (`output`), or the left one.

    What comes back is text that should be one expression; `expression` says whether it is.
    """
    stripped = strip_reasoning(text)
    repairs = frozenset({Repair.REASONING}) if stripped.cut else frozenset[Repair]()
    if stripped.unterminated:
        return extraction(None, Strategy.NONE_UNTERMINATED_REASONING, repairs)
    answer = stripped.text
    if OPEN in answer:
        answer = answer.split(OPEN)[1]
    answer = answer.partition(CLOSE)[0].strip()
    sides = compared(answer)
    if sides is not None:
        try:
            return extraction(ast.unparse(sides[output]), Strategy.ASSERTION, repairs)
        except RecursionError:
            pass
    if "==" in answer:
        answer = answer.split("==")[1 if output else 0].strip()
    if not output and "assert" in answer:
        answer = answer.split("assert")[1].strip()
    if not answer:
        return extraction(None, Strategy.NONE_EMPTY, repairs)
    return extraction(answer, Strategy.ASSERTION_SPLIT, repairs)


def expression(text: str) -> ast.expr | None:
    """Return what `assert expected == {text}` compares with, None unless that is one statement that does so.

    The repository executes that statement. A text that is more than the right side of it is refused, since
    it would pass whatever the answer: `1 or True`, `1 if x else y`, a second statement.
    """
    sides = compared(f"assert _ == {text.strip()}")
    return None if sides is None else sides[1]
