"""People's own tests as they write them, so that they run: `check`, unittest's classes, a main guard.

In a file of their own these would be run by hand, by `python -m unittest`, or below `if __name__ ==
"__main__"`. Here nobody calls them, and tests that never run pass anything.
"""

from __future__ import annotations

import ast

from passk_tasks.errors import DatasetError
from passk_tasks.extraction.syntax import silently

_GUARDS = ("__name__ == '__main__'", "'__main__' == __name__")
_RUNNERS = {"main", "run", "debug", "TextTestRunner", "TestLoader", "defaultTestLoader", "TestSuite"}
_ENDS = frozenset({"sys.exit", "exit", "quit", "os._exit", "SystemExit"})
_RUN = """
import unittest as passk_unittest
passk_result = passk_unittest.TestResult()
for passk_case in ({cases},):
    passk_unittest.defaultTestLoader.loadTestsFromTestCase(passk_case).run(passk_result)
for _, passk_trace in (*passk_result.failures, *passk_result.errors):
    raise AssertionError(passk_trace.strip().splitlines()[-1])
assert passk_result.testsRun and passk_result.wasSuccessful(), f"{{passk_result}}"
"""


def runnable(test: str, entry_point: str) -> str:
    """Return tests with what runs them.

    Raises:
        DatasetError: they are not Python, or end the process whatever the candidate does.
    """
    tree = _parse(test)
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) in _GUARDS:
            test = _replaced(test, node.test, "True")  # tests are the main program
    tree = _parse(test)
    added = ""
    if _defines(tree, "check") and "check" not in _called_outside_of_functions(tree):
        added = f"check({entry_point})\n"
    elif cases := _cases(tree):
        last = _last(tree)
        if isinstance(last, ast.Expr) and ast.unparse(last).startswith(("unittest.main(", "main(")):
            # It ends the process, as a candidate could, or says nothing of what failed.
            test = _replaced(test, last, "pass")
            tree = _parse(test)
        if not (_names(tree) & (_RUNNERS | set(cases))):
            added = _RUN.format(cases=", ".join(cases))
    if _ends(_last(tree)):
        raise DatasetError(
            "the tests end the process (`sys.exit`), whatever the candidate does, and only tests that run to "
            "their end are passed: assert what must hold instead"
        )
    return f"{test}\n{added}"


def _parse(test: str) -> ast.Module:
    try:
        return silently(lambda: ast.parse(test))
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise DatasetError(f"column 'test' is not Python: {error}") from None


def _replaced(test: str, node: ast.expr | ast.stmt, by: str) -> str:
    """Return the tests with a node's text replaced; lines keep their numbers where it has one."""
    lines = test.encode().splitlines(keepends=True)
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    before = b"".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
    after = lines[node.end_lineno - 1][node.end_col_offset :] + b"".join(lines[node.end_lineno :])
    return (before + by.encode() + after).decode()


def _last(tree: ast.Module) -> ast.stmt | None:
    """Return the last statement; within `if True:`, where a guard was, the last one of that."""
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.If) and isinstance(last.test, ast.Constant):
        last = last.body[-1]
    return last


def _defines(tree: ast.Module, name: str) -> bool:
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body)


def _called_outside_of_functions(tree: ast.Module) -> set[str]:
    return {
        node.func.id
        for statement in tree.body
        if not isinstance(statement, ast.FunctionDef)
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def _cases(tree: ast.Module) -> list[str]:
    """Return the names of the classes of unittest that have test methods."""
    kinds: set[str] = set()
    cases = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
            if bases & {"TestCase", "IsolatedAsyncioTestCase", *kinds}:
                kinds.add(node.name)
                if any(getattr(part, "name", "").startswith("test") for part in node.body):
                    cases.append(node.name)
    return cases


def _names(tree: ast.Module) -> set[str]:
    """Return the names and attributes that the module's own statements use."""
    return {
        getattr(node, "id", getattr(node, "attr", ""))
        for statement in tree.body
        if not isinstance(statement, ast.ClassDef)
        for node in ast.walk(statement)
    }


def _ends(statement: ast.stmt | None) -> bool:
    """Return whether a statement ends the process in each of its branches."""
    if isinstance(statement, ast.If):
        return bool(statement.orelse) and _ends(statement.body[-1]) and _ends(statement.orelse[-1])
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Call) and ast.unparse(statement.value.func) in _ENDS
    if isinstance(statement, ast.Raise) and statement.exc is not None:
        return ast.unparse(statement.exc).partition("(")[0] in _ENDS
    return False
