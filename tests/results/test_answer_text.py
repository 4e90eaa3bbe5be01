from __future__ import annotations

import enum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passk_tasks.results import sample_files
from passk_tasks.results.answers import text_of
from passk_tasks.results.journal import Journal, JournalHeader


class Word(str, enum.Enum):
    """Text of another class."""

    YES = "yes"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("a", "a"),
        (Word.YES, "yes"),
        (None, ""),
        ([], ""),
        ((), ""),
        ([None], ""),
        (b"\xc3\xa9", "é"),
        (b"\xff", "\udcff"),
        (bytearray(b"a"), "a"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab"),
        (({"type": "output_text", "text": "a"},), "a"),
        (
            [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": "a"},
            ],
            "a",
        ),
        ([{"type": "reasoning", "summary": []}, {"text": "a"}], "a"),
        ([{"type": "refusal", "refusal": "no"}], ""),
        ({"role": "assistant", "content": "a"}, "a"),
        ({"role": "assistant", "content": None, "reasoning_content": "hm"}, ""),
        ({"type": "message", "content": [{"type": "text", "text": {"value": "a", "annotations": []}}]}, "a"),
        ({"text": None, "content": "a"}, "a"),
    ],
)
def test_the_text_of_an_answer(answer: Any, text: str) -> None:
    """Text, parts, messages and bytes are their text; nothing at all is an empty one."""
    found = text_of(answer)
    assert (found, type(found)) == (text, str)


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (7, "int"),
        (float("nan"), "float"),
        (True, "bool"),
        (object(), "object"),
        (Word, "enum.EnumType|enum.EnumMeta"),
        ({"a"}, "set"),
        ({}, "dict with nothing in it"),
        ({"choices": []}, "dict with 'choices'"),
        (["a", "b"], "a list of bare texts, which may be several answers"),
        (("a", {"finish_reason": "stop"}), "a tuple of bare texts"),
        ([{"text": "a"}, 0.5], r"float at \[1\]"),
        ([{"type": "image_url", "image_url": "x"}], r"a part of type 'image_url' at \[0\]"),
        ([{"type": "tool_use", "input": {"code": "x"}}], "a part of type 'tool_use'"),
        ({"content": [{"text": 7}]}, r"int at \['content'\]\[0\]\['text'\]"),
    ],
)
def test_what_is_no_text_is_named(answer: Any, named: str) -> None:
    """Anything else is an error that says what it is, of which class, and where in the answer."""
    with pytest.raises(ValueError, match=f"an answer that is no text: ({named})"):
        text_of(answer)


def test_an_answer_within_itself_ends() -> None:
    """A list that holds itself is refused, not followed for ever."""
    answer: list[Any] = []
    answer.append(answer)
    with pytest.raises(ValueError, match="no text: list at"):
        text_of(answer)


texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=5)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.sampled_from(["type", "text", "content", "role"]) | texts, inner, max_size=3)
    ),
    max_leaves=8,
)


def refused_or_text(answer: Any) -> str | None:
    """Return the text of an answer, or None where it is refused with a reason."""
    try:
        return text_of(answer)
    except ValueError as error:
        assert str(error).startswith("an answer that is no text: ")  # noqa: PT017
        return None


@settings(max_examples=300)
@given(answers=st.lists(anything, min_size=1, max_size=4))
def test_whatever_a_model_returns_is_refused_or_read_back(tmp_path_factory, answers: list[Any]) -> None:
    """Each answer is refused with a reason, or journaled as a text that the reader gives back unchanged."""
    path = tmp_path_factory.mktemp("any") / "j.jsonl"
    kept = {0: "first"}
    for index, answer in enumerate(answers, start=1):
        text = refused_or_text(answer)
        if text is not None:
            kept[index] = text
    with Journal(path, JournalHeader("t", "1", {}, (), "00")) as journal:
        for index, text in kept.items():
            journal.write("HumanEval/0", index, text)
    read = sample_files.read(path)
    assert {sample.index: sample.text for sample in read.samples} == kept
    assert read.warnings == ()
