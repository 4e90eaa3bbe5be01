"""The sandbox for an ordinary user: run as one by a test that is root."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from under_load import HANG_S

from passk_tasks.sandbox.box import landlock

PACKAGE = Path(__file__).resolve().parents[2] / "passk_tasks"
USER = 54_321 + os.getpid() % 10_000  # what a user may have is counted for all processes of that user

SCRIPT = """
import json, sys, types
for name, path in json.loads(sys.argv[1]).items():
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
from passk_tasks.program import Confinement, Limits, Program, Tests
from passk_tasks.sandbox import supervisor
from passk_tasks.sandbox.supervisor import Sandbox
supervisor._WAYS["strict"] = (sys.argv[3],)
supervisor._GRACE_S = 1000.0  # a worker is silent for long where a bomb has the CPU
tests = Tests("assert f(2) == 4", ("f",))
programs = [Program("t/0", code, tests) for code in json.loads(sys.argv[2])]
with Sandbox(Confinement(Limits(timeout_s=float(sys.argv[4]))), int(sys.argv[5]), hidden=()) as box:
    outcomes = dict(box.run(programs))
print(json.dumps({"layers": box.layers, "verdicts": [outcomes[i].verdict for i in range(len(programs))]}))
"""

PROGRAMS = [
    ("def f(x): return x * x", "passed"),
    ("def f(x): return 5", "failed"),
    # Locks the folders that the next program writes to.
    ("import os\nfor d in ('/tmp', '/box', '/dev/shm'): os.chmod(d, 0)\ndef f(x): return 4", "passed"),
    ("for d in ('/tmp', '.', '/dev/shm'): open(d + '/x', 'w').close()\ndef f(x): return 4", "passed"),
    ("import os\nfor d in ('/tmp', '/box', '/dev/shm'): os.utime(d, (5, 7))\ndef f(x): return 4", "passed"),
    (
        "import os\nassert not {os.stat(d).st_mtime for d in ('/tmp', '/box')} & {7}\ndef f(x): return 4",
        "passed",
    ),
    ("import os\nassert os.listdir('/dev/shm') == [] and os.getuid() != 0\ndef f(x): return 4", "passed"),
    ("import os\nwhile True: os.fork()", "error"),
    ("import os\nos.kill(1, 9)\ndef f(x): return 4", "passed"),
]


def interpreter():
    """Return an interpreter that the other user may execute, None where there is none."""
    for python in (sys.executable, shutil.which("python3", path="/usr/bin:/usr/local/bin")):
        if python is None:
            continue
        probe = [
            python,
            "-S",
            "-c",
            f"import sys, os; sys.exit(sys.version_info < (3, 10) or not os.listdir({str(PACKAGE)!r}))",
        ]
        try:
            if (
                subprocess.run(
                    probe, user=USER, group=USER, extra_groups=[], cwd="/", capture_output=True
                ).returncode
                == 0
            ):
                return python
        except PermissionError:
            continue
    return None


pytestmark = pytest.mark.skipif(
    os.getuid() != 0, reason="not root: the other tests run as an ordinary user already"
)


def judged(way, programs, timeout_s=2.0, workers=1):
    """Return layers and verdicts of programs that an ordinary user has judged."""
    python = interpreter()
    if python is None:
        pytest.skip("no interpreter that another user may execute, or the checkout is closed to others")
    stand_in = {"passk_tasks": str(PACKAGE)}
    done = subprocess.run(
        [
            *(python, "-S", "-c", SCRIPT, json.dumps(stand_in), json.dumps(programs)),
            *(way, str(timeout_s), str(workers)),
        ],
        user=USER,
        group=USER,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )
    if "SandboxError" in done.stderr and "unshare" in done.stderr:
        pytest.skip("this host forbids user namespaces to ordinary users")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_ordinary_user_gets_the_same_sandbox():
    """Without any privilege: the same layers, the same verdicts, and nothing left for the next program."""
    answer = judged("namespaces", [code for code, _ in PROGRAMS])
    assert answer["layers"]["user namespace"]
    assert answer["verdicts"] == [verdict for _, verdict in PROGRAMS]


FORKS = """
import os, resource
resource.setrlimit(resource.RLIMIT_NPROC, (resource.getrlimit(resource.RLIMIT_NPROC)[1],) * 2)
while True:
    try:
        os.fork()
    except OSError:
        pass
"""


@pytest.mark.skipif(landlock.abi() < 1, reason="this kernel has no Landlock")
@pytest.mark.parametrize(
    "bomb", [FORKS, pytest.param(FORKS.replace("fork()", "fork() or os.setsid()"), marks=pytest.mark.slow)]
)
def test_a_fork_bomb_without_namespaces(bomb):
    """The limit on processes is the user's, who has others: bombs end, in their own group and out of it."""
    answer = judged("landlock", [bomb, "def f(x): return x * x"], timeout_s=0.5)
    assert answer["layers"]["reaper"]
    assert answer["verdicts"] == ["timeout", "passed"]


PIPES = """
import os, time
for _ in range(11):
    if os.fork() == 0:
        break
kept = []
try:
    while len(kept) < 110:
        kept.append(os.pipe())
except OSError:
    pass
time.sleep(1000)
"""
FILLS_A_PIPE = """
import os
def f(x):
    ends = os.pipe()
    return 4 if os.write(ends[1], bytes(30000)) == 30000 else 0
"""


@pytest.mark.parametrize(
    "way",
    [
        "namespaces",
        pytest.param(
            "landlock", marks=pytest.mark.skipif(landlock.abi() < 1, reason="this kernel has no Landlock")
        ),
    ],
)
def test_pipes_of_the_user_that_a_neighbour_holds_change_no_verdict(way):
    """All workers' candidates are the same user, whose pipes shrink: who took them is ended, others pass."""
    programs = [f"{code}# {number}\n" for number in range(3) for code in (PIPES, FILLS_A_PIPE)]
    verdicts = judged(way, programs, workers=2)["verdicts"]
    assert verdicts == ["memory_limit", "passed"] * 3
