"""The one list of metrics: what each is worth by the counts of a problem, and which intervals it has.

Whoever reports, reads or shows a metric asks `FAMILIES`; a new metric is one `register(Family(…))` here and
nothing elsewhere. In the name of a family K stands for the budget, T for a share of it or of all samples, and
N for a number of submissions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from passk_tasks.statistics.estimators import (
    bayes_at_k,
    bayes_variance,
    g_pass_at_k,
    mg_pass_at_k,
    n_at_k,
    pass_at_k,
    pass_hat_k,
    sampling_variance,
)
from passk_tasks.statistics.intervals import Estimate, credible, over_problems, over_samples_of

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

PASS, BASE_PASS, HAT, G_PASS, MG_PASS = "pass@K", "base_pass@K", "pass^K", "g-pass@K_T", "mg-pass@K"
SUBMISSIONS = "N@K"
AVG, BAYES, COVER, MAJ = "avg@K", "bayes@K", "cover@T", "maj@K"
KEPT = "kept_"
"""Before the name of a pass@K whose n leaves out what the benchmark's own program leaves out of it."""

MAX = "max@"
"""Before the budget in the name of the largest share of cases that hold: of samples, not of their counts."""

_NUMBERS = {"K": "([1-9][0-9]*)", "T": "([0-9.]+)", "N": "([1-9][0-9]*)"}  # how the letters are written
_EXAMPLES = {"K": "10", "T": "0.5", "N": "5"}


class Counts(NamedTuple):
    """What the samples of each problem came to; the arrays have one number a problem.

    Attributes:
        n: samples with a verdict.
        c: those that passed.
        base: those that passed the base stage of the tests; None where the tests have none.
    """

    n: Integers
    c: Integers
    base: Integers | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of a family.

    Attributes:
        family: a key of `FAMILIES`.
        k: budget; 1 where the family's name has no K.
        parameter: the T or N of the family's name; None where it has neither.
    """

    family: str
    k: int
    parameter: float | None = None

    def __post_init__(self) -> None:
        if self.family not in FAMILIES or self.k < 1 or ("K" not in self.family and self.k != 1):
            raise ValueError(f"there is no metric {self.family} with the budget {self.k}")
        if (self.parameter is not None) != bool(set("TN") & set(self.family)):
            raise ValueError(f"the metric {self.family} needs a number for each of its capitals and no more")
        if "T" in self.family and not 0 <= (self.parameter or 0.0) <= 1:
            raise ValueError(f"the metric {_example(self.family)} needs a share in [0, 1]")

    @classmethod
    def parse(cls, name: str) -> Metric:
        """Return the metric with this name.

        Raises:
            ValueError: there is none.
        """
        for family in FAMILIES:
            letters = [letter for letter in family if letter in _NUMBERS]
            pattern = "".join(_NUMBERS.get(char, re.escape(char)) for char in family)
            if match := re.fullmatch(pattern, name.strip(), re.IGNORECASE):
                given = dict(zip(letters, match.groups(), strict=True))
                k = int(given.pop("K", "1"))
                try:
                    return cls(family, k, *map(float, given.values()))
                except ValueError as error:
                    raise ValueError(f"there is no metric {name!r}: {error}") from None
        *others, last = map(_example, FAMILIES)
        raise ValueError(f"there is no metric {name!r}: write {', '.join(others)} or {last}")

    @property
    def name(self) -> str:
        """The name that `parse` takes."""
        return _written(self.family, {"K": str(self.k), **dict.fromkeys("TN", f"{self.parameter or 0:g}")})

    @property
    def of_base(self) -> bool:
        """Whether it needs the counts of the base stage."""
        return FAMILIES[self.family].of_base

    @property
    def on_grid(self) -> bool:
        """Whether its values are multiples of 1/n for k = 1, and 0 or 1 for k = n."""
        return FAMILIES[self.family].on_grid

    def values(self, n: npt.ArrayLike, c: npt.ArrayLike, base: npt.ArrayLike | None = None) -> Floats:
        """Return the estimate for each problem, from n samples of which c are correct.

        Args:
            n: samples of each problem.
            c: those that passed.
            base: those that passed the base stage of the tests; for metrics `of_base`.

        Raises:
            ValueError: as `estimators.pass_at_k`, or `base` is needed and missing.
        """
        return FAMILIES[self.family].values(self._counts(n, c, base), self)

    def variances(
        self, n: npt.ArrayLike, c: npt.ArrayLike, base: npt.ArrayLike | None = None
    ) -> Floats | None:
        """Return the unbiased estimate of each value's variance over samples; None where there is none.

        There is none where some problem has fewer than two draws: the estimate of the square of the mean is
        taken over pairs of them that share no sample, see arXiv:2512.21326 for pass@k. Arguments are those of
        `values`.
        """
        counts, variances = self._counts(n, c, base), FAMILIES[self.family].variances
        return None if variances is None or np.any(self.draws(counts.n) > 0.5) else variances(counts, self)

    def draws(self, n: npt.ArrayLike) -> Floats:
        """Return the share of each problem's samples that one draw takes."""
        family, samples = FAMILIES[self.family], np.asarray(n)
        return np.asarray((samples if family.whole else 1 if family.single else self.k) / samples)

    def _counts(self, n: npt.ArrayLike, c: npt.ArrayLike, base: npt.ArrayLike | None) -> Counts:
        if self.of_base and base is None:
            raise ValueError(f"the metric {self.name} needs tests with a base stage")
        arrays = [np.asarray(array) for array in (n, c, base) if array is not None]
        return Counts(*map(np.atleast_1d, np.broadcast_arrays(*arrays)))


