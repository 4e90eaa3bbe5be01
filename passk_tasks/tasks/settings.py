"""A task's own settings, which stand under `metadata.passk`: from YAML or from a command line.

Every value passes through one converter, whether it is a YAML value, the text of `--set key=value`, or an
argument of `Settings(...)`. So no `Settings` has an impossible value.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, NamedTuple

from passk_tasks.errors import SettingsError, did_you_mean
from passk_tasks.program import MODES, Confinement, Judge, Limits
from passk_tasks.tasks import fim

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+(?:/[\w.+-]+){0,2}")
NAMESPACE = "passk"  # the key below `metadata`, and the prefix of its flat keys
EXTRACTIONS = (
    "completion",
    "answer",
    "snippet",
    "verbatim",
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


@dataclass(frozen=True)
class Settings:
    """The settings of one task.

    Attributes:
        benchmark: family of the problems, a name that `passk_tasks.benchmarks.get` knows.
        samples: n, the number of generations for each problem; it sets lm-eval's `repeats`.
        k: the budgets of pass@k, ascending and without repetition.
        judge: where tests of functions run, `isolated` or `script`. Families of programs say `stdio` for
            `isolated`.
        extraction: how code is extracted from a model's text: `completion`, `sanitized`, `answer`,
            `snippet`, `snippet_indented`, `verbatim`, or CRUXEval's `assertion_output` and `assertion_input`.
        fim: how a model is asked to fill a gap: a family that `passk_tasks.tasks.fim` knows, or a text with
            `{prefix}` and `{suffix}`.
        dataset: where the problems come from: `embedded`, `hub`, or another repository of the hub in the same
            columns: `OWNER/NAME`, `OWNER/NAME/CONFIG` or `OWNER/NAME/CONFIG/SPLIT`.
        data_files: a local file, or a folder in the hub's layout; wins over `dataset`.
        release: the release of a benchmark that grows; None for the newest.
        since: only problems of this day (YYYY-MM-DD) and later.
        until: only problems of this day and earlier.
        timeout_s: seconds that a candidate may run; for each case, where programs read input, and for each
            call, where the benchmark times those.
        memory_mib: address space of each process of a candidate, in MiB.
        output_mib: how much a candidate may write, in MiB.
        processes: how many processes and threads a candidate may have at one time.
        workers: how many candidates are judged at one time; 0 means as many as there are usable CPUs.
        cluster: judge on a Ray cluster: `auto` for the one that this machine is part of, or `ray://HOST:PORT`;
            None for this machine.
        mixed: whether nodes of the cluster may judge whose environment is not this machine's.
        sandbox: `strict`, or the weaker `rlimits`.
        packages: installed packages that candidates can import: `installed` (all), `stdlib` (none), or names
            of distributions, which include their requirements.
        python: the interpreter that candidates and tests run in, with its packages: its file, a name on PATH,
            or the folder of a virtual environment. None for the one that runs this package.
        shown: a folder of data that candidates can read, laid out like a home folder (`seaborn-data`,
            `scikit_learn_data`, `nltk_data`).
        skip_missing: whether to leave out problems whose libraries candidates cannot import; if not, such a
            problem is an error before generation.
        skip_untested: whether to leave out problems whose tests pass whatever a candidate returns; if not,
            such a problem is an error before generation.
        shots: a file or folder with the worked examples that stand above each problem; None for those in the
            task's YAML.
        seeds: `same`, or `distinct` for a different `seed` in each of the n requests.
        journal: folder for the journal of the generations; None lets the run choose.
        price: what a million tokens of prompts and of answers cost, `{"in": 0.15, "out": 0.6}`; None where
            nobody says.
    """

    benchmark: str = "humaneval"
    samples: int = 1
    k: tuple[int, ...] = (1,)
    judge: Judge = Judge.ISOLATED
    extraction: str = "completion"
    fim: str | None = None
    dataset: str = "embedded"
    data_files: str | None = None
    release: str | None = None
    since: str | None = None
    until: str | None = None
    timeout_s: float = 3.0
    memory_mib: int = 512
    output_mib: int = 16
    processes: int = 64
    workers: int = 0
    cluster: str | None = None
    mixed: bool = False
    sandbox: str = "strict"
    packages: str | tuple[str, ...] = "installed"
    python: str | None = None
    shown: str | None = None
    skip_missing: bool = False
    skip_untested: bool = False
    shots: str | None = None
    seeds: str = "same"
    journal: str | None = None
    price: Price | None = None

    def __post_init__(self) -> None:
        for name, convert in _CONVERTERS.items():
            value = getattr(self, name)
            try:
                object.__setattr__(self, name, convert(value))
            except ValueError as error:
                raise SettingsError(f"{name} must be {error}, not {value!r}") from None
        self.limits()  # `Limits` checks the ranges

    @classmethod
    def parse(cls, mapping: Mapping[str, Any], *, where: str, base: Settings | None = None) -> Settings:
        """Return `base` (the defaults where None) with the values of `mapping`.

        Args:
            mapping: values by name, as YAML or a command line gives them: `k` may be 10, [1, 10] or "1,10",
                and numbers may be text.
            where: what the settings belong to, e.g. `task passk_humaneval`; every message begins with it.
            base: settings that `mapping` overrides.

        Raises:
            SettingsError: a name is no setting, or its value cannot be.
        """
        known = [field.name for field in fields(cls)]
        for name in mapping:
            if name not in known:
                raise SettingsError(f"{where}: there is no setting {name!r}{did_you_mean(str(name), known)}")
        try:
            return replace(base or cls(), **mapping)
        except SettingsError as error:
            raise SettingsError(f"{where}: {error}") from None

    @property
    def budgets(self) -> tuple[int, ...]:
        """The budgets that are reported: `k`, and 1, since a good pass@k must not hide a poor pass@1."""
        return tuple(sorted({1, *self.k}))

    def check_k(self, where: str = "") -> None:
        """Raise `SettingsError` unless pass@k can be estimated from n samples for every k.

        `parse` does not check it, since scoring saved samples may lower k to the samples that there are.
        """
        too_large = [k for k in self.k if k > self.samples]
        if too_large:
            budgets = ", ".join(str(k) for k in too_large)
            raise SettingsError(
                f"{where}{': ' if where else ''}pass@k needs k ≤ n, but k is {budgets} and n (samples) is "
                f"{self.samples}: raise {NAMESPACE}.samples to {max(too_large)} or lower {NAMESPACE}.k"
            )

    def limits(self) -> Limits:
        """Return the limits of one candidate."""
        return Limits(
            timeout_s=self.timeout_s,
            memory_mib=self.memory_mib,
            output_mib=self.output_mib,
            processes=self.processes,
        )

    @property
    def confinement(self) -> Confinement:
        """What candidates are kept in, if their family asks for nothing besides (`Benchmark.confinement`)."""
        shown = () if self.shown is None else (self.shown,)
        return Confinement(self.limits(), self.sandbox, self.packages, self.python, shown)

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-ready values; `parse` takes them back."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        packages = self.packages if isinstance(self.packages, str) else list(self.packages)
        # Left out where there is none, so that earlier versions read the journal.
        price = {} if self.price is None else {"price": self.price.as_dict()}
        for name in ("price", *(("cluster", "mixed") if self.cluster is None else ())):
            del values[name]
        return {
            **values,
            "k": list(self.k),
            "judge": self.judge.value,
            "packages": packages,
            **price,
        }


def from_metadata(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the settings in a task's metadata, unchecked.

    `--metadata passk.k=[1,10]` arrives as a flat key of that name, beside the `passk` mapping of the YAML;
    flat keys win. All other keys are ignored (lm-eval adds the model's arguments to the metadata).

    Raises:
        SettingsError: `passk` is not a mapping.
    """
    metadata = metadata or {}
    nested = metadata.get(NAMESPACE)
    if nested is None:
        nested = {}
    if not isinstance(nested, Mapping):
        raise SettingsError(
            f"metadata.{NAMESPACE} must be a mapping of settings, not {nested!r}; "
            f"on the command line write --metadata {NAMESPACE}.samples=20 {NAMESPACE}.k=[1,10]"
        )
    prefix = NAMESPACE + "."
    flat = {key[len(prefix) :]: value for key, value in metadata.items() if str(key).startswith(prefix)}
    return {**nested, **flat}


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


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
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
    "cluster": _cluster,
    "mixed": _switch,
    "sandbox": _choice(*MODES),
    "packages": _packages,
    "python": _path("the path of a Python interpreter"),
    "shown": _path("the path of a folder"),
    "skip_missing": _switch,
    "skip_untested": _switch,
    "shots": _path("the path of a file or folder"),
    "seeds": _choice("same", "distinct"),
    "journal": _path("the path of a folder"),
    "price": _price,
}
