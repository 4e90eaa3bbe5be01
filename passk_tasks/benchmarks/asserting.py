"""Tests that pass anything: found from their syntax tree, before anything runs.

A walk through what is reached: statements of the module, and of the functions and classes that they name. It
looks for one place that can fail by what the candidate returns. What it does not know counts as such a place,
so that it never calls tests empty that are not.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Collection, Iterable, Sequence

from passk_tasks.extraction.syntax import imported_from

GUARDS = ("__name__ == '__main__'", "'__main__' == __name__")
_FAILS = re.compile(
    r"assert|raises|warns|fail|check|verify|expect|exit|abort|exec$|testmod|main$|^run(?!_doc)"
)
_CATCHES = frozenset({"AssertionError", "Exception", "BaseException"})
_LOOPS_OVER = frozenset({"zip", "enumerate", "each", "list", "tuple", "iter", "reversed", "sorted"})
_LOOKS = frozenset({"items", "values", "keys", "copy", "count", "index", "get"})
_OF_ONE = frozenset({"assertTrue", "assertIsNotNone"})
_OF_TWO = frozenset({"assertEqual", "assertIs", "assertAlmostEqual", "assertListEqual", "assertDictEqual"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_ENDS = (ast.Return, ast.Break, ast.Continue)


def cannot_fail(tree: ast.Module, names: Collection[str]) -> bool:
    """Return whether no candidate can fail tests by what it returns.

    Args:
        tree: the tests with all that they need, except for the candidate.
        names: the names by which the tests call the candidate.
    """
    walk = _Walk(tree, names)
    try:
        return not (walk.fails(tree.body) and walk.used())
    except RecursionError:
        return False


def tests_of(node: ast.ClassDef) -> list[str]:
    """Return the names in a class that unittest takes for test methods, whatever binds them."""
    bound: list[str] = []
    for part in node.body:
        targets = part.targets if isinstance(part, ast.Assign) else []
        bound += [getattr(part, "name", ""), *(getattr(target, "id", "") for target in targets)]
    return [name for name in bound if name.startswith("test") or name == "runTest"]


class _Walk:
    def __init__(self, tree: ast.Module, names: Collection[str]) -> None:
        self.names = set(names) - _own(tree.body, names)
        self.functions: dict[str, list[ast.stmt]] = {}
        bound: dict[str, list[ast.expr]] = {}
        # To walk once more for each question would take most of the time.
        self.nodes = nodes = list(ast.walk(tree))
        for node in nodes:
            if isinstance(node, _FUNCTIONS):
                self.functions.setdefault(node.name, []).append(node)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                bound.setdefault(node.targets[0].id, []).append(node.value)
        stored = [n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        changed = {
            getattr(n.value, "id", "")
            for n in nodes
            if (isinstance(n, ast.Attribute) and n.attr not in _LOOKS)
            or (isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store))
        }
        for node in nodes:  # a function of the tests may fill what it is handed
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") not in dir(builtins):
                changed |= {getattr(argument, "id", "") for argument in node.args}
        self.empty = {
            name
            for name, values in bound.items()
            if stored.count(name) == 1 and name not in changed and _is_empty(values[0])
        }
        parameters = {node.arg for node in nodes if isinstance(node, ast.arg)}
        self.variables = {*stored, *parameters} - self.functions.keys() - self.names
        self.known = {*self.names, *self.functions, *self.variables, *dir(builtins)}
        self.never_bound = self.names - parameters - set(stored)
        self.seen: set[str] = set()

    def used(self) -> bool:
        """Return whether anything is done with the candidate, besides handing it to their own functions."""
        handed = set()
        for call in self.nodes:
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Name)
                and call.func.id in self.functions
            ):
                for position, argument in enumerate(call.args):
                    if isinstance(argument, ast.Name) and argument.id in self.names:
                        handed.add(argument)
                        for function in self.functions[call.func.id]:
                            parameters = function.args.args  # type: ignore[attr-defined]
                            self.names |= {p.arg for p in parameters[position : position + 1]}
        return any(
            (isinstance(node, ast.Name) and node.id in self.names and node not in handed)
            or (isinstance(node, ast.Constant) and isinstance(node.value, str) and self._named_in(node.value))
            or (isinstance(node, ast.Call) and any(isinstance(a, ast.Starred) for a in node.args))
            or (isinstance(node, ast.Attribute) and node.attr in self.names)  # __main__.f
            or "doctest" in imported_from(node)
            for node in self.nodes
        )

    def _named_in(self, text: str) -> bool:
        return any(name in text for name in self.names)

    def fails(self, body: Sequence[ast.stmt]) -> bool:
        """Return whether statements can fail, one after the other."""
        for statement in body:
            if self._fails(statement):
                return True
            if isinstance(statement, _ENDS):
                return False
        return False

    def _fails(self, node: ast.stmt) -> bool:
        if isinstance(node, ast.Raise):
            return True
        if isinstance(node, ast.Assert):
            return not self._holds_always(node.test) or self._in_expressions(node)
        if isinstance(node, _FUNCTIONS):
            return any(map(self._in_expressions, node.decorator_list))
        if isinstance(node, ast.Expr) and self._does_nothing(node.value):
            return False
        if isinstance(node, ast.Expr) and self._compares_nothing(node.value):
            return any(map(self._in_expressions, node.value.args))  # type: ignore[attr-defined]
        if isinstance(node, ast.ClassDef):  # unittest finds its methods by their names
            case = any(name.endswith("TestCase") for name in _names(node.bases))
            if case and not tests_of(node):
                return False
            methods = [part.body for part in node.body if isinstance(part, _FUNCTIONS)]
            return any(map(self.fails, methods)) or self.fails(node.body)
        if isinstance(node, ast.Try):
            caught = any(_catches(handler.type) and not self.fails(handler.body) for handler in node.handlers)
            rest = [handler.body for handler in node.handlers]
            rest += [node.orelse, node.finalbody] if caught else [node.body, node.orelse, node.finalbody]
            return any(map(self.fails, rest))
        if isinstance(node, (ast.With, ast.AsyncWith)):
            managers = [item.context_expr for item in node.items]
            if any(_suppresses(manager) for manager in managers):
                return False
            return any(map(self._in_expressions, managers)) or self.fails(node.body)
        if isinstance(node, (ast.If, ast.While)):
            if self._in_expressions(node.test):
                return True
            known = _truth(node.test)
            branches = [node.body] * (known is not False) + [node.orelse] * (known is not True)
            return any(map(self.fails, branches))
        if isinstance(node, (ast.For, ast.AsyncFor)):
            body = [] if self._is_empty(node.iter) else node.body
            return self._in_expressions(node.iter) or self.fails(body) or self.fails(node.orelse)
        if isinstance(node, ast.Match):
            return self._in_expressions(node.subject) or any(self.fails(case.body) for case in node.cases)
        return self._in_expressions(node)

    def _does_nothing(self, statement: ast.expr) -> bool:
        """Whether a statement only names a function of the tests, or makes a coroutine that nobody awaits."""
        called = statement.func if isinstance(statement, ast.Call) else statement
        kinds = self.functions.get(called.id, []) if isinstance(called, ast.Name) else []
        return bool(kinds) and (
            called is statement or all(isinstance(kind, ast.AsyncFunctionDef) for kind in kinds)
        )

    def _compares_nothing(self, statement: ast.expr) -> bool:
        """Whether a statement is an assertion of unittest's that holds whatever the candidate returns."""
        called = statement.func if isinstance(statement, ast.Call) else None
        if not (isinstance(called, ast.Attribute) and getattr(called.value, "id", "") == "self"):
            return False
        args = statement.args  # type: ignore[attr-defined]
        if called.attr in _OF_TWO and len(args) > 1:
            return ast.dump(args[0]) == ast.dump(args[1])
        return called.attr in _OF_ONE and len(args) > 0 and self._holds_always(args[0])

    def _holds_always(self, test: ast.expr) -> bool:
        """Return whether an assertion holds whatever the candidate returns."""
        if isinstance(test, ast.Lambda) or (isinstance(test, ast.Name) and test.id in self.never_bound):
            return True  # a function is true
        if isinstance(test, ast.Call) and ast.unparse(test.func) == "all" and test.args:
            each = test.args[0]
            return isinstance(each, (ast.GeneratorExp, ast.ListComp)) and any(
                self._is_empty(part.iter) for part in each.generators
            )
        return _holds_always(test)

    def _in_expressions(self, node: ast.AST) -> bool:
        """Return whether an expression can fail, or a function of the tests that it names."""
        statement = node.value if isinstance(node, ast.Expr) else None
        called = statement.func if isinstance(statement, ast.Call) else None
        # What was imported may check, where nothing is done with what it returns.
        if isinstance(called, ast.Name) and called.id not in self.known:
            return True
        for part in ast.walk(node):
            name = part.id if isinstance(part, ast.Name) else getattr(part, "attr", "")
            if isinstance(part, ast.Call) and self._may_be_any(part.func):
                if any(map(self._enters, list(self.functions))):
                    return True
            elif name in self.functions:
                if self._enters(name):
                    return True
            elif (
                isinstance(part, (ast.Attribute, ast.Name)) and name not in self.names and _FAILS.search(name)
            ):
                return True
            elif isinstance(part, (ast.BinOp, ast.Subscript)):
                inner = part.right if isinstance(part, ast.BinOp) else part.slice
                if any(isinstance(n, ast.Compare) for n in ast.walk(inner)):  # as in 1 / (f(1) == 2)
                    return True
                if isinstance(part, ast.Subscript) and not self.names.isdisjoint(_names([inner])):
                    return True  # as in {2: None}[f(1)]
        return False

    def _enters(self, name: str) -> bool:
        """Return whether a function of the tests can fail that was not looked at yet."""
        if name in self.seen:
            return False
        self.seen.add(name)
        return any(self.fails(f.body) for f in self.functions[name])  # type: ignore[attr-defined]

    def _may_be_any(self, called: ast.expr) -> bool:
        """Return whether what is called may be any function of the tests: `tests[0]()`."""
        if isinstance(called, ast.Name):
            return called.id in self.variables
        return isinstance(called, (ast.Call, ast.Subscript))

    def _is_empty(self, node: ast.expr) -> bool:
        """Return whether a loop over this never begins."""
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name == "range" and len(node.args) == 1:
                size = node.args[0]
                counted = isinstance(size, ast.Call) and getattr(size.func, "id", "") == "len" and size.args
                return _truth(size) is False or (bool(counted) and self._is_empty(size.args[0]))  # type: ignore[attr-defined]
            if name in _LOOKS and isinstance(node.func, ast.Attribute):
                return self._is_empty(node.func.value)
            return name in _LOOPS_OVER and any(map(self._is_empty, node.args))
        return _is_empty(node) or (isinstance(node, ast.Name) and node.id in self.empty)


