from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from of_counts import over_samples

from passk_tasks.statistics.estimators import pass_at_k
from passk_tasks.statistics.intervals import Z95, over_problems
from passk_tasks.statistics.plan import _within, from_pilot, from_rate


@given(st.integers(2, 12), st.integers(1, 3), st.floats(0.02, 0.98))
def test_the_variance_at_n_is_the_one_of_all_outcomes(n, k, p):
    """It is the variance of pass@k over binomial counts."""
    if n < k:
        return
    c = np.arange(n + 1)
    chance = np.array([math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in c])
    values = pass_at_k(n, c, k)
    powers = np.array([(1 - p) ** m for m in range(2 * k + 1)])
    truth = float(chance @ values**2 - (chance @ values) ** 2)
    assert _within(powers, n, k) == pytest.approx(truth, abs=1e-12)


@pytest.mark.parametrize(("k", "half_width"), [(1, 0.01), (1, 0.03), (5, 0.02)])
def test_the_planned_samples_give_the_half_width(k, half_width):
    """Drawn from the same problems, that many samples have an interval of about that length."""
    rng = np.random.default_rng(0)
    rates = rng.beta(0.6, 0.9, 164)
    pilot = from_pilot(20, rng.binomial(20, rates), k, half_width)
    assert pilot.samples is not None
    got = []
    for _ in range(20):
        low, high = over_samples(pilot.samples, rng.binomial(pilot.samples, rates), k).ci95
        got.append((high - low) / 2)
    # The pilot has its own noise; and a plan may be at its least, 2k, where less would do.
    assert np.mean(got) < 1.15 * half_width
    if pilot.samples > 2 * k:
        assert np.mean(got) > 0.85 * half_width


def test_over_problems_there_is_a_floor():
    """However many samples are drawn, 164 problems leave their own uncertainty; more of them do not."""
    rng = np.random.default_rng(0)
    rates = rng.beta(0.6, 0.9, 164)
    found = from_pilot(20, rng.binomial(20, rates), 1, 0.01)
    assert found.floor > 0.045
    assert found.floor <= found.over_problems
    low, high = over_problems(rates).ci95
    assert found.floor == pytest.approx((high - low) / 2, rel=0.05)
    more = rng.beta(0.6, 0.9, found.problems_needed)
    low, high = over_problems(rng.binomial(found.samples, more) / found.samples).ci95
    assert (high - low) / 2 == pytest.approx(0.01, rel=0.1)


def test_without_a_pilot_it_is_the_binomial():
    """At a rate of one half, 164 · n samples are as many tosses of a coin."""
    found = from_rate(0.5, 164, 1, 0.01)
    assert found.samples == pytest.approx((Z95 / 0.01) ** 2 / 4 / 164, rel=0.02)
    assert found.problems_needed == pytest.approx((Z95 / 0.01) ** 2 / 4, rel=0.01)
    assert found.value == 0.5


def test_the_safe_side_is_above_any_pilot():
    """No spread of rates with the same mean needs more samples for pass@1."""
    rng = np.random.default_rng(1)
    c = rng.binomial(50, rng.beta(0.5, 0.5, 164))
    pilot = from_pilot(50, c, 1, 0.01)
    assert pilot.samples < from_rate(pilot.value, 164, 1, 0.01).samples


def test_a_narrower_interval_takes_more():
    """Half the half-width is some four times the samples."""
    wide, narrow = from_rate(0.3, 164, 1, 0.02), from_rate(0.3, 164, 1, 0.01)
    assert narrow.samples == pytest.approx(4 * wide.samples, rel=0.15)
    assert from_rate(0.3, 1, 1, 0.0001).samples is None, "more than a million"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: from_pilot(5, [1, 2], 3, 0.1), "needs a pilot of 6 samples a problem, and there are 5"),
        (lambda: from_pilot(5, [1, 2], 1, 0), "half-width must be in"),
        (lambda: from_rate(0.5, 164, 1, 0.5), "half-width must be in"),
        (lambda: from_rate(1.5, 164, 1, 0.1), "pass rate must be in"),
        (lambda: from_rate(0.5, 0, 1, 0.1), "at least one problem"),
    ],
)
def test_impossible_plans_are_refused(call, message):
    """Pilots that are too small, widths and rates that cannot be."""
    with pytest.raises(ValueError, match=message):
        call()


def test_no_topping_up_is_spoken_of_that_would_not_end():
    """Of a pilot that hardly varies a flat prior expects more than it shows; a cap is no forecast."""
    c = np.full(164, 200)
    c[5] = 199
    plan = from_pilot(200, c, 1, 1e-5)
    assert plan.samples is not None
    assert plan.topped_up is None
    assert plan.scouts is None
    usual = from_pilot(10, np.arange(30) % 10, 1, 0.02)
    assert usual.topped_up is not None
