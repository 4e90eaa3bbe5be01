"""What a stored run's samples cost, what it solves for that, and runs compared where each spends the same.

The budget is one for each problem, on average: in money where every run names its prices, else in tokens,
those of prompts and of answers added up.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from passk_tasks.errors import UsageError
from passk_tasks.results import joining
from passk_tasks.results.model import Run
from passk_tasks.results.spent import Spent
from passk_tasks.statistics import paired, spending
from passk_tasks.statistics.paired import Difference
from passk_tasks.statistics.spending import CostPoint

MONEY, TOKENS = "money", "tokens"


@dataclass(frozen=True)
class CostCurve:
    """pass@cost of a run.

    Attributes:
        unit: `MONEY` or `TOKENS`.
        a_sample: what a sample costs, on average over problems.
        points: by budget.
    """

    unit: str
    a_sample: float
    points: tuple[CostPoint, ...]

    def as_dict(self) -> dict[str, object]:
        """Return the curve as JSON has it."""
        return {
            "unit": self.unit,
            "per_sample": self.a_sample,
            "points": [point.as_dict() for point in self.points],
        }


@dataclass(frozen=True)
class AtCost:
    """Runs at one budget a problem.

    Attributes:
        unit: `MONEY` or `TOKENS`.
        points: one for each run.
        pairs: of numbers of runs, with second minus first; p as it is, without regard to other pairs.
    """

    unit: str
    points: tuple[CostPoint, ...]
    pairs: Mapping[tuple[int, int], Difference]

    @property
    def budget(self) -> float:
        """What each run may spend on a problem, on average."""
        return self.points[0].budget

    def as_dict(self, label: Callable[[int], str]) -> dict[str, object]:
        """Return it as JSON has it; `label` names a run by its number."""
        return {
            "unit": self.unit,
            "budget": self.budget,
            "scores": [point.as_dict() for point in self.points],
            "pairs": [
                {"first": label(first), "second": label(second), **difference.as_dict()}
                for (first, second), difference in self.pairs.items()
            ],
        }


def unit_of(runs: Sequence[Run]) -> str | None:
    """Return in what the runs can be compared; None where some run's samples were not counted."""
    if not all(run.cost is not None and run.cost.all_counted for run in runs):
        return None
    return MONEY if all(run.cost is not None and run.cost.price is not None for run in runs) else TOKENS


def a_sample(run: Run, task_ids: Sequence[str], unit: str) -> float | None:
    """Return what a sample of a run costs, on average over problems; None where that is not known, or 0."""
    means = []
    for task_id in task_ids:
        costs = [_cost(run, spent, unit) for spent in run.spent.get(task_id, ()) if spent is not None]
        if not costs:
            return None
        means.append(sum(costs) / len(costs))
    return sum(means) / len(means) or None


def curve(
    run: Run,
    budgets: Sequence[float] | None = None,
    clusters: Mapping[str, Hashable] | None = None,
    unit: str | None = None,
) -> CostCurve | None:
    """Return pass@cost of a run; None where nobody counted what its samples took.

    Raises:
        UsageError: a budget beyond the samples, or no sample has a verdict.
    """
    unit = unit or unit_of([run])
    task_ids, n, c = joining.counted(run)
    each = None if unit is None else a_sample(run, task_ids, unit)
    if unit is None or each is None:
        return None
    shared = joining.shared([run], task_ids, clusters)
    try:
        points = spending.cost_curve(n, c, each, budgets, shared)
    except ValueError as error:
        raise UsageError(f"{run.path}: {error}") from None
    return CostCurve(unit, each, tuple(points))


def compare(
    runs: Sequence[Run],
    task_ids: Sequence[str],
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> tuple[AtCost, ...]:
    """Return runs at two budgets: a sample of the dearest, and the most that every run has samples for."""
    unit = unit_of(runs)
    if unit is None:
        return ()
    each = [cost for run in runs if (cost := a_sample(run, task_ids, unit)) is not None]
    if len(each) < len(runs):
        return ()
    counted = [joining.counts_of(run, task_ids) for run in runs]
    most = min(cost * int(counts.n.min()) for cost, counts in zip(each, counted, strict=True))
    compared = []
    for budget in sorted({min(max(each), most), most}):
        points, values = [], []
        for cost, counts in zip(each, counted, strict=True):
            points += spending.cost_curve(counts.n, counts.c, cost, [budget], clusters)
            values.append(spending.pass_at(counts.n, counts.c, points[-1].k))
        pairs = {
            (i, j): paired.difference(values[i], values[j], clusters=clusters, seed=seed)
            for i, j in itertools.combinations(range(len(runs)), 2)
        }
        compared.append(AtCost(unit, tuple(points), pairs))
    return tuple(compared)


def _cost(run: Run, spent: Spent, unit: str) -> float:
    tokens_in, tokens_out = spent.tokens_in or 0, spent.tokens_out or 0
    if unit == TOKENS or run.cost is None or run.cost.price is None:
        return tokens_in + tokens_out
    return run.cost.price.of(tokens_in, tokens_out)
