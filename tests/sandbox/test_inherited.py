"""What this package's own parent left set is not handed on to candidates."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from under_load import HANG_S

import passk_tasks
from passk_tasks.sandbox.box import landlock

# A parent that sets whatever a process hands on to those that it starts, then runs us.
PARENT = """
import contextlib, ctypes, os, resource, signal, sys
libc = ctypes.CDLL(None)
os.environ.update(LC_ALL="tr_TR.UTF-8", TZ="Asia/Tokyo", MALLOC_PERTURB_="7")
os.umask(0o777)
libc.personality(0x20000 | 0x200000)  # an old kernel's number, and its layout of memory
os.setpriority(os.PRIO_PROCESS, 0, 5)
with contextlib.suppress(OSError):
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
libc.syscall(251 if os.uname().machine == "x86_64" else 30, 1, 0, 3 << 13)
for name in ("CPU", "DATA", "STACK", "SIGPENDING", "MEMLOCK", "RTTIME", "RSS", "MSGQUEUE"):
    limit = getattr(resource, "RLIMIT_" + name)
    soft = {"CPU": 1000, "DATA": 1 << 30, "STACK": 1 << 19}.get(name, 0)
    resource.setrlimit(limit, (soft, resource.getrlimit(limit)[1]))
for number in set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}:
    try: signal.signal(number, signal.SIG_IGN)
    except OSError: pass
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
for option, value in ((29, 1_000_000_000), (41, 1), (67, 1), (38, 1)):
    libc.prctl(option, value, 0, 0, 0)
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
    "is scheduled as usual": "import os\ndef f():\n"
    "    return int((os.sched_getscheduler(0), os.nice(0)) == (os.SCHED_OTHER, 0))\n",
    "knows the kernel": "import os\ndef f(): return int(not os.uname().release.startswith('2.6'))\n",
    "is laid out as usual": "import ctypes\ndef f():\n"
    "    place = ctypes.cast(ctypes.CDLL(None).getpid, ctypes.c_void_p).value\n"
    "    return int(place >> 44 in (7, 15))\n",
    "has what limits allow": "import resource as r\ndef f():\n"
    "    limits = [r.getrlimit(getattr(r, name)) for name in dir(r) if name.startswith('RLIMIT_')]\n"
    "    return int(sum(soft != hard for soft, hard in limits) == 1)  # CPU seconds\n",
    "makes files for itself": "import os\ndef f():\n"
    "    with open('a', 'w') as file:\n"
    "        return int(os.fstat(file.fileno()).st_mode & 0o777 == 0o644)\n",
    "has large pages, and no more privileges": "import ctypes\ndef f():\n"
    "    ask = ctypes.CDLL(None).prctl\n"
    "    return int([ask(n, 0, 0, 0, 0) for n in (42, 39)] == [0, 1])\n",
    "knows the time": "import time\ndef f(): return int(time.localtime(0).tm_hour == 0)\n",
    "sorts as usual": "import locale\ndef f():\n    locale.setlocale(locale.LC_ALL, '')\n"
    "    return int(locale.getlocale()[0] != 'tr_TR')\n",
}


@pytest.mark.parametrize("way", ["namespaces", "landlock", "rlimits"])
def test_what_is_inherited_is_that_of_a_plain_interpreter(way):
    """Right programs pass whatever their parent's parent blocks, ignores, lowers or puts off."""
    if way == "landlock" and landlock.abi() < 1:
        pytest.skip("this kernel has no Landlock")
    command = [sys.executable, "-c", PARENT, RUN, way, json.dumps(list(PROGRAMS.values()))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_S)
    if way == "namespaces" and "SandboxError" in done.stderr:
        pytest.skip("this host has no user namespaces")
    assert done.returncode == 0, done.stderr
    verdicts = dict(zip(PROGRAMS, json.loads(done.stdout), strict=True))
    assert {name: verdict for name, verdict in verdicts.items() if verdict[0] != "passed"} == {}


@pytest.mark.parametrize("keeps", [True, False])
def test_a_worker_is_compiled_once(tmp_path, keeps):
    """Its own modules are kept as bytecode, unless the user's interpreter keeps none; a candidate's never."""
    package = Path(passk_tasks.__file__).parent
    copied = shutil.copytree(package, tmp_path / "passk_tasks", ignore=shutil.ignore_patterns("__pycache__"))
    imports = "open('mine.py', 'w').close()\nimport mine, os\ndef f(): return len(os.listdir('.'))\n"
    command = [sys.executable, *([] if keeps else ["-B"]), "-c", RUN, "rlimits", json.dumps([imports])]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=HANG_S
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [["passed", ""]]
    kept = {path.name.partition(".")[0] for path in copied.rglob("sandbox/box/**/*.pyc")}
    assert kept >= {"launch", "zygote", "nursery"} if keeps else not kept
