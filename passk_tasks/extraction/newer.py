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
_DEEPEST = 20  # f-strings in one another
_NESTED = r"\[[^\[\]\n]*(?:\[[^\[\]\n]*\][^\[\]\n]*)*\]"
_PARAMETERS = re.compile(rf"^(?P<head>[ \t]*(?:async[ \t]+def|def|class)[ \t]+\w+)(?P<names>{_NESTED})", re.M)
_ALIAS = re.compile(rf"^(?P<head>[ \t]*type) (?P<name>[^\W\d]\w*)(?P<names>{_NESTED})?(?=[ \t]*=[^=])", re.M)
_GROUP = re.compile(r"^(?P<head>[ \t]*except)(?P<star>[ \t]*\*)", re.M)


def as_older(source: str) -> str:
    """Return a source in which pieces of newer syntax are replaced, with the same lines and columns.

    Its tree stands for that of the source, but for what is in such f-strings and type parameters. A source
    without newer syntax comes back as it is.
    """
    source = _PARAMETERS.sub(lambda m: m["head"] + " " * len(m["names"]), _without_formatted(source))
    source = _ALIAS.sub(lambda m: f"{m['head']}_{m['name']}{' ' * len(m['names'] or '')}", source)
    return _GROUP.sub(lambda m: m["head"] + " " * len(m["star"]), source)


def _without_formatted(source: str) -> str:
    """Return the source with f-strings of newer syntax replaced by strings of their length."""
    pieces, done, at = list[str](), 0, 0
    while (found := _START.search(source, at)) is not None:
        at = found.end()
        if (quote := found["quote"]) is None:
            continue  # a comment
        string = _string(source, at, quote, found["prefix"] or "")
        if string is None:
            break  # no Python reads that
        at, is_newer = string
        if is_newer:
            pieces += [source[done : found.start()], _blank(source[found.start() : at])]
            done = at
    return "".join([*pieces, source[done:]])


def _blank(literal: str) -> str:
    """Return a string of the same length; one on several lines may have no place in its statement."""
    if literal[-3:] in _PLAIN:
        return '"""' + re.sub(".", " ", literal[3:-3]) + '"""'
    return '""' + re.sub(".", " ", literal[2:])


def _string(source: str, at: int, quote: str, prefix: str, deep: int = 0) -> tuple[int, bool] | None:
    """Return where a string ends whose text begins at `at`, and whether it is newer; None without an end."""
    plain = _PLAIN[quote].match(source, at)
    if prefix.lower() not in _FORMATTED:
        return (plain.end(), False) if plain else None
    is_newer = False
    opened: list[str] = []  # "f" a field of the string, ":" its format, or a bracket in a field
    while at < len(source) and deep < _DEEPEST:
        sign = source[at]
        if not opened or opened[-1] == ":":
            if not opened and source.startswith(quote, at):
                end = at + len(quote)
                return end, is_newer or plain is None or plain.end() != end
            if sign == "\n" and len(quote) == 1:
                return None
            if sign == "\\" or (not opened and source.startswith(("{{", "}}"), at)):
                at += 1
            elif sign == "{":
                opened.append("f")
            elif sign == "}":
                del opened[-2:]
        elif sign in "'\"":
            inner = source[at : at + 3] if source[at : at + 3] in _PLAIN else sign
            word = _LAST_WORD.search(source, max(0, at - 3), at)
            string = _string(source, at + len(inner), inner, word[0] if word else "", deep + 1)
            if string is None:
                return None
            is_newer = is_newer or string[1] or "\\" in source[at : string[0]]
            at = string[0] - 1
        elif sign in "([{":
            opened.append(sign)
        elif sign in ")]}":
            opened.pop()
        elif sign == ":" and opened[-1] == "f":
            opened.append(":")
        elif sign in "#\\":
            is_newer = True
            if sign == "#" and (at := source.find("\n", at)) < 0:
                return None
        at += 1
    return None
