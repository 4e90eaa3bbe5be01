"""What the page says of runs and of their problems, ready for its template."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from passk_tasks.compare import GAINED, LOST, Comparison, label
from passk_tasks.errors import UsageError
from passk_tasks.report import figures
from passk_tasks.report.distinct import Details
from passk_tasks.results import equal_cost, joining
from passk_tasks.results.differing import TEXTS, Condition
from passk_tasks.results.model import Run
from passk_tasks.results.names import cut
from passk_tasks.statistics import curve
from passk_tasks.statistics.metrics import BASE_PASS, KEPT, Metric
from passk_tasks.statistics.rounding import decimal
from passk_tasks.text import spending, summary
from passk_tasks.verdict import Outcome, Verdict

_BASE = BASE_PASS.removesuffix("K")
_LONGEST_NAME = 80
_LINKED = re.compile(r"(?=.*[0-9])(?![pd][0-9]+$)[A-Za-z][\w./:-]{0,199}", re.ASCII)


# ---------------------------------------------------------------------- runs


def title(runs: Sequence[Run]) -> str:
    """Return the heading of a page that was given none."""
    tasks = sorted({run.task for run in runs})
    if len(runs) == 1:
        return f"{tasks[0]}: {cut(runs[0].label or runs[0].name, _LONGEST_NAME)}"
    return f"{len(runs)} runs of {', '.join(tasks)}"


def subtitle(runs: Sequence[Run], comparison: Comparison | None) -> str:
    """Return the line below the heading."""
    if comparison is not None:
        names = "; ".join(cut(name, _LONGEST_NAME) for name in comparison.names)
        return f"{names}: {len(comparison.problems)} problems in common"
    date = runs[0].date
    return "" if date is None else f"judged {date:%Y-%m-%d %H:%M} {date.tzname() or ''}"


def described(
    number: int,
    run: Run,
    name: str,
    metrics: Sequence[Metric] | None,
    clusters: Mapping[str, Hashable] | None,
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
        "name": cut(name, _LONGEST_NAME),
        "said": [text for text in (run.note, ", ".join(run.tags)) if text],
        "headline": "; ".join(headline),
        "metrics": summary.metrics_rows(scores),
        "bound": any(map(summary.is_bound, scores.values())),
        "kept": any(name.startswith(KEPT) for name in scores),
        "warnings": run.other_warnings,
        "spending": spending.facts(run),
        "cost": _cost(run, clusters),
        "points": [
            {
                "k": point.k,
                "score": point.score,
                "gain": point.gain,
                "samples_per_solved": point.samples_per_solved,
            }
            for point in figures.points_of(run, clusters)
            if point.k in ks
        ],
    }


def _cost(run: Run, clusters: Mapping[str, Hashable] | None) -> dict[str, Any] | None:
    """Return pass@cost of a run as rows of text; None where it is not known what its samples took."""
    curve_of_run = equal_cost.curve(run, clusters=clusters)
    if curve_of_run is None:
        return None
    rows = [
        (
            spending.amount(point.budget),
            f"{point.k:.2f}",
            decimal(point.estimate.value),
            summary.interval(point.estimate.ci95),
        )
        for point in curve_of_run.points
    ]
    return {"unit": curve_of_run.unit, "rows": rows}


def conditions(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    """Return the name of each condition that some run recorded, with its value in each run."""
    by_run = [_conditions_of(run) for run in runs]
    same = _same_packages(runs)
    names = dict.fromkeys(name for values in by_run for name in values if name not in same)
    rows = [(name, tuple(values.get(name) for values in by_run)) for name in names]
    shown = [
        (name, [str(value) for value in values] if name in TEXTS else Condition(name, values).shown())
        for name, values in rows
        if any(value is not None for value in values)
    ]
    if all(run.conditions.packages is not None for run in runs):
        common = ", ".join(f"{name.partition(': ')[2]} {version}" for name, version in same.items())
        shown.append(("packages", [common or "none"] * len(runs)))
    return shown


def _same_packages(runs: Sequence[Run]) -> dict[str, str]:
    """Return the packages that all runs have in one version, by the names of their rows."""
    first, *others = [run.conditions.packages or {} for run in runs]
    return {
        f"packages: {name}": version
        for name, version in first.items()
        if all(packages.get(name) == version for packages in others)
    }


def _conditions_of(run: Run) -> dict[str, object]:
    values: dict[str, object] = {
        "model": run.model,
        "label": run.label,
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
    """Return each verdict that occurs, with the number and the share of the samples of each run.

    Below `no_code` stands each way to have none.
    """
    rows = []
    for verdict in Verdict:
        counts = [run.verdicts.get(verdict.value, 0) for run in runs]
        if any(counts):
            rows.append({"verdict": verdict.value, "way": "", "counts": _shares(counts, runs)})
        ways = dict.fromkeys(way for run in runs for way in run.no_code) if verdict is Verdict.NO_CODE else ()
        for way in ways:
            of_way = [run.no_code.get(way, 0) for run in runs]
            rows.append({"verdict": verdict.value, "way": way, "counts": _shares(of_way, runs)})
    return rows


def _shares(counts: Sequence[int], runs: Sequence[Run]) -> list[tuple[int, float]]:
    return [(count, count / max(run.samples, 1)) for count, run in zip(counts, runs, strict=True)]


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


# ---------------------------------------------------------------------- problems


def task_ids_in_order(runs: Sequence[Run]) -> list[str]:
    """Return the task_ids of all problems in the order of their numbers: HumanEval/2 before HumanEval/10."""
    return sorted(
        {task_id for run in runs for task_id in run.outcomes},
        key=lambda name: [
            (part.isdigit(), int(part) if part.isdigit() else part)
            for part in re.split(r"([0-9]{1,18})", name)
        ],
    )


def anchors(task_ids: Sequence[str]) -> dict[str, str]:
    """Return what the row of each problem is called in links: its own name, where that can be.

    A name that is no name of HTML's, or that the page itself may use, becomes `p` and its number.
    """
    return {
        task_id: task_id if _LINKED.fullmatch(task_id) else f"p{number}"
        for number, task_id in enumerate(task_ids)
    }


def audited(audit: Mapping[str, Any] | None, task_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return what an audit says of each problem, by task_id.

    Raises:
        UsageError: it is of other problems.
    """
    if audit is None:
        return {}
    by_problem = {str(problem["task_id"]): problem for problem in audit["by_problem"]}
    if not by_problem.keys() & set(task_ids):
        raise UsageError(
            f"the audit is of {audit['task']}, and none of its problems is among those of the runs"
        )
    return by_problem


