"""Every program of ../shared/data/reports gets its right verdict."""

from __future__ import annotations

import sys
from typing import Any

import programs
import pytest

from passk_tasks.judging.batch import judge
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Limits
from passk_tasks.verdict import Outcome, Verdict

# docs/judges.md: a function's own object is equal to nothing, whatever its class says.
NOT_BELIEVED = {"right-own-sequence-eq"}

NEWER = {"right-try-star": (3, 11)}  # syntax that Python has from then on


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    """Return what came of each program, by id."""
    by_id: dict[str, Outcome] = {}
    # Right programs get more time: a busy machine makes memory and system calls dearer.
    for timeout_s, is_right in ((3.0, False), (20.0, True)):
        rows = [row for row in programs.rows() if (row["expect"] == "pass") is is_right]
        judged = judge([programs.program(row) for row in rows], local(Confinement(Limits(timeout_s))))
        by_id |= {row["id"]: outcome for row, outcome in zip(rows, judged.outcomes, strict=True)}
    return by_id


def expected(row: dict[str, Any], outcome: Outcome) -> bool:
    """Whether a verdict is the right one; a run without verdict never is."""
    if outcome.verdict is Verdict.INFRA_ERROR:
        return False
    if row["expect"] == "timeout":
        return outcome.verdict is Verdict.TIMEOUT
    return outcome.passed is (row["expect"] == "pass")


def test_every_program_has_its_right_verdict(outcomes: dict[str, Outcome]) -> None:
    """Right programs pass, wrong and hostile ones do not, and none is without a verdict."""
    wrong = [
        f"{row['id']} ({row['task_id']}, {row['expect']}): {outcome.verdict} {outcome.detail}"
        for row in programs.rows()
        if row["id"] not in NOT_BELIEVED
        and sys.version_info >= NEWER.get(row["id"], ())
        and not expected(row, outcome := outcomes[row["id"]])
    ]
    assert not wrong, "\n".join(wrong)
