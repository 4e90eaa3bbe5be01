"""Saves answers as they come from the model, and asks it only for those that are not there yet.

lm-eval's models tell their `cache_hook` of each answer as soon as they have it. A `Recorder` stands in for
the model's `generate_until` for one call, and listens there. What a model keeps to itself until the end, or
another cache knows, is written then: lm-eval first generates for all tasks, and the first of our tasks
that scores completes the journals of all of them, before anything is executed.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import sys
import tempfile
import threading
import time
import weakref
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lm_eval.api.instance import Instance

from passk_tasks.errors import PasskError, UsageError
from passk_tasks.harness.invocation import Invocation
from passk_tasks.harness.metering import Clock, Meter
from passk_tasks.harness.replay import ReplayLM
from passk_tasks.harness.resume import Recovered, request_hash
from passk_tasks.results.answers import text_of
from passk_tasks.results.journal import Entry, Journal, JournalHeader
from passk_tasks.results.samples import Sample
from passk_tasks.results.spent import Spent
from passk_tasks.tasks.settings import Settings

_log = logging.getLogger("lm_eval.passk")

Key = tuple[str, int]  # a problem, and the number of a sample


def folder(settings: Settings, invocation: Invocation) -> Path:
    """Return the journal's folder: `passk.journal`, lm-eval's results folder, or the user's state."""
    if settings.journal is not None:
        return Path(settings.journal).expanduser()
    if invocation.results_folder is not None:
        return invocation.results_folder
    with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: the user has no home
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "passk"
        state.mkdir(parents=True, exist_ok=True)
        if os.access(state, os.W_OK):
            return state
    return Path(tempfile.gettempdir()) / "passk"


class StoppedError(PasskError):
    """The model failed between answers; `how_to_go_on` says where they are and which command goes on."""

    def __init__(self, failure: str, how_to_go_on: str) -> None:
        self.how_to_go_on = how_to_go_on
        super().__init__(f"the model stopped with {failure}\n{how_to_go_on}")


class TaskJournal:
    """The journal of one task on one rank, begun with the first new answer.

    Args:
        folder: where it is written.
        header: its first line.
        requests: the hash of each request.
        recovered: what is there from a run that broke off.
    """

    def __init__(
        self, folder: Path, header: JournalHeader, requests: Mapping[Key, str], recovered: Recovered
    ) -> None:
        self.requests = requests
        self.known: dict[Key, Entry] = recovered.answers(requests, f"task {header.task}")
        self.resumed = recovered.paths
        self.path: Path | None = None
        self._folder, self._header = folder, header
        self._file: Journal | None = None
        self._texts: dict[Key, str] = {}  # what the file holds
        self._spent = {key: entry.spent for key, entry in self.known.items() if entry.spent is not None}
        self.spent_before: dict[Key, Spent | None] = {}  # by the first of two questions
        self.seconds = max((entry.at_s or 0.0 for entry in self.known.values()), default=0.0)
        """Wall seconds in which the model generated for the task, over all attempts."""
        self._spoilt = False  # whether the file cannot be the run's journal

    @property
    def saved(self) -> int:
        """How many answers are on disk."""
        return len(self.known.keys() | self._texts.keys())

    def spent(self, key: Key) -> Spent | None:
        """Return what an answer took; None where that is not known."""
        return self._spent.get(key)

    def note(self, key: Key, spent: Spent | None) -> None:
        """Keep what an answer took, with what its first question took."""
        if spent is not None:
            self._spent[key] = spent.after(self.spent_before.get(key, Spent(0, 0)))

    def add(self, key: Key, text: str, until: tuple[str, ...], spent: Spent | None) -> None:
        """Append one answer. A disk that refuses costs none: all are written anew at the end."""
        self.note(key, spent)
        if self._spoilt:
            return
        try:
            self._put(key, text, until)
        except PasskError as error:
            self._spoilt = True
            _log.error("%s; answers are kept in memory, and saved when all are there", error)

    def complete(self, samples: Iterable[Sample]) -> Path:
        """Write the samples that are not there yet, end the journal and return its path.

        Raises:
            PasskError: it cannot be written.
        """
        samples = list(samples)
        texts = {**{key: entry.text for key, entry in self.known.items()}, **self._texts}
        unlike = sum(texts.get((s.task_id, s.index), s.text) != s.text for s in samples)
        if unlike:
            _log.warning(
                "task %s: %d answers are not those that the model had handed over before, or that were "
                "resumed; the journal is written anew, with the last ones",
                self._header.task,
                unlike,
            )
        if unlike or self._spoilt:
            if self._file is not None:
                with contextlib.suppress(OSError):
                    self._file.close(complete=False)
            self._file, self._texts, self.known, self._spoilt = None, {}, {}, False
        file = self._open()
        for sample in samples:
            if (sample.task_id, sample.index) not in self._texts:
                self._put((sample.task_id, sample.index), sample.text, sample.stops)
        file.close()
        return file.path

    def break_off(self) -> None:
        """Make what is there durable; the journal stays without an end."""
        if self._file is not None:
            with contextlib.suppress(OSError, PasskError):
                self._file.close(complete=False)

    def _put(self, key: Key, text: str, until: tuple[str, ...] | None, at_s: float | None = None) -> None:
        own = None if until is None or until == self._header.until else until
        seconds = self.seconds if at_s is None else at_s
        self._open().write(*key, text, own, self.requests.get(key), self.spent(key), seconds or None)
        self._texts[key] = text

    def _open(self) -> Journal:
        if self._file is None:
            self._file = _new_file(self._folder, self._header)
            self.path = self._file.path
            for key, entry in self.known.items():
                self._put(key, entry.text, entry.until, entry.at_s or 0.0)
            _log.info(
                "task %s: answers are saved in %s; a run that breaks off goes on with --resume %s, and "
                "`passk score` can judge what is there",
                self._header.task,
                self.path,
                self.path,
            )
        return self._file


