"""Tasks and their problems, saved samples, what tests and the sandbox are worth."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from passk_tasks import plugins
from passk_tasks.errors import UsageError
from passk_tasks.judging import libraries
from passk_tasks.results import sample_files
from passk_tasks.results.lines import Paths
from passk_tasks.results.sample_files import SampleFile
from passk_tasks.scoring.saved import load_problems
from passk_tasks.scoring.score import prepare
from passk_tasks.tasks import catalog

# What scoring does not need is imported by the functions that need it, so that scoring starts at once.
if TYPE_CHECKING:
    from passk_tasks.audit.audit import Audit
    from passk_tasks.judging.needs import ListedTask
    from passk_tasks.selfcheck.check import Report


def list_tasks(words: Sequence[str] = ()) -> list[ListedTask]:
    """Return the tasks, sorted by name, each with what this host lacks for it.

    Args:
        words: only tasks that have each of these in their name or description, in any case.

    Raises:
        UsageError: no task has them all.
    """
    from passk_tasks.judging import needs

    specs = (catalog.load_task(name) for name in catalog.task_names())
    wanted = [word.lower() for word in words]
    found = [s for s in specs if all(word in f"{s.name} {s.description}".lower() for word in wanted)]
    if not found:
        raise UsageError(f"no task has {' and '.join(map(repr, words))} in its name or description")
    return [needs.listed(spec) for spec in found]


def outside_benchmarks() -> dict[str, str]:
    """Return the benchmarks of other installed packages: the package by the benchmark's name."""
    return {point.name: plugins.owner(point) for point in plugins.declared(plugins.FAMILIES)}


def code_eval_path() -> Path:
    """Return the file of the `evaluate` module; `evaluate.load(str(path))` replaces code_eval."""
    return Path(__file__).resolve().parents[1] / "code_eval.py"


def read_samples(paths: Paths) -> SampleFile:
    """Return the samples in files of any kind that `passk score` takes.

    Raises:
        SamplesError: a file is missing, broken or of no known kind; the message names file and line.
    """
    return sample_files.read(paths)


def audit_task(
    task: str,
    settings: Mapping[str, Any] | None = None,
    *,
    mutants: int = 20,
    problems: int | None = None,
    seed: int = 0,
    references: bool = False,
    out: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> Audit:
    """Run the tests of a task on programs that are known to be right or wrong, as `passk audit` does.

    Args:
        task: the task's name.
        settings: changes to the task's settings.
        mutants: most mutants of each problem, i.e. references with one small mistake.
        problems: number of problems, from the first; None for all.
        seed: chooses the mutants.
        references: try the reference solutions alone.
        out: file that keeps each outcome as it comes; with the same file a killed audit goes on.
        progress: show a progress bar.

    Raises:
        UsageError: no such task or setting, no problem has a reference solution, or `out` cannot be used.
        DatasetError: the problems cannot be loaded.
        SandboxError: this host cannot give the sandbox asked for.
    """
    from passk_tasks.audit import audit

    spec = catalog.load_task(task, settings)
    dataset = load_problems(spec)
    libraries.require(dataset, spec.settings, f"task {spec.name}")
    dataset = prepare(spec, dataset).dataset
    return audit.audit(
        spec,
        dataset,
        mutants=mutants,
        problems=problems,
        seed=seed,
        references=references,
        out=out,
        progress=progress,
    )


def check_sandbox(
    sandbox: str = "strict", *, workers: int = 0, python: str | None = None, progress: bool = False
) -> Report:
    """Attack the sandbox of this host with hostile programs, as `passk selfcheck` does.

    Args:
        sandbox: `strict`, or the weaker `rlimits`.
        workers: programs at one time; 0 for the number of usable CPUs.
        python: the interpreter that the programs run in, as the setting `python`; None for this one.
        progress: show a progress bar.

    Raises:
        SandboxError, SettingsError: this host cannot give the sandbox asked for, or that interpreter.
    """
    from passk_tasks.selfcheck import check

    return check.check(sandbox=sandbox, workers=workers, python=python, progress=progress)
