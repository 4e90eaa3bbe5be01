"""Compares stored runs: conditions, paired differences, ranking, changed problems.

    runs -> conditions that differ -> problems in common -> a difference for each pair -> groups

It executes nothing; `paired` has the statistics.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from passk_tasks.errors import UsageError, did_you_mean
from passk_tasks.question import BEST, Question, ask, letter, lettered
from passk_tasks.question import Pair as Pair
from passk_tasks.results import equal_cost, joining, names, notebook
from passk_tasks.results.differing import Condition, between
from passk_tasks.results.equal_cost import AtCost
from passk_tasks.results.model import Run
from passk_tasks.statistics import metrics as metrics_module
from passk_tasks.statistics import paired
from passk_tasks.statistics.metrics import PASS, Counts, Metric, Score
from passk_tasks.statistics.rounding import decimal
from passk_tasks.text.summary import interval, p_value
from passk_tasks.verdict import Outcome

LOST, GAINED = "lost", "gained"

label = letter  # of a run's number


@dataclass(frozen=True)
class Change:
    """A problem whose pass rate changed from one run to another.

    Attributes:
        task_id: the problem.
        before: (n, c) in the one.
        after: (n, c) in the other.
        verdicts_before: number of samples by verdict in the one, the most frequent first.
        verdicts_after: the same for the other.
    """

    task_id: str
    before: tuple[int, int]
    after: tuple[int, int]
    verdicts_before: Mapping[str, int]
    verdicts_after: Mapping[str, int]

    @property
    def flip(self) -> str | None:
        """`LOST`, `GAINED`, or None if some sample solved it in both runs or none did in either."""
        if bool(self.before[1]) == bool(self.after[1]):
            return None
        return LOST if self.before[1] else GAINED

    @property
    def difference(self) -> float:
        """Pass rate after minus before."""
        return self.after[1] / self.after[0] - self.before[1] / self.before[0]


@dataclass(frozen=True, repr=False)
class Comparison:
    """Two or more runs compared over the problems they share.

    Attributes:
        runs: in the order given.
        names: what each is called: its label, else what differs between these runs; no two are alike.
        problems: the task_ids that all runs have samples of.
        left_out: number of problems that some runs have and others lack.
        conditions: those that differ, unlike ones first.
        unrecorded: conditions that only some runs recorded.
        metrics: pass@1 always first, so that a high pass@k cannot hide a low pass@1.
        primary: the metric that decides ranking and regression.
        scores: one for each run, by metric.
        pairs: all pairs of runs, by metric.
        order: numbers of the runs, the best first.
        groups: numbers of runs that do not differ beyond noise, in the order of the ranking.
        question: what was asked, and the pairs that answer it.
        changes: problems that changed from the run `question.before` to `question.after`, the worst first.
        at_cost: the runs where each may spend the same; empty where it is not known what some samples took.
        warnings: what the user must know to read the numbers.
    """

    runs: tuple[Run, ...]
    names: tuple[str, ...]
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
    question: Question
    changes: tuple[Change, ...]
    at_cost: tuple[AtCost, ...] = ()
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return one line: the answer."""
        return f"<Comparison of {len(self.runs)} runs over {len(self.problems)} problems: {self.conclusion}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the answer above a row a run, the best first."""
        scores = self.scores[self.primary.name]
        rows = []
        for i in self.order:
            pair = self.question.of(i)
            row = [label(i), self.names[i], decimal(scores[i].value), interval(scores[i].over_problems.ci95)]
            row += ["", ""] if pair is None else [f"{pair.difference.value:+.4f}", p_value(pair.p_adjusted)]
            rows.append(row)
        against = f"against {label(self.question.reference)}"
        head = ("", "run", self.primary.name, "95 % over problems", against, "p (corrected)")
        return notebook.table(head, rows, self.conclusion)

    @property
    def regressed(self) -> bool:
        """Whether a run that was asked about is worse than its reference; of the best run, the last is asked.

        Of the last run alone p is not corrected: that is a single test.
        """
        if self.question.kind != BEST:
            return self.question.regressed
        pairs = self.pairs[self.primary.name]
        first_to_last = next(pair for pair in pairs if (pair.first, pair.second) == (0, len(self.runs) - 1))
        return first_to_last.difference.value < 0 and first_to_last.difference.beyond_noise

    @property
    def conclusion(self) -> str:
        """The answer to the question, in a few sentences."""
        values = {i: score.value for i, score in enumerate(self.scores[self.primary.name])}
        return self.question.answer(self.names, self.primary.name, values)

    def as_dict(self) -> dict[str, object]:
        """Return the object of `passk compare --json`."""
        return {
            "runs": [
                {
                    "label": label(i),
                    "name": self.names[i],
                    "path": str(run.path),
                    "model": run.model,
                    "task": run.task,
                }
                | {"date": None if run.date is None else run.date.isoformat()}
                | ({} if run.cut_off is None else {"cut_off": run.cut_off.as_dict()})
                | ({} if run.cost is None else {"cost": run.cost.as_dict()})
                for i, run in enumerate(self.runs)
            ],
            "problems": len(self.problems),
            "left_out": self.left_out,
            "conditions": [
                {"name": condition.name, "values": list(condition.values), "unlike": condition.unlike}
                for condition in self.conditions
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
            "question": {
                "kind": self.question.kind,
                "reference": label(self.question.reference),
                "pairs": [_pair_as_dict(pair) for pair in self.question.pairs],
                "before": label(self.question.before),
                "after": label(self.question.after),
            },
            "conclusion": self.conclusion,
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
            "at_equal_cost": [at_cost.as_dict(label) for at_cost in self.at_cost],
            "warnings": list(self.warnings),
        }


def compare(
    runs: Sequence[Run],
    *,
    metrics: Sequence[Metric] | None = None,
    anyway: bool = False,
    clusters: Mapping[str, Hashable] | None = None,
    seed: int = 0,
    baseline: str | None = None,
    last: bool = False,
) -> Comparison:
    """Compare runs over the problems that all of them have samples of, as `api.compare_runs` says."""
    problems, left_out = _in_common(runs)
    differing, unrecorded = between(runs, problems)
    if not anyway:
        _refuse_unlike(differing)
    counted = [joining.counts_of(run, problems) for run in runs]
    primary, chosen = _chosen(runs, metrics, counted, problems)
    shared = joining.shared(runs, problems, clusters)
    scores = {metric.name: _scores(metric, counted, shared) for metric in chosen}
    pairs = {metric.name: _pairs(metric, counted, scores[metric.name], shared, seed) for metric in chosen}
    called = names.named(runs, problems)
    reference = _reference(runs, baseline, called, last=last)
    order = sorted(range(len(runs)), key=lambda i: -scores[primary.name][i].value)
    question = ask(pairs[primary.name], order, baseline=reference, last=last)
    return Comparison(
        runs=tuple(runs),
        names=tuple(called),
        problems=tuple(problems),
        left_out=left_out,
        conditions=differing,
        unrecorded=unrecorded,
        metrics=chosen,
        primary=primary,
        scores=scores,
        pairs=pairs,
        order=tuple(order),
        groups=_groups(pairs[primary.name], order),
        question=question,
        changes=_changes(runs[question.before], runs[question.after], problems),
        at_cost=equal_cost.compare(runs, problems, shared, seed),
        warnings=tuple(_warnings(runs)),
    )


def which(runs: Sequence[Run], named: str, called: Sequence[str]) -> int:
    """Return the number of the run that is meant: by its label, name here, letter, file or folder.

    Raises:
        UsageError: none or several are meant.
    """
    path = Path(named)
    here = path.resolve() if named and path.exists() else None
    ways = (
        [run.label == named for run in runs],
        [name == named for name in called],
        [label(i) == named for i in range(len(runs))],
        [here in (run.path.resolve(), *run.path.resolve().parents) for run in runs],
        [run.samples_path is not None and here == run.samples_path.resolve() for run in runs],
    )
    for way in ways:
        meant = [number for number, is_it in enumerate(way) if is_it]
        if len(meant) > 1:
            listed = ", ".join(f"{label(i)} ({called[i]})" for i in meant)
            raise UsageError(f"--baseline {named}: that may be {listed}; name one")
        if meant:
            return meant[0]
    known = [run.label for run in runs if run.label] or list(called)
    near = did_you_mean(named, known)
    raise UsageError(f"--baseline {named}: no run here has that label, name, letter or path{near}")


def default_metrics(runs: Sequence[Run], fewest: int) -> list[Metric]:
    """Return pass@1, and pass@k for each budget of all runs that is at most `fewest`, their smallest n."""
    common = set.intersection(*(set(run.k) for run in runs))
    return [Metric(PASS, k) for k in sorted({1, *common}) if k <= fewest]


def _in_common(runs: Sequence[Run]) -> tuple[list[str], int]:
    """Return the problems that all runs have samples of, and how many others there are.

    Raises:
        UsageError: fewer than two runs, or no such problem.
    """
    if len(runs) < 2:
        given = "".join(f", and {run.path} holds one run ({run.task} of {run.name})" for run in runs)
        raise UsageError(f"a comparison needs at least two runs{given}; name another one")
    return joining.in_common(runs)


def _reference(runs: Sequence[Run], baseline: str | None, called: Sequence[str], *, last: bool) -> int | None:
    """Return the number of the run that all others are set against; None where the question names none."""
    if last and baseline is not None:
        raise UsageError(
            "--last sets the last run against the one before, --baseline all against one: choose"
        )
    return None if baseline is None else which(runs, baseline, called)


def _chosen(
    runs: Sequence[Run], metrics: Sequence[Metric] | None, counted: Sequence[Counts], problems: Sequence[str]
) -> tuple[Metric, tuple[Metric, ...]]:
    """Return the metric that decides, and all of them, pass@1 first; all runs have the samples for them."""
    asked = list(metrics or default_metrics(runs, min(int(counts.n.min()) for counts in counted)))
    chosen = tuple(dict.fromkeys([Metric(PASS, 1), *asked]))
    for run, counts in zip(runs, counted, strict=True):
        joining.check_metrics(run, chosen, problems, counts)
    return asked[0], chosen


def _refuse_unlike(differing: Sequence[Condition]) -> None:
    if unlike := [f"{condition.name}: {_values(condition)}" for condition in differing if condition.unlike]:
        raise UsageError(
            f"these runs measured different things ({'; '.join(unlike)}); --anyway compares the problems "
            "they share"
        )


def _scores(
    metric: Metric, counted: Sequence[Counts], clusters: Sequence[Hashable] | None
) -> tuple[Score, ...]:
    return tuple(
        metrics_module.score(metric, counts.n, counts.c, clusters, counts.base) for counts in counted
    )


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
    differences = [
        paired.difference(values[i], values[j], grid=grid, clusters=clusters, seed=seed) for i, j in numbers
    ]
    adjusted = paired.holm([difference.p for difference in differences])
    pairs = []
    for (i, j), difference, p in zip(numbers, differences, adjusted, strict=True):
        mcnemar = None
        if (n[[i, j]] == 1).all():
            lost, gained = int(np.sum(values[i] > values[j])), int(np.sum(values[i] < values[j]))
            mcnemar = (lost, gained, paired.mcnemar(lost, gained))
        over_samples = paired.independent(scores[i].over_samples, scores[j].over_samples)
        pairs.append(Pair(i, j, difference, over_samples, p, mcnemar))
    return tuple(pairs)


def _groups(pairs: Sequence[Pair], order: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    ranks = [[order.index(pair.first), order.index(pair.second)] for pair in pairs]
    apart = {(min(two), max(two)): pair.apart for two, pair in zip(ranks, pairs, strict=True)}
    return tuple(tuple(order[i] for i in group) for group in paired.groups(len(order), apart))


def _changes(first: Run, last: Run, problems: Sequence[str]) -> tuple[Change, ...]:
    before, after = first.counts, last.counts
    changes = []
    for task_id in problems:
        verdicts = (_verdicts(run.outcomes[task_id]) for run in (first, last))
        change = Change(task_id, before[task_id], after[task_id], *verdicts)
        # Multiplied crosswise, so that 1/3 and 2/6 are no change.
        if change.before[1] * change.after[0] != change.after[1] * change.before[0]:
            changes.append(change)
    return tuple(sorted(changes, key=lambda change: change.difference))


def _verdicts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    return dict(Counter(outcome.verdict.value for outcome in outcomes).most_common())


def _warnings(runs: Sequence[Run]) -> list[str]:
    warnings = []
    if runs[0].date is not None and runs[-1].date is not None and runs[-1].date < runs[0].date:
        warnings.append(f"{label(len(runs) - 1)}, given last, is older than A")
    told: dict[str, list[int]] = {}
    for i, run in enumerate(runs):
        few = run.problems < run.problems_total
        covered = [f"{run.problems} of the task's {run.problems_total} problems have samples"] if few else []
        for warning in (*covered, *run.warnings):
            told.setdefault(warning, []).append(i)
    return warnings + [f"{lettered(numbers, len(runs))}: {warning}" for warning, numbers in told.items()]


def _values(condition: Condition) -> str:
    return " and ".join(str(value)[:12] for value in dict.fromkeys(condition.values) if value is not None)


def _pair_as_dict(pair: Pair) -> dict[str, object]:
    difference, mcnemar = pair.difference, pair.mcnemar
    return {
        "first": label(pair.first),
        "second": label(pair.second),
        "difference": difference.value,
        "over_problems": {"se": difference.se, "ci95": difference.ci95 and list(difference.ci95)},
        "over_samples": {"ci95": pair.over_samples and list(pair.over_samples)},
        "p": difference.p,
        "p_method": "exact" if difference.exact else "drawn",
        "p_holm": pair.p_adjusted,
        "apart": pair.apart,
        "mcnemar": mcnemar and dict(zip(("only_first", "only_second", "p"), mcnemar, strict=True)),
    }
