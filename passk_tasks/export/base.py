"""What a format has to say of itself, and what formats share."""

from __future__ import annotations

import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from passk_tasks.errors import UsageError
from passk_tasks.export.source import Source
from passk_tasks.results.lines import dump_line
from passk_tasks.scoring.candidates import Candidate
from passk_tasks.statistics.metrics import Score
from passk_tasks.statistics.rounding import decimal
from passk_tasks.text.summary import bound_mark, shown_times
from passk_tasks.verdict import Verdict

REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
"""`organisation/model`, as the hub has it; safe as a part of a file's name."""

FIRST = "pass@1"
"""The metric that most receivers want alone, and that every single sample is a part of."""

NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
"""A user's or an organisation's name on the hub."""

RELATIONSHIPS = ("first_party", "third_party", "collaborative", "other")
"""What the evaluator may be to the model's makers."""

OPEN_DATA = ("NONE", "Partial", "Full")
"""How much of a model's training data may be open."""


@dataclass(frozen=True)
class Details:
    """What a receiver wants to know and no run can say.

    Attributes:
        model: `organisation/model`; the run's own name of it where None.
        user: who submits, on the hub.
        organization: who evaluated.
        relationship: what they are to the model's makers, one of `RELATIONSHIPS`.
        dataset_id: the registered benchmark on the hub.
        dataset_task: its task.
        source_url: where the evaluation can be read about.
        backend: what ran the model, e.g. `vllm`.
        revision: of the model.
        size: of the model, in billions of parameters.
        open_data: how much of its training data is open, one of `OPEN_DATA`.
    """

    model: str | None = None
    user: str | None = None
    organization: str | None = None
    relationship: str | None = None
    dataset_id: str | None = None
    dataset_task: str | None = None
    source_url: str | None = None
    backend: str | None = None
    revision: str | None = None
    size: float | None = None
    open_data: str | None = None

    def __post_init__(self) -> None:
        """Raise `UsageError` at a size that is none, which JSON could not hold."""
        if self.size is not None and not 0 < self.size < math.inf:
            raise UsageError(f"--size {self.size}: billions of parameters expected, e.g. --size 7")


class Format(ABC):
    """One form that a receiver accepts. Stateless.

    Attributes:
        name: what `--format` takes.
        summary: what is written, in one line.
        candidates: whether the candidates are needed, not the scores alone.
        several: whether runs of several tasks go into one export.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    candidates: ClassVar[bool] = True
    several: ClassVar[bool] = False

    @abstractmethod
    def missing(self, sources: Sequence[Source], details: Details) -> Iterator[str]:
        """Yield everything that the receiver demands and these runs do not have, each with its remedy."""

    @abstractmethod
    def files(self, sources: Sequence[Source], details: Details) -> dict[str, bytes]:
        """Return the content of every file by its relative path; nothing is missing by then."""

    @abstractmethod
    def note(self, sources: Sequence[Source], details: Details) -> str:
        """Return how to submit the files, and what to know before."""


# ---------------------------------------------------------------------- what receivers demand
# Each yields a text for everything that is missing, with its remedy.


def demand_all(source: Source, *, one_n: bool = True) -> Iterator[str]:
    """Demand every problem, one n for all of them if `one_n`, and a verdict for every sample."""
    run = source.run
    if run.problems < run.problems_total:
        yield f"all {run.problems_total} problems: the run has {run.problems}; run without --limit"
    if one_n and source.n is None:
        yield "the same number of samples of every problem: the run has more of some than of others"
    yield from demand_verdicts(source)


def demand_verdicts(source: Source) -> Iterator[str]:
    """Demand a verdict for every sample: one without is neither right nor wrong."""
    without = source.run.verdicts.get(Verdict.INFRA_ERROR.value, 0)
    if without:
        yield f"a verdict for every sample: {without} have none (infra_error); score them again"


def demand_ids(source: Source, prefix: str, whose: str) -> Iterator[str]:
    """Demand problems whose task_id starts with `prefix`."""
    other = next((task_id for task_id in source.candidates if not task_id.startswith(prefix)), None)
    if other is not None:
        yield f"problems of {whose} ({prefix}0, …): the run's are those of {source.family}, e.g. {other}"


def demand_columns(source: Source, columns: Sequence[str], whose: str) -> Iterator[str]:
    """Demand problems with these columns."""
    for row in source.rows.values():
        absent = [column for column in columns if column not in row]
        if absent:
            yield (
                f"problems of {whose}: the run's are those of {source.family} and have no "
                f"{', '.join(map(repr, absent))}"
            )
            return


def demand_sampling(source: Source, *, temperatures: Sequence[float] | None = None) -> Iterator[str]:
    """Demand a recorded temperature, one of those allowed."""
    if source.temperature is None:
        yield (
            "the temperature: the run did not record it (samples of another tool); run the model with "
            "`passk run`, or score the journal of such a run"
        )
    elif temperatures is not None and source.temperature not in temperatures:
        wanted = " or ".join(f"{value:g}" for value in temperatures)
        yield f"temperature {wanted}: the run has {source.temperature:g}; --gen_kwargs temperature=…"


def demand_first(source: Source) -> Iterator[str]:
    """Demand a stored pass@1."""
    if FIRST not in source.run.scores:
        names = ", ".join(source.run.scores) or "no score"
        yield f"{FIRST}: the run has {names}; score its samples again with --k 1,… and --out"


def demand_repository(sources: Sequence[Source], details: Details) -> Iterator[str]:
    """Demand one model, named as the hub names it."""
    names = list(dict.fromkeys(model_name(source, details) for source in sources))
    if len(names) > 1:
        yield f"runs of one model: these are of {', '.join(map(repr, names))}; export them apart"
        return
    (named,) = names
    if not REPOSITORY.fullmatch(named):
        yield f"the model as organisation/model: the run calls it {named!r}; --model ORGANISATION/MODEL"


def demand_name(value: str | None, what: str, option: str) -> Iterator[str]:
    """Demand a name that can stand in a file's name."""
    if value is None:
        yield f"{what}: {option}"
    elif not NAME.fullmatch(value):
        yield f"{what}, of letters, digits, `.`, `_` and `-`: {value!r} is none; {option}"


