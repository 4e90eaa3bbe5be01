"""Runs a program under the judge `stdio` as the interpreter does that was started for it, in the candidate's
process, from its text to the end of the process.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import io
import os
import sys
import types
import weakref
from typing import Any, NoReturn

_BYTE_ORDER_MARK = "\ufeff"
_UNFLUSHED = 120  # the interpreter's status where a standard stream could not be flushed
# Kept: a program may put something else in their places.
_exit, _collect, _objects = os._exit, gc.collect, gc.get_objects
_flush_c_streams = ctypes.CDLL(None).fflush


def compiled(source: str, file: str) -> types.CodeType:
    """Return the code of a program; a byte order mark before it is none of it, as in a file.

    Raises:
        SyntaxError, ValueError: it is no program.
    """
    return compile(source.removeprefix(_BYTE_ORDER_MARK), file, "exec", dont_inherit=True)


def run(code: types.CodeType) -> NoReturn:
    """Run a program in `sys.modules["__main__"]`, which nothing else holds; end the process with its status.

    Raises:
        BaseException: what the program raised, unless its own `sys.excepthook` ended the process.
    """
    module = sys.modules["__main__"]
    sys.argv[:] = [str(module.__file__)]
    # Afresh: what the interpreter opened at its start remembers another kind of file.
    streams = {"encoding": "utf-8", "errors": "surrogateescape", "closefd": False}
    sys.stdin = sys.__stdin__ = open(0, **streams)  # type: ignore[call-overload,misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", **streams)  # type: ignore[call-overload,misc]  # noqa: SIM115
    status = 0
    try:
        exec(code, module.__dict__)
    except SystemExit as error:
        status = _status(error)
    except BaseException as error:
        if sys.excepthook is sys.__excepthook__:
            raise
        try:
            sys.excepthook(type(error), error, error.__traceback__)
        except SystemExit as ended:
            status = _status(ended)
        else:
            raise
    remains = weakref.ref(module)
    del module  # or it would outlive its end
    _end(status, remains)


def _status(error: SystemExit) -> int:
    """Return the exit status for what a program raised to end itself, by the interpreter's own rule."""
    code: Any = error.code
    if code is None:
        return 0
    if isinstance(code, int):  # a bool and the member of an IntEnum too
        number = int.__index__(code)
        return number & 0xFF if -(1 << 63) <= number < 1 << 63 else 0xFF
    print(code, file=sys.stderr)
    return 1


def _end(status: int, remains: weakref.ref[types.ModuleType]) -> NoReturn:
    """End the process in the steps of `Py_FinalizeEx`, which itself would take longer than most programs.

    It clears every module of this process. Here the program's own goes, and what only it held; a stream that
    something else holds is flushed. Destructors of what a library holds are not called.
    """
    try:
        if "threading" in sys.modules:
            sys.modules["threading"]._shutdown()  # waits for those that are no daemons
    except BaseException:
        pass  # reported on standard error there, and no more
    atexit._run_exitfuncs()
    flushed = _flush_standard_streams()
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        sys.__dict__.pop(name, None)
    sys.modules.pop("__main__", None)
    _flush_held_streams()  # in a cycle, the collector may close a file before what is buffered for it
    _collect()
    if (module := remains()) is not None:
        for private in (True, False):
            for name in list(module.__dict__):
                if name != "__builtins__" and private is (name[:1] == "_" and name[1:2] != "_"):
                    module.__dict__[name] = None
        _collect()
    _flush_held_streams()
    flushed = _flush_standard_streams() and flushed
    _flush_c_streams(None)
    _exit(status if flushed else _UNFLUSHED)


def _flush_held_streams() -> None:
    for value in _objects():
        if isinstance(value, (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)):
            try:
                value.flush()
            except BaseException:
                pass  # closed


def _flush_standard_streams() -> bool:
    """Flush what stands for them now; return whether standard output could be flushed."""
    flushed = True
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name, None)
        try:
            if stream is not None and not getattr(stream, "closed", False):
                stream.flush()
        except BaseException:
            flushed = flushed and name != "stdout"
    return flushed
