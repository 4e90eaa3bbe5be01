from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passk_tasks.statistics.forecast import Shapes, _binomial, _convolve, _log_gamma, fit, forecast


def test_the_log_gamma_is_the_library_s():
    """From 1e-6 to a million within 1e-12 of `math.lgamma`."""
    x = np.concatenate([10.0 ** np.linspace(-6, 6, 200), np.arange(1.0, 40.0)])
    assert _log_gamma(x) == pytest.approx([math.lgamma(one) for one in x], rel=1e-12, abs=1e-12)


@settings(max_examples=25)
@given(st.integers(2, 30), st.data())
def test_a_forecast_is_sound(n, data):
    """It is no less than what is solved, no more than all, inside its interval, and grows with k."""
    c = data.draw(st.lists(st.integers(0, n), min_size=1, max_size=40))
    found = forecast(n, c, [n + 1, 3 * n, 20 * n])
    solved = np.mean(np.array(c) > 0)
    for one in found:
        low, high = one.ci95
        assert solved - 1e-12 <= low <= one.value <= high <= 1 + 1e-12
    assert [one.value for one in found] == sorted(one.value for one in found)
    assert [one.ci95[1] for one in found] == sorted(one.ci95[1] for one in found)


def test_what_is_solved_stays_solved():
    """With every problem solved there is nothing to forecast, and no uncertainty."""
    (found,) = forecast(20, [1, 20, 3], [100])
    assert (found.value, found.ci95) == (1.0, (1.0, 1.0))


def test_the_same_counts_give_the_same_forecast():
    """There is no chance in it, and the order of the problems does not matter."""
    c = np.random.default_rng(0).binomial(20, 0.1, 80)
    assert forecast(20, c, [100]) == forecast(20, c[::-1], [100])
    assert forecast(20, c, [100]) == forecast(np.full(80, 20), c, [100])


def test_the_fit_finds_the_distribution():
    """From 5,000 problems the mean and the spread of the pass rates come out."""
    rng = np.random.default_rng(0)
    c = rng.binomial(40, rng.beta(0.5, 9.5, 5000))
    shapes = fit(np.full(5000, 40), c)
    assert isinstance(shapes, Shapes)
    assert shapes.weight.sum() == pytest.approx(1)
    mean = (1 - shapes.never) * shapes.a / (shapes.a + shapes.b)
    assert float(shapes.weight @ mean) == pytest.approx(0.05, abs=0.015)


def hard_and_easy(rng, problems):
    """Nine in ten have rates around 1 %, one in ten is easy."""
    return np.where(rng.random(problems) < 0.9, rng.beta(0.2, 20, problems), rng.beta(20, 0.5, problems))


@pytest.mark.parametrize("problems", [50, 500])
@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, problems: rng.beta(0.3, 0.7, problems),
        hard_and_easy,
        lambda rng, problems: 1 / (1 + np.exp(-rng.normal(-3, 3, problems))),
    ],
    ids=["beta", "hard and easy", "logit-normal"],
)
def test_hold_out_of_simulated_samples(draw, problems):
    """Fitted on 20 of 100 samples it covers what all of them show in at least 90 % of repetitions."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(40):
        rates = draw(rng, problems)
        seen, rest = rng.binomial(20, rates), rng.binomial(80, rates)
        low, high = forecast(20, seen, [100])[0].ci95
        covered += low - 1e-9 <= np.mean((seen + rest) > 0) <= high + 1e-9
    assert covered >= 36


def test_unequal_n_is_taken_problem_by_problem():
    """Problems with fewer failures so far have more to hope for."""
    c = np.array([0] * 20 + [1, 2, 5] * 10)
    few, many = np.full(50, 50), np.full(50, 50)
    few[:20] = 10
    assert forecast(few, c, [100])[0].value > forecast(many, c, [100])[0].value


def test_binomials_are_probabilities():
    """Also with chances of 0 and 1, and in sums."""
    one, two = _binomial(4, np.array([0.0, 0.3, 1.0])), _binomial(2, np.array([0.5, 0.3, 1.0]))
    assert one.sum(axis=1) == pytest.approx([1, 1, 1])
    assert one[1] == pytest.approx([math.comb(4, i) * 0.3**i * 0.7 ** (4 - i) for i in range(5)])
    assert _convolve(one, two)[1] == pytest.approx(_binomial(6, np.array([0.3]))[0])
    assert _convolve(one, two)[2] == pytest.approx([0] * 6 + [1])


@pytest.mark.parametrize(
    ("n", "c", "k", "message"),
    [
        (20, [1, 2], 20, "needs no forecast"),
        (20, [1, 2], 2001, "100 times beyond"),
        (1, [1, 0], 5, "a forecast needs 2"),
        (20, [], 50, "no problems"),
        (20, [21], 50, "c must be in 0…n"),
    ],
)
def test_what_cannot_be_forecast_is_refused(n, c, k, message):
    """Budgets within n, budgets far out, and counts that tell nothing."""
    with pytest.raises(ValueError, match=message):
        forecast(n, c, [k])
