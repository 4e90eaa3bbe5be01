"""The functions behind the commands: what each of them does, on Python values, with the same numbers.

    list_tasks, outside_benchmarks, load_task, load_problems  passk tasks
    task_configs_path, task_folder, code_eval_path            passk path
    read_samples, score_samples                               passk score
    audit_task                                                passk audit
    check_sandbox                                             passk selfcheck
    list_runs                                                 passk runs
    load_run, load_runs, clusters_of                          whatever reads stored runs
    score_run                                                 passk show
    compare_runs                                              passk compare
    pass_curve, tail_problems, forecast_run                   passk curve
    plan_from_run, plan_from_rate                             passk plan
    report_runs                                               passk report
    find_runs, export_runs                                    passk export

Everything here is a name of `passk_tasks` itself; docs/api.md has an example that runs.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from passk_tasks import benchmarks, compare, export, plugins
from passk_tasks.audit import audit
from passk_tasks.audit.audit import Audit
from passk_tasks.benchmarks import Benchmark
from passk_tasks.compare import Comparison
from passk_tasks.errors import UsageError
from passk_tasks.export import Details, Exported
from passk_tasks.judging import libraries
from passk_tasks.results import joining, reading, sample_files, store
from passk_tasks.results.model import Listing, Run, StoredRun
from passk_tasks.results.sample_files import SampleFile
from passk_tasks.scoring.saved import Paths
from passk_tasks.scoring.saved import load_problems as load_problems
from passk_tasks.scoring.saved import score_samples as score_samples
from passk_tasks.scoring.score import prepare
from passk_tasks.statistics import curve, forecast, plan
from passk_tasks.statistics.curve import Point
from passk_tasks.statistics.forecast import Forecast
from passk_tasks.statistics.metrics import PASS, Counts, Metric, Score
from passk_tasks.statistics.plan import Plan
from passk_tasks.tasks import catalog
from passk_tasks.tasks.catalog import TaskSpec
from passk_tasks.tasks.catalog import load_task as load_task
from passk_tasks.tasks.catalog import task_configs_path as task_configs_path
from passk_tasks.tasks.catalog import task_folder as task_folder
from passk_tasks.tasks.settings import Settings

if TYPE_CHECKING:
    from passk_tasks.selfcheck.check import Report

# ---------------------------------------------------------------------- tasks and samples


def list_tasks() -> list[dict[str, Any]]:
    """Return what `passk tasks --json` prints: each task by name, with what it needs and what is missing."""
    return [_described(catalog.load_task(name)) for name in catalog.task_names()]


def outside_benchmarks() -> dict[str, str]:
    """Return the benchmarks that other installed packages bring: the package of each by its name."""
    return {point.name: plugins.owner(point) for point in plugins.declared(plugins.FAMILIES)}


def code_eval_path() -> Path:
    """Return the file of the `evaluate` module: `evaluate.load(str(path))` stands in for code_eval."""
    return Path(__file__).resolve().parent / "code_eval.py"


def read_samples(paths: Paths) -> SampleFile:
    """Return the samples in files of any kind that `passk score` takes.

    Raises:
        SamplesError: a file that is missing, broken or of no known kind, with file and line.
    """
    return sample_files.read(paths)


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


def check_sandbox(sandbox: str = "strict", *, workers: int = 0, progress: bool = False) -> Report:
    """Attack the sandbox of this host with programs of known intent, as `passk selfcheck` does.

    Args:
        sandbox: `strict`, or `rlimits` for the explicit weaker choice.
        workers: programs at one time; 0 for as many as there are usable CPUs.
        progress: show a progress bar.

    Raises:
        SandboxError: no sandbox of the wanted strength on this host.
    """
    # Here, so that the other functions come without the corpus.
    from passk_tasks.selfcheck import check

    return check.check(sandbox=sandbox, workers=workers, progress=progress)


# ---------------------------------------------------------------------- stored runs


def list_runs(path: str | os.PathLike[str]) -> Listing:
    """Return the runs in a results file, or anywhere below a folder, without their samples.

    Raises:
        SamplesError: the path does not exist, or a file that was named cannot be read.
    """
    return reading.listing(path)


def find_runs(paths: Paths, task: str | None = None) -> list[StoredRun]:
    """Return every run that the paths hold, each once, without their samples.

    Args:
        paths: results files, or folders with any number of them.
        task: take only the runs of this task.

    Raises:
        SamplesError: a path without any run, or one that cannot be read.
    """
    return reading.stored_in([paths] if isinstance(paths, (str, os.PathLike)) else paths, task)


def load_runs(paths: Paths, task: str | None = None) -> list[Run]:
    """Return every run that the paths hold, with the outcome of every sample; arguments as `find_runs`.

    Raises:
        SamplesError: a path without any run, or one that cannot be read.
    """
    return [reading.load(stored) for stored in find_runs(paths, task)]


def load_run(path: str | os.PathLike[str], task: str | None = None) -> Run:
    """Return the one run that a path holds, with the outcome of every sample.

    Args:
        path: a results file, or a folder.
        task: take the run of this task.

    Raises:
        UsageError: there are several.
        SamplesError: there is none, or it cannot be read.
    """
    return reading.load(reading.only_one(find_runs(path, task), str(path)))


def clusters_of(
    runs: Sequence[Run], column: str, problems: str | os.PathLike[str] | None = None
) -> dict[str, str]:
    """Return what stands in a column of the problems, by task_id: problems that share it share a source.

    Args:
        runs: whose problems are meant; one of them that holds its problems is enough.
        column: of the dataset, e.g. `source_file`.
        problems: lines of JSON with `task_id` and the column, where no run holds its problems.

    Raises:
        SamplesError: the column is not there, for all problems or for one.
    """
    # Lines of `passk score` hold no problems.
    holders = (run for run in runs if run.samples_path and run.samples_path.name != store.OUTCOMES)
    return joining.clusters(next(holders, runs[0]), column, problems)


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
        UsageError: there is no such metric, no sample with a verdict, or a budget beyond the samples of some
            problem.
    """
    return joining.scores(run, _metrics(metrics), clusters)


