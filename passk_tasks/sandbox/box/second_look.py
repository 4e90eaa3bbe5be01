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
import collections
import contextlib
import functools
import marshal
import math
import secrets
import sys
import types
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from passk_tasks.sandbox.box.in_one_process import SEEN, UNMASK

FILE = "/box/tests.py"
_CHANCE = secrets.SystemRandom()
_LARGEST = 100_000  # characters of tests whose syntax tree is looked at: it takes a hundred times as much
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
        self._source = source
        self._number = secrets.randbelow(1 << 30)
        self.modules: list[str] = []
        self._used: list[str] = []
        self._helpers = ""
        # Constants of the tests, and what makes another of each, near to it or far.
        self._claims: list[tuple[ast.Constant, Callable[[bool], Any]]] = []
        self._is_bare = False  # of claims but the one that is put below
        self._tree: ast.Module | None = None
        self._others: list[dict[str, Any]] = []
        closed = self._closed_by(self._number)
        self._whole = compile(closed, FILE, "exec", dont_inherit=True)
        if len(source) <= _LARGEST:
            # Deeper than a syntax tree may be: they run as they are.
            with contextlib.suppress(RecursionError, MemoryError):
                self._look_at(ast.parse(closed), frozenset(names), prelude)

    def _closed_by(self, number: int) -> str:
        return f"{self._source}\nassert {self._number} == {number}\n"

    def message(self) -> dict[str, Any]:
        """Return the tests themselves."""
        return self._message(self._whole)

    def others(self) -> list[dict[str, Any]]:
        """Return tests that no right program passes, made when first asked for.

        One has a value next to the last expected one, as what a program may know of tests are the first; one
        has a value that is far from some expected one.
        """
        if self._others:
            return self._others
        if self._tree is None:
            code = compile(self._closed_by(self._number + 1), FILE, "exec", dont_inherit=True)
            self._others = [self._message(code)]
            return self._others
        tried = ((self._claims[-1], True), (_CHANCE.choice(self._claims), False))
        for (literal, make), near in tried[: 1 if self._is_bare else 2]:
            kept, literal.value = literal.value, make(near)
            self._others.append(self._message(_compiled(self._tree)))
            literal.value = kept
        self._claims, self._tree = [], None  # many times as large as the code
        return self._others

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
        expected = {claim.node: claim for claim in _claims(tree)}
        shown = _Shown(self._mask, expected, _defined(tree) | vars(builtins).keys() - names)
        tree = shown.visit(tree)
        ast.fix_missing_locations(tree)
        claims: list[tuple[ast.Constant, Callable[[bool], Any]]] = [
            (constant, make) for constant in _executed(tree) for make in _texts(constant.value)
        ]
        for node, claim in expected.items():
            if node in shown.masked:
                claims.append((shown.masked[node], functools.partial(self._other_of, claim)))
        # The last one is below the tests; it serves where they have none.
        self._claims, self._is_bare = claims[:-1] or claims, len(claims) == 1
        self._whole = _compiled(tree)
        self._tree = tree

    def _other_of(self, claim: _Claim, near: bool) -> bytes:
        return self._mask(claim.other(near))

    def _mask(self, value: Any) -> bytes:
        """Return a value such that it cannot be found by what it looks like."""
        text = marshal.dumps(value)
        mask = (self._key * (len(text) // len(self._key) + 1))[: len(text)]
        return bytes(a ^ b for a, b in zip(text, mask, strict=True))


@dataclass(frozen=True)
class _Claim:
    """An expected value.

    Attributes:
        node: where it stands.
        value: what it is.
        within: how far from it a right result may be; 0.0 where it must be equal, None if not known.
    """

    node: ast.expr
    value: Any
    within: float | None

    def other(self, near: bool) -> Any:
        """Return another value, near to this one where that can be."""
        return another(self.value, self.within if near else None)


def another(value: Any, within: float | None) -> Any:
    """Return a value of the same kind that is not equal.

    Args:
        value: plain data.
        within: how far a result may be from it; None for a value that is far away.
    """
    if value is None or isinstance(value, bool):
        return not value
    if isinstance(value, complex):
        return complex(another(value.real, None), value.imag)
    if isinstance(value, (int, float)):
        if within is not None and isinstance(value, int):
            return value + _CHANCE.choice((-1, 1)) * (int(4 * within) + 1)
        if within and math.isfinite(value):
            other = value + _CHANCE.choice((-1, 1)) * within * _CHANCE.randrange(4, 40)
            if abs(other - value) > 2 * within:
                return other
        # Another by whatever modulus up to sixteen, too.
        other = value + (abs(value) + 1) * 720720 * _CHANCE.randrange(1, 9) + 1
        return other if isinstance(value, int) or math.isfinite(other) else 1e6
    if isinstance(value, bytes):
        return another(value.decode("latin-1"), within).encode("latin-1")
    if isinstance(value, str):
        if within is not None and value:
            place = _CHANCE.randrange(len(value))
            return value[:place] + ("a" if value[place] != "a" else "b") + value[place + 1 :]
        return "".join(_CHANCE.choices("abcdefghijklmnopqrstuvwxyz", k=len(value) + 1))
    number = _CHANCE.randrange(10**6, 10**7)
    if not value:
        return {number: number} if isinstance(value, dict) else type(value)([number])
    if isinstance(value, dict):
        key = _CHANCE.choice(list(value))
        return {**value, key: another(value[key], within)}
    items = list(value)
    place = _CHANCE.randrange(len(items))
    items[place] = another(items[place], within)
    if isinstance(value, (set, frozenset)) and items[place] in value:
        items[place] = number
    return type(value)(items)


class _Shown(ast.NodeTransformer):
    """Masks expected values, and has what the candidate returns looked at."""

    def __init__(
        self, mask: Callable[[Any], bytes], expected: dict[ast.expr, _Claim], trusted: set[str]
    ) -> None:
        self._mask, self._expected, self._trusted = mask, expected, trusted
        self.masked: dict[ast.expr, ast.Constant] = {}

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.expr) and node in self._expected:
            literal = ast.Constant(self._mask(self._expected[node].value))
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


def _executed(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield the texts that tests give to `exec`."""
    for node in ast.walk(tree):
        text = node.args[0] if isinstance(node, ast.Call) and _name(node) == "exec" and node.args else None
        if isinstance(text, ast.Constant):
            yield text


def _texts(text: object) -> Iterator[Callable[[bool], str]]:
    """Yield what makes another of a program that runs test classes, or has one in a literal.

    Every test method must have passed for such a program to end, but for those that may be skipped.
    """
    if not isinstance(text, str) or "\r" in text:
        return
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    if "skip" not in text and "expectedFailure" not in text:
        for claim in _claims(tree, of_methods=True):
            yield functools.partial(_spliced, text, claim.node, claim.other)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and "TestCase" in str(node.value):
            for make in _texts(node.value):
                yield functools.partial(_spliced, text, node, make)


def _spliced(text: str, node: ast.expr, make: Callable[[bool], Any], near: bool) -> str:
    """Return a program with another value in place of an expression."""
    lines = text.encode().split(b"\n")  # columns are in bytes
    head = b"\n".join([*lines[: node.lineno - 1], lines[node.lineno - 1][: node.col_offset]])
    last = (node.end_lineno or node.lineno) - 1
    tail = b"\n".join([lines[last][node.end_col_offset or 0 :], *lines[last + 1 :]])
    return (head + f"({make(near)!r})".encode() + tail).decode()


def _claims(tree: ast.Module, *, of_methods: bool = False) -> Iterator[_Claim]:
    """Yield the expected values that are compared in any case, in their order.

    Args:
        tree: the tests.
        of_methods: those in the test methods of its classes, instead of those in its statements.
    """
    bindings: dict[str, list[ast.expr]] = {}
    uses = _Uses(tree)
    if "ANY" in uses.mentioned or "__eq__" in uses.mentioned:  # they have something that equals all of it
        statements = [] if of_methods else tree.body[-1:]
    else:
        bodies = [f.body for f in _methods(tree)] if of_methods else [tree.body]
        statements = [s for body in bodies for s in _certain(body, uses, set(), bindings)]

    def literals(node: ast.expr) -> list[tuple[ast.expr, Any]]:
        nodes = (
            bindings.get(node.id, []) if isinstance(node, ast.Name) and node.id in uses.compared else [node]
        )
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
                yield _Claim(node, value, within)


def _sides(statement: ast.stmt, imported: set[str]) -> tuple[ast.expr | None, ast.expr | None, float | None]:
    """Return the two expressions of a statement that says that they are equal, and how near they must be."""
    test = statement.test if isinstance(statement, ast.Assert) else None
    if isinstance(statement, ast.Expr) and _name(statement.value).startswith("assert"):
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
        if operator in (ast.Lt, ast.LtE) and _is_small(right) and _name(left) in ("abs", "fabs"):
            distance = left.args[0] if isinstance(left, ast.Call) and left.args else None
            if isinstance(distance, ast.BinOp) and isinstance(distance.op, ast.Sub):
                return distance.left, distance.right, float(_closed(right)[1])
    if isinstance(test, ast.Call) and not isinstance(statement, ast.If) and _name(test) in _EQUALITIES:
        # Of what the tests import or inherit: a function of their own may mean something else.
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
    """Yield the statements that have run if the end of a block was reached; add to what names stand for."""
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
    """Return the expressions that a loop is about, [] where that is not known, or is none."""
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
        functions: plain functions of the module, by a name that means nothing else.
        compared: names that get a value in one place, and are used for nothing but a comparison by `==`; an
            input is not among them.
        single: names that get a value in one place and are used in one.
        imported: names that an import gave a meaning to.
        mentioned: all names, those of attributes and methods too.
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
            elif isinstance(node, ast.Compare) and all(
                isinstance(op, (ast.Eq, ast.NotEq)) for op in node.ops
            ):
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
    """Yield the nodes of a statement, without those of functions and classes in it."""
    yield statement
    for child in ast.iter_child_nodes(statement):
        if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield from _within(child)


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
