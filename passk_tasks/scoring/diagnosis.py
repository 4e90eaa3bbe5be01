"""What a run as a whole suffers from, told from its samples.

    samples, candidates, outcomes -> evidence    where most samples gave no program: some of them, read in the
                                                 other ways and really judged
    evidence, records             -> findings    a sentence each, with its remedy

A run that is merely weak has none.
"""

from __future__ import annotations

import random
import re
from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Dataset
from passk_tasks.errors import SandboxError
from passk_tasks.extraction.strategies import Repair, Strategy
from passk_tasks.extraction.syntax import Parser
from passk_tasks.judging import batch, libraries, trial
from passk_tasks.judging.executor import Executor
from passk_tasks.program import Program
from passk_tasks.results import findings
from passk_tasks.results.findings import SAMPLES, Finding
from passk_tasks.results.samples import RESPONSE, SOLUTION, Sample
from passk_tasks.sandbox.interpreter import interpreter
from passk_tasks.scoring.candidates import EXTRACT, candidate, mode_of
from passk_tasks.scoring.records import Kind, Record
from passk_tasks.statistics.rounding import percent
from passk_tasks.tasks import catalog, stops
from passk_tasks.tasks.catalog import TaskSpec
from passk_tasks.verdict import Verdict

MOST = 0.5
"""Share of samples above which a sign is one of the run, and not of some samples."""

TRIED = 200
"""Samples that are read in other ways, at most, drawn at random."""

GAIN = 0.05
"""Share of samples that must pass more in another way of reading before that way is named."""

_NAMED = 8  # modules that are named in a sentence
_NO_WAY = "no other way of reading them lets notably more pass"
_WAYS = ("answer", "completion", "sanitized", "verbatim")
_SNIPPETS = tuple(way for way in EXTRACT if way.startswith("snippet"))
_LOST = frozenset({Verdict.NO_CODE, Verdict.SYNTAX_ERROR})
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
_CHAT = frozenset(
    {
        Strategy.FENCE,
        Strategy.FENCE_UNCLOSED,
        Strategy.FENCE_JOINED,
        Strategy.FENCE_BODY,
        Strategy.PROSE_CODE,
        Strategy.RESTATED_FUNCTION,
        Strategy.WHOLE_FILE,
    }
)


@dataclass(frozen=True)
class Tried:
    """Samples that were read in another way.

    Attributes:
        of: how many.
        now: of these, how many passed as they were read.
        would: how many pass in the other way.
    """

    of: int = 0
    now: int = 0
    would: int = 0

    def __add__(self, other: Tried) -> Tried:
        return Tried(self.of + other.of, self.now + other.now, self.would + other.would)


@dataclass(frozen=True)
class Evidence:
    """What the texts of a run show; that of several ranks adds up.

    Attributes:
        looked: samples that were looked at closely; 0 where there was no reason to.
        chat: of these, how many hold whole functions, in fences or in prose, and were not read as a chat
            model's answers.
        reasoning: of these, how many are a chain of thought that never ended, likewise.
        tried: by way of reading, those whose programs were judged.
        untried: whether they could not be judged, for want of a sandbox.
    """

    looked: int = 0
    chat: int = 0
    reasoning: int = 0
    tried: dict[str, Tried] = field(default_factory=dict)
    untried: bool = False

    def __add__(self, other: Evidence) -> Evidence:
        ways = dict.fromkeys((*self.tried, *other.tried))
        tried = {way: self.tried.get(way, Tried()) + other.tried.get(way, Tried()) for way in ways}
        return Evidence(
            self.looked + other.looked,
            self.chat + other.chat,
            self.reasoning + other.reasoning,
            tried,
            self.untried or other.untried,
        )


class Watch:
    """Looks at each record of a run, as it is made."""

    def __init__(self, spec: TaskSpec, dataset: Dataset, extract: str) -> None:
        self._spec, self._dataset, self._extract = spec, dataset, extract
        self._seen = self._lost = self._answers = 0
        self._judged = array("Q")

    def add(self, record: Record) -> None:
        """Look at the next record."""
        self._seen += 1
        if record.outcome.verdict is Verdict.INFRA_ERROR:
            return
        self._judged.append(self._seen - 1)
        self._lost += record.outcome.verdict in _LOST
        self._answers += (
            not record.outcome.passed
            and self._mode(record.sample) != stops.ANSWER
            and _is_answer(record.sample, self._dataset.problems[record.sample.task_id].entry_point)
        )

    def evidence(self, records: Sequence[Record], executor: Executor) -> Evidence:
        """Return what the texts show; where most gave no program, try what other ways of reading give."""
        if max(self._lost, self._answers) <= MOST * len(self._judged):
            return Evidence()
        drawn = [records[at] for at in random.Random(0).sample(self._judged, min(TRIED, len(self._judged)))]
        return _tried(
            drawn, [self._mode(record.sample) for record in drawn], self._spec, self._dataset, executor
        )

    def _mode(self, sample: Sample) -> str:
        return mode_of(sample, self._dataset.problems[sample.task_id], self._spec, self._extract)


