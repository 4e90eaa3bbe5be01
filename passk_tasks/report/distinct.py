"""What was executed for each problem: every distinct program, how often it came, and what came of it.

    outcomes and hashes -> groups of equal samples -> those that are shown -> their texts -> proved programs

A program is shown only where the run's hash proves that it was executed; otherwise the model's text is.
Extraction and proof are the work of a report, so they are done for what is shown alone.
"""

from __future__ import annotations

import functools
import json
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from passk_tasks import benchmarks
from passk_tasks.errors import PasskError, SamplesError, UsageError
from passk_tasks.problem import Problem
from passk_tasks.program import AnyTests, StdioTests, Tests
from passk_tasks.results import joining
from passk_tasks.results.joining import Saved
from passk_tasks.results.model import Run
from passk_tasks.results.samples import Sample
from passk_tasks.scoring.candidates import Prover, problems_of
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Outcome, Verdict

_CASES = 3  # cases of a program's tests that are shown


@dataclass(frozen=True, slots=True)
class Distinct:
    """One program that was executed, and all samples that it was found in.

    Attributes:
        samples: their numbers.
        code: what was executed, without the prompt that it continues; None where it is not known, or where
            there was none.
        text: what the model wrote in the first of the samples, where that is more than the code.
    """

    outcome: Outcome
    samples: tuple[int, ...]
    code: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A problem as it is shown: of `tests` the source or the first cases; `language` is None for Python."""

    prompt: str
    entry_point: str
    tests: str
    reference: str | None
    language: str | None


@dataclass(frozen=True)
class Details:
    """A run in detail.

    Attributes:
        programs: those distinct programs of each problem that are shown, the most frequent first.
        distinct: how many there are of each problem.
        problems: each problem, where it is known.
        sent: the prompt of each problem as it went to the model, where the run's files hold it.
        notes: why something is not there, for people.
    """

    programs: Mapping[str, tuple[Distinct, ...]]
    distinct: Mapping[str, int] = field(default_factory=dict)
    problems: Mapping[str, Shown] = field(default_factory=dict)
    sent: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read(run: Run, most: int | None = None) -> Details:
    """Return the distinct programs of a run, at most so many a problem; what cannot be had is noted."""
    groups: dict[str, list[tuple[int, ...]]] = {}
    distinct: dict[str, int] = {}
    for task_id in run.outcomes:
        same = sorted(_same(run, task_id), key=lambda numbers: (-len(numbers), numbers))
        distinct[task_id] = len(same)
        if most is not None and len(same) > most:
            outcomes = [run.outcomes[task_id][numbers[0]] for numbers in same]
            same = [same[place] for place in spread(outcomes, most)]
        groups[task_id] = same
    wanted = {task_id: [numbers[0] for numbers in same] for task_id, same in groups.items()}
    try:
        saved = joining.saved(run, wanted)
    except SamplesError as error:
        saved = Saved(lacking=str(error))
    notes: list[str] = []
    problems: Mapping[str, Problem] = {}
    prover = None
    try:
        known = _problems(run, saved)
        problems, prover = known, Prover(run, known)
    except PasskError as error:
        notes.append(f"The problems cannot be shown: {error}")
    if saved.lacking:
        notes.append(
            "The candidates' texts are not stored with this run, so only their verdicts are here: "
            f"{saved.lacking}"
        )
    programs: dict[str, tuple[Distinct, ...]] = {}
    unproved = 0
    for task_id, same in groups.items():
        texts, listed = saved.texts.get(task_id, {}), []
        for numbers in same:
            sample = texts.get(numbers[0])
            one, proved = _program(run, task_id, numbers, sample, prover, problems)
            unproved += not proved
            listed.append(one)
        programs[task_id] = tuple(listed)
    if unproved:
        notes.append(
            f"For {unproved:,} candidates the saved text does not lead to the program that was executed; "
            "they are shown as the model wrote them."
        )
    return Details(programs, distinct, _shown(run, problems), saved.sent, tuple(notes))


def _program(
    run: Run,
    task_id: str,
    numbers: tuple[int, ...],
    sample: Sample | None,
    prover: Prover | None,
    problems: Mapping[str, Problem],
) -> tuple[Distinct, bool]:
    """Return a program, and whether nothing speaks against its being what was executed."""
    outcome = run.outcomes[task_id][numbers[0]]
    if sample is None:
        return Distinct(outcome, numbers), True
    if prover is None:
        return Distinct(outcome, numbers, text=sample.text), True
    candidate = prover.candidate(sample, numbers[0])
    if not candidate.proved or candidate.code is None:
        return Distinct(outcome, numbers, text=sample.text), candidate.proved
    code = candidate.code.removeprefix(problems[task_id].prompt)
    text = None if candidate.text.strip() in code else candidate.text
    return Distinct(outcome, numbers, code, text), True


def _problems(run: Run, saved: Saved) -> Mapping[str, Problem]:
    """Return the problems of a run: those in lm-eval's samples file, else those that lie on this host."""
    settings = Settings.parse(run.settings, where=str(run.path))
    if saved.rows:
        return {
            task_id: _problem(settings.benchmark, json.dumps(row, sort_keys=True))
            for task_id, row in saved.rows.items()
        }
    if settings.data_files is None and settings.dataset != "embedded":
        raise UsageError("they come from the hub, which a report does not ask")
    return problems_of(run).problems


