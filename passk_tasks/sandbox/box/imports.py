"""Which modules a candidate's interpreter has loaded and can load."""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
import sys
import sysconfig
from collections.abc import Sequence
from typing import Any

from passk_tasks.sandbox.box.limits import Loaded

_register = os.register_at_fork


def withhold_fork_hooks() -> list[dict[str, Any]]:
    """Collect what modules want done in forks, from now until `load` has ended.

    It is for the forks of candidates, who register it. In ours it would touch some fifty pages.

    Returns:
        The arguments of `os.register_at_fork`, of one module after another.
    """
    hooks: list[dict[str, Any]] = []
    os.register_at_fork = lambda **hook: hooks.append(hook)
    return hooks


def preload(modules: Sequence[str], packages: Sequence[str], shown: Sequence[str]) -> None:
    """Import what candidates commonly import, once, before anything is forked."""
    sys.path[:] = [p for p in sys.path if p in _standard_path()] + [*packages]
    if packages != shown:
        sys.meta_path.insert(0, _OnlyShown(packages, shown))
    import site

    site.setquit()
    site.setcopyright()
    site.sethelper()
    for name in modules:
        importlib.import_module(name)
    sys.argv[:] = [""]


def load(modules: Sequence[str]) -> Loaded:
    """Import libraries once, before anything is forked; what cannot be imported is left to candidates.

    numpy's own source of chance starts at the same place in each candidate, as `random` does.
    """
    before = _sizes_mib()
    for name in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    if "numpy" in sys.modules:
        importlib.import_module("numpy.random").seed(0)
    # Candidates have another folder for temporary files than this process.
    if "tempfile" in sys.modules:
        vars(sys.modules["tempfile"])["tempdir"] = None
    os.register_at_fork = _register
    reserved_mib, resident_mib = (now - then for now, then in zip(_sizes_mib(), before, strict=True))
    return Loaded(resident_mib, reserved_mib)


def _sizes_mib() -> tuple[int, int]:
    """Return the MiB of address space of this process, and of memory."""
    with open("/proc/self/statm", encoding="ascii") as file:
        reserved, resident = (int(pages) * resource.getpagesize() >> 20 for pages in file.read().split()[:2])
    return reserved, resident


class _OnlyShown:
    """Hides packages that were not chosen, also where no private root does."""

    def __init__(self, folders: Sequence[str], shown: Sequence[str]) -> None:
        self._folders = set(folders)
        self._names = {os.path.basename(path).split(".")[0] for path in shown}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Raise for a top-level module that only a hidden package has; leave others to the next finders."""
        del target
        if path is None and name not in self._names:
            for folder in self._folders:
                if any(os.path.exists(os.path.join(folder, file)) for file in (name, name + ".py")):
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _standard_path() -> set[str]:
    folders = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]
    return {*folders, *(os.path.join(f, "lib-dynload") for f in folders)}


def drop_traces() -> None:
    """Take this package out of the interpreter's module table: a candidate starts without it."""
    for name in [n for n in sys.modules if n.split(".")[0] == "passk_tasks"]:
        del sys.modules[name]
