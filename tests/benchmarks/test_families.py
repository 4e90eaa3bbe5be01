"""Tests of the table of benchmark families."""

from __future__ import annotations

import pytest

from passk_tasks import benchmarks
from passk_tasks.errors import UsageError


def test_names() -> None:
    """Families are listed sorted, and each is got by the name it has."""
    assert benchmarks.names() == sorted(benchmarks.names())
    assert "humaneval" in benchmarks.names()
    assert all(benchmarks.get(name).name == name for name in benchmarks.names())


def test_unknown_name() -> None:
    """An unknown family names the nearest one."""
    with pytest.raises(UsageError, match=r"no benchmark 'humanevil' \(did you mean 'humaneval'\?\)"):
        benchmarks.get("humanevil")