Values = Callable[[Counts, Metric], Floats]
"""What each problem's counts are worth by a metric, or how much that varies."""


@dataclass(frozen=True)
class Family:
    """An entry of the list: metrics that differ by their budget and their parameter.

    Attributes:
        name: with capitals for numbers, e.g. `g-pass@K_T`.
        meaning: for people, in these letters.
        values: the estimate for each problem, from its counts.
        variances: the unbiased variance of each value over samples, for n ≥ 2k; None where none is known, so
            that the uncertainty over samples is the bound.
        of_base: whether the counts of the base stage are needed.
        posterior: variance of what each problem's true worth may be, given its samples; None where the
            uncertainty over samples is that of another run.
        on_grid: see `Metric.on_grid`; pairs of such metrics are compared by exact tests.
        single: whether each sample by itself is a draw, instead of K together.
        whole: whether all samples of a problem are one draw, however many they are.
        reported: the parameters for which a scoring reports the metric unasked, by budget and by the numbers
            of submissions that the benchmark allows.
    """

    name: str
    meaning: str
    values: Values
    variances: Values | None = None
    posterior: Values | None = None
    of_base: bool = False
    on_grid: bool = False
    single: bool = False
    whole: bool = False
    reported: Callable[[int, Sequence[int]], Iterable[float | None]] = lambda _k, _submissions: ()


FAMILIES: dict[str, Family] = {}
"""All metrics, by the family's name, in the order in which results have them."""


def register(family: Family) -> None:
    """Add a family to the list."""
    FAMILIES[family.name] = family


def reported(ks: Sequence[int], *, base: bool, submissions: Sequence[int] = ()) -> list[Metric]:
    """Return the metrics that a scoring reports unasked.

    Args:
        ks: the budgets.
        base: whether the tests have a base stage.
        submissions: numbers of submissions that the benchmark allows.
    """
    return [
        Metric(family.name, k, parameter)
        for family in FAMILIES.values()
        if base or not family.of_base
        for k in ks
        for parameter in family.reported(k, submissions)
    ]


def _always(_k: int, _submissions: Sequence[int]) -> tuple[None]:
    return (None,)


def _over_pairs(counts: Counts, metric: Metric) -> Floats:
    """Variance of a mean, over all choices of k of n samples, of what depends on how many of them passed."""
    # n and c are few different pairs, however many problems there are.
    pairs, where = np.unique(np.stack([counts.n, counts.c]), axis=1, return_inverse=True)
    n, c = pairs
    square = np.zeros(n.shape)
    for passed in range(metric.k + 1):
        kernel = metric.values(metric.k, passed)[0]  # of k samples, nothing is left to chance
        possible = (passed <= c) & (metric.k - passed <= n - c)
        if not kernel or not possible.any():
            continue
        left, right = n[possible], c[possible]
        chance = _exactly(left, right, metric.k, passed)
        square[possible] += kernel * chance * metric.values(left - metric.k, right - passed)
    return np.asarray(metric.values(n, c) ** 2 - square)[where.reshape(-1)]


def _exactly(n: Integers, c: Integers, k: int, passed: int) -> Floats:
    """Probability that exactly so many of k drawn out of n are correct."""
    beyond = g_pass_at_k(n, c, k, (passed + 1) / k) if passed < k else np.zeros(n.shape)
    reached = g_pass_at_k(n, c, k, passed / k) if passed else np.ones(n.shape)
    return np.asarray(reached - beyond)


def _base(counts: Counts) -> Integers:
    assert counts.base is not None
    return counts.base


def _cover(counts: Counts, metric: Metric) -> Floats:
    # Of all n samples nothing is left to chance: 1 where at least the share T passes, else 0.
    return np.asarray(g_pass_at_k(counts.n, counts.c, counts.n, metric.parameter or 0.0))


