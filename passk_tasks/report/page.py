"""The page: what stored runs say, put into one HTML file that asks nothing of any network.

    runs, comparison, figures, details -> context -> page.html.j2 -> HTML

Everything but the candidates is static HTML. These are packed, a gzipped JSON document a problem, and
unpacked by page.js when a problem is opened: megabytes of code cost nothing until somebody reads them.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import importlib.resources
import json
import re
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from passk_tasks._version import __version__
from passk_tasks.audit import audit as audit_module
from passk_tasks.compare import GAINED, LOST, Comparison, Condition, compare, label
from passk_tasks.errors import UsageError
from passk_tasks.report import candidates as candidates_module
from passk_tasks.report import figures
from passk_tasks.report.candidates import Candidate, Details
from passk_tasks.report.svg import themed
from passk_tasks.report.visible import shortened, visible
from passk_tasks.results import joining
from passk_tasks.results.model import Run
from passk_tasks.statistics import curve
from passk_tasks.statistics.metrics import BASE_PASS, Metric
from passk_tasks.text import summary
from passk_tasks.verdict import Verdict

_BASE = BASE_PASS.removesuffix("K")

PACKED_LIMIT = 12_000_000
"""Characters that the packed candidates may take in all; beyond, some of them are left out."""

# What is kept of the candidates until they fit: the model's own words beside the code, candidates a problem.
_LEVELS: tuple[tuple[bool, int | None], ...] = (
    (True, None),
    (False, None),
    (False, 100),
    (False, 50),
    (False, 20),
    (False, 5),
    (False, 1),
)


def build(
    runs: Sequence[Run],
    *,
    metrics: Sequence[Metric] | None = None,
    clusters: Mapping[str, Hashable] | None = None,
    anyway: bool = False,
    title: str | None = None,
    audit: Mapping[str, Any] | None = None,
) -> str:
    """Return a report on runs as one HTML page: self-contained, for any browser since 2023, online or not.

    Args:
        runs: at least one, as `results.reading.load_all` reads them; several are compared, the last one being
            under test.
        metrics: what to estimate beside pass@1; the budgets that the runs were asked for where None.
        clusters: what problems share, by task_id; what the benchmark says where None.
        anyway: compare even where conditions differ that make the numbers unlike.
        title: heading of the page; what the runs are called where None.
        audit: of the same problems, as `Audit.as_dict()` has it: what their tests are worth, problem by
            problem.

    Returns:
        HTML in which every character of the runs' texts is visible text. It holds no lone surrogate, so it
        can be written as UTF-8.

    Raises:
        UsageError: no run, one without a verdict, a budget beyond n, runs that cannot be compared, or an
            audit of other problems.
    """
    if not runs:
        raise UsageError("a report needs at least one run")
    comparison = compare(runs, metrics=metrics, anyway=anyway, clusters=clusters) if len(runs) > 1 else None
    details = [candidates_module.read(run) for run in runs]
    environment = Environment(
        autoescape=True, finalize=_finalize, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "interval": summary.interval,
        "signed": lambda ci95: summary.interval(ci95, signed=True),
        "p_value": summary.p_value,
        "short": lambda text: shortened(str(text), line=300, whole=600),
        "spelled": lambda counts: ", ".join(f"{count:,} {name}" for name, count in counts.items()),
        "pieces": _pieces,
        "source_hash": _source_hash,
    }
    names = _problem_names(runs)
    worth = _worth(audit, names)
    chunks, said = _packed(details, names)
    context: dict[str, Any] = {
        "title": title or _title(runs),
        "subtitle": _subtitle(runs, comparison),
        "version": __version__,
        "style": Markup(_file("page.css")),
        "script": Markup(_file("page.js")),
        "runs": [_run(i, run, metrics, clusters) for i, run in enumerate(runs)],
        "names": [{"letter": label(i), "name": visible(_short(run.name))} for i, run in enumerate(runs)],
        "metrics_head": summary.METRICS_HEAD,
        "meaning": summary.MEANING,
        "bound_meaning": summary.BOUND_MEANING,
        "figures": _figures(runs, comparison, clusters),
        "comparison": comparison,
        "verdicts": _verdict_rows(runs),
        "flagged": list(_flagged(details)),
        "problems": _problem_rows(runs, details, names, worth),
        "audit": [] if audit is None else audit_module.facts(audit),
        "kinds": _kinds(runs, comparison),
        "numbers": {task_id: number for number, task_id in enumerate(names)},
        "conditions": _conditions(runs),
        "notes": [*_notes(details), *said],
        "chunks": chunks,
    }
    context["bound"] = any(run["bound"] for run in context["runs"])
    if comparison is not None:
        flips = Counter(change.flip for change in comparison.changes)
        context |= {"lost": flips[LOST], "gained": flips[GAINED], "groups": _groups(comparison)}
    return environment.from_string(_file("page.html.j2")).render(context)


def _finalize(value: Any) -> Any:
    # Every expression of the template passes here: no text gets in that cannot be seen.
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _file(name: str) -> str:
    return importlib.resources.files("passk_tasks.report").joinpath(name).read_text(encoding="utf-8")


def _source_hash(source: str) -> Markup:
    digest = hashlib.sha256(source.encode()).digest()
    return Markup(f"sha256-{base64.b64encode(digest).decode()}")


def _short(name: str) -> str:
    return name if len(name) <= 80 else f"{name[:79]}…"


# ---------------------------------------------------------------------- what is said of runs


def _title(runs: Sequence[Run]) -> str:
    tasks = sorted({run.task for run in runs})
    if len(runs) == 1:
        return f"{tasks[0]}: {_short(runs[0].name)}"
    return f"{len(runs)} runs of {', '.join(tasks)}"


def _subtitle(runs: Sequence[Run], comparison: Comparison | None) -> str:
    if comparison is not None:
        return f"{', '.join(_short(run.name) for run in runs)}: {len(comparison.problems)} problems in common"
    date = runs[0].date
    return "" if date is None else f"judged {date:%Y-%m-%d %H:%M} {date.tzname() or ''}"


def _run(
    number: int, run: Run, metrics: Sequence[Metric] | None, clusters: Mapping[str, Hashable] | None
) -> dict[str, Any]:
    scores = joining.scores(run, metrics, clusters)
    # What the run itself says of the base stage of the tests, where they have one.
    scores |= {name: one for name, one in run.metrics.items() if name.startswith(_BASE)}
    n = run.conditions.n
    headline = [
        f"{run.problems:,} of {run.problems_total:,} problems",
        f"{run.samples:,} samples" + ("" if n is None else f" (n = {n})"),
    ]
    facts = dict(summary.facts(run))
    if "distinct" in facts:
        headline.append(f"distinct: {facts['distinct']}")
    ks = set(curve.budgets_to_show(int(joining.counted(run)[1].min())))
    return {
        "letter": label(number),
        "name": _short(run.name),
        "headline": "; ".join(headline),
        "metrics": summary.metrics_rows(scores),
        "bound": any(summary.is_bound(one) for one in scores.values()),
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


def _conditions(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    described: list[dict[str, Any]] = []
    for run in runs:
        flat: dict[str, Any] = {
            "model": run.model,
            "date": None if run.date is None else run.date.isoformat(timespec="seconds"),
            "results": str(run.path),
            **{name: text for name, text in summary.facts(run) if name in ("sandbox", "problems")},
        }
        for name, value in run.conditions.as_dict().items():
            if isinstance(value, Mapping):
                flat |= {f"{name}: {part}": one for part, one in value.items()}
            elif name != "sandbox":
                flat[name] = value
        described.append(flat)
    names = dict.fromkeys(name for one in described for name in one)
    rows = [(name, [one.get(name) for one in described]) for name in names]
    return [
        (name, Condition(name, tuple(values)).shown())
        for name, values in rows
        if any(value is not None for value in values)
    ]


def _verdict_rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    rows = []
    for verdict in Verdict:
        counts = [run.verdicts.get(verdict.value, 0) for run in runs]
        if any(counts):
            shares = [(count, count / max(run.samples, 1)) for count, run in zip(counts, runs, strict=True)]
            rows.append({"verdict": verdict.value, "counts": shares})
    return rows


def _groups(comparison: Comparison) -> list[str]:
    members: list[list[str]] = [[] for _ in comparison.runs]
    for number, group in enumerate(comparison.groups, 1):
        for i in group:
            members[i].append(str(number))
    return [" ".join(one) for one in members]


def _figures(
    runs: Sequence[Run], comparison: Comparison | None, clusters: Mapping[str, Hashable] | None
) -> dict[str, Markup]:
    # Names may be long, or hostile; the page has a key to the letters.
    letters = [label(i) for i in range(len(runs))]
    drawn = {
        "curves": (figures.curves(runs, labels=letters, clusters=clusters), "pass@k by k, with its bands"),
        "verdicts": (figures.verdicts(runs, labels=letters), "share of each verdict"),
        "resources": (figures.resources(runs, labels=letters), "histograms of CPU time and of peak memory"),
    }
    if comparison is not None:
        drawn["differences"] = (figures.differences(comparison), "paired differences with intervals")
    return {name: themed(figure, name, text) for name, (figure, text) in drawn.items()}


# ---------------------------------------------------------------------- what is said of problems


def _problem_names(runs: Sequence[Run]) -> list[str]:
    names = dict.fromkeys(task_id for run in runs for task_id in run.outcomes)
    return sorted(
        names,
        key=lambda name: [
            (part.isdigit(), int(part) if part.isdigit() else part)
            for part in re.split(r"([0-9]{1,18})", name)
        ],
    )


def _worth(audit: Mapping[str, Any] | None, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return what an audit says of each problem, by task_id."""
    if audit is None:
        return {}
    found = {str(one["task_id"]): one for one in audit["by_problem"]}
    if not found.keys() & set(names):
        raise UsageError(
            f"the audit is of {audit['task']}, and none of its problems is among those of the runs"
        )
    return found


