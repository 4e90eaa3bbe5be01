"""Markdown's fenced blocks, as CommonMark has them and as models write them.

Beyond CommonMark: an opening fence may follow prose on its line, and a closing one may follow code; prose may
follow a closing fence; a fence with a language inside an open block closes that block and opens the next. A
fence that is indented by four columns more than the opening one is content, since docstrings hold Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_PYTHON = "python py python3 python2 py3 ipython ipython3 pyi sage {python}"
_OTHERS = """
bash sh shell zsh console terminal cmd powershell text txt plaintext plain output out result json
yaml toml xml html css sql diff markdown md latex tex mermaid pycon python-repl pytb doctest
javascript js typescript ts java kotlin scala c cpp c++ cs csharp go rust rs ruby rb php perl swift
r julia lua haskell none
"""
PYTHON = frozenset(_PYTHON.split())
OTHERS = frozenset(_OTHERS.split())
LANGUAGES = PYTHON | OTHERS

_MARK = re.compile(
    r"(?P<lead>[ \t]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?(?:\*\*)?)(?P<marks>`{3,}|~{3,})(?P<info>[^\n]*)"
)
_COMMENT = re.compile(r"\s*(?:\*|[/#;%!-]+)\s*")  # what stands before a fence in a comment
# Words that say of code that it is wrong, and those that say that it no longer is, or that another piece was:
# "fixes the mistake", "I see that the code above fails". Where both stand, the last block remains the answer.
_DISOWNING = re.compile(
    r"\b(?:mistake|wrong|incorrect|bug|broken|faulty|flawed|pitfall|erroneous|fail)|\boriginal\b"
    r"|n(?:['\u2019]|o)t (?:work|pass|do|use|write)\b|[\u274c\u2717\u2718]"
)
_MENDING = re.compile(
    r"\b(?:fix|correct|mend|repair|improv|handl|prevent|solv|solution|final)|[\u2705\u2713\u2714]|\A\W*that\b"
    r"|\w[- ]?(?:free|safe|proof)\b|\bnon-"
    r"|\b(?:avoids|avoided|instead|without|no|right|rather|never|now|should|above|previous|previously|earlier|first"
    r"|oops|sorry|actually|wait|i|my|there|found)\b"
)
# A comment that is about the whole block: "Wrong version", "this fails for 0", but no "skip broken lines".
_LABEL = re.compile(
    r"\W*[\u274c\u2717\u2718]|\W*(?:(?:this|the|an?|is|common|example|of|version|code|function|one|here)\b\W*)*"
    r"(?:mistake|wrong|incorrect|bug|buggy|broken|faulty|flawed|pitfall|erroneous|fails|original"
    r"|(?:does|do|did|will|would)(?:n['\u2019]t| not) (?:work|pass|(?:use|do|write) this))\b"
    r"(?:\W*\b(?:version|code|implementation|approach|solution|way|answer|attempt|one|function|program)\b)?"
    r"\s*(?:\Z|[^\w\s]|(?:as|because|for|if|on|since|when)\b)",
    re.IGNORECASE,
)
# A heading that is nothing but the name of an earlier state: "### Before", "Old code:", "Before the fix".
_EARLIER = re.compile(
    r"\W*(?:the\W+)?(?:before|old|previous)\b(?:\W+(?:the|a|fix|fixing|fixes|bugfix|change|changes|code|version"
    r"|function|implementation|one))*\W*"
)
_FIRST_COMMENT = re.compile(r"\s*(?:#|//|--|/\*|;)+([^\n]*)")
_SAID = 300  # characters of a line that are looked at, from its end
_CODE_AHEAD = re.compile(r"(?:def|class|import|from|async|return|@)\b|@\w")


class Fence(NamedTuple):
    """An opening fence: its character, how often it stands there, its column, its language in lower case."""

    char: str
    size: int
    column: int
    language: str


class Block(NamedTuple):
    """The content of one fenced block.

    Attributes:
        content: its lines, without the indentation of the fence where every line has that.
        language: first word of the info string in lower case, `""` where there is none.
        closed: whether a closing fence was found.
        first: index of the line after the opening fence.
        last: index of the line with the closing fence.
        disowned: whether the words right above it, or its first comment, say that it is wrong.
    """

    content: str
    language: str
    closed: bool
    first: int
    last: int
    disowned: bool = False

    @property
    def may_be_python(self) -> bool:
        """Whether the language is Python, unknown or not given."""
        return self.language in PYTHON or self.language not in OTHERS


class FenceLine(NamedTuple):
    """A line that may be a fence, and where in the text its marks begin."""

    position: int
    line: str


class _Step(NamedTuple):
    """What one line does to the fences: perhaps end a block, perhaps begin one, perhaps both."""

    closes: bool = False
    last: str | None = None  # code before the closing marks
    opens: Fence | None = None
    first: str | None = None  # code after the opening marks
    one_line: bool = False  # the block that it opens ends on the same line


_CLOSES = _Step(closes=True)


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of `text` in order; its lines must end in LF only."""
    fenced: list[Block] = []
    fence: Fence | None = None
    content: list[str] = []
    first = after = 0
    lines = text.split("\n")
    for index, line in enumerate(lines):
        step = _step(line, fence)
        if step is None:
            if fence is not None:
                content.append(line)
            continue
        if step.closes and fence is not None:
            if step.last is not None:
                content.append(step.last)
            fenced.append(_block(lines, content, fence, first, index, after, closed=True))
            fence, after = None, index + 1
        if step.opens is not None:
            fence, first = step.opens, index + 1
            content = [] if step.first is None else [step.first]
            if step.one_line:
                fenced.append(_block(lines, content, fence, first, index, after, closed=True))
                fence, after = None, index + 1
    if fence is not None:
        fenced.append(_block(lines, content, fence, first, len(lines), after, closed=False))
    return fenced


