"""A stored run joined with its texts, its problems and what those share; and its scores."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Benchmark
from passk_tasks.errors import SamplesError, UsageError, did_you_mean
from passk_tasks.results import sample_files, store
from passk_tasks.results.keys import Keys
from passk_tasks.results.lines import numbered_lines, parse_object
from passk_tasks.results.model import Run, StoredRun
from passk_tasks.results.reading import task_id_in
from passk_tasks.results.samples import Sample, Source, prompt_of
from passk_tasks.statistics import metrics
from passk_tasks.statistics.intervals import cluster_of
from passk_tasks.statistics.metrics import KEPT, MAX, PASS, Counts, Metric, Score
from passk_tasks.tasks.settings import Settings


def counted(run: Run) -> tuple[list[str], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the task_ids of a run in their order, and n and c of each; what has no verdict is left out.

    Raises:
        UsageError: no sample has a verdict.
    """
    task_ids = sorted(task_id for task_id, (n, _) in run.counts.items() if n)
    if not task_ids:
        raise UsageError(f"{run.path}: no sample has a verdict; score its samples again")
    counts = counts_of(run, task_ids)
    return task_ids, counts.n, counts.c


def in_common(runs: Sequence[Run], hint: str = "") -> tuple[list[str], int]:
    """Return the problems that all runs have verdicts of, and how many others there are.

    Raises:
        UsageError: there is no such problem; the message ends with `hint`.
    """
    named = [counted(run)[0] for run in runs]
    problems = sorted(set.intersection(*map(set, named)))
    if not problems:
        first = ", ".join(f"{run.path} has {task_ids[0]}" for run, task_ids in zip(runs, named, strict=True))
        raise UsageError(f"the runs have no problem in common: {first}, …{hint}")
    return problems, len(set().union(*named)) - len(problems)


def counts_of(run: Run, task_ids: Sequence[str]) -> Counts:
    """Return what the samples of these problems came to."""
    n_and_c, base = run.counts, run.base_counts
    pairs = np.array([n_and_c[task_id] for task_id in task_ids], dtype=np.int64)
    return Counts(
        pairs[:, 0],
        pairs[:, 1],
        None if base is None else np.array([base[task_id] for task_id in task_ids], dtype=np.int64),
    )


def check_metrics(run: Run, metrics: Iterable[Metric], task_ids: Sequence[str], counts: Counts) -> None:
    """Raise `UsageError` at a metric that cannot be had from a run's samples."""
    poorest = int(np.argmin(counts.n))
    for metric in metrics:
        if metric.of_base and counts.base is None:
            raise UsageError(f"{run.path}: {metric.name} needs tests with a base stage, and these have none")
        if metric.k > counts.n[poorest]:
            raise UsageError(
                f"{run.path}: {metric.name} needs {metric.k} samples of each problem, but "
                f"{task_ids[poorest]} has {counts.n[poorest]}"
            )


def scores(
    run: Run, wanted: Sequence[Metric] | None = None, clusters: Mapping[str, Hashable] | None = None
) -> dict[str, Score]:
    """Return metrics of a run by name, pass@1 first whatever was asked for; None is pass@k of its budgets.

    Raises:
        UsageError: no sample has a verdict, a budget beyond the samples of some problem, or a metric of the
            base stage where the tests have none.
    """
    task_ids, _, _ = counted(run)
    counts = counts_of(run, task_ids)
    asked = [Metric(PASS, k) for k in run.k] if wanted is None else wanted
    chosen = list(dict.fromkeys([Metric(PASS, 1), *asked]))
    check_metrics(run, chosen, task_ids, counts)
    shared_by = shared([run], task_ids, clusters)
    computed = {
        metric.name: metrics.score(metric, counts.n, counts.c, shared_by, counts.base) for metric in chosen
    }
    # The counts of outcomes do not say these.
    kept = {name: score for name, score in run.metrics.items() if name.startswith((KEPT, MAX))}
    return computed | (kept if wanted is None else {})


def shared(
    runs: Iterable[Run], task_ids: Sequence[str], clusters: Mapping[str, Hashable] | None
) -> list[Hashable] | None:
    """Return the cluster of each problem; None where each stands for itself.

    Args:
        runs: what their benchmark says counts where the user says nothing.
        task_ids: the problems.
        clusters: what the user says, by task_id; a problem that is not in it stands for itself. None to go by
            the benchmark.
    """
    if clusters is None:
        clusters = {task_id: name for run in runs for task_id, name in run.sources.items()}
    return cluster_of(task_ids, clusters)


def clusters(run: Run, column: str, problems: str | os.PathLike[str] | None = None) -> dict[str, str]:
    """Return what stands in a column of the problems, by task_id: problems that share it share a source.

    Args:
        run: whose problems are meant.
        column: of the dataset, e.g. `source_file`.
        problems: lines of JSON with `task_id` and the column; needed for runs whose samples file holds no
            problems, those of `passk score`.

    Raises:
        SamplesError: the column is not there, for all problems or for one.
    """
    values: dict[str, str] = {}
    path = Path(problems) if problems is not None else run.samples_path
    if path is None or path.name == store.OUTCOMES:
        raise SamplesError(
            f"{path}: outcomes hold no columns of the problems; name a file that does with --problems"
        )
    family = _benchmark(run)
    for number, raw in numbered_lines(path):
        where = f"{path}:{number}"
        line = parse_object(raw, where)
        doc = line.get("doc")
        row = doc if isinstance(doc, Mapping) else line
        if "task_id" not in row:
            raise SamplesError(f"{where}: there is no task_id")
        if column not in row:
            raise SamplesError(f"{where}: there is no column {column!r}{did_you_mean(column, row)}")
        name = str(row["task_id"])
        task_id = name if name in run.outcomes else family.task_id_of(name)
        values[task_id] = json.dumps(row[column], sort_keys=True)
    missing = [task_id for task_id in run.outcomes if task_id not in values]
    if missing:
        raise SamplesError(f"{path}: {len(missing)} of the run's problems are not in it, e.g. {missing[0]}")
    return values


