"""What more samples would solve: a beta-binomial fit over problems, extrapolated beyond n.

The pass rates of the problems are taken for draws from a Beta distribution, whose shape the counts tell, see
arXiv:2510.05197. What has been solved stays solved; for the rest, the shape says how many more samples would
find something. That is an assumption about problems nobody has solved yet: no data supports it but the
problems that were hardly solved. `bench/forecast_holdout.py` measures how often the intervals hold.

Four things keep it honest. The interval integrates over all shapes that the counts allow instead of
trusting the best one. No family of shapes is quite right, so however many problems there are, what they tell
of the shape is bounded: M of them count as 82·M/(82 + M), a likelihood that is coarsened as in
arXiv:1506.06101. A problem that is solved in more than 15 % of its samples tells only that it is, and some
share of the problems may lie outside of the Beta distribution, above those 15 % or spread over all rates: its
shape near 1 has no say in its shape near 0. And some share may be out of reach for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passk_tasks.statistics.estimators import pass_at_k

Floats = npt.NDArray[np.float64]

_MEANS = np.linspace(-8.0, 6.0, 29)  # of logit(a / (a + b)), each as likely as any other before
_SIZES = np.linspace(-4.0, 6.0, 17)  # of log(a + b), with a normal prior around 0
_SIZE_SD = 3.0
_OTHERS = np.array([0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.65])  # share of problems outside of the Beta
_KINDS: tuple[float | None, ...] = (None, 1.0, 3.0)  # all above `_TAIL`, or a Beta of this parameter twice
_NEVER = np.array([0, 0.15, 0.3, 0.45, 0.7])  # share of the others that no sample ever solves
_NO_OTHERS, _NO_NEVER = 0.2, 0.8  # prior chance that there are none of either
_MOST_TOLD = 82  # problems, as which any number of them counts at most
_TAIL = 0.15  # share of the samples up to which the number of correct ones counts as such
_KEPT = 0.999  # of the posterior's weight; the rest is spread over very many shapes
_STEPS = 2048  # of a chance; far less than what chance itself does to a count
_REACH = 100  # times n, beyond which nothing is forecast


@dataclass(frozen=True, slots=True)
class Forecast:
    """pass@k as it would be seen after k samples a problem, of which those at hand are the first.

    Attributes:
        k: samples a problem, in all.
        value: the expected share of solved problems.
        ci95: its 95 % prediction interval; it never falls below what is solved already.
    """

    k: int
    value: float
    ci95: tuple[float, float]


def forecast(n: npt.ArrayLike, c: npt.ArrayLike, ks: Sequence[int]) -> list[Forecast]:
    """Forecast pass@k for budgets beyond n.

    Args:
        n: samples of each problem, or one number for all.
        c: correct ones among them.
        ks: budgets, each larger than every n.

    Raises:
        ValueError: as `pass_at_k`, for fewer than two samples of some problem, for budgets that need no
            forecast, and for those so far out that none would mean anything.
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
    """Distributions of pass rates that the counts allow, an array each.

    Attributes:
        a: first parameter of the Beta distribution.
        b: second parameter.
        never: share of its problems that no sample ever solves.
        others: share of the problems outside of it.
        kind: of those, a number in `_KINDS`.
        weight: how likely each is, in sum 1.
    """

    a: Floats
    b: Floats
    never: Floats
    others: Floats
    kind: npt.NDArray[np.intp]
    weight: Floats


