"""What this package's own parent left set is not handed on to candidates."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from passk_tasks.sandbox.box import landlock

# A parent that blocks and ignores every signal and lets timers be a second late, then runs us.
PARENT = """
import ctypes, os, signal, sys
for number in set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
    try: signal.signal(number, signal.SIG_IGN)
    except OSError: pass
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
ctypes.CDLL(None).prctl(29, 1_000_000_000)
os.execv(sys.executable, [sys.executable, "-c", *sys.argv[1:]])
"""
RUN = """
import json, sys
from passk_tasks.program import Confinement, Limits, Program, Tests
from passk_tasks.sandbox import supervisor
from passk_tasks.judging.batch import judge
from passk_tasks.judging.executor import local
supervisor._WAYS["strict"] = (sys.argv[1],)
tests = Tests("assert f() == 1", ("f",))
programs = [Program("t/0", code, tests) for code in json.loads(sys.argv[2])]
judged = judge(programs, local(Confinement(Limits(timeout_s=2))))
print(json.dumps([[o.verdict.value, o.detail] for o in judged.outcomes]))
"""
PROGRAMS = {
    "signals itself": "import os, signal\ngot = []\nsignal.signal(10, lambda *_: got.append(1))\n"
    "os.kill(os.getpid(), 10)\ndef f(): return len(got)\n",
    "has a timer": "import signal, time\nclass Up(Exception): pass\ndef up(*_): raise Up\ndef f():\n"
    "    signal.signal(14, up)\n    signal.setitimer(signal.ITIMER_REAL, 0.1)\n"
    "    try:\n        time.sleep(9)\n    except Up:\n        return 1\n",
    "has no slack in its timers": "import ctypes\ndef f():\n"
    "    return int(ctypes.CDLL(None).prctl(30) <= 50_000)\n",
    "ends a child": "import os, signal, time\ndef f():\n    pid = os.fork()\n    if not pid:\n"
    "        time.sleep(9)\n    os.kill(pid, 15)\n    return int(os.waitpid(pid, 0)[1] == 15)\n",
    "has nothing blocked": "import signal\ndef f():\n"
    "    ignored = {n for n in signal.valid_signals() if signal.getsignal(n) == signal.SIG_IGN}\n"
    "    return int(not signal.pthread_sigmask(0, []) and ignored == {signal.SIGPIPE, signal.SIGXFSZ})\n",
    "is interrupted": "import os\ndef f():\n    try:\n        os.kill(os.getpid(), 2)\n"
    "    except KeyboardInterrupt:\n        return 1\n",
}


@pytest.mark.parametrize("way", ["namespaces", "landlock", "rlimits"])
def test_signals_and_timers_are_those_of_a_plain_interpreter(way):
    """Right programs pass whatever their parent's parent blocks, ignores or puts off."""
    if way == "landlock" and landlock.abi() < 1:
        pytest.skip("this kernel has no Landlock")
    command = [sys.executable, "-c", PARENT, RUN, way, json.dumps(list(PROGRAMS.values()))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if way == "namespaces" and "SandboxError" in done.stderr:
        pytest.skip("this host has no user namespaces")
    assert done.returncode == 0, done.stderr
    verdicts = dict(zip(PROGRAMS, json.loads(done.stdout), strict=True))
    assert {name: verdict for name, verdict in verdicts.items() if verdict[0] != "passed"} == {}
