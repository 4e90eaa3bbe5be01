"""How many programs may run at one time without taking CPU time from each other."""

from __future__ import annotations

import math
import os
import random
from pathlib import Path

from passk_tasks.sandbox import cgroups


def usable_cpus() -> int:
    """Return the number of CPUs this process may use: its affinity, and its cgroup's quota rounded up."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        count = os.cpu_count() or 1
    quota = _cgroup_quota()
    return max(1, count if quota is None else min(count, math.ceil(quota)))


def _cgroup_quota(root: Path = Path("/")) -> float | None:
    """Return the CPUs that cgroup v2 or v1 grants to this process; None without a limit."""
    quotas = [
        _ratio(group / "cpu.cfs_quota_us", group / "cpu.cfs_period_us")
        if version == 1
        else _ratio(group / "cpu.max", None)
        for version, group in cgroups.binding("cpu", root)
    ]
    return min((quota for quota in quotas if quota is not None), default=None)


def _ratio(quota_file: Path, period_file: Path | None) -> float | None:
    try:
        words = quota_file.read_text(encoding="ascii").split()
        if period_file is not None:
            words.append(period_file.read_text(encoding="ascii").strip())
        quota, period = int(words[0]), int(words[1])
    except (OSError, ValueError, IndexError):
        return None  # absent, or "max"
    return quota / period if quota > 0 and period > 0 else None


def choose_cpus(workers: int) -> list[int | None]:
    """Return a CPU for each worker to stay on; None for each if there are more workers than CPUs.

    The two sides of a worker take turns, hundreds of times a program. On one CPU a turn is a context switch;
    on two it needs an interrupt to wake the other, which costs a third of the throughput. On one CPU, a
    candidate gets no more CPU time if it forks.
    """
    try:
        cpus = sorted(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return [None] * workers
    # Ranks of one launch share the host: each takes CPUs of its own.
    ranks = _positive(os.environ.get("LOCAL_WORLD_SIZE"), 1)
    rank = _positive(os.environ.get("LOCAL_RANK"), 0)
    if workers * ranks > len(cpus):
        return [None] * workers
    if ranks > 1:
        return list(cpus[rank * workers : (rank + 1) * workers]) or [None] * workers
    # At random: runs side by side, with few workers each, should not all use the first CPUs.
    return list(random.Random(os.getpid()).sample(cpus, workers))


def _positive(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdecimal() else otherwise
