"""Caps the memory and the number of all processes of a worker together, if this process may make cgroups.

In version 1 the owner of the hierarchy (mostly root) may make a group below its own. In version 2 only leaves
may have processes, so a worker's group is made beside ours, if the parent is delegated to us. This is an
additional layer: without it, the limits of each process and the looks at all of them remain.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import signal
import time
from pathlib import Path

from passk_tasks.sandbox import leftovers

_numbers = itertools.count()


def create(memory_bytes: int, processes: int, root: Path = Path("/")) -> dict[str, Path]:
    """Make groups for one worker, which cap all its processes together; return them by the name of the layer.

    `root` is where /proc and /sys are; another in tests.
    """
    name = f"passk-{os.getpid()}-{next(_numbers)}"
    made: dict[str, Path] = {}
    for controllers, parent in _parents(root):
        _sweep(parent)
        group = parent / name
        wanted: dict[str, tuple[str, int]] = {}
        if controllers is None:
            with contextlib.suppress(OSError):
                available = (parent / "cgroup.subtree_control").read_text(encoding="ascii").split()
                if "memory" in available:
                    wanted["memory cgroup"] = ("memory.max", memory_bytes)
                if "pids" in available:
                    wanted["process cgroup"] = ("pids.max", processes)
        elif "memory" in controllers:
            wanted = {"memory cgroup": ("memory.limit_in_bytes", memory_bytes)}
        elif "pids" in controllers:
            wanted = {"process cgroup": ("pids.max", processes)}
        if not wanted:
            continue
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            for file, value in wanted.values():
                (group / file).write_text(str(value), encoding="ascii")
        except OSError:
            remove({"": group})
            continue
        made.update(dict.fromkeys(wanted, group))
    return made


def remove(groups: dict[str, Path]) -> None:
    """Remove groups, and end what is still in them; the kernel needs a moment after the last process."""
    for group in set(groups.values()):
        for _ in range(250):
            try:
                group.rmdir()
                break
            except OSError:
                if not _kill(group):
                    break
                time.sleep(0.02)


def _kill(group: Path) -> bool:
    """Kill what is in a group; return False if there is no such group."""
    try:
        pids = (group / "cgroup.procs").read_text(encoding="ascii").split()
    except OSError:
        return False
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    return True


@functools.cache  # once in a process
def _sweep(parent: Path) -> None:
    """Remove the groups of runs that were killed; the kernel keeps those that have processes."""
    for group in parent.glob("passk-*-*"):
        if leftovers.is_stale(group):
            with contextlib.suppress(OSError):
                group.rmdir()


def _parents(root: Path) -> list[tuple[list[str] | None, Path]]:
    """Return, for each hierarchy, its controllers (None for version 2) and the group to make ours in."""
    parents: list[tuple[list[str] | None, Path]] = []
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        mounts = (root / "proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return parents
    places: dict[str, Path] = {}
    for mount in mounts:
        _, target, kind, options, *_ = mount.split()
        if kind == "cgroup2":
            places.setdefault("", root / target.lstrip("/"))
        elif kind == "cgroup":
            for option in options.split(","):
                places.setdefault(option, root / target.lstrip("/"))
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            if "" in places and path != "/":
                parents.append((None, (places[""] / path.lstrip("/")).parent))
        else:
            names = controllers.split(",")
            place = next((places[n] for n in names if n in places), None)
            if place is not None:
                parents.append((names, place / path.lstrip("/")))
    return parents
