from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from of_counts import over_samples

from passk_tasks.statistics import paired
from passk_tasks.statistics.intervals import Z95, over_problems

scores = st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0])
pairs = st.lists(st.tuples(scores, scores), min_size=1, max_size=40)


def by_hand(differences):
    """Return the p-value from all sign patterns, one by one, in whole numbers."""
    seen = abs(sum(differences))
    patterns = list(itertools.product((1, -1), repeat=len(differences)))
    return sum(
        abs(sum(s * d for s, d in zip(signs, differences, strict=True))) >= seen for signs in patterns
    ) / len(patterns)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=10))
def test_the_permutation_test_counts_all_sign_patterns(steps):
    """By enumeration and on the grid, p is the share of sign patterns at least as far from 0."""
    expected = pytest.approx(by_hand(steps), abs=1e-12)
    assert paired.sign_flip([step / 4 for step in steps]) == (expected, True)
    assert paired.sign_flip([step / 4 for step in steps], grid=4) == (expected, True)


def test_many_differences_are_drawn_with_a_seed():
    """Off the grid and beyond sixteen, p is drawn: the same each time, and near the exact one."""
    rng = np.random.default_rng(1)
    steps = rng.integers(-10, 12, size=60)
    exact, was_exact = paired.sign_flip(steps / 10, grid=10)
    drawn, was_drawn = paired.sign_flip(steps / 10)
    assert (was_exact, was_drawn) == (True, False)
    assert drawn == paired.sign_flip(steps / 10)[0]
    assert drawn != paired.sign_flip(steps / 10, seed=1)[0]
    assert drawn == pytest.approx(exact, abs=0.006)


@given(st.integers(1, 40), st.integers(1, 2100), st.integers(0, 2**32))
def test_drawn_signs_are_those_of_numpy_s_integers(size, draws, seed):
    """The signs of a seed are what `integers` draws, row by row, so that p-values stay what they were."""
    drawn = np.concatenate(list(paired._signs(draws, size, seed)))
    expected = np.random.default_rng(seed).integers(0, 2, size=(draws, size), dtype=np.int8)
    assert np.array_equal(drawn, expected)


def test_a_drawn_p_is_never_0():
    """However clear the difference, the pattern that was seen is one of those drawn."""
    p, exact = paired.sign_flip(np.linspace(0.5, 1, 64), draws=1000)
    assert (p, exact) == (1 / 1001, False)


@pytest.mark.parametrize("most", [46, 70, 1000])
def test_a_grid_for_many_unlike_n_changes_no_p(most: int) -> None:
    """Where every problem has another n, the grid has more digits than 64 bits hold, or a float."""
    n = np.arange(most - 40, most)
    before, after = np.arange(40) % 7 / n, np.arange(40) % 5 / n
    with_grid = paired.difference(before, after, grid=paired.lcm(range(1, most)))
    assert with_grid == paired.difference(before, after)


def test_the_exact_grid_reaches_to_164_problems_of_20_samples():
    """pass@1 of a whole HumanEval run has an exact p, also a very small one."""
    rng = np.random.default_rng(0)
    before, after = rng.binomial(20, 0.3, 164) / 20, rng.binomial(20, 0.6, 164) / 20
    found = paired.difference(before, after, grid=20)
    assert found.exact
    assert 0 < found.p < 1e-12


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_sign_flip_test_of_single_samples(lost, gained):
    """For scores of 0 and 1 both are the two-sided binomial test."""
    differences = [-1.0] * lost + [1.0] * gained + [0.0] * 5
    assert paired.sign_flip(differences, grid=1)[0] == pytest.approx(paired.mcnemar(lost, gained), abs=1e-12)


def test_mcnemar_against_known_values():
    """10 against 2 is p = 0.0386, 5 against 0 is p = 1/16, and nothing against nothing is 1."""
    assert paired.mcnemar(10, 2) == pytest.approx(2 * (1 + 12 + 66) / 4096)
    assert paired.mcnemar(0, 5) == 1 / 16
    assert paired.mcnemar(0, 0) == 1
    assert paired.mcnemar(600, 700) == paired.mcnemar(700, 600)


@given(pairs)
def test_the_difference_is_sound(both):
    """Value and standard error are the mean's; the interval holds the value and is never a point."""
    before, after = map(list, zip(*both, strict=True))
    found = paired.difference(before, after)
    each = np.subtract(after, before)
    assert found.value == pytest.approx(float(np.mean(each)), abs=1e-12)
    assert 0 < found.p <= 1
    if len(each) == 1:
        assert (found.se, found.ci95) == (None, None)
        return
    assert found.se == pytest.approx(float(np.std(each, ddof=1)) / math.sqrt(len(each)), abs=1e-12)
    low, high = found.ci95
    assert -1 <= low <= found.value <= high <= 1
    assert low < high


