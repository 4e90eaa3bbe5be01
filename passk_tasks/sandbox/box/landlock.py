"""Landlock: which files, ports and processes a process may reach, whatever the mounts say."""

from __future__ import annotations

import os
import struct

from passk_tasks.sandbox.box import kernel

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION = 1  # flag: return the ABI instead of making a ruleset
_RULE_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_READ = _EXECUTE | _READ_FILE | _READ_DIR
# Access rights of files that each ABI knows, as a mask of the lowest bits.
_FILE_BITS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | (1 << 14) | (1 << 15)  # truncate, ioctl on devices
_TCP = 3  # bind and connect
_SCOPED = 3  # abstract unix sockets and signals


def abi() -> int:
    """Return the kernel's Landlock ABI, 0 where there is none."""
    try:
        return kernel.syscall(_CREATE, "landlock", None, 0, _VERSION)
    except OSError:
        return 0


def ruleset(
    readable: list[str], writable: list[str], listed: list[str] | None = None, *, tcp: bool = False
) -> int:
    """Return a descriptor, for `enforce`, of rules that allow only these trees.

    Args:
        readable: files and folders to read and execute, with all that is below.
        writable: the same to read and write.
        listed: folders where the names may be listed, and in those below.
        tcp: whether TCP ports may be bound and connected to; otherwise none may (ABI 4).

    Who is under these rules can neither signal a process outside of them nor reach an abstract socket there
    (ABI 6).

    Raises:
        OSError: the kernel has no Landlock.
    """
    version = abi()
    if version < 1:
        raise OSError(38, "Landlock is not available")
    files = (1 << _FILE_BITS[min(version, 5)]) - 1
    attributes = struct.pack(
        "QQQ", files, _TCP if version >= 4 and not tcp else 0, _SCOPED if version >= 6 else 0
    )
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = kernel.syscall(_CREATE, "landlock_create_ruleset", attributes, size, 0)
    for paths, rights in ((readable, _READ), (writable, files & ~_EXECUTE), (listed or [], _READ_DIR)):
        for path in paths:
            _allow(rules, path, rights & files)
    return rules


def enforce(rules: int) -> None:
    """Restrict this process and its descendants; needs no_new_privs. Closes the descriptor."""
    kernel.syscall(_RESTRICT, "landlock_restrict_self", rules, 0)
    os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what cannot be opened now cannot be opened later
    try:
        if not os.path.isdir(path):
            rights &= _ON_FILES
        rule = struct.pack("=Qi", rights, handle)
        kernel.syscall(_ADD, f"landlock rule for {path}", rules, _RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(handle)
