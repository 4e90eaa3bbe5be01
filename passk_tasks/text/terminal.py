"""Output for a terminal: aligned tables, colour where it is wanted, no text that moves the cursor.

In a file or a pipe each row of a table is one line, however long. On a narrower terminal, heads are broken
into several lines, and then the longest texts in cells, since rows that the terminal breaks are hard to read.
"""

from __future__ import annotations

import os
import re
import shutil
import textwrap
from collections.abc import Collection, Mapping, Sequence
from typing import TextIO

WIDTH = 96
"""Columns at which text is wrapped; a narrower terminal wraps at its own width."""

_NARROWEST = 40  # narrower terminals count as this wide
NARROW = 18
"""Smallest width of a column of text; less would break an interval."""


BOLD, GREEN, RED, YELLOW, DIM = "\033[1m", "\033[32m", "\033[31m", "\033[1;33m", "\033[2m"
_END = "\033[0m"


def colour_wanted(stream: TextIO) -> bool:
    """Whether to use colours: on a terminal, unless NO_COLOR or TERM=dumb forbid it."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width_of(stream: TextIO) -> int | None:
    """Return the number of columns of a terminal; None for a file or a pipe, where no line is too long."""
    return max(shutil.get_terminal_size((WIDTH, 24)).columns, _NARROWEST) if stream.isatty() else None


def plain(text: str) -> str:
    """Return text that cannot move the cursor, since names come from files that others wrote."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


