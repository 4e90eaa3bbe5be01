"""The benchmarks' own rules for outputs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.benchmarks import contests, output_rules
from passk_tasks.program import Comparison
from passk_tasks.sandbox.box.drivers import stdio

LINES, TOKENS, SETS = (rule.name for rule in (contests.LINES, contests.TOKENS, contests.SETS))
EVERY = frozenset((LINES, TOKENS, SETS))


def complaint(rule: str, output: bytes, expected: str) -> str:
    """Return what the rule of a name says, as the tests' side asks it."""
    return stdio.complaint(getattr(output_rules, rule), output, expected)


CASES = [
    ("1\n2\n", "1\n2\n", EVERY),
    ("1\n2", "1\n2\n", EVERY),
    ("  1 \r\n2\t\n\n\n", "1\n2\n", EVERY),
    ("", "", EVERY),
    ("\n \n", "", EVERY),
    ("1", "2", frozenset()),
    ("", "1", frozenset()),
    ("1\n2\n3", "1\n2\n", frozenset()),
    ("1 2", "1\n2", {TOKENS}),
    ("1\n\n2", "1\n2", {TOKENS, SETS}),
    ("1  2", "1 2", {LINES, TOKENS, SETS}),  # numbers, so LiveCodeBench splits them too
    ("a  b", "a b", {TOKENS, SETS}),
    ("yes", "YES", {TOKENS}),
    ("1.0", "1", EVERY),
    ("1e2", "100", EVERY),
    ("0.333333", "0.33333333", {TOKENS, SETS}),
    ("0.33333", "0.34", frozenset()),
    ("0.00002", "0.00001", {SETS}),
    ("100000.5", "100000.4", {SETS}),
    ("1000000000000000001", "1000000000000000000", {SETS}),  # allclose: within 1e-5 of their size
    ("007", "7", EVERY),
    ("1_0", "10", {LINES, SETS}),  # Python takes it for a number, and so do theirs
    ("NaN", "nan", {TOKENS}),
    ("sNaN", "1", frozenset()),
    ("inf", "1", frozenset()),
    ("5", "inf", frozenset()),
    ("inf", "-inf", frozenset()),
    ("nan", "inf", frozenset()),
    ("Infinity", "inf", {LINES, SETS}),
    ("5", "1" + "0" * 400, frozenset()),  # as a float, it is infinite
    ("1\n \n2.0", "1\n2", {TOKENS, SETS}),  # as sets, which leave lines of blanks out of the output
    ("100000.5\n \n2", "100000.4\n2", frozenset()),  # such a line is no number
    ("1\n2.0", "1\n \n2", {TOKENS}),  # APPS leaves none out of what was expected
    ("1\n\n2", "1\n \n2", EVERY),
    ("1 \r\n \r\n2\r\n", "1 \n \n2\n", EVERY),  # APPS takes lines apart, and looks once before it strips them
    ("2\n \n1", "1\n \n2", frozenset()),
    ("2 1", "1 2", {SETS}),
    ("1 1 2", "1 2", {SETS}),
    ("b\na", "a\nb", {SETS}),
    ("a b\nc", "a b\nc d", frozenset()),
    ("ä\ud800", "ä\ud800", frozenset()),  # lone surrogates cannot be written
]


@pytest.mark.parametrize(("output", "expected", "holds"), CASES)
@pytest.mark.parametrize("rule", sorted(EVERY))
def test_rules(rule: str, output: str, expected: str, holds: frozenset[str]) -> None:
    """Each rule takes what its benchmark takes, and nothing else."""
    said = complaint(rule, output.encode("utf-8", "replace"), expected)
    assert (said == "") == (rule in holds), said


@pytest.mark.parametrize(
    ("rule", "output", "expected", "says"),
    [
        (LINES, "1\n3\n", "1\n2\n", "line 2 is '3', expected '2'"),
        (LINES, "1\n", "1\n2\n", "1 lines of output, expected 2"),
        (TOKENS, "1 x", "1 2", "word 2 is 'x', expected '2'"),
        (SETS, "1\nx", "1\n2", "line 2 is 'x', expected '2'"),
        (LINES, "x" * 100, "1", "line 1 is '" + "x" * 60 + "…', expected '1'"),
    ],
)
def test_the_first_difference_is_named(rule: str, output: str, expected: str, says: str) -> None:
    """A person reads where the output differs, in bounded words."""
    assert complaint(rule, output.encode(), expected) == says


@pytest.mark.parametrize("rule", sorted(EVERY))
def test_outputs_far_too_long_are_not_read(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Megabytes where a word was expected are wrong at once, also if they are only spaces."""
    monkeypatch.setattr(output_rules, rule, None)
    assert "10,000,001 bytes" in complaint(rule, b" " * 10_000_000 + b"1", "1")


@pytest.mark.parametrize("rule", sorted(EVERY))
@pytest.mark.parametrize(
    "output", [b"\xff\xfe", b"9" * 60_000, b"1e999999999", b"-" * 50_000, b"0" * 65_000 + b"1"]
)
def test_hostile_outputs(rule: str, output: bytes) -> None:
    """No output makes a rule raise."""
    assert complaint(rule, output, "5")


@given(st.binary(max_size=200), st.text(max_size=50), st.sampled_from(sorted(EVERY)))
def test_never_raises(output: bytes, expected: str, rule: str) -> None:
    """Whatever the bytes are, there is an answer."""
    assert isinstance(complaint(rule, output, expected), str)


@given(st.text(st.characters(codec="utf-8"), max_size=80), st.sampled_from(sorted(EVERY)))
def test_what_was_expected_is_right(expected: str, rule: str) -> None:
    """The expected text is right under every rule, with and without space around it."""
    assert complaint(rule, expected.encode(), expected) == ""
    assert complaint(rule, f"{expected} \n".encode(), expected) == ""


@given(st.lists(st.integers(), min_size=1, max_size=5), st.integers(0, 4), st.sampled_from([LINES, TOKENS]))
def test_one_other_integer_is_wrong(numbers: list[int], place: int, rule: str) -> None:
    """Integers are compared exactly, however large."""
    expected = " ".join(map(str, numbers))
    numbers[place % len(numbers)] += 1
    assert complaint(rule, " ".join(map(str, numbers)).encode(), expected)


def test_two_rules_of_one_name_are_refused() -> None:
    """Programs under the two would have one hash."""
    assert Comparison(LINES, contests.LINES.source) == contests.LINES
    with pytest.raises(ValueError, match="two comparison rules 'lines'"):
        Comparison(LINES, "def lines(output, expected): return ''")
