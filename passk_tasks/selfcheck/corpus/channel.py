"""Programs that write to the channel between the two sides themselves."""

from __future__ import annotations

import json

from passk_tasks.selfcheck.attack import (
    AS_LOOP,
    ISOLATED,
    NOT_PASSED,
    SOLVE,
    Attack,
    Guarantee,
    checks,
    maker,
)
from passk_tasks.verdict import Verdict

_CRASHED = frozenset({Verdict.CRASHED})
_attack = maker(
    "hostile channel",
    Guarantee.CHANNEL,
    tests=SOLVE,
    judges=ISOLATED,
    expected=_CRASHED,
    real="unseen",  # the protocol is this package's own
)


def _message(name: str, message: str, *, crashes: bool = True, tests: object = SOLVE) -> Attack:
    """Return a program whose function answers a call with this text in the driver's place."""
    return _attack(
        f"message-{name}",
        f"""
        import os, time

        MESSAGE = {message!r}.encode("utf-8", "surrogatepass")

        def solve(n):
            os.write(3, len(MESSAGE).to_bytes(4, "little") + MESSAGE)
            time.sleep(30)
        """,
        expected=_CRASHED if crashes else NOT_PASSED,
        tests=tests,
    )


def _value(name: str, tree: object, *, crashes: bool = True) -> Attack:
    return _message(f"value-{name}", json.dumps(["value", tree]), crashes=crashes)


def _raised(name: str, *parts: object, crashes: bool = True) -> Attack:
    return _message(f"raised-{name}", json.dumps(["raised", *parts]), crashes=crashes)