@functools.lru_cache(maxsize=4096)  # runs that are compared have the same
def _problem(benchmark: str, row: str) -> Problem:
    return benchmarks.get(benchmark).problem(json.loads(row))


def _shown(run: Run, problems: Mapping[str, Problem]) -> dict[str, Shown]:
    if not problems:
        return {}
    settings = Settings.parse(run.settings, where=str(run.path))
    family = benchmarks.get(settings.benchmark)
    shown = {}
    for task_id in run.outcomes:
        if (problem := problems.get(task_id)) is None:
            continue
        reference = family.canonical(problem)
        shown[task_id] = Shown(
            problem.prompt,
            problem.entry_point,
            _tests(family.program(problem, None, settings.judge.place).tests),
            None if reference is None else reference.removeprefix(problem.prompt),
            None if problem.protocol is None else problem.protocol.language,
        )
    return shown


def _tests(tests: AnyTests) -> str:
    if isinstance(tests, StdioTests):
        cases = tests.cases()
        shown = [f"input:\n{given}\noutput:\n{expected}" for given, expected in cases[:_CASES]]
        more = len(cases) - len(shown)
        return "\n\n".join([*shown, f"… {more} more cases"] if more else shown)
    if isinstance(tests, Tests) and tests.base:
        return f"{tests.base}\n\n{tests.source}"
    return tests.source


def _same(run: Run, task_id: str) -> Iterator[tuple[int, ...]]:
    """Yield the numbers of those samples of a problem that gave the same program and the same outcome."""
    groups: defaultdict[tuple[Hashable, ...], list[int]] = defaultdict(list)
    outcomes = run.outcomes[task_id]
    for number, (outcome, sha256) in enumerate(zip(outcomes, run.programs[task_id], strict=True)):
        # A run of an early version has no hashes; then each sample is taken for a program of its own.
        key = (sha256 or number, outcome.verdict, outcome.base_passed, outcome.detail, outcome.flags)
        groups[key].append(number)
    yield from map(tuple, groups.values())


def spread(outcomes: Sequence[Outcome], most: int) -> list[int]:
    """Return the places of some outcomes: flagged passes, then the first of each verdict in its turn."""
    seen: Counter[Verdict] = Counter()
    turns = []
    for place, outcome in enumerate(outcomes):
        turns.append((not (outcome.passed and outcome.flags), seen[outcome.verdict], place))
        seen[outcome.verdict] += 1
    return sorted(place for *_, place in sorted(turns)[:most])
