"""Two runs over the same problems: their difference, and whether chance alone could make it.

Everything is computed from one difference for each problem (or cluster of problems), so what makes a problem
hard for both runs cancels out. Mathematics only: no I/O, and a seed where there is chance.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from passk_tasks.statistics.intervals import Z95, Estimate, clustered

Floats = npt.NDArray[np.float64]

DRAWS = 100_000
"""Sign flips that are drawn where there are too many to try all; a p-value of 0.05 is then good to 0.0014."""

UNSEEN = 0.25
"""Number of problems that is added for what was not observed: half at the difference +1, half at -1."""

_ENUMERATED = 16  # up to this many differences other than 0, all sign flips are tried
_GRID_CELLS = 20_000_000  # the most work for the exact distribution on a grid: sums times differences
_ROWS = 1000  # sign patterns at a time: few enough for a CPU's cache, and a whole number of words
_TIE = 1e-9  # two sums that differ by less, relative to the largest possible one, are equal


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean difference of two runs over the problems they share.

    Attributes:
        value: mean of second minus first, in [-1, 1].
        se: its standard error over problems, clustered where there are clusters; None for one problem.
        ci95: its 95 % interval; None for one problem.
        p: two-sided p-value of the sign-flip test.
        exact: whether `p` is exact; else it was drawn.
    """

    value: float
    se: float | None
    ci95: tuple[float, float] | None
    p: float
    exact: bool

    @property
    def beyond_noise(self) -> bool:
        """Whether p < 0.05."""
        return self.p < 0.05

    def as_dict(self) -> dict[str, object]:
        """Return what JSON has of it everywhere."""
        return {"difference": self.value, "ci95": self.ci95 and list(self.ci95), "p": self.p}


