"""The bounds of a drop, and what is enough to decide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.statistics import paired
from passk_tasks.statistics.gate import FAILED, INCONCLUSIVE, PASSED, PROBLEMS, decide
from passk_tasks.statistics.intervals import wilson
from passk_tasks.statistics.metrics import PASS, Counts, Metric

ONE, TEN = Metric(PASS, 1), Metric(PASS, 10)


def counts(n, *correct):
    """Counts of problems with n samples each."""
    return Counts(np.full(len(correct), n), np.array(correct))


@given(
    st.integers(1, 30),
    st.lists(st.integers(0, 30), min_size=3, max_size=12),
    st.floats(0.55, 0.9),
    st.floats(0.91, 0.999),
)
def test_the_bounds_hold_the_difference(n, correct, lower, higher):
    """The difference lies between its bounds, and more confidence moves both outwards."""
    before = counts(n, *(min(c, n) for c in correct))
    after = counts(n, *(min(c, n) for c in reversed(correct)))
    near, far = (
        decide(ONE, before, after, largest_drop=0.05, confidence=confidence) for confidence in (lower, higher)
    )
    assert far.low <= near.low <= near.difference + 1e-12
    assert near.difference - 1e-12 <= near.high <= far.high


def test_single_samples_are_judged_as_they_are_worth():
    """One sample a problem, of 200 problems: the bound is Newcombe's for two proportions."""
    before, after = counts(1, *[1, 0] * 100), counts(1, *[1, 0] * 100)
    found = decide(ONE, before, after, largest_drop=0.05, confidence=0.975)
    low, high = wilson(0.5, 200)
    assert found.low == pytest.approx(-np.hypot(0.5 - low, high - 0.5))


def test_a_share_of_all_samples_is_one_draw():
    """cover@0.5 of ten samples varies as one sample does that is right or wrong, and no n makes it surer."""
    covered, single = [1, 1, 0, 1, 0] * 20, [0, 1, 1, 1, 0] * 20
    of_ten = [counts(10, *(7 if one else 3 for one in solved)) for solved in (covered, single)]
    of_one = [counts(1, *solved) for solved in (covered, single)]
    found = decide(Metric.parse("cover@0.5"), *of_ten, largest_drop=0.05)
    expected = decide(ONE, *of_one, largest_drop=0.05)
    assert (found.low, found.high) == (expected.low, expected.high)
    assert found.enough is None
    assert found.enough_of_both is None


def test_the_mean_of_k_samples_is_judged_as_pass_at_1():
    """avg@10 is pass@1 by another name: each sample is a draw."""
    runs = counts(10, *[1, 5, 9] * 20), counts(10, *[2, 4, 9] * 20)
    found, expected = (decide(one, *runs, largest_drop=0.05) for one in (Metric.parse("avg@10"), ONE))
    assert (found.low, found.high) == (expected.low, expected.high)


def test_over_problems_it_is_the_paired_interval():
    """With a confidence of 97.5 % on either side the bounds are those that `passk compare` shows."""
    before, after = counts(8, 1, 4, 8, 0, 3, 6), counts(8, 2, 3, 8, 1, 1, 7)
    found = decide(ONE, before, after, largest_drop=0.05, confidence=0.975, over=PROBLEMS)
    ci95 = paired.difference(np.array(before.c) / 8, np.array(after.c) / 8, grid=8).ci95
    assert (found.low, found.high) == pytest.approx(ci95, abs=1e-6)


def test_what_is_enough_is_the_least_that_is():
    """With that many samples an unchanged run passes; what is enough shrinks as more may be lost."""
    small = counts(4, *[1, 2, 3] * 20)
    base = counts(100, *[25, 50, 75] * 20)
    found = decide(ONE, base, small, largest_drop=0.05)
    assert found.verdict == INCONCLUSIVE
    n = found.enough - found.enough % 4 + 4
    assert (
        decide(ONE, base, counts(n, *[n // 4, n // 2, 3 * n // 4] * 20), largest_drop=0.05).verdict == PASSED
    )
    assert decide(ONE, base, small, largest_drop=0.06).enough < found.enough


def test_a_small_baseline_must_grow_too():
    """Where the baseline alone is too uncertain, only more samples of both are enough."""
    small = counts(2, *[1, 0, 2] * 10)
    found = decide(ONE, small, small, largest_drop=0.05)
    assert found.enough is None
    assert found.enough_of_both > 2


def test_other_problems_may_be_needed():
    """Where the problems themselves disagree, no number of samples is enough, and more problems are."""
    before, after = counts(100, *[0, 100] * 20), counts(100, *[100, 0] * 20)
    found = decide(ONE, before, after, largest_drop=0.05, over=PROBLEMS)
    assert (found.verdict, found.enough, found.enough_of_both) == (INCONCLUSIVE, None, None)
    assert found.problems > 1000


def test_any_metric():
    """pass@10 of 40 samples; of 10 samples, which hold one draw, the bound is wide and nothing fails."""
    before, after = counts(40, *[0, 4, 20, 40] * 20), counts(40, *[0, 1, 4, 40] * 20)
    assert decide(TEN, before, after, largest_drop=0.05).verdict == FAILED
    ten = counts(10, *[0, 1, 5, 10] * 20), counts(10, *[0, 0, 1, 10] * 20)
    assert decide(TEN, *ten, largest_drop=0.3).verdict == INCONCLUSIVE


@pytest.mark.parametrize(
    "wrong",
    [{"largest_drop": 0}, {"largest_drop": 1}, {"confidence": 0.5}, {"confidence": 1.0}, {"over": PROBLEMS}],
)
def test_what_cannot_be_is_refused(wrong):
    """Drops and confidences outside their ranges, and one problem that should speak for others."""
    with pytest.raises(ValueError, match=r"must be in|says nothing about others"):
        decide(ONE, counts(4, 2), counts(4, 2), **{"largest_drop": 0.1, **wrong})
