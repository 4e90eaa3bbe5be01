"""Whether tests can be judged in a process of their own: a proof from their syntax tree.

Under the judge `isolated` plain data crosses between tests and candidate, copied. Most tests cannot tell;
some can: they look at identity, change a result, keep one over a later call, patch a module, read what was
printed. `prove` follows the tests statement by statement with values that stand for what may be there, and
names the first thing of which it does not know that it comes out the same on either side. What it does not
know is a reason, so that a construct nobody has thought of costs isolation, and never a right program its
verdict.

What is taken for granted: a result has no surprises beyond what the tests use of it. A result that is
compared, indexed or counted is taken for plain data; one whose attributes or text are looked at is not.
"""

# ruff: noqa: N802, N815  methods are named after the nodes that they are for

from __future__ import annotations

import ast
import builtins
import importlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

_PLAIN, _TYPE, _RESULT, _REMOTE, _OWN, _FUNCTION, _PURE, _MODULE, _CANDIDATE, _UNUSABLE, _BOUND = range(11)
_DEEP = 99  # more levels than anything known
_TYPE_OF = "the type of a result"
_MAX_STEPS = 50_000
_MAX_CROSSINGS = 10_000  # calls of the candidate; each takes a tenth of a millisecond of its time
_MANY = 10**9
_MAX_CALLS = 30  # of the tests' functions within each other


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What crosses as a type; `codec._TYPES`.
_CROSSING = _names("bool int float complex str bytes bytearray list tuple set frozenset dict")
_KINDS = _CROSSING | _names("range slice object memoryview")
_TEXTS = _names("str repr format ascii")
_SCALARS = _TEXTS | _names("abs bin chr complex divmod float hex int len oct ord pow round")
_COPIES = _names("list tuple set frozenset sorted dict bytes bytearray")
_LAZY = _names("enumerate filter iter map reversed zip")
_PICKS = _names("max min next sum")
_BUILTINS = (
    _SCALARS
    | _COPIES
    | _LAZY
    | _PICKS
    | _names("all any bool callable eval isinstance print range slice type")
)

# Modules whose functions depend on their arguments alone, or on chance, and change nothing; None: all.
_MODULES: dict[str, frozenset[str] | None] = {
    "array": _names("array"),
    "bisect": _names("bisect bisect_left bisect_right"),
    "cmath": None,
    "collections": _names("Counter OrderedDict abc defaultdict deque"),
    "collections.abc": _names("Hashable Iterable Mapping Sequence"),
    "copy": _names("copy deepcopy"),
    "datetime": _names("date datetime time timedelta timezone"),
    "decimal": _names("Decimal ROUND_DOWN ROUND_HALF_EVEN ROUND_HALF_UP ROUND_UP"),
    "fractions": _names("Fraction"),
    "functools": _names("reduce"),
    "heapq": _names("nlargest nsmallest"),
    "itertools": None,
    "json": _names("dumps loads"),
    "math": None,
    "numpy": _names(
        "abs all allclose any arange argmax argmin argsort array array_equal asarray bool_ ceil "
        "concatenate cos cumsum diff dot dtype e exp eye float32 float64 floating floor full generic "
        "hstack identity inf int32 int64 integer isclose isfinite isinf isnan linalg linspace log matmul "
        "max mean median min nan ndarray number ones pi prod repeat reshape round shape sign sin sort "
        "sqrt stack std sum tan testing tile transpose trunc uint8 unique var vstack where zeros"
    ),
    "numpy.linalg": _names("det inv norm"),
    "numpy.testing": _names(
        "assert_allclose assert_almost_equal assert_array_almost_equal assert_array_equal assert_equal"
    ),
    "random": _names("Random choice choices randint random randrange sample shuffle uniform"),
    "re": _names(
        "A ASCII DOTALL I IGNORECASE M MULTILINE S X compile escape findall fullmatch match search split sub"
    ),
    "statistics": None,
    "string": None,
    # EvoEval's tests compare large numbers, and have the limit of their texts raised.
    "sys": _names("maxsize set_int_max_str_digits"),
    "typing": None,
}
# Of those, what makes objects that do not cross, or not whole.
_OWN_MAKERS = _names("collections.defaultdict random.Random re.compile re.fullmatch re.match re.search")
_LAZY_MODULES = _names("itertools")
_SCALAR_MODULES = _names("math cmath statistics json re fractions decimal datetime numpy.testing")
_NUMBERS_BY_CHANCE = _names("randint randrange random uniform")
# Methods by which no type of plain data changes.
_READING = frozenset(
    name
    for kind in (str, bytes, int, float, complex, tuple, frozenset, range)
    for name in dir(kind)
    if not name.startswith("_")
) | _names("get items keys values copy most_common elements tolist")
_PLAIN_NAMES = (
    _READING
    | frozenset(name for kind in (bytearray, list, set, dict) for name in dir(kind))
    | _names("appendleft popleft extendleft rotate fill move_to_end subtract")
)
# What an interpreter, or the way across, answers differently in two processes.
_UNCATCHABLE = (RecursionError, MemoryError, Warning, StopAsyncIteration)


class _Needs(Exception):  # noqa: N818  no error: an answer
    """The reason for one process."""


@dataclass(eq=False)
class _Root:
    """An object that can change; `held` is the number of the candidate's call since which it may know it."""

    held: int | None = None
    parents: tuple[_Root, ...] = ()


@dataclass(eq=False)
class _Value:
    """What may be at one place of the tests.

    Attributes:
        kind: the worst that it may be.
        roots: the object itself, where it can change.
        shared: objects in it that something else may know too.
        own: levels of containers that the tests themselves made around results.
        depth: levels of literals, 0 for a constant; `_DEEP` where not known.
        parts: of a tuple of known length.
        lazy: an iterator of the tests.
        named: a name of the tests holds it.
        what: the syntax tree of a function, the name of a type, module or method, the value of a constant.
    """

    kind: int = _PLAIN
    roots: frozenset[_Root] = frozenset()
    shared: frozenset[_Root] = frozenset()
    own: int = _DEEP
    depth: int = 0
    parts: tuple[_Value, ...] | None = None
    lazy: bool = False
    named: bool = False
    what: Any = None
    scope: _Scope | None = None

    @property
    def known(self) -> frozenset[_Root]:
        return self.roots | self.shared


