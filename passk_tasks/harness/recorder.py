"""Saves answers as they come from the model, and asks it only for those that are not there yet.

lm-eval's models tell their `cache_hook` of each answer as soon as they have it. A `Recorder` stands in for
the model's `generate_until` for one call, and listens there. What a model keeps to itself until the end, or
another cache knows, is written then: lm-eval first generates for all tasks, and the first of our tasks
that scores completes the journals of all of them, before anything is executed.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import sys
import threading
import weakref
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lm_eval.api.instance import Instance
from lm_eval.api.model import CacheHook

from passk_tasks.errors import PasskError
from passk_tasks.harness import topping_up
from passk_tasks.harness.journaling import Key, StoppedError, TaskJournal
from passk_tasks.harness.metering import Clock, Meter
from passk_tasks.harness.progress import Progress, alone
from passk_tasks.harness.replay import ReplayLM
from passk_tasks.harness.resume import request_hash
from passk_tasks.results.answers import written_text_of

_log = logging.getLogger("lm_eval.passk")


class Journaled(topping_up.Topped, Protocol):
    """What this module needs of a task."""

    @property
    def answered(self) -> bool:
        """Whether every request of the task has all its answers."""

    def write_journal(self) -> None:
        """Complete the task's journal."""


# Tasks whose requests are built and whose journal is not complete.
_waiting: list[weakref.ref[Journaled]] = []


def expect(task: Journaled, model: Any) -> None:
    """Note that `model` will generate for `task`, and listen to it."""
    _waiting.append(weakref.ref(task))
    if model is None:
        return
    recorder = vars(model).get("generate_until")
    if not isinstance(recorder, Recorder):
        model.generate_until = recorder = Recorder(model)
    recorder.tasks.append(weakref.ref(task))


def write_all() -> None:
    """Complete the journal of every task of the run that has its answers."""
    # Tasks of an earlier run in this process that broke off have no answers, and will not get any.
    tasks = [task for task in (reference() for reference in _waiting) if task is not None]
    _waiting[:] = [weakref.ref(task) for task in tasks if not task.answered]
    failure = None
    for task in tasks:
        if not task.answered:
            continue
        try:
            task.write_journal()
        except PasskError as error:  # the journals of the other tasks must still be written
            failure = failure or error
    if failure is not None:
        raise failure


@dataclass
class _Slot:
    """The place of one answer among all that are asked for.

    Attributes:
        position: among lm-eval's requests.
        group: hash of the request; the answers to equal requests may change places.
        journal: that of the task; None for tasks of others, and for lm-eval's padding of uneven ranks.
        key: problem and number of the sample.
        until: the stops that were sent.
        text: the answer, once it has come.
        arguments: prompt and generation arguments.
    """

    position: int
    group: str
    journal: TaskJournal | None = None
    key: Key = ("", 0)
    until: tuple[str, ...] = ()
    text: str | None = None
    arguments: tuple[Any, ...] = ()


class _Listener:
    """A `cache_hook` that writes each answer into its task's journal, and hands it to the hook before it."""

    def __init__(
        self,
        before: Any,
        slots: Sequence[_Slot],
        requests: Sequence[Instance],
        meter: Meter,
        clock: Clock,
        progress: Progress,
    ) -> None:
        self._before, self._meter, self._clock, self._progress = before, meter, clock, progress
        self._lock = threading.Lock()
        self._lost = False
        self._open: dict[str, deque[_Slot]] = defaultdict(deque)
        for slot in slots:
            self._open[slot.group].append(slot)
            # vLLM's changed arguments tell nothing; it keeps the order of requests with one prompt.
            self._open[_prompt_hash(requests[slot.position].args)].append(slot)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._before, name)

    def add_partial(self, attr: str, request: Any, answer: Any) -> None:
        """Take an answer in; nothing that goes wrong here stops the model."""
        with contextlib.suppress(ValueError), self._lock:  # what is no text is refused when all are there
            text = written_text_of(answer)
            slot = self._slot(request)
            self._clock.give([None if slot is None else slot.journal])
            if slot is not None:
                slot.text = text
                spent = None
                if slot.journal is not None:
                    spent = self._meter.spent(slot.arguments, text)
                    slot.journal.add(slot.key, text, slot.until, spent)
                self._progress.heard(spent, None if slot.journal is None else slot.journal.price)
        self._before.add_partial(attr, request, answer)

    def _slot(self, request: Any) -> _Slot | None:
        arguments = tuple(request.args if isinstance(request, Instance) else request)
        for name in (request_hash(arguments), _prompt_hash(arguments)):
            waiting = self._open.get(name, deque())
            while waiting:
                slot = waiting.popleft()
                if slot.text is None:
                    return slot
        if not self._lost:
            self._lost = True
            _log.warning(
                "the model names requests that nobody made; their answers are saved when all are there"
            )
        return None


