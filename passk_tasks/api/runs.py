"""Stored runs: found, read, named, and what is said of one."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING

from passk_tasks.api.parts import metrics_of
from passk_tasks.results import joining, reading, store
from passk_tasks.results.lines import Paths
from passk_tasks.statistics.metrics import Metric, Score

# What scoring does not need is imported by the functions that need it, so that scoring starts at once.
if TYPE_CHECKING:
    from passk_tasks.results.model import Listing, Run, StoredRun


def list_runs(
    paths: Paths,
    *,
    tags: Sequence[str] = (),
    task: str | None = None,
    model: str | None = None,
    since: str | None = None,
    best: str | None = None,
) -> Listing:
    """Return the runs in results files, or anywhere below folders, without their samples; by date.

    Args:
        paths: the files and folders.
        tags: that a run must have, each of them.
        task: text that the task's name must hold.
        model: text that the model's name must hold, capital or not.
        since: day (YYYY-MM-DD) from which on, or how long ago: `10d`, `6w`, `3m`, `1y`.
        best: metric by which the best come first.

    Raises:
        SamplesError: a path does not exist, or is a file that cannot be read.
        UsageError: no run is left, no run has that metric, or `since` is no day.
    """
    from passk_tasks.results import choosing

    found = reading.listing(paths)
    return choosing.choose(found, tags=tags, task=task, model=model, since=since, best=best)


def find_runs(paths: Paths, task: str | None = None) -> list[StoredRun]:
    """Return every run in the paths once, without its samples.

    Args:
        paths: results files, or folders with any number of them.
        task: take only the runs of this task.

    Raises:
        SamplesError: a path holds no run or cannot be read.
    """
    return reading.stored_in(paths, task)


def label_runs(
    paths: Paths,
    task: str | None = None,
    *,
    label: str | None = None,
    note: str | None = None,
    tags: Sequence[str] = (),
    without: Sequence[str] = (),
) -> list[StoredRun]:
    """Write a label, a note, tags into the results files of runs, and return the runs as they are then.

    Args:
        paths: as for `find_runs`.
        task: as for `find_runs`.
        label: what the run is called; empty to take it away, None to leave it.
        note: what there is to say of it; the same.
        tags: words to find it by, which are added.
        without: tags that are taken away.

    Raises:
        UsageError: a label for runs of several files; nothing was written.
        SamplesError: as `find_runs`.
        PasskError: a file cannot be written.
    """
    from passk_tasks.results import labels

    return labels.relabel(find_runs(paths, task), label=label, note=note, tags=tags, without=without)


def load_runs(paths: Paths, task: str | None = None) -> list[Run]:
    """Return every run in the paths, with the outcome of each sample; arguments and errors as `find_runs`."""
    return reading.load_all(paths, task)


def load_run(path: str | os.PathLike[str], task: str | None = None) -> Run:
    """Return the one run in a results file or folder, with the outcome of each sample.

    Args:
        path: the file or folder.
        task: take the run of this task.

    Raises:
        UsageError: there are several runs.
        SamplesError: there is no run, or it cannot be read.
    """
    return reading.load(reading.only_one(find_runs(path, task), str(path)))


def clusters_of(
    runs: Sequence[Run], column: str, problems: str | os.PathLike[str] | None = None
) -> dict[str, str]:
    """Return the value of a column for each problem, by task_id; problems of one value share a source.

    Args:
        runs: the runs; one that holds its problems is enough.
        column: a column of the dataset, e.g. `source_file`.
        problems: a file of JSON lines with `task_id` and the column, if no run holds its problems.

    Raises:
        SamplesError: the column is missing, for all problems or for one.
    """
    # Outcomes of `passk score` hold no problems.
    holders = (run for run in runs if run.samples_path and run.samples_path.name != store.OUTCOMES)
    return joining.clusters(next(holders, runs[0]), column, problems)


def score_run(
    run: Run,
    metrics: Sequence[str | Metric] | None = None,
    clusters: Mapping[str, Hashable] | None = None,
) -> dict[str, Score]:
    """Return metrics of a run by name, each with both of its uncertainties; pass@1 always comes first.

    Args:
        run: the run.
        metrics: e.g. `["pass@10", "pass^5", "g-pass@10_0.5"]`; None for pass@k of the run's budgets.
        clusters: the cluster of each problem by task_id; None for the benchmark's own, empty for none.

    Raises:
        UsageError: there is no such metric, no sample with a verdict, or some problem has fewer samples than
            a budget.
    """
    return joining.scores(run, metrics_of(metrics), clusters)
