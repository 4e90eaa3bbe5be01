"""Ada's units: a function stands in the body of a package, and the tests close both."""

from __future__ import annotations

import re

from passk_tasks.extraction.languages import syntax
from passk_tasks.extraction.pieces import hidden

_FLAGS = re.IGNORECASE | re.MULTILINE
_PACKAGE = re.compile(r"^[ \t]*package\s+body\s+(\w+)\s+is\b", _FLAGS)
_CONTEXT = re.compile(r"^(?:with|use|pragma)\b[^;]*;[^\n]*\n?", _FLAGS)


def in_package(prompt: str, source: str, entry_point: str, *, closes: bool) -> tuple[str, bool]:
    """Return a file with the prompt's package around its function, and whether anything was left out.

    That is what stands behind the package: its own main procedure.

    Args:
        prompt: a package's specification, and its body up to the function's declaration.
        source: what an answer has of both.
        entry_point: the function.
        closes: whether the tests close the function and the package; another procedure of that name, without
            parameters, is put there for them.
    """
    record = syntax("adb")
    asked = hidden(prompt, record)
    package = next(reversed(list(_PACKAGE.finditer(asked))), None)
    if package is None:
        return source, False
    name = package[1]
    source = _with_specification(prompt, asked, source, name, record.definition(entry_point))
    code = hidden(source, record)
    body = [match for match in _PACKAGE.finditer(code) if match[1].lower() == name.lower()]
    ends = list(re.finditer(rf"^[ \t]*end\s+{name}\s*;", code[body[-1].end() :], _FLAGS)) if body else []
    shorter = False
    if ends:
        start, end = (body[-1].end() + at for at in ends[-1].span())
        shorter = bool(code[end:].strip())
        source = source[:start] if closes else f"{source[:end]}\n"
    if closes and _is_closed(hidden(source, record), entry_point, record.definition(entry_point)):
        source = f"{source.rstrip()}\n\n   procedure {entry_point} is\n   begin\n      null;"
    return source, shorter


def _with_specification(prompt: str, asked: str, source: str, name: str, definition: re.Pattern[str]) -> str:
    """Return the source below what it lacks of the prompt: the specification, or the head of the body."""
    code = hidden(source, syntax("adb"))
    if _PACKAGE.search(code) is None:  # functions alone
        function = next(reversed(list(definition.finditer(asked))), None)
        above = prompt[: asked.rfind("\n", 0, function.start()) + 1] if function else prompt
        at = next(reversed(list(_PACKAGE.finditer(asked)))).start()
        context = "".join(source[m.start() : m.end()] for m in _CONTEXT.finditer(code))
        return f"{above[:at]}{context}{above[at:]}{_CONTEXT.sub('', source) if context else source}"
    if re.search(rf"^[ \t]*package\s+{name}\s+is\b", code, _FLAGS):
        return source
    end = re.search(rf"^[ \t]*end\s+{name}\s*;[^\n]*\n?", asked, _FLAGS)
    return f"{prompt[: end.end()]}\n{source}" if end else source


def _is_closed(code: str, entry_point: str, definition: re.Pattern[str]) -> bool:
    """Whether the function, the last definition of its name, is complete."""
    last = next(reversed(list(definition.finditer(code))), None)
    rest = code[last.end() :] if last else ""
    whole = rf"\bend\s+{re.escape(entry_point)}\s*;|^[^;()]*(?:\([^()]*\)[^;()]*)?\bis\s*\("
    return re.search(whole, rest, re.IGNORECASE) is not None or re.search(r"\bend\s*;\s*\Z", rest) is not None
