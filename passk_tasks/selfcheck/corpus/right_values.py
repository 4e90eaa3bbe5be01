"""Right programs whose arguments and results are of every kind that tests compare."""

from __future__ import annotations

from dataclasses import replace

from passk_tasks.selfcheck.attack import PASSED, Attack, Guarantee, checks, maker, source

_right = maker("right programs", Guarantee.RIGHT, expected=PASSED)


def _value(name: str, expression: str, statements: str, imports: str = "import math") -> Attack:
    """Return a program whose result must satisfy the statements about `solve(3)`."""
    imports = source(imports)
    code = f"{imports}\n\ndef solve(n):\n    return {expression}\n"
    return _right(f"result-{name}", code, tests=checks(f"{imports}\n{source(statements)}"))


def _class(name: str, code: str, statements: str) -> Attack:
    """Return a class `Solve` whose objects the tests use."""
    return _right(f"class-{name}", code, tests=replace(checks(statements, "Solve"), objects=True))


ATTACKS = (
    _class(
        "queue",
        """
        class Solve:
            def __init__(self, size):
                self.size, self.items = size, []

            def put(self, item):
                if len(self.items) == self.size:
                    raise OverflowError(item)
                self.items.append(item)

            def __len__(self):
                return len(self.items)

            def __iter__(self):
                return iter(self.items)
        """,
        """
        queue = Solve(size=2)
        queue.put("a")
        queue.put("b")
        try:
            queue.put("c")
        except OverflowError as error:
            assert error.args == ("c",)
        else:
            assert False
        assert len(queue) == 2 and list(queue) == ["a", "b"] and queue.items == ["a", "b"]
        """,
    ),
    _class(
        "money",
        """
        from dataclasses import dataclass

        @dataclass(frozen=True, order=True)
        class Solve:
            cents: int

            def __add__(self, other):
                return Solve(self.cents + other.cents)

            def __str__(self):
                return f"{self.cents / 100:.2f}"
        """,
        """
        assert Solve(250) + Solve(50) == Solve(300)
        assert str(Solve(250)) == f"{Solve(250)}" == "2.50"
        assert max(Solve(1), Solve(2)).cents == 2
        assert len({Solve(1), Solve(1)}) == 1
        """,
    ),
    _value("rows-that-are-one", "[[0]] * n", "g = solve(3)\ng[0].append(1)\nassert g == [[0, 1]] * 3"),
    _value(
        "fields-by-name",
        "Point(n, [n])",
        "assert solve(3).x == 3 and solve(3) == (3, [3])",
        "from collections import namedtuple\nPoint = namedtuple('Point', 'x y')",
    ),
    _value(
        "thousand-levels",
        "eval_(n)",
        "v, k = solve(3), 0\nwhile v:\n    v, k = v[0], k + 1\nassert k == 1000",
        "import functools\neval_ = lambda n: functools.reduce(lambda v, _: [v], range(1000), [])",
    ),
    _value(
        "path-and-uuid",
        "(uuid.UUID(int=n), pathlib.Path('/a') / str(n))",
        "assert solve(3) == (uuid.UUID(int=3), pathlib.Path('/a/3'))",
        "import pathlib\nimport uuid",
    ),
    _right(
        "argument-comes-back",
        "def solve(x):\n    x.sort()\n    return x\n",
        tests=checks("a = [2, 1]\nassert solve(a) is a and a == [1, 2]"),
    ),
    _right(
        "argument-changed-and-raised",
        "def solve(x):\n    x.clear()\n    raise KeyError('k')\n",
        tests=checks("a = [2]\ntry:\n    solve(a)\nexcept KeyError:\n    pass\nassert a == []"),
    ),
    _value("none", "None", "assert solve(3) is None"),
    _value("bool-not-int", "n > 2", "assert solve(3) is True and type(solve(3)) is bool"),
    _value("int-not-bool", "1", "assert type(solve(3)) is int and solve(3) == True"),
    _value("big-int", "7 ** 5000", "assert solve(3) == 7 ** 5000 and solve(3) % 1000 == 7 ** 5000 % 1000"),
    _value("negative-zero", "-0.0", "assert math.copysign(1, solve(3)) == -1"),
    _value(
        "floats-at-the-edges",
        "[math.inf, -math.inf, 5e-324, 1.7976931348623157e308, 0.1]",
        "assert solve(3) == [math.inf, -math.inf, 5e-324, 1.7976931348623157e308, 0.1]",
    ),
    _value("not-a-number", "math.nan", "assert math.isnan(solve(3)) and solve(3) != solve(3)"),
    _value("complex", "3 + 4j", "assert solve(3) == 3 + 4j and abs(solve(3)) == 5"),
    _value(
        "text",
        "'a\\n\\0\\u00e9\\U0001f600'",
        "assert solve(3) == 'a\\n\\0\\u00e9\\U0001f600' and len(solve(3)) == 5",
    ),
    _value(
        "two-lone-surrogates",
        "'\\ud83d\\ude00'",
        "assert solve(3) == '\\ud83d\\ude00' and len(solve(3)) == 2 and solve(3) != '\\U0001f600'",
    ),
    _value(
        "wrappers-of-plain-data",
        "[UserList([n]), UserDict(a=n), UserString('ab'), ChainMap({'a': n}), MappingProxyType({n: 1})]",
        "assert solve(3) == [[3], {'a': 3}, 'ab', {'a': 3}, {3: 1}]\nassert solve(3)[0][0] == 3",
        "from collections import *\nfrom types import MappingProxyType",
    ),
    _value(
        "arrays-and-views-of-bytes",
        "[array('i', [1, n]), memoryview(b'ab'), slice(1, n)]",
        """
        assert solve(3) == [array('i', [1, 3]), b'ab', slice(1, 3)]
        assert list(solve(3)[0]) == [1, 3] and list(solve(3)[1]) == [97, 98]
        """,
        "from array import array",
    ),
    _value("lone-surrogate", "'\\ud800'", "assert solve(3) == '\\ud800'"),
    _value("bytes", "bytes(range(256))", "assert solve(3) == bytes(range(256)) and type(solve(3)) is bytes"),
    _value("bytearray", "bytearray(b'abc')", "assert solve(3) == b'abc' and type(solve(3)) is bytearray"),
    _value(
        "tuple-not-list", "(1, (2, [3]))", "assert solve(3) == (1, (2, [3])) and solve(3) != [1, [2, [3]]]"
    ),
    _value(
        "sets",
        "{1, 'a', (2, 3), frozenset({4})}",
        "assert solve(3) == {1, 'a', (2, 3), frozenset({4})} and type(solve(3)) is set",
    ),
    _value(
        "dict-keeps-order",
        "{'b': 1, 'a': [2], 3: None, (4,): 5}",
        "assert list(solve(3)) == ['b', 'a', 3, (4,)] and solve(3)['a'] == [2]",
    ),
    _value(
        "empty-containers",
        "[[], (), {}, set(), '', b'', frozenset()]",
        "assert solve(3) == [[], (), {}, set(), '', b'', frozenset()]",
    ),
    _value(
        "views-of-a-dict", "sorted({'b': 1}.keys()) + list({'b': 1}.values())", "assert solve(3) == ['b', 1]"
    ),
    _value(
        "keys-of-a-dict",
        "{'a': 1, 'b': 2}.keys()",
        "assert solve(3) == {'a', 'b'} and list(solve(3)) == ['a', 'b']",
    ),
    _value("range", "range(1, 10, 3)", "assert solve(3) == range(1, 10, 3) and list(solve(3)) == [1, 4, 7]"),
    _value("iterators", "iter([1, 2])", "assert list(solve(3)) == [1, 2]"),
    _value(
        "map-filter-zip",
        "[map(abs, [-1]), filter(None, [0, 2]), zip([1], [2])]",
        "assert [list(x) for x in solve(3)] == [[1], [2], [(1, 2)]]",
    ),
    _value(
        "generator", "(i * i for i in range(n))", "g = solve(3)\nassert next(g) == 0 and list(g) == [1, 4]"
    ),
    _value(
        "endless-generator",
        "itertools.count(n)",
        "assert list(itertools.islice(solve(3), 3)) == [3, 4, 5]",
        "import itertools",
    ),
    _value(
        "function", "lambda x, *, by=1: x + n * by", "assert solve(3)(4) == 7 and solve(3)(4, by=2) == 10"
    ),
    _value(
        "decimal",
        "Decimal('1.10')",
        "assert solve(3) == Decimal('1.1') and str(solve(3)) == '1.10'",
        "from decimal import Decimal",
    ),
    _value(
        "fraction", "Fraction(n, 6)", "assert solve(3) == Fraction(1, 2)", "from fractions import Fraction"
    ),
    _value(
        "dates-and-times",
        "[date(2024, 2, 29), datetime(2024, 1, 2, 3, 4, 5, 6), timedelta(1, microseconds=2), time(1, 2)]",
        """
        assert solve(3)[:2] == [date(2024, 2, 29), datetime(2024, 1, 2, 3, 4, 5, 6)]
        assert solve(3)[2:] == [timedelta(1, microseconds=2), time(1, 2)]
        """,
        "from datetime import date, datetime, time, timedelta",
    ),
    _value(
        "collections",
        "[deque([1, 2], 5), Counter('aab'), OrderedDict(a=1), defaultdict(int, {'x': 1})]",
        """
        assert solve(3) == [deque([1, 2]), Counter(a=2, b=1), OrderedDict(a=1), {'x': 1}]
        assert solve(3)[1].most_common(1) == [('a', 2)]
        """,
        "from collections import Counter, OrderedDict, defaultdict, deque",
    ),
    _value(
        "named-tuple",
        "namedtuple('P', 'x y')(1, n)",
        "assert solve(3) == (1, 3)",
        "from collections import namedtuple",
    ),
    _value(
        "subclasses-of-plain-types",
        "[type('Own', (type(it),), {})(it) for it in (5, 'a', [1], {'a': 1})]",
        "assert solve(3) == [5, 'a', [1], {'a': 1}]",
    ),
    _value("enum-of-ints", "enum.IntEnum('E', 'A B').B", "assert solve(3) == 2", "import enum"),
    _value("types", "[int, str, type(None)]", "assert solve(3) == [int, str, type(None)]"),
    _value(
        "numpy-values",
        "np.array([n, 1])",
        "assert solve(3).tolist() == [3, 1] and (solve(3) == np.array([3, 1])).all()",
        "import numpy as np",
    ),
    _value(
        "numpy-scalars",
        "[np.int64(n), np.float64(0.5), np.bool_(True), np.sum([1, 2])]",
        "assert solve(3) == [3, 0.5, True, 3]",
        "import numpy as np",
    ),
    _value(
        "numpy-objects",
        "np.array([10 ** 30, n])",
        "assert solve(3).tolist() == [10 ** 30, 3] and solve(3).sum() == 10 ** 30 + 3",
        "import numpy as np",
    ),
    _value(
        "numpy-matrix",
        "np.eye(2) * n",
        "assert solve(3).shape == (2, 2) and np.allclose(solve(3), [[3, 0], [0, 3]])",
        "import numpy as np",
    ),
    _value("list-of-a-hundred-thousand", "list(range(100_000))", "assert solve(3) == list(range(100_000))"),
    _value("text-of-a-megabyte", "'x' * (1 << 20)", "assert len(solve(3)) == 1 << 20"),
    _value(
        "nested-a-hundred-deep",
        "nested(100)",
        """
        value = solve(3)
        for _ in range(100):
            value = value[0]
        assert value == []
        """,
        "def nested(n):\n    return [] if n == 0 else [nested(n - 1)]",
    ),
    _right(
        "arguments-of-every-kind",
        """
        def solve(*args, **kwargs):
            return [type(a).__name__ for a in args] + sorted(kwargs)
        """,
        tests=checks(
            """
            from decimal import Decimal
            values = [None, True, 1, 1.5, 2j, "a", b"b", [1], (1,), {1}, {"k": 1}]
            values += [frozenset(), range(2), Decimal(1)]
            got = solve(*values, b=1, a=[2])
            assert got == [type(value).__name__ for value in values] + ["a", "b"], got
            """
        ),
    ),
    _right(
        "arguments-changed-in-place",
        """
        def solve(values, table, seen, rows=None):
            values.sort()
            values.append(9)
            table["new"] = [1]
            table.pop("old", None)
            seen.clear()
            if rows:
                rows[0].append("row")
        """,
        tests=checks(
            """
            values, table, seen, row = [3, 1, 2], {"old": 0}, {5}, []
            alias, rows = values, [row]
            assert solve(values, table, seen, rows=rows) is None
            assert values == [1, 2, 3, 9] and alias is values and table == {"new": [1]} and seen == set()
            assert row == ["row"] and rows[0] is row
            """
        ),
    ),
    _right(
        "argument-returned-and-changed",
        """
        def solve(matrix):
            for row in matrix:
                row.reverse()
            return matrix
        """,
        tests=checks(
            """
            matrix = [[1, 2], [3, 4]]
            assert solve(matrix) == [[2, 1], [4, 3]]
            assert matrix == [[2, 1], [4, 3]]
            """
        ),
    ),
    _right(
        "default-arguments-kept",
        """
        def solve(n, seen=[]):
            seen.append(n)
            return list(seen)
        """,
        tests=checks("assert solve(1) == [1]\nassert solve(2) == [1, 2]"),
    ),
    _right(
        "several-functions-of-one-program",
        """
        def encode(text):
            return text[::-1]

        def decode(text):
            return encode(text)
        """,
        tests=checks(
            "for text in ('', 'abc', '\\u00e9'):\n    assert decode(encode(text)) == text", "encode", "decode"
        ),
    ),
    _right(
        "function-passed-back-to-it",
        """
        def make(n):
            return lambda x: x + n

        def solve(n):
            return make(n)
        """,
        tests=checks(
            """
            add = solve(3)
            assert [add(x) for x in range(3)] == [3, 4, 5]
            assert list(map(solve(1), [1, 2])) == [2, 3]
            """
        ),
    ),
    _right(
        "own-generator-handed-back-to-it",
        """
        def solve(numbers):
            for number in numbers:
                yield number + 1
        """,
        tests=checks("assert list(solve(solve([1, 2]))) == [3, 4]"),
    ),
    _right(
        "own-function-handed-back-to-it",
        """
        def solve(function):
            if callable(function):
                return lambda n: function(function(n))
            return lambda n: n + function
        """,
        tests=checks("assert solve(solve(3))(1) == 7"),
    ),
    _right(
        "own-object-handed-back-to-it",
        """
        class Stack:
            def __init__(self):
                self.items = []

        def new():
            return Stack()

        def push(stack, item):
            stack.items.append(item)
            return len(stack.items)
        """,
        tests=checks(
            """
            stack, other = new(), new()
            assert push(stack, 1) == 1
            assert push(stack, 2) == 2
            assert push(other, 1) == 1
            """,
            "new",
            "push",
        ),
    ),
    _right(
        "helper-of-the-prompt-in-the-tests",
        """
        def poly(xs, x):
            return sum(c * x ** i for i, c in enumerate(xs))

        def solve(xs):
            return -xs[0] / xs[1]
        """,
        tests=checks(
            "assert abs(poly([1, 2], solve([1, 2]))) < 1e-9",
            prelude="""
                def poly(xs, x):
                    return sum(c * x ** i for i, c in enumerate(xs))
                """,
        ),
    ),
    _right(
        "many-calls",
        """
        def solve(n):
            return n + 1
        """,
        tests=checks("for n in range(2000):\n    assert solve(n) == n + 1"),
    ),
    _right(
        "random-examples-in-the-tests",
        """
        def solve(values):
            return sorted(values)
        """,
        tests=checks(
            """
            import copy, random
            for _ in range(50):
                v = [random.randint(-100, 100) for _ in range(20)]
                assert solve(copy.deepcopy(v)) == sorted(v)
            """
        ),
    ),
)
