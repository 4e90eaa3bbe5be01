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
from pathlib import Path

import numpy as np
import numpy.typing as npt

from passk_tasks.judging.batch import Batch
from passk_tasks.judging.environment import Environments
from passk_tasks.judging.executor import Executor
from passk_tasks.results import store, verdicts
from passk_tasks.results.keys import Keys
from passk_tasks.results.verdicts import Appended, Known, Store
from passk_tasks.verdict import Outcome


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

    def __enter__(self) -> Verdicts:
        if self._path is not None:
            self._file = Appended(self._path, at_once=True)
        return self

    def __exit__(self, *_: object) -> None:
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

    def known(
        self, batch: Batch, executor: Executor, place: Callable[[int, Outcome], None]
    ) -> npt.NDArray[np.bool_]:
        """Return which of the distinct programs have a verdict, by number, and hand each one over.

        Args:
            batch: the programs.
            executor: that would run them; it was entered.
            place: called with number and outcome; where it is called twice for one number, the second holds.
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
