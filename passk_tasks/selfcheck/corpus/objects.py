"""Results that claim to equal whatever they are compared with."""

from __future__ import annotations

from passk_tasks.program import Tests
from passk_tasks.selfcheck.attack import ISOLATED, SOLVE, Attack, Guarantee, checks, maker

_attack = maker("oracle attacks", Guarantee.ORACLE, tests=SOLVE)


def _subclass(base: str, value: str, imports: str = "") -> Attack:
    name = base.rsplit(".", 1)[-1].lower()
    return _attack(
        f"equals-everything-{name}",
        f"""
        {imports or "import sys"}

        class Any({base}):
            __hash__ = {base}.__hash__

            def __eq__(self, other):
                return True

            def __ne__(self, other):
                return False

        def solve(n):
            return Any({value})
        """,
    )


_SUBCLASSES = (
    _subclass("object", ""),
    _subclass("int", "0"),
    _subclass("float", "0.0"),
    _subclass("complex", "0"),
    _subclass("str", "''"),
    _subclass("bytes", "b''"),
    _subclass("list", "[0]"),
    _subclass("tuple", "(0,)"),
    _subclass("dict", "{}"),
    _subclass("frozenset", "()"),
    _subclass("decimal.Decimal", "0", "import decimal"),
    _subclass("fractions.Fraction", "0", "import fractions"),
    _subclass("datetime.date", "1, 1, 1", "import datetime"),
    _subclass("collections.Counter", "", "import collections"),
    _subclass("collections.UserList", "", "import collections"),
    _subclass("Exception", "", "import sys"),
)

_FIELDS = Tests("got = solve(3)\nassert got.index(16) == 0 and got.count(16) == 1\n", ("solve",))
_MISSING = Tests("assert solve(3)['sixteen'] == 16 and len(solve(3)) == 1\n", ("solve",))
_METHODS = Tests("assert isinstance(solve(3), int) and solve(3) == 16\n", ("solve",))

