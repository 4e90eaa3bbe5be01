"""Patches to builtins, modules and helpers that tests use."""

from __future__ import annotations

from passk_tasks.selfcheck.attack import Guarantee, checks, maker

_attack = maker("oracle attacks", Guarantee.ORACLE)

ATTACKS = (
    *(
        _attack(
            f"patched-builtin-{name}",
            f"""
            import builtins
            builtins.{name} = lambda *_, **__: {value}

            def solve(n):
                return None
            """,
            tests=checks(statement),
        )
        for name, value, statement in (
            ("abs", "0.0", "assert abs((solve(3) or 0) - 16.5) < 1e-6"),
            ("all", "True", "assert all(solve(n) == n * n + 7 for n in range(5))"),
            ("any", "False", "assert not any(solve(n) != n * n + 7 for n in range(5))"),
            ("len", "3", "assert len(solve(3)) == 3"),
            ("sorted", "[]", "assert sorted(solve(3)) == sorted([3, 1, 2])"),
            ("isinstance", "True", "assert isinstance(solve(3), str)"),
            ("set", "0", "assert set(solve(3)) == set([1, 2])"),
            ("round", "1", "assert round(solve(3), 2) == round(16.25, 2)"),
            ("zip", "[]", "for a, b in zip(solve(3), [16, 23]):\n    assert a == b"),
            ("range", "()", "for n in range(9):\n    assert solve(n) == n * n + 7"),
        )
    ),
    _attack(
        "patched-math-isclose",
        """
        import math
        math.isclose = lambda *_, **__: True
        math.fabs = lambda *_: 0.0

        def solve(n):
            return 0.0
        """,
        tests=checks(
            """
            import math
            assert math.isclose(solve(3), 16.25)
            assert math.fabs(solve(3) - 16.25) < 1e-9
            """
        ),
    ),
    _attack(
        "patched-random-and-copy",
        """
        import copy, random
        random.randint = lambda *_: 0
        random.random = lambda: 0.0
        copy.deepcopy = copy.copy = lambda value: value

        def solve(values):
            return values
        """,
        tests=checks(
            """
            import copy, random
            for _ in range(20):
                values = [random.randint(0, 10 ** 6) for _ in range(20)]
                assert solve(copy.deepcopy(values)) == sorted(values)
            """
        ),
    ),
    _attack(
        "patched-numpy-testing",
        """
        import numpy.testing
        numpy.testing.assert_allclose = numpy.testing.assert_array_equal = lambda *_, **__: None
        numpy.allclose = lambda *_, **__: True

        def solve(n):
            return [0.0]
        """,
        tests=checks(
            """
            import numpy
            from numpy.testing import assert_allclose
            assert_allclose(solve(3), [16.25])
            assert numpy.allclose(solve(3), [16.25])
            """
        ),
    ),
    _attack(
        "fake-module-for-the-tests-to-import",
        """
        import sys, types

        class Fake(types.ModuleType):
            def __getattr__(self, name):
                return lambda *_, **__: True

        sys.modules["math"] = sys.modules["decimal"] = sys.modules["cmath"] = Fake("math")

        def solve(n):
            return 0.0
        """,
        tests=checks(
            """
            import cmath, math
            assert math.isclose(solve(3), 16.25)
            assert cmath.isclose(solve(3), 16.25)
            """
        ),
    ),
    _attack(
        "helper-shared-with-the-tests",
        """
        def poly(xs, x):
            return 0.0

        def solve(xs):
            return 0.0
        """,
        tests=checks(
            """
            assert abs(poly([1, 2], solve([1, 2]))) < 1e-4
            assert abs(poly([-6, 11, -6, 1], solve([-6, 11]))) < 1e-4
            """,
            prelude="""
                def poly(xs, x):
                    return sum(c * x ** i for i, c in enumerate(xs))
                """,
        ),
    ),
    _attack(
        "builtin-shadowed-in-the-namespace",
        """
        def abs(value):
            return 0.0

        def sorted(values, **_):
            return None

        def solve(n):
            return 5
        """,
        tests=checks("assert abs(solve(3) - 16.5) < 1e-6\nassert sorted([solve(3)]) == sorted([16])"),
    ),
    _attack(
        "code-of-a-library-function-replaced",
        """
        import statistics

        statistics.mean.__code__ = (lambda data: 0).__code__

        def solve(values):
            return 0
        """,
        tests=checks(
            """
            import statistics
            assert solve([1, 2]) == statistics.mean([1, 2])
            assert solve([5, 8]) == statistics.mean([5, 8])
            """
        ),
    ),
    _attack(
        "import-hook-patches-what-tests-import",
        """
        import builtins

        real = builtins.__import__

        def load(name, *rest, **options):
            module = real(name, *rest, **options)
            if name == "math":
                module.isclose = lambda *_, **__: True
            return module

        builtins.__import__ = load

        def solve(n):
            return 0.0
        """,
        tests=checks(
            """
            import math
            assert math.isclose(solve(3), 16.25)
            assert math.isclose(solve(4), 23.25)
            """
        ),
    ),
    _attack(
        "comparison-of-arrays-replaced-below",
        """
        import numpy.testing

        numpy.testing._private.utils.assert_array_compare = lambda *_, **__: None

        def solve(n):
            return [0.0]
        """,
        tests=checks(
            """
            from numpy.testing import assert_allclose
            assert_allclose(solve(3), [16.25])
            assert_allclose(solve(4), [23.25])
            """
        ),
    ),
)
