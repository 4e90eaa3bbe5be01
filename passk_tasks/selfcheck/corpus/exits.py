"""Wrong programs that end before their tests do."""

from __future__ import annotations

from passk_tasks.selfcheck.attack import AS_LOOP, ISOLATED, SOLVE, Attack, Guarantee, maker, source

_attack = maker("early exits", Guarantee.EXIT, tests=SOLVE)


def _called(name: str, statement: str, imports: str = "import os, sys", **fields: object) -> Attack:
    body = "\n            ".join(source(statement).strip().split("\n"))
    return _attack(
        name,
        f"""
        {imports}

        def solve(n):
            {body}
        """,
        **fields,
    )


ATTACKS = (
    _attack(
        "system-exit-while-loading",
        """
        import sys
        sys.exit(0)
        """,
    ),
    _attack(
        "exit-status-while-loading",
        """
        import os
        os._exit(0)
        """,
    ),
    _called("system-exit", "sys.exit(0)"),
    _called("system-exit-of-none", "raise SystemExit"),
    _called("builtin-exit", "exit()"),
    _called("builtin-quit", "quit(0)"),
    _called("system-exit-of-text", 'raise SystemExit("passed")', real="unseen"),
    _called(
        "system-exit-subclass",
        """
        class Passed(SystemExit):
            pass
        raise Passed(0)
        """,
    ),
    _called("exit-status-zero", "os._exit(0)"),
    _called("exit-status-of-memory", "os._exit(77)", real="unseen"),
    _called("raw-exit-group", "ctypes.CDLL(None)._exit(0)", "import ctypes"),
    _called("c-exit-runs-handlers", "ctypes.CDLL(None).exit(0)", "import ctypes"),
    _called("quick-exit", "ctypes.CDLL(None).quick_exit(0)", "import ctypes"),
    _called("replaced-by-an-interpreter", "os.execv(sys.executable, [sys.executable, '-c', 'pass'])"),
    _called("replaced-by-a-shell", "os.execv('/bin/sh', ['sh', '-c', 'exit 0'])"),
    _attack(
        "replaced-by-one-that-holds-the-channel",
        """
        import os, sys

        TALK = '''
        import json, os
        while True:
            size = int.from_bytes(os.read(3, 4), "little")
            os.read(3, size)
            raw = json.dumps(["value", 16]).encode()
            os.write(3, len(raw).to_bytes(4, "little") + raw)
        '''

        def solve(n):
            os.set_inheritable(3, True)
            raw = b'["value",16]'
            os.write(3, len(raw).to_bytes(4, "little") + raw)
            os.execv(sys.executable, [sys.executable, "-c", TALK])
        """,
        real="unseen",
    ),
    _called("killed-by-itself", "os.kill(os.getpid(), 9)", real="unseen"),
    _called("terminated-by-itself", "os.kill(os.getpid(), 15)", real="unseen"),
    _called("interrupted-by-itself", "os.kill(os.getpid(), 2)", real="unseen"),
    _called("stopped-by-itself", "os.kill(os.getpid(), 19)", real="unseen", times=AS_LOOP),
    _called("abort", "os.abort()", real="unseen"),
    _called("segmentation-fault", "ctypes.string_at(0)", "import ctypes", real="unseen"),
    _called(
        "segmentation-fault-by-faulthandler", "faulthandler._sigsegv()", "import faulthandler", real="unseen"
    ),
    _called("illegal-instruction", "signal.raise_signal(signal.SIGILL)", "import signal", real="unseen"),
    _attack(
        "recursion-runs-over-the-stack",
        """
        import sys
        sys.setrecursionlimit(10 ** 9)

        def deep(n):
            return deep(n + 1) + sum(map(deep, [n]))

        def solve(n):
            return deep(n)
        """,
        judges=ISOLATED,
        real="unseen",
    ),
    _attack(
        "c-recursion-runs-over-the-stack",
        """
        import sys
        sys.setrecursionlimit(10 ** 9)

        class Loop:
            def __repr__(self):
                return repr([self])

        def solve(n):
            return repr(Loop())
        """,
        judges=ISOLATED,
        real="unseen",
    ),
    _attack(
        "exit-from-a-handler-at-exit",
        """
        import atexit, os, sys
        atexit.register(os._exit, 0)

        def solve(n):
            sys.exit(1)
        """,
    ),
    _attack(
        "exit-from-a-thread",
        """
        import os, threading, time

        def solve(n):
            threading.Timer(0.05, os._exit, (0,)).start()
            time.sleep(0.5)
        """,
    ),
    _attack(
        "exit-from-an-alarm",
        """
        import os, signal, time
        signal.signal(signal.SIGALRM, lambda *_: os._exit(0))

        def solve(n):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            time.sleep(0.5)
        """,
    ),
    _attack(
        "exit-while-the-result-is-read",
        """
        import os

        class Items(list):
            def __iter__(self, *_):
                os._exit(0)
            __len__ = __getitem__ = __eq__ = __repr__ = __reduce__ = __hash__ = __iter__

        def solve(n):
            return Items([1, 2])
        """,
    ),
    _attack(
        "exit-from-a-generator",
        """
        import sys

        def solve(n):
            yield 16
            sys.exit(0)
        """,
        real="unseen",
    ),
    _called("every-descriptor-closed", "os.closerange(0, 4096)", real="unseen"),
    _called("channel-made-a-null-device", "os.dup2(os.open('/dev/null', os.O_RDWR), 3)", real="unseen"),
    _called(
        "channel-half-closed",
        "socket.socket(fileno=3).shutdown(socket.SHUT_WR)",
        "import socket",
        real="unseen",
    ),
    _called("generator-exit", "raise GeneratorExit", real="unseen"),
    _called("keyboard-interrupt", "raise KeyboardInterrupt", real="unseen"),
    _called("not-implemented-and-stop", "raise StopIteration(n * n + 8)", real="unseen"),
)
