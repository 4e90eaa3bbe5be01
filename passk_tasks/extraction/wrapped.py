"""Notations in which an answer shows code, undone.

The strings of a JSON value, a quotation, HTML, numbered lines, an interpreter's session, a patch and the like
are no part of the program. Each reading is tried where no right code is found in the text as it stands. Only
HTML's blocks become fences at once, and a patch is not looked into before: some of their lines compile.
"""

from __future__ import annotations

import ast
import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import islice

from passk_tasks.extraction.fences import blocks, dedent
from passk_tasks.extraction.syntax import Parser

_BEGINS = re.compile(r"^[ \t]*(?=[\[{\"])|(?=\{\s*\")", re.MULTILINE)
_MAX_VALUES = 8  # places where a value may begin
_BREAK = "\n"
_MAX_NESTED = 3  # JSON in a string of JSON
_QUOTE = re.compile(r"^> ?", re.MULTILINE)  # Markdown's block quotes
_PRE = re.compile(r"<pre\b[^>\n]{0,200}>[ \t]*(?:<code\b[^>\n]{0,200}>)?\n?", re.IGNORECASE)
_PRE_END = re.compile(r"(?:</code>\s*)?</pre>", re.IGNORECASE)
_ELEMENT = re.compile(r"^[ \t]*<(\w[\w:.-]{0,40})\b[^<>\n]{0,200}>[ \t]*\n?", re.MULTILINE)
_CDATA, _CDATA_END = re.compile(r"<!\[CDATA\["), re.compile(r"\]\]>")
_MAX_SECTIONS = 64  # of each kind; bounds the work on degenerate texts
_PATCH = ("diff", "patch")
_PATCH_HEAD = re.compile(r"^(?:diff |index |--- |\+\+\+ |@@|\*\*\* |\\ No newline)")
_HUNK = re.compile(
    r"^(?:@@ -[\d,]+ \+[\d,]+ @@.*|@@|\*\*\* (?:Add|Update) File: .*)(?:\n[-+ \\].*|\n(?=[-+ ]))*",
    re.MULTILINE,
)
# Code itself may begin with a bracket, so one that belongs to the number stands right behind it: "1)", "1 |".
_NUMBERED = re.compile(r"[ \t]*(\d{1,6})(?:[:.)\]]|[ \t]*(?:\||[^\x00-\x7f\w\s])|(?=[ \t]|$))(.*)")
_PROMPT = re.compile(r"[ \t]*(?:>>>|\.\.\.(?!:)|In \[\d*\]:|\.\.\.:)(?: (?P<code>.*)|[ \t]*$)")
_HEREDOC = re.compile(r"<<-?[ \t]*(['\"]?)(\w{1,40})\1[^\n]*\n")
_STRING = re.compile(r"^('''|\"\"\")(?:python|py)[ \t]*\n", re.MULTILINE)
_INLINE = re.compile(r"(?<!`)`((?:async )?(?:def|class|from|import) [^`]+)`(?!`)")
_MAGIC = re.compile(r"^[ \t]*(?:%%?|!)[A-Za-z].*$", re.MULTILINE)  # IPython's
_TAGS = re.compile(r"</?(?:p|div|span|code|tt|b|i|em|strong)\b[^<>\n]{0,200}>", re.IGNORECASE)
_BR = re.compile(r"<br\b[^<>\n]{0,20}>\n?", re.IGNORECASE)
_ESCAPED = re.compile(r"\\([ntr\\\"'])")
_ESCAPES = {"n": "\n", "t": "\t", "r": ""}


def readings(text: str) -> Iterator[str]:
    """Yield the text with one of its notations undone, for each that it may have."""
    for undo in _NOTATIONS:
        undone = undo(text)
        if undone is not None and undone != text:
            yield undone


