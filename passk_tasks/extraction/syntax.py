"""Python's own parser on hostile text: bounded, silent, and never an exception.

CPython 3.10 to 3.13 bounds the depth of what it parses and compiles (RecursionError, MemoryError,
SyntaxError; tried with every prefix and postfix operator up to 60,000 deep). It does not bound time, which
grows with length: hence a limit for one source and a limit for all attempts at a text.
"""

from __future__ import annotations

import ast
import builtins
import re
import symtable
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from passk_tasks.extraction.newer import as_older

MAX_SOURCE_CHARS = 128 * 1024
MAX_TOTAL_CHARS = 384 * 1024  # about half a second

BUILTINS = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__"}
FRAMEWORKS = frozenset(("unittest", "mock", "pytest", "doctest", "nose", "hypothesis"))

_WRAPPERS = frozenset(("getattr", "staticmethod", "classmethod", "type"))  # built-ins that return callables

_UNREADABLE = re.compile("[\0\ud800-\udfff]")  # no source can hold these
_FAILURES = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError, SystemError)
_WARNINGS_LOCK = threading.Lock()  # catch_warnings swaps global state
_T = TypeVar("_T")


def silently(function: Callable[[], _T]) -> _T:
    """Return what a function of the parser's gives, without warnings, whatever other threads parse."""
    with _WARNINGS_LOCK, warnings.catch_warnings():
        # Under `-W error` a SyntaxWarning would turn a valid program into an invalid one.
        warnings.simplefilter("ignore")
        try:
            return function()
        except SystemError:
            # CPython 3.11 counts in one number how deep the trees of all threads are, and finds it wrong
            # where two threads make one. The text is not at fault; one that is fails twice.
            return function()


@dataclass(frozen=True, slots=True)
class Names:
    """Global names of a piece of code.

    Attributes:
        bound: bound at module level.
        used: read anywhere in it.
        immediate: read while the code is executed, not only when one of its functions is called later.
    """

    bound: frozenset[str]
    used: frozenset[str]
    immediate: frozenset[str]


@dataclass(frozen=True, slots=True)
class Unit:
    """Top-level statements that share lines (nearly always one), cut out of their source."""

    first: int  # line numbers, from 1, both inclusive
    last: int
    nodes: tuple[ast.stmt, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """A source that compiles; its lines end in LF only, as Python's line numbers count them."""

    source: str
    tree: ast.Module

    @property
    def bound(self) -> frozenset[str]:
        """Names bound at module level, in branches and loops too."""
        return frozenset(name for name, _ in _bindings(self.tree.body))

    @property
    def imported(self) -> frozenset[str]:
        """Names bound at module level by imports."""
        imports = (ast.Import, ast.ImportFrom)
        return frozenset(name for name, node in _bindings(self.tree.body) if isinstance(node, imports))

    def defines(self, name: str) -> bool:
        """Whether `name` is bound at module level, to what may be a function."""
        return binds_callable(self.tree.body, name)

    def writes(self, name: str, given: frozenset[str] = frozenset()) -> bool:
        """Whether the module holds the source of `name`, and that is more than a stub: see `sources`."""
        own = sources(self.tree.body, given)
        nodes = [n for bound, n in _bindings(self.tree.body) if bound == name and own.write(n, name)]
        return bool(nodes) and not is_stub(nodes)

    def is_stub(self, name: str) -> bool:
        """Whether the last definition of `name` is a function without a body of its own."""
        bindings = _bindings(self.tree.body)
        return is_stub([n for bound, n in bindings if bound == name and may_be_callable(n, name)])

    def units(self) -> list[Unit]:
        """Return the top-level statements in order, decorators included."""
        lines = self.source.split("\n")
        groups: list[tuple[int, int, list[ast.stmt]]] = []
        for node in self.tree.body:
            decorators = getattr(node, "decorator_list", [])
            first = min([node.lineno, *(d.lineno for d in decorators)])
            last = node.end_lineno or node.lineno
            if groups and groups[-1][1] >= first:
                groups[-1] = (groups[-1][0], max(last, groups[-1][1]), [*groups[-1][2], node])
            else:
                groups.append((first, last, [node]))
        return [Unit(a, b, tuple(nodes), "\n".join(lines[a - 1 : b])) for a, b, nodes in groups]


class Parser:
    """Parses the candidates of one text within a common budget.

    Args:
        compiles: whether they must compile too: `return` outside of a function parses, but does not compile.
    """

    def __init__(self, *, compiles: bool = True) -> None:
        self._build = _compiled if compiles else ast.parse
        self._left = MAX_TOTAL_CHARS
        self._seen: dict[str, Parsed | int] = {}

    def parse(self, source: str) -> Parsed | None:
        """Return the parsed source, or None where it does not compile or the budget is spent."""
        result = self._parse(source)
        return result if isinstance(result, Parsed) else None

    def error_line(self, source: str) -> int:
        """Return the line of the first error, from 1; 0 where there is none or it has no line."""
        result = self._parse(source)
        return 0 if isinstance(result, Parsed) else result

    def _parse(self, source: str) -> Parsed | int:
        if source in self._seen:
            return self._seen[source]
        if len(source) > min(MAX_SOURCE_CHARS, self._left):
            return 0
        self._left -= len(source) + 64  # even the shortest attempt costs something
        result: Parsed | int
        try:
            result = Parsed(source, _of_any_version(self._build, source))
        except _FAILURES as error:
            unreadable = _UNREADABLE.search(source)  # such an error has no line
            result = getattr(error, "lineno", None) or (
                source.count("\n", 0, unreadable.start()) + 1 if unreadable else 0
            )
        self._seen[source] = result
        return result


def may_return(body: Iterable[ast.AST]) -> bool:
    """Whether statements hold a `return` that no function among them holds."""
    left = list(body)
    while left:
        node = left.pop()
        if isinstance(node, ast.Return):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr)):
            left.extend(ast.iter_child_nodes(node))
    return False


