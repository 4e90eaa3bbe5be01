"""Batches: order, duplicates, dead workers."""

from __future__ import annotations

import contextlib
import os
import signal

import pytest
from under_load import call_itself, named, still_running

from passk_tasks.errors import SandboxError, SettingsError
from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Judge, Limits, Program, Tests
from passk_tasks.sandbox import supervisor, worker
from passk_tasks.sandbox.box.processes import descendants
from passk_tasks.verdict import Verdict

LIMITS = Limits(timeout_s=2.0, memory_mib=256)
TESTS = Tests("assert f() == 1\n", ("f",))
RIGHT = Program("t/0", "def f(): return 1", TESTS)
WRONG = Program("t/0", "def f(): return 2", TESTS)


def test_order_is_kept_whatever_ends_first():
    """Outcomes stand in the order of the programs, not of their ends."""
    slow = Program("t/0", "import time\ntime.sleep(0.3)\ndef f(): return 1", TESTS)
    programs = [slow, WRONG, Program("t/0", None, TESTS), RIGHT, slow]
    outcomes = batch.judge(programs, local(Confinement(LIMITS))).outcomes
    assert [o.verdict.value for o in outcomes] == ["passed", "failed", "no_code", "passed", "passed"]


def test_identical_programs_run_once(monkeypatch):
    """The same code under the same tests is one execution; another judge is another program."""
    batches = []
    run = supervisor.Sandbox.run
    monkeypatch.setattr(
        supervisor.Sandbox,
        "run",
        lambda self, programs: (batches.append(len(programs)), run(self, programs))[1],
    )
    script = Program("t/0", RIGHT.code, TESTS, Judge.SCRIPT)
    outcomes = batch.judge([RIGHT, RIGHT, WRONG, script, RIGHT], local(Confinement(LIMITS))).outcomes
    assert batches[0] == 3
    assert [o.passed for o in outcomes] == [True, True, False, True, True]


def test_nothing_to_do_starts_nothing():
    """An empty batch, or one without code, needs no outcome from a sandbox."""
    assert batch.judge([], local(Confinement(LIMITS))).outcomes == []
    assert (
        batch.judge([Program("t", None, TESTS)], local(Confinement(LIMITS))).outcomes[0].verdict
        is Verdict.NO_CODE
    )


def processes(executor):
    """Return the processes of an executor's workers."""
    workers = {worker._process.pid for worker in executor._pool}
    return workers.union(*map(descendants, workers))


@pytest.mark.parametrize("sandbox", ["strict", "rlimits"])
def test_a_killed_worker_is_replaced_and_its_program_tried_again(sandbox):
    """Killing every process of the sandbox in the middle of a run changes no verdict."""
    programs = [
        Program("t/0", f"import time\ntime.sleep(0.05)\ndef f(): return 1 # {n}", TESTS) for n in range(12)
    ]

    outcomes = {}
    with supervisor.Sandbox(Confinement(LIMITS, sandbox), 2, hidden=()) as box:
        for index, outcome in box.run(programs):
            outcomes[index] = outcome
            if len(outcomes) == 4:
                # Stopped first, so that no judge lives long enough to see that its candidate was killed.
                victims = processes(box)
                for number in (signal.SIGSTOP, signal.SIGKILL):
                    for victim in victims:
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(victim, number)
    assert [outcomes[n].verdict for n in range(12)] == [Verdict.PASSED] * 12


def test_a_program_that_kills_its_worker_is_crashed_and_stops_nothing():
    """Under rlimits a program can kill its zygote: that is a verdict on it, and the others get theirs."""
    killer = Program("t/0", "import os\nos.kill(os.getppid(), 9)\nimport time\ntime.sleep(5)", TESTS)
    outcomes = batch.judge([RIGHT, killer, WRONG], local(Confinement(LIMITS, "rlimits"))).outcomes
    assert [o.verdict.value for o in outcomes] == ["passed", "crashed", "failed"]
    assert "alone it ended" in outcomes[1].detail


