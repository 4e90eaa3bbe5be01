"""The tests' side: runs the tests of one candidate after another and decides.

It is a trusted program in a sandbox of its own. A candidate reaches it only by the data that `codec` lets
through, so a pass means that the tests, here, ran to their end.

    supervisor -> here    {"tests": id, "source", "prelude", "names", "base", "base_decides",
                           "objects"},
                          {"tests": id, "packed", "comparison", "timeout_s", "base"}, {"drop": id},
                          {"program": index, "tests": id, "code", "judge"}
    here -> supervisor    {"program": index, "verdict", "detail", "cpu_s", "wall_s", "peak_mib", "flags",
                           "judge": who judged in the end, where that may be another one, "crowds_others",
                           "base": whether the base tests passed, null where there are none}, {"alive": index}
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import gc
import importlib
import json
import random
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from passk_tasks.sandbox.box import codec, frames, stdio
from passk_tasks.sandbox.box.process import Box
from passk_tasks.sandbox.box.remote import Remote, RemoteFunction, RemoteObject
from passk_tasks.sandbox.box.second_look import Prepared
from passk_tasks.sandbox.box.suites import Suite
from passk_tasks.sandbox.box.verdicts import TestsTimeout, explain, explain_status, one_line

_PASSES_ANY = "it also passes with another expected value, so that its pass says nothing"


class TestsSide:
    """Judges programs; one at a time.

    Args:
        control: socket to the zygote.
        timeout_s: the limit, as `Limits.timeout_s`.
        backstop_s: wall seconds after which a candidate's time is up whatever the load.
        memory_mib: the candidate's limit, to tell a crash for want of memory from others.
        nursery_pid: the process whose children are zygotes.
        own_network: whether the network namespace has no sockets but the candidate's and this package's.
        disk: the candidates' folder where it is on a disk of the host, None where it has a size of its own.
    """

    __test__ = False

    def __init__(
        self,
        control: socket.socket,
        timeout_s: float,
        backstop_s: float,
        memory_mib: int,
        nursery_pid: int,
        *,
        own_network: bool = False,
        disk: str | None = None,
    ) -> None:
        self._memory_mib, self._timeout_s = memory_mib, timeout_s
        self._backstop = backstop_s / timeout_s
        self._box = functools.partial(
            Box, control, memory_mib=memory_mib, nursery_pid=nursery_pid, own_network=own_network, disk=disk
        )
        self._suites: dict[int, Suite | stdio.Cases] = {}
        self._armed = False
        signal.signal(signal.SIGPROF, self._on_timer)

    def _on_timer(self, _number: int, frame: Any) -> None:
        if not self._armed:
            return
        while frame is not None:
            if frame.f_code.co_filename.startswith("<frozen importlib"):
                # Half a module would stay for the next candidate's tests, and its time is not this one's.
                signal.setitimer(signal.ITIMER_PROF, self._timeout_s)
                return
            frame = frame.f_back
        raise TestsTimeout

    def serve(self, supervisor: int) -> None:
        """Answer the supervisor until it closes its socket."""
        while True:
            try:
                request = json.loads(frames.read(supervisor))
            except EOFError:
                return
            if "program" in request:
                index, suite = request["program"], self._suites[request["tests"]]
                alive = json.dumps({"alive": index}).encode("ascii")
                tell = functools.partial(frames.write, supervisor, alive)
                if isinstance(suite, stdio.Cases):
                    outcome = self._judge_cases(suite, request["code"], tell)
                else:
                    outcome = self._judge(suite, request["code"], request["judge"], tell)
                frames.write(supervisor, json.dumps({**outcome, "program": index}).encode("ascii"))
            elif "drop" in request:
                self._suites.pop(request["drop"], None)
            elif "packed" in request:
                self._suites[request["tests"]] = stdio.Cases(
                    request["packed"], request["comparison"], request["timeout_s"], request["base"]
                )
            else:
                parts = ("source", "prelude", "names", "base", "base_decides", "objects")
                self._suites[request["tests"]] = Suite(*(request[part] for part in parts))

    def _judge(self, suite: Suite, code: str, judge: str, tell: Callable[[], None]) -> dict[str, Any]:
        with contextlib.suppress(Exception):  # raised again where it is explained
            # Megabytes of literals and imports take their time, which is not the first candidate's.
            suite.stages() if judge == "isolated" else suite.prepared(judge)
        run: Callable[[Remote, Suite, str], None] = {"isolated": _run_isolated, "script": _run_script}[judge]
        outcome, remote = self._judge_once(run, suite, code)
        if remote.wants_numpy:
            with contextlib.suppress(Exception):  # there may be none
                importlib.import_module("numpy")
            codec.may_load_numpy = True
            outcome, remote = self._judge_once(run, suite, code)
        if remote.not_plain is not None:
            # Whatever came of it: the tests may have caught that, and taken it for the candidate's.
            prepared = suite.prepared(judge)
            outcome, _ = self._judge_once(functools.partial(_run_in_one_process, prepared), suite, code)
            why = f"judged in one process: the tests hand over {remote.not_plain}"
            outcome = {**outcome, "judge": "script", "flags": [*outcome["flags"], one_line(why)]}
            return self._looked_at_again(outcome, suite, prepared, code, tell)
        outcome = {**outcome, "judge": judge}
        if judge == "script":
            return self._looked_at_again(outcome, suite, suite.prepared(judge), code, tell)
        return outcome

    def _looked_at_again(
        self,
        outcome: dict[str, Any],
        suite: Suite,
        stages: list[Prepared],
        code: str,
        tell: Callable[[], None],
    ) -> dict[str, Any]:
        """Try a program that passed with tests that no right one passes, those of the base and the others."""

        def passes_another(prepared: Prepared) -> bool:
            for tests in prepared.others():
                tell()
                run = functools.partial(_run_prepared, prepared=prepared, tests=tests)
                if self._judge_once(run, suite, code)[0]["verdict"] == "passed":
                    return True
            return False

        if outcome["base"] and passes_another(stages[0]):
            outcome = {**outcome, "base": False}
            if suite.base_decides:
                return {**outcome, "verdict": "failed", "detail": _PASSES_ANY}
        if outcome["verdict"] == "passed" and passes_another(stages[-1]):
            return {**outcome, "verdict": "failed", "detail": _PASSES_ANY}
        return outcome

    def _judge_once(
        self, run: Callable[[Remote, Suite, str], None], suite: Suite, code: str
    ) -> tuple[dict[str, Any], Remote]:
        """Return an outcome, and who knows whether it is one: numpy may have to be loaded first."""
        remote = Remote(self._start(self._timeout_s), suite.objects and run is _run_isolated)
        random.seed(0)  # tests that draw examples draw the same ones for every candidate
        if "numpy.random" in sys.modules:
            sys.modules["numpy.random"].seed(0)
        outcome = self._outcome(remote, lambda: run(remote, suite, code), self._timeout_s, suite)
        return outcome, remote

    def _judge_cases(self, cases: stdio.Cases, code: str, tell: Callable[[], None]) -> dict[str, Any]:
        """Run a program on one case after another, until one does not hold; `tell` the supervisor of each."""
        timeout_s = max(self._timeout_s, cases.timeout_s)
        cpu_s = wall_s = peak_mib = 0.0
        held = 0
        outcome: dict[str, Any] = {}
        for given, expected in cases.pairs:
            with stdio.Streams(given) as streams:
                remote = Remote(self._start(timeout_s, streams.fds))
                outcome = self._outcome(
                    remote,
                    functools.partial(remote.run_program, code),
                    timeout_s,
                    check=functools.partial(streams.check, cases.comparison, expected),
                )
            cpu_s, wall_s = cpu_s + outcome["cpu_s"], wall_s + outcome["wall_s"]
            peak_mib = max(peak_mib, outcome["peak_mib"])
            if outcome["verdict"] != "passed":
                if outcome["verdict"] != "syntax_error":
                    where = f"test {held + 1} of {len(cases.pairs)}: "
                    outcome["detail"] = one_line(where + outcome["detail"])
                break
            held += 1
            tell()
        base = held >= cases.base if cases.base else None
        return {**outcome, "cpu_s": cpu_s, "wall_s": wall_s, "peak_mib": peak_mib, "base": base}

    def _start(self, timeout_s: float, streams: tuple[int, ...] = ()) -> Box:
        return self._box(timeout_s=timeout_s, backstop_s=self._backstop * timeout_s, streams=streams)

    def _outcome(
        self,
        remote: Remote,
        run: Callable[[], None],
        timeout_s: float,
        suite: Suite | None = None,
        check: Callable[[], None] | None = None,
    ) -> dict[str, Any]:
        """Run the tests of one process, end it, and say what came of them.

        Args:
            remote: the process.
            run: the tests; under `stdio` it returns once the process has ended by itself.
            timeout_s: the limit of the process, and of the tests themselves.
            suite: where the tests come from, for the line that did not hold.
            check: what must hold besides, when nothing of the candidate is left; it also had to end well.
        """
        started = time.monotonic()
        verdict, detail = self._guarded(run, remote, timeout_s, suite)
        if verdict == "passed":  # it may have taken much between two looks
            verdict, detail = self._guarded(remote.box.check_disk, remote, timeout_s)
        if remote.box.fatal is not None:  # whatever tests made of it: they may catch everything
            verdict, detail = remote.box.fatal.verdict, remote.box.fatal.detail
        wall_s = time.monotonic() - started
        status, cpu_s, peak_mib = remote.box.end()
        if verdict == "passed" and cpu_s > timeout_s:  # it ended between two looks
            verdict, detail = "timeout", f"{cpu_s:.2f} s of CPU time"
        if verdict == "passed" and check is not None:
            verdict, detail = self._guarded(check, remote, timeout_s) if status == 0 else ("crashed", "")
        if verdict == "crashed" and not detail:
            verdict, detail = explain_status(status, cpu_s >= timeout_s, peak_mib >= 0.9 * self._memory_mib)
            if check is None:
                detail += " before the tests ended" if verdict == "crashed" else ""
        return {
            "verdict": verdict,
            "detail": one_line(detail),
            "cpu_s": round(cpu_s, 6),
            "wall_s": round(wall_s, 6),
            "peak_mib": round(peak_mib, 3),
            "flags": [one_line(flag) for flag in remote.flags],
            "crowds_others": remote.box.crowds_others,
            "base": remote.base_passed if suite is not None and suite.base else None,
        }

    def _guarded(
        self, run: Callable[[], None], remote: Remote, timeout_s: float, suite: Suite | None = None
    ) -> tuple[str, str]:
        """Call something that hostile values go through; return verdict and detail."""
        self._armed = True
        signal.setitimer(signal.ITIMER_PROF, timeout_s)
        try:
            run()
        except BaseException as error:
            self._armed = False
            try:
                return explain(error, remote, suite)
            except BaseException as worse:  # hostile values are in there: turning them to text may fail
                return "error", f"{type(error).__name__}, and {type(worse).__name__} in showing it"
        finally:
            self._armed = False
            signal.setitimer(signal.ITIMER_PROF, 0)
        return "passed", ""


def _run_isolated(remote: Remote, suite: Suite, code: str) -> None:
    remote.load(code)
    namespace: dict[str, Any] = {"__name__": "tests", "__builtins__": builtins}
    if suite.prelude is not None:
        exec(suite.prelude, namespace)
    for name in suite.names:
        proxy = RemoteObject(remote, name) if suite.objects else RemoteFunction(remote, "call", name)
        namespace[name] = proxy
    *base, tests = suite.stages()
    for stage in base:
        remote.run_base(functools.partial(exec, stage, dict(namespace)), suite.base_decides)
    exec(tests, namespace)


def _run_script(remote: Remote, suite: Suite, code: str) -> None:
    _run_in_one_process(suite.prepared("script"), remote, suite, code)


def _run_in_one_process(stages: list[Prepared], remote: Remote, suite: Suite, code: str) -> None:
    """Run tests in the candidate's process."""
    *base, tests = stages
    remote.keep(sorted({name for stage in (*base, tests) for name in stage.modules}))
    remote.load(code)
    for stage in base:
        remote.run_base(functools.partial(remote.run_tests, stage.message()), suite.base_decides)
    remote.run_tests(tests.message())


def _run_prepared(
    remote: Remote, _suite: Suite, code: str, *, prepared: Prepared, tests: dict[str, Any]
) -> None:
    remote.keep(prepared.modules)
    remote.load(code)
    remote.run_tests(tests)


def prepare() -> None:
    """Make ready for many programs: what is loaded by now is never collected, so never looked at again."""
    codec.may_load_numpy = False
    gc.collect()
    gc.freeze()
