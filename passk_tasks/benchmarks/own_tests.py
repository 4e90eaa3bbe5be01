"""People's own tests as they write them, so that they run.

These are HumanEval's `check`, unittest's classes, pytest's functions, and what stands below a main guard. In
a file of their own they would be run by hand, by `python -m unittest`, or by pytest. Here nobody calls them,
and tests that never run pass anything. The same holds for runners that only print what failed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from passk_tasks.benchmarks.asserting import GUARDS, tests_of
from passk_tasks.benchmarks.pytest_style import calls_of_tests, module_level
from passk_tasks.errors import DatasetError
from passk_tasks.extraction.syntax import silently

_CASES = ("TestCase", "IsolatedAsyncioTestCase")
_EQUALITIES = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot)
_RESULTS = {"wasSuccessful", "failures", "errors"}
_ENDS = frozenset({"sys.exit", "exit", "quit", "os._exit", "SystemExit"})
_RUN = """
import unittest as passk_unittest
passk_result = passk_unittest.TestResult()
passk_load = passk_unittest.defaultTestLoader.loadTestsFromTestCase
passk_suite = passk_unittest.TestSuite([passk_load(passk_case) for passk_case in ({cases})])
{load_tests}passk_suite.run(passk_result)
for _, passk_trace in (*passk_result.failures, *passk_result.errors):
    raise AssertionError(passk_trace.strip().splitlines()[-1])
assert passk_result.testsRun > len(passk_result.skipped) and passk_result.wasSuccessful(), f"{{passk_result}}"
"""
_LOAD_TESTS = "passk_suite = load_tests(passk_unittest.defaultTestLoader, passk_suite, None)\n"
# What `doctest.testmod` returns, where it is not asserted.
_SUCCESS = (
    """(lambda passk: exec("raise AssertionError('a doctest failed')") if passk.failed else passk)({})"""
)


def runnable(test: str, entry_point: str) -> str:
    """Return tests with what runs them.

    Raises:
        DatasetError: they are not Python, need pytest's fixtures, or end the process whatever the candidate
            does; or what they have of unittest is run by nobody.
    """
    tree = _parse(test)
    cases = _cases(tree)
    check = _call_of_check(tree, entry_point)
    functions = calls_of_tests(_with(tree, check), cases)
    test = _as_main(test, tree, runs_cases=bool(cases), runs_functions=bool(functions))
    tree = _parse(test)
    added = functions + check
    if not _look_at_results(tree):
        load_tests = _LOAD_TESTS if _defines(tree, "load_tests") else ""
        if cases or load_tests:
            listed = "".join(f"{case}, " for case in cases)
            added += _RUN.format(cases=listed, load_tests=load_tests)
        elif _has_hidden_cases(tree):
            raise DatasetError(
                "a class of unittest that the tests make in a function or by `type` is run by nobody, or "
                "nobody looks at the result: define it in the module, or assert `result.wasSuccessful()`"
            )
    if _ends(_last(tree)):
        raise DatasetError(
            "the tests end the process (`sys.exit`), whatever the candidate does, and only tests that run to "
            "their end are passed: assert what must hold instead"
        )
    return f"{test}\n{added}"


def refuse_unasserted(test: str) -> None:
    """Raise what names a comparison that nothing looks at, or an assertion of a tuple, which always holds.

    Beside other assertions nobody would miss it. Within `with` and `try` a comparison may have to raise.
    """
    tree = _parse(test)
    inner = (ast.With, ast.AsyncWith, ast.Try, getattr(ast, "TryStar", ast.Try))
    may_raise = {part for node in ast.walk(tree) if isinstance(node, inner) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Tuple) and node.test.elts:
            why = "always holds, being a tuple: leave out the outer parentheses"
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Compare) and node not in may_raise:
            if not isinstance(node.value.ops[0], _EQUALITIES):
                continue  # what is ordered may have to raise, too
            why = "is compared and not asserted: write `assert` before it"
        else:
            continue
        raise DatasetError(f"line {node.lineno} of the tests, `{ast.unparse(node):.60}`, {why}")


def _defines(tree: ast.Module, name: str) -> bool:
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body)


def _call_of_check(tree: ast.Module, entry_point: str) -> str:
    """Return HumanEval's call of `check`, unless the tests, or what is run of them, use that function."""
    definitions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "check"]
    inner = {part for node in definitions for part in ast.walk(node)}
    used = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and node not in inner)
    if not definitions or any(node.id == "check" for node in used):
        return ""
    spec = definitions[-1].args
    positional = [*spec.posonlyargs, *spec.args]
    needed = len(positional) - len(spec.defaults)
    if needed > 1:
        raise DatasetError(
            f"nobody calls the tests' function `check`, which needs {needed} arguments: call it"
        )
    return f"check({entry_point if positional else ''})\n"


def _with(tree: ast.Module, call: str) -> ast.Module:
    return ast.Module([*tree.body, *ast.parse(call).body], [])


