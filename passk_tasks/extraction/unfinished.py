"""Whether an answer broke off: what of it never ended."""

from __future__ import annotations

from collections.abc import Iterable

from passk_tasks.extraction.fences import blocks, dedent, prefilled
from passk_tasks.extraction.reasoning import strip_reasoning
from passk_tasks.extraction.strategies import Strategy
from passk_tasks.extraction.syntax import Parser

# The whole text is a program, whatever stands in its strings.
_PROGRAMS = (Strategy.VERBATIM, Strategy.BODY, Strategy.RESTATED_FUNCTION, Strategy.WHOLE_FILE)


def unfinished(text: str, strategy: str, stops: Iterable[str] = ()) -> str | None:
    """Return `reasoning` or `fence` where a chain of thought or the last block never ended, else None.

    Args:
        text: what the model generated.
        strategy: how code was found in it.
        stops: the stop sequences; where one is a fence, no text has the closing one.
    """
    if strategy.partition("+")[0] in _PROGRAMS:
        return None
    stripped = strip_reasoning(text.replace("\r\n", "\n"))
    if stripped.unterminated:
        return "reasoning"
    last = blocks(stripped.text)[-1:]
    if not last or last[0].closed or any("```" in stop for stop in stops):
        return None
    return None if _only_closes(stripped.text) else "fence"


def _only_closes(text: str) -> bool:
    """Whether the first fence closes a block that the prompt opened: code above it, or nothing below."""
    split = prefilled(text)
    if split is None:
        return False
    head, rest = split
    return not rest.strip() or Parser().parse(dedent(head)) is not None
