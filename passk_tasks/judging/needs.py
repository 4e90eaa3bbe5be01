"""The tasks, each with what it asks a model for, and what this host lacks for it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Benchmark
from passk_tasks.judging import libraries
from passk_tasks.sandbox import toolchains
from passk_tasks.tasks import catalog
from passk_tasks.tasks.catalog import TaskSpec
from passk_tasks.tasks.settings import Settings


@dataclass(frozen=True, slots=True)
class ListedTask:
    """A task as `passk tasks` lists it.

    Attributes:
        name: the name that `--tasks` takes.
        variant: its language where others differ from it in that alone, else empty.
        version: version of the task's definition; it changes when scores may change.
        description: one line for people.
        n: samples of each problem.
        k: the budgets of pass@k.
        temperature: the temperature that the task samples at; 0 is greedy.
        judge: how its programs are judged: `isolated`, `script`, `stdio` or `command`.
        dataset: the file of the problems, or the benchmark and how its problems are loaded.
        source: where the problems come from, in a few words.
        missing: what this host lacks for a run, a few words each; empty if the task can be run now.
        missing_libraries: the modules that problems import and this host lacks.
        extraction: how a candidate is found in a model's text.
        generation_kwargs: as in the task's YAML.
    """

    name: str
    variant: str
    version: str
    description: str
    n: int
    k: tuple[int, ...]
    temperature: float
    judge: str
    dataset: str
    source: str
    missing: tuple[str, ...]
    missing_libraries: tuple[str, ...]
    extraction: str
    generation_kwargs: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return what `passk tasks --json` prints of it."""
        return asdict(self)


def listed(spec: TaskSpec) -> ListedTask:
    """Return a task with what this host lacks for it."""
    settings = spec.settings
    benchmark = benchmarks.get(settings.benchmark)
    absent = libraries.absent(benchmark.libraries, settings.packages, settings.python)
    lacking = toolchains.hint(benchmark.toolchains)
    number = [f"{len(absent)} {'library' if len(absent) == 1 else 'libraries'}"] if absent else []
    return ListedTask(
        name=spec.name,
        variant=benchmark.variant,
        version=spec.version,
        description=spec.description,
        n=settings.samples,
        k=settings.k,
        temperature=catalog.temperature(spec.generation_kwargs) or 0.0,
        judge=settings.judge.value,
        dataset=settings.data_files or f"{settings.benchmark} ({settings.dataset})",
        source=_origin(settings, benchmark),
        missing=(*benchmark.missing(settings), *number, *([lacking] if lacking else [])),
        missing_libraries=absent,
        extraction=settings.extraction,
        generation_kwargs=spec.generation_kwargs,
    )


def _origin(settings: Settings, benchmark: Benchmark) -> str:
    """Return in a few words where the problems come from."""
    if settings.data_files is not None:
        return settings.data_files
    if settings.dataset == "embedded":
        package = type(benchmark).__module__.partition(".")[0]
        return f"{benchmark.name}, installed with {package.replace('passk_tasks', 'this package')}"
    if settings.dataset != "hub":
        return f"hub: {settings.dataset}"
    if not benchmark.hub_path:
        return "problems of your own"
    return f"hub: {benchmark.hub_path}" + (f", {benchmark.hub_name}" if benchmark.hub_name else "")
