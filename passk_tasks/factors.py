"""Which condition moved the number: of a set of runs, those pairs that differ in one, and what that did.

    runs -> conditions of each -> what differs in each pair -> pairs that differ alike -> an effect for each

It executes nothing; `statistics.factors` has the mathematics, `scoring.rejudging` judges again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from passk_tasks.compare import label
from passk_tasks.errors import UsageError
from passk_tasks.results import joining, names
from passk_tasks.results.changes import TOOLING, Change, Changes, Pair, kind, recorded
from passk_tasks.results.differing import ABSENT
from passk_tasks.results.model import Run
from passk_tasks.statistics import factors, paired
from passk_tasks.statistics.factors import Floats, Split
from passk_tasks.statistics.metrics import PASS, Metric
from passk_tasks.statistics.paired import Difference
from passk_tasks.text.summary import p_value

_LONGEST = 24  # of a value that is shown as it is; longer ones are texts, which `passk compare` has
_PARTS = 3  # most packages that are named; `passk compare` names all


@dataclass(frozen=True)
class Effect(Change):
    """What one change of conditions did.

    Attributes:
        difference: after minus before, over problems, the pairs averaged.
        p_adjusted: its p-value by Holm's method over all effects.
        by_pair: the difference of each pair.
        uneven: whether the pairs differ among each other beyond noise, so that their mean says little.
        split: how much is the model's and how much the tooling's; None where nobody judged again.
        elsewhere: what the stored difference has beyond `split.total`: of this host and this version.
    """

    difference: Difference
    p_adjusted: float
    by_pair: tuple[float, ...]
    uneven: bool = False
    split: Split | None = None
    elsewhere: float = 0.0

    @property
    def apart(self) -> bool:
        """Whether it is beyond noise: p < 0.05 after adjustment."""
        return self.p_adjusted < 0.05

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of its conditions."""
        return tuple(dict.fromkeys(map(kind, self.factors)))

    @property
    def words(self) -> str:
        """What changed: the names of the conditions, with their values where these are short."""
        unknown = f" (and perhaps {', '.join(self.unknown)})" if self.unknown else ""
        return " with ".join(map(changed, self.factors, self.before, self.after)) + unknown

    @property
    def seen_in(self) -> str:
        """The pairs of runs, by their letters."""
        return ", ".join(f"{label(i)} → {label(j)}" for i, j in self.pairs)


