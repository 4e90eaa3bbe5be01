"""The question that a comparison of runs answers, and its answer in words.

    best      the best run against the second, and against all others; what is asked of three or more runs
    baseline  each run against one of them
    last      the last run against the one before; what is asked of two

p is corrected (Holm) for as many comparisons as the answer was chosen from: of the best run, which nobody
named before, for all pairs; against a baseline, for the other runs; of the last run there is one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from passk_tasks.statistics import paired
from passk_tasks.statistics.paired import Difference
from passk_tasks.statistics.rounding import decimal
from passk_tasks.text import summary

BEST, BASELINE, LAST = "best", "baseline", "last"


@dataclass(frozen=True)
class Pair:
    """Two of the runs on one metric.

    Attributes:
        first: number of the one, from 0; the earlier one, unless a question was asked.
        second: number of the other.
        difference: second minus first, over problems.
        over_samples: 95 % interval of the difference if both ran again on the same problems; None if unknown.
        p_adjusted: p-value by Holm's method over all pairs of runs on this metric; in a question, its own.
        mcnemar: numbers of problems that only the first and only the second solved, and the exact p-value;
            None unless both have one sample a problem.
    """

    first: int
    second: int
    difference: Difference
    over_samples: tuple[float, float] | None
    p_adjusted: float
    mcnemar: tuple[int, int, float] | None

    @property
    def apart(self) -> bool:
        """Whether the two differ beyond noise: p < 0.05 after adjustment."""
        return self.p_adjusted < 0.05

    def turned(self) -> Pair:
        """Return the same two the other way round."""
        over = self.over_samples
        return Pair(
            self.second,
            self.first,
            replace(self.difference, value=-self.difference.value, ci95=_turned(self.difference.ci95)),
            _turned(over),
            self.p_adjusted,
            self.mcnemar and (self.mcnemar[1], self.mcnemar[0], self.mcnemar[2]),
        )


@dataclass(frozen=True)
class Question:
    """What was asked of a comparison.

    Attributes:
        kind: `BEST`, `BASELINE` or `LAST`.
        reference: number of the run that others are set against: the best, the baseline, the one before last.
        pairs: the reference, and each of the others that were asked about, the best first.
        before: number of the run from which problems changed.
        after: number of the run to which they did.
    """

    kind: str
    reference: int
    pairs: tuple[Pair, ...]
    before: int
    after: int

    @property
    def regressed(self) -> bool:
        """Whether a run that was asked about is worse than the reference, beyond noise."""
        return any(pair.apart and pair.difference.value < 0 for pair in self.pairs)

    def of(self, number: int) -> Pair | None:
        """Return the reference and the run of that number; None where that was not asked."""
        return next((pair for pair in self.pairs if pair.second == number), None)

    def answer(self, names: Sequence[str], metric: str, values: Mapping[int, float]) -> str:
        """Return the answer in a few sentences."""
        called = [f"{letter(i)} ({name})" for i, name in enumerate(names)]
        if self.kind == BEST:
            return self._of_the_best(called, metric, values)
        if self.kind == BASELINE and len(self.pairs) > 1:
            return self._against_the_baseline(called, metric, values)
        (pair,) = self.pairs
        first, second = called[pair.first], called[pair.second]
        if pair.apart:
            better = "better" if pair.difference.value > 0 else "worse"
            size = f"{abs(pair.difference.value):.4f} of {metric}"
            return f"{second} is {better} than {first} by {size}, beyond noise ({_p(pair)})."
        return f"No difference in {metric} between {first} and {second} is shown ({_p(pair)}){_reach(pair)}."

    def _of_the_best(self, called: Sequence[str], metric: str, values: Mapping[int, float]) -> str:
        second, *others = self.pairs
        said = [f"{called[self.reference]} is best: {decimal(values[self.reference])} of {metric}."]
        size = f"{abs(second.difference.value):.4f} lower"
        corrected = f"{_p(second)}, corrected for {math.comb(len(called), 2)} pairs"
        if second.apart:
            said.append(f"Second is {called[second.second]}, {size}, beyond noise ({corrected}).")
        else:
            said.append(f"Second is {called[second.second]}, {size}: no difference is shown ({corrected}).")
        alike = [called[pair.second] for pair in others if not pair.apart]
        worse = [called[pair.second] for pair in others if pair.apart]
        if worse:
            said.append(f"It is better beyond noise than {_listed(worse)}.")
        if alike:
            said.append(f"It is not told apart from {_listed(alike)}.")
        return " ".join(said)

    def _against_the_baseline(self, called: Sequence[str], metric: str, values: Mapping[int, float]) -> str:
        said = [f"Against {called[self.reference]}, {decimal(values[self.reference])} of {metric}:"]
        sizes = {pair.second: f"{called[pair.second]} {pair.difference.value:+.4f}" for pair in self.pairs}
        kinds = {
            "better": [pair for pair in self.pairs if pair.apart and pair.difference.value > 0],
            "worse": [pair for pair in self.pairs if pair.apart and pair.difference.value < 0],
            "no difference shown": [pair for pair in self.pairs if not pair.apart],
        }
        parts = [f"{kind}: {_listed([sizes[p.second] for p in of])}" for kind, of in kinds.items() if of]
        return f"{' '.join(said)} {'; '.join(parts)} (p < 0.05, corrected for {len(self.pairs)} runs)."


def ask(pairs: Sequence[Pair], order: Sequence[int], *, baseline: int | None, last: bool) -> Question:
    """Return a question about runs: `order` has the best first, and `pairs` p corrected for all of them."""
    count = len(order)
    if baseline is not None:
        others = [number for number in order if number != baseline]
        asked = _of(pairs, baseline, others)
        p = paired.holm([pair.difference.p for pair in asked])
        asked = [replace(pair, p_adjusted=value) for pair, value in zip(asked, p, strict=True)]
        return Question(BASELINE, baseline, tuple(asked), baseline, max(others))
    if last or count == 2:
        (pair,) = _of(pairs, count - 2, [count - 1])
        pair = replace(pair, p_adjusted=pair.difference.p)
        return Question(LAST, count - 2, (pair,), count - 2, count - 1)
    best, second, *_ = order
    return Question(BEST, best, tuple(_of(pairs, best, order[1:])), second, best)


def letter(number: int) -> str:
    """Return the letter of a run, by its number from 0: A, B, …, Z, AA, …."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def lettered(numbers: Sequence[int], runs: int) -> str:
    """Return the letters of some of the runs as text."""
    letters = [letter(i) for i in numbers]
    if len(letters) == runs > 2:
        return "all"
    return ", ".join(letters) if len(letters) <= 5 else f"{letters[0]}, {letters[1]}, … {letters[-1]}"


def _of(pairs: Sequence[Pair], reference: int, others: Sequence[int]) -> list[Pair]:
    by_numbers = {(pair.first, pair.second): pair for pair in pairs}
    return [
        by_numbers[reference, i] if (reference, i) in by_numbers else by_numbers[i, reference].turned()
        for i in others
    ]


def _turned(ends: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if ends is None else (-ends[1], -ends[0])


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _p(pair: Pair) -> str:
    shown = summary.p_value(pair.p_adjusted)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"


def _reach(pair: Pair) -> str:
    ci95 = pair.difference.ci95
    return f", which may be from {summary.interval(ci95, signed=True)}" if ci95 else ""
