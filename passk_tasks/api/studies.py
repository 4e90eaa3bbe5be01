"""What is asked of stored runs: comparisons, causes, trends, gates, curves, plans, reports, exports."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from passk_tasks.api.parts import counted, for_people, metric_of, metrics_of
from passk_tasks.errors import check_name
from passk_tasks.results import joining, reading
from passk_tasks.results.lines import Paths
from passk_tasks.statistics.metrics import Metric

# What scoring does not need is imported by the functions that need it, so that scoring starts at once.
if TYPE_CHECKING:
    from passk_tasks.compare import Comparison
    from passk_tasks.export import Exported
    from passk_tasks.factors import Attribution
    from passk_tasks.gate import Result as GateResult
    from passk_tasks.results.equal_cost import CostCurve
    from passk_tasks.results.model import Run, StoredRun
    from passk_tasks.statistics.curve import Point
    from passk_tasks.statistics.forecast import Forecast
    from passk_tasks.statistics.plan import Plan
    from passk_tasks.trend import Trend


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
        metrics=metrics_of(metrics),
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

    wanted = None if metric is None else metric_of(metric)
    found = factors.attribute(runs, metric=wanted, clusters=clusters, seed=seed)
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
    wanted = None if metric is None else metric_of(metric)
    return trend.trends(runs, metric=wanted, clusters=clusters, seed=seed)


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

    task_ids, n, c = counted(run, ks or ())
    with for_people(run.path):
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

    task_ids, n, c = counted(run, () if k is None else (k,))
    with for_people(run.path):
        numbers = curve.tail_only(n, c, curve.tail_budget(int(n.min())) if k is None else k)
    return {task_ids[i]: (int(n[i]), int(c[i])) for i in numbers}


def forecast_run(run: Run, ks: Sequence[int]) -> list[Forecast]:
    """Return a forecast of pass@k for each k beyond n; it holds only as far as its fit does.

    Raises:
        UsageError: a k is not beyond n, or no sample has a verdict.
    """
    from passk_tasks.statistics import forecast

    _, n, c = counted(run)
    with for_people(run.path):
        return forecast.forecast(n, c, ks)


def plan_from_run(run: Run, half_width: float, k: int = 1) -> Plan:
    """Return how many samples a problem a half-width of pass@k needs, from how a pilot's samples vary.

    Raises:
        UsageError: some problem has fewer than 2k samples, no sample has a verdict, or k or the half-width is
            impossible.
    """
    from passk_tasks.statistics import plan

    _, n, c = counted(run)
    with for_people(run.path):
        return plan.from_pilot(n, c, k, half_width)


def plan_from_rate(rate: float, problems: int, half_width: float, k: int = 1) -> Plan:
    """Return how many samples a problem a half-width needs at an expected pass@1; a safe bound for k = 1.

    Raises:
        UsageError: the rate is outside [0, 1], k or the half-width is impossible, or there is no problem.
    """
    from passk_tasks.statistics import plan

    with for_people():
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
        metrics=metrics_of(metrics),
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
    **details: Any,
) -> Exported:
    """Write the files that a leaderboard or another tool accepts, as `passk export` does; uploads nothing.

    Args:
        stored: a run from `list_runs` or `load_runs`, or several for formats that take them.
        format: a name from `passk export --help`.
        out: folder for the files.
        samples: files with the samples, if the run does not say where they are.
        data_files: the problems, if those that the run names are not here.
        details: what the receiver asks and a run does not record: `model`, `user`, `organization`,
            `relationship`, `dataset_id`, `dataset_task`, `source_url`, `backend`, `revision`, `size`,
            `open_data`.

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
