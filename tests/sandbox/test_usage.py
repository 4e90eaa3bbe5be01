"""What counts as used: time asleep, pages that nobody sees, disk, and what is looked at for long."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from under_load import HANG_S, lift_backstop

from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Limits, Program, Tests
from passk_tasks.sandbox import supervisor, worker
from passk_tasks.sandbox.box import landlock, usage
from passk_tasks.verdict import Verdict

SQUARE = Tests("assert f(2) == 4\n", ("f",))
RIGHT = "\ndef f(x): return x * x\n"


@pytest.fixture(autouse=True)
def no_groups(monkeypatch):
    """Leave what is counted here as the only cap."""
    monkeypatch.setattr(worker, "_make_groups", lambda *_: {})


def judge(code, **limits):
    """Judge one program."""
    program = Program("t/0", code, SQUARE)
    return batch.judge([program], local(Confinement(Limits(**limits)), 1)).outcomes[0]


# Sixty wake together and wait for each other: of their waits together, little is the machine's doing.
HERD = """
import threading, time, zlib
data = bytes(1_000_000)
def wake():
    at = time.monotonic()
    while True:
        at += 0.3
        time.sleep(max(0, at - time.monotonic()))
        zlib.crc32(data)
for _ in range(60):
    threading.Thread(target=wake, daemon=True).start()
def f(x):
    time.sleep(9)
    return x * x
"""
# A child is always there that nobody waits for, and works.
FORGOTTEN = """
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
def renew():
    while True:
        try:
            if not os.fork():
                until = time.process_time() + 0.02
                while time.process_time() < until: pass
                os._exit(0)
            os.wait()
        except OSError: pass
for _ in range(8):
    if not os.fork(): renew()
while True: pass
"""
# The same without a flag that /proc shows.
HIDDEN = FORGOTTEN.replace(
    "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
    "import ctypes, struct\n"
    "usual_but_no_wait = struct.pack('Q128si4xQ', 0, b'', 2, 0)\n"  # SIG_DFL, SA_NOCLDWAIT
    "assert ctypes.CDLL(None).sigaction(signal.SIGCHLD, usual_but_no_wait, None) == 0",
)
# Each look at these would take seconds.
MAPPED = """
import mmap, os, time
kept = []
while len(kept) < 50_000:
    kept.append(mmap.mmap(-1, 4096, prot=1 + 2 * (len(kept) % 2)))
for _ in range(45):
    if not os.fork(): break
time.sleep(99)
"""


@pytest.mark.parametrize(
    "code", [HERD, FORGOTTEN, HIDDEN, MAPPED], ids=["herd", "forgotten", "hidden", "mapped"]
)
def test_time_that_others_seem_to_have_taken_is_the_candidates(code, monkeypatch):
    """Neither a herd of threads, nor children that nobody waits for, nor slow looks buy wall time."""
    lift_backstop(monkeypatch)
    outcome = judge(code, timeout_s=0.5, backstop=1000.0)
    assert outcome.verdict is Verdict.TIMEOUT, outcome
    assert outcome.wall_s < HANG_S


def test_children_that_are_waited_for_are_not_taken_for_lost():
    """Their work is in their parent's, even if each lives only for a moment."""
    code = FORGOTTEN.replace("signal.signal(signal.SIGCHLD, signal.SIG_IGN)", "end = time.monotonic() + 1.5")
    code = code.replace("while True:\n        try", "while time.monotonic() < end:\n        try")
    code = code.replace("range(8)", "range(2)").replace("while True: pass", "os.wait(); os.wait()")
    zygote = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    looked = usage.Tree(os.getpid(), usage.own_wait())
    with subprocess.Popen([sys.executable, "-c", zygote, code]) as started:
        while started.poll() is None:
            time.sleep(0.02)
            looked.look(0.02)
    assert any(looked._ended_s.values())
    assert not looked._loses


