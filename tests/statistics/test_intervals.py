from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lm_eval.api.metrics import mean, mean_stderr
from of_counts import over_samples

from passk_tasks.statistics.estimators import pass_at_k, sampling_variance
from passk_tasks.statistics.intervals import (
    Z95,
    Estimate,
    effective_draws,
    effective_problems,
    over_problems,
    wilson,
)

scores = st.lists(st.floats(0, 1) | st.sampled_from([0.0, 1.0, 0.5]), min_size=1, max_size=60)


def assert_sound(estimate):
    """Hold an interval to what every interval must be."""
    low, high = estimate.ci95
    assert 0 <= low <= estimate.value <= high <= 1
    assert low < high


@given(scores)
@example([0.0, 0.0])
@example([1.0] * 500)
@example([0.3] * 3)
@example([1 - 2**-53] * 7)
@example([5e-324, 0.0])
def test_value_and_standard_error_are_those_of_lm_eval(values):
    """To the last bit what lm-eval's `mean` and `mean_stderr` give; the interval is sound for any scores."""
    estimate = over_problems(values)
    assert estimate.value == mean(values)
    if len(values) == 1:
        assert (estimate.se, estimate.ci95) == (None, None)
    else:
        assert estimate.se == mean_stderr(values)
        assert_sound(estimate)
    assert over_problems(np.array(values)) == estimate


@given(scores.filter(lambda values: len(values) > 1))
def test_failing_is_the_mirror_of_passing(values):
    """The interval of 1 - score is the interval of the score, turned round."""
    low, high = over_problems(values).ci95
    mirrored = over_problems([1 - value for value in values]).ci95
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-7)


@given(st.integers(2, 600), st.data())
def test_for_one_sample_a_problem_it_is_wilsons_interval(problems, data):
    """Scores of 0 and 1 count as the M trials that they are."""
    solved = data.draw(st.integers(0, problems))
    p, m, z = solved / problems, problems, Z95
    centre, half = p + z**2 / (2 * m), z * math.sqrt(p * (1 - p) / m + z**2 / (4 * m**2))
    got = over_problems([1.0] * solved + [0.0] * (problems - solved)).ci95
    assert got == pytest.approx(
        ((centre - half) / (1 + z**2 / m), (centre + half) / (1 + z**2 / m)), abs=1e-12
    )


def test_at_many_problems_it_is_the_normal_interval():
    """Away from 0 and 1 both agree once there are problems enough."""
    values = np.random.default_rng(0).beta(2, 3, 20_000)
    estimate = over_problems(values)
    normal = estimate.value - Z95 * estimate.se, estimate.value + Z95 * estimate.se
    assert estimate.ci95 == pytest.approx(normal, abs=0.01 * estimate.se)


def test_nothing_and_everything_solved_are_no_certainty():
    """None of 164 problems solved leaves room up to 2.3 %, and all solved down to 97.7 %."""
    nothing, everything = over_problems([0.0] * 164), over_problems([1.0] * 164)
    assert (nothing.value, nothing.se) == (0.0, 0.0)
    assert nothing.ci95 == pytest.approx((0, 0.0229), abs=1e-4)
    assert everything.ci95 == pytest.approx((0.9771, 1), abs=1e-4)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "no problems"),
        ([0.5, 1.2, float("nan")], r"2 of 3 are not: 1.2, nan"),
        ([-1e-9], r"1 of 1 are not: -1e-09"),
        ([[0.5, 0.5]], r"shape \(1, 2\)"),
        (0.5, r"shape \(\)"),
    ],
)
def test_what_is_no_score_is_refused(values, message):
    """Scores outside [0, 1] are shown, not clipped."""
    with pytest.raises(ValueError, match=message):
        over_problems(values)


# A few problem distributions where coverage of the normal interval collapses, at the sizes named by the name.
SKEWED = {
    "few hard problems": (8, 20, 1, lambda rng, shape: rng.beta(0.3, 1.7, shape)),
    "nearly all solved": (20, 20, 10, lambda rng, shape: rng.beta(1.2, 0.8, shape)),
    "one in ten is easy": (
        20,
        20,
        1,
        lambda rng, shape: np.where(
            rng.random(shape) < 0.1, rng.beta(20, 0.5, shape), rng.beta(0.2, 20, shape)
        ),
    ),
    "near zero": (164, 1, 1, lambda rng, shape: rng.beta(0.1, 9.9, shape)),
}


@pytest.mark.parametrize("name", SKEWED)
def test_coverage_over_problems_is_95_percent_where_the_normal_interval_fails(name):
    """Seeded simulation: ours contains the truth in 93 to 98.5 % of runs, the normal one in under 90 %."""
    problems, n, k, draw = SKEWED[name]
    rng = np.random.default_rng(12345)
    truth = np.mean(1 - (1 - draw(rng, 2_000_000)) ** k)
    values = pass_at_k(n, rng.binomial(n, draw(rng, (3000, problems))), k)
    value, variance = values.mean(axis=1), values.var(axis=1, ddof=1)
    low, high = wilson(value, effective_problems(value, variance, problems))
    assert over_problems(values[0]).ci95 == pytest.approx((low[0], high[0]), abs=1e-9)
    assert 0.93 <= np.mean((low <= truth) & (truth <= high)) <= 0.985
    half = Z95 * np.sqrt(variance / problems)
    assert np.mean(np.abs(value - truth) <= half) < 0.90


