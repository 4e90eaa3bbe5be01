"""The result of a self-check, for people and as JSON."""

from __future__ import annotations

from typing import Any

from passk_tasks.selfcheck.check import Report, Row, Trial
from passk_tasks.text.terminal import GREEN, RED, YELLOW, Page

_NAMES_SHOWN = 4
_STYLES = {"proved": GREEN, "NOT proved": RED, "not tried": YELLOW}


def render(report: Report, *, colour: bool = False, width: int | None = None) -> str:
    """Return the table of guarantees."""
    page = Page(colour=colour, width=width)
    first = max(len(row.guarantee.value) for row in report.rows)
    page.line(f"sandbox: {report.sandbox}")
    for title, active in (("active", True), ("not active", False)):
        names = ", ".join(name for name, on in report.layers.items() if on is active)
        if names:
            page.text(f"{title}: {names}", indent=0, hang=2)
    page.gap()
    page.line(f"{'guarantee':{first}}  result")
    for row in report.rows:
        page.line(f"{row.state}{_count(row)}", _STYLES[row.state], before=f"{row.guarantee.value:{first}}  ")
        given = _given(row, report)
        if given:
            page.text(f"by {given}", indent=4, hang=2)
        for trial in row.broken[:_NAMES_SHOWN]:
            page.text(f"broken by {trial.name}: {'; '.join(trial.broken)}", indent=4, hang=2)
        if len(row.broken) > _NAMES_SHOWN:
            page.line(f"    and by {len(row.broken) - _NAMES_SHOWN} more (see --json)")
    page.gap()
    for what in report.host:
        page.text(f"on the host: {what}", indent=0, hang=2)
    gaps = report.known_gaps
    if gaps:
        page.text(
            f"judge script: {len(gaps)} wrong programs passed, since candidate and tests share an "
            "interpreter; they do not count above (SECURITY.md). The judge isolated refuses each of them.",
            indent=0,
        )
    if report.without:
        page.text(f"not tried, as their toolchains are not here: {', '.join(report.without)}", indent=0)
    for name, count in report.absent.items():
        page.text(f"not tried, as the interpreter has no {name}: {count} programs that import it", indent=0)
    if report.unpromised:
        page.text(
            f"right programs left out: {report.unpromised}; they need a network, `/dev/shm` or a user's "
            "name, which no candidate has here (SECURITY.md, without user namespaces)",
            indent=0,
        )
    for title, why in report.refused.items():
        page.text(f"not tried: {title}: {why}", indent=0)
    verdict = "every guarantee is proved" if report.proved else "not every guarantee is proved on this host"
    tried = sum(row.tried for row in report.rows) + len(gaps)
    page.line(f"{verdict}: {tried} programs judged")
    return str(page)


def as_dict(report: Report) -> dict[str, Any]:
    """Return the report as one JSON-ready object."""
    return {
        "sandbox": report.sandbox,
        "proved": report.proved,
        "layers": report.layers,
        "guarantees": [
            {
                "guarantee": row.guarantee.value,
                "layers": row.layers,
                "state": row.state,
                "tried": row.tried,
                "untried": row.untried,
                "broken": [_trial(trial) for trial in row.broken],
            }
            for row in report.rows
        ],
        "known_gaps": [{**_trial(trial), "reason": trial.attack.known_gap} for trial in report.known_gaps],
        "host": list(report.host),
        "languages_not_tried": [*report.without, *report.refused],
        "libraries_absent": dict(report.absent),
    }


def _trial(trial: Trial) -> dict[str, Any]:
    assert trial.outcome is not None
    return {
        "name": trial.attack.name,
        "category": trial.attack.category,
        "judge": trial.judge.value,
        "verdict": trial.outcome.verdict.value,
        "cpu_s": trial.outcome.cpu_s,
        "wall_s": trial.outcome.wall_s,
        "broken": list(trial.broken),
    }


def _count(row: Row) -> str:
    parts = [f"{row.tried} tried"] if row.tried else []
    if row.broken:
        parts.append(f"{len(row.broken)} broke it")
    if row.untried:
        parts.append(f"{row.untried} not tried, as they would harm this host")
    return f" ({', '.join(parts)})" if parts else ""


def _given(row: Row, report: Report) -> str:
    """Return what gives the guarantee, with a note at each layer that is not active here."""
    known = [
        name if row.layers[name] or name in _BY_DESIGN else f"{name} (not active)"
        for name in row.layers
        if report.layers or name in _BY_DESIGN
    ]
    return ", ".join(known)


# The names in `GIVEN_BY` that are no layers of the sandbox: the judges are built so.
_BY_DESIGN = frozenset(
    {
        "tests in a process of their own",
        "plain data on the channel",
        "a process for each program",
        "CPU and wall clock",
        "clean interpreter",
    }
)
