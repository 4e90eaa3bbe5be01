"""Finds the values that tests expect, and makes other values for their place.

A claim is a literal that is compared in a statement which has run whenever the tests end (`_certain`).
"""

from __future__ import annotations

import ast
import collections
import marshal
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

CHANCE = random.SystemRandom()
_LARGEST_VALUE = 100_000  # bytes of one expected value
_TOLERANCE = 100.0  # other values are farther away
_FOLDED: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (abs, bool, bytes, chr, dict, float, frozenset, int, len, list, max, min, ord, repr,
                     round, set, sorted, str, sum, tuple)
}  # fmt: skip
# Calls whose first two arguments must be equal, or near.
_EQUALITIES = frozenset(
    ("allclose", "array_equal", "isclose", "assertAlmostEqual", "assertCountEqual", "assertDictEqual",
     "assertEqual", "assertEquals", "assertListEqual", "assertMultiLineEqual", "assertSequenceEqual",
     "assertSetEqual", "assertTupleEqual", "assert_allclose", "assert_almost_equal",
     "assert_array_almost_equal", "assert_array_equal", "assert_equal")
)  # fmt: skip
_TOLERANCES = frozenset(("abs_tol", "atol", "delta", "places", "decimal", "rel_tol", "rtol"))


@dataclass(frozen=True)
class Claim:
    """An expected value.

    Attributes:
        node: its place in the syntax tree.
        within: how far a right result may be from it; 0.0 if it must be equal, None if that is not known.
    """

    node: ast.expr
    value: Any
    within: float | None

    def other(self, near: bool) -> Any:
        """Return another value, near this one if asked and possible."""
        return another(self.value, self.within if near else None)


def another(value: Any, within: float | None) -> Any:
    """Return a value of the same kind that is not equal.

    Args:
        value: plain data.
        within: how far a right result may be from it; None asks for a value that is far away.
    """
    if value is None or isinstance(value, bool):
        return not value
    if isinstance(value, complex):
        return complex(another(value.real, None), value.imag)
    if isinstance(value, (int, float)):
        if within is not None and isinstance(value, int):
            return value + CHANCE.choice((-1, 1)) * (int(4 * within) + 1)
        if within and math.isfinite(value):
            other = value + CHANCE.choice((-1, 1)) * within * CHANCE.randrange(4, 40)
            if abs(other - value) > 2 * within:
                return other
        # It also differs modulo each number up to sixteen.
        other = value + (abs(value) + 1) * 720720 * CHANCE.randrange(1, 9) + 1
        return other if isinstance(value, int) or math.isfinite(other) else 1e6
    if isinstance(value, bytes):
        return another(value.decode("latin-1"), within).encode("latin-1")
    if isinstance(value, str):
        if within is not None and value:
            place = CHANCE.randrange(len(value))
            return value[:place] + ("a" if value[place] != "a" else "b") + value[place + 1 :]
        return "".join(CHANCE.choices("abcdefghijklmnopqrstuvwxyz", k=len(value) + 1))
    number = CHANCE.randrange(10**6, 10**7)
    if not value:
        return {number: number} if isinstance(value, dict) else type(value)([number])
    if isinstance(value, dict):
        key = CHANCE.choice(list(value))
        return {**value, key: another(value[key], within)}
    items = list(value)
    place = CHANCE.randrange(len(items))
    items[place] = another(items[place], within)
    if isinstance(value, (set, frozenset)) and items[place] in value:
        items[place] = number
    return type(value)(items)


def claims(tree: ast.Module, *, of_methods: bool = False) -> Iterator[Claim]:
    """Yield the claims of tests, in their order.

    Args:
        tree: the tests.
        of_methods: yield those in the test methods of classes, instead of those in the module's statements.
    """
    bindings: dict[str, list[ast.expr]] = {}
    uses = _Uses(tree)
    if (
        "ANY" in uses.mentioned or "__eq__" in uses.mentioned
    ):  # the tests have an object that equals everything
        statements = [] if of_methods else tree.body[-1:]
    else:
        bodies = [f.body for f in _methods(tree)] if of_methods else [tree.body]
        statements = [s for body in bodies for s in _certain(body, uses, set(), bindings)]

    def literals(node: ast.expr) -> list[tuple[ast.expr, Any]]:
        named = isinstance(node, ast.Name) and node.id in uses.compared
        nodes = bindings.get(node.id, []) if named else [node]  # type: ignore[attr-defined]
        closed = [(node, *_closed(node)) for node in nodes]
        return [(node, value) for node, is_closed, value in closed if is_closed]

    claimed: set[ast.expr] = set()
    for statement in statements:
        left, right, within = _sides(statement, uses.imported)
        if left is None or right is None:
            continue
        expected, given = literals(right), literals(left)
        if expected and given and statement is not tree.body[-1]:
            continue
        for node, value in expected or given:
            if node not in claimed:
                claimed.add(node)
                yield Claim(node, value, within)


