"""What a benchmark's own environment has and candidates have not: versions of libraries, and data sets."""

from __future__ import annotations

import sys
from pathlib import Path

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Dataset
from passk_tasks.extraction import newer
from passk_tasks.judging.libraries import distribution, install_hint
from passk_tasks.sandbox import packages
from passk_tasks.sandbox.interpreter import interpreter
from passk_tasks.tasks.settings import Settings


def warnings(dataset: Dataset, settings: Settings) -> tuple[str, ...]:
    """Return what a person must know of both, a sentence or two each."""
    told = (_of_grammar(settings), _of_versions(dataset, settings), _of_data(dataset, settings))
    return tuple(text for text in told if text is not None)


def unpinned(dataset: Dataset, settings: Settings) -> dict[str, tuple[str, str]]:
    """Return where candidates have another version than the benchmark's own environment.

    By import name (or `python`), that of the benchmark and that of the candidates; of libraries that the
    problems use and candidates can import.
    """
    pins = benchmarks.get(settings.benchmark).pins
    if not pins:
        return {}
    there = {"python": interpreter(settings.python).version}
    versions = packages.resolve(settings.packages, settings.python).versions()
    for name in _needed(dataset) & pins.keys():
        if version := versions.get(packages.canonical(distribution(name))):
            there[name] = version
    return {
        name: (pinned, there[name])
        for name, pinned in pins.items()
        if name in there and not _is(pinned, there[name], is_python=name == "python")
    }


def unread(dataset: Dataset, settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return by task_id the files that a problem's tests read and candidates lack; no empty entries."""
    folder = None if settings.shown is None else Path(settings.shown).expanduser()
    lacking = {
        task_id: tuple(file for file in problem.data if folder is None or not (folder / file).exists())
        for task_id, problem in dataset.problems.items()
        if task_id not in dataset.left_out
    }
    return {task_id: files for task_id, files in lacking.items() if files}


def _needed(dataset: Dataset) -> set[str]:
    kept = (p for task_id, p in dataset.problems.items() if task_id not in dataset.left_out)
    return {name for problem in kept for name in problem.libraries}


def _is(pinned: str, present: str, *, is_python: bool) -> bool:
    from packaging.specifiers import SpecifierSet  # the families without pins do not need it

    wanted = SpecifierSet(f"=={pinned}.*" if is_python else f"=={pinned}")
    return wanted.contains(present.partition(".post")[0], prereleases=True) or present == pinned


def _of_grammar(settings: Settings) -> str | None:
    used = interpreter(settings.python)
    known = max(newer.KNOWN, sys.version_info[:2])
    if used.numbers <= known:
        return None
    return (
        f"candidates run in Python {used.version}, and code is found in answers by the grammar of Python "
        f"{known[0]}.{known[1]}: answers in newer syntax may be cut; run this package by the newer Python"
    )


def _of_versions(dataset: Dataset, settings: Settings) -> str | None:
    differing = unpinned(dataset, settings)
    if not differing:
        return None
    benchmark = benchmarks.get(settings.benchmark)
    listed = ", ".join(f"{name} {here} (its own: {pinned})" for name, (pinned, here) in differing.items())
    text = f"candidates have other versions than the benchmark's own environment: {listed}"
    if benchmark.outgrown and differing.keys() - {"python"}:
        known = ", ".join(f"{name} {count}" for name, count in benchmark.outgrown.items())
        text += (
            f"; {sum(benchmark.outgrown.values())} references that pass with its own are known to fail with "
            f"{benchmark.outgrown_with} ({known})"
        )
    return f"{text}. For its own: {install_hint(_needed(dataset) & benchmark.pins.keys(), dataset, settings)}"


def _of_data(dataset: Dataset, settings: Settings) -> str | None:
    lacking = unread(dataset, settings)
    if not lacking:
        return None
    files = sorted({file for of_problem in lacking.values() for file in of_problem})
    return (
        f"{len(lacking)} problems cannot pass here, since their tests read data sets that libraries "
        f"download, and candidates have no network: {', '.join(lacking)}. Put {', '.join(files)} into a "
        "folder, and name it by the setting shown"
    )
