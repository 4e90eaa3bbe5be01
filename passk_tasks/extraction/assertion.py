"""Answers that are one side of an assertion: CRUXEval's `assert f(input) == output`.

facebookresearch/cruxeval (inference/tasks/input_prediction.py, output_prediction.py) takes the text between
the first [ANSWER] and [/ANSWER], and of that what stands after `==`, or between `assert` and `==`. So do we,
with two exceptions. Strings may hold `==` or `assert`: where Python can parse the assertion, its sides are
those that Python sees. Markdown, prose, control tokens or a mention of the tag may stand around it: where the
repository's way gives no expression, the first of `_readings` that gives one is taken.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from passk_tasks.extraction.fences import blocks
from passk_tasks.extraction.reasoning import strip_reasoning
from passk_tasks.extraction.strategies import Extraction, Repair, Strategy, extraction
from passk_tasks.extraction.syntax import compared
from passk_tasks.extraction.tokens import strip_outer, without_marks, without_tail
from passk_tasks.extraction.wrapped import in_json

OPEN, CLOSE = "[ANSWER]", "[/ANSWER]"
_OPEN = re.compile(r"\\?\[/?answer\\?\]", re.IGNORECASE)
_INLINE = re.compile(r"(?<!`)(`{1,2})(?!`)([^\n]{1,4000}?)(?<!`)\1(?!`)")
# What Markdown puts before a line: a quote, a bullet, a heading, a label, emphasis.
_LEAD = re.compile(r"\A(?:[ \t]*(?:>|[-*+][ \t]|\d{1,3}[.)][ \t]|#{1,6}[ \t]|[*_]{1,3}(?=\S)))+[ \t]*")
_LABEL = re.compile(r"\A[\w \t]{0,40}:[ \t*_]*(?=\S)")
# The answer of models that reason: \boxed{\text{['a']}}, with a backslash before braces.
_BOXED = re.compile(r"\\boxed\{(?:\\(?:text\w{0,2}|mathtt)\{(?P<text>[^\n]{1,4000})\}|([^\n]{1,4000}))\}")
_ESCAPE = re.compile(r"\\([{}_#%&$])")
_MAX_CHARS = 64 * 1024  # a longer text is read in the repository's way only
_MAX_READINGS = 200


def side(text: str, *, output: bool) -> Extraction:
    """Return the right side of the assertion in a model's text (`output`), or the left one.

    The code of the extraction should be one expression; `expression` says whether it is.
    """
    stripped = strip_reasoning(text)
    repairs = frozenset({Repair.REASONING}) if stripped.cut else frozenset[Repair]()
    if stripped.unterminated:
        return extraction(None, Strategy.NONE_UNTERMINATED_REASONING, repairs)
    literal, strategy = _taken(_between(stripped.text), output=output)
    if not _stands(literal):
        readings = list(_readings(stripped.text))
        # Assertions come first, then whatever is at least an expression.
        for reading, repair in sorted(readings, key=lambda row: not _is_assertion(row[0])):
            part, how = _taken(reading, output=output)
            if _stands(part):
                return extraction(part, how, repairs | {repair})
    if not literal:
        return extraction(None, Strategy.NONE_EMPTY, repairs)
    return extraction(literal, strategy, repairs)


def expression(text: str) -> ast.expr | None:
    """Return the text's expression where `assert expected == {text}` is one comparison with it, else None.

    The repository executes that statement. A text that is more than its right side is refused, since it would
    pass whatever is expected: `1 or True`, `1 if x else y`, a second statement.
    """
    sides = compared(f"assert _ == {text.strip()}")
    return None if sides is None else sides[1]


def _between(text: str) -> str:
    """Return what stands between the tags, the repository's way."""
    if OPEN in text:
        text = text.split(OPEN)[1]
    return text.partition(CLOSE)[0].strip()


