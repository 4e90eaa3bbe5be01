"""The page: what stored runs say, put into one HTML file that asks nothing of any network.

    runs, comparison, figures, details -> context -> page.html.j2, page.css, script/*.js -> HTML

Everything but the programs is static HTML: tables of runs and of problems. The programs are packed.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.resources
from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from passk_tasks._version import __version__
from passk_tasks.audit import audit as audit_module
from passk_tasks.compare import GAINED, LOST, Comparison, compare, label
from passk_tasks.errors import UsageError
from passk_tasks.report import causes, data, distinct, figures
from passk_tasks.report.packed import MOST_CANDIDATES, grid, packed
from passk_tasks.report.svg import themed
from passk_tasks.report.visible import shortened, visible
from passk_tasks.results.findings import Finding
from passk_tasks.results.model import Run
from passk_tasks.statistics.metrics import Metric
from passk_tasks.statistics.rounding import decimal, percent
from passk_tasks.text import sent, spending, summary
from passk_tasks.verdict import Verdict

_SCRIPTS = ("code", "candidates", "table", "map")  # parts of one script, in their order


def build(
    runs: Sequence[Run],
    *,
    metrics: Sequence[Metric] | None = None,
    clusters: Mapping[str, Hashable] | None = None,
    anyway: bool = False,
    title: str | None = None,
    audit: Mapping[str, Any] | None = None,
    baseline: str | None = None,
    last: bool = False,
) -> str:
    """Return a report on runs as one HTML page, as `api.report_runs` says, for any browser since 2023.

    `audit` is of the same problems, as `Audit.as_dict()` has it. Every character of the runs' texts is
    visible, and there is no lone surrogate, so that the page can be written as UTF-8.
    """
    if not runs:
        raise UsageError("a report needs at least one run")
    comparison = None
    if len(runs) > 1:
        comparison = compare(
            runs, metrics=metrics, anyway=anyway, clusters=clusters, baseline=baseline, last=last
        )
    called = [run.label or run.name for run in runs] if comparison is None else list(comparison.names)
    each = max(1, MOST_CANDIDATES // max(1, sum(len(run.outcomes) for run in runs)))
    details = [distinct.read(run, each) for run in runs]
    context: dict[str, Any] = {
        "title": title or data.title(runs),
        "subtitle": data.subtitle(runs, comparison),
        "version": __version__,
        "style": Markup(_file("page.css")),
        "script": Markup("\n".join(_file(f"script/{name}.js") for name in _SCRIPTS)),
        "figures": _figures(runs, comparison, clusters),
        "comparison": comparison,
        **_runs(runs, called, metrics, clusters),
        **_problems(runs, details, comparison, audit),
    }
    if comparison is not None:
        context["causes"], drawn = causes.described(runs, comparison.primary, clusters)
        context["figures"] |= {name: themed(figure, name, text) for name, (figure, text) in drawn.items()}
        context |= _differences(comparison, context["findings"])
    return _template().render(context)


def _runs(
    runs: Sequence[Run],
    names: Sequence[str],
    metrics: Sequence[Metric] | None,
    clusters: Mapping[str, Hashable] | None,
) -> dict[str, Any]:
    """Return what the template is told of whole runs."""
    described = [
        {**data.described(i, run, name, metrics, clusters), "colour": i % len(figures.RUNS)}
        for i, (run, name) in enumerate(zip(runs, names, strict=True))
    ]
    findings: dict[Finding, list[int]] = {}  # each once, with the runs that it is true of
    for i, run in enumerate(runs):
        for finding in run.findings:
            findings.setdefault(finding, []).append(i)
    return {
        "runs": described,
        "findings": findings,
        "names": [
            {"letter": of_run["letter"], "name": visible(of_run["name"]), "colour": of_run["colour"]}
            for of_run in described
        ],
        "metrics_head": summary.METRICS_HEAD,
        "meaning": summary.MEANING,
        "bound": any(of_run["bound"] for of_run in described),
        "bound_meaning": summary.BOUND_MEANING,
        "kept_meaning": summary.KEPT_MEANING if any(of_run["kept"] for of_run in described) else "",
        "verdicts": data.verdicts(runs),
        "conditions": data.conditions(runs),
    }


def _differences(comparison: Comparison, findings: Collection[Finding]) -> dict[str, Any]:
    """Return what the template is told of several runs' problems and conditions that are not the same."""
    flips = Counter(change.flip for change in comparison.changes)
    letters = [label(i) for i in range(len(comparison.runs))]
    first = sent.first_parts(comparison.conditions)
    said = tuple(map(str, findings))  # these stand on top
    return {
        "lost": flips[LOST],
        "gained": flips[GAINED],
        "groups": data.groups(comparison),
        "text_changes": list(sent.texts(comparison.conditions, letters)),
        "differing": [(one, sent.by_value(one, letters)) for one in first],
        "differing_too": [
            (one, sent.by_value(one, letters)) for one in comparison.conditions if one not in first
        ],
        "warnings": [text for text in comparison.warnings if not text.endswith(said)],
    }


def _problems(
    runs: Sequence[Run],
    details: Sequence[distinct.Details],
    comparison: Comparison | None,
    audit: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return what the template is told of problems and programs."""
    task_ids = data.task_ids_in_order(runs)
    chunks, left_out = packed(details, task_ids)
    ends = (0, 0) if comparison is None else (comparison.question.before, comparison.question.after)
    anchors, audited = data.anchors(task_ids), data.audited(audit, task_ids)
    return {
        "problems": data.problem_rows(runs, details, task_ids, audited, ends, anchors),
        "anchors": anchors,
        "grid": grid(runs, task_ids),
        "kinds": data.kinds(runs, comparison),
        "flagged": list(data.flagged(runs)),
        "audit": [] if audit is None else audit_module.facts(audit),
        "notes": [*data.notes(details), *left_out],
        "chunks": chunks,
    }


@functools.cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, finalize=_finalize, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "bounded": summary.bounded,
        "decimal": decimal,
        "percent": lambda share, digits=0: percent(share, digits).replace("%", " %"),
        "interval": summary.interval,
        "signed": lambda ci95: summary.interval(ci95, signed=True),
        "p_value": summary.p_value,
        "amount": spending.amount,
        "short": lambda text: shortened(str(text), line=300, whole=600),
        "spelled": lambda counts: ", ".join(f"{count:,} {name}" for name, count in counts.items()),
        "pieces": _pieces,
        "source_hash": _source_hash,
    }
    return environment.from_string(_file("page.html.j2"))


def _finalize(value: Any) -> Any:
    # Every expression of the template passes here: no text gets in that cannot be seen.
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _file(name: str) -> str:
    return importlib.resources.files("passk_tasks.report").joinpath(name).read_text(encoding="utf-8")


def _source_hash(source: str) -> Markup:
    digest = hashlib.sha256(source.encode()).digest()
    return Markup(f"sha256-{base64.b64encode(digest).decode()}")


def _pieces(counts: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    whole, before = sum(counts.values()), 0
    for verdict in Verdict:
        if count := counts.get(verdict.value, 0):
            x = round(100 * before / whole, 2)
            before += count
            end = round(100 * before / whole, 2)
            yield {"verdict": verdict.value, "x": f"{x:g}", "width": f"{end - x:g}"}


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
    bought = figures.costs(runs, labels=letters, clusters=clusters)
    if bought is not None:
        drawn["costs"] = (bought, "pass@cost by what may be spent on a problem, with its bands")
    if comparison is not None:
        drawn["differences"] = (figures.differences(comparison), "paired differences with intervals")
    return {name: themed(figure, name, text) for name, (figure, text) in drawn.items()}
