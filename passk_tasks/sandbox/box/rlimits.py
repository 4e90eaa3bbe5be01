"""Resource limits: those that a worker needs, and those that a candidate gets."""

from __future__ import annotations

import resource

from passk_tasks.sandbox.box import kernel
from passk_tasks.sandbox.box.limits import OPEN_FILES, OPEN_FILES_LEAST, TESTS_EXTRA_MIB
from passk_tasks.sandbox.box.protocol import Configuration

_THREAD_STACK_BYTES = 8 << 20
_SIGNALS = 1024


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
    )


def raise_all(config: Configuration) -> None:
    """Raise every limit to the user's hard limit, and above that if we need and may.

    Raises:
        LimitError: a hard limit is too low.
    """
    for limit, name, needed in _needs(config):
        hard = resource.getrlimit(limit)[1]
        if hard != resource.RLIM_INFINITY and hard < needed:
            try:
                resource.setrlimit(limit, (needed, needed))
            except (OSError, ValueError):
                raise LimitError(
                    f"the hard limit on {name} is {hard}, and the sandbox needs {needed}: raise it for the "
                    "user who starts the run (limits.conf, `docker run --ulimit`), or start the run elsewhere"
                ) from None
        else:
            resource.setrlimit(limit, (hard, hard))


def limit_candidates(config: Configuration) -> None:
    """Limit this process and all candidates below it; the number of processes is limited elsewhere."""
    # Not 0: where the core pattern is a pipe, the kernel ignores 0 and starts the host's crash handler for
    # each crash. At 1 it dumps nothing, whatever the pattern; the filter keeps the limit there.
    resource.setrlimit(resource.RLIMIT_CORE, _at_most(resource.RLIMIT_CORE, 1))
    # The kernel counts timers and queued signals for the whole user, who may be the one who runs this.
    resource.setrlimit(resource.RLIMIT_SIGPENDING, _at_most(resource.RLIMIT_SIGPENDING, _SIGNALS))
    resource.setrlimit(resource.RLIMIT_AS, mib(config["memory_mib"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, mib(config["output_mib"]))
    resource.setrlimit(resource.RLIMIT_NOFILE, _at_most(resource.RLIMIT_NOFILE, OPEN_FILES))
    # The limit on address space bounds stacks. A lower limit here would become the stack of each thread of a
    # program that a candidate starts; and programs raise it for deep recursion in the main thread.
    most = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (most, most))
    # Otherwise the candidate's own threads would reserve what the host's limit was when we started.
    kernel.set_thread_stack(_THREAD_STACK_BYTES)


def mib(size: int) -> tuple[int, int]:
    """Return a soft and a hard limit of so many MiB."""
    return size << 20, size << 20


def _at_most(limit: int, value: int) -> tuple[int, int]:
    hard = resource.getrlimit(limit)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    return value, value


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