def in_fences(text: str) -> str:
    """Return the text with its blocks of HTML in fences, and without patches."""
    if "```" not in text:
        text = _in_sections(text, _PRE, lambda _: _PRE_END, lambda content: _fenced(html.unescape(content)))
        text = _in_sections(text, _CDATA, lambda _: _CDATA_END, _fenced)
    if any(f"```{word}" in text for word in _PATCH):
        lines = text.split("\n")
        for block in reversed(blocks(text)):
            if block.language in _PATCH:
                del lines[block.first - 1 : block.last + 1]
        text = "\n".join(lines)
    return text if "```" in text else _HUNK.sub("", text)


def in_tags(text: str, shows: Callable[[str], bool]) -> str:
    """Return the text with a fence for the tags that close around a part that `shows` what is looked for."""
    content = text
    for _ in range(_MAX_NESTED):
        inner = next(filter(shows, _elements(content)), None)
        if inner is None:
            break
        content = inner
    return text if content is text else _fenced(content)


def _elements(text: str) -> Iterator[str]:
    """Yield what stands between the first tags that begin a line and those that close them."""
    for opening in islice(_ELEMENT.finditer(text), _MAX_SECTIONS):
        end = text.find(f"</{opening[1]}>", opening.end())
        if end >= 0:
            yield text[opening.end() : end]


def in_json(text: str) -> str | None:
    """Return the texts of the first JSON value in an answer, each in a fence of its own; None without one."""
    for match in islice(_BEGINS.finditer(text), _MAX_VALUES):
        try:  # models write line breaks in strings as they are, which is not strict
            value, _ = json.JSONDecoder(strict=False).raw_decode(text, match.end())
        except (ValueError, RecursionError):
            continue
        texts = [one for one in _texts(value, _MAX_NESTED) if len(one.split()) > 1]
        if texts:
            return "\n".join(one if "```" in one else _fenced(one) for one in texts) + "\n"
    return None


