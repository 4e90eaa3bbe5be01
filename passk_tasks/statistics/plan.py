"""How many samples a problem, or how many problems, a wanted half-width of the 95 % interval takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from passk_tasks.statistics.estimators import MAX_N, pass_at_k, sampling_variance
from passk_tasks.statistics.intervals import effective_draws, effective_problems, wilson
from passk_tasks.statistics.top_up import needed

Floats = npt.NDArray[np.float64]

_MOST_PROBLEMS = 10_000_000
_MOST_TIMES = 10  # the samples of a fixed n that a problem may get by topping up
_MOST_K = 1_000  # beyond, the exact chances take minutes


@dataclass(frozen=True, slots=True)
class Plan:
    """What a half-width takes.

    Attributes:
        k: budget of the pass@k that is planned for.
        value: pass@k as it is expected.
        half_width: half of the length that the 95 % interval should have.
        problems: in the problem set.
        samples: a problem, at least 2k, for that half-width over samples; None where none are enough.
        over_problems: half-width over problems that these samples leave (2k where `samples` is None).
        floor: half-width over problems that remains however many samples are drawn.
        problems_needed: for the half-width over problems, with that many samples of each; None where beyond
            ten million.
        topped_up: samples of all problems that `passk.top_up` is thought to ask for instead of a fixed n, its
            scouts included; None without a pilot, where no number of samples is enough, or where ten times a
            fixed n is not.
        scouts: how many of these, of each problem, are scouts, which do not count.
    """

    k: int
    value: float
    half_width: float
    problems: int
    samples: int | None
    over_problems: float
    floor: float
    problems_needed: int | None
    topped_up: int | None = None
    scouts: int | None = None

    def as_dict(self) -> dict[str, object]:
        """Return the plan as JSON has it."""
        return {name: getattr(self, name) for name in self.__slots__}


def from_pilot(n: npt.ArrayLike, c: npt.ArrayLike, k: int, half_width: float) -> Plan:
    """Plan from a run that there is: how its problems differ, and how its samples do.

    The variance of pass@k at another n follows from the powers of each problem's failure rate up to 2k, of
    which C(n-c, m) / C(n, m) are unbiased estimates; hence the pilot needs n ≥ 2k.

    Args:
        n: samples of each problem, or one number for all.
        c: correct ones among them, one number a problem.
        k: budget.
        half_width: wanted, in (0, 0.5).

    Raises:
        ValueError: as `pass_at_k`, for n < 2k, and for impossible half-widths.
    """
    powers = _powers(lambda m: 1 - np.atleast_1d(np.asarray(pass_at_k(n, c, m))), n, k)
    scores = np.atleast_1d(np.asarray(pass_at_k(n, c, k)))
    within = float(np.mean(np.atleast_1d(np.asarray(sampling_variance(n, c, k)))))
    total = float(np.var(scores, ddof=1)) if len(scores) > 1 else 0.0
    plan = _plan(float(np.mean(scores)), powers, max(total - within, 0.0), len(scores), k, half_width)
    if plan.samples is None:
        return plan
    rounds = needed(n, c, k, half_width, 2 * k, min(_MOST_TIMES * plan.samples, MAX_N))
    if rounds.half_width > half_width:  # as many as were thought of, which nobody would ask for
        return plan
    return replace(plan, topped_up=round(rounds.total), scouts=rounds.scouts)


def from_rate(rate: float, problems: int, k: int, half_width: float) -> Plan:
    """Plan without a pilot, on the safe side for pass@1: no spread of rates with this mean needs more.

    Over samples, every problem is taken to have this pass rate; over problems, to be solved always or never.

    Args:
        rate: expected pass@1.
        problems: in the problem set.
        k: budget.
        half_width: wanted, in (0, 0.5).

    Raises:
        ValueError: for impossible arguments.
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"the pass rate must be in [0, 1], not {rate}")
    if problems < 1:
        raise ValueError(f"there must be at least one problem, not {problems}")
    _check_budget(k)
    powers = np.array([(1 - rate) ** m for m in range(2 * k + 1)])
    value = 1 - float(powers[k])
    return _plan(value, powers, None, problems, k, half_width)


def _check_budget(k: int) -> None:
    if not 1 <= k <= _MOST_K:
        raise ValueError(f"k must be from 1 to {_MOST_K:,}, not {k}")


def _powers(estimate: Callable[[int], Floats], n: npt.ArrayLike, k: int) -> Floats:
    """Return the means over problems of q^m for m = 0 … 2k."""
    _check_budget(k)
    if int(np.min(np.asarray(n))) < 2 * k:
        raise ValueError(
            f"planning for pass@{k} needs a pilot of {2 * k} samples a problem, and there are "
            f"{int(np.min(np.asarray(n)))}"
        )
    return np.array([1.0, *(float(np.mean(estimate(m))) for m in range(1, 2 * k + 1))])


def _plan(
    value: float, powers: Floats, between: float | None, problems: int, k: int, half_width: float
) -> Plan:
    if not 0 < half_width < 0.5:
        raise ValueError(f"the half-width must be in (0, 0.5), e.g. 0.02, not {half_width}")

    def over_samples(n: int) -> float:
        variance = _within(powers, n, k) / problems
        return _half(value, effective_draws(value, variance, k / n / problems))

    def over_problems(count: int, within: float) -> float:
        # Scores between 0 and 1 vary most where each is one of the two.
        most = value * (1 - value)
        variance = most if between is None else min(between + within, most)
        return _half(value, effective_problems(value, variance, max(count, 2)))

    samples = least(2 * k, MAX_N, lambda n: over_samples(n) <= half_width)
    within = _within(powers, 2 * k if samples is None else samples, k)
    return Plan(
        k=k,
        value=value,
        half_width=half_width,
        problems=problems,
        samples=samples,
        over_problems=over_problems(problems, within),
        floor=over_problems(problems, 0.0),
        problems_needed=least(2, _MOST_PROBLEMS, lambda count: over_problems(count, within) <= half_width),
    )


def _within(powers: Floats, n: int, k: int) -> float:
    """Mean over problems of the variance of pass@k from n samples.

    Σ_{j=1..k} C(k,j)·C(n-k,k-j)/C(n,k) · (q^{2k-j} - q^{2k}): two subsets of k samples share j of them.
    """
    draws = math.comb(n, k)
    return max(
        math.fsum(
            float(Fraction(math.comb(k, j) * math.comb(n - k, k - j), draws))
            * (powers[2 * k - j] - powers[2 * k])
            for j in range(1, k + 1)
        ),
        0.0,
    )


def _half(value: float, trials: Any) -> float:
    low, high = wilson(value, trials)
    return float(high - low) / 2


def least(low: int, most: int, enough: Callable[[int], bool]) -> int | None:
    """Return the smallest number from `low` to `most` that is enough; None where even the largest is not."""
    if enough(low):
        return low
    high = low
    while not enough(high):
        if high >= most:
            return None
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
