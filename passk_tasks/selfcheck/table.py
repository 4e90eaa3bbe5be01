"""The result of a self-check, for people and as JSON."""

from __future__ import annotations

import textwrap
from typing import Any

from passk_tasks.selfcheck.check import Report, Row, Trial

_NAMES_SHOWN = 4
_WIDTH = 110
_ESCAPE = {"proved": "\x1b[32m", "NOT proved": "\x1b[31m", "not tried": "\x1b[33m"}


def render(report: Report, *, colour: bool = False) -> str:
    """Return the table of guarantees.

    Args:
        report: what `check` returned.
        colour: use ANSI colours.
    """
    first = max(len(row.guarantee.value) for row in report.rows)
    lines = [f"sandbox: {report.sandbox}"]
    for title, active in (("active", True), ("not active", False)):
        names = ", ".join(name for name, on in report.layers.items() if on is active)
        if names:
            lines += textwrap.wrap(f"{title}: {names}", _WIDTH, subsequent_indent="  ")
    lines += ["", f"{'guarantee':{first}}  result"]
    for row in report.rows:
        state = f"{_ESCAPE[row.state]}{row.state}\x1b[0m" if colour else row.state
        lines.append(f"{row.guarantee.value:{first}}  {state}{_count(row)}")
        given = _given(row, report)
        if given:
            lines.append(f"    by {given}")
        lines += [f"    broken by {_shown(trial)}" for trial in row.broken[:_NAMES_SHOWN]]
        if len(row.broken) > _NAMES_SHOWN:
            lines.append(f"    and by {len(row.broken) - _NAMES_SHOWN} more (see --json)")
    lines += ["", *[f"on the host: {what}" for what in report.host]]
    gaps = report.known_gaps
    if gaps:
        lines += textwrap.wrap(
            f"judge script: {len(gaps)} wrong programs passed, since candidate and tests share an "
            "interpreter; they do not count above (SECURITY.md). The judge isolated refuses each of them.",
            _WIDTH,
        )
    verdict = "every guarantee is proved" if report.proved else "not every guarantee is proved on this host"
    tried = sum(row.tried for row in report.rows) + len(gaps)
    lines.append(f"{verdict}: {tried} programs judged")
    return "\n".join(lines)


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


def _shown(trial: Trial) -> str:
    # The text quotes candidates, which may write anything.
    text = "".join(c if c.isprintable() else "\ufffd" for c in f"{trial.name}: {'; '.join(trial.broken)}")
    most = _WIDTH - len("    broken by ")
    return text if len(text) <= most else text[: most - 1] + "…"