class Page:
    """Lines of output, collected and joined with `str()`.

    Args:
        colour: whether to use colours; apart from escape codes the text is the same either way.
        width: columns of the terminal; None where a line may have any length.
    """

    def __init__(self, *, colour: bool = False, width: int | None = None) -> None:
        self._colour = colour
        self._width = width
        self._wrapped = WIDTH if width is None else min(width, WIDTH)
        self._lines: list[str] = []

    def __str__(self) -> str:
        return "\n".join(self._lines)

    def paint(self, style: str, text: str) -> str:
        """Return text in a style, one of this module's constants; plain where colour is not wanted."""
        return f"{style}{text}{_END}" if self._colour and style and text else text

    def line(self, text: str = "", style: str = "", *, before: str = "") -> None:
        """Add one line without wrapping it; `before` is text before it that has no style."""
        self._lines.append(plain(before) + self.paint(style, plain(text)))

    def gap(self) -> None:
        """Add an empty line, unless the page is empty or ends with one."""
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def text(self, text: str, style: str = "", *, indent: int = 2, hang: int = 0) -> None:
        """Add a paragraph, wrapped; lines after the first are indented by `hang` more."""
        for number, piece in enumerate(_wrap(text, self._wrapped - indent - hang)):
            self._lines.append(" " * (indent + (hang if number else 0)) + self.paint(style, piece))

    def verbatim(self, text: str, style: str = "", *, mark: str = "") -> None:
        """Add a line of somebody's text, its blanks kept; one too long goes on below, `mark` before it."""
        text = plain(text.expandtabs(4))
        room = max(self._wrapped - 4 - len(mark), NARROW)
        for start in range(0, max(len(text), 1), room):
            self._lines.append(f"    {self.paint(style, mark + text[start : start + room])}".rstrip())

    def facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Add a line for each name and text; texts are wrapped and stand below each other."""
        width = max((len(name) for name, _ in facts), default=0)
        for name, text in facts:
            wrapped = _wrap(text, self._wrapped - width - 4)
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
        """Add a table with two spaces between its columns; it is broken only where the terminal is narrower.

        Args:
            head: names of the columns.
            rows: cells, as many in each row as in `head`.
            align: `l` or `r` for each column.
            styles: one for each row, as for `paint`; the head is always dim.
            indent: spaces at the left.
        """
        cells = _cells(head, rows)
        if self._width is not None:
            _fit(cells, align, self._width - indent)
        widths = _widths(cells)
        for number, row in enumerate(cells):
            style = DIM if number == 0 else "" if styles is None else styles[number - 1]
            height = max(map(len, row), default=1)
            for line in range(height):
                # The lines of a head are aligned at the bottom, those of a cell at the top.
                pieces = [
                    ["", *cell][max(line + len(cell) - height + 1, 0)]
                    if number == 0
                    else [*cell, *[""] * height][line]
                    for cell in row
                ]
                padded = [
                    piece.rjust(width) if side == "r" else piece.ljust(width)
                    for piece, width, side in zip(pieces, widths, align, strict=True)
                ]
                self._lines.append(" " * indent + self.paint(style, "  ".join(padded).rstrip()))

    def columns(
        self,
        columns: Mapping[str, Sequence[str]],
        *,
        texts: Collection[str] = (),
        droppable: Sequence[str] = (),
        styles: Sequence[str] | None = None,
        indent: int = 2,
    ) -> list[str]:
        """Add a table by its columns, and return the names of those that were left out so that it fits.

        Args:
            columns: cells by the column's name.
            texts: columns that are aligned at the left, and broken where the terminal is narrow.
            droppable: columns that may be left out, the first ones first.
            styles: as in `table`.
            indent: as in `table`.
        """
        kept, dropped = dict(columns), list[str]()
        for name in [None, *(name for name in droppable if name in columns)]:
            if name is not None:
                del kept[name]
                dropped.insert(0, name)
            narrow = [[c[:NARROW] for c in cells] if name in texts else cells for name, cells in kept.items()]
            if self.fits(list(kept), list(zip(*narrow, strict=True)), indent=indent):
                break
        align = "".join("l" if name in texts else "r" for name in kept)
        self.table(list(kept), list(zip(*kept.values(), strict=True)), align, styles=styles, indent=indent)
        return dropped

    def fits(self, head: Sequence[str], rows: Sequence[Sequence[str]], *, indent: int = 2) -> bool:
        """Whether a table fits without breaking; arguments as in `table`."""
        return self._width is None or _total(_widths(_cells(head, rows))) <= self._width - indent


_Rows = list[list[list[str]]]  # rows of cells of lines, the head first


def _cells(head: Sequence[str], rows: Sequence[Sequence[str]]) -> _Rows:
    return [[[plain(cell)] for cell in row] for row in [head, *rows]]


def _fit(cells: _Rows, align: str, room: int) -> None:
    """Break heads, and after them the longest texts, until the table fits; numbers stay whole."""
    if _total(_widths(cells)) <= room:
        return
    below = _widths(cells[1:]) or [0] * len(cells[0])
    cells[0] = [_wrap(cell, max(width, 1)) for (cell,), width in zip(cells[0], below, strict=True)]
    widths = _widths(cells)
    while _total(widths) > room:
        texts = [i for i, width in enumerate(widths) if align[i] == "l" and width > NARROW]
        if not texts:
            break
        # The last column is broken first: it holds a path or verdicts. Names are broken later.
        column = texts[-1] if texts[-1] == len(widths) - 1 else max(texts, key=lambda i: widths[i])
        widths[column] -= 1
    for row in cells:
        for column, width in enumerate(widths):
            row[column] = [piece for line in row[column] for piece in _broken(line, width)]


def _widths(cells: _Rows) -> list[int]:
    return [max(len(line) for cell in column for line in cell) for column in zip(*cells, strict=True)]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + 2 * (len(widths) - 1)


def _broken(text: str, width: int) -> list[str]:
    """Return text in pieces of at most that width, broken after spaces and slashes, or else anywhere."""
    pieces, line = [], ""
    for word in re.split(r"(?<=[ /])(?!/)", text):
        if line and len((line + word).rstrip()) > width:
            pieces.append(line.rstrip())
            line = ""
        line += word
        while len(line.rstrip()) > width:
            pieces.append(line[:width])
            line = line[width:]
    return [*pieces, line.rstrip()] if line.strip() or not pieces else pieces


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(plain(text), width, break_on_hyphens=False, break_long_words=False) or [""]
