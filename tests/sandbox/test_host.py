"""What the host and earlier programs decide: limits, masks, signals, and traces of the program before."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from under_load import HANG_S, call_itself, groups_of, still_running, wait_for_name, wait_until

from passk_tasks.errors import SandboxError
from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Limits, Program, Tests
from passk_tasks.sandbox import supervisor, worker

RIGHT = "def f(x): return x * x\n"
TESTS = Tests("assert f(2) == 4, f(2)\n", ("f",))
WAYS = ("namespaces", "landlock")


def judge(*codes, workers=1, timeout_s=3.0):
    """Judge programs; with one worker, one after another."""
    programs = [Program("t/0", code, TESTS) for code in codes]
    return batch.judge(programs, local(Confinement(Limits(timeout_s=timeout_s)), workers))


# Each moves a number a thousand times in steps of a program's own choice; `look` is what the next one sees.
COUNTERS = {
    "inode-of-tmp": ("open('/tmp/x', 'w').close(); os.unlink('/tmp/x')", "inode('/tmp/y')"),
    "inode-of-home": ("os.mkdir('x'); os.rmdir('x')", "inode('y')"),
    "inode-of-shm": ("os.symlink('a', '/dev/shm/x'); os.unlink('/dev/shm/x')", "inode('/dev/shm/y')"),
    "nameless-file": ("tempfile.TemporaryFile().close()", "inode('/tmp/y')"),
    "size-of-the-folder": ("open('n' * 200 + str(k), 'w').close()", "os.stat('.').st_size"),
    "output": ("os.write(1, b'x')", "os.fstat(1).st_size"),
    "place-in-output": ("os.write(1, b'x')", "os.lseek(1, 0, 1)"),
    "flags-of-output": ("fcntl.fcntl(1, 4, 0o4000)", "fcntl.fcntl(1, 3)"),
    "mode-of-output": ("os.fchmod(1, 0o7)", "os.fstat(1).st_mode"),
}
_LOOK = """
import fcntl, os, tempfile, threading
def inode(path):
    os.close(os.open(path, os.O_CREAT))
    return os.stat(path).st_ino
def f(x):
    return {}
"""


@pytest.mark.parametrize("name", COUNTERS)
def test_what_a_program_moved_is_as_it_was_for_the_next(name):
    """What a program moved a hundred times looks to the next one as after a program that did nothing."""
    move, look = COUNTERS[name]
    moving = f"import fcntl, os, tempfile, threading\nfor k in range(100):\n    {move}\n" + RIGHT
    look = _LOOK.format(look)
    moved, after_moving, _, after_nothing = judge(moving, look, RIGHT, look + "# again").outcomes
    assert moved.passed
    assert after_moving.detail == after_nothing.detail


@pytest.mark.parametrize(
    "take",
    ["os.fork() or os._exit(0)\nos.wait()", "t = threading.Thread(target=int)\nt.start()\nt.join()"],
    ids=["process", "thread"],
)
def test_process_numbers_start_anywhere(take):
    """How many processes or threads a program started is not in the number of the next one's process."""
    look = "import os\ndef f(x): return os.getpid()\n"
    taking = f"import os, threading\n{take}\n" + RIGHT
    outcomes = judge(look, taking, look + "#", taking + "#", look + "##").outcomes
    pids = [int(outcome.detail.split()[-1]) for outcome in outcomes[::2]]
    # Three numbers among thirty thousand: they are close to each other once in a thousand runs.
    assert any(abs(one - other) > 20 for one, other in itertools.pairwise(pids)), pids


def test_init_of_the_namespace_tells_nothing():
    """What ended below it earlier stands in its files of /proc."""
    look = "import os\ndef f(x): return os.listdir('/proc/1')\n"
    assert "[]" in judge(look).outcomes[0].detail


@pytest.mark.parametrize("way", WAYS)
def test_names_left_by_the_hundred_thousand_meet_nobody(monkeypatch, way):
    """The next program has an empty folder, whatever cleaning takes, and its own time for itself."""
    monkeypatch.setitem(supervisor._WAYS, "strict", (way,))
    leave = (
        "import os\nopen('csv.py', 'w').write('raise ImportError')\nopen('seed', 'w').close()\n"
        "for k in range(60_000):\n    os.link('seed', f'a{k}')\n" + RIGHT
    )
    look = "import csv, os\nassert not os.listdir('.')\n" + RIGHT
    outcomes = judge(leave, look).outcomes
    assert outcomes[1].passed, outcomes[1]


