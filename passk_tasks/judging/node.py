"""What runs on a node of a cluster: an actor with the machine's sandbox; and how nodes are told apart.

The driver (`cluster`) compares what nodes say of themselves with its own machine.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from passk_tasks import benchmarks
from passk_tasks._version import __version__
from passk_tasks.program import Confinement, Program
from passk_tasks.sandbox import cpus, packages, toolchains
from passk_tasks.sandbox.interpreter import interpreter
from passk_tasks.sandbox.supervisor import Sandbox
from passk_tasks.verdict import Outcome

Facts = dict[str, Any]
K = TypeVar("K")


class Node:
    """The actor: one machine's sandbox. Runs on a node, which has this package installed."""

    def __init__(self, confinement: Confinement) -> None:
        self._confinement = confinement
        self._sandbox: Sandbox | None = None

    def cpus(self) -> tuple[str, list[int], int]:
        """Return the kernel's boot id, the CPUs that this process may use, and how many at one time."""
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return boot, sorted(os.sched_getaffinity(0)), cpus.usable_cpus()

    def start(
        self, mine: Sequence[int], workers: int, languages: Collection[str]
    ) -> tuple[dict[str, bool], tuple[str, ...], Facts]:
        """Open the sandbox on these CPUs; return its layers, its warnings, and the environment with tools."""
        hidden = benchmarks.hidden_packages()
        self._sandbox = Sandbox(self._confinement, workers, hidden=hidden, cpus=mine or None)
        self._sandbox.__enter__()
        return (
            dict(self._sandbox.layers),
            self._sandbox.warnings,
            {**environment(self._confinement), **tools(languages)},
        )

    def head(self) -> str:
        """Return where the cluster's head node takes connections, as HOST:PORT."""
        import ray  # an extra, which nodes have

        return str(ray.get_runtime_context().gcs_address)

    def toolchains(self, languages: Collection[str]) -> Facts:
        """Return the versions of the tools of these languages."""
        return tools(languages)

    def run(self, programs: Sequence[Program]) -> list[tuple[int, Outcome]]:
        """Judge programs; return the position and outcome of each."""
        assert self._sandbox is not None
        return list(self._sandbox.run(programs))

    def end(self) -> None:
        """End everything that runs here."""
        if self._sandbox is not None:
            self._sandbox.close()


def environment(confinement: Confinement) -> Facts:
    """Return what must be the same wherever programs run, by name."""
    return {
        "python": interpreter(confinement.python).version,
        "machine": platform.machine(),
        **packages.resolve(confinement.packages, confinement.python).versions(),
        "passk-tasks": __version__,
    }


def tools(languages: Collection[str]) -> Facts:
    """Return the versions of the tools of these languages, by language and tool."""
    return {
        f"{language}: {tool}": version
        for language in sorted(languages)
        for tool, version in toolchains.versions(language).items()
    }


def share_out(places: Mapping[K, tuple[str, Sequence[int], int]]) -> dict[K, tuple[list[int], int]]:
    """Hand the CPUs of each machine out among the actors there.

    Args:
        places: by actor, what `Node.cpus` says: the machine's boot id, CPUs, and how many at one time.

    Returns:
        By actor, the CPUs that are its own (none where others had to share them) and how many programs it may
        run at one time, at least one.
    """
    shares: dict[K, list[int]] = {actor: [] for actor in places}
    for boot in {boot for boot, _, _ in places.values()}:
        here = {actor: set(have) for actor, (of, have, _) in places.items() if of == boot}
        for cpu in sorted(set().union(*here.values())):
            may = [actor for actor, have in here.items() if cpu in have]
            shares[min(may, key=lambda actor: len(shares[actor]))].append(cpu)
    return {
        actor: (mine[: places[actor][2]], max(1, min(len(mine), places[actor][2])))
        for actor, mine in shares.items()
    }


def differences(here: Facts, there: Facts) -> dict[str, tuple[str | None, str | None]]:
    """Return both values of what is not the same, by name; None for what is missing."""

    def text(value: object) -> str | None:
        return None if value is None else str(value)

    return {
        name: (text(here.get(name)), text(there.get(name)))
        for name in sorted({*here, *there})
        if here.get(name) != there.get(name)
    }


def listed(differs: Mapping[str, tuple[str | None, str | None]]) -> str:
    """Return differences in words."""
    shown = [
        f"{name} {there or 'missing'} (here {here or 'missing'})" for name, (here, there) in differs.items()
    ]
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more differences" if len(shown) > 5 else "")


def reason_of(error: BaseException) -> str:
    """Return what happened to a node in a line: the cause that Ray wraps, not its traceback."""
    cause = getattr(error, "cause", None) or error
    text = next((line.strip() for line in str(cause).splitlines() if line.strip()), "")
    return f"{type(cause).__name__}: {text:.300}"
