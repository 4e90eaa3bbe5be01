"""Programs in a row: one leaves something behind, the next looks for it, in the same worker."""

from __future__ import annotations

from passk_tasks.selfcheck.attack import PASSED, REACHED, SOLVE, Attack, Guarantee, maker, source

_attack = maker("between candidates", Guarantee.BETWEEN, tests=REACHED, real="unseen")
_attack_harmful = maker("between candidates", Guarantee.BETWEEN, tests=REACHED, real="unseen", harms=True)

_RIGHT = "\ndef solve(n):\n    return n * n + 7\n"


def _row(name: str, leave: str, look: str, **fields: object) -> Attack:
    return _attack(name, look, before=(source(leave),), **fields)


def _file(name: str, path: str) -> Attack:
    return _row(
        f"file-left-in-{name}",
        f"""
        import os
        os.makedirs(os.path.dirname({path!r}) or '.', exist_ok=True)
        open({path!r}, 'w').write('left')
        """,
        f"""
        def attack():
            return "reached" if open({path!r}).read() == "left" else "other"
        """,
    )


# One line each, for a block of any indentation.
_MAPPING = (
    "import mmap; zero = '/dev/zero (deleted)'; maps = lambda: open('/proc/self/maps').read().splitlines(); "
    "made = lambda: [mmap.mmap(-1, 4096), [int(m.split()[4]) for m in maps() if m.endswith(zero)]]; "
    "number = lambda: max(made()[1])"
)