@given(pairs.filter(lambda both: len(both) > 1))
def test_exchanging_the_runs_turns_the_result_round(both):
    """The second against the first is the first against the second with the other sign."""
    before, after = zip(*both, strict=True)
    one, two = paired.difference(before, after), paired.difference(after, before)
    assert one.value == -two.value
    assert one.ci95 == pytest.approx((-two.ci95[1], -two.ci95[0]), abs=1e-12)
    assert one.p == two.p


def test_with_many_problems_it_is_the_normal_interval():
    """What was added to the data does not matter any more then."""
    rng = np.random.default_rng(0)
    before = rng.random(20_000)
    after = np.clip(before + rng.normal(0, 0.2, 20_000), 0, 1)
    found = paired.difference(before, after, draws=100)  # the p-value is not what this is about
    normal = found.value - Z95 * found.se, found.value + Z95 * found.se
    assert found.ci95 == pytest.approx(normal, abs=0.01 * found.se)


def test_pairing_takes_out_what_problems_share():
    """A small steady gain is found although scores differ far more between problems."""
    rng = np.random.default_rng(0)
    rates = rng.beta(0.5, 0.5, 164)
    found = paired.difference(rates * 0.97, rates)
    assert found.beyond_noise
    assert found.se < 0.1 * over_problems(rates).se


def test_problems_of_a_cluster_are_one_draw():
    """Ten copies of each problem are worth no more than the problems themselves."""
    rng = np.random.default_rng(0)
    before, after = rng.random(12).round(1), rng.random(12).round(1)
    alone = paired.difference(before, after)
    copies = np.repeat(before, 10), np.repeat(after, 10)
    names = [str(i) for i in range(12) for _ in range(10)]
    together = paired.difference(*copies, clusters=names)
    assert together.value == pytest.approx(alone.value)
    assert together.se == pytest.approx(alone.se)
    assert together.ci95 == pytest.approx(alone.ci95)
    assert together.p == pytest.approx(alone.p)
    assert paired.difference(*copies).p < alone.p
    one = paired.difference(*copies, clusters=["the same"] * 120)
    assert (one.se, one.ci95, one.p) == (None, None, 1.0)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ([], [], "no problems"),
        ([0.1], [0.1, 0.2], "both runs"),
        ([0.1], [1.2], r"in \[0, 1\]"),
        (0.1, 0.2, "score for each problem"),
    ],
)
def test_impossible_scores_are_refused(before, after, message):
    """What cannot be two runs over the same problems is an error."""
    with pytest.raises(ValueError, match=message):
        paired.difference(before, after)


def test_holm_against_the_textbook():
    """The smallest counts as often as there are tests, the next one less, and none falls below an earlier."""
    assert paired.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert paired.holm([0.2]) == [0.2]
    assert paired.holm([0.9, 0.8]) == [1.0, 1.0]
    assert paired.holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_never_helps_and_keeps_the_order(p_values):
    """Adjusted p-values are no smaller, at most Bonferroni's, and in the same order."""
    adjusted = paired.holm(p_values)
    for p, q in zip(p_values, adjusted, strict=True):
        assert p <= q <= min(1.0, p * len(p_values)) or q == pytest.approx(p * len(p_values))
    for i, j in itertools.combinations(range(len(p_values)), 2):
        if p_values[i] < p_values[j]:
            assert adjusted[i] <= adjusted[j]


@settings(max_examples=60)
@given(st.integers(1, 6), st.data())
def test_groups_are_all_the_largest_sets_without_a_difference(count, data):
    """Two runs share a group exactly when they are not told apart, and no group could be larger."""
    different = {pair: data.draw(st.booleans()) for pair in itertools.combinations(range(count), 2)}
    found = paired.groups(count, different)

    def alike(group):
        return not any(different[pair] for pair in itertools.combinations(sorted(group), 2))

    everything = [s for r in range(1, count + 1) for s in itertools.combinations(range(count), r) if alike(s)]
    largest = [s for s in everything if not any(set(s) < set(other) for other in everything)]
    assert found == sorted(largest)


def test_differences_over_samples_add_up_in_squares():
    """The distances of the ends are those of both runs; a bound on either side gives no interval."""
    one, two = over_samples(20, [3, 10, 20], 1), over_samples(20, [13, 10, 20], 1)
    low, high = paired.independent(one, two)
    assert low < two.value - one.value < high
    assert high - (two.value - one.value) == pytest.approx(
        math.hypot(two.ci95[1] - two.value, one.value - one.ci95[0])
    )
    assert paired.independent(one, over_samples(20, [3, 10, 20], 15)) is None
