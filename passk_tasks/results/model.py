"""What is known of a stored run: its conditions, its counts, the outcome of every sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from passk_tasks.results import notebook
from passk_tasks.results.conditions import Conditions
from passk_tasks.results.spent import Spent
from passk_tasks.results.summary import Summary
from passk_tasks.statistics.rounding import decimal
from passk_tasks.verdict import Outcome, Verdict


@dataclass(frozen=True, kw_only=True, repr=False)
class StoredRun(Summary):
    """What the results file of a run says of one task.

    Attributes:
        path: the results file.
        samples_path: the file with the outcome of every sample; None where lm-eval was not told to keep it.
        model: name of the model; None for samples that do not say who made them.
        conditions: all that must be the same for two runs to be comparable.
    """

    path: Path
    samples_path: Path | None
    model: str | None
    conditions: Conditions

    def __repr__(self) -> str:
        """Return one line, with the model and the file."""
        return self._line(self.name, str(self.path))

    @property
    def name(self) -> str:
        """What people call the run: its model, else its folder."""
        return self.model or self.path.resolve().parent.name

    def listed(self) -> dict[str, object]:
        """Return the run as `passk runs --json` prints it."""
        return {
            "path": str(self.path),
            "task": self.task,
            "model": self.model,
            "label": self.label,
            "note": self.note,
            "tags": list(self.tags),
            "date": None if self.date is None else self.date.isoformat(),
            "problems": self.problems,
            "problems_total": self.problems_total,
            "samples": self.samples,
            "has_samples": self.samples_path is not None,
            "scores": self.scores,
            "verdicts": dict(self.verdicts),
            "conditions": self.conditions.as_dict(),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, kw_only=True, repr=False)
class Run(StoredRun):
    """A stored run with the outcome of every sample.

    Attributes:
        outcomes: one for each sample of a problem, in the order of the samples, by task_id.
        prompts: each problem's prompt as the model got it, by task_id, of a chat with its roles; empty where
            not recorded.
        programs: hash of what was executed for each sample, as `outcomes`; empty text where not recorded.
        spent: what each sample took, as `outcomes`; None where not recorded.
        sources: what problems share with others, by task_id, where the benchmark says so.
    """

    outcomes: Mapping[str, tuple[Outcome, ...]] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)
    programs: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    spent: Mapping[str, tuple[Spent | None, ...]] = field(default_factory=dict, repr=False)
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)

    def to_frame(self) -> Any:
        """Return a pandas `DataFrame` with a row a sample, for the extra `notebook`.

        Its columns are task_id, sample (from 0), verdict, passed, base_passed, detail, judge, flags, cpu_s
        and wall_s (seconds), peak_mib (MiB), program_sha256, tokens_in, tokens_out and limit_hit; what was
        not recorded is None.

        Raises:
            UsageError: pandas is not installed.
        """
        return notebook.frame(self.outcomes, self.programs, self.spent)

    @cached_property
    def counts(self) -> Mapping[str, tuple[int, int]]:
        """`counts_of` its outcomes."""
        return counts_of(self.outcomes)

    @cached_property
    def base_counts(self) -> Mapping[str, int] | None:
        """`base_counts_of` its outcomes."""
        return base_counts_of(self.outcomes)


def counts_of(outcomes: Mapping[str, Sequence[Outcome]]) -> dict[str, tuple[int, int]]:
    """Return (n, c) by task_id; n leaves out samples without a verdict (infra_error)."""
    return {
        task_id: (
            sum(outcome.verdict is not Verdict.INFRA_ERROR for outcome in mine),
            sum(outcome.passed for outcome in mine),
        )
        for task_id, mine in outcomes.items()
    }


def base_counts_of(outcomes: Mapping[str, Sequence[Outcome]]) -> dict[str, int] | None:
    """Return the samples that passed the base stage, by task_id; None where the tests have none."""
    if all(outcome.base_passed is None for mine in outcomes.values() for outcome in mine):
        return None
    return {
        task_id: sum(
            bool(outcome.base_passed) and outcome.verdict is not Verdict.INFRA_ERROR for outcome in mine
        )
        for task_id, mine in outcomes.items()
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

    def _repr_html_(self) -> str:
        """Return what a notebook shows: a row a run."""
        rows = [
            (
                "-" if run.date is None else f"{run.date:%Y-%m-%d %H:%M}",
                run.label or run.name,
                run.task,
                ", ".join(f"{name} {decimal(value)}" for name, value in run.scores.items()),
                str(run.path),
            )
            for run in self.runs
        ]
        return notebook.table(("date", "run", "task", "scores", "results"), rows, *self.notes)
