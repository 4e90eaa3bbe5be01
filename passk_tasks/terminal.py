"""What is shown on a terminal: aligned tables, colour where it is wanted, no text that moves the cursor."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Sequence
from typing import TextIO

WIDTH = 96

BOLD, GREEN, RED, YELLOW, DIM = "\033[1m", "\033[32m", "\033[31m", "\033[1;33m", "\033[2m"
_END = "\033[0m"


def colour_wanted(stream: TextIO) -> bool:
    """Whether to colour: only on a terminal, and not where NO_COLOR or TERM=dumb say otherwise."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def plain(text: str) -> str:
    """Return text that cannot move the cursor: names come from files that others wrote."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


class Page:
    """Lines of output, collected and joined with `str()`.

    Args:
        colour: whether the terminal shows colours; the text without its escape codes is the same either way.
    """

    def __init__(self, *, colour: bool = False) -> None:
        self._colour = colour
        self._lines: list[str] = []

    def __str__(self) -> str:
        return "\n".join(self._lines)

    def paint(self, style: str, text: str) -> str:
        """Return text in a style, one of this module's constants; plain where colour is not wanted."""
        return f"{style}{text}{_END}" if self._colour and style and text else text

    def line(self, text: str = "", style: str = "") -> None:
        """Add one line as it stands."""
        self._lines.append(self.paint(style, plain(text)))

    def gap(self) -> None:
        """Add an empty line, unless the page is empty or ends with one."""
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def text(self, text: str, style: str = "", *, indent: int = 2, hang: int = 0) -> None:
        """Add a paragraph, wrapped at `WIDTH`; lines after the first are indented by `hang` more."""
        for number, piece in enumerate(_wrap(text, WIDTH - indent - hang)):
            self._lines.append(" " * (indent + (hang if number else 0)) + self.paint(style, piece))

    def facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Add a line for each name and text; texts are wrapped and stand below each other."""
        width = max((len(name) for name, _ in facts), default=0)
        for name, text in facts:
            wrapped = _wrap(text, WIDTH - width - 4)
            self._lines.append(f"  {self.paint(DIM, f'{plain(name):<{width}}')}  {wrapped[0]}")
            self._lines += [f"  {'':{width}}  {more}" for more in wrapped[1:]]

    def table(
        self,
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
        align: str,
        *,
        styles: Sequence[str] | None = None,
        indent: int = 2,
    ) -> None:
        """Add a table whose columns are two spaces apart.

        Args:
            head: names of the columns.
            rows: cells, as many in each row as in `head`.
            align: `l` or `r` for each column.
            styles: one for each row, as for `paint`; the head is always dim.
            indent: spaces at the left.
        """
        cells = [[plain(cell) for cell in row] for row in [head, *rows]]
        widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
        for number, row in enumerate(cells):
            padded = [
                cell.rjust(width) if side == "r" else cell.ljust(width)
                for cell, width, side in zip(row, widths, align, strict=True)
            ]
            style = DIM if number == 0 else "" if styles is None else styles[number - 1]
            self._lines.append(" " * indent + self.paint(style, "  ".join(padded).rstrip()))


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(plain(text), width, break_on_hyphens=False, break_long_words=False) or [""]


def without_colour(text: str) -> str:
    """Return text without the escape codes that `Page.paint` puts in."""
    return re.sub(r"\033\[[0-9;]*m", "", text)
