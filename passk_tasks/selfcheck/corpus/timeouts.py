"""Programs that do not end, and those that dodge what would end them."""

from __future__ import annotations

from passk_tasks.selfcheck.attack import (
    AS_LOOP,
    AS_TREE,
    BOTH,
    ISOLATED,
    SOLVE,
    Attack,
    Guarantee,
    checks,
    maker,
)
from passk_tasks.verdict import Verdict

_attack = maker(
    "timeouts",
    Guarantee.TIME,
    tests=SOLVE,
    judges=ISOLATED,  # the limits are the same under both: one is enough
    expected=frozenset({Verdict.TIMEOUT}),
    times=AS_LOOP,
    real="unseen",
)

# The yardstick: whatever else does not end may take about as long as this.
ENDLESS_LOOP = _attack(
    "endless-loop",
    """
    def solve(n):
        while True:
            pass
    """,
    judges=BOTH,
)


def _loop(name: str, statement: str, imports: str = "import sys", **fields: object) -> Attack:
    return _attack(
        name,
        f"""
        {imports}

        def solve(n):
            return {statement}
        """,
        **fields,
    )


ATTACKS = (
    ENDLESS_LOOP,
    _attack(
        "endless-loop-while-loading",
        """
        while True:
            pass
        """,
        judges=BOTH,
    ),
    _loop("sleeps", "time.sleep(10 ** 6)", "import time"),
    _loop("sleeps-in-c", "ctypes.CDLL(None).sleep(10 ** 6)", "import ctypes"),
    _loop("waits-for-input-that-never-comes", "os.read(os.pipe()[0], 1)", "import os"),
    _loop("c-loop-over-a-range", "sum(range(10 ** 12))"),
    _loop(
        "c-loop-of-itertools", "collections.deque(itertools.repeat(0), 0)", "import collections, itertools"
    ),
    _loop("regular-expression-catastrophe", "re.match('(a|aa)+$', 'a' * 60 + 'b')", "import re"),
    _loop(
        "power-of-powers",
        "len(str(3 ** (3 ** 17)))",
        "import sys\n        getattr(sys, 'set_int_max_str_digits', lambda n: None)(0)",
        expected=frozenset({Verdict.TIMEOUT, Verdict.MEMORY_LIMIT}),
    ),
    _attack(
        "power-folded-by-the-compiler",
        """
        x = 10 ** 10 ** 8

        def solve(n):
            return len(str(x))
        """,
        expected=frozenset({Verdict.TIMEOUT, Verdict.ERROR, Verdict.MEMORY_LIMIT}),
        times=None,
    ),
    _loop(
        "factorial",
        "math.factorial(10 ** 9) % 7",
        "import math",
        expected=frozenset({Verdict.TIMEOUT, Verdict.MEMORY_LIMIT}),
    ),
    _attack(
        "fibonacci",
        """
        def solve(n):
            return fib(60)

        def fib(n):
            return n if n < 2 else fib(n - 1) + fib(n - 2)
        """,
    ),
    _attack(
        "every-exception-caught",
        """
        def solve(n):
            while True:
                try:
                    while True:
                        pass
                except BaseException:
                    continue
        """,
    ),
    _attack(
        "alarms-reset",
        """
        import signal

        for name in ("SIGALRM", "SIGXCPU", "SIGPROF", "SIGVTALRM", "SIGTERM", "SIGINT", "SIGHUP"):
            signal.signal(getattr(signal, name), signal.SIG_IGN)

        def solve(n):
            while True:
                signal.alarm(0)
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.setitimer(signal.ITIMER_PROF, 0)
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        """,
    ),
    _attack(
        "cpu-limit-caught-and-raised",
        """
        import resource, signal

        signal.signal(signal.SIGXCPU, lambda *_: None)
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))

        def solve(n):
            while True:
                pass
        """,
    ),
    _attack(
        "works-in-a-child",
        """
        import os, time

        def solve(n):
            if os.fork() == 0:
                until = time.monotonic() + 20
                while time.monotonic() < until:
                    pass
                os._exit(0)
            os.wait()
        """,
    ),
    _attack(
        "works-in-children-one-after-another",
        """
        import os, time

        def solve(n):
            while True:
                if os.fork() == 0:
                    until = time.process_time() + 0.05
                    while time.process_time() < until:
                        pass
                    os._exit(0)
                os.wait()
        """,
    ),
    _attack(
        "works-in-threads",
        """
        import threading

        def work():
            while True:
                pass

        def solve(n):
            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        """,
    ),
    _attack(
        "hides-behind-busy-orphans",
        """
        import os, time

        for _ in range(12):
            if os.fork() == 0:
                if os.fork() == 0:
                    os.setsid()
                    until = time.monotonic() + 20
                    while time.monotonic() < until:
                        pass
                os._exit(0)
            os.wait()

        def solve(n):
            while True:
                pass
        """,
    ),
    _attack(
        "hides-behind-children-that-renew-themselves",
        """
        import os, time

        def burn():
            last = time.monotonic() + 20
            while time.monotonic() < last:
                until = time.process_time() + 0.02
                while time.process_time() < until:
                    pass
                try:
                    if os.fork():
                        os._exit(0)
                except OSError:
                    pass
            os._exit(0)

        for _ in range(8):
            if os.fork() == 0:
                burn()

        def solve(n):
            while True:
                pass
        """,
        times=AS_TREE,
    ),
    _attack(
        "hides-behind-children-that-nobody-waits-for",
        """
        import os, signal, time

        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel forgets their time

        def keep_burning():
            last = time.monotonic() + 20
            while time.monotonic() < last:
                try:
                    child = os.fork()
                except OSError:
                    continue
                if child == 0:
                    until = time.process_time() + 0.02
                    while time.process_time() < until:
                        pass
                    os._exit(0)
                try:
                    os.waitpid(child, 0)
                except OSError:
                    pass
            os._exit(0)

        for _ in range(10):
            if os.fork() == 0:
                keep_burning()

        def solve(n):
            while True:
                pass
        """,
        times=AS_TREE,
    ),
    _attack(
        "sleeps-behind-a-herd-of-threads",
        """
        import threading, time

        def stir(numbers=list(range(20_000))):
            at = time.monotonic()
            while True:
                at += 0.2
                time.sleep(max(0, at - time.monotonic()))
                sorted(numbers)

        for _ in range(40):
            threading.Thread(target=stir, daemon=True).start()

        def solve(n):
            time.sleep(8)
            return n * n + 7
        """,
        times=AS_TREE,
    ),
    _attack(
        "sleeps-behind-a-herd-of-processes",
        """
        import os, time

        for _ in range(40):
            if os.fork() == 0:
                at = time.monotonic()
                last = at + 20
                while at < last:
                    at += 0.1
                    time.sleep(max(0, at - time.monotonic()))
                    sum(range(10_000))
                os._exit(0)

        def solve(n):
            time.sleep(20)
            return n * n + 7
        """,
        times=AS_TREE,
    ),
    _attack(
        "takes-long-to-be-looked-at",
        """
        import mmap, os, time

        kept = []
        try:
            while len(kept) < 60_000:
                kept.append(mmap.mmap(-1, 4096, prot=(mmap.PROT_READ, mmap.PROT_WRITE)[len(kept) & 1]))
        except OSError:
            pass
        for _ in range(40):
            if os.fork() == 0:
                break

        def solve(n):
            time.sleep(99)

        time.sleep(99)
        """,
        times=None,
    ),
    _attack(
        "sleeps-in-small-slices",
        """
        import time

        def solve(n):
            time.sleep(0.04)
            return n * n + 7
        """,
        tests=checks("for n in range(400):\n    assert solve(n) == n * n + 7"),
    ),
    _attack(
        "works-in-small-slices",
        """
        import time

        def solve(n):
            until = time.process_time() + 0.04
            while time.process_time() < until:
                pass
            return n * n + 7
        """,
        tests=checks("for n in range(400):\n    assert solve(n) == n * n + 7"),
    ),
    _attack(
        "yields-the-processor",
        """
        import os

        def solve(n):
            while True:
                os.sched_yield()
        """,
    ),
    _attack(
        "deadlocks",
        """
        import threading

        def solve(n):
            lock = threading.Lock()
            lock.acquire()
            lock.acquire()
        """,
    ),
    _attack(
        "clock-turned-back",
        """
        import time

        time.time = time.monotonic = time.perf_counter = lambda: 0.0
        time.sleep = lambda _: None

        def solve(n):
            while time.monotonic() < 1:
                pass
        """,
    ),
    _attack(
        "collector-never-done",
        """
        import gc

        def again(phase, info):
            while True:
                pass

        gc.callbacks.append(again)

        def solve(n):
            gc.collect()
        """,
    ),
    _attack(
        "waits-for-a-child-that-is-stopped",
        """
        import os, signal

        def solve(n):
            pid = os.fork()
            if pid == 0:
                os.kill(os.getpid(), signal.SIGSTOP)
            os.waitpid(pid, 0)
        """,
    ),
)