@dataclass(eq=False)
class _Scope:
    """Names of a module, a function or a comprehension."""

    values: dict[str, _Value] = field(default_factory=dict)
    parent: _Scope | None = None
    returned: list[_Value] = field(default_factory=list)

    def find(self, name: str) -> _Value | None:
        scope: _Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            scope = scope.parent
        return None


@dataclass(frozen=True)
class Proof:
    """What is known of tests.

    Attributes:
        reason: why they need one process, a few words; None where plain data is all that crosses.
        reached: they use the candidate at all, as far as they were followed.
    """

    reason: str | None
    reached: bool


def prove(
    tree: ast.Module, names: Collection[str], classes: Collection[str] = (), compares: Collection[str] = ()
) -> Proof:
    """Return whether tests can be judged in a process of their own.

    Args:
        tree: the tests with all that they need, but for the candidate.
        names: those by which the tests call the candidate.
        classes: those of them that are classes, of which the tests then make objects.
        compares: functions of the tests that are known to do nothing but compare, and are not looked through.
            The tests are then a family's own, whose texts hold literals where they hold no `lambda`.
    """
    walk = _Walk(names, classes, compares)
    code = re.compile("lambda" if compares else r"lambda|\w\s*\(|__")
    walk.plain_texts = not any(
        isinstance(part, ast.Constant) and type(part.value) is str and code.search(part.value)
        for part in ast.walk(tree)
    )
    try:
        walk.block(tree.body, walk.module)
    except _Needs as needs:
        return Proof(str(needs), walk.reached)
    except RecursionError:
        return Proof("nests too deep to be looked through", walk.reached)
    return Proof(None, walk.reached)


