"""What a scoring says as a whole: a typed value, and the JSON of it, which is made and read here alone.

The same object stands in `results.json`, in lm-eval's results under `metadata.passk_results`, and in what
`passk score --json` prints. Older files may lack keys. Keys that this version does not know are kept, in
`more`, and written again; those within `sandbox`, `dataset` and a metric are dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import datetime, timezone
from typing import Any, TypeVar

from passk_tasks.results import notebook
from passk_tasks.results.findings import Finding
from passk_tasks.results.keys import Keys
from passk_tasks.results.spent import Cost, CutOff
from passk_tasks.statistics.intervals import Estimate
from passk_tasks.statistics.metrics import Score
from passk_tasks.statistics.rounding import decimal
from passk_tasks.verdict import Machine, Verdict

S = TypeVar("S", bound="Summary")

# The keys of the JSON that are always there, in their order; all others follow where they say something.
_ALWAYS = (
    *("task", "task_version", "problems", "problems_total", "coverage", "samples", "n", "k", "k_skipped"),
    *("metrics", "verdicts", "distinct", "judge", "judges", "sandbox", "limits", "dataset", "settings"),
    *("warnings", "generation_kwargs"),
)
_ELSEWHERE = {*_ALWAYS, "layers", "dataset_source", "dataset_sha256", "more"}


@dataclass(frozen=True, kw_only=True, repr=False)
class Summary:
    """What a scoring says as a whole; None, where an attribute may be None, is "not recorded".

    Attributes:
        task: name of the task.
        task_version: its `metadata.version`.
        problems: how many have samples.
        problems_total: how many the task has.
        samples: over all problems.
        n: samples a problem; None where it differs between problems.
        k: budgets that were asked for and have enough samples.
        k_skipped: budgets that some problem has too few samples for.
        metrics: by name, each with both of its uncertainties, `pass@1` first.
        verdicts: how many samples ended with each verdict, those that occur.
        distinct: mean over the problems with n > 1 of distinct texts / n; None where there is none.
        judge: who was asked to judge.
        judges: how many of the problems were decided by each judge.
        sandbox: its mode.
        layers: of the sandbox that was used, and whether each was active; empty where nothing ran.
        limits: what a candidate could use, as `Limits.as_dict` names it.
        dataset_source: where the problems came from, for people.
        dataset_sha256: hash of the problems.
        settings: of the task, as `Settings.parse` takes them.
        warnings: what a person must know to read the numbers rightly.
        findings: what the run as a whole suffers from; `warnings` has their words too.
        left_out: problems that were left out, and the libraries that they lack.
        unpinned: where candidates had other versions than the benchmark's own environment: its version, by
            import name and of `python`; theirs are in `packages` and `python`.
        out_of_reach: problems that no answer could pass, and the data that their tests read and candidates
            lacked.
        untested: problems that were left out, since their tests pass whatever a candidate returns.
        clusters: how many sources the problems come from; None where each stands for itself.
        one_process: why problems were judged in one process that need not be asked for: reason -> problems.
        flags: how many samples the judge flagged with each.
        no_code: how many samples without code ended in each way (`empty`, `no_code_found`, …).
        cut_off: how many answers never came to their end.
        cost: what the run cost.
        top_up: how topping up ended: `k`, the `half_width` that was `wanted` and the one that was reached,
            the number of `rounds`, `scouts` of each problem and what they took; None without it.
        extract: how code was to be found; None for the task's own way.
        inputs: files with the samples.
        generation_kwargs: how the samples were to be drawn, as lm-eval names it.
        asked: who was asked, and with which texts: model, prompt (the template), fewshot, system_instruction,
            chat_template; None where the samples do not say.
        sent: what of it went out with the requests, which backends may change; None where it is not known.
        journals: files with the generations, one a rank.
        ranks: processes that scored.
        environments: names of what the verdicts depend on besides their programs, see `judging.environment`.
        from_store: how many samples have their verdict from a store; None where none was named.
        passk_tasks: version of this package.
        date: when the scoring ended.
        python: version of the interpreter that judged.
        platform: what it ran on.
        shown: sha256 of the data that candidates were shown; None for none.
        packages: versions of the packages that candidates could import, by name.
        toolchains: versions of the tools that built and ran candidates in other languages, by name.
        machines: the nodes of the cluster, or the several machines, that judged; empty where it was one.
        more: keys of a stored object that this version does not know.
    """

    task: str
    problems: int
    problems_total: int
    samples: int
    metrics: Mapping[str, Score]
    verdicts: Mapping[str, int]
    task_version: str | None = None
    n: int | None = None
    k: tuple[int, ...] = ()
    k_skipped: tuple[int, ...] = ()
    distinct: float | None = None
    judge: str | None = None
    judges: Mapping[str, int] = field(default_factory=dict)
    sandbox: str | None = None
    layers: Mapping[str, bool] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    dataset_source: str | None = None
    dataset_sha256: str | None = None
    settings: Mapping[str, object] = field(default_factory=dict, repr=False)
    warnings: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    unpinned: Mapping[str, str] = field(default_factory=dict, repr=False)
    out_of_reach: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    untested: tuple[str, ...] = ()
    clusters: int | None = None
    one_process: Mapping[str, int] = field(default_factory=dict)
    flags: Mapping[str, int] = field(default_factory=dict)
    no_code: Mapping[str, int] = field(default_factory=dict)
    cut_off: CutOff | None = None
    cost: Cost | None = None
    top_up: Mapping[str, object] | None = None
    extract: str | None = None
    inputs: tuple[str, ...] = ()
    generation_kwargs: Mapping[str, object] | None = None
    asked: Mapping[str, object] | None = field(default=None, repr=False)
    sent: Mapping[str, object] | None = None
    journals: tuple[str, ...] = ()
    ranks: int | None = None
    environments: tuple[str, ...] = ()
    from_store: int | None = None
    passk_tasks: str | None = None
    date: datetime | None = None
    python: str | None = None
    platform: str | None = None
    shown: str | None = None
    packages: Mapping[str, str] | None = field(default=None, repr=False)
    toolchains: Mapping[str, str] = field(default_factory=dict, repr=False)
    machines: tuple[Machine, ...] = ()
    more: Mapping[str, object] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        """Return one line: a run has megabytes."""
        return self._line()

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        title = f"{self.label}: {self.task}" if self.label else self.task
        size = f"{self.problems:,} of {self.problems_total:,} problems, {self.samples:,} samples"
        rows = [
            (name, decimal(score.value), *map(_shown, (score.over_problems, score.over_samples)))
            for name, score in self.metrics.items()
        ]
        counts = ", ".join(f"{count:,} {name}" for name, count in self.verdicts.items())
        said = [f"{title}, {size}", self.note or "", counts, *(f"warning: {text}" for text in self.warnings)]
        return notebook.table(("", "value", "over problems", "over samples"), rows, *filter(None, said))

    def _line(self, *more: str) -> str:
        scores = [f"{name} {decimal(value)}" for name, value in self.scores.items()]
        named = [] if self.label is None else [repr(self.label)]
        size = [f"{self.problems} of {self.problems_total} problems", f"{self.samples} samples"]
        return f"<{type(self).__name__} {', '.join([*named, self.task, *size, *scores, *more])}>"

    @property
    def label(self) -> str | None:
        """What people call the run; None where they do not."""
        return Keys(self.settings).text("label")

    @property
    def note(self) -> str | None:
        """What people have to say of the run."""
        return Keys(self.settings).text("note")

    @property
    def tags(self) -> tuple[str, ...]:
        """Words that the run is found by."""
        return Keys(self.settings).texts("tags")

    @property
    def coverage(self) -> float:
        """Share of the task's problems that have samples; those left out count as having none."""
        return self.problems / self.problems_total if self.problems_total else 1.0

    @property
    def scores(self) -> dict[str, float]:
        """Each metric's value."""
        return {name: score.value for name, score in self.metrics.items()}

    @property
    def other_warnings(self) -> tuple[str, ...]:
        """Warnings without those that `findings` has."""
        found = set(map(str, self.findings))
        return tuple(warning for warning in self.warnings if warning not in found)

    @property
    def infra_errors(self) -> int:
        """Samples that remained without a verdict."""
        return self.verdicts.get(Verdict.INFRA_ERROR.value, 0)

    def as_dict(self) -> dict[str, object]:
        """Return the object of `passk score --json`, JSON-ready; `from_dict` takes it back."""
        said = {item.name: item for item in fields(Summary)}
        values = {name: _ready(getattr(self, name)) for name in said}
        values["coverage"] = self.coverage
        values["sandbox"] = {"mode": self.sandbox, "layers": dict(self.layers)}
        values["dataset"] = {"source": self.dataset_source, "sha256": self.dataset_sha256}
        always = {name: values[name] for name in _ALWAYS}
        known = {
            name: values[name]
            for name in said
            if name not in _ELSEWHERE
            and values[name] != ({} if said[name].default is MISSING else _ready(said[name].default))
        }
        return {**always, **known, **self.more}

    @classmethod
    def from_dict(cls, stored: object) -> Summary:
        """Return what a stored object says.

        Raises:
            ValueError: a key is missing that every version writes, or a value is of another type.
        """
        keys = Keys(stored)
        plain = {name: read(keys, name) for read, names in _PLAIN.items() for name in names}
        metrics, sandbox, dataset = (keys.inner(name) for name in ("metrics", "sandbox", "dataset"))
        layers, settings, date = sandbox.inner("layers"), keys.inner("settings"), keys.text("date")
        settings.text("label"), settings.text("note"), settings.texts("tags")  # refused here or never
        limits, problems = keys.inner("limits"), keys.must(keys.whole, "problems")
        summary = Summary(
            **plain,
            task=keys.must(keys.text, "task"),
            problems=problems,
            problems_total=keys.whole("problems_total") or round(problems / (keys.number("coverage") or 1)),
            samples=keys.must(keys.whole, "samples"),
            metrics={name: _score(name, metrics.inner(name)) for name in metrics},
            sandbox=sandbox.text("mode"),
            layers={name: bool(layers.values[name]) for name in layers},
            limits={name: limits.must(limits.number, name) for name in limits},
            dataset_source=dataset.text("source"),
            dataset_sha256=dataset.text("sha256"),
            settings=settings.values,
            findings=tuple(map(Finding.from_dict, keys.objects("findings"))),
            cut_off=CutOff.from_dict(keys.inner("cut_off")) if "cut_off" in keys else None,
            cost=Cost.from_dict(keys.inner("cost")) if "cost" in keys else None,
            date=None if date is None else _in_utc(date),
            packages=_texts_by_name(keys, "packages") if "packages" in keys else None,
            machines=tuple(map(machine_of, keys.inners("machines"))),
        )
        return replace(summary, more=keys.without(summary.as_dict()))