def _n_at_k(counts: Counts, metric: Metric) -> Floats:
    rows = zip(counts.n.tolist(), _base(counts).tolist(), counts.c.tolist(), strict=True)
    return np.array([n_at_k(n, base, c, int(metric.parameter or 0), metric.k) for n, base, c in rows])


for _family in (
    Family(
        PASS,
        "any of K samples passes",
        lambda counts, metric: pass_at_k(counts.n, counts.c, metric.k),
        lambda counts, metric: sampling_variance(counts.n, counts.c, metric.k),
        on_grid=True,
        reported=_always,
    ),
    Family(
        BASE_PASS,
        "any of K samples passes the base stage of the tests",
        lambda counts, metric: pass_at_k(counts.n, _base(counts), metric.k),
        lambda counts, metric: sampling_variance(counts.n, _base(counts), metric.k),
        of_base=True,
        on_grid=True,
        reported=_always,
    ),
    Family(
        SUBMISSIONS,
        "any of N submissions passes, drawn from those of K samples that pass the base stage",
        _n_at_k,
        of_base=True,
        # With as many submissions as samples it is pass@k.
        reported=lambda k, submissions: [n for n in submissions if n < k],
    ),
    Family(
        HAT,
        "all of K samples pass",
        lambda counts, metric: pass_hat_k(counts.n, counts.c, metric.k),
        # The mirror of pass@k: no failure among k.
        lambda counts, metric: sampling_variance(counts.n, counts.n - counts.c, metric.k),
        on_grid=True,
    ),
    Family(
        G_PASS,
        "at least the share T of K samples passes",
        lambda counts, metric: g_pass_at_k(counts.n, counts.c, metric.k, metric.parameter or 0.0),
        _over_pairs,
    ),
    Family(
        MG_PASS,
        "the mean of g-pass@K_T over T from 0.5 to 1",
        lambda counts, metric: mg_pass_at_k(counts.n, counts.c, metric.k),
        _over_pairs,
    ),
    Family(
        AVG,
        "the mean of K samples; pass@1 by another name",
        lambda counts, _: pass_at_k(counts.n, counts.c, 1),
        lambda counts, _: sampling_variance(counts.n, counts.c, 1),
        single=True,
    ),
    Family(
        BAYES,
        "what K samples make one believe of pass@1, from a uniform prior; the interval is a credible one",
        lambda counts, metric: bayes_at_k(counts.n, counts.c, metric.k),
        posterior=lambda counts, metric: bayes_variance(counts.n, counts.c, metric.k),
        single=True,
    ),
    Family(COVER, "the share of problems of whose samples at least the share T passes", _cover, whole=True),
    Family(
        MAJ,
        "more than half of K samples pass, so that they win every vote where outputs are compared",
        lambda counts, metric: g_pass_at_k(counts.n, counts.c, k := metric.k, (k // 2 + 1) / k),
        _over_pairs,
    ),
):
    register(_family)


@dataclass(frozen=True, slots=True)
class Score:
    """A metric over a problem set.

    Attributes:
        name: of the metric; in results of a newer version it may be one that `Metric.parse` does not know.
        over_problems: its uncertainty if other problems were asked; clustered where clusters were given.
        over_samples: its uncertainty if these problems were asked again; of bayes@K the credible interval.
    """

    name: str
    over_problems: Estimate
    over_samples: Estimate

    @property
    def value(self) -> float:
        """The score, in [0, 1]."""
        return self.over_problems.value

    def as_dict(self) -> dict[str, object]:
        """Return the score as JSON has it; no standard error stands there without its name."""
        return {
            "value": self.value,
            "over_problems": self.over_problems.as_dict(),
            "over_samples": self.over_samples.as_dict(),
        }


def score(
    metric: Metric,
    n: npt.ArrayLike,
    c: npt.ArrayLike,
    clusters: Sequence[Hashable] | None = None,
    base: npt.ArrayLike | None = None,
) -> Score:
    """Return a metric of a problem set with both of its uncertainties.

    Args:
        metric: the metric.
        n: samples of each problem, at least k.
        c: correct ones among them.
        clusters: what each problem shares with others; None for problems that share nothing.
        base: those that passed the base stage of the tests, for metrics `of_base`.

    Raises:
        ValueError: as in `Metric.values` and `intervals.over_problems`.
    """
    values = metric.values(n, c, base)
    posterior = FAMILIES[metric.family].posterior
    if posterior is not None:
        over_samples = credible(values, posterior(metric._counts(n, c, base), metric))
    else:
        draws = metric.draws(np.broadcast_to(np.asarray(n), values.shape))
        over_samples = over_samples_of(values, metric.variances(n, c, base), draws)
    return Score(metric.name, over_problems(values, clusters), over_samples)


def _written(family: str, numbers: dict[str, str]) -> str:
    return "".join(numbers.get(char, char) for char in family)


def _example(family: str) -> str:
    return _written(family, _EXAMPLES)
