"""How good a benchmark's tests are: which wrong programs they let pass.

    problem -> its reference, trivial bodies, mutants -> one batch of judging -> Audit

Weak tests overstate correctness: a program that passes them need not be right. The reference solution must
pass; a body that ignores the problem must not; good tests catch most references with one small mistake.
"""

from __future__ import annotations

import ast
import difflib
import json
import os
import textwrap
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any

from passk_tasks import benchmarks
from passk_tasks._version import __version__
from passk_tasks.audit import mutations, text_mutations
from passk_tasks.audit.kept import Kept
from passk_tasks.benchmarks import Benchmark, Dataset
from passk_tasks.errors import UsageError
from passk_tasks.extraction.languages import syntax
from passk_tasks.extraction.pieces import depth_of, hidden
from passk_tasks.judging import batch, libraries
from passk_tasks.judging.executor import executor_for
from passk_tasks.problem import Problem, Protocol
from passk_tasks.program import Place, StdioTests
from passk_tasks.sandbox import packages
from passk_tasks.sandbox.interpreter import interpreter
from passk_tasks.statistics.rounding import percent
from passk_tasks.tasks.catalog import TaskSpec
from passk_tasks.verdict import Outcome, Verdict

REFERENCE, TRIVIAL, MUTANT = "reference", "trivial", "mutant"

_BODIES = {
    "empty": "pass",
    "stub": "raise NotImplementedError",
    **{f"constant {value}": f"return {value}" for value in ("None", "True", "False", "0", "1", "''", "[]")},
}
_ECHO = "echo of the first argument"
# Trivial programs for problems whose programs read input.
_PROGRAMS = {
    "empty": "",
    "constant 0": "print(0)\n",
    "constant 1": "print(1)\n",
    "constant -1": "print(-1)\n",
    "constant YES": "print('YES')\n",
    "constant NO": "print('NO')\n",
    "echo of the input": "import sys\nsys.stdout.write(sys.stdin.read())\n",
}

# Trivial bodies in languages with braces; the parentheses suit them all.
_STATEMENTS = {"empty": "", **{f"constant {v}": f"return ({v});" for v in ("0", "1", "true", "false")}}
_SHELL = {"empty": ":", "constant 0": "echo 0", "constant 1": "echo 1", "constant true": "echo true"}


@dataclass(frozen=True, slots=True)
class Trial:
    """A program that was tried on a problem's tests.

    Attributes:
        kind: `reference`, `trivial` or `mutant`.
        what: which body, or which line was changed into what, in words for people.
    """

    kind: str
    what: str
    code: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ProblemAudit:
    """The result for one problem."""

    task_id: str
    trials: tuple[Trial, ...]

    @property
    def reference(self) -> Trial | None:
        """The reference solution; None where the dataset has none."""
        return next((trial for trial in self.trials if trial.kind == REFERENCE), None)

    @property
    def mutants(self) -> list[Trial]:
        """The mutants that have a verdict; none where the reference does not pass."""
        if self.reference is None or not self.reference.outcome.passed:
            return []
        return [t for t in self.trials if t.kind == MUTANT and t.outcome.verdict is not Verdict.INFRA_ERROR]

    @property
    def survivors(self) -> list[Trial]:
        """The mutants that passed."""
        return [trial for trial in self.mutants if trial.outcome.passed]

    @property
    def trivial_passes(self) -> list[Trial]:
        """Trivial bodies that passed."""
        return [trial for trial in self.trials if trial.kind == TRIVIAL and trial.outcome.passed]

    @property
    def caught(self) -> float | None:
        """Share of the mutants that the tests catch; None where there are none."""
        return 1 - len(self.survivors) / len(self.mutants) if self.mutants else None

    @property
    def base_caught(self) -> float | None:
        """Share of the mutants that the base stage alone catches.

        None where there is no base stage, or the reference itself does not pass it.
        """
        if self.reference is None or not self.reference.outcome.base_passed:
            return None
        judged = [trial.outcome.base_passed for trial in self.mutants]
        if not judged:
            return None
        return 1 - sum(map(bool, judged)) / len(judged)

    def as_dict(self) -> dict[str, Any]:
        """Return the problem's part of `passk audit --json`."""
        reference = self.reference
        return {
            "task_id": self.task_id,
            "reference": None if reference is None else reference.outcome.verdict.value,
            "reference_detail": "" if reference is None else reference.outcome.detail,
            "trivial_passes": [trial.what for trial in self.trivial_passes],
            "mutants": len(self.mutants),
            "caught": self.caught,
            "base_caught": self.base_caught,
            "survivors": [{"change": trial.what, "code": trial.code} for trial in self.survivors],
        }


