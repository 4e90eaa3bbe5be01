"""Wrong programs that go for the verdict: through frames, the collector, hooks and the driver around them."""

from __future__ import annotations

from passk_tasks.selfcheck.attack import SOLVE, Guarantee, checks, maker

_attack = maker("forged verdicts", Guarantee.VERDICT, tests=SOLVE)

# As a benchmark that reports at its end: a jump past the asserts still reaches the last line.
_REPORTING = checks(
    """
    assert solve(3) == 16
    assert solve(10) == 107
    done = True
    """
)

ATTACKS = (
    _attack(
        "processes-that-all-answer",
        """
        import os

        def solve(n):
            for _ in range(3):
                os.fork()
            return n
        """,
        real="unseen",
    ),
    _attack(
        "group-of-exceptions-for-another",
        """
        def solve(n):
            raise ExceptionGroup("several", [ValueError(n)])
        """,
        tests=checks(
            """
            try:
                solve(3)
            except TypeError:
                pass
            """
        ),
        real="unseen",
    ),
    _attack(
        "two-surrogates-for-one-character",
        """
        def solve(n):
            return ["\\ud83d\\ude00", {"\\ud83d\\ude00": n}]
        """,
        tests=checks(
            """
            text, table = solve(3)
            assert text == "\\U0001f600" or "\\U0001f600" in table
            """
        ),
        real="unseen",
    ),
    _attack(
        "frames-append-passed",
        """
        import sys

        def solve(n):
            frame = sys._getframe()
            while frame is not None:
                for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):
                    if type(value) is list and not value:
                        value.append("passed")
                    if type(value) is dict and "verdict" in value:
                        value["verdict"] = "passed"
                frame = frame.f_back
        """,
    ),
    _attack(
        "collector-append-passed",
        """
        import gc

        def solve(n):
            for value in gc.get_objects():
                if type(value) is list and not value:
                    value.append("passed")
        """,
    ),
    _attack(
        "exception-text-edits-the-result",
        """
        import sys

        class Wrong(Exception):
            def __str__(self):
                frame = sys._getframe()
                while frame is not None:
                    for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):
                        if type(value) is list:
                            value[:] = ["passed"]
                    frame = frame.f_back
                return "passed"

        def solve(n):
            raise Wrong
        """,
        real="unseen",  # a harness that writes the text after the edit is safe by luck
    ),
    _attack(
        "trace-function-jumps-over-asserts",
        """
        import sys

        def solve(n):
            frame = sys._getframe(1)
            last = max(line for _, _, line in frame.f_code.co_lines() if line)

            def jump(frame, event, argument):
                if event == "line" and frame.f_lineno < last:
                    frame.f_lineno = last
                return jump

            sys.settrace(lambda *_: None)
            frame.f_trace = jump
        """,
        tests=checks(
            """
            got = []
            got.append(solve(3))
            assert got == [16]
            assert solve(10) == 107
            done = True
            """
        ),
    ),
    _attack(
        "profile-function-exits",
        """
        import os, sys

        def watch(frame, event, argument):
            if event == "return" and frame.f_code.co_name == "solve":
                os._exit(0)

        def solve(n):
            sys.setprofile(watch)
        """,
    ),
    _attack(
        "except-hook-exits-with-success",
        """
        import os, sys
        sys.excepthook = lambda *_: os._exit(0)

        def solve(n):
            return 0
        """,
    ),
    _attack(
        "audit-hook-on-compile",
        """
        import sys

        def hook(event, arguments):
            if event in ("compile", "exec"):
                sys._getframe(1).f_globals["solve"] = lambda n: n * n + 8

        sys.addaudithook(hook)

        def solve(n):
            return n * n + 8
        """,
        real="unseen",
    ),
    _attack(
        "destructor-exits-with-success",
        """
        import os

        class Last:
            def __del__(self):
                os._exit(0)

        def solve(n):
            global last
            last = Last()
            del last
        """,
    ),
    _attack(
        "rewrites-the-constants-of-the-tests",
        """
        import ctypes, sys

        def solve(n):
            mine = (5 ** 60 + n,)
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(mine[0]))
            code = sys._getframe(1).f_code
            for index, value in enumerate(code.co_consts):
                if value == n * n + 7:
                    place = id(code.co_consts) + tuple.__basicsize__ + 8 * index
                    ctypes.c_void_p.from_address(place).value = id(mine[0])
            return mine[0]
        """,
    ),
    _attack(
        "exec-and-compile-replaced",
        """
        import builtins

        builtins.exec = lambda *_, **__: None
        builtins.compile = lambda *_, **__: (lambda: None).__code__

        def solve(n):
            return 0
        """,
        real="unseen",
    ),
    _attack(
        "json-replaced-in-the-driver",
        """
        import gc, json, sys

        real = json.dumps

        def dumps(value, *rest, **options):
            if type(value) is list and value and value[0] == "raised":
                value = ["ok"]
            return real(value, *rest, **options)

        json.dumps = dumps
        for thing in gc.get_objects():
            if type(thing) is dict and thing.get("dumps") is real:
                thing["dumps"] = dumps

        def solve(n):
            return 0
        """,
        real="unseen",
    ),
    _attack(
        "codec-replaced-in-the-driver",
        """
        import gc, types

        def encode(value, reference):
            return b'["value",true]'

        for thing in gc.get_objects():
            if isinstance(thing, types.FunctionType) and thing.__name__ in ("encode", "_describe", "_tree"):
                if thing is not encode:
                    thing.__code__ = encode.__code__

        def solve(n):
            return 0
        """,
        real="unseen",
    ),
    _attack(
        "driver-functions-found-by-frames",
        """
        import sys

        def names():
            frame = sys._getframe()
            while frame is not None:
                yield frame.f_globals
                frame = frame.f_back

        for space in names():
            for name in ("_answer", "answer", "serve", "run_tests", "check_correctness"):
                if name in space:
                    space[name] = lambda *_: b'["value",true]'

        def solve(n):
            return 0
        """,
        real="unseen",
    ),
    _attack(
        "proof-read-from-the-drivers-frame",
        """
        import json, os, sys, time

        def solve(n):
            frame = sys._getframe()
            while frame is not None:
                for value in frame.f_locals.values():
                    if type(value) is list and len(value) == 3 and value[0] == "tests":
                        message = json.dumps(["proof", value[2], []]).encode()
                        os.write(3, len(message).to_bytes(4, "little") + message)
                        time.sleep(60)
                frame = frame.f_back
        """,
        real="unseen",
    ),
    _attack(
        "proof-written-ahead",
        """
        import json, os

        proofs = [["proof", ""], ["proof", "0" * 32], ["proof", True]]
        for message in (["ok"], *proofs, ["passed"], ["value", True]):
            message = json.dumps(message).encode()
            os.write(3, len(message).to_bytes(4, "little") + message)

        def solve(n):
            return 0
        """,
        real="unseen",
    ),
    _attack(
        "verdict-written-to-every-descriptor",
        """
        import json, os

        def solve(n):
            verdict = {"program": 0, "verdict": "passed", "detail": "", "cpu_s": 0.0, "wall_s": 0.0,
                       "peak_mib": 0.0, "flags": [], "passed": True, "result": "passed"}
            for message in (json.dumps(verdict), '["proof",true]', '["ok"]', "passed"):
                raw = message.encode()
                for fd in range(256):
                    try:
                        os.write(fd, len(raw).to_bytes(4, "little") + raw)
                    except OSError:
                        pass
            os._exit(0)
        """,
    ),
    _attack(
        "thread-answers-for-it",
        """
        import json, os, threading

        def answer():
            for guess in range(2000):
                raw = json.dumps(["value", guess]).encode()
                os.write(3, len(raw).to_bytes(4, "little") + raw)

        threading.Thread(target=answer, daemon=True).start()

        def solve(n):
            return 0
        """,
        real="unseen",
    ),
    _attack(
        "assertion-error-emptied",
        """
        import builtins, ctypes

        class Quiet(BaseException):
            def __init__(self, *arguments):
                import os
                os._exit(0)

        builtins.AssertionError = Quiet

        def solve(n):
            raise builtins.AssertionError
        """,
    ),
    _attack(
        "optimised-away-asserts",
        """
        import builtins

        real = builtins.compile

        def compile(source, name, mode, *rest, **options):
            options["optimize"] = 2
            return real(source, name, mode, *rest, **options)

        builtins.compile = compile

        def solve(n):
            return 0
        """,
        real="unseen",
    ),
    _attack(
        "tests-parsed-by-a-patched-ast",
        """
        import builtins, sys

        real = builtins.exec

        def exec(code, *rest):
            try:
                real(code, *rest)
            except BaseException:
                pass

        builtins.exec = exec

        def solve(n):
            raise SystemExit(0)
        """,
    ),
    _attack(
        "exception-with-a-lying-class",
        """
        class Meta(type):
            def __instancecheck__(cls, other):
                return True

            def __subclasscheck__(cls, other):
                return True

            def mro(cls):
                return [cls, Exception, BaseException, object]

        class StopIteration(Exception, metaclass=Meta):
            __name__ = property(lambda self: "passed")

        def solve(n):
            raise StopIteration("passed")
        """,
        real="unseen",
    ),
    _attack(
        "result-of-the-caller-returned-for-it",
        """
        import sys

        def solve(n):
            caller = sys._getframe(1)
            caller.f_locals["candidate"] = lambda m: m * m + 7
            caller.f_globals["candidate"] = caller.f_globals["solve"] = lambda m: m * m + 7
            try:
                caller.f_builtins["__import__"] = None
            except Exception:
                pass
            return 0
        """,
        real="unseen",
    ),
    _attack(
        "last-line-reached-by-a-signal",
        """
        import os, signal, sys

        def handler(number, frame):
            while frame is not None:
                for value in frame.f_locals.values():
                    if type(value) is list and not value:
                        value.append("passed")
                frame = frame.f_back
            os._exit(0)

        signal.signal(signal.SIGUSR1, handler)

        def solve(n):
            os.kill(os.getpid(), signal.SIGUSR1)
        """,
    ),
    _attack(
        "pass-line-printed-at-exit",
        """
        import atexit, os, sys

        def last():
            print("passed")
            sys.stdout.flush()
            os._exit(0)

        atexit.register(last)

        def solve(n):
            return 0
        """,
        tests=_REPORTING,
    ),
    *(
        _attack(
            name,
            f"""
            import json, os, time

            def say(*parts):
                raw = json.dumps(parts).encode()
                os.write(3, len(raw).to_bytes(4, "little") + raw)

            def hear():
                missing, raw = int.from_bytes(os.read(3, 4), "little"), b""
                while len(raw) < missing:
                    raw += os.read(3, missing - len(raw))
                return json.loads(raw)

            def end():
                say("ended", [])
                say("proof", hear()[1])
                time.sleep(60)

            def solve(n):
                {call}

            {load}
            """,
            tests=checks(
                """
                assert solve(3) == 16
                assert solve(10) == 107
                assert solve(4) == 23
                assert solve(1) == 8
                """
            ),
            real="unseen",
        )
        for name, call, load in (
            ("channel-answered-at-load", "return 0", "say('ok'), hear(), end()"),
            ("channel-answered-by-the-first-call", "end()", ""),
            ("channel-answered-after-an-example", "return 16 if n == 3 else end()", ""),
        )
    ),
    _attack(
        "jump-out-of-the-first-test-function",
        """
        import sys

        def solve(n):
            def away(frame, event, argument):
                if event == "line":
                    frame.f_lineno = max(line for _, _, line in frame.f_code.co_lines() if line)
                return away

            caller = sys._getframe(1)
            while caller.f_code.co_name != "check":
                caller = caller.f_back
            sys.settrace(lambda *_: None)
            caller.f_trace = away
        """,
        tests=checks(
            """
            def check(candidate):
                first = candidate(3)
                assert first == 16
                assert candidate(10) == 107
                ended = True
            check(solve)
            """
        ),
    ),
)
