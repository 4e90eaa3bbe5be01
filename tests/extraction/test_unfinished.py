"""Whether an answer's reasoning or its last block never ended."""

from __future__ import annotations

import pytest

from passk_tasks.extraction import extract
from passk_tasks.extraction.unfinished import unfinished

CODE = "def f(x):\n    return x\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Here:\n```python\n{CODE}```\n", None),
        (f"Here:\n```python\n{CODE}", "fence"),
        (f"Here:\n```\n{CODE}", "fence"),
        (f"Here:\n~~~python\n{CODE}", "fence"),
        (f"```python\n{CODE}```\nExamples:\n```python\nf(", "fence"),
        ("<think>\nLet me see, f(x) must", "reasoning"),
        (f"<think>\n```python\n{CODE}```\nBut wait", "reasoning"),
        (f"<think>\nok\n</think>\n```python\n{CODE}```", None),
        (f"<think>\nok\n</think>\n```python\n{CODE}", "fence"),
        ("<|channel|>analysis<|message|>We need", "reasoning"),
        (f"{CODE}```\n", None),  # the fence was opened in the prompt
        (f"{CODE}```\nThis returns x.", None),
        (CODE, None),
        ('def f(x):\n    """Asks for <think>\n    """\n    return x\n', None),
        ("", None),
        ("I cannot help with that.", None),
    ],
)
def test_what_never_ended(text: str, expected: str | None) -> None:
    """A fence or a chain of thought that the text ends in, and nothing else."""
    found = extract(text, mode="answer", prompt="def f(x):\n", entry_point="f")
    assert unfinished(text, found.strategy) == expected


def test_a_fence_that_is_a_stop_sequence_is_closed_by_no_text() -> None:
    """Where generation stops at a fence, the closing one never comes."""
    text = f"```python\n{CODE}"
    found = extract(text, mode="answer", prompt="def f(x):\n", entry_point="f")
    assert unfinished(text, found.strategy, ["```\n"]) is None