def test_no_datagram_reaches_a_socket_of_the_host(monkeypatch, tmp_path):
    """Without a private root no address can be named, and pairs that stay connected work on."""
    monkeypatch.setitem(supervisor._WAYS, "strict", ("landlock",))
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener,
    ):
        path = f"{folder}/s"
        listener.bind(path)
        Path(path).chmod(0o777)
        Path(folder).chmod(0o755)
        listener.setblocking(False)
        kinds = ("SOCK_DGRAM", "SOCK_RAW", "SOCK_STREAM", "SOCK_SEQPACKET")
        ways = ("a.sendto(b'x', p)", "a.sendmsg([b'x'], [], 0, p)", "a.connect(p) or a.send(b'x')")
        codes = [
            f"import socket\np = {path!r}\na, b = socket.socketpair(socket.AF_UNIX, socket.{kind})\n{way}\n"
            + RIGHT
            for kind in kinds
            for way in ways
        ]
        pair = "import asyncio, socket\nasync def g(): pass\nasyncio.run(g())\n" + RIGHT
        outcomes = judge(*codes, pair).outcomes
        with pytest.raises(BlockingIOError):
            listener.recv(10)
    assert outcomes[-1].passed, outcomes[-1]


# Each makes one more pipe and keeps it; `k` counts them in each process.
HOARDS = {
    "open": "keep.append(os.pipe())",
    "with names": "name = f'{os.getpid()}-{k}'; os.mkfifo(name); keep.append(os.open(name, os.O_RDWR))",
    "under way": "keep.append(os.pipe() if k < 60 else socket.socketpair() if k % 100 == 0 else send())",
}
_HOG = """
import os, socket, time
keep = [socket.socketpair()]
hoarded = os.pipe()
def send():
    ends = [pair for pair in keep if pair and type(pair[0]) is socket.socket][-1]
    reading, writing = os.pipe()
    socket.send_fds(ends[0], [b'x'], [reading])
    os.close(reading), os.close(writing)
for _ in range(3):
    if os.fork() == 0:
        try:
            for k in range(500):
                HOARD
        except OSError:
            pass
        os.write(hoarded[1], b'.')
        time.sleep(9)
        os._exit(0)
for _ in range(3):
    os.read(hoarded[0], 1)
time.sleep(1.5)
def f(x): return 4
"""
_PIPE_BY_PIPE = """
import os, time
def f(x):
    for _ in range(50):
        reading, writing = os.pipe()
        os.write(writing, bytes(30000))
        os.close(reading), os.close(writing)
        time.sleep(0.02)
    return 4
"""


@pytest.mark.parametrize("name", HOARDS)
def test_pipes_that_a_neighbour_holds_change_no_verdict(name, monkeypatch):
    """Whoever takes the user's pipes is ended, and a right program beside it passes."""
    monkeypatch.setitem(
        supervisor._WAYS, "strict", ("landlock",)
    )  # with namespaces, root's have their own user
    hog = _HOG.replace("HOARD", HOARDS[name])
    hoard, right = judge(hog, _PIPE_BY_PIPE, workers=2).outcomes
    assert "pipes" in hoard.detail, hoard
    assert right.passed, right


def test_a_failure_while_others_hold_the_pipes_of_the_user_is_flagged(monkeypatch):
    """It is judged four times, and then its outcome says why it may have failed; a pass says nothing."""
    reads = []

    def read(self, finished):
        before, (crowding, _) = len(finished), worker_read(self, finished)
        reads.extend(finished[before:])
        return crowding, {index: worker.PIPES for index, _ in finished[before:]}

    worker_read = worker.Worker.read
    monkeypatch.setattr(worker.Worker, "read", read)
    wrong, right = judge("def f(x): return 5", RIGHT).outcomes
    assert (wrong.verdict, wrong.flags) == ("failed", ("pipes of the user were used up",))
    assert (right.verdict, right.flags) == ("passed", ())
    assert len(reads) == 5


def test_who_waits_at_a_small_pipe_may_have_lacked_a_larger_one():
    """Others may hold the user's pipes for less time than passes between two looks; the pipe stays small."""
    code = (
        "import fcntl, os\n_, writing = os.pipe()\nfcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, {size})\n"
        "def f(x):\n    os.write(writing, bytes({size} + 1))\n    return 4\n"
    )
    codes = [code.format(size=size) for size in (4096, 65536)]
    small, usual = judge(*codes, timeout_s=0.3).outcomes
    assert (small.verdict, small.flags) == ("timeout", ("pipes of the user were used up",))
    assert (usual.verdict, usual.flags) == ("timeout", ())


