"""Programs that take memory without end."""

from __future__ import annotations

from passk_tasks.selfcheck.attack import BOTH, ISOLATED, NOT_PASSED, SOLVE, Attack, Guarantee, checks, maker
from passk_tasks.verdict import Verdict

_HOG = frozenset({Verdict.MEMORY_LIMIT})
# The limits are the same under both judges: one is enough.
_hog = maker("memory", Guarantee.MEMORY, tests=SOLVE, judges=ISOLATED, expected=_HOG, real="unseen")
_SWALLOWED = frozenset({Verdict.MEMORY_LIMIT, Verdict.TIMEOUT})


def _expression(name: str, expression: str, imports: str = "import sys", **fields: object) -> Attack:
    return _hog(
        name,
        f"""
        {imports}

        def solve(n):
            return len({expression})
        """,
        **fields,
    )


ATTACKS = (
    _expression("list-multiplied", "[0] * 10 ** 12"),
    _expression("bytes-touched", "bytearray(4 << 30)"),
    _expression("text-multiplied", "'x' * (4 << 30)"),
    _expression("list-of-a-range", "list(range(10 ** 10))"),
    _expression("set-of-a-range", "set(range(10 ** 9))"),
    _expression("joined-texts", "''.join(['x' * (64 << 20)] * 64)"),
    _expression("mapped-memory", "mmap.mmap(-1, 16 << 30)", "import mmap", expected=NOT_PASSED),
    _expression("array-of-numpy", "numpy.ones(1 << 33)", "import numpy", expected=NOT_PASSED),
    _expression(
        "decompression-bomb", "zlib.decompress(zlib.compress(bytes(100 << 20), 1)) * 40", "import zlib"
    ),
    _hog(
        "blocks-appended",
        """
        def solve(n):
            kept = []
            while True:
                kept.append(bytearray(8 << 20))
        """,
        judges=BOTH,
    ),
    _hog(
        "small-objects-appended",
        """
        def solve(n):
            kept = []
            while True:
                kept.append([n] * 1000)
        """,
    ),
    _hog(
        "text-doubled",
        """
        def solve(n):
            text = "x"
            while True:
                text += text
        """,
    ),
    _hog(
        "dict-grown",
        """
        def solve(n):
            kept = {}
            while True:
                kept[len(kept)] = "x" * 2000
        """,
    ),
    _hog(
        "recursion-that-keeps-texts",
        """
        import sys
        sys.setrecursionlimit(10 ** 6)

        def deeper(n, text):
            return deeper(n + 1, text + "x" * (1 << 20))

        def solve(n):
            return deeper(0, "")
        """,
    ),
    _hog(
        "memory-error-swallowed",
        """
        def solve(n):
            kept = []
            while True:
                try:
                    kept.append(bytearray(16 << 20))
                except MemoryError:
                    pass
        """,
        expected=_SWALLOWED,
    ),
    _hog(
        "memory-while-loading",
        """
        kept = []
        while True:
            kept.append(bytearray(8 << 20))
        """,
    ),
    _hog(
        "memory-in-a-child",
        """
        import os

        def solve(n):
            pid = os.fork()
            if pid == 0:
                kept = []
                while True:
                    kept.append(bytearray(8 << 20))
            status = os.waitpid(pid, 0)[1]
            return n * n + 7 if status == 0 else status
        """,
        expected=NOT_PASSED,
    ),
    _hog(
        "memory-of-many-children-together",
        """
        import os, time

        def solve(n):
            ready, write = os.pipe()
            for _ in range(10):
                if os.fork() == 0:
                    kept = b"x" * (120 << 20)
                    os.write(write, b"x")
                    time.sleep(20)
                    os._exit(len(kept) & 1)
            got = b""
            while len(got) < 10:
                got += os.read(ready, 1)
            return n * n + 7
        """,
        expected=_SWALLOWED,
        harms=True,
    ),
    _hog(
        "memory-in-files-without-a-name",
        """
        import os

        kept = []

        def solve(n):
            for _ in range(200):
                file = os.memfd_create("hog")
                kept.append(file)
                for _ in range(4):
                    os.write(file, bytes(1 << 20))
            return n * n + 7
        """,
        tests=checks("assert solve(3) == 16"),
        expected=NOT_PASSED,
        harms=True,
    ),
    _hog(
        "memory-in-pipes-and-sockets",
        """
        import fcntl, os

        kept = []

        def solve(n):
            filled = 0
            for _ in range(2000):
                read, write = os.pipe()
                kept.append((read, write))
                filled += fcntl.fcntl(write, 1031, 1 << 20)
                os.set_blocking(write, False)
                while True:
                    try:
                        os.write(write, bytes(1 << 16))
                    except BlockingIOError:
                        break
            return n * n + 7
        """,
        tests=checks("assert solve(3) == 16"),
        expected=NOT_PASSED,
        harms=True,
    ),
    _hog(
        "memory-of-threads",
        """
        import threading, time

        def solve(n):
            kept = []

            def fill():
                kept.append(bytearray(64 << 20))
                time.sleep(20)

            threads = [threading.Thread(target=fill, daemon=True) for _ in range(16)]
            for thread in threads:
                thread.start()
            while len(kept) < 16:
                if not any(thread.is_alive() for thread in threads):
                    raise MemoryError
                time.sleep(0.01)
            return n * n + 7
        """,
        expected=NOT_PASSED,
    ),
    _hog(
        "memory-in-shared-mappings-but-for-a-page-unmapped",
        """
        import ctypes

        libc = ctypes.CDLL(None)
        libc.mmap.restype = ctypes.c_void_p

        def solve(n):
            size = ctypes.c_size_t(64 << 20)
            for _ in range(60):
                start = libc.mmap(None, size, 3, 0x21, -1, ctypes.c_long(0))
                ctypes.memset(start, 1, size.value)
                libc.munmap(ctypes.c_void_p(start + 4096), ctypes.c_size_t(size.value - 4096))
            return n * n + 7
        """,
        tests=checks("assert solve(3) == 16"),
        expected=NOT_PASSED,
        harms=True,
    ),
    _hog(
        "memory-in-sockets-of-many-children",
        """
        import os, socket, time

        def fill():
            kept = []
            try:
                while True:
                    pair = socket.socketpair()
                    kept.append(pair)
                    for end in pair:
                        end.setblocking(False)
                        try:
                            while True:
                                end.send(bytes(1 << 17))
                        except BlockingIOError:
                            pass
            except OSError:
                return

        def solve(n):
            ready, write = os.pipe()
            for _ in range(20):
                if os.fork() == 0:
                    fill()
                    os.write(write, b"x")
                    time.sleep(20)
                    os._exit(0)
            got = b""
            while len(got) < 20:
                got += os.read(ready, 20)
            return n * n + 7
        """,
        tests=checks("assert solve(3) == 16"),
        expected=NOT_PASSED,
        harms=True,
    ),
    _hog(
        "memory-in-the-result",
        """
        def solve(n):
            return [chr(97 + k % 26) * (1 << 22) + str(k) for k in range(100)]
        """,
        expected=frozenset({Verdict.OUTPUT_LIMIT, Verdict.MEMORY_LIMIT}),
    ),
)
