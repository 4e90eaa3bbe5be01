"""From the end of a candidate to a verdict and a text."""

from __future__ import annotations

import os
import signal
from typing import Any

from passk_tasks.sandbox.box.process import CandidateGone
from passk_tasks.sandbox.box.remote import NotPlainError, Remote
from passk_tasks.sandbox.box.suites import BASE_FILE, TESTS_FILE, Suite
from passk_tasks.verdict import Verdict

DETAIL_LIMIT = 500  # characters
_VALUE_LIMIT = 240  # characters of a value
_LONG_BITS = 1024
_ENDS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    dict: ("{", "}"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
}
_EFBIG = 27


class TestsTimeout(BaseException):
    """The tests themselves used up the CPU seconds of the limit."""

    __test__ = False


class WrongAnswerError(Exception):
    """The output of a program is not the expected one."""


def explain(error: BaseException, remote: Remote, suite: Suite | None) -> tuple[Verdict, str]:
    """Return verdict and detail for what ended the tests."""
    if isinstance(error, CandidateGone):
        return error.verdict, error.detail
    if isinstance(error, TestsTimeout):
        return Verdict.TIMEOUT, "the tests used up the time over what the candidate returned"
    if isinstance(error, NotPlainError):  # they run in one process instead
        return Verdict.ERROR, f"the tests hand over {error}, which is not plain data"
    for mine, own, text in remote.raised:
        if mine is error:
            return _explain_raised(error, own, text)
    if isinstance(error, WrongAnswerError):
        return Verdict.FAILED, str(error)
    where = _line_of(error, suite) if suite is not None else "the comparison"
    if isinstance(error, AssertionError):
        text = _text(error)
        return Verdict.FAILED, f"{where}: {text}" if text else where
    if isinstance(error, MemoryError):
        return Verdict.MEMORY_LIMIT, "the tests ran out of memory over what the candidate returned"
    return Verdict.ERROR, f"{type(error).__name__}: {_text(error)} in {where}"


def _explain_raised(error: BaseException, own: str, text: str) -> tuple[Verdict, str]:
    detail = f"{own}: {text}" if text else own
    if isinstance(error, AssertionError):
        return Verdict.FAILED, detail
    if isinstance(error, MemoryError):
        return Verdict.MEMORY_LIMIT, detail
    if isinstance(error, OSError) and error.errno == _EFBIG:
        return Verdict.OUTPUT_LIMIT, detail
    return Verdict.ERROR, detail


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except ValueError:  # an int with more digits than Python converts
        return "(too long to show)"


def _line_of(error: BaseException, suite: Suite) -> str:
    trace, shown = error.__traceback__, ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file in (TESTS_FILE, BASE_FILE):
            shown = suite.line(file, trace.tb_lineno)
        trace = trace.tb_next
    return shown or "the tests"


def actual(error: BaseException, remote: Remote) -> str:
    """Return what the candidate's last call returned, where an assertion of the tests failed; else "".

    Plain data alone is shown: other objects stand for themselves by the names of their types.
    """
    raised = any(mine is error for mine, _, _ in remote.raised)
    if not isinstance(error, AssertionError) or raised or not remote.returned:
        return ""
    return one_line(_value(remote.returned[0], 4))


def _value(value: Any, depth: int) -> str:
    kind: type = type(value)
    if kind is int and value.bit_length() > _LONG_BITS:
        return f"<int of {value.bit_length()} bits>"
    if value is None or kind in (bool, int, float, complex):
        return repr(value)
    if kind in (str, bytes):
        return repr(value[:DETAIL_LIMIT]) + ("…" if len(value) > DETAIL_LIMIT else "")
    ends = _ENDS.get(kind)
    if ends is None or depth == 0:
        return f"<{kind.__name__}>"
    items: list[str] = []
    room = _VALUE_LIMIT
    for item in value:
        if room < 0:
            items.append("…")
            break
        text = _value(item, depth - 1)
        if kind is dict:
            text = f"{text}: {_value(value[item], depth - 1)}"
        items.append(text)
        room -= len(text) + 2
    if kind in (set, frozenset):
        items = sorted(items) if items else ["*()"]
    comma = "," if kind is tuple and len(items) == 1 else ""
    return ends[0] + ", ".join(items) + comma + ends[1]


def explain_status(status: int, cpu_spent: bool, memory_spent: bool) -> tuple[Verdict, str]:
    """Return verdict and detail for a process that ended by itself."""
    code = os.waitstatus_to_exitcode(status)
    if code == 77:
        return Verdict.MEMORY_LIMIT, "out of memory"
    if code >= 0:
        return Verdict.CRASHED, f"exited with status {code}"
    name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
    if -code == signal.SIGXCPU or (-code == signal.SIGKILL and cpu_spent):
        return Verdict.TIMEOUT, "out of CPU time"
    if memory_spent and -code in (signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL, signal.SIGBUS):
        return Verdict.MEMORY_LIMIT, f"killed by {name} at the memory limit"
    return Verdict.CRASHED, f"killed by {name}"


def one_line(text: str) -> str:
    """Shorten a text and make it safe to store: one line, no control characters, no lone surrogates."""
    text = " ".join(text[: 2 * DETAIL_LIMIT].split())
    text = "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )
    return text if len(text) <= DETAIL_LIMIT else text[: DETAIL_LIMIT - 1] + "…"
