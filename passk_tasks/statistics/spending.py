"""pass@k for what it costs, and between which numbers it lies where answers were cut off."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passk_tasks.statistics.estimators import pass_at_k
from passk_tasks.statistics.intervals import Estimate, over_problems

Floats = npt.NDArray[np.float64]


def pass_at(n: npt.ArrayLike, c: npt.ArrayLike, k: float) -> Floats:
    """Return each problem's pass@k for a number of samples that need not be whole.

    Between two whole numbers it is the chance of a policy that draws the larger one so often that it draws k
    samples on average; so a budget that buys k samples buys exactly this, and the estimate is unbiased.

    Args:
        n: samples of each problem, or one number for all.
        c: correct ones among them, one number a problem.
        k: samples a problem on average, from 0 to the smallest n.

    Raises:
        ValueError: as `pass_at_k`.
    """
    low = math.floor(k)
    part = k - low
    below = np.zeros(np.broadcast(n, c).shape) if low == 0 else np.asarray(pass_at_k(n, c, low))
    if part < 1e-12:
        return np.atleast_1d(below)
    above = np.asarray(pass_at_k(n, c, low + 1))
    return np.clip(np.atleast_1d((1 - part) * below + part * above), 0.0, 1.0)


def cut_bounds(
    n: npt.NDArray[np.int64],
    c: npt.NDArray[np.int64],
    cut: npt.NDArray[np.int64],
    cut_correct: npt.NDArray[np.int64],
    k: int,
) -> tuple[float, float]:
    """Return pass@k if every cut-off sample were wrong, and if these were as right as the rest.

    As the rest of their problem; a problem with fewer than k others gets the mean of the other problems. The
    second is never below the pass@k that was measured, and 1 where there is no rest.

    Args:
        n: samples of each problem.
        c: correct ones among them.
        cut: those that were cut off.
        cut_correct: those that were cut off and are correct all the same.
        k: budget, at most the smallest n.
    """
    value = float(np.mean(pass_at_k(n, c, k)))
    wrong = float(np.mean(pass_at_k(n, c - cut_correct, k)))
    enough = n - cut >= k
    if not enough.any():
        return wrong, 1.0
    rest = pass_at_k((n - cut)[enough], (c - cut_correct)[enough], k)
    return wrong, max(value, float(np.mean(rest)))


@dataclass(frozen=True, slots=True)
class CostPoint:
    """pass@cost at one budget a problem.

    Attributes:
        budget: what may be spent on a problem, on average.
        k: samples that it buys, on average.
        estimate: share of the problems solved, with its uncertainty over problems.
    """

    budget: float
    k: float
    estimate: Estimate

    def as_dict(self) -> dict[str, object]:
        """Return the point as JSON has it."""
        ends = self.estimate.ci95
        return {
            "budget": self.budget,
            "k": self.k,
            "value": self.estimate.value,
            "over_problems": {"se": self.estimate.se, "ci95": None if ends is None else list(ends)},
        }


def cost_curve(
    n: npt.ArrayLike,
    c: npt.ArrayLike,
    a_sample: float,
    budgets: Sequence[float] | None = None,
    clusters: Sequence[Hashable] | None = None,
) -> list[CostPoint]:
    """Return pass@cost for each budget.

    Args:
        n: samples of each problem, or one number for all.
        c: correct ones among them, one number a problem.
        a_sample: what a sample costs, on average over problems.
        budgets: None for round numbers from one sample to the smallest n.
        clusters: the cluster of each problem; None where problems are independent.

    Raises:
        ValueError: a budget below 0, or beyond what the smallest n costs.
    """
    most = int(np.min(np.asarray(n)))
    points = []
    for budget in round_budgets(a_sample, most) if budgets is None else budgets:
        k = budget / a_sample
        if not 0 <= k <= most * (1 + 1e-12):
            raise ValueError(
                f"a budget of {budget:g} buys {k:.1f} samples a problem, and there are {most}: it may be up "
                f"to {most * a_sample:g}"
            )
        k = min(k, float(most))
        points.append(CostPoint(budget, k, over_problems(pass_at(n, c, k), clusters)))
    return points


def round_budgets(a_sample: float, most: int) -> list[float]:
    """Return 1, 2, 5, 10, … times a power of ten, from the cost of one sample to that of `most`, and both."""
    first, last = a_sample, a_sample * most
    power = math.floor(math.log10(first))
    between = []
    while 10.0**power < last:
        between += [step * 10.0**power for step in (1, 2, 5)]
        power += 1
    return [first, *(budget for budget in between if first < budget < last), *([last] if most > 1 else [])]
