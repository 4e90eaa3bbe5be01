"""A metric over time: the runs of a task in the order of their dates, and what changed from one to the next.

It executes nothing; `statistics.paired` has the mathematics.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from passk_tasks.errors import UsageError
from passk_tasks.factors import changed, scores_of
from passk_tasks.results import joining, names
from passk_tasks.results.changes import differing, recorded
from passk_tasks.results.differing import UNLIKE
from passk_tasks.results.model import Run, StoredRun
from passk_tasks.statistics import paired
from passk_tasks.statistics.metrics import PASS, Metric, Score
from passk_tasks.statistics.paired import Difference


@dataclass(frozen=True)
class Step:
    """What differs between a run and the one before it.

    Attributes:
        factors: names of the conditions that changed.
        changes: the same with their values, where these are short.
        unknown: conditions that only one of the two recorded.
        difference: paired, over the problems that both have; None where the two cannot be paired.
        p_adjusted: its p-value by Holm's method over all steps of the task; None without a difference.
        why_not: why there is no difference; empty where there is one.
    """

    factors: tuple[str, ...]
    changes: tuple[str, ...]
    unknown: tuple[str, ...]
    difference: Difference | None = None
    p_adjusted: float | None = None
    why_not: str = ""

    @property
    def apart(self) -> bool:
        """Whether the metric moved beyond noise: p < 0.05 after adjustment."""
        return self.p_adjusted is not None and self.p_adjusted < 0.05


@dataclass(frozen=True)
class Point:
    """A run in a trend.

    Attributes:
        run: the run.
        name: what people call it.
        score: the metric over all of its problems; None where it cannot be had.
        step: since the run before; None for the first.
    """

    run: StoredRun
    name: str
    score: Score | None
    step: Step | None


@dataclass(frozen=True)
class Trend:
    """The runs of one task, by date.

    Attributes:
        task: its name.
        metric: what is shown.
        points: one for each run.
        undated: runs that are left out, since nobody knows when they were made.
    """

    task: str
    metric: Metric
    points: tuple[Point, ...]
    undated: tuple[StoredRun, ...] = ()

    @property
    def conclusion(self) -> str:
        """Where the metric moved beyond noise, and what changed there."""
        said = []
        for point in self.points:
            if point.step is None or not point.step.apart or point.step.difference is None:
                continue
            why = ", ".join(point.step.factors) or "nothing that is recorded changed"
            said.append(f"{point.name} {point.step.difference.value:+.4f} ({why})")
        return f"{self.metric.name} moved beyond noise: {'; '.join(said) or 'nowhere'}."

    def as_dict(self) -> dict[str, object]:
        """Return the trend as `passk trend --json` has it."""
        return {
            "task": self.task,
            "metric": self.metric.name,
            "points": [_point_as_dict(point) for point in self.points],
            "undated": [str(run.path) for run in self.undated],
        }


def trends(
    runs: Sequence[StoredRun],
    *,
    metric: Metric | None = None,
    clusters: Mapping[str, Hashable] | None = None,
    seed: int = 0,
) -> list[Trend]:
    """Return a trend for each task, in the order of the tasks' first runs, as `api.trend_runs` says.

    Runs whose samples are not loaded have the score that they were stored with.
    """
    metric = metric or Metric(PASS, 1)
    by_task: dict[str, list[StoredRun]] = {}
    for run in runs:
        by_task.setdefault(run.task, []).append(run)
    return [_trend(task, mine, metric, clusters, seed) for task, mine in by_task.items()]


def _trend(
    task: str,
    runs: Sequence[StoredRun],
    metric: Metric,
    clusters: Mapping[str, Hashable] | None,
    seed: int,
) -> Trend:
    dated = sorted((run for run in runs if run.date is not None), key=lambda run: str(run.path))
    dated.sort(key=lambda run: run.date.timestamp() if run.date is not None else 0.0)
    steps = [_step(before, after, metric, clusters, seed) for before, after in itertools.pairwise(dated)]
    adjusted = iter(paired.holm([step.difference.p for step in steps if step.difference is not None]))
    steps = [step if step.difference is None else replace(step, p_adjusted=next(adjusted)) for step in steps]
    called = names.named(dated)
    return Trend(
        task,
        metric,
        tuple(
            Point(run, name, _score(run, metric, clusters), step)
            for run, name, step in zip(dated, called, [None, *steps], strict=True)
        ),
        tuple(run for run in runs if run.date is None),
    )


def _step(
    before: StoredRun,
    after: StoredRun,
    metric: Metric,
    clusters: Mapping[str, Hashable] | None,
    seed: int,
) -> Step:
    loaded = [run for run in (before, after) if isinstance(run, Run)]
    problems = sorted(set.intersection(*(set(run.outcomes) for run in loaded))) if len(loaded) == 2 else []
    first, second = recorded([before, after], problems)
    differs, unknown = differing(first, second)
    changes = tuple(changed(name, first.get(name), second.get(name)) for name in sorted(differs))
    step = Step(tuple(sorted(differs)), changes, tuple(sorted(unknown)))
    if unlike := sorted(differs & set(UNLIKE)):
        return replace(step, why_not=f"another {' and '.join(unlike)}: it measured something else")
    if len(loaded) < 2:
        return replace(step, why_not="the samples of one of the two are not beside its results")
    try:
        task_ids, _, (one, two), grid = scores_of(loaded, metric)
    except UsageError as error:
        return replace(step, why_not=str(error))
    shared = joining.shared(loaded, task_ids, clusters)
    return replace(step, difference=paired.difference(one, two, grid=grid, clusters=shared, seed=seed))


def _score(run: StoredRun, metric: Metric, clusters: Mapping[str, Hashable] | None) -> Score | None:
    if not isinstance(run, Run):
        return run.metrics.get(metric.name)
    try:
        return joining.scores(run, [metric], clusters)[metric.name]
    except UsageError:
        return None


def _point_as_dict(point: Point) -> dict[str, object]:
    run, step = point.run, point.step
    nothing = {"difference": None, "ci95": None, "p": None}
    return {
        "path": str(run.path),
        "name": point.name,
        "date": None if run.date is None else run.date.isoformat(),
        "problems": run.problems,
        "n": run.n,
        "score": None if point.score is None else point.score.as_dict(),
        "step": step
        and {
            "factors": list(step.factors),
            "changes": list(step.changes),
            "unknown": list(step.unknown),
            **(nothing if step.difference is None else step.difference.as_dict()),
            "p_holm": step.p_adjusted,
            "apart": step.apart,
            "why_not": step.why_not,
        },
    }