def _new_file(folder: Path, header: JournalHeader) -> Journal:
    name = f"passk_journal_{header.task}_{time.strftime('%Y-%m-%dT%H-%M-%S')}_rank{header.rank}"
    for suffix in itertools.chain([""], (f"-{number}" for number in itertools.count(2))):
        path = folder / f"{name}{suffix}.jsonl"
        # Under tensor parallelism several processes call themselves rank 0, so the name may be taken.
        try:
            return Journal(path, header)
        except UsageError:
            if not path.exists():
                raise
    raise AssertionError("unreachable: the suffixes do not end")


class Journaled(Protocol):
    """What this module needs of a task."""

    instances: list[Instance]
    journal: TaskJournal

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
    # Tasks of an earlier run that broke off have no answers, and will not get any.
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
        key, text: problem and number of the sample; the answer, once it has come.
        until, arguments: the stops that were sent; prompt and generation arguments.
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
        self, before: Any, slots: Sequence[_Slot], requests: Sequence[Instance], meter: Meter, clock: Clock
    ) -> None:
        self._before, self._meter, self._clock = before, meter, clock
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
            text = text_of(answer)
            slot = self._slot(request)
            self._clock.give([None if slot is None else slot.journal])
            if slot is not None:
                slot.text = text
                if slot.journal is not None:
                    spent = self._meter.spent(slot.arguments, text)
                    slot.journal.add(slot.key, text, slot.until, spent)
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
        for reference in self.tasks:
            ask_first = getattr(reference(), "ask_first", None)  # of those in stages.py
            if ask_first is not None and not isinstance(self._model, ReplayLM):
                ask_first(requests, self._generate, self._model, self._meter)
        slots = self._slots(requests)
        answers: list[Any] = [slot.text for slot in slots]
        # The replay model finds a sample by its request's place among all, and costs nothing.
        all_of_them = isinstance(self._model, ReplayLM)
        asked = [slot for slot in slots if all_of_them or slot.text is None]
        known = len(slots) - sum(slot.text is None for slot in slots)
        if known:
            _log.info("resumed: %d of %d answers are there", known, len(slots))
            self._new_stream(known, asked, requests)
        if not asked:
            return answers
        fresh = self._ask(asked, requests, args, kwargs)
        for position, answer in _arranged(asked, fresh):
            slot = slots[position]
            if answers[position] is None:
                answers[position] = answer
            if slot.text is None and slot.journal is not None and (text := _text(answer)) is not None:
                slot.journal.note(slot.key, self._meter.spent(slot.arguments, text))
        return answers

    def _slots(self, requests: Sequence[Instance]) -> list[_Slot]:
        tasks = [task for task in (reference() for reference in self.tasks) if task is not None]
        journals = {id(instance): task.journal for task in tasks for instance in task.instances}
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

    def _ask(self, asked: Sequence[_Slot], requests: Sequence[Instance], args: Any, kwargs: Any) -> list[Any]:
        before = getattr(self._model, "cache_hook", None)
        new = [slot for slot in asked if slot.text is None]
        meter, clock = self._meter, Clock()
        if before is not None:
            self._model.set_cache_hook(_Listener(before, new, requests, meter, clock))
        try:
            with meter.listening():
                answers = list(self._generate([requests[slot.position] for slot in asked], *args, **kwargs))
            if len(answers) != len(asked):
                raise ValueError(f"{len(answers)} answers to {len(asked)} requests")
            if not isinstance(self._model, ReplayLM):
                clock.give([slot.journal for slot in new if slot.text is None] or [s.journal for s in new])
            return answers
        except BaseException as error:
            journals = {id(slot.journal): slot.journal for slot in asked if slot.journal is not None}.values()
            for journal in journals:
                journal.break_off()
            message = _how_to_go_on(journals)
            if message is None:
                raise
            if not isinstance(error, Exception):  # Ctrl-C, SIGTERM
                _log.error("the model stopped with %s\n%s", type(error).__name__, message)
                raise
            raise StoppedError(f"{type(error).__name__}: {error}", message) from error
        finally:
            if before is not None:
                self._model.set_cache_hook(before)

    def _new_stream(self, known: int, asked: Sequence[_Slot], requests: Sequence[Instance]) -> None:
        """Keep a model that draws from one stream from repeating what it drew before the run broke off."""
        names = {cls.__name__ for cls in type(self._model).__mro__}
        drawn = any(requests[slot.position].args[1].get("do_sample") for slot in asked)
        torch = sys.modules.get("torch")
        if not drawn or "ReplayLM" in names or "TemplateAPI" in names:
            return
        if "HFLM" in names and torch is not None:
            torch.manual_seed((torch.initial_seed() + known) % 2**63)
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
        return text_of(answer)
    except ValueError:
        return None
