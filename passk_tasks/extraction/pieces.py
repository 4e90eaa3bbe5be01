"""Program text in pieces, by its lines and brackets: for languages whose parser is not at hand.

A piece begins at a line that starts in the first column and continues nothing, and reaches to the next such
line. Models indent what belongs together, so a piece is one definition, import or statement, with the
comments below it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from passk_tasks.extraction.languages import Syntax

_BRACE = re.compile(r"[{}]")
_NOT_A_BREAK = re.compile(r"[^\n]")
# What starts in the first column and yet belongs to what stands above.
_CONTINUES = re.compile(
    r"[\])}{.|&?]|(?:end|else|elsif|elif|elseif|fi|done|esac|do|then|in|rescue|ensure|catch|finally|until|while\s*\(.*\);"
    r"|where|begin|of)\b"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a program.

    Attributes:
        text: its lines, with comments and strings.
        code: the same text with spaces for these.
    """

    text: str
    code: str


def hidden(source: str, syntax: Syntax) -> str:
    """Return `source` with spaces for what holds no code: comments, strings, characters. Its length stays."""
    return syntax.hides.sub(lambda match: _NOT_A_BREAK.sub(" ", match.group()), source)


def split(source: str, syntax: Syntax) -> list[Piece]:
    """Return the pieces of a program, in order; together they are `source`."""
    code = hidden(source, syntax)
    starts, at, depth = [], 0, 0
    for line in code.splitlines(keepends=True):
        stands = line[:1].strip() and not _CONTINUES.match(line)
        # An unbalanced line is code that breaks off, and hides nothing of what follows a definition.
        if stands and (depth <= 0 or not syntax.braces):
            starts.append(at)
            depth = 0
        depth += sum(map(line.count, "{([")) - sum(map(line.count, "])}"))
        at += len(line)
    edges = [0, *(start for start in starts if start), len(source)]
    return [Piece(source[a:b], code[a:b]) for a, b in itertools.pairwise(edges) if b > a]


def body_end(code: str, start: int, opened: int = 0) -> int | None:
    """Return the index behind the brace that closes all that are open; None if none does.

    Args:
        code: without comments and strings.
        start: where the definition begins.
        opened: braces that are open there; with none, the first one that opens is the one to close.
    """
    depth = opened
    for match in _BRACE.finditer(code, start):
        depth += 1 if match.group() == "{" else -1
        if depth <= 0:
            return match.end()
    return None


def depth_of(code: str) -> int:
    """Return how many braces are open at the end of `code`."""
    return code.count("{") - code.count("}")


def balanced(text: str, syntax: Syntax, opened: int) -> str:
    """Return `text` up to the brace that closes the last of `opened` ones, or all of it if none does."""
    return text[: body_end(hidden(text, syntax), 0, opened)]


def members(code: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Yield where the definitions that match at the beginning of their line start and end, in order.

    Each reaches to its closing brace, or to the end of its line where no brace opens in it.
    """
    at = 0
    for line in code.splitlines(keepends=True):
        start, at = at, at + len(line)
        if pattern.match(line.lstrip()) is None:
            continue
        opening = code.find("{", start)
        between = code[start:opening] if opening >= 0 else ""
        end = body_end(code, start) if opening >= 0 and not re.search(r"[;]|\n\s*\n", between) else None
        yield start, at if end is None else end