def closed_last_best(fenced: Iterable[Block]) -> list[Block]:
    """Return the blocks that are closed, those that are called wrong first; so the last is the best."""
    return sorted((block for block in fenced if block.closed), key=lambda block: not block.disowned)


def passed_over(block: Block, fenced: Iterable[Block]) -> list[Block]:
    """Return those blocks below one that gave way to it, since they are called wrong and it is not."""
    return [b for b in fenced if b.disowned and b.first > block.first and not block.disowned]


def longer(block: Block, text: str) -> Iterator[str]:
    """Yield what the block may be where a fence in its docstring, without indentation, ended it too early."""
    if block.closed and ('"""' in block.content or "'''" in block.content):
        lines = text.split("\n")
        ends = [i for i in range(block.last + 1, len(lines)) if lines[i].startswith(("```", "~~~"))]
        for end in ends[:4]:
            yield "\n".join(lines[block.first : end]) + "\n"


def prefilled(text: str) -> tuple[str, str] | None:
    """Return the text before and after the first fence where that can only be a closing one, else None.

    Chat templates may put "```python" into the assistant's turn, so that the text begins with code.
    """
    if "```" not in text:
        return None
    lines = text.split("\n")
    at = next(index for index, line in enumerate(lines) if "```" in line)
    before, _, after = lines[at].partition("```")
    if after.strip("`* \t") and before.strip():
        return None
    if after.split()[:1] and after.split()[0].lower().strip("*") in LANGUAGES:
        return None
    head = "\n".join([*lines[:at], before] if before.strip() else lines[:at])
    return (head, "\n".join(lines[at + 1 :])) if head.strip() else None


def fence_lines(text: str) -> Iterator[FenceLine]:
    """Yield the lines that may be fences, for `next_state`."""
    start = 0
    for line in text.split("\n"):
        if "```" in line or "~~~" in line:
            marks = [at for mark in ("```", "~~~") if (at := line.find(mark)) >= 0]
            yield FenceLine(start + min(marks), line)
        start += len(line) + 1


def next_state(fence: Fence | None, at: FenceLine) -> Fence | None:
    """Return the fence that is open after the line, given the one open before it."""
    step = _step(at.line, fence)
    if step is None:
        return fence
    return None if step.one_line else step.opens


def dedent(content: str, at_most: int | None = None) -> str:
    """Return the lines without the indentation that they all share, or without `at_most` columns of it."""
    if at_most == 0:
        return content
    lines = content.split("\n")
    shared: str | None = None
    for line in lines:
        if line.strip():
            indent = line[: len(line) - len(line.lstrip(" \t"))]
            if shared is None:
                shared = indent
            while not indent.startswith(shared):
                shared = shared[:-1]
    width = len(shared or "")
    if at_most is not None:
        width = min(width, at_most)
    return "\n".join(line[width:] for line in lines)