@given(st.integers(1, 40), st.integers(1, 10), st.data())
def test_over_samples_is_the_sum_of_the_variances_within_problems(problems, k, data):
    """Value and standard error follow the formulas, also where n differs between problems."""
    n = data.draw(st.lists(st.integers(2 * k, 50), min_size=problems, max_size=problems))
    c = [data.draw(st.integers(0, most)) for most in n]
    estimate = over_samples(n, c, k)
    assert estimate.method == "over-samples"
    assert estimate.value == pytest.approx(np.mean(pass_at_k(n, c, k)), abs=1e-12)
    assert estimate.se == pytest.approx(math.sqrt(sum(sampling_variance(n, c, k))) / problems, rel=1e-12)
    assert_sound(estimate)


def test_one_problem_has_an_uncertainty_over_samples_only():
    """Twenty samples of one problem bound its own pass@1 by Wilson's interval, and say nothing of others."""
    estimate = over_samples(20, [5], 1)
    assert estimate.se == pytest.approx(math.sqrt(0.25 * 0.75 / 19))
    assert estimate.ci95 == pytest.approx(wilson(0.25, 20), abs=0.01)
    assert over_problems([0.25]) == Estimate(0.25, None, None, "over-problems")


def test_too_few_samples_give_a_labelled_upper_bound():
    """With any n < 2k the spread between problems stands in, under another name; for one problem, nothing."""
    n, c, k = [20, 20, 19], [3, 0, 19], 10
    between = over_problems(pass_at_k(n, c, k))
    estimate = over_samples(n, c, k)
    assert estimate == Estimate(between.value, between.se, between.ci95, "over-samples-bound")
    assert over_samples(19, [3], 10).method == "over-samples-bound"
    assert over_samples(19, [3], 10).se is None


def test_agreeing_samples_are_no_certainty():
    """Where all samples of each problem agree the standard error is 0, but the interval is not a point."""
    for c in ([0, 0, 0], [10, 10, 10], [0, 10, 10]):
        estimate = over_samples(10, c, 1)
        assert estimate.se == 0
        assert_sound(estimate)
        # One sample of thirty might well have come out otherwise.
        assert estimate.ci95[1] - estimate.ci95[0] > 1 / 30


@pytest.mark.parametrize("arguments", [(10, [], 1), (10, [3, 11], 1), (10, [3, 4], 11)])
def test_over_samples_refuses_impossible_counts(arguments):
    """The errors of `pass_at_k` come through."""
    with pytest.raises(ValueError, match=r"no problems|c must be|k must"):
        over_samples(*arguments)


@pytest.mark.parametrize(("n", "k"), [(10, 1), (20, 10), (200, 100)])
def test_coverage_over_samples_is_about_95_percent(n, k):
    """Seeded simulation on a fixed U-shaped problem set, most of whose samples agree within a problem."""
    rng = np.random.default_rng(7)
    rates, problems = rng.beta(0.3, 0.3, 20), 20
    truth = np.mean(1 - (1 - rates) ** k)
    c = rng.binomial(n, rates, (3000, problems))
    value = pass_at_k(n, c, k).mean(axis=1)
    variance = sampling_variance(n, c, k).sum(axis=1) / problems**2
    low, high = wilson(value, effective_draws(value, variance, k / n / problems))
    assert over_samples(n, c[0], k).ci95 == pytest.approx((low[0], high[0]), abs=1e-9)
    assert np.mean((low <= truth) & (truth <= high)) >= 0.93


@given(scores.filter(lambda values: len(values) > 1))
def test_clusters_of_one_problem_change_nothing(values):
    """With a cluster for each problem the clustered estimate is the plain one."""
    plain, clustered = over_problems(values), over_problems(values, range(len(values)))
    assert clustered.method == "over-problems-clustered"
    assert clustered.value == plain.value
    assert clustered.se == pytest.approx(plain.se, abs=1e-12)
    assert clustered.ci95 == pytest.approx(plain.ci95, abs=1e-9)


@given(scores.filter(lambda values: len(values) > 1), st.integers(2, 4))
def test_copies_of_a_problem_in_one_cluster_count_once(values, copies):
    """Repeating every problem in its own cluster gives the uncertainty of the problems themselves."""
    plain = over_problems(values)
    names = [i for i in range(len(values)) for _ in range(copies)]
    clustered = over_problems([value for value in values for _ in range(copies)], names)
    assert clustered.se == pytest.approx(plain.se, abs=1e-9)
    assert clustered.ci95 == pytest.approx(plain.ci95, abs=1e-6)
    assert_sound(clustered)


def test_one_cluster_says_nothing_about_others():
    """Neither standard error nor interval; and every problem needs a cluster."""
    alone = over_problems([0.1, 0.5, 1.0], ["a"] * 3)
    assert (alone.se, alone.ci95) == (None, None)
    with pytest.raises(ValueError, match="3 problems have 2 clusters"):
        over_problems([0.1, 0.5, 1.0], ["a", "b"])


def test_a_large_cluster_is_hardly_more_than_one_draw():
    """90 of 100 problems of one source are not worth 11 clusters: the interval is wider than for eleven."""
    uneven = over_problems([1.0] * 90 + [0.0] * 10, ["big"] * 90 + list(range(10)))
    even = over_problems([1.0] * 10 + [0.0])
    assert uneven.ci95[1] - uneven.ci95[0] > even.ci95[1] - even.ci95[0]
