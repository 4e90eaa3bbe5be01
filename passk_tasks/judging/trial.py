"""Judges the reference solutions of the user's own problems, to choose how each problem is judged.

The syntax tree of tests says what they need (`benchmarks.plainness`), except for what a right program
returns. A reference solution shows that: if it passes only in one process with the tests, the problem is
judged in one process. Likewise it says of most tests that no candidate can fail that they are such
(`benchmarks.asserting`); functions that do nothing show the rest. Verdicts are cached by hash, so that each
program is tried once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from passk_tasks import benchmarks
from passk_tasks._version import __version__
from passk_tasks.benchmarks import Dataset
from passk_tasks.errors import DatasetError
from passk_tasks.judging import batch
from passk_tasks.judging.executor import Executor, executor_for
from passk_tasks.program import CommandTests, Judge, Program, Tests
from passk_tasks.sandbox import toolchains
from passk_tasks.sandbox.interpreter import interpreter
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Outcome, Verdict

FAILS_ITSELF = "does not pass its own tests"
ONE_PROCESS_ONLY = "the reference passes in one process only"

# Verdicts that are not cached: another run may end differently, by load or by what the host lacks.
_UNSURE = frozenset({Verdict.INFRA_ERROR, Verdict.TIMEOUT, Verdict.MEMORY_LIMIT})
_NAMED = 5  # most problems that one warning names
# What a function returns that does nothing: where both pass, no result is looked at.
_IDLE = ("object()", "None")


@dataclass(frozen=True)
class Tried:
    """The result of trying the references."""

    dataset: Dataset
    warnings: tuple[str, ...] = ()


def references(
    settings: Settings,
    dataset: Dataset,
    asked: Collection[str] | None = None,
    executor: Executor | None = None,
) -> Tried:
    """Judge the references of the user's own problems as candidates will be judged, and in one process.

    Other families are returned as they are. `asked` and `executor` are as `selftest.of_task` has them.

    Raises:
        DatasetError: tests pass functions that do nothing, whatever these return.
        SandboxError: the sandbox does not start.
    """
    family = benchmarks.get(settings.benchmark)
    if not family.own_problems:
        return Tried(dataset)
    executor = executor or executor_for(settings)
    at_hand = dataset.problems.keys() - dataset.skipped
    _refuse_untested(settings, dataset, at_hand if asked is None else at_hand & set(asked), executor)
    pairs: dict[str, list[Program]] = {}
    for task_id, problem in dataset.problems.items():
        code = family.canonical(problem)
        if code is None or task_id in dataset.skipped or (asked is not None and task_id not in asked):
            continue
        first = family.program(problem, code, settings.judge.place)
        pairs[task_id] = [first]
        if first.judge is Judge.ISOLATED and Judge.SCRIPT in family.places:
            pairs[task_id].append(family.program(problem, code, Judge.SCRIPT))
    verdicts = _verdicts([program for pair in pairs.values() for program in pair], executor)
    problems = dict(dataset.problems)
    wrong: dict[str, str] = {}
    isolated_only = []
    for task_id, pair in pairs.items():
        passed = [verdicts[program.sha256][0] == Verdict.PASSED.value for program in pair]
        if passed == [False, True]:
            problems[task_id] = replace(problems[task_id], one_process=ONE_PROCESS_ONLY)
        elif passed == [True, False]:
            isolated_only.append(task_id)
        elif not any(passed):
            verdict, detail = verdicts[pair[0].sha256]
            wrong[task_id] = f"{task_id} ({verdict}{': ' * bool(detail)}{detail:.120})"
    warnings = []
    if wrong:
        warnings.append(
            f"the reference solution of {_listed([*wrong.values()])} {FAILS_ITSELF}, so right answers may be "
            "counted as wrong: mend the reference or the tests"
        )
    if isolated_only:
        warnings.append(
            f"the reference solution of {_listed(isolated_only)} passes under judge=isolated, and not in one "
            "process with the tests: what they define may be in its way"
        )
    return Tried(replace(dataset, problems=problems), tuple(warnings))


def _refuse_untested(
    settings: Settings, dataset: Dataset, asked: Collection[str], executor: Executor
) -> None:
    """Raise what names the problems whose tests pass functions that do nothing, whatever these return."""
    family = benchmarks.get(settings.benchmark)
    idle = [task_id for task_id in dataset.problems if task_id in asked]
    for returned in _IDLE:
        programs: dict[str, Program] = {}
        for task_id in idle:
            problem = dataset.problems[task_id]
            tests = family.program(problem, None, settings.judge.place).tests
            if isinstance(tests, Tests) and tests.names:
                code = "".join(f"def {name}(*_, **__):\n    return {returned}\n" for name in tests.names)
                programs[task_id] = family.program(problem, code, settings.judge.place)
        verdicts = _verdicts([*programs.values()], executor)
        passed = Verdict.PASSED.value
        idle = [name for name, program in programs.items() if verdicts[program.sha256][0] == passed]
    if idle:
        raise DatasetError(
            f"{dataset.source}: the tests of {_listed(idle)} pass a function that does nothing, whatever it "
            "returns, and so any answer: mend their tests, or name a file without them with data_files=PATH"
        )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _verdicts(programs: list[Program], executor: Executor) -> dict[str, tuple[str, str]]:
    """Return verdict and detail by the program's hash, from the cache if it has them."""
    if not programs:
        return {}
    listed = sorted(executor.packages.items())  # reads the metadata of each
    files = {program.sha256: _cache_file(program, executor, listed) for program in programs}
    cached = {sha256: _read(file) for sha256, file in files.items()}
    verdicts = {sha256: entry for sha256, entry in cached.items() if entry is not None}
    if unknown := [program for program in programs if program.sha256 not in verdicts]:
        outcomes = batch.judge(unknown, executor).outcomes
        for program, outcome in zip(unknown, outcomes, strict=True):
            verdicts[program.sha256] = (outcome.verdict.value, outcome.detail)
            _write(files[program.sha256], outcome)
    return verdicts


def _cache_file(program: Program, executor: Executor, packages: list[tuple[str, str]]) -> Path:
    confinement = executor.confinement
    conditions: tuple[object, ...] = (
        __version__,
        interpreter(confinement.python).version,
        program.sha256,
        confinement.mode,
        packages,
        sorted(confinement.limits.as_dict().items()),
    )
    if isinstance(program.tests, CommandTests):
        conditions += (sorted(toolchains.versions(program.tests.language).items()),)
    key = hashlib.sha256(json.dumps(conditions).encode()).hexdigest()
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "passk-tasks" / "references" / key[:2] / f"{key}.json"


def _read(path: Path) -> tuple[str, str] | None:
    try:
        verdict, detail = json.loads(path.read_bytes())
        return Verdict(verdict).value, str(detail)
    except (OSError, ValueError, TypeError):
        return None  # missing or incomplete: the program is tried again


def _write(path: Path, outcome: Outcome) -> None:
    """Cache a verdict that another run would repeat. A folder that cannot be written is no error."""
    if outcome.verdict in _UNSURE:
        return
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump([outcome.verdict.value, outcome.detail], file)
        Path(name).replace(path)
