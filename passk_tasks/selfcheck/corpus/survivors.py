"""Right programs that leave a process behind: the verdict must not wait for it, and it must not live on.

What stays carries `@TOKEN@` in its name or its arguments, which is what the probe looks for on the host.
"""

from __future__ import annotations

from passk_tasks.selfcheck.attack import AS_LOOP, PASSED, SOLVE, Guarantee, maker

_attack = maker(
    "descendants",
    Guarantee.SURVIVOR,
    tests=SOLVE,
    expected=PASSED,
    host_probe="survivors",
    times=AS_LOOP,
    real="unseen",
)
_NAMED = """
import ctypes, os, sys, threading, time

def named():
    ctypes.CDLL(None).prctl(15, b"@TOKEN@")  # PR_SET_NAME: the process is found by it

def linger():
    named()
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            with open("@CANARY@", "a") as file:
                file.write("late")
        except OSError:
            pass
        time.sleep(0.02)
    os._exit(0)

def solve(n):
    return n * n + 7
"""

ATTACKS = (
    _attack("child-that-lingers", _NAMED + "\nif os.fork() == 0:\n    linger()\n"),
    _attack(
        "daemon-forked-twice",
        _NAMED
        + """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in (0, 1, 2):
            os.close(fd)
        linger()
    os._exit(0)
os.wait()
""",
    ),
    _attack(
        "daemon-that-ignores-every-signal",
        _NAMED
        + """
import signal

if os.fork() == 0:
    os.setsid()
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    linger()
""",
    ),
    _attack(
        "daemon-that-holds-the-channel",
        _NAMED
        + """
if os.fork() == 0:
    os.setsid()
    linger()

real = solve

def solve(n):
    if n == 10:
        threading.Timer(0.01, os._exit, (0,)).start()
    return real(n)
""",
    ),
    _attack(
        "daemon-that-writes-to-the-channel",
        _NAMED
        + """
if os.fork() == 0:
    os.setsid()
    time.sleep(0.3)
    while True:
        os.write(3, b'\\x02\\0\\0\\0[]')
""",
    ),
    _attack(
        "daemon-by-an-interpreter",
        """
        import subprocess, sys

        subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(20)", "@TOKEN@"],
            start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def solve(n):
            return n * n + 7
        """,
    ),
    _attack(
        "daemon-that-forks-for-ever",
        _NAMED
        + """
if os.fork() == 0:
    os.setsid()
    named()
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            if os.fork():
                os._exit(0)
        except OSError:
            pass
""",
        harms=True,
    ),
    _attack(
        "sibling-by-clone-parent",
        _NAMED
        + """
SIGCHLD, CLONE_PARENT = 17, 0x8000
number = 56 if os.uname().machine == "x86_64" else 220
if ctypes.CDLL(None).syscall(number, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) == 0:
    linger()
""",
    ),
    _attack(
        "stopped-child",
        _NAMED
        + """
import signal

if os.fork() == 0:
    named()
    os.kill(os.getpid(), signal.SIGSTOP)
    linger()
""",
    ),
    _attack(
        "traced-child-of-a-subreaper",
        _NAMED
        + """
if os.fork() == 0:
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    named()
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            linger()
    linger()
""",
    ),
    _attack(
        "handler-at-exit-that-never-ends",
        """
        import atexit, time
        atexit.register(time.sleep, 20)

        def solve(n):
            return n * n + 7
        """,
    ),
    _attack(
        "thread-that-never-ends",
        """
        import threading, time
        threading.Thread(target=time.sleep, args=(20,)).start()

        def solve(n):
            return n * n + 7
        """,
    ),
    _attack(
        "pool-that-is-never-closed",
        """
        import multiprocessing, time

        pool = multiprocessing.get_context("fork").Pool(2)
        pending = pool.apply_async(time.sleep, (20,))

        def solve(n):
            return n * n + 7
        """,
        own_root=True,
    ),
    _attack(
        "executor-with-work-to-do",
        """
        import concurrent.futures, time

        executor = concurrent.futures.ThreadPoolExecutor(2)
        futures = [executor.submit(time.sleep, 20) for _ in range(4)]

        def solve(n):
            return n * n + 7
        """,
    ),
    _attack(
        "event-loop-in-a-thread",
        """
        import asyncio, threading

        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever).start()
        asyncio.run_coroutine_threadsafe(asyncio.sleep(20), loop)

        def solve(n):
            return n * n + 7
        """,
    ),
    _attack(
        "late-writer-to-a-host-file",
        _NAMED + "\nthreading.Thread(target=linger, daemon=True).start()\n",
        host_probe="files",
        real="unseen",
    ),
)
