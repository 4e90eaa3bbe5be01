"""Verdicts on a loaded machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from under_load import call_itself, wait_for_name

from passk_tasks import benchmarks
from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Judge, Limits, Program, Tests
from passk_tasks.sandbox import supervisor
from passk_tasks.sandbox.box import usage
from passk_tasks.sandbox.box.processes import descendants
from passk_tasks.sandbox.cpus import usable_cpus
from passk_tasks.sandbox.supervisor import Sandbox
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Verdict


@contextlib.contextmanager
def busy(processes):
    """Keep this many processes computing."""
    loops = [subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


# Half a second of work, whatever the machine: it watches its own CPU clock.
HALF_A_SECOND = (
    "import time\nend = time.process_time() + 0.5\n"
    "while time.process_time() < end: pass\ndef f(): return {n}\n"
)


@pytest.mark.slow
def test_a_loaded_machine_changes_no_verdict():
    """With 8 busy processes a core, 16 right programs of 0.5 s and all canonical solutions pass in 3 s."""
    humaneval = benchmarks.get("humaneval")
    problems = benchmarks.load(humaneval, Settings()).problems.values()
    programs = [
        Program("t/0", HALF_A_SECOND.format(n=n), Tests(f"assert f() == {n}\n", ("f",))) for n in range(16)
    ]
    programs += [humaneval.program(p, humaneval.canonical(p), Judge.ISOLATED) for p in problems]
    programs.append(Program("t/0", "while True: pass", Tests("", ())))
    programs.append(Program("t/0", "import time\ntime.sleep(99)", Tests("", ())))
    with busy(8 * usable_cpus()):
        outcomes = batch.judge(programs, local(Confinement(Limits(timeout_s=3.0)))).outcomes
    assert {o.verdict for o in outcomes[:-2]} == {Verdict.PASSED}
    assert {o.verdict for o in outcomes[-2:]} == {Verdict.TIMEOUT}


def test_a_loaded_core_is_not_the_programs_fault():
    """Beside three busy processes a core, a right program may outlast its limit by the wall clock."""
    program = Program("t/0", HALF_A_SECOND.format(n=1), Tests("assert f() == 1\n", ("f",)))
    with busy(3 * usable_cpus()):
        outcome = batch.judge([program], local(Confinement(Limits(timeout_s=0.8)))).outcomes[0]
    assert outcome.passed, outcome


def test_an_answer_that_waits_for_its_reader_takes_no_time_of_the_program():
    """Two thousand calls are 0.05 s of work, however long a busy machine lets an answer lie."""
    tests = Tests("for i in range(2000):\n    assert f(i) == i\n", ("f",))
    programs = [Program("t/0", f"def f(x): return x  # {n}", tests) for n in range(4)]
    limits = Limits(timeout_s=0.3, backstop=1000.0)
    with busy(8 * usable_cpus()):
        outcomes = batch.judge(programs, local(Confinement(limits), 1)).outcomes
    assert all(outcome.passed for outcome in outcomes), outcomes


@pytest.mark.parametrize("how", list(Judge)[:2])
def test_a_machine_that_stands_still_is_not_the_programs_fault(how):
    """A paused container: the clock goes on, and nobody works. A right program passes all the same."""
    # It sleeps until it has missed more than its whole limit.
    code = call_itself("sleeper") + (
        "import time\nbefore = now = time.monotonic()\nwhile now - before < 2.5:\n"
        "    before = now\n    time.sleep(0.02)\n    now = time.monotonic()\ndef f(): return 1\n"
    )
    program = Program("t/0", code, Tests("assert f() == 1\n", ("f",)), how)
    before = descendants(os.getpid())

    def pause():
        below = wait_for_name("sleeper", os.getpid()) - before
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for pid in below:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            if number == signal.SIGSTOP:
                time.sleep(3.0)

    with Sandbox(Confinement(Limits(timeout_s=2.0)), 1, hidden=()) as box:
        pausing = threading.Thread(target=pause)
        pausing.start()
        [(_, outcome)] = box.run([program])
        pausing.join()
    assert outcome.passed, outcome


def test_time_that_a_virtual_machines_host_took_is_known(monkeypatch):
    """It is the sum over the CPUs that may be used, in seconds; 0 where the kernel does not tell."""
    stat = "cpu  9 9 9 9 9 9 9 900 0 0\ncpu0 1 1 1 1 1 1 1 250 0 0\ncpu1 1 1 1 1 1 1 1 50 0 0\nintr 5\n"
    monkeypatch.setattr(usage, "_TICKS", 100)
    monkeypatch.setattr(usage, "_read", lambda path: stat)
    for cpus, seconds in (({0}, 2.5), ({0, 1}, 3.0), ({7}, 0.0)):
        monkeypatch.setattr(usage.os, "sched_getaffinity", lambda _, cpus=cpus: cpus)
        assert usage._all_stolen_s() == seconds
    monkeypatch.setattr(usage, "_read", lambda path: "cpu0 1 2\n")
    monkeypatch.setattr(usage.os, "sched_getaffinity", lambda _: {0})
    assert usage._all_stolen_s() == 0.0


def test_many_programs_have_all_workers_at_once():
    """Few start with one worker, since another one would cost more than it saves."""
    program = Program("t/0", "def f(x): return x\n", Tests("assert f(1) == 1\n", ("f",)))
    with Sandbox(Confinement(), 2, hidden=()) as box:
        judged = box.run([program] * supervisor._PAYS_PROGRAMS)
        next(judged)
        assert len(box._pool) == 2
        assert all(outcome.passed for _, outcome in judged)
