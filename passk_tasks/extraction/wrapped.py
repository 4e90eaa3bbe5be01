"""Answers that are a JSON value with code in its strings, as structured output and tool calls have them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice

_BEGINS = re.compile(r"^[ \t]*(?=[\[{\"])|(?=\{\s*\")", re.MULTILINE)
_MAX_VALUES = 8  # places where a value may begin


def in_json(text: str) -> str | None:
    """Return the texts of the first JSON value in an answer, each in a fence of its own; None without one."""
    for match in islice(_BEGINS.finditer(text), _MAX_VALUES):
        try:  # models write line breaks in strings as they are, which is not strict
            value, _ = json.JSONDecoder(strict=False).raw_decode(text, match.end())
        except (ValueError, RecursionError):
            continue
        texts = [one for one in _texts(value) if len(one.split()) > 1]
        if texts:
            return "\n".join(one if "```" in one else f"```\n{one}\n```" for one in texts) + "\n"
    return None


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