def _values(keys: Keys, name: str) -> Mapping[str, object] | None:
    return keys.inner(name).values if name in keys else None


def _texts_by_name(keys: Keys, name: str) -> dict[str, str]:
    return {key: str(value) for key, value in keys.inner(name).values.items()}


def _lists_by_name(keys: Keys, name: str) -> dict[str, tuple[str, ...]]:
    inner = keys.inner(name)
    return {key: inner.texts(key) for key in inner}


_PLAIN: Mapping[Callable[[Keys, str], Any], Sequence[str]] = {
    Keys.text: ("task_version", "judge", "extract", "passk_tasks", "python", "platform", "shown"),
    Keys.whole: ("n", "clusters", "ranks", "from_store"),
    Keys.wholes: ("k", "k_skipped"),
    Keys.number: ("distinct",),
    Keys.counts: ("verdicts", "judges", "one_process", "flags", "no_code"),
    Keys.texts: ("warnings", "untested", "inputs", "journals", "environments"),
    _values: ("generation_kwargs", "asked", "sent", "top_up"),
    _texts_by_name: ("unpinned", "toolchains"),
    _lists_by_name: ("out_of_reach", "left_out"),
}
"""How attributes are read that have the name and the form of their key."""


def extended(kind: type[S], summary: Summary, **more: Any) -> S:
    """Return a summary as another kind of summary; `more` has the attributes that only that kind has."""
    shared = [item.name for item in fields(kind) if hasattr(summary, item.name)]
    return kind(**{name: getattr(summary, name) for name in shared} | more)


