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


class Room(NamedTuple):
    """How much a candidate may use, in MiB.

    Attributes:
        each_mib: resident memory of each process.
        address_mib: address space of each process, with what it reserves and never touches.
        together_mib: memory of all processes.
        file_mib: each file.
    """

    each_mib: int
    address_mib: int
    together_mib: int
    file_mib: int

    def exceeded(self, largest_mib: float) -> str:
        """Return what to say of a largest process that uses so much; "" where that is allowed."""
        if largest_mib <= self.each_mib:
            return ""
        return f"a process used {largest_mib:.0f} MiB of memory; {self.each_mib} are allowed"
