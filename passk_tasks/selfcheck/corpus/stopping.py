"""Programs that go for the run itself: its processes, its limits, its interpreter, its folders."""

from __future__ import annotations

from passk_tasks.selfcheck.attack import AS_LOOP, NOT_PASSED, SOLVE, Attack, Guarantee, checks, maker, source
from passk_tasks.verdict import Verdict

_attack = maker("stops the run", Guarantee.RUN, tests=SOLVE, real="unseen")
_harmful = maker("stops the run", Guarantee.RUN, tests=SOLVE, real="unseen", harms=True)
# Odd, but it computes what it should: only the next program must not notice.
_ANY = NOT_PASSED | {Verdict.PASSED}
_RIGHT = "\ndef solve(n):\n    return n * n + 7\n"


def _mess(name: str, code: str, **fields: object) -> Attack:
    """Return a right program that leaves a mess behind; its own verdict does not matter."""
    code = source(code)
    return _attack(name, code if "def solve" in code else code + _RIGHT, expected=_ANY, **fields)


ATTACKS = (
    _harmful(
        "kill-everyone",
        """
        import os

        def solve(n):
            os.kill(-1, 9)
        """,
    ),
    _harmful(
        "stop-everyone",
        """
        import os, time

        def solve(n):
            os.kill(-1, 19)
            time.sleep(30)
        """,
        times=AS_LOOP,
    ),
    _harmful(
        "every-signal-to-init-and-parent",
        """
        import os, time

        def solve(n):
            for pid in (os.getppid(), 1, -os.getpgid(0), -os.getppid()):
                for number in range(1, 65):
                    if number in (9, 19) and pid < 0:
                        continue
                    try:
                        os.kill(pid, number)
                    except (OSError, ValueError):
                        pass
            time.sleep(0.05)
        """,
    ),
    _harmful(
        "signals-queued-and-by-thread",
        """
        import ctypes, os, signal

        def solve(n):
            libc = ctypes.CDLL(None)
            for pid in (1, os.getppid()):
                for number in (9, 19, 15, 34, 64):
                    libc.syscall(234 if os.uname().machine == "x86_64" else 131, pid, pid, number)
                    libc.sigqueue(pid, number, None)
                if hasattr(signal, "pidfd_send_signal"):
                    signal.pidfd_send_signal(os.pidfd_open(pid), 9)
        """,
    ),
    _harmful(
        "kill-own-group-and-session",
        """
        import os

        def solve(n):
            os.killpg(0, 9)
        """,
    ),
    _harmful(
        "limits-of-the-zygote-lowered",
        """
        import os, resource

        def solve(n):
            for pid in (1, os.getppid()):
                for name in ("NOFILE", "AS", "CPU", "NPROC"):
                    try:
                        resource.prlimit(pid, getattr(resource, "RLIMIT_" + name), (1, 1))
                    except (OSError, ValueError):
                        pass
        """,
    ),
    _harmful(
        "zygote-moved-to-the-idle-class",
        """
        import ctypes, os

        def solve(n):
            libc = ctypes.CDLL(None)
            for pid in (1, os.getppid()):
                for call in (
                    lambda: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0)),
                    lambda: os.sched_setaffinity(pid, {0}),
                    lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),
                    lambda: os.setpriority(os.PRIO_USER, 0, 19),
                    lambda: libc.syscall(251, 1, pid, 3 << 13),
                ):
                    try:
                        call()
                    except OSError:
                        pass
        """,
    ),
    _harmful(
        "zygote-chosen-for-the-oom-killer",
        """
        import os

        def solve(n):
            for pid in (1, os.getppid(), "self"):
                for name, text in (("oom_score_adj", "1000"), ("timerslack_ns", "1000000000"),
                                   ("comm", "dead"), ("clear_refs", "1"), ("autogroup", "19")):
                    try:
                        with open(f"/proc/{pid}/{name}", "w") as file:
                            file.write(text)
                    except OSError:
                        pass
        """,
    ),
    _harmful(
        "fork-bomb",
        """
        import os, time

        def solve(n):
            until = time.monotonic() + 2
            while time.monotonic() < until:
                try:
                    os.fork()
                except OSError:
                    pass
        """,
    ),
    _harmful(
        "forks-that-sleep",
        """
        import os, time

        def solve(n):
            children = 0
            for _ in range(2000):
                try:
                    if os.fork() == 0:
                        time.sleep(5)
                        os._exit(0)
                    children += 1
                except OSError:
                    break
            return 16 if children > 500 else 0
        """,
        tests=checks("assert solve(3) == 16"),
    ),
    _attack(
        "threads-that-sleep",
        """
        import threading, time

        def solve(n):
            threading.stack_size(64 << 10)
            for _ in range(3000):
                threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
            return 16
        """,
        tests=checks("assert solve(3) == 16"),
        harms=True,
    ),
    _attack(
        "thread-bomb",
        """
        import threading

        def more():
            while True:
                try:
                    threading.Thread(target=more, daemon=True).start()
                except RuntimeError:
                    pass

        def solve(n):
            more()
        """,
        harms=True,
    ),
    _mess(
        "descriptors-used-up",
        """
        import os
        kept = []
        try:
            while True:
                kept.append(os.open('/dev/null', 0))
        except OSError:
            pass
        """,
    ),
    _mess(
        "descriptor-limit-of-nothing",
        """
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
        """,
    ),
    _mess(
        "address-space-of-nothing",
        """
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (1, 1))
        """,
    ),
    _mess(
        "stack-of-nothing",
        """
        import resource
        resource.setrlimit(resource.RLIMIT_STACK, (4096, 4096))
        """,
    ),
    *(
        _mess(
            f"filled-{name}",
            f"""
            import os

            os.makedirs({path}, exist_ok=True)
            try:
                for i in range(200):
                    with open(os.path.join({path}, f"fill-{{i}}"), "wb") as file:
                        for _ in range(4):
                            file.write(bytes(1 << 20))
            except OSError:
                pass

            def solve(n):
                return n * n + 7
            """,
            harms=True,
        )
        for name, path in (("tmp", '"/tmp"'), ("working-folder", '"."'), ("shared-memory", '"/dev/shm"'))
    ),
    _mess(
        "inodes-used-up",
        """
        import os

        try:
            for i in range(100_000):
                os.mkdir(f"/tmp/{i}")
        except OSError:
            pass

        def solve(n):
            return n * n + 7
        """,
        harms=True,
    ),
    _mess(
        "tree-deeper-than-a-path",
        """
        import os

        for _ in range(300):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
        open("leaf", "w").close()

        def solve(n):
            return n * n + 7
        """,
    ),
    _mess(
        "folders-nobody-may-enter",
        """
        import os

        os.makedirs("locked/inner/deep")
        for path in ("locked/inner/deep/file", "locked/inner/file", "locked/file"):
            open(path, "w").close()
            os.chmod(path, 0)
        for path in ("locked/inner/deep", "locked/inner", "locked"):
            os.chmod(path, 0)

        def solve(n):
            return n * n + 7
        """,
    ),
    _mess(
        "working-folder-locked",
        """
        import os, tempfile

        for path in (".", tempfile.gettempdir(), "/dev/shm", os.path.expanduser("~")):
            try:
                os.chmod(path, 0)
            except OSError:
                pass

        def solve(n):
            return n * n + 7
        """,
        harms=True,
    ),
    _mess(
        "working-folder-removed",
        """
        import os

        here = os.getcwd()
        os.chdir("/")
        calls = [(os.rmdir, here), (os.rename, here, "/tmp/gone"), (os.symlink, "/", here + "/link")]
        for call, *arguments in calls:
            try:
                call(*arguments)
            except OSError:
                pass

        def solve(n):
            return n * n + 7
        """,
        harms=True,
    ),
    _mess(
        "five-thousand-files",
        """
        for i in range(5000):
            open(f"file-{i}", "w").close()

        def solve(n):
            return n * n + 7
        """,
    ),
    _mess(
        "files-of-every-odd-kind",
        """
        import os, socket

        os.mkfifo("fifo")
        socket.socket(socket.AF_UNIX).bind("socket")
        os.symlink("loop", "loop")
        os.symlink("/etc", "folder-link")
        os.symlink("..", "up")
        open(b"\\xff\\xfe\\x80", "w").close()
        open("new\\nline \\x1b[2J", "w").close()
        open("x" * 255, "w").close()
        os.mkdir("-rf *")
        os.link("new\\nline \\x1b[2J", "hard")
        sparse = os.open("sparse", os.O_CREAT | os.O_WRONLY)
        os.ftruncate(sparse, 1 << 20)
        open(".passk-1-1", "w").close()
        os.makedirs(".passk-2-1/.passk-2-1/.passk-3-1")
        os.makedirs("a/b/c")
        os.symlink("../../..", "a/b/c/d")

        def solve(n):
            return n * n + 7
        """,
    ),
    _mess(
        "files-replaced-while-they-are-removed",
        """
        import os, time

        if os.fork() == 0:
            os.setsid()
            until = time.monotonic() + 10
            while time.monotonic() < until:
                for i in range(50):
                    try:
                        os.makedirs(f"again/{i}/deep", exist_ok=True)
                    except OSError:
                        pass

        def solve(n):
            return n * n + 7
        """,
    ),
    _mess(
        "modules-taken-away",
        """
        import sys
        for name in list(sys.modules):
            if name != 'sys':
                del sys.modules[name]
        """,
    ),
    _mess(
        "builtins-taken-away",
        """
        import builtins
        for name in ('len', 'isinstance', 'open', 'type', 'list', 'Exception', 'map', 'str'):
            delattr(builtins, name)
        """,
    ),
    _mess(
        "standard-streams-taken-away",
        """
        import os, sys
        sys.stdout.close()
        sys.stderr = None
        sys.stdin = 5
        for fd in (0, 1, 2):
            os.close(fd)
        """,
    ),
    _mess(
        "environment-cleared",
        """
        import os, sys
        os.environ.clear()
        sys.path.clear()
        sys.argv = None
        os.chdir('/')
        os.umask(0o777)
        """,
    ),
    _mess(
        "recursion-limit-of-nothing",
        """
        import sys

        def solve(n):
            sys.setrecursionlimit(sys._getframe().f_code.co_stacksize + 12)
            return n * n + 7
        """,
    ),
    _mess(
        "collector-and-switches-turned",
        """
        import gc, sys, threading
        gc.disable()
        gc.set_threshold(1, 1, 1)
        sys.setswitchinterval(100)
        threading.settrace(lambda *_: 1 / 0)
        sys.settrace(lambda *_: 1 / 0)
        """,
    ),
    _mess(
        "every-signal-blocked",
        """
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        for number in set(signal.Signals) - {9, 19}:
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        """,
    ),
    _mess(
        "locks-held-for-ever",
        """
        import fcntl, os, threading
        threading.Lock().acquire()
        import logging, io
        logging._lock.acquire() if getattr(logging, '_lock', None) else None
        for path in ('/dev/null', '/proc/1/status', '.'):
            fcntl.flock(os.open(path, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
        """,
    ),
    _mess(
        "interpreter-state-overwritten",
        """
        import ctypes
        ctypes.pythonapi.Py_SetRecursionLimit(1 << 30)
        ctypes.memset(id(None) + 64, 0, 0)
        ctypes.CDLL(None).setvbuf
        ctypes.CDLL(None).mlockall(3)
        """,
    ),
    _mess(
        "watches-and-timers-left",
        """
        import ctypes, signal
        libc = ctypes.CDLL(None)
        for _ in range(100):
            libc.inotify_init1(0)
            libc.eventfd(0, 0)
            libc.timerfd_create(1, 0)
            libc.epoll_create1(0)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        """,
    ),
)