def _tried(
    drawn: Sequence[Record], modes: Sequence[str], spec: TaskSpec, dataset: Dataset, executor: Executor
) -> Evidence:
    """Return what other ways of reading give of some records, each of which was read in its mode."""
    compiled = sum(record.outcome.verdict not in _LOST for record in drawn)
    chat, reasoning, tried, untried = 0, 0, dict[str, Tried](), False
    for way in _ways(spec):
        found = [
            candidate(record.sample, dataset.problems[record.sample.task_id], spec, way)
            if _fits(way, record.sample, mode)
            else record.extraction
            for record, mode in zip(drawn, modes, strict=True)
        ]
        if way == stops.ANSWER:
            foreign = [
                one.strategy.partition("+")[0] for mode, one in zip(modes, found, strict=True) if mode != way
            ]
            chat = sum(strategy in _CHAT for strategy in foreign)
            reasoning = foreign.count(Strategy.NONE_UNTERMINATED_REASONING)
        codes = [one.code for one in found]
        if _programs(drawn, codes, dataset) > compiled:
            try:
                tried[way] = _judged(drawn, codes, spec, dataset, executor)
            except SandboxError:  # shards may be merged where nothing can be judged
                untried = True
    return Evidence(len(drawn), chat, reasoning, tried, untried)


def _is_answer(sample: Sample, entry_point: str) -> bool:
    """Whether a text looks like an answer: a fence, or the function anew where its body was asked for."""
    anew = rf"^(?:async[ \t]+def|def|class)[ \t]+{re.escape(entry_point)}\b" if entry_point else None
    return _FENCE.search(sample.text) is not None or (
        sample.form != SOLUTION
        and anew is not None
        and re.search(anew, sample.text, re.MULTILINE) is not None
    )


def _ways(spec: TaskSpec) -> tuple[str, ...]:
    """Return the ways of reading that make sense for a task's texts."""
    own = spec.settings.extraction
    if own in _SNIPPETS:
        return _SNIPPETS
    if own not in _WAYS:  # one side of an assertion, which is read in one way
        return (own,)
    return tuple(dict.fromkeys((own, *_WAYS)))  # of ways that are equally good, the task's own


def _fits(way: str, sample: Sample, mode: str) -> bool:
    return way != mode and (sample.form != SOLUTION or way in ("answer", "verbatim"))


def _programs(records: Sequence[Record], codes: Sequence[str | None], dataset: Dataset) -> int:
    """Return how many codes compile; those in other languages are taken to."""
    foreign = [dataset.problems[record.sample.task_id].protocol is not None for record in records]
    return sum(
        code is not None and (is_foreign or Parser().parse(code) is not None)
        for code, is_foreign in zip(codes, foreign, strict=True)
    )


def _judged(
    records: Sequence[Record],
    codes: Sequence[str | None],
    spec: TaskSpec,
    dataset: Dataset,
    executor: Executor,
) -> Tried:
    """Judge codes in the place of those of the records."""
    family, place = benchmarks.get(spec.settings.benchmark), spec.settings.judge.place
    now = sum(record.outcome.passed for record in records)
    new: list[Program] = []
    would = 0
    for record, code in zip(records, codes, strict=True):
        program = family.program(dataset.problems[record.sample.task_id], code, place)
        if program.sha256 == record.program_sha256:
            would += record.outcome.passed
        else:
            new.append(program)
    outcomes = batch.judge(new, executor, shuffle=True).outcomes
    return Tried(len(records), now, would + sum(outcome.passed for outcome in outcomes))


# ---------------------------------------------------------------------- sentences


def found_in(kinds: Counter[Kind], seen: Evidence, spec: TaskSpec) -> Iterator[Finding]:
    """Yield what the samples of a run suffer from by the way they were asked for, and read."""
    judged, continued, lost, never_ended, undecided, newer = 0, 0, 0, 0, 0, 0
    lacking = Counter[str]()
    for kind, count in kinds.items():
        if kind.verdict is Verdict.INFRA_ERROR:
            continue
        judged += count
        strategy, _, repairs = kind.strategy.partition("+")
        continued += count * (kind.form == RESPONSE and strategy == Strategy.BODY)
        undecided += count * (Repair.UNDECIDED.value in repairs.split("+"))
        newer += count * (Repair.NEWER.value in repairs.split("+") and kind.verdict is Verdict.SYNTAX_ERROR)
        lacking[kind.lacks] += count
        if kind.verdict in _LOST:
            lost += count
            never_ended += count * (kind.unfinished is not None)
    if seen.looked:
        yield from _read_wrongly(judged, lost, never_ended, seen, spec)
    if undecided:
        yield Finding(
            findings.UNDECIDED,
            f"{undecided:,} of {judged:,} answers hold another program in another reading, and at most"
            " words say which one is meant",
            f"look at them ({Repair.UNDECIDED.value!r} in `extraction`, outcomes.jsonl), and let the backend "
            "end an answer where the model ends it, and tell reasoning apart",
        )
    yield from _absent_modules(judged, lacking, spec)
    if newer:
        yield Finding(
            findings.NEWER_SYNTAX,
            f"{newer:,} of {judged:,} programs: a syntax error in Python "
            f"{interpreter(spec.settings.python).version}, which runs candidates, and none in a newer one",
            "let candidates run in a newer one, by the setting python=ENV (python3.13 -m venv ENV)",
        )
    if spec.settings.extraction == stops.ANSWER and continued > MOST * judged:
        task = _sibling(spec, {"completion", "sanitized"})
        for_base = f"ask a base model with the task {task}, and " if task else ""
        yield Finding(
            findings.BASE_COMPLETIONS,
            f"{continued:,} of {judged:,} answers ({percent(continued / judged)}) continue the prompt "
            f"instead of answering it, as a base model does, though {spec.name} is for chat models",
            f"{for_base}a chat model with --apply_chat_template",
        )