@dataclass(frozen=True)
class Attribution:
    """What the conditions of a set of runs did to a metric.

    Attributes:
        runs: in the order given; a change goes from the value that stands first.
        names: what people call them.
        problems: the task_ids that all runs have samples of.
        left_out: number of problems that some runs have and others lack.
        metric: what is measured.
        effects: one for each change, the surest first.
        together: conditions that only ever changed together, if more than one.
        never_alone: by condition that never changed alone though it did not always change with the same
            others: those that changed with it.
        repeats: runs whose recorded conditions are the same.
        unsteady: the first and another run of `repeats` that differ beyond noise, with the p-value adjusted
            for their number.
        unrecorded: conditions that some or all runs did not record.
        warnings: what the user must know to read the numbers.
    """

    runs: tuple[Run, ...]
    names: tuple[str, ...]
    problems: tuple[str, ...]
    left_out: int
    metric: Metric
    effects: tuple[Effect, ...]
    together: tuple[tuple[str, ...], ...]
    never_alone: Mapping[str, tuple[str, ...]]
    repeats: tuple[tuple[int, ...], ...]
    unsteady: tuple[tuple[Pair, Difference, float], ...]
    unrecorded: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @property
    def notes(self) -> list[str]:
        """What cannot be told apart, and runs that differ though nothing that is recorded does."""
        said = [
            f"Only ever changed together, so not to be told apart: {', '.join(group)}."
            for group in self.together
        ]
        said += [
            f"{name} never changed alone: {', '.join(others)} changed with it."
            for name, others in self.never_alone.items()
        ]
        said += [
            f"{effect.words} does not do the same everywhere: "
            + ", ".join(
                f"{label(i)} → {label(j)} {value:+.4f}"
                for (i, j), value in zip(effect.pairs, effect.by_pair, strict=True)
            )
            + "."
            for effect in self.effects
            if effect.uneven
        ]
        said += [
            f"{', '.join(map(label, group))} have the same conditions and are averaged."
            for group in self.repeats
        ]
        said += [
            f"{label(i)} and {label(j)} have the same conditions and differ beyond noise: "
            f"{difference.value:+.4f}, p (Holm) {p_value(p)}. Something that is not recorded changed."
            for (i, j), difference, p in self.unsteady
        ]
        return said

    @property
    def conclusion(self) -> str:
        """What changed the number beyond noise, by kind, and what is not shown to have."""
        shown = [effect for effect in self.effects if effect.apart]
        by_kind: dict[str, list[str]] = {}
        for effect in shown:
            what = f"{' with '.join(effect.factors)} ({effect.seen_in}) {effect.difference.value:+.4f}"
            by_kind.setdefault(" and ".join(effect.kinds), []).append(what)
        said = [f"{name}: {', '.join(effects)}" for name, effects in by_kind.items()]
        rest = sorted(
            {name for e in self.effects for name in e.factors} - {n for e in shown for n in e.factors}
        )
        first = f"Beyond noise in {self.metric.name}: {'; '.join(said) or 'nothing'}."
        return first + (f" No effect is shown of {', '.join(rest)}." if rest else "")

    def as_dict(self) -> dict[str, object]:
        """Return the object of `passk factors --json`."""
        return {
            "runs": [
                {"label": label(i), "name": name, "path": str(run.path)}
                for i, (run, name) in enumerate(zip(self.runs, self.names, strict=True))
            ],
            "metric": self.metric.name,
            "problems": len(self.problems),
            "left_out": self.left_out,
            "effects": [_effect_as_dict(effect) for effect in self.effects],
            "only_together": [list(names) for names in self.together],
            "never_alone": {name: list(others) for name, others in self.never_alone.items()},
            "repeats": [[label(i) for i in group] for group in self.repeats],
            "unsteady": [
                {"first": label(i), "second": label(j), "difference": d.value, "p_holm": p}
                for (i, j), d, p in self.unsteady
            ],
            "unrecorded": list(self.unrecorded),
            "warnings": list(self.warnings),
        }


def attribute(
    runs: Sequence[Run],
    *,
    metric: Metric | None = None,
    clusters: Mapping[str, Hashable] | None = None,
    seed: int = 0,
) -> Attribution:
    """Find what changed alone between runs, and what each such change did, as `api.attribute_runs` says."""
    metric = metric or Metric(PASS, 1)
    problems, left_out, values, grid = scores_of(runs, metric)
    shared = joining.shared(runs, problems, clusters)
    changes = Changes(recorded(runs, problems))
    found = changes.found()
    statistics = factors.effects([*values], [c.pairs for c in found], grid=grid, clusters=shared, seed=seed)
    unlike = factors.uneven([*values], [c.pairs for c in found], grid=grid, clusters=shared, seed=seed)
    effects = [
        Effect(
            **vars(change),
            difference=difference,
            p_adjusted=p,
            by_pair=tuple(float(np.mean(values[j] - values[i])) for i, j in change.pairs),
            uneven=p_unlike < 0.05,
        )
        for change, (difference, p), p_unlike in zip(found, statistics, unlike, strict=True)
    ]
    effects.sort(key=lambda effect: (effect.p_adjusted, effect.difference.p, -abs(effect.difference.value)))
    repeats = changes.repeats()
    again = [(group[0], other) for group in repeats for other in group[1:]]
    steady = factors.effects([*values], [[pair] for pair in again], grid=grid, clusters=shared, seed=seed)
    return Attribution(
        runs=tuple(runs),
        names=tuple(names.named(runs, problems)),
        problems=tuple(problems),
        left_out=left_out,
        metric=metric,
        effects=tuple(effects),
        together=changes.together(),
        never_alone=changes.never_alone(),
        repeats=repeats,
        unsteady=tuple((pair, d, p) for pair, (d, p) in zip(again, steady, strict=True) if p < 0.05),
        unrecorded=changes.unrecorded(),
        warnings=tuple(f"{label(i)}: {text}" for i, run in enumerate(runs) for text in run.warnings),
    )