def fit(n: npt.NDArray[np.int64], c: npt.NDArray[np.int64]) -> Shapes:
    """Return the shapes that the counts allow, the most likely first.

    The likelihood of a problem is the beta-binomial one where at most 15 % of its samples are correct, and
    that of "more than 15 %" elsewhere; the same holds for the problems outside of the distribution.

    Args:
        n: samples of each problem.
        c: correct ones among them.
    """
    trust = _MOST_TOLD / (_MOST_TOLD + len(c))
    grids = np.meshgrid(_MEANS, _SIZES, _OTHERS, _NEVER, np.arange(len(_KINDS)), indexing="ij")
    mean, size, others, never, kind = (grid.ravel() for grid in grids)
    a, b = np.exp(size) / (1 + np.exp(-mean)), np.exp(size) / (1 + np.exp(mean))
    log_weight = -((size / _SIZE_SD) ** 2) / 2
    log_weight += np.where(others == 0, np.log(_NO_OTHERS), np.log((1 - _NO_OTHERS) / (len(_OTHERS) - 1)))
    log_weight += np.where(never == 0, np.log(_NO_NEVER), np.log((1 - _NO_NEVER) / (len(_NEVER) - 1)))
    # Neither share has a part in the beta-binomial itself.
    shape = (len(_MEANS) * len(_SIZES), -1)
    one_a, one_b = a.reshape(shape)[:, 0], b.reshape(shape)[:, 0]
    for samples in np.unique(n):
        here = c[n == samples]
        most = max(1, int(_TAIL * samples))
        j = np.arange(most + 1)[:, None]
        log_choose = _log_gamma(samples + 1.0) - _log_gamma(j + 1.0) - _log_gamma(samples - j + 1.0)
        one = np.exp(log_choose + _log_beta(one_a + j, one_b + samples - j) - _log_beta(one_a, one_b))
        chance = np.repeat(one, len(a) // len(one_a), axis=1) * (1 - never)
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
    """Return the chance of 0 … most correct samples of a problem outside of the Beta, a column a kind."""
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
        # Nothing so far: either it is out of reach, or more samples find it with a chance that has fallen.
        # Whoever is outside of the Beta and was not solved so far is likely to be next.
        outside = shapes.others * _of_others(float(samples), 0)[0, shapes.kind]
        later = shapes.others * _of_others(float(k), 0)[0, shapes.kind]
        inside = 1 - shapes.others
        silent = inside * (1 - shapes.never) * np.exp(_log_beta(a, b + samples) - _log_beta(a, b))
        gone = -np.expm1(_log_beta(a, b + k) - _log_beta(a, b + samples))
        found = (silent * gone + outside - later) / (silent + inside * shapes.never + outside)
        expected += float(count * shapes.weight @ found)
        if len(open_n) == 1:  # then many shapes are one chance
            pmf, (found, weight) = np.ones((1, 1)), _rounded(found, weight)
        pmf = _convolve(pmf, _binomial(int(count), found))
    total = np.cumsum(weight @ pmf)
    last = pmf.shape[1] - 1
    low, high = (min(int(np.searchsorted(total, share)), last) for share in (0.025, 0.975))
    value = expected / problems
    return Forecast(k, value, (min((solved + low) / problems, value), max((solved + high) / problems, value)))


def _rounded(chance: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Return chances and weights with those of about the same chance put together, at their mean."""
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


def _convolve(one: Floats, two: Floats) -> Floats:
    if one.shape[1] == 1:
        return one * two
    return np.array([np.convolve(x, y) for x, y in zip(one, two, strict=True)])


def _log_beta(a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return np.asarray(_log_gamma(a) + _log_gamma(b) - _log_gamma(a + b))


def _log_gamma(x: npt.ArrayLike) -> Floats:
    """Logarithm of Γ(x) for x > 0, by Stirling's series after eight steps up; good to some 1e-13."""
    x = np.asarray(x, dtype=np.float64)
    shift = np.zeros_like(x)
    for i in range(8):
        shift = shift + np.log(x + i)
    y = x + 8
    series = 1 / (12 * y) - 1 / (360 * y**3) + 1 / (1260 * y**5) - 1 / (1680 * y**7) + 1 / (1188 * y**9)
    return np.asarray((y - 0.5) * np.log(y) - y + 0.5 * np.log(2 * np.pi) + series - shift)
