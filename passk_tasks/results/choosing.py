"""Some of the runs of a folder: by tag, task, model and day, the newest last or the best first."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

from passk_tasks.errors import UsageError, did_you_mean
from passk_tasks.results.model import Listing, StoredRun

_AGO = {"d": 1, "w": 7, "m": 30, "y": 365}


def choose(
    listing: Listing,
    *,
    tags: Collection[str] = (),
    task: str | None = None,
    model: str | None = None,
    since: str | None = None,
    best: str | None = None,
) -> Listing:
    """Return the runs that are wanted, as `api.list_runs` says; those without the metric `best` come last."""
    start = None if since is None else day(since)
    kept = [
        run
        for run in listing.runs
        if set(tags) <= set(run.tags)
        and (task is None or task in run.task)
        and (model is None or model.lower() in run.name.lower())
        and (start is None or (run.date is not None and run.date.date() >= start))
    ]
    if listing.runs and not kept:
        raise UsageError(_nothing(listing.runs, tags, task, model, since))
    if best is not None:
        kept.sort(key=lambda run: -run.scores.get(best, -1.0))
        if kept and best not in kept[0].scores:
            known = dict.fromkeys(name for run in kept for name in run.scores)
            raise UsageError(
                f"--best {best}: no run has it{did_you_mean(best, known)}; there are {', '.join(known)}"
            )
    return replace(listing, runs=tuple(kept))


def day(text: str, today: date | None = None) -> date:
    """Return the day that is meant by `2026-11-29`, or so long before today by `10d`, `6w`, `3m`, `1y`.

    Raises:
        UsageError: neither.
    """
    ago = re.fullmatch(r"(\d{1,4})([dwmy])", text.strip())
    if ago is not None:
        return (today or datetime.now(timezone.utc).date()) - timedelta(days=int(ago[1]) * _AGO[ago[2]])
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"--since {text}: a day (YYYY-MM-DD), or how long ago: 10d, 6w, 3m, 1y") from None


def _nothing(
    runs: Sequence[StoredRun], tags: Collection[str], task: str | None, model: str | None, since: str | None
) -> str:
    """Return what to say where no run is left: what there would be to choose from."""
    asked = {
        "tag": (", ".join(tags), [tag for run in runs for tag in run.tags]),
        "task": (task, [run.task for run in runs]),
        "model": (model, [run.name for run in runs]),
        "since": (since, [f"{run.date:%Y-%m-%d}" for run in runs if run.date is not None][-1:]),
    }
    there = [
        f"--{name} {text}, and there {'is' if len(set(known)) == 1 else 'are'} "
        + (", ".join(list(dict.fromkeys(known))[:8]) or "none")
        for name, (text, known) in asked.items()
        if text
    ]
    return f"none of {len(runs)} runs: {'; '.join(there)}"