def problem_rows(
    runs: Sequence[Run],
    details: Sequence[Details],
    task_ids: Sequence[str],
    audit: Mapping[str, Mapping[str, Any]],
    ends: tuple[int, int],
    anchors: Mapping[str, str],
) -> Iterator[dict[str, Any]]:
    """Yield the row of each problem; `ends` are the runs from which and to which it may have changed."""
    counts = [run.counts for run in runs]
    tail = _tail(runs[0])[1] if len(runs) == 1 else set()
    for rank, task_id in enumerate(task_ids):
        outcomes = [outcome for run in runs for outcome in run.outcomes.get(task_id, ())]
        rates = [_rate(*of_run.get(task_id, (0, 0))) for of_run in counts]
        first, last = (rates[i] for i in ends)
        tokens = [*_tokens(rates, outcomes, ends), *["tail"] * (task_id in tail)]
        known = (of_run.problems[task_id] for of_run in details if task_id in of_run.problems)
        entry_point = next((shown.entry_point for shown in known), "")
        of_audit = audit.get(task_id, {})
        yield {
            "task_id": task_id,
            "anchor": anchors[task_id],
            "rank": rank,
            "entry_point": entry_point,
            "search": f"{task_id} {entry_point}".lower()[:600],
            "tokens": " ".join(tokens),
            "runs": [
                _cell(run, task_id, *of_run[task_id]) if task_id in of_run else None
                for run, of_run in zip(runs, counts, strict=True)
            ],
            "change": None if first is None or last is None else round(last - first, 6),
            "flagged": "flagged" in tokens,
            "caught": of_audit.get("caught"),
            "trivial": ", ".join(of_audit.get("trivial_passes", ())),
            "distinct": max(of_run.distinct.get(task_id, 0) for of_run in details),
            "cpu_s": round(max((outcome.cpu_s for outcome in outcomes), default=0.0), 6),
            "peak_mib": round(max((outcome.peak_mib for outcome in outcomes), default=0.0), 3),
        }


def _rate(n: int, c: int) -> float | None:
    return c / n if n else None


def _cell(run: Run, task_id: str, n: int, c: int) -> dict[str, Any]:
    seen = Counter(outcome.verdict for outcome in run.outcomes[task_id])
    verdicts = {verdict.value: seen[verdict] for verdict in Verdict if seen[verdict]}
    return {"n": n, "c": c, "rate": round(_rate(n, c) or 0.0, 6), "verdicts": verdicts}


def _tokens(
    rates: Sequence[float | None], outcomes: Sequence[Outcome], ends: tuple[int, int]
) -> Iterator[str]:
    known = [rate for rate in rates if rate is not None]
    if known and all(rate == 1 for rate in known):
        yield "always"
    elif any(known):
        yield "sometimes"
    elif known:
        yield "never"
    if any(outcome.passed and outcome.flags for outcome in outcomes):
        yield "flagged"
    first, last = (rates[i] for i in ends)
    if first is not None and last is not None and first != last:
        yield "worse" if last < first else "better"
        if not first or not last:
            yield LOST if first else GAINED
    for verdict in {outcome.verdict for outcome in outcomes}:
        yield f"v-{verdict.value}"


def kinds(runs: Sequence[Run], comparison: Comparison | None) -> list[tuple[str, str]]:
    """Return the kinds of problems that the table can be filtered by: a token of rows, and its meaning."""
    listed = [
        ("always", "solved by every sample"),
        ("sometimes", "solved at times"),
        ("never", "never solved"),
    ]
    if comparison is None:
        k, tail = _tail(runs[0])
        if tail:
            listed.insert(2, ("tail", f"hard: {k} samples solve it no more often than not"))
    else:
        first, last = label(comparison.question.before), label(comparison.question.after)
        listed += [
            (LOST, f"lost: solved in {first}, not in {last}"),
            (GAINED, f"gained: solved in {last}, not in {first}"),
            ("worse", f"worse in {last}"),
            ("better", f"better in {last}"),
        ]
    return [*listed, ("flagged", "with flagged passes")]


def _tail(run: Run) -> tuple[int, set[str]]:
    """Return a budget, and the problems that so many samples solve no more often than not."""
    task_ids, n, c = joining.counted(run)
    k = curve.tail_budget(int(n.min()))
    return k, {task_ids[i] for i in curve.tail_only(n, c, k)}


def flagged(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """Yield every program that passed and did something that looks like an attempt to fool the judge."""
    for number, run in enumerate(runs):
        for task_id, outcomes in run.outcomes.items():
            programs, same = run.programs[task_id], Counter[tuple[str, tuple[str, ...]]]()
            for place, outcome in enumerate(outcomes):
                if outcome.flags and outcome.passed:
                    same[programs[place], outcome.flags] += 1
            for (_, flags), samples in same.items():
                yield {"task_id": task_id, "run": number, "samples": samples, "flags": flags}