@pytest.mark.parametrize("limit", ["n 64", "f 100", "u 20", "v 400000", "t 20"])
def test_a_hard_limit_that_is_too_low_is_named(limit):
    """With what it is, what is needed, and no word about namespaces."""
    code = (
        "from passk_tasks.program import Confinement\nfrom passk_tasks.sandbox.supervisor import Sandbox\n"
        "import sys\ntry:\n    Sandbox(Confinement(), hidden=()).__enter__().close()\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    script = ["bash", "-c", f'ulimit -{limit}; exec "$0" -c "$1"', sys.executable, code]
    may_raise = f"ulimit -{limit}; ulimit -H{limit[0]} 1000000"
    if subprocess.run(["bash", "-c", may_raise], capture_output=True, check=False).returncode == 0:
        pytest.skip("who runs this may raise hard limits")
    said = subprocess.run(script, capture_output=True, text=True, check=False).stdout
    assert said.startswith(SandboxError.__name__), said
    assert f"ulimit -{limit[0]}" in said
    assert "namespace" not in said


@pytest.mark.parametrize("way", WAYS)
def test_sigterm_leaves_nothing(way, tmp_path):
    """Status 143, and no process, group or folder of the run."""
    candidate = call_itself("sleeper") + "import time\ntime.sleep(1000)"
    code = (
        f"import sys\nfrom passk_tasks.sandbox import supervisor\nsupervisor._WAYS['strict'] = ({way!r},)\n"
        "from passk_tasks.judging import batch, executor\nfrom passk_tasks.program import *\n"
        f"batch.judge([Program('t', {candidate!r}, Tests('f()', ('f',)))],"
        " executor.local(Confinement(Limits(timeout_s=1000)), 1))\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    run = subprocess.Popen([sys.executable, "-c", code], env=environment)
    below = wait_for_name("sleeper", run.pid)
    run.send_signal(signal.SIGTERM)
    assert run.wait(HANG_S) == 143
    assert not still_running(below)
    assert list(tmp_path.iterdir()) == []
    assert groups_of(run.pid) == []


def test_what_others_fork_while_a_sandbox_is_open_ends_as_ever():
    """By SIGTERM, even where it can run no handler, as a child that waits for a lock which a thread held."""
    code = (
        "import os, signal\nfrom passk_tasks.program import Confinement\n"
        "from passk_tasks.sandbox.supervisor import Sandbox\n"
        "with Sandbox(Confinement(), 1, hidden=()):\n"
        "    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL\n"
        "    child = os.fork()\n    if not child:\n"
        "        os._exit(signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL)\n"
        "    assert os.waitpid(child, 0)[1] == 0\n"
        "    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL\n"
        "assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("way", WAYS)
def test_a_killed_zygote_leaves_no_candidate(way):
    """Whoever kills the process that ends candidates: the one above it ends them before the run ends."""
    candidate = call_itself("orphan") + "import time\ntime.sleep(1000)"
    code = (
        f"import sys\nfrom passk_tasks.sandbox import supervisor\nsupervisor._WAYS['strict'] = ({way!r},)\n"
        "from passk_tasks.judging import batch, executor\nfrom passk_tasks.program import *\n"
        f"batch.judge([Program('t', {candidate!r}, Tests('f()', ('f',)))],"
        " executor.local(Confinement(Limits(timeout_s=1000)), 1))\n"
    )
    run = subprocess.Popen([sys.executable, "-c", code])
    below = wait_for_name("orphan", run.pid)
    [candidate] = [pid for pid in below if Path(f"/proc/{pid}/comm").read_text() == "orphan\n"]
    zygote = int(Path(f"/proc/{candidate}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(zygote, signal.SIGKILL)
    wait_until(lambda: not still_running({candidate}))
    run.terminate()
    run.wait(HANG_S)


def test_a_live_runs_folder_stays(monkeypatch, tmp_path):
    """Whatever its times say, another run leaves it; a candidate that goes without it is tried again."""
    monkeypatch.setitem(supervisor._WAYS, "strict", ("landlock",))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with supervisor.Sandbox(Confinement(), 1, hidden=()) as box:
        [folder] = tmp_path.iterdir()
        os.utime(folder, (0, 0))
        sweep = (
            "import tempfile; from passk_tasks.sandbox import leftovers as l; "
            f"tempfile.tempdir = {str(tmp_path)!r}; p, lock = l.make_scratch(); l.remove_scratch(p, lock)"
        )
        subprocess.run([sys.executable, "-c", sweep], check=True)
        assert folder.exists()
        subprocess.run(["rm", "-r", *map(str, folder.iterdir())], check=True)
        [(_, outcome)] = box.run([Program("t/0", "open('a', 'w')\n" + RIGHT, TESTS)])
    assert outcome.passed
    assert list(tmp_path.iterdir()) == []