def tree_files(monkeypatch, threads, state):
    """Let /proc tell of one process whose threads have run and waited for so many seconds."""
    files = {}
    for thread, (ran_s, queued_s) in threads.items():
        folder = f"/proc/7/task/{thread}"
        files[f"{folder}/schedstat"] = f"{ran_s * 1e9:.0f} {queued_s * 1e9:.0f} 1"
        files[f"{folder}/stat"] = f"{thread} (x) {state} 1" + " 0" * 20
    files["/proc/7/stat"] = f"7 (x) {state} 1" + " 0" * 20
    files["/proc/7/statm"] = "10 5 0"
    monkeypatch.setattr(usage.processes, "descendants", lambda *_, **__: {7})
    monkeypatch.setattr(usage.os, "listdir", lambda _: list(map(str, threads)))
    monkeypatch.setattr(usage, "_read", lambda path: files[path])
    monkeypatch.setattr(usage, "_all_stolen_s", lambda: 0.0)
    return files


def tree(monkeypatch, *, threads, state="S", own_queued_s=lambda: 0.0):
    """Return a tree of such a process after a look."""
    tree_files(monkeypatch, threads, state)
    one = usage.Tree(1, own_queued_s)
    one.look(1.0)
    return one


@pytest.mark.parametrize(
    ("threads", "state", "awake_s"),
    [
        ({7: (0.2, 0.8)}, "R", 0.2),  # it always wanted a CPU
        ({7: (0.2, 0.3)}, "S", 0.7),  # and slept for the half of it
        ({7: (0.1, 0.4), 8: (0.1, 0.4)}, "R", 0.2),  # two that take turns
        (dict.fromkeys(range(7, 67), (0.001, 0.05)), "S", 1.0),  # a herd
    ],
)
def test_only_the_wait_of_all_together_is_the_machines(monkeypatch, threads, state, awake_s):
    """Of one second, what remains when the candidate as a whole could not run."""
    assert tree(monkeypatch, threads=threads, state=state).awake_s == pytest.approx(awake_s, abs=0.01)


@pytest.mark.parametrize(
    ("state", "queued_s", "awake_s"),
    [
        ("R", 0.6, 0.1),  # from before the first look until the last: what it worked is left
        ("R", 0.5, 0.2),  # from the first look on
        ("S", 0.0, 0.7),  # it slept
    ],
)
def test_a_wait_that_is_not_over_is_the_machines(monkeypatch, state, queued_s, awake_s):
    """The kernel tells of a wait for a CPU when it ends, which may be many looks later."""
    clock = itertools.count(0.0, 0.1)
    monkeypatch.setattr(usage.time, "monotonic", lambda: next(clock))
    files, one = tree_files(monkeypatch, {7: (0.0, 0.0)}, state), usage.Tree(1, lambda: 0.0)
    for ran_s, waited_for_cpu_s in [(0.05, 0.0)] * 6 + [(0.1, queued_s)]:
        files["/proc/7/task/7/schedstat"] = f"{ran_s * 1e9:.0f} {waited_for_cpu_s * 1e9:.0f} 1"
        one.look(0.1)
    assert one.awake_s == pytest.approx(awake_s)


def test_the_wait_of_who_reads_the_answer_is_the_machines(monkeypatch):
    """Of a second in which a candidate slept, the 0.4 s do not count in which its reader waited for a CPU."""
    waits_s = iter((5.0, 5.4))
    looked = tree(monkeypatch, threads={7: (0.0, 0.0)}, own_queued_s=lambda: next(waits_s))
    assert looked.awake_s == pytest.approx(0.6)


def test_the_wait_of_who_reads_the_answer_is_known(monkeypatch):
    """It is in seconds, and 0 where the kernel does not tell."""
    text = b"7000000000 2500000000 12"
    monkeypatch.setattr(usage.os, "pread", lambda *_: text)
    seconds = usage.own_wait()
    assert seconds() == 2.5
    text = b""
    assert seconds() == 0.0


SHARED = """
import ctypes, time
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
size = 32 << 20
for _ in range(16):
    start = libc.mmap(None, size, 3, 0x21, -1, 0)
    ctypes.memset(start, 1, size)
    {shrink}
time.sleep(1000)
"""


