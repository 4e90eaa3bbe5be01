"""When an output is the expected one: the rules of the benchmarks, one function each.

The tests' side in the sandbox executes this text, so it imports nothing but the standard library. Outputs are
hostile: whatever they hold, a rule ends, and what it needs grows with the expected output.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation

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

    The same lines without outer whitespace and without empty ones; one number a line, as near as
    numpy.allclose has it; or the same set of lines, each a set of words, numbers rounded to three decimals.
    The last ones let another order pass, and repetitions. That is what the published numbers were made with.
    """
    given, wanted = ([line for line in _lines(text) if line] for text in (output, expected))
    if given == wanted or _all_close(given, wanted) or _as_sets(given) == _as_sets(wanted):
        return ""
    try:
        if _as_sets(given, rounded=True) == _as_sets(wanted, rounded=True):
            return ""
    except (ValueError, OverflowError):
        pass
    return _first_difference("line", given, wanted, str.__eq__) or "the lines differ"


def _all_close(given: list[str], wanted: list[str]) -> bool:
    try:
        pairs = [(float(one), float(other)) for one, other in zip(given, wanted, strict=True)]
    except ValueError:
        return False
    return all(one == other or abs(one - other) <= 1e-8 + 1e-5 * abs(other) for one, other in pairs)


def _as_sets(text: list[str], *, rounded: bool = False) -> set[frozenset[object]]:
    return {frozenset(round(float(w), 3) if rounded else w for w in line.split()) for line in text}


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
