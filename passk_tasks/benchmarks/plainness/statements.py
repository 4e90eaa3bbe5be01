"""The walk through the statements of tests."""

# ruff: noqa: N802, N815  methods are named after the nodes that they are for

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from itertools import chain

from passk_tasks.benchmarks.plainness.expressions import Expressions, defaults
from passk_tasks.benchmarks.plainness.holding import Needs
from passk_tasks.benchmarks.plainness.known import MODULES, public
from passk_tasks.benchmarks.plainness.values import DEEP, Kind, Scope, Value, absorb, joined, lineage, merged

_MAX_CALLS = 30  # how deep calls of the tests' own functions may nest


class Walk(Expressions):
    """The walk through the tests, in the order of execution; a loop's body is walked twice."""

    def block(self, body: Iterable[ast.stmt], scope: Scope) -> None:
        """Walk through statements."""
        for statement in body:
            self.handler("_do_", statement)(statement, scope)

    def _do_Expr(self, node: ast.Expr, scope: Scope) -> None:
        self.value(node.value, scope)

    def _do_Pass(self, node: ast.stmt, scope: Scope) -> None:
        """Go on, also after `break` and `continue`: walking on can only add reasons."""

    _do_Break = _do_Continue = _do_Pass

    def _do_Assert(self, node: ast.Assert, scope: Scope) -> None:
        self.truth(self.value(node.test, scope))  # the message is seen only where the test has failed

    def _do_Assign(self, node: ast.Assign, scope: Scope) -> None:
        value = self.value(node.value, scope)
        for target in node.targets:
            self.bind(target, value, scope)

    def _do_AnnAssign(self, node: ast.AnnAssign, scope: Scope) -> None:
        if node.value is not None:
            self.bind(node.target, self.value(node.value, scope), scope)

    def _do_AugAssign(self, node: ast.AugAssign, scope: Scope) -> None:
        if isinstance(node.target, ast.Attribute):
            self.value(node.value, scope)
            self.bind(node.target, Value(depth=DEEP), scope)
            return
        before = self.value(node.target, scope)
        # A sum of results is a new object; an item that tests take from a container may be a result itself.
        computed = before.kind == Kind.RESULT and all(root.held is None for root in lineage(before.roots))
        in_place = bool(before.roots) and not (computed and before.own == 0)
        if in_place:
            self.change(before, ast.unparse(node.target))
        after = self.value(node.value, scope)
        if in_place:
            self.go_through(after)
            absorb(before, after, 1)
            after = before
        else:
            after = self.combined(before, after)
        self.bind(node.target, after, scope)

    def _do_If(self, node: ast.If, scope: Scope) -> None:
        self.truth(self.value(node.test, scope))
        self.branches(scope, lambda: self.block(node.body, scope), lambda: self.block(node.orelse, scope))

    def _do_While(self, node: ast.While, scope: Scope) -> None:
        def once() -> None:
            self.truth(self.value(node.test, scope))
            self.block(node.body, scope)

        self.truth(self.value(node.test, scope))
        self.branches(scope, once, lambda: None)
        self.branches(scope, once, lambda: None)
        self.block(node.orelse, scope)

    def _do_For(self, node: ast.For, scope: Scope) -> None:
        values = self.value(node.iter, scope)
        before, self.rounds = self.rounds, self.rounds * self.size(node.iter, scope) / 2

        def once() -> None:
            self.bind(node.target, self.item(values), scope)
            self.block(node.body, scope)

        self.branches(scope, once, lambda: None)
        self.branches(scope, once, lambda: None)
        self.rounds = before
        self.block(node.orelse, scope)

    def _do_Try(self, node: ast.Try, scope: Scope) -> None:
        before = dict(scope.values)
        self.block(node.body, scope)
        scope.values = joined(before, scope.values)
        for handler in node.handlers:
            self.catches(handler.type, scope)

            def handle(handler: ast.ExceptHandler = handler) -> None:
                if handler.name:
                    scope.values[handler.name] = Value(Kind.UNUSABLE, what="an exception")
                self.block(handler.body, scope)

            self.branches(scope, handle, lambda: None)
        self.block(chain(node.orelse, node.finalbody), scope)

    def _do_FunctionDef(self, node: ast.FunctionDef, scope: Scope) -> None:
        values = [self.value(default, scope) for default in defaults(node.args)]
        usable = not node.decorator_list and not any(
            isinstance(part, (ast.Yield, ast.YieldFrom)) for part in ast.walk(node)
        )
        for decorator in node.decorator_list:
            if any(self.is_candidate(part, scope) for part in ast.walk(decorator)):
                raise Needs(f"decorates with {ast.unparse(decorator):.40}")
            if self.may_reach(node.body, scope):  # the decorator may call it
                raise Needs(f"decorates {node.name}, which uses the candidate")
        value = Value(Kind.FUNCTION, what=node, scope=scope, parts=tuple(values))
        if not usable:
            value = Value(
                Kind.UNUSABLE, what=f"{node.name}, a function of the tests with a decorator or yield"
            )
        self.define(node.name, value, scope)

    def _do_ClassDef(self, node: ast.ClassDef, scope: Scope) -> None:
        for part in chain(node.bases, node.decorator_list, node.body):
            for inner in ast.walk(part):
                if self.is_candidate(inner, scope):
                    raise Needs(f"uses {ast.unparse(inner)} in the class {node.name}")
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        at_once = [part for part in node.body if not isinstance(part, functions)]
        if self.may_reach(at_once, scope):
            raise Needs(f"calls functions of the tests in the class {node.name}")
        self.define(node.name, Value(Kind.UNUSABLE, what=f"{node.name}, a class of the tests"), scope)

    def _do_AsyncFunctionDef(self, node: ast.AsyncFunctionDef, scope: Scope) -> None:
        if node.decorator_list and self.may_reach(node.body, scope):
            raise Needs(f"decorates {node.name}, which uses the candidate")
        self.define(node.name, Value(Kind.UNUSABLE, what=f"{node.name}, a coroutine"), scope)

    def _do_Return(self, node: ast.Return, scope: Scope) -> None:
        scope.returned.append(Value() if node.value is None else self.value(node.value, scope))

    def _do_Raise(self, node: ast.Raise, scope: Scope) -> None:
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if raised is not None:
            self.catches(raised, scope)

    def _do_Import(self, node: ast.Import, scope: Scope) -> None:
        for alias in node.names:
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            scope.values[alias.asname or name] = Value(Kind.MODULE, what=name, depth=DEEP)

    def _do_ImportFrom(self, node: ast.ImportFrom, scope: Scope) -> None:
        for alias in node.names:
            if alias.name == "*":
                allowed = MODULES.get(node.module or "", frozenset())
                members = [] if allowed is not None else public(node.module or "")
            else:
                members = [alias.name]
            for name in members:
                # Looked at when it is used: prompts import much that their tests never touch.
                made = Value(Kind.MODULE, what=(node.module or "", name), depth=DEEP)
                scope.values[alias.asname or name] = made

    def branches(self, scope: Scope, *ways: Callable[[], None]) -> None:
        """Walk each of the ways from here; afterwards a name holds what any of the ways left in it."""
        before = scope.values
        after: dict[str, Value] | None = None
        for way in ways:
            scope.values = dict(before)
            way()
            after = scope.values if after is None else joined(after, scope.values)
        assert after is not None
        scope.values = after

    def own_call(
        self, function: Value, args: list[Value], named: dict[str, Value], *, starred: bool
    ) -> Value:
        """Call a function of the tests: walk through its body with these arguments."""
        node: ast.FunctionDef | ast.Lambda = function.what
        self.depth += 1
        if self.depth > _MAX_CALLS:
            raise Needs("calls functions of its own too deep")
        spec = node.args
        scope = Scope(parent=function.scope)
        positional = [*spec.posonlyargs, *spec.args]
        parameters = [*positional, *spec.kwonlyargs]
        everything = [*args, *named.values()]
        unset = list(function.parts or ())
        for index, parameter in enumerate(parameters):
            if starred:
                given = merged([*everything, *unset])
            elif index < len(positional) and index < len(args):
                given = args[index]
            elif parameter.arg in named:
                given = named[parameter.arg]
            else:
                given = merged(unset) if unset else Value(Kind.UNUSABLE, what="a missing argument")
            given.named = True
            scope.values[parameter.arg] = given
        for rest in (spec.vararg, spec.kwarg):
            if rest is not None:
                scope.values[rest.arg] = self.container(everything)
        if isinstance(node, ast.Lambda):
            result = self.value(node.body, scope)
        else:
            self.block(node.body, scope)
            result = merged(scope.returned) if scope.returned else Value()
        self.depth -= 1
        return result
