"""Samples in, `Scored` out: what `passk score` and the task class share.

samples -> candidates -> programs -> one batch of judging -> records -> a summary
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Dataset
from passk_tasks.errors import SamplesError, UsageError, check_name, did_you_mean
from passk_tasks.extraction import Extraction
from passk_tasks.judging import batch, cases, selftest, trial
from passk_tasks.judging.executor import Executor, executor_for
from passk_tasks.lazy import Lazy
from passk_tasks.program import Program
from passk_tasks.results.samples import SOLUTION, Sample, Samples
from passk_tasks.results.spool import Spool
from passk_tasks.scoring import diagnosis
from passk_tasks.scoring.candidates import EXTRACT, candidate, unfinished
from passk_tasks.scoring.known import Verdicts
from passk_tasks.scoring.summary import Grouped, Record, Scored, summarise
from passk_tasks.tasks.catalog import TaskSpec
from passk_tasks.verdict import Outcome


def score(
    samples: Sequence[Sample],
    *,
    spec: TaskSpec,
    dataset: Dataset,
    executor: Executor | None = None,
    extract: str = "auto",
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
        progress: show a progress bar.
        verdicts: those that are there, and where those that come are kept; None for the store of the settings
            alone.

    Raises:
        SamplesError: a sample of a problem that the task does not have.
        UsageError: an unknown way of extraction.
        SandboxError: no sandbox of the wanted strength.
    """
    check(samples, spec=spec, dataset=dataset, extract=extract)
    settings = spec.settings
    programs = _Programs(samples, spec, dataset, extract)
    distinct = batch.Batch(programs)
    executor = executor or executor_for(settings)
    with verdicts or Verdicts(shared=settings.verdicts) as kept, executor:
        outcomes = _judged(distinct, executor, kept, progress=progress)
        machines = kept.judged_by()
        shares = None
        if settings.partial:
            judged = [outcomes[number] for number in range(len(distinct))]
            shares = cases.shares(distinct, judged, executor, progress=progress)
        layers, sandbox_warnings, judging_s = dict(executor.layers), executor.warnings, kept.seconds
    watch = diagnosis.Watch(spec, dataset, extract)
    records, grouped = _looked_at(programs.records(samples, distinct, outcomes, shares), watch)
    scored = summarise(
        records,
        spec=spec,
        dataset=dataset,
        layers=layers,
        sandbox_warnings=sandbox_warnings,
        judging_s=judging_s,
        machines=machines,
        seen=watch.evidence(records, executor),
        grouped=grouped,
    )
    return replace(scored, environments=kept.environments, from_store=kept.from_store, resumed=kept.resumed)


def _looked_at(made: Iterator[Record], watch: diagnosis.Watch) -> tuple[Spool[Record], Grouped]:
    """Return the records and what their numbers are made of; all is seen once, since they lie on the disk."""
    records, grouped = Spool[Record](), Grouped()
    for record in made:
        records.append(record)
        grouped.add(record)
        watch.add(record)
    return records, grouped


class _Programs(Lazy[Program]):
    """The programs of all samples, each made from what was found in its text when it is asked for."""

    def __init__(self, samples: Sequence[Sample], spec: TaskSpec, dataset: Dataset, extract: str) -> None:
        self._spec, self._dataset = spec, dataset
        self._benchmark = benchmarks.get(spec.settings.benchmark)
        self._found = Spool[tuple[str, Extraction]]()
        for sample in samples:
            found = candidate(sample, dataset.problems[sample.task_id], spec, extract)
            self._found.append((sample.task_id, found))

    def __len__(self) -> int:
        return len(self._found)

    def item(self, place: int) -> Program:
        """Return the program of the sample at a place."""
        return self._program(*self._found[place])

    def __iter__(self) -> Iterator[Program]:
        return itertools.starmap(self._program, self._found)

    def _program(self, task_id: str, found: Extraction) -> Program:
        place = self._spec.settings.judge.place
        return self._benchmark.program(self._dataset.problems[task_id], found.code, place)

    def records(
        self,
        samples: Sequence[Sample],
        distinct: batch.Batch,
        outcomes: _Outcomes,
        shares: Sequence[float | None] | None,
    ) -> Iterator[Record]:
        """Yield what is recorded of each sample; outcomes and shares by distinct program."""
        for number, sample, (task_id, found) in zip(
            distinct.numbers.tolist(), samples, self._found, strict=True
        ):
            problem = self._dataset.problems[task_id]
            if number < 0:
                program = self._program(task_id, found)
                outcome, sha256, share = (
                    batch.no_code(program),
                    program.sha256,
                    None if shares is None else 0.0,
                )
            else:
                outcome, sha256 = outcomes[number], distinct.sha256(number)
                share = None if shares is None else shares[number]
            yield Record(
                sample,
                found,
                outcome,
                sha256,
                problem.cluster,
                unfinished(sample, found, self._spec),
                left_out=self._benchmark.leaves_out(problem, found.code),
                share=share,
            )


