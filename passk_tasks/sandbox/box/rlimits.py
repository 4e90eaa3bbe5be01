"""Resource limits: those that a worker needs, and those that a candidate gets."""

from __future__ import annotations

import math
import resource

from passk_tasks.sandbox.box import kernel
from passk_tasks.sandbox.box.limits import OPEN_FILES, OPEN_FILES_LEAST, TESTS_EXTRA_MIB
from passk_tasks.sandbox.box.protocol import Configuration

_STACK_BYTES = 8 << 20  # of each thread, and of a main thread where nobody set anything
_SIGNALS, _SIGNALS_LEAST = 1024, 64
# What a candidate gets of each limit, where the host allows so much.
_GIVEN = {
    # Not 0, which a core pattern that is a pipe takes for no limit: some crash handler of the host's would be
    # started for each crash. At 1 the kernel dumps nothing, whatever the pattern; the filter keeps it there.
    resource.RLIMIT_CORE: 1,
    # Counted for the user in all, who may be the one who runs this: no timers and signals without number.
    resource.RLIMIT_SIGPENDING: _SIGNALS,
    resource.RLIMIT_NOFILE: OPEN_FILES,
    # The address space bounds stacks. A number here would be what each thread of a program that a candidate
    # starts reserves, and programs may raise it (deep recursion): for the main thread there are 128 MiB.
    resource.RLIMIT_STACK: resource.RLIM_INFINITY,
    resource.RLIMIT_DATA: resource.RLIM_INFINITY,
    resource.RLIMIT_RSS: resource.RLIM_INFINITY,
    resource.RLIMIT_RTTIME: resource.RLIM_INFINITY,
    # The kernel's defaults.
    resource.RLIMIT_MEMLOCK: 8 << 20,
    resource.RLIMIT_MSGQUEUE: 819_200,
    resource.RLIMIT_NICE: 0,
    resource.RLIMIT_RTPRIO: 0,
}


class LimitError(Exception):
    """A resource limit of the user is too low; the message names it."""


def _needs(config: Configuration) -> tuple[tuple[int, str, int], ...]:
    """Return what limits must allow: each limit, its name for people, and how much."""
    memory = (config["memory_mib"] + TESTS_EXTRA_MIB) << 20
    return (
        (resource.RLIMIT_NOFILE, "open files (ulimit -n)", OPEN_FILES_LEAST),
        (resource.RLIMIT_FSIZE, "bytes of a file (ulimit -f, in KiB)", config["output_mib"] << 20),
        (resource.RLIMIT_AS, "bytes of address space (ulimit -v, in KiB)", memory),
        (resource.RLIMIT_DATA, "bytes of data (ulimit -d, in KiB)", memory),
        (resource.RLIMIT_NPROC, "processes (ulimit -u)", config["processes"] + 8),
        (resource.RLIMIT_CPU, "CPU seconds (ulimit -t)", int(config["backstop_s"]) + 3),
        (resource.RLIMIT_STACK, "bytes of stack (ulimit -s, in KiB)", _STACK_BYTES),
        (resource.RLIMIT_SIGPENDING, "queued signals (ulimit -i)", _SIGNALS_LEAST),
    )


def raise_all(config: Configuration) -> None:
    """Raise every limit to the user's hard limit, and above that if we need and may.

    Raises:
        LimitError: a hard limit is too low.
    """
    needs = {limit: (name, needed) for limit, name, needed in _needs(config)}
    for limit in {*needs, *_GIVEN}:
        name, needed = needs.get(limit, ("", 0))
        hard, wanted = resource.getrlimit(limit)[1], _GIVEN.get(limit, needed)
        most = hard if _least(hard, wanted) == wanted else wanted
        try:
            resource.setrlimit(limit, (most, most))
        except (OSError, ValueError):
            if _least(hard, needed) != needed:
                raise LimitError(
                    f"the hard limit on {name} is {hard}, and the sandbox needs {needed}: raise it for the "
                    "user who starts the run (limits.conf, `docker run --ulimit`), or start the run elsewhere"
                ) from None
            resource.setrlimit(limit, (hard, hard))


def limit_candidates() -> None:
    """Limit this process and all candidates below it, but for what the zygote limits for each of them."""
    for limit, value in _GIVEN.items():
        most = _least(value, resource.getrlimit(limit)[1])
        resource.setrlimit(limit, (most, most))
    # What threads of the candidate itself reserve would be what this host's limit was when we started.
    kernel.set_thread_stack(_STACK_BYTES)


def at_most(limit: int, size: int) -> tuple[int, int]:
    """Return a soft and a hard limit of so many MiB, or of what the hard limit allows."""
    most = _least(size << 20, resource.getrlimit(limit)[1])
    return most, most


def _least(*values: int) -> int:
    return min(values, key=lambda value: math.inf if value == resource.RLIM_INFINITY else value)


def let_limits_be_raised() -> None:
    """Let a program ask for more than its hard limits without an error; the limits stay.

    In a plain interpreter hard limits are mostly infinite, and the call succeeds. The kernel's limits do not
    change: this only helps honest programs.
    """
    setrlimit, getrlimit = resource.setrlimit, resource.getrlimit
    endless = resource.RLIM_INFINITY

    def setrlimit_in_bounds(kind: int, limits: tuple[int, int]) -> None:
        soft, hard = limits
        most = getrlimit(kind)[1]
        if most != endless and (hard == endless or hard > most) and (soft <= hard or hard == endless):
            soft = most if soft == endless else min(soft, most)
            hard = most
        setrlimit(kind, (soft, hard))

    setrlimit_in_bounds.__name__ = setrlimit_in_bounds.__qualname__ = "setrlimit"
    setrlimit_in_bounds.__module__ = "resource"
    resource.setrlimit = setrlimit_in_bounds
