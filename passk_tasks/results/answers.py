"""The text of a model's answer, which backends also give in parts, as a message, as bytes, or not at all."""

from __future__ import annotations

from typing import Any

_DEEPEST = 8  # of what is nested; a message with parts with texts is 3
_NO_ANSWER = ("think", "reason", "refusal")  # in the type of a part: what is told apart from the answer
_HOLDS_TEXT = ("text", "content", "value")


def text_of(answer: Any) -> str:
    """Return the text of an answer; `""` where there is none.

    A list or tuple of parts is their texts, one behind the other, a mapping what stands under `text` or
    `content`; bytes are UTF-8. None and an empty list are an answer without text, as are parts that hold a
    chain of thought or a refusal. Bare texts in a list are refused: they may be several answers.

    Raises:
        ValueError: it is, or holds, something else; the message says what of which class, and where in it.
    """
    return _text_of(answer, "", _DEEPEST)


def written_text_of(answer: Any) -> str:
    """Return the text of an answer with U+FFFD for each half of a character, as `text_of` otherwise.

    Servers that cut texts in UTF-16 send such halves (lone surrogates), and lm-eval can write no file of
    samples that has one.

    Raises:
        ValueError: as `text_of`.
    """
    return text_of(answer).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def reply_of(answer: Any) -> str:
    """Return the text of an answer that may be a conversation: of its last message by the assistant.

    A list of messages with roles is a conversation, as chat models and trainers have it; its other messages
    are questions, and what tools said. Everything else is as `text_of` takes it.

    Raises:
        ValueError: as `text_of`, or no message of the conversation is the assistant's.
    """
    if not (isinstance(answer, (list, tuple)) and answer and all(map(_has_role, answer))):
        return text_of(answer)
    said = [message for message in answer if message["role"] == "assistant"]
    if not said:
        roles = ", ".join(repr(message["role"]) for message in answer)
        raise _no_text(f"a conversation without a message of the assistant (roles {roles:.80})", "")
    return text_of(said[-1])


def _has_role(message: Any) -> bool:
    return isinstance(message, dict) and "role" in message


def _text_of(answer: Any, where: str, deepest: int) -> str:
    if answer is None:
        return ""
    if isinstance(answer, str):
        return str.__str__(answer)
    if isinstance(answer, (bytes, bytearray, memoryview)):
        return bytes(answer).decode("utf-8", "surrogateescape")
    if deepest and isinstance(answer, (list, tuple)):
        if any(isinstance(part, (str, bytes)) for part in answer):
            raise _no_text(f"a {type(answer).__name__} of bare texts, which may be several answers", where)
        return "".join(_text_of(part, f"{where}[{i}]", deepest - 1) for i, part in enumerate(answer))
    if deepest and isinstance(answer, dict):
        return _part(answer, where, deepest)
    kind = type(answer)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    raise _no_text(name, where)


def _part(part: dict[Any, Any], where: str, deepest: int) -> str:
    kind = part.get("type")
    if isinstance(kind, str):
        if any(word in kind for word in _NO_ANSWER):
            return ""
        if "text" not in kind and kind != "message":
            raise _no_text(f"a part of type {kind!r}", where)
    keys = [key for key in _HOLDS_TEXT if key in part]
    if not keys:
        held = ", ".join(map(repr, part)) or "nothing in it"
        raise _no_text(f"dict with {held:.80} and without text or content", where)
    key = next((key for key in keys if part[key] is not None), keys[0])
    return _text_of(part[key], f"{where}[{key!r}]", deepest - 1)


def _no_text(what: str, where: str) -> ValueError:
    return ValueError(f"an answer that is no text: {what}{f' at {where}' if where else ''}")