def texts(run: Run, paths: Iterable[str | os.PathLike[str]] | None = None) -> dict[str, list[Sample]]:
    """Return the samples of a run as they were saved, by task_id and in the order of its outcomes.

    lm-eval's samples file holds them; of `passk score`, the files that it was given, if they are still there.

    Raises:
        SamplesError: they cannot be had, or are not those that were judged.
    """
    if paths is not None:
        file = sample_files.read(paths)
    elif run.samples_path is not None and run.samples_path.name != store.OUTCOMES:
        file = sample_files.read(run.samples_path)
    elif run.inputs:
        file = sample_files.read(run.inputs)
    else:
        raise SamplesError(f"{run.path}: it does not say which samples were scored")
    saved = file.named(_benchmark(run), run.outcomes).samples
    numbered: dict[str, dict[int, Sample]] = {}
    for sample in saved:
        numbered.setdefault(sample.task_id, {})[sample.index] = sample
    kept: dict[str, list[Sample]] = {}
    for task_id, outcomes in run.outcomes.items():
        by_index = numbered.get(task_id, {})
        # `passk score --set samples=N` judged those with the lowest numbers.
        kept[task_id] = [by_index[index] for index in sorted(by_index)][: len(outcomes)]
        if len(kept[task_id]) < len(outcomes):
            raise SamplesError(
                f"{saved[0].origin}: {len(by_index)} samples of {task_id}, and {len(outcomes)} were judged: "
                "the file has changed since"
            )
    return kept


@dataclass(frozen=True)
class Saved:
    """What the files of a run hold of its samples besides their outcomes.

    Attributes:
        texts: of those samples that were wanted, by task_id and place among the problem's outcomes.
        rows: the rows of the dataset, by task_id; lm-eval's samples file alone holds them.
        sent: the prompt as it went to the model, by task_id, where the file holds it.
        lacking: why there are no texts; empty where there are.
    """

    texts: Mapping[str, Mapping[int, Sample]] = field(default_factory=dict)
    rows: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    sent: Mapping[str, str] = field(default_factory=dict)
    lacking: str = ""


def saved(run: Run, wanted: Mapping[str, Collection[int]]) -> Saved:
    """Return what is saved of some samples of a run; lm-eval's file is read line by line, once.

    `wanted` has places among a problem's outcomes, by task_id.

    Raises:
        SamplesError: lm-eval's file is broken.
    """
    path = run.samples_path
    if path is None or path.name == store.OUTCOMES:
        try:
            by_task = texts(run)
        except SamplesError as error:
            return Saved(lacking=str(error))
        return Saved({name: {i: by_task[name][i] for i in places} for name, places in wanted.items()})
    family, seen = _benchmark(run), set[object]()
    chosen: dict[str, dict[int, Sample]] = {}
    documents: dict[str, Mapping[str, object]] = {}
    sent: dict[str, str] = {}
    lacking = ""
    for number, raw in numbered_lines(path):
        where = f"{path}:{number}"
        line = parse_object(raw, where)
        seen.add(line.get("filter"))
        doc = line.get("doc")
        if len(seen) > 1 or not isinstance(doc, dict):
            continue  # a document stands there once a filter, each time with the same responses
        name = task_id_in(doc, where)
        documents[name] = doc
        prompt = prompt_of(line.get("arguments"))
        if prompt is not None:
            sent[name] = prompt
        task_id = name if name in run.outcomes else family.task_id_of(name)
        judged, answers = len(run.outcomes.get(task_id, ())), _flat(line.get("resps"))
        if len(answers) < judged:
            lacking = f"{where}: {len(answers)} samples of {task_id}, and {judged} were judged"
            continue
        places, ours = wanted.get(task_id, ()), _flat(line.get("filtered_resps"))
        source = Source(path)
        some = {
            key: [of[i] for i in places if i < len(of)]
            for key, of in (("resps", answers), ("filtered_resps", ours))
        }
        source.add_lm_eval({**line, **some}, where)
        chosen[task_id] = dict(zip(places, source.samples, strict=True)) if places else {}
    if not lacking and (absent := [name for name in wanted if name not in chosen]):
        lacking = f"{path}: no samples of {absent[0]}, and {len(run.outcomes[absent[0]])} were judged"
    return Saved({} if lacking else chosen, documents, sent, lacking)


def _flat(answers: object) -> list[object]:
    """Return the answers of lm-eval's lists of lists: a request with n, or n requests with one each."""
    groups = answers if isinstance(answers, list) else []
    # A request without a response has an answer without text, as `Source.add_lm_eval` reads it.
    return [one for group in groups for one in ((group or [None]) if isinstance(group, list) else [group])]


def _benchmark(run: StoredRun) -> Benchmark:
    return benchmarks.get(Keys(run.settings).text("benchmark") or Settings().benchmark)
