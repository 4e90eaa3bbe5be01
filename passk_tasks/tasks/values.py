"""The values that settings may have: a converter for each, which takes YAML's values and texts alike."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, NamedTuple

from passk_tasks.program import MODES, Judge
from passk_tasks.tasks import fim

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+(?:/[\w.+-]+){0,2}")
MOST_SAMPLES = 1_000_000  # of a problem
EXTRACTIONS = (
    "completion",
    "answer",
    "snippet",
    "verbatim",
    "snippet_exact",
    "snippet_indented",
    "sanitized",
    "assertion_output",
    "assertion_input",
)
"""How code may be found in a model's text."""


class Price(NamedTuple):
    """Money for a million tokens of prompts, and of answers."""

    per_million_in: float
    per_million_out: float

    def of(self, tokens_in: float, tokens_out: float) -> float:
        """Return the money for so many tokens."""
        return (tokens_in * self.per_million_in + tokens_out * self.per_million_out) / 1e6

    def as_dict(self) -> dict[str, float]:
        """Return it as the setting is written."""
        return {"in": self.per_million_in, "out": self.per_million_out}


class TopUp(NamedTuple):
    """How well pass@k is to be known, and with how many samples of a problem at most."""

    half_width: float
    most: int
    k: int | None = None

    def as_dict(self) -> dict[str, float]:
        """Return it as the setting is written."""
        values = {"half_width": self.half_width, "most": self.most, "k": self.k}
        return {name: value for name, value in values.items() if value is not None}


# Converters return the value in its type, or raise ValueError with what the value must be.


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError
    return float(value)


def _whole(what: str, least: int | None = None) -> Callable[[Any], int]:
    wanted = what if least is None else f"{what}, at least {least}"

    def convert(value: Any) -> int:
        try:
            number = value if type(value) is int else _number(value)
            whole = int(number)
        except (ValueError, OverflowError):
            raise ValueError(wanted) from None
        if whole != number or (least is not None and whole < least):
            raise ValueError(wanted)
        return whole

    return convert


def _real(what: str) -> Callable[[Any], float]:
    def convert(value: Any) -> float:
        try:
            return _number(value)
        except (ValueError, OverflowError):
            raise ValueError(what) from None

    return convert


def _budgets(value: Any) -> tuple[int, ...]:
    wanted = "one or more whole numbers, each at least 1 (k: [1, 10], or --set k=1,10)"
    if isinstance(value, str):
        value = value.strip().removeprefix("[").removesuffix("]").rstrip(", ").split(",")
    elif not isinstance(value, (list, tuple)):
        value = [value]
    if not value:
        raise ValueError(wanted)
    convert = _whole(wanted)
    ks = {convert(item.strip() if isinstance(item, str) else item) for item in value}
    if min(ks) < 1:
        raise ValueError(wanted)
    return tuple(sorted(ks))


def _text(what: str) -> Callable[[Any], str]:
    def convert(value: Any) -> str:
        if not isinstance(value, str) or not value:
            raise ValueError(what)
        return value

    return convert


def _path(what: str) -> Callable[[Any], str | None]:
    def convert(value: Any) -> str | None:
        if value is None or value == "":
            return None
        if not isinstance(value, (str, os.PathLike)):
            raise ValueError(what)
        return str(value)

    return convert


def _words(what: str, *, lines: bool = True) -> Callable[[Any], str | None]:
    def convert(value: Any) -> str | None:
        if value is None or (type(value) in (str, int, float) and not str(value).strip()):
            return None
        text = str(value).strip()
        # lm-eval's command line makes a number of `passk.label=2`.
        if type(value) not in (str, int, float) or (not lines and len(text.splitlines()) > 1):
            raise ValueError(what)
        return text

    return convert


def _tags(value: Any) -> tuple[str, ...]:
    given = value.strip().removeprefix("[").removesuffix("]").split(",") if isinstance(value, str) else value
    given = [given] if type(given) in (int, float) else given or ()
    convert = _words("words, separated by commas", lines=False)
    if not isinstance(given, (list, tuple)):
        raise ValueError("words, separated by commas")
    return tuple(dict.fromkeys(filter(None, map(convert, given))))


def _day(value: Any) -> str | None:
    if value is None or value == "":
        return None
    try:  # YAML reads an unquoted day as a date
        return value.isoformat() if type(value) is date else date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise ValueError("a day, YYYY-MM-DD") from None