def _sides(statement: ast.stmt, imported: set[str]) -> tuple[ast.expr | None, ast.expr | None, float | None]:
    """Return the two expressions that a statement says are equal, and how near they must be."""
    test = statement.test if isinstance(statement, ast.Assert) else None
    if isinstance(statement, ast.Expr) and called_name(statement.value).startswith("assert"):
        test = statement.value
    if isinstance(statement, ast.If) and isinstance(statement.body[0], ast.Raise) and not statement.orelse:
        test = statement.test
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        left, right, operator = test.left, test.comparators[0], type(test.ops[0])
        if operator is (ast.NotEq if isinstance(statement, ast.If) else ast.Eq):
            return left, right, 0.0
        if isinstance(statement, ast.If):
            return None, None, None
        single = isinstance(right, ast.Constant) and (right.value is None or isinstance(right.value, bool))
        if operator is ast.Is and single:
            return left, right, 0.0
        if operator in (ast.Lt, ast.LtE) and _is_small(right) and called_name(left) in ("abs", "fabs"):
            distance = left.args[0] if isinstance(left, ast.Call) and left.args else None
            if isinstance(distance, ast.BinOp) and isinstance(distance.op, ast.Sub):
                return distance.left, distance.right, float(_closed(right)[1])
    if isinstance(test, ast.Call) and not isinstance(statement, ast.If) and called_name(test) in _EQUALITIES:
        # It must be imported or inherited: a function of the tests' own may mean something else.
        near = all(k.arg not in _TOLERANCES or _is_small(k.value) for k in test.keywords)
        if near and len(test.args) in (2, 3) and _root(test.func) in imported | {"self"}:
            return test.args[0], test.args[1], None
    return None, None, None


