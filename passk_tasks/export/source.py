"""What an export is made from: a stored run, and where a format needs them the candidates that it judged.

results file -> Run (outcomes) ─┐
samples file -> texts ──────────┼─> extraction -> candidate, proved to be the judged one by its hash
problems ───────────────────────┘
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Benchmark
from passk_tasks.errors import SamplesError, UsageError
from passk_tasks.problem import Problem
from passk_tasks.results import joining, reading, store
from passk_tasks.results.keys import Keys
from passk_tasks.results.model import Run, StoredRun
from passk_tasks.results.samples import Sample
from passk_tasks.results.spent import Spent
from passk_tasks.scoring.candidates import Candidate, Prover, problems_of
from passk_tasks.tasks.settings import Settings


@dataclass(frozen=True)
class Source:
    """A run, with what a format needs of it.

    Attributes:
        run: what its results file says.
        family: the benchmark family's name.
        hub_path: repository of the family's problems on the hub.
        hub_name: configuration in it; None for its only one.
        split: the split of them that is evaluated.
        published: whether the run's problems are the family's published ones: by their hash or, where it has
            none, because they came from the hub.
        problems: all of the task's, by task_id; empty where no candidates were loaded.
        rows: the same as the dataset has them.
        candidates: those of each problem that the run has samples of, in the order of the samples; empty
            where the format needs none.
    """

    run: StoredRun
    family: str
    hub_path: str
    hub_name: str | None
    split: str
    published: bool
    problems: Mapping[str, Problem] = field(default_factory=dict, repr=False)
    rows: Mapping[str, Mapping[str, object]] = field(default_factory=dict, repr=False)
    candidates: Mapping[str, tuple[Candidate, ...]] = field(default_factory=dict, repr=False)

    @property
    def n(self) -> int | None:
        """Samples a problem; None where it differs between problems."""
        return self.run.conditions.n

    @property
    def temperature(self) -> float | None:
        """The sampling temperature, 0 for greedy decoding; None where the run did not record it."""
        return self.run.conditions.temperature

    @property
    def top_p(self) -> float | None:
        """The nucleus; None where the run did not record it."""
        return Keys(self.run.conditions.sampling).number("top_p")

    @property
    def hub_revision(self) -> str | None:
        """Commit of the hub's repository that the problems came from; None where the run does not say it."""
        said = re.fullmatch(
            rf"hub: {re.escape(self.hub_path)} \(.* at ([0-9a-f]{{40}})\)", self.run.dataset_source or ""
        )
        return said and said[1]

    def spent(self, task_id: str, index: int) -> Spent | None:
        """Return what a sample took, by its place among the problem's; None where it was not recorded."""
        of_problem = self.run.spent.get(task_id, ()) if isinstance(self.run, Run) else ()
        return of_problem[index] if index < len(of_problem) else None

    def in_order(self) -> list[tuple[str, Mapping[str, object], tuple[Candidate, ...]]]:
        """Return task_id, row and candidates of every problem with samples, in the dataset's order."""
        return [
            (task_id, row, self.candidates[task_id])
            for task_id, row in self.rows.items()
            if task_id in self.candidates
        ]


def load(
    stored: StoredRun,
    *,
    candidates: bool,
    texts: Iterable[str | os.PathLike[str]] | None = None,
    data_files: str | None = None,
) -> Source:
    """Return what a format needs of a run.

    Raises:
        SamplesError: the outcomes or the texts are not there, or do not belong together.
        DatasetError: the problems cannot be had.
        UsageError: the problems are not those of the run, or a judged program cannot be made again.
    """
    settings = Settings.parse(stored.settings, where=str(stored.path))
    benchmark = benchmarks.get(settings.benchmark)
    source = Source(
        run=stored,
        family=benchmark.name,
        hub_path=benchmark.hub_path,
        hub_name=benchmark.hub_name,
        split=benchmark.split,
        published=_published(stored, benchmark),
    )
    if not candidates:
        return source
    run = reading.load(stored)
    samples = _texts(run, texts)
    try:
        dataset = problems_of(run, data_files)
    except UsageError as error:
        raise UsageError(
            f"{stored.path}: its problems: {error}; name the file they are in with --data-files"
        ) from None
    # Under the names that the family gives its problems; a row may have another, or none.
    rows = dict(zip(dataset.problems, dataset.rows, strict=True))
    proved = _proved(run, samples, Prover(run, dataset.problems))
    return replace(source, run=run, problems=dataset.problems, rows=rows, candidates=proved)


def _published(stored: StoredRun, benchmark: Benchmark) -> bool:
    if benchmark.sha256 is not None:
        return stored.dataset_sha256 == benchmark.sha256
    return (stored.dataset_source or "").startswith(f"hub: {benchmark.hub_path} ")


def _texts(run: Run, paths: Iterable[str | os.PathLike[str]] | None) -> dict[str, list[Sample]]:
    of_score = run.samples_path is not None and run.samples_path.name == store.OUTCOMES
    # `passk score` notes the names that it was given, which may be relative to wherever that was.
    there = bool(run.inputs) and all(Path(path).exists() for path in run.inputs)
    if paths is None and of_score and not there:
        were = f", which were {', '.join(run.inputs)}" if run.inputs else ""
        raise SamplesError(
            f"{run.path}: outcomes hold no texts; name the samples that were scored{were}, with --samples"
        )
    return joining.texts(run, paths)


def _proved(
    run: Run, samples: Mapping[str, Sequence[Sample]], prover: Prover
) -> dict[str, tuple[Candidate, ...]]:
    """Return the candidates of each problem, or raise `UsageError` where one is not the judged one."""
    candidates = {
        task_id: tuple(prover.candidate(sample, number) for number, sample in enumerate(samples[task_id]))
        for task_id in run.outcomes
    }
    unproved = [
        task_id
        for task_id, of_problem in candidates.items()
        for candidate in of_problem
        if not candidate.proved
    ]
    if unproved:
        raise UsageError(
            f"{run.path}: {len(unproved)} of its {run.samples} samples do not give the program that was "
            f"judged, e.g. of {unproved[0]}: the samples are not those of this run, or another version of "
            f"passk-tasks ({run.conditions.passk_tasks}) extracted them; score them again, with --out, and "
            "export that"
        )
    return candidates
