"""Whether the head node of a Ray cluster answers.

Without it the other nodes judge what they have, but most calls of Ray do not return, and Ray ends this
process after a minute.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from passk_tasks.errors import SandboxError

T = TypeVar("T")

_ANSWERS_S = 10.0  # for an address to take a connection, and for the head node to answer
_SILENT_S = 25.0  # until it is given up


class Head:
    """The head node, and since when it takes no connections.

    Args:
        cluster: as the user named it.
        addresses: where it may take connections, `[ray://]HOST:PORT`; those where it does now are looked at.
    """

    def __init__(self, cluster: str, addresses: Iterable[str]) -> None:
        self._cluster = cluster
        self._addresses = [name for name in addresses if ":" in name and refused(name) is None]
        self._since_s: float | None = None

    @property
    def silent(self) -> bool:
        """Whether it took no connection when it was last looked for."""
        return self._since_s is not None

    def answers(self) -> bool:
        """Look whether it takes connections.

        Raises:
            SandboxError: it has not for a while.
        """
        reasons = [why for address in self._addresses if (why := refused(address)) is not None]
        if not reasons:
            self._since_s = None
            return True
        now_s = time.monotonic()
        self._since_s = self._since_s or now_s
        if now_s - self._since_s >= _SILENT_S:
            raise SandboxError(
                f"the head node of the cluster {self._cluster} is gone ({reasons[0]}). What is judged is on "
                "the disk where --out names a folder: start a cluster, and type the same command again"
            )
        return False

    def leave_behind(self, ray: Any) -> None:
        """Let this process end without Ray's own end, which does not return, or is a crash."""
        atexit.unregister(ray.shutdown)
        atexit.register(_end)


def _end() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(SandboxError.exit_code)


def in_time(call: Callable[[], T]) -> T | None:
    """Return what a call of Ray returns; None where it fails, or the head node does not answer."""
    answers: list[T] = []

    def ask() -> None:
        with contextlib.suppress(Exception):
            answers.append(call())

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_ANSWERS_S)
    return answers[0] if answers else None


def refused(address: str) -> Exception | None:
    """Return why nothing takes a connection at `[ray://]HOST:PORT`; None where something does."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWERS_S).close()
    except (OSError, ValueError) as error:
        return error
    return None