def _methods(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for kind in tree.body:
        for node in kind.body if isinstance(kind, ast.ClassDef) else ():
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
                yield node


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_small(node: ast.expr) -> bool:
    literal, value = _closed(node)
    return literal and isinstance(value, (int, float)) and value < _TOLERANCE


def _certain(
    body: list[ast.stmt], uses: _Uses, entered: set[str], bindings: dict[str, list[ast.expr]]
) -> Iterator[ast.stmt]:
    """Yield the statements that have run once the end of a block is reached; add their `bindings`."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            _bind(statement.targets[0], statement.value, bindings)
        call = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in uses.functions:
            called = uses.functions[call.func.id]
            for parameter, argument in zip(called.args.args, call.args, strict=False):
                if isinstance(argument, ast.Starred):
                    break
                _bind(ast.Name(parameter.arg), argument, bindings)
            if called.name not in entered:
                entered.add(called.name)
                yield from _certain(called.body, uses, entered, bindings)
        elif isinstance(statement, ast.For):
            items = _items(statement.iter, uses, bindings)
            leaves = (ast.Break, ast.Continue, ast.Return)
            if items and not any(isinstance(node, leaves) for node in _within(statement)):
                for item in items:
                    _bind(statement.target, item, bindings)
                yield from _certain(statement.body, uses, entered, bindings)
        if any(isinstance(node, ast.Return) for node in _within(statement)):
            return


def _bind(target: ast.expr, value: ast.expr, bindings: dict[str, list[ast.expr]]) -> None:
    if isinstance(target, ast.Name):
        bindings.setdefault(target.id, []).append(value)
        return
    targets, values = getattr(target, "elts", []), getattr(value, "elts", [])
    if len(targets) == len(values) and not any(isinstance(e, ast.Starred) for e in (*targets, *values)):
        for inner, item in zip(targets, values, strict=True):
            _bind(inner, item, bindings)


def _items(node: ast.expr, uses: _Uses, bindings: dict[str, list[ast.expr]]) -> list[ast.expr]:
    """Return the expressions that a loop goes through; [] if it is not known, or there are none."""
    if isinstance(node, ast.Name) and node.id in uses.single and len(bindings.get(node.id, [])) == 1:
        node = bindings[node.id][0]
    if isinstance(node, (ast.List, ast.Tuple)):
        return [] if any(isinstance(item, ast.Starred) for item in node.elts) else node.elts
    if isinstance(node, ast.Call) and not node.keywords and isinstance(node.func, ast.Name):
        parts = [_items(argument, uses, bindings) for argument in node.args]
        if node.func.id == "zip" and len(set(map(len, parts))) == 1:
            return [ast.Tuple(list(row)) for row in zip(*parts, strict=True)]
        if node.func.id == "enumerate" and len(parts) == 1:
            return [ast.Tuple([ast.Constant(number), item]) for number, item in enumerate(parts[0])]
        if node.func.id == "range" and len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
            most = node.args[0].value
            return [ast.Constant(0)] if isinstance(most, int) and most > 0 else []
    return []


class _Uses:
    """What names are used for in tests.

    Attributes:
        functions: plain functions of the module, by name, if the name means nothing else.
        compared: names that get a value in one place and are only used in comparisons by `==`; so no inputs.
        single: names that get a value in one place and are used in one.
        imported: names that an import binds.
        mentioned: all names, those of attributes and methods included.
    """

    def __init__(self, tree: ast.Module) -> None:
        made = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        bound: collections.Counter[str] = collections.Counter()
        loaded: collections.Counter[str] = collections.Counter()
        sides: collections.Counter[str] = collections.Counter()
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                (loaded if isinstance(node.ctx, ast.Load) else bound)[node.id] += 1
            elif isinstance(node, ast.arg):
                bound[node.arg] += 1
            elif isinstance(node, made):
                bound[node.name] += 1
            elif isinstance(node, (ast.Global, ast.Nonlocal)):
                bound.update(2 * node.names)
            elif isinstance(node, ast.Compare) and {*map(type, node.ops)} <= {ast.Eq, ast.NotEq}:
                sides.update(s.id for s in (node.left, *node.comparators) if isinstance(s, ast.Name))
        attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        self.mentioned = bound.keys() | loaded.keys() | attributes
        once = {name for name, times in bound.items() if times == 1}
        self.compared = {name for name in once if loaded[name] == sides[name]}
        self.single = {name for name in once if loaded[name] == 1}
        self.functions = {
            node.name: node
            for node in tree.body
            if isinstance(node, ast.FunctionDef)
            and node.name in once
            and not node.decorator_list
            and not any(isinstance(inner, (ast.Yield, ast.YieldFrom)) for inner in ast.walk(node))
        }
        self.imported = {
            (alias.asname or alias.name).partition(".")[0]
            for alias in ast.walk(tree)
            if isinstance(alias, ast.alias)
        }


def _within(statement: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a statement, except those inside functions and classes in it."""
    yield statement
    for child in ast.iter_child_nodes(statement):
        if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield from _within(child)


def _closed(node: ast.expr) -> tuple[bool, Any]:
    """Return whether an expression consists only of literals, and its value."""
    try:
        value = _value(node)
        if len(marshal.dumps(value)) <= _LARGEST_VALUE:
            return True, value
    except Exception:  # it names something, or has no value
        pass
    return False, None


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and node.value is not ...:
        return node.value
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        kind = {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)]
        return kind(map(_value, node.elts))
    if isinstance(node, ast.Dict):
        return {_value(k): _value(v) for k, v in zip(node.keys, node.values, strict=True)}  # type: ignore[arg-type]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        value = _value(node.operand)
        return -value if isinstance(node.op, ast.USub) else +value
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult) and all(isinstance(v, (int, float, complex)) for v in (left, right)):
            return left * right
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _FOLDED[node.func.id](*map(_value, node.args))
    raise ValueError


def called_name(call: ast.expr) -> str:
    """Return the last part of the name that is called, or ""."""
    function = call.func if isinstance(call, ast.Call) else None
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