def _own(body: Sequence[ast.stmt], names: Collection[str]) -> set[str]:
    """Return those of the names that tests define anew before they use any of them."""
    own: set[str] = set()
    for statement in body:
        if isinstance(statement, (*_FUNCTIONS, ast.ClassDef)) and statement.name in names:
            own.add(statement.name)
        elif not _names([statement]).isdisjoint(names):
            break
    return own


def _is_empty(node: ast.expr) -> bool:
    if isinstance(node, ast.Dict):
        return not node.keys
    return isinstance(node, (ast.List, ast.Tuple, ast.Set)) and not node.elts


def _truth(node: ast.expr) -> bool | None:
    """Return what a condition always is, None where that depends."""
    if isinstance(node, ast.Constant):
        return bool(node.value)
    if isinstance(node, ast.GeneratorExp):
        return True
    if isinstance(node, (ast.List, ast.Tuple, ast.Set, ast.Dict)):
        return not _is_empty(node)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        known = _truth(node.operand)
        return None if known is None else not known
    if isinstance(node, ast.BoolOp):
        parts = {_truth(part) for part in node.values}
        decides = isinstance(node.op, ast.Or)
        return decides if decides in parts else None if None in parts else not decides
    if isinstance(node, ast.Compare) and isinstance(node.left, ast.Constant) and len(node.ops) == 1:
        other = node.comparators[0]
        if isinstance(other, ast.Constant) and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            return (node.left.value == other.value) == isinstance(node.ops[0], ast.Eq)
    if ast.unparse(node) in GUARDS:
        return False
    return None


def _holds_always(test: ast.expr) -> bool:
    """Return whether an assertion holds whatever the candidate returns."""
    if (known := _truth(test)) is not None:
        return known
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], (ast.Eq, ast.Is)):
        sides = ast.dump(test.left), ast.dump(test.comparators[0])
        return sides[0] == sides[1]
    return not any(isinstance(node, ast.Name) for node in ast.walk(test))


def _names(nodes: Iterable[ast.AST]) -> set[str]:
    return {getattr(part, "id", getattr(part, "attr", "")) for node in nodes for part in ast.walk(node)}


def _catches(kind: ast.expr | None) -> bool:
    return kind is None or not _CATCHES.isdisjoint(_names([kind]))


def _suppresses(manager: ast.expr) -> bool:
    return (
        isinstance(manager, ast.Call)
        and "suppress" in _names([manager.func])
        and not _CATCHES.isdisjoint(_names(manager.args))
    )
