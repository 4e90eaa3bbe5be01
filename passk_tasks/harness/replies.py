"""Tells a server's reply that holds answers from one that holds none, before lm-eval reads it.

lm-eval makes an empty answer of a chat server's reply that it cannot read: of an error with status 200, as
gateways send it, of a choice without its number. Such an answer would be judged, and fail, though no model
wrote it. And it hands on as many answers as a reply has, however many were asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from passk_tasks.errors import PasskError

_NO_END = frozenset({"error", "abort"})
"""What servers give as the reason of an end where the model did not come to one."""

_SHOWN = 300  # characters of a reply in a message


def check(replies: Any, prompts: Sequence[Any] | None, most: int) -> None:
    """Raise unless each reply has as many answers as its request had prompts.

    Args:
        replies: what the server sent, one reply or several.
        prompts: those of the request; None where lm-eval does not say them.
        most: how many prompts a request has at most.

    Raises:
        PasskError: a reply is an error, or has more or fewer answers.
    """
    for reply in replies if isinstance(replies, list) else [replies]:
        if (why := _wrong(reply, len(prompts) if prompts else None, most)) is not None:
            raise PasskError(
                f"the server's reply {why}, so it is no answer of the model: "
                f"{json.dumps(reply, default=repr):.{_SHOWN}}"
            )


def _wrong(reply: Any, asked: int | None, most: int) -> str | None:
    """Return what is wrong with a reply; None where nothing is."""
    if not isinstance(reply, Mapping):
        return "is no JSON object"
    if _is_error(reply):
        return "is an error"
    choices = reply.get("choices")
    if choices is None:  # Anthropic's and SGLang's have other names
        return None if "content" in reply or "text" in reply else "has no choices"
    if not isinstance(choices, list) or not all(isinstance(choice, Mapping) for choice in choices):
        return "has choices that are no JSON objects"
    if any(map(_is_error, choices)):
        return "has an error in place of a text"
    if not all("text" in choice or isinstance(choice.get("message"), Mapping) for choice in choices):
        return "has a choice without a text or a message"
    if not 0 < len(choices) <= most or asked not in (None, len(choices)):
        return f"has {len(choices)} answers to {asked or most} prompts"
    numbers = [choice.get("index") for choice in choices]
    if sorted(map(str, numbers)) != sorted(map(str, range(len(choices)))):
        return f"does not number its answers from 0 by `index` ({numbers})"
    return None


def _is_error(part: Mapping[str, Any]) -> bool:
    reason = part.get("finish_reason")
    return bool(part.get("error")) or (isinstance(reason, str) and reason.lower() in _NO_END)
