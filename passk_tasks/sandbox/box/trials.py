"""Tries one candidate after another: starts its process, runs the tests, ends the process, gives the outcome.

A candidate reaches the tests' side only by the data that `codec` lets through. So a pass means that the
tests, here, ran to their end.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from passk_tasks.sandbox.box import usage
from passk_tasks.sandbox.box.codec import reading
from passk_tasks.sandbox.box.ledger import Ledger
from passk_tasks.sandbox.box.limits import TREE_MEMORY, Loaded, Room
from passk_tasks.sandbox.box.on_host import OnHost
from passk_tasks.sandbox.box.process import Box, CandidateGone
from passk_tasks.sandbox.box.protocol import Configuration
from passk_tasks.sandbox.box.remote import Remote
from passk_tasks.sandbox.box.suites import Suite
from passk_tasks.sandbox.box.traces import Traces
from passk_tasks.sandbox.box.verdicts import TestsTimeout, actual, explain, explain_status, one_line
from passk_tasks.verdict import Outcome, Verdict

_UNEXPLAINED = Verdict.CRASHED, ""
_BY_ITSELF = {Verdict.FAILED, Verdict.ERROR, Verdict.CRASHED}  # how a program ends that no limit ends
_UNLIMITED = {*_BY_ITSELF, Verdict.PASSED}  # what no limit has ended
# What a full disk may make of a right program.
_FOR_WANT_OF_DISK = {Verdict.FAILED, Verdict.ERROR, Verdict.CRASHED, Verdict.TIMEOUT}
_WHATEVER_MEMORY = {Verdict.PASSED, Verdict.MEMORY_LIMIT}  # whether or not the machine has some left


def _unexplained(_status: int, _memory_spent: bool) -> None:
    """Leave a wait status to `explain_status`."""


class Trials:
    """Tries candidates; one process at a time.

    Attributes:
        timeout_s, memory_mib: those of `Limits`.
        room: how much memory a candidate may use where its driver says nothing else.
        crowds_others, is_crowded: those of the last candidate's `Box`.
        is_starved: whether one may have failed, since this was set to False, because memory ran out.
        traces: what candidates leave.
    """

    def __init__(
        self,
        control: socket.socket,
        config: Configuration,
        nursery_pid: int,
        way: OnHost,
        ledger: Ledger,
        loaded: Loaded,
    ) -> None:
        self.timeout_s, self.memory_mib = config["timeout_s"], config["memory_mib"]
        together_mib = TREE_MEMORY * self.memory_mib
        self.room = Room(
            self.memory_mib,
            together_mib + loaded.reserved_mib,
            together_mib + loaded.resident_mib,
            config["output_mib"],
            loaded.resident_mib,
        )
        self.crowds_others = self.is_crowded = self.is_starved = False
        self._read_killed = usage.killed_for_memory()
        self._killed = self._read_killed()
        self.traces = Traces(ledger)
        self._box = functools.partial(
            Box,
            control,
            backstop=config["backstop_s"] / config["timeout_s"],
            room=self.room,
            traces=self.traces,
            nursery_pid=nursery_pid,
            own_queued_s=usage.own_wait(),
            own_network=way.own_network,
            disk=way.disk,
        )
        self._armed = False
        self._actual = ""  # what the last call returned, where an assertion failed
        signal.signal(signal.SIGPROF, self._on_timer)

    def _on_timer(self, _number: int, frame: Any) -> None:
        if not self._armed:
            return
        while frame is not None:
            if frame.f_code.co_filename.startswith("<frozen importlib"):
                # An import: half a module would stay for the next candidate, and loading is not this one's
                # time.
                signal.setitimer(signal.ITIMER_PROF, self.timeout_s)
                return
            frame = frame.f_back
        raise TestsTimeout

    def start(self, timeout_s: float, streams: tuple[int, ...], room: Room | None = None) -> Remote:
        """Start a candidate's process; `protocol` says what descriptors in `streams` become."""
        room = room or self.room
        return Remote(self._box(call_s=timeout_s, whole_s=timeout_s, stages=1, streams=streams, room=room))

    def run(
        self,
        tests: Callable[[Remote], None],
        suite: Suite,
        *,
        objects: bool = False,
        each_call: bool = False,
    ) -> tuple[Outcome, Remote]:
        """Run a suite's tests against a fresh process; return the outcome, and the process, now ended.

        With `each_call` a request to the process is one call, so that it has a call's time limit; `objects`
        is as `Remote` has it.
        """
        outcome, remote = self._run(tests, suite, objects, each_call)
        if remote.wants_numpy:
            with contextlib.suppress(Exception):  # numpy may not be installed
                importlib.import_module("numpy")
            reading.may_load_numpy = True
            outcome, remote = self._run(tests, suite, objects, each_call)
        return outcome, remote

    def _run(
        self, tests: Callable[[Remote], None], suite: Suite, objects: bool, each_call: bool
    ) -> tuple[Outcome, Remote]:
        suite.set_digits()
        call_s = whole_s = max(self.timeout_s, suite.timeout_s)
        stages = 1
        if suite.whole_times is not None:
            whole_s = max(whole_s, suite.whole_times * self.timeout_s)
            call_s = call_s if each_call else whole_s
            stages = 2 if suite.base else 1
        box = self._box(call_s=call_s, whole_s=whole_s, stages=stages)
        remote = Remote(box, objects)
        random.seed(0)  # tests that draw examples draw the same ones for every candidate
        if "numpy.random" in sys.modules:
            sys.modules["numpy.random"].seed(0)
        return self.outcome(remote, functools.partial(tests, remote), stages * whole_s, suite), remote

    def outcome(
        self,
        remote: Remote,
        run: Callable[[], None],
        timeout_s: float,
        suite: Suite | None = None,
        check: Callable[[], None] | None = None,
        *,
        explained: Callable[[int, bool], tuple[Verdict, str] | None] = _unexplained,
        any_end: bool = False,
        any_status: bool = False,
    ) -> Outcome:
        """Run tests against one process, end the process, and return the outcome.

        Args:
            remote: the process.
            run: the tests; if there is a `check`, it returns once the process has ended by itself.
            timeout_s: the limit of the process, and of the tests themselves.
            suite: where the tests come from, to quote the line that failed.
            check: called when no process of the candidate is left; then the exit status must be 0, too.
            explained: verdict and detail by wait status and whether all memory was held; None for the usual.
            any_end: whether `check` alone decides, unless a limit ended the process.
            any_status: whether it does where the process exited, whatever its status.

        Raises:
            OSError: it may have failed because others left too little of the host's disk.
        """
        started, self._actual = time.monotonic(), ""
        verdict, detail = self._tested(run, remote, timeout_s, suite)
        wall_s, (status, cpu_s, peak_mib) = time.monotonic() - started, remote.box.end()
        if verdict is Verdict.PASSED and cpu_s > timeout_s:  # it ended before the next look
            verdict, detail = Verdict.TIMEOUT, f"{cpu_s:.2f} s of CPU time"
        ended = verdict is Verdict.PASSED or bool(remote.raised)
        if verdict is Verdict.PASSED and check is not None:
            verdict, detail = self._guarded(check, remote, timeout_s) if status == 0 else _UNEXPLAINED
        if verdict is Verdict.CRASHED and not detail:
            spent = peak_mib - remote.box.room.loaded_mib >= 0.9 * remote.box.room.each_mib
            verdict, detail = explained(status, spent) or explain_status(status, cpu_s >= timeout_s, spent)
            if check is None and verdict is Verdict.CRASHED:
                detail += " before the tests ended"
        free = any_end or (any_status and os.WIFEXITED(status) and not remote.raised)
        if free and check is not None and ended and status != 0 and verdict in _BY_ITSELF:
            judged, _ = self._guarded(check, remote, timeout_s)
            verdict, detail = (judged, "") if judged is Verdict.PASSED else (verdict, detail)
        if verdict in _UNLIMITED and (too_large := remote.box.room.exceeded(peak_mib)):  # between two looks
            verdict, detail = Verdict.MEMORY_LIMIT, too_large
        if remote.box.disk_error is not None and verdict in _FOR_WANT_OF_DISK:
            raise remote.box.disk_error  # to be tried again, alone, once there is room
        self._see_what_it_lacked(remote.box, verdict)
        return Outcome(
            verdict,
            one_line(detail),
            "",
            round(cpu_s, 6),
            round(wall_s, 6),
            round(peak_mib, 3),
            tuple(map(one_line, remote.flags)),
            remote.base_passed if suite is not None and suite.base else None,
            self._actual if verdict is Verdict.FAILED else "",
        )

    def _see_what_it_lacked(self, box: Box, verdict: Verdict) -> None:
        self.crowds_others, self.is_crowded = box.crowds_others, box.is_crowded
        if verdict not in _WHATEVER_MEMORY:
            before, self._killed = self._killed, self._read_killed()
            self.is_starved = self.is_starved or self._killed > before

    def _tested(
        self, run: Callable[[], None], remote: Remote, timeout_s: float, suite: Suite | None
    ) -> tuple[Verdict, str]:
        """Run tests; return verdict and detail of what they, the disk and the box say of the process."""
        verdict, detail = self._guarded(run, remote, timeout_s, suite)
        if verdict is Verdict.PASSED and remote.box.on_disk:
            # It may have filled the disk since the last look.
            verdict, detail = self._guarded(lambda: remote.box.check_disk(at_end=True), remote, timeout_s)
        elif verdict in _FOR_WANT_OF_DISK:  # its own doing, or the host's?
            try:
                remote.box.check_disk(at_end=True)
            except CandidateGone as gone:
                verdict, detail = gone.verdict, gone.detail
        try:
            remote.box.check_pipes_at_end(verdict)
        except CandidateGone as gone:
            verdict, detail = gone.verdict, gone.detail
        if remote.box.fatal is not None:  # even if the tests caught it
            verdict, detail = remote.box.fatal.verdict, remote.box.fatal.detail
        return verdict, detail

    def _guarded(
        self, run: Callable[[], None], remote: Remote, timeout_s: float, suite: Suite | None = None
    ) -> tuple[Verdict, str]:
        """Call something that handles hostile values; return verdict and detail."""
        self._armed = True
        signal.setitimer(signal.ITIMER_PROF, timeout_s)
        try:
            run()
        except BaseException as error:
            self._armed = False
            try:
                verdict, detail = explain(error, remote, suite)
                if verdict is Verdict.FAILED and suite is not None:
                    self._actual = actual(error, remote)
                return verdict, detail
            except BaseException as worse:  # the error holds hostile values: turning them to text may fail
                return Verdict.ERROR, f"{type(error).__name__}, and {type(worse).__name__} in showing it"
        finally:
            self._armed = False
            signal.setitimer(signal.ITIMER_PROF, 0)
        return Verdict.PASSED, ""