def _block(
    lines: list[str], content: list[str], fence: Fence, first: int, last: int, after: int, *, closed: bool
) -> Block:
    """Return the block between two lines; the block before it ends above the line `after`."""
    text = "".join(line + "\n" for line in content)
    disowned = _is_disowned(lines[after:first], text)
    return Block(dedent(text, fence.column), fence.language, closed, first, last, disowned)


def _is_disowned(above: list[str], content: str) -> bool:
    """Whether the last line of prose above a block, with its heading, or its first comment says "wrong".

    Args:
        above: the lines since the block before it, the opening fence among them; none where that ends there.
        content: the block's text.
    """
    prose = [*above[:-1], *(re.split("```|~~~", line, maxsplit=1)[0] for line in above[-1:])]
    prose = [line for line in prose if line.strip()]
    heading = next((line for line in reversed(prose[:-1]) if line.lstrip().startswith(("#", "**"))), "")
    comment = _FIRST_COMMENT.match(content)
    if prose and _EARLIER.fullmatch(prose[-1][-_SAID:].lower()):
        return True
    if prose and _disowns(f"{heading[:_SAID]} {prose[-1][-_SAID:]}"):
        return True
    said = comment[1][:_SAID] if comment else ""
    return _LABEL.match(said) is not None and _disowns(said)


def _disowns(said: str) -> bool:
    said = said.lower()
    return _DISOWNING.search(said) is not None and _MENDING.search(said) is None


def _step(line: str, fence: Fence | None) -> _Step | None:
    """Return what the line does to the fences, None where it is no fence."""
    if "```" not in line and "~~~" not in line:
        return None
    mark = _MARK.match(line)
    if fence is None:
        return _opening(line, mark)
    if _COMMENT.fullmatch(line[: min(at for at in (line.find("```"), line.find("~~~")) if at >= 0)]):
        return None
    if mark is not None and mark["marks"][0] == fence.char:
        info = mark["info"].strip().strip("*").strip()
        if len(mark["lead"].expandtabs(4)) >= fence.column + 4 or len(mark["marks"]) < fence.size:
            return None
        word = info.split()[0].lower() if info else ""
        if word in LANGUAGES:
            return (_opening(line, mark) or _CLOSES)._replace(closes=True)
        return _CLOSES
    return _closing_after_code(line, fence)


def _closing_after_code(line: str, fence: Fence) -> _Step | None:
    bare = line.rstrip()
    code = bare.rstrip(fence.char)
    if len(bare) - len(code) < fence.size or fence.char * 3 in code or code.rstrip()[-1:] in ("", '"', "'"):
        return None
    return _Step(closes=True, last=code)


def _opening(line: str, mark: re.Match[str] | None) -> _Step | None:
    if mark is None:
        # "Here is the code: ```python"
        before, marks, after = line.rpartition("```")
        language = after.strip().strip("*").strip().lower()
        if marks and language in LANGUAGES and "`" not in before:
            return _Step(opens=Fence("`", 3, 0, language))
        return None
    marks, info = mark["marks"], mark["info"]
    one_line = False
    if marks[0] == "`" and "`" in info:
        # "```python def f(): return 1```" is a block; inline code such as "```f(1)``` gives 2" is none.
        if not info.rstrip().endswith(marks):
            return None
        info, one_line = info.rstrip()[: -len(marks)], True
    language, first = _language(info) if info else ("", None)
    fence = Fence(marks[0], len(marks), len(mark["lead"].expandtabs(4)), language)
    return _Step(opens=fence, first=first, one_line=one_line)


def _language(info: str) -> tuple[str, str | None]:
    """Return the language of an info string, and code that a model wrote on the same line."""
    stripped = info.strip().strip("*").strip()
    if _CODE_AHEAD.match(stripped):
        return "", stripped
    word, _, rest = stripped.partition(" ")
    rest = rest.strip()
    return word.lower(), rest if _CODE_AHEAD.match(rest) else None