class Recorder:
    """Stands in for a model's `generate_until` for one call, in which lm-eval asks all it has to ask."""

    def __init__(self, model: Any) -> None:
        self.tasks: list[weakref.ref[Journaled]] = []
        self._model = model
        self._meter = Meter(model)
        self._generate = model.generate_until

    def __call__(self, requests: list[Instance], *args: Any, **kwargs: Any) -> list[Any]:
        """Return an answer to each request: those that are there, and the model's.

        Raises:
            PasskError: the model failed; it says where the answers are and how to go on.
        """
        with contextlib.suppress(AttributeError):
            del self._model.generate_until
        tasks = [task for task in (reference() for reference in self.tasks) if task is not None]
        for task in tasks:
            ask_first = getattr(task, "ask_first", None)  # of those in stages.py
            if ask_first is not None and not isinstance(self._model, ReplayLM):
                ask_first(requests, functools.partial(self._more, task, args, kwargs, cached=False))
        slots = self._slots(requests, tasks)
        answers = self._answers(slots, requests, args, kwargs)
        for task in tasks:
            if task.spec.settings.top_up is None:
                continue
            first = {s.key: answers[s.position] for s in slots if s.journal is task.journal}
            try:
                topping_up.run(task, first, functools.partial(self._more, task, args, kwargs))
            except BaseException as error:
                message = _broken_off([one.journal for one in tasks])
                if message and isinstance(error, PasskError) and not isinstance(error, StoppedError):
                    raise type(error)(f"{error}\n{message}") from error
                raise
        return answers

    def _more(
        self, task: Journaled, args: Any, kwargs: Any, requests: list[Instance], *, cached: bool = True
    ) -> list[Any]:
        """Return an answer to each further request of a task; `cached`: the hook before hears of them."""
        slots = self._slots(requests, [task], requests)
        return self._answers(slots, requests, args, kwargs, cached=cached)

    def _answers(
        self, slots: list[_Slot], requests: list[Instance], args: Any, kwargs: Any, *, cached: bool = True
    ) -> list[Any]:
        answers: list[Any] = [slot.text for slot in slots]
        # The replay model finds a sample by its request's place among all, and costs nothing.
        all_of_them = isinstance(self._model, ReplayLM)
        asked = [slot for slot in slots if all_of_them or slot.text is None]
        if known := sum(slot.text is not None for slot in slots):
            _log.info("resumed: %d of %d answers are there", known, len(slots))
        if not asked:
            return answers
        if drawn := sum(len(journal.known) for journal in _journals(slots)):
            self._new_stream(drawn, asked, requests)
        for slot in slots:
            if slot.text is not None and slot.journal is not None and slot.journal.beside is not None:
                slot.journal.beside.add(slot.key, slot.text, slot.until)
        fresh = self._ask(asked, requests, args, kwargs, self._progress(slots), cached=cached)
        for position, answer in _arranged(asked, fresh):
            slot = slots[position]
            if answers[position] is None:
                answers[position] = answer
            if slot.text is None and slot.journal is not None and (text := _text(answer)) is not None:
                slot.journal.note(slot.key, self._meter.spent(slot.arguments, text))
        return answers

    def _slots(
        self, requests: Sequence[Instance], tasks: Sequence[Journaled], own: Sequence[Instance] | None = None
    ) -> list[_Slot]:
        """Return a slot for each request; `own` are the tasks' where these are not all of theirs."""
        journals = {id(instance): task.journal for task in tasks for instance in (own or task.instances)}
        seen: Counter[int] = Counter()
        slots = []
        for position, request in enumerate(requests):
            slot = _Slot(position, request_hash(request.args), arguments=tuple(request.args))
            repeat, seen[id(request)] = seen[id(request)], seen[id(request)] + 1
            journal = journals.get(id(request))
            if journal is not None and repeat < request.repeats:
                slot.journal, slot.key = journal, (str(request.doc["task_id"]), request.idx + repeat)
                slot.until = tuple(request.args[1]["until"])
                slot.text = journal.known[slot.key].text if slot.key in journal.known else None
            elif journal is not None and journal.known:
                slot.text = ""  # padding, which the task drops
            slots.append(slot)
        return slots

    def _progress(self, slots: Sequence[_Slot]) -> Progress:
        journals = _journals(slots)
        speaks = getattr(self._model, "rank", 0) == 0 and int(os.environ.get("LOCAL_RANK") or 0) == 0
        return Progress(
            len(slots),
            sum(slot.text is not None for slot in slots),
            [journal.beside for journal in journals if journal.beside is not None],
            shown=speaks and not isinstance(self._model, ReplayLM),
        )

    def _ask(
        self,
        asked: Sequence[_Slot],
        requests: Sequence[Instance],
        args: Any,
        kwargs: Any,
        progress: Progress,
        *,
        cached: bool,
    ) -> list[Any]:
        before = getattr(self._model, "cache_hook", None)
        new = [slot for slot in asked if slot.text is None]
        meter, clock = self._meter, Clock()
        if before is not None:
            hook = before if cached else CacheHook(None)
            self._model.set_cache_hook(_Listener(hook, new, requests, meter, clock, progress))
        one_by_one = {"TemplateAPI", "HFLM"} & {cls.__name__ for cls in type(self._model).__mro__}
        try:
            with meter.listening(), progress, alone(bool(one_by_one) and progress.shown):
                answers = list(self._generate([requests[slot.position] for slot in asked], *args, **kwargs))
            if len(answers) != len(asked):
                raise ValueError(f"{len(answers)} answers to {len(asked)} requests")
            if not isinstance(self._model, ReplayLM):
                clock.give([slot.journal for slot in new if slot.text is None] or [s.journal for s in new])
            return answers
        except BaseException as error:
            message = _broken_off(_journals(asked))
            if message is None:
                raise
            if not isinstance(error, Exception):  # Ctrl-C, SIGTERM
                _log.error("the model stopped with %s\n%s", type(error).__name__, message)
                raise
            raise StoppedError(f"{type(error).__name__}: {error}", message) from error
        finally:
            if before is not None:
                self._model.set_cache_hook(before)

    def _new_stream(self, drawn_before: int, asked: Sequence[_Slot], requests: Sequence[Instance]) -> None:
        """Keep a model that draws from one stream from repeating what it drew before the run broke off."""
        names = {cls.__name__ for cls in type(self._model).__mro__}
        drawn = any(requests[slot.position].args[1].get("do_sample") for slot in asked)
        torch = sys.modules.get("torch")
        if not drawn or "ReplayLM" in names or "TemplateAPI" in names:
            return
        if "HFLM" in names and torch is not None:
            torch.manual_seed((torch.initial_seed() + drawn_before) % 2**63)
            return
        _log.warning(
            "resumed: %s draws with a seed of its own, as the run did that broke off, and may repeat its "
            "answers: give another one with --model_args seed=…",
            type(self._model).__name__,
        )