def demand_of_each(sources: Sequence[Source], demand: Callable[[Source], Iterator[str]]) -> Iterator[str]:
    """Yield what `demand` finds missing of each run, behind its task where there are several runs."""
    for source in sources:
        named = f"{source.run.task}: " if len(sources) > 1 else ""
        yield from (named + text for text in demand(source))


# ---------------------------------------------------------------------- what formats write


def model_name(source: Source, details: Details) -> str:
    """Return what the model is called."""
    return details.model or source.run.name


def lines(values: Iterator[Mapping[str, object]]) -> bytes:
    """Return JSON lines."""
    return b"".join(map(dump_line, values))


def dumps(value: object) -> bytes:
    """Return indented JSON, pure ASCII: a lone surrogate in a candidate survives as its escape."""
    return json.dumps(value, indent=2, allow_nan=False).encode("ascii") + b"\n"


def solutions(source: Source) -> bytes:
    """Return JSON lines of `task_id` and `solution`, one a sample, problem by problem."""
    return lines(
        {"task_id": task_id, "solution": candidate.code or ""}
        for task_id, _, candidates in source.in_order()
        for candidate in candidates
    )


def minute(source: Source) -> str:
    """Return when a run was judged, as EvalPlus and BigCodeBench write it; empty where it is not recorded."""
    date = source.run.date
    return "" if date is None else date.strftime("%Y-%m-%d %H:%M")


def status(candidate: Candidate) -> str:
    """Return EvalPlus's and BigCodeBench's word for the verdict."""
    verdict = candidate.outcome.verdict
    if verdict is Verdict.PASSED:
        return "pass"
    return "timeout" if verdict is Verdict.TIMEOUT else "fail"


def interval(score: Score) -> str:
    """Return a score with both of its 95 % intervals, for people."""
    text = decimal(score.value)
    for estimate, name in ((score.over_problems, "over problems"), (score.over_samples, "over samples")):
        if estimate.ci95 is not None:
            mark = bound_mark(estimate.method).replace("≤ ", "≤ bound, ")
            text += f", 95 % {name} {mark}{estimate.ci95[0]:.4f} to {estimate.ci95[1]:.4f}"
    return text


def called(source: Source) -> dict[str, object]:
    """Return what people call the run, by name: label, note and tags, those that there are."""
    said = {"label": source.run.label, "note": source.run.note, "tags": list(source.run.tags)}
    return {name: value for name, value in said.items() if value}


def conditions(source: Source) -> str:
    """Return how the numbers came about, for people, in one line."""
    run = source.run
    parts = [f"“{run.label}”"] if run.label else []
    parts.append("n differs between problems" if source.n is None else f"n = {source.n}")
    if source.temperature is not None:
        parts.append("greedy" if source.temperature == 0 else f"T = {source.temperature:g}")
    if source.top_p is not None and source.temperature != 0:
        parts.append(f"top_p = {source.top_p:g}")
    parts += shown_times(run.conditions.limits or {}, run.conditions.judge)
    parts.append(f"judge {run.conditions.judge}")
    parts.append(f"{run.problems} problems, sha256 {str(run.conditions.dataset)[:12]}")
    parts.append(f"{run.task} {run.conditions.version}, passk-tasks {run.conditions.passk_tasks}")
    return "; ".join(parts)


def tokens(tokens_in: int, tokens_out: int) -> dict[str, int]:
    """Return counts of tokens by the names that several receivers give them."""
    return {"input_tokens": tokens_in, "output_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}
