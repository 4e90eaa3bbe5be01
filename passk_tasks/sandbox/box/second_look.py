"""Prepares tests for the judge `script`: those that a candidate has to pass, and others that it must not.

A program that passes is run once more, in a fresh process, against the same tests but for one expected
value, which is another. A right program cannot pass both. One that passes whatever it is asked does: it
equals everything, jumps over the tests, reads the expected value where it finds it, or sends the proof
itself. Both are made alike, so that nothing but the value tells which of the two it is in.

The value that changes is in a statement that runs in any case, if the tests end at all (`_certain`); where no
such statement has a literal, it is in one that is put below the tests.
"""

from __future__ import annotations

import ast
import builtins
import marshal
import random
import secrets
import sys
import types
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from passk_tasks.sandbox.box.in_one_process import SEEN, UNMASK

FILE = "/box/tests.py"
_LARGEST = 200_000  # characters of tests whose syntax tree is looked at: it takes a hundred times as much
_LARGEST_VALUE = 100_000  # bytes of one expected value
_TOLERANCE = 100.0  # other values are further away
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
# Loading these does something.
_NEVER_LOADED = frozenset(
    ("antigravity", "this", "idlelib", "tkinter", "turtle", "turtledemo", "lib2to3", "test")
)


class Prepared:
    """Tests of one stage, as they are sent.

    Args:
        source: the tests.
        names: names in them that mean the candidate's.
        prelude: functions that the tests use, where the candidate may have changed its own.

    Attributes:
        modules: what the tests import, as far as it may be loaded before the candidate is.

    Raises:
        SyntaxError, ValueError: the tests are no Python.
    """

    def __init__(self, source: str, names: Iterable[str], prelude: str) -> None:
        self._key = secrets.token_bytes(64)
        self._claims: list[tuple[ast.Constant, Any]] = []
        number = secrets.randbelow(1 << 30)
        closed = f"{source}\nassert {number} == {number}\n"
        self._tree: ast.Module | None = None
        self._whole = compile(closed, FILE, "exec", dont_inherit=True)
        self._other = compile(f"{source}\nassert {number} == {number + 1}\n", FILE, "exec", dont_inherit=True)
        self.modules: list[str] = []
        self._used: list[str] = []
        self._helpers = ""
        if len(source) <= _LARGEST:
            try:
                self._look_at(ast.parse(closed), frozenset(names), prelude)
            except (RecursionError, MemoryError):
                self._tree = None

    def message(self) -> dict[str, Any]:
        """Return the tests themselves."""
        return self._message(self._whole)

    def other(self) -> dict[str, Any]:
        """Return tests that no right program passes."""
        if self._tree is None:
            return self._message(self._other)
        literal, value = secrets.choice(self._claims)
        kept, literal.value = literal.value, self._mask(another(value))
        try:
            return self._message(_compiled(self._tree))
        finally:
            literal.value = kept

    def _message(self, code: types.CodeType) -> dict[str, Any]:
        return {
            "code": marshal.dumps(code).hex(),
            "key": self._key.hex(),
            "used": self._used,
            "helpers": self._helpers,
        }

    def _look_at(self, tree: ast.Module, names: frozenset[str], prelude: str) -> None:
        bound = _bound(tree)
        loaded = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - bound - names
        mentioned = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)} | bound
        self.modules = sorted(_imported(tree))
        self._used = sorted((loaded & vars(builtins).keys()) | ({"ANY"} & (mentioned | loaded)))
        helpers = _functions_only(prelude)
        if helpers is not None and (own := loaded & _bound(helpers)):
            self._used += sorted(own)
            self._helpers = marshal.dumps(compile(helpers, "<prelude>", "exec", dont_inherit=True)).hex()
        expected = dict(_expected(tree))
        shown = _Shown(self._mask, expected, _defined(tree) | vars(builtins).keys() - names)
        tree = shown.visit(tree)
        ast.fix_missing_locations(tree)
        # The last one is below the tests; it serves where they have none.
        claims = [(shown.masked[node], value) for node, value in expected.items() if node in shown.masked]
        self._claims = claims[:-1] or claims
        self._whole = _compiled(tree)
        self._tree = tree

    def _mask(self, value: Any) -> bytes:
        """Return a value such that it cannot be found by what it looks like."""
        text = marshal.dumps(value)
        mask = (self._key * (len(text) // len(self._key) + 1))[: len(text)]
        return bytes(a ^ b for a, b in zip(text, mask, strict=True))


def another(value: Any) -> Any:
    """Return a value of the same kind that is far from equal."""
    if value is None or isinstance(value, bool):
        return not value
    if isinstance(value, (int, float, complex)):
        # Another by whatever modulus up to sixteen, too.
        away = (abs(value) + 1) * 720720 * random.randrange(1, 9) + 1
        other = value + away
        return other if isinstance(value, int) or abs(other) < float("inf") else 1e6
    if isinstance(value, (str, bytes)):
        letters = "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=len(value) + 1))
        return letters if isinstance(value, str) else letters.encode()
    number = random.randrange(10**6, 10**7)
    if not value:
        return {number: number} if isinstance(value, dict) else type(value)([number])
    if isinstance(value, dict):
        key = random.choice(list(value))
        return {**value, key: another(value[key])}
    items = list(value)
    place = random.randrange(len(items))
    items[place] = another(items[place])
    if isinstance(value, (set, frozenset)) and items[place] in value:  # {True, False} has no other member
        items[place] = number
    return type(value)(items)


class _Shown(ast.NodeTransformer):
    """Masks expected values, and has what the candidate returns looked at."""

    def __init__(
        self, mask: Callable[[Any], bytes], expected: dict[ast.expr, Any], trusted: frozenset[str] | set[str]
    ) -> None:
        self._mask, self._expected, self._trusted = mask, expected, trusted
        self.masked: dict[ast.expr, ast.Constant] = {}

    def visit(self, node: ast.AST) -> Any:
        if node in self._expected:
            literal = ast.Constant(self._mask(self._expected[node]))
            self.masked[node] = literal
            return ast.copy_location(_call(UNMASK, literal), node)
        return super().visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if _name(node).startswith("assert"):
            node.args = [_seen(argument) for argument in node.args]
        if isinstance(node.func, ast.Name) and node.func.id in self._trusted:
            return node
        return _seen(node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        node.left = _seen(node.left)
        node.comparators = [_seen(side) for side in node.comparators]
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return node


def _seen(node: ast.expr) -> ast.expr:
    if isinstance(node, (ast.Constant, ast.Starred, ast.Lambda)):
        return node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Constant):
        return node
    return ast.copy_location(_call(SEEN, node), node)


def _call(function: str, argument: ast.expr) -> ast.Call:
    return ast.Call(ast.Constant(function), [argument], [])


def _compiled(tree: ast.Module) -> types.CodeType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # a constant that is called
        code: types.CodeType = compile(tree, FILE, "exec", dont_inherit=True)
        return code


def _expected(tree: ast.Module) -> Iterator[tuple[ast.expr, Any]]:
    """Yield the expected values in statements that run in any case, in their order: (expression, value)."""
    functions = _once(tree)
    statements = list(_certain(tree.body, functions, set()))
    assigned = {
        statement.targets[0].id: statement.value
        for statement in statements
        if isinstance(statement, ast.Assign)
        and len(statement.targets) == 1
        and isinstance(statement.targets[0], ast.Name)
    }
    only_compared = _only_compared(tree)
    yielded: set[ast.expr] = set()
    for statement in statements:
        for one, other in _sides(statement):
            literal, value = _closed(one)
            second, _ = _closed(other)
            if isinstance(one, ast.Name) and one.id in assigned and one.id in only_compared:
                node = assigned[one.id]
                literal, value = _closed(node)
                if literal and not (isinstance(other, ast.Name) and other.id in assigned):
                    if node not in yielded:
                        yielded.add(node)
                        yield node, value
                    break
            elif literal and (not second or statement is tree.body[-1]):
                yielded.add(one)
                yield one, value
                break


def _sides(statement: ast.stmt) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield the two expressions of a statement that says that they are equal or near, either first."""
    test = statement.test if isinstance(statement, ast.Assert) else None
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        test = statement.value if _name(statement.value).startswith("assert") else None
    pair: list[ast.expr] = []
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        left, right = test.left, test.comparators[0]
        if isinstance(test.ops[0], ast.Eq):
            pair = [left, right]
        elif isinstance(test.ops[0], ast.Is):
            pair = [side for side in (left, right) if not isinstance(side, ast.Constant)]
            pair += [
                s for s in (left, right) if isinstance(s, ast.Constant) and s.value in (None, True, False)
            ]
        elif isinstance(test.ops[0], (ast.Lt, ast.LtE)) and _is_small(right):
            distance = left.args[0] if isinstance(left, ast.Call) and left.args else None
            if isinstance(distance, ast.BinOp) and isinstance(distance.op, ast.Sub):
                pair = [distance.left, distance.right] if _name(left) in ("abs", "fabs") else []
    elif isinstance(test, ast.Call) and _name(test) in _EQUALITIES and len(test.args) in (2, 3):
        near = all(k.arg not in _TOLERANCES or _is_small(k.value) for k in test.keywords)
        pair = test.args[:2] if near else []
    if len(pair) == 2:
        yield pair[1], pair[0]
        yield pair[0], pair[1]


def _is_small(node: ast.expr) -> bool:
    literal, value = _closed(node)
    return literal and isinstance(value, (int, float)) and value < _TOLERANCE


def _certain(
    body: list[ast.stmt], functions: dict[str, ast.FunctionDef], entered: set[str]
) -> Iterator[ast.stmt]:
    """Yield the statements that have run if the end of a block was reached."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            called = functions.get(_name(statement.value))
            if (
                called is not None
                and called.name not in entered
                and isinstance(statement.value.func, ast.Name)
            ):
                entered.add(called.name)
                yield from _certain(called.body, functions, entered)
        elif isinstance(statement, ast.For) and _runs(statement):
            yield from _certain(statement.body, functions, entered)
        if any(isinstance(node, ast.Return) for node in _within(statement)):
            return


def _runs(loop: ast.For) -> bool:
    """Whether the body of a loop runs to its end, once at least."""
    if any(isinstance(node, (ast.Break, ast.Continue)) for node in ast.walk(loop)):
        return False
    over = loop.iter
    if isinstance(over, ast.Call) and _name(over) == "range" and len(over.args) == 1:
        over = over.args[0]
        return isinstance(over, ast.Constant) and isinstance(over.value, int) and over.value > 0
    return isinstance(over, (ast.List, ast.Tuple)) and bool(over.elts)


def _within(statement: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a statement, without those of functions and classes in it."""
    yield statement
    for child in ast.iter_child_nodes(statement):
        if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield from _within(child)


def _once(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    """Return the module's plain functions whose name means nothing else."""
    made = [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]
    stored = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)]
    names = [n.name for n in made] + stored
    return {
        node.name: node
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and names.count(node.name) == 1
        and not node.decorator_list
        and not any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in ast.walk(node))
    }


