from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from of_counts import over_samples

from passk_tasks.statistics import curve
from passk_tasks.statistics.estimators import pass_at_k
from passk_tasks.statistics.intervals import over_problems


@given(st.integers(1, 12), st.data())
def test_the_curve_rises_and_its_gains_shrink(n, data):
    """Each point is pass@k with its bands; gains are never negative, never grow, and add up to pass@n."""
    c = data.draw(st.lists(st.integers(0, n), min_size=2, max_size=20))
    points = curve.curve(n, c)
    assert [point.k for point in points] == list(range(1, n + 1))
    gains = [point.gain for point in points]
    assert all(gain >= -1e-12 for gain in gains)
    assert all(later <= earlier + 1e-12 for earlier, later in itertools.pairwise(gains))
    assert sum(gains) == pytest.approx(points[-1].score.value)
    for point in points:
        values = pass_at_k(n, c, point.k)
        assert point.score.over_problems == over_problems(values)
        assert point.score.over_samples == over_samples(n, c, point.k)
        if point.score.value:
            assert point.samples_per_solved == pytest.approx(point.k / values.mean())
        else:
            assert point.samples_per_solved is None


def test_the_curve_ends_at_the_fewest_samples():
    """Where n differs, pass@k is known of all problems only up to the smallest."""
    assert [point.k for point in curve.curve([5, 3, 9], [1, 1, 1])] == [1, 2, 3]
    assert [point.k for point in curve.curve([5, 3, 9], [1, 1, 1], [2])] == [2]
    with pytest.raises(ValueError, match="k must not exceed n"):
        curve.curve([5, 3, 9], [1, 1, 1], [4])


def test_the_tail_has_what_k_samples_solve_no_more_often_than_not():
    """One in twenty is solved by ten samples half the time; two in twenty more often; none is not solved."""
    assert list(curve.tail_only(20, [0, 1, 2, 20], 10)) == [1]
    assert list(curve.tail_only(20, [0, 1, 2, 20], 5)) == [1, 2]
    assert list(curve.tail_only([20, 4], [1, 1], 2)) == [0, 1]


def test_budgets_to_show_are_few_and_end_at_n():
    """1, 2, 5 and their tens, and n itself."""
    assert curve.budgets_to_show(200) == [1, 2, 5, 10, 20, 50, 100, 200]
    assert curve.budgets_to_show(1) == [1]
    assert curve.budgets_to_show(7) == [1, 2, 5, 7]


def test_clusters_reach_every_point():
    """The band over problems is the clustered one."""
    points = curve.curve(4, [0, 1, 2, 3], clusters=list("aabb"))
    assert {point.score.over_problems.method for point in points} == {"over-problems-clustered"}
    assert np.isfinite([point.score.over_problems.se for point in points]).all()
