"""A policy, and whether stored runs keep to it: for each task a baseline and the largest drop allowed.

    policy file -> a rule for each task -> baseline and newest run of it -> a verdict for each, one for all

It executes nothing; `statistics.gate` has the mathematics. docs/gate.md describes the file.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from passk_tasks.errors import UsageError, did_you_mean
from passk_tasks.results import joining, reading
from passk_tasks.results.changes import differing, recorded
from passk_tasks.results.differing import UNLIKE
from passk_tasks.results.lines import Paths
from passk_tasks.results.model import Run, StoredRun
from passk_tasks.statistics import gate
from passk_tasks.statistics.gate import FAILED, INCONCLUSIVE, PASSED, PROBLEMS, SAMPLES, Decision
from passk_tasks.statistics.metrics import Metric

_OVERALL = ("confidence", "tasks")
_OF_A_TASK = ("baseline", "largest_drop", "metric", "confidence", "over")


@dataclass(frozen=True)
class Rule:
    """What a policy says of one task.

    Attributes:
        task: its name.
        baseline: a results file, or a folder with one run of the task.
        largest_drop: of the metric, in (0, 1).
        metric: what is measured.
        confidence: of a pass and of a fail, in (0.5, 1).
        over: `SAMPLES`: would these problems, asked again, give less? `PROBLEMS`: would others of their kind?
            None for the first, and for the second where both runs are greedy.
    """

    task: str
    baseline: Path
    largest_drop: float
    metric: Metric
    confidence: float
    over: str | None


@dataclass(frozen=True)
class Verdict:
    """What came out for one task.

    Attributes:
        rule: what was asked.
        baseline: the run that it is held against.
        run: the run under test.
        problems: number of problems that both have.
        missing: number of the baseline's problems that the run has no verdict for; such a run does not pass.
        decision: in numbers.
        notes: what a person must know to read them.
    """

    rule: Rule
    baseline: Run
    run: Run
    problems: int
    missing: int
    decision: Decision
    notes: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """`PASSED`, `FAILED` or `INCONCLUSIVE`."""
        if self.missing and self.decision.verdict == PASSED:
            return INCONCLUSIVE
        return self.decision.verdict

    def as_dict(self) -> dict[str, object]:
        """Return the verdict as `passk gate --json` has it."""
        decision = self.decision
        return {
            "task": self.rule.task,
            "verdict": self.verdict,
            "metric": self.rule.metric.name,
            "largest_drop": self.rule.largest_drop,
            "confidence": self.rule.confidence,
            "over": decision.over,
            "baseline": {"path": str(self.baseline.path), "value": decision.baseline},
            "run": {"path": str(self.run.path), "value": decision.value},
            "difference": {"value": decision.difference, "low": decision.low, "high": decision.high},
            "problems": self.problems,
            "missing": self.missing,
            "enough": {
                "samples": decision.enough,
                "samples_of_both": decision.enough_of_both,
                "problems": decision.problems,
            },
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Result:
    """What came out for all tasks of a policy.

    Attributes:
        verdicts: one for each task, in the policy's order.
        notes: what is in the folders and not in the policy.
    """

    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """The worst of all: `FAILED`, then `INCONCLUSIVE`, then `PASSED`."""
        seen = {one.verdict for one in self.verdicts}
        return next(verdict for verdict in (FAILED, INCONCLUSIVE, PASSED) if verdict in seen)

    def as_dict(self) -> dict[str, object]:
        """Return the object of `passk gate --json`."""
        return {
            "verdict": self.verdict,
            "tasks": [one.as_dict() for one in self.verdicts],
            "notes": list(self.notes),
        }


def check(paths: Paths, policy: str | os.PathLike[str]) -> Result:
    """Hold the newest run of each task of a policy against its baseline, as `api.gate_runs` says."""
    rules = read(policy)
    stored = reading.stored_in(paths)
    others = sorted({run.task for run in stored} - {rule.task for rule in rules})
    notes = [f"not in the policy, so not looked at: {', '.join(others)}"] if others else []
    return Result(tuple(_verdict(rule, stored) for rule in rules), tuple(notes))


# ---------------------------------------------------------------------- the policy


def read(policy: str | os.PathLike[str]) -> list[Rule]:
    """Return the rules of a policy file, in its order.

    Raises:
        UsageError: the file cannot be read or says something that is no policy; the message has one line.
    """
    where = os.fspath(policy)
    try:
        text = Path(policy).read_text(encoding="utf-8")
        loaded = yaml.load(text, _Strict)
    except OSError as error:
        raise UsageError(f"{where}: cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{where}: no YAML: {error}") from None
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        line = "" if mark is None else f":{mark.line + 1}"
        raise UsageError(f"{where}{line}: no YAML: {problem or ' '.join(str(error).split())}") from None
    content = _mapping(loaded, where, "confidence and tasks")
    _known(content, _OVERALL, where)
    tasks = _mapping(content.get("tasks"), f"{where}: tasks", "names of tasks")
    if not tasks:
        raise UsageError(f"{where}: tasks: there is none")
    overall = {name: content[name] for name in ("confidence",) if name in content}
    return [_rule(task, overall, said, where, Path(policy).parent) for task, said in tasks.items()]


class _Strict(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML's loader would silently take the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{name!r} stands twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def _rule(task: Any, overall: Mapping[str, Any], said: Any, policy: str, folder: Path) -> Rule:
    where = f"{policy}: {task}"
    if not isinstance(task, str):
        raise UsageError(f"{where}: the name of a task is expected, in quotes where it looks like a number")
    content = _mapping(said, where, "baseline and largest_drop")
    _known(content, _OF_A_TASK, where)
    content = {**overall, **content}
    baseline = content.get("baseline")
    if not isinstance(baseline, str) or not baseline:
        raise UsageError(f"{where}: baseline: the path of a run is expected{_instead(content, 'baseline')}")
    over = content.get("over")
    if over not in (None, SAMPLES, PROBLEMS):
        raise UsageError(f"{where}: over: {SAMPLES} or {PROBLEMS} is expected, not {over!r}")
    return Rule(
        task=task,
        baseline=folder / Path(baseline).expanduser(),
        largest_drop=_share(content, "largest_drop", where, 0.0, "e.g. 0.03 for three points"),
        metric=_metric(content.get("metric", "pass@1"), where),
        confidence=_share({"confidence": 0.95, **content}, "confidence", where, 0.5, "e.g. 0.95"),
        over=over,
    )


def _mapping(value: Any, where: str, of: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        found = "nothing" if value is None else type(value).__name__
        raise UsageError(f"{where}: a mapping with {of} is expected, not {found}")
    return value


def _known(content: Mapping[Any, Any], known: Sequence[str], where: str) -> None:
    for name in content:
        if name not in known:
            raise UsageError(f"{where}: there is no key {name!r}{did_you_mean(str(name), known)}")


def _instead(content: Mapping[str, Any], name: str) -> str:
    return f", not {content[name]!r}" if name in content else ", and there is none"


def _share(content: Mapping[str, Any], name: str, where: str, above: float, example: str) -> float:
    value: Any = content.get(name)
    if type(value) not in (int, float) or not above < value < 1:
        raise UsageError(
            f"{where}: {name}: a number above {above:g} and below 1 is expected, {example}"
            f"{_instead(content, name)}"
        )
    return float(value)


def _metric(name: Any, where: str) -> Metric:
    try:
        return Metric.parse(str(name))
    except ValueError as error:
        raise UsageError(f"{where}: metric: {error}") from None


# ---------------------------------------------------------------------- the runs


def _verdict(rule: Rule, stored: Sequence[StoredRun]) -> Verdict:
    baseline = _baseline(rule)
    chosen, notes = _newest(rule, stored)
    if chosen.path.resolve() == baseline.path.resolve():
        raise UsageError(f"{chosen.path}: the newest run of {rule.task} is the baseline itself")
    run = reading.load(chosen)
    ours, theirs = set(joining.counted(run)[0]), joining.counted(baseline)[0]
    problems = [task_id for task_id in theirs if task_id in ours]
    missing = len(theirs) - len(problems)
    if not problems:
        raise UsageError(f"{run.path}: it has none of the problems of {baseline.path}")
    differs, unknown = differing(*recorded([baseline, run], problems))
    if unlike := sorted(differs & set(UNLIKE)):
        raise UsageError(
            f"{run.path}: it measured something else than the baseline {baseline.path}: another "
            f"{' and '.join(unlike)}; make a new baseline"
        )
    if differs:
        notes.append(f"other than in the baseline: {', '.join(sorted(differs))}")
    if unknown:
        notes.append(f"recorded by one of the two alone: {', '.join(sorted(unknown))}")
    counts = [joining.counts_of(one, problems) for one in (baseline, run)]
    for one, of_one in zip((baseline, run), counts, strict=True):
        joining.check_metrics(one, [rule.metric], problems, of_one)
    greedy = baseline.conditions.temperature == run.conditions.temperature == 0
    if greedy and rule.over is None:
        notes.append("both were drawn greedily, so the bounds are over problems: more samples are the same")
    try:
        decision = gate.decide(
            rule.metric,
            *counts,
            largest_drop=rule.largest_drop,
            confidence=rule.confidence,
            over=rule.over or (PROBLEMS if greedy else SAMPLES),
            clusters=joining.shared([baseline, run], problems, None),
        )
    except ValueError as error:
        raise UsageError(f"{run.path}: {error}") from None
    notes += [f"baseline: {text}" for text in baseline.warnings] + list(run.warnings)
    return Verdict(rule, baseline, run, len(problems), missing, decision, tuple(notes))


def _baseline(rule: Rule) -> Run:
    try:
        found = reading.stored_in(rule.baseline, rule.task)
        if len(found) > 1:
            raise UsageError(f"{rule.baseline} holds {len(found)} runs of it, and a baseline is one")
        return reading.load(found[0])
    except UsageError as error:
        raise UsageError(f"the baseline of {rule.task}: {error}") from None


def _newest(rule: Rule, stored: Sequence[StoredRun]) -> tuple[StoredRun, list[str]]:
    mine = [run for run in stored if run.task == rule.task]
    if not mine:
        tasks = sorted({run.task for run in stored})
        near = difflib.get_close_matches(rule.task, tasks, n=1)
        raise UsageError(
            f"the policy asks for {rule.task}, and there is no run of it"
            + (f" (but one of {near[0]})" if near else f" (but of {', '.join(tasks)})")
        )
    if len(mine) == 1:
        return mine[0], []
    dates = [run.date for run in mine]
    known = [date for date in dates if date is not None]
    if len(known) < len(mine) or len(set(known)) < len(mine):
        raise UsageError(
            f"there are {len(mine)} runs of {rule.task}, and which is the newest is not recorded: name one"
        )
    newest = mine[dates.index(max(known))]
    return newest, [f"the newest of {len(mine)} runs of this task"]