def _only_compared(tree: ast.Module) -> set[str]:
    """Return names that are assigned to once and used nowhere but beside `==`: no input among them."""
    sides = {
        id(side)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and all(isinstance(op, ast.Eq) for op in node.ops)
        for side in (node.left, *node.comparators)
    }
    stored: list[str] = []
    elsewhere: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                stored.append(node.id)
            elif id(node) not in sides:
                elsewhere.add(node.id)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            elsewhere.update(node.names)
        elif isinstance(node, ast.arg):
            elsewhere.add(node.arg)
    return {name for name in stored if stored.count(name) == 1} - elsewhere


def _closed(node: ast.expr) -> tuple[bool, Any]:
    """Return whether an expression is made of literals alone, and its value."""
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
        items = [_value(item) for item in node.elts]
        return (
            items
            if isinstance(node, ast.List)
            else tuple(items)
            if isinstance(node, ast.Tuple)
            else set(items)
        )
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


def _name(call: ast.expr) -> str:
    """Return the last part of what is called, or ""."""
    function = call.func if isinstance(call, ast.Call) else None
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _bound(tree: ast.AST) -> frozenset[str]:
    """Return the names that a text gives a meaning to, wherever."""
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            bound.add(node.name)
    return frozenset(bound)


def _defined(tree: ast.Module) -> set[str]:
    """Return the names of functions, classes and modules of the tests' own."""
    made = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    defined = {node.name for node in ast.walk(tree) if isinstance(node, made)}
    return defined | {
        (n.asname or n.name).partition(".")[0] for n in ast.walk(tree) if isinstance(n, ast.alias)
    }


def _imported(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    allowed = (sys.stdlib_module_names | {"numpy"}) - _NEVER_LOADED
    return {name for name in found if name.partition(".")[0] in allowed}


def _functions_only(prelude: str) -> ast.Module | None:
    """Return a prelude of imports and functions, None for one with more.

    A class of the tests' own is another than the candidate's of that name, and so are the objects of it.
    """
    try:
        tree = ast.parse(prelude)
    except (SyntaxError, ValueError, RecursionError):
        return None
    plain = (ast.Import, ast.ImportFrom, ast.FunctionDef)
    return tree if tree.body and all(isinstance(s, plain) or _is_text(s) for s in tree.body) else None


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
