"""What more samples would solve: a beta-binomial fit over problems, extrapolated beyond n.

The pass rates of the problems are taken as draws from a Beta distribution, whose shape is estimated from the
counts, see arXiv:2510.05197. Solved problems stay solved; for the others, the shape says how many further
samples would solve them. That is an assumption about problems that were never solved, and only the problems
that were rarely solved support it. `bench/forecast_holdout.py` measures how often the intervals hold.

Four things keep it honest:

- The interval integrates over all shapes that the counts allow, instead of trusting the best one.
- No family of shapes is quite right, so the weight of the data is bounded: M problems count as 82·M/(82 + M),
  a likelihood that is coarsened as in arXiv:1506.06101.
- The shape near 1 must not decide the shape near 0. So a problem that is solved in more than 15 % of its
  samples counts only as such, and some share of the problems may lie outside of the Beta distribution, above
  those 15 % or spread over all rates.
- Some share of the problems may never be solved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passk_tasks.statistics.estimators import pass_at_k

Floats = npt.NDArray[np.float64]

_MEANS = np.linspace(-8.0, 6.0, 29)  # of logit(a / (a + b)), equally likely a priori
_SIZES = np.linspace(-4.0, 6.0, 17)  # of log(a + b), with a normal prior around 0
_SIZE_SD = 3.0
_OTHERS = np.array([0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.65])  # share of problems outside of the Beta
_KINDS: tuple[float | None, ...] = (None, 1.0, 3.0)  # their rates: above `_TAIL`, Beta(1, 1), Beta(3, 3)
_NEVER = np.array([0, 0.15, 0.3, 0.45, 0.7])  # share of the Beta's problems that no sample ever solves
_NO_OTHERS, _NO_NEVER = 0.2, 0.8  # prior probability that either share is 0
_MOST_TOLD = 82  # any number of problems weighs at most as much as this many
_TAIL = 0.15  # up to this share of correct samples, their exact number enters the likelihood
_KEPT = 0.999  # of the posterior's weight; the rest is spread over very many shapes
_STEPS = 2048  # steps in which chances are rounded; a count varies far more by chance
_REACH = 100  # nothing is forecast beyond this many times n


@dataclass(frozen=True, slots=True)
class Forecast:
    """pass@k as it would be observed with k samples a problem, the existing samples included.

    Attributes:
        k: samples a problem in total.
        value: the expected share of solved problems.
        ci95: its 95 % prediction interval, never below the share that is solved already.
    """

    k: int
    value: float
    ci95: tuple[float, float]


def forecast(n: npt.ArrayLike, c: npt.ArrayLike, ks: Sequence[int]) -> list[Forecast]:
    """Forecast pass@k for budgets beyond n.

    Args:
        n: samples of each problem, or one number for all.
        c: correct samples among them.
        ks: budgets, each larger than every n.

    Raises:
        ValueError: as in `pass_at_k`, for fewer than two samples of some problem, and for budgets that need
            no forecast or are too large for one.
    """
    solved_at = np.atleast_1d(np.asarray(pass_at_k(n, c, 1)))  # checks n and c
    correct = np.broadcast_to(np.atleast_1d(np.asarray(c, dtype=np.int64)), solved_at.shape)
    samples = np.broadcast_to(np.atleast_1d(np.asarray(n, dtype=np.int64)), solved_at.shape)
    if not samples.size:
        raise ValueError("there are no problems to forecast from")
    if samples.min() < 2:
        raise ValueError("one sample a problem tells nothing about how pass rates differ; a forecast needs 2")
    for k in ks:
        if k <= samples.max():
            raise ValueError(f"pass@{k} needs no forecast: there are {samples.max()} samples of a problem")
        if k > _REACH * samples.min():
            raise ValueError(
                f"pass@{k} is more than {_REACH} times beyond the {samples.min()} samples of a problem"
            )
    shapes = fit(samples, correct)
    unsolved = np.unique(samples[correct == 0], return_counts=True)
    return [_forecast(k, shapes, len(correct), *unsolved) for k in ks]


@dataclass(frozen=True, slots=True)
class Shapes:
    """Distributions of pass rates that the counts allow: arrays with an element for each distribution.

    Attributes:
        a: first parameter of the Beta distribution.
        b: second parameter.
        never: share of the Beta's problems that no sample ever solves.
        others: share of the problems outside of the Beta.
        kind: index in `_KINDS` of the distribution of those others.
        weight: how likely each shape is; they sum to 1.
    """

    a: Floats
    b: Floats
    never: Floats
    others: Floats
    kind: npt.NDArray[np.intp]
    weight: Floats


def fit(n: npt.NDArray[np.int64], c: npt.NDArray[np.int64]) -> Shapes:
    """Return the shapes that the counts allow, the most likely first.

    The likelihood of a problem is the beta-binomial probability of its count where at most 15 % of its
    samples are correct, and the probability of "more than 15 %" elsewhere; also for the problems outside of
    the Beta.

    Args:
        n: samples of each problem.
        c: correct samples among them.
    """
    trust = _MOST_TOLD / (_MOST_TOLD + len(c))
    grids = np.meshgrid(_MEANS, _SIZES, _OTHERS, _NEVER, np.arange(len(_KINDS)), indexing="ij")
    mean, size, others, never, kind = (grid.ravel() for grid in grids)
    a, b = np.exp(size) / (1 + np.exp(-mean)), np.exp(size) / (1 + np.exp(mean))
    log_weight = -((size / _SIZE_SD) ** 2) / 2
    log_weight += np.where(others == 0, np.log(_NO_OTHERS), np.log((1 - _NO_OTHERS) / (len(_OTHERS) - 1)))
    log_weight += np.where(never == 0, np.log(_NO_NEVER), np.log((1 - _NO_NEVER) / (len(_NEVER) - 1)))
    # The beta-binomial depends on neither share, so it is computed only once for each Beta.
    shape = (len(_MEANS) * len(_SIZES), -1)
    beta_a, beta_b = a.reshape(shape)[:, 0], b.reshape(shape)[:, 0]
    for samples in np.unique(n):
        here = c[n == samples]
        most = max(1, int(_TAIL * samples))
        j = np.arange(most + 1)[:, None]
        log_choose = _log_gamma(samples + 1.0) - _log_gamma(j + 1.0) - _log_gamma(samples - j + 1.0)
        in_beta = np.exp(log_choose + _log_beta(beta_a + j, beta_b + samples - j) - _log_beta(beta_a, beta_b))
        chance = np.repeat(in_beta, len(a) // len(beta_a), axis=1) * (1 - never)
        chance[0] += never
        chance = chance * (1 - others) + others * _of_others(samples, most)[:, kind]
        beyond = np.clip(1 - chance.sum(axis=0), 1e-300, 1)
        seen = np.bincount(here[here <= most], minlength=most + 1)
        log_weight += trust * (seen @ np.log(chance + 1e-300))
        log_weight += trust * np.count_nonzero(here > most) * np.log(beyond)
    weight = np.exp(log_weight - log_weight.max())
    order = np.argsort(-weight, kind="stable")
    kept = order[: int(np.searchsorted(np.cumsum(weight[order]), _KEPT * weight.sum())) + 1]
    return Shapes(a[kept], b[kept], never[kept], others[kept], kind[kept], weight[kept] / weight[kept].sum())


def _of_others(samples: float, most: int) -> Floats:
    """Return the chances of 0 … most correct samples of a problem outside of the Beta, one column a kind."""
    columns = np.zeros((most + 1, len(_KINDS)))
    j = np.arange(most + 1)
    log_choose = _log_gamma(samples + 1.0) - _log_gamma(j + 1.0) - _log_gamma(samples - j + 1.0)
    for number, a in enumerate(_KINDS):
        if a is not None:
            columns[:, number] = np.exp(log_choose + _log_beta(a + j, a + samples - j) - _log_beta(a, a))
    return columns


def _forecast(
    k: int, shapes: Shapes, problems: int, open_n: npt.NDArray[np.int64], open_count: npt.NDArray[np.int64]
) -> Forecast:
    solved = problems - int(open_count.sum())
    a, b = shapes.a, shapes.b
    pmf, weight = np.ones((len(a), 1)), shapes.weight
    expected = float(solved)
    for samples, count in zip(open_n, open_count, strict=True):
        # These problems are unsolved so far. Those of the Beta are out of reach, or have low pass rates;
        # those outside of the Beta are likely to be solved next.
        outside = shapes.others * _of_others(float(samples), 0)[0, shapes.kind]
        later = shapes.others * _of_others(float(k), 0)[0, shapes.kind]
        inside = 1 - shapes.others
        silent = inside * (1 - shapes.never) * np.exp(_log_beta(a, b + samples) - _log_beta(a, b))
        gone = -np.expm1(_log_beta(a, b + k) - _log_beta(a, b + samples))
        chance = (silent * gone + outside - later) / (silent + inside * shapes.never + outside)
        expected += float(count * shapes.weight @ chance)
        if len(open_n) == 1:  # then many shapes have the same chance
            pmf, (chance, weight) = np.ones((1, 1)), _rounded(chance, weight)
        pmf = _convolve(pmf, _binomial(int(count), chance))
    total = np.cumsum(weight @ pmf)
    last = pmf.shape[1] - 1
    low, high = (min(int(np.searchsorted(total, share)), last) for share in (0.025, 0.975))
    value = expected / problems
    return Forecast(k, value, (min((solved + low) / problems, value), max((solved + high) / problems, value)))


def _rounded(chance: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Return chances and weights, with chances that are about equal merged at their mean."""
    step = (chance * _STEPS).astype(np.intp)
    weights, sums = np.bincount(step, weight), np.bincount(step, weight * chance)
    kept = weights > 0
    return np.asarray(sums[kept] / weights[kept]), np.asarray(weights[kept])


