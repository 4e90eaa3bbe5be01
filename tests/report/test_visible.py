from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.report.visible import LINE, TEXT, shortened, visible

ANY = st.text(st.characters(exclude_categories=()))  # lone surrogates too


@given(ANY)
def test_every_character_can_be_seen(text):
    """Nothing is left that is a control, a format, a lone surrogate or a separator of lines."""
    unseen = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}
    shown = visible(text)
    assert not {char for char in shown if unicodedata.category(char) in unseen} - {"\n", "\t", " "}
    shown.encode("utf-8")


@given(
    st.text(
        st.characters(categories=("L", "Nd", "P", "Sm", "Sc"), exclude_characters="\u115f\u1160\u3164\uffa0")
    )
)
def test_what_can_be_seen_stays(text):
    """Letters of all scripts, digits and signs are as they were."""
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", "a⟦U+202E⟧b"),  # turns what follows around
        ("\x00", "⟦U+0000⟧"),
        ("\ud800", "⟦U+D800⟧"),
        ("\u2028", "⟦U+2028⟧"),
        ("\x1b[2J", "⟦U+001B⟧[2J"),
        ("\U000e0041", "⟦U+E0041⟧"),  # a tag character, which nothing draws
        ("a\r\nb\rc", "a\nb⟦U+000D⟧c"),
        ("\tif x:\n", "\tif x:\n"),
        ("x\u00a0+\u3000y", "x⟦U+00A0⟧+⟦U+3000⟧y"),  # blanks that are none to Python
        ("a\ufe0f\u3164\u034f", "a⟦U+FE0F⟧⟦U+3164⟧⟦U+034F⟧"),  # drawn as nothing
    ],
)
def test_marks_name_the_code_point(text, shown):
    """What cannot be seen is shown by its number."""
    assert visible(text) == shown


def test_long_lines_are_cut_with_a_note():
    """A line of a megabyte is shown by its beginning, and says how much is missing."""
    shown = shortened("short\n" + "x" * 1_000_000, whole=2_000_000)
    assert shown.startswith("short\n" + "x" * LINE + " […998,000 more characters in this line]")
    assert len(shown) < LINE + 100


@given(st.text(max_size=500), st.integers(1, 50), st.integers(1, 200))
def test_what_is_short_stays_and_what_is_long_is_bounded(text, line, whole):
    """Text within both bounds is as it was; any other is longer than them by its notes alone."""
    shown = shortened(text, line=line, whole=whole)
    fits = len(text) <= whole and all(len(one) <= line for one in text.split("\n"))
    assert (shown == text) == fits
    assert all(len(one) <= line + 50 for one in shown.split("\n"))


def test_long_texts_are_cut_with_a_note():
    """A text of many lines is cut too."""
    shown = shortened("ab\n" * 100_000)
    assert shown.endswith(f"\n[… {300_000 - TEXT:,} more characters]")