def _problem_rows(
    runs: Sequence[Run],
    details: Sequence[Details],
    names: Sequence[str],
    worth: Mapping[str, Mapping[str, Any]],
) -> Iterator[dict[str, Any]]:
    counts = [run.counts for run in runs]
    tail = _tail(runs[0])[1] if len(runs) == 1 else set()
    for rank, task_id in enumerate(names):
        outcomes = [outcome for run in runs for outcome in run.outcomes.get(task_id, ())]
        rates = [one[task_id][1] / one[task_id][0] if one.get(task_id, (0, 0))[0] else None for one in counts]
        cells = [
            None
            if task_id not in run.outcomes
            else {
                "n": one[task_id][0],
                "c": one[task_id][1],
                "rate": round(rate or 0.0, 6),
                "verdicts": _counted(run, task_id),
            }
            for run, one, rate in zip(runs, counts, rates, strict=True)
        ]
        first, last = rates[0], rates[-1]
        flagged = any(outcome.passed and outcome.flags for outcome in outcomes)
        entry_point = next((p for one in details if (p := one.entry_points.get(task_id))), "")
        yield {
            "task_id": task_id,
            "rank": rank,
            "entry_point": entry_point,
            "search": f"{task_id} {entry_point}".lower()[:600],
            "tokens": " ".join(
                [*_tokens(rates, flagged, {one.verdict for one in outcomes}), *["tail"] * (task_id in tail)]
            ),
            "runs": cells,
            "change": None if first is None or last is None else round(last - first, 6),
            "flagged": flagged,
            "caught": worth.get(task_id, {}).get("caught"),
            "trivial": ", ".join(worth.get(task_id, {}).get("trivial_passes", ())),
            "distinct": max(len(one.candidates.get(task_id, ())) for one in details),
            "cpu_s": round(max((one.cpu_s for one in outcomes), default=0.0), 6),
            "peak_mib": round(max((one.peak_mib for one in outcomes), default=0.0), 3),
        }


