"""Sets what a process inherits from whoever started it, so that programs find what is usual.

The supervisor gives environment, folder, descriptors and session when it starts a worker, and stack and
personality before anything else is loaded; `rlimits` has the limits, `launch` the CPU, the zygote the OOM
score. What nobody can take back stays: the parent's system call filter, and for an ordinary user a higher
niceness and the idle class.
"""

from __future__ import annotations

import contextlib
import os
import signal

from passk_tasks.sandbox.box import kernel

_PRCTL = {
    kernel.PR_SET_TIMERSLACK: 50_000,  # the kernel's default, in ns
    kernel.PR_MCE_KILL: 0,  # to the system's default
    kernel.PR_SET_SECUREBITS: 0,
    kernel.PR_SET_NO_NEW_PRIVS: 1,
    kernel.PR_SET_THP_DISABLE: 0,
    kernel.PR_SET_MEMORY_MERGE: 0,
}


def forget() -> None:
    """Set everything; a worker calls it first, and all of its processes inherit that."""
    # Folders, files and sockets made here have the modes that are given with them.
    os.umask(0o022)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in signal.valid_signals():
        # The interpreter itself ignores these two; at its start it leaves alone what is ignored already.
        if number not in (signal.SIGPIPE, signal.SIGXFSZ) and signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    kernel.forget_priorities()
    # Last, for a real-time process has no timer slack.
    for option, value in _PRCTL.items():
        with contextlib.suppress(OSError):  # unknown to an older kernel, or not ours to change
            kernel.prctl(option, value)
