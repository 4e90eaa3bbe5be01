"""Stored runs against each other: conditions, paired differences, ranking, what changed problem by problem.

    runs -> conditions that differ -> problems in common -> a difference for each pair -> groups

Nothing here executes anything; `paired` has the statistics.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from passk_tasks.errors import UsageError
from passk_tasks.results import joining
from passk_tasks.results.model import Run
from passk_tasks.statistics import metrics as metrics_module
from passk_tasks.statistics import paired
from passk_tasks.statistics.metrics import PASS, Counts, Metric, Score
from passk_tasks.statistics.paired import Difference
from passk_tasks.text import summary
from passk_tasks.verdict import Outcome

UNLIKE = ("dataset", "version")
"""Conditions without which numbers of the same name mean different things."""

LOST, GAINED = "lost", "gained"


@dataclass(frozen=True)
class Condition:
    """A condition that is not the same for all runs.

    Attributes:
        name: which; `sampling.top_p` for a part of one.
        values: of each run, None where it did not record it.
        unlike: whether the numbers mean different things for it.
    """

    name: str
    values: tuple[Any, ...]
    unlike: bool = False

    def shown(self) -> list[str]:
        """Return the values as people read them: hashes by their first digits where these differ."""
        short = [v[:12] if isinstance(v, str) and len(v) == 64 and v.isalnum() else v for v in self.values]
        alike = len(set(map(repr, short))) != len(set(map(repr, self.values)))
        return [_shown(value) for value in (self.values if alike else short)]


@dataclass(frozen=True)
class Pair:
    """Two of the runs on one metric.

    Attributes:
        first: number of the earlier one, from 0.
        second: number of the later one.
        difference: second minus first, over problems.
        over_samples: 95 % interval of the difference if both ran again over these very problems; None where
            that is not known.
        p_adjusted: p-value by Holm's method over all pairs of runs on this metric.
        mcnemar: problems that only the first solved, that only the second solved, and the exact p-value; for
            one sample a problem.
    """

    first: int
    second: int
    difference: Difference
    over_samples: tuple[float, float] | None
    p_adjusted: float
    mcnemar: tuple[int, int, float] | None

    @property
    def apart(self) -> bool:
        """Whether the two are told apart, p < 0.05 after adjustment."""
        return self.p_adjusted < 0.05


@dataclass(frozen=True)
class Change:
    """A problem whose pass rate is not what it was.

    Attributes:
        task_id: which.
        before: (n, c) in the first run.
        after: (n, c) in the last run.
        verdicts_before: how many of its samples ended with each verdict, the most frequent first.
        verdicts_after: the same of the last run.
    """

    task_id: str
    before: tuple[int, int]
    after: tuple[int, int]
    verdicts_before: Mapping[str, int]
    verdicts_after: Mapping[str, int]

    @property
    def flip(self) -> str | None:
        """`LOST`, `GAINED`, or None where it is solved at times in both runs or in neither."""
        if bool(self.before[1]) == bool(self.after[1]):
            return None
        return LOST if self.before[1] else GAINED

    @property
    def difference(self) -> float:
        """Pass rate after minus before."""
        return self.after[1] / self.after[0] - self.before[1] / self.before[0]


@dataclass(frozen=True)
class Comparison:
    """Any number of runs over the problems they share.

    Attributes:
        runs: at least two, in the order given.
        problems: the task_ids that all of them have samples of.
        left_out: how many problems some run has and another has not.
        conditions: those that differ, unlike ones first.
        unrecorded: those that some run did not record and the others have.
        metrics: pass@1 first, asked for or not, so that a strong pass@k cannot hide a poor single shot.
        primary: the one that decides ranking and regression.
        scores: of each metric, one for each run.
        pairs: of each metric, all pairs of runs.
        order: numbers of the runs, the best first.
        groups: numbers of runs that cannot be told apart, in the order of the ranking.
        changes: from the first run to the last, the worst first.
        warnings: what a person must know to read the numbers rightly.
    """

    runs: tuple[Run, ...]
    problems: tuple[str, ...]
    left_out: int
    conditions: tuple[Condition, ...]
    unrecorded: tuple[str, ...]
    metrics: tuple[Metric, ...]
    primary: Metric
    scores: Mapping[str, tuple[Score, ...]]
    pairs: Mapping[str, tuple[Pair, ...]]
    order: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]
    changes: tuple[Change, ...]
    warnings: tuple[str, ...] = ()

    @property
    def first_to_last(self) -> Pair:
        """The first run against the last on the primary metric."""
        pairs = self.pairs[self.primary.name]
        return next(pair for pair in pairs if (pair.first, pair.second) == (0, len(self.runs) - 1))

    @property
    def regressed(self) -> bool:
        """Whether the last run is worse than the first beyond noise; one question, so p is not adjusted."""
        difference = self.first_to_last.difference
        return difference.value < 0 and difference.beyond_noise

    @property
    def conclusion(self) -> str:
        """One sentence: which of the first and the last run is better, or that nothing is shown."""
        pair = self.first_to_last
        one, name, last = pair.difference, self.primary.name, label(len(self.runs) - 1)
        shown = summary.p_value(one.p)
        p = f"p {shown}" if shown.startswith("<") else f"p = {shown}"
        if one.beyond_noise:
            better = "better" if one.value > 0 else "worse"
            return f"{last} is {better} than A by {abs(one.value):.4f} of {name}, beyond noise ({p})."
        reach = f", which may be from {summary.interval(one.ci95, signed=True)}" if one.ci95 else ""
        return f"No difference in {name} between A and {last} is shown ({p}){reach}."

    def as_dict(self) -> dict[str, object]:
        """Return the object of `passk compare --json`."""
        return {
            "runs": [
                {"label": label(i), "path": str(run.path), "model": run.model, "task": run.task}
                | {"date": None if run.date is None else run.date.isoformat()}
                for i, run in enumerate(self.runs)
            ],
            "problems": len(self.problems),
            "left_out": self.left_out,
            "conditions": [
                {"name": one.name, "values": list(one.values), "unlike": one.unlike}
                for one in self.conditions
            ],
            "unrecorded": list(self.unrecorded),
            "metrics": {
                metric.name: {
                    "scores": [score.as_dict() for score in self.scores[metric.name]],
                    "pairs": [_pair_as_dict(pair) for pair in self.pairs[metric.name]],
                }
                for metric in self.metrics
            },
            "primary": self.primary.name,
            "ranking": [label(i) for i in self.order],
            "groups": [[label(i) for i in group] for group in self.groups],
            "regressed": self.regressed,
            "changes": [
                {
                    "task_id": change.task_id,
                    "flip": change.flip,
                    "before": {"n": change.before[0], "c": change.before[1]}
                    | {"verdicts": dict(change.verdicts_before)},
                    "after": {"n": change.after[0], "c": change.after[1]}
                    | {"verdicts": dict(change.verdicts_after)},
                }
                for change in self.changes
            ],
            "warnings": list(self.warnings),
        }


def compare(
    runs: Sequence[Run],
    *,
    metrics: Sequence[Metric] | None = None,
    anyway: bool = False,
    clusters: Mapping[str, Hashable] | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare runs over the problems that all of them have samples of.

    Args:
        runs: at least two; the last one is the one under test.
        metrics: what to compare, the first one decides; pass@1 and the budgets of all runs where None.
        anyway: compare even where conditions differ that make the numbers unlike.
        clusters: what problems share, by task_id; what the benchmark says where None.
        seed: of the sign flips, where they are drawn.

    Raises:
        UsageError: fewer than two runs, no problem in common, a budget beyond n, or unlike conditions.
    """
    if len(runs) < 2:
        given = "".join(f", and {run.path} holds one run ({run.task} of {run.name})" for run in runs)
        raise UsageError(f"a comparison needs at least two runs{given}; name another one")
    counts = []
    for run in runs:
        task_ids, run_n, run_c = joining.counted(run)
        counts.append(dict(zip(task_ids, zip(run_n.tolist(), run_c.tolist(), strict=True), strict=True)))
    problems = sorted(set.intersection(*(set(one) for one in counts)))
    everywhere = set.union(*(set(one) for one in counts))
    differing, unrecorded = conditions(runs, problems)
    if not problems:
        first = ", ".join(f"{run.path} has {next(iter(one))}" for run, one in zip(runs, counts, strict=True))
        raise UsageError(f"the runs have no problem in common: {first}, …")
    unlike = [one for one in differing if one.unlike]
    if unlike and not anyway:
        shown = "; ".join(f"{one.name}: {_values(one)}" for one in unlike)
        raise UsageError(
            f"these runs measured different things ({shown}); --anyway compares the problems they share"
        )
    counted = [joining.counts_of(run, problems) for run in runs]
    n = np.array([one.n for one in counted])
    asked = list(metrics or default_metrics(runs, int(n.min())))
    chosen = tuple(dict.fromkeys([Metric(PASS, 1), *asked]))
    for metric in chosen:
        joining.require_base(metric, runs)
    for run, one in zip(runs, counts, strict=True):
        joining.check_budgets(run, chosen, {task_id: one[task_id][0] for task_id in problems})
    shared = joining.shared(runs, problems, clusters)
    scores, pairs = {}, {}
    for metric in chosen:
        found = tuple(metrics_module.score(metric, one.n, one.c, shared, one.base) for one in counted)
        scores[metric.name] = found
        pairs[metric.name] = _pairs(metric, counted, found, shared, seed)
    primary = asked[0]
    order = sorted(range(len(runs)), key=lambda i: -scores[primary.name][i].value)
    return Comparison(
        runs=tuple(runs),
        problems=tuple(problems),
        left_out=len(everywhere) - len(problems),
        conditions=differing,
        unrecorded=unrecorded,
        metrics=chosen,
        primary=primary,
        scores=scores,
        pairs=pairs,
        order=tuple(order),
        groups=_groups(pairs[primary.name], order),
        changes=_changes(runs[0], runs[-1], problems),
        warnings=tuple(_warnings(runs)),
    )