def _taken(answer: str, *, output: bool) -> tuple[str, Strategy]:
    """Return one side of an assertion; a text without `==` is that side as a whole."""
    sides = compared(answer) or compared(f"assert {answer}")
    if sides is not None:
        taken = sides[output if _is_call(sides[0]) or not _is_call(sides[1]) else not output]
        try:
            side = ast.unparse(taken)
            # Parentheses are no part of the tree: `(1 < 2)` is an expression to compare with, `1 < 2` is not.
            return side if expression(side) else f"({side})", Strategy.ASSERTION
        except (RecursionError, ValueError):  # too deep, or a number of too many digits
            pass
    if "==" in answer:
        answer = answer.split("==")[1 if output else 0].strip()
    if not output and "assert" in answer:
        answer = answer.split("assert")[1].strip()
    return answer, Strategy.ASSERTION_SPLIT


def _is_call(side: ast.expr) -> bool:
    """Whether a side is the one with the input: models write the output first, too."""
    return isinstance(side, ast.Call) and isinstance(side.func, ast.Name) and side.func.id == "f"


def _stands(answer: str) -> bool:
    """Whether the answer makes the repository's assertion one statement, right or wrong. Dots do not."""
    return answer not in ("", "...") and expression(answer) is not None


def _readings(text: str) -> Iterator[tuple[str, Repair]]:
    """Yield what may be the assertion or its side: what stands between tags, or else the whole text."""
    if len(text) > _MAX_CHARS:
        return
    left = _MAX_READINGS
    text = in_json(text) or text
    tagged = [piece for piece in _OPEN.split(text)[1:] if piece.strip(" \t\n*_`~>.:,")]
    for piece in tagged or [text]:
        for reading in _in_markdown(piece, tagged=bool(tagged)):
            bare = strip_outer(reading).strip()
            bare = without_tail(
                bare, lambda source: expression(source) is not None or _is_assertion(source)
            ).strip()
            yield bare, Repair.TRIMMED if bare == reading.strip() else Repair.SPECIAL_TOKENS
            left -= 1
            if not left:
                return


def _is_assertion(source: str) -> bool:
    return compared(source) is not None


def _in_markdown(text: str, *, tagged: bool) -> Iterator[str]:
    """Yield the text without Markdown around it: its blocks, inline code, and lines with an assertion.

    Without tags only assertions count, since many lines of an explanation are expressions.
    """
    pieces = [block.content.strip() for block in blocks(text)]
    pieces += [match[2].strip() for match in _INLINE.finditer(text)]
    lines = [_LEAD.sub("", line, count=1).strip() for line in text.split("\n")]
    asserted = [line[line.find("assert ") :].rstrip("*_` ") for line in lines if "assert " in line]
    boxed = [_ESCAPE.sub(r"\1", match["text"] or match[2]).strip("$`") for match in _BOXED.finditer(text)]
    yield from boxed[-1:]
    if not tagged:
        if len(set(asserted)) > 1:  # nobody can say which of them is the answer
            asserted = []
        yield from reversed([piece for piece in (*asserted, *pieces) if _is_assertion(_unmarked(piece))])
        if len(pieces) == 1 and _only(text):
            yield pieces[0]
        yield _emphasised(text)
        return
    yield from pieces
    yield from asserted
    yield _emphasised(text)
    for line in lines:
        if line:
            yield line.rstrip("*_ ")
            yield _LABEL.sub("", line, count=1).rstrip("*_ ")
            return


def _unmarked(text: str) -> str:
    return without_tail(strip_outer(text).strip(), _is_assertion)


def _only(text: str) -> bool:
    """Whether nothing stands around the code, or a few words that announce it."""
    outside = _INLINE.sub("", text) if "```" not in text and "~~~" not in text else ""
    return len(outside.split()) <= 8


def _emphasised(text: str) -> str:
    return _LEAD.sub("", without_marks(text).text.strip(), count=1).rstrip("*_` \n")
