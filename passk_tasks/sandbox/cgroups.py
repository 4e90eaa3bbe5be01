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
from collections.abc import Iterator
from pathlib import Path

from passk_tasks.sandbox import leftovers

OWN_PROCESSES = 8
"""A worker's own processes, beside those of its program."""
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


def memory_events(group: Path) -> tuple[int, int]:
    """Return how many of a group's processes the kernel ended, and how often the group reached its cap."""
    second = _numbers_in(group / "memory.events")
    if "oom_kill" in second:
        return second["oom_kill"], second["oom"]
    with contextlib.suppress(OSError, ValueError, KeyError):
        ended = _numbers_in(group / "memory.oom_control")["oom_kill"]
        return ended, int((group / "memory.failcnt").read_text(encoding="ascii"))
    return 0, 0


def _numbers_in(file: Path) -> dict[str, int]:
    """Return the numbers of a file with a name and a number in each line; none if there is no such file."""
    with contextlib.suppress(OSError, ValueError):
        words = file.read_text(encoding="ascii").split()
        return dict(zip(words[::2], map(int, words[1::2]), strict=True))
    return {}


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


def scarce(memory_mib: int, processes: int, workers: int, root: Path = Path("/")) -> tuple[str, ...]:
    """Return warnings where our own groups, or the machine, may not give programs what they are allowed.

    Args:
        memory_mib: what a program may use.
        processes: how many a program may have.
        workers: how many programs may run at one time.
        root: where /proc and /sys are; another in tests.
    """
    warnings = []
    with contextlib.suppress(OSError, IndexError, ValueError, KeyError):
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
        mib = {line.split(":")[0]: int(line.split()[1]) >> 10 for line in lines}
        capped_mib = _least("memory", ("memory.limit_in_bytes", "memory.max"), root) >> 20
        given_mib = min(mib["MemTotal"], capped_mib)
        if given_mib < memory_mib:
            warnings.append(
                f"a program may use {memory_mib:,} MiB of memory (memory_mib), and this machine or its "
                f"container has {given_mib:,}: programs that need more than there is end as infra_error"
            )
        promised = (root / "proc/sys/vm/overcommit_memory").read_text(encoding="ascii").strip() == "2"
        if promised and (left_mib := mib["CommitLimit"] - mib["Committed_AS"]) < workers * memory_mib:
            warnings.append(
                "this machine promises no more memory than it has (vm.overcommit_memory=2), "
                f"{left_mib:,} MiB are left, and {workers} programs at one time may use "
                f"{workers * memory_mib:,}: right ones may end as memory_limit; lower `workers`, or judge "
                "where memory is promised on trust"
            )
    needed, given = workers * (processes + OWN_PROCESSES), _least("pids", ("pids.max", "pids.max"), root)
    if given < needed:
        warnings.append(
            f"{workers} programs at one time may have {needed:,} processes and threads, and this container "
            f"allows {given:,} (pids.max): right programs that start many may fail; lower `workers`, or "
            "raise that limit"
        )
    return tuple(warnings)


def _least(controller: str, files: tuple[str, str], root: Path) -> int:
    """Return the smallest limit of our groups and of those above them, in the file of version 1 or 2."""
    limits = [1 << 62]
    for version, group in binding(controller, root):
        with contextlib.suppress(OSError, ValueError):  # absent, or "max"
            limits.append(int((group / files[version - 1]).read_text(encoding="ascii")))
    return min(limits)


def binding(controller: str, root: Path = Path("/")) -> Iterator[tuple[int, Path]]:
    """Yield the version of each hierarchy that may have a controller, with our group and each above it."""
    for controllers, mount, path in _own(root):
        if controllers is None or controller in controllers:
            group = mount / path
            # Inside a container the path may not exist below the mount, which is our own group then.
            while group.is_relative_to(mount):
                yield 2 if controllers is None else 1, group
                group = group.parent


def _parents(root: Path) -> Iterator[tuple[list[str] | None, Path]]:
    """Yield, for each hierarchy, its controllers (None for version 2) and the group to make ours in."""
    for controllers, mount, path in _own(root):
        if controllers is not None:
            yield controllers, mount / path
        elif path:
            yield None, (mount / path).parent


def _own(root: Path) -> Iterator[tuple[list[str] | None, Path, str]]:
    """Yield, for each hierarchy, its controllers (None for version 2), its mount, and our group's path."""
    try:
        # Paths may be any bytes.
        lines, mounts = (
            (root / "proc/self" / name).read_text("utf-8", "surrogateescape").splitlines()
            for name in ("cgroup", "mounts")
        )
    except OSError:
        return
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
        names = controllers.split(",")
        place = next((places[name] for name in names if name in places), None)
        if place is not None:
            yield names if controllers else None, place, path.lstrip("/")
