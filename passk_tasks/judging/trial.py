"""The reference solutions of people's own problems, judged both ways before anything rests on the choice.

What tests need is known from their syntax tree (`benchmarks.plainness`), but for what a right program
returns. A reference solution shows that: where it passes in one process with the tests and not outside of it,
the problem is judged in one process. Verdicts are kept by hash, so that each is tried once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from passk_tasks import benchmarks
from passk_tasks._version import __version__
from passk_tasks.benchmarks import Dataset
from passk_tasks.judging import batch
from passk_tasks.judging.executor import Executor, local
from passk_tasks.program import Judge, Program
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Outcome, Verdict

ONE_PROCESS_ONLY = "the reference passes in one process only"

# Another run may end otherwise: by load, or by what the host lacked.
_UNSURE = frozenset({Verdict.INFRA_ERROR.value, Verdict.TIMEOUT.value, Verdict.MEMORY_LIMIT.value})
_NAMED = 5  # problems that one warning names


@dataclass(frozen=True)
class Tried:
    """What the references showed.

    Attributes:
        dataset: with the problems that need one process marked as such.
        warnings: what was seen that a person should know, a sentence each.
    """

    dataset: Dataset
    warnings: tuple[str, ...] = ()


def references(
    settings: Settings,
    dataset: Dataset,
    asked: Collection[str] | None = None,
    executor: Executor | None = None,
) -> Tried:
    """Judge the references of a family of people's own problems as they will be judged, and in one process.

    Args:
        settings: of the run.
        dataset: the problems.
        asked: task_ids of those at hand; None for all.
        executor: what runs the programs; None for this host's sandbox, as the settings say.

    Raises:
        SandboxError: the sandbox does not start.
    """
    family = benchmarks.get(settings.benchmark)
    if not family.own_problems:
        return Tried(dataset)
    executor = executor or local(settings.confinement, settings.workers)
    pairs: dict[str, list[Program]] = {}
    for task_id, problem in dataset.problems.items():
        code = family.canonical(problem)
        if code is None or task_id in dataset.left_out or (asked is not None and task_id not in asked):
            continue
        first = family.program(problem, code, settings.judge.place)
        pairs[task_id] = [first]
        if first.judge is Judge.ISOLATED and Judge.SCRIPT in family.places:
            pairs[task_id].append(family.program(problem, code, Judge.SCRIPT))
    verdicts = _verdicts([program for pair in pairs.values() for program in pair], executor)
    problems = dict(dataset.problems)
    wrong, elsewhere = [], []
    for task_id, pair in pairs.items():
        seen = [verdicts[program.sha256] for program in pair]
        passed = [verdict == Verdict.PASSED.value for verdict, _ in seen]
        shown = f"{task_id} ({seen[0][0]}{': ' * bool(seen[0][1])}{seen[0][1]:.120})"
        if passed == [False, True]:
            problems[task_id] = replace(problems[task_id], one_process=ONE_PROCESS_ONLY)
        elif passed == [True, False]:
            elsewhere.append(task_id)
        elif not any(passed):
            wrong.append(shown)
    warnings = []
    if wrong:
        warnings.append(
            f"the reference solution of {_listed(wrong)} does not pass its own tests: right answers may be "
            "counted as wrong ones; mend the reference or the tests"
        )
    if elsewhere:
        warnings.append(
            f"the reference solution of {_listed(elsewhere)} passes under judge=isolated, and not in one "
            "process with the tests: what they define may be in its way"
        )
    return Tried(replace(dataset, problems=problems), tuple(warnings))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _verdicts(programs: list[Program], executor: Executor) -> dict[str, tuple[str, str]]:
    """Return verdict and detail by the program's hash, from the cache where it has them."""
    found: dict[str, tuple[str, str]] = {}
    unknown: list[Program] = []
    for program in programs:
        kept = _kept(_place(program, executor))
        if kept is None:
            unknown.append(program)
        else:
            found[program.sha256] = kept
    if not unknown:
        return found
    judged = batch.judge(unknown, executor)
    for program, outcome in zip(unknown, judged.outcomes, strict=True):
        found[program.sha256] = (outcome.verdict.value, outcome.detail)
        _keep(_place(program, executor), outcome)
    return found


def _place(program: Program, executor: Executor) -> Path:
    confinement = executor.confinement
    conditions = (
        __version__,
        platform.python_version(),
        program.sha256,
        confinement.mode,
        sorted(executor.packages.items()),
        sorted(confinement.limits.as_dict().items()),
    )
    key = hashlib.sha256(json.dumps(conditions).encode()).hexdigest()
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "passk-tasks" / "references" / key[:2] / f"{key}.json"


def _kept(place: Path) -> tuple[str, str] | None:
    try:
        verdict, detail = json.loads(place.read_bytes())
        return Verdict(verdict).value, str(detail)
    except (OSError, ValueError, TypeError):
        return None  # it is not there, or not whole: then it is tried again


def _keep(place: Path, outcome: Outcome) -> None:
    """Keep a verdict that another run would give too. A folder that cannot be written is no error."""
    if outcome.verdict.value in _UNSURE:
        return
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=place.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump([outcome.verdict.value, outcome.detail], file)
        Path(name).replace(place)
