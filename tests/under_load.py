"""What makes a test hold under any load: waiting for what a program does, and no limit by the wall clock."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import pytest

from passk_tasks.program import Limits
from passk_tasks.sandbox import worker
from passk_tasks.sandbox.box.processes import descendants

# A guard against a hang, never a measure: what should happen has happened long before, under any load.
HANG_S = 900.0
# What ends here was ended for what it used: its backstop comes after the guard.
BY_USE_ALONE = Limits(timeout_s=0.6, memory_mib=256, backstop=1000.0)


def call_itself(name: str) -> str:
    """Return code that gives its process a name, of 15 characters at most."""
    return f"import ctypes\nctypes.CDLL(None).prctl(15, {name.encode()!r})\n"


Value = TypeVar("Value")


def wait_until(look: Callable[[], Value], what: str = "it", *, every_s: float = 0.01) -> Value:
    """Look until there is something that counts as true, and return it."""
    until = time.monotonic() + HANG_S
    while not (value := look()):
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(every_s)
    return value


def wait_for_name(name: str, above: int) -> set[int]:
    """Wait for a process of this name below another one; return all processes below."""

    def look() -> set[int]:
        below = descendants(above)
        return below if any(_read(pid, "comm") == f"{name}\n" for pid in below) else set()

    return wait_until(look, f"a process {name!r} below {above}")


def still_running(processes: Iterable[int]) -> set[int]:
    """Return those that have not ended. A zombie has: it is a number that its parent has yet to collect."""
    return {pid for pid in processes if not _has_ended(pid)}


def named(name: str) -> set[int]:
    """Return all living processes of this host that have a name, of which the kernel keeps 15 characters."""
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return still_running(pid for pid in numbers if _read(pid, "comm") == f"{name[:15]}\n")


def _has_ended(pid: int) -> bool:
    state = _read(pid, "stat").rpartition(")")[2].split()[:1]
    if state != ["Z"]:
        return state in ([], ["X"])
    # Where only the main thread has ended, the process looks like a zombie, and others go on.
    try:
        return len(list(Path(f"/proc/{pid}/task").iterdir())) <= 1
    except OSError:
        return True


def _read(pid: int, file: str) -> str:
    """Return a file of a process, "" where there is none any more."""
    try:
        return Path(f"/proc/{pid}/{file}").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def lift_backstop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lift the lower backstop of candidates with several processes, which is not among the limits."""
    start = "launch.main(config, fork_hooks)"
    lifted = f"from passk_tasks.sandbox.box import process\nprocess._TREE_BACKSTOP = 1000.0\n{start}"
    assert worker._BOOT.count(start) == 1
    monkeypatch.setattr(worker, "_BOOT", worker._BOOT.replace(start, lifted))


def groups_of(pid: int) -> list[str]:
    """Return the cgroups that a run has made; `walk` does not mind that those of others come and go."""
    walked = os.walk("/sys/fs/cgroup")
    return [folder for folder, _, _ in walked if Path(folder).name.startswith(f"passk-{pid}-")]
