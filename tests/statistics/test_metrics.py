from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from of_counts import over_samples

from passk_tasks.statistics.estimators import MAX_N, bayes_at_k, bayes_variance, sampling_variance
from passk_tasks.statistics.intervals import over_problems
from passk_tasks.statistics.metrics import Metric, score

NAMES = ("pass@3", "pass^2", "g-pass@4_0.5", "mg-pass@4", "maj@3")


def brute(name, outcomes):
    """Return a metric as the mean over all subsets, and the mean product over all disjoint pairs of them."""
    metric = Metric.parse(name)
    k, n = metric.k, len(outcomes)

    def kernel(chosen):
        passed = sum(outcomes[i] for i in chosen)
        if name == "pass@3":
            return float(passed >= 1)
        if name == "pass^2":
            return float(passed == k)
        if name in ("g-pass@4_0.5", "maj@3"):
            return float(passed >= 2)
        return 2 / k * sum(passed >= i for i in range(k // 2 + 1, k + 1))

    subsets = list(itertools.combinations(range(n), k))
    mean = sum(map(kernel, subsets)) / len(subsets)
    products = [kernel(a) * kernel(b) for a in subsets for b in subsets if not set(a) & set(b)]
    return mean, sum(products) / len(products)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("c", range(9))
def test_value_and_variance_are_those_of_all_subsets(name, c):
    """The value is the mean over all subsets, the variance its square less the mean over disjoint pairs."""
    mean, square = brute(name, [1] * c + [0] * (8 - c))
    metric = Metric.parse(name)
    assert metric.values(8, c)[0] == pytest.approx(mean, abs=1e-12)
    assert metric.variances(8, c)[0] == pytest.approx(mean**2 - square, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_variance_is_unbiased(name):
    """Its mean over binomial samples is the variance of the value over them."""
    metric, n, p = Metric.parse(name), 9, 0.37
    c = np.arange(n + 1)
    weight = np.array([math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in c])
    values = metric.values(n, c)
    truth = float(weight @ values**2 - (weight @ values) ** 2)
    assert float(weight @ metric.variances(n, c)) == pytest.approx(truth, rel=1e-9)


def test_scorio_agrees():
    """The independent implementation gives the same scores of the same table."""
    scorio = pytest.importorskip("scorio.eval", reason="scorio, the oracle, is not installed")
    rng = np.random.default_rng(0)
    table = (rng.random((30, 12)) < rng.random((30, 1))).astype(int)
    n, c = 12, table.sum(axis=1)

    def mean(name):
        return score(Metric.parse(name), n, c).value

    assert mean("pass@5") == pytest.approx(scorio.pass_at_k(table, 5))
    assert mean("pass^5") == pytest.approx(scorio.pass_hat_k(table, 5))
    assert mean("g-pass@5_0.6") == pytest.approx(scorio.g_pass_at_k_tau(table, 5, 0.6))
    assert mean("mg-pass@6") == pytest.approx(scorio.mg_pass_at_k(table, 6))
    assert mean("avg@12") == pytest.approx(scorio.avg(table)[0])
    assert mean("cover@0.6") == pytest.approx(scorio.g_pass_at_k_tau(table, 12, 0.6))
    for k in range(1, 13):
        assert mean(f"maj@{k}") == pytest.approx(scorio.maj_at_k(table, k))


@given(
    st.integers(1, 40).flatmap(
        lambda n: st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=1)
    )
)
def test_bayes_is_that_of_scorio(outcomes):
    """With all n samples: posterior mean, its standard deviation and the credible interval."""
    scorio = pytest.importorskip("scorio.eval", reason="scorio, the oracle, is not installed")
    table = np.array(outcomes, dtype=int)
    n = table.shape[1]
    got = score(Metric.parse(f"bayes@{n}"), n, table.sum(axis=1)).over_samples
    mean, sd, low, high = scorio.bayes_ci(table, bounds=(0.0, 1.0))
    assert (got.value, got.se) == (pytest.approx(mean), pytest.approx(sd))
    assert got.ci95 == pytest.approx((low, high))
    assert got.method == "credible"


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_bayes_of_fewer_samples_is_the_mean_over_all_choices(case):
    """Of value and posterior variance."""
    n, c, k = case
    chosen = [sum(subset) for subset in itertools.combinations([1] * c + [0] * (n - c), k)]
    beliefs = [(j + 1) / (k + 2) for j in chosen]
    assert bayes_at_k(n, c, k) == pytest.approx(np.mean(beliefs))
    assert bayes_variance(n, c, k) == pytest.approx(np.mean([b * (1 - b) / (k + 3) for b in beliefs]))


def test_the_largest_n_overflows_nothing():
    """A variance of 10^6 samples is a small positive number."""
    assert bayes_variance(MAX_N, MAX_N // 2, MAX_N // 2) == pytest.approx(0.25 / (MAX_N / 2 + 3), rel=1e-5)


def test_avg_is_pass_at_1_by_another_name():
    """Value and both uncertainties are those of pass@1, whatever its number."""
    avg, pass_at_1 = (score(Metric.parse(name), 4, [0, 1, 3, 2]) for name in ("avg@4", "pass@1"))
    assert avg.over_samples == pass_at_1.over_samples
    assert avg.over_problems == pass_at_1.over_problems


def test_cover_counts_the_problems_that_are_solved_so_often():
    """At least one sample, and then the share of all; its uncertainty over samples is the labelled bound."""
    n, c = [4, 4, 10, 10], [1, 2, 7, 8]
    values = {
        name: Metric.parse(name).values(n, c).tolist() for name in ("cover@0", "cover@0.5", "cover@0.8")
    }
    assert values == {"cover@0": [1, 1, 1, 1], "cover@0.5": [0, 1, 1, 1], "cover@0.8": [0, 0, 0, 1]}
    assert score(Metric.parse("cover@0.5"), n, c).over_samples.method == "over-samples-bound"


@given(
    st.integers(1, 200),
    st.sampled_from(
        [
            "pass@{}",
            "base_pass@{}",
            "pass^{}",
            "g-pass@{}_0.25",
            "mg-pass@{}",
            "3@{}",
            "maj@{}",
            "avg@{}",
            "bayes@{}",
        ]
    ),
)
def test_names_are_read_back(k, form):
    """`parse` takes what `name` gives."""
    name = form.format(k)
    assert Metric.parse(name).name == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "pass",
        "pass@0",
        "pass@-1",
        "pass@1_0.5",
        "g-pass@5",
        "g-pass@5_2",
        "g-pass@5_1.2.3",
        "cover@2",
        "cover@5_0.5",
        "maj@0",
    ],
)
def test_other_names_are_refused(name):
    """What is no metric is an error, not the nearest one."""
    with pytest.raises(ValueError, match=r"metric|g-pass@ needs"):
        Metric.parse(name)


@given(st.lists(st.integers(0, 6), min_size=2, max_size=30))
def test_pass_at_k_is_the_same_as_before(correct):
    """For pass@k both uncertainties are those of `intervals`, to the last bit."""
    got = score(Metric.parse("pass@3"), 6, correct)
    assert got.over_samples == over_samples(6, correct, 3)
    assert got.over_problems == over_problems(Metric.parse("pass@3").values(6, correct))


def test_too_few_samples_give_the_labelled_bound():
    """Below n = 2k no metric has a variance over samples; its bound says that it is one."""
    for name in NAMES:
        got = score(Metric.parse(name), 4 if name != "pass^2" else 3, [0, 1, 3, 2])
        if Metric.parse(name).variances(4 if name != "pass^2" else 3, [0, 1, 3, 2]) is None:
            assert got.over_samples.method == "over-samples-bound"
            assert got.over_samples.ci95 == got.over_problems.ci95
    assert Metric.parse("pass^2").variances(3, [1]) is None


def test_pass_hat_mirrors_pass_at():
    """All of k pass as often as, with failures for passes, none of k does."""
    n, c = 10, np.arange(11)
    assert Metric.parse("pass^3").variances(n, c) == pytest.approx(sampling_variance(n, n - c, 3))
    assert Metric.parse("pass^3").values(n, c) == pytest.approx(1 - Metric.parse("pass@3").values(n, n - c))


def test_the_base_stage_has_counts_of_its_own():
    """base_pass@k is pass@k of what passed the base stage, and without the stage there is none."""
    n, c, base = [4, 4, 4], [0, 1, 2], [1, 3, 4]
    of_base, plain = (score(Metric.parse(name), n, c, None, base) for name in ("base_pass@2", "pass@2"))
    same = score(Metric.parse("pass@2"), n, base)
    assert (of_base.over_problems, of_base.over_samples) == (same.over_problems, same.over_samples)
    assert plain == score(Metric.parse("pass@2"), n, c)
    with pytest.raises(ValueError, match="base_pass@2 needs tests with a base stage"):
        score(Metric.parse("base_pass@2"), n, c)


def test_as_many_submissions_as_samples_is_pass_at_k():
    """n@k with n = k chooses nothing, and has the bound of n@k over samples."""
    found = score(Metric.parse("2@2"), [4, 4], [1, 3], None, [2, 4])
    assert found.value == pytest.approx(score(Metric.parse("pass@2"), [4, 4], [1, 3]).value)
    assert found.over_samples.method == "over-samples-bound"
