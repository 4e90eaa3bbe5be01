"""Cuts chains of thought out of a text; a program that only mentions `<think>` stays whole.

An opening tag counts where it begins or ends its line, outside of quotes and of the answer's fences. Inside a
chain of thought fences do not count, since models leave drafts unclosed. It ends at the tag that balances the
opening one, or, where tags are only mentioned in it, at the last closing tag. Where a closing tag has no
opening one, that stands in the chat template's prefill: everything before is reasoning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from passk_tasks.extraction.fences import Fence, fence_lines, next_state
from passk_tasks.extraction.tokens import quoted

# A word for thinking, with what a model's maker put around it: antthinking, seed:think, inner_thoughts.
_STEMS = "think|thinking|thoughts?|reasoning|reflection|scratchpad|monologue"
_WORDS = rf"(?:[\w.-]{{0,20}}[_:.-]|ant|inner)?(?:{_STEMS})(?:_\w{{1,20}})?"
_BEGIN, _END = r"(?:start|begin)(?:_of)?_", r"(?:/|(?:end|stop)(?:_of)?_)"
# For each kind of tag: the name of its group, the opening tag, the closing tag.
_KINDS = (
    ("xml", rf"<(?P<word>{_WORDS})[ ]?>", rf"</(?P<end>{_WORDS})[ ]?>"),  # DeepSeek, Qwen, Claude, Seed, …
    ("bracket", rf"\[(?:{_STEMS})\]", rf"\[/(?:{_STEMS})\]"),  # Magistral
    # Sky-T1, OpenThinker, Cohere
    ("bars", rf"<\|(?:{_BEGIN})?(?:{_STEMS})\|>", rf"<\|{_END}(?:{_STEMS})\|>"),
    ("kimi", rf"◁(?:{_STEMS})▷", rf"◁/(?:{_STEMS})▷"),
    ("unused", r"<unused94>", r"<unused95>"),  # MedGemma
    ("channel", r"<\|channel>thought", r"<channel\|>"),  # Gemma
    ("inner", r"<\|inner_prefix\|>", r"<\|inner_suffix\|>"),  # Apertus
)
_TAG = re.compile(
    "|".join(f"(?P<open_{name}>{opening})|(?P<close_{name}>{closing})" for name, opening, closing in _KINDS),
    re.IGNORECASE,
)

# gpt-oss: <|channel|>analysis<|message|>…<|end|><|start|>assistant<|channel|>final<|message|>…<|return|>
# The first header may lack its beginning, which stands in the prefill.
# Solar: <|think|>…<|end|><|begin|>assistant<|content|>…<|end|>
_HARMONY = re.compile(
    r"(?:<\|channel\|>|\A\s*(?=analysis|commentary))([^<|]{0,80})(?:<\|constrain\|>[^<|]{0,40})?<\|message\|>"
    r"|<\|begin\|>\s{0,9}assistant\s{0,9}<\|(?P<solar>think|content)\|>"
)
# What stands between a closed message and an answer that has no channel.
_HARMONY_TURN = re.compile(r"\s*(?:<\|start\|>\s*(?:assistant)?\s*)?(?:<\|message\|>)?")
_HARMONY_END = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
# The same text after a detokenizer dropped the control tokens.
_BARE_HARMONY = re.compile(r"\s*analysis(?=[A-Z\"'`])")
_BARE_FINAL = "assistantfinal"
# Granite 3.2 says so in words, and other models may say the first of them without the second.
_IN_WORDS = re.compile(r"\s*(?:\*\*|#{1,6} )?Here(?: is|'s|’s) my thought process\b|thought\n", re.IGNORECASE)
_RESPONSE = re.compile(
    r"^(?:\*\*|#{1,6} )?Here(?: is|'s|’s) my response\b[: *]*", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Stripped:
    """A text without its reasoning.

    Attributes:
        text: what remains, in one piece.
        cut: whether there was any reasoning.
        unterminated: whether the text ended within it.
    """

    text: str
    cut: bool
    unterminated: bool


def strip_reasoning(text: str) -> Stripped:
    """Return `text` without chains of thought; takes time linear in its length."""
    harmony = _strip_harmony(text)
    if harmony is not None:
        return harmony
    response = _RESPONSE.search(text) if thinks_in_words(text) else None
    if response is not None:
        return Stripped(text[response.end() :], cut=True, unterminated=False)
    return _Scanner(text).run()


def thinks_in_words(text: str) -> bool:
    """Whether it begins with a word for reasoning that ends nobody knows where."""
    return _IN_WORDS.match(text) is not None


def _strip_harmony(text: str) -> Stripped | None:
    headers = [m for m in _HARMONY.finditer(text) if not quoted(text, m.start(), m.end())]
    if headers:
        channels = [(m.group("solar") or m.group(1)).strip().lower() for m in headers]
        finals = [
            m for m, name in zip(headers, channels, strict=True) if name.startswith(("final", "content"))
        ]
        start = finals[-1].end() if finals else _behind_analysis(text, headers[-1].end())
        if start is None and channels[-1].startswith("commentary") and "to=" not in channels[-1]:
            start = headers[-1].end()  # to the user, not to a tool
        if start is None:
            return Stripped("", cut=True, unterminated=True)
        end = next(
            (m.start() for m in _HARMONY_END.finditer(text, start) if not quoted(text, m.start(), m.end())),
            len(text),
        )
        return Stripped(text[start:end], cut=True, unterminated=False)
    if _BARE_HARMONY.match(text):
        _, final, answer = text.rpartition(_BARE_FINAL)
        return Stripped(answer if final else "", cut=True, unterminated=not final)
    return None


def _behind_analysis(text: str, last: int) -> int | None:
    """Return where the answer after the message at `last` begins; None if there is no answer.

    Backends that parse no channels give the answer without a header, after the analysis was closed.
    """
    for end in re.compile(r"<\|(?:end|return)\|>").finditer(text, last):
        if not quoted(text, end.start(), end.end()):
            turn = _HARMONY_TURN.match(text, end.end())
            begin = turn.end() if turn is not None else end.end()
            return begin if text[begin:].strip() else None
    return None


class _Tag(NamedTuple):
    kind: str  # for xml tags their word, since </reasoning> does not close <think>
    opens: bool
    start: int
    end: int
    begins_line: bool
    ends_line: bool
    quoted: bool


def _tags(text: str) -> list[_Tag]:
    tags = []
    for match in _TAG.finditer(text):
        side, _, kind = (match.lastgroup or "").partition("_")
        kind = (match.group("word") or match.group("end") or kind).lower()
        before, after = text[max(0, match.start() - 4) : match.start()], text[match.end() : match.end() + 8]
        line_before, line_after = before.rpartition("\n")[2], after.partition("\n")[0]
        at_start = match.start() <= 4 or "\n" in before
        tags.append(
            _Tag(
                kind=kind,
                opens=side == "open",
                start=match.start(),
                end=match.end(),
                begins_line=at_start and not line_before.strip(),
                ends_line=not line_after.strip() and (len(after) < 8 or "\n" in after),
                quoted=quoted(text, match.start(), match.end()),
            )
        )
    return tags


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tags = _tags(text)
        self._kept: list[str] = []
        self._from = 0  # where the piece being kept began
        self._fences = iter(fence_lines(text) if self._tags else ())
        self._next_fence = next(self._fences, None)
        self._fence: Fence | None = None
        self._cut = False

    def run(self) -> Stripped:
        at = 0
        while at < len(self._tags):
            tag = self._tags[at]
            in_fence = self._inside_fence(tag.start)
            alone = tag.begins_line and tag.ends_line
            if tag.opens:
                # Nothing quoted begins or ends a line.
                if in_fence or not (tag.begins_line or tag.ends_line or self._fresh(tag)):
                    at += 1
                    continue
                self._keep(tag.start)
                closing = self._closing(at)
                if closing is None:
                    return Stripped("".join(self._kept), cut=True, unterminated=True)
                at = closing + 1
                self._resume(self._tags[closing].end)
                continue
            if not tag.quoted and (alone or not in_fence) and not self._opened_on_its_line(at):
                self._kept.clear()
                self._resume(tag.end)
            at += 1
        self._keep(len(self._text))
        return Stripped("".join(self._kept), cut=self._cut, unterminated=False)

    def _fresh(self, tag: _Tag) -> bool:
        """Whether nothing was kept since the last reasoning: <think>…</think><think>…</think>."""
        return tag.start - self._from < 100 and not self._text[self._from : tag.start].strip()

    def _keep(self, until: int) -> None:
        self._kept.append(self._text[self._from : until])
        self._cut = self._cut or until < len(self._text)

    def _resume(self, position: int) -> None:
        self._from = position
        self._fence = None
        self._cut = True
        while self._next_fence is not None and self._next_fence.position < position:
            self._next_fence = next(self._fences, None)

    def _inside_fence(self, position: int) -> bool:
        """Whether a fence of the answer is open at `position`; positions never go back."""
        while self._next_fence is not None and self._next_fence.position < position:
            self._fence = next_state(self._fence, self._next_fence)
            self._next_fence = next(self._fences, None)
        return self._fence is not None

    def _closing(self, opened: int) -> int | None:
        """Return the index of the tag that ends the reasoning that tag `opened` began."""
        kind = self._tags[opened].kind
        depth, last = 1, None
        strange: dict[str, int] = {}  # tags of other kinds that are open
        strange_last = None  # a closing tag of another kind that closes none of them
        for at in range(opened + 1, len(self._tags)):
            tag = self._tags[at]
            if tag.kind != kind:
                strange[tag.kind] = strange.get(tag.kind, 0) + (1 if tag.opens else -1)
                if strange[tag.kind] < 0:
                    strange[tag.kind], strange_last = 0, at
            elif tag.opens:
                depth += tag.begins_line
            else:
                last = at
                depth -= not tag.quoted
                if depth == 0:
                    return at
        # The tags were only mentioned, or a tag of another kind closes: <think>…</thinking>.
        return last if last is not None else strange_last

    def _opened_on_its_line(self, closing: int) -> bool:
        """Whether the opening tag stands before it on the same line: `Remove <think>…</think>.`"""
        if closing == 0:
            return False
        tag, before = self._tags[closing], self._tags[closing - 1]
        return (
            before.opens
            and before.kind == tag.kind
            and before.start >= self._from
            and tag.start - before.end < 400
            and "\n" not in self._text[before.end : tag.start]
        )
