"""The driver `stdio`: the program is one for the command line, and runs once for each case.

A candidate's process gets one case's input and the request ["main", source]. It runs the source as
an interpreter that was started with it would, until the process ends. The answer is that end, with the
program's own exit status, or an exception as in `isolated`, which comes after all the rest of the end. When
no process of the candidate is left, the benchmark's own rule compares the output.
"""

from __future__ import annotations

import _thread
import atexit
import binascii
import ctypes
import fcntl
import functools
import gc
import io
import json
import math
import os
import sys
import types
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from passk_tasks.sandbox.box import kernel
from passk_tasks.sandbox.box.candidate import Candidate, register
from passk_tasks.sandbox.box.trials import Trials
from passk_tasks.sandbox.box.verdicts import WrongAnswerError, one_line
from passk_tasks.verdict import Outcome, Verdict

_BYTE_ORDER_MARK = "\ufeff"
_START_S = 0.2  # for each case, to start and to import numpy, which benchmarks' own harnesses do once
_F_GETPIPE_SZ = 1032
_UNFLUSHED = 120  # the interpreter's exit status if it cannot flush a standard stream
# Kept, because a program may replace them.
_exit, _collect, _objects, _is_finalized = os._exit, gc.collect, gc.get_objects, gc.is_finalized
_threads = _thread._count
_flush_c_streams = ctypes.CDLL(None).fflush

Rule = Callable[[str, str], str]
"""Takes an output and the expected one; returns in a few words what is wrong, or "".

Outputs are hostile: a rule must end whatever they hold, and use no more than the expected output justifies.
"""


class Cases:
    """The cases of one problem, shared by all of its candidates.

    Args:
        given: the fields of `program.StdioTests`; bytes are in base64.
    """

    def __init__(self, given: dict[str, Any]) -> None:
        import zlib  # on the tests' side alone: in candidates each shared library costs pages

        raw = zlib.decompress(binascii.a2b_base64(given["packed"]))
        self.pairs: list[list[str]] = json.loads(raw)
        self.rule = _rule(**given["comparison"])
        self.timeout_s: float = given["timeout_s"] or 0.0
        self.base: int = given["base"]
        self.whole_times: float | None = given["whole_times"]
        self.any_end: bool = given["any_end"]
        self.any_status: bool = given["any_status"]


@functools.lru_cache(maxsize=8)
def _rule(name: str, source: str) -> Rule:
    namespace: dict[str, Any] = {"__name__": "comparison"}
    exec(compile(source, "<comparison>", "exec", dont_inherit=True), namespace)
    rule: Rule = namespace[name]
    return rule


tests = Cases


def judge(trials: Trials, cases: Cases, code: str, tell: Callable[[], None]) -> Outcome:
    """Run a program on one case after another, until it fails one."""
    timeout_s = max(trials.timeout_s, cases.timeout_s)
    whole_s = left_s = _together_s(trials, cases)
    cpu_s = wall_s = peak_mib = 0.0
    held = 0
    outcome = Outcome(Verdict.PASSED)
    for given, expected in cases.pairs:
        with _Streams(code, given, expected) as streams:
            limit_s = min(timeout_s, left_s)
            remote = trials.start(limit_s, streams.fds)
            outcome = trials.outcome(
                remote,
                functools.partial(remote.run_program, code),
                limit_s,
                check=functools.partial(streams.check, cases.rule),
                any_end=cases.any_end,
                any_status=cases.any_status,
            )
        left_s -= max(outcome.cpu_s, remote.box.used_s)
        if left_s <= 0 and (outcome.passed or outcome.verdict is Verdict.TIMEOUT):
            detail = f"the tests together took more than {whole_s:g} s"
            outcome = replace(outcome, verdict=Verdict.TIMEOUT, detail=detail)
        cpu_s, wall_s = cpu_s + outcome.cpu_s, wall_s + outcome.wall_s
        peak_mib = max(peak_mib, outcome.peak_mib)
        if not outcome.passed:
            if outcome.verdict is not Verdict.SYNTAX_ERROR:
                where = f"test {held + 1} of {len(cases.pairs)}: "
                outcome = replace(outcome, detail=one_line(where + outcome.detail))
            break
        held += 1
        tell()
    base = held >= cases.base if cases.base else None
    return replace(outcome, judge="stdio", cpu_s=cpu_s, wall_s=wall_s, peak_mib=peak_mib, base_passed=base)


