"""The metrics by name, each with its two uncertainties.

    pass@K              any of K samples passes
    pass^K              all of K pass
    g-pass@K_T          at least T·K of K pass, e.g. g-pass@10_0.5
    mg-pass@K           the mean of g-pass@K_T for T from 0.5 to 1

All are U-statistics: the mean, over all ways to take K of the n samples, of a function of how many of the K
passed. So each has an unbiased variance over samples where n ≥ 2K.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passk_tasks.statistics.estimators import (
    g_pass_at_k,
    mg_pass_at_k,
    pass_at_k,
    pass_hat_k,
    sampling_variance,
)
from passk_tasks.statistics.intervals import Estimate, over_problems, over_samples_of

Floats = npt.NDArray[np.float64]

PASS, HAT, G_PASS, MG_PASS = "pass@", "pass^", "g-pass@", "mg-pass@"
FAMILIES = (PASS, HAT, G_PASS, MG_PASS)
"""The beginnings of metric names."""

_NAME = re.compile(r"(pass@|pass\^|g-pass@|mg-pass@)([1-9][0-9]*)(?:_([0-9.]+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        family: one of `FAMILIES`.
        k: budget.
        tau: share of the k samples that must pass; for `g-pass@` alone.
    """

    family: str
    k: int
    tau: float | None = None

    def __post_init__(self) -> None:
        if self.family not in FAMILIES or self.k < 1:
            raise ValueError(f"there is no metric {self.family}{self.k}")
        if (self.tau is not None) != (self.family == G_PASS) or not 0 <= (self.tau or 0.0) <= 1:
            raise ValueError(
                "g-pass@ needs a share in [0, 1] after the budget, g-pass@10_0.5; other metrics have none"
            )

    @classmethod
    def parse(cls, name: str) -> Metric:
        """Return the metric with this name.

        Raises:
            ValueError: there is none.
        """
        match = _NAME.fullmatch(name.strip())
        if not match:
            raise ValueError(
                f"there is no metric {name!r}: write pass@10, pass^10, g-pass@10_0.5 or mg-pass@10"
            )
        try:
            tau = None if match[3] is None else float(match[3])
        except ValueError:
            raise ValueError(f"there is no metric {name!r}: {match[3]} is no number") from None
        return cls(match[1].lower(), int(match[2]), tau)

    @property
    def name(self) -> str:
        """The name that `parse` takes."""
        return f"{self.family}{self.k}" + ("" if self.tau is None else f"_{self.tau:g}")

    def values(self, n: npt.ArrayLike, c: npt.ArrayLike) -> Floats:
        """Return the estimate for each problem, from n samples of which c are correct.

        Raises:
            ValueError: as `estimators.pass_at_k`.
        """
        n, c = np.atleast_1d(np.asarray(n)), np.atleast_1d(np.asarray(c))
        if self.family == PASS:
            return pass_at_k(n, c, self.k)
        if self.family == HAT:
            return pass_hat_k(n, c, self.k)
        if self.family == MG_PASS:
            return mg_pass_at_k(n, c, self.k)
        assert self.tau is not None
        return g_pass_at_k(n, c, self.k, self.tau)

    def variances(self, n: npt.ArrayLike, c: npt.ArrayLike) -> Floats | None:
        """Return the unbiased estimate of each value's variance over samples; None where some n < 2k.

        The square of the mean is estimated from pairs of k samples that share none: the second k come from
        the n - k that the first k left, see arXiv:2512.21326 for pass@k.
        """
        n, c = (np.atleast_1d(array) for array in np.broadcast_arrays(np.asarray(n), np.asarray(c)))
        if np.any(n < 2 * self.k):
            return None
        if self.family == PASS:
            return sampling_variance(n, c, self.k)
        if self.family == HAT:  # pass^k is pass@k with right and wrong exchanged: no failure among k
            return sampling_variance(n, n - c, self.k)
        # There are few different pairs of n and c, even with many problems.
        pairs, where = np.unique(np.stack([n, c]), axis=1, return_inverse=True)
        return self._variances(pairs[0], pairs[1])[where.reshape(-1)]

    def _variances(self, n: npt.NDArray[np.int64], c: npt.NDArray[np.int64]) -> Floats:
        square = np.zeros(n.shape)
        for passed in range(self.k + 1):
            kernel = self.values(self.k, passed)[0]  # the metric of exactly these k samples
            possible = (passed <= c) & (self.k - passed <= n - c)
            if not kernel or not possible.any():
                continue
            left, right = n[possible], c[possible]
            chance = _exactly(left, right, self.k, passed)
            square[possible] += kernel * chance * self.values(left - self.k, right - passed)
        return np.asarray(self.values(n, c) ** 2 - square)


@dataclass(frozen=True, slots=True)
class Score:
    """A metric over a problem set.

    Attributes:
        metric: the metric.
        over_problems: its uncertainty if other problems were asked; clustered where clusters were given.
        over_samples: its uncertainty if these problems were asked again.
    """

    metric: Metric
    over_problems: Estimate
    over_samples: Estimate

    @property
    def value(self) -> float:
        """The score, in [0, 1]."""
        return self.over_problems.value

    def as_dict(self) -> dict[str, Any]:
        """Return the score as JSON has it; each standard error is named by what it is over."""
        return {
            "value": self.value,
            "over_problems": self.over_problems.as_dict(),
            "over_samples": self.over_samples.as_dict(),
        }


def score(
    metric: Metric, n: npt.ArrayLike, c: npt.ArrayLike, clusters: Sequence[Hashable] | None = None
) -> Score:
    """Return a metric of a problem set with both of its uncertainties.

    Args:
        metric: the metric.
        n: samples of each problem, at least k.
        c: correct samples among them.
        clusters: the cluster of each problem; None where problems are independent.

    Raises:
        ValueError: as in `Metric.values` and `intervals.over_problems`.
    """
    values = metric.values(n, c)
    samples = np.broadcast_to(np.asarray(n, dtype=np.float64), values.shape)
    return Score(
        metric,
        over_problems(values, clusters),
        over_samples_of(values, metric.variances(n, c), metric.k / samples),
    )


def _exactly(n: npt.NDArray[np.int64], c: npt.NDArray[np.int64], k: int, passed: int) -> Floats:
    """Probability that exactly `passed` of k samples drawn from n are correct."""
    beyond = g_pass_at_k(n, c, k, (passed + 1) / k) if passed < k else np.zeros(n.shape)
    reached = g_pass_at_k(n, c, k, passed / k) if passed else np.ones(n.shape)
    return np.asarray(reached - beyond)
