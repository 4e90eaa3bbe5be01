"""`completion` and `verbatim`: prompt + text, and the few repairs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapes import BARE, BODY, FILE, FUNCTION, PROMPT, TABBED, completion, run

from passk_tasks.errors import UsageError
from passk_tasks.extraction import Extraction, extract


@pytest.mark.parametrize(
    ("text", "strategy"),
    [
        pytest.param(BODY, "body", id="body"),
        pytest.param("\n" + BODY, "body", id="newline first"),
        pytest.param(BODY.rstrip("\n"), "body", id="no newline at the end"),
        pytest.param(BODY.replace("\n", "\r\n"), "body", id="CRLF"),
        pytest.param(BODY + "\n\nx = 1\nfor y in [x]:\n    pass\n", "body", id="babble that parses"),
        pytest.param(FUNCTION, "restated_function", id="function restated"),
        pytest.param("\n\n" + FUNCTION, "restated_function", id="function restated after blank lines"),
        pytest.param(FILE, "whole_file", id="file restated"),
        pytest.param("    '''Again.'''\n" + BODY, "body", id="docstring restated"),
        pytest.param("    # sum\n" + BODY, "body", id="comment first"),
        pytest.param(BODY.rstrip("\n") + "  # <think>\n", "body", id="tag in a comment"),
    ],
)
def test_a_completion_is_appended_unchanged(text, strategy):
    """A right completion is prompt + text, byte for byte."""
    found = completion(text)
    assert found == Extraction(PROMPT + text, strategy)
    assert run(found)["total"]([1, 2, 3]) == 6


@pytest.mark.parametrize(
    "text",
    [
        BODY.lstrip(),
        BODY[1:],
        "\n" + BODY.lstrip(),
        "return sum(xs)",
        "if xs:\n        return sum(xs)\n    return 0\n",
    ],
)
def test_a_first_line_that_lost_its_indentation_gets_it_back(text):
    """Tokenizers drop the first spaces; the repair is recorded."""
    found = completion(text)
    assert found.strategy == "body+indent"
    assert run(found)["total"]([1, 2, 3]) == 6


def test_a_lost_tab_comes_back_as_a_tab():
    """The indentation of the prompt decides what the first line gets back."""
    found = completion("for x in [0]:\n\t\treturn sum(xs)\n", TABBED)
    assert found == Extraction(TABBED + "\tfor x in [0]:\n\t\treturn sum(xs)\n", "body+indent")
    assert completion("\treturn 6\n", TABBED) == Extraction(TABBED + "\treturn 6\n", "body")


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\n",  # compiles at the margin: no reason to move it
        "return 1\nreturn 2\n",  # does not compile either way
        "return )\n",
        "\treturn sum(xs)\n",  # the model's tab below the prompt's spaces
        BODY + "\ndef unfinished(",
        "```python\n" + BODY + "```\n",
        "<think>\n" + BODY,
    ],
)
def test_what_the_model_wrote_wrong_stays_wrong(text):
    """A completion is repaired only where that makes it compile, and only its first indentation."""
    assert completion(text) == Extraction(PROMPT + text, "body")


def test_a_restated_function_stands_alone_where_the_prompt_has_no_body():
    """Below a bare signature prompt + text cannot compile, so the text is taken with the prompt's context."""
    found = completion(FUNCTION, "import math\nfrom typing import List\n\n" + BARE)
    assert found == Extraction("import math\nfrom typing import List\n" + FUNCTION, "restated_function")
    assert completion("return 6\n", BARE).code == BARE + "    return 6\n"


@pytest.mark.parametrize("text", ["", "   \n\n    \n", "\ndef f"])
def test_an_empty_completion_is_no_code(text):
    """A text of nothing but whitespace, perhaps after the stops, holds no code."""
    assert completion(text, stops=("\ndef",)) == Extraction(None, "none:empty")


def test_stops_cut_at_the_earliest_occurrence_of_any():
    """All stop sequences apply again, in whatever order they are listed."""
    text = BODY + "\nprint(1)\n\ndef f():\n    pass\n\nclass A:\n    pass\n"
    for stops in (("\nclass", "\ndef", "\nprint"), ("\nprint", "\ndef"), ("", "\nprint")):
        assert completion(text, stops=stops) == Extraction(PROMPT + BODY, "body")
    assert extract(
        FUNCTION + "\nQuestion: next", mode="answer", prompt=PROMPT, entry_point="total", stops=["\nQuestion"]
    ) == Extraction("from typing import List\n" + FUNCTION, "restated_function")


@pytest.mark.parametrize(
    "token",
    [
        "</s>",
        "<|endoftext|>",
        "\n<|im_end|>\n",
        "<eos>",
        "<|endoftext|># Next file\nx =",
        "\n[EOS]",
        "\n[|endof",
        "\n<filename>other.py\nimport q",
    ],
)
def test_control_tokens_are_cut_off_a_completion(token):
    """End-of-text tokens that a backend decoded do not spoil the program."""
    found = completion(BODY.rstrip("\n") + token)
    assert found.strategy == "body+special_tokens"
    assert run(found)["total"]([1, 2, 3]) == 6


def test_a_control_token_in_a_string_stays():
    """A token that the program quotes is part of it."""
    text = "    end = '<|endoftext|>'\n    return sum(xs)\n"
    assert completion(text) == Extraction(PROMPT + text, "body")


@given(st.text(max_size=200))
def test_verbatim_is_prompt_and_text(text):
    """`verbatim` looks at nothing, not even at stops."""
    found = extract(text, mode="verbatim", prompt=PROMPT, entry_point="total", stops=["a", "\n"])
    assert found == Extraction(PROMPT + text, "verbatim")


def test_an_unknown_mode_names_the_nearest():
    """A mode that does not exist is the caller's mistake."""
    with pytest.raises(UsageError, match="did you mean 'answer'"):
        extract("", mode="answers", prompt="", entry_point="f")