def _together_s(trials: Trials, cases: Cases) -> float:
    """Return the seconds that all cases may take; infinite where only each of them has a limit."""
    if cases.whole_times is None:
        return math.inf
    return cases.whole_times * trials.timeout_s + _START_S * len(cases.pairs)


class _Streams:
    """Standard input and output of one process; a context manager.

    They are files in memory. A program that names asyncio's function for a pipe gets a pipe there, as long as
    that holds the whole input, or the whole expected output: nobody fills or empties it while the program
    runs.
    """

    def __init__(self, code: str, given: str, expected: str) -> None:
        self._expected, self._reading = expected, -1
        content = given.encode("utf-8", "surrogatepass")
        if "connect_read_pipe" in code and (pipe := _pipe_for(len(content))):
            stdin, writing = pipe
            os.write(writing, content)
            os.close(writing)
        else:
            stdin = kernel.file_in_memory(content)
        if "connect_write_pipe" in code and (pipe := _pipe_for(4 * len(expected))):
            self._reading, stdout = pipe
        else:
            stdout = kernel.file_in_memory()
        self.fds = stdin, stdout

    def __enter__(self) -> _Streams:
        return self

    def __exit__(self, *_: object) -> None:
        for fd in (*self.fds, *([self._reading] if self._reading >= 0 else ())):
            os.close(fd)

    def check(self, rule: Rule) -> None:
        """Raise WrongAnswerError unless the output is the expected one; nobody is left to write to it."""
        # Never more than the limit of a file or what a pipe holds, so one call reads it.
        if self._reading >= 0:
            os.set_blocking(self._reading, False)
            try:
                output = os.read(self._reading, 1 << 20)
            except BlockingIOError:
                output = b""
        else:
            output = os.pread(self.fds[1], os.fstat(self.fds[1]).st_size, 0)
        if wrong := complaint(rule, output, self._expected):
            raise WrongAnswerError(wrong)


def _pipe_for(size: int) -> tuple[int, int] | None:
    """Return the ends of a pipe that holds so many bytes; None where pipes are smaller."""
    reading, writing = os.pipe()
    if size <= fcntl.fcntl(writing, _F_GETPIPE_SZ):
        return reading, writing
    os.close(reading)
    os.close(writing)
    return None


def complaint(rule: Rule, output: bytes, expected: str) -> str:
    """Return what is wrong with an output by a rule, `""` where it is the expected one."""
    # No honest program pads an answer that much, and splitting megabytes would cost memory here.
    if len(output) > 16 * len(expected) + (1 << 16):
        return f"{len(output):,} bytes of output where about {len(expected):,} were expected"
    text = output.decode("utf-8", "replace")
    return "" if text == expected else rule(text, expected)


# --- the candidate's end ---


def _main(candidate: Candidate, source: str) -> bytes:
    """Run a program as `sys.modules["__main__"]`, and end the process with its status.

    Returns:
        The answer for what the program raised, unless its own `sys.excepthook` exited, once all that it left
        has ended.

    Raises:
        MemoryError: from the program; there may be no memory left to end it.
    """
    file = register(types.ModuleType("__main__"), source)
    # As in a file, a byte order mark is no part of the program.
    code = compile(source.removeprefix(_BYTE_ORDER_MARK), file, "exec", dont_inherit=True)
    candidate.phase = "call"
    module = sys.modules["__main__"]
    sys.argv[:] = [str(module.__file__)]
    # Opened again: the interpreter's own stream objects remember another kind of file.
    streams = {"encoding": "utf-8", "errors": "surrogateescape", "closefd": False}
    sys.stdin = sys.__stdin__ = open(0, **streams)  # type: ignore[call-overload,misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", **streams)  # type: ignore[call-overload,misc]  # noqa: SIM115
    sys.stdin.buffer.raw.name, sys.stdout.buffer.raw.name = "<stdin>", "<stdout>"
    status, answer = 0, b""
    try:
        exec(code, module.__dict__)
    except SystemExit as error:
        status = _status(error)
    except BaseException as error:
        if (ended := _hooked(error)) is not None:
            status = ended
        elif isinstance(error, MemoryError):
            raise
        else:
            answer = candidate.raised(error)
    remains = weakref.ref(module)
    del module  # `_finish` must be able to end it
    flushed = _finish(remains)
    if not answer:
        _exit(status if flushed else _UNFLUSHED)
    return answer


