"""What is known of a stored run: its conditions, its counts, the outcome of every sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from passk_tasks.results.conditions import Conditions
from passk_tasks.verdict import Outcome, Verdict


@dataclass(frozen=True)
class StoredRun:
    """What the results file of a run says of one task.

    Attributes:
        path: the results file.
        samples_path: the file with the outcome of every sample; None where lm-eval was not told to keep it.
        task: name of the task.
        model: name of the model; None for samples that do not say who made them.
        date: when the run ended; None where it is not recorded.
        conditions: all that must be the same for two runs to be comparable.
        problems: how many were run.
        problems_total: how many the task has.
        samples: over all problems.
        k: the budgets that the run was asked for, those that it has samples for.
        scores: each stored metric's value, `pass@1` first.
        verdicts: how many samples ended with each.
        warnings: what the run itself had to say to whoever reads its numbers.
        facts: the whole object that is stored, with the keys of `passk score --json`.
    """

    path: Path
    samples_path: Path | None
    task: str
    model: str | None
    date: datetime | None
    conditions: Conditions
    problems: int
    problems_total: int
    samples: int
    k: tuple[int, ...]
    scores: Mapping[str, float]
    verdicts: Mapping[str, int]
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """What people call the run: its model, else its folder."""
        return self.model or self.path.resolve().parent.name

    def as_dict(self) -> dict[str, Any]:
        """Return the run as `passk runs --json` prints it."""
        return {
            "path": str(self.path),
            "task": self.task,
            "model": self.model,
            "date": None if self.date is None else self.date.isoformat(),
            "problems": self.problems,
            "problems_total": self.problems_total,
            "samples": self.samples,
            "has_samples": self.samples_path is not None,
            "scores": dict(self.scores),
            "verdicts": dict(self.verdicts),
            "conditions": self.conditions.as_dict(),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class Run(StoredRun):
    """A stored run with the outcome of every sample.

    Attributes:
        outcomes: one for each sample of a problem, in the order of the samples, by task_id.
        prompts: hash of each problem's prompt as the model got it, by task_id; empty where not recorded.
        programs: hash of what was executed for each sample, as `outcomes`; empty text where not recorded.
        clusters: what problems share with others, by task_id, where the benchmark says so.
    """

    outcomes: Mapping[str, tuple[Outcome, ...]] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)
    programs: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    clusters: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """(n, c) by task_id; n leaves out samples without a verdict (infra_error)."""
        return {
            task_id: (
                sum(outcome.verdict is not Verdict.INFRA_ERROR for outcome in outcomes),
                sum(outcome.passed for outcome in outcomes),
            )
            for task_id, outcomes in self.outcomes.items()
        }


@dataclass(frozen=True)
class Listing:
    """What is in a folder.

    Attributes:
        runs: by date, those without one first.
        notes: what is there and is not a run that can be read, a line each.
    """

    runs: tuple[StoredRun, ...]
    notes: tuple[str, ...] = ()
