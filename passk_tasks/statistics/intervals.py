"""Standard errors and 95 % intervals of a run's score.

Two questions that are not the same. `over_problems`: what would other problems of this kind give? Problems
and samples both vary; this is the standard error that lm-eval prints. `over_samples`: what would another run
over these very problems give? Only the samples vary.

Both intervals are Wilson's score interval for a proportion, with the number of trials that would have the
standard error at hand (an effective sample size, as survey statistics has it). The plain normal interval,
value ± 1.96 · se, shrinks to a point when all problems are solved, or none, and is far too short near there
and at few problems; `bench/interval_coverage.py` measures both, `docs/statistics.md` has the table.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

Z95 = 1.959963984540054
"""The normal distribution's 97.5 % quantile."""

UNSEEN = 0.25
"""Weight of what `over_problems` has not seen, in problems, half of it at 0 and half at 1.

Eight hardly solvable problems do not exclude that the ninth is solved every time, and where one in ten is,
they are likely to be all that a set of eight shows. Without some weight there, coverage of such skewed scores
falls below 50 %; 0.25 is what the simulation settled on.
"""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score with its uncertainty.

    Attributes:
        value: the score, in [0, 1].
        se: its standard error; None where the data cannot tell.
        ci95: its 95 % interval; None where the data cannot tell. It contains `value`, lies in [0, 1] and is
            never a point, and is not symmetric about `value`.
        method: what varies and how `se` was found, one of `over-problems`, `over-problems-clustered`,
            `over-samples` and `over-samples-bound` (too few samples for an unbiased estimate: an upper
            bound).
    """

    value: float
    se: float | None
    ci95: tuple[float, float] | None
    method: str = ""

    def as_dict(self) -> dict[str, object]:
        """Return the uncertainty, without the value, as JSON has it."""
        return {
            "se": self.se,
            "ci95": None if self.ci95 is None else list(self.ci95),
            "method": self.method,
        }


def over_problems(values: npt.ArrayLike, clusters: Sequence[Hashable] | None = None) -> Estimate:
    """Return the mean of per-problem scores with its uncertainty over problems and samples.

    The standard error is the standard deviation of the scores (with M - 1) over √M, to the last bit what
    lm-eval prints, see arXiv:2411.00640. One problem says nothing about others: `se` and `ci95` are None.

    Problems that share a source are not so many independent draws. With `clusters` the standard error is the
    clustered one of the same paper, with G/(G - 1) for G clusters, so that clusters of one problem each
    change nothing; one cluster says nothing about others.

    Args:
        values: one score in [0, 1] a problem, such as its pass@k.
        clusters: what each problem shares with others, such as its source file.

    Raises:
        ValueError: for no values, values outside [0, 1], more than one dimension, and clusters of another
            number than values.
    """
    scores = _scores(values)
    problems = len(scores)
    value = sum(scores) / problems
    if clusters is not None:
        return _over_clusters(scores, value, clusters)
    if problems == 1:
        return Estimate(value, None, None, "over-problems")
    variance = sum([(score - value) ** 2 for score in scores]) / (problems - 1)
    trials = effective_problems(value, variance, problems)
    return Estimate(value, math.sqrt(variance) / math.sqrt(problems), _ci95(value, trials), "over-problems")


def over_samples_of(values: npt.ArrayLike, variances: npt.ArrayLike | None, draws: npt.ArrayLike) -> Estimate:
    """Return the mean of per-problem scores with its uncertainty over samples, for any estimator of order k.

    The standard error is √(Σ Var_i) / M with the unbiased variance of each problem, see arXiv:2512.21326. It
    is 0 where each problem's samples all agree; the interval still allows for the one that did not show.

    Where a problem has fewer than 2k samples there is no unbiased variance. Standard error and interval are
    then those of `over_problems`, labelled `over-samples-bound`: what varies between problems comes on top of
    what varies within them, so in expectation they are too wide, never too narrow. For one such problem there
    is no bound either, and both are None.

    Args:
        values: one score in [0, 1] a problem.
        variances: unbiased estimates of each score's variance over samples; None where there are none.
        draws: k/n of each problem.

    Raises:
        ValueError: as `over_problems`.
    """
    bound = over_problems(values)
    if variances is None:
        return Estimate(bound.value, bound.se, bound.ci95, "over-samples-bound")
    problems = np.size(values)
    # An unbiased estimate of a variance near 0 may be negative; their sum is one no more.
    variance = max(float(np.sum(np.asarray(variances))), 0.0) / problems**2
    trials = effective_draws(bound.value, variance, float(np.mean(np.asarray(draws))) / problems)
    return Estimate(bound.value, math.sqrt(variance), _ci95(bound.value, trials), "over-samples")


def cluster_of(task_ids: Sequence[str], clusters: Mapping[str, Hashable]) -> list[Hashable] | None:
    """Return the cluster of each problem, itself where it is in none; None where all are by themselves."""
    if not any(task_id in clusters for task_id in task_ids):
        return None
    return [clusters.get(task_id, task_id) for task_id in task_ids]


def clustered(values: npt.ArrayLike, clusters: Sequence[Hashable] | None) -> tuple[Floats, Floats]:
    """Return the sum of the values of each cluster, and how many they are; each value alone where None.

    Raises:
        ValueError: clusters of another number than values.
    """
    array = np.asarray(values, dtype=np.float64)
    if clusters is None:
        return array, np.ones(len(array))
    if len(clusters) != len(array):
        raise ValueError(f"{len(array)} problems have {len(clusters)} clusters; one for each is wanted")
    numbers = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
    index = np.array([numbers[name] for name in clusters], dtype=np.intp)
    sums = np.bincount(index, weights=array).astype(np.float64)
    return sums, np.bincount(index).astype(np.float64)


def _over_clusters(scores: list[float], value: float, clusters: Sequence[Hashable]) -> Estimate:
    sums, sizes = clustered([score - value for score in scores], clusters)
    count, problems = len(sums), len(scores)
    if count == 1:
        return Estimate(value, None, None, "over-problems-clustered")
    variance = float(np.sum(sums**2)) / (count - 1)
    se = math.sqrt(variance * count) / problems
    # Clusters take the place of problems, in units of their mean size. The fewest trials that correlated
    # problems can be worth are M² / Σ size², which is the number of clusters where they are alike.
    least = problems**2 / float(np.sum(sizes**2))
    trials = effective_problems(value, variance * (count / problems) ** 2, count, least)
    return Estimate(value, se, _ci95(value, trials), "over-problems-clustered")


def effective_problems(value: Any, variance: Any, problems: Any, least: Any = None) -> Any:
    """Return how many solved-or-not problems would know the mean as well as these scores do.

    At least as many as there are, since no scores in [0, 1] vary more than those that are 0 or 1; for such
    scores exactly as many.

    Args:
        value: mean of the scores; this and the others may be arrays.
        variance: their variance, with M - 1.
        problems: their number M, at least 2.
        least: what the result is at least; `problems` where None.
    """
    squares = (problems - 1) * variance + UNSEEN * (value**2 + (1 - value) ** 2) / 2
    return np.maximum(
        value * (1 - value) * problems * (problems + UNSEEN) / squares, problems if least is None else least
    )


def effective_draws(value: Any, variance: Any, unit: Any) -> Any:
    """Return how many independent draws of k samples would know the score as well as these samples do.

    n samples hold n/k draws that share none, and the estimate over all subsets is at least as good as theirs
    (Hoeffding 1948), so there are at least 1/unit. One draw with the other result is added to the variance:
    samples that all agree do not prove that the next one will.

    Args:
        value: the score; this and the others may be arrays.
        variance: its variance over samples.
        unit: what one draw weighs in the score: the mean of k/n over the problems, divided by their number.
    """
    return np.maximum(value * (1 - value) / (variance + unit**2), 1 / unit)


def wilson(value: Any, trials: Any, z: float = Z95) -> tuple[Any, Any]:
    """Return Wilson's score interval for a proportion seen in so many trials; either may be an array.

    `z` is the normal distribution's quantile of the confidence; the default gives 95 %.
    """
    weight = z**2 / trials
    centre = (value + weight / 2) / (1 + weight)
    half = np.sqrt(weight * (value * (1 - value) + weight / 4)) / (1 + weight)
    # Rounding may leave the ends an ulp beyond where they belong.
    return np.clip(centre - half, 0, value), np.clip(centre + half, value, 1)


def _ci95(value: float, trials: Any) -> tuple[float, float]:
    low, high = wilson(value, trials)
    return float(low), float(high)


def _scores(values: npt.ArrayLike) -> list[float]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"one score a problem is wanted, not an array of shape {array.shape}")
    if not array.size:
        raise ValueError("there are no problems to take the mean of")
    outside = array[~((array >= 0) & (array <= 1))]
    if outside.size:
        shown = ", ".join(map(repr, outside[:5].tolist()))
        raise ValueError(f"scores must be in [0, 1], but {outside.size} of {array.size} are not: {shown}")
    # Floats of Python, and its own `sum`, are what lm-eval's mean and mean_stderr compute with.
    return [float(score) for score in array]