def _hooked(error: BaseException) -> int | None:
    """Call the program's own `sys.excepthook`; return the status with which that exits, if it does."""
    if sys.excepthook is sys.__excepthook__:
        return None
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except SystemExit as ended:
        return _status(ended)
    return None


def _status(error: SystemExit) -> int:
    """Return the exit status that the interpreter gives a program which raised SystemExit."""
    code: Any = error.code
    if code is None:
        return 0
    if isinstance(code, int):  # a bool and the member of an IntEnum too
        number = int.__index__(code)
        return number & 0xFF if -(1 << 63) <= number < 1 << 63 else 0xFF
    print(code, file=sys.stderr)
    return 1


def _finish(remains: weakref.ref[types.ModuleType]) -> bool:
    """Do what `Py_FinalizeEx` does, which itself takes longer than most programs.

    Returns whether standard output could be flushed. `Py_FinalizeEx` clears every module. Here only the
    program's module goes, with everything that it alone holds. What others hold stays; but streams are
    flushed, and destructors of the program's classes are called.
    """
    try:
        if "threading" in sys.modules:
            sys.modules["threading"]._shutdown()  # waits for threads that are no daemons
    except BaseException:
        pass  # the interpreter only reports it on standard error
    atexit._run_exitfuncs()
    flushed = _flush_standard_streams()
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        sys.__dict__.pop(name, None)
    sys.modules.pop("__main__", None)
    _flush_held_streams()  # in a cycle, the collector may close a file before its buffer is written
    _collect()
    if (module := remains()) is not None:
        for private in (True, False):
            for name in list(module.__dict__):
                if name != "__builtins__" and private is (name[:1] == "_" and name[1:2] != "_"):
                    module.__dict__[name] = None
        _collect()
    if not _threads():  # what is left of a daemon is not ended by the interpreter, either
        _call_held_destructors()
    _flush_held_streams()
    _flush_standard_streams()  # a program may have detached the interpreter's own
    _flush_c_streams(None)
    return flushed


def _call_held_destructors() -> None:
    """Call the destructors of objects that a library holds, but for those that were called before."""
    held = _objects()
    kinds = {id(kind): kind for kind in map(type, held)}  # a class may have no hash
    ending = frozenset(number for number, kind in kinds.items() if _has_destructor(kind))
    for value in held if ending else ():
        if id(type(value)) in ending and not _is_finalized(value):
            try:
                type(value).__del__(value)
            except BaseException:
                pass  # the interpreter only reports it on standard error


def _has_destructor(kind: type) -> bool:
    try:
        module = type.__dict__["__module__"].__get__(kind)
        return isinstance(module, str) and module == "__main__" and hasattr(kind, "__del__")
    except BaseException:
        return False


def _flush_held_streams() -> None:
    for value in _objects():
        if isinstance(value, (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)):
            try:
                value.flush()
            except BaseException:
                pass  # closed


def _flush_standard_streams() -> bool:
    """Flush the current `sys.stdout` and `sys.stderr`; return whether standard output could be flushed."""
    flushed = True
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name, None)
        try:
            if stream is not None and not getattr(stream, "closed", False):
                stream.flush()
        except BaseException:
            flushed = flushed and name != "stdout"
    return flushed


REQUESTS: dict[str, Callable[..., bytes]] = {"main": _main}
