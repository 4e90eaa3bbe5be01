"""Base models: the text continues the prompt."""

from __future__ import annotations

import re

from passk_tasks.extraction.prompts import body_indent, first_line, with_context
from passk_tasks.extraction.strategies import Extraction, Repair, Strategy, extraction
from passk_tasks.extraction.syntax import Parsed, Parser
from passk_tasks.extraction.tokens import cut_at_token, strip_outer, without_tail

_CODE = re.compile(r"(?:async\s+def|def|class|import|from)\s|@|#|\"\"\"|'''|\w+\s*=")


def complete(text: str, prompt: str, entry_point: str) -> Extraction:
    """Return prompt + text, mended only where the pipeline damaged it; the caller has applied the stops."""
    parser, repairs = Parser(), set()
    bare = strip_outer(text)
    cut = cut_at_token(bare)
    if cut != bare and parser.parse(prompt + bare) is None:
        bare = cut
    line, indent = first_line(bare), body_indent(prompt)
    if _may_end_in_token(bare):  # most texts do not, and cost no parse

        def compiles(body: str) -> bool:
            mended = with_first_line(body, indent)
            return any(
                parser.parse(source) is not None
                for source in (prompt + body, prompt + mended if mended is not None else "(", body)
            )

        bare = without_tail(bare, compiles)
    if bare != text:
        repairs.add(Repair.SPECIAL_TOKENS)
    if not bare.strip():
        return extraction(None, Strategy.NONE_EMPTY, frozenset(repairs))
    code, strategy = prompt + bare, Strategy.BODY
    # The common case costs no parse: the first line has the indentation that the prompt asks for.
    if not line.startswith(indent):
        restated = parser.parse(_newlines(bare)) if _CODE.match(line) else None
        if restated is not None and restated.defines(entry_point):
            strategy = restated_as(restated, entry_point)
            # A prompt without a docstring has a function without a body: only the text is a program.
            if parser.parse(code) is None:
                code = with_context(restated, prompt, entry_point)
        elif parser.parse(code) is None:
            mended = with_first_line(bare, indent)
            if mended is not None and parser.parse(prompt + mended) is not None:
                code = prompt + mended
                repairs.add(Repair.INDENT)
    return extraction(code, strategy, frozenset(repairs))


def fill(text: str, prompt: str, suffix: str) -> Extraction:
    """Return prompt + text + suffix, without control tokens; the caller has applied the stops.

    Nothing else is mended: the gap may begin or end within a line, and may be empty.
    """
    bare = strip_outer(text)
    cut = cut_at_token(bare)
    parser = Parser()
    if cut != bare and parser.parse(prompt + bare + suffix) is None:
        bare = cut
    if _may_end_in_token(bare):
        bare = without_tail(bare, lambda body: parser.parse(prompt + body + suffix) is not None)
    repairs = frozenset({Repair.SPECIAL_TOKENS}) if bare != text else frozenset[Repair]()
    return extraction(prompt + bare + suffix, Strategy.BODY, repairs)


def _may_end_in_token(text: str) -> bool:
    tail = text[-100:]
    return "<" in tail or "[/" in tail or "[|" in tail or "◁" in tail or ">\n" in text


def with_first_line(text: str, indent: str) -> str | None:
    """Return `text` with its first line that is not blank indented by `indent`; None if it lost nothing.

    Tokenizers drop the first spaces of a text, and APIs strip it.
    """
    stripped = text.lstrip()
    start = text.rfind("\n", 0, len(text) - len(stripped)) + 1
    left = text[start : len(text) - len(stripped)]
    return text[:start] + indent + stripped if left != indent and indent.startswith(left) else None


def restated_as(parsed: Parsed, entry_point: str) -> Strategy:
    """Return the strategy of a program: the function only, or more."""
    return Strategy.RESTATED_FUNCTION if parsed.bound == {entry_point} else Strategy.WHOLE_FILE


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
