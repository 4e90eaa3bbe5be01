"""What a call returns: of the candidate, of a method, of a function that only computes."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from dataclasses import replace

from passk_tasks.benchmarks.plainness.holding import Needs
from passk_tasks.benchmarks.plainness.known import (
    ADDING,
    COPIES,
    LAZY,
    LAZY_MODULES,
    NUMBERS_BY_CHANCE,
    OWN_MAKERS,
    PICKS,
    READING,
    SCALAR_MODULES,
    SCALARS,
    TEXTS,
)
from passk_tasks.benchmarks.plainness.names import Names
from passk_tasks.benchmarks.plainness.values import (
    DEEP,
    TYPE_OF,
    Kind,
    Root,
    Value,
    absorb,
    is_type_of_result,
    merged,
)

_PARTICULAR = frozenset({"callable", "eval", "isinstance", "print", "type"})


def _module(name: str) -> str:
    return name.rpartition(".")[0]


class Calls(Names, ABC):
    """What calls return."""

    @abstractmethod
    def own_call(
        self, function: Value, args: list[Value], named: dict[str, Value], *, starred: bool
    ) -> Value:
        """Call a function of the tests, whose body is walked."""

    def call(
        self, function: Value, args: list[Value], named: dict[str, Value], *, starred: bool, node: ast.Call
    ) -> Value:
        """Call a value; `starred`: some arguments are items of something, and their number is not known."""
        everything = [*args, *named.values()]
        if function.kind == Kind.CANDIDATE:
            made = self.hand_over(everything)
            if function.parts is not None and self.objects:
                return Value(Kind.REMOTE, own=0, depth=DEEP)
            return made
        if function.kind in (Kind.RESULT, Kind.REMOTE) and function.own == 0:
            return self.hand_over(everything)  # a function, which does not change
        if function.kind == Kind.FUNCTION and getattr(function.what, "name", "") in self.compares:
            for value in everything:
                self.observe(value)
            return Value(depth=DEEP)
        if function.kind == Kind.FUNCTION:
            return self.own_call(function, args, named, starred=starred)
        if function.kind == Kind.BOUND:
            return self.method(function, everything, node)
        if function.kind in (Kind.PURE, Kind.TYPE) and isinstance(function.what, str):
            return self.pure(function.what, args, named, node)
        if function.kind == Kind.UNUSABLE:
            raise Needs(f"uses {function.what}")
        raise Needs(f"calls {ast.unparse(node.func):.40}")

    def method(self, function: Value, args: list[Value], node: ast.Call) -> Value:
        """Call a method of data that the tests made, or of a builtin type."""
        [base] = function.parts or ()
        name = str(function.what)
        no_data = (Kind.CANDIDATE, Kind.FUNCTION, Kind.BOUND, Kind.MODULE, Kind.UNUSABLE)
        for arg in args:
            if arg.kind in no_data and name != "sort":
                self.observe(arg)
        if name in ("format", "format_map"):
            for arg in args:
                self.text(arg)
        if base.kind == Kind.TYPE:  # dict.fromkeys, datetime.now
            for arg in args:
                self.observe(arg)
            return self.container(args or [Value()])
        if base.kind == Kind.OWN:
            for arg in args:
                absorb(base, arg)
            if name in NUMBERS_BY_CHANCE:
                return Value(depth=DEEP)
            if name in ("choice", "sample", "choices"):
                return self.item(args[0]) if args and name == "choice" else self.container(args)
            return Value(Kind.OWN, base.roots, base.shared, own=base.own, depth=DEEP)
        if name in READING:
            self.observe(base, 0 if base.own else DEEP)
            for arg in args:
                self.observe(arg)
            if not base.known:
                return (
                    self.container([Value()])
                    if name.endswith(("split", "splitlines", "partition"))
                    else Value()
                )
            depth = base.depth if name == "copy" else DEEP
            if base.kind == Kind.PLAIN and all(arg.kind == Kind.PLAIN for arg in args):
                part = frozenset({Root(None, tuple(merged([base, *args]).known))})
                if name == "copy":
                    return Value(Kind.PLAIN, frozenset({Root()}), part, 1, depth)
                return Value(Kind.PLAIN, part, depth=depth)
            return Value(merged([base, *args]).kind, frozenset({Root()}), base.known, base.own, depth)
        self.change(base, ast.unparse(node.func))
        levels = 0 if name in ADDING else 2 if name == "update" else 1  # `update` takes pairs, too
        for arg in args:
            if levels:
                self.go_through(arg)
            absorb(base, arg, levels)
        return self.item(base)

    def pure(self, name: str, args: list[Value], named: dict[str, Value], node: ast.Call) -> Value:
        """Return the result of a function that only computes."""
        everything = [*args, *named.values()]
        first = args[0] if args else Value()
        if name in _PARTICULAR:
            return self.particular(name, args, everything)
        if name in TEXTS and args:
            self.text(first)
        if name == "random.shuffle":
            self.change(first, name)
        if "out" in named:
            self.change(named["out"], name)
        callables = [value for value in everything if value.kind in (Kind.CANDIDATE, Kind.FUNCTION)]
        no_data = (Kind.CANDIDATE, Kind.FUNCTION, Kind.PURE, Kind.TYPE, Kind.BOUND)
        data = [value for value in everything if value.kind not in no_data]
        if callables and name not in LAZY | {"sorted", "max", "min", "functools.reduce"}:
            raise Needs(f"hands a function to {name}")
        for value in data:
            if value.kind in (Kind.UNUSABLE, Kind.MODULE):
                self.observe(value)
        if name in ("copy.deepcopy", "copy.copy"):
            return self.copied(first, deep=name == "copy.deepcopy")
        if name not in LAZY | COPIES | PICKS | {"functools.reduce"} and _module(name) not in LAZY_MODULES:
            return self.computed(name, data)
        items = self.looped(name, data, callables, node)
        if name in PICKS or name == "functools.reduce":
            picked = merged(items or [Value()])
            if any(value.own < 2 and value.kind == Kind.RESULT for value in data):
                return Value(Kind.RESULT, picked.known, own=0, depth=DEEP)
            return picked
        if name in COPIES:
            if not everything:
                return Value(Kind.PLAIN, frozenset({Root()}), depth=1)
            if name == "dict":
                items = [*map(self.of_pair, items), *named.values()]
            copy = self.container(items)
            copy.depth = DEEP if named and name == "dict" else max(first.depth, 1)
            return copy
        lazy = self.container(items or [Value()], lazy=True)
        if name in ("enumerate", "zip") and not callables:
            lazy.parts = tuple([Value(what=0), *items[:1]] if name == "enumerate" else items)
            lazy.own += lazy.own < DEEP  # its items are tuples of the tests
        return lazy

    def particular(self, name: str, args: list[Value], everything: list[Value]) -> Value:
        """Return the result of a function for which there is a special rule."""
        first = args[0] if args else Value()
        if name == "isinstance":
            return self.is_instance(
                first, args[1] if len(args) == 2 else Value(Kind.UNUSABLE, what="isinstance")
            )
        if name == "type":
            if len(args) != 1 or first.kind > Kind.OWN:
                raise Needs("makes a type, or takes that of a function")
            made_by_candidate = first.kind in (Kind.RESULT, Kind.REMOTE)
            what = TYPE_OF if made_by_candidate else "the type of plain data"
            return Value(Kind.TYPE, what=what, depth=DEEP)
        if name == "eval":
            return self.evaluated()
        if name == "print":
            for value in everything:
                self.observe(value) if value.kind != Kind.RESULT else None
        return Value()

    def copied(self, value: Value, *, deep: bool) -> Value:
        """Return a copy; a deep one is the tests' own at every level."""
        self.observe(value)
        if value.kind in (Kind.RESULT, Kind.REMOTE) and value.own == 0:
            raise Needs("copies a result, which may be an iterator")
        shared = frozenset() if deep else value.known
        roots = frozenset({Root()}) if value.known else frozenset()
        return Value(value.kind, roots, shared, 0 if value.kind == Kind.RESULT else DEEP, value.depth)

    def looped(self, name: str, data: list[Value], callables: list[Value], node: ast.Call) -> list[Value]:
        """Return the items that a function takes from its arguments, or that its callables make of them."""
        items = data
        for value in data:
            if name in ("sorted", "max", "min"):  # they compare the items, which may be results
                self.observe(value)
            elif name in ("set", "frozenset", "dict"):
                self.observe(value, DEEP if value.own == 0 else 1)
        if name not in PICKS or len(data) == 1:
            items = [self.item(value, live=name == "next") for value in data]
        for function in callables:
            made = [
                self.call(function, items or [Value()], {}, starred=len(items) != 1, node=node)
                for _ in (0, 1)
            ]
            if name in ("map", "functools.reduce"):
                items = made
        return items

    @staticmethod
    def of_pair(item: Value) -> Value:
        """Return what a dictionary holds of an item that it is made of: a key, or what is in a pair."""
        return replace(item, own=item.own - 1) if 0 < item.own < DEEP else item

    def computed(self, name: str, data: list[Value]) -> Value:
        """Return what a function computes from data."""
        for value in data:
            self.observe(value, 1 if name == "len" and value.own >= 1 else DEEP)
        if self.objects and any(value.kind in (Kind.RESULT, Kind.REMOTE) for value in data):
            self.tick()
        if name in SCALARS or name in ("range", "slice", "bool", "all", "any"):
            integer = name in ("len", "int", "ord", "range")
            return Value(depth=1 if name == "range" else 0, what=0 if integer else None)
        known = frozenset(root for value in data for root in value.known)
        # A memory view shows what another object holds, and would cross as a copy of it.
        if name in OWN_MAKERS or (name == "memoryview" and known):
            return Value(Kind.OWN, frozenset({Root()}), known, depth=DEEP)
        module = _module(name)
        if module == "random" and name.rpartition(".")[2] in NUMBERS_BY_CHANCE:
            return Value(depth=DEEP)
        if module in SCALAR_MODULES:
            return Value(depth=DEEP if name in ("json.loads", "re.findall", "re.split") else 0)
        plain = all(value.kind <= Kind.RESULT for value in data)
        return Value(Kind.PLAIN if plain else Kind.OWN, frozenset({Root()}), known, depth=DEEP)

    def is_instance(self, value: Value, kinds: Value) -> Value:
        """Ask whether a value is of one of these types."""
        if value.kind in (Kind.CANDIDATE, Kind.FUNCTION, Kind.UNUSABLE, Kind.MODULE):
            self.observe(value)
        for kind in (kinds,) if kinds.parts is None or kinds.kind == Kind.CANDIDATE else kinds.parts:
            if kind.kind != Kind.TYPE or is_type_of_result(kind):
                raise Needs("looks at a type that plain data has not")
            if value.kind in (Kind.RESULT, Kind.REMOTE) and str(kind.what).startswith("collections.abc"):
                raise Needs(f"looks at a type that plain data has not: {kind.what}")
        return Value()

    def evaluated(self) -> Value:
        """Return what `eval` makes of a text: plain data, if no text of the tests could give more."""
        if not self.plain_texts:
            raise Needs("uses eval on what may be no literal")
        return Value(Kind.PLAIN, frozenset({Root()}), depth=DEEP)
