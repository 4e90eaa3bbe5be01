"""Stop sequences: which go with a question, and which end the text that came back.

A stop list belongs to the way of asking that it was written for, and is recorded with each text that was
asked for with it. Two ways stop differently: to go on from a prompt, and to answer as a chat model.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

ANSWER = "answer"
_SNIPPETS = ("snippet", "assertion_output", "assertion_input")

# What follows the line break: a comment (`###` is a heading), a decorator, a string, or a word.
_LINE = re.compile(r"\s*\n(?:#(?!#)|[@\"']|([^\W\d]\w*)(\(|\.\w|\s*=)?)")


def begins_statement(stop: str) -> bool:
    r"""Whether a stop sequence begins a statement without indentation, as `\ndef` and `\nprint(` do.

    It ends the body of a function. Of a whole program, and of a chat model's answer, it stands in the middle.
    """
    line = _LINE.match(stop)
    if line is None:
        return False
    word = line[1]
    known = word is None or keyword.iskeyword(word) or keyword.issoftkeyword(word) or hasattr(builtins, word)
    return known or line[2] is not None


def sent(stops: Iterable[str], entry_point: str, extraction: str) -> tuple[str, ...]:
    """Return those of the stops in force that go with one question.

    Args:
        stops: of the task, or the user's own.
        entry_point: of the problem; `""` where a program is asked for.
        extraction: how code is found in what comes back.
    """
    whole = not entry_point and extraction not in _SNIPPETS
    return tuple(stop for stop in stops if not (whole and begins_statement(stop)))


def applied(stops: Iterable[str], entry_point: str, extraction: str, asked: str | None) -> tuple[str, ...]:
    """Return those of the stops that a text was asked for with at which it ends.

    Args:
        stops: that went with the question.
        entry_point: of the problem; `""` where a program was asked for.
        extraction: how code is found in the text.
        asked: how it was to be found when the text was asked for; None where that is not recorded.
    """
    if extraction != ANSWER:
        return sent(stops, entry_point, extraction)
    return tuple(stop for stop in stops if asked == ANSWER and not begins_statement(stop))
