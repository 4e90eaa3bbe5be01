"""The one run in a place."""

from __future__ import annotations

from pathlib import Path

from passk_tasks.results import runs
from passk_tasks.results.runs import StoredRun


def stored(path: Path) -> StoredRun:
    """Return the one run in a place."""
    (found,) = runs.listing(path).runs
    return found
