"""Programs that write without end."""

from __future__ import annotations

from passk_tasks.selfcheck.attack import AS_LOOP, ISOLATED, NOT_PASSED, SOLVE, Guarantee, checks, maker
from passk_tasks.verdict import Verdict

_output = maker(
    "output",
    Guarantee.OUTPUT,
    tests=SOLVE,
    judges=ISOLATED,
    expected=frozenset({Verdict.OUTPUT_LIMIT}),
    real="unseen",
)

ATTACKS = (
    _output(
        "prints-without-end",
        """
        def solve(n):
            while True:
                print("x" * 100_000)
        """,
    ),
    _output(
        "errors-without-end",
        """
        import sys

        def solve(n):
            while True:
                sys.stderr.write("x" * 100_000 + "\\n")
        """,
    ),
    _output(
        "writes-to-descriptor-one-without-end",
        """
        import os

        def solve(n):
            while True:
                os.write(1, b"x" * 1_000_000)
        """,
    ),
    _output(
        "errors-of-writing-swallowed",
        """
        import os

        def solve(n):
            while True:
                try:
                    os.write(1, b"x" * 1_000_000)
                except OSError:
                    pass
        """,
        expected=frozenset({Verdict.OUTPUT_LIMIT, Verdict.TIMEOUT}),
        times=AS_LOOP,
    ),
    _output(
        "one-file-without-end",
        """
        def solve(n):
            with open("large", "wb") as file:
                while True:
                    file.write(bytes(1 << 20))
        """,
    ),
    _output(
        "one-sparse-file-of-a-terabyte",
        """
        import os

        def solve(n):
            with open("sparse", "wb") as file:
                file.truncate(1 << 40)
            return n * n + 7
        """,
    ),
    _output(
        "many-files-without-end",
        """
        def solve(n):
            number = 0
            while True:
                number += 1
                with open(f"large-{number}", "wb") as file:
                    file.write(bytes(1 << 20))
        """,
        expected=NOT_PASSED,
        harms=True,
    ),
    _output(
        "many-files-reserved-and-never-written",
        """
        import os

        def solve(n):
            for number in range(100):
                file = os.open(f"large-{number}", os.O_CREAT | os.O_WRONLY)
                os.posix_fallocate(file, 0, 7 << 20)
                os.close(file)
            return n * n + 7
        """,
        tests=checks("assert solve(3) == 16"),
        expected=NOT_PASSED,
        harms=True,
    ),
    _output(
        "many-files-written-by-children-that-nobody-waits-for",
        """
        import os, signal

        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

        def solve(n):
            for number in range(60):
                if os.fork() == 0:
                    with open(f"large-{number}", "wb") as file:
                        file.write(bytes(7 << 20))
                    os._exit(0)
                try:
                    os.wait()
                except ChildProcessError:
                    pass
            return 16 if sum(os.path.getsize(f"large-{number}") for number in range(60)) == 420 << 20 else 0
        """,
        tests=checks("assert solve(3) == 16"),
        expected=NOT_PASSED,
        harms=True,
    ),
    _output(
        "prints-in-children",
        """
        import os

        def solve(n):
            pids = []
            for _ in range(4):
                pid = os.fork()
                if pid == 0:
                    while True:
                        os.write(1, b"x" * 100_000)
                pids.append(pid)
            return n * n + 7 if all(os.waitpid(p, 0)[1] == 0 for p in pids) else 0
        """,
        expected=NOT_PASSED,
    ),
    _output(
        "core-dump",
        """
        import os, resource

        try:
            resource.setrlimit(resource.RLIMIT_CORE, (-1, -1))
        except ValueError:
            pass

        def solve(n):
            os.abort()
        """,
        expected=frozenset({Verdict.CRASHED}),
    ),
)
