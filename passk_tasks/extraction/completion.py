"""Base models: the text continues the prompt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from passk_tasks.extraction.fences import blocks
from passk_tasks.extraction.prompts import body_indent, first_line, with_context
from passk_tasks.extraction.strategies import Extraction, Repair, Strategy, extraction
from passk_tasks.extraction.syntax import Parsed, Parser
from passk_tasks.extraction.tokens import cut_at_token, strip_outer, without_head, without_tail

_BLANKS = " \t\r\n▁"  # the last one is how sentencepiece spells a space
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

    The gap may begin or end within a line, and may be empty. What looks like a token is cut off where the
    program compiles only without it, and the first space, which decoders drop, is put back where it compiles
    only with it.
    """
    bare, parser = strip_outer(text), Parser()
    for start in _beginnings(bare):
        found = _ended(start, lambda body: parser.parse(prompt + body + suffix) is not None)
        if found is not None:
            spaced = start != bare and start[1:] == bare
            repairs = {Repair.INDENT} if spaced else set[Repair]()
            if found != (" " + text if spaced else text):
                repairs.add(Repair.SPECIAL_TOKENS)
            return extraction(prompt + found + suffix, Strategy.BODY, frozenset(repairs))
    bare = cut_at_token(bare)
    damaged = frozenset({Repair.SPECIAL_TOKENS}) if bare != text else frozenset[Repair]()
    return extraction(prompt + bare + suffix, Strategy.BODY, damaged)


def in_gap(found: Extraction, text: str, prompt: str, suffix: str) -> Extraction:
    """Return what was found in an answer, above the suffix where it is no whole function but the gap alone.

    Args:
        found: what an answer to the prompt alone would be.
        text: the answer.
        prompt: the code above the gap.
        suffix: the code below it.
    """
    continues = found.strategy.partition("+")[0] in (Strategy.BODY, Strategy.FENCE_BODY)
    if found.code is not None and (not continues or found.code.rstrip().endswith(suffix.strip())):
        return found
    strategy = found.strategy if found.code is not None else Strategy.FENCE_BODY.value
    texts = [block.content for block in blocks(text) if block.may_be_python]
    if found.code is not None and found.code.startswith(prompt):
        texts = [found.code[len(prompt) :]]
    for middle in (form for text in reversed(texts) for form in (text, text.strip("\n"))):
        filled = fill(middle, prompt, suffix)
        if Parser().parse(filled.code or "") is not None:
            return replace(filled, strategy=strategy)
    return found


def _beginnings(text: str) -> Iterator[str]:
    """Yield a text as it is, without tokens before it, and with the space that decoders drop."""
    yield text
    if (short := without_head(text)) != text:
        yield from (short, short.removeprefix("\n"))
    yield " " + text


def _ended(text: str, compiles: Callable[[str], bool]) -> str | None:
    """Return a text up to a token at its end, or to one after which another text begins, if that compiles.

    The line's end before a token belongs to the gap. A blank before it may be the token's own: ` <EOT>`.
    """

    def mended(body: str) -> str | None:
        below = text[len(body) :]
        whole = body + below[: len(below) - len(below.lstrip(_BLANKS))]
        return next((one for one in (whole, whole.rstrip(" \t▁"), body) if compiles(one)), None)

    for short in (text, cut_at_token(text)):
        if (found := mended(short)) is not None:
            return found
    return mended(without_tail(text, lambda body: mended(body) is not None))


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