class _Walk:
    """The walk through the tests, in the order of execution; a loop's body is walked twice."""

    def __init__(self, names: Collection[str], classes: Collection[str], compares: Collection[str]) -> None:
        self.names = frozenset(names)
        self.compares = frozenset(compares)
        self.objects = bool(classes)
        self.calls = 0
        self.crossings = 0.0
        self.rounds = 1.0  # of the loops around, halved for each, as their bodies are walked twice
        self.steps = 0
        self.depth = 0
        self.reached = False
        self.plain_texts = True
        top = _Scope({name: _Value(_CANDIDATE, what=name, depth=_DEEP) for name in names})
        for name in classes:
            top.values[name].parts = ()  # marks a class
        self.module = _Scope(parent=top)

    # --- statements ---

    def block(self, body: Iterable[ast.stmt], scope: _Scope) -> None:
        for statement in body:
            self.steps += 1
            if self.steps > _MAX_STEPS:
                raise _Needs("is too long to be looked through")
            handler = getattr(self, f"_do_{type(statement).__name__}", None)
            if handler is None:
                raise _Needs(f"uses `{_WORDS.get(type(statement), type(statement).__name__.lower())}`")
            handler(statement, scope)

    def _do_Expr(self, node: ast.Expr, scope: _Scope) -> None:
        self.value(node.value, scope)

    def _do_Pass(self, node: ast.stmt, scope: _Scope) -> None:
        """Go on; control that leaves a block early is walked on as well, which can only add reasons."""

    _do_Break = _do_Continue = _do_Pass

    def _do_Assert(self, node: ast.Assert, scope: _Scope) -> None:
        self.truth(self.value(node.test, scope))  # the message shows only where the test has failed

    def _do_Assign(self, node: ast.Assign, scope: _Scope) -> None:
        value = self.value(node.value, scope)
        for target in node.targets:
            self.bind(target, value, scope)

    def _do_AnnAssign(self, node: ast.AnnAssign, scope: _Scope) -> None:
        if node.value is not None:
            self.bind(node.target, self.value(node.value, scope), scope)

    def _do_AugAssign(self, node: ast.AugAssign, scope: _Scope) -> None:
        if not isinstance(node.target, ast.Name):
            self.value(node.value, scope)
            self.bind(node.target, _Value(depth=_DEEP), scope)
            return
        before = self.name(node.target.id, scope)
        # A sum of results is a new object.
        computed = before.kind == _RESULT and all(root.held is None for root in before.roots)
        in_place = bool(before.roots) and not (computed and before.own == 0)
        if in_place:
            self.change(before, node.target.id)
        after = self.value(node.value, scope)
        if in_place:
            _absorb(before, after)
            after = before
        else:
            after = self.combined(before, after)
        self.bind(node.target, after, scope)

    def _do_If(self, node: ast.If, scope: _Scope) -> None:
        self.truth(self.value(node.test, scope))
        self.branches(scope, lambda: self.block(node.body, scope), lambda: self.block(node.orelse, scope))

    def _do_While(self, node: ast.While, scope: _Scope) -> None:
        def once() -> None:
            self.truth(self.value(node.test, scope))
            self.block(node.body, scope)

        self.truth(self.value(node.test, scope))
        self.branches(scope, once, lambda: None)
        self.branches(scope, once, lambda: None)
        self.block(node.orelse, scope)

    def _do_For(self, node: ast.For, scope: _Scope) -> None:
        values = self.value(node.iter, scope)
        before, self.rounds = self.rounds, self.rounds * self.size(node.iter, scope) / 2

        def once() -> None:
            self.bind(node.target, self.item(values), scope)
            self.block(node.body, scope)

        self.branches(scope, once, lambda: None)
        self.branches(scope, once, lambda: None)
        self.rounds = before
        self.block(node.orelse, scope)

    def _do_Try(self, node: ast.Try, scope: _Scope) -> None:
        before = dict(scope.values)
        self.block(node.body, scope)
        scope.values = _joined(before, scope.values)
        for handler in node.handlers:
            self.catches(handler.type, scope)

            def handle(handler: ast.ExceptHandler = handler) -> None:
                if handler.name:
                    scope.values[handler.name] = _Value(_UNUSABLE, what="an exception")
                self.block(handler.body, scope)

            self.branches(scope, handle, lambda: None)
        self.block(chain(node.orelse, node.finalbody), scope)

    def _do_FunctionDef(self, node: ast.FunctionDef, scope: _Scope) -> None:
        defaults = [self.value(default, scope) for default in filter(None, _defaults(node.args))]
        usable = not node.decorator_list and not any(
            isinstance(part, (ast.Yield, ast.YieldFrom)) for part in ast.walk(node)
        )
        for decorator in node.decorator_list:
            if any(self.is_candidate(part, scope) for part in ast.walk(decorator)):
                raise _Needs(f"decorates with {ast.unparse(decorator):.40}")
        value = _Value(_FUNCTION, what=node, scope=scope, parts=tuple(defaults))
        if not usable:
            value = _Value(_UNUSABLE, what=f"{node.name}, a function of the tests with a decorator or yield")
        self.define(node.name, value, scope)

    def _do_ClassDef(self, node: ast.ClassDef, scope: _Scope) -> None:
        for part in chain(node.bases, node.decorator_list, node.body):
            for inner in ast.walk(part):
                if self.is_candidate(inner, scope):
                    raise _Needs(f"uses {ast.unparse(inner)} in the class {node.name}")
        self.define(node.name, _Value(_UNUSABLE, what=f"{node.name}, a class of the tests"), scope)

    def _do_AsyncFunctionDef(self, node: ast.AsyncFunctionDef, scope: _Scope) -> None:
        self.define(node.name, _Value(_UNUSABLE, what=f"{node.name}, a coroutine"), scope)

    def _do_Return(self, node: ast.Return, scope: _Scope) -> None:
        scope.returned.append(_Value() if node.value is None else self.value(node.value, scope))

    def _do_Raise(self, node: ast.Raise, scope: _Scope) -> None:
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if raised is not None:
            self.catches(raised, scope)

    def _do_Import(self, node: ast.Import, scope: _Scope) -> None:
        for alias in node.names:
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            scope.values[alias.asname or name] = _Value(_MODULE, what=name, depth=_DEEP)

    def _do_ImportFrom(self, node: ast.ImportFrom, scope: _Scope) -> None:
        for alias in node.names:
            if alias.name == "*":
                allowed = _MODULES.get(node.module or "", frozenset())
                members = [] if allowed is not None else _public(node.module or "")
            else:
                members = [alias.name]
            for name in members:
                # Not looked at before it is used: prompts import much that their tests never touch.
                made = _Value(_MODULE, what=(node.module or "", name), depth=_DEEP)
                scope.values[alias.asname or name] = made

    def size(self, node: ast.expr, scope: _Scope) -> float:
        """Return how often a loop runs, where that is written down; otherwise as often as it is walked."""
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return len(node.elts)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
            bounds = [self.number(arg, scope) for arg in node.args]
            known = [bound for bound in bounds if bound is not None]
            if known and len(known) == len(bounds) <= 3 and known[2:] != [0]:
                return sum(1 for _ in zip(range(*known), range(_MAX_CROSSINGS + 1), strict=False))
        return 2

    def number(self, node: ast.expr, scope: _Scope) -> int | None:
        """Return the integer that an expression is, as far as constants, names of them and products go."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Pow, ast.Add)):
            left, right = self.number(node.left, scope), self.number(node.right, scope)
            if left is None or right is None:
                return None
            if isinstance(node.op, ast.Pow):
                found = left ** min(right, 30) if right >= 0 else 0
            else:
                found = left * right if isinstance(node.op, ast.Mult) else left + right
            return max(-_MANY, min(found, _MANY))
        value = scope.find(node.id) if isinstance(node, ast.Name) else None
        found = node.value if isinstance(node, ast.Constant) else value.what if value is not None else None
        return found if type(found) is int and (value is None or value.kind == _PLAIN) else None

    # --- names ---

    def define(self, name: str, value: _Value, scope: _Scope) -> None:
        if name not in self.names:  # the candidate's own is what the tests call
            scope.values[name] = value

    def name(self, name: str, scope: _Scope) -> _Value:
        value = scope.find(name)
        if value is None:
            if name in _BUILTINS or name in _KINDS:
                return _Value(_TYPE if name in _KINDS else _PURE, what=name, depth=_DEEP)
            raise _Needs(
                f"uses {name}" + ("" if hasattr(builtins, name) else ", which the tests do not define")
            )
        if value.kind == _MODULE and isinstance(value.what, tuple):
            return self.member(*value.what)
        return value

    def member(self, module: str, name: str) -> _Value:
        """Return what a module has by a name, where its use has no effect on anything else."""
        whole = f"{module}.{name}"
        if whole in _MODULES:
            return _Value(_MODULE, what=whole, depth=_DEEP)
        allowed = _MODULES.get(module, frozenset())
        if name.startswith("_") or (allowed is not None and name not in allowed):
            raise _Needs(f"uses {whole}")
        try:
            found = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            raise _Needs(f"uses {whole}, which is not there") from None
        if isinstance(found, (int, float, complex, str)) or found is None:
            return _Value(what=found)
        if isinstance(found, type) and whole not in _OWN_MAKERS and module not in _LAZY_MODULES:
            return _Value(_TYPE, what=whole, depth=_DEEP)
        return _Value(_PURE, what=whole, depth=_DEEP)

    def bind(self, target: ast.expr, value: _Value, scope: _Scope) -> None:
        if isinstance(target, ast.Name):
            value.named = True
            if target.id in self.names and scope is self.module:
                raise _Needs(f"binds {target.id} anew")
            scope.values[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            parts = value.parts
            starred = any(isinstance(part, ast.Starred) for part in target.elts)
            values: Iterable[_Value]
            if (
                parts is not None
                and len(parts) == len(target.elts)
                and not starred
                and value.kind != _CANDIDATE
            ):
                values = parts
            else:
                values = [self.item(value) for _ in target.elts]
            for part, one in zip(target.elts, values, strict=False):
                self.bind(part, one, scope)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, self.container([value]), scope)
        elif isinstance(target, ast.Subscript):
            base = self.value(target.value, scope)
            if base.kind == _REMOTE:
                self.hand_over([self.value(target.slice, scope), value])
                return
            self.change(base, ast.unparse(target))
            _absorb(base, value)
            if not isinstance(target.slice, ast.Slice):
                _absorb(base, self.value(target.slice, scope))
        elif isinstance(target, ast.Attribute):
            base = self.value(target.value, scope)
            if base.kind == _REMOTE or (
                base.kind == _RESULT and self.objects and target.attr not in _PLAIN_NAMES
            ):
                self.hand_over([value])
                return
            raise _Needs(f"sets {ast.unparse(target):.40}")
        else:
            raise _Needs(f"assigns to {ast.unparse(target):.40}")

    def is_candidate(self, node: ast.AST, scope: _Scope) -> bool:
        if not isinstance(node, ast.Name):
            return False
        value = scope.find(node.id)
        return value is not None and value.kind == _CANDIDATE

    def catches(self, node: ast.expr | None, scope: _Scope) -> None:
        if node is None:
            raise _Needs("catches everything, exits too")
        for part in node.elts if isinstance(node, ast.Tuple) else [node]:
            kind = getattr(builtins, part.id, None) if isinstance(part, ast.Name) else None
            own = isinstance(part, ast.Name) and scope.find(part.id) is not None
            if own or not (isinstance(kind, type) and issubclass(kind, Exception)):
                raise _Needs(f"catches or raises {ast.unparse(part):.40}")
            if issubclass(kind, _UNCATCHABLE) or kind.__name__.endswith("Group"):
                raise _Needs(f"catches or raises {kind.__name__}")

    # --- branches ---

    def branches(self, scope: _Scope, *ways: Callable[[], None]) -> None:
        """Walk each way from here; what a name holds afterwards is what any of them left in it."""
        before = scope.values
        after: dict[str, _Value] | None = None
        for way in ways:
            scope.values = dict(before)
            way()
            after = scope.values if after is None else _joined(after, scope.values)
        assert after is not None
        scope.values = after

    # --- what is done with values ---

    def stale(self, roots: Iterable[_Root]) -> bool:
        return any(root.held is not None and root.held < self.calls for root in roots)

    def observe(self, value: _Value, depth: int = _DEEP) -> None:
        """Look at a value, by comparing it with one of `depth` levels of literals.

        A candidate may have changed what it kept from an earlier call, and that change does not cross. It
        cannot change a constant: where one is compared with, an object that could change differs anyway.
        """
        if value.kind == _UNUSABLE:
            raise _Needs(f"uses {value.what}")
        if value.kind in (_CANDIDATE, _FUNCTION, _MODULE, _PURE, _BOUND):
            raise _Needs("looks at a function" + (f", {value.what}" if isinstance(value.what, str) else ""))
        if (depth > 0 and self.stale(value.roots)) or (depth > value.own and self.stale(value.shared)):
            raise _Needs("looks at a value after a later call, which may have changed it")

    def truth(self, value: _Value) -> _Value:
        self.observe(value)
        if value.kind in (_RESULT, _REMOTE) and self.objects:
            self.tick()
        return _Value()

    def change(self, value: _Value, what: str) -> None:
        if value.kind in (_RESULT, _REMOTE) and value.own == 0:
            raise _Needs(f"changes a result: {what:.40}")
        if value.kind not in (_PLAIN, _RESULT, _OWN, _TYPE, _REMOTE):
            raise _Needs(f"changes {what:.40}")
        if any(root.held is not None for root in value.roots):
            raise _Needs(f"changes what it handed over: {what:.40}")

    def tick(self) -> None:
        self.calls += 1
        self.reached = True

    def hand_over(self, values: Iterable[_Value]) -> _Value:
        """Let the candidate run with these arguments; return what it gives back."""
        values = list(values)
        for value in values:
            if value.lazy or value.kind in (_OWN, _FUNCTION, _PURE, _MODULE, _BOUND):
                raise _Needs("hands over what is not plain data")
            if value.kind == _UNUSABLE:
                raise _Needs(f"hands over {value.what}")
            if value.kind == _TYPE and value.what not in _CROSSING:
                raise _Needs(f"hands over {value.what}")
            # In one process it is the object that the candidate kept; across the channel it is a copy.
            if any(root.held is not None for root in value.known):
                raise _Needs("hands over what an earlier call was given or gave, and may have kept")
        self.tick()
        self.crossings += self.rounds
        if self.crossings > _MAX_CROSSINGS:
            raise _Needs(f"calls the candidate more than {_MAX_CROSSINGS:,} times")
        todo = [root for value in values for root in value.known]
        while todo:
            root = todo.pop()
            root.held = self.calls
            todo += root.parents
        return _Value(_RESULT, frozenset({_Root(self.calls)}), own=0, depth=_DEEP)

    def item(self, value: _Value, index: ast.expr | None = None) -> _Value:
        """Return one of the items of a value: by a loop, or by an index."""
        if value.kind == _UNUSABLE:
            raise _Needs(f"uses {value.what}")
        if value.kind > _OWN:
            self.observe(value)
        if value.kind in (_RESULT, _REMOTE) and value.own == 0:
            if index is None or value.kind == _REMOTE:
                old = self.stale(value.known)
                self.tick()  # it may be a generator
                return _Value(_RESULT, frozenset({_Root(self.calls - old)}), own=0, depth=_DEEP)
            return _Value(_RESULT, value.known, own=0, depth=_DEEP)
        if value.parts is not None and isinstance(index, ast.Constant):
            if type(index.value) is int and index.value < len(value.parts):
                return value.parts[index.value]
            raise _Needs("takes a tuple apart where it has no item")
        if value.parts is not None and index is None and len(value.parts) and not value.lazy:
            return _merged(value.parts)
        depth = max(0, value.depth - 1) if value.depth < _DEEP else _DEEP
        own = value.own - 1 if 0 < value.own < _DEEP else value.own
        fresh: frozenset[_Root] = frozenset()
        if depth > 0:
            # The items of a literal differ from each other; only a constant index meets the same one again.
            again = isinstance(index, (ast.Constant, ast.UnaryOp))
            held = max((root.held or 0 for root in value.roots), default=0) or None
            fresh = frozenset({_Root(held if again else None, tuple(value.roots))})
        inner = value.parts if value.lazy else None
        return _Value(value.kind, fresh, value.shared, own, depth, inner, what=value.what, scope=value.scope)

    def container(self, values: Iterable[_Value], *, lazy: bool = False) -> _Value:
        """Return a container that the tests make of values."""
        values = list(values)
        for value in values:
            if value.lazy:
                return _Value(_OWN, frozenset({_Root()}), depth=_DEEP)
        merged = _merged(values)
        depth = min(_DEEP, 1 + max((value.depth for value in values), default=0))
        shared = frozenset(
            root
            for value in values
            for root in (value.known if value.named or value.own < _DEEP else value.shared)
        )
        own = merged.own + 1 if merged.own < _DEEP else 1 if shared else _DEEP
        if merged.kind > _OWN:
            return _Value(_UNUSABLE, what=_PARTS.get(merged.kind, str(merged.what)))
        return _Value(merged.kind, frozenset({_Root()}), shared, own, depth, lazy=lazy)

    def combined(self, left: _Value, right: _Value) -> _Value:
        """Return what an operator makes of two values."""
        for value in (left, right):
            if value.kind not in (_PLAIN, _RESULT, _REMOTE, _TYPE, _OWN) or value.lazy:
                self.observe(value)
                raise _Needs("computes with what is not plain data")
        if self.objects and _RESULT <= max(left.kind, right.kind) <= _REMOTE:
            self.observe(left)
            self.observe(right)
            self.tick()
            return _Value(_REMOTE, own=0, depth=_DEEP)
        depth = max(left.depth, right.depth)
        if left.kind == right.kind == _PLAIN:
            roots = frozenset({_Root()}) if left.roots or right.roots else frozenset()
            return _Value(_PLAIN, roots, left.shared | right.shared, depth=depth)
        kind = max(left.kind, right.kind)
        known = left.known | right.known
        return _Value(kind, frozenset({_Root()}), known, min(left.own, right.own), _DEEP)

    def compared(self, left: _Value, op: ast.cmpop, right: _Value, node: ast.expr) -> None:
        if isinstance(op, (ast.Is, ast.IsNot)):
            if any(
                v.kind == _PLAIN
                and v.depth == 0
                and (v.what is None or v.what in (True, False, ...))
                and v.scope is _SINGLETON
                for v in (left, right)
            ):
                for value in (left, right):
                    if value.kind == _UNUSABLE:
                        raise _Needs(f"uses {value.what}")
                return
            if {left.kind, right.kind} == {_TYPE} and not (_type_of(left) and _type_of(right)):
                return
            raise _Needs(f"looks at identity: `{ast.unparse(node):.60}`")
        if left.lazy or (right.lazy and not isinstance(op, (ast.In, ast.NotIn))):
            raise _Needs("compares an iterator")
        if _type_of(left) or _type_of(right):
            other = right if _type_of(left) else left
            if other.kind != _TYPE or _type_of(other):
                raise _Needs("compares the type of a result with another than a builtin one")
            return
        step = isinstance(op, (ast.In, ast.NotIn))
        # Copies that the tests make within one comparison: their items are taken to be values.
        copies = min(left.own, right.own) >= 1 and not left.named and not right.named
        if not copies:
            self.observe(left, right.depth - step)
            self.observe(right, left.depth + step)
        for value in (left, right):
            if value.kind > _OWN:
                self.observe(value)
        if self.objects and _RESULT <= max(left.kind, right.kind) <= _REMOTE:
            self.hand_over([value for value in (left, right) if value.kind == _PLAIN])

    # --- expressions ---

    def value(self, node: ast.expr, scope: _Scope) -> _Value:
        self.steps += 1
        if self.steps > _MAX_STEPS:
            raise _Needs("is too long to be looked through")
        handler = getattr(self, f"_of_{type(node).__name__}", None)
        if handler is None:
            raise _Needs(f"uses `{_WORDS.get(type(node), type(node).__name__.lower())}`")
        found: _Value = handler(node, scope)
        return found

    def _of_Constant(self, node: ast.Constant, _scope: _Scope) -> _Value:
        singleton = node.value is None or type(node.value) is bool or node.value is ...
        return _Value(what=node.value, scope=_SINGLETON if singleton else None)

    def _of_Name(self, node: ast.Name, scope: _Scope) -> _Value:
        return self.name(node.id, scope)

    def _of_List(self, node: ast.List | ast.Set, scope: _Scope) -> _Value:
        values = [
            self.item(self.value(part.value, scope))
            if isinstance(part, ast.Starred)
            else self.value(part, scope)
            for part in node.elts
        ]
        return self.container(values)

    _of_Set = _of_List

    def _of_Tuple(self, node: ast.Tuple, scope: _Scope) -> _Value:
        if any(isinstance(part, ast.Starred) for part in node.elts):
            return self._of_List(ast.List(node.elts, node.ctx), scope)
        values = [self.value(part, scope) for part in node.elts]
        made = self.container(values)
        made.parts = tuple(values)
        if not made.shared and all(not value.roots for value in values):
            made.roots = frozenset()  # nothing of it can change
        return made

    def _of_Dict(self, node: ast.Dict, scope: _Scope) -> _Value:
        keys = [self.value(key, scope) for key in node.keys if key is not None]
        values = [
            self.value(value, scope) if key is not None else self.item(self.value(value, scope))
            for key, value in zip(node.keys, node.values, strict=True)
        ]
        return self.container([*keys, *values])

    def _of_JoinedStr(self, node: ast.JoinedStr, scope: _Scope) -> _Value:
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.text(self.value(part.value, scope))
        return _Value(what="")

    def _of_UnaryOp(self, node: ast.UnaryOp, scope: _Scope) -> _Value:
        value = self.value(node.operand, scope)
        if isinstance(node.op, ast.Not):
            return self.truth(value)
        return self.combined(value, _Value())

    def _of_BinOp(self, node: ast.BinOp, scope: _Scope) -> _Value:
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        if isinstance(node.op, ast.Mod) and isinstance(left.what, str) and left.depth == 0:
            self.text(right)
        number = self.number(node, scope)
        return self.combined(left, right) if number is None else _Value(what=number)

    def _of_BoolOp(self, node: ast.BoolOp, scope: _Scope) -> _Value:
        values = []
        for part in node.values:
            value = self.value(part, scope)
            self.truth(value)
            values.append(value)
        return _merged(values)

    def _of_IfExp(self, node: ast.IfExp, scope: _Scope) -> _Value:
        self.truth(self.value(node.test, scope))
        return _merged([self.value(node.body, scope), self.value(node.orelse, scope)])

    def _of_NamedExpr(self, node: ast.NamedExpr, scope: _Scope) -> _Value:
        value = self.value(node.value, scope)
        self.bind(node.target, value, scope)
        return value

    def _of_Compare(self, node: ast.Compare, scope: _Scope) -> _Value:
        left = self.value(node.left, scope)
        for op, part in zip(node.ops, node.comparators, strict=False):
            right = self.value(part, scope)
            self.compared(left, op, right, node)
            left = right
        return _Value()

    def _of_Subscript(self, node: ast.Subscript, scope: _Scope) -> _Value:
        base = self.value(node.value, scope)
        if base.kind in (_TYPE, _MODULE) or (base.kind == _PURE and str(base.what).startswith("typing.")):
            return _Value(_UNUSABLE, what="a generic type")
        if isinstance(node.slice, ast.Slice):
            for part in filter(None, (node.slice.lower, node.slice.upper, node.slice.step)):
                self.value(part, scope)
            if base.kind in (_RESULT, _REMOTE) and base.own == 0:
                return self.item(base, ast.Constant(0))
            made = self.container([self.item(base)])
            made.depth = base.depth
            return made
        key = self.value(node.slice, scope)
        self.observe(key)
        if base.kind == _REMOTE:
            return self.hand_over([key])
        if base.kind == _RESULT and base.own == 0 and not _integral(key):
            raise _Needs("looks up a key of a result, which may make missing ones")
        return self.item(base, node.slice)

    def _of_Attribute(self, node: ast.Attribute, scope: _Scope) -> _Value:
        return self.attribute(self.value(node.value, scope), node)

    def attribute(self, base: _Value, node: ast.Attribute) -> _Value:
        if base.kind == _MODULE:
            return self.member(base.what, node.attr)
        if base.kind == _UNUSABLE:
            raise _Needs(f"uses {base.what}")
        if base.kind == _CANDIDATE:
            raise _Needs(f"reads {ast.unparse(node):.40}")
        if node.attr.startswith("__"):
            raise _Needs(f"reads {node.attr}")
        if base.kind in (_RESULT, _REMOTE) and base.own == 0:
            if not self.objects:
                raise _Needs(f"reads an attribute of a result: {node.attr}")
            if node.attr in _PLAIN_NAMES and base.kind == _RESULT:
                self.observe(base)
                if node.attr not in _READING:
                    raise _Needs(f"changes a result: {ast.unparse(node):.40}")
            made = self.hand_over([])
            made.what = "attribute"
            return made
        if base.kind == _TYPE:  # str.lower as a key
            return _Value(_PURE, what=f"{base.what}.{node.attr}", depth=_DEEP)
        if base.kind not in (_PLAIN, _RESULT, _REMOTE, _OWN) or base.lazy or node.attr in _PLAIN_NAMES:
            raise _Needs(f"reads {ast.unparse(node):.40}")
        return _Value(base.kind, base.roots, base.shared, base.own, _DEEP)

    def _of_Lambda(self, node: ast.Lambda, scope: _Scope) -> _Value:
        defaults = tuple(self.value(default, scope) for default in filter(None, _defaults(node.args)))
        return _Value(_FUNCTION, what=node, scope=scope, parts=defaults, depth=_DEEP)

    def _of_ListComp(self, node: ast.ListComp | ast.SetComp, scope: _Scope) -> _Value:
        return self.container(self.comprehended(node, scope))

    _of_SetComp = _of_ListComp

    def _of_GeneratorExp(self, node: ast.GeneratorExp, scope: _Scope) -> _Value:
        return self.container(self.comprehended(node, scope), lazy=True)

    def _of_DictComp(self, node: ast.DictComp, scope: _Scope) -> _Value:
        return self.container(self.comprehended(node, scope))

    def comprehended(
        self, node: Any, scope: _Scope, look: Callable[[_Value], Any] = lambda value: value
    ) -> list[_Value]:
        """Return what a comprehension makes in two rounds of each of its loops."""
        inner = _Scope(parent=scope)
        made: list[_Value] = []

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
                raise _Needs("uses `async for`")
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

    def text(self, value: _Value) -> None:
        self.observe(value)
        if value.kind in (_RESULT, _REMOTE):
            if not self.objects:
                raise _Needs("looks at the text of a result")
            self.tick()

    # --- calls ---

    def _of_Call(self, node: ast.Call, scope: _Scope) -> _Value:
        function = self.called(node.func, scope)
        if function.kind == _PURE and function.what in ("all", "any") and len(node.args) == 1:
            [only] = node.args
            if isinstance(only, ast.GeneratorExp) and not node.keywords:
                self.comprehended(only, scope, self.truth)
                return _Value()
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

    def called(self, node: ast.expr, scope: _Scope) -> _Value:
        """Return what is called: a method of the tests' own data, or any other value."""
        if isinstance(node, ast.Attribute) and not node.attr.startswith("__"):
            base = self.value(node.value, scope)
            if base.kind in (_PLAIN, _TYPE, _OWN) or (base.kind in (_RESULT, _REMOTE) and base.own > 0):
                return _Value(_BOUND, base.roots, base.shared, base.own, _DEEP, (base,), what=node.attr)
            return self.attribute(base, node)
        return self.value(node, scope)

    def spread(self, value: _Value) -> _Value:
        if value.kind in (_RESULT, _REMOTE):
            return self.item(value)
        return self.item(value) if value.lazy or value.parts is None else _merged([*value.parts, _Value()])

    def call(
        self, function: _Value, args: list[_Value], named: dict[str, _Value], *, starred: bool, node: ast.Call
    ) -> _Value:
        everything = [*args, *named.values()]
        if function.kind == _CANDIDATE:
            made = self.hand_over(everything)
            if function.parts is not None and self.objects:
                return _Value(_REMOTE, own=0, depth=_DEEP)
            return made
        if function.kind in (_RESULT, _REMOTE) and function.own == 0:
            return self.hand_over(everything)  # a function, which does not change
        if function.kind == _FUNCTION and getattr(function.what, "name", "") in self.compares:
            for value in everything:
                self.observe(value)
            return _Value(depth=_DEEP)
        if function.kind == _FUNCTION:
            return self.own_call(function, args, named, starred=starred)
        if function.kind == _BOUND:
            return self.method(function, everything, node)
        if function.kind in (_PURE, _TYPE) and isinstance(function.what, str):
            return self.pure(function.what, args, named, node)
        if function.kind == _UNUSABLE:
            raise _Needs(f"uses {function.what}")
        raise _Needs(f"calls {ast.unparse(node.func):.40}")

    def own_call(
        self, function: _Value, args: list[_Value], named: dict[str, _Value], *, starred: bool
    ) -> _Value:
        node: ast.FunctionDef | ast.Lambda = function.what
        self.depth += 1
        if self.depth > _MAX_CALLS:
            raise _Needs("calls functions of its own too deep")
        spec = node.args
        scope = _Scope(parent=function.scope)
        positional = [*spec.posonlyargs, *spec.args]
        parameters = [*positional, *spec.kwonlyargs]
        everything = [*args, *named.values()]
        defaults = list(function.parts or ())
        for index, parameter in enumerate(parameters):
            if starred:
                given = _merged([*everything, *defaults])
            elif index < len(positional) and index < len(args):
                given = args[index]
            elif parameter.arg in named:
                given = named[parameter.arg]
            else:
                given = _merged(defaults) if defaults else _Value(_UNUSABLE, what="a missing argument")
            given.named = True
            scope.values[parameter.arg] = given
        for rest in (spec.vararg, spec.kwarg):
            if rest is not None:
                scope.values[rest.arg] = self.container(everything)
        if isinstance(node, ast.Lambda):
            result = self.value(node.body, scope)
        else:
            self.block(node.body, scope)
            result = _merged(scope.returned) if scope.returned else _Value()
        self.depth -= 1
        return result

    def method(self, function: _Value, args: list[_Value], node: ast.Call) -> _Value:
        [base] = function.parts or ()
        name = str(function.what)
        for arg in args:
            if arg.kind in (_CANDIDATE, _FUNCTION, _BOUND, _MODULE, _UNUSABLE) and name != "sort":
                self.observe(arg)
        if name in ("format", "format_map"):
            for arg in args:
                self.text(arg)
        if base.kind == _TYPE:  # dict.fromkeys, datetime.now
            for arg in args:
                self.observe(arg)
            return self.container(args or [_Value()])
        if base.kind == _OWN:
            for arg in args:
                _absorb(base, arg)
            if name in _NUMBERS_BY_CHANCE:
                return _Value(depth=_DEEP)
            if name in ("choice", "sample", "choices"):
                return self.item(args[0]) if args and name == "choice" else self.container(args)
            return _Value(_OWN, base.roots, base.shared, own=base.own, depth=_DEEP)
        if name in _READING:
            self.observe(base, 0 if base.own else _DEEP)
            for arg in args:
                self.observe(arg)
            if not base.known:
                return (
                    self.container([_Value()])
                    if name.endswith(("split", "splitlines", "partition"))
                    else _Value()
                )
            merged = _merged([base, *args])
            depth = base.depth if name == "copy" else _DEEP
            return _Value(merged.kind, frozenset({_Root()}), base.known, base.own, depth)
        self.change(base, ast.unparse(node.func))
        for arg in args:
            _absorb(base, arg)
        return self.item(base)

    def pure(self, name: str, args: list[_Value], named: dict[str, _Value], node: ast.Call) -> _Value:
        """Return what a function gives that does nothing but compute."""
        everything = [*args, *named.values()]
        first = args[0] if args else _Value()
        if name == "callable":
            return _Value()
        if name == "isinstance":
            return self.is_instance(
                first, args[1] if len(args) == 2 else _Value(_UNUSABLE, what="isinstance")
            )
        if name == "type":
            if len(args) != 1 or first.kind > _OWN:
                raise _Needs("makes a type, or takes that of a function")
            made_by_candidate = first.kind in (_RESULT, _REMOTE)
            what = _TYPE_OF if made_by_candidate else "the type of plain data"
            return _Value(_TYPE, what=what, depth=_DEEP)
        if name == "print":
            for value in everything:
                self.observe(value) if value.kind != _RESULT else None
            return _Value()
        if name == "eval":
            return self.evaluated()
        if name in _TEXTS and args:
            self.text(first)
        if name == "random.shuffle":
            self.change(first, name)
        callables = [v for v in everything if v.kind in (_CANDIDATE, _FUNCTION)]
        data = [v for v in everything if v.kind not in (_CANDIDATE, _FUNCTION, _PURE, _TYPE, _BOUND)]
        if callables and name not in _LAZY | {"sorted", "max", "min", "functools.reduce"}:
            raise _Needs(f"hands a function to {name}")
        for value in data:
            if value.kind in (_UNUSABLE, _MODULE):
                self.observe(value)
        if name in ("copy.deepcopy", "copy.copy"):
            self.observe(first)
            if first.kind in (_RESULT, _REMOTE) and first.own == 0:
                raise _Needs("copies a result, which may be an iterator")
            deep = name == "copy.deepcopy"
            shared = frozenset() if deep else first.known
            roots = frozenset({_Root()}) if first.known else frozenset()
            # A deep copy is the tests' own at every level.
            return _Value(first.kind, roots, shared, 0 if first.kind == _RESULT else _DEEP, first.depth)
        items = data
        module = name.rpartition(".")[0]
        looped = name in _LAZY | _COPIES or module in _LAZY_MODULES or name == "functools.reduce"
        if name in ("sorted", "set", "frozenset", "dict"):
            for value in data:
                self.observe(value, _DEEP if value.own == 0 else 1)
        if looped or (name in _PICKS and len(data) == 1):
            items = [self.item(value) for value in data]
        for function in callables:
            made = [
                self.call(function, items or [_Value()], {}, starred=len(items) != 1, node=node)
                for _ in (0, 1)
            ]
            if name in ("map", "functools.reduce"):
                items = made
        if name in _LAZY or module in _LAZY_MODULES:
            result = self.container(items or [_Value()], lazy=True)
            if name in ("enumerate", "zip") and not callables:
                parts = [_Value(what=0), *items[:1]] if name == "enumerate" else items
                result.parts = tuple(parts)
            return result
        if name in _PICKS or name == "functools.reduce":
            found = _merged(items or [_Value()])
            if any(value.own < 2 and value.kind == _RESULT for value in data):
                return _Value(_RESULT, found.known, own=0, depth=_DEEP)
            return found
        if name in _COPIES:
            if not everything:
                return _Value(_PLAIN, frozenset({_Root()}), depth=1)
            made_of = self.container(items)
            made_of.depth = max(first.depth, 1)
            return made_of
        for value in data:
            self.observe(value, 1 if name == "len" and value.own >= 1 else _DEEP)
        if self.objects and any(value.kind in (_RESULT, _REMOTE) for value in data):
            self.tick()
        if name in _SCALARS or name in ("range", "slice", "bool", "all", "any"):
            return _Value(
                depth=1 if name == "range" else 0, what=0 if name in ("len", "int", "ord", "range") else None
            )
        if name in _OWN_MAKERS:
            return _Value(
                _OWN, frozenset({_Root()}), frozenset(r for v in data for r in v.known), depth=_DEEP
            )
        if module == "random" and name.rpartition(".")[2] in _NUMBERS_BY_CHANCE:
            return _Value(depth=_DEEP)
        worst = max((value.kind for value in data), default=_PLAIN)
        roots = frozenset(root for value in data for root in value.known)
        if module in _SCALAR_MODULES:
            return _Value(depth=_DEEP if name in ("json.loads", "re.findall", "re.split") else 0)
        kind = _PLAIN if worst <= _RESULT else _OWN
        return _Value(kind, frozenset({_Root()}), roots, depth=_DEEP)

    def is_instance(self, value: _Value, kinds: _Value) -> _Value:
        if value.kind in (_CANDIDATE, _FUNCTION, _UNUSABLE, _MODULE):
            self.observe(value)
        for kind in (kinds,) if kinds.parts is None or kinds.kind == _CANDIDATE else kinds.parts:
            if kind.kind != _TYPE or _type_of(kind):
                raise _Needs("looks at a type that plain data has not")
            if value.kind in (_RESULT, _REMOTE) and str(kind.what).startswith("collections.abc"):
                raise _Needs(f"looks at a type that plain data has not: {kind.what}")
        return _Value()

    def evaluated(self) -> _Value:
        """Return what `eval` makes of a text: plain data where none of the texts could make more."""
        if not self.plain_texts:
            raise _Needs("uses eval on what may be no literal")
        return _Value(_PLAIN, frozenset({_Root()}), depth=_DEEP)


