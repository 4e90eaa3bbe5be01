"""Names of the tests: what they are bound to, and what is known of builtins and modules."""

from __future__ import annotations

import ast
import builtins
import importlib
from collections.abc import Iterable

from passk_tasks.benchmarks.plainness.holding import MAX_CROSSINGS, Holding, Needs
from passk_tasks.benchmarks.plainness.known import (
    BUILTINS,
    KINDS,
    LAZY_MODULES,
    MODULES,
    OWN_MAKERS,
    UNCATCHABLE,
)
from passk_tasks.benchmarks.plainness.values import DEEP, Kind, Scope, Value

_MANY = 10**9


class Names(Holding):
    """What names and numbers of the tests stand for."""

    def size(self, node: ast.expr, scope: Scope) -> float:
        """Return how often a loop runs if the source says so; else 2, as the walk goes through it twice."""
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return len(node.elts)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
            bounds = [self.number(arg, scope) for arg in node.args]
            known = [bound for bound in bounds if bound is not None]
            if known and len(known) == len(bounds) <= 3 and known[2:] != [0]:
                return sum(1 for _ in zip(range(*known), range(MAX_CROSSINGS + 1), strict=False))
        return 2

    def number(self, node: ast.expr, scope: Scope) -> int | None:
        """Return the integer value of constants, names, sums, products and powers; None for all else."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Pow, ast.Add)):
            left, right = self.number(node.left, scope), self.number(node.right, scope)
            if left is None or right is None:
                return None
            if isinstance(node.op, ast.Pow):
                computed = left ** min(right, 30) if right >= 0 else 0
            else:
                computed = left * right if isinstance(node.op, ast.Mult) else left + right
            return max(-_MANY, min(computed, _MANY))
        value = scope.find(node.id) if isinstance(node, ast.Name) else None
        number = node.value if isinstance(node, ast.Constant) else value.what if value is not None else None
        return number if type(number) is int and (value is None or value.kind == Kind.PLAIN) else None

    def define(self, name: str, value: Value, scope: Scope) -> None:
        """Bind a function or class of the tests."""
        if name not in self.names:  # the tests call the candidate's function of this name
            scope.values[name] = value

    def name(self, name: str, scope: Scope) -> Value:
        """Return what a name stands for."""
        value = scope.find(name)
        if value is None:
            if name in BUILTINS or name in KINDS:
                return Value(Kind.TYPE if name in KINDS else Kind.PURE, what=name, depth=DEEP)
            raise Needs(
                f"uses {name}" + ("" if hasattr(builtins, name) else ", which the tests do not define")
            )
        if value.kind == Kind.MODULE and isinstance(value.what, tuple):
            return self.member(*value.what)
        return value

    def member(self, module: str, name: str) -> Value:
        """Return a member of a module that is known to have no side effects."""
        whole = f"{module}.{name}"
        if whole in MODULES:
            return Value(Kind.MODULE, what=whole, depth=DEEP)
        allowed = MODULES.get(module, frozenset())
        if name.startswith("_") or (allowed is not None and name not in allowed):
            raise Needs(f"uses {whole}")
        try:
            member = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            raise Needs(f"uses {whole}, which is not there") from None
        if isinstance(member, (int, float, complex, str)) or member is None:
            return Value(what=member)
        if isinstance(member, type) and whole not in OWN_MAKERS and module not in LAZY_MODULES:
            return Value(Kind.TYPE, what=whole, depth=DEEP)
        return Value(Kind.PURE, what=whole, depth=DEEP)

    def is_candidate(self, node: ast.AST, scope: Scope) -> bool:
        """Return whether a node is a name of the candidate."""
        if not isinstance(node, ast.Name):
            return False
        value = scope.find(node.id)
        return value is not None and value.kind == Kind.CANDIDATE

    def may_reach(self, nodes: Iterable[ast.AST], scope: Scope) -> bool:
        """Return whether nodes name the candidate, or functions of the tests, which may use it."""
        found = (
            scope.find(part.id) for node in nodes for part in ast.walk(node) if isinstance(part, ast.Name)
        )
        return any(value is not None and value.kind in (Kind.CANDIDATE, Kind.FUNCTION) for value in found)

    def catches(self, node: ast.expr | None, scope: Scope) -> None:
        """Catch or raise exceptions of these types; None for all."""
        if node is None:
            raise Needs("catches everything, exits too")
        for part in node.elts if isinstance(node, ast.Tuple) else [node]:
            kind = getattr(builtins, part.id, None) if isinstance(part, ast.Name) else None
            own = isinstance(part, ast.Name) and scope.find(part.id) is not None
            if own or not (isinstance(kind, type) and issubclass(kind, Exception)):
                raise Needs(f"catches or raises {ast.unparse(part):.40}")
            if issubclass(kind, UNCATCHABLE) or kind.__name__.endswith("Group"):
                raise Needs(f"catches or raises {kind.__name__}")
