"""The journal of a task on a rank: where it is, and its answers, saved as they come."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from passk_tasks.errors import PasskError, UsageError
from passk_tasks.harness.beside import Beside
from passk_tasks.harness.invocation import Invocation
from passk_tasks.harness.resume import Recovered
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
    """The journal of one task on one rank, begun with the first new answer."""

    def __init__(
        self, folder: Path, header: JournalHeader, requests: Mapping[Key, str], recovered: Recovered
    ) -> None:
        self.requests = dict(requests)
        self.known: dict[Key, Entry] = recovered.answers(requests, f"task {header.task}")
        self.resumed = recovered.paths
        self._recovered = recovered
        self.path: Path | None = None
        self._folder, self._header = folder, header
        self._file: Journal | None = None
        self._texts: dict[Key, str] = {}  # what the file holds
        self._spent = {key: entry.spent for key, entry in self.known.items() if entry.spent is not None}
        self.spent_before: dict[Key, Spent | None] = {}  # by the first of two questions
        self.seconds = max((entry.at_s or 0.0 for entry in self.known.values()), default=0.0)
        """Wall seconds in which the model generated for the task, over all attempts."""
        self._spoilt = False  # whether the file cannot be the run's journal
        self.beside: Beside | None = None
        """What judges the answers as they come, if anything does."""
        self.price = Settings.parse(header.settings, where=header.task).price

    @property
    def saved(self) -> int:
        """How many answers are on disk."""
        return len(self.known.keys() | self._texts.keys())

    def spent(self, key: Key) -> Spent | None:
        """Return what an answer took; None where that is not known."""
        return self._spent.get(key)

    def ask_also(self, requests: Mapping[Key, str]) -> None:
        """Take in further requests, and what is there of their answers from a run that broke off.

        Raises:
            PasskError: another prompt was asked, or the journal cannot be written.
        """
        self.requests.update(requests)
        there = self._recovered.answers(requests, f"task {self._header.task}")
        self.known.update(there)
        self.seconds = max([self.seconds, *(entry.at_s or 0.0 for entry in there.values())])
        for key, entry in there.items():
            self.note(key, entry.spent)
            if self._file is not None and not self._spoilt:
                self._put(key, entry.text, entry.until, entry.at_s or 0.0)

    def note(self, key: Key, spent: Spent | None) -> None:
        """Keep what an answer took, with what its first question took."""
        if spent is not None:
            self._spent[key] = spent.after(self.spent_before.get(key, Spent(0, 0)))

    def add(self, key: Key, text: str, until: tuple[str, ...], spent: Spent | None) -> None:
        """Append one answer. A disk that refuses costs none: all are written anew at the end."""
        self.note(key, spent)
        if self.beside is not None:
            self.beside.add(key, text, until)
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
        """Make what is there durable; the journal stays without an end, and nothing more is judged."""
        if self.beside is not None:
            self.beside.end()
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
