"""Right programs as this package judges them, in one process, and in a bare interpreter."""

from __future__ import annotations

from typing import Any

import programs
import pytest

from passk_tasks.judging.batch import judge
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Judge, Limits

# docs/judges.md has the table with the reasons: (by default, in one process, in a bare interpreter).
DIFFER: dict[str, tuple[bool, bool, bool]] = {
    "right-own-sequence-eq": (False, True, True),
    "right-mp-spawn": (True, True, False),
    "gen-close-print": (True, True, False),
    "custom-fn-exec-main": (True, True, False),
}


def right_programs() -> list[dict[str, Any]]:
    """Return the programs that must pass."""
    return [row for row in programs.rows() if row["expect"] == "pass"]


@pytest.mark.slow
def test_three_ways_agree() -> None:
    """But for a few named ones, every right program passes in all three ways."""
    rows = right_programs()
    ways = [
        judge(
            [programs.program(row, way) for row in rows], local(Confinement(Limits(timeout_s=10.0)))
        ).outcomes
        for way in (Judge.ISOLATED, Judge.SCRIPT)
    ]
    told = {
        row["id"]: (default.passed, script.passed, programs.bare(row))
        for row, default, script in zip(rows, *ways, strict=True)
    }
    assert {name: passed for name, passed in told.items() if not all(passed)} == DIFFER
    assert len(DIFFER) <= 12
