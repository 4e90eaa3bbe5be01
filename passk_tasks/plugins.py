"""What other installed packages bring: families of problems and folders of task YAML.

A package declares both as entry points, in the groups `FAMILIES` and `TASKS`. Nothing here imports a package;
`benchmarks.get` does, when a family is asked for by name.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from passk_tasks.errors import UsageError

FAMILIES = "passk_tasks.benchmarks"
"""Name of a family = `module:Class`."""
TASKS = "passk_tasks.task_configs"
"""Any name = a folder inside a package, with dots: `package.folder`."""


@lru_cache(maxsize=2)  # a look at the metadata of every installed package, some 0.1 s
def declared(group: str) -> tuple[EntryPoint, ...]:
    """Return what the installed packages declare in a group."""
    return tuple(entry_points(group=group))


def owner(point: EntryPoint) -> str:
    """Return name and version of the distribution that declares an entry point, as people write them."""
    return "an unknown package" if point.dist is None else f"{point.dist.name} {point.dist.version}"


def packages() -> set[str]:
    """Return the outermost packages of what is declared, which no candidate may see: solutions lie there."""
    points = (*declared(FAMILIES), *declared(TASKS))
    return {point.value.partition(":")[0].partition(".")[0].strip() for point in points}


def task_folders() -> list[Path]:
    """Return the folders of task YAML that other packages bring, absolute.

    Raises:
        UsageError: a declared folder does not exist.
    """
    return [_folder(point) for point in declared(TASKS)]


def _folder(point: EntryPoint) -> Path:
    package, *inner = point.value.split(".")
    spec = find_spec(package)  # of the outermost package: that of an inner one would import it
    for location in (spec and spec.submodule_search_locations) or ():
        folder = Path(location).resolve().joinpath(*inner)
        if folder.is_dir():
            return folder
    raise UsageError(
        f"{owner(point)} declares a folder of tasks, {point.value}, that does not exist: mend its entry "
        f"point in the group {TASKS}, or uninstall it"
    )