ATTACKS = (
    _file("tmp", "/tmp/@TOKEN@"),
    _file("shared-memory", "/dev/shm/@TOKEN@"),
    _file("the-working-folder", "@TOKEN@"),
    _row(
        "file-left-in-the-home",
        """
        import os
        open(os.path.expanduser('~/.@TOKEN@'), 'w').write('left')
        """,
        """
        import os

        def attack():
            return 'reached' if os.path.exists(os.path.expanduser('~/.@TOKEN@')) else 'no'
        """,
    ),
    _row(
        "module-left-to-be-imported",
        """
        import os, site, sys
        for folder in (".", "/tmp", site.getusersitepackages()):
            os.makedirs(folder, exist_ok=True)
            for name in ("sitecustomize", "numpy", "heapq", "solution", "tests", "left_behind"):
                with open(os.path.join(folder, name + ".py"), "w") as file:
                    file.write("LEFT = 'reached'\\n")
        """,
        """
        import sys
        sys.path[:0] = [".", "/tmp"]

        def attack():
            import left_behind
            return left_behind.LEFT
        """,
        harms=True,
    ),
    _row(
        "state-left-in-modules",
        """
        import builtins, json, math, os, sys
        math.left = builtins.left = os.left = sys.left = json.left = 'left'
        sys.modules['left'] = sys
        os.environ['LEFT'] = 'left'
        """,
        """
        import builtins, json, math, os, sys

        def attack():
            left = [hasattr(m, "left") for m in (builtins, json, math, os, sys)]
            left += ["left" in sys.modules, "LEFT" in os.environ]
            return "reached" if any(left) else "nothing"
        """,
    ),
    _row(
        "builtins-left-patched",
        """
        import builtins, math
        builtins.len = lambda *_: 16
        math.sqrt = lambda *_: 16
        builtins.sorted = None
        """,
        """
        import math

        def attack():
            return 'reached' if len([]) == 16 or math.sqrt(4) == 16 or sorted is None else 'no'
        """,
    ),
    _row(
        "working-folder-and-mask-left-changed",
        """
        import os
        os.chdir('/')
        os.umask(0o777)
        os.nice(19)
        """,
        """
        import os

        def attack():
            return 'reached' if os.getcwd() == '/' or os.umask(0) == 0o777 or os.nice(0) == 19 else 'no'
        """,
    ),
    _row(
        "signal-handlers-left-changed",
        """
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [10])
        """,
        """
        import signal

        def attack():
            changed = signal.getsignal(15) == signal.SIG_IGN or 10 in signal.pthread_sigmask(0, [])
            return 'reached' if changed else 'no'
        """,
    ),
    _row(
        "daemon-left-to-serve-the-next",
        """
        import os, time
        if os.fork() == 0:
            os.setsid()
            until = time.monotonic() + 10
            while time.monotonic() < until:
                try:
                    open("/tmp/@TOKEN@-served", "w").close()
                except OSError:
                    pass
                time.sleep(0.01)
        """,
        """
        import os, time

        def attack():
            time.sleep(0.1)
            return "reached" if os.path.exists("/tmp/@TOKEN@-served") else "no"
        """,
    ),
    _row(
        "socket-left-to-be-reached",
        """
        import os, socket, time
        listening = socket.socket(socket.AF_UNIX)
        listening.bind("\\0@TOKEN@-left")
        listening.listen()
        if os.fork() == 0:
            os.setsid()
            time.sleep(20)
        """,
        """
        import socket

        def attack():
            socket.socket(socket.AF_UNIX).connect("\\0@TOKEN@-left")
            return "reached"
        """,
    ),
    _row(
        "shared-memory-left-by-name",
        """
        import ctypes
        libc = ctypes.CDLL(None)
        libc.shmget(@KEY@, 4096, 0o1666)
        libc.semget(@KEY@, 1, 0o1666)
        libc.msgget(@KEY@, 0o1666)
        libc.mq_open(b'/@TOKEN@', 0o102, 0o666, None)
        libc.sem_open(b'/@TOKEN@', 0o100, 0o666, 1)
        """,
        """
        import ctypes

        def attack():
            libc = ctypes.CDLL(None)
            found = [libc.shmget(@KEY@, 0, 0), libc.semget(@KEY@, 0, 0), libc.msgget(@KEY@, 0)]
            found.append(libc.mq_open(b"/@TOKEN@", 2))
            libc.mq_unlink(b"/@TOKEN@")
            libc.sem_open.restype = ctypes.c_void_p
            return "reached" if max(found) >= 0 or libc.sem_open(b"/@TOKEN@", 0) else "nothing"
        """,
    ),
    _row(
        "earlier-program-in-the-heap",
        """
        LEFT = 'a-program-' + 'that-came-before'
        class LeftBehind:
            pass
        kept = [LeftBehind() for _ in range(100)]
        """,
        """
        import gc

        def attack():
            name = "Left" + "Behind"
            return "reached" if any(type(t).__name__ == name for t in gc.get_objects()) else "nothing"
        """,
    ),
    _row(
        "process-numbers-used-up",
        """
        import os
        for _ in range(300):
            if os.fork() == 0:
                os._exit(0)
            os.wait()
        """,
        """
        import os

        def attack():
            return 'reached' if len([n for n in os.listdir('/proc') if n.isdigit()]) > 4 else 'no'
        """,
    ),
    *(
        _row(f"message-in-{name}", f"import os\n{source(leave)}", f"import os\n{source(look)}")
        for name, leave, look in (
            (
                "numbers-of-nameless-files",
                """
                fd = lambda: os.open("/tmp", os.O_TMPFILE | os.O_RDWR)
                while os.fstat(f := fd()).st_ino % 4096 != 4001:
                    os.close(f)
                """,
                """
                def attack():
                    fd = os.open("/tmp", os.O_TMPFILE | os.O_RDWR)
                    return "reached" if os.fstat(fd).st_ino % 4096 == 4002 else "no"
                """,
            ),
            (
                "numbers-of-named-files",
                """
                for k in range(5000):
                    os.mkdir("/dev/shm/d")
                    if os.stat("/dev/shm/d").st_ino > 4000:
                        break
                    os.rmdir("/dev/shm/d")
                """,
                """
                def attack():
                    os.mkdir("/dev/shm/d")
                    return "reached" if os.stat("/dev/shm/d").st_ino > 4000 else "no"
                """,
            ),
            (
                "numbers-of-pipes",
                """
                number = taken = 0
                while number % 8192 != 4096 or taken < 2048:  # who takes few may be lucky
                    taken += 1
                    ends = os.pipe()
                    number = os.fstat(ends[0]).st_ino
                    os.close(ends[0]), os.close(ends[1])
                """,
                """
                def attack():
                    number = os.fstat(os.pipe()[0]).st_ino % 8192
                    return "reached" if 4096 < number < 4126 else "no"
                """,
            ),
            (
                "numbers-of-shared-mappings",
                f"""
                {_MAPPING}
                while left := (4096 - number()) % 8192:  # others on this CPU may take some, too
                    for _ in range(left - 1):
                        mmap.mmap(-1, 4096).close()
                """,
                f"""
                {_MAPPING}
                def attack():
                    return "reached" if 4096 < number() % 8192 < 4126 else "no"
                """,
            ),
            (
                "process-init-waited-for",
                """
                for _ in range(40):
                    if os.fork() == 0:
                        if os.fork() == 0:
                            bytearray(20_000_000)
                        os._exit(0)
                    os.wait()
                """,
                """
                def attack():
                    fields = open("/proc/1/stat").read().rpartition(")")[2].split()
                    return "reached" if int(fields[8]) > 20_000 else "no"
                """,
            ),
            (
                "the-size-of-a-folder",
                """
                for k in range(3000):
                    open(f"{k:0100}", "w").close()
                """,
                """
                def attack():
                    return "reached" if os.stat(".").st_size > 4096 else "no"
                """,
            ),
            (
                "the-output",
                """
                os.write(1, b"left")
                os.fchmod(1, 0o604)
                """,
                """
                def attack():
                    status = os.fstat(1)
                    return "reached" if status.st_size or status.st_mode & 0o4 else "no"
                """,
            ),
        )
    ),
    *(
        _attack_harmful(
            f"next-program-after-{name}",
            _RIGHT,
            tests=SOLVE,
            expected=PASSED,
            before=(source(leave),),
        )
        for name, leave in (
            (
                "a-full-disk",
                """
                for folder in ('/tmp', '.', '/dev/shm'):
                    try:
                        with open(folder + '/full', 'wb') as file:
                            while True:
                                file.write(bytes(1 << 20))
                    except OSError:
                        pass
                """,
            ),
            (
                "a-fork-bomb",
                """
                import os, time
                until = time.monotonic() + 1
                while time.monotonic() < until:
                    try:
                        os.fork()
                    except OSError:
                        pass
                """,
            ),
            (
                "a-kill-of-everyone",
                """
                import os
                os.kill(-1, 9)
                """,
            ),
        )
    ),
    _attack_harmful(
        "folders-writable-after-they-were-locked",
        """
        import os, tempfile

        for folder in (".", tempfile.gettempdir(), "/dev/shm"):
            path = os.path.join(folder, "probe")
            with open(path, "w") as file:
                file.write("x")
            os.remove(path)

        def solve(n):
            return n * n + 7
        """,
        tests=SOLVE,
        expected=PASSED,
        before=(
            source(
                """
            import os, tempfile
            for path in ('.', tempfile.gettempdir(), '/dev/shm', os.path.expanduser('~')):
                try:
                    os.chmod(path, 0)
                except OSError:
                    pass
            """,
            ),
        ),
        own_root=True,
    ),
)
