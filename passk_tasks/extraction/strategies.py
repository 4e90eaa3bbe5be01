"""The closed set of words for how code was extracted from a model's text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Strategy(str, Enum):
    """Where the code was. The `NONE_…` members are the only ones without code."""

    VERBATIM = "verbatim"  # prompt + text, nothing looked at
    BODY = "body"  # the text continues the prompt
    RESTATED_FUNCTION = "restated_function"  # the text is the function again, and nothing else
    WHOLE_FILE = "whole_file"  # the text is a program: the function among imports and helpers
    FENCE = "fence"  # one block of a Markdown answer defines the function
    FENCE_UNCLOSED = "fence_unclosed"  # one block defines it, but the text ended before the block did
    FENCE_PREFILLED = "fence_prefilled"  # the block was opened in the prompt, the text only closes it
    FENCE_JOINED = "fence_joined"  # several blocks that need each other
    FENCE_BODY = "fence_body"  # the block holds only the body; the prompt stands above it
    PROSE_CODE = "prose_code"  # lines of code among prose, without a fence
    ASSERTION = "assertion"  # one side of an assertion
    ASSERTION_SPLIT = "assertion_split"  # one side, cut at `==`, of an assertion that Python cannot parse
    NONE_EMPTY = "none:empty"
    NONE_UNTERMINATED_REASONING = "none:unterminated_reasoning"
    NONE_NO_CODE_FOUND = "none:no_code_found"

    def __str__(self) -> str:
        return self.value


class Repair(str, Enum):
    """What was taken away or mended on the way; recorded after the strategy, joined by `+`."""

    REASONING = "reasoning"  # a chain of thought was cut off
    SPECIAL_TOKENS = "special_tokens"  # tokens such as <|im_end|>, or a byte order mark, were cut off
    INDENT = "indent"  # indentation that tokenizers or Markdown had changed was restored
    TRIMMED = "trimmed"  # lines around the function that are not Python were cut off
    EXAMPLES = "examples"  # example calls, asserts, `if __name__ == "__main__"` were cut off
    UNWRAPPED = "unwrapped"  # a notation was undone: JSON, a quotation, numbered lines, a session, a patch
    UNDECIDED = (
        "undecided"  # read in another way, the text gives another program; at most words say which is meant
    )
    NEWER = "newer_syntax"  # nothing was done: only a newer Python than the one that looks can parse it

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Extraction:
    """The candidate that a model's text holds.

    Attributes:
        code: the whole candidate program, the prompt's context included; None where there is no code.
        strategy: a `Strategy`, then each `Repair` that was made, in the order of their definition, joined by
            `+`: `body`, `body+indent`, `fence+reasoning+examples`, `none:empty`.
    """

    code: str | None
    strategy: str


def extraction(code: str | None, strategy: Strategy, repairs: frozenset[Repair]) -> Extraction:
    """Return the `Extraction` with its strategy spelled out."""
    return Extraction(code, "+".join([strategy.value, *(r.value for r in Repair if r in repairs)]))
