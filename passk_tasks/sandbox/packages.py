"""Which installed packages a candidate can import: a condition of a run, for it moves scores."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from passk_tasks.errors import SettingsError, did_you_mean

INSTALLED, STDLIB = "installed", "stdlib"


@dataclass(frozen=True, slots=True)
class Packages:
    """What candidates find besides the standard library.

    Attributes:
        folders: site-packages folders, for `sys.path`.
        shown: files and folders that the sandbox shows, in or equal to `folders`.
        distributions: what is installed in them and chosen.
    """

    folders: tuple[str, ...]
    shown: tuple[str, ...]
    distributions: tuple[importlib.metadata.Distribution, ...] = ()

    def versions(self) -> dict[str, str]:
        """Return the versions of the distributions by canonical name; reads the metadata of each."""
        read = [one.metadata for one in self.distributions]
        return dict(sorted({_canonical(one["Name"]): one["Version"] for one in read if one["Name"]}.items()))


def resolve(choice: str | Sequence[str]) -> Packages:
    """Return what a choice of packages means on this host.

    Args:
        choice: `installed` for whatever this interpreter has, `stdlib` for nothing, or names of
            distributions, which bring what they require.

    Raises:
        SettingsError: a distribution is not installed.
    """
    folders = site_packages()
    if choice == STDLIB:
        return Packages((), ())
    if choice == INSTALLED:
        found = tuple(importlib.metadata.distributions(path=folders))
        return Packages(tuple(folders), tuple(folders), found)
    names = [choice] if isinstance(choice, str) else list(choice)
    wanted = _closure(names, folders)
    shown = sorted({path for one in wanted for path in _top_level(one, folders)})
    return Packages(tuple(folders), tuple(shown), tuple(wanted))


def site_packages() -> list[str]:
    """Return the folders of installed packages that this interpreter imports from."""
    names = ("site-packages", "dist-packages")
    return [p for p in dict.fromkeys(sys.path) if Path(p).name in names and Path(p).is_dir()]


def _canonical(name: str) -> str:
    """Return the one spelling of a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _closure(names: Sequence[str], folders: list[str]) -> list[importlib.metadata.Distribution]:
    from packaging.requirements import Requirement  # of no use to the other choices

    installed = {
        _canonical(one.metadata["Name"]): one
        for one in importlib.metadata.distributions(path=folders)
        if one.metadata["Name"]
    }
    taken: dict[str, importlib.metadata.Distribution] = {}
    for name in names:
        if _canonical(name) not in installed:
            near = did_you_mean(_canonical(name), installed)
            raise SettingsError(
                f"packages: {name!r} is not installed here{near}; pip install {name}, or leave it out"
            )
    rest = [_canonical(name) for name in names]
    while rest:
        key = rest.pop()
        if key in taken or key not in installed:  # a requirement may be missing: pip lets one break it
            continue
        taken[key] = installed[key]
        for text in installed[key].requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                rest.append(_canonical(requirement.name))
    return list(taken.values())


def _top_level(one: importlib.metadata.Distribution, folders: list[str]) -> set[str]:
    """Return the files and folders of a distribution that lie directly in a site-packages folder."""
    found = set()
    for file in one.files or ():
        first = file.parts[0]
        if first in ("..", "__pycache__"):
            continue
        path = Path(str(one.locate_file(first)))
        if str(path.parent) in folders and path.exists():
            found.add(str(path))
    return found
