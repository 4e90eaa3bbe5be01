"""The kinds of program: each judge has a driver, and each request of a candidate's one meaning."""

from __future__ import annotations

from passk_tasks.program import Judge
from passk_tasks.sandbox.box.drivers import DRIVERS


def test_each_judge_has_a_driver() -> None:
    """The names in the worker's protocol are the judges'."""
    assert set(DRIVERS) == {judge.value for judge in Judge}


def test_no_request_has_two_meanings() -> None:
    """One process answers the requests of every driver, so no two have a verb in common."""
    verbs = [verb for driver in DRIVERS.values() for verb in driver.REQUESTS]
    assert len(verbs) == len(set(verbs))
