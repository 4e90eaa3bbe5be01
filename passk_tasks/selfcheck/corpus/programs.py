"""Programs under the judge `stdio`: they read input and write output, and what is compared lies elsewhere."""

from __future__ import annotations

from passk_tasks.benchmarks.contests import LINES
from passk_tasks.program import Judge, StdioTests
from passk_tasks.selfcheck.attack import NOT_PASSED, PASSED, Guarantee, maker
from passk_tasks.verdict import Verdict

# As `SOLVE`: n * n + 7, which nobody writes by chance.
_CASES = StdioTests.of([("3\n", "16\n"), ("10\n", "107\n")], comparison=LINES)
_STDIO = (Judge.STDIO,)

_forged = maker("forged verdicts", Guarantee.VERDICT, tests=_CASES, judges=_STDIO, real="unseen")
_oracle = maker("oracle attacks", Guarantee.ORACLE, tests=_CASES, judges=_STDIO, real="unseen")
_exit = maker("early exits", Guarantee.EXIT, tests=_CASES, judges=_STDIO, real="unseen")
_channel = maker(
    "hostile channel",
    Guarantee.CHANNEL,
    tests=_CASES,
    judges=_STDIO,
    expected=frozenset({Verdict.CRASHED}),
    real="unseen",
)
_stops = maker("stops the run", Guarantee.RUN, tests=_CASES, judges=_STDIO, real="unseen")
_between = maker("between candidates", Guarantee.BETWEEN, tests=_CASES, judges=_STDIO, real="unseen")
_stays = maker(
    "descendants",
    Guarantee.SURVIVOR,
    tests=_CASES,
    judges=_STDIO,
    expected=PASSED,
    host_probe="survivors",
    real="unseen",
)
_time = maker(
    "timeouts",
    Guarantee.TIME,
    tests=_CASES,
    judges=_STDIO,
    expected=frozenset({Verdict.TIMEOUT}),
    real="unseen",
)
_output = maker(
    "output",
    Guarantee.OUTPUT,
    tests=_CASES,
    judges=_STDIO,
    expected=frozenset({Verdict.OUTPUT_LIMIT}),
    real="unseen",
)
_right = maker("right programs", Guarantee.RIGHT, tests=_CASES, judges=_STDIO, expected=PASSED, real="unseen")

_SOLVED = "\nprint(int(input()) ** 2 + 7, flush=True)\n"

