"""What the runs of a set are called: as people called them, else by what differs between them.

    named(runs) -> "few-shot", "T=0.2", "no system instruction", "common settings"

Model and task come first where there are several. What most of the others share is no part of a name.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from passk_tasks.results.conditions import NONE
from passk_tasks.results.differing import ABSENT, Condition, between, own_parts
from passk_tasks.results.model import StoredRun

T = TypeVar("T", bound=Hashable)

COMMON = "common settings"
"""The run that has, of each condition that differs, the value that most runs have."""

LONGEST = 60
"""Most characters of a name that is made; a label has as many as people gave it."""

_OWN = 28  # most characters of a text that is quoted in a name
_PARTS = 3  # most conditions in a name
# What people change to learn something comes before what changes by itself.
_ENVIRONMENT = (
    "sandbox",
    "packages",
    "toolchains",
    "machines",
    "shown",
    "version",
    "dataset",
    "python",
    "passk_tasks",
)
_ORDER = (
    "prompt",
    "system_instruction",
    "fewshot",
    "chat_template",
    "temperature",
    "sampling",
    "stops",
    "n",
    "extraction",
    "judge",
    "limits",
    *_ENVIRONMENT,
)


def named(runs: Sequence[StoredRun], problems: Sequence[str] = ()) -> list[str]:
    """Return a name for each run, no two alike: its label, else what differs between these runs."""
    names = _made(runs, problems)
    folders, numbers = [run.path.parent.name for run in runs], [str(i + 1) for i in range(len(runs))]
    for more in (dates(runs), folders, numbers):
        count = Counter(names)
        names = [f"{name}, {own}" if count[name] > 1 else name for name, own in zip(names, more, strict=True)]
    return names


def dates(runs: Sequence[StoredRun]) -> list[str]:
    """Return when runs were judged, in the shortest form that tells their days apart, else their minutes."""
    known = [run.date for run in runs if run.date is not None]
    forms = ["%Y-%m-%d"] if len({date.date() for date in known}) == len(known) else []
    forms += ["%m-%d %H:%M"] if len({date.year for date in known}) == 1 else []
    form = [*forms, "%Y-%m-%d %H:%M"][0]
    return ["-" if run.date is None else run.date.strftime(form) for run in runs]


def places(runs: Sequence[StoredRun], folder: str = "") -> list[str]:
    """Return where runs are, as seen from a folder: their folder where each is alone in it, else the file."""
    alone = Counter(run.path.parent for run in runs)
    shown = []
    for run in runs:
        path = run.path.parent if alone[run.path.parent] == 1 and str(run.path.parent) != folder else run.path
        shown.append(str(path.relative_to(folder) if folder and path.is_relative_to(folder) else path))
    return shown


def _made(runs: Sequence[StoredRun], problems: Sequence[str]) -> list[str]:
    """Return the names before those that are alike are told apart."""
    groups: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, run in enumerate(runs):
        groups[run.task, run.name].append(number)
    usual_task, usual_model = _usual([run.task for run in runs]), _usual([run.name for run in runs])
    names = [""] * len(runs)
    for (task, model), numbers in groups.items():
        before = [
            name for name in (_short(model) * (model != usual_model), task * (task != usual_task)) if name
        ]
        own = _apart([runs[i] for i in numbers], problems) if len(numbers) > 1 else [()]
        for i, parts in zip(numbers, own, strict=True):
            label = runs[i].label
            if label is not None:
                names[i] = label
            elif len(numbers) == 1:
                names[i] = ", ".join(before or [_short(model)])
            else:
                names[i] = cut(", ".join([*before, *(parts or [COMMON])]))
    return names


def _apart(runs: Sequence[StoredRun], problems: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the parts of the names of runs of one model and one task."""
    conditions, _ = between(runs, problems)
    by_factor: defaultdict[str, list[Condition]] = defaultdict(list)
    for condition in conditions:
        by_factor[condition.factor].append(condition)
    factors = sorted((name for name in by_factor if name in _ORDER), key=_ORDER.index)
    said = {name: _said(name, by_factor[name]) for name in factors}
    chosen = [name for name in factors if name not in _ENVIRONMENT]
    for name in [*(name for name in factors if name in _ENVIRONMENT), None]:
        parts = [_parts(said[one][i] for one in factors if one in chosen) for i in range(len(runs))]
        if len(set(parts)) == len(runs) or name is None:
            return parts
        chosen.append(name)
    raise AssertionError("unreachable: the last name is None")


def _parts(said: Iterable[str]) -> tuple[str, ...]:
    parts = [part for part in said if part]
    more = len(parts) - _PARTS
    return (*parts[:_PARTS], *([f"{more} more"] if more > 0 else []))


