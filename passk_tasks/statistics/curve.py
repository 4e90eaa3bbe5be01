"""What more samples bring: pass@k for k up to n, the gain of each sample, problems that only many solve."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passk_tasks.statistics import metrics
from passk_tasks.statistics.estimators import pass_at_k
from passk_tasks.statistics.metrics import PASS, Metric, Score

_TAIL = 10


@dataclass(frozen=True, slots=True)
class Point:
    """pass@k at one budget.

    Attributes:
        score: pass@k with both of its uncertainties; each band holds for its own k only.
        gain: what the k-th sample adds, pass@k - pass@(k-1).
        samples_per_solved: samples spent for each solved problem, k / pass@k; None where none is solved.
    """

    k: int
    score: Score
    gain: float
    samples_per_solved: float | None

    def as_dict(self) -> dict[str, object]:
        """Return the point as JSON has it."""
        return {
            "k": self.k,
            **self.score.as_dict(),
            "gain": self.gain,
            "samples_per_solved": self.samples_per_solved,
        }


def curve(
    n: npt.ArrayLike,
    c: npt.ArrayLike,
    ks: Sequence[int] | None = None,
    clusters: Sequence[Hashable] | None = None,
) -> list[Point]:
    """Return pass@k for each budget.

    Args:
        n: samples of each problem, or one number for all.
        c: correct samples among them, one number a problem.
        ks: budgets; None for all from 1 to the smallest n.
        clusters: the cluster of each problem; None where problems are independent.

    Raises:
        ValueError: as in `pass_at_k` and `intervals.over_problems`.
    """
    budgets = range(1, int(np.min(np.asarray(n))) + 1) if ks is None else ks
    points = []
    for k in budgets:
        score = metrics.score(Metric(PASS, k), n, c, clusters)
        before = float(np.mean(pass_at_k(n, c, k - 1))) if k > 1 else 0.0
        per_solved = k / score.value if score.value else None
        points.append(Point(k, score, score.value - before, per_solved))
    return points


def tail_only(n: npt.ArrayLike, c: npt.ArrayLike, k: int) -> npt.NDArray[np.intp]:
    """Return the indices of the problems that have a correct sample but whose pass@k is at most 1/2."""
    scores = np.atleast_1d(np.asarray(pass_at_k(n, c, k)))
    solved = np.broadcast_to(np.asarray(c), scores.shape) > 0
    # A pass@k of exactly 1/2 may be computed an ulp too large.
    return np.flatnonzero(solved & (scores <= 0.5 + 1e-12))


def tail_budget(most: int) -> int:
    """Return the default budget of `tail_only`: 10, or half of the samples if that is less."""
    return max(1, min(_TAIL, most // 2))


def budgets_to_show(most: int) -> list[int]:
    """Return budgets for a short table: 1, 2, 5, 10, 20, 50, … and the last."""
    steps = [step * 10**power for power in range(7) for step in (1, 2, 5)]
    return [*(k for k in steps if k < most), most]