class _Outcomes:
    """The outcomes of distinct programs, by number: they come in any order, the last one of each counts."""

    def __init__(self, count: int) -> None:
        self._spool = Spool[Outcome]()
        self.places = np.full(count, -1, dtype=np.int64)  # in the spool; -1 of what has none yet

    def put(self, number: int, outcome: Outcome) -> None:
        self.places[number] = self._spool.append(outcome)

    def __getitem__(self, number: int) -> Outcome:
        return self._spool[int(self.places[number])]


def _judged(distinct: batch.Batch, executor: Executor, kept: Verdicts, *, progress: bool) -> _Outcomes:
    """Return the outcomes of distinct programs: known ones are taken, the others are judged and kept."""
    outcomes = _Outcomes(len(distinct))
    known = kept.known(distinct, executor, outcomes.put)
    for number, outcome in distinct.run(executor, known=known, progress=progress, shuffle=True):
        outcomes.put(number, outcome)
        kept.add(distinct, number, outcome)
    assert (outcomes.places >= 0).all(), f"no outcome for program {np.argmin(outcomes.places)}"
    return outcomes


def check(
    samples: Sequence[Sample],
    *,
    spec: TaskSpec,
    dataset: Dataset,
    extract: str = "auto",
    strict_k: bool = False,
) -> None:
    """Find the user's mistakes before anything is executed; arguments and errors are those of `score`.

    With `strict_k`, a k that some problem has too few samples for is a `UsageError`; else `score` skips it.
    """
    check_name("extraction", extract, (*EXTRACT, spec.settings.extraction))
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
    fewest = min(_counts(samples).values(), default=0)
    return tuple(k for k in ks if k > fewest)


def check_task_ids(samples: Sequence[Sample], dataset: Dataset, task: str) -> None:
    """Raise `SamplesError` at the first sample of a problem that the task does not have."""
    unknown = [name for name in _counts(samples) if name not in dataset.problems]
    for sample in samples if unknown else ():
        if sample.task_id in unknown:
            first, *_, last = [*dataset.problems, *dataset.problems]
            ends = [name for name in dataset.problems if re.split(r"[/_]", name)[-1] == sample.task_id]
            near = did_you_mean(sample.task_id, dataset.problems)
            hint = near if near.startswith(" (did") else f" (it has {first} to {last})"
            if ends:  # a number that the benchmark does not give its problems
                hint = (
                    f" (it may mean {' or '.join(ends[:3])}{', …' if ends[3:] else ''}: name the one meant)"
                )
            raise SamplesError(f"{sample.origin}: {task} has no problem {sample.task_id!r}{hint}")


def _counts(samples: Sequence[Sample]) -> Mapping[str, int]:
    """Return how many samples each problem has."""
    return samples.counts if isinstance(samples, Samples) else Counter(s.task_id for s in samples)


def _too_few(samples: Sequence[Sample], k: int) -> str:
    counts = _counts(samples)
    task_id = min(counts, key=lambda task_id: counts[task_id])
    last = next(sample for sample in reversed(samples) if sample.task_id == task_id)
    return (
        f"{last.origin}: pass@{k} needs at least {k} samples of every problem, but {task_id} has "
        f"{counts[task_id]}: lower k to {counts[task_id]} or give more samples"
    )