def rescored(
    found: Attribution,
    judge: Callable[[Run, Run], Run],
    *,
    clusters: Mapping[str, Hashable] | None = None,
    seed: int = 0,
) -> Attribution:
    """Return what `attribute` found, with every change of tooling taken apart.

    Args:
        found: what it found.
        judge: returns the first run with the outcomes that its generations get when they are judged as the
            second one's were.
        clusters: as for `attribute`.
        seed: as for `attribute`.
    """
    shared = joining.shared(found.runs, found.problems, clusters)

    def split_of(effect: Effect) -> Effect:
        if TOOLING not in effect.kinds:
            return effect
        judged = []
        for pair in effect.pairs:
            runs = [found.runs[i] for i in pair]
            judged.append([[judge(run, way) for way in runs] for run in runs])
        flat = [run for of_pair in judged for of_run in of_pair for run in of_run]
        _, _, values, grid = scores_of(flat, found.metric)
        mean = np.mean(np.reshape(values, (len(judged), 2, 2, -1)), axis=0)
        fine = None if grid is None else grid * len(judged)
        split = factors.split(mean, grid=fine, clusters=shared, seed=seed)
        return replace(effect, split=split, elsewhere=effect.difference.value - split.total.value)

    return replace(found, effects=tuple(map(split_of, found.effects)))


def scores_of(runs: Sequence[Run], metric: Metric) -> tuple[list[str], int, list[Floats], int | None]:
    """Return the problems in common, how many are not, each run's scores of them, and their grid.

    Raises:
        UsageError: fewer than two runs, no problem in common, or a metric that some run cannot give.
    """
    if len(runs) < 2:
        raise UsageError("the effect of a condition needs at least two runs")
    problems, left_out = joining.in_common(runs, "; --task takes those of one task")
    counted = [joining.counts_of(run, problems) for run in runs]
    for run, counts in zip(runs, counted, strict=True):
        joining.check_metrics(run, [metric], problems, counts)
    values = [metric.values(*counts) for counts in counted]
    grid = None
    if metric.on_grid and metric.k == 1:
        grid = paired.lcm([n for counts in counted for n in counts.n])
    return problems, left_out, values, grid


def changed(name: str, before: Any, after: Any) -> str:
    """Return the name of a condition, with its values before and after where these are short."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        parts = [part for part in {**before, **after} if before.get(part) != after.get(part)]
        if len(parts) > _PARTS:
            return f"{name} ({len(parts)} differ)"
        said = [changed(part, before.get(part, ABSENT), after.get(part, ABSENT)) for part in parts]
        return f"{name} ({', '.join(said)})"
    values = [_short(value) for value in (before, after)]
    return name if None in values else f"{name} {values[0]} → {values[1]}"


def _short(value: Any) -> str | None:
    if isinstance(value, float):
        return f"{value:g}"
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= _LONGEST and "\n" not in shown else None


def _effect_as_dict(effect: Effect) -> dict[str, object]:
    split = effect.split
    return {
        "factors": list(effect.factors),
        "kinds": list(effect.kinds),
        "before": list(effect.before),
        "after": list(effect.after),
        "pairs": [[label(i), label(j)] for i, j in effect.pairs],
        "by_pair": list(effect.by_pair),
        "uneven": effect.uneven,
        **effect.difference.as_dict(),
        "p_holm": effect.p_adjusted,
        "apart": effect.apart,
        "unknown": list(effect.unknown),
        "rescored": split
        and {
            **{name: _part(getattr(split, name)) for name in ("total", "model", "tooling")},
            "elsewhere": effect.elsewhere,
        },
    }


def _part(difference: Difference) -> dict[str, object]:
    return {"value": difference.value, "ci95": difference.ci95 and list(difference.ci95), "p": difference.p}
