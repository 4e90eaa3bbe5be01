"""Source in the syntax of a newer Python than the one that runs this package, in older words.

Before Python 3.12 the parser refuses f-strings that hold their own quotes, backslashes or comments in their
braces (PEP 701), type parameters and `type` statements (PEP 695); before 3.11 it refuses `except*`. Answers
are written so, and candidates may run in a newer Python.
"""

from __future__ import annotations

import re

KNOWN = (3, 13)
"""The newest version of Python whose syntax is put in older words."""

_START = re.compile(r"#[^\n]*|(?P<prefix>(?<!\w)[A-Za-z]{1,2})?(?P<quote>'''|\"\"\"|'|\")")
_LAST_WORD = re.compile(r"(?<!\w)[A-Za-z]{1,2}\Z")
_FORMATTED = frozenset(("f", "fr", "rf"))
_PLAIN = {
    quote: re.compile(rf"(?:[^\\{'' if len(quote) > 1 else chr(10)}]|\\.)*?{quote}", re.DOTALL)
    for quote in ("'''", '"""', "'", '"')
}
_FIELD_END = re.compile(r"(?:(?<![=<>!])=[ \t]*)?(?:![a-z][ \t]*)?[:}]")
_DEEPEST = 20  # f-strings in one another
_BRACKETS = r"\[[^\[\]\n]*(?:\[[^\[\]\n]*\][^\[\]\n]*)*\]"
_PARAMETERS = re.compile(rf"^([ \t]*(?:async[ \t]+def|def|class)[ \t]+\w+){_BRACKETS}", re.MULTILINE)
_ALIAS = re.compile(rf"^([ \t]*type) ([^\W\d]\w*)(?:{_BRACKETS})?(?=[ \t]*=[^=])", re.MULTILINE)
_GROUP = re.compile(r"^([ \t]*except)[ \t]*\*", re.MULTILINE)


def as_older(source: str) -> str:
    """Return a source of the same lines in which pieces of newer syntax are replaced.

    Its tree stands for that of the source: the statements, and the names that they bind and use. A source
    without newer syntax comes back as it is.
    """
    source = _PARAMETERS.sub(r"\1", _without_formatted(source))
    return _GROUP.sub(r"\1 ", _ALIAS.sub(r"\1_\2", source))


def _without_formatted(source: str) -> str:
    """Return the source with lists of their fields in place of f-strings of newer syntax."""
    pieces, done, at = list[str](), 0, 0
    while (found := _START.search(source, at)) is not None:
        at = found.end()
        if (quote := found["quote"]) is None:
            continue  # a comment
        string = _string(source, at, quote, found["prefix"] or "")
        if string is None:
            break  # no Python reads that
        at, older = string
        if older is not None:
            pieces += [source[done : found.start()], older]
            done = at
    return "".join([*pieces, source[done:]])


def _string(source: str, at: int, quote: str, prefix: str, deep: int = 0) -> tuple[int, str | None] | None:
    """Return where a string ends whose text begins at `at`, and what stands for it if it is newer.

    None where it has no end. What stands for it is `[field, format's field, ]and""`, an expression that may
    have other strings beside it.
    """
    plain = _PLAIN[quote].match(source, at)
    if prefix.lower() not in _FORMATTED:
        return (plain.end(), None) if plain else None
    is_newer, older = False, ["["]
    opened: list[str] = []  # "f" a field of the string, ":" its format, or a bracket in a field
    while at < len(source) and deep < _DEEPEST:
        sign, kept = source[at], ""
        if not opened or opened[-1] == ":":
            if not opened and source.startswith(quote, at):
                end = at + len(quote)
                is_newer = is_newer or plain is None or plain.end() != end
                return end, "".join([*older, ']and""']) if is_newer else None
            if sign == "\n" and len(quote) == 1:
                return None
            if sign == "\\" or (not opened and source.startswith(("{{", "}}"), at)):
                at += 1
            elif sign == "{":
                opened.append("f")
            elif sign == "}":
                del opened[-2:]
            kept = "\n" * (source[at : at + 1] == "\n")
        elif sign in "'\"":
            inner = source[at : at + 3] if source[at : at + 3] in _PLAIN else sign
            word = _LAST_WORD.search(source, max(0, at - 3), at)
            before = word[0] if word else ""
            string = _string(source, at + len(inner), inner, before, deep + 1)
            if string is None:
                return None
            end, nested = string
            is_newer = is_newer or nested is not None or "\\" in source[at:end]
            kept = source[at:end]
            if nested is not None:
                del older[-len(before) :]
                kept = nested
            at = end - 1
        elif opened[-1] == "f" and (ends := _FIELD_END.match(source, at)):
            kept = ","
            at = ends.end() - 1
            opened.pop() if source[at] == "}" else opened.append(":")
        else:
            is_newer, kept = is_newer or sign in "#\\", sign
            if sign == "#":
                if (end := source.find("\n", at)) < 0:
                    return None
                kept, at = "", end - 1
            elif sign in "([{":
                opened.append(sign)
            elif sign in ")]}":
                opened.pop()
        older.append(kept)
        at += 1
    return None
