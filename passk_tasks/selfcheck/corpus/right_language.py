"""Right programs that use the language to the full, as generated code does."""

from __future__ import annotations

from passk_tasks.selfcheck.attack import PASSED, SOLVE, Guarantee, checks, maker

_right = maker("right programs", Guarantee.RIGHT, tests=SOLVE, expected=PASSED)
_SOLVE = "\ndef solve(n):\n    return n * n + 7\n"

ATTACKS = (
    _right("plain", _SOLVE),
    _right(
        "own-class-pickled",
        """
        import copy, pickle

        class Point:
            def __init__(self, x):
                self.x = x

        def solve(n):
            return pickle.loads(pickle.dumps(copy.deepcopy(Point(n)))).x ** 2 + 7
        """,
    ),
    _right(
        "dataclasses-and-named-tuples-pickled",
        """
        from __future__ import annotations
        import dataclasses, pickle
        from collections import namedtuple
        from enum import Enum
        from typing import NamedTuple

        Pair = namedtuple("Pair", "a b")

        class Typed(NamedTuple):
            a: int
            b: int = 7

        class Colour(Enum):
            RED = 1

        @dataclasses.dataclass(order=True)
        class Data:
            n: int
            rest: list[int] = dataclasses.field(default_factory=list)

        def solve(n):
            for thing in (Pair(1, 2), Typed(n), Data(n), Colour.RED, solve):
                assert pickle.loads(pickle.dumps(thing)) == thing
            return Data(n).n ** 2 + Typed(n).b
        """,
    ),
    _right(
        "annotations-resolved",
        """
        from __future__ import annotations
        import typing

        class Node:
            next: Node | None
            value: typing.List[int]

        def solve(n: int) -> "int":
            assert typing.get_type_hints(solve) == {"n": int, "return": int}
            return n * n + 7
        """,
    ),
    _right(
        "own-source-inspected",
        """
        import inspect, sys

        def solve(n):
            text = inspect.getsource(solve)
            assert text.startswith("def solve(n):") and "getsource" in text, text
            assert inspect.getmodule(solve) is sys.modules[__name__]
            assert inspect.signature(solve).parameters["n"].name == "n"
            return n * n + 7
        """,
        real="unseen",  # harnesses that exec a text have no source to show
    ),
    _right(
        "traceback-of-its-own-lines",
        """
        import traceback

        def fails():
            raise ValueError("shown")  # this line

        def solve(n):
            try:
                fails()
            except ValueError:
                assert "# this line" in traceback.format_exc()
            return n * n + 7
        """,
        real="unseen",
    ),
    _right(
        "main-block-is-not-run",
        _SOLVE + "\nif __name__ == '__main__':\n    raise SystemExit(solve(int(input())))\n",
        real="unseen",
    ),
    _right(
        "main-block-of-tests",
        _SOLVE + "\nif __name__ == '__main__':\n    import doctest\n    doctest.testmod()\n",
    ),
    _right(
        "recursion-of-fifty-thousand",
        """
        import sys
        sys.setrecursionlimit(200_000)

        def depth(n):
            return 0 if n == 0 else 1 + depth(n - 1)

        def solve(n):
            assert depth(50_000) == 50_000
            return n * n + 7
        """,
        real="unseen",
    ),
    _right(
        "recursion-through-a-cache",
        """
        import functools, sys
        sys.setrecursionlimit(50_000)

        @functools.lru_cache(maxsize=None)
        def total(n):
            return 0 if n == 0 else n + total(n - 1)

        # CPython 3.12 and later bound recursion through C by themselves, whatever the limit says.
        DEPTH = 10_000 if sys.version_info < (3, 12) else 400

        def solve(n):
            assert total(DEPTH) == DEPTH * (DEPTH + 1) // 2
            return n * n + 7
        """,
        real="unseen",
    ),
    _right(
        "recursion-limit-reached-and-caught",
        """
        def endless(n):
            return endless(n + 1)

        def solve(n):
            try:
                endless(0)
            except RecursionError:
                return n * n + 7
        """,
    ),
    _right(
        "state-between-calls",
        """
        calls = []
        count = 0

        def solve(n):
            global count
            count += 1
            calls.append(n)
            return n * n + 7 if len(calls) == count else None
        """,
    ),
    _right(
        "generators-and-coroutines",
        """
        def numbers(n):
            received = yield n
            yield from (received, n)
            return n

        def solve(n):
            generator = numbers(n)
            next(generator)
            assert generator.send(5) == 5
            return sum(n for _ in range(n)) + 7
        """,
    ),
    _right(
        "classes-of-every-kind",
        """
        import abc, functools

        class Base(abc.ABC):
            __slots__ = ("n",)

            def __init__(self, n):
                self.n = n

            @property
            @abc.abstractmethod
            def value(self): ...

            def __init_subclass__(cls, **options):
                super().__init_subclass__(**options)

        class Square(Base):
            @functools.cached_property
            def _cached(self):
                return self.n ** 2

            __slots__ = ("__dict__",)

            @property
            def value(self):
                return self._cached

            def __call__(self):
                return self.value + 7

        def solve(n):
            return Square(n)()
        """,
    ),
    _right(
        "unicode-names-and-texts",
        """
        def carré(número):
            π = "πü\U0001f600"
            return número ** 2 if len(π) == 3 else None

        def solve(n):
            return carré(n) + 7
        """,
    ),
    _right(
        "match-and-walrus",
        """
        def solve(n):
            match [n, n]:
                case [int(a), b] if (square := a * b) >= 0:
                    return square + 7
        """,
    ),
    _right(
        "exec-and-eval-of-its-own",
        """
        def solve(n):
            space = {}
            exec('def f(n): return n * n', space)
            return space['f'](n) + eval('7')
        """,
    ),
    _right(
        "name-looked-up-in-globals",
        """
        def helper(n):
            return n * n + 7

        def solve(n):
            return globals()['helper'](n) if 'solve' in globals() and __name__ else vars()['x']
        """,
    ),
    _right(
        "module-found-by-its-name",
        """
        import importlib, sys

        VALUE = 7

        def solve(n):
            assert getattr(sys.modules[__name__], "VALUE") == 7
            assert solve.__module__ == __name__
            return n * n + importlib.import_module(__name__).VALUE
        """,
        real="unseen",
    ),
    _right("entry-point-is-a-lambda", "solve = lambda n: n ** 2 + 7\n"),
    _right(
        "entry-point-is-a-partial",
        """
        import functools

        def shifted(by, n):
            return n * n + by

        solve = functools.partial(shifted, 7)
        """,
    ),
    _right(
        "entry-point-is-a-method",
        """
        class Solution:
            def solve(self, n):
                return n * n + 7

        solve = Solution().solve
        """,
    ),
    _right(
        "entry-point-is-cached",
        """
            import functools

            @functools.cache
            def solve(n):
                return n * n + 7
            """,
    ),
    _right(
        "decorated-twice",
        """
        import functools, time

        def timed(f):
            @functools.wraps(f)
            def inner(*a, **k):
                start = time.time()
                return f(*a, **k)
            return inner

        @timed
        @timed
        def solve(n):
            return n * n + 7
        """,
    ),
    _right(
        "random-seeded",
        """
        import random

        def solve(n):
            random.seed(0)
            random.shuffle(list(range(10)))
            return n * n + 7 if 0 <= random.Random(1).random() < 1 else None
        """,
    ),
    _right(
        "prints-and-debugs",
        """
        import sys

        def solve(n):
            print('debug', n, file=sys.stderr)
            print({'n': n}, end='')
            return n * n + 7
        """,
    ),
    _right(
        "exception-caught-inside",
        """
        def solve(n):
            try:
                {}['x']
            except KeyError as error:
                assert error.args == ('x',)
            finally:
                n = n * 1
            return n * n + 7
        """,
    ),
    _right(
        "a-third-of-a-second-of-work",
        "import time\n\nuntil = time.process_time() + 0.3\nwhile time.process_time() < until:\n    pass\n"
        + _SOLVE,
    ),
    _right("memory-within-the-limit", "data = bytearray(100 << 20)\n" + _SOLVE),
    _right(
        "memory-freed-again", "for _ in range(10):\n    data = bytearray(60 << 20)\n    del data\n" + _SOLVE
    ),
    _right(
        "memory-error-handled",
        """
        def solve(n):
            try:
                [0] * 10 ** 13
            except MemoryError:
                return n * n + 7
        """,
    ),
    _right("trailing-space-and-tabs", "def solve(n):\n\tif n:\n\t\tpass\n\treturn n * n + 7   \n\n\n\t\n"),
    _right("windows-line-ends", "def solve(n):\r\n    '''a\r\n    b'''\r\n    return n * n + 7\r\n"),
    _right("no-newline-at-the-end", "def solve(n): return n * n + 7"),
    _right(
        "finishes-a-thread-of-its-own",
        """
        import threading

        def solve(n):
            box = []
            thread = threading.Thread(target=lambda: box.append(n * n))
            thread.start()
            thread.join()
            return box[0] + 7
        """,
    ),
    _right(
        "expected-exceptions",
        """
        class Own(ValueError):
            pass

        def solve(n):
            if n < 0:
                raise Own('negative', n)
            if n == 0:
                raise KeyError('zero')
            if n == 1:
                assert False, 'one'
            if n == 2:
                return 1 / 0
            return n
        """,
        tests=checks(
            """
               expected = [(-1, ValueError, ("negative", -1)), (0, KeyError, ("zero",))]
               expected += [(1, AssertionError, ("one",)), (2, ZeroDivisionError, None)]
               for n, kind, args in expected:
                   try:
                       solve(n)
                   except kind as error:
                       assert args is None or error.args == args, error.args
                   else:
                       raise AssertionError("nothing was raised")
               assert solve(3) == 3
               """
        ),
    ),
    _right(
        "stop-iteration-and-exits-expected",
        """
        def solve(n):
            return next(iter([]))
        """,
        tests=checks("""
            try:
                solve(1)
            except StopIteration:
                pass
            else:
                raise AssertionError
            """),
    ),
    _right(
        "file-errors-expected",
        """
        def solve(path):
            return open(path).read()
        """,
        tests=checks(
            """
            import errno
            try:
                solve('/no/such/file')
            except FileNotFoundError as error:
                assert error.errno == errno.ENOENT
            else:
                raise AssertionError
            """
        ),
    ),
)
