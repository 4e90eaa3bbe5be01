"""Which problems get how many samples: the path, its forecast, and that the score stays unbiased."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.statistics import top_up
from passk_tasks.statistics.estimators import pass_at_k
from passk_tasks.statistics.plan import _within, from_pilot
from passk_tasks.statistics.top_up import TopUp, half_width_of, needed


@given(st.integers(1, 8), st.integers(0, 40))
def test_the_table_has_the_variance_of_pass_at_k(k, beyond):
    """Each cell is the variance that the powers of the failure rate give."""
    n = 2 * k + beyond
    (row,) = top_up._variances((n,), k)
    for rate, variance in zip(top_up._rates(), row, strict=True):
        powers = np.array([(1 - rate) ** m for m in range(2 * k + 1)])
        assert variance == pytest.approx(_within(powers, n, k), abs=1e-12)


def test_large_budgets_keep_their_variance():
    """Where C(n, k) is beyond all floats, the variance is there nevertheless."""
    (row,) = top_up._variances((2000,), 1000)
    assert row.max() > 1e-4


COUNTS = st.lists(st.tuples(st.integers(4, 12), st.floats(0, 1)), min_size=2, max_size=12)


@given(COUNTS, st.floats(0.01, 0.3))
def test_more_in_all_is_more_for_each(drawn, half_width):
    """Along the path no problem loses samples, the totals are kept, and the interval gets no longer."""
    n = np.array([size for size, _ in drawn])
    c = np.array([int(size * share) for size, share in drawn])
    path = TopUp.of((n, c), (n, c), 1, half_width, 4, 200).path
    before = path.samples(path.bounds[0])
    assert (before == 4).all()
    for total in np.linspace(*path.bounds, 12):
        samples = path.samples(total)
        assert (samples >= before).all()
        assert path.total(samples) <= total + 1e-6
        assert path.half_width(samples) <= path.half_width(before) + 1e-12
        before = samples
    assert (before == 200).all()
    enough = path.enough(half_width)
    assert path.half_width(enough) <= half_width or (enough == 200).all()


def test_problems_that_vary_get_more():
    """Scouts that all agree leave less to learn than those that do not."""
    first = (np.full(6, 4), np.array([0, 0, 2, 2, 4, 4]))
    scouts = (np.full(6, 12), np.array([0, 0, 6, 6, 12, 12]))
    rounds = TopUp.of(first, scouts, 1, 0.01, 4, 500)
    samples = rounds.path.samples(600)[rounds.group]
    assert samples[2] == samples[3] > 2 * max(samples[0], samples[5])


def test_without_scouts_all_problems_get_the_same():
    """What counts never says anything about a single problem."""
    rounds = TopUp.of((np.full(5, 4), np.array([0, 1, 2, 3, 4])), None, 1, 0.05, 4, 200)
    more = rounds.following(np.full(5, 4), np.array([0, 1, 2, 3, 4]), np.full(5, 4))
    assert more is not None
    assert len(set(more)) == 1
    assert more[0] > 4


def test_what_counts_decides_only_where_to_stop():
    """Which problem has which count moves no number of samples: only their interval does."""
    rounds = TopUp.of((np.full(4, 4), np.array([0, 2, 3, 4])), None, 1, 0.05, 4, 200)
    for counts in ([0, 2, 3, 4], [4, 3, 2, 0]):
        more = rounds.following(np.full(4, 4), np.array(counts), np.full(4, 4))
        assert more is not None
        assert len(set(more)) == 1


def test_it_ends_where_the_interval_is_short_or_nothing_is_left():
    """None is the answer in both cases."""
    n, c = np.full(10, 20), np.array([0, 20] * 5)
    rounds = TopUp.of((n, c), None, 1, 0.2, 20, 40)
    assert rounds.following(n, c, n) is None
    rounds = TopUp.of((n, c // 2), None, 1, 0.0001, 20, 40)
    assert rounds.following(np.full(10, 40), c, np.full(10, 40)) is None


@pytest.mark.parametrize(("least", "most"), [(1, 50), (60, 50)])
def test_impossible_numbers_are_refused(least, most):
    """The interval needs 2k samples, and the least are not more than the most."""
    with pytest.raises(ValueError, match="topping up needs 2k"):
        needed([4, 4], [1, 2], 1, 0.1, least, most)


def test_scouts_pay_where_few_problems_hold_the_variance():
    """Half of the problems out of reach, and a short interval: scouts save; all alike: they do not."""
    rng = np.random.default_rng(1)
    half = np.where(rng.random(164) < 0.5, 0, rng.beta(0.8, 1.5, 164))
    found = needed(np.full(164, 20), rng.binomial(20, half), 1, 0.005, 20, 1000)
    assert found.scouts > 0
    assert found.half_width <= 0.005
    alike = needed(np.full(164, 20), np.full(164, 10), 1, 0.02, 20, 1000)
    assert alike.scouts == 0


def test_a_plan_says_what_topping_up_needs():
    """The forecast of `passk plan` is about what simulated runs take."""
    rng = np.random.default_rng(2)
    rates = rng.beta(0.3, 0.3, 164)
    plan = from_pilot(20, rng.binomial(20, rates), 1, 0.01)
    assert plan.topped_up is not None
    assert plan.samples is not None
    totals = []
    for _ in range(5):
        n, c = np.full(164, 4), rng.binomial(4, rates)
        rounds = TopUp.of((n, c), None, 1, 0.01, 4, 400)
        while (more := rounds.following(n, c, n)) is not None:
            n, c = more, c + rng.binomial(more - n, rates)
        assert half_width_of(n, c, 1) <= 0.01
        totals.append(n.sum())
    assert plan.topped_up == pytest.approx(np.mean(totals), rel=0.15)
    assert from_pilot(2, [0, 1, 2], 1, 0.499).topped_up is not None


@pytest.mark.parametrize("with_scouts", [False, True])
def test_the_score_stays_unbiased(with_scouts):
    """Over many runs the mean error is within three of its own standard errors; counting scouts it is not."""
    rng = np.random.default_rng(3)
    errors, pooled = [], []
    for _ in range(200):
        rates = rng.beta(0.3, 1.7, 60)
        n, c = np.full(60, 4), rng.binomial(4, rates)
        seen = rng.binomial(4, rates)
        scouts = (np.full(60, 4), seen) if with_scouts else None
        rounds = TopUp.of((n, c), scouts, 1, 0.015, 4, 300)
        while (more := rounds.following(n, c, n)) is not None:
            n, c = more, c + rng.binomial(more - n, rates)
        errors.append(np.mean(pass_at_k(n, c, 1)) - rates.mean())
        pooled.append(np.mean(pass_at_k(n + 4, c + seen, 1)) - rates.mean())
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(200)
    if with_scouts:
        assert np.mean(pooled) < -4 * np.std(pooled) / np.sqrt(200)
