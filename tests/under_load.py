"""What makes a test hold under any load: waiting for what a program does, and no limit by the wall clock."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from passk_tasks.program import Limits
from passk_tasks.sandbox import worker
from passk_tasks.sandbox.box.processes import descendants

# A guard against a hang, never a measure: what should happen has happened long before, under any load.
HANG_S = 300.0
# What ends here was ended for what it used: its backstop comes after the guard.
BY_USE_ALONE = Limits(timeout_s=1.0, memory_mib=256, backstop=1000.0)


def call_itself(name: str) -> str:
    """Return code that gives its process a name, of 15 characters at most."""
    return f"import ctypes\nctypes.CDLL(None).prctl(15, {name.encode()!r})\n"


def wait_for_name(name: str, above: int) -> set[int]:
    """Wait for a process of this name below another one; return all processes below."""
    until = time.monotonic() + HANG_S
    while time.monotonic() < until:
        below = descendants(above)
        for pid in below:
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text() == f"{name}\n":
                    return below
        time.sleep(0.01)
    raise AssertionError(f"no process {name!r} below {above}")


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    until = time.monotonic() + HANG_S
    while not holds():
        assert time.monotonic() < until, "it never came to hold"
        time.sleep(0.01)


def still_running(pids: set[int]) -> set[int]:
    """Return those of the processes that run; one that has ended may wait long for whoever adopted it."""
    running = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            state = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            if state not in ("Z", "X"):
                running.add(pid)
    return running


def lift_backstop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lift the lower backstop of candidates with several processes, which is not among the limits."""
    start = "launch.main(config)"
    lifted = f"from passk_tasks.sandbox.box import process\nprocess._TREE_BACKSTOP = 1000.0\n{start}"
    assert worker._BOOT.count(start) == 1
    monkeypatch.setattr(worker, "_BOOT", worker._BOOT.replace(start, lifted))