_PARTS = {_CANDIDATE: "functions of the candidate in a container", _FUNCTION: "functions in a container"}
_SINGLETON = _Scope()  # marks None, True, False and the ellipsis
_WORDS: dict[type, str] = {
    ast.Yield: "yield",
    ast.Await: "await",
    ast.AsyncFor: "async for",
    ast.Delete: "del",
}


def _type_of(value: _Value) -> bool:
    return value.kind == _TYPE and value.what == _TYPE_OF


def _integral(value: _Value) -> bool:
    return value.kind == _PLAIN and not value.roots and type(value.what) is int


def _defaults(args: ast.arguments) -> Iterator[ast.expr | None]:
    return chain(args.defaults, args.kw_defaults)


def _public(module: str) -> list[str]:
    try:
        return [name for name in dir(importlib.import_module(module)) if not name.startswith("_")]
    except ImportError:
        return []


def _merged(values: Iterable[_Value]) -> _Value:
    """Return a value that stands for any of several."""
    values = list(values)
    if not values:
        return _Value()
    first = values[0]
    if all(value is first for value in values):
        return first
    kind = max(value.kind for value in values)
    same = all(value.kind == kind and value.what is first.what for value in values)
    if kind in (_FUNCTION, _PURE, _MODULE, _BOUND) and not same:
        return _Value(_UNUSABLE, what="one of several functions")
    if kind == _CANDIDATE and not all(value.kind == kind for value in values):
        return _Value(_UNUSABLE, what="a function of the candidate, or another value")
    alike_parts = (
        all(value.parts is not None and first.parts is not None for value in values)
        and len({len(value.parts or ()) for value in values}) == 1
    )
    parts = None
    if alike_parts and kind not in (_CANDIDATE, _FUNCTION, _BOUND):
        parts = tuple(
            _merged(column) for column in zip(*(value.parts or () for value in values), strict=True)
        )
    elif kind == first.kind and kind in (_CANDIDATE, _FUNCTION, _BOUND):
        parts = first.parts
    return _Value(
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
        if kind == _UNUSABLE
        else None,
        first.scope if all(value.scope is first.scope for value in values) else None,
    )


def _joined(one: dict[str, _Value], other: dict[str, _Value]) -> dict[str, _Value]:
    names = dict.fromkeys(chain(one, other))
    return {name: _merged([where[name] for where in (one, other) if name in where]) for name in names}


def _absorb(container: _Value, value: _Value) -> None:
    """Note that a container of the tests holds a value from now on."""
    container.depth = _DEEP
    container.parts = None
    container.shared |= value.known
    if value.lazy or value.kind > container.kind:
        container.kind = _OWN if value.lazy else value.kind
        container.what, container.scope = value.what, value.scope
    if value.own < _DEEP:
        container.own = min(container.own, value.own + 1)