def _arranged(asked: Sequence[_Slot], fresh: Sequence[Any]) -> list[tuple[int, Any]]:
    """Return the model's answers with their positions, those to equal requests in the journal's order."""
    groups: dict[str, list[tuple[_Slot, Any]]] = defaultdict(list)
    for slot, answer in zip(asked, fresh, strict=True):
        groups[slot.group].append((slot, answer))
    arranged: list[tuple[int, Any]] = []
    for pairs in groups.values():
        left = [answer for _, answer in pairs]
        places: dict[int, Any] = {}
        for slot, _ in pairs:
            at = next((i for i, answer in enumerate(left) if slot.text == _text(answer)), None)
            if slot.text is not None and at is not None:
                places[slot.position] = left.pop(at)
        rest = iter(left)
        arranged += [
            (slot.position, places[slot.position] if slot.position in places else next(rest))
            for slot, _ in pairs
        ]
    return arranged


def _journals(slots: Iterable[_Slot]) -> list[TaskJournal]:
    return list(dict.fromkeys(slot.journal for slot in slots if slot.journal is not None))


def _broken_off(journals: Sequence[TaskJournal]) -> str | None:
    """Force what is there onto the disk; return how to go on, None where nothing is there."""
    for journal in journals:
        journal.break_off()
    return _how_to_go_on(journals)


def _how_to_go_on(journals: Iterable[TaskJournal]) -> str | None:
    """Return where the answers of a run that broke off are; None where there are none."""
    saved = [journal for journal in journals if journal.saved]
    if not saved:
        return None
    paths = [journal.path or journal.resumed[0] for journal in saved]
    count, all_of_them = (
        sum(counts) for counts in zip(*((j.saved, len(j.requests)) for j in saved), strict=True)
    )
    return (
        f"{count} of {all_of_them} answers are saved in {' '.join(map(str, paths))}. "
        f"The same command goes on from there with --resume {paths[0]} "
        f"(lm-eval run: --metadata passk.resume={paths[0]})"
    )


def _prompt_hash(arguments: Sequence[Any]) -> str:
    return "prompt " + request_hash(arguments[:1])


def _text(answer: Any) -> str | None:
    try:
        return written_text_of(answer)
    except ValueError:
        return None