def test_a_program_whose_worker_is_killed_from_outside_is_not_at_fault(monkeypatch):
    """Where workers end over an empty program too, nobody can tell what the suspect is worth."""
    give = worker.Worker.give

    def give_and_kill(killed, *arguments):
        give(killed, *arguments)
        killed._process.kill()

    monkeypatch.setattr(worker.Worker, "give", give_and_kill)
    [outcome] = batch.judge([RIGHT], local(Confinement(LIMITS), 2)).outcomes
    assert outcome.verdict.value == "infra_error", outcome
    assert "over an empty program" in outcome.detail


@pytest.mark.parametrize(("character", "mib"), [("x", 380), ("\u00e9", 80)])
def test_a_program_too_large_to_be_handed_over_has_a_verdict(character, mib):
    """The program is too large, whatever its characters take on the way; the next one is judged."""
    large = Program("t/0", f"# {character * (mib << 20)}", TESTS)
    outcomes = batch.judge([large, RIGHT], local(Confinement(LIMITS))).outcomes
    assert [o.verdict.value for o in outcomes] == ["memory_limit", "passed"], outcomes
    assert "memory_mib=" in outcomes[0].detail


def test_no_process_and_no_file_is_left(tmp_path, monkeypatch):
    """After a run nothing of the sandbox lives or lies around."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    name = f"p{os.getpid()}-left"
    for sandbox in ("strict", "rlimits"):
        daemon = (
            f"import os, time\nif not os.fork():\n    os.setsid()\n    exec({call_itself(name)!r})\n"
            "    time.sleep(1000)\ndef f(): return 1"
        )
        with local(Confinement(LIMITS, sandbox)) as box:
            assert batch.judge([RIGHT, Program("t/0", daemon, TESTS)], box).outcomes[1].passed
            below = processes(box)
        assert below
        assert still_running(below) == set()
        assert named(name) == set()
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_cannot_is_refused_with_the_remedy(monkeypatch):
    """Strict never falls back: the error names what is missing and the weaker choice."""
    monkeypatch.setattr(worker, "_BOOT", WEAK_HOST + worker._BOOT)
    with pytest.raises(
        SandboxError, match=r"unshare.*Landlock is not available.*missing: user namespace.*--sandbox rlimits"
    ):
        batch.judge([RIGHT], local(Confinement(LIMITS)))


WEAK_HOST = """
import ctypes
real = ctypes.CDLL
class Refusing(real):
    def __getattr__(self, name):
        if name == "unshare" or name == "syscall":
            def refuse(*arguments):
                ctypes.set_errno(1)
                return -1
            return refuse
        return super().__getattr__(name)
ctypes.CDLL = Refusing
"""


def test_an_interpreter_that_cannot_start_is_an_error_for_people(monkeypatch, tmp_path):
    """What the interpreter said on its way down is in the message."""
    monkeypatch.setattr(worker, "_BOOT", "raise SystemExit('no such luck')")
    with pytest.raises(SandboxError, match="no such luck"):
        batch.judge([RIGHT], local(Confinement(LIMITS)))


def test_impossible_settings_are_named():
    """An unknown sandbox or a negative number of workers is the caller's mistake."""
    with pytest.raises(SettingsError, match="strict"):
        Confinement(LIMITS, "none")
    with pytest.raises(SettingsError, match="workers"):
        local(Confinement(LIMITS), -1)


def test_an_executor_is_entered_as_often_as_needed():
    """Within itself it keeps its workers, and after its end it starts others."""
    executor = local(Confinement(LIMITS), 1)
    with executor:
        workers = list(executor._pool)
        below = processes(executor)
        assert batch.judge([RIGHT], executor).outcomes[0].passed
        assert batch.judge([WRONG], executor).outcomes[0].verdict is Verdict.FAILED
        assert executor._pool == workers
    assert still_running(below) == set()
    assert batch.judge([RIGHT], executor).outcomes[0].passed


def test_other_systems_are_refused(monkeypatch):
    """Where there is no Linux there is no sandbox, and the error says so."""
    monkeypatch.setattr(supervisor.sys, "platform", "darwin")
    with pytest.raises(SandboxError, match="needs Linux, not darwin"):
        batch.judge([RIGHT], local(Confinement(LIMITS)))
