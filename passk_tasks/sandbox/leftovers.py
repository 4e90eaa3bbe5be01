"""What runs leave on the host when they are killed (SIGKILL lets nobody tidy up): found by the next run."""

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


def make_scratch() -> tuple[str, int]:
    """Make a folder for the candidates of one worker, after removing those of killed runs.

    Returns:
        Its path, and a descriptor: as long as that is open, no other run takes the folder for left over.

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
    """Return a descriptor that holds the lock of a folder, None where another run has it or removed it."""
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
    """Remove a folder of `make_scratch` and let go of it."""
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
