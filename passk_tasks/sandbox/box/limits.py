"""Numbers that the host's side and the worker must agree on."""

from __future__ import annotations

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
