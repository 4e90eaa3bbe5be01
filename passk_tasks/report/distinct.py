"""What was executed for each problem: every distinct program, how often it came, and what came of it.

A program is shown only where the run's hash proves that it was executed; otherwise the model's text is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from passk_tasks import benchmarks
from passk_tasks.errors import PasskError, SamplesError, UsageError
from passk_tasks.problem import Problem
from passk_tasks.results import joining
from passk_tasks.results.model import Run
from passk_tasks.results.samples import Sample
from passk_tasks.scoring.candidates import Prover, problems_of
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Distinct:
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
        programs: the distinct ones of each problem, the most frequent first.
        prompts: of each problem, where it is known.
        entry_points: the name of the function that each problem asks for, where it is known.
        notes: why something is not there, for people.
    """

    programs: Mapping[str, tuple[Distinct, ...]]
    prompts: Mapping[str, str] = field(default_factory=dict)
    entry_points: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read(run: Run) -> Details:
    """Return the distinct programs of a run. What cannot be had is left out, and noted."""
    notes: list[str] = []
    problems: Mapping[str, Problem] = {}
    prover = None
    try:
        known = _problems(run)
        problems, prover = known, Prover(run, known)
    except PasskError as error:
        notes.append(f"The problems cannot be shown: {error}")
    texts: Mapping[str, Sequence[Sample]] = {}
    try:
        texts = joining.texts(run)
    except SamplesError as error:
        notes.append(
            f"The candidates' texts are not stored with this run, so only their verdicts are here: {error}"
        )
    programs: dict[str, tuple[Distinct, ...]] = {}
    unproved = 0
    for task_id in run.outcomes:
        samples = texts.get(task_id, ())
        distinct = []
        for numbers in _same(run, task_id, samples):
            number, code, text = numbers[0], None, None
            if samples:
                text = samples[number].text
            if samples and prover is not None:
                candidate = prover.candidate(samples[number], number)
                unproved += not candidate.proved
                if candidate.proved and candidate.code is not None:
                    code = candidate.code.removeprefix(problems[task_id].prompt)
                    text = None if candidate.text.strip() in code else candidate.text
            distinct.append(Distinct(run.outcomes[task_id][number], numbers, code, text))
        distinct.sort(key=lambda program: (-len(program.samples), program.samples))
        programs[task_id] = tuple(distinct)
    if unproved:
        notes.append(
            f"For {unproved:,} candidates the saved text does not lead to the program that was executed; "
            "they are shown as the model wrote them."
        )
    return Details(
        programs,
        {task_id: problem.prompt for task_id, problem in problems.items()},
        {task_id: problem.entry_point for task_id, problem in problems.items()},
        tuple(notes),
    )


def _problems(run: Run) -> Mapping[str, Problem]:
    """Return the problems of a run: those in lm-eval's samples file, else those that lie on this host."""
    settings = Settings.parse(run.settings, where=str(run.path))
    rows = joining.rows(run)
    if rows:
        benchmark = benchmarks.get(settings.benchmark)
        return {task_id: benchmark.problem(row) for task_id, row in rows.items()}
    if settings.data_files is None and settings.dataset != "embedded":
        raise UsageError("they come from the hub, which a report does not ask")
    return problems_of(run).problems


def _same(run: Run, task_id: str, samples: Sequence[Sample]) -> Iterable[tuple[int, ...]]:
    """Return the numbers of those samples of a problem that gave the same program and the same outcome."""
    groups: defaultdict[tuple[Hashable, ...], list[int]] = defaultdict(list)
    outcomes = run.outcomes[task_id]
    for number, (outcome, sha256) in enumerate(zip(outcomes, run.programs[task_id], strict=True)):
        # A run of an early version has no hashes; then the same text is the same program.
        program = sha256 or (samples[number].text if samples else number)
        groups[program, outcome.verdict, outcome.base_passed, outcome.detail, outcome.flags].append(number)
    return map(tuple, groups.values())