def compare_runs(
    runs: Sequence[Run],
    metrics: Sequence[str | Metric] | None = None,
    clusters: Mapping[str, Hashable] | None = None,
    *,
    anyway: bool = False,
    seed: int = 0,
) -> Comparison:
    """Compare runs, paired by problem, over the problems that all of them have samples of.

    Args:
        runs: at least two; the last one is the one under test.
        metrics: what to compare, the first one decides.
        clusters: what problems share, by task_id; what the benchmark says where None, nothing where empty.
        anyway: compare even where conditions differ that make the numbers unlike.
        seed: of the sign flips, where they are drawn.

    Raises:
        UsageError: fewer than two runs, nothing in common, runs that measured different things, or as
            `score_run`.
    """
    return compare.compare(runs, metrics=_metrics(metrics), clusters=clusters, anyway=anyway, seed=seed)


def pass_curve(
    run: Run, ks: Sequence[int] | None = None, clusters: Mapping[str, Hashable] | None = None
) -> list[Point]:
    """Return pass@k for each k, with its band and what the last sample added; k = 1 … n where None.

    Raises:
        UsageError: a k beyond the samples of some problem, or no sample with a verdict.
    """
    task_ids, n, c = _counted(run, ks or ())
    with _for_people(run.path):
        return curve.curve(n, c, ks, joining.shared([run], task_ids, clusters))


def tail_problems(run: Run, k: int | None = None) -> dict[str, tuple[int, int]]:
    """Return n and c of the problems that are solved, but by k samples no more often than not, by task_id.

    Args:
        run: whose.
        k: budget; 10, or half of n where that is less, where None.

    Raises:
        UsageError: a k beyond the samples of some problem, or no sample with a verdict.
    """
    task_ids, n, c = _counted(run, () if k is None else (k,))
    with _for_people(run.path):
        numbers = curve.tail_only(n, c, curve.tail_budget(int(n.min())) if k is None else k)
    return {task_ids[i]: (int(n[i]), int(c[i])) for i in numbers}


def forecast_run(run: Run, ks: Sequence[int]) -> list[Forecast]:
    """Return a forecast of pass@k beyond the run's samples, which holds as far as its fit does.

    Raises:
        UsageError: a k that is not beyond n, or no sample with a verdict.
    """
    _, n, c = _counted(run)
    with _for_people(run.path):
        return forecast.forecast(n, c, ks)


