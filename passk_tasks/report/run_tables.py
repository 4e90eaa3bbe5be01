"""What the page says of whole runs: heading, metrics, verdicts, conditions, and what is missing."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from passk_tasks.compare import Comparison, Condition, label
from passk_tasks.report import figures
from passk_tasks.report.distinct import Details
from passk_tasks.results import joining
from passk_tasks.results.model import Run
from passk_tasks.statistics import curve
from passk_tasks.statistics.metrics import BASE_PASS, Metric
from passk_tasks.text import summary
from passk_tasks.verdict import Verdict

_BASE = BASE_PASS.removesuffix("K")
_LONGEST_NAME = 80


def short(name: str) -> str:
    """Return a run's name, the end of a long one cut off."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def title(runs: Sequence[Run]) -> str:
    """Return the heading of a page that was given none."""
    tasks = sorted({run.task for run in runs})
    if len(runs) == 1:
        return f"{tasks[0]}: {short(runs[0].name)}"
    return f"{len(runs)} runs of {', '.join(tasks)}"


def subtitle(runs: Sequence[Run], comparison: Comparison | None) -> str:
    """Return the line below the heading."""
    if comparison is not None:
        return f"{', '.join(short(run.name) for run in runs)}: {len(comparison.problems)} problems in common"
    date = runs[0].date
    return "" if date is None else f"judged {date:%Y-%m-%d %H:%M} {date.tzname() or ''}"


def described(
    number: int, run: Run, metrics: Sequence[Metric] | None, clusters: Mapping[str, Hashable] | None
) -> dict[str, Any]:
    """Return the summary of a run: its name, its table of metrics, its curve in numbers."""
    scores = joining.scores(run, metrics, clusters)
    # What the run itself says of the base stage of the tests, where they have one.
    scores |= {name: score for name, score in run.metrics.items() if name.startswith(_BASE)}
    n = run.conditions.n
    headline = [
        f"{run.problems:,} of {run.problems_total:,} problems",
        f"{run.samples:,} samples" + ("" if n is None else f" (n = {n})"),
    ]
    headline += [f"{name}: {text}" for name, text in summary.facts(run) if name == "distinct"]
    ks = set(curve.budgets_to_show(int(joining.counted(run)[1].min())))
    return {
        "letter": label(number),
        "name": short(run.name),
        "headline": "; ".join(headline),
        "metrics": summary.metrics_rows(scores),
        "bound": any(map(summary.is_bound, scores.values())),
        "warnings": run.warnings,
        "points": [
            {
                "k": point.k,
                "score": point.score,
                "gain": point.gain,
                "samples_per_solved": point.samples_per_solved,
                "bound": summary.is_bound(point.score),
            }
            for point in figures.points_of(run, clusters)
            if point.k in ks
        ],
    }


def conditions(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    """Return the name of each condition that some run recorded, with its value in each run."""
    by_run = [_conditions_of(run) for run in runs]
    names = dict.fromkeys(name for values in by_run for name in values)
    rows = [(name, tuple(values.get(name) for values in by_run)) for name in names]
    return [
        (name, Condition(name, values).shown())
        for name, values in rows
        if any(value is not None for value in values)
    ]


def _conditions_of(run: Run) -> dict[str, object]:
    values: dict[str, object] = {
        "model": run.model,
        "date": None if run.date is None else run.date.isoformat(timespec="seconds"),
        "results": str(run.path),
        **{name: text for name, text in summary.facts(run) if name in ("sandbox", "problems")},
    }
    for name, value in run.conditions.as_dict().items():
        if isinstance(value, Mapping):
            values |= {f"{name}: {part}": part_value for part, part_value in value.items()}
        elif name != "sandbox":
            values[name] = value
    return values


def verdicts(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return each verdict that occurs, with the number and the share of the samples of each run."""
    rows = []
    for verdict in Verdict:
        counts = [run.verdicts.get(verdict.value, 0) for run in runs]
        if any(counts):
            shares = [(count, count / max(run.samples, 1)) for count, run in zip(counts, runs, strict=True)]
            rows.append({"verdict": verdict.value, "counts": shares})
    return rows


def groups(comparison: Comparison) -> list[str]:
    """Return the numbers of the groups that each run is in; runs of one group cannot be told apart."""
    members: list[list[str]] = [[] for _ in comparison.runs]
    for number, group in enumerate(comparison.groups, 1):
        for i in group:
            members[i].append(str(number))
    return [" ".join(numbers) for numbers in members]


def notes(details: Sequence[Details]) -> list[str]:
    """Return the notes of all runs; one that several runs have stands once, behind their letters."""
    if len(details) == 1:
        return list(details[0].notes)
    letters: dict[str, list[str]] = {}
    for i, of_run in enumerate(details):
        for note in of_run.notes:
            letters.setdefault(note, []).append(label(i))
    return [f"{', '.join(of_note)}: {note}" for note, of_note in letters.items()]