def _binomial(count: int, chance: Floats) -> Floats:
    """Return the probabilities of 0 … count successes, a row for each chance."""
    i = np.arange(count + 1)
    log_choose = _log_gamma(count + 1.0) - _log_gamma(i + 1.0) - _log_gamma(count - i + 1.0)
    p = np.clip(chance, 1e-300, 1 - 1e-16)[:, None]
    return np.asarray(np.exp(log_choose + i * np.log(p) + (count - i) * np.log1p(-p)))


def _convolve(first: Floats, second: Floats) -> Floats:
    if first.shape[1] == 1:
        return first * second
    return np.array([np.convolve(x, y) for x, y in zip(first, second, strict=True)])


def _log_beta(a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return np.asarray(_log_gamma(a) + _log_gamma(b) - _log_gamma(a + b))


def _log_gamma(x: npt.ArrayLike) -> Floats:
    """Logarithm of Γ(x) for x > 0, by Stirling's series at x + 8; good to some 1e-13."""
    x = np.asarray(x, dtype=np.float64)
    shift = np.zeros_like(x)
    for i in range(8):
        shift = shift + np.log(x + i)
    y = x + 8
    series = 1 / (12 * y) - 1 / (360 * y**3) + 1 / (1260 * y**5) - 1 / (1680 * y**7) + 1 / (1188 * y**9)
    return np.asarray((y - 0.5) * np.log(y) - y + 0.5 * np.log(2 * np.pi) + series - shift)