def difference(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    *,
    grid: int | None = None,
    clusters: Sequence[Hashable] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Difference:
    """Return the paired difference of two runs, second minus first, see arXiv:2411.00640.

    The interval is mean ± 1.96 standard errors after a quarter of a problem was added to the data, half of it
    at +1 and half at -1, since runs that agree on 20 problems may differ on the next one.
    `bench/paired_coverage.py` measures its coverage.

    Args:
        first: a score in [0, 1] for each problem.
        second: the other run's scores of the same problems, in the same order.
        grid: all scores are multiples of 1/grid; the p-value is then exact for any number of problems.
        clusters: the cluster of each problem; problems of one cluster are flipped together.
        draws: sign flips to draw, where not all are tried.
        seed: seed of the draws.

    Raises:
        ValueError: for scores of different lengths, for no scores, and for scores outside [0, 1].
    """
    before, after = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if before.ndim != 1 or before.shape != after.shape:
        raise ValueError(f"both runs need one score for each problem, not {before.shape} and {after.shape}")
    if not before.size:
        raise ValueError("there are no problems in common")
    for scores in (before, after):
        if not ((scores >= 0) & (scores <= 1)).all():
            raise ValueError("scores must be in [0, 1]")
    each = after - before
    sums, sizes = clustered(each, clusters)
    p, exact = sign_flip(sums, grid=grid, draws=draws, seed=seed)
    value = math.fsum(each) / len(each)
    if len(sums) == 1:
        return Difference(value, None, None, p, exact)
    units, size = len(sums), len(each) / len(sums)
    # In units of the mean cluster; without clusters these are plain sums of squares over problems.
    squares = float(np.sum((sums - value * sizes) ** 2)) / size**2
    se = math.sqrt(squares / (units - 1) / units)
    return Difference(value, se, interval(value, se, units), p, exact)


def interval(value: float, se: float, units: int, z: float = Z95) -> tuple[float, float]:
    """Return the interval of a paired difference over problems, see `difference`.

    Args:
        value: the mean difference.
        se: its standard error.
        units: number of problems, or of clusters; at least 2.
        z: the normal distribution's quantile of the confidence.
    """
    squares = se**2 * (units - 1) * units
    weight = units + UNSEEN
    centre = value * units / weight
    spread = squares + units * value**2 + UNSEEN - weight * centre**2
    half = z * math.sqrt(spread / (units - 1) / weight)
    return max(centre - half, -1.0), min(centre + half, 1.0)


def independent(first: Estimate, second: Estimate) -> tuple[float, float] | None:
    """Return the 95 % interval of second minus first, from the intervals of each over its own samples.

    Two runs share no samples, so the squares of the distances to the ends add up (Newcombe 1998, method 10).
    None unless both intervals are over samples and unbiased.
    """
    if not (first.method == second.method == "over-samples") or first.ci95 is None or second.ci95 is None:
        return None
    value = second.value - first.value
    down = math.hypot(second.value - second.ci95[0], first.ci95[1] - first.value)
    up = math.hypot(second.ci95[1] - second.value, first.value - first.ci95[0])
    return max(value - down, -1.0), min(value + up, 1.0)


def sign_flip(
    differences: npt.ArrayLike, *, grid: int | None = None, draws: int = DRAWS, seed: int = 0
) -> tuple[float, bool]:
    """Return the two-sided p-value of the sign-flip permutation test, and whether it is exact.

    If the runs were equal, each problem's difference could as well have had the other sign. p is the share of
    all sign patterns whose sum is at least as far from 0 as the observed one. It is exact for up to 16
    differences other than 0 and for differences on a grid; else it is computed from `draws` patterns with a
    fixed seed and the observed one, so p is never 0.

    Args:
        differences: one for each problem, or the sum of each cluster.
        grid: all differences are multiples of 1/grid.
        draws: sign patterns to draw where not all are tried.
        seed: seed of the draws.
    """
    each = np.asarray(differences, dtype=np.float64)
    each = np.abs(each[each != 0])
    seen = abs(math.fsum(np.asarray(differences, dtype=np.float64)))
    if not each.size:
        return 1.0, True
    threshold = seen - _TIE * float(each.sum())
    # A grid for many unlike n has more digits than a number of numpy's holds.
    if grid is not None and Fraction(float(each.sum())) * grid * len(each) <= _GRID_CELLS:
        return _on_grid(np.rint(each * grid).astype(np.int64), round(seen * grid)), True
    if each.size <= _ENUMERATED:
        sums = np.zeros(1)
        for step in each:
            sums = np.concatenate([sums + step, sums - step])
        return float(np.mean(np.abs(sums) >= threshold)), True
    extreme = 0
    for signs in _signs(draws, each.size, seed):
        extreme += int(np.count_nonzero(np.abs(2 * (signs @ each) - each.sum()) >= threshold))
    return (extreme + 1) / (draws + 1), False


def _signs(draws: int, size: int, seed: int) -> Iterator[Floats]:
    """Yield `draws` rows of `size` zeros and ones, some rows at a time.

    They are what `default_rng(seed).integers(0, 2, dtype=int8)` draws: the first bit of each byte of the
    generator's words, in a fifth of the time.
    """
    words = np.random.PCG64(seed)
    for start in range(0, draws, _ROWS):
        rows = min(_ROWS, draws - start)
        raw = words.random_raw(-(-rows * size // 8)).astype("<u8").view(np.uint8)
        yield (raw[: rows * size] >> 7).astype(np.float64).reshape(rows, size)


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the two-sided p-value of McNemar's exact test, for one sample a problem.

    Args:
        only_first: problems that only the first run solved.
        only_second: problems that only the second run solved.
    """
    discordant, fewer = only_first + only_second, min(only_first, only_second)
    tail: int = sum(math.comb(discordant, i) for i in range(fewer + 1))
    return min(1.0, float(Fraction(2 * tail, 2**discordant)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, in the same order, by Holm's step-down method."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    worst = 0.0
    for rank, i in enumerate(order):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = worst
    return adjusted


def groups(count: int, different: Mapping[tuple[int, int], bool]) -> list[tuple[int, ...]]:
    """Return the groups of runs in which no two runs differ; a run may be in several groups.

    Each group is as large as possible: the compact letter display of Piepho 2004 (insert and absorb).

    Args:
        count: number of runs, numbered in the order of the ranking.
        different: for each pair (i, j), i < j, whether these runs differ.
    """
    kept: list[frozenset[int]] = [frozenset(range(count))]
    for pair in sorted(pair for pair, apart in different.items() if apart):
        split = []
        for group in kept:
            split += [group - {run} for run in pair] if set(pair) <= group else [group]
        kept = [
            group
            for number, group in enumerate(split)
            if not any(group < other or (group == other and number > i) for i, other in enumerate(split))
        ]
    return sorted(tuple(sorted(group)) for group in kept if group)


def _on_grid(steps: npt.NDArray[np.int64], seen: int) -> float:
    """Share of sign patterns of whole numbers whose sum is at least `seen` from 0, by convolution."""
    total = int(steps.sum())
    share = np.zeros(total + 1)  # share of patterns, by the sum of the differences that keep their sign
    share[0] = 1.0
    for step in steps:
        shifted = np.zeros_like(share)
        shifted[step:] = share[: len(share) - step]
        share = (share + shifted) / 2
    sums = np.abs(2 * np.arange(total + 1) - total)
    return min(1.0, float(np.sum(share[sums >= seen])))


def lcm(numbers: npt.ArrayLike) -> int:
    """Return the least common multiple of positive whole numbers."""
    unique: Any = np.unique(np.asarray(numbers))
    return math.lcm(*(int(number) for number in unique))
