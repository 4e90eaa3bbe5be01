from __future__ import annotations

import io
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.text.terminal import RED, WIDTH, Page, colour_wanted, plain, width_of


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch):
    """No colour into a file, none under NO_COLOR, none on a dumb terminal."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert colour_wanted(Terminal())
    assert not colour_wanted(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not colour_wanted(Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colour_wanted(Terminal())


def test_columns_line_up_with_and_without_colour():
    """Cells are padded before they are painted."""
    pages = [Page(colour=colour) for colour in (False, True)]
    for page in pages:
        page.table(("a", "number"), [("long name", "1"), ("b", "100")], "lr", styles=[RED, ""])
    assert str(pages[0]) == "  a          number\n  long name       1\n  b             100"
    assert re.sub(r"\033\[[0-9;]*m", "", str(pages[1])) == str(pages[0])


def test_text_is_wrapped_and_harmless():
    """No line is wider than a terminal, and no character moves the cursor."""
    page = Page()
    page.text("word \033[2J " * 60)
    page.line("a\rb")
    assert max(map(len, str(page).splitlines())) <= WIDTH
    assert "\033" not in str(page)
    assert "\r" not in str(page)


def test_a_stream_s_width_is_its_terminal_s(monkeypatch: pytest.MonkeyPatch):
    """A file has lines of any length; a terminal says how wide it is, within reason."""
    monkeypatch.setenv("COLUMNS", "80")
    assert width_of(io.StringIO()) is None
    assert width_of(Terminal()) == 80
    monkeypatch.setenv("COLUMNS", "3")
    assert width_of(Terminal()) == 40


HEAD = ("run", "samples per solved problem", "over problems", "results")
ROWS = [
    (
        "A",
        "1.5",
        "0.1234 … 0.2345",
        "runs/somewhere/in/a/deep/folder/results_2026-01-02T03-04-05.678901.json",
    ),
    ("B", "12.5", "0.0000 … 1.0000", "short"),
]


def test_a_table_fits_its_terminal():
    """Heads are broken first, then the longest texts; numbers and intervals stay whole, nothing is lost."""
    page = Page(width=80)
    page.table(HEAD, ROWS, "lrll")
    lines = str(page).splitlines()
    assert max(map(len, lines)) <= 80
    for number in ("1.5", "12.5", "0.1234 … 0.2345", "0.0000 … 1.0000"):
        assert any(number in line for line in lines)
    path = "".join(line[32:].strip() for line in lines if line[32:].strip() != "results")
    assert path == ROWS[0][3] + "short"
    assert [line.split() for line in lines[:3]] == [["samples"], ["per"], ["solved"]]


@pytest.mark.parametrize("width", [None, 200])
def test_a_table_with_room_has_a_line_a_row(width: int | None):
    """Into a file, or on a wide terminal, nothing is broken."""
    page = Page(width=width)
    page.table(HEAD, ROWS, "lrll")
    assert len(str(page).splitlines()) == 3


def test_numbers_are_never_broken():
    """Where even narrow heads do not do, a row is longer than the terminal."""
    page = Page(width=40)
    page.table(["number"] * 8, [["0.123456"] * 8], "r" * 8)
    assert "  " + "  ".join(["0.123456"] * 8) in str(page).splitlines()


@given(
    st.integers(40, 120),
    st.lists(st.lists(st.text(max_size=60), min_size=3, max_size=3), max_size=4),
    st.lists(st.text(max_size=30), min_size=3, max_size=3),
)
def test_every_character_of_a_table_is_shown(width: int, rows: list[list[str]], head: list[str]):
    """Whatever stands in it and however narrow the terminal, only spaces are added or taken away."""
    page = Page(width=width)
    page.table(head, rows, "lrl")
    shown = Counter(str(page).replace("\n", ""))
    given_ = Counter(plain("".join(head) + "".join(map("".join, rows))))
    assert shown - Counter({" ": shown[" "]}) == given_ - Counter({" ": given_[" "]})


def test_text_follows_a_narrow_terminal():
    """Paragraphs and facts are wrapped where the terminal ends."""
    page = Page(width=50)
    page.text("word " * 60)
    page.facts([("name", "word " * 60)])
    assert max(map(len, str(page).splitlines())) <= 50
