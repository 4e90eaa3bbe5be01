"""Cuts off what a backend left in a text besides the model's answer: stop sequences and special tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import chain
from typing import NamedTuple

# Most vocabularies spell control tokens `<|…|>` (DeepSeek with full-width bars), and no Python outside a
# string contains `<|`. These tokens are cut off wherever they end a text. Whatever else looks like a token is
# cut off only where the text does not compile with it: `without_marks`, `without_tail`.
_TOKEN = re.compile(
    r"<\|[^\s<>|]{1,40}\|>|<｜[^\s<>｜]{1,40}｜>|\[\|[a-z]{1,20}\|\]"
    r"|</s>|<s>|<bos>|<eos>|<pad>|<end_of_turn>|<start_of_turn>"
    r"|<(?:file|repo|fim|issue|jupyter|commit)_[a-z]{3,8}>|<(?:filename|reponame|gh_stars|empty_output)>"
    r"|<(?:reserved_|unused)\d{1,4}>|\[UNUSED_TOKEN_\d{1,4}\]|(?<=\n)\[EO[ST]\]"
    r"|\[[a-z]~\[|\]~!?[a-z][\[\]]"  # MiniMax
)
_AT_END = re.compile(rf"(?:{_TOKEN.pattern})\Z")
_LEADING = re.compile(
    r"\s*(?:<s>|<bos>|<\|(?:begin_of_text|startoftext|begin_of_solution|assistant|start_of_role)\|>"
    r"|<｜begin▁of▁sentence｜>|<｜Assistant｜>|\[\|assistant\|\]"
    r"|\]~!b\[|\]~b\]ai|<\|im_start\|>assistant|<start_of_turn>model|<\|start_header_id\|>assistant<\|end_header_id\|>"
    r"|<\|start\|>assistant(?!<\|channel\|>))\n?"
)
# What looks like a token: <|…|>, [|…|], <…>, </…>, [/…], [WORD], ◁…▷; at the end also one that a limit cut.
_BARS = r"<\|[^<>|\n]{1,60}\|?>|\[\|[a-z]{1,20}\|\]|<[｜|][^<>｜\n]{1,60}｜>|◁[^◁▷\n]{1,30}▷"
_MARK = rf"(?:{_BARS}|</?[\w▁][\w.:/|▁-]{{0,40}}(?: [^<>\n]{{0,80}})?>|\[/[A-Za-z_]\w{{0,30}}\])"
_BRACKETS = r"\[[A-Za-z_]\w{0,30}\]"  # at the beginning of a line; elsewhere it is a subscript
_ROLE = r"(?:\w{1,20}(?=<))?"  # <|im_start|>assistant<|im_sep|>
_AHEAD = re.compile(
    rf"(?<![ \t])[ \t]*(?:(?:{_MARK}|{_BRACKETS}){_ROLE}[ \t]*){{1,8}}"
    r"(?=(?:async[ \t]+def|def|class|import|from)[ \t]|@\w)"
)
_ALONE = re.compile(
    rf"^[ \t]*(?:(?:{_MARK}|{_BRACKETS}){_ROLE}[ \t]*){{1,8}}(?:(?<=>)\w{{1,20}})?$", re.MULTILINE
)
_BEFORE = re.compile(rf"^(?:{_MARK}{_ROLE}){{1,8}}", re.MULTILINE)
_BEHIND = re.compile(rf"(?<![ \t])(?:[ \t]*{_MARK}){{1,8}}[ \t]*$", re.MULTILINE)
_HEAD = re.compile(rf"\A\s*(?:{_MARK}\s*?){{1,8}}")
_TAIL = re.compile(
    rf"\s*(?:{_MARK}|<[|｜][^<>\n]{{0,60}}|</[\w.:▁-]{{0,40}}|\[/\w{{0,30}}|\[\|\w{{0,20}}|◁[^◁▷\n]{{0,30}})\s*\Z"
)
_BROKEN = re.compile(
    r"(?<![ \t])[ \t]*(?:<[|｜][^<>\n]{0,60}|</[\w.:▁-]{0,40}|\[/\w{0,30}|\[\|\w{0,20}|◁[^◁▷\n]{0,30})"
    r"\s*(?:```\s*)?\Z"
)
_MESSAGE_END = re.compile(r"<\|end\|>\s*(<\|assistant\|>)?(?!\s*<\|)")
_USER = re.compile(r"^(?:(?:#{1,6} ?)?(?:\*\*)?(?:Human|User|Instruction)(?:\*\*)?:|user$)", re.MULTILINE)
_ASSISTANT = re.compile(
    r"^(?:(?:#{1,6} ?)?(?:\*\*)?(?:Assistant|Response|AI)(?:\*\*)?:|assistant$)", re.MULTILINE
)
_NAME = re.compile(r"<([A-Za-z_]\w*)>")
_QUOTE = re.compile(r"`+|[\"']")
_STARTS = re.compile(r"(?:\A|\W)[bfru]{0,2}\Z", re.IGNORECASE)  # a string may have a prefix
_SPACED = frozenset(("", " ", "\t", "(", "[", "{"))
_MAX_TAIL = 8  # tokens at the end of a text that are looked at
_WINDOW = 400  # characters of its line that are looked at around a token; bounds the work on long lines


def cut_at_stops(text: str, stops: Iterable[str]) -> str:
    """Return `text` up to the earliest stop sequence; nothing changes where the backend applied them all."""
    positions = [at for stop in stops if stop and (at := text.find(stop)) >= 0]
    return text[: min(positions)] if positions else text


def strip_outer(text: str) -> str:
    """Return `text` without a byte order mark and control tokens at its start and its end.

    Whitespace stays, except between tokens: the first line's indentation is the model's.
    """
    start, end = 1 if text.startswith("\ufeff") else 0, len(text)
    while match := _LEADING.match(text, start):
        start = match.end()
    while True:
        tail_end = end
        while tail_end > start and text[tail_end - 1].isspace():
            tail_end -= 1
        token = _AT_END.search(text, max(start, tail_end - 64), tail_end)  # tokens are short
        if token is None:
            return text[start:end]
        end = token.start()


def ends_turn(match: re.Match[str]) -> bool:
    """Whether a token ends the turn; in `<|python_tag|>def f(x): …` it begins something."""
    line = max(match.string.rfind("\n", 0, match.start()) + 1, match.start() - _WINDOW)
    ahead = _AHEAD.match(match.string, line)
    return ahead is None or ahead.end() <= match.start()


def cut_at_token(text: str, ends: Callable[[re.Match[str]], bool] = bool) -> str:
    """Return `text` up to the first control token that is not quoted and for which `ends` is true."""
    begin = len(text) - len(text.lstrip())
    for match in _TOKEN.finditer(text, begin + 1):
        if ends(match) and not quoted(text, match.start(), match.end()):
            return text[: match.start()]
    return text


class Reading(NamedTuple):
    """A part of a text that may be the answer, and whether it is likelier than what was taken for it."""

    text: str
    likelier: bool


def other_reading(text: str, short: str) -> Reading | None:
    """Return another part of a text that may be the answer; None where nothing hints at one.

    `<|end|>` ends a message where reasoning is one of its own (gpt-oss), and the turn elsewhere (Phi-3). A
    model that speaks for the user, and then answers itself, has ended its own turn.

    Args:
        text: without reasoning.
        short: the text up to its first token.
    """
    user = _USER.search(short)
    if user is not None and _ASSISTANT.search(short, user.end()):
        return Reading(short[: user.start()], likelier=True)
    match = _MESSAGE_END.search(text)
    if match is None or match.start() > len(short) or quoted(text, match.start(), match.end()):
        return None
    return Reading(cut_at_token(text[match.end() :], ends_turn), likelier=not match.group(1))


def without_tail(text: str, compiles: Callable[[str], bool]) -> str:
    """Return `text` without what looks like a token at its end, where it compiles only without that.

    It may be a whole token, `<EOT>`, or one that the limit cut, `<|end_of_te`. Where the text has a name `y`,
    `x <y>` is a comparison that breaks off, not a token.
    """
    if compiles(text):
        return text
    # After a token at the end of a line the model may have begun another text.
    for match in _BEHIND.finditer(text):
        short = text[: match.start()]
        if match.end() < len(text) and "<" in match.group() and not quoted(text, match.start(), match.end()):
            if short.strip() and not _compares(match.group(), short) and compiles(short):
                return short
            break
    short = text
    for _ in range(_MAX_TAIL):
        begin = max(0, len(short) - _WINDOW)
        tail = _TAIL.search(short, begin)
        if tail is None or _compares(tail.group(), short[: tail.start()]):
            return text
        short = short[: tail.start()]
        if compiles(short):
            return short
    return text


def _compares(mark: str, before: str) -> bool:
    names = _NAME.findall(mark)
    return any(re.search(rf"(?<!<)\b{name}\b(?!>)", before) for name in names)


def without_head(text: str) -> str:
    """Return `text` without what looks like tokens at its beginning."""
    return _HEAD.sub("", text, count=1)


class Unmarked(NamedTuple):
    """A text without what looks like tokens at the edges of its lines.

    Attributes:
        text: what remains.
        tokens: whether more was cut off than pairs of tags around the answer: `<answer>…</answer>`.
    """

    text: str
    tokens: bool


def without_marks(text: str) -> Unmarked:
    """Return `text` without what looks like a token on a line of its own, at a line's end, or ahead of code.

    Only for texts that hold no program as they are, since a string may hold such a line.
    """
    gone: list[str] = []

    def cut(by: str) -> Callable[[re.Match[str]], str]:
        def replaced(match: re.Match[str]) -> str:
            if quoted(match.string, match.start(), match.end()):
                return match.group()
            gone.append(match.group().strip())
            return by

        return replaced

    short = text
    for pattern, by in ((_AHEAD, "\n"), (_ALONE, ""), (_BEFORE, ""), (_BEHIND, "")):
        short = pattern.sub(cut(by), short)
    broken = _BROKEN.search(short, max(0, len(short) - _WINDOW))
    if broken is not None and not quoted(short, broken.start(), broken.end()):
        gone.append(broken.group().strip(" `\n"))
        short = short[: broken.start()] + "\n" + ("```\n" if "`" in broken.group() else "")
    tags_of_marks = [re.findall(r"<(/?)(\w+)", mark) for mark in gone]
    tags = list(chain.from_iterable(tags_of_marks))
    opened = {name for slash, name in tags if not slash}
    closed = {name for slash, name in tags if slash}
    pairs = opened == closed and all(tags_of_marks)
    return Unmarked(short, bool(gone) and not pairs)


def quoted(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` stands within quotes or backticks that open and close on its line.

    A mark behind a letter opens nothing, and one before a letter closes nothing: `Let's`, `Here's`. A fence
    behind code or at the beginning of a line quotes nothing.
    """
    first = max(text.rfind("\n", 0, start) + 1, start - _WINDOW)
    last = text.find("\n", end, end + _WINDOW)
    opened: set[str] = set()
    for match in _QUOTE.finditer(text, first, last if last >= 0 else end + _WINDOW):
        mark, at = match.group(), match.start()
        before, after = text[max(first, at - 3) : at], text[match.end() : match.end() + 1]
        free, word = before[-1:] in _SPACED, after.isalnum() or after == "_"
        if start <= at < end:
            continue
        if mark in opened and not word:
            if at >= end:
                return True
            opened.remove(mark)
        elif at < start and _STARTS.search(before) and (len(mark) < 3 or (free and text[first:at].strip())):
            opened.add(mark)
        elif at >= end and free:  # it opens another, so the first one was no quote
            opened.discard(mark)
    return False
