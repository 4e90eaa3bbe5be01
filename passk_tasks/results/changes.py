"""What differs between stored runs: in which pairs a condition changed alone, and in which with others.

What differs only since something else does is left out: see `differing`.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from passk_tasks.results.conditions import NONE
from passk_tasks.results.differing import between
from passk_tasks.results.model import StoredRun

PROMPT, DECODING, TOOLING, MODEL = "prompt", "decoding", "tooling", "model"
"""The kinds of conditions: what was asked, how answers were drawn, how they were judged, and of whom."""

_KINDS = {
    "model": MODEL,
    **dict.fromkeys(("prompt", "task", "fewshot", "chat_template", "system_instruction"), PROMPT),
    **dict.fromkeys(("n", "temperature", "sampling", "stops"), DECODING),
}

_WHOLE = ("packages", "toolchains")  # what a host has comes and goes together
_DERIVED = ("limits.call_s", "limits.whole_s")  # from the time limit, the judge and the family
_OF_DRAWING = {f"sampling.{part}" for part in ("top_p", "top_k", "min_p", "typical_p")}  # nothing at T = 0
_WANTED = ("model", "prompt", "system_instruction", "temperature", "stops")

Pair = tuple[int, int]


@dataclass(frozen=True)
class Change:
    """Values of conditions before and after, and the runs that differ in them alone.

    Attributes:
        factors: names of the conditions; several where these never changed one without the other.
        before: their values before, in that order.
        after: their values after.
        pairs: pairs of runs that differ in this and in nothing else: numbers from 0, before and after.
        unknown: conditions that only one run of a pair recorded; they may have changed as well.
    """

    factors: tuple[str, ...]
    before: tuple[Any, ...]
    after: tuple[Any, ...]
    pairs: tuple[Pair, ...]
    unknown: tuple[str, ...]


def kind(name: str) -> str:
    """Return the kind of a condition, by its name: one of `PROMPT`, `DECODING`, `TOOLING` and `MODEL`."""
    return _KINDS.get(name.partition(".")[0], TOOLING)


def recorded(runs: Sequence[StoredRun], problems: Sequence[str]) -> list[dict[str, Any]]:
    """Return the conditions that can be changed one by one and that differ, or that some did not record.

    Prompts as sent are compared over `problems`, where they are loaded.

    Returns:
        For each run its values by name, None where not recorded.
    """
    differing, unrecorded = between(runs, problems)
    found: list[dict[str, Any]] = [{} for _ in runs]
    for condition in differing:
        if condition.name in _DERIVED:
            continue
        for mine, value in zip(found, condition.values, strict=True):
            if condition.factor not in _WHOLE:
                mine[condition.name] = value
            elif value is None:
                mine[condition.factor] = None
            else:
                mine.setdefault(condition.factor, {})[condition.name.partition(".")[2]] = value
    missing = {name for name in (*unrecorded, *_WANTED) if name not in found[0] and name not in _DERIVED}
    for mine, run in zip(found, runs, strict=True):
        flat = {"model": run.model, **run.conditions.as_dict(), **run.conditions.flat()}
        mine |= {name: flat.get(name) for name in missing}
    return found


def differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Return the conditions that differ between two runs, and those that only one of them recorded.

    What differs only since something else does is left out.
    """
    names = first.keys() | second.keys()
    unknown = {name for name in names if (first.get(name) is None) != (second.get(name) is None)}
    differs = {name for name in names - unknown if _key(first.get(name)) != _key(second.get(name))}
    if "model" in differs and NONE not in (first.get("chat_template"), second.get("chat_template")):
        differs.discard("chat_template")  # each model has its own
    if "task" in differs:
        differs.discard("version")  # versions of different tasks are no versions of one thing
        if differs != {"task"}:
            differs.discard("task")  # the name of what differs
    if 0 in (first.get("temperature"), second.get("temperature")):
        differs -= _OF_DRAWING
        unknown -= _OF_DRAWING
    return differs, unknown


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


