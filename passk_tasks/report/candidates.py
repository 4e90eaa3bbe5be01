"""What was executed for each problem: every distinct candidate, how often it came, and what came of it.

A run stores hashes of what it executed, and texts elsewhere. Code is found in a text again by the task's own
extraction, and shown as the candidate only where its hash is the stored one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Benchmark
from passk_tasks.errors import PasskError, SamplesError, UsageError
from passk_tasks.problem import Problem
from passk_tasks.results import joining
from passk_tasks.results.model import Run
from passk_tasks.results.samples import Sample
from passk_tasks.scoring.candidates import candidate
from passk_tasks.tasks.catalog import TaskSpec, load_task
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Candidate:
    """One program that was executed, and all samples that it was found in.

    Attributes:
        outcome: what came of it.
        samples: their numbers.
        code: what was executed, without the prompt that it continues; None where it is not known, or where
            there was none.
        text: what the model wrote in the first of the samples, where that is more than the code.
    """

    outcome: Outcome
    samples: tuple[int, ...]
    code: str | None = None
    text: str | None = None


@dataclass(frozen=True)
class Details:
    """A run in detail.

    Attributes:
        candidates: of each problem, the most frequent first.
        prompts: of each problem, where it is known.
        entry_points: names of the functions that are asked for, the same.
        notes: why something is not there, for people.
    """

    candidates: Mapping[str, tuple[Candidate, ...]]
    prompts: Mapping[str, str] = field(default_factory=dict)
    entry_points: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read(run: Run) -> Details:
    """Return the candidates of a run. What cannot be had is left out, and noted."""
    notes: list[str] = []
    try:
        settings = Settings.parse(run.settings, where=str(run.path))
        benchmark = benchmarks.get(settings.benchmark)
        problems = _problems(run, settings, benchmark)
    except PasskError as error:
        notes.append(f"The problems cannot be shown: {error}")
        return Details(_grouped(run, _texts(run, notes), None), notes=tuple(notes))
    finder = _Finder(run, settings, benchmark, problems)
    grouped = _grouped(run, _texts(run, notes), finder)
    if finder.unproved:
        notes.append(
            f"For {finder.unproved:,} candidates the saved text does not lead to the program that was "
            "executed; they are shown as the model wrote them."
        )
    return Details(
        grouped,
        {task_id: one.prompt for task_id, one in problems.items()},
        {task_id: one.entry_point for task_id, one in problems.items()},
        tuple(notes),
    )


class _Finder:
    """Finds the candidate in a text, and proves it by the hash of what was executed."""

    def __init__(
        self, run: Run, settings: Settings, benchmark: Benchmark, problems: Mapping[str, Problem]
    ) -> None:
        self.settings, self.benchmark, self.problems = settings, benchmark, problems
        self.extract = run.extract or "auto"
        until, asked = _stops(run)
        self.spec = TaskSpec(
            name=run.task,
            version="",
            description="",
            settings=settings,
            generation_kwargs={"until": until},
            source=Path(run.path),
            asked=asked,
        )
        self.unproved = 0

    def code(self, sample: Sample, sha256: str) -> str | None:
        """Return the candidate of a sample; None where there is none or it cannot be proved."""
        problem = self.problems.get(sample.task_id)
        if problem is not None:
            code = candidate(sample, problem, self.spec, self.extract).code
            if self.benchmark.program(problem, code, self.settings.judge.place).sha256 == sha256:
                return None if code is None else code.removeprefix(problem.prompt)
        self.unproved += 1
        return None


def _stops(run: Run) -> tuple[list[str], str | None]:
    """Return the stops that the samples were asked for with, and the extraction that those go with."""
    if run.conditions.stops is not None:
        return list(run.conditions.stops), None
    try:
        task = load_task(run.task)  # what `passk score` applies where the samples say nothing
    except PasskError:
        return [], None
    return list(task.until), task.asked


def _problems(run: Run, settings: Settings, benchmark: Benchmark) -> dict[str, Problem]:
    rows = joining.rows(run)
    if rows:
        return {task_id: benchmark.problem(row) for task_id, row in rows.items()}
    if settings.data_files is None and settings.dataset == "hub":
        raise UsageError("they come from the hub, which a report does not ask")
    dataset = benchmarks.load(benchmark, settings)
    if run.conditions.dataset not in (None, dataset.sha256):
        raise UsageError(f"{dataset.source} has others by now (sha256 {dataset.sha256[:12]})")
    return dataset.problems


def _texts(run: Run, notes: list[str]) -> dict[str, list[Sample]]:
    try:
        return joining.texts(run)
    except SamplesError as error:
        notes.append(
            f"The candidates' texts are not stored with this run, so only their verdicts are here: {error}"
        )
        return {}


def _grouped(
    run: Run, texts: Mapping[str, Sequence[Sample]], finder: _Finder | None
) -> dict[str, tuple[Candidate, ...]]:
    found = {}
    for task_id, outcomes in run.outcomes.items():
        programs = run.programs.get(task_id) or ("",) * len(outcomes)
        samples: Sequence[Sample | None] = texts.get(task_id) or [None] * len(outcomes)
        groups: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
        for number, (outcome, program, sample) in enumerate(zip(outcomes, programs, samples, strict=True)):
            same = program or (number if sample is None else sample.text)
            groups[same, outcome.verdict, outcome.base_passed, outcome.detail, outcome.flags].append(number)
        candidates = [
            _candidate(numbers, outcomes[numbers[0]], programs[numbers[0]], samples[numbers[0]], finder)
            for numbers in groups.values()
        ]
        found[task_id] = tuple(sorted(candidates, key=lambda one: (-len(one.samples), one.samples)))
    return found


def _candidate(
    numbers: Sequence[int], outcome: Outcome, program: str, sample: Sample | None, finder: _Finder | None
) -> Candidate:
    if sample is None:
        return Candidate(outcome, tuple(numbers))
    code = finder.code(sample, program) if finder is not None else None
    more = code is None or sample.text.strip() not in code
    return Candidate(outcome, tuple(numbers), code, sample.text if more else None)
