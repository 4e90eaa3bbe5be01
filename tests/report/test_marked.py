"""Code with its parts of speech marked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.languages import LANGUAGES
from passk_tasks.report.marked import MARKS, PLAIN, marked, plain
from passk_tasks.report.visible import visible

PYTHON = [
    "def f(x):",
    "    return 'a' + x  # why",
    '    """doc',
    "more",
    '"""',
    "  x\\",
    "'",
    "if a else 7",
    "\t",
    "é",
    "",
]


@given(st.lists(st.sampled_from(PYTHON)).map("\n".join) | st.text())
def test_marks_are_all_that_is_added(text):
    """Whatever the text, it is there to the letter."""
    shown = visible(text)
    assert plain(marked(shown)) == shown


@given(st.lists(st.sampled_from(PYTHON)).map("\n".join))
def test_lines_are_marked_as_the_whole_would_be(text):
    """What is a string, a comment or a keyword does not depend on how the text was cut for speed."""
    from passk_tasks.report import marked as module

    def kinds(of):
        found, kind = [], PLAIN
        for char in of:
            if char == PLAIN or char in MARKS.values():
                kind = char
            elif not char.isspace():
                found.append((char, kind))
        return found

    assert kinds(marked(text)) == kinds(module._marked(text, None))


def test_parts_of_speech_have_marks():
    """Keywords, names that are defined, strings, comments and numbers."""
    found = marked("def f(x):\n    return 'a' * 12  # why\n")
    for mark, part in (("\x01", "def"), ("\x02", "f"), ("\x01", "return"), ("\x05", "12"), ("\x04", "# why")):
        assert mark + part in found.replace("\x01 ", "\x01").replace(PLAIN + " ", " " + PLAIN), part


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_colours(language):
    """A number at least is one everywhere; no language is left without."""
    assert "\x05" in marked("x = 1234\n", language) or "\x05" in marked("(+ 1234 5)", language)


def test_unknown_languages_are_shown_as_they_are():
    """Nothing is guessed."""
    assert marked("def f(): pass", "klingon") == "def f(): pass"
