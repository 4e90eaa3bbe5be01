"""Samples in, `Scored` out: what `passk score` and the task class share.

samples -> candidates -> programs -> one batch of judging -> records -> a summary
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Dataset
from passk_tasks.errors import SamplesError, UsageError, check_name, did_you_mean
from passk_tasks.judging import batch, cases, selftest, trial
from passk_tasks.judging.executor import Executor, executor_for
from passk_tasks.results.samples import SOLUTION, Sample
from passk_tasks.scoring import diagnosis
from passk_tasks.scoring.candidates import EXTRACT, candidate, unfinished
from passk_tasks.scoring.known import Verdicts
from passk_tasks.scoring.summary import Record, Scored, summarise
from passk_tasks.tasks.catalog import TaskSpec
from passk_tasks.verdict import Outcome


def score(
    samples: Sequence[Sample],
    *,
    spec: TaskSpec,
    dataset: Dataset,
    executor: Executor | None = None,
    extract: str = "auto",
    strict_k: bool = False,
    progress: bool = False,
    verdicts: Verdicts | None = None,
) -> Scored:
    """Judge samples, all in one batch, and estimate pass@k.

    Args:
        samples: any number for any of the task's problems; n may differ between problems.
        spec: the task, with the settings and stop sequences in force.
        dataset: its problems.
        executor: what runs the programs; None for this host's sandbox, as the settings say.
        extract: `auto` takes completions and solutions verbatim and extracts from responses as the task
            says; any other mode is applied to all of them.
        strict_k: a k that some problem has too few samples for is an error; otherwise it is skipped, and
            the result says so.
        progress: show a progress bar.
        verdicts: those that are there, and where those that come are kept; None for the store of the settings
            alone.

    Raises:
        SamplesError: a sample of a problem that the task does not have.
        UsageError: an unknown way of extraction, or a k that is too large under `strict_k`.
        SandboxError: no sandbox of the wanted strength.
    """
    check(samples, spec=spec, dataset=dataset, extract=extract, strict_k=strict_k)
    settings = spec.settings
    benchmark = benchmarks.get(settings.benchmark)
    candidates = [candidate(sample, dataset.problems[sample.task_id], spec, extract) for sample in samples]
    programs = [
        benchmark.program(dataset.problems[sample.task_id], found.code, settings.judge.place)
        for sample, found in zip(samples, candidates, strict=True)
    ]
    distinct = batch.Batch(programs)
    outcomes: list[Outcome | None] = [None] * len(distinct)
    executor = executor or executor_for(settings)
    with verdicts or Verdicts(shared=settings.verdicts) as kept, executor:
        known = kept.known(distinct, executor, outcomes.__setitem__)
        for number, outcome in distinct.run(executor, known=known, progress=progress, shuffle=True):
            outcomes[number] = outcome
            kept.add(distinct, number, outcome)
        shares = cases.shares(distinct, outcomes, executor, progress=progress) if settings.partial else []
        layers, sandbox_warnings, judging_s = dict(executor.layers), executor.warnings, kept.seconds
        machines = executor.machines

    def record(index: int, sample: Sample) -> Record:
        problem, found, number = dataset.problems[sample.task_id], candidates[index], distinct.numbers[index]
        outcome = batch.no_code(programs[index]) if number < 0 else outcomes[number]
        assert outcome is not None, f"no outcome for {sample.origin}"
        return Record(
            sample,
            found,
            outcome,
            programs[index].sha256,
            problem.cluster,
            unfinished(sample, found, spec),
            left_out=benchmark.leaves_out(problem, found.code),
            share=None if not shares else 0.0 if number < 0 else shares[number],
        )

    records = [record(index, sample) for index, sample in enumerate(samples)]
    scored = summarise(
        records,
        spec=spec,
        dataset=dataset,
        layers=layers,
        sandbox_warnings=sandbox_warnings,
        judging_s=judging_s,
        machines=machines,
        seen=diagnosis.evidence(records, spec=spec, dataset=dataset, executor=executor, extract=extract),
    )
    return replace(scored, environments=kept.environments, from_store=kept.from_store, resumed=kept.resumed)


def check(
    samples: Sequence[Sample],
    *,
    spec: TaskSpec,
    dataset: Dataset,
    extract: str = "auto",
    strict_k: bool = False,
) -> None:
    """Find the user's mistakes before anything is executed; arguments and errors are those of `score`."""
    check_name("extraction", extract, EXTRACT)
    check_task_ids(samples, dataset, spec.name)
    if extract == "completion" and (whole := next((s for s in samples if s.form == SOLUTION), None)):
        raise UsageError(
            f"{whole.origin}: --extract completion continues the prompt, but this is a self-contained "
            "solution: use auto, or answer where there is text around the code"
        )
    beyond = budgets_beyond(samples, spec.settings.k)
    if beyond and strict_k:
        raise UsageError(_too_few(samples, max(beyond)))


def prepare(
    spec: TaskSpec,
    dataset: Dataset,
    asked: Collection[str] | None = None,
    executor: Executor | None = None,
) -> trial.Tried:
    """Try the sandbox, and the references of people's own problems, before anything rests on them.

    Returns the dataset to go on with, whose problems know how they are judged, and what to tell people.

    Args:
        spec: the task.
        dataset: its problems.
        asked: task_ids of those at hand; None for all.
        executor: what runs the programs; None for this host's sandbox, as the settings say.

    Raises:
        SandboxError: no sandbox of the wanted strength, or it gives a wrong verdict.
    """
    warnings = selftest.of_task(spec, dataset, asked, executor)
    tried = trial.references(spec.settings, dataset, asked, executor)
    return replace(tried, warnings=(*warnings, *tried.warnings))


def budgets_beyond(samples: Sequence[Sample], ks: Sequence[int]) -> tuple[int, ...]:
    """Return those of `ks` that are larger than the smallest n of any problem with samples."""
    fewest = min(Counter(sample.task_id for sample in samples).values(), default=0)
    return tuple(k for k in ks if k > fewest)


def check_task_ids(samples: Sequence[Sample], dataset: Dataset, task: str) -> None:
    """Raise `SamplesError` at the first sample of a problem that the task does not have."""
    for sample in samples:
        if sample.task_id not in dataset.problems:
            first, *_, last = [*dataset.problems, *dataset.problems]
            ends = [name for name in dataset.problems if re.split(r"[/_]", name)[-1] == sample.task_id]
            near = did_you_mean(sample.task_id, dataset.problems)
            hint = near if near.startswith(" (did") else f" (it has {first} to {last})"
            if ends:  # a number that the benchmark does not give its problems
                hint = (
                    f" (it may mean {' or '.join(ends[:3])}{', …' if ends[3:] else ''}: name the one meant)"
                )
            raise SamplesError(f"{sample.origin}: {task} has no problem {sample.task_id!r}{hint}")


def _too_few(samples: Sequence[Sample], k: int) -> str:
    counts = Counter(sample.task_id for sample in samples)
    task_id = min(counts, key=lambda task_id: counts[task_id])
    last = next(sample for sample in reversed(samples) if sample.task_id == task_id)
    return (
        f"{last.origin}: pass@{k} needs at least {k} samples of every problem, but {task_id} has "
        f"{counts[task_id]}: lower k to {counts[task_id]} or give more samples"
    )
