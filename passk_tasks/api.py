"""The functions behind the commands, on Python values.

    list_tasks, outside_benchmarks, load_task, load_problems  passk tasks
    task_configs_path, task_folder, code_eval_path            passk path
    read_samples, score_samples, score_texts                  passk score
    score_shard, merge_shards                                 passk score --shard, passk merge
    audit_task                                                passk audit
    check_sandbox                                             passk selfcheck
    list_runs                                                 passk runs
    label_runs                                                passk label
    load_run, load_runs, clusters_of                          every command that reads stored runs
    score_run                                                 passk show
    compare_runs                                              passk compare
    attribute_runs                                            passk factors
    trend_runs                                                passk trend
    gate_runs                                                 passk gate
    pass_curve, cost_curve, tail_problems, forecast_run       passk curve
    plan_from_run, plan_from_rate                             passk plan
    report_runs                                               passk report
    find_runs, export_runs                                    passk export

Everything here is a name of `passk_tasks` itself; docs/api.md has an example that runs.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from passk_tasks import plugins
from passk_tasks.errors import UsageError, check_name
from passk_tasks.judging import libraries
from passk_tasks.results import joining, reading, sample_files, store
from passk_tasks.results.lines import Paths
from passk_tasks.results.sample_files import SampleFile
from passk_tasks.scoring.saved import load_problems as load_problems
from passk_tasks.scoring.saved import score_samples as score_samples
from passk_tasks.scoring.saved import score_texts as score_texts
from passk_tasks.scoring.score import prepare
from passk_tasks.scoring.shards import merge_shards as merge_shards
from passk_tasks.scoring.shards import score_shard as score_shard
from passk_tasks.statistics.metrics import PASS, Counts, Metric, Score
from passk_tasks.tasks import catalog
from passk_tasks.tasks.catalog import load_task as load_task
from passk_tasks.tasks.catalog import task_configs_path as task_configs_path
from passk_tasks.tasks.catalog import task_folder as task_folder

# What scoring does not need is imported by the functions that need it, so that scoring starts at once.
if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from passk_tasks.audit.audit import Audit
    from passk_tasks.compare import Comparison
    from passk_tasks.export import Exported
    from passk_tasks.factors import Attribution
    from passk_tasks.gate import Result as GateResult
    from passk_tasks.judging.needs import ListedTask
    from passk_tasks.results.equal_cost import CostCurve
    from passk_tasks.results.model import Listing, Run, StoredRun
    from passk_tasks.selfcheck.check import Report
    from passk_tasks.statistics.curve import Point
    from passk_tasks.statistics.forecast import Forecast
    from passk_tasks.statistics.plan import Plan
    from passk_tasks.trend import Trend

# ---------------------------------------------------------------------- tasks and samples


def list_tasks(words: Sequence[str] = ()) -> list[ListedTask]:
    """Return the tasks, sorted by name, each with what this host lacks for it.

    Args:
        words: only tasks that have each of these in their name or description, in any case.

    Raises:
        UsageError: no task has them all.
    """
    from passk_tasks.judging import needs

    specs = (catalog.load_task(name) for name in catalog.task_names())
    wanted = [word.lower() for word in words]
    found = [s for s in specs if all(word in f"{s.name} {s.description}".lower() for word in wanted)]
    if not found:
        raise UsageError(f"no task has {' and '.join(map(repr, words))} in its name or description")
    return [needs.listed(spec) for spec in found]


def outside_benchmarks() -> dict[str, str]:
    """Return the benchmarks of other installed packages: the package by the benchmark's name."""
    return {point.name: plugins.owner(point) for point in plugins.declared(plugins.FAMILIES)}


def code_eval_path() -> Path:
    """Return the file of the `evaluate` module; `evaluate.load(str(path))` replaces code_eval."""
    return Path(__file__).resolve().parent / "code_eval.py"


def read_samples(paths: Paths) -> SampleFile:
    """Return the samples in files of any kind that `passk score` takes.

    Raises:
        SamplesError: a file is missing, broken or of no known kind; the message names file and line.
    """
    return sample_files.read(paths)


