"""The walk through expressions, and through what they are bound to."""

# ruff: noqa: N802, N815  methods are named after the nodes that they are for

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from passk_tasks.benchmarks.plainness.calls import Calls
from passk_tasks.benchmarks.plainness.holding import Needs
from passk_tasks.benchmarks.plainness.known import PLAIN_NAMES, READING
from passk_tasks.benchmarks.plainness.values import (
    DEEP,
    SINGLETON,
    Kind,
    Root,
    Scope,
    Value,
    absorb,
    is_integer,
    merged,
)

_MAX_STEPS = 50_000
_WORDS = {"Yield": "yield", "Await": "await", "AsyncFor": "async for", "Delete": "del"}


def defaults(args: ast.arguments) -> Iterator[ast.expr]:
    """Yield the defaults of a function's parameters."""
    return filter(None, chain(args.defaults, args.kw_defaults))


class Expressions(Calls):
    """What expressions of the tests may be."""

    def handler(self, prefix: str, node: ast.AST) -> Callable[..., Any]:
        """Return the method for a kind of node, and count the step."""
        self.steps += 1
        if self.steps > _MAX_STEPS:
            raise Needs("is too long to be looked through")
        name = type(node).__name__
        handler: Callable[..., Any] | None = getattr(self, prefix + name, None)
        if handler is None:
            raise Needs(f"uses `{_WORDS.get(name, name.lower())}`")
        return handler

    def bind(self, target: ast.expr, value: Value, scope: Scope) -> None:
        """Let a name, or a part of an object, hold a value."""
        if isinstance(target, ast.Name):
            value.named = True
            if target.id in self.names and scope is self.module:
                raise Needs(f"binds {target.id} anew")
            scope.values[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            parts = value.parts
            starred = any(isinstance(part, ast.Starred) for part in target.elts)
            values: Iterable[Value]
            if (
                parts is not None
                and len(parts) == len(target.elts)
                and not starred
                and value.kind != Kind.CANDIDATE
            ):
                values = parts
            else:
                values = [self.item(value) for _ in target.elts]
            for part, item in zip(target.elts, values, strict=False):
                self.bind(part, item, scope)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, self.container([value]), scope)
        elif isinstance(target, ast.Subscript):
            base = self.value(target.value, scope)
            if base.kind == Kind.REMOTE:
                self.hand_over([self.value(target.slice, scope), value])
                return
            self.change(base, ast.unparse(target))
            if isinstance(target.slice, ast.Slice):
                self.go_through(value)
            absorb(base, value, 1 if isinstance(target.slice, ast.Slice) else 0)
            if not isinstance(target.slice, ast.Slice):
                key = self.value(target.slice, scope)
                absorb(base, replace(key, roots=frozenset(), shared=frozenset()))  # a key does not change
        elif isinstance(target, ast.Attribute):
            base = self.value(target.value, scope)
            if base.kind == Kind.REMOTE or (
                base.kind == Kind.RESULT and self.objects and target.attr not in PLAIN_NAMES
            ):
                self.hand_over([value])
                return
            raise Needs(f"sets {ast.unparse(target):.40}")
        else:
            raise Needs(f"assigns to {ast.unparse(target):.40}")

    def value(self, node: ast.expr, scope: Scope) -> Value:
        """Return what an expression may be."""
        value: Value = self.handler("_of_", node)(node, scope)
        return value

    def _of_Constant(self, node: ast.Constant, _scope: Scope) -> Value:
        singleton = node.value is None or type(node.value) is bool or node.value is ...
        return Value(what=node.value, scope=SINGLETON if singleton else None)

    def _of_Name(self, node: ast.Name, scope: Scope) -> Value:
        return self.name(node.id, scope)

    def _of_List(self, node: ast.List | ast.Set, scope: Scope) -> Value:
        values = [
            self.item(self.value(part.value, scope))
            if isinstance(part, ast.Starred)
            else self.value(part, scope)
            for part in node.elts
        ]
        return self.container(values)

    _of_Set = _of_List

    def _of_Tuple(self, node: ast.Tuple, scope: Scope) -> Value:
        if any(isinstance(part, ast.Starred) for part in node.elts):
            return self._of_List(ast.List(node.elts, node.ctx), scope)
        values = [self.value(part, scope) for part in node.elts]
        made = self.container(values)
        made.parts = tuple(values)
        if not made.shared and all(not value.roots for value in values):
            made.roots = frozenset()  # no part of it can change
        return made

    def _of_Dict(self, node: ast.Dict, scope: Scope) -> Value:
        keys = [self.value(key, scope) for key in node.keys if key is not None]
        values = [
            self.value(value, scope) if key is not None else self.item(self.value(value, scope))
            for key, value in zip(node.keys, node.values, strict=True)
        ]
        return self.container([*keys, *values])

    def _of_JoinedStr(self, node: ast.JoinedStr, scope: Scope) -> Value:
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.text(self.value(part.value, scope))
        return Value(what="")

    def _of_UnaryOp(self, node: ast.UnaryOp, scope: Scope) -> Value:
        value = self.value(node.operand, scope)
        if isinstance(node.op, ast.Not):
            return self.truth(value)
        return self.combined(value, Value())

    def _of_BinOp(self, node: ast.BinOp, scope: Scope) -> Value:
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        if isinstance(node.op, ast.Mod) and isinstance(left.what, str) and left.depth == 0:
            self.text(right)
        number = self.number(node, scope)
        return self.combined(left, right) if number is None else Value(what=number)

    def _of_BoolOp(self, node: ast.BoolOp, scope: Scope) -> Value:
        values = []
        for part in node.values:
            value = self.value(part, scope)
            self.truth(value)
            values.append(value)
        return merged(values)

    def _of_IfExp(self, node: ast.IfExp, scope: Scope) -> Value:
        self.truth(self.value(node.test, scope))
        return merged([self.value(node.body, scope), self.value(node.orelse, scope)])

    def _of_NamedExpr(self, node: ast.NamedExpr, scope: Scope) -> Value:
        value = self.value(node.value, scope)
        self.bind(node.target, value, scope)
        return value

    def _of_Compare(self, node: ast.Compare, scope: Scope) -> Value:
        left = self.value(node.left, scope)
        for op, part in zip(node.ops, node.comparators, strict=False):
            right = self.value(part, scope)
            self.compared(left, op, right, node)
            left = right
        return Value()

    def _of_Subscript(self, node: ast.Subscript, scope: Scope) -> Value:
        base = self.value(node.value, scope)
        if base.kind in (Kind.TYPE, Kind.MODULE) or (
            base.kind == Kind.PURE and str(base.what).startswith("typing.")
        ):
            return Value(Kind.UNUSABLE, what="a generic type")
        if isinstance(node.slice, ast.Slice):
            for part in filter(None, (node.slice.lower, node.slice.upper, node.slice.step)):
                self.value(part, scope)
            if base.kind in (Kind.RESULT, Kind.REMOTE) and base.own == 0:
                return self.item(base, ast.Constant(0))
            made = self.container([self.item(base)])
            made.depth = base.depth
            if base.depth == DEEP and base.kind == Kind.PLAIN:  # of an array it is a view
                made.roots = frozenset({Root(None, tuple(base.known))})
            return made
        key = self.value(node.slice, scope)
        self.observe(key)
        if base.kind == Kind.REMOTE:
            return self.hand_over([key])
        if base.kind == Kind.RESULT and base.own == 0 and not is_integer(key):
            raise Needs("looks up a key of a result, which may make missing ones")
        return self.item(base, node.slice)

    def _of_Attribute(self, node: ast.Attribute, scope: Scope) -> Value:
        return self.attribute(self.value(node.value, scope), node)

    def attribute(self, base: Value, node: ast.Attribute) -> Value:
        """Return an attribute."""
        if base.kind == Kind.MODULE:
            return self.member(base.what, node.attr)
        if base.kind == Kind.UNUSABLE:
            raise Needs(f"uses {base.what}")
        if base.kind == Kind.CANDIDATE:
            raise Needs(f"reads {ast.unparse(node):.40}")
        if node.attr.startswith("__"):
            raise Needs(f"reads {node.attr}")
        if base.kind in (Kind.RESULT, Kind.REMOTE) and base.own == 0:
            if not self.objects:
                raise Needs(f"reads an attribute of a result: {node.attr}")
            if node.attr in PLAIN_NAMES and base.kind == Kind.RESULT:
                self.observe(base)
                if node.attr not in READING:
                    raise Needs(f"changes a result: {ast.unparse(node):.40}")
            made = self.hand_over([])
            made.what = "attribute"
            return made
        if base.kind == Kind.TYPE:  # str.lower as a key
            return Value(Kind.PURE, what=f"{base.what}.{node.attr}", depth=DEEP)
        if (
            base.kind not in (Kind.PLAIN, Kind.RESULT, Kind.REMOTE, Kind.OWN)
            or base.lazy
            or node.attr in PLAIN_NAMES
        ):
            raise Needs(f"reads {ast.unparse(node):.40}")
        return Value(base.kind, base.roots, base.shared, base.own, DEEP)

    def _of_Lambda(self, node: ast.Lambda, scope: Scope) -> Value:
        values = tuple(self.value(default, scope) for default in defaults(node.args))
        return Value(Kind.FUNCTION, what=node, scope=scope, parts=values, depth=DEEP)

    def _of_ListComp(self, node: ast.ListComp | ast.SetComp, scope: Scope) -> Value:
        return self.container(self.comprehended(node, scope))

    _of_SetComp = _of_ListComp

    def _of_GeneratorExp(self, node: ast.GeneratorExp, scope: Scope) -> Value:
        return self.container(self.comprehended(node, scope), lazy=True)

    def _of_DictComp(self, node: ast.DictComp, scope: Scope) -> Value:
        return self.container(self.comprehended(node, scope))

    def comprehended(
        self, node: Any, scope: Scope, look: Callable[[Value], Any] = lambda value: value
    ) -> list[Value]:
        """Return what a comprehension makes when each of its loops runs twice."""
        inner = Scope(parent=scope)
        made: list[Value] = []

        def loop(generators: list[ast.comprehension]) -> None:
            if not generators:
                parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
                for part in parts:
                    value = self.value(part, inner)
                    look(value)
                    made.append(value)
                return
            first = generators[0]
            if first.is_async:
                raise Needs("uses `async for`")
            values = self.value(first.iter, inner)
            before, self.rounds = self.rounds, self.rounds * self.size(first.iter, inner) / 2
            for _ in range(2):
                self.bind(first.target, self.item(values), inner)
                for test in first.ifs:
                    self.truth(self.value(test, inner))
                loop(generators[1:])
            self.rounds = before

        loop(node.generators)
        return made

    def _of_Call(self, node: ast.Call, scope: Scope) -> Value:
        function = self.called(node.func, scope)
        if function.kind == Kind.PURE and function.what in ("all", "any") and len(node.args) == 1:
            [only] = node.args
            if isinstance(only, ast.GeneratorExp) and not node.keywords:
                self.comprehended(only, scope, self.truth)
                return Value()
        starred = any(isinstance(arg, ast.Starred) for arg in node.args)
        args = [
            self.value(arg.value, scope) if isinstance(arg, ast.Starred) else self.value(arg, scope)
            for arg in node.args
        ]
        if starred:
            args = [
                self.spread(value) if isinstance(arg, ast.Starred) else value
                for arg, value in zip(node.args, args, strict=True)
            ]
        named = {}
        for keyword in node.keywords:
            value = self.value(keyword.value, scope)
            if keyword.arg is None:
                value, starred = self.spread(value), True
            named[keyword.arg or "**"] = value
        return self.call(function, args, named, starred=starred, node=node)

    def called(self, node: ast.expr, scope: Scope) -> Value:
        """Return what is called: a method of the tests' own data, or any other value."""
        if isinstance(node, ast.Attribute) and not node.attr.startswith("__"):
            base = self.value(node.value, scope)
            if base.kind in (Kind.PLAIN, Kind.TYPE, Kind.OWN) or (
                base.kind in (Kind.RESULT, Kind.REMOTE) and base.own > 0
            ):
                return Value(Kind.BOUND, base.roots, base.shared, base.own, DEEP, (base,), what=node.attr)
            return self.attribute(base, node)
        return self.value(node, scope)

    def spread(self, value: Value) -> Value:
        """Return a value that stands for each of the arguments in `*value`."""
        if value.kind in (Kind.RESULT, Kind.REMOTE):
            return self.item(value)
        return self.item(value) if value.lazy or value.parts is None else merged([*value.parts, Value()])
