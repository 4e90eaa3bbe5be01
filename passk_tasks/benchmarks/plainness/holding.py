"""Who may hold an object of the tests, and what can be done with it then."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable

from passk_tasks.benchmarks.plainness.known import CROSSING
from passk_tasks.benchmarks.plainness.values import (
    DEEP,
    SINGLETON,
    Kind,
    Root,
    Scope,
    Value,
    is_type_of_result,
    lineage,
    merged,
)

MAX_CROSSINGS = 10_000  # calls of the candidate; each costs it a tenth of a millisecond
_PARTS = {
    Kind.CANDIDATE: "functions of the candidate in a container",
    Kind.FUNCTION: "functions in a container",
}


class Needs(Exception):  # noqa: N818  an answer, not an error
    """The reason why tests need one process."""


class Holding:
    """The state of the walk: how many calls of the candidate there were, and which objects it may hold.

    A later call may change an object that the candidate holds, and the tests do not see that change.
    """

    def __init__(self, names: Collection[str], classes: Collection[str], compares: Collection[str]) -> None:
        self.names = frozenset(names)
        self.compares = frozenset(compares)
        self.objects = bool(classes)
        self.calls = 0
        self.crossings = 0.0
        self.rounds = 1.0  # of all loops around; halved for each, since the walk goes through a body twice
        self.steps = 0
        self.depth = 0
        self.reached = False
        self.plain_texts = True
        top = Scope({name: Value(Kind.CANDIDATE, what=name, depth=DEEP) for name in names})
        for name in classes:
            top.values[name].parts = ()  # marks a class
        self.module = Scope(parent=top)

    def stale(self, roots: Iterable[Root]) -> bool:
        """Return whether the candidate has run after it may have got hold of one of these objects."""
        roots = frozenset(roots)
        return self.changed(roots) or any(
            root.within is not None and root.within < self.calls for root in roots
        )

    def changed(self, roots: Iterable[Root]) -> bool:
        """Return whether the candidate has run after it held one of these objects, not only an item."""
        return any(root.held is not None and root.held < self.calls for root in lineage(roots))

    def observe(self, value: Value, depth: int = DEEP) -> None:
        """Look at a value, by comparing it with a literal of `depth` levels.

        The candidate may have changed an object that it kept from an earlier call, unseen by the tests. That
        does not matter in a comparison with a constant: an object that can change differs from it anyway.
        """
        if value.kind == Kind.UNUSABLE:
            raise Needs(f"uses {value.what}")
        if value.kind in (Kind.CANDIDATE, Kind.FUNCTION, Kind.MODULE, Kind.PURE, Kind.BOUND):
            raise Needs("looks at a function" + (f", {value.what}" if isinstance(value.what, str) else ""))
        if (depth > 0 and self.stale(value.roots)) or (depth > value.own and self.stale(value.shared)):
            raise Needs("looks at a value after a later call, which may have changed it")

    def truth(self, value: Value) -> Value:
        """Ask whether a value is true."""
        self.observe(value)
        if value.kind in (Kind.RESULT, Kind.REMOTE) and self.objects:
            self.tick()
        return Value()

    def change(self, value: Value, what: str) -> None:
        """Change an object; `what` is the source that does so."""
        if value.kind in (Kind.RESULT, Kind.REMOTE) and value.own == 0:
            raise Needs(f"changes a result: {what:.40}")
        if value.kind not in (Kind.PLAIN, Kind.RESULT, Kind.OWN, Kind.TYPE, Kind.REMOTE):
            raise Needs(f"changes {what:.40}")
        if any(root.held for root in lineage(value.roots)) or any(root.within for root in value.roots):
            raise Needs(f"changes what it handed over: {what:.40}")

    def tick(self) -> None:
        """Let code of the candidate run: by a call, or by an operation on one of its objects."""
        self.calls += 1
        self.reached = True

    def hand_over(self, values: Iterable[Value]) -> Value:
        """Let the candidate run with these arguments, and return its result."""
        values = list(values)
        for value in values:
            if value.lazy or value.kind in (Kind.OWN, Kind.FUNCTION, Kind.PURE, Kind.MODULE, Kind.BOUND):
                raise Needs("hands over what is not plain data")
            if value.kind == Kind.UNUSABLE:
                raise Needs(f"hands over {value.what}")
            if value.kind == Kind.TYPE and value.what not in CROSSING:
                raise Needs(f"hands over {value.what}")
            # In one process this is the object that the candidate kept; in two processes it is a copy.
            if any(root.held is not None for root in value.known):
                raise Needs("hands over what an earlier call was given or gave, and may have kept")
        self.tick()
        self.crossings += self.rounds
        if self.crossings > MAX_CROSSINGS:
            raise Needs(f"calls the candidate more than {MAX_CROSSINGS:,} times")
        handed = {root for value in values for root in value.known}
        for root in lineage(handed):
            root.within = self.calls
        for root in handed:
            root.held = self.calls
        return Value(Kind.RESULT, frozenset({Root(self.calls)}), own=0, depth=DEEP)

    def go_through(self, value: Value) -> None:
        """Take all items of a value."""
        if value.own == 0 and self.stale(value.roots):
            raise Needs("goes through a result after a later call, which may have changed it")

    def item(self, value: Value, index: ast.expr | None = None, *, live: bool = False) -> Value:
        """Return an item of a value, taken by a loop or by an index; `live`: the value is an iterator."""
        if value.kind == Kind.UNUSABLE:
            raise Needs(f"uses {value.what}")
        if value.kind > Kind.OWN:
            self.observe(value)
        # Which item there is, the object says, also where the item is a number.
        if not live and self.changed(value.roots):
            raise Needs("takes an item of a value after a later call, which may have changed it")
        if value.kind in (Kind.RESULT, Kind.REMOTE) and value.own == 0:
            if index is None or value.kind == Kind.REMOTE:
                if not live:
                    self.go_through(value)
                old = self.stale(value.known)
                self.tick()  # it may be a generator, which changes others
                for root in () if old else lineage(value.roots):
                    root.held = root.held and self.calls  # what it gives an item of, this does not change
                taken = Root(self.calls - old, item=True)
                return Value(Kind.RESULT, frozenset({taken}), own=0, depth=DEEP)
            return Value(Kind.RESULT, value.known, own=0, depth=DEEP)
        if value.parts is not None and isinstance(index, ast.Constant):
            if type(index.value) is int and index.value < len(value.parts):
                return value.parts[index.value]
            raise Needs("takes a tuple apart where it has no item")
        if value.parts is not None and index is None and len(value.parts) and not value.lazy:
            return merged(value.parts)
        depth = max(0, value.depth - 1) if value.depth < DEEP else DEEP
        own = value.own - 1 if 0 < value.own < DEEP else value.own
        shared, around = value.shared, value.roots
        if own == 0:  # the item is one of the shared objects
            around = value.known
            if value.kind == Kind.PLAIN:
                shared, own = frozenset(), DEEP
        fresh: frozenset[Root] = frozenset()
        if depth > 0:
            # The items of a literal are different objects; only a constant index gives the same one again.
            again = isinstance(index, (ast.Constant, ast.UnaryOp))
            held = max((root.within or 0 for root in around), default=0) or None
            fresh = frozenset({Root(held if again else None, tuple(around))})
        inner = value.parts if value.lazy else None
        item = Value(value.kind, fresh, shared, own, depth, inner, what=value.what, scope=value.scope)
        item.inside = {value: 0}
        return item

    def container(self, values: Iterable[Value], *, lazy: bool = False) -> Value:
        """Return a container that the tests make of values."""
        values = list(values)
        for value in values:
            if value.lazy:
                return Value(Kind.OWN, frozenset({Root()}), depth=DEEP)
        together = merged(values)
        depth = min(DEEP, 1 + max((value.depth for value in values), default=0))
        shared = frozenset(root for value in values for root in value.known_elsewhere)
        own = together.own + 1 if together.own < DEEP else 1 if shared else DEEP
        if together.kind > Kind.OWN:
            return Value(Kind.UNUSABLE, what=_PARTS.get(together.kind, str(together.what)))
        made = Value(together.kind, frozenset({Root()}), shared, own, depth, lazy=lazy)
        for value in values:
            if value.roots:
                value.inside.setdefault(made, 0)
        return made

    def combined(self, left: Value, right: Value) -> Value:
        """Return what an operator makes of two values."""
        for value in (left, right):
            if value.kind not in (Kind.PLAIN, Kind.RESULT, Kind.REMOTE, Kind.TYPE, Kind.OWN) or value.lazy:
                self.observe(value)
                raise Needs("computes with what is not plain data")
        if self.objects and Kind.RESULT <= max(left.kind, right.kind) <= Kind.REMOTE:
            self.observe(left)
            self.observe(right)
            self.tick()
            return Value(Kind.REMOTE, own=0, depth=DEEP)
        depth = max(left.depth, right.depth)
        if left.kind == right.kind == Kind.PLAIN:
            late = self.calls - 1 if self.changed(left.roots | right.roots) else None
            roots = frozenset({Root(late)}) if left.roots or right.roots else frozenset()
            shared = left.known | right.known
            return Value(Kind.PLAIN, roots, shared, 1 if shared else DEEP, depth)
        kind = max(left.kind, right.kind)
        known = left.known | right.known
        late = self.stale(root for side in (left, right) if side.own == 0 for root in side.known)
        made = Root(self.calls - 1 if late else None)
        return Value(kind, frozenset({made}), known, min(left.own, right.own), DEEP)

    def compared(self, left: Value, op: ast.cmpop, right: Value, node: ast.expr) -> None:
        """Compare two values; `node` is the whole comparison."""
        if isinstance(op, (ast.Is, ast.IsNot)):
            if any(
                v.kind == Kind.PLAIN
                and v.depth == 0
                and (v.what is None or v.what in (True, False, ...))
                and v.scope is SINGLETON
                for v in (left, right)
            ):
                for value in (left, right):
                    if value.kind == Kind.UNUSABLE:
                        raise Needs(f"uses {value.what}")
                return
            if {left.kind, right.kind} == {Kind.TYPE} and not (
                is_type_of_result(left) and is_type_of_result(right)
            ):
                return
            raise Needs(f"looks at identity: `{ast.unparse(node):.60}`")
        if left.lazy or (right.lazy and not isinstance(op, (ast.In, ast.NotIn))):
            raise Needs("compares an iterator")
        if is_type_of_result(left) or is_type_of_result(right):
            other = right if is_type_of_result(left) else left
            if other.kind != Kind.TYPE or is_type_of_result(other):
                raise Needs("compares the type of a result with another than a builtin one")
            return
        step = isinstance(op, (ast.In, ast.NotIn))
        # `tuple(f(x)) == tuple(f(y))`: the items of a result are taken for values where no literal says that
        # they are not. The results in `[f(x), f(y)]` are not: a later call may change what an earlier gave.
        copies = not (left.named or right.named) and left.copies_result and right.copies_result
        if not copies:
            self.observe(left, right.depth - step)
            self.observe(right, left.depth + step)
        for value in (left, right):
            if value.kind > Kind.OWN:
                self.observe(value)
        if self.objects and Kind.RESULT <= max(left.kind, right.kind) <= Kind.REMOTE:
            self.hand_over([value for value in (left, right) if value.kind == Kind.PLAIN])

    def text(self, value: Value) -> None:
        """Look at the text of a value."""
        self.observe(value)
        if value.kind in (Kind.RESULT, Kind.REMOTE):
            if not self.objects:
                raise Needs("looks at the text of a result")
            self.tick()
