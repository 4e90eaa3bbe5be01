"""What single changes did, and how a difference splits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.statistics import paired
from passk_tasks.statistics.factors import effects, split, uneven

SCORES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=6, max_size=6)


def test_one_pair_is_the_paired_difference():
    """A change that one pair of runs shows is what comparing the two says."""
    before, after = [0.0, 0.5, 1.0, 0.25], [0.5, 0.5, 1.0, 0.75]
    ((found, p),) = effects([before, after], [[(0, 1)]], grid=4)
    assert found == paired.difference(before, after, grid=4)
    assert p == found.p


def test_pairs_of_one_change_are_averaged_by_problem():
    """Four runs are no more problems: the mean of two differences, over four problems."""
    runs = [[0.0, 0.5, 1.0, 0.0], [0.5, 0.5, 1.0, 0.0], [0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]]
    ((found, _),) = effects(runs, [[(0, 1), (2, 3)]], grid=2)
    before, after = np.mean([runs[0], runs[2]], axis=0), np.mean([runs[1], runs[3]], axis=0)
    assert found == paired.difference(before, after, grid=4)
    assert found.exact


def test_p_values_are_adjusted_over_all_changes():
    """Holm's method over the changes, whatever their number of pairs."""
    rng = np.random.default_rng(1)
    runs = [rng.integers(0, 5, 30) / 4 for _ in range(4)]
    found = effects(runs, [[(0, 1)], [(0, 2)], [(0, 3)]], grid=4)
    assert [p for _, p in found] == paired.holm([difference.p for difference, _ in found])


def test_pairs_that_do_the_same_are_even():
    """Two pairs with one effect are even, up and down are not; one pair cannot differ from itself."""
    rng = np.random.default_rng(3)
    low = rng.integers(0, 3, 40) / 8
    high = low + 0.5
    assert uneven([low, high], [[(0, 1)]], grid=8) == [1.0]
    assert uneven([low, high, low, high], [[(0, 1), (2, 3)]], grid=8) == [1.0]
    assert uneven([low, high, high, low], [[(0, 1), (2, 3)]], grid=8)[0] < 1e-6


def test_a_change_without_runs_is_refused():
    """There is no effect of a change that no two runs show."""
    with pytest.raises(ValueError, match="at least one pair"):
        effects([[0.5]], [[]])


@given(SCORES, SCORES, SCORES, SCORES)
def test_the_parts_add_up(one, two, three, four):
    """Model and tooling together are the whole difference, whatever the four judgings said."""
    found = split([[one, two], [three, four]], grid=4)
    assert found.model.value + found.tooling.value == pytest.approx(found.total.value, abs=1e-12)
    assert found.total.value == pytest.approx(np.mean(four) - np.mean(one), abs=1e-12)


@given(SCORES, SCORES)
def test_judging_that_changes_nothing_has_no_part(one, two):
    """Where both ways of judging agree, all is the model's; where the generations are the same, none is."""
    by_model = split([[one, one], [two, two]], grid=4)
    assert (by_model.tooling.value, by_model.tooling.p) == (0, 1)
    by_tooling = split([[one, two], [one, two]], grid=4)
    assert (by_tooling.model.value, by_tooling.model.p) == (0, 1)