@pytest.mark.parametrize(
    "shrink",
    [
        "libc.munmap(start + 4096, size - 4096)",
        "libc.mremap(ctypes.c_void_p(start), ctypes.c_size_t(size), ctypes.c_size_t(4096), 0)",
        "libc.munmap(start, size // 2); libc.munmap(start + size // 2 + 4096, size // 2 - 4096)",
    ],
    ids=["head", "remapped", "middle"],
)
def test_pages_of_shared_mappings_that_are_mapped_no_longer_count(shrink):
    """One page that stays mapped keeps all the others."""
    outcome = judge(SHARED.format(shrink=shrink), timeout_s=60, memory_mib=64)
    assert outcome.verdict is Verdict.MEMORY_LIMIT, outcome


def test_memory_that_a_neighbour_frees_hides_no_shared_pages():
    """What the host's shared memory sank by while a program ran is not taken from what it holds."""
    assert judge(RIGHT).passed  # the sandbox is up
    neighbour = os.memfd_create("neighbour")
    os.posix_fallocate(neighbour, 0, 600 << 20)
    code = SHARED.format(shrink="libc.munmap(start + 4096, size - 4096)")
    code = code.replace("for _", "time.sleep(2)\nfor _")
    remover = threading.Timer(1.0, os.close, (neighbour,))
    remover.start()
    outcome = judge(code, timeout_s=60, memory_mib=64)
    remover.join()
    assert outcome.verdict is Verdict.MEMORY_LIMIT, outcome


def test_a_right_program_has_open_files_and_asks_for_limits():
    """Hundreds of files are usual; so is raising limits, which stay what they are."""
    code = (
        "import resource\nfiles = [open('/dev/null') for _ in range(900)]\n"
        "for kind in (resource.RLIMIT_AS, resource.RLIMIT_NOFILE):\n"
        "    before = resource.getrlimit(kind)\n    resource.setrlimit(kind, (-1, -1))\n"
        "    assert resource.getrlimit(kind) == before\n"
        "resource.setrlimit(resource.RLIMIT_AS, (400 << 20, -1))\n"
        "assert resource.getrlimit(resource.RLIMIT_AS)[0] == 400 << 20\n"
        "try:\n    resource.setrlimit(resource.RLIMIT_AS, (200, 100))\nexcept ValueError: pass\n"
        "else: raise SystemExit\n"
    )
    assert judge(code + RIGHT).passed


FILL = """
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for n in range(20):
    {fill}
{end}
"""
BY_CHILD = """if not os.fork():
        os.write(os.open(f"{n}", os.O_CREAT | os.O_WRONLY), bytes(15 << 20)); os._exit(0)
    try: os.wait()
    except OSError: pass"""
FILLS = {
    "reserved": "os.posix_fallocate(os.open(f'{n}', os.O_CREAT | os.O_WRONLY), 0, 15 << 20)",
    "by-children": BY_CHILD,
    "deep": "os.makedirs('d' * 200, exist_ok=True); os.chdir('d' * 200)\n    " + BY_CHILD,
    "nameless": BY_CHILD.replace('os.open(f"{n}", os.O_CREAT | os.O_WRONLY)', "file").replace(
        "if not", "file = os.open(f'{n}', os.O_CREAT | os.O_RDWR); os.unlink(f'{n}')\n    if not"
    ),
    "mapped": "fd = os.open(f'{n}', os.O_CREAT | os.O_RDWR); os.ftruncate(fd, 15 << 20)\n"
    "    import mmap; mmap.mmap(fd, 15 << 20).write(bytes(15 << 20)); os.close(fd)",
}


@pytest.mark.skipif(landlock.abi() < 1, reason="this kernel has no Landlock")
@pytest.mark.parametrize("end", ["time.sleep(1000)", "def f(x): return x * x"], ids=["stays", "returns"])
@pytest.mark.parametrize("fill", list(FILLS))
def test_a_disk_is_not_filled_without_being_seen_to_write(fill, end, monkeypatch):
    """However 300 MiB get there and whoever wrote them, also if the program returns at once."""
    monkeypatch.setitem(supervisor._WAYS, "strict", ("landlock",))
    code = FILL.replace("{fill}", FILLS[fill]).replace("{end}", end)
    outcome = judge(code, timeout_s=60)
    assert outcome.verdict is Verdict.OUTPUT_LIMIT, outcome