@dataclass(frozen=True, slots=True)
class Audit:
    """How good the tests of a task are.

    Attributes:
        problems: the audited problems, in the dataset's order.
        problems_total: how many problems the task has.
        infra_errors: how many programs remained without a verdict.
        references_only: whether no trivial bodies and no mutants were tried.
        seconds: how long the judging took; programs whose outcomes were kept in a file took none of it.
        kept: how many programs these were.
        dataset: where the problems came from, and their hash.
        versions: of this package, of Python, and of the libraries that the problems need; and the date.
    """

    task: str
    problems: tuple[ProblemAudit, ...]
    problems_total: int
    infra_errors: int
    layers: dict[str, bool]
    references_only: bool
    seconds: float
    kept: int
    dataset: dict[str, str]
    versions: dict[str, str]

    @property
    def failing(self) -> list[ProblemAudit]:
        """Problems whose own reference does not pass."""
        return [p for p in self.problems if p.reference is not None and not p.reference.outcome.passed]

    @property
    def without_reference(self) -> int:
        """How many problems have no reference solution."""
        return sum(problem.reference is None for problem in self.problems)

    @property
    def caught(self) -> float | None:
        """Mean over the problems of the share of mutants caught: each problem counts once, as in pass@k."""
        return _mean([p.caught for p in self.problems])

    @property
    def base_caught(self) -> float | None:
        """The mean of the share of mutants that the base stage alone catches."""
        return _mean([p.base_caught for p in self.problems])

    def as_dict(self) -> dict[str, Any]:
        """Return the object of `passk audit --json`."""
        return {
            "task": self.task,
            "problems": len(self.problems),
            "problems_total": self.problems_total,
            "references_failing": [problem.task_id for problem in self.failing],
            "without_reference": self.without_reference,
            "trivial_passes": sum(bool(problem.trivial_passes) for problem in self.problems),
            "mutants": sum(len(problem.mutants) for problem in self.problems),
            "caught": self.caught,
            "base_caught": self.base_caught,
            "infra_errors": self.infra_errors,
            "sandbox_layers": self.layers,
            "references_only": self.references_only,
            "seconds": self.seconds,
            "kept": self.kept,
            "dataset": self.dataset,
            "versions": self.versions,
            "by_problem": [problem.as_dict() for problem in self.problems],
        }


