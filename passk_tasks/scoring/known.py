"""The verdicts that are there before a scoring, and where its own are kept as they come.

    the folder of the results   what a scoring that broke off left, and what one that ended has
    a store                     what other runs found, where the setting `verdicts` names its folder

A verdict is taken where its program and its environment are the same (`judging.environment`). Those of the
folder hold whatever they are; a store has none that another machine might not repeat.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from passk_tasks.judging.batch import Batch
from passk_tasks.judging.environment import Environments
from passk_tasks.judging.executor import Executor
from passk_tasks.results import store, verdicts
from passk_tasks.results.keys import Keys
from passk_tasks.results.summary import machine_of
from passk_tasks.results.verdicts import Appended, Known, Store
from passk_tasks.verdict import Machine, Outcome, added_up

_SAID_EACH = 64
"""Verdicts between two lines of who judged: after a kill, so many at most are nobody's."""


class Verdicts:
    """What is known before a scoring, and what it finds; a context manager.

    Args:
        journal: file of the verdicts as they come; None keeps none.
        results: folder with the results of an earlier scoring; None for none.
        shared: folder of a store; None for none.
        again: judge all anew; what is found is kept all the same.

    Attributes:
        resumed: samples whose verdicts were in the journal or in the results.
        from_store: samples whose verdicts came from the store; None without one.
        environments: names of those in which the programs are judged.
        environment: what these have in common, JSON-ready.
    """

    def __init__(
        self,
        journal: Path | None = None,
        results: Path | None = None,
        shared: str | None = None,
        *,
        again: bool = False,
    ) -> None:
        self.resumed = 0
        self.from_store: int | None = None if shared is None else 0
        self.environments: tuple[str, ...] = ()
        self.environment: Mapping[str, object] = {}
        self._path, self._results, self._again = journal, results, again
        self._store = None if shared is None else Store(Path(shared).expanduser())
        self._file: Appended | None = None
        self._before_s, self._began = 0.0, time.monotonic()
        self._executor: Executor | None = None
        self._machines: list[Machine] = []  # that judged what is known, in all attempts
        self._said: dict[str, int] = {}  # how many programs of each machine are among them
        self._unsaid = 0  # verdicts since they were looked at

    def __enter__(self) -> Verdicts:
        if self._path is not None:
            self._file = Appended(self._path, at_once=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.judged_by()
        if self._file is not None:
            self._file.close()
        if self._store is not None:
            self._store.__exit__()

    @property
    def seconds(self) -> float:
        """Wall seconds of judging, over all attempts."""
        return self._before_s + time.monotonic() - self._began

    @property
    def lost(self) -> str | None:
        """Why verdicts could not be kept as they came; None where all were."""
        return None if self._file is None else self._file.lost

    def judged_by(self) -> tuple[Machine, ...]:
        """Note who judged since the last call; return all that judged, in earlier attempts too."""
        self._unsaid = 0
        now = () if self._executor is None else self._executor.machines
        own = (replace(one, programs=one.programs - self._said.get(one.name, 0)) for one in now)
        if judged := [machine for machine in own if machine.programs > 0]:
            self._said |= {machine.name: machine.programs for machine in now}
            self._machines += judged
            if self._file is not None:
                self._file.add(verdicts.judged_by_line(judged, self.environments))
        return added_up(self._machines)

    def known(
        self, batch: Batch, executor: Executor, place: Callable[[int, Outcome], None]
    ) -> npt.NDArray[np.bool_]:
        """Return which of the distinct programs have a verdict, by number, and hand each one over.

        `place` is called with number and outcome; where it is called twice for one number, the second holds.
        """
        self._found = Environments(executor)
        self._names = [self._found.name(tests) for tests in batch.tests]
        self.environments = tuple(sorted(set(self._names)))
        self.environment = self._found.common
        taken = np.zeros(len(batch), dtype=np.bool_)
        if not self._again:
            for number, known in self._of(batch, self._in_folder(batch)):
                self._before_s = max(self._before_s, known.at_s)
                taken[number] = True
                place(number, known.outcome)
            self.resumed = int(batch.counts[taken].sum())
            resumed = taken.copy()
            for number, known in self._of(batch, self._in_store(batch)):
                if not resumed[number]:
                    taken[number] = True
                    place(number, known.outcome)
            if self.from_store is not None:
                self.from_store = int(batch.counts[taken].sum()) - self.resumed
        if self.resumed and self._path is not None:
            self._machines += verdicts.judged_by(self._path, self.environments)
        self._executor = executor
        self._said = {machine.name: machine.programs for machine in executor.machines}
        self._began = time.monotonic()
        return taken

    def add(self, batch: Batch, number: int, outcome: Outcome) -> None:
        """Keep the outcome of a distinct program that was judged."""
        environment = self._names[batch.suite(number)]
        line = {
            "program_sha256": batch.sha256(number),
            "environment": environment,
            "task_id": batch.program(number).task_id,
            **verdicts.as_dict(outcome),
        }
        if self._file is not None:
            self._file.add({**line, "at_s": round(self.seconds, 3)})
        if self._store is not None:
            self._store.add(environment, self._found.seen[environment], line, outcome)
        self._unsaid += 1
        if self._unsaid >= _SAID_EACH:
            self.judged_by()

    def _of(self, batch: Batch, found: Iterable[Known]) -> Iterator[tuple[int, Known]]:
        """Yield those of the verdicts that were found in the environment of their programs."""
        for known in found:
            number = batch.number(known.program_sha256)
            if number is not None and known.environment == self._names[batch.suite(number)]:
                yield number, known

    def _in_folder(self, batch: Batch) -> Iterator[Known]:
        """Yield what the folder has: what a scoring left that ended, then what one left that broke off."""
        if self._results is not None:
            with contextlib.suppress(OSError, ValueError, RecursionError):  # then no scoring has ended there
                yield from self._finished(
                    self._results / store.RESULTS, self._results / store.OUTCOMES, batch
                )
        if self._path is not None:
            yield from verdicts.read(self._path, batch.has)

    def _finished(self, results: Path, outcomes: Path, batch: Batch) -> Iterator[Known]:
        # A kill between the two leaves the outcomes of one scoring beside the results of another.
        if outcomes.stat().st_mtime_ns > results.stat().st_mtime_ns:
            return
        keys = Keys(json.loads(results.read_bytes()))
        environments = keys.texts("environments")
        self._before_s = float(keys.inner("cost").number("judging_s") or 0.0)
        if not set(self._names).isdisjoint(environments):
            self._machines += map(machine_of, keys.inners("machines"))
        for known in verdicts.read(outcomes, batch.has):
            number = batch.number(known.program_sha256)
            assert number is not None
            environment = self._names[batch.suite(number)]
            if environment in environments:
                yield known._replace(environment=environment)

    def _in_store(self, batch: Batch) -> Iterator[Known]:
        if self._store is not None:
            for environment in self.environments:
                yield from self._store.read(environment, batch.has)
