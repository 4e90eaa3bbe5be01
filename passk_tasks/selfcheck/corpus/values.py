"""Results, exceptions and sources that break whoever handles them."""

from __future__ import annotations

from dataclasses import replace

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

# Hung in C, where the tests' own timer does not reach: the limit once more in CPU time, and a watch on it.
AS_HUNG = 3.0

_attack = maker("hostile values", Guarantee.RUN, tests=SOLVE, real="unseen")
# Tests as benchmarks have them: the value lands in a message, a key, a sort, a text.
_SHOWN = checks("got = solve(3)\nassert got == 16, got")
_KEYED = checks("assert {16: 'yes'}[solve(3)] == 'yes'")
_CAUGHT = checks(
    """
    try:
        solve(3)
    except Exception as error:
        assert str(error) == 'sixteen', repr(error)
    else:
        assert 0
    """
)


def _returns(name: str, expression: str, imports: str = "import sys", **fields: object) -> Attack:
    return _attack(
        name,
        f"""
        {imports}

        def solve(n):
            return {expression}
        """,
        **fields,
    )


def _raises(name: str, expression: str, imports: str = "import sys", **fields: object) -> Attack:
    return _attack(
        name,
        f"""
        {imports}

        def solve(n):
            raise {expression}
        """,
        **fields,
    )


_FORGED_UNICODE_ERROR = """
import json, os, time

def solve(n):
    arguments = json.dumps(["u", {"b": "x"}, -(10 ** 15), -(10 ** 15) + 1, "r"])
    raw = json.dumps(["raised", "UnicodeDecodeError", arguments, "", "x", "call"]).encode()
    os.write(3, len(raw).to_bytes(4, "little") + raw)
    time.sleep(30)
"""

