"""While a sandbox is open, SIGTERM unwinds the stack, as Ctrl-C does, so that nothing of it is left."""

from __future__ import annotations

import os
import signal
import threading

from passk_tasks.errors import TerminatedError


def unwind() -> bool:
    """Let SIGTERM raise TerminatedError if nobody else handles it; return whether it does now."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return False
    signal.signal(signal.SIGTERM, _terminated)
    return True


def restore() -> None:
    """Let SIGTERM end this process at once again."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminated(_number: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one is enough; `restore` sets the handler back
    raise TerminatedError


def _end_at_once() -> None:
    # What others fork meanwhile, e.g. a pool of lm-eval's, has no sandbox to close. A handler runs only once
    # the interpreter has its turn: a child that waits for a lock would never end, nor who waits for it.
    if signal.getsignal(signal.SIGTERM) is _terminated:
        restore()


os.register_at_fork(after_in_child=_end_at_once)
