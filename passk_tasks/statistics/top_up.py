"""Which problems get how many samples, so that pass@k is known well enough with few of them.

    the first samples of all problems -> how the pass rates are spread -> whether scouts pay, and how many
    scouts of each problem -> what its rate may be -> a path of numbers of samples, from few to many
    the samples that count -> where to stop on the path

A number of samples that depends on a problem's own counted samples biases its pass@k: one that is left alone
after it failed a few times by chance keeps a score that is too low. So the scouts, which decide how many each
problem gets in relation to others, do not count. The samples that count decide what is the same for all
problems: whether there are scouts, and where to stop. That moves the score of N samples by some 1/N, far less
than its error. `bench/top_up.py` measures both; docs/statistics.md has the table.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from passk_tasks.statistics.intervals import effective_draws, wilson
from passk_tasks.statistics.metrics import PASS, Metric, score

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_LOGITS = 40  # pass rates between 0 and 1 that are told apart
_FARTHEST = 7.0  # of these, as a logit: 0.1 % and 99.9 %
_STEPS = 60  # numbers of samples between the fewest and the most
_FLAT = 0.1  # share of the prior that no data move: some problem may be like none that they showed
_FITS = 100
_SCOUTS = (0, 4, 8, 12, 16)  # of each problem
_LEAST_SAVED = 0.03  # of all samples: below it, scouts may as well cost some
_CARE = 0.9  # of the samples that seem to be missing, how many are drawn before looking again
_LEAST_MORE, _MOST_MORE = 1.04, 2.0  # times the samples so far, from one look to the next


@dataclass(frozen=True)
class Path:
    """Numbers of samples of each group of problems that buy most, from the fewest to the most.

    Attributes:
        k: budget of the pass@k.
        ladder: the numbers of samples that a problem may get, ascending.
        sizes: how many problems are in each group; in a forecast, how many are expected.
        variances: what a problem of the group adds to the variance of the score, on each step.
        gains: what each step takes from that variance, a sample.
        value: pass@k as it is expected.
    """

    k: int
    ladder: Integers
    sizes: Floats
    variances: Floats
    gains: Floats
    value: float

    @classmethod
    def of(cls, chances: Floats, sizes: Floats, k: int, least: int, most: int) -> Path:
        """Return the path of groups.

        Args:
            chances: of each pass rate of `_rates()`, a row a group.
            sizes: problems in each group.
            k: budget of the pass@k that is to be known.
            least: samples that count of each problem, at least 2k.
            most: the most that a problem may get.

        Raises:
            ValueError: not 2k ≤ least ≤ most.
        """
        if not 2 * k <= least <= most:
            raise ValueError(
                f"topping up needs 2k ≤ the fewest samples ≤ the most, but k is {k}, and these are "
                f"{least} and {most}"
            )
        steps = np.unique(np.geomspace(least, most, _STEPS).round().astype(np.int64))
        variances = chances @ _variances(tuple(steps.tolist()), k).T / sizes.sum() ** 2
        gains = -np.diff(variances, axis=1) / np.diff(steps)
        # Where a step buys more than the one before, both count as bought for the price of the first.
        gains = np.minimum.accumulate(gains, axis=1)
        value = float(sizes @ (chances @ (1 - (1 - _rates()) ** k)) / sizes.sum())
        return cls(k, steps, sizes, variances, gains, value)

    def samples(self, total: float) -> Integers:
        """Return the samples of a problem of each group: as many of the path as are at most `total`."""
        order = np.unique(self.gains)[::-1]
        low, high = 0, len(order)  # so many of the best steps; the total grows with them
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (
                (middle, high) if self.total(self._bought(order[middle - 1])) <= total else (low, middle - 1)
            )
        return self._bought(order[low - 1]) if low else np.full(len(self.sizes), self.ladder[0])

    def total(self, samples: Integers) -> float:
        """Return how many samples of all problems these are."""
        return float(self.sizes @ samples)

    @property
    def bounds(self) -> tuple[float, float]:
        """The total where each problem has the fewest samples, and where each has the most."""
        return float(self.ladder[0] * self.sizes.sum()), float(self.ladder[-1] * self.sizes.sum())

    def half_width(self, samples: Integers) -> float:
        """Return half the length that the 95 % interval over samples may be expected to have."""
        places = np.searchsorted(self.ladder, samples)
        variance = float(self.sizes @ self.variances[np.arange(len(self.sizes)), places])
        problems = self.sizes.sum()
        unit = float(self.sizes @ (self.k / samples)) / problems**2
        low, high = wilson(self.value, effective_draws(self.value, variance, unit))
        return float(high - low) / 2

    def enough(self, half_width: float) -> Integers:
        """Return the fewest samples of each group that are thought to be enough, or the most there may be."""
        low, high = self.bounds
        fewest = self.samples(low)
        if self.half_width(fewest) <= half_width:
            return fewest
        while high - low > max(1.0, 0.01 * low):
            middle = (low + high) / 2
            if self.half_width(self.samples(middle)) <= half_width:
                high = middle
            else:
                low = middle
        return self.samples(high)

    def _bought(self, gain: float) -> Integers:
        return np.asarray(self.ladder[(self.gains >= gain).sum(axis=1)])


class Needed(NamedTuple):
    """What topping up is thought to need.

    Attributes:
        scouts: of each problem; 0 where they cost more than they save.
        total: samples of all problems, with the scouts.
        half_width: of the interval over samples that these leave.
    """

    scouts: int
    total: float
    half_width: float


def needed(n: npt.ArrayLike, c: npt.ArrayLike, k: int, half_width: float, least: int, most: int) -> Needed:
    """Return what topping up will need, from samples that show how the pass rates are spread.

    Args:
        n: samples of each problem.
        c: those that passed.
        k: budget of the pass@k that is to be known.
        half_width: wanted, of its 95 % interval over samples.
        least: samples that count of each problem at first, at least 2k.
        most: the most of them that a problem may get.

    Raises:
        ValueError: not 2k ≤ least ≤ most.
    """
    prior, rates = _prior(n, c), _rates()
    problems = len(np.atleast_1d(c))
    found = []
    for scouts in _SCOUTS:
        passed = np.arange(scouts + 1)
        ways = np.array([math.comb(scouts, number) for number in passed])
        joint = prior * ways[:, None] * rates ** passed[:, None] * (1 - rates) ** (scouts - passed)[:, None]
        shares = joint.sum(axis=1)
        path = Path.of(joint / shares[:, None], shares * problems, k, least, most)
        samples = path.enough(half_width)
        found.append(Needed(scouts, path.total(samples) + scouts * problems, path.half_width(samples)))
    none, *others = found
    better = [one for one in others if one.total < (1 - _LEAST_SAVED) * none.total]
    # Where not even the most samples are enough, all problems get these.
    return none if none.half_width > half_width else min(better, key=lambda one: one.total, default=none)


@dataclass(frozen=True)
class TopUp:
    """The rounds of a run: how many samples each problem is to have next."""

    path: Path
    group: Integers
    half_width: float

    @classmethod
    def of(
        cls,
        first: tuple[npt.ArrayLike, npt.ArrayLike],
        scouts: tuple[npt.ArrayLike, npt.ArrayLike] | None,
        k: int,
        half_width: float,
        least: int,
        most: int,
    ) -> TopUp:
        """Return the rounds that scouts decide; without any, all problems get the same.

        Args:
            first: samples and correct ones of each problem, which count.
            scouts: the same of those that do not count; None where there are none.
            k: budget of the pass@k that is to be known.
            half_width: wanted, of its 95 % interval over samples.
            least: how many `first` are, at least 2k.
            most: the most samples that count of a problem.

        Raises:
            ValueError: not 2k ≤ least ≤ most.
        """
        prior = _prior(*first)
        problems = len(np.atleast_1d(first[1]))
        pairs = np.zeros((problems, 2), np.int64) if scouts is None else np.stack(scouts, axis=1)
        alike, group = np.unique(pairs, axis=0, return_inverse=True)
        chances = prior * _likelihood(alike[:, 0], alike[:, 1])
        sizes = np.bincount(group.reshape(-1)).astype(np.float64)
        path = Path.of(chances / chances.sum(axis=1, keepdims=True), sizes, k, least, most)
        return cls(path, group.reshape(-1), half_width)

    def following(self, n: npt.ArrayLike, c: npt.ArrayLike, asked: Integers) -> Integers | None:
        """Return how many samples each problem is to have next; None where that is enough.

        Args:
            n: samples with a verdict of each problem.
            c: those that passed.
            asked: samples of each problem that were asked for.
        """
        reached, total = half_width_of(n, c, self.path.k), float(asked.sum())
        if reached <= self.half_width or total >= self.path.bounds[1]:
            return None
        missing = total * ((reached / self.half_width) ** 2 - 1)
        wanted = total + min(max(_CARE * missing, (_LEAST_MORE - 1) * total), (_MOST_MORE - 1) * total)
        while True:
            samples = np.maximum(self.path.samples(wanted)[self.group], asked)
            if samples.sum() > total:
                return samples
            wanted *= _LEAST_MORE  # the next step of the path is larger than that


def half_width_of(n: npt.ArrayLike, c: npt.ArrayLike, k: int) -> float:
    """Return half the length of pass@k's 95 % interval over samples."""
    low, high = score(Metric(PASS, k), n, c).over_samples.ci95 or (0.0, 1.0)
    return (high - low) / 2