ATTACKS = (
    _attack(
        "answers-ahead-of-the-questions",
        """
        import json, os

        for answer in range(200):
            message = json.dumps(["value", answer]).encode()
            os.write(3, len(message).to_bytes(4, "little") + message)

        def solve(n):
            return 0
        """,
    ),
    _attack(
        "garbage-bytes",
        """
        import os, time

        def solve(n):
            os.write(3, b"\\xff" * 65536)
            time.sleep(30)
        """,
    ),
    _attack(
        "announces-four-gigabytes",
        """
        import os, time

        def solve(n):
            os.write(3, b"\\xff\\xff\\xff\\xff{}")
            time.sleep(30)
        """,
    ),
    _attack(
        "message-cut-short",
        """
        import os

        def solve(n):
            os.write(3, (500).to_bytes(4, "little") + b'["value", 16')
            os._exit(0)
        """,
    ),
    _attack(
        "a-byte-now-and-then",
        """
        import os, time

        def solve(n):
            os.write(3, (20_000_000).to_bytes(4, "little"))
            while True:
                os.write(3, b" ")
                time.sleep(0.02)
        """,
        expected=frozenset({Verdict.TIMEOUT}),
        guarantee=Guarantee.TIME,
        times=AS_LOOP,
    ),
    _attack(
        "out-of-band-bytes",
        """
        import socket, time

        def solve(n):
            channel = socket.socket(fileno=3)
            for _ in range(20):
                channel.send(b"x", socket.MSG_OOB)
            time.sleep(30)
        """,
        expected=frozenset({Verdict.CRASHED, Verdict.TIMEOUT}),
        times=AS_LOOP,
    ),
    _attack(
        "descriptors-sent-along",
        """
        import array, os, socket, time

        def solve(n):
            channel = socket.socket(fileno=3)
            null = array.array("i", [os.open("/dev/null", os.O_RDWR) for _ in range(60)])
            for _ in range(100):
                channel.sendmsg([b"\\x02\\0\\0\\0{}"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, null)])
            time.sleep(30)
        """,
    ),
    _attack(
        "requests-eaten-by-a-thread",
        """
        import os, threading

        def eat():
            while True:
                os.read(3, 1)

        threading.Thread(target=eat, daemon=True).start()

        def solve(n):
            return 0
        """,
        expected=NOT_PASSED,
        times=AS_LOOP,
    ),
    _attack(
        "never-reads-its-requests",
        """
        import time

        def solve(values):
            time.sleep(30)
        """,
        tests=checks("assert solve(['x' * 1000] * 5000) == 16"),
        expected=frozenset({Verdict.TIMEOUT}),
        guarantee=Guarantee.TIME,
        times=AS_LOOP,
    ),
    _attack(
        "answers-flood-the-channel",
        """
        import json, os

        def solve(n):
            raw = json.dumps(["value", n * n + 8]).encode()
            raw = len(raw).to_bytes(4, "little") + raw
            while True:
                os.write(3, raw * 1000)
        """,
        expected=NOT_PASSED,
    ),
    _message("empty", ""),
    _message("not-json", "passed"),
    _message("null", "null"),
    _message("number", "5"),
    _message("object", '{"verdict": "passed"}'),
    _message("empty-list", "[]"),
    _message("list-of-lists", '[["value"], 16]'),
    _message("unknown-verb", '["passed", true]'),
    _message("value-missing", '["value"]'),
    _message("value-and-more", '["value", 16, 107]'),
    _message("value-and-bad-arguments", '["value", 16, 5, 5]'),
    _message("change-of-a-number", '["value", 16, [[0, 5]]]'),
    _message("change-of-another-kind", '["value", 16, [[0, {"D": {}}]]]'),
    _message("change-of-nothing", '["value", 16, [[1, []]]]'),
    _message("change-of-a-negative-number", '["value", 16, [[-1, []]]]'),
    _message("change-of-a-truth", '["value", 16, [[false, [3]]]]'),
    _message("change-of-the-answer", '["value", 16, [[2, []]]]'),
    _message("change-of-three-parts", '["value", 16, [[0, [3], 5]]]'),
    _message("changes-by-name", '["value", 16, {"D": {"n": 3}}]'),
    _message("ok-to-a-call", '["ok"]'),
    _message("proof-to-a-call", '["proof", 17]', crashes=False),
    _message("stop-to-a-call", '["stop", 17]', crashes=False),
    _message("utf-16", "\ufeff[\x00]", crashes=True),
    _message("surrogate", '["value", "\ud800"]', crashes=False),
    _message("million-brackets", "[" * 1_000_000),
    _message("million-objects", '{"t":[' * 200_000),
    _message("thousand-digits", '["value", ' + "9" * 20_000 + "]"),
    _message("repeated-keys", '["value", {"t": [1], "t": [2]}]', crashes=False),
    _value("unknown-tag", {"zz": 1}),
    _value("two-tags", {"t": [], "s": []}),
    _value("no-tag", {}),
    _value("reference-to-what-follows", [{"=": 9}, [1]]),
    _value("reference-to-the-arguments", {"=": 0}, crashes=False),
    _value("reference-to-the-answer", {"=": 1}, crashes=False),
    _value("reference-of-text", {"=": "0"}),
    _value("reference-before-the-first", {"=": -1}),
    _value("key-that-is-no-key", {"d": [[{"=": 0}, 1]]}),
    _value("again-what-never-was", {"again": [{"t": []}, 50]}),
    _value("again-and-again", {"again": [{"again": [{"again": [1, 0]}, 0]}, 0]}, crashes=False),
    _value("part-of-nothing", {"part": 0}),
    _message("parts-in-a-circle", '{"parts": [{"part": 0}, [{"part": 0}]]}'),
    _message("parts-in-two-places", '{"parts": [["value", [{"part": 0}, {"part": 0}]], [[1]]]}'),
    _message(
        "parts-in-a-long-row", json.dumps({"parts": [{"part": 0}, [{"part": i + 1} for i in range(99_999)]]})
    ),
    _value("fields-that-are-code", {"nt": ["P", ["x=__import__('os')._exit(0)"], [1]]}),
    _value("fields-that-hide-methods", {"nt": ["P", ["index"], [1]]}),
    _value("fields-of-a-class-of-code", {"nt": ["P(tuple): pass\n", ["x"], [1]]}),
    _value("fields-too-few", {"nt": ["P", ["x"], [1, 2]]}),
    _value("factory-of-number", {"dd": [5, []]}),
    _value("zone-above-the-folder", {"zi": "../../../etc/passwd"}),
    _value("zone-of-a-folder", {"zi": "Europe"}),
    _value("path-of-another-class", {"path": ["os", "/"]}),
    _value("bytes-in-bad-base64", {"b": ["A"]}),
    _value("tuple-of-number", {"t": 5}),
    _value("set-of-lists", {"s": [[1]]}),
    _value("dict-of-number", {"d": 5}),
    _value("dict-of-unhashable", {"d": [[[1], 2]]}),
    _value("dict-of-triples", {"d": [[1, 2, 3]]}),
    _value("hex-of-text", {"i": "passed"}),
    _value("hex-of-number", {"i": 5}),
    _value("decimal-of-text", {"dec": "x"}),
    _value("fraction-over-zero", {"fr": ["0x1", "0x0"]}),
    _value("date-of-text", {"dt": "yesterday"}),
    _value("delta-out-of-range", {"td": [10**12, 0, 0]}),
    _value("range-step-zero", {"r": ["0x0", "0x1", "0x0"]}),
    _value("deque-of-bad-length", {"dq": [[], -5]}),
    _value("bytes-out-of-range", {"b": "\u1234"}),
    _value("type-unknown", {"ty": "Popen"}),
    _value("items-of-triples", {"di": [[1, 2, 3]]}),
    _value("array-of-objects", {"np": ["|O", [1], "\x00" * 8]}),
    _value("array-of-bad-shape", {"np": ["<i8", [-1, 10**12], "\x00" * 8]}),
    _value("array-of-records", {"np": ["i4,O", [1], "\x00" * 12]}),
    _value("array-of-empty-items", {"np": ["<U0", [1], ""]}),
    _value("array-of-no-characters", {"np": ["<U1", [1], "\xff\xff\xff\x7f"]}),
    _value("scalar-of-no-character", {"ns": ["<U1", "\xff\xff\xff\x7f"]}),
    _value("time-of-bad-unit", {"ns": ["<M8[passed]", "\x00" * 8]}),
    _value("iterator-that-is-none", {"it": 10**9}, crashes=False),
    _value("iterator-of-text", {"it": "0"}),
    _value("function-that-is-none", {"fn": -1}, crashes=False),
    _raised("nothing"),
    _raised("of-wrong-types", 1, 2, 3, 4, 5),
    _raised("of-no-exception", "object", "[]", "", "x", "call"),
    _raised("of-no-builtin", "os.system", "[]", "", "x", "call"),
    _raised("with-a-bad-rest", "ValueError", "[]", "", "x", "call", "[[[", crashes=False),
    _raised("with-a-rest-of-numbers", "ValueError", "[]", "", "x", "call", "5", crashes=False),
    _raised(
        "with-fields-that-are-methods",
        "ValueError",
        "[]",
        "",
        "x",
        "call",
        '{"D": {"fields": {"D": {"__class__": 5, "with_traceback": 5, "args": 5}}}}',
        crashes=False,
    ),
    _raised(
        "because-of-nothing",
        "ValueError",
        "[]",
        "",
        "x",
        "call",
        '{"D": {"cause": ["os", "[]", "", "x", ""], "context": [1, 2]}}',
        crashes=False,
    ),
    _raised(
        "with-positions-outside",
        "UnicodeDecodeError",
        '["utf-8", {"b": "a"}, 5, 1000000000, "x"]',
        "",
        "x",
        "call",
        crashes=False,
    ),
    _raised("with-a-change-of-nothing", "ValueError", "[]", "", "x", "call", "{}", [[5, []]]),
    _raised("with-a-change-of-another-kind", "ValueError", "[]", "", "x", "call", "{}", [[0, {"s": []}]]),
    _raised("group", "ExceptionGroup", '["x",[]]', "", "x", "call", crashes=False),
    _raised("base-group", "BaseExceptionGroup", "[]", "", "x", "call", crashes=False),
    _raised("with-bad-arguments", "OSError", "[[[", "", "x", "call", crashes=False),
    _raised("with-a-reference", "ValueError", '[{"it": 0}]', "", "x", "call", crashes=False),
    _raised("end-of-file", "EOFError", "[]", "", "x", "call", crashes=False),
    _raised("interrupt", "KeyboardInterrupt", "[]", "", "x", "call", crashes=False),
    _raised("memory", "MemoryError", "[]", "", "x", "call", crashes=False),
    _raised("exit", "SystemExit", "[0]", "0", "x", "call", crashes=False),
)
