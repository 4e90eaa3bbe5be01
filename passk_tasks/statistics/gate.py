"""Whether a score fell by more than is allowed: surely not, surely, or not to be told from so few samples.

With a largest drop δ and a confidence c, the difference d of two runs has a bound on either side, each right
with the probability c. `PASSED`: the lower one is at least -δ. `FAILED`: the upper one is below -δ. So a run
that lost exactly δ passes with a probability of 1 - c at most, and fails with the same.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from passk_tasks.statistics import paired
from passk_tasks.statistics.estimators import MAX_N
from passk_tasks.statistics.intervals import effective_draws, wilson
from passk_tasks.statistics.metrics import Counts, Metric
from passk_tasks.statistics.plan import least

PASSED, FAILED, INCONCLUSIVE = "pass", "fail", "inconclusive"
SAMPLES, PROBLEMS = "samples", "problems"

POWER = 0.8
"""The probability that `Decision.enough` samples decide, where nothing was lost or twice what is allowed."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What can be said of a drop.

    Attributes:
        verdict: `PASSED`, `FAILED` or `INCONCLUSIVE`.
        baseline: the baseline's score.
        value: the score of the run under test.
        low: lower bound of the difference, value - baseline.
        high: upper bound; each of the two is right with the confidence asked for.
        over: what varies: `SAMPLES`, the problems being these; or `PROBLEMS`, which are others of their kind.
        enough: samples a problem of the run under test that would decide with the probability `POWER`, if it
            lost nothing or twice what is allowed; None where no number would, the baseline being as it is.
        enough_of_both: the same if the baseline had as many; None where no number would.
        problems: how many problems would be enough with these n, over problems; None over samples.
    """

    verdict: str
    baseline: float
    value: float
    low: float
    high: float
    over: str
    enough: int | None
    enough_of_both: int | None
    problems: int | None = None

    @property
    def difference(self) -> float:
        """The score minus the baseline's."""
        return self.value - self.baseline


@dataclass(frozen=True, slots=True)
class _Side:
    """A run: its score, and what one draw of k samples of every problem varies by."""

    value: float
    of_one_draw: float  # variance of the score if each problem had one draw of k samples
    draws: float  # in the samples of a problem, in the mean over problems
    problems: int

    def variance(self, n_over_k: float | None = None) -> float:
        """Return the variance of the score over samples, for another number of draws where one is given."""
        return self.of_one_draw / (self.draws if n_over_k is None else n_over_k)

    def reach(self, z: float, n_over_k: float | None = None) -> tuple[float, float]:
        """Return how far the score's interval over samples reaches down and up."""
        draws = self.draws if n_over_k is None else n_over_k
        trials = effective_draws(self.value, self.variance(draws), 1 / draws / self.problems)
        low, high = wilson(self.value, trials, z)
        return self.value - float(low), float(high) - self.value


def decide(
    metric: Metric,
    baseline: Counts,
    run: Counts,
    *,
    largest_drop: float,
    confidence: float = 0.95,
    over: str = SAMPLES,
    clusters: Sequence[Hashable] | None = None,
) -> Decision:
    """Return whether a run lost more than is allowed against its baseline, on the same problems.

    Args:
        metric: what is measured.
        baseline: the baseline's counts, a number for each problem.
        run: those of the run under test, of the same problems.
        largest_drop: of the metric, in (0, 1).
        confidence: of either verdict, in (0.5, 1).
        over: `SAMPLES` or `PROBLEMS`.
        clusters: what problems share, for `PROBLEMS`.

    Raises:
        ValueError: for numbers outside of these ranges, and as `paired.difference`.
    """
    if not 0 < largest_drop < 1:
        raise ValueError(f"the largest drop must be in (0, 1), not {largest_drop}")
    if not 0.5 < confidence < 1:
        raise ValueError(f"the confidence must be in (0.5, 1), not {confidence}")
    sides = _side(metric, baseline), _side(metric, run)
    z = NormalDist().inv_cdf(confidence)
    planned = z + NormalDist().inv_cdf(POWER)
    if over == PROBLEMS:
        low, high, spread, units = _over_problems(metric, baseline, run, clusters, z)
        # What remains of the spread however many samples there are.
        floor = max(spread**2 - sides[0].variance() - sides[1].variance(), 0.0)
        needed = math.ceil(units * (planned * spread / largest_drop) ** 2)
    else:
        difference = sides[1].value - sides[0].value
        low = difference - math.hypot(sides[1].reach(z)[0], sides[0].reach(z)[1])
        high = difference + math.hypot(sides[1].reach(z)[1], sides[0].reach(z)[0])
        floor, needed = 0.0, None

    def decides(n: int, *, of_both: bool) -> bool:
        draws = 1 / float(metric.draws(n))
        first, second = sides[0].reach(planned, draws if of_both else None), sides[1].reach(planned, draws)
        rest = planned**2 * floor
        widest = max(math.hypot(second[0], first[1]), math.hypot(second[1], first[0]))
        return math.sqrt(widest**2 + rest) <= largest_drop

    return Decision(
        verdict=PASSED if low >= -largest_drop else FAILED if high < -largest_drop else INCONCLUSIVE,
        baseline=sides[0].value,
        value=sides[1].value,
        low=low,
        high=high,
        over=over,
        enough=least(metric.k, MAX_N, lambda n: decides(n, of_both=False)),
        enough_of_both=least(metric.k, MAX_N, lambda n: decides(n, of_both=True)),
        problems=needed,
    )


def _side(metric: Metric, counts: Counts) -> _Side:
    values, variances = metric.values(*counts), metric.variances(*counts)
    problems, value = len(values), float(np.mean(values))
    draws = 1 / float(np.mean(metric.draws(counts.n)))
    if variances is None:
        # n samples hold so many draws that share none, and no draw varies more than one that is 0 or 1.
        return _Side(value, value * (1 - value) / problems, draws, problems)
    return _Side(value, max(float(np.sum(variances)), 0.0) / problems**2 * draws, draws, problems)


def _over_problems(
    metric: Metric, baseline: Counts, run: Counts, clusters: Sequence[Hashable] | None, z: float
) -> tuple[float, float, float, int]:
    """Return the bounds of the difference over problems, its standard error, and the number of units."""
    before, after = metric.values(*baseline), metric.values(*run)
    found = paired.difference(before, after, clusters=clusters, draws=1)
    if found.se is None:
        raise ValueError("one problem, or one source of problems, says nothing about others")
    units = len(before) if clusters is None else len(set(clusters))
    return *paired.interval(found.value, found.se, units, z), found.se, units
