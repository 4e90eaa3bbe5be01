"""While a sandbox is open, SIGTERM unwinds the stack, as Ctrl-C does, so that nothing of it is left."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

from passk_tasks.errors import TerminatedError


def unwind() -> Any:
    """Let SIGTERM raise TerminatedError if nobody else handles it; return what `restore` wants."""
    if threading.current_thread() is not threading.main_thread():
        return None
    before = signal.getsignal(signal.SIGTERM)
    if before is not signal.SIG_DFL:
        return None
    signal.signal(signal.SIGTERM, _terminated)
    return before


def restore(before: Any) -> None:
    """Let SIGTERM do again what it did before `unwind`."""
    if before is not None:
        signal.signal(signal.SIGTERM, before)


def _terminated(_number: int, _frame: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one is enough; `restore` sets the handler back
    raise TerminatedError


def _end_at_once() -> None:
    # What others fork meanwhile, e.g. a pool of lm-eval's, has no sandbox to close. A handler runs only once
    # the interpreter has its turn: a child that waits for a lock would never end, nor who waits for it.
    if signal.getsignal(signal.SIGTERM) is _terminated:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


os.register_at_fork(after_in_child=_end_at_once)
