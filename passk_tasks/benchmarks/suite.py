"""Runs a problem's `unittest.TestCase` in the candidate's process; it is sent there as text, never imported.

The candidate was there first and may have changed what tests stand on, in the hope that nothing fails. So
nothing here asks whether something failed: every test method that the source was known to have must report a
success, to a result that `unittest` as it is on disk calls.
"""

from __future__ import annotations

import builtins
import os
import sys
from typing import Any


def run(solution: dict[str, Any], tests: str, expected: set[str], may_skip: set[str]) -> None:
    """Run `TestCases` of `tests` in the candidate's namespace; return only if every test passed.

    Args:
        solution: the candidate's namespace.
        tests: source of the tests.
        expected: names of the test methods in it.
        may_skip: those of them that say themselves that they may be skipped.

    Raises:
        AssertionError: a test failed, or did not run.
        BaseException: what else the first test to fail has raised.
    """
    solution["__builtins__"] = builtins
    # BigCodeBench's own runner makes its modules with these in them (bigcodebench/eval/__init__.py).
    for name, value in {"sys": sys, "os": os, "environ": os.environ}.items():
        solution.setdefault(name, value)
    for name in [name for name in sys.modules if name.partition(".")[0] == "unittest"]:
        del sys.modules[name]
    import unittest

    class Result(unittest.TestResult):
        def __init__(self) -> None:
            super().__init__()
            self.succeeded: set[str] = set()
            self.left_out: set[str] = set()
            self.raised: list[tuple[str, BaseException]] = []

        def addSuccess(self, test: Any) -> None:  # noqa: N802  unittest's name, as those below
            self.succeeded.add(_name(test))

        def addExpectedFailure(self, test: Any, _error: Any) -> None:  # noqa: N802
            self.succeeded.add(_name(test))

        def addSkip(self, test: Any, _reason: Any) -> None:  # noqa: N802
            self.left_out.add(_name(test))

        def addError(self, test: Any, error: Any) -> None:  # noqa: N802
            self.raised.append((_name(test), error[1]))

        def addFailure(self, test: Any, error: Any) -> None:  # noqa: N802
            self.addError(test, error)

        def addSubTest(self, test: Any, _subtest: Any, error: Any) -> None:  # noqa: N802
            if error is not None:
                self.addError(test, error)

    exec(compile(tests, "/box/tests.py", "exec", dont_inherit=True), solution)
    case = solution["TestCases"]
    result, before = Result(), _functions(case)
    unittest.TestLoader().loadTestsFromTestCase(case).run(result)
    changed = [name for name, kept in _functions(case).items() if before.get(name, kept) != kept]
    if changed:
        raise AssertionError(f"the tests were changed while they ran: {', '.join(changed[:5])}")
    if result.raised:
        name, error = result.raised[0]
        count = len({name for name, _ in result.raised})
        if isinstance(error, AssertionError):
            raise AssertionError(f"{count} of {len(expected)} tests failed; {name}: {error}")
        raise error
    silent = expected - result.succeeded - (may_skip & result.left_out)
    if silent or not result.succeeded & expected:
        raise AssertionError(f"{len(silent or expected)} of {len(expected)} tests were not run to their end")


def _functions(case: Any) -> dict[str, tuple[int, int]]:
    """Return what the class and those above it do, method by method."""
    return {
        f"{kind.__name__}.{name}": (id(value), id(getattr(value, "__code__", None)))
        for kind in case.__mro__[:-1]
        for name, value in vars(kind).items()
        if callable(value) or isinstance(value, (classmethod, staticmethod))
    }


def _name(test: Any) -> str:
    return getattr(test, "_testMethodName", None) or str(test)
