"""Cuts example usage off a chat model's answer.

The tests decide whether the function is right, so an example can only spoil a right one: by a wrong
assertion, an error shown on purpose, `input()`, or a long run. Statements that prepare the function stay,
also below it: tables, caches, `sys.setrecursionlimit`, wrappers such as `f = lru_cache(f)`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping, Set

from passk_tasks.extraction.syntax import (
    BUILTINS,
    FRAMEWORKS,
    Names,
    Parsed,
    Sources,
    Unit,
    binds_callable,
    imported_from,
    names,
    sources,
)

# A statement at module level that uses one of these prints, reads, tests, or ends the program.
_SHOWING_NAMES = "print pprint input open exit quit breakpoint doctest unittest pytest timeit SystemExit"
_SHOWING = frozenset(_SHOWING_NAMES.split())
_SYS_SHOWING = frozenset(("argv", "exit", "_exit", "stdin", "stdout", "stderr"))
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def without_examples(
    parsed: Parsed, asked: Iterable[str], given: frozenset[str] = frozenset(), first_line: int = 1
) -> str:
    """Return the source without the top-level statements that only show the function at work.

    `asked` are the names that the tests call. `given` are the prompt's names, which the program may use
    without binding them. Statements that begin above `first_line` stay.
    """
    units = parsed.units()
    known = [(unit, scope) for unit in units if (scope := names(unit.source)) is not None]
    if len(known) < len(units):
        return parsed.source  # some statement was not understood: all stays as the model wrote it
    view = _View(known, frozenset(asked), given)
    dropped: list[Unit] = []
    for unit, scope in known:
        if unit.first >= first_line and view.is_example(unit, scope):
            dropped.append(unit)
            view.tainted |= scope.bound - view.needed
        elif _only_defines(unit) and not scope.bound & view.needed and view.shows_within(unit, scope):
            view.calling |= scope.bound
    if not dropped:
        return parsed.source
    dropped += view.feeding(known, dropped, first_line)
    lines = parsed.source.split("\n")
    gone = {number for unit in dropped for number in range(unit.first, unit.last + 1)}
    return "\n".join(line for number, line in enumerate(lines, start=1) if number not in gone)


class _View:
    """What is known of a program's names while its statements are judged in order.

    Attributes:
        needed: the functions asked for, and what they need, directly or through others.
        bound: every name that the program binds or may take for bound.
        tainted: names that exist only in what was dropped.
        calling: the functions asked for, and those that call one of them or show something.
    """

    def __init__(self, known: list[tuple[Unit, Names]], asked: frozenset[str], given: frozenset[str]) -> None:
        self._asked = asked
        self.bound = {name for _, scope in known for name in scope.bound} | given | BUILTINS
        self.tainted: set[str] = set()
        self.calling = set(asked)
        nodes = [node for unit, _ in known for node in unit.nodes]
        self._star = any(map(_imports_star, nodes))
        # A main guard that alone defines a function asked for is no example.
        outside = [node for node in nodes if not is_main_guard(node)]
        self._stay = {name for name in asked if binds_callable(outside, name)}
        in_guards = any(binds_callable(nodes, name) for name in asked - self._stay)
        self._guards_go = bool(self._stay) and not in_guards
        self._sources = sources(outside, given)
        self.needed = _needed(known, asked, self._sources)
        self._own = {name for unit, scope in known if not _only_imports(unit) for name in scope.bound}
        self._framework = {name for unit, scope in known if _from_framework(unit) for name in scope.bound}
        self._changing = self._functions_that_change(known)

    def _functions_that_change(self, known: list[tuple[Unit, Names]]) -> set[str]:
        """Return the functions that change what the entry point needs, as one that fills a table does."""
        changing: set[str] = set()
        defining = [row for row in known if _only_defines(row[0]) and row[1].used.isdisjoint(self._asked)]
        for _ in defining:
            before = len(changing)
            for unit, scope in defining:
                roots = _changed(unit) & scope.used | _rebound(unit)
                if roots & self.needed or scope.used & changing:
                    changing |= scope.bound - self._asked
            if len(changing) == before:
                break
        return changing

    def feeding(self, known: list[tuple[Unit, Names]], dropped: list[Unit], first_line: int) -> list[Unit]:
        """Return the statements that make, of other things, what only examples use: they may read a file."""
        gone = {unit.first for unit in dropped}
        kept = [row for row in known if row[0].first not in gone]
        statements = [row for row in kept if not _only_imports(row[0]) and not _only_defines(row[0])]
        assigned = {name for _, scope in statements for name in scope.bound}
        uses = {name: scope.used for unit, scope in kept if _only_defines(unit) for name in scope.bound}
        live = self.needed | {name for unit, scope in kept if _only_defines(unit) for name in scope.immediate}
        fed = _through({name for unit, scope in known if unit.first in gone for name in scope.used}, uses)
        feeding = []
        for unit, scope in reversed(statements):
            made = scope.bound | _changed(unit)
            loosely = unit.first >= first_line and scope.used.isdisjoint(self._changing)
            if loosely and scope.used and made & fed and made <= assigned and made.isdisjoint(live):
                feeding.append(unit)
                fed |= _through(scope.used, uses)
            else:
                live |= _through(scope.used, uses)
        return feeding

    def shows(self, scope: Names) -> bool:
        """Whether a statement calls the entry point, uses its result, prints, reads, or ends the program."""
        return not scope.used.isdisjoint(self.calling | self.tainted | self._framework | _SHOWING)

    def shows_within(self, unit: Unit, scope: Names) -> bool:
        """Whether a definition does so; it may itself import what it calls."""
        inner = (alias.asname or alias.name for alias in _aliases(unit))
        return self.shows(scope) or not self._asked.isdisjoint(inner)

    def is_example(self, unit: Unit, scope: Names) -> bool:
        """Whether the program is better off without the statement."""
        nodes = unit.nodes
        if all(is_main_guard(node) for node in nodes):
            return self._guards_go
        if all(isinstance(node, ast.Assert) for node in nodes):
            return True
        if scope.bound & self.needed:
            return self._takes_a_name(unit, scope.bound & self.needed)
        if _only_imports(unit):
            # An import that nothing needs may not be installed; `import sys` costs nothing to keep.
            unneeded = not any(map(_imports_star, nodes)) or self.needed <= self.bound
            return unneeded and not all(map(_is_stdlib, nodes))
        if _only_defines(unit):
            return bool(scope.immediate & self.tainted)
        if _mutates(unit, self.needed, self.calling) or self._changes(scope):
            return False
        return self.shows(scope) or _touches_sys(unit) or (not self._star and is_prose(unit, self.bound))

    def _changes(self, scope: Names) -> bool:
        """Whether a statement calls what changes what the entry point needs, and shows nothing itself."""
        showing = self._asked | self.tainted | self._framework | _SHOWING
        return bool(scope.used & self._changing) and scope.used.isdisjoint(showing)

    def _takes_a_name(self, unit: Unit, taken: set[str] | frozenset[str]) -> bool:
        """Whether it rebinds a name that the program has: `f = f(1)`, `from solution import f`, `f = Mock()`.

        Source in the program wins over an import of the same name.
        """
        if any(self._sources.bind(unit.nodes, name) for name in taken):
            return False
        asked = taken & self._asked
        if asked and asked <= self._sources.written:
            borrows = _only_imports(unit) and not all(map(_is_stdlib, unit.nodes))
            return taken == asked or (borrows and taken <= self._own)
        if not asked:  # `from solution import helper` does; `t = t()` does not: a table may have that name
            return _only_imports(unit) and not any(map(_is_stdlib, unit.nodes)) and taken <= self._own
        return taken == asked <= self._stay and not any(binds_callable(unit.nodes, n) for n in taken)


def _through(new: Set[str], uses: Mapping[str, Set[str]]) -> set[str]:
    """Return names, and those that they use, directly or through others."""
    found = set[str]()
    while new:
        found |= new
        new = {name for used in new & uses.keys() for name in uses[used]} - found
    return found


def is_prose(unit: Unit, bound: Set[str]) -> bool:
    """Whether a unit is prose that parses but raises NameError: `Done`, `- note`, `Complexity: O(n)`."""
    scope = names(unit.source)
    plain = all(
        isinstance(node, ast.Expr) or (isinstance(node, ast.AnnAssign) and node.value is None)
        for node in unit.nodes
    )
    return plain and scope is not None and bool(scope.immediate - bound)


def _needed(known: list[tuple[Unit, Names]], asked: frozenset[str], own: Sources) -> set[str]:
    binders: dict[str, list[Names]] = {}
    for unit, scope in known:
        for name in scope.bound:
            # A statement that only takes the function's name needs nothing: see `_takes_a_name`.
            if name not in asked & own.written or own.bind(unit.nodes, name) or is_main_guard(unit.nodes[0]):
                binders.setdefault(name, []).append(scope)
    needed, new = set(asked), list(asked)
    while new:
        for scope in binders.pop(new.pop(), []):
            fresh = scope.used - needed
            needed |= fresh
            new.extend(fresh)
    return needed


def is_main_guard(node: ast.stmt) -> bool:
    """Whether a statement is an `if` that compares `__name__`."""
    if not isinstance(node, ast.If) or not isinstance(node.test, ast.Compare):
        return False
    sides = (node.test.left, *node.test.comparators)
    return any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides)


def _only_defines(unit: Unit) -> bool:
    return all(isinstance(node, (*_FUNCTIONS, ast.ClassDef)) for node in unit.nodes)


def is_borrowed(unit: Unit) -> bool:
    """Whether a unit only imports, and not from the standard library."""
    return _only_imports(unit) and not any(map(_is_stdlib, unit.nodes))


def _only_imports(unit: Unit) -> bool:
    return all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in unit.nodes)


def _from_framework(unit: Unit) -> bool:
    return any(imported_from(node) & FRAMEWORKS for node in unit.nodes)


def _aliases(unit: Unit) -> Iterable[ast.alias]:
    return (node for top in unit.nodes for node in ast.walk(top) if isinstance(node, ast.alias))


def _imports_star(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)


def _is_stdlib(node: ast.stmt) -> bool:
    relative = isinstance(node, ast.ImportFrom) and node.level > 0
    return not relative and imported_from(node) <= sys.stdlib_module_names


def _mutates(unit: Unit, needed: set[str], calling: set[str]) -> bool:
    """Whether a unit changes an object that the entry point needs: `memo[0] = 1`, `table.append(1)`."""
    return bool(_changed(unit, calling) & needed - {"sys", "os"})


def _changed(unit: Unit, calling: Set[str] = frozenset()) -> set[str]:
    """Return the names whose objects a unit may change, but by calls of methods of those `calling`."""
    changed = set()
    for node in (n for top in unit.nodes for n in ast.walk(top)):
        target: ast.expr | None = None
        if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
            target = node.value
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            function = node.value.func
            target = function.value if isinstance(function, ast.Attribute) else None
            if isinstance(target, ast.Name) and target.id in calling:
                continue
        while isinstance(target, (ast.Attribute, ast.Subscript)):
            target = target.value
        if isinstance(target, ast.Name):
            changed.add(target.id)
    return changed


def _rebound(unit: Unit) -> set[str]:
    """Return the names that a unit's functions declare global."""
    nodes = (node for top in unit.nodes for node in ast.walk(top) if isinstance(node, ast.Global))
    return {name for node in nodes for name in node.names}


def _touches_sys(unit: Unit) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in {"sys", "os"}
        and node.attr in _SYS_SHOWING
        for top in unit.nodes
        for node in ast.walk(top)
    )
