"""Saves generations before anything is executed.

lm-eval first generates for all tasks of a run, and then lets the tasks score one by one. So the first of our
tasks that scores writes the journals of all of them: from then on nothing can lose a generation.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import tempfile
import time
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from passk_tasks.errors import PasskError, UsageError
from passk_tasks.harness.invocation import Invocation
from passk_tasks.results.journal import Journal, JournalHeader
from passk_tasks.results.samples import Sample
from passk_tasks.tasks.settings import Settings

_log = logging.getLogger("lm_eval.passk")


class Journaled(Protocol):
    """What this module needs of a task."""

    @property
    def answered(self) -> bool:
        """Whether the model has answered all requests of the task."""

    def write_journal(self) -> None:
        """Write the task's generations to disk."""


_waiting: list[weakref.ref[Journaled]] = []  # tasks whose requests are built and whose journal is not written


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


def expect(task: Journaled) -> None:
    """Note that the model will generate for `task`."""
    _waiting.append(weakref.ref(task))


def write_all() -> None:
    """Write the journal of every task of the run that has its answers and no journal yet."""
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


def write(folder: Path, header: JournalHeader, samples: Iterable[Sample]) -> Path:
    """Write one journal into `folder` and return its path.

    Raises:
        PasskError: it cannot be written.
    """
    name = f"passk_journal_{header.task}_{time.strftime('%Y-%m-%dT%H-%M-%S')}_rank{header.rank}"
    for suffix in itertools.chain([""], (f"-{number}" for number in itertools.count(2))):
        path = folder / f"{name}{suffix}.jsonl"
        # Under tensor parallelism several processes call themselves rank 0, so the name may be taken.
        try:
            journal = Journal(path, header)
        except UsageError:
            if path.exists():
                continue
            raise
        with journal:
            for sample in samples:
                until = None if sample.stops == header.until else sample.stops
                journal.write(sample.task_id, sample.index, sample.text, until)
        _log.info(
            "task %s: generations saved to %s; `passk score` can finish the job from it", header.task, path
        )
        return path
    raise AssertionError("unreachable: the suffixes do not end")
