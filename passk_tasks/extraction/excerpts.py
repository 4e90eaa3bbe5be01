"""Parts of the answer that are shown again, to explain it.

Below its answer a model may repeat the beginning of a function, or some of its lines, in a block of its own.
Such a block may define the function too, and is no answer. It needs no words to tell it: all its lines stand
in the answer, in their order, and the answer goes on below them. A later version that only leaves lines out
ends as the earlier one does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from passk_tasks.extraction.syntax import is_text, silently

# A comment that stands for lines: "# ...", "// ... as above".
_ELISION = re.compile(r"^[ \t]*(?:#|//|--|;+|/\*)[ \t]*(?:\.\.\.|\u2026)", re.MULTILINE)
# A declaration whose body stands below it or nowhere: `def f(x)`, `int f(int x) {`, `fn f(x: u8) -> u8;`.
_DECLARES = re.compile(r"\{\s*$|^(?!.*\bend\s*$)[^={]*$")
_FILLERS = ("pass", "...")
# Lines that only end or continue what stands above them.
_CLOSERS = ("", "end", "else", "fi", "done", "then", "do", "esac")


def elides(source: str) -> bool:
    """Whether a comment of three dots stands for lines that are left out."""
    return _ELISION.search(source) is not None


def repeats(part: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether a piece has nothing but lines of another, in their order, and fewer of them."""
    left = iter(whole)
    return len(part) < len(whole) and all(line in left for line in part)


def shows_again(part: Sequence[str], whole: Sequence[str], *, dots: bool) -> tuple[bool, bool]:
    """Return whether a function is an excerpt of an earlier one, and whether that is sure.

    One that only lacks the last line may be a new version, and one that ends alike an excerpt.

    Args:
        part: the lines of its body.
        whole: those of the earlier one.
        dots: whether something in it stands for lines that are left out.
    """
    if not repeats(part, whole):
        return False, True
    excerpt = dots or part[-1:] != whole[-1:]
    return excerpt, excerpt and (dots or len(part) + 1 < len(whole))


def statements(body: Sequence[ast.stmt]) -> list[str]:
    """Return the lines of statements in one spelling, without comments, documentation and fillers."""
    try:
        text = silently(lambda: "\n".join(ast.unparse(node) for node in body if not is_text(node)))
    except RecursionError:
        return ["?"]  # no other piece has such a line
    return [line for line in text.split("\n") if line.strip() not in _FILLERS]


def body_lines(lines: Sequence[str], at: int) -> list[str]:
    """Return the lines of a definition that begins at line `at` and is indented as people do.

    Args:
        lines: of a program, without comments.
        at: index of the definition's first line.
    """
    margin = _width(lines[at])
    body = list[tuple[int, str]]()
    for line in lines[at + 1 :]:
        bare = line.strip(" \t{}();,")
        if _width(line) <= margin and line.strip() not in ("", "{"):
            break
        if bare not in _CLOSERS:
            body.append((_width(line), bare))
    return [" " * (width - body[0][0]) + bare for width, bare in body]


def declares(line: str) -> bool:
    """Whether a line begins a definition in braces, or with an `end`, and holds nothing of its body."""
    return _DECLARES.search(line) is not None


def _width(line: str) -> int:
    line = line.expandtabs(4)
    return len(line) - len(line.lstrip())