@functools.cache
def _rates() -> Floats:
    inner = 1 / (1 + np.exp(-np.linspace(-_FARTHEST, _FARTHEST, _LOGITS)))
    return np.array([0.0, *inner, 1.0])


def _likelihood(n: Integers, c: Integers) -> Floats:
    """Return how likely the samples are at each rate, as a share of the likeliest; a row a problem."""
    rates = _rates()
    # As logarithms, since hundreds of samples leave nothing of a product.
    with np.errstate(divide="ignore", invalid="ignore"):
        passed = np.where(c[:, None] > 0, c[:, None] * np.log(rates), 0.0)
        failed = np.where((n - c)[:, None] > 0, (n - c)[:, None] * np.log1p(-rates), 0.0)
    logs = passed + failed
    return np.asarray(np.exp(logs - logs.max(axis=1, keepdims=True)))


def _prior(n: npt.ArrayLike, c: npt.ArrayLike) -> Floats:
    """Return the distribution of the rates that makes the samples most likely, with some of a flat one."""
    correct = np.atleast_1d(np.asarray(c, dtype=np.int64))
    likelihood = _likelihood(np.broadcast_to(np.asarray(n, dtype=np.int64), correct.shape), correct)
    flat = np.full(len(_rates()), 1 / len(_rates()))
    prior = flat
    for _ in range(_FITS):
        chances = likelihood * prior
        chances /= chances.sum(axis=1, keepdims=True)
        prior = _FLAT * flat + (1 - _FLAT) * chances.mean(axis=0)
    return prior


@functools.lru_cache(maxsize=16)
def _variances(steps: tuple[int, ...], k: int) -> Floats:
    """Return the variance of pass@k from so many samples, a row a step and a column a rate.

    Two choices of k samples out of n share j with the chance C(k,j)·C(n-k,k-j)/C(n,k), and then both fail
    with q^(2k-j).
    """
    fails = 1 - _rates()
    shared = np.arange(1, k + 1)
    powers = fails[None, :] ** (2 * k - shared)[:, None] - fails[None, :] ** (2 * k)
    log = np.array([math.lgamma(number + 1) for number in range(max(steps) + 1)])
    rows = []
    for n in steps:
        fresh = k - shared
        pairs = log[k] - log[shared] - log[fresh] + log[n - k] - log[fresh] - log[n - k - fresh]
        rows.append(np.exp(pairs - (log[n] - log[k] - log[n - k])) @ powers)
    return np.array(rows)
