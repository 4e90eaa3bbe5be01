"""Which interpreter candidates and tests run in: the one that runs this package, or another of this host."""

from __future__ import annotations

import functools
import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from pathlib import Path

from passk_tasks.errors import SettingsError

OLDEST = (3, 10)
"""What `box/` needs of an interpreter: `sys.orig_argv`, dataclasses with slots, `zip(strict=True)`."""

_NEEDED = ("_ctypes", "_json", "_socket", "resource", "zlib")  # a Python can be built without some of them
_ANSWERS_S = 60.0

# Old versions must be able to read it, to be told that they are too old.
_QUESTION = """
import sys
answer = {"version": sys.version.split()[0], "numbers": list(sys.version_info[:2]), "path": sys.path}
if sys.version_info >= (3, 10):
    import importlib.machinery, importlib.util
    answer["implementation"] = sys.implementation.name
    answer["executable"] = sys.executable
    answer["standard"] = sorted(sys.stdlib_module_names)
    answer["suffixes"] = importlib.machinery.EXTENSION_SUFFIXES
    answer["absent"] = [name for name in %r if importlib.util.find_spec(name) is None]
import json
print(json.dumps(answer))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An interpreter and the environment that it belongs to.

    Attributes:
        executable: its file; in a virtual environment the one there.
        version: e.g. `3.10.13`.
        folders: the folders of installed packages that it imports from, in its order.
        standard: the names of the modules of its standard library.
        suffixes: of compiled modules that it can load.
    """

    executable: str
    version: str
    folders: tuple[str, ...]
    standard: frozenset[str]
    suffixes: tuple[str, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The first two numbers of its version."""
        return _numbers(self.version)

    def has(self, name: str) -> bool:
        """Return whether a top-level module is in its standard library or its folders; imports nothing."""
        loaders = (ExtensionFileLoader, list(self.suffixes)), (SourceFileLoader, SOURCE_SUFFIXES)
        return name in self.standard or any(
            FileFinder(folder, *loaders).find_spec(name) is not None for folder in self.folders
        )


def interpreter(path: str | None) -> Interpreter:
    """Return the interpreter that a setting `python` means.

    Args:
        path: its file, a name on PATH, or the folder of a virtual environment; None for this one.

    Raises:
        SettingsError: there is none, or the sandbox cannot use it; the message says why and what to give.
    """
    if path is None:
        folders = tuple(_packages_in(sys.path))
        standard, suffixes = frozenset(sys.stdlib_module_names), tuple(EXTENSION_SUFFIXES)
        return Interpreter(sys.executable, platform.python_version(), folders, standard, suffixes)
    return _asked(_file(path))


def _packages_in(path: list[str]) -> list[str]:
    names = ("site-packages", "dist-packages")
    return [folder for folder in dict.fromkeys(path) if Path(folder).name in names and Path(folder).is_dir()]


def _file(path: str) -> str:
    given = Path(path).expanduser()
    if given.is_dir():  # a virtual environment
        given = given / "bin" / "python"
    found = shutil.which(str(given))
    if found is None:
        why = "cannot be executed" if given.is_file() else "does not exist"
        raise SettingsError(f"python: {given} {why}: {_REMEDY}")
    return os.path.abspath(found)  # noqa: PTH100  a link is kept: it is what makes a virtual environment


_REMEDY = "give the path of a Python interpreter, e.g. that of a virtual environment: ENV/bin/python"


@functools.cache
def _asked(file: str) -> Interpreter:
    try:
        done = subprocess.run(
            # Without what PYTHON… variables add: a worker does not have them either.
            [file, "-E", "-B", "-c", _QUESTION % (_NEEDED,)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd="/",
            timeout=_ANSWERS_S,
            check=False,
        )
        answer = json.loads(done.stdout.splitlines()[-1])
        version, numbers = str(answer["version"]), tuple(answer["numbers"])
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SettingsError(f"python: {file} is no Python interpreter ({error}): {_REMEDY}") from None
    except (ValueError, IndexError, KeyError, TypeError):
        said = done.stderr.decode(errors="replace").strip().splitlines() or [""]
        line = said[-1 if said[0].startswith("Traceback") else 0].strip()
        why = f" ({line:.200})" if line else ""
        raise SettingsError(f"python: {file} is no Python interpreter{why}: {_REMEDY}") from None
    least = ".".join(map(str, OLDEST))
    if numbers < OLDEST:
        raise SettingsError(
            f"python: {file} is Python {version}, and the sandbox needs {least} or newer: make an "
            f"environment with python{least} -m venv ENV, and give ENV/bin/python"
        )
    if answer["implementation"] != "cpython":
        raise SettingsError(
            f"python: {file} is {answer['implementation']}, and the sandbox needs CPython: {_REMEDY}"
        )
    if answer["absent"]:
        raise SettingsError(
            f"python: {file} was built without {', '.join(answer['absent'])}, which the sandbox needs: "
            "give another build of Python"
        )
    return Interpreter(
        str(answer["executable"]),
        version,
        tuple(_packages_in(answer["path"])),
        frozenset(answer["standard"]),
        tuple(answer["suffixes"]),
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])
