"""How many of the kernel's numbers the sandboxes of one user take on each CPU, told to each other.

Between two candidates each sandbox moves these numbers on (`traces`), the more the further they moved since.
It need not count what other sandboxes took: without this, two on one CPU stir what the other stirred.

A file in memory has a page for each CPU, and there a slot for each worker that is bound to it. A worker
writes how many numbers it is going to take, and afterwards that it took them. So others know how many it
surely took between two moments, whenever they look. No candidate reaches the file. Where there is none,
nothing is told.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import struct

_FOLDER = "/dev/shm"
_PAGE, _SLOTS = 4096, 64
_LOCK = "hhqqi"  # struct flock


class Taken:
    """The numbers of one kind that each worker on this CPU takes.

    Args:
        announced: how many each worker, by slot, is going to take or took, since it began.
        done: how many of them it took.
        slot: this worker's own.
    """

    def __init__(self, announced: memoryview, done: memoryview, slot: int) -> None:
        self._announced, self._done, self._slot = announced, done, slot
        self.begin()

    def announce(self, count: int) -> None:
        """Say that this worker is going to take so many."""
        self._announced[self._slot] += count

    def took(self) -> None:
        """Say that all that was announced is taken."""
        self._done[self._slot] = self._announced[self._slot]

    def begin(self) -> None:
        """Count the others' from now on."""
        self._before, self._done_before = self._announced.tolist(), self._done.tolist()

    def others(self) -> int:
        """Return how many the others took at least since `begin`."""
        done_now = self._done.tolist()
        self._done_before[self._slot] = done_now[self._slot]
        if done_now == self._done_before:  # as mostly; what follows takes ten times as long
            return 0
        more = [max(0, done - before) for done, before in zip(done_now, self._before, strict=True)]
        return sum(more) - more[self._slot]


class Ledger:
    """A page of counts, and a slot in it.

    Args:
        page: _PAGE bytes, which others may share.
    """

    def __init__(self, page: memoryview, slot: int) -> None:
        self._words, self._slot = page.cast("Q"), slot

    def kind(self, number: int) -> Taken:
        """Return the counts of the kind with this number, 0 or more."""
        at = 2 * number * _SLOTS
        done = self._words[at + _SLOTS : at + 2 * _SLOTS]
        announced = self._words[at : at + _SLOTS]
        # The slot's last owner may have ended while it took some. In this order nobody counts too many.
        done[self._slot] = 0
        announced[self._slot] = 0
        return Taken(announced, done, self._slot)


def alone() -> Ledger:
    """Return one that nobody else knows."""
    return Ledger(memoryview(bytearray(_PAGE)), 0)


class File:
    """A user's file, open, with a slot on a CPU that is this process's until it and its forks end.

    Args:
        path: where it is, or will be.
        cpu: the CPU that this process is bound to; None if it is bound to none.

    Attributes:
        fd: its descriptor; None where nothing can be told.
    """

    def __init__(self, path: str, cpu: int | None) -> None:
        self.fd: int | None = None
        self._cpu, self._slot = cpu, 0
        if cpu is not None:
            with contextlib.suppress(OSError):
                self.fd, self._slot = _claimed(path, cpu)

    def ledger(self) -> Ledger:
        """Return this process's ledger; its forks before this call have none."""
        if self.fd is not None and self._cpu is not None:
            import mmap  # not before the forks: each library makes them dearer

            with contextlib.suppress(OSError):
                return Ledger(memoryview(mmap.mmap(self.fd, _PAGE, offset=self._cpu * _PAGE)), self._slot)
        return alone()


def _claimed(path: str, cpu: int) -> tuple[int, int]:
    """Open the file; return its descriptor and a slot of this CPU, which is locked."""
    while True:
        fd = _open(path, os.O_CREAT)
        try:
            slot = next(slot for slot in range(_SLOTS) if _locked(fd, cpu * _PAGE + slot, 1))
            if _is_current(fd, path):
                os.posix_fallocate(fd, cpu * _PAGE, _PAGE)  # never shrinks it, as another length might
                return fd, slot
        except StopIteration:
            os.close(fd)
            raise OSError("all slots are taken") from None
        except OSError:
            os.close(fd)
            raise
        os.close(fd)  # the last run before this one removed it meanwhile


def remove() -> None:
    """Remove this user's file if no worker has it open any more."""
    path = of_user()
    with contextlib.suppress(OSError):
        fd = _open(path, 0)
        try:
            if _locked(fd, 0, 0) and _is_current(fd, path):
                os.unlink(path)
        finally:
            os.close(fd)


def of_user() -> str:
    """Return the path of this user's file."""
    return os.path.join(_FOLDER, f"passk-numbers-{os.getuid()}")


def _open(path: str, create: int) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | create, 0o600)
    status = os.fstat(fd)
    if status.st_uid != os.getuid() or not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077:
        os.close(fd)
        raise OSError(f"{path} is another user's")
    return fd


def _locked(fd: int, start: int, length: int) -> bool:
    """Lock bytes for as long as this descriptor or a copy of it is open; length 0 is all to the end."""
    lock = struct.pack(_LOCK, fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, lock)
    except BlockingIOError:
        return False
    return True


def _is_current(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False
