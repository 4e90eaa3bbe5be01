"""Tests of passk_tasks.benchmarks.own_outputs: outputs of people's own programs."""

from __future__ import annotations

import pytest

from passk_tasks.benchmarks.own_outputs import INDENTED, indented

TRIANGLE = "  *\n ***\n*****\n"


@pytest.mark.parametrize("through", ["the function", "its source"])
@pytest.mark.parametrize(
    ("output", "expected", "right"),
    [
        (TRIANGLE, TRIANGLE, True),
        ("*\n***\n*****\n", TRIANGLE, False),
        ("   *\n  ***\n *****\n", TRIANGLE, True),
        ("\n  *  \n ***\n*****", TRIANGLE, True),
        ("1\n1 2\n", " 1\n1 2\n", False),
        ("a:\nb: 1", "a:\n  b: 1", False),
        ("a:\r\n  b: 1", "a:\n  b: 1\n", True),
        ("a\n\n  b", "a\n    \n  b", True),
        ("6", " 6\n", True),
        ("6\n7", " 6\n 7\n", True),
        ("a\n b", "a\nb", True),
        ("", "", True),
        ("7", "6", False),
    ],
)
def test_indentation_counts_where_the_expected_lines_have_different_ones(
    output: str, expected: str, right: bool, through: str
) -> None:
    """Triangles, trees and nested lists are compared with it, whatever their margin."""
    rule = indented
    if through == "its source":  # as the tests' side has it
        exec(INDENTED.source, namespace := {"__name__": "rule"})
        rule = namespace[INDENTED.name]
    assert (rule(output, expected) == "") is right
