"""When an output is the expected one: the rules of the benchmarks, one function each.

The tests' side in the sandbox executes this text, so it imports nothing but the standard library. Outputs are
hostile: whatever they hold, a rule ends, and what it needs grows with the expected output.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from math import isfinite

_SHOWN = 60  # characters
_INTEGER = re.compile(r"[+-]?[0-9]+")
_TOLERANCE = 1e-5  # AlphaCode's kDoublePrecision


def lines(output: str, expected: str) -> str:
    """LiveCodeBench (`lcb_runner/evaluation/testing_util.py`, grade_stdio).

    Line by line without outer whitespace; where lines differ, both must be numbers of the same exact values.
    """
    return _first_difference("line", _lines(output), _lines(expected), _same_numbers)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().split("\n")]


def _same_numbers(output: str, expected: str) -> bool:
    try:
        return [Decimal(word) for word in output.split()] == [Decimal(word) for word in expected.split()]
    except InvalidOperation:  # no number, or a signalling NaN
        return False


def tokens(output: str, expected: str) -> str:
    """AlphaCode (`execution/tester_sandboxer.cc` in google-deepmind/code_contests, OutputsMatch).

    Word by word, in any case; numbers may differ by less than 1e-5. Theirs reads integers as doubles as well
    and so takes 10**18 for 10**18 + 1; here two integers must be equal.
    """
    return _first_difference("word", output.lower().split(), expected.lower().split(), _near)


def _near(output: str, expected: str) -> bool:
    if "_" in output:  # a number to Python only
        return False
    if _INTEGER.fullmatch(output) and _INTEGER.fullmatch(expected):
        return _same_numbers(output, expected)
    try:
        return abs(float(output) - float(expected)) < _TOLERANCE
    except ValueError:
        return False


def sets(output: str, expected: str) -> str:
    """APPS (`eval/testing_util.py` in hendrycks/apps, run_test), whose checks are tried one after the other.

    The same text, but for what surrounds it or each line of the output; the same lines, those of the expected
    output without outer whitespace, empty ones left out; one number a line, as near as numpy.allclose has
    it; or the same set of lines, each a set of words, numbers rounded to three decimals. The last ones let
    another order pass, and repetitions. A line of blanks is a line: nothing but the first two checks passes
    where the expected output has one. That is what the published numbers were made with.
    """
    given = output.splitlines()
    texts = (output, "\n".join(given), "\n".join(map(str.strip, given)))
    if expected.strip() in map(str.strip, texts):
        return ""
    wanted = [line.strip() for line in expected.split("\n") if line]
    filled = [line for line in given if line]
    if wanted in (given, filled) or _all_close(filled, wanted):
        return ""
    words, expected_words = ([line.split() for line in lines] for lines in (filled, wanted))
    words = [line for line in words if line]
    try:
        for rounded in (False, True):
            if _as_sets(words, rounded=rounded) == _as_sets(expected_words, rounded=rounded):
                return ""
    except (ValueError, OverflowError):
        pass
    shown = [line.strip() for line in filled]
    return _first_difference("line", shown, wanted, str.__eq__) or "the lines differ"


def _all_close(given: list[str], wanted: list[str]) -> bool:
    try:
        pairs = [(float(one), float(other)) for one, other in zip(given, wanted, strict=True)]
    except ValueError:
        return False
    return all(
        one == other or (isfinite(other) and abs(one - other) <= 1e-8 + 1e-5 * abs(other))
        for one, other in pairs
    )


def _as_sets(lines: list[list[str]], *, rounded: bool = False) -> set[frozenset[object]]:
    return {frozenset(round(float(w), 3) if rounded else w for w in words) for words in lines}


def _first_difference(
    what: str, given: Sequence[str], wanted: Sequence[str], same: Callable[[str, str], bool]
) -> str:
    for number, (one, other) in enumerate(zip(given, wanted), start=1):  # noqa: B905  lengths come below
        if one != other and not same(one, other):
            return f"{what} {number} is {_shown(one)}, expected {_shown(other)}"
    if len(given) != len(wanted):
        return f"{len(given)} {what}s of output, expected {len(wanted)}"
    return ""


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
