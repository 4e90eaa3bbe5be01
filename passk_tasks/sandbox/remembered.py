"""Remembers the layers that this host had in earlier runs, to warn when one is missing.

They are in the user's cache folder, in one file for each host, user and mode. A file that cannot be read or
written is no error: then nothing is known.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Mapping
from pathlib import Path

_OF_THE_STRONGER_WAY = "private root"


def lost_layers(mode: str, layers: Mapping[str, bool]) -> tuple[str, ...]:
    """Return the layers that this user had on this host before and lacks now; remember the present ones."""
    file = _file(mode)
    active = {name for name, is_active in layers.items() if is_active}
    before: set[str] = set()
    with contextlib.suppress(OSError, ValueError, TypeError, RuntimeError):
        before = set(json.loads(file.read_text(encoding="utf-8")))
    # A host has one of a mode's ways: layers that only the weaker one has are no loss.
    ways = [names for names in (before, active) if _OF_THE_STRONGER_WAY in names] or [before, active]
    best = set().union(*ways)
    if best != before:
        with contextlib.suppress(OSError, RuntimeError):  # there may be no home
            _write(file, sorted(best))
    return tuple(sorted(best - active))


def warning(lost: tuple[str, ...]) -> str:
    """Return the warning about lost layers."""
    return (
        f"the sandbox lacks what this host gave before: {', '.join(lost)}; programs were less confined "
        "than in earlier runs (`passk selfcheck` shows what each layer gives)"
    )


def _file(mode: str) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    host = platform.node()
    with contextlib.suppress(OSError):
        host += Path("/etc/machine-id").read_text(encoding="ascii", errors="replace")
    key = hashlib.sha256(f"{host}\n{os.getuid()}".encode()).hexdigest()[:16]
    return cache.expanduser() / "passk-tasks" / f"layers-{mode}-{key}.json"


def _write(file: Path, names: list[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    fd, path = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(fd, "w", encoding="utf-8") as new:
        json.dump(names, new)
    Path(path).replace(file)
