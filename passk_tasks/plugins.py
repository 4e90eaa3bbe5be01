"""Finds families of problems and folders of task YAML in other installed packages.

A package declares both as entry points, in the groups `FAMILIES` and `TASKS`. This module imports no such
package; `benchmarks.get` does when a family is asked for by name.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from passk_tasks.errors import UsageError

FAMILIES = "passk_tasks.benchmarks"
"""Its entries: the name of a family = `module:Class`."""
TASKS = "passk_tasks.task_configs"
"""Its entries: any name = a folder inside a package, with dots: `package.folder`."""


@lru_cache(maxsize=2)  # reading the metadata of every installed package takes some 0.1 s
def declared(group: str) -> tuple[EntryPoint, ...]:
    """Return the entry points of the installed packages in a group."""
    return tuple(entry_points(group=group))


def owner(point: EntryPoint) -> str:
    """Return name and version of the distribution that declares an entry point, e.g. `pack 1.0`."""
    return "an unknown package" if point.dist is None else f"{point.dist.name} {point.dist.version}"


def packages() -> set[str]:
    """Return the outermost packages of all entries; hidden from candidates, since they hold solutions."""
    points = (*declared(FAMILIES), *declared(TASKS))
    return {point.value.partition(":")[0].partition(".")[0].strip() for point in points}


def task_folders() -> list[Path]:
    """Return the absolute folders of task YAML in other packages.

    Raises:
        UsageError: a declared folder does not exist.
    """
    return [_folder(point) for point in declared(TASKS)]


def _folder(point: EntryPoint) -> Path:
    package, *inner = point.value.split(".")
    spec = find_spec(package)  # only of the outermost package: to find an inner one imports the outer
    for location in (spec and spec.submodule_search_locations) or ():
        folder = Path(location).resolve().joinpath(*inner)
        if folder.is_dir():
            return folder
    raise UsageError(
        f"{owner(point)} declares a folder of tasks, {point.value}, that does not exist: mend its entry "
        f"point in the group {TASKS}, or uninstall it"
    )
