"""Snippets, from base and chat models: lines without a function of their own, for a place in a program.

DS-1000's prompts end with `BEGIN SOLUTION` and `<code>`, and ask the model to end with `</code>`. Its
`postprocess` (test_ds1000.py of xlang-ai/DS-1000) takes what stands before the first `</code>`, without
fences and tags. So do we where that leaves code. Where prose stands around a fence or the tags, we take what
is inside.
"""

from __future__ import annotations

import re
import textwrap

from passk_tasks.extraction.completion import with_first_line
from passk_tasks.extraction.fences import blocks, dedent, prefilled
from passk_tasks.extraction.reasoning import strip_reasoning
from passk_tasks.extraction.strategies import Extraction, Repair, Strategy, extraction
from passk_tasks.extraction.syntax import Parser
from passk_tasks.extraction.tokens import cut_at_token, strip_outer, without_tail

_OPENING, _CLOSING = "<code>", "</code>"
# Prompts have these marks around the place of the answer, and models repeat them.
_STARTS = re.compile(r"^[ \t]*(?:#+[ \t]*)?(?:BEGIN SOLUTION|SOLUTION START)[ \t]*\n", re.MULTILINE)
_ENDS = re.compile(r"^[ \t]*(?:#+[ \t]*)?(?:END SOLUTION|SOLUTION END)\b", re.MULTILINE)


def snippet(text: str, prompt: str) -> Extraction:
    """Return the snippet in a model's text; the caller has applied the stops.

    Args:
        text: what the model generated.
        prompt: the whole prompt. Where its last line is indented, the snippet is the end of a function's body
            and must be indented too.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    repairs = set()
    stripped = strip_reasoning(strip_outer(text))
    bare = cut_at_token(strip_outer(stripped.text))
    if stripped.cut:
        repairs.add(Repair.REASONING)
    if not stripped.cut and bare != text:
        repairs.add(Repair.SPECIAL_TOKENS)
    if stripped.unterminated or not bare.strip():
        none = Strategy.NONE_UNTERMINATED_REASONING if stripped.unterminated else Strategy.NONE_EMPTY
        return extraction(None, none, frozenset(repairs))
    code, strategy = _find(bare)
    if not code.strip():
        return extraction(None, Strategy.NONE_NO_CODE_FOUND, frozenset(repairs))
    parser = Parser()
    whole = without_tail(code, lambda body: parser.parse("def f():\n" + _below(body)) is not None)
    if whole != code:
        repairs.add(Repair.SPECIAL_TOKENS)
        code = whole.rstrip() + "\n"
    mended = _mended(code, _indent(prompt))
    if mended != code:
        repairs.add(Repair.INDENT)
    return extraction(mended, strategy, frozenset(repairs))


def _find(text: str) -> tuple[str, Strategy]:
    strategy = Strategy.BODY
    # After the first closing tag models begin once more.
    text = text.split(_CLOSING, 1)[0]
    if _OPENING in text:
        text, strategy = text.split(_OPENING, 1)[1], Strategy.PROSE_CODE
    fenced = blocks(text)
    head = prefilled(text) if fenced else None
    if head is not None and Parser().parse("def f():\n" + _below(head[0])) is not None:
        text, strategy = head[0], Strategy.FENCE_PREFILLED
    elif fenced:
        block = next((block for block in fenced if block.may_be_python), fenced[0])
        text = block.content
        strategy = Strategy.FENCE if block.closed else Strategy.FENCE_UNCLOSED
    start = list(_STARTS.finditer(text))
    if start:
        text = text[start[-1].end() :]
    end = _ENDS.search(text)
    if end:
        text = text[: end.start()]
    # Indentation belongs to the answer; empty lines around it do not.
    return re.sub(r"\A(?:[ \t]*\n)+", "", text).rstrip() + "\n", strategy


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
