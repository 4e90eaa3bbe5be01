"""What candidates see beside interpreter and packages: the system's commands, and what a run names."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from passk_tasks.errors import SettingsError
from passk_tasks.sandbox.interpreter import Interpreter

_SYSTEM_FOLDERS = ("/usr/bin", "/bin")
_KERNELS = ("/proc", "/sys", "/dev")

# What a plain Debian has on PATH and a program may call: its essential packages and procps, without what
# changes users, mounts, networks or the system, and without package managers.
_COMMANDS = """
[ arch awk b2sum base32 base64 basename bash basenc bunzip2 bzcat bzip2 cat chgrp chmod chown cksum clear cmp
comm cp csplit cut dash date dd df diff diff3 dir dircolors dirname du echo egrep env expand expr factor false
fgrep find flock fmt fold free gawk getopt grep groups gunzip gzip head hostid hostname id install join kill
link ln logname ls mawk md5sum mkdir mkfifo mknod mktemp more mv nice nl nohup nproc numfmt od paste pathchk
perl pgrep pidof pkill pr printenv printf ps ptx pwd pwdx readlink realpath rev rm rmdir sdiff sed seq setsid
sh sha1sum sha224sum sha256sum sha384sum sha512sum shred shuf sleep sort split stat stdbuf stty sum sync tac
tail tar tee test timeout top touch tput tr true truncate tsort tty uname unexpand uniq unlink unxz unzip
uptime users vdir wc which who whoami xargs xz xzcat yes zcat zip
"""

# The variables by which libraries are told where their data sets lie, and the folder below the one shown.
_DATA = {
    "SEABORN_DATA": "seaborn-data",
    "SCIKIT_LEARN_DATA": "scikit_learn_data",
    "NLTK_DATA": "nltk_data",
}


@dataclass(frozen=True)
class Beside:
    """What candidates see beside their interpreter and its packages.

    Attributes:
        paths: files and folders, absolute.
        variables: the environment that tells programs where commands and data sets are.
    """

    paths: tuple[str, ...]
    variables: dict[str, str]


def beside(used: Interpreter, shown: Sequence[str]) -> Beside:
    """Return what candidates see: the ordinary commands that this host has, and what a run or a family names.

    Raises:
        SettingsError: one of them does not exist, or holds what no candidate may see.
    """
    data = [_checked(name) for name in shown]
    folder = os.path.dirname(used.executable)  # noqa: PTH120
    variables = {"PATH": ":".join(dict.fromkeys([folder, *_SYSTEM_FOLDERS]))}
    for variable, name in _DATA.items():
        if places := [f"{path}/{name}" for path in data if Path(path, name).is_dir()]:
            variables[variable] = places[0]
    own = (f"{folder}/{name}" for name in ("python", "python3"))
    names = [name for name in own if os.path.realpath(name) == os.path.realpath(used.executable)]
    return Beside((*_commands(), *names, *data), variables)


def _commands() -> list[str]:
    # Under both names, where one folder is a link to the other: scripts begin with `#!/bin/sh`.
    files = (f"{folder}/{name}" for folder in _SYSTEM_FOLDERS for name in _COMMANDS.split())
    return [file for file in files if _is_plain(file)]


def _is_plain(file: str) -> bool:
    """Return whether everybody may run a file, with nobody's rights but their own."""
    try:
        mode = os.stat(file).st_mode  # noqa: PTH116
    except OSError:
        return False
    everybody = stat.S_IROTH | stat.S_IXOTH
    return stat.S_ISREG(mode) and not mode & (stat.S_ISUID | stat.S_ISGID) and mode & everybody == everybody


def _checked(name: str) -> str:
    path = Path(name).expanduser().absolute()
    if not path.exists():
        raise SettingsError(f"shown: {name} does not exist: name a folder that candidates may read")
    real = path.resolve()
    if private := next((place for place in _private() if place.is_relative_to(real)), None):
        raise SettingsError(
            f"shown: {name} holds {private}, which no candidate may see: name a folder of data alone"
        )
    if any(real.is_relative_to(place) for place in _KERNELS):
        raise SettingsError(f"shown: {name} is the kernel's own: name a folder of data")
    return str(path)


def _private() -> list[Path]:
    places = [Path(__file__).resolve().parents[1], *map(Path, ("/etc", "/home", "/root", "/run", *_KERNELS))]
    with contextlib.suppress(RuntimeError):  # there may be no home
        places.append(Path.home().resolve())
    return places
