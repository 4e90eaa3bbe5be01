"""pass@k for what it costs, and the bounds for answers that were cut off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.statistics.estimators import pass_at_k
from passk_tasks.statistics.spending import cost_curve, cut_bounds, pass_at, round_budgets

COUNTS = st.lists(st.tuples(st.integers(4, 12), st.integers(0, 12), st.integers(0, 12)), min_size=1)


@given(COUNTS, st.integers(0, 4))
def test_a_whole_number_of_samples_is_pass_at_k(counts, k: int) -> None:
    """pass@cost of a budget that buys k samples is pass@k, and that of nothing is nothing."""
    n = np.array([n for n, _, _ in counts])
    c = np.array([min(c, n) for n, c, _ in counts])
    expected = np.asarray(pass_at_k(n, c, k)) if k else np.zeros(len(n))
    assert pass_at(n, c, k) == pytest.approx(expected)


def test_between_two_whole_numbers_it_is_the_mean_of_a_policy() -> None:
    """Drawing one sample or two, each every other time, is right as often as simulated."""
    random = np.random.default_rng(0)
    n, c, draws = 6, 2, 40_000
    right = np.arange(n) < c
    solved = [random.permutation(right)[: 1 + (draw % 2)].any() for draw in range(draws)]
    assert pass_at([n], [c], 1.5)[0] == pytest.approx(np.mean(solved), abs=0.01)


@given(COUNTS, st.integers(1, 4))
def test_the_bounds_hold_the_score(counts, k: int) -> None:
    """All wrong ≤ what was measured ≤ as right as the rest; without cut-off answers all are the same."""
    n = np.array([n for n, _, _ in counts])
    c = np.array([min(c, n) for n, c, _ in counts])
    cut = np.array([min(cut, n) for n, _, cut in counts])
    correct = np.minimum(c, cut) // 2
    cut = np.minimum(cut, n - (c - correct))  # the correct ones that were not cut off are left
    low, high = cut_bounds(n, c, cut, correct, k)
    value = float(np.mean(pass_at_k(n, c, k)))
    assert low <= value + 1e-12
    assert value <= high + 1e-12
    nothing = np.zeros_like(n)
    assert cut_bounds(n, c, nothing, nothing, k) == pytest.approx((value, value))


def test_cut_off_answers_are_as_right_as_the_rest_of_their_problem() -> None:
    """Half of ten were cut off and failed, the others passed: between 1/2 and 1."""
    ten, five, none = (np.array([number]) for number in (10, 5, 0))
    assert cut_bounds(ten, five, five, none, 1) == (0.5, 1.0)
    assert cut_bounds(ten, none, ten, none, 1) == (0.0, 1.0)  # there is no rest


def test_budgets_are_round_and_end_with_all_samples() -> None:
    """From one sample to all of them."""
    assert round_budgets(340, 10) == [340, 500, 1000, 2000, 3400]
    assert round_budgets(0.03, 1) == [0.03]
    points = cost_curve([10, 10], [5, 0], 340.0)
    assert [point.k for point in points] == pytest.approx([1, 500 / 340, 1000 / 340, 2000 / 340, 10])
    assert [point.estimate.value for point in points] == sorted(point.estimate.value for point in points)
    with pytest.raises(ValueError, match="may be up to 3400"):
        cost_curve([10, 10], [5, 0], 340.0, [3500.0])