def _tokens(rates: Sequence[float | None], flagged: bool, verdicts: set[Verdict]) -> Iterator[str]:
    known = [rate for rate in rates if rate is not None]
    if known and all(rate == 1 for rate in known):
        yield "always"
    elif any(known):
        yield "sometimes"
    else:
        yield "never"
    if flagged:
        yield "flagged"
    first, last = rates[0], rates[-1]
    if first is not None and last is not None and first != last:
        yield "worse" if last < first else "better"
        if not first or not last:
            yield LOST if first else GAINED
    for verdict in verdicts:
        yield f"v-{verdict.value}"


def _kinds(runs: Sequence[Run], comparison: Comparison | None) -> list[tuple[str, str]]:
    kinds = [
        ("always", "solved by every sample"),
        ("sometimes", "solved at times"),
        ("never", "never solved"),
    ]
    if comparison is None:
        k, tail = _tail(runs[0])
        if tail:
            kinds.insert(2, ("tail", f"hard: {k} samples solve it no more often than not"))
    else:
        last = label(len(runs) - 1)
        kinds += [
            (LOST, f"lost: solved in A, not in {last}"),
            (GAINED, f"gained: solved in {last}, not in A"),
        ]
        kinds += [("worse", f"worse in {last}"), ("better", f"better in {last}")]
    return [*kinds, ("flagged", "with flagged passes")]


