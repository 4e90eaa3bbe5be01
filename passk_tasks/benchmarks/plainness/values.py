"""What may be at one place of the tests, and the names that hold it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum, auto
from itertools import chain
from typing import Any

DEEP = 99  # more levels than anything known
TYPE_OF = "the type of a result"


class Kind(IntEnum):
    """What a value is, the worst last; where there may be several, the worst counts."""

    PLAIN = auto()
    TYPE = auto()
    RESULT = auto()
    REMOTE = auto()
    OWN = auto()
    FUNCTION = auto()
    PURE = auto()
    MODULE = auto()
    CANDIDATE = auto()
    UNUSABLE = auto()
    BOUND = auto()


@dataclass(eq=False)
class Root:
    """An object that can change.

    Attributes:
        held: number of the call since which the candidate may hold the object, and so everything in it.
        within: number of the call since which the candidate may hold something in it.
        parents: objects that may contain it.
        item: whether a loop or a copy took it out of a result.
    """

    held: int | None = None
    parents: tuple[Root, ...] = ()
    within: int | None = None
    item: bool = False


@dataclass(eq=False)
class Value:
    """What may be at one place of the tests.

    Attributes:
        kind: the worst that it may be.
        roots: the object itself, where it can change.
        shared: objects in it that something else may hold too.
        own: levels of containers that the tests themselves made around results.
        depth: levels of literals, 0 for a constant; `DEEP` where unknown.
        parts: the items of a tuple of known length.
        lazy: whether it is an iterator of the tests.
        named: whether a name of the tests holds it.
        what: the syntax tree of a function, the name of a type, module or method, the value of a constant.
        scope: where a function was defined.
        inside: containers that hold it, or what is so many levels in it, and what it absorbs later.
    """

    kind: Kind = Kind.PLAIN
    roots: frozenset[Root] = frozenset()
    shared: frozenset[Root] = frozenset()
    own: int = DEEP
    depth: int = 0
    parts: tuple[Value, ...] | None = None
    lazy: bool = False
    named: bool = False
    what: Any = None
    scope: Scope | None = None
    inside: dict[Value, int] = field(default_factory=dict)

    @property
    def known(self) -> frozenset[Root]:
        """The object itself and those in it, as far as they can change."""
        return self.roots | self.shared

    @property
    def known_elsewhere(self) -> frozenset[Root]:
        """The known objects that something besides a container made of the value may hold."""
        itself = self.named or self.own < DEEP or any(root.parents for root in self.roots)
        return self.known if itself else self.shared

    @property
    def copies_result(self) -> bool:
        """Whether it is a container of the tests that holds the items of one result and nothing else."""
        return self.kind == Kind.RESULT and self.own == 1 and [root.item for root in self.shared] == [True]


@dataclass(eq=False)
class Scope:
    """Names of a module, a function or a comprehension."""

    values: dict[str, Value] = field(default_factory=dict)
    parent: Scope | None = None
    returned: list[Value] = field(default_factory=list)

    def find(self, name: str) -> Value | None:
        """Return what a name holds here or further out; None where it is bound nowhere."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            scope = scope.parent
        return None


SINGLETON = Scope()  # marks None, True, False and the ellipsis


def lineage(roots: Iterable[Root]) -> set[Root]:
    """Return these objects and all that may contain them."""
    objects: set[Root] = set()
    todo = list(roots)
    while todo:
        root = todo.pop()
        if root not in objects:
            objects.add(root)
            todo += root.parents
    return objects


def is_type_of_result(value: Value) -> bool:
    """Return whether a value is `type(result)`."""
    return value.kind == Kind.TYPE and value.what == TYPE_OF


def is_integer(value: Value) -> bool:
    """Return whether a value is an integer that the tests made."""
    return value.kind == Kind.PLAIN and not value.roots and type(value.what) is int


def merged(values: Iterable[Value]) -> Value:
    """Return a value that stands for any of several."""
    values = list(values)
    if not values:
        return Value()
    first = values[0]
    if all(value is first for value in values):
        return first
    kind = max(value.kind for value in values)
    same = all(value.kind == kind and value.what is first.what for value in values)
    if kind in (Kind.FUNCTION, Kind.PURE, Kind.MODULE, Kind.BOUND) and not same:
        return Value(Kind.UNUSABLE, what="one of several functions")
    if kind == Kind.CANDIDATE and not all(value.kind == kind for value in values):
        return Value(Kind.UNUSABLE, what="a function of the candidate, or another value")
    alike_parts = (
        all(value.parts is not None and first.parts is not None for value in values)
        and len({len(value.parts or ()) for value in values}) == 1
    )
    parts = None
    if alike_parts and kind not in (Kind.CANDIDATE, Kind.FUNCTION, Kind.BOUND):
        parts = tuple(merged(column) for column in zip(*(value.parts or () for value in values), strict=True))
    elif kind == first.kind and kind in (Kind.CANDIDATE, Kind.FUNCTION, Kind.BOUND):
        parts = first.parts
    return Value(
        kind,
        frozenset(root for value in values for root in value.roots),
        frozenset(root for value in values for root in value.shared),
        min(value.own for value in values),
        max(value.depth for value in values),
        parts,
        any(value.lazy for value in values),
        any(value.named for value in values),
        first.what
        if all(type(v.what) is type(first.what) for v in values)
        else next((v.what for v in values if v.kind == kind), None)
        if kind == Kind.UNUSABLE
        else None,
        first.scope if all(value.scope is first.scope for value in values) else None,
    )


def joined(first: dict[str, Value], second: dict[str, Value]) -> dict[str, Value]:
    """Return what names hold after either of two ways."""
    names = dict.fromkeys(chain(first, second))
    return {name: merged([way[name] for way in (first, second) if name in way]) for name in names}


def absorb(container: Value, value: Value, levels: int = 0) -> None:
    """Note that a container of the tests holds a value from now on, or what is so many levels in it."""
    before = (container.kind, container.own, container.shared)
    container.depth = DEEP
    container.parts = None
    container.shared |= value.known_elsewhere
    if value.lazy or value.kind > container.kind:
        container.kind = Kind.OWN if value.lazy else value.kind
        container.what, container.scope = value.what, value.scope
    if value.own < DEEP:
        container.own = min(container.own, max(1, value.own + 1 - levels))
    elif value.known_elsewhere:
        container.own = min(container.own, 1)
    if value.roots:
        value.inside[container] = max(levels, value.inside.get(container, 0))
    if before != (container.kind, container.own, container.shared):
        for outer, inner in list(container.inside.items()):
            absorb(outer, container, inner)
