"""Which conditions differ between runs, as values that can be read.

What is sent is more than the prompt's template: examples, a system instruction and a chat template, each of
which is a condition of its own. So two runs have the same prompt where the same text was sent; where these
differ, they have it where the template is the same.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from passk_tasks.results.model import Run, StoredRun

UNLIKE = ("dataset", "version")
"""Conditions that must be the same for numbers of the same name to mean the same."""

TEXTS = ("prompt", "system_instruction", "chat_template")
"""Conditions that are texts of any length."""

ABSENT = "not there"
"""The value of a part of a condition where a run recorded the others: of a package, of an argument."""

_COMPLETE = ("packages", "toolchains", "sampling")  # a run that recorded some recorded all that there were
_AROUND_PROMPT = ("system_instruction", "chat_template", "fewshot")  # what is sent besides
_SHORT = 40  # most characters of a text in a table


@dataclass(frozen=True)
class Condition:
    """A condition that differs between runs.

    Attributes:
        name: of the condition, or of a part of one, e.g. `sampling.top_p`, `packages.numpy`.
        values: one for each run; None if the run did not record it.
        unlike: whether it makes the numbers mean different things.
    """

    name: str
    values: tuple[Any, ...]
    unlike: bool = False

    @property
    def factor(self) -> str:
        """The condition of which this is a part: `sampling` of `sampling.top_p`."""
        return self.name.partition(".")[0]

    @property
    def groups(self) -> list[tuple[Any, tuple[int, ...]]]:
        """Return each value with the numbers of the runs that have it, in the order of the runs."""
        numbers: defaultdict[str, list[int]] = defaultdict(list)
        for number, value in enumerate(self.values):
            numbers[repr(value)].append(number)
        return [(self.values[of[0]], tuple(of)) for of in numbers.values()]

    def shown(self) -> list[str]:
        """Return the values as texts of one line: of long ones their own parts, of hashes twelve digits."""
        if self.name in TEXTS:
            return own_parts([None if value is None else str(value) for value in self.values])
        short = [v[:12] if isinstance(v, str) and len(v) == 64 and v.isalnum() else v for v in self.values]
        alike = len(set(map(repr, short))) != len(set(map(repr, self.values)))
        return [_shown(value) for value in (self.values if alike else short)]


def between(
    runs: Sequence[StoredRun], problems: Sequence[str] = ()
) -> tuple[tuple[Condition, ...], tuple[str, ...]]:
    """Return the conditions that differ between runs, unlike ones first, and those that only some recorded.

    Prompts as sent are compared over `problems`, where they are loaded.
    """
    flat = [{"model": run.model, **run.conditions.flat()} for run in runs]
    for recorded, prompt in zip(flat, _prompts(runs, problems), strict=True):
        recorded["prompt"] = prompt
    same_task = len({run.task for run in runs}) == 1
    differing, unrecorded = [], []
    for name in dict.fromkeys(name for recorded in flat for name in recorded):
        whole = name.partition(".")[0]
        values = tuple(
            recorded.get(name, ABSENT if whole in _COMPLETE and _recorded(run, whole) else None)
            for recorded, run in zip(flat, runs, strict=True)
        )
        known = {repr(value) for value in values if value is not None}
        if len(known) > 1:
            # Versions of different tasks cannot be compared.
            unlike = name in UNLIKE and (name != "version" or same_task)
            differing.append(Condition(name, values, unlike))
        elif known and None in values:
            unrecorded.append(whole if whole in _COMPLETE else name)
    return tuple(sorted(differing, key=lambda one: not one.unlike)), tuple(dict.fromkeys(unrecorded))


def _recorded(run: StoredRun, condition: str) -> bool:
    return getattr(run.conditions, condition) is not None


def own_parts(texts: Sequence[str | None], most: int = _SHORT) -> list[str]:
    """Return the part of each text that is not in all of them, in one line of at most `most` characters.

    `…` stands for what was left out, `?` for None. Different texts have different parts: where those of two
    are the same once they are cut, a number follows.
    """
    known = list(dict.fromkeys(text for text in texts if text is not None))
    start, end = _common(known)
    parts: dict[str, str] = {}
    for text in known:
        middle = text[start : len(text) - end]
        part = " ".join(middle.split())
        if len(known) == 1 or not part:
            whole = " ".join(text.split())
            # Where a text has nothing that is its own, its end is what the others go on after.
            cut = f"{whole[: most - 1]}…" if len(known) == 1 else f"…{whole[1 - most :]}"
            part = whole if len(whole) <= most else cut
        else:
            before, after = "…" * bool(text[:start].strip()), "…" * bool(end and text[-end:].strip())
            room = most - len(before)
            part = before + (f"{part}{after}" if len(part) + len(after) <= room else f"{part[: room - 1]}…")
        taken = [other for other in parts.values() if other == part or other.startswith(f"{part} (")]
        parts[text] = f"{part} ({len(taken) + 1})" if taken else part
    return ["?" if text is None else parts[text] for text in texts]


def _common(texts: Sequence[str]) -> tuple[int, int]:
    """Return how many characters all texts share at their starts, and at their ends, in whole words."""
    if len(texts) < 2:
        return 0, 0
    shortest = min(map(len, texts))
    start = next((i for i in range(shortest) if len({text[i] for text in texts}) > 1), shortest)
    while start and not all(_word_ends(text, start) for text in texts):
        start -= 1
    room = shortest - start
    end = next((i for i in range(room) if len({text[-1 - i] for text in texts}) > 1), room)
    while end and not all(_word_ends(text, len(text) - end) for text in texts):
        end -= 1
    return start, end


def _word_ends(text: str, at: int) -> bool:
    """Whether no word goes on from before a place in a text to behind it."""
    return at in (0, len(text)) or not (text[at - 1].isalnum() and text[at].isalnum())


def _prompts(runs: Sequence[StoredRun], problems: Sequence[str]) -> list[str | None]:
    """Return a text for each run, the same for runs of one prompt: its template, if that tells them apart."""
    templates = [run.conditions.prompt for run in runs]
    if not problems or not all(isinstance(run, Run) and run.prompts.keys() >= set(problems) for run in runs):
        return templates
    sent = [tuple(run.prompts[task_id] for task_id in problems) for run in runs if isinstance(run, Run)]
    if len(set(sent)) == 1:
        return templates[:1] * len(runs)
    around = [tuple(getattr(run.conditions, name) for name in _AROUND_PROMPT) for run in runs]
    # Where all else is the same, texts that are the same come of one prompt, however it is written.
    first: dict[object, str | None] = {}
    named = [first.setdefault((a, s), t) for a, s, t in zip(around, sent, templates, strict=True)]
    variants: defaultdict[object, list[tuple[str, ...]]] = defaultdict(list)
    for key, texts in zip(zip(around, named, strict=True), sent, strict=True):
        if texts not in variants[key]:
            variants[key].append(texts)
    return [
        name if len(variants[a, name]) == 1 else _own_text(texts, variants[a, name])
        for a, name, texts in zip(around, named, sent, strict=True)
    ]


def _own_text(texts: tuple[str, ...], alike: Sequence[tuple[str, ...]]) -> str:
    """Return one prompt as it was sent that tells runs of one template apart."""
    places = (i for i, each in enumerate(zip(*alike, strict=True)) if len(set(each)) == len(alike))
    place = next(places, None)
    return "\n".join(texts) if place is None else texts[place]


def _shown(value: Any) -> str:
    if value is None:
        return "?"
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
