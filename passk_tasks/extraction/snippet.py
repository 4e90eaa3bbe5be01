"""Snippets, from base and chat models: lines without a function of their own, for a place in a program.

DS-1000's prompts end with `BEGIN SOLUTION` and `<code>`, and ask the model to end with `</code>`. Its own
rule (`postprocess` in test_ds1000.py of xlang-ai/DS-1000) cuts the text at `</code>`, at the first fence that
is not "```python", and at a line that begins with `END SOLUTION`; it deletes `<code>` and "```python", and
the text around them stays. Where that leaves code we take it to the letter. Only where it leaves none, no
Python, or prose above a mark do we look further: without chains of thought and control tokens, after `<code>`
or in a fence, below an echo of the prompt's mark; and there only for Python that has no code above it. Last
come the other notations that answers show code in.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

from passk_tasks.extraction.completion import with_first_line
from passk_tasks.extraction.fences import blocks, dedent
from passk_tasks.extraction.reasoning import strip_reasoning
from passk_tasks.extraction.runs import begins_like_code
from passk_tasks.extraction.strategies import Extraction, Repair, Strategy, extraction
from passk_tasks.extraction.syntax import Parser
from passk_tasks.extraction.tokens import cut_at_token, strip_outer, without_tail
from passk_tasks.extraction.wrapped import in_fences, in_tags, readings

_OPENING, _CLOSING, _END = "<code>", "</code>", "\nEND SOLUTION"
_FENCE, _PYTHON_FENCE = "```", "```python"
_MARK = re.compile(f"{_OPENING}|{_FENCE}")
# Prompts have one of these marks above the place of the answer, and models repeat it.
_START = re.compile(r"^[ \t]*(?:#+[ \t]*)?(?:BEGIN SOLUTION|SOLUTION START)[ \t]*\n", re.MULTILINE)


class _Part(NamedTuple):
    """Part of a text that may be the snippet, and how it was found."""

    code: str
    strategy: Strategy


def snippet(text: str, prompt: str, *, exact: bool = False, indented: bool = False) -> Extraction:
    """Return the snippet in a model's text; the caller has applied the stops.

    Args:
        text: what the model generated.
        prompt: the whole prompt.
        exact: whether to take what DS-1000's own rule leaves, whatever that is.
        indented: whether to restore indentation, which DS-1000 does not do. Where the prompt's last line is
            indented, the snippet is the end of a function's body and must be indented too.
    """
    repairs = set()
    parser = Parser()
    part = _by_the_rule(text)
    if exact:
        none = Strategy.NONE_NO_CODE_FOUND if text.strip() else Strategy.NONE_EMPTY
        return extraction(*part, frozenset()) if part.code.strip() else extraction(None, none, frozenset())
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    stripped = strip_reasoning(strip_outer(text))
    if stripped.cut or _prose_above(text, parser) or not _is_code(part.code, parser):
        bare = cut_at_token(strip_outer(stripped.text))
        if stripped.cut:
            repairs.add(Repair.REASONING)
        if stripped.unterminated or not bare.strip():
            none = Strategy.NONE_UNTERMINATED_REASONING if stripped.unterminated else Strategy.NONE_EMPTY
            return extraction(None, none, frozenset(repairs))
        found = _choice(bare, parser)
        if found is None:
            notations = (_choice(reading, parser) for reading in _notations(bare, parser))
            found = next(filter(None, notations), None)
            repairs |= {Repair.UNWRAPPED} if found is not None else set()
        part = _by_the_rule(bare)
        part, whole = found or (part, part.code)
        if not stripped.cut and (bare != text or part.code != whole):
            repairs.add(Repair.SPECIAL_TOKENS)
    if not part.code.strip():
        return extraction(None, Strategy.NONE_NO_CODE_FOUND, frozenset(repairs))
    code = _mended(part.code, _indent(prompt)) if indented else part.code
    if code != part.code:
        repairs.add(Repair.INDENT)
    return extraction(code, part.strategy, frozenset(repairs))


def _by_the_rule(text: str) -> _Part:
    """Return what DS-1000's own rule leaves of a text."""
    text = text.split(_CLOSING, 1)[0]
    bare = text.replace(_PYTHON_FENCE, "")
    if _PYTHON_FENCE in text:
        strategy = Strategy.FENCE if _FENCE in bare else Strategy.FENCE_UNCLOSED
    elif _FENCE in text:
        strategy = Strategy.FENCE_PREFILLED
    else:
        strategy = Strategy.PROSE_CODE if _OPENING in text else Strategy.BODY
    return _Part(bare.split(_FENCE, 1)[0].split(_END, 1)[0].replace(_OPENING, ""), strategy)