def _tail(run: Run) -> tuple[int, set[str]]:
    """Return a budget, and the problems that only more samples solve."""
    task_ids, n, c = joining.counted(run)
    k = curve.tail_budget(int(n.min()))
    return k, {task_ids[i] for i in curve.tail_only(n, c, k)}


def _counted(run: Run, task_id: str) -> dict[str, int]:
    seen = Counter(outcome.verdict for outcome in run.outcomes[task_id])
    return {verdict.value: seen[verdict] for verdict in Verdict if seen[verdict]}


def _pieces(counts: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    whole, before = sum(counts.values()), 0
    for verdict in Verdict:
        if count := counts.get(verdict.value, 0):
            x = round(100 * before / whole, 2)
            before += count
            end = round(100 * before / whole, 2)
            yield {"verdict": verdict.value, "x": f"{x:g}", "width": f"{end - x:g}"}


def _flagged(details: Sequence[Details]) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(details):
        for task_id, found in one.candidates.items():
            for candidate in found:
                if candidate.outcome.passed and candidate.outcome.flags:
                    yield {
                        "task_id": task_id,
                        "run": number,
                        "samples": len(candidate.samples),
                        "flags": candidate.outcome.flags,
                    }


def _notes(details: Sequence[Details]) -> list[str]:
    if len(details) == 1:
        return list(details[0].notes)
    said: dict[str, list[str]] = {}
    for i, one in enumerate(details):
        for note in one.notes:
            said.setdefault(note, []).append(label(i))
    return [f"{', '.join(letters)}: {note}" for note, letters in said.items()]


# ---------------------------------------------------------------------- candidates, packed


def _packed(details: Sequence[Details], names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return a base64 text for each problem, and what has to be said of what is not in them."""
    for texts, most in _LEVELS:
        chunks = [_chunk(task_id, details, texts=texts, most=most) for task_id in names]
        if sum(map(len, chunks)) <= PACKED_LIMIT:
            break
    said = []
    if not texts:
        said.append(
            "To keep this page small, the models' texts are left out; the code found in them is here."
        )
    if most is not None:
        said.append(f"To keep this page small, at most {most} candidates of a problem are here.")
    return chunks, said


def _chunk(task_id: str, details: Sequence[Details], *, texts: bool, most: int | None) -> str:
    prompt = next((one.prompts[task_id] for one in details if task_id in one.prompts), None)
    runs: list[dict[str, Any] | None] = []
    for one in details:
        found = one.candidates.get(task_id)
        if found is None:
            runs.append(None)
            continue
        kept = found if most is None else _spread(found, most)
        facts: dict[str, Any] = {
            "distinct": len(found),
            "candidates": [_as_dict(one, texts=texts) for one in kept],
        }
        if len(kept) < len(found):
            facts["left_out"] = len(found) - len(kept)
        runs.append(facts)
    problem: dict[str, Any] = {"runs": runs}
    if prompt is not None:
        problem["prompt"] = _shown(prompt.strip("\n"))
    # Without the time in its head: the same runs make the same page.
    raw = gzip.compress(json.dumps(problem, separators=(",", ":")).encode("ascii"), 6, mtime=0)
    return base64.b64encode(raw).decode("ascii")


def _spread(found: Sequence[Candidate], most: int) -> list[Candidate]:
    """Return the most frequent candidates, each verdict in its turn, in their order."""
    seen: Counter[Verdict] = Counter()
    turns = []
    for number, one in enumerate(found):
        turns.append((seen[one.outcome.verdict], number))
        seen[one.outcome.verdict] += 1
    return [found[number] for number in sorted(number for _, number in sorted(turns)[:most])]


def _as_dict(one: Candidate, *, texts: bool) -> dict[str, Any]:
    outcome = one.outcome
    facts: dict[str, Any] = {
        "verdict": outcome.verdict.value,
        "detail": _shown(outcome.detail),
        "flags": [_shown(flag) for flag in outcome.flags],
        "samples": list(one.samples),
        "cpu_s": outcome.cpu_s,
        "peak_mib": outcome.peak_mib,
    }
    if outcome.base_passed is not None and not (outcome.passed and outcome.base_passed):
        facts["base"] = "base tests passed" if outcome.base_passed else "base tests failed"
    if one.code is not None:
        facts["code"] = _shown(one.code.strip("\n"))
    if one.text is not None and (texts or one.code is None):
        facts["text"] = _shown(one.text)
    return facts


def _shown(text: str) -> str:
    return visible(shortened(text))