def plan_from_run(run: Run, half_width: float, k: int = 1) -> Plan:
    """Return how many samples a problem a wanted half-width takes, by how a pilot's samples vary.

    Raises:
        UsageError: fewer than 2k samples of some problem, no sample with a verdict, or an impossible k or
            half-width.
    """
    _, n, c = _counted(run)
    with _for_people(run.path):
        return plan.from_pilot(n, c, k, half_width)


def plan_from_rate(rate: float, problems: int, half_width: float, k: int = 1) -> Plan:
    """Return the same for an expected pass@1, on the safe side for k = 1.

    Raises:
        UsageError: a rate outside [0, 1], an impossible k or half-width, or no problem.
    """
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
) -> str:
    """Return one self-contained HTML page about runs, as `passk report` writes it; write it as UTF-8.

    Args:
        runs: at least one; several are compared, as by `compare_runs`.
        metrics: what to estimate beside pass@1; the budgets that the runs were asked for where None.
        clusters: what problems share, by task_id; what the benchmark says where None, nothing where empty.
        anyway: compare even where conditions differ that make the numbers unlike.
        title: heading of the page; what the runs are called where None.
        audit_file: what `passk audit TASK --json` printed, of the same problems.

    Raises:
        UsageError: the extra `report` is not installed, the audit cannot be read, or as `compare_runs`.
    """
    # Here, so that the other functions come without matplotlib.
    from passk_tasks import report

    return report.build(
        runs,
        metrics=_metrics(metrics),
        clusters=clusters,
        anyway=anyway,
        title=title,
        audit=None if audit_file is None else audit.read(audit_file),
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


def _described(spec: TaskSpec) -> dict[str, Any]:
    settings = spec.settings
    benchmark = benchmarks.get(settings.benchmark)
    absent = libraries.absent(benchmark.libraries, settings.packages)
    missing = benchmark.missing(settings)
    if absent:
        missing = [*missing, f"{len(absent)} {'library' if len(absent) == 1 else 'libraries'}"]
    return {
        "name": spec.name,
        "version": spec.version,
        "description": spec.description,
        "n": settings.samples,
        "k": list(settings.k),
        "temperature": catalog.temperature(spec.generation_kwargs) or 0.0,
        "judge": settings.judge.value,
        "dataset": settings.data_files or f"{settings.benchmark} ({settings.dataset})",
        "source": _origin(settings, benchmark),
        "missing": missing,
        "missing_libraries": list(absent),
        "extraction": settings.extraction,
        "generation_kwargs": spec.generation_kwargs,
    }


def _origin(settings: Settings, benchmark: Benchmark) -> str:
    """Return where the problems come from, in few words."""
    if settings.data_files is not None:
        return settings.data_files
    if settings.dataset == "embedded":
        package = type(benchmark).__module__.partition(".")[0]
        return f"{benchmark.name}, installed with {package.replace('passk_tasks', 'this package')}"
    if settings.dataset != "hub":
        return f"hub: {settings.dataset}"
    if not benchmark.hub_path:
        return "problems of your own"
    return f"hub: {benchmark.hub_path}" + (f", {benchmark.hub_name}" if benchmark.hub_name else "")


def _metrics(named: Sequence[str | Metric] | None) -> list[Metric] | None:
    if named is None:
        return None
    with _for_people():
        return [one if isinstance(one, Metric) else Metric.parse(one) for one in named]


def _counted(
    run: Run, ks: Sequence[int] = ()
) -> tuple[list[str], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    task_ids, n, c = joining.counted(run)
    budgets = [Metric(PASS, k) for k in ks if k > 0]  # others are refused by the mathematics
    joining.check_metrics(run, budgets, task_ids, Counts(n, c))
    return task_ids, n, c


@contextmanager
def _for_people(path: Path | None = None) -> Iterator[None]:
    """Turn an error of the mathematics into one for people, which names the results file that it is about."""
    try:
        yield
    except ValueError as error:
        raise UsageError(str(error) if path is None else f"{path}: {error}") from None