class Changes:
    """What differs between any two of the runs."""

    def __init__(self, runs: Sequence[Mapping[str, Any]]) -> None:
        self._runs = runs
        self._numbers = range(len(runs))
        self._differs: dict[Pair, frozenset[str]] = {}
        self._unknown: dict[Pair, frozenset[str]] = {}
        for pair in itertools.combinations(self._numbers, 2):
            differs, unknown = differing(runs[pair[0]], runs[pair[1]])
            for one in (pair, pair[::-1]):
                self._differs[one], self._unknown[one] = frozenset(differs), frozenset(unknown)
        self._sets = self._as_sets()
        self._alone = {name for names in self._sets.values() if len(names) == 1 for name in names}

    def _as_sets(self) -> dict[Pair, frozenset[tuple[str, ...]]]:
        """Return what differs in each pair, conditions that change in the very same pairs taken as one."""
        seen_in: dict[str, list[Pair]] = {}
        for pair, names in self._differs.items():
            for name in sorted(names):
                seen_in.setdefault(name, []).append(pair)
        alike: dict[tuple[Pair, ...], list[str]] = {}
        for name, pairs in seen_in.items():
            alike.setdefault(tuple(pairs), []).append(name)
        one_of = {name: tuple(names) for names in alike.values() for name in names}
        return {pair: frozenset(map(one_of.__getitem__, names)) for pair, names in self._differs.items()}

    def found(self) -> list[Change]:
        """Return the changes of one condition, and of as few as possible for those that never changed alone.

        Where a condition has several values, each is set against the one that stands first among the runs.
        """
        smallest = {names for names in self._sets.values() if self._worth_knowing(names)}
        seen: dict[tuple[tuple[str, ...], int, int], list[Pair]] = {}
        ranks_of: dict[tuple[str, ...], list[int]] = {}
        for i, j in itertools.combinations(self._numbers, 2):
            if self._sets[i, j] not in smallest:
                continue
            names = tuple(sorted(itertools.chain(*self._sets[i, j])))
            if names not in ranks_of:
                ranks_of[names] = self._ranks(names)
            ranks = ranks_of[names]
            first, second = sorted((i, j), key=ranks.__getitem__)
            if any(
                self._differs[run, first] <= set(names) and ranks[run] < ranks[first]
                for run in self._numbers
                if run != first
            ):
                continue  # both are set against that run
            seen.setdefault((names, ranks[first], ranks[second]), []).append((first, second))
        changes = []
        for (names, _, _), pairs in seen.items():
            pairs = [pair for pair in pairs if not self._unknown[pair]] or pairs
            unknown = sorted(set().union(*(self._unknown[pair] for pair in pairs)))
            before, after = (tuple(self._runs[pairs[0][side]].get(name) for name in names) for side in (0, 1))
            changes.append(Change(names, before, after, tuple(pairs), tuple(unknown)))
        return changes

    def _worth_knowing(self, names: frozenset[tuple[str, ...]]) -> bool:
        if len(names) == 1:
            return True
        return any(
            not any(name in fewer and fewer < names for fewer in self._sets.values())
            for name in names - self._alone
        )

    def _ranks(self, names: Sequence[str]) -> list[int]:
        """Return for each run the number of the first one with the same values of these conditions."""
        first: dict[str, int] = {}
        levels = (_key([mine.get(name) for name in names]) for mine in self._runs)
        return [first.setdefault(level, run) for run, level in enumerate(levels)]

    def together(self) -> tuple[tuple[str, ...], ...]:
        """Return the conditions that changed in the very same pairs of runs."""
        return tuple(sorted({name for names in self._sets.values() for name in names if len(name) > 1}))

    def never_alone(self) -> dict[str, tuple[str, ...]]:
        """Return, by condition that never changed alone, what changed with it where the least did."""
        others: dict[tuple[str, ...], set[str]] = {}
        for names in self._sets.values():
            if len(names) > 1 and self._worth_knowing(names):
                for name in names - self._alone:
                    others.setdefault(name, set()).update(itertools.chain(*(names - {name})))
        return {one: tuple(sorted(with_it)) for name, with_it in sorted(others.items()) for one in name}

    def repeats(self) -> tuple[tuple[int, ...], ...]:
        """Return the runs that have the same conditions, as far as these are recorded."""
        groups: list[list[int]] = []
        for run in self._numbers:
            same = (g for g in groups if not self._differs[g[0], run] and not self._unknown[g[0], run])
            group = next(same, None)
            if group is None:
                groups.append([run])
            else:
                group.append(run)
        return tuple(tuple(group) for group in groups if len(group) > 1)

    def unrecorded(self) -> tuple[str, ...]:
        """Return the conditions that only some runs recorded, and of the usual ones those that none did."""
        only_some = set().union(*self._unknown.values()) if self._unknown else set()
        none = {name for name in _WANTED if all(run.get(name) is None for run in self._runs)}
        return tuple(sorted(only_some | none))
