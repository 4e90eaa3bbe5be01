"""Removes what killed runs left on the host: after SIGKILL only the next run can tidy up."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import stat
import tempfile
import time
from pathlib import Path

from passk_tasks.errors import SandboxError
from passk_tasks.sandbox.box import trees
from passk_tasks.sandbox.box.rootfs import USER

# A run in another container may share our folders and have other process ids: so new folders are left alone.
_MIN_AGE_S = 60.0


def is_stale(path: Path) -> bool:
    """Return whether `passk-<pid>-…` belongs to a process that has ended."""
    pid = path.name.split("-")[1]
    try:
        if not pid.isdigit() or time.time() - path.stat().st_mtime < _MIN_AGE_S:
            return False
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:  # gone meanwhile, or another user's process
        pass
    return False


def make_scratch() -> tuple[str, int]:
    """Make a folder for the candidates of one worker, after removing those of killed runs.

    Returns:
        Its path, and a descriptor: while that is open, no other run takes the folder for a leftover.

    Raises:
        SandboxError: no folder can be made; the disk may be full.
    """
    try:
        parent = tempfile.gettempdir()
        _sweep_scratch(parent)
        while True:
            path = tempfile.mkdtemp(prefix=f"passk-{os.getpid()}-", dir=parent)
            os.chmod(path, 0o700)  # noqa: PTH101  whatever the umask says
            lock = _lock(path)
            if lock is not None:
                return path, lock
    except OSError as error:
        raise SandboxError(
            f"cannot make a folder for what programs write: {error}; set TMPDIR to a folder that takes files"
        ) from error


def _lock(path: str) -> int | None:
    """Return a descriptor that holds a folder's lock; None if another run holds it or removed the folder."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(fd), os.lstat(path)):
            return fd
    except OSError:
        pass
    os.close(fd)
    return None


def remove_scratch(path: str, lock: int) -> None:
    """Remove a folder of `make_scratch`, and release its lock."""
    with contextlib.suppress(OSError):
        trees.remove(path)
    os.close(lock)


@functools.cache  # once in a process
def _sweep_scratch(parent: str) -> None:
    for folder in Path(parent).glob("passk-*-*"):
        with contextlib.suppress(OSError):
            status = folder.lstat()
            ours = status.st_uid in (os.getuid(), USER) and stat.S_ISDIR(status.st_mode)
            if ours and folder.name.split("-")[1].isdigit() and (lock := _lock(str(folder))) is not None:
                remove_scratch(str(folder), lock)
