"""Gives up privileges: capabilities, users, system calls and paths."""

from __future__ import annotations

import contextlib
import os

from passk_tasks.sandbox.box import kernel, landlock, seccomp


def confine(
    identity: int | None,
    layers: dict[str, bool],
    *,
    readable: list[str],
    writable: list[str],
    memfd: bool = False,
    loopback: bool = False,
) -> None:
    """Give up every privilege; from then on only what the filter and Landlock allow is possible."""
    drop(identity, layers)
    layers["landlock"] = layers["seccomp"] = False
    with contextlib.suppress(OSError):
        landlock.enforce(landlock.ruleset(readable, writable, tcp=loopback))
        layers["landlock"] = True
    with contextlib.suppress(OSError):  # there may be no filter for this machine
        kernel.install_seccomp(seccomp.program(memfd=memfd, loopback=loopback))
        layers["seccomp"] = True


def drop(identity: int | None, layers: dict[str, bool]) -> None:
    """Become the user `identity` for good (None: stay the same user), and give up capabilities."""
    kernel.drop_bounding_capabilities()  # root only can
    if identity is not None and os.getuid() != identity:
        os.setgroups([])
        os.setresgid(identity, identity, identity)
        os.setresuid(identity, identity, identity)
    kernel.drop_capabilities()
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    layers["no new privileges"] = True
    layers["unprivileged user"] = os.getuid() != 0
