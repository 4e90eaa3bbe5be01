"""One run of the corpus for all the tests of this folder."""

from __future__ import annotations

import sys

import pytest

from passk_tasks.errors import SandboxError
from passk_tasks.selfcheck.check import Report, check


@pytest.fixture(scope="session")
def report() -> Report:
    """Return the report of the whole corpus under `strict`, run once for the session."""
    if sys.platform != "linux":
        pytest.skip("the strict sandbox is Linux's")
    try:
        return check()
    except SandboxError as error:
        pytest.skip(f"this host gives no strict sandbox: {error}")
