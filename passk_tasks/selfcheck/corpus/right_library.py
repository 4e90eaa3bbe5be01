"""Right programs that use files, processes, threads and the interpreter: what other harnesses break."""

from __future__ import annotations

from passk_tasks.selfcheck.attack import ISOLATED, PASSED, SOLVE, Attack, Guarantee, checks, maker, source

_right = maker("right programs", Guarantee.RIGHT, tests=SOLVE, expected=PASSED)


def _checked(name: str, condition: str, imports: str = "import os, sys", **fields: object) -> Attack:
    """Return a program that is right where the condition, of what a program may expect, holds."""
    lines = "\n            ".join(source(condition).strip().split("\n"))
    return _right(
        name,
        f"""
        {imports}

        def look():
            {lines}

        def solve(n):
            assert look() is not False
            return n * n + 7
        """,
        **fields,
    )


ATTACKS = (
    _checked(
        "standard-streams-have-descriptors",
        "return [s.fileno() for s in (sys.stdin, sys.stdout, sys.stderr)] == [0, 1, 2]",
    ),
    _checked("standard-output-buffer", 'sys.stdout.buffer.write(b"bytes\\n")\nsys.stdout.flush()'),
    _checked(
        "standard-output-reconfigured",
        'sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)\nprint("\\u00e9")',
    ),
    _checked("standard-input-at-its-end", 'return sys.stdin.read() == "" and sys.stdin.readline() == ""'),
    _checked(
        "input-raises-at-the-end",
        """
        try:
            input()
        except EOFError:
            return True
        return False
        """,
    ),
    _checked(
        "output-caught-in-a-buffer",
        """
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            print("x")
        return out.getvalue() == "x\\n"
        """,
        "import contextlib, io",
    ),
    _checked("prints-a-megabyte", 'for _ in range(1000):\n    print("x" * 1000)'),
    _checked(
        "file-in-the-working-folder",
        'open("data.txt", "w").write("x")\nreturn open("data.txt").read() == "x"',
    ),
    _checked(
        "module-written-and-imported",
        """
        open("written.py", "w").write("VALUE = 5")
        importlib.invalidate_caches()
        return importlib.import_module("written").VALUE == 5
        """,
        "import importlib",
        real="unseen",
    ),
    _checked(
        "own-file-read",
        'with open(__file__) as file:\n    return "def look" in file.read()',
        real="unseen",
    ),
    _checked(
        "working-folder-and-paths",
        """
        here = os.getcwd()
        return os.path.abspath("a") == os.path.join(here, "a") and pathlib.Path.cwd() == pathlib.Path(here)
        """,
        "import os, pathlib",
    ),
    _checked(
        "files-removed-and-renamed",
        """
        open("a", "w").close()
        os.rename("a", "b")
        os.remove("b")
        os.makedirs("c/d")
        shutil.rmtree("c")
        return not os.path.exists("b")
        """,
        "import os, shutil",
    ),
    _checked(
        "folder-changed-and-mode",
        """
        os.makedirs("f", exist_ok=True)
        os.chmod("f", 0o755)
        os.chdir("f")
        os.chdir("..")
        return "f" in os.listdir()
        """,
    ),
    _checked(
        "temporary-files",
        """
        with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile("w", dir=folder) as file:
            file.write("x")
        with tempfile.TemporaryFile() as file:
            file.write(b"x")
        """,
        "import tempfile",
    ),
    _checked(
        "home-folder",
        """
        path = os.path.join(os.path.expanduser("~"), "note")
        open(path, "w").write("x")
        return os.path.getsize(path) == 1
        """,
    ),
    _checked(
        "database-in-memory-and-in-a-file",
        """
        for where in (":memory:", "db"):
            with sqlite3.connect(where) as base:
                base.execute("create table if not exists t (x)")
                base.execute("insert into t values (1)")
        """,
        "import sqlite3",
    ),
    _checked(
        "compressed-and-csv-files",
        """
        with gzip.open("a.gz", "wt") as file:
            csv.writer(file).writerow([1, 2])
        return gzip.open("a.gz", "rt").read().strip() == "1,2"
        """,
        "import csv, gzip",
    ),
    _checked(
        "interpreter-as-a-subprocess",
        """
        command = [sys.executable, "-c", "print(6 * 7)"]
        shown = subprocess.run(command, capture_output=True, text=True, check=True)
        return shown.stdout == "42\\n"
        """,
        "import subprocess, sys",
    ),
    _checked(
        "subprocess-with-input",
        """
        code = "import sys; print(sys.stdin.read().upper())"
        return subprocess.check_output([sys.executable, "-c", code], input=b"abc") == b"ABC\\n"
        """,
        "import subprocess, sys",
    ),
    _checked(
        "fork-and-wait",
        """
        pid = os.fork()
        if pid == 0:
            os._exit(3)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
        """,
    ),
    _checked(
        "threads",
        """
        threads = [threading.Thread(target=print, args=(i,)) for i in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        """,
        "import threading",
    ),
    _checked(
        "thread-pool",
        """
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            return list(pool.map(abs, [-1, -2])) == [1, 2]
        """,
        "import concurrent.futures",
    ),
    _right(
        "process-and-queue",
        """
        import multiprocessing

        def work(queue, n):
            queue.put(n * n + 7)

        def solve(n):
            context = multiprocessing.get_context("fork")
            queue = context.Queue()
            process = context.Process(target=work, args=(queue, n))
            process.start()
            result = queue.get()
            process.join()
            return result
        """,
        own_root=True,
    ),
    _right(
        "pool-of-two-processes",
        """
        import multiprocessing

        def square(n):
            return n * n

        def solve(n):
            with multiprocessing.get_context("fork").Pool(2) as pool:
                return pool.map(square, [n, n + 1])[0] + 7
        """,
        own_root=True,
    ),
    _right(
        "executor-of-processes",
        """
        import concurrent.futures, multiprocessing

        def square(n):
            return n * n

        def solve(n):
            with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
                return pool.submit(square, n).result() + 7
        """,
        own_root=True,
    ),
    _right(
        "manager-and-lock",
        """
        import multiprocessing

        def solve(n):
            context = multiprocessing.get_context("fork")
            with context.Manager() as manager, context.Lock():
                shared = manager.dict()
                shared["n"] = n * n
                return shared["n"] + 7
        """,
        tests=checks("assert solve(3) == 16"),
        own_root=True,
    ),
    _right(
        "pool-of-fresh-interpreters",
        """
        import multiprocessing

        def square(n):
            return n * n

        def solve(n):
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                return pool.apply(square, [n]) + 7
        """,
        tests=checks("assert solve(3) == 16"),
        judges=ISOLATED,  # it takes a while
        real="unseen",
        own_root=True,
    ),
    _checked(
        "threads-of-a-subprocess",
        """
        code = (
            "import threading, time\\n"
            "for _ in range(12): threading.Thread(target=time.sleep, args=(0.05,)).start()"
        )
        return subprocess.run([sys.executable, "-c", code]).returncode == 0
        """,
        "import subprocess, sys",
    ),
    _checked(
        "shared-memory-by-name",
        """
        block = shared_memory.SharedMemory(create=True, size=64)
        block.buf[0] = 7
        block.close()
        block.unlink()
        """,
        "from multiprocessing import shared_memory",
        own_root=True,
    ),
    _checked(
        "local-socket-pair",
        """
        a, b = socket.socketpair()
        a.sendall(b"x")
        return b.recv(1) == b"x"
        """,
        "import socket",
    ),
    _checked(
        "event-loop",
        """
        async def double(n):
            await asyncio.sleep(0.001)
            return 2 * n
        async def both():
            return await asyncio.gather(double(1), double(2))
        return asyncio.run(both()) == [2, 4]
        """,
        "import asyncio",
    ),
    _checked(
        "subprocess-of-an-event-loop",
        """
        async def go():
            p = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(1)", stdout=-1)
            return (await p.communicate())[0]
        return asyncio.run(go()) == b"1\\n"
        """,
        "import asyncio, sys",
    ),
    _checked(
        "signals-and-alarms",
        """
        got = []
        signal.signal(signal.SIGALRM, lambda *_: got.append(1))
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        signal.pause()
        return got == [1]
        """,
        "import signal",
    ),
    _checked(
        "resource-usage-and-limits",
        "assert len(resource.getrlimit(resource.RLIMIT_AS)) == 2\nreturn resource.getrusage(0).ru_maxrss > 0",
        "import resource",
    ),
    _checked(
        "own-limits-lowered",
        """
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(64, hard), hard))
        """,
        "import resource",
    ),
    _checked(
        "limits-asked-to-be-raised",
        """
        for kind in (resource.RLIMIT_AS, resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC):
            resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        """,
        "import resource",
    ),
    _checked(
        "hundreds-of-files-open",
        """
        files = [open(os.devnull) for _ in range(700)]
        return len({file.fileno() for file in files}) == 700
        """,
        "import os",
    ),
    _checked(
        "stack-limit-raised",
        """
        resource.setrlimit(resource.RLIMIT_STACK, (1 << 28, resource.getrlimit(resource.RLIMIT_STACK)[1]))
        sys.setrecursionlimit(1 << 20)
        """,
        "import resource, sys",
    ),
    _checked(
        "thirty-threads-that-allocate",
        """
        kept = []
        def work():
            kept.append([bytearray(20_000) for _ in range(50)])
            time.sleep(0.05)
        threads = [threading.Thread(target=work) for _ in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(kept) == 30
        """,
        "import threading, time",
    ),
    _checked(
        "facts-of-the-machine",
        "return os.cpu_count() >= 1 and time.time() > 1e9 and platform.system() == 'Linux'",
        "import os, platform, time",
    ),
    _checked(
        "name-of-the-user",
        "return bool(getpass.getuser()) and bool(pwd.getpwuid(os.getuid()).pw_dir)",
        "import getpass, os, pwd",
        own_root=True,
    ),
    _checked(
        "environment-of-a-program",
        """
        os.environ["MINE"] = "1"
        return os.getenv("HOME") and os.getenv("MINE") == "1" and "PATH" in os.environ
        """,
    ),
    _checked(
        "exit-functions-are-there",
        "return callable(exit) and callable(quit) and callable(help) and callable(copyright)",
    ),
    _checked(
        "locale-and-encoding",
        """
        locale.setlocale(locale.LC_ALL, "")
        return sys.getfilesystemencoding() == "utf-8" and open("x", "w").encoding.lower() == "utf-8"
        """,
        "import locale, sys",
    ),
    _checked(
        "time-zones",
        """
        paris = zoneinfo.ZoneInfo("Europe/Paris")
        return datetime.datetime(2024, 7, 1, tzinfo=paris).utcoffset().seconds == 7200
        """,
        "import datetime, zoneinfo",
        real="unseen",
    ),
    _checked(
        "logging",
        'logging.basicConfig(level=logging.DEBUG)\nlogging.getLogger(__name__).warning("careful")',
        "import logging",
    ),
    _checked(
        "warnings",
        """
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            warnings.warn("x")
        return len(seen) == 1
        """,
        "import warnings",
    ),
    _checked(
        "timing-and-short-sleeps",
        """
        start = time.perf_counter()
        time.sleep(0.02)
        return 0.02 <= time.perf_counter() - start < 5
        """,
        "import time",
    ),
    _checked(
        "c-library-by-ctypes",
        "return ctypes.CDLL(None).abs(-5) == 5 and ctypes.sizeof(ctypes.c_long) == 8",
        "import ctypes",
    ),
    _checked(
        "anonymous-memory-map",
        """
        with mmap.mmap(-1, 4096) as area:
            area[:2] = b"ab"
            return area[:2] == b"ab"
        """,
        "import mmap",
    ),
    _checked(
        "hashes-and-random-tokens",
        """
        assert len(secrets.token_hex(4)) == 8 and uuid.uuid4().version == 4
        return hashlib.sha256(b"a").hexdigest()[:4] == "ca97"
        """,
        "import hashlib, secrets, uuid",
    ),
    _checked(
        "same-order-of-sets-as-with-hash-seed-zero",
        """
        command = [sys.executable, "-c", "print(hash('order'))"]
        shown = subprocess.check_output(command, env={"PYTHONHASHSEED": "0"})
        return hash("order") == int(shown)
        """,
        "import subprocess, sys",
        real="unseen",
    ),
    _checked(
        "mocks",
        """
        with mock.patch("os.getcwd", return_value="/there"):
            return os.getcwd() == "/there" and mock.Mock(a=1).a == 1
        """,
        "import os\n        from unittest import mock",
    ),
    _right(
        "unit-tests-and-doctests",
        '''
        import doctest, unittest

        def solve(n):
            """
            >>> solve(3)
            16
            """
            return n * n + 7

        class Case(unittest.TestCase):
            def test(self):
                self.assertEqual(solve(3), 16)

        result = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(Case))
        assert result.wasSuccessful() and result.testsRun == 1
        ''',
    ),
    _right(
        "late-import-of-numpy",
        """
        def solve(n):
            import numpy as np
            return int(np.dot([n], [n])) + 7
        """,
    ),
    _right(
        "numpy-while-loading",
        """
        import numpy as np
        from numpy import linalg

        def solve(n):
            return int(round(linalg.det(np.eye(2)) * n * n)) + 7
        """,
    ),
    _right(
        "many-modules-of-the-library",
        """
        import importlib

        NAMES = '''
        abc argparse array ast base64 bisect calendar cmath codecs collections configparser
        contextlib copy csv ctypes dataclasses datetime decimal difflib dis email enum fractions
        functools gc glob hashlib heapq html http inspect io itertools json keyword linecache
        logging math numbers operator os pickle platform pprint queue random re select shutil
        signal socket sqlite3 ssl statistics string struct subprocess sys tempfile textwrap
        threading time timeit tokenize traceback types typing unicodedata unittest urllib.request
        uuid warnings weakref xml.etree.ElementTree zipfile zlib
        '''
        for name in NAMES.split():
            importlib.import_module(name)

        def solve(n):
            return n * n + 7
        """,
    ),
)
