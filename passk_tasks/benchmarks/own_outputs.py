"""The rule by which the outputs of people's own programs are compared: LiveCodeBench's, and indentation."""

from __future__ import annotations

import inspect

from passk_tasks.benchmarks.contests import LINES
from passk_tasks.benchmarks.output_rules import lines
from passk_tasks.program import Comparison


def indented(output: str, expected: str) -> str:
    """As `lines`; where some of the expected lines are indented more than others, so must those of output be.

    LiveCodeBench strips each line. For a triangle of stars that would take a column of stars.
    """
    wrong = lines(output, expected)
    wanted = indents(expected)
    if wrong or not any(wanted):
        return wrong
    for number, (given, want) in enumerate(zip(indents(output), wanted), start=1):  # noqa: B905  as many lines
        if given != want:
            return f"line {number} is indented by {given} more than the least, expected {want}"
    return ""


def indents(text: str) -> list[int]:
    """Return by how much each line is indented more than the least indented one; 0 for blank lines."""
    rows = text.rstrip().split("\n")
    while rows and not rows[0].strip():
        del rows[0]
    widths = [len(row) - len(row.lstrip()) for row in rows]
    least = min((width for width, row in zip(widths, rows) if row.strip()), default=0)  # noqa: B905
    return [width - least if row.strip() else 0 for width, row in zip(widths, rows)]  # noqa: B905


# In a text of its own: the rules of the benchmarks take part in the hashes of their programs.
_SOURCES = [LINES.source, *(inspect.getsource(function) for function in (indented, indents))]
INDENTED = Comparison("indented", "\n\n".join(_SOURCES))
