"""Source text with its parts of speech marked, so that the page colours it without a lexer of its own.

A control character before a part says what it is, `PLAIN` before what is nothing special. `visible` leaves no
control character in a text but line feeds and tabs, so nobody's text can hold a mark.
"""

from __future__ import annotations

import functools

from passk_tasks.errors import UsageError

try:
    from pygments.lexer import Lexer
    from pygments.lexers import get_lexer_by_name
    from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType
    from pygments.util import ClassNotFound
except ImportError as _error:
    raise UsageError(f"a report needs Pygments ({_error}): pip install 'passk-tasks[report]'") from None

_ALIASES = {"ml": "ocaml", "adb": "ada"}  # where Pygments has another word than MultiPL-E

_OVER_LINES = ('"""', "'''", "\\\n")  # what a token of Python needs to go over the end of a line

PLAIN = "\x00"
MARKS = {
    Keyword.Type: "\x06",
    Keyword: "\x01",
    Operator.Word: "\x01",
    Name.Function: "\x02",
    Name.Class: "\x02",
    Name.Decorator: "\x02",
    String: "\x03",
    Comment: "\x04",
    Number: "\x05",
    Name.Builtin: "\x06",
    Name.Exception: "\x06",
}
"""The mark of each kind of token and of those below it; script/code.js has a class for each mark."""


def marked(text: str, language: str | None = None) -> str:
    """Return text with marks; as it is where its language is not known."""
    if _lexer(language) is None:
        return text
    if language is None and not any(sign in text for sign in _OVER_LINES):
        # Candidates have most of their lines in common, and a lexer is slow.
        return f"{PLAIN}\n".join(_marked(line, None) for line in text.split("\n"))
    return _marked(text, language)


@functools.lru_cache(maxsize=1 << 16)
def _marked(text: str, language: str | None) -> str:
    lexer = _lexer(language)
    assert lexer is not None
    pieces, last = [], PLAIN
    for _, kind, value in lexer.get_tokens_unprocessed(text):
        mark = _mark(kind)
        # Blanks take the mark before them: fewer marks.
        if mark != last and not value.isspace():
            pieces.append(mark)
            last = mark
        pieces.append(value)
    return "".join(pieces)


def plain(text: str) -> str:
    """Return marked text without its marks."""
    return text.translate(dict.fromkeys(map(ord, {PLAIN, *MARKS.values()})))


@functools.cache
def _mark(kind: _TokenType) -> str:
    return next((mark for one, mark in MARKS.items() if kind in one), PLAIN)


@functools.cache
def _lexer(language: str | None) -> Lexer | None:
    name = _ALIASES.get(language or "python", language or "python").removesuffix("_pack")
    options = {"stripnl": False, "ensurenl": False} | ({"startinline": True} if name == "php" else {})
    try:
        return get_lexer_by_name(name, **options)
    except ClassNotFound:
        return None
