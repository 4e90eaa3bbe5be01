"""Stop sequences: which are sent with a question, and which end the text that came back.

A list of stops is written for one way of asking, and is recorded with each text that was generated with it.
Two ways of asking need different stops: continuing a prompt, and answering as a chat model.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

from passk_tasks.problem import Protocol

ANSWER = "answer"
_SNIPPETS = ("snippet", "snippet_exact", "snippet_indented", "assertion_output", "assertion_input")

# After the line break: a comment (but `###` is a heading), a decorator, a string, or a word.
_LINE = re.compile(r"\s*\n(?:#(?!#)|[@\"']|([^\W\d]\w*)(\(|\.\w|\s*=)?)")


def begins_statement(stop: str) -> bool:
    r"""Whether a stop sequence begins a statement without indentation, as `\ndef` and `\nprint(` do.

    It ends the body of a function, but stands in the middle of a whole program or a chat model's answer.
    """
    line = _LINE.match(stop)
    if line is None:
        return False
    word = line[1]
    known = word is None or keyword.iskeyword(word) or keyword.issoftkeyword(word) or hasattr(builtins, word)
    return known or line[2] is not None


def _begins_python(stop: str) -> bool:
    r"""Whether a stop sequence begins a statement of Python, as `\ndef` and `\n#` do, and `\n//` does not."""
    line = _LINE.match(stop)
    return line is not None and not line[0].endswith("\n") and begins_statement(stop)


def sent(
    stops: Iterable[str], entry_point: str, extraction: str, protocol: Protocol | None = None
) -> tuple[str, ...]:
    """Return the stops that are sent with one question.

    Args:
        stops: the task's, or the user's own.
        entry_point: the problem's function; `""` where a program is asked for.
        extraction: how code is extracted from the answer.
        protocol: the problem's; its stops come first, unless an answer of a chat model is asked for, and
            those that begin a statement of Python are left out.
    """
    if protocol is not None:
        theirs = protocol.stops if extraction != ANSWER else ()
        return tuple(dict.fromkeys([*theirs, *(stop for stop in stops if not _begins_python(stop))]))
    whole = not entry_point and extraction not in _SNIPPETS
    return tuple(stop for stop in stops if not (whole and begins_statement(stop)))


def applied(
    stops: Iterable[str],
    entry_point: str,
    extraction: str,
    asked: str | None,
    protocol: Protocol | None = None,
) -> tuple[str, ...]:
    """Return the stops at which a text that came back is cut.

    Args:
        stops: the stops with which the text was asked for.
        entry_point: the problem's function; `""` where a program was asked for.
        extraction: how code is extracted from the text.
        asked: the extraction that was planned when the text was asked for; None where that is not recorded.
        protocol: the problem's; its stops end every text that continues the prompt.
    """
    if protocol is not None and (extraction != ANSWER or asked == ANSWER):
        return sent(stops, entry_point, extraction, protocol)
    if extraction != ANSWER:
        return sent(stops, entry_point, extraction)
    return tuple(stop for stop in stops if asked == ANSWER and not begins_statement(stop))