def conditions(runs: Sequence[Run], problems: Sequence[str]) -> tuple[tuple[Condition, ...], tuple[str, ...]]:
    """Return the conditions that differ between runs, and the names of those that only some recorded.

    Args:
        runs: at least two.
        problems: task_ids that all have; prompts are compared over these.
    """
    flat = [_flat(run, problems) for run in runs]
    if not all(run.prompts.keys() >= set(problems) for run in runs):
        for one, run in zip(flat, runs, strict=True):  # what is known of all: the template
            one["prompt"] = run.conditions.prompt
    names = list(dict.fromkeys(name for one in flat for name in one))
    same_task = len({run.task for run in runs}) == 1
    differing, unrecorded = [], []
    for name in names:
        values = tuple(one.get(name) for one in flat)
        known = {repr(value) for value in values if value is not None}
        if len(known) > 1:
            # Versions are numbers of their own task.
            unlike = name in UNLIKE and (name != "version" or same_task)
            differing.append(Condition(name, values, unlike))
        elif known and None in values:
            unrecorded.append(name)
    return tuple(sorted(differing, key=lambda one: not one.unlike)), tuple(unrecorded)


def default_metrics(runs: Sequence[Run], fewest: int) -> list[Metric]:
    """Return pass@1, and pass@k for the budgets that all runs were asked for and have samples for."""
    common = set.intersection(*(set(run.k) for run in runs))
    return [Metric(PASS, k) for k in sorted({1, *common}) if k <= fewest]


