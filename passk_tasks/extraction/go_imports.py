"""Go's imports by the text: what is imported must be used, and what is used must be imported, once."""

from __future__ import annotations

import re

from passk_tasks.extraction.languages import syntax
from passk_tasks.extraction.pieces import hidden

# Packages of the standard library that are used under their own name.
STANDARD = ("math", "strings", "fmt", "strconv", "time", "bytes", "regexp", "sort", "math/rand", "crypto/md5")
_BLOCK = re.compile(r"^import[ \t]*\((.*?)\)[ \t]*\n?", re.MULTILINE | re.DOTALL)
_ONE = re.compile(r'^import[ \t]+([^\s("]+[ \t]+)?("[^"\n]+"|`[^`\n]+`)[^\n]*\n?', re.MULTILINE)
_SPEC = re.compile(r'^[ \t]*(?:([\w.]+)[ \t]+)?("[^"\n]+"|`[^`\n]+`)', re.MULTILINE)
_PACKAGE = re.compile(r"^package[ \t]+\w+[^\n]*\n?", re.MULTILINE)


def imported(source: str) -> dict[str, str]:
    """Return the imports of a file: by path what it is called there, `""` for its own name."""
    specs: dict[str, str] = {}
    for match in _BLOCK.finditer(source):
        specs.update((path.strip('"`'), name) for name, path in _SPEC.findall(match[1]))
    specs.update((path.strip('"`'), name.strip()) for name, path in _ONE.findall(source))
    return specs


def apart(source: str) -> tuple[str, dict[str, str], str]:
    """Return a file's package clause (`""` where it has none), its imports, and what stands below them."""
    package = _PACKAGE.search(source)
    body = _ONE.sub("", _BLOCK.sub("", source))
    return (package[0] if package else ""), imported(source), _PACKAGE.sub("", body)


def used(path: str, name: str, code: str) -> bool:
    """Whether code, without its comments and strings, uses an import."""
    if name in ("_", "."):
        return True
    last = name or re.sub(r"/v\d+\Z", "", path).rpartition("/")[2].partition(".")[0]
    return re.search(rf"(?<![\w.]){re.escape(last)}\s*\.", code) is not None


def above(specs: dict[str, str]) -> str:
    """Return the import declaration of these."""
    lines = (f'    {name + " " if name else ""}"{path}"\n' for path, name in specs.items())
    return f"import (\n{''.join(lines)})\n" if specs else ""


def with_imports_of(prompt: str, source: str, before: str) -> str:
    """Return a file with the prompt's package and imports, and without imports that nothing uses any more.

    Args:
        prompt: its imports are those that the tests use.
        source: a file that something was taken out of.
        before: the file with it; what was unused there stays the model's own mistake.
    """
    package, specs, body = apart(source)
    record = syntax("go")
    was, now = (hidden(text, record) for text in (apart(before)[2], body))
    asked_package, asked, _ = apart(prompt)
    kept = {p: n for p, n in specs.items() if used(p, n, now) or not used(p, n, was)}
    if not package and not specs:  # a function alone: what it needs is told by its text
        kept = {p: "" for p in STANDARD if p not in asked and used(p, "", now)}
    again = {p: n for p, n in kept.items() if n != asked.get(p, n)}  # under another name than the tests'
    return f"{package or asked_package}\n{above({**kept, **asked})}{above(again)}\n{body.lstrip()}"
