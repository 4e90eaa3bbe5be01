"""pass@k for what it costs, and between which numbers it lies where answers were cut off."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from passk_tasks.statistics.estimators import pass_at_k

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
    return np.atleast_1d((1 - part) * below + part * np.asarray(pass_at_k(n, c, low + 1)))


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
