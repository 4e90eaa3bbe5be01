"""What runs leave on the host when they are killed (SIGKILL lets nobody tidy up): found by the next run."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
import time
from pathlib import Path

from passk_tasks.sandbox.box.rootfs import USER

# A run in another container may have the same folders and other process ids: it is left alone for that long.
_MIN_AGE_S = 60.0


def is_stale(path: Path) -> bool:
    """Whether `passk-<pid>-…` belongs to a process that is no more."""
    pid = path.name.split("-")[1]
    try:
        if not pid.isdigit() or time.time() - path.stat().st_mtime < _MIN_AGE_S:
            return False
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:  # gone meanwhile, or another user's process
        return False
    return False


def make_scratch() -> str:
    """Return a new folder for the candidates of one worker, after removing those of killed runs."""
    _sweep_scratch(tempfile.gettempdir())
    return tempfile.mkdtemp(prefix=f"passk-{os.getpid()}-")


@functools.cache  # once in a process
def _sweep_scratch(parent: str) -> None:
    for folder in Path(parent).glob("passk-*-*"):
        ours = folder.lstat().st_uid in (os.getuid(), USER)
        if ours and folder.is_dir() and not folder.is_symlink() and is_stale(folder):
            shutil.rmtree(folder, ignore_errors=True)
