"""The public Python API: what each command does, on Python values, with the same numbers.

    load_task, load_problems, read_samples, score_samples     passk tasks, passk score
    list_runs, load_runs, score_run                           passk runs, passk show
    compare_runs                                              passk compare
    pass_curve, tail_problems, forecast_run                   passk curve
    plan_from_run, plan_from_rate                             passk plan
    export_runs                                               passk export

Everything here is a name of `passk_tasks` itself; docs/api.md has an example that runs.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from passk_tasks import benchmarks, compare, export
from passk_tasks.audit import audit
from passk_tasks.audit.audit import Audit
from passk_tasks.benchmarks import Dataset
from passk_tasks.compare import Comparison
from passk_tasks.errors import DatasetError, UsageError
from passk_tasks.export import Details, Exported
from passk_tasks.judging import libraries
from passk_tasks.results import joining, reading, samples, store
from passk_tasks.results.journal import JournalHeader
from passk_tasks.results.keys import Keys
from passk_tasks.results.model import Listing, Run, StoredRun
from passk_tasks.results.samples import SampleFile
from passk_tasks.scoring.candidates import cut_warning, extract_as_set, verbatim_warning
from passk_tasks.scoring.score import check, prepare, score
from passk_tasks.scoring.summary import Scored
from passk_tasks.statistics import curve, forecast, plan
from passk_tasks.statistics.curve import Point
from passk_tasks.statistics.forecast import Forecast
from passk_tasks.statistics.metrics import Metric, Score
from passk_tasks.statistics.plan import Plan
from passk_tasks.tasks import catalog
from passk_tasks.tasks.catalog import TaskSpec
from passk_tasks.tasks.settings import Settings

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
"""One path or several."""


# ---------------------------------------------------------------------- tasks and samples


def load_task(name: str, settings: Mapping[str, Any] | None = None) -> TaskSpec:
    """Return a task by name.

    Args:
        name: as `passk tasks` prints it.
        settings: what to change of those under `metadata.passk`, e.g. `{"samples": 50, "k": [1, 10]}`.

    Raises:
        UsageError: there is no such task, or a setting that does not exist or whose value is impossible.
    """
    return catalog.load_task(name, settings)


def load_problems(task: TaskSpec | str) -> Dataset:
    """Return the problems of a task: rows as the dataset has them, and `Problem`s by task_id.

    Raises:
        DatasetError: they cannot be had, or are not what they should be.
        UsageError: there is no such task.
    """
    spec = load_task(task) if isinstance(task, str) else task
    dataset = benchmarks.load(benchmarks.get(spec.settings.benchmark), spec.settings)
    return libraries.leave_out(dataset, spec.settings)


def read_samples(paths: Paths) -> SampleFile:
    """Return the samples in files of any kind that `passk score` takes.

    Raises:
        SamplesError: a file that is missing, broken or of no known kind, with file and line.
    """
    return samples.read(paths)


def score_samples(
    paths: Paths,
    task: str | None = None,
    settings: Mapping[str, Any] | None = None,
    *,
    extract: str = "auto",
    pool: bool = False,
    out: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> Scored:
    """Judge saved samples in the sandbox and estimate pass@k, as `passk score` does.

    Args:
        paths: samples; a journal brings its task and its settings.
        task: the task's name; needed unless the samples are a journal.
        settings: what to change of the task's settings.
        extract: one of `auto`, `verbatim`, `completion`, `answer`.
        pool: add up the samples of several runs; otherwise it is an error to give several.
        out: folder for `results.json` and `outcomes.jsonl`, which `load_runs` reads.
        progress: show a progress bar.

    Raises:
        UsageError: a mistake in files, task or settings; nothing was executed.
        SandboxError: no sandbox of the wanted strength on this host.
    """
    folder = None if out is None else store.prepare(Path(out))
    scored = score_files(
        paths, task, settings or {}, extract=extract, pool=pool, progress=progress, out=folder
    )
    if folder is not None:
        store.write(folder, scored.as_dict(), (record.as_dict() for record in scored.records))
    return scored


def score_files(
    paths: Paths,
    task: str | None,
    settings: Mapping[str, Any],
    *,
    extract: str = "auto",
    pool: bool = False,
    progress: bool = False,
    out: str | os.PathLike[str] | None = None,
) -> Scored:
    """Return what `score_samples` returns.

    Nothing is saved but, in the folder `out`, the outcomes that there are so far while programs are judged.
    """
    listed = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    file = samples.read(listed)
    spec = _spec(task, file, settings)
    dataset = load_problems(spec)
    file = file.named(benchmarks.get(spec.settings.benchmark), dataset.problems)
    if file.runs and not pool:
        raise UsageError(
            f"these are several runs: {', '.join(map(str, file.runs))} have different samples of the same "
            "problems; score each run for itself, or add their samples up with --pool (pool=True)"
        )
    if "extraction" in settings:
        extract = extract_as_set(file.samples, spec, extract)
    notes = [*file.warnings, *_check_dataset(file.header, dataset, settings)]
    given = [sample for sample in file.samples if sample.task_id not in dataset.left_out]
    if len(given) < len(file.samples):
        notes.append(f"{len(file.samples) - len(given)} samples of problems that are left out are not judged")
    if "samples" in settings:
        given, left_out = samples.first(given, spec.settings.samples)
        if left_out:
            notes.append(
                f"{left_out} samples beyond the first {spec.settings.samples} of a problem are left out"
            )
    notes += filter(None, [verbatim_warning(given, spec, extract)])
    strict_k = "k" in settings
    check(given, spec=spec, dataset=dataset, extract=extract, strict_k=strict_k)
    notes += filter(None, [cut_warning(given, spec, dataset, extract)])
    asked = {sample.task_id for sample in given}
    libraries.require(dataset, spec.settings, f"task {spec.name}", asked)
    tried = prepare(spec, dataset, asked)
    dataset, notes = tried.dataset, [*notes, *tried.warnings]
    with contextlib.nullcontext() if out is None else store.Unfinished(Path(out)) as unfinished:
        scored = score(
            given,
            spec=spec,
            dataset=dataset,
            extract=extract,
            strict_k=strict_k,
            progress=progress,
            told=None if unfinished is None else lambda record: unfinished.append(record.as_dict()),
        )
    return replace(
        scored,
        warnings=(*notes, *scored.warnings),
        extract=extract,
        inputs=tuple(map(str, listed)),
        generation_kwargs=_generated_with(file),
        **store.provenance(spec.settings.packages),
    )


# ---------------------------------------------------------------------- stored runs


def audit_task(
    task: str,
    settings: Mapping[str, Any] | None = None,
    *,
    mutants: int = 20,
    problems: int | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Audit:
    """Try programs of known worth on the tests of a task, as `passk audit` does.

    Args:
        task: the task's name.
        settings: what to change of the task's settings.
        mutants: references with one small mistake, at most that many a problem.
        problems: only the first so many; None for all.
        seed: of the choice of mutants.
        progress: show a progress bar.

    Raises:
        UsageError: no such task or setting, or no problem has a reference solution.
        DatasetError: the problems cannot be had.
        SandboxError: no sandbox of the wanted strength on this host.
    """
    spec = load_task(task, settings)
    dataset = load_problems(spec)
    libraries.require(dataset, spec.settings, f"task {spec.name}")
    dataset = prepare(spec, dataset).dataset
    return audit.audit(spec, dataset, mutants=mutants, problems=problems, seed=seed, progress=progress)


def list_runs(path: str | os.PathLike[str]) -> Listing:
    """Return the runs in a results file, or anywhere below a folder, without their samples.

    Raises:
        SamplesError: the path does not exist, or a file that was named cannot be read.
    """
    return reading.listing(path)


def load_runs(paths: Paths, task: str | None = None) -> list[Run]:
    """Return every run that the paths hold, with the outcome of every sample.

    Args:
        paths: results files, or folders with any number of them.
        task: take only the runs of this task.

    Raises:
        SamplesError: a path without any run, or one that cannot be read.
    """
    return reading.load_all([paths] if isinstance(paths, (str, os.PathLike)) else paths, task=task)


def score_run(
    run: Run,
    metrics: Sequence[str | Metric] | None = None,
    clusters: Mapping[str, Hashable] | None = None,
) -> dict[str, Score]:
    """Return metrics of a run by name, each with both of its uncertainties; pass@1 is always there, first.

    Args:
        run: whose.
        metrics: e.g. `["pass@10", "pass^5", "g-pass@10_0.5"]`; the budgets of the run where None.
        clusters: what problems share, by task_id; what the benchmark says where None, nothing where empty.

    Raises:
        ValueError: there is no such metric, or a budget beyond the samples of some problem.
    """
    return joining.scores(run, _metrics(metrics), clusters)


def compare_runs(
    found: Sequence[Run],
    metrics: Sequence[str | Metric] | None = None,
    clusters: Mapping[str, Hashable] | None = None,
    *,
    anyway: bool = False,
    seed: int = 0,
) -> Comparison:
    """Compare runs, paired by problem, over the problems that all of them have samples of.

    Args:
        found: at least two; the last one is the one under test.
        metrics: what to compare, the first one decides.
        clusters: what problems share, by task_id; what the benchmark says where None, nothing where empty.
        anyway: compare even where conditions differ that make the numbers unlike.
        seed: of the sign flips, where they are drawn.

    Raises:
        ValueError: fewer than two runs, nothing in common, or runs that measured different things.
    """
    return compare.compare(found, metrics=_metrics(metrics), clusters=clusters, anyway=anyway, seed=seed)


def pass_curve(
    run: Run, ks: Sequence[int] | None = None, clusters: Mapping[str, Hashable] | None = None
) -> list[Point]:
    """Return pass@k for each k, with its band and what the last sample added; k = 1 … n where None.

    Raises:
        ValueError: a k beyond the samples of some problem, or no sample with a verdict.
    """
    task_ids, n, c = _counted(run)
    shared = joining.shared([run], task_ids, clusters)
    return curve.curve(n, c, ks, shared)


def tail_problems(run: Run, k: int | None = None) -> dict[str, tuple[int, int]]:
    """Return n and c of the problems that are solved, but by k samples no more often than not, by task_id.

    Args:
        run: whose.
        k: budget; 10, or half of n where that is less, where None.

    Raises:
        ValueError: a k beyond the samples of some problem, or no sample with a verdict.
    """
    task_ids, n, c = _counted(run)
    found = curve.tail_only(n, c, curve.tail_budget(int(n.min())) if k is None else k)
    return {task_ids[i]: (int(n[i]), int(c[i])) for i in found}


def forecast_run(run: Run, ks: Sequence[int]) -> list[Forecast]:
    """Return a forecast of pass@k beyond the run's samples, which holds as far as its fit does.

    Raises:
        ValueError: a k that is not beyond n, or no sample with a verdict.
    """
    _, n, c = _counted(run)
    return forecast.forecast(n, c, ks)


def plan_from_run(run: Run, half_width: float, k: int = 1) -> Plan:
    """Return how many samples a problem a wanted half-width takes, by how a pilot's samples vary.

    Raises:
        ValueError: fewer than 2k samples of some problem, or no sample with a verdict.
    """
    _, n, c = _counted(run)
    return plan.from_pilot(n, c, k, half_width)


def plan_from_rate(rate: float, problems: int, half_width: float) -> Plan:
    """Return the same for an expected pass@1, on the safe side.

    Raises:
        ValueError: a rate outside [0, 1], or numbers below 1.
    """
    return plan.from_rate(rate, problems, 1, half_width)


def export_runs(
    stored: StoredRun | Sequence[StoredRun],
    format: str,
    out: str | os.PathLike[str],
    *,
    samples: Paths | None = None,
    data_files: str | None = None,
    **details: str | None,
) -> Exported:
    """Write the files that a leaderboard or another tool accepts, as `passk export` does; uploads nothing.

    Args:
        stored: a run as `list_runs` or `load_runs` gives it, or several for formats that take them.
        format: a name of `passk export --help`.
        out: folder for the files.
        samples: files with the samples, for a run that does not say where they are.
        data_files: the problems, where those that the run names are not at hand.
        details: what the receiver wants to know and no run can say: `model`, `user`, `organization`,
            `relationship`, `dataset_id`, `dataset_task`, `source_url`, `backend`, `revision`.

    Raises:
        ExportError: the receiver would turn it down; `missing` has everything, and nothing was written.
        UsageError: a mistake in arguments or files.
    """
    unknown = [name for name in details if name not in Details.__dataclass_fields__]
    if unknown:
        raise UsageError(
            f"no receiver asks for {unknown[0]!r}; there are {', '.join(Details.__dataclass_fields__)}"
        )
    named = [samples] if isinstance(samples, (str, os.PathLike)) else samples
    several = [stored] if isinstance(stored, StoredRun) else list(stored)
    return export.export(several, format, out, Details(**details), samples=named, data_files=data_files)


# ---------------------------------------------------------------------- parts of the above


def _spec(task: str | None, file: SampleFile, settings: Mapping[str, Any]) -> TaskSpec:
    header = file.header
    if header is None:
        if task is None:
            raise UsageError(
                "--task is needed: these samples do not say of which task they are (see `passk tasks`)"
            )
        return catalog.load_task(task, settings)
    if task is not None and task != header.task:
        raise UsageError(
            f"{file.samples[0].origin}: the journal is of {header.task}, not of {task}: leave --task away, "
            "and change single settings with --set"
        )
    # From the journal alone: the task's YAML may be the user's own, or have changed since.
    recorded = Settings.parse(header.settings, where="the journal's settings")
    return TaskSpec(
        name=header.task,
        version=header.task_version,
        description="",
        settings=Settings.parse(settings, where=f"task {header.task}", base=recorded),
        generation_kwargs={"until": list(header.until)},
        source=Path(file.samples[0].origin),
        asked=recorded.extraction,
    )


def _generated_with(file: SampleFile) -> dict[str, object] | None:
    # What the samples themselves record; the task's own arguments say nothing about somebody else's samples.
    if file.header is not None:
        return {"until": list(file.header.until), **Keys(file.header.extra).inner("generation_kwargs").values}
    return None if file.until is None else {"until": list(file.until)}


def _check_dataset(header: JournalHeader | None, dataset: Dataset, settings: Mapping[str, Any]) -> list[str]:
    if header is None or header.dataset_sha256 == dataset.sha256:
        return []
    difference = (
        f"the problems ({dataset.source}, sha256 {dataset.sha256[:12]}) are not those of the journal "
        f"({header.dataset_source}, sha256 {header.dataset_sha256[:12]})"
    )
    if settings.keys() & {"data_files", "dataset", "benchmark"}:
        return [difference]
    raise DatasetError(f"{difference}; name the ones to use with --set data_files=PATH")


def _metrics(named: Sequence[str | Metric] | None) -> list[Metric] | None:
    if named is None:
        return None
    try:
        return [one if isinstance(one, Metric) else Metric.parse(one) for one in named]
    except ValueError as error:
        raise UsageError(str(error)) from None


def _counted(run: Run) -> tuple[list[str], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    task_ids, n, c = joining.counted(run)
    if not task_ids:
        raise UsageError(f"{run.path}: no sample has a verdict")
    return task_ids, n, c