def facts(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return an audit, as `Audit.as_dict` made it, as names and texts for people."""
    with_reference = content["problems"] - content["without_reference"]
    lines = [
        ("problems audited", f"{content['problems']:,} of {content['problems_total']:,}"),
        (
            "references that pass",
            f"{with_reference - len(content['references_failing']):,} of {with_reference:,}",
        ),
    ]
    if content.get("references_only"):
        return lines
    lines += [
        ("problems that a trivial body passes", f"{content['trivial_passes']:,}"),
        (
            "mutants caught, mean over problems",
            f"{share(content['caught'])} ({content['mutants']:,} mutants)",
        ),
    ]
    if content["base_caught"] is not None:
        lines.append(("by the base tests alone", share(content["base_caught"])))
    return lines


def share(value: float | None) -> str:
    """Return a share as text for people."""
    return "none" if value is None else percent(value, 1).replace("%", " %")


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what `passk audit --json` wrote.

    Raises:
        UsageError: the file cannot be read, or holds something else.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read as the output of `passk audit --json`: {error}") from error
    names = {"task", "problems", "problems_total", "infra_errors", "by_problem"}
    try:
        complete = names <= content.keys() and all("task_id" in problem for problem in content["by_problem"])
    except (AttributeError, TypeError):
        complete = False
    if not complete:
        raise UsageError(f"{path}: is not the output of `passk audit TASK --json`")
    assert isinstance(content, dict)
    return content


def audit(
    spec: TaskSpec,
    dataset: Dataset,
    *,
    mutants: int = 20,
    problems: int | None = None,
    seed: int = 0,
    references: bool = False,
    out: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> Audit:
    """Try programs of known worth on the tests of a task, as `api.audit_task` says."""
    settings, place = spec.settings, spec.settings.judge.place
    benchmark = benchmarks.get(settings.benchmark)
    chosen = [p for p in dataset.problems.values() if p.task_id not in dataset.skipped][:problems]
    most = 1 if references else None
    tried = [(p, t) for p in chosen for t in islice(_programs(benchmark, p, place, mutants, seed), most)]
    if not tried:
        raise UsageError(f"task {spec.name}: none of its problems has a reference solution to audit")
    programs = [benchmark.program(problem, code, place) for problem, (_, _, code) in tried]
    versions = _versions(spec, chosen)
    confinement = benchmark.confinement(settings)
    depends = {"task": spec.name, "dataset": dataset.sha256, "confinement": repr(confinement)}
    with Kept(out, {**depends, **versions}) as kept:
        new = [program for program in programs if program.sha256 not in kept.outcomes]
        began = time.monotonic()
        executor = executor_for(settings)
        judged = batch.judge(
            new, executor, progress=progress, told=lambda index, outcome: kept.add(new[index], outcome)
        )
    outcomes = kept.outcomes | dict(zip((program.sha256 for program in new), judged.outcomes, strict=True))
    trials = [Trial(*t, outcomes[program.sha256]) for (_, t), program in zip(tried, programs, strict=True)]
    return Audit(
        task=spec.name,
        problems=_by_problem(chosen, zip((problem for problem, _ in tried), trials, strict=True)),
        problems_total=len(dataset.problems),
        infra_errors=sum(outcome.verdict is Verdict.INFRA_ERROR for outcome in judged.outcomes),
        layers=judged.layers,
        references_only=references,
        seconds=round(time.monotonic() - began, 1),
        kept=len(programs) - len(new),
        dataset={"source": dataset.source, "sha256": dataset.sha256},
        versions={**versions, "date": datetime.now(timezone.utc).date().isoformat()},
    )


def _by_problem(
    problems: Sequence[Problem], trials: Iterable[tuple[Problem, Trial]]
) -> tuple[ProblemAudit, ...]:
    found: dict[str, list[Trial]] = {problem.task_id: [] for problem in problems}
    for problem, trial in trials:
        found[problem.task_id].append(trial)
    return tuple(ProblemAudit(task_id, tuple(of_problem)) for task_id, of_problem in found.items())


def _versions(spec: TaskSpec, problems: Sequence[Problem]) -> dict[str, str]:
    """Return the versions of what decides about references: this package, Python, needed libraries."""
    settings = spec.settings
    installed = packages.resolve(settings.packages, settings.python).versions()
    needed = sorted({libraries.distribution(name) for problem in problems for name in problem.libraries})
    own = {"passk_tasks": __version__, "python": interpreter(settings.python).version}
    return own | {name: installed[name] for name in needed if name in installed}


def _programs(
    benchmark: Benchmark, problem: Problem, place: Place, limit: int, seed: int
) -> Iterator[tuple[str, str, str]]:
    """Yield kind, description and code of each program that is tried on a problem."""
    reference = benchmark.canonical(problem)
    if problem.protocol is not None:
        yield from _in_language(problem, problem.protocol, reference, limit, seed)
        return
    if reference is None:
        return
    yield REFERENCE, "the reference solution", reference
    flat = textwrap.dedent(reference)
    indent = reference[: reference.find(flat.lstrip()[:1])] if flat != reference else ""
    try:
        ast.parse(flat)
    except (SyntaxError, ValueError, RecursionError):
        return  # a reference that does not compile fails; there is nothing to make mutants of
    if isinstance(benchmark.program(problem, reference, place).tests, StdioTests):
        bodies = list(_PROGRAMS.items())
    elif benchmark.trivial:
        bodies = list(benchmark.trivial.items())
    else:
        bodies = trivial(reference, benchmark.function(problem))
    # Some of DS-1000's snippets are bodies of functions, so they are indented.
    yield from ((TRIVIAL, what, textwrap.indent(code, indent)) for what, code in bodies)
    for mutant in mutations.mutants(flat, limit=limit, seed=seed):
        yield MUTANT, _change(flat, mutant), textwrap.indent(mutant.code, indent)


def _in_language(
    problem: Problem, protocol: Protocol, reference: str | None, limit: int, seed: int
) -> Iterator[tuple[str, str, str]]:
    """Yield the same for another language than Python; bodies alone where there is no reference."""
    record = syntax(protocol.language)
    if reference is not None:
        yield REFERENCE, "the reference solution", reference
    if not record.braces:
        return
    opened = 0 if protocol.closed_by_tests else depth_of(hidden(problem.prompt, record))
    for what, body in (_SHELL if protocol.language == "sh" else _STATEMENTS).items():
        yield TRIVIAL, what, f"{problem.prompt}\n{body}" + "\n}" * opened
    if reference is not None:
        start = len(problem.prompt) if reference.startswith(problem.prompt) else 0
        code = hidden(reference, record)
        for mutant in text_mutations.mutants(reference, code, start, limit=limit, seed=seed):
            yield MUTANT, _lines_changed(reference, mutant), mutant.code


def trivial(reference: str, entry_point: str) -> list[tuple[str, str]]:
    """Return descriptions and codes of programs that ignore the problem: the reference with another body.

    Args:
        reference: a program that compiles.
        entry_point: the function whose body is replaced; the result is empty where there is no such function.
    """
    tree = ast.parse(reference)
    function = next(
        (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == entry_point), None
    )
    if function is None:
        return []
    bodies = dict(_BODIES)
    arguments = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    if arguments[:1] == ["self"]:
        del arguments[0]
    if arguments:
        bodies[_ECHO] = f"return {arguments[0]}"
    programs = []
    for what, body in bodies.items():
        function.body = ast.parse(f"def f():\n    {body}").body[0].body  # type: ignore[attr-defined]
        programs.append((what, ast.unparse(tree) + "\n"))
    return programs


def _change(reference: str, mutant: mutations.Mutant) -> str:
    """Return the line that a mutant changes, before and after, in one line of text."""
    return _lines_changed(ast.unparse(ast.parse(reference)), mutant)


def _lines_changed(before: str, mutant: mutations.Mutant) -> str:
    lines = [
        line
        for line in difflib.unified_diff(before.splitlines(), mutant.code.splitlines(), n=0, lineterm="")
        if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    gone = " ".join(line[1:].strip() for line in lines if line[0] == "-")
    new = " ".join(line[1:].strip() for line in lines if line[0] == "+")
    return f"line {mutant.line}: {gone} -> {new or 'nothing'}"


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
