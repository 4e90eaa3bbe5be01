"""What a backend leaves in a text that is not the model's answer: stop sequences and special tokens."""

from __future__ import annotations

import re
from collections.abc import Iterable

# `<|…|>` is how most vocabularies spell their control tokens (DeepSeek with full-width bars); no Python
# outside a string contains `<|`. The others are listed one by one.
_TOKEN = re.compile(
    r"<\|[\w▁]{1,40}\|>|<｜[\w▁]{1,40}｜>"
    r"|</s>|<s>|<bos>|<eos>|<pad>|<end_of_turn>|<start_of_turn>|<file_sep>|<repo_name>|<fim_[a-z]{3,8}>"
)
_LEADING = re.compile(
    r"\s*(?:<s>|<bos>|<\|(?:begin_of_text|startoftext|begin_of_solution|assistant|start_of_role)\|>"
    r"|<｜begin▁of▁sentence｜>|<｜Assistant｜>"
    r"|<\|im_start\|>assistant|<start_of_turn>model|<\|start_header_id\|>assistant<\|end_header_id\|>"
    r"|<\|start\|>assistant(?!<\|channel\|>))\n?"
)
_WINDOW = 400  # how far on its line the surroundings of a token are looked at; bounds long lines


def cut_at_stops(text: str, stops: Iterable[str]) -> str:
    """Return `text` up to the earliest stop sequence; a backend that applied them all changes nothing."""
    found = [at for stop in stops if stop and (at := text.find(stop)) >= 0]
    return text[: min(found)] if found else text


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
        # The longest token is short: look only at the tail, however long the text is. None has a second "<".
        begin = text.rfind("<", max(start, tail_end - 64), tail_end)
        if begin < 0 or _TOKEN.fullmatch(text, begin, tail_end) is None:
            return text[start:end]
        end = begin


def cut_at_token(text: str) -> str:
    """Return `text` up to the first control token that is not quoted: the turn ended there."""
    begin = len(text) - len(text.lstrip())
    for match in _TOKEN.finditer(text, begin + 1):
        if not quoted(text, match.start(), match.end()):
            return text[: match.start()]
    return text


def quoted(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` stands within quotes or backticks that open and close on its line."""
    before = text[max(0, start - _WINDOW) : start]
    before = before[before.rfind("\n") + 1 :]
    after = text[end : end + _WINDOW].partition("\n")[0]
    return any(before.count(mark) % 2 == 1 and mark in after for mark in "\"'`")
