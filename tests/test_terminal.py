from __future__ import annotations

import io

import pytest

from passk_tasks.terminal import RED, WIDTH, Page, colour_wanted, without_colour


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
    assert without_colour(str(pages[1])) == str(pages[0])


def test_text_is_wrapped_and_harmless():
    """No line is wider than a terminal, and no character moves the cursor."""
    page = Page()
    page.text("word \033[2J " * 60)
    page.line("a\rb")
    assert max(map(len, str(page).splitlines())) <= WIDTH
    assert "\033" not in str(page)
    assert "\r" not in str(page)