def label(number: int) -> str:
    """Return the letter of a run: A, B, …, Z, AA, …."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _shown(value: Any) -> str:
    if value is None:
        return "?"
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _flat(run: Run, problems: Sequence[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in run.conditions.as_dict().items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{part}": one for part, one in value.items()}
        else:
            found[name] = value
    if problems and all(task_id in run.prompts for task_id in problems):
        joined = "\n".join(run.prompts[task_id] for task_id in problems)
        found["prompt"] = hashlib.sha256(joined.encode()).hexdigest()
    return found


def _pairs(
    metric: Metric,
    counted: Sequence[Counts],
    scores: Sequence[Score],
    clusters: Sequence[Hashable] | None,
    seed: int,
) -> tuple[Pair, ...]:
    values = [metric.values(*counts) for counts in counted]
    n = np.array([counts.n for counts in counted])
    grid = None
    if metric.on_grid:
        grid = paired.lcm(n) if metric.k == 1 else 1 if (n == metric.k).all() else None
    numbers = list(itertools.combinations(range(len(n)), 2))
    found = [
        paired.difference(values[i], values[j], grid=grid, clusters=clusters, seed=seed) for i, j in numbers
    ]
    adjusted = paired.holm([one.p for one in found])
    pairs = []
    for (i, j), one, p in zip(numbers, found, adjusted, strict=True):
        only = None
        if (n[[i, j]] == 1).all():
            lost, gained = int(np.sum(values[i] > values[j])), int(np.sum(values[i] < values[j]))
            only = (lost, gained, paired.mcnemar(lost, gained))
        over_samples = paired.independent(scores[i].over_samples, scores[j].over_samples)
        pairs.append(Pair(i, j, one, over_samples, p, only))
    return tuple(pairs)


def _groups(pairs: Sequence[Pair], order: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    place = {number: i for i, number in enumerate(order)}
    apart = {
        (min(place[pair.first], place[pair.second]), max(place[pair.first], place[pair.second])): pair.apart
        for pair in pairs
    }
    return tuple(tuple(order[i] for i in group) for group in paired.groups(len(order), apart))


def _changes(first: Run, last: Run, problems: Sequence[str]) -> tuple[Change, ...]:
    before, after = first.counts, last.counts
    changes = [
        Change(
            task_id,
            before[task_id],
            after[task_id],
            _verdicts(first.outcomes[task_id]),
            _verdicts(last.outcomes[task_id]),
        )
        for task_id in problems
    ]
    # Across multiplication: 1/3 and 2/6 are no change.
    changed = [one for one in changes if one.before[1] * one.after[0] != one.after[1] * one.before[0]]
    return tuple(sorted(changed, key=lambda one: one.difference))


def _verdicts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    return dict(Counter(outcome.verdict.value for outcome in outcomes).most_common())


def _warnings(runs: Sequence[Run]) -> list[str]:
    found = []
    if runs[0].date is not None and runs[-1].date is not None and runs[-1].date < runs[0].date:
        found.append(f"{label(len(runs) - 1)}, given last, is older than A")
    for i, run in enumerate(runs):
        if run.problems < run.problems_total:
            found.append(f"{label(i)} has {run.problems} of the task's {run.problems_total} problems")
        found += [f"{label(i)}: {warning}" for warning in run.warnings]
    return found


def _values(one: Condition) -> str:
    return " and ".join(str(value)[:12] for value in dict.fromkeys(one.values) if value is not None)


def _pair_as_dict(pair: Pair) -> dict[str, object]:
    one = pair.difference
    return {
        "first": label(pair.first),
        "second": label(pair.second),
        "difference": one.value,
        "over_problems": {"se": one.se, "ci95": None if one.ci95 is None else list(one.ci95)},
        "over_samples": {"ci95": None if pair.over_samples is None else list(pair.over_samples)},
        "p": one.p,
        "p_method": "exact" if one.exact else "drawn",
        "p_holm": pair.p_adjusted,
        "apart": pair.apart,
        "mcnemar": None
        if pair.mcnemar is None
        else {"only_first": pair.mcnemar[0], "only_second": pair.mcnemar[1], "p": pair.mcnemar[2]},
    }
