"""What a scoring says as a whole: a typed value, and the JSON of it, which is made and read here alone.

The same object stands in `results.json`, in lm-eval's results under `metadata.passk_results`, and in what
`passk score --json` prints. Older files may lack keys. Keys that this version does not know are kept, in
`more`, and written again; those within `sandbox`, `dataset` and a metric are dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timezone
from typing import Any, TypeVar

from passk_tasks.results import notebook
from passk_tasks.results.findings import Finding
from passk_tasks.results.keys import Keys
from passk_tasks.results.spent import Cost, CutOff
from passk_tasks.statistics.intervals import Estimate
from passk_tasks.statistics.metrics import Score
from passk_tasks.verdict import Machine, Verdict

S = TypeVar("S", bound="Summary")


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
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    unpinned: Mapping[str, str] = field(default_factory=dict, repr=False)
    out_of_reach: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
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
            (name, f"{score.value:.4f}", *map(_shown, (score.over_problems, score.over_samples)))
            for name, score in self.metrics.items()
        ]
        counts = ", ".join(f"{count:,} {name}" for name, count in self.verdicts.items())
        said = [f"{title}, {size}", self.note or "", counts, *(f"warning: {text}" for text in self.warnings)]
        return notebook.table(("", "value", "over problems", "over samples"), rows, *filter(None, said))

    def _line(self, *more: str) -> str:
        scores = [f"{name} {value:.4f}" for name, value in self.scores.items()]
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
        always = {
            "task": self.task,
            "task_version": self.task_version,
            "problems": self.problems,
            "problems_total": self.problems_total,
            "coverage": self.coverage,
            "samples": self.samples,
            "n": self.n,
            "k": list(self.k),
            "k_skipped": list(self.k_skipped),
            "metrics": {name: score.as_dict() for name, score in self.metrics.items()},
            "verdicts": dict(self.verdicts),
            "distinct": self.distinct,
            "judge": self.judge,
            "judges": dict(self.judges),
            "sandbox": {"mode": self.sandbox, "layers": dict(self.layers)},
            "limits": dict(self.limits),
            "dataset": {"source": self.dataset_source, "sha256": self.dataset_sha256},
            "settings": dict(self.settings),
            "warnings": list(self.warnings),
            "generation_kwargs": None if self.generation_kwargs is None else dict(self.generation_kwargs),
        }
        where_known = {
            "findings": [found.as_dict() for found in self.findings] or None,
            "unpinned": dict(self.unpinned) or None,
            "out_of_reach": {task_id: list(files) for task_id, files in self.out_of_reach.items()} or None,
            "left_out": {task_id: list(lacks) for task_id, lacks in self.left_out.items()} or None,
            "untested": list(self.untested) or None,
            "clusters": self.clusters,
            "one_process": dict(self.one_process) or None,
            "flags": dict(self.flags) or None,
            "no_code": dict(self.no_code) or None,
            "cut_off": None if self.cut_off is None else self.cut_off.as_dict(),
            "cost": None if self.cost is None else self.cost.as_dict(),
            "top_up": None if self.top_up is None else dict(self.top_up),
            "extract": self.extract,
            "inputs": list(self.inputs) or None,
            "asked": None if self.asked is None else dict(self.asked),
            "sent": None if self.sent is None else dict(self.sent),
            "journals": list(self.journals) or None,
            "ranks": self.ranks,
            "environments": list(self.environments) or None,
            "from_store": self.from_store,
            "passk_tasks": self.passk_tasks,
            "date": None if self.date is None else self.date.isoformat(),
            "python": self.python,
            "platform": self.platform,
            "shown": self.shown,
            "packages": None if self.packages is None else dict(self.packages),
            "toolchains": dict(self.toolchains) or None,
            "machines": [of_machine(machine) for machine in self.machines] or None,
        }
        known = {key: value for key, value in where_known.items() if value is not None}
        return {**always, **known, **self.more}

    @classmethod
    def from_dict(cls, stored: object) -> Summary:
        """Return what a stored object says.

        Raises:
            ValueError: a key is missing that every version writes, or a value is of another type.
        """
        keys = Keys(stored)
        summary = _with_judges(_with_questions(_result(keys), keys), keys)
        return replace(summary, more=keys.without(summary.as_dict()))


def _result(keys: Keys) -> Summary:
    """Return what a stored object says of numbers and of problems: all that came out."""
    metrics, left_out = keys.inner("metrics"), keys.inner("left_out")
    unpinned, unread = keys.inner("unpinned"), keys.inner("out_of_reach")
    problems = keys.must(keys.whole, "problems")
    return Summary(
        task=keys.must(keys.text, "task"),
        task_version=keys.text("task_version"),
        problems=problems,
        problems_total=keys.whole("problems_total") or round(problems / (keys.number("coverage") or 1)),
        samples=keys.must(keys.whole, "samples"),
        n=keys.whole("n"),
        k=keys.wholes("k"),
        k_skipped=keys.wholes("k_skipped"),
        metrics={name: _score(name, metrics.inner(name)) for name in metrics},
        verdicts=keys.counts("verdicts"),
        distinct=keys.number("distinct"),
        judges=keys.counts("judges"),
        warnings=keys.texts("warnings"),
        findings=tuple(map(Finding.from_dict, keys.objects("findings"))),
        unpinned={name: str(unpinned.values[name]) for name in unpinned},
        out_of_reach={task_id: unread.texts(task_id) for task_id in unread},
        left_out={task_id: left_out.texts(task_id) for task_id in left_out},
        untested=keys.texts("untested"),
        clusters=keys.whole("clusters"),
        one_process=keys.counts("one_process"),
        flags=keys.counts("flags"),
        no_code=keys.counts("no_code"),
        cut_off=CutOff.from_dict(keys.inner("cut_off")) if "cut_off" in keys else None,
        cost=Cost.from_dict(keys.inner("cost")) if "cost" in keys else None,
        from_store=keys.whole("from_store"),
    )


def _with_questions(summary: Summary, keys: Keys) -> Summary:
    """Return a summary with what a stored object says of the task, of what was asked, and of the answers."""
    dataset, settings = keys.inner("dataset"), keys.inner("settings")
    arguments = keys.inner("generation_kwargs")
    settings.text("label"), settings.text("note"), settings.texts("tags")  # refused here or never
    return replace(
        summary,
        dataset_source=dataset.text("source"),
        dataset_sha256=dataset.text("sha256"),
        settings=settings.values,
        top_up=keys.inner("top_up").values if "top_up" in keys else None,
        extract=keys.text("extract"),
        inputs=keys.texts("inputs"),
        generation_kwargs=arguments.values if "generation_kwargs" in keys else None,
        asked=keys.inner("asked").values if "asked" in keys else None,
        sent=keys.inner("sent").values if "sent" in keys else None,
        journals=keys.texts("journals"),
    )


def _with_judges(summary: Summary, keys: Keys) -> Summary:
    """Return a summary with what a stored object says of who judged, when, and under which conditions."""
    sandbox, limits = keys.inner("sandbox"), keys.inner("limits")
    packages, toolchains = keys.inner("packages"), keys.inner("toolchains")
    layers, date = sandbox.inner("layers"), keys.text("date")
    return replace(
        summary,
        judge=keys.text("judge"),
        sandbox=sandbox.text("mode"),
        layers={name: bool(layers.values[name]) for name in layers},
        limits={name: limits.must(limits.number, name) for name in limits},
        ranks=keys.whole("ranks"),
        environments=keys.texts("environments"),
        passk_tasks=keys.text("passk_tasks"),
        date=None if date is None else _in_utc(datetime.fromisoformat(date)),
        python=keys.text("python"),
        platform=keys.text("platform"),
        shown=keys.text("shown"),
        packages={name: str(packages.values[name]) for name in packages} if "packages" in keys else None,
        toolchains={name: str(toolchains.values[name]) for name in toolchains},
        machines=tuple(map(machine_of, keys.inners("machines"))),
    )


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


def _in_utc(date: datetime) -> datetime:
    return date if date.tzinfo is not None else date.replace(tzinfo=timezone.utc)