ATTACKS = (
    _returns("huge-int-in-a-message", "10 ** 10_000", tests=_SHOWN),
    _returns("huge-int-as-a-key", "10 ** 10_000", tests=_KEYED),
    _returns("huge-int", "1 << 50_000_000"),
    _returns("huge-int-in-an-error", "[[10 ** 10_000]]", tests=checks("raise ValueError(solve(3))")),
    _returns("text-of-lone-surrogates", "'\\ud800\\udfff' * 1000", tests=_SHOWN),
    _returns("text-with-null-bytes", "'\\0' * 1000 + '\\x1b[2J\\r\\n\\u202e'", tests=_SHOWN),
    _returns("text-of-a-hundred-megabytes", "'x' * (100 << 20)", tests=_SHOWN),
    _returns("bytes-of-a-hundred-megabytes", "bytes(100 << 20)", tests=_SHOWN),
    _returns("list-of-ten-million", "[0] * 10_000_000", tests=_SHOWN, judges=ISOLATED),
    _returns("lists-of-a-million-lists", "[[] for _ in range(1_000_000)]", tests=_SHOWN, judges=ISOLATED),
    _attack(
        "nested-a-hundred-thousand-deep",
        """
        def solve(n):
            value = []
            for _ in range(100_000):
                value = [value]
            return value
        """,
    ),
    _attack(
        "list-that-contains-itself",
        """
        def solve(n):
            value = [1]
            value.append(value)
            return value
        """,
    ),
    _attack(
        "dict-that-contains-itself",
        """
        def solve(n):
            value = {}
            value["self"] = (value, [value])
            return value
        """,
    ),
    _attack(
        "shared-lists-that-unfold-to-a-billion",
        """
        def solve(n):
            value = [1] * 10
            for _ in range(30):
                value = [value, value]
            return value
        """,
    ),
    _attack(
        "arguments-made-cyclic",
        """
        def solve(values):
            values.append(values)
            return 0
        """,
        tests=checks("values = [1, 2]\nassert solve(values) == 16"),
    ),
    _attack(
        "arguments-grown-huge",
        """
        def solve(values):
            values.extend([0] * 20_000_000)
            return 0
        """,
        tests=checks("values = [1, 2]\nassert solve(values) == 16, values"),
        judges=ISOLATED,
    ),
    _returns("dict-with-not-a-number-keys", "{float('nan'): i for i in range(1000)}", tests=_SHOWN),
    _returns("range-of-a-quintillion", "range(10 ** 18)", tests=checks("assert list(solve(3)) == [16]")),
    _returns(
        "range-of-a-quintillion-sorted", "range(10 ** 18)", tests=checks("assert set(solve(3)) == {16}")
    ),
    _returns(
        "decimal-of-a-billion-digits",
        "decimal.Decimal('1e999999999')",
        "import decimal",
        tests=checks("assert solve(3) + 1 == 16 and int(solve(3)) == 16"),
    ),
    _returns(
        "fraction-of-huge-terms",
        "fractions.Fraction(3 ** 100_000, 7 ** 100_000)",
        "import fractions",
        tests=_SHOWN,
    ),
    _returns("bytes-as-float", "float('1e308') * 10", tests=checks("assert int(solve(3)) == 16")),
    _returns(
        "array-of-no-characters",
        "numpy.frombuffer(b'\\xff\\xff\\xff\\x7f', '<U1').copy()",
        "import numpy",
        tests=_SHOWN,
    ),
    _returns("array-of-a-hundred-megabytes", "numpy.zeros(100 << 20, 'u1')", "import numpy", tests=_SHOWN),
    _attack(
        "iterator-without-end",
        """
        def solve(n):
            while True:
                yield n
        """,
        tests=checks("assert list(solve(3)) == [16]"),
        expected=frozenset({Verdict.TIMEOUT, Verdict.MEMORY_LIMIT}),
        guarantee=Guarantee.TIME,
    ),
    _attack(
        "iterator-that-sleeps-without-end",
        """
        import time

        def solve(n):
            while True:
                time.sleep(0.03)
                yield n
        """,
        tests=checks("assert list(solve(3)) == [16]"),
        expected=frozenset({Verdict.TIMEOUT}),
        guarantee=Guarantee.TIME,
        times=AS_LOOP,
    ),
    *(
        _returns(
            f"{name}-handed-back-to-it",
            expression,
            imports,
            tests=checks("assert solve(solve(3)) == 263"),
        )
        for name, expression, imports in (
            ("object", "Own()", "class Own:\n            pass"),
            ("generator", "(n for n in [16])", "import sys"),
            ("function", "lambda: n", "import sys"),
            ("class", "Own", "class Own(int):\n            pass"),
            ("module", "sys", "import sys"),
        )
    ),
    _attack(
        "range-whose-sum-never-ends",
        """
        def solve(n):
            return range(10 ** 15)
        """,
        tests=checks("assert sum(solve(3)) == 16"),
        judges=ISOLATED,
        expected=frozenset({Verdict.TIMEOUT}),
        guarantee=Guarantee.TIME,
        times=AS_HUNG,
    ),
    _attack(
        "integers-that-hash-alike",
        """
        import os, time

        def solve(n):
            numbers = ",".join(str(i * (2 ** 61 - 1)) for i in range(300_000))
            raw = f'["value",{{"s":[{numbers}]}}]'.encode()
            rest = memoryview(len(raw).to_bytes(4, "little") + raw)
            while rest:
                rest = rest[os.write(3, rest):]
            time.sleep(30)
        """,
        judges=ISOLATED,
        expected=frozenset({Verdict.TIMEOUT, Verdict.CRASHED, Verdict.FAILED}),
        guarantee=Guarantee.TIME,
        times=AS_HUNG,
    ),
    _attack(
        "list-that-doubles-itself",
        """
        def solve(n):
            value = []
            for _ in range(60):
                value = [value, value]
            return value
        """,
        tests=checks(
            """
            assert solve(3) == solve(4)
            assert solve(3) == 16
            """
        ),
        judges=ISOLATED,
        expected=frozenset({Verdict.TIMEOUT}),
        guarantee=Guarantee.TIME,
        times=AS_HUNG,
    ),
    _attack(
        "list-that-doubles-itself-in-a-message",
        """
        def solve(n):
            value = []
            for _ in range(60):
                value = [value, value]
            return value
        """,
        tests=_SHOWN,
        judges=ISOLATED,
        expected=frozenset({Verdict.MEMORY_LIMIT, Verdict.TIMEOUT, Verdict.FAILED}),
        times=AS_HUNG,
    ),
    _attack(
        "key-that-doubles-itself",
        """
        def solve(n):
            value = ()
            for _ in range(60):
                value = (value, value)
            return frozenset([1]), {1: value}, [value], value
        """,
        tests=checks("assert {solve(3): 16} == 16"),
        judges=ISOLATED,
        expected=frozenset({Verdict.TIMEOUT, Verdict.ERROR}),
        guarantee=Guarantee.TIME,
        times=AS_HUNG,
    ),
    _attack(
        "set-of-what-doubles-itself",
        """
        import json, os, time

        def solve(n):
            value = {"t": []}
            number = 2
            items = [value]
            for number in range(2, 62):
                items.append({"t": [{"=": number}, {"=": number}]})
            message = json.dumps(["value", [*items, {"s": [{"=": 62}]}]]).encode()
            os.write(3, len(message).to_bytes(4, "little") + message)
            time.sleep(30)
        """,
        judges=ISOLATED,
        expected=NOT_PASSED,
        guarantee=Guarantee.TIME,
        times=AS_HUNG,
    ),
    _attack(
        "text-that-ends-the-process",
        """
        import os

        class Result:
            def __str__(self):
                os._exit(0)

            __repr__ = __str__

        def solve(n):
            return Result()
        """,
        tests=replace(_SHOWN, objects=True),
        judges=ISOLATED,
    ),
    _attack(
        "object-that-never-ends",
        """
        class Result:
            def __iter__(self):
                return self

            def __next__(self):
                return self

        def solve(n):
            return Result()
        """,
        tests=replace(checks("assert list(solve(3)) == [16]"), objects=True),
        judges=ISOLATED,
        expected=frozenset({Verdict.TIMEOUT, Verdict.MEMORY_LIMIT}),
        times=AS_LOOP,
    ),
    _attack(
        "object-whose-answers-are-of-wrong-types",
        """
        class Result:
            def __len__(self):
                return "16"

            def __bool__(self):
                return 16

            __hash__ = __contains__ = __str__ = __eq__ = __len__

        def solve(n):
            return Result()
        """,
        tests=replace(checks("got = solve(3)\nassert len(got) == 16 and str(got) == '16'"), objects=True),
        judges=ISOLATED,
    ),
    _attack(
        "generators-of-generators",
        """
        def solve(n):
            yield solve(n)
        """,
        tests=checks(
            """
            value = solve(3)
            for _ in range(100_000):
                value = next(value)
            assert value == 16
            """
        ),
        expected=frozenset({Verdict.TIMEOUT, Verdict.MEMORY_LIMIT}),
        judges=ISOLATED,
    ),
    _attack(
        "functions-that-return-functions",
        """
        def solve(n):
            return solve
        """,
        tests=checks("""
            value = solve
            for _ in range(5):
                value = value(3)
            assert value == 16
            """),
    ),
    _raises("exception-text-of-200-megabytes", "ValueError('x' * (200 << 20))", expected=NOT_PASSED),
    _raises("exception-of-a-huge-int", "ValueError(10 ** 10_000)", tests=_CAUGHT),
    _raises("exception-of-lone-surrogates", "ValueError('\\ud800' * 500)", tests=_CAUGHT),
    _raises("exception-of-control-characters", "ValueError('\\0\\x1b]0;owned\\x07\\r' * 50)", tests=_CAUGHT),
    _raises(
        "unicode-error-out-of-range",
        "UnicodeDecodeError('u', b'x', -(10 ** 15), -(10 ** 15) + 1, 'r')",
        tests=_CAUGHT,
    ),
    _attack("unicode-error-out-of-range-forged", _FORGED_UNICODE_ERROR, tests=_CAUGHT, judges=ISOLATED),
    _attack(
        "exception-groups-five-thousand-deep",
        """
        import sys

        def solve(n):
            error = ValueError("x")
            for _ in range(5000):
                if sys.version_info >= (3, 11):
                    error = ExceptionGroup("group", [error])
                else:
                    error = RuntimeError(error)
            raise error
        """,
    ),
    _attack(
        "exception-whose-text-never-ends",
        """
        class Endless(Exception):
            def __str__(self):
                while True:
                    pass
            __repr__ = __str__

        def solve(n):
            raise Endless
        """,
        expected=frozenset({Verdict.TIMEOUT}),
        times=AS_LOOP,
    ),
    _attack(
        "exception-whose-text-raises",
        """
        class Odd(Exception):
            def __str__(self):
                raise SystemExit(0)

            @property
            def args(self):
                raise Odd

            __repr__ = __str__

        def solve(n):
            raise Odd
        """,
    ),
    _attack(
        "exception-whose-text-is-no-text",
        """
        class Text(str):
            def __getitem__(self, item):
                return self
            __str__ = __format__ = lambda self, *_: self
            encode = lambda self, *_: b""

        class Odd(Exception):
            def __str__(self):
                return Text("x" * 10_000_000)

        def solve(n):
            raise Odd
        """,
    ),
    _attack(
        "exception-with-a-name-of-ten-megabytes",
        """
        def solve(n):
            raise type("N" * 10_000_000, (Exception,), {})
        """,
    ),
    _attack(
        "exceptions-in-a-ring",
        """
        def solve(n):
            first, second = ValueError("a"), ValueError("b")
            first.__context__, second.__context__ = second, first
            first.__cause__, first.args = first, (first, [first])
            raise first
        """,
    ),
    _attack(
        "unraisable-exceptions-without-number",
        """
        class Noisy:
            def __del__(self):
                raise ValueError("x" * 1000)

        def solve(n):
            for _ in range(1000):
                Noisy()
        """,
    ),
    _attack(
        "source-of-null-bytes",
        "def solve(n):\n    return 0\n\0\n",
        expected=NOT_PASSED | {Verdict.SYNTAX_ERROR},
    ),
    _attack(
        "source-of-lone-surrogates",
        "x = '\ud800'\ndef solve(n):\n    return 0\n",
        expected=NOT_PASSED | {Verdict.SYNTAX_ERROR},
    ),
    _attack(
        "source-nested-too-deep",
        "def solve(n):\n    return " + "(" * 5000 + "n" + ")" * 5000 + "\n",
        expected=NOT_PASSED | {Verdict.SYNTAX_ERROR},
    ),
    _attack(
        "source-of-a-hundred-thousand-operators",
        "def solve(n):\n    return " + "-" * 100_000 + "n\n",
        expected=NOT_PASSED | {Verdict.SYNTAX_ERROR},
    ),
    _attack(
        "source-of-a-long-sum",
        "def solve(n):\n    return " + "+".join(["n"] * 20_000) + "\n",
        expected=NOT_PASSED | {Verdict.SYNTAX_ERROR},
    ),
    _attack(
        "source-of-five-megabytes", "x = 1\n" * 800_000 + "def solve(n):\n    return 0\n", judges=ISOLATED
    ),
    _attack(
        "source-with-a-coding-line",
        """
        # -*- coding: rot13 -*-
        qrs = 1
        def solve(n):
            return 0
        """,
    ),
    _attack(
        "source-folds-a-huge-constant",
        """
        def solve(n):
            return 2 ** 100_000_000 % 7
        """,
    ),
    _attack(
        "source-with-mixed-line-ends",
        "def solve(n):\r    return 0\r\n\f\v\n",
        expected=NOT_PASSED | {Verdict.SYNTAX_ERROR},
    ),
)
