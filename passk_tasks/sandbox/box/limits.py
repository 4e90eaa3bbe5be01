"""Limits that the host's side and the worker must agree on, and the room of one candidate."""

from __future__ import annotations

from typing import NamedTuple

TREE_MEMORY = 4
"""All processes of a candidate together may use this many times the memory limit of each."""

DISK_MIB = 192
"""What a candidate may write in all: to three folders in memory, or to one on a disk."""

TESTS_EXTRA_MIB = 512
"""What the tests' side may use beyond a candidate's limit."""

OPEN_FILES = 1024
"""Files, sockets and pipes that each process of a candidate may have open, where the host allows so many."""

OPEN_FILES_LEAST = 256
"""A host that allows fewer cannot judge."""


class Loaded(NamedTuple):
    """What libraries take of each process that is forked after their import: memory, and address space."""

    resident_mib: int
    reserved_mib: int


class Room(NamedTuple):
    """How much a candidate may use, in MiB.

    Attributes:
        each_mib: resident memory of each process, beside `loaded_mib`.
        address_mib: address space of each process, with what it reserves and never touches.
        together_mib: memory of all processes.
        file_mib: each file.
        loaded_mib: what each process holds from its start: libraries that were loaded before it was forked.
    """

    each_mib: int
    address_mib: int
    together_mib: int
    file_mib: int
    loaded_mib: int = 0

    def exceeded(self, largest_mib: float) -> str:
        """Return what to say of a largest process that holds so much; "" where that is allowed."""
        own_mib = largest_mib - self.loaded_mib
        if own_mib <= self.each_mib:
            return ""
        beside = f" beside {self.loaded_mib} of libraries" * bool(self.loaded_mib)
        return f"a process used {own_mib:.0f} MiB of memory{beside}; {self.each_mib} are allowed"
