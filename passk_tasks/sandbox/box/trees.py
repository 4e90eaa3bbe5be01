"""Removes what a program left, whatever it did to the folders."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

_BATCH = 10_000  # names held at one time


def empty(folder: str) -> None:
    """Remove everything in a folder, whatever its depth, its permissions and the number of its names.

    Inner folders are moved up first, so a tree that is deeper than a path may be long is no obstacle. Nobody
    else may write to the folder meanwhile.

    Raises:
        OSError: something cannot be removed.
    """
    moved = itertools.count()
    prefix = f"{folder}/.{os.urandom(8).hex()}"  # no name that a program could have put there
    os.chmod(folder, 0o700)
    for path in _folders_left(folder):
        _flatten(path, prefix, moved)


def _flatten(folder: str, prefix: str, moved: itertools.count[int]) -> None:
    """Remove a folder, and move the folders in it to names that start with `prefix`."""
    os.chmod(folder, 0o700)
    for path in _folders_left(folder):
        os.chmod(path, 0o700)  # moving a folder writes to it
        os.rename(path, f"{prefix}-{next(moved)}")
    os.rmdir(folder)


def _folders_left(folder: str) -> Iterator[str]:
    """Remove the files in a folder and yield its folders, which the caller removes, until it is empty."""
    while True:
        with os.scandir(folder) as entries:
            batch = [(e.path, e.is_dir(follow_symlinks=False)) for e in itertools.islice(entries, _BATCH)]
        if not batch:
            return
        for path, is_folder in batch:
            if is_folder:
                yield path
            else:
                os.unlink(path)


def remove(folder: str) -> None:
    """Remove a folder and all that is in it.

    Raises:
        OSError: something cannot be removed.
    """
    empty(folder)
    os.rmdir(folder)