def _choice(text: str, parser: Parser) -> tuple[_Part, str] | None:
    """Return the first part that is code, without tokens at its end, and its code with them, or None."""
    for part in _parts(text, parser):
        code = without_tail(part.code, lambda code: _is_code(code, parser))
        if _is_code(code, parser):
            return part._replace(code=code), part.code
    return None


def _notations(text: str, parser: Parser) -> Iterator[str]:
    """Yield the text with one of its notations undone, for each that it may have."""
    yield in_fences(text)
    yield in_tags(text, lambda inner: _is_code(inner, parser))
    yield from readings(text)


def _parts(text: str, parser: Parser) -> Iterator[_Part]:
    """Yield what may be the snippet, likeliest first: the text, and its parts with no code above them."""
    prose = _prose_above(text, parser)
    if not prose:
        yield _by_the_rule(text)
    head = text.split(_CLOSING, 1)[0]
    above, _, below = head.partition(_OPENING)
    if not _has_code(above, parser):
        yield _by_the_rule(below)._replace(strategy=Strategy.PROSE_CODE)
    for block in blocks(head):
        if _has_code("\n".join(head.split("\n")[: block.first - 1]), parser):
            break
        if block.may_be_python:
            strategy = Strategy.FENCE if block.closed else Strategy.FENCE_UNCLOSED
            yield _by_the_rule(block.content.rstrip() + "\n")._replace(strategy=strategy)
    mark = _START.search(head)
    if mark and not _has_code(head[: mark.start()], parser):
        yield _by_the_rule(head[mark.end() :])
    if prose:
        yield _by_the_rule(text)


def _prose_above(text: str, parser: Parser) -> bool:
    """Whether lines that are neither code nor comments stand above the first tag or fence."""
    above = _MARK.split(text, maxsplit=1)
    lines = (line.strip() for line in above[0].split("\n"))
    return (
        len(above) > 1 and any(line and line[0] != "#" for line in lines) and not _has_code(above[0], parser)
    )


def _has_code(text: str, parser: Parser) -> bool:
    """Whether a text is code, or any of its lines looks like it, broken or not.

    Comments are none: they may be headings of Markdown.
    """
    bare = text.replace(_OPENING, "").replace(_PYTHON_FENCE, "")
    begin = (begins_like_code(line) and line.lstrip()[0] != "#" for line in bare.split("\n"))
    return any(begin) or _is_code(bare, parser)


def _is_code(text: str, parser: Parser) -> bool:
    """Whether a text is Python, at module level or within a function, and more than prose that parses."""
    for source in (text, f"def f():\n{text}", f"def f():\n{_below(text)}"):
        parsed = parser.parse(source)
        if parsed is not None:
            body = parsed.tree.body
            if source is not text and isinstance(body[0], ast.FunctionDef):
                body = [*body[0].body, *body[1:]]
            return not all(map(_is_idle, body))
    return False


def _is_idle(statement: ast.stmt) -> bool:
    """Whether a statement does nothing, as `Done` or `Complexity: O(n)`."""
    if isinstance(statement, ast.AnnAssign):
        return statement.value is None
    return isinstance(statement, ast.Expr) and not any(isinstance(n, ast.Call) for n in ast.walk(statement))


def _indent(prompt: str) -> str:
    lines = [line for line in prompt.split("\n") if line.strip() and line.strip() != _OPENING]
    return lines[-1][: len(lines[-1]) - len(lines[-1].lstrip())] if lines else ""


def _mended(code: str, indent: str) -> str:
    """Return the end of a function's body with the indentation that a tokenizer or Markdown took away."""
    if not indent:
        return code
    parser = Parser()

    def fits(body: str) -> bool:
        return body.startswith(indent) and parser.parse("def f():\n" + body) is not None

    if fits(code):
        return code
    ways = (with_first_line(code, indent), textwrap.indent(dedent(code), indent))
    return next((way for way in ways if way is not None and fits(way)), code)


def _below(code: str) -> str:
    return textwrap.indent(dedent(code), "    ") if code.strip() else "    pass"
