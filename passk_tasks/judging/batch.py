"""Judges a batch of programs: keeps their order and runs identical ones once."""

from __future__ import annotations

import functools
import hashlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from passk_tasks.judging.executor import Executor
from passk_tasks.lazy import Lazy
from passk_tasks.program import AnyTests, Program
from passk_tasks.verdict import Machine, Outcome, Verdict

if TYPE_CHECKING:
    from tqdm import tqdm

_HASH = "S32"  # of numpy: its bytes are compared, and all are as long


@dataclass(frozen=True, slots=True)
class Judged:
    """The result of a batch."""

    outcomes: list[Outcome]
    layers: dict[str, bool]
    warnings: tuple[str, ...] = ()
    machines: tuple[Machine, ...] = ()


class Batch:
    """The distinct programs of a batch, each with a number, and the positions that have it.

    Programs are read from the sequence when they are needed, so that it need not hold them; what is held of
    each is some hundred bytes.

    Args:
        programs: those with `code=None` are not run, and have no number.

    Attributes:
        numbers: of the program at each position; -1 where there is no code.
        counts: how many positions have each distinct program.
        tests: the distinct tests.
    """

    def __init__(self, programs: Sequence[Program]) -> None:
        self._programs = programs
        hashes, positions, suites = bytearray(), array("q"), array("q")
        ranks: dict[AnyTests, int] = {}
        for position, program in enumerate(programs):
            if program.code is not None:
                hashes += bytes.fromhex(program.sha256)
                positions.append(position)
                suites.append(ranks.setdefault(program.tests, len(ranks)))
        held = np.frombuffer(hashes, _HASH) if hashes else np.array([], _HASH)
        self._hashes, first, numbers, self.counts = np.unique(
            held, return_index=True, return_inverse=True, return_counts=True
        )
        self._coded = np.array(positions, dtype=np.int64)
        self._first = self._coded[first]
        self.tests = list(ranks)
        self._suites = np.array(suites, dtype=np.int64)[first]
        self.numbers: npt.NDArray[np.int64] = np.full(len(programs), -1, dtype=np.int64)
        self.numbers[self._coded] = numbers

    def __len__(self) -> int:
        """Return how many distinct programs there are."""
        return len(self._hashes)

    def program(self, number: int) -> Program:
        """Return a distinct program."""
        return self._programs[int(self._first[number])]

    def number(self, sha256: str) -> int | None:
        """Return the number of the program with a hash; None where there is none."""
        try:
            wanted = np.array(bytes.fromhex(sha256), _HASH)
        except ValueError:
            return None
        number = int(np.searchsorted(self._hashes, wanted))
        return number if number < len(self) and self._hashes[number] == wanted else None

    def has(self, sha256: str) -> bool:
        """Return whether there is a program with a hash."""
        return self.number(sha256) is not None

    def sha256(self, number: int) -> str:
        """Return the hash of a distinct program."""
        return self._hashes[number : number + 1].tobytes().hex()

    def suite(self, number: int) -> int:
        """Return which of `tests` a distinct program has."""
        return int(self._suites[number])

    def positions(self, number: int) -> list[int]:
        """Return the positions of a distinct program."""
        order, ends = self._grouped
        return [int(self._coded[at]) for at in order[ends[number] - self.counts[number] : ends[number]]]

    @functools.cached_property
    def _grouped(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        return np.argsort(self.numbers[self._coded], kind="stable"), np.cumsum(self.counts)

    def order(self, *, shuffle: bool) -> npt.NDArray[np.int64]:
        """Return the numbers in the order of judging.

        Programs with the same tests follow each other, since a worker keeps few problems' compiled tests.

        Args:
            shuffle: mix the tests, and the programs of each. So no program can choose which other one meets
                what it leaves behind.
        """
        if not shuffle:
            return np.lexsort((self._first, self._suites))
        # The key is the whole batch: the same batch has the same order, and no program knows it.
        key = int.from_bytes(hashlib.sha256(self._hashes.data.cast("B")).digest()[:8], "big") | 1
        words = self._hashes.view(np.uint64)[::4]  # a part of each hash
        return np.lexsort((words * np.uint64(key), (self._suites + 1).astype(np.uint64) * np.uint64(key)))

    def run(
        self,
        executor: Executor,
        *,
        known: npt.NDArray[np.bool_] | None = None,
        progress: bool = False,
        shuffle: bool = False,
    ) -> Iterator[tuple[int, Outcome]]:
        """Judge the distinct programs; yield number and outcome of each as soon as it is known.

        Args:
            executor: runs the programs; the caller has entered it.
            known: which are not to be judged, by number; None for none.
            progress: show a bar on standard error, if that is a terminal.
            shuffle: as `order` has it.
        """
        order = self.order(shuffle=shuffle)
        if known is not None:
            order = order[~known[order]]
        done = len(self.numbers) - int(self.counts[order].sum())
        with _bar(len(self.numbers), done) if progress else nullcontext() as bar:
            for place, outcome in executor.run(Chosen(self.program, order)):
                number = int(order[place])
                yield number, with_base(outcome, self.program(number))
                if bar is not None:
                    bar.update(int(self.counts[number]))


def _bar(total: int, done: int) -> tqdm[Any]:
    from tqdm import tqdm  # most scorings show none

    return tqdm(total=total, initial=done, desc="judging", unit="program", disable=None)


class Chosen(Lazy[Program]):
    """Some programs in an order of their own, each read when it is asked for."""

    def __init__(self, program: Callable[[int], Program], numbers: npt.NDArray[np.int64]) -> None:
        self._program, self._numbers = program, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def item(self, place: int) -> Program:
        """Return the program at a place."""
        return self._program(int(self._numbers[place]))


def judge(
    programs: Sequence[Program],
    executor: Executor,
    *,
    progress: bool = False,
    shuffle: bool = False,
    told: Callable[[int, Outcome], None] | None = None,
) -> Judged:
    """Judge a batch of programs.

    Args:
        programs: those with `code=None` get `no_code` and are not run.
        executor: runs the programs, e.g. `executor.local(Confinement())`; this function enters it.
        progress: show a bar on standard error, if that is a terminal.
        shuffle: judge problems, and the programs of each, in an order that depends on the whole batch.
        told: called with each judged program's position and outcome, as soon as it is known.

    Raises:
        SandboxError: this host cannot give the sandbox asked for.
    """
    batch = Batch(programs)
    outcomes: list[Outcome | None] = [
        no_code(program) if program.code is None else None for program in programs
    ]
    with executor:
        for number, outcome in batch.run(executor, progress=progress, shuffle=shuffle):
            for position in batch.positions(number):
                outcomes[position] = outcome
                if told is not None:
                    told(position, outcome)
        layers, warnings, machines = dict(executor.layers), executor.warnings, executor.machines
    assert None not in outcomes, f"no outcome for program {outcomes.index(None)}"
    return Judged([outcome for outcome in outcomes if outcome is not None], layers, warnings, machines)


def no_code(program: Program) -> Outcome:
    """Return the outcome of a program without code."""
    return with_base(Outcome(Verdict.NO_CODE, "no code in the model's text"), program)


def with_base(outcome: Outcome, program: Program) -> Outcome:
    """Return the outcome; if it says nothing of the base tests, which the program has, they did not pass."""
    if outcome.base_passed is None and program.tests.base:
        return replace(outcome, base_passed=False)
    return outcome