# Waits until somebody else has freed 300 MiB.
ROOM = """
def free_mib():
    status = os.statvfs(".")
    return status.f_bavail * status.f_frsize >> 20
before, until = free_mib(), time.time() + 30
while free_mib() < before + 300 and time.time() < until:
    time.sleep(0.01)
"""


@pytest.mark.skipif(landlock.abi() < 1, reason="this kernel has no Landlock")
@pytest.mark.parametrize("fill", ["reserved", "nameless"])
def test_room_that_a_neighbour_frees_hides_no_file(fill, monkeypatch, tmp_path):
    """What others remove while a program fills the disk is not taken from what it holds."""
    monkeypatch.setitem(supervisor._WAYS, "strict", ("landlock",))
    assert judge(RIGHT).passed  # the sandbox is up, and has looked at the disk
    neighbour = os.open(tempfile.gettempdir(), os.O_TMPFILE | os.O_RDWR)
    os.posix_fallocate(neighbour, 0, 400 << 20)
    code = FILL.replace("for n", ROOM + "for n").replace("{fill}", FILLS[fill]).replace("{end}", RIGHT)
    remover = threading.Timer(1.0, os.close, (neighbour,))
    remover.start()
    outcome = judge(code, timeout_s=60)
    remover.join()
    assert outcome.verdict is Verdict.OUTPUT_LIMIT, outcome


@pytest.mark.skipif(landlock.abi() < 1, reason="this kernel has no Landlock")
def test_writing_much_and_keeping_little_fills_no_disk(monkeypatch):
    """A program may write and remove, and reserve what it writes."""
    monkeypatch.setitem(supervisor._WAYS, "strict", ("landlock",))
    code = (
        "import os\nfor n in range(30):\n    fd = os.open('x', os.O_CREAT | os.O_RDWR)\n"
        "    os.posix_fallocate(fd, 0, 10 << 20)\n    assert os.fstat(fd).st_size == 10 << 20\n"
        "    os.write(fd, bytes(10 << 20))\n    os.close(fd)\n    os.unlink('x')\n"
    )
    assert judge(code + RIGHT, timeout_s=60).passed


@pytest.mark.parametrize("way", ["namespaces", "landlock"])
def test_the_kernel_takes_candidates_before_those_who_judge_them(way, monkeypatch):
    """Where memory runs out, a candidate goes first, and cannot change that."""
    if way == "landlock" and landlock.abi() < 1:
        pytest.skip("this kernel has no Landlock")
    monkeypatch.setitem(supervisor._WAYS, "strict", (way,))
    code = (
        "import os\nassert int(open('/proc/self/oom_score_adj').read()) == 1000\n"
        "for path in ('/proc/self/oom_score_adj', f'/proc/{os.getppid()}/oom_score_adj'):\n"
        "    try:\n        open(path, 'w').write('0')\n    except OSError: pass\n"
        "    else: raise SystemExit\n"
        "assert not any('oom' in os.readlink(f'/proc/self/fd/{fd}') for fd in range(3))\n"
        "try:\n    os.fstat(4)\nexcept OSError: pass\nelse: raise SystemExit\n"
    )
    if way == "landlock":
        code = "import os\ntry: os.fstat(4)\nexcept OSError: pass\nelse: raise SystemExit\n"
    program = Program("t/0", code + RIGHT, SQUARE)
    with supervisor.Sandbox(Confinement(), 1, hidden=()) as box:
        [(_, outcome)] = box.run([program])
        scores = set()
        for pid in usage.processes.descendants(os.getpid()):
            with contextlib.suppress(OSError):  # it ended meanwhile
                scores.add(Path(f"/proc/{pid}/oom_score_adj").read_text())
    assert outcome.passed, outcome
    assert scores == {Path("/proc/self/oom_score_adj").read_text()}