def is_newer(source: str) -> bool:
    """Whether a source is for a newer Python than this one, whose parser refuses it."""
    older = as_older(source) if len(source) <= MAX_SOURCE_CHARS else source
    return older != source and not _parses(source) and _parses(older)


def _parses(source: str) -> bool:
    try:
        silently(lambda: ast.parse(source))
    except _FAILURES:
        return False
    return True


def _of_any_version(function: Callable[[str], _T], source: str) -> _T:
    """Return what a function of the parser's gives for a source, or for what it is in older syntax."""
    try:
        return silently(lambda: function(source))
    except SyntaxError:
        older = as_older(source)
        if older == source:
            raise
        return silently(lambda: function(older))


def _compiled(source: str) -> ast.Module:
    tree = ast.parse(source)
    # ast.parse accepts errors such as `return` outside a function; only compile() refuses them.
    compile(tree, "<candidate>", "exec", dont_inherit=True)
    return tree


def compared(source: str) -> tuple[ast.expr, ast.expr] | None:
    """Return both sides of a source that is one `assert a == b`, with a message or without; else None.

    `assert a is b` is one, too, where `b` is a constant: models write `is None` and `is True`.
    """
    if len(source) > MAX_SOURCE_CHARS:
        return None
    try:
        statements = silently(lambda: ast.parse(source).body)
    except _FAILURES:
        return None
    match statements:
        case [ast.Assert(test=ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]))]:
            return left, right
        case [ast.Assert(test=ast.Compare(left=left, ops=[ast.Is()], comparators=[ast.Constant() as right]))]:
            return left, right
    return None


def sides(line: str) -> tuple[str, str] | None:
    """Return both sides of a line that is one `assert a == b`, as source, the one with a call first.

    A message may stand behind it, after a colon, as judges show failed assertions. None for other lines.
    """
    found = None
    while line.startswith("assert ") and (found := compared(line)) is None and ": " in line:
        line = line.rpartition(": ")[0]
    if found is None:
        return None
    texts = tuple(ast.get_source_segment(line, one) or "" for one in found)
    called = [any(isinstance(node, ast.Call) for node in ast.walk(one)) for one in found]
    return (texts[1], texts[0]) if called == [False, True] else (texts[0], texts[1])


def names(source: str) -> Names | None:
    """Return the global names of a source that compiles; None where they cannot be found out."""
    try:
        return _of_any_version(lambda text: _names(symtable.symtable(text, "<candidate>", "exec")), source)
    except _FAILURES:
        return None


def _names(module: symtable.SymbolTable) -> Names:
    used: set[str] = set()
    immediate: set[str] = set()
    bound = {s.get_name() for s in module.get_symbols() if s.is_assigned() or s.is_imported()}
    stack = [(module, True)]
    while stack:
        table, runs_now = stack.pop()
        top = table is module
        here = {s.get_name() for s in table.get_symbols() if s.is_referenced() and (top or s.is_global())}
        used |= here
        if runs_now:
            immediate |= here
        # Class bodies and comprehensions run where they stand.
        stack += [(t, runs_now and _runs_at_once(t)) for t in table.get_children()]
    return Names(frozenset(bound), frozenset(used), frozenset(immediate))


def _runs_at_once(table: symtable.SymbolTable) -> bool:
    return table.get_type() == "class" or table.get_name() in {"listcomp", "setcomp", "dictcomp", "genexpr"}


def _plain_names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_INNER = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_VALUES = (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.BinOp, ast.UnaryOp, ast.Compare)