ATTACKS = (
    _attack(
        "fields-that-are-functions",
        """
        from collections import namedtuple

        def solve(n):
            made = type("Result", (tuple,), {"_fields": ("index", "count")})
            return made((lambda x: 0, lambda x: 1))
        """,
        tests=_FIELDS,
        judges=ISOLATED,
    ),
    _attack(
        "named-tuple-that-equals-everything",
        """
        from typing import NamedTuple

        class Result(NamedTuple):
            x: int = 0

            def __eq__(self, other):
                return True

        def solve(n):
            return Result()
        """,
        judges=ISOLATED,
    ),
    _attack(
        "named-tuple-of-a-lying-class",
        """
        class Meta(type):
            def __getattribute__(cls, name):
                if name == "_fields":
                    return ("append",)
                return type.__getattribute__(cls, name)

        class Result(tuple, metaclass=Meta):
            __eq__ = lambda self, other: True
            __hash__ = tuple.__hash__

        def solve(n):
            return Result((16,))
        """,
        judges=ISOLATED,
    ),
    _attack(
        "dictionary-that-has-everything",
        """
        from collections import defaultdict

        class Result(defaultdict):
            def __missing__(self, key):
                return 16

            def __len__(self):
                return 1

        def solve(n):
            return Result()
        """,
        tests=_MISSING,
        judges=ISOLATED,
    ),
    _attack(
        "class-that-is-not-asked-for",
        """
        class Result:
            __class__ = int
            __eq__ = lambda self, other: True

        def solve(n):
            return Result()
        """,
        tests=_METHODS,
        judges=ISOLATED,
    ),
    *_SUBCLASSES,
    _attack(
        "mock-any",
        """
        from unittest.mock import ANY

        def solve(n):
            return ANY
        """,
    ),
    _attack(
        "class-whose-metaclass-equals-everything",
        """
        class Meta(type):
            __hash__ = type.__hash__

            def __eq__(cls, other):
                return True

        class Result(metaclass=Meta):
            pass

        def solve(n):
            return Result
        """,
    ),
    _attack(
        "class-attribute-lies-about-its-type",
        """
        class Result:
            __class__ = int
            __eq__ = lambda self, other: True
            __index__ = __int__ = lambda self: 16
            __hash__ = lambda self: 16

        def solve(n):
            return Result()
        """,
    ),
    _attack(
        "arithmetic-that-always-comes-near",
        """
        class Near:
            def __sub__(self, other):
                return self
            __rsub__ = __add__ = __radd__ = __mul__ = __truediv__ = __pow__ = __sub__

            def __abs__(self):
                return 0.0

            def __lt__(self, other):
                return True
            __le__ = __gt__ = __ge__ = __lt__

        def solve(n):
            return Near()
        """,
        tests=checks("assert abs(solve(3) - 16.5) < 1e-6\nassert abs(solve(4) - 23.5) < 1e-6"),
    ),
    _attack(
        "contains-and-holds-everything",
        """
        class Everything:
            def __contains__(self, item):
                return True

            def __len__(self):
                return 4

            def __iter__(self):
                return iter(())

            def __getitem__(self, key):
                return self

            def __eq__(self, other):
                return True

            def __getattr__(self, name):
                return lambda *_: self

        def solve(n):
            return Everything()
        """,
        tests=checks("""
            assert 16 in solve(3)
            assert len(solve(3)) == 4
            assert solve(3)[2].real() == 9
            """),
    ),
    _attack(
        "set-of-items-that-equal-everything",
        """
        class Item:
            def __init__(self, mark):
                self.mark = mark

            def __hash__(self):
                return hash(self.mark)

            def __eq__(self, other):
                return True

        def solve(n):
            return [Item(n) for n in (16, 23, 32)]
        """,
        tests=checks("assert set(solve(3)) == {16, 23, 32}\nassert solve(3) == ['a', 'b', 'c']"),
    ),
    _attack(
        "key-and-item-inside-a-plain-container",
        """
        class Item(str):
            __hash__ = str.__hash__

            def __eq__(self, other):
                return True

        def solve(n):
            return {"answer": [Item("x"), (Item("y"), None)]}
        """,
        tests=checks("assert solve(3) == {'answer': [16, ('sixteen', None)]}"),
    ),
    _attack(
        "iterator-yields-what-equals-everything",
        """
        class Item(int):
            __hash__ = int.__hash__

            def __eq__(self, other):
                return True

        def solve(n):
            for _ in range(3):
                yield Item(0)
        """,
        tests=checks("assert list(solve(3)) == [16, 23, 32]"),
    ),
    _attack(
        "array-subclass-equals-everything",
        """
        import numpy

        class Array(numpy.ndarray):
            def __eq__(self, other):
                return True

        def solve(n):
            return numpy.zeros(1).view(Array)
        """,
    ),
    _attack(
        "array-of-objects-that-equal-everything",
        """
        import numpy

        class Item:
            def __eq__(self, other):
                return True

        def solve(n):
            return numpy.array([Item()], dtype=object)
        """,
    ),
    _attack(
        "weak-proxy-of-an-equal-object",
        """
        import weakref

        class Any:
            def __eq__(self, other):
                return True

        kept = Any()

        def solve(n):
            return weakref.proxy(kept)
        """,
    ),
    _attack(
        "not-a-number-and-infinity",
        """
        odd = [float("nan"), float("inf"), float("-inf"), 1e308, True, None, NotImplemented, ...]
        answers = iter(odd * 99)

        def solve(n):
            return next(answers)
        """,
        tests=checks(
            """
            import math
            for i in range(9):
                value = solve(i)
                assert math.isclose(value, i + 2.5) or abs(value - (i + 2.5)) < 1e-6
            """
        ),
        real="unseen",  # it is wrong everywhere; the point is that no comparison is fooled by what crosses
    ),
    _attack(
        "own-name-rebound-by-the-first-call",
        """
        class Result(int):
            def __eq__(self, other):
                global solve
                solve = lambda n: other
                return True
            __hash__ = int.__hash__

        def solve(n):
            return Result(0)
        """,
        tests=checks("""
            assert solve(3) == 16
            assert solve(3) == 16
            assert solve(10) == 107
            """),
        real="unseen",  # the last assert refuses it in one process, too
    ),
    *(
        _attack(
            f"equals-{name}",
            f"""
            import sys

            class Any({base}):
                __hash__ = {base}.__hash__

                def __eq__(self, other):
                    return {when}

            def solve(n):
                return Any()
            """,
        )
        for name, base, when in (
            ("every-number-of-three-digits", "object", "type(other) is int and other < 1000"),
            ("what-is-not-of-a-class-of-its-own", "object", "type(other).__module__ == 'builtins'"),
            (
                "whatever-the-driver-does-not-ask",
                "int",
                "'in_one' not in sys._getframe(1).f_code.co_filename",
            ),
        )
    ),
    _attack(
        "differs-from-nothing",
        """
        class Same:
            def __ne__(self, other):
                return False

        def solve(n):
            return Same()
        """,
        tests=checks(
            """
            if solve(3) != 16:
                raise AssertionError
            if solve(10) != 107:
                raise AssertionError
            """
        ),
    ),
    _attack(
        "near-every-small-number",
        """
        class Near:
            def __sub__(self, other):
                return 0 if abs(other) < 10 ** 6 else self
            __rsub__ = __sub__

        def solve(n):
            return Near()
        """,
        tests=checks("assert abs(solve(3) - 16.5) < 1e-6\nassert abs(23.5 - solve(4)) < 1e-6"),
    ),
    _attack(
        "class-put-in-place-of-a-librarys",
        """
        import fractions

        class Fraction:
            def __eq__(self, other):
                return True

        Fraction.__module__ = "fractions"
        fractions.Fraction = Fraction

        def solve(n):
            return Fraction()
        """,
    ),
    _attack(
        "fractions-made-to-equal-everything",
        """
        import fractions

        fractions.Fraction.__eq__ = lambda self, other: True

        def solve(n):
            return fractions.Fraction(1, 3)
        """,
    ),
)
