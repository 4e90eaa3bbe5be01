"""Rounded shares: near the share, and 0 or 1 only where it is that."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.statistics.rounding import decimal, percent


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        *((0.0, "0.0000"), (1.0, "1.0000"), (0.5, "0.5000"), (32799 / 32800, "> 0.9999")),
        *((1 / 32800, "< 0.0001"), (0.99994, "0.9999"), (0.00006, "0.0001")),
    ],
)
def test_a_score_is_all_or_none_only_where_it_is(share: float, shown: str) -> None:
    """One failure of 32,800 samples is not 1.0000, and one pass not 0.0000."""
    assert decimal(share) == shown


@pytest.mark.parametrize(
    ("share", "digits", "shown"),
    [
        *(
            (199 / 200, 0, "> 99%"),
            (1 / 300, 0, "< 1%"),
            (0.55, 0, "55%"),
            (1.0, 0, "100%"),
            (0.0, 2, "0.00%"),
        ),
        *((4999 / 5000, 1, "> 99.9%"), (1 / 32800, 2, "< 0.01%"), (32799 / 32800, 2, "> 99.99%")),
    ],
)
def test_a_percentage_is_all_or_none_only_where_it_is(share: float, digits: int, shown: str) -> None:
    """4,999 of 5,000 problems are not 100.0% of them."""
    assert percent(share, digits) == shown


@given(st.floats(0, 1), st.integers(0, 3))
def test_what_is_shown_is_true_of_the_share(share: float, digits: int) -> None:
    """A bound holds, and a number is within half of its last digit."""
    for text, unit in ((decimal(share), 1e-4), (percent(share, digits), 10.0 ** -(digits + 2))):
        number = float(re.sub(r"[<>% ]", "", text)) / (100 if "%" in text else 1)
        if text[0] in "<>":
            assert 0 < share < 1
            assert share < number + 1e-12 if text[0] == "<" else share > number - 1e-12
        else:
            assert abs(share - number) <= unit / 2 + 1e-12
            assert number not in (0, 1) or share == number