def _said(name: str, conditions: Sequence[Condition]) -> list[str]:
    """Return what each run's name says of a factor; nothing of what most share, or of what is not known."""
    values = list(zip(*(map(repr, condition.values) for condition in conditions), strict=True))
    shared = _usual(values)
    words = _WORDS.get(name, _of_parts)(conditions)
    unknown = [all(value is None for value in of) for of in zip(*(c.values for c in conditions), strict=True)]
    return [
        "" if value == shared or nothing else word
        for value, word, nothing in zip(values, words, unknown, strict=True)
    ]


def _usual(values: Sequence[T]) -> T | None:
    """Return the value that goes without saying: of more than half of three or more, or of all."""
    (value, count), *_ = Counter(values).most_common()
    return value if count == len(values) or (2 * count > len(values) > 2) else None


def _of_parts(conditions: Sequence[Condition]) -> list[str]:
    """Name a run by the parts of a condition: `top_p=0.9`, `timeout_s=10`."""
    count = len(conditions[0].values)
    return [" ".join(_part_of(condition, i) for condition in conditions) for i in range(count)]


def _part_of(condition: Condition, number: int) -> str:
    _, _, part = condition.name.partition(".")
    value = condition.shown()[number]
    return f"no {part}" if value == ABSENT else f"{part or condition.name}={value}"


def _packages(conditions: Sequence[Condition]) -> list[str]:
    """Name a run by the packages of others' versions; where these are many, by the first one."""
    names = []
    for i in range(len(conditions[0].values)):
        listed = [_package(condition, i) for condition in conditions]
        there = [text for text in listed if not text.startswith("no ")]
        if len(listed) > 2:
            listed = [*(there[:1] or ["fewer packages"]), f"… ({len(conditions)} packages differ)"]
        names.append(", ".join(listed))
    return names


def _package(condition: Condition, number: int) -> str:
    name, version = condition.name.partition(".")[2], condition.values[number]
    return f"no {name}" if version == ABSENT else f"{name} {version}"


def _quoted(what: str, without: str) -> Callable[[Sequence[Condition]], list[str]]:
    def words(conditions: Sequence[Condition]) -> list[str]:
        (condition,) = conditions
        texts = [value for value in dict.fromkeys(condition.values) if value not in (None, NONE)]
        if len(texts) == 1:  # there, or not
            own = dict(zip(condition.values, _own_parts(condition), strict=True))[texts[0]]
            word = what if what == "chat template" else f"{what} “{own}”"
            return [without if value == NONE else word for value in condition.values]
        pairs = zip(condition.values, _own_parts(condition), strict=True)
        return [without if value == NONE else f"{what} “{own}”" for value, own in pairs]

    return words


def _own_parts(condition: Condition) -> list[str]:
    texts = [None if value in (None, NONE) else str(value) for value in condition.values]
    return own_parts(texts, _OWN)


def _stops(conditions: Sequence[Condition]) -> list[str]:
    (condition,) = conditions
    lists = [tuple(value or ()) for value in condition.values]
    shared = set(lists[0]).intersection(*lists[1:])
    names = []
    for stops in lists:
        own = [stop for stop in stops if stop not in shared or len(stops) <= 2]
        more = f", … ({len(own)} stops more)" if len(own) > 2 else ""
        listed = ", ".join(map(repr, own[:2] if more else own)) + more
        names.append(
            "no stops"
            if not stops
            else f"stops {listed}"
            if own
            else f"{len(stops)} stop{'s' * (len(stops) > 1)}"
        )
    return names


def _one(form: str) -> Callable[[Sequence[Condition]], list[str]]:
    return lambda conditions: [form.format(value) for value in conditions[0].shown()]


_WORDS: dict[str, Callable[[Sequence[Condition]], list[str]]] = {
    "prompt": _quoted("prompt", "no prompt"),
    "system_instruction": _quoted("system", "no system instruction"),
    "chat_template": _quoted("chat template", "no chat template"),
    "fewshot": _one("{} examples"),
    "temperature": _one("T={}"),
    "n": _one("n={}"),
    "stops": _stops,
    "packages": _packages,
    "extraction": _one("extraction {}"),
    "judge": _one("judge {}"),
    "sandbox": _one("sandbox {}"),
    "shown": _one("data {}"),
    "version": _one("task version {}"),
    "dataset": _one("problems {}"),
    "python": _one("Python {}"),
    "passk_tasks": _one("passk-tasks {}"),
}


def _short(model: str) -> str:
    """Return the model's name; of a long path its end."""
    return model if len(model) <= _OWN else model.rstrip("/").rpartition("/")[2]


def cut(text: str, most: int = LONGEST) -> str:
    """Return a text, the end of a long one cut off."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