def _as_main(test: str, tree: ast.Module, *, runs_cases: bool, runs_functions: bool) -> str:
    """Return the tests as the main program, where runners that only print what failed fail instead."""
    mains = _names_of(tree, "unittest", "main") if runs_cases else set()
    doctests = _names_of(tree, "doctest", "testmod", "testfile")
    pytest = _names_of(tree, "pytest", "main")
    by: dict[ast.expr | ast.stmt, str] = {}
    fixed: set[ast.AST] = set()
    asserted: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and runs_functions and pytest & set(map(_text_of_call, ast.walk(node))):
            by[node] = "pass"
        elif _text_of_call(node) in pytest and not runs_functions:
            raise DatasetError("the tests hand themselves to pytest, which is not run: call their functions")
        elif isinstance(node, ast.Expr) and _called(node) in mains:
            by[node] = "pass"  # it ends the process, as a candidate could, or says nothing of what failed
        elif isinstance(node, ast.Expr) and _called(node) in doctests:
            by[node] = f"assert not ({ast.get_source_segment(test, node)}).failed"
            fixed.add(node.value)
        elif isinstance(node, ast.Assert):
            asserted.update(ast.walk(node))
        elif _text_of_call(node) in doctests and node not in fixed | asserted:
            assert isinstance(node, ast.Call)
            by[node] = _SUCCESS.format(ast.get_source_segment(test, node))
        elif isinstance(node, ast.If) and node in tree.body and ast.unparse(node.test) in GUARDS:
            by[node.test] = "True"
        elif isinstance(node, ast.JoinedStr):  # before Python 3.12 nothing says where its names stand
            fixed.update(ast.walk(node))
    fixed.update(part for node in by for part in ast.walk(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "__name__" and node not in fixed:
            by[node] = "'__main__'"
    for place in sorted(by, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        test = _replaced(test, place, by[place])
    return test


def _names_of(tree: ast.Module, module: str, *functions: str) -> set[str]:
    """Return the texts by which a module's functions are called."""
    texts = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = {alias.asname or module for alias in node.names if alias.name == module}
            texts |= {f"{name}.{function}" for name in modules for function in functions}
        elif isinstance(node, ast.ImportFrom) and node.module == module:
            texts |= {alias.asname or alias.name for alias in node.names if alias.name in functions}
    return texts


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


def _is_case(node: ast.ClassDef, kinds: Iterable[str]) -> bool:
    return not {ast.unparse(base).rpartition(".")[2] for base in node.bases}.isdisjoint(kinds)


def _cases(tree: ast.Module) -> list[str]:
    """Return the names of the classes of unittest that have test methods, own or inherited ones."""
    kinds = {*_CASES, *_names_of(tree, "unittest", *_CASES)}
    testing = {  # setattr(T, "test_it", …)
        ast.unparse(node.args[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "setattr" and node.args
    }
    cases = []
    for node in module_level(tree.body):
        if isinstance(node, ast.ClassDef):
            if tests_of(node) or _is_case(node, testing):
                testing.add(node.name)
            if _is_case(node, kinds):
                kinds.add(node.name)
                if node.name in testing:
                    cases.append(node.name)
    return cases


def _has_hidden_cases(tree: ast.Module) -> bool:
    """Whether classes of unittest are made elsewhere than in the module's own statements."""
    texts = _names_of(tree, "unittest", *_CASES)
    shown = [node for node in module_level(tree.body) if isinstance(node, ast.ClassDef)]
    known: set[ast.AST] = {base for node in shown for base in node.bases}
    known |= {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}  # unittest.TestCase()
    return bool(texts) and any(
        isinstance(node, (ast.Name, ast.Attribute)) and node not in known and ast.unparse(node) in texts
        for node in ast.walk(tree)
    )


def _look_at_results(tree: ast.Module) -> bool:
    """Whether the tests fail by what their own runner of unittest says, or call test methods directly."""
    classes = [node for node in module_level(tree.body) if isinstance(node, ast.ClassDef)]
    inner = {part for node in classes for part in ast.walk(node)}
    methods = {"debug", *(test for node in classes for test in tests_of(node))}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in methods and node not in inner:
            return True
        raises = isinstance(node, ast.If) and any(
            isinstance(part, ast.Raise) or _called(part) in _ENDS for part in ast.walk(node)
        )
        if isinstance(node, (ast.If, ast.Assert)) and (raises or isinstance(node, ast.Assert)):
            names = {getattr(part, "attr", "") for part in ast.walk(node.test)}
            if names & _RESULTS and node not in inner:
                return True
    return False


def _called(node: ast.AST) -> str:
    """Return what a statement calls, as text, where it does nothing with what that returns."""
    return _text_of_call(node.value) if isinstance(node, ast.Expr) else ""


def _text_of_call(node: ast.AST) -> str:
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def _ends(statement: ast.stmt | None) -> bool:
    """Return whether a statement ends the process in each of its branches."""
    if isinstance(statement, ast.If):
        return bool(statement.orelse) and _ends(statement.body[-1]) and _ends(statement.orelse[-1])
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Call) and ast.unparse(statement.value.func) in _ENDS
    if isinstance(statement, ast.Raise) and statement.exc is not None:
        return ast.unparse(statement.exc).partition("(")[0] in _ENDS
    return False
