"""The one run in a place."""

from __future__ import annotations

from pathlib import Path

from passk_tasks.results import reading
from passk_tasks.results.model import StoredRun


def stored(path: Path) -> StoredRun:
    """Return the one run in a place."""
    (found,) = reading.listing(path).runs
    return found