def _switch(value: Any) -> bool:
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(value).lower() not in known:
        raise ValueError("true or false")
    return known[str(value).lower()]


def _dataset(value: Any) -> str:
    if isinstance(value, str) and (value in ("embedded", "hub") or _REPOSITORY.fullmatch(value)):
        return value
    raise ValueError("embedded, hub, or a repository of the hub: OWNER/NAME, OWNER/NAME/CONFIG[/SPLIT]")


def _fim(value: Any) -> str | None:
    if value is None or value == "":
        return None
    fim.template(str(value))
    return str(value)


def _cluster(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and (value == "auto" or re.fullmatch(r"(?:ray://)?[^\s/:]+:\d+", value)):
        return value
    raise ValueError("auto, or the address of a Ray cluster: ray://HOST:PORT")


def _choice(*choices: str) -> Callable[[Any], str]:
    def convert(value: Any) -> str:
        if not isinstance(value, str) or str(value) not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return str(value)

    return convert


_JUDGES = _choice(*(judge.value for judge in Judge))


def _packages(value: Any) -> str | tuple[str, ...]:
    if value in ("installed", "stdlib"):
        return str(value)
    names = value.strip("[]").split(",") if isinstance(value, str) else value
    if isinstance(names, (list, tuple)) and names and all(isinstance(n, str) and n.strip() for n in names):
        return tuple(dict.fromkeys(name.strip() for name in names))
    raise ValueError("installed, stdlib, or names of installed distributions")


def _price(value: Any) -> Price | None:
    if value is None or value == "" or isinstance(value, Price):
        return value or None
    wanted = 'two numbers, money for a million tokens: {"in": 0.15, "out": 0.6}'
    try:
        given = json.loads(value) if isinstance(value, str) else value
        pair = (given["in"], given["out"]) if isinstance(given, Mapping) and len(given) == 2 else given
        price = Price(*map(_number, pair))
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        raise ValueError(wanted) from None
    if not all(math.isfinite(part) and part >= 0 for part in price):
        raise ValueError(wanted)
    return price


def _top_up(value: Any) -> TopUp | None:
    if value is None or value == "" or isinstance(value, TopUp):
        return value or None
    wanted = 'how well and with how many samples at most: {"half_width": 0.01, "most": 200}, perhaps "k": 10'
    try:
        given = dict(json.loads(value) if isinstance(value, str) else value)
        k = given.pop("k", None)
        half_width, most = _number(given.pop("half_width")), _whole(wanted, 1)(given.pop("most"))
        goal = TopUp(half_width, most, None if k is None else _whole(wanted, 1)(k))
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        raise ValueError(wanted) from None
    if given or not 0 < goal.half_width < 0.5 or goal.most > MOST_SAMPLES:
        raise ValueError(wanted)
    return goal


def _beside(value: Any) -> int | None:
    if value is None or value in ("", "auto"):
        return None
    return _whole("a whole number of candidates, or auto", 0)(value)


CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "benchmark": _text("the name of a benchmark, e.g. humaneval"),
    "samples": _whole("a whole number of generations a problem", 1),
    "k": _budgets,
    "judge": lambda value: Judge(_JUDGES(value)),
    "extraction": _choice(*EXTRACTIONS),
    "fim": _fim,
    "dataset": _dataset,
    "data_files": _path("the path of a file or folder"),
    "release": _path("the name of a release, e.g. release_v6"),
    "since": _day,
    "until": _day,
    "timeout_s": _real("a number of seconds"),
    "memory_mib": _whole("a whole number of MiB"),
    "output_mib": _whole("a whole number of MiB"),
    "processes": _whole("a whole number of processes"),
    "workers": _whole("a whole number of workers (0: as many as usable CPUs)", 0),
    "beside": _beside,
    "cluster": _cluster,
    "mixed": _switch,
    "sandbox": _choice(*MODES),
    "packages": _packages,
    "python": _path("the path of a Python interpreter"),
    "shown": _path("the path of a folder"),
    "skip_missing": _switch,
    "skip_untested": _switch,
    "partial": _switch,
    "shots": _path("the path of a file or folder"),
    "top_up": _top_up,
    "seeds": _choice("same", "distinct"),
    "journal": _path("the path of a folder"),
    "verdicts": _path("the path of a folder"),
    "price": _price,
    "label": _words("a name in one line", lines=False),
    "note": _words("a text"),
    "tags": _tags,
}
"""For each setting, what makes its value of what YAML or a command line gives, or says what it must be."""