def audit_task(
    task: str,
    settings: Mapping[str, Any] | None = None,
    *,
    mutants: int = 20,
    problems: int | None = None,
    seed: int = 0,
    references: bool = False,
    out: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> Audit:
    """Run the tests of a task on programs that are known to be right or wrong, as `passk audit` does.

    Args:
        task: the task's name.
        settings: changes to the task's settings.
        mutants: most mutants of each problem, i.e. references with one small mistake.
        problems: number of problems, from the first; None for all.
        seed: chooses the mutants.
        references: try the reference solutions alone.
        out: file that keeps each outcome as it comes; with the same file a killed audit goes on.
        progress: show a progress bar.

    Raises:
        UsageError: no such task or setting, no problem has a reference solution, or `out` cannot be used.
        DatasetError: the problems cannot be loaded.
        SandboxError: this host cannot give the sandbox asked for.
    """
    from passk_tasks.audit import audit

    spec = load_task(task, settings)
    dataset = load_problems(spec)
    libraries.require(dataset, spec.settings, f"task {spec.name}")
    dataset = prepare(spec, dataset).dataset
    return audit.audit(
        spec,
        dataset,
        mutants=mutants,
        problems=problems,
        seed=seed,
        references=references,
        out=out,
        progress=progress,
    )


def check_sandbox(
    sandbox: str = "strict", *, workers: int = 0, python: str | None = None, progress: bool = False
) -> Report:
    """Attack the sandbox of this host with hostile programs, as `passk selfcheck` does.

    Args:
        sandbox: `strict`, or the weaker `rlimits`.
        workers: programs at one time; 0 for the number of usable CPUs.
        python: the interpreter that the programs run in, as the setting `python`; None for this one.
        progress: show a progress bar.

    Raises:
        SandboxError, SettingsError: this host cannot give the sandbox asked for, or that interpreter.
    """
    from passk_tasks.selfcheck import check

    return check.check(sandbox=sandbox, workers=workers, python=python, progress=progress)


# ---------------------------------------------------------------------- stored runs


def list_runs(
    path: str | os.PathLike[str],
    *,
    tags: Sequence[str] = (),
    task: str | None = None,
    model: str | None = None,
    since: str | None = None,
    best: str | None = None,
) -> Listing:
    """Return the runs in a results file, or anywhere below a folder, without their samples; by date.

    Args:
        path: the file or folder.
        tags: that a run must have, each of them.
        task: text that the task's name must hold.
        model: text that the model's name must hold, capital or not.
        since: day (YYYY-MM-DD) from which on, or how long ago: `10d`, `6w`, `3m`, `1y`.
        best: metric by which the best come first.

    Raises:
        SamplesError: the path does not exist, or is a file that cannot be read.
        UsageError: no run is left, no run has that metric, or `since` is no day.
    """
    from passk_tasks.results import choosing

    found = reading.listing(path)
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
    return joining.scores(run, _metrics(metrics), clusters)


def compare_runs(
    runs: Sequence[Run],
    metrics: Sequence[str | Metric] | None = None,
    clusters: Mapping[str, Hashable] | None = None,
    *,
    anyway: bool = False,
    seed: int = 0,
    baseline: str | None = None,
    last: bool = False,
) -> Comparison:
    """Compare runs, paired by problem, over the problems that all of them have samples of.

    Args:
        runs: at least two.
        metrics: as for `score_run`; the first one decides.
        clusters: as for `score_run`.
        anyway: compare even runs of different problems or task versions.
        seed: for sign flips, if they are drawn at random.
        baseline: the run that all others are set against, by its label, name, letter, file or folder. None
            sets the best against the others, or of two the second against the first.
        last: set the last run against the one before.

    Raises:
        UsageError: fewer than two runs, no common problem, runs that measured different things, no such
            baseline, or as `score_run`.
    """
    from passk_tasks import compare

    return compare.compare(
        runs,
        metrics=_metrics(metrics),
        clusters=clusters,
        anyway=anyway,
        seed=seed,
        baseline=baseline,
        last=last,
    )


def attribute_runs(
    runs: Sequence[Run],
    metric: str | Metric | None = None,
    clusters: Mapping[str, Hashable] | None = None,
    *,
    rescore: bool = False,
    progress: bool = False,
    seed: int = 0,
) -> Attribution:
    """Return what each condition that changed between runs did to a metric, as `passk factors` shows it.

    Args:
        runs: at least two; a change goes from the value that stands first.
        metric: what is measured; None for pass@1.
        clusters: as for `score_run`.
        rescore: where extraction or judging changed, judge the generations of both runs both ways, on this
            host, and take the difference apart.
        progress: show a progress bar while judging.
        seed: for sign flips, if they are drawn at random.

    Raises:
        UsageError: fewer than two runs, no common problem, a metric that some run cannot give, or generations
            or problems that are not at hand for `rescore`.
        SandboxError: no sandbox of the wanted strength on this host, for `rescore`.
    """
    from passk_tasks import factors

    wanted = _metrics(None if metric is None else [metric])
    found = factors.attribute(runs, metric=wanted[0] if wanted else None, clusters=clusters, seed=seed)
    if not rescore:
        return found
    from passk_tasks.scoring.rejudging import Rejudging

    rejudging = Rejudging(found.problems, progress=progress)
    found = factors.rescored(found, rejudging.judge, clusters=clusters, seed=seed)
    return replace(found, warnings=(*found.warnings, *rejudging.warnings))


def trend_runs(
    paths: Paths,
    metric: str | Metric | None = None,
    *,
    task: str | None = None,
    clusters: Mapping[str, Hashable] | None = None,
    seed: int = 0,
) -> list[Trend]:
    """Return a metric over time for each task in some folders, as `passk trend` shows it.

    Args:
        paths: results files, or folders with any number of runs.
        metric: what is shown; None for pass@1.
        task: take only the runs of this task.
        clusters: as for `score_run`.
        seed: for sign flips, if they are drawn at random.

    Raises:
        SamplesError: a path holds no run or cannot be read.
    """
    from passk_tasks import trend

    runs = [run if run.samples_path is None else reading.load(run) for run in reading.stored_in(paths, task)]
    wanted = _metrics(None if metric is None else [metric])
    return trend.trends(runs, metric=wanted[0] if wanted else None, clusters=clusters, seed=seed)


def gate_runs(paths: Paths, policy: str | os.PathLike[str]) -> GateResult:
    """Return whether the newest run of each task of a policy lost more than it allows, as `passk gate` does.

    Args:
        paths: results files, or folders with any number of runs.
        policy: the policy file, see docs/gate.md.

    Raises:
        UsageError: a mistake in the policy, a task without a run, runs that measured different things, or a
            metric that a run cannot give.
    """
    from passk_tasks import gate

    return gate.check(paths, policy)


def pass_curve(
    run: Run, ks: Sequence[int] | None = None, clusters: Mapping[str, Hashable] | None = None
) -> list[Point]:
    """Return pass@k for each k with its intervals and what the k-th sample added; k = 1 … n if `ks` is None.

    Raises:
        UsageError: some problem has fewer than k samples, or no sample has a verdict.
    """
    from passk_tasks.statistics import curve

    task_ids, n, c = _counted(run, ks or ())
    with _for_people(run.path):
        return curve.curve(n, c, ks, joining.shared([run], task_ids, clusters))


def cost_curve(
    run: Run, budgets: Sequence[float] | None = None, clusters: Mapping[str, Hashable] | None = None
) -> CostCurve | None:
    """Return pass@cost: the share of problems solved where so much may be spent on each, on average.

    In money where the run names its prices (`passk.price`), else in tokens of prompts and answers. A budget
    buys the same number of samples for every problem, which need not be whole.

    Without budgets these are round numbers. None is returned where nobody counted what the samples took.

    Raises:
        UsageError: a budget beyond the samples, or no sample has a verdict.
    """
    from passk_tasks.results import equal_cost

    return equal_cost.curve(run, budgets, clusters)


def tail_problems(run: Run, k: int | None = None) -> dict[str, tuple[int, int]]:
    """Return (n, c) by task_id of the problems that are solved, but by k samples no more often than not.

    Args:
        run: the run.
        k: budget; None for 10, or for half of n if that is less.

    Raises:
        UsageError: some problem has fewer than k samples, or no sample has a verdict.
    """
    from passk_tasks.statistics import curve

    task_ids, n, c = _counted(run, () if k is None else (k,))
    with _for_people(run.path):
        numbers = curve.tail_only(n, c, curve.tail_budget(int(n.min())) if k is None else k)
    return {task_ids[i]: (int(n[i]), int(c[i])) for i in numbers}


def forecast_run(run: Run, ks: Sequence[int]) -> list[Forecast]:
    """Return a forecast of pass@k for each k beyond n; it holds only as far as its fit does.

    Raises:
        UsageError: a k is not beyond n, or no sample has a verdict.
    """
    from passk_tasks.statistics import forecast

    _, n, c = _counted(run)
    with _for_people(run.path):
        return forecast.forecast(n, c, ks)


def plan_from_run(run: Run, half_width: float, k: int = 1) -> Plan:
    """Return how many samples a problem a half-width of pass@k needs, from how a pilot's samples vary.

    Raises:
        UsageError: some problem has fewer than 2k samples, no sample has a verdict, or k or the half-width is
            impossible.
    """
    from passk_tasks.statistics import plan

    _, n, c = _counted(run)
    with _for_people(run.path):
        return plan.from_pilot(n, c, k, half_width)


def plan_from_rate(rate: float, problems: int, half_width: float, k: int = 1) -> Plan:
    """Return how many samples a problem a half-width needs at an expected pass@1; a safe bound for k = 1.

    Raises:
        UsageError: the rate is outside [0, 1], k or the half-width is impossible, or there is no problem.
    """
    from passk_tasks.statistics import plan

    with _for_people():
        return plan.from_rate(rate, problems, k, half_width)


def report_runs(
    runs: Sequence[Run],
    metrics: Sequence[str | Metric] | None = None,
    clusters: Mapping[str, Hashable] | None = None,
    *,
    anyway: bool = False,
    title: str | None = None,
    audit_file: str | os.PathLike[str] | None = None,
    baseline: str | None = None,
    last: bool = False,
) -> str:
    """Return one self-contained HTML page about runs, as `passk report` writes it; write it as UTF-8.

    Args:
        runs: at least one; several are compared, as by `compare_runs`.
        metrics: as for `score_run`.
        clusters: as for `score_run`.
        anyway: as for `compare_runs`.
        title: heading of the page; None for the names of the runs.
        audit_file: the output of `passk audit TASK --json` for the same problems.
        baseline: as for `compare_runs`.
        last: as for `compare_runs`.

    Raises:
        UsageError: the extra `report` is not installed, the audit cannot be read, or as `compare_runs`.
    """
    from passk_tasks import report
    from passk_tasks.audit import audit

    return report.build(
        runs,
        metrics=_metrics(metrics),
        clusters=clusters,
        anyway=anyway,
        title=title,
        audit=None if audit_file is None else audit.read(audit_file),
        baseline=baseline,
        last=last,
    )


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
        stored: a run from `list_runs` or `load_runs`, or several for formats that take them.
        format: a name from `passk export --help`.
        out: folder for the files.
        samples: files with the samples, if the run does not say where they are.
        data_files: the problems, if those that the run names are not here.
        details: what the receiver asks and a run does not record: `model`, `user`, `organization`,
            `relationship`, `dataset_id`, `dataset_task`, `source_url`, `backend`, `revision`.

    Raises:
        ExportError: the receiver would turn the run down; `missing` lists why, and nothing was written.
        UsageError: a mistake in arguments or files.
    """
    from passk_tasks import export
    from passk_tasks.export import Details
    from passk_tasks.results.model import StoredRun

    for name in details:
        check_name("detail", name, Details.__dataclass_fields__)
    named = [samples] if isinstance(samples, (str, os.PathLike)) else samples
    several = [stored] if isinstance(stored, StoredRun) else list(stored)
    return export.export(several, format, out, Details(**details), samples=named, data_files=data_files)


# ---------------------------------------------------------------------- parts of the above


def _metrics(named: Sequence[str | Metric] | None) -> list[Metric] | None:
    if named is None:
        return None
    with _for_people():
        return [metric if isinstance(metric, Metric) else Metric.parse(metric) for metric in named]


def _counted(
    run: Run, ks: Sequence[int] = ()
) -> tuple[list[str], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    task_ids, n, c = joining.counted(run)
    budgets = [Metric(PASS, k) for k in ks if k > 0]  # the statistics refuse others
    joining.check_metrics(run, budgets, task_ids, Counts(n, c))
    return task_ids, n, c


@contextmanager
def _for_people(path: Path | None = None) -> Iterator[None]:
    """Turn a ValueError of the statistics into a UsageError that names the results file."""
    try:
        yield
    except ValueError as error:
        raise UsageError(str(error) if path is None else f"{path}: {error}") from None
