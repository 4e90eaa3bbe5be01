"""What single changes did to a score, and how a difference splits into the model's part and the tooling's.

Mathematics only, on the scores of each problem in each run; who differs from whom in what is known above.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passk_tasks.statistics import paired
from passk_tasks.statistics.paired import Difference

Floats = npt.NDArray[np.float64]


def effects(
    values: Sequence[npt.ArrayLike],
    changes: Sequence[Sequence[tuple[int, int]]],
    *,
    grid: int | None = None,
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> list[tuple[Difference, float]]:
    """Return for each change its paired difference, and its p-value by Holm's method over all of them.

    The pairs of runs of one change are averaged, problem by problem, before anything is tested: repeated runs
    and other circumstances are no further problems.

    Args:
        values: a score in [0, 1] for each problem, for each run.
        changes: for each the pairs of runs that it is seen in: number of the run before, and after.
        grid: all scores are multiples of 1/grid, see `paired.difference`.
        clusters: the cluster of each problem.
        seed: for sign flips, if they are drawn at random.

    Raises:
        ValueError: as `paired.difference`, or for a change without pairs.
    """
    scores = [np.asarray(of_run, dtype=np.float64) for of_run in values]
    found = []
    for pairs in changes:
        if not pairs:
            raise ValueError("a change must be seen in at least one pair of runs")
        before, after = (np.mean([scores[pair[side]] for pair in pairs], axis=0) for side in (0, 1))
        fine = None if grid is None else grid * len(pairs)
        found.append(paired.difference(before, after, grid=fine, clusters=clusters, seed=seed))
    return list(zip(found, paired.holm([difference.p for difference in found]), strict=True))


def uneven(
    values: Sequence[npt.ArrayLike],
    changes: Sequence[Sequence[tuple[int, int]]],
    *,
    grid: int | None = None,
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> list[float]:
    """Return for each change the p-value of its pairs' doing the same, by Holm's method over all pairs.

    Each pair's difference is held against the mean of the change's other pairs. A change with one pair has 1.
    Arguments are those of `effects`.
    """
    scores = [np.asarray(of_run, dtype=np.float64) for of_run in values]
    owners, found = [], []
    for number, pairs in enumerate(changes):
        for i, (before, after) in enumerate(pairs):
            if others := [pair for j, pair in enumerate(pairs) if j != i]:
                first, second = (np.mean([scores[pair[side]] for pair in others], axis=0) for side in (0, 1))
                fine = None if grid is None else 2 * grid * len(others)
                one, two = (scores[after] + first) / 2, (scores[before] + second) / 2
                owners.append(number)
                found.append(paired.difference(one, two, grid=fine, clusters=clusters, seed=seed).p)
    smallest = [1.0] * len(changes)
    for number, p in zip(owners, paired.holm(found), strict=True):
        smallest[number] = min(smallest[number], p)
    return smallest


@dataclass(frozen=True, slots=True)
class Split:
    """The difference of two runs, taken apart by judging the generations of both both ways.

    Attributes:
        total: second run judged its own way minus first run judged its own way.
        model: the part of the generations: second run's minus first run's, mean of both ways of judging.
        tooling: the part of the judging: second way minus first way, mean over both runs' generations.
            `model.value + tooling.value` is `total.value`.
    """

    total: Difference
    model: Difference
    tooling: Difference


def split(
    judged: Sequence[Sequence[npt.ArrayLike]],
    *,
    grid: int | None = None,
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> Split:
    """Take a difference apart; with two parts these are their Shapley values.

    Args:
        judged: `judged[run][way]`, a score in [0, 1] for each problem: run and way are 0 for the first, 1 for
            the second.
        grid: all scores are multiples of 1/grid, see `paired.difference`.
        clusters: the cluster of each problem.
        seed: for sign flips, if they are drawn at random.

    Raises:
        ValueError: as `paired.difference`.
    """
    scores = np.asarray(judged, dtype=np.float64)

    def difference(before: Floats, after: Floats, fine: int) -> Difference:
        steps = None if grid is None else grid * fine
        return paired.difference(before, after, grid=steps, clusters=clusters, seed=seed)

    return Split(
        total=difference(scores[0, 0], scores[1, 1], 1),
        model=difference(scores[0].mean(axis=0), scores[1].mean(axis=0), 2),
        tooling=difference(scores[:, 0].mean(axis=0), scores[:, 1].mean(axis=0), 2),
    )
