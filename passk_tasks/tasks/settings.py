"""A task's own settings, which stand under `metadata.passk`: from YAML or from a command line.

Every value passes through one converter, whether it is a YAML value, the text of `--set key=value`, or an
argument of `Settings(...)`. So no `Settings` has an impossible value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from passk_tasks.errors import SettingsError, did_you_mean
from passk_tasks.program import Confinement, Judge, Limits
from passk_tasks.tasks.values import CONVERTERS, Price, TopUp

NAMESPACE = "passk"  # the key below `metadata`, and the prefix of its flat keys

OF_PEOPLE = ("label", "note", "tags")
"""The settings that say what people call a run; they move nothing."""

# Left out of what is stored where nobody set them, so that earlier versions read the journal.
_OFTEN_NONE = ("partial", "top_up", "verdicts", "price", "beside", "cluster", "mixed", *OF_PEOPLE)


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
            `snippet`, `snippet_exact`, `snippet_indented`, `verbatim`, or CRUXEval's `assertion_output` and
            `assertion_input`.
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
        memory_mib: memory that each process of a candidate may use, in MiB.
        output_mib: how much a candidate may write, in MiB.
        processes: how many processes and threads a candidate may have at one time.
        workers: how many candidates are judged at one time; 0 means as many as there are usable CPUs.
        beside: how many candidates are judged at one time while the model generates; 0 for none, None for all
            CPUs but one where the model runs on a server or an accelerator, and none on the CPU.
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
        partial: whether to try every case of a program that reads input, for the share of cases that hold and
            max@k; verdicts stay as they are.
        shots: a file or folder with the worked examples that stand above each problem; None for those in the
            task's YAML.
        seeds: `same`, or `distinct` for a different `seed` in each of the n requests.
        journal: folder for the journal of the generations; None lets the run choose.
        top_up: more samples, where they buy most, until half of pass@k's 95 % interval over samples is at
            most `half_width`, or each problem has `most`: `{"half_width": 0.01, "most": 200}`; `samples` are
            the fewest then. k is the largest of the budgets, unless `"k": 1` stands there too.
        verdicts: folder of a store of verdicts that runs share; None for none.
        price: what a million tokens of prompts and of answers cost, `{"in": 0.15, "out": 0.6}`; None where
            nobody says.
        label: what people call the run; None where they do not.
        note: what they have to say of it.
        tags: words that it is found by.
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
    beside: int | None = None
    cluster: str | None = None
    mixed: bool = False
    sandbox: str = "strict"
    packages: str | tuple[str, ...] = "installed"
    python: str | None = None
    shown: str | None = None
    skip_missing: bool = False
    skip_untested: bool = False
    partial: bool = False
    shots: str | None = None
    seeds: str = "same"
    journal: str | None = None
    top_up: TopUp | None = None
    verdicts: str | None = None
    price: Price | None = None
    label: str | None = None
    note: str | None = None
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, convert in CONVERTERS.items():
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
        said = {name: values.pop(name) for name in _OFTEN_NONE}
        said |= {name: value.as_dict() for name, value in said.items() if isinstance(value, (TopUp, Price))}
        said |= {"tags": list(self.tags)}
        return {
            **values,
            "k": list(self.k),
            "judge": self.judge.value,
            "packages": packages,
            **{name: value for name, value in said.items() if value or type(value) is int},
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