def _absent_modules(of: int, lacking: Counter[str], spec: TaskSpec) -> Iterator[Finding]:
    """Yield the modules whose imports ended programs, unless candidates have them and lack only a part."""
    absent: Collection[str] = [name for name in lacking if name]
    if not benchmarks.get(spec.settings.benchmark).toolchains:
        absent = libraries.absent(absent, spec.settings.packages, spec.settings.python)
    most = [(name, count) for name, count in lacking.most_common() if name in absent]
    if most:
        named = ", ".join(f"{name} ({count:,})" for name, count in most[:_NAMED])
        yield Finding(
            findings.ABSENT_MODULES,
            f"{sum(count for _, count in most):,} of {of:,} programs ended at the import of a module that "
            f"candidates do not have here: {named}"
            + (f" and {len(most) - _NAMED} others" if len(most) > _NAMED else ""),
            "install those that are libraries where candidates import from, and score again",
        )


def _read_wrongly(of: int, lost: int, never_ended: int, seen: Evidence, spec: TaskSpec) -> Iterator[Finding]:
    way, best = max(seen.tried.items(), key=lambda item: item[1].would, default=("", Tried()))
    gains = best.would - best.now > GAIN * best.of
    gave_none = f"{lost:,} of {of:,} samples ({percent(lost / of)}) ended in no_code or syntax_error"
    would = ""
    if gains:
        drawn = f"judged for {best.of} drawn at random" if best.of < of else "judged for all"
        then, now = percent(best.would / best.of), percent(best.now / best.of)
        would = f"with `{way}`, {then} would pass, not {now} ({drawn})"
    option = ("--extract", way) if way in EXTRACT else ("--set", f"extraction={way}")
    command = ("passk", "score", SAMPLES, "--task", spec.name, *option) if gains else ()
    if not gains and lost <= MOST * of:
        return
    for_chat = spec.settings.extraction == stops.ANSWER
    if seen.chat > MOST * seen.looked:
        task = None if for_chat else _sibling(spec, {stops.ANSWER})
        asked = f"ask a chat model with the task {task} and --apply_chat_template" if task else ""
        read = f"read the answers with {' '.join(option)}" if gains else "look at them with `passk report`"
        says = (
            f"{percent(seen.chat / seen.looked)} of the samples are answers of a chat model, whole functions "
            f"in fences or prose, and were not read as such; {would or gave_none}"
        )
        yield Finding(findings.CHAT_ANSWERS, says, "; ".join(filter(None, (read, asked))), command)
    elif gains:
        remedy = f"read them with {' '.join(option)}"
        yield Finding(findings.EXTRACTION, f"{gave_none}; {would}", remedy, command)
    elif seen.reasoning > MOST * seen.looked:
        yield Finding(
            findings.CUT_REASONING,
            f"{percent(seen.reasoning / seen.looked)} of the samples are a chain of thought that never ended",
            "generate again with a larger limit, --gen_kwargs max_gen_toks=…"
            + ("" if for_chat else ", and a task for chat models"),
        )
    elif never_ended <= MOST * lost:
        yield Finding(
            findings.NO_PROGRAMS,
            f"{gave_none}, and "
            + ("other ways of reading them could not be tried here" if seen.untried else _NO_WAY),
            "look at what the model wrote, with `passk report`, before you believe the score",
        )


def of_references(warnings: Sequence[str]) -> Iterator[Finding]:
    """Yield those of the warnings of a trial that are of references which fail their own tests."""
    for warning in warnings:
        if trial.FAILS_ITSELF in warning:
            says, _, remedy = warning.rpartition(": ")
            yield Finding(findings.WRONG_REFERENCE, says, remedy)


def _sibling(spec: TaskSpec, extractions: Collection[str]) -> str | None:
    """Return the task of the same problems that reads answers in one of these ways; None without one."""
    settings = spec.settings
    fitting = []
    for name in catalog.task_names():
        task = catalog.load_task(name)
        same = (task.settings.benchmark, task.settings.dataset) == (settings.benchmark, settings.dataset)
        if same and name != spec.name and task.settings.extraction in extractions:
            fitting.append(name)
    stem = re.sub(r"_(?:instruct|greedy|n\d+)\b", "", spec.name)
    ours = sorted(fitting, key=lambda name: (not name.startswith(stem), len(name), name))
    return ours[0] if ours else None