def may_be_callable(node: ast.stmt, name: str) -> bool:
    """Whether the statement may bind `name` to a function: not `f = 3`, `f = f(1)`, `for f in …`."""
    if isinstance(node, (*_SCOPES, ast.Import, ast.ImportFrom)):
        return True
    if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
        return False
    called = node.value.func if isinstance(node.value, ast.Call) else None
    own_result = isinstance(called, ast.Name) and called.id == name
    return not own_result and not isinstance(node.value, (*_VALUES, ast.JoinedStr, *_INNER[1:]))


def is_stub(definitions: Sequence[ast.stmt]) -> bool:
    """Whether the last of the statements is a function without a body of its own."""
    last = max(definitions, key=lambda node: node.lineno, default=None)
    if not isinstance(last, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    return all(
        isinstance(node, ast.Pass)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.Raise) and "NotImplementedError" in _plain_names(node))
        for node in last.body
    )


def leaves_out(tree: ast.AST) -> bool:
    """Whether `...` stands for statements that are left out: among others, not as all that a stub has."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        body = [one for one in body if not is_text(one)] if isinstance(body, list) else []
        if len(body) > 1 and any(isinstance(one, ast.Expr) and _constant(one) is ... for one in body):
            return True
    return False


def is_text(node: ast.stmt) -> bool:
    """Whether a statement is nothing but a text: documentation."""
    return isinstance(node, ast.Expr) and isinstance(_constant(node), str)


def _constant(node: ast.Expr) -> object:
    return node.value.value if isinstance(node.value, ast.Constant) else None


@dataclass(frozen=True, slots=True)
class Sources:
    """Which names of a program stand for functions and classes whose source is in it.

    Attributes:
        written: names bound at module level by `def`, `class`, a lambda, or an alias or wrapper of such.
        fakes: names imported from a test framework; objects made of them only stand in for a function.
        bound: all names that the module binds.
    """

    written: frozenset[str]
    fakes: frozenset[str]
    bound: frozenset[str]

    def write(self, node: ast.stmt, name: str) -> bool:
        """Whether the statement binds `name` to source in this module: not an import, not `name = Mock()`."""
        if isinstance(node, _SCOPES):
            return True
        if isinstance(node, (ast.Import, ast.ImportFrom)) or not may_be_callable(node, name):
            return False
        assert isinstance(node, (ast.Assign, ast.AnnAssign))
        assert node.value is not None
        read = _plain_names(node.value)
        if read & self.fakes:
            return False
        called = node.value.func if isinstance(node.value, ast.Call) else None
        if isinstance(called, ast.Name) and called.id in BUILTINS - _WRAPPERS - self.written:
            return False  # f = int(f)
        if isinstance(node.value, ast.Name) and node.value.id in BUILTINS:
            return True
        if called is not None and not read & self.bound:
            return False  # f = Mock(side_effect=lambda x: 0), while the import of Mock stands elsewhere
        return bool(read & self.written) or any(isinstance(n, ast.Lambda) for n in ast.walk(node.value))

    def bind(self, body: Iterable[ast.stmt], name: str) -> bool:
        """Whether any of the statements, or of those in their branches, writes `name`."""
        return any(bound == name and self.write(node, name) for bound, node in _bindings(body))


def sources(body: list[ast.stmt], given: frozenset[str] = frozenset()) -> Sources:
    """Return the names whose source is in a module; `given` are names bound above it."""
    bindings = list(_bindings(body))
    fakes = frozenset(name for name, node in bindings if imported_from(node) & FRAMEWORKS)
    bound = given | {name for name, _ in bindings}
    own = Sources(given, fakes, bound)
    while True:
        written = own.written | {name for name, node in bindings if own.write(node, name)}
        if written == own.written:
            return own
        own = Sources(written, fakes, bound)


def imported_from(node: ast.AST) -> set[str]:
    """Return the top packages of the modules that a statement imports or imports from."""
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").partition(".")[0]}
    return {alias.name.partition(".")[0] for alias in node.names} if isinstance(node, ast.Import) else set()


def binds_callable(body: Iterable[ast.stmt], name: str) -> bool:
    """Whether any of the statements, or of those in their branches, may bind `name` to a function."""
    return any(bound == name and may_be_callable(node, name) for bound, node in _bindings(body))


def _bindings(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """Yield each name bound in the scope of `body`, with the statement that binds it, in any order."""
    stack: list[tuple[ast.AST, ast.stmt]] = [(node, node) for node in body]
    while stack:
        node, statement = stack.pop()
        if isinstance(node, ast.stmt):
            statement = node
        if isinstance(node, _SCOPES):
            yield node.name, node
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], node
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                yield node.id, statement
        elif not isinstance(node, _INNER):
            stack.extend((child, statement) for child in ast.iter_child_nodes(node))
