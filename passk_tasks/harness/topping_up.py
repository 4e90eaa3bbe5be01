"""Asks for more samples where they buy most, until pass@k is known well enough: the setting `top_up`.

lm-eval asks for the first samples of all problems. Then, before it goes on:

    first samples, judged -> is the interval short enough? -> do scouts pay? -> scouts, asked and judged
    -> a round of more samples, asked and judged -> is it short enough now? -> …

`statistics/top_up.py` decides. Scouts are asked for, saved in the journal and paid for, but do not count.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from lm_eval.api.instance import Instance

from passk_tasks.benchmarks import Dataset
from passk_tasks.errors import PreflightError
from passk_tasks.harness import beside, host
from passk_tasks.harness.invocation import Invocation
from passk_tasks.harness.journaling import Key, TaskJournal
from passk_tasks.harness.resume import request_hash
from passk_tasks.judging.executor import Executor
from passk_tasks.results.answers import written_text_of
from passk_tasks.results.journal import SCOUTS
from passk_tasks.results.samples import RESPONSE, Sample
from passk_tasks.scoring.score import score
from passk_tasks.scoring.spending import Tokens
from passk_tasks.statistics.metrics import Counts
from passk_tasks.statistics.top_up import TopUp, half_width_of, needed
from passk_tasks.tasks.catalog import TaskSpec
from passk_tasks.tasks.settings import Settings

_log = logging.getLogger("lm_eval.passk")

Integers = npt.NDArray[np.int64]
Ask = Callable[[list[Instance]], list[Any]]


class Topped(Protocol):
    """What this module needs of a task."""

    spec: TaskSpec
    instances: list[Instance]
    journal: TaskJournal
    scouts: list[Sample]
    topped_up: dict[str, object] | None

    @property
    def problems(self) -> Dataset:
        """The problems of the task."""


def budget(settings: Settings) -> int:
    """Return the k of the pass@k that is to be known."""
    assert settings.top_up is not None
    return settings.top_up.k or max(settings.budgets)


def check(settings: Settings, run: Invocation, where: str, *, problems: int, predict_only: bool) -> None:
    """Raise where topping up cannot be; else say what will be asked for.

    Raises:
        PreflightError: too few samples at first, or a run that cannot ask for more.
    """
    goal = settings.top_up
    if goal is None:
        return
    least, k = settings.samples, budget(settings)
    if k not in settings.budgets:
        raise PreflightError(f"{where}: passk.top_up is for k={k}, which is none of passk.k: add it there")
    if not 2 * k <= least <= goal.most:
        raise PreflightError(
            f"{where}: passk.top_up begins with passk.samples of each problem, which must be from {2 * k} "
            f"(2k, for the interval of pass@{k}) to its `most`, {goal.most}, and are {least}: --metadata "
            f"passk.samples={min(max(2 * k, least), goal.most)}, or another `k` or `most`"
        )
    why = None
    if run.world_size > 1:
        why = "several ranks would each have to know the counts of all: run it on one, or give a fixed n"
    elif run.model_is("ReplayLM"):
        why = "the model replay has the samples that it has: leave it out"
    elif predict_only:
        why = "--predict_only judges nothing: leave one of them out"
    if why is not None:
        raise PreflightError(f"{where}: passk.top_up asks for samples by what the first ones came to; {why}")
    _log.info(
        "%s: top-up: %d samples of each of up to %d problems at first, and then more until pass@%d is known "
        "within ± %g over samples, at most %d of each",
        where,
        least,
        problems,
        k,
        goal.half_width,
        goal.most,
    )


def run(task: Topped, first: Mapping[Key, Any], ask: Ask) -> None:
    """Ask for what the first answers of all problems call for, and add it to the task."""
    settings, judging = task.spec.settings, task.journal.beside
    assert judging is not None
    with judging.local(settings.workers or beside.here()) as executor:
        _run(task, first, ask, executor)


def _run(task: Topped, first: Mapping[Key, Any], ask: Ask, executor: Executor) -> None:
    settings, where = task.spec.settings, f"task {task.spec.name}: top-up"
    goal, k, least = settings.top_up, budget(settings), settings.samples
    assert goal is not None
    ids = list(dict.fromkeys(task_id for task_id, _ in first))
    counts, asked = _judged(task, ids, first, executor), np.full(len(ids), least)
    rounds, scouts = 0, 0
    reached = _half_width(counts, k)
    if reached is not None and reached > goal.half_width:
        plan = needed(counts.n, counts.c, k, goal.half_width, least, goal.most)
        scouts = plan.scouts
        _log.info(
            "%s: pass@%d is known within ± %.4f; some %s more answers should make it ± %.4f%s",
            where,
            k,
            reached,
            f"{plan.total - asked.sum():,.0f}",
            max(plan.half_width, goal.half_width),
            f", the first {scouts * len(ids):,} of them scouts, which do not count" if scouts else "",
        )
        seen = _scouted(task, ids, scouts, ask, executor) if scouts else None
        rule = TopUp.of(counts[:2], seen and seen[:2], k, goal.half_width, least, goal.most)
        while reached is not None and (wanted := rule.following(counts.n, counts.c, asked)) is not None:
            rounds += 1
            more, span = int((wanted - asked).sum()), f"{wanted.min()} to {wanted.max()}"
            _log.info("%s, round %d: %s more answers, then %s a problem", where, rounds, f"{more:,}", span)
            added = _round(task, ids, asked, wanted, ask, executor)
            counts, asked = Counts(counts.n + added.n, counts.c + added.c), wanted
            reached = _half_width(counts, k)
            _log.info("%s, round %d: pass@%d is known within ± %.4f", where, rounds, k, reached or 1)
    if reached is None:
        _log.warning("%s ends, since some problem has too few samples with a verdict", where)
    task.topped_up = {
        **{"k": k, "wanted": goal.half_width, "half_width": reached, "rounds": rounds},
        **{"least": int(asked.min()), "most": int(asked.max()), "scouts": _cost_of(task, scouts)},
    }


def _half_width(counts: Counts, k: int) -> float | None:
    return None if (counts.n < 2 * k).any() else half_width_of(counts.n, counts.c, k)


def _scouted(task: Topped, ids: Sequence[str], each: int, ask: Ask, executor: Executor) -> Counts:
    """Ask for scouts and return their counts."""
    _, answers = _asked(task, dict.fromkeys(ids, (SCOUTS, each)), ask)
    task.scouts += [
        replace(sample, spent=task.journal.spent((sample.task_id, sample.index)))
        for sample in _samples(task, answers)
    ]
    return _judged(task, ids, answers, executor)


def _round(
    task: Topped, ids: Sequence[str], there: Integers, wanted: Integers, ask: Ask, executor: Executor
) -> Counts:
    """Ask for the samples that are missing, add them to the task and return their counts."""
    numbers = {
        task_id: (int(before), int(after - before))
        for task_id, before, after in zip(ids, there, wanted, strict=True)
        if after > before
    }
    built, answers = _asked(task, numbers, ask)
    task.instances.extend(built)
    return _judged(task, ids, answers, executor)


def _cost_of(task: Topped, each: int) -> dict[str, object]:
    tokens, price = Tokens(), task.spec.settings.price
    for sample in task.scouts:
        tokens.add(sample.spent)
    cost: dict[str, object] = {
        "each": each,
        "samples": len(task.scouts),
        "tokens_in": tokens.tokens_in,
        "tokens_out": tokens.tokens_out,
    }
    return cost if price is None else {**cost, "money": price.of(tokens.tokens_in, tokens.tokens_out)}


def _asked(
    task: Topped, numbers: Mapping[str, tuple[int, int]], ask: Ask
) -> tuple[list[Instance], dict[Key, Any]]:
    """Ask for samples of problems, from a number on so many; return the requests and the answers."""
    by_problem: dict[str, Instance] = {}
    for instance in task.instances:
        by_problem.setdefault(str(instance.doc["task_id"]), instance)
    built = [
        instance
        for task_id, (start, count) in numbers.items()
        for instance in _requests(by_problem[task_id], start, count, task.spec.settings)
    ]
    cloned = [instance for instance in built for _ in range(instance.repeats)]
    keys = [
        (str(instance.doc["task_id"]), instance.idx + number)
        for instance in built
        for number in range(instance.repeats)
    ]
    hashes = [request_hash(instance.args) for instance in cloned]
    task.journal.ask_also(dict(zip(keys, hashes, strict=True)))
    answers = ask(cloned)
    for instance, answer in zip(cloned, answers, strict=True):
        instance.resps.append(answer)
    return built, dict(zip(keys, answers, strict=True))


def _requests(like: Instance, start: int, count: int, settings: Settings) -> list[Instance]:
    """Return requests for samples of a problem, as the task builds them."""
    arguments = like.args[1]
    if settings.seeds != "distinct":
        one = host.with_arguments(like, arguments, start)
        one.repeats = count
        return [one]
    base = int(arguments["seed"]) - like.idx
    return [
        host.with_arguments(like, {**deepcopy(arguments), "seed": base + number}, number)
        for number in range(start, start + count)
    ]


def _samples(task: Topped, answers: Mapping[Key, Any]) -> list[Sample]:
    """Return the answers that are text; the others end the run when all are there."""
    stops = {str(instance.doc["task_id"]): tuple(instance.args[1]["until"]) for instance in task.instances}
    samples = []
    for (task_id, index), answer in answers.items():
        try:
            text = written_text_of(answer)
        except ValueError:
            continue
        extraction = task.spec.settings.extraction
        samples.append(Sample(task_id, index, text, RESPONSE, "", stops[task_id], extraction))
    return samples


def _judged(task: Topped, ids: Sequence[str], answers: Mapping[Key, Any], executor: Executor) -> Counts:
    """Return n and c of each problem; what was judged beside generation is not judged again."""
    judging = task.journal.beside
    assert judging is not None
    samples = _samples(task, answers)
    counts: Counter[tuple[str, bool]] = Counter()
    if samples:
        scored = score(samples, spec=task.spec, dataset=task.problems, executor=judging.settled(executor))
        judging.remember(scored.records)
        for record in scored.records:
            if record.program_sha256 in judging.outcomes or record.extraction.code is None:
                counts[record.sample.task_id, record.outcome.passed] += 1
    passed = np.array([counts[task_id, True] for task_id in ids], dtype=np.int64)
    failed = np.array([counts[task_id, False] for task_id in ids], dtype=np.int64)
    return Counts(passed + failed, passed)