def _score(name: str, keys: Keys) -> Score:
    value = keys.must(keys.number, "value")
    over_problems, over_samples = (
        _estimate(value, keys.inner(key)) for key in ("over_problems", "over_samples")
    )
    return Score(name, over_problems, over_samples)


def _ready(value: Any) -> Any:
    """Return an attribute as JSON has it."""
    if isinstance(value, Mapping):
        return {key: _ready(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return list(map(_ready, value))
    if isinstance(value, Machine):
        return of_machine(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value.as_dict() if hasattr(value, "as_dict") else value


def of_machine(machine: Machine) -> dict[str, object]:
    """Return a machine as results have it."""
    differs = {name: list(values) for name, values in machine.differs.items()}
    known = {"name": machine.name, "cpus": machine.cpus, "programs": machine.programs}
    return {**known, **({"differs": differs} if differs else {})}


def machine_of(keys: Keys) -> Machine:
    """Return the machine that results have; `ValueError` where a key is missing."""
    differs = keys.inner("differs")
    pairs = {name: value for name, value in differs.values.items() if isinstance(value, list)}
    return Machine(
        name=keys.must(keys.text, "name"),
        cpus=keys.must(keys.whole, "cpus"),
        programs=keys.must(keys.whole, "programs"),
        differs={name: (pair[0], pair[1]) for name, pair in pairs.items()},
    )


def _estimate(value: float, keys: Keys) -> Estimate:
    ends = tuple(map(float, keys.texts("ci95")))
    return Estimate(value, keys.number("se"), (ends[0], ends[1]) if ends else None, keys.text("method") or "")


def _shown(estimate: Estimate) -> str:
    return "-" if estimate.ci95 is None else f"{estimate.ci95[0]:.4f} … {estimate.ci95[1]:.4f}"


def _in_utc(written: str) -> datetime:
    date = datetime.fromisoformat(written.removesuffix("Z"))  # Python 3.10 knows no Z
    return date if date.tzinfo is not None else date.replace(tzinfo=timezone.utc)
