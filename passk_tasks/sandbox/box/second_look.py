"""Prepares tests for the judge `script`: those that a candidate has to pass, and others that it must not.

A program that passes runs again, in a fresh process, against the same tests with one expected value changed.
A right program cannot pass both. A program passes both if it equals everything, skips the tests, reads the
expected value, or sends the proof itself. Both tests are made alike, so that only the value tells them apart.

The changed value is in a statement that has run whenever the tests end (`claims`). If no such statement has a
literal, it is in a statement that is added below the tests.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import functools
import marshal
import os
import sys
import types
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from passk_tasks.sandbox.box.claims import CHANCE, Claim, called_name, claims
from passk_tasks.sandbox.box.in_one_process import SEEN, UNMASK

FILE = "/box/tests.py"
_LARGEST = 100_000  # characters of tests that are parsed: a syntax tree takes a hundred times as much memory
# Importing these has an effect.
_NEVER_LOADED = frozenset(
    ("antigravity", "this", "idlelib", "tkinter", "turtle", "turtledemo", "lib2to3", "test")
)


class Prepared:
    """Tests of one stage, in the form in which they are sent.

    Args:
        source: the tests.
        names: names in them that mean the candidate's objects.
        prelude: functions that the tests use; the candidate may have changed its own copies.

    Attributes:
        modules: modules that the tests import and that may be loaded before the candidate.

    Raises:
        SyntaxError, ValueError: the tests are not Python.
    """

    def __init__(self, source: str, names: Iterable[str], prelude: str) -> None:
        self._key = os.urandom(64)
        self._source = source
        self._number = CHANCE.randrange(1 << 30)
        self.modules: list[str] = []
        self._used: list[str] = []
        self._helpers = ""
        # Constants of the tests, each with a function that makes another value for it, near or far.
        self._claims: list[tuple[ast.Constant, Callable[[bool], Any]]] = []
        self._is_bare = False  # whether the only claim is the one added below the tests
        self._tree: ast.Module | None = None
        self._others: list[dict[str, Any]] = []
        closed = self._closed_by(self._number)
        self._whole = compile(closed, FILE, "exec", dont_inherit=True)
        if len(source) <= _LARGEST:
            # Tests that nest deeper than a syntax tree may be run as they are.
            with contextlib.suppress(RecursionError, MemoryError):
                self._look_at(ast.parse(closed), frozenset(names), prelude)

    def _closed_by(self, number: int) -> str:
        return f"{self._source}\nassert {self._number} == {number}\n"

    def message(self) -> dict[str, Any]:
        """Return the tests themselves."""
        return self._message(self._whole)

    def others(self) -> list[dict[str, Any]]:
        """Return tests that no right program passes; they are made when first asked for.

        In one the last expected value is a little different: if a program knows some of the tests, it knows
        the first ones. In another some expected value is far from the right one.
        """
        if self._others:
            return self._others
        if self._tree is None:
            code = compile(self._closed_by(self._number + 1), FILE, "exec", dont_inherit=True)
            self._others = [self._message(code)]
            return self._others
        tried = ((self._claims[-1], True), (CHANCE.choice(self._claims), False))
        for (literal, make), near in tried[: 1 if self._is_bare else 2]:
            kept, literal.value = literal.value, make(near)
            self._others.append(self._message(_compiled(self._tree)))
            literal.value = kept
        self._claims, self._tree = [], None  # they are many times as large as the code
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
        expected = {claim.node: claim for claim in claims(tree)}
        shown = _Shown(self._mask, expected, _defined(tree) | vars(builtins).keys() - names)
        tree = shown.visit(tree)
        ast.fix_missing_locations(tree)
        self._claims = [(text, make) for text in _executed(tree) for make in _texts(text.value)]
        for node, claim in expected.items():
            if node in shown.masked:
                self._claims.append((shown.masked[node], functools.partial(self._other_of, claim)))
        # The last one is the one added below the tests; it is used if they have no other.
        self._is_bare = len(self._claims) == 1
        self._claims = self._claims[:-1] or self._claims
        self._whole = _compiled(tree)
        self._tree = tree

    def _other_of(self, claim: Claim, near: bool) -> bytes:
        return self._mask(claim.other(near))

    def _mask(self, value: Any) -> bytes:
        """Return a value as masked bytes, so that nobody finds it by what it looks like."""
        text = marshal.dumps(value)
        mask = (self._key * (len(text) // len(self._key) + 1))[: len(text)]
        return bytes(a ^ b for a, b in zip(text, mask, strict=True))


class _Shown(ast.NodeTransformer):
    """Masks expected values, and puts calls of `SEEN` around what the candidate may have made."""

    def __init__(
        self, mask: Callable[[Any], bytes], expected: dict[ast.expr, Claim], trusted: set[str]
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
        if called_name(node).startswith("assert"):
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
        warnings.simplefilter("ignore", SyntaxWarning)  # the tree calls constants
        code: types.CodeType = compile(tree, FILE, "exec", dont_inherit=True)
        return code


def _executed(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield the texts that tests give to `exec`."""
    for node in ast.walk(tree):
        is_exec = isinstance(node, ast.Call) and called_name(node) == "exec"
        text = node.args[0] if is_exec and node.args else None  # type: ignore[attr-defined]
        if isinstance(text, ast.Constant):
            yield text


def _texts(text: object) -> Iterator[Callable[[bool], str]]:
    """Yield functions that change an expected value in a text that runs test classes, or holds such a text.

    Such a text only ends well if every test method has passed, except those that may be skipped.
    """
    if not isinstance(text, str) or "\r" in text:
        return
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    if "skip" not in text and "expectedFailure" not in text:
        for claim in claims(tree, of_methods=True):
            yield functools.partial(_spliced, text, claim.node, claim.other)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and "TestCase" in str(node.value):
            for make in _texts(node.value):
                yield functools.partial(_spliced, text, node, make)


def _spliced(text: str, node: ast.expr, make: Callable[[bool], Any], near: bool) -> str:
    """Return a program with another value in the place of an expression."""
    lines = text.encode().split(b"\n")  # columns are in bytes
    head = b"\n".join([*lines[: node.lineno - 1], lines[node.lineno - 1][: node.col_offset]])
    last = (node.end_lineno or node.lineno) - 1
    tail = b"\n".join([lines[last][node.end_col_offset or 0 :], *lines[last + 1 :]])
    return (head + f"({make(near)!r})".encode() + tail).decode()


def _bound(tree: ast.AST) -> frozenset[str]:
    """Return the names that the code binds anywhere."""
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
    """Return the names of functions and classes that the tests define, and of what they import."""
    made = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    defined = {node.name for node in ast.walk(tree) if isinstance(node, made)}
    return defined | {
        (n.asname or n.name).partition(".")[0] for n in ast.walk(tree) if isinstance(n, ast.alias)
    }


def _imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    allowed = (sys.stdlib_module_names | {"numpy"}) - _NEVER_LOADED
    return {name for name in names if name.partition(".")[0] in allowed}


def _functions_only(prelude: str) -> ast.Module | None:
    """Return a prelude that has only imports and functions; None for others.

    With a class in it, the tests' class and its objects would differ from the candidate's of that name.
    """
    try:
        tree = ast.parse(prelude)
    except (SyntaxError, ValueError, RecursionError):
        return None
    plain = (ast.Import, ast.ImportFrom, ast.FunctionDef)
    return tree if tree.body and all(isinstance(s, plain) or _is_text(s) for s in tree.body) else None


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