def _texts(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        if depth and value.lstrip()[:1] in ("{", "["):
            try:
                within = json.loads(value, strict=False)
            except (ValueError, RecursionError):
                pass
            else:
                yield from _texts(within, depth - 1)
                return
        yield value
    elif isinstance(value, list) and _are_lines(value):
        yield "".join(f"{line.removesuffix(_BREAK)}\n" for line in value)
    elif isinstance(value, (list, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner, depth)


def _are_lines(values: list[object]) -> bool:
    """Whether a list holds the lines of one program, as notebooks have them: some are indented."""
    lines = [one for one in values if isinstance(one, str) and "\n" not in one.removesuffix(_BREAK)]
    return len(lines) == len(values) and any(line.startswith((" ", "\t")) for line in lines)


def _from_literals(text: str) -> str | None:
    """Return the longer texts of an answer that is a value or a call in Python, each in a fence."""
    tree = Parser().parse(text.strip())
    nodes = tree.tree.body if tree is not None else []
    if not nodes or not all(isinstance(node, ast.Expr) for node in nodes):
        return None
    values = (one.value for node in nodes for one in ast.walk(node) if isinstance(one, ast.Constant))
    return "\n".join(_fenced(value) for value in values if isinstance(value, str) and "\n" in value)


def _unquoted(text: str) -> str | None:
    return _QUOTE.sub("", text) if text.count("\n>") > 1 or text.startswith(">") else None


def _unescaped(text: str) -> str | None:
    return html.unescape(text) if "&" in text else None


def visible(text: str) -> str | None:
    """Return the text with ASCII's space and line break for Unicode's, and without what has no width."""
    if text.isascii():
        return None
    instead = {"Zs": " ", "Zl": "\n", "Zp": "\n", "Cf": ""}
    return "".join(c if c.isascii() else instead.get(unicodedata.category(c), c) for c in text)


def _unnumbered(text: str) -> str | None:
    """Return the text without the numbers of lines that count up from one line to the next."""
    done, run = list[str](), list[str]()
    expected = -1
    for line in [*text.split("\n"), ""]:
        match = _NUMBERED.fullmatch(line)
        if match is None or int(match[1]) != expected:
            done += _without_numbers(run)
            run = []
        if match is None:
            done.append(line)
        else:
            run.append(line)
            expected = int(match[1]) + 1
    return "\n".join(done[:-1])


def _without_numbers(run: list[str]) -> list[str]:
    if len(run) < 2:
        return run
    return dedent("\n".join(_NUMBERED.sub(r"\2", line) for line in run)).split("\n")


def _from_session(text: str) -> str | None:
    """Return the code of an interpreter's session, without what it printed."""
    done, printed = list[str](), False
    for line in text.split("\n"):
        match = _PROMPT.fullmatch(line)
        if match is not None:
            done.append(match["code"] or "")
        elif not printed or not line.strip() or "```" in line:
            done.append(line)
        printed = match is not None or (printed and bool(line.strip()) and "```" not in line)
    return "\n".join(done)


def _patched(text: str) -> str | None:
    """Return the new side of the patches in an answer, each in a fence."""
    lines = text.split("\n")
    patches = [block for block in blocks(text) if block.language in _PATCH]
    if not patches:
        return _new_side(lines) if _HUNK.search(text) else None
    for block in reversed(patches):
        lines[block.first - 1 : block.last + 1] = [_fenced(_new_side(block.content.split("\n")))]
    return "\n".join(lines)


def _new_side(lines: list[str]) -> str:
    kept = (line for line in lines if not line.startswith("-") and not _PATCH_HEAD.match(line))
    return "\n".join(line[1:] if line[:1] in ("+", " ") else line for line in kept)


def _from_heredoc(text: str) -> str | None:
    """Return the text with what a shell writes to a file as a block of its own."""

    def end(begin: re.Match[str]) -> re.Pattern[str]:
        return re.compile(rf"^[ \t]*{begin[2]}[ \t]*$", re.MULTILINE)

    return _in_sections(text, _HEREDOC, end, lambda content: "\n```\n" + _fenced(content))


def _from_string(text: str) -> str | None:
    """Return the text with fences for marks of a string that have a language."""

    def end(begin: re.Match[str]) -> re.Pattern[str]:
        return re.compile(rf"^{begin[1]}[ \t]*$", re.MULTILINE)

    return _in_sections(text, _STRING, end, _fenced)


def _from_inline(text: str) -> str | None:
    return _INLINE.sub(lambda match: _fenced(match[1]), text)


def _without_magics(text: str) -> str | None:
    return _MAGIC.sub("", text)


def _from_paragraphs(text: str) -> str | None:
    """Return the text of HTML in which tags break the lines."""
    if _BR.search(text) is None:
        return None
    text = html.unescape(_TAGS.sub("", _BR.sub("\n", text)))
    return visible(text) or text


def _from_escapes(text: str) -> str | None:
    r"""Return the text where `\n` breaks most of its lines, as in a string's source."""
    if text.count("\\n") <= text.count("\n"):
        return None
    bare = text.strip()
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "'\"":
        text = bare[1:-1]
    return _ESCAPED.sub(lambda match: _ESCAPES.get(match[1], match[1]), text)


def _in_sections(
    text: str,
    opening: re.Pattern[str],
    closing: Callable[[re.Match[str]], re.Pattern[str]],
    shown: Callable[[str], str],
) -> str:
    """Return the text with `shown(content)` for each section, from its opening to its closing mark."""
    done, at, ahead = list[str](), 0, 0
    for _ in range(_MAX_SECTIONS):
        begin = opening.search(text, ahead)
        if begin is None:
            break
        end = closing(begin).search(text, begin.end())
        ahead = begin.end() if end is None else end.end()
        if end is not None:
            done += [text[at : begin.start()], shown(text[begin.end() : end.start()])]
            at = end.end()
    return "".join([*done, text[at:]])


def _fenced(content: str) -> str:
    return f"\n```\n{content}\n```\n"


_NOTATIONS: tuple[Callable[[str], str | None], ...] = (
    in_json,
    _unquoted,
    _unescaped,
    visible,
    _unnumbered,
    _from_session,
    _patched,
    _from_heredoc,
    _from_string,
    _from_inline,
    _without_magics,
    _from_paragraphs,
    _from_escapes,
    _from_literals,
)
