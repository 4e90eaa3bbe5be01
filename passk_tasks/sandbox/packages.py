"""Which installed packages a candidate can import; this condition of a run moves scores."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from passk_tasks.errors import SettingsError, did_you_mean
from passk_tasks.sandbox.interpreter import Interpreter, interpreter

INSTALLED, STDLIB = "installed", "stdlib"


@dataclass(frozen=True, slots=True)
class Packages:
    """The packages that candidates can import besides the standard library.

    Attributes:
        folders: site-packages folders, for `sys.path`.
        shown: files and folders that the sandbox shows: `folders`, or some of what is in them.
        distributions: the chosen distributions that are installed there.
    """

    folders: tuple[str, ...]
    shown: tuple[str, ...]
    distributions: tuple[importlib.metadata.Distribution, ...] = ()

    def versions(self) -> dict[str, str]:
        """Return the versions of the distributions by canonical name; reads the metadata of each."""
        read = [_named(distribution) for distribution in self.distributions]
        return dict(sorted({canonical(name): version for name, version in read if name}.items()))


def resolve(choice: str | Sequence[str], python: str | None = None) -> Packages:
    """Return the packages of this host that a choice means.

    Args:
        choice: `installed` for all of the interpreter's, `stdlib` for none, or names of distributions, which
            bring their requirements.
        python: the interpreter, as `interpreter` takes it.

    Raises:
        SettingsError: a distribution is not installed, or there is no such interpreter.
    """
    used = interpreter(python)
    folders = list(used.folders)
    if choice == STDLIB:
        return Packages((), ())
    if choice == INSTALLED:
        return Packages(tuple(folders), tuple(folders), tuple(importlib.metadata.distributions(path=folders)))
    names = [choice] if isinstance(choice, str) else list(choice)
    chosen = _closure(names, used)
    shown = sorted({path for distribution in chosen for path in _top_level(distribution, folders)})
    return Packages(tuple(folders), tuple(shown), tuple(chosen))


def canonical(name: str) -> str:
    """Return the one spelling of a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _named(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    """Return a distribution's name and version; to parse all of its metadata takes ten times as long."""
    kinds = ("METADATA", "PKG-INFO", "")  # of wheels, of eggs, of eggs that are one file
    text = next(filter(None, map(distribution.read_text, kinds)), "")
    fields = dict(line.partition(": ")[::2] for line in reversed(text.partition("\n\n")[0].splitlines()))
    return fields.get("Name", ""), fields.get("Version", "")


def _closure(names: Sequence[str], used: Interpreter) -> list[importlib.metadata.Distribution]:
    from packaging.requirements import Requirement  # the other choices do not need it

    installed = {
        canonical(name): distribution
        for distribution in importlib.metadata.distributions(path=list(used.folders))
        if (name := distribution.metadata["Name"])
    }
    taken: dict[str, importlib.metadata.Distribution] = {}
    for name in names:
        if canonical(name) not in installed:
            near = did_you_mean(canonical(name), installed)
            raise SettingsError(
                f"packages: {name!r} is not installed for {used.executable}{near}; install it with "
                f"{used.executable} -m pip install {name}, or leave it out"
            )
    short = ".".join(used.version.split(".")[:2])
    marked = {"extra": "", "python_version": short, "python_full_version": used.version}
    rest = [canonical(name) for name in names]
    while rest:
        key = rest.pop()
        if key in taken or key not in installed:  # pip lets one remove a requirement
            continue
        taken[key] = installed[key]
        for text in installed[key].requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate(marked):
                rest.append(canonical(requirement.name))
    return list(taken.values())


def _top_level(distribution: importlib.metadata.Distribution, folders: list[str]) -> set[str]:
    """Return the files and folders of a distribution that lie directly in a site-packages folder."""
    paths = set()
    for file in distribution.files or ():
        first = file.parts[0]
        if first in ("..", "__pycache__"):
            continue
        path = Path(str(distribution.locate_file(first)))
        if str(path.parent) in folders and path.exists():
            paths.add(str(path))
    return paths