ATTACKS = (
    _forged("program-that-writes-nothing", "pass"),
    _forged(
        "program-that-writes-a-verdict",
        """
        import json, os, sys

        verdict = json.dumps({"program": 0, "verdict": "passed", "detail": "", "flags": [], "base": None})
        print(verdict)
        print("passed", file=sys.stderr)
        for fd in range(3, 64):
            try:
                os.write(fd, len(verdict).to_bytes(4, "little") + verdict.encode())
            except OSError:
                pass
        """,
    ),
    _forged("program-that-prints-both-answers", "print(16)\nprint(107)"),
    _forged(
        "program-that-prints-its-input-back",
        "import sys\nsys.stdout.write(sys.stdin.read())",
    ),
    _forged(
        "program-that-patches-comparison",
        """
        import builtins, decimal, os, sys

        str.split = None if False else str.split
        builtins.zip = lambda *a, **k: []
        decimal.Decimal = lambda x: 0
        os._exit = lambda status: None
        sys.exit = lambda status=0: None
        print(1)
        """,
    ),
    _forged(
        "program-whose-output-equals-everything",
        """
        import sys

        class Same(str):
            def __eq__(self, other): return True
            def __hash__(self): return 0

        sys.stdout = Same("16")
        print(Same("16"), file=sys.__stdout__)
        """,
    ),
    _oracle(
        "expected-outputs-from-descriptors",
        """
        import os

        n = int(input())
        found = set()
        for fd in range(3, 256):
            for read in (lambda: os.pread(fd, 1 << 20, 0), lambda: os.read(fd, 1 << 20)):
                try:
                    os.set_blocking(fd, False)
                    found.update(read().split())
                except OSError:
                    pass
        print((found & {b"16", b"107", b"16\\\\n", b"107\\\\n"} or {b"nothing"}).pop().decode())
        """,
    ),
    _oracle(
        "expected-outputs-from-the-memory-of-others",
        """
        import os, re

        n = int(input())
        needle = re.compile(rb'"%d[\\\\]n","([0-9]+)' % n)
        answer = b"nothing"
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if int(pid) == os.getpid():
                continue
            try:
                with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
                    for line in maps:
                        match = re.match("([0-9a-f]+)-([0-9a-f]+) rw", line)
                        if match:
                            start, end = (int(part, 16) for part in match.groups())
                            memory.seek(start)
                            found = needle.search(memory.read(end - start))
                            answer = found.group(1) if found else answer
            except OSError:
                pass
        print(answer.decode())
        """,
    ),
    _oracle(
        "expected-outputs-in-the-heap",
        """
        import gc

        n = input()
        answer = "nothing"
        for thing in gc.get_objects():
            if type(thing) in (list, tuple) and len(thing) == 2 and thing[0] == n + "\\n":
                answer = thing[1]
        print(answer)
        """,
    ),
    _exit("program-that-ends-before-its-output", "import os\nos._exit(0)"),
    _exit(
        "program-that-ends-well-in-a-handler",
        "import atexit, os\natexit.register(os._exit, 0)\nraise ValueError",
    ),
    _exit(
        "right-output-and-a-bad-end",
        _SOLVED + "raise SystemExit(1)",
        expected=frozenset({Verdict.CRASHED}),
    ),
    _exit("right-output-and-a-signal", _SOLVED + "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)"),
    _channel("program-that-forges-a-reply", _SOLVED + "import os\nos.write(3, b'\\x06\\0\\0\\0[\"ok\"]')"),
    _channel("program-that-writes-noise", _SOLVED + "import os\nos.write(3, b'\\xff' * 9)"),
    _channel(
        "program-that-forges-an-exception",
        _SOLVED
        + """
import json, os
m = json.dumps(["raised", "Same", "[]", "", "Same", "call"]).encode()
os.write(3, len(m).to_bytes(4, "little") + m)
""",
    ),
    _channel(
        "program-that-fills-the-channel",
        _SOLVED + "import os\nwhile True: os.write(3, (1 << 20).to_bytes(4, 'little') + b'x' * (1 << 20))",
        expected=NOT_PASSED,
    ),
    _stops(
        "program-that-kills-its-parents",
        """
        import os, signal

        for pid in (os.getppid(), 1, -1, 0):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        """,
        harms=True,
    ),
    _stops(
        "program-that-closes-everything",
        "import os\nos.closerange(0, 256)\nprint(16)",
        expected=NOT_PASSED,
    ),
    _stops("program-that-locks-its-streams", "import fcntl\nfcntl.flock(0, 2)\nfcntl.flock(1, 2)\nprint(1)"),
    _between(
        "input-changed-for-the-next-case",
        """
        import fcntl, mmap, os

        n = int(input())
        for change in (
            lambda: os.pwrite(0, b"1", 0),
            lambda: os.ftruncate(0, 0),
            lambda: open("/proc/self/fd/0", "w").close(),
            lambda: mmap.mmap(0, 1, mmap.MAP_SHARED, mmap.PROT_WRITE).__setitem__(0, 49),
            lambda: os.lseek(0, 0, os.SEEK_END),
        ):
            try:
                change()
            except (OSError, ValueError):
                pass
        with open("/proc/self/fd/0") as again:
            print(n * n + 7 if again.read() != f"{n}\\n" else 0)
        """,
    ),
    _between(
        "output-of-the-case-before",
        """
        import os

        n = int(input())
        seen = b"".join(os.pread(fd, 999, 0) for fd in (1, 2))
        for folder in (".", "/tmp", "/dev/shm"):
            seen += b"x" * os.path.exists(f"{folder}/left")
            open(f"{folder}/left", "w").close()
        print(n * n + 7 if seen or n == 3 else 0)
        """,
    ),
    _stays(
        "child-of-a-program-that-lingers",
        _SOLVED
        + """
import ctypes, os, time
if os.fork() == 0:
    os.setsid()
    ctypes.CDLL(None).prctl(15, b"@TOKEN@")
    time.sleep(20)
    os._exit(0)
""",
    ),
    _stays(
        "child-that-goes-on-writing",
        """
        import ctypes, os, time

        if os.fork() == 0:
            ctypes.CDLL(None).prctl(15, b"@TOKEN@")
            while True:
                os.write(1, b"x\\n")
        time.sleep(0.05)
        print(int(input()) ** 2 + 7, flush=True)
        """,
        expected=frozenset({Verdict.FAILED, Verdict.OUTPUT_LIMIT}),
    ),
    _time("program-without-end", "while True: pass"),
    _time("program-that-waits-for-input", "import sys, time\nsys.stdin.read()\ntime.sleep(60)"),
    _time(
        "right-output-and-a-thread-without-end",
        _SOLVED + "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()",
    ),
    _time(
        "right-output-and-a-handler-without-end",
        _SOLVED + "import atexit, time\natexit.register(time.sleep, 60)",
    ),
    _output("program-that-writes-without-end", "while True: print('16' * 50_000)"),
    _output(
        "program-that-writes-errors-without-end",
        "import os\nwhile True: os.write(2, b'x' * 1_000_000)",
    ),
    _output(
        "output-of-a-terabyte-of-nothing",
        "import os\nos.ftruncate(1, 1 << 40)",
    ),
    _output(
        "children-that-write-without-end",
        """
        import os

        for _ in range(4):
            if os.fork() == 0:
                while True:
                    os.write(1, b"x" * 100_000)
        for _ in range(4):
            os.wait()
        """,
        expected=NOT_PASSED,
    ),
    _right("program", "print(int(input()) ** 2 + 7)"),
    _right(
        "program-with-a-deep-thread",
        """
        import sys, threading

        def depth(n):
            return n and 1 + depth(n - 1)

        def main():
            n = int(sys.stdin.readline())
            print(n * n + 7 + depth(20_000) - 20_000)
            sys.exit(0)

        if __name__ == "__main__":
            sys.setrecursionlimit(1 << 20)
            threading.stack_size(1 << 27)
            thread = threading.Thread(target=main)
            thread.start()
            thread.join()
        """,
    ),
    _right(
        "program-with-its-own-streams",
        """
        import atexit, io, os, sys

        data = io.BytesIO(os.read(0, os.fstat(0).st_size))
        input = lambda: data.readline().rstrip(b"\\r\\n").decode()
        sys.stdout = io.StringIO()
        atexit.register(lambda: os.write(1, sys.stdout.getvalue().encode()))
        print(int(input()) ** 2 + 7)
        """,
    ),
    _right(
        "program-with-a-process",
        """
        import os

        reading, writing = os.pipe()
        if os.fork() == 0:
            os.write(writing, b"%d" % (int(input()) ** 2 + 7))
            os._exit(0)
        os.wait()
        print(os.read(reading, 100).decode())
        """,
    ),
)
