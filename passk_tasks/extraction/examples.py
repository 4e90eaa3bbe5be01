"""Cuts example usage off an answer: what a chat model shows of its function is not the function.

The tests decide whether the function is right, so an example can only spoil a right one: by a wrong
assertion, an error shown on purpose, `input()`, or a long run. What prepares the function stays, also where
it stands below it: tables, caches, `sys.setrecursionlimit`, wrappers such as `f = lru_cache(f)`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Set

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

# A statement at module level that uses one of these shows something, asks for something, or ends the program.
_SHOWING_NAMES = "print pprint input open exit quit breakpoint doctest unittest pytest timeit SystemExit"
_SHOWING = frozenset(_SHOWING_NAMES.split())
_SYS_SHOWING = frozenset(("argv", "exit", "_exit", "stdin", "stdout", "stderr"))
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def without_examples(
    parsed: Parsed, asked: Iterable[str], given: frozenset[str] = frozenset(), first_line: int = 1
) -> str:
    """Return the source without the top-level statements that only show the function at work.

    `asked` are the names that the tests call. `given` are names that the program may use without binding
    them: the prompt's. What begins above `first_line` stays.
    """
    units = parsed.units()
    known = [(unit, found) for unit in units if (found := names(unit.source)) is not None]
    if len(known) < len(units):
        return parsed.source  # not understood: as the model wrote it
    view = _View(known, frozenset(asked), given)
    dropped: list[Unit] = []
    for unit, found in known:
        if unit.first >= first_line and view.is_example(unit, found):
            dropped.append(unit)
            view.tainted |= found.bound - view.needed
        elif _only_defines(unit) and not found.bound & view.needed and view.shows_within(unit, found):
            view.calling |= found.bound
    if not dropped:
        return parsed.source
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
        self.bound = {name for _, found in known for name in found.bound} | given | BUILTINS
        self.tainted: set[str] = set()
        self.calling = set(asked)
        nodes = [node for unit, _ in known for node in unit.nodes]
        self._star = any(map(_imports_star, nodes))
        # Where only a main guard defines a function asked for, it is no example.
        outside = [node for node in nodes if not is_main_guard(node)]
        self._stay = {name for name in asked if binds_callable(outside, name)}
        in_guards = any(binds_callable(nodes, name) for name in asked - self._stay)
        self._guards_go = bool(self._stay) and not in_guards
        self._sources = sources(outside, given)
        self.needed = _needed(known, asked, self._sources)
        self._own = {name for unit, found in known if not _only_imports(unit) for name in found.bound}
        self._framework = {name for unit, found in known if _from_framework(unit) for name in found.bound}

    def shows(self, found: Names) -> bool:
        """Whether it calls the entry point, uses a result of it, prints, reads, or ends the program."""
        return not found.used.isdisjoint(self.calling | self.tainted | self._framework | _SHOWING)

    def shows_within(self, unit: Unit, found: Names) -> bool:
        """The same of a definition, which may import for itself what it calls."""
        inner = (alias.asname or alias.name for alias in _aliases(unit))
        return self.shows(found) or not self._asked.isdisjoint(inner)

    def is_example(self, unit: Unit, found: Names) -> bool:
        """Whether the program is better off without the statement."""
        nodes = unit.nodes
        if all(is_main_guard(node) for node in nodes):
            return self._guards_go
        if all(isinstance(node, ast.Assert) for node in nodes):
            return True
        if found.bound & self.needed:
            return self._takes_a_name(unit, found.bound & self.needed)
        if _only_imports(unit):
            # Unneeded and perhaps not installed; `import sys` costs nothing to keep.
            unneeded = not any(map(_imports_star, nodes)) or self.needed <= self.bound
            return unneeded and not all(map(_is_stdlib, nodes))
        if _only_defines(unit):
            return bool(found.immediate & self.tainted)
        if _mutates(unit, self.needed, self.calling):
            return False
        return self.shows(found) or _touches_sys(unit) or (not self._star and is_prose(unit, self.bound))

    def _takes_a_name(self, unit: Unit, taken: set[str] | frozenset[str]) -> bool:
        """Whether it binds anew what the program has: `f = f(1)`, `from solution import f`, `f = Mock()`.

        What is written wins over what is imported, or the import would be the whole program.
        """
        if any(self._sources.bind(unit.nodes, name) for name in taken):
            return False
        asked = taken & self._asked
        if asked and asked <= self._sources.written:
            borrows = _only_imports(unit) and not all(map(_is_stdlib, unit.nodes))
            return taken == asked or (borrows and taken <= self._own)
        if not asked:  # `from solution import helper`; a table may bear its function's name: `t = t()`
            return _only_imports(unit) and not any(map(_is_stdlib, unit.nodes)) and taken <= self._own
        return taken == asked <= self._stay and not any(binds_callable(unit.nodes, n) for n in taken)


def is_prose(unit: Unit, bound: Set[str]) -> bool:
    """Whether it is prose that parses, and raises NameError: `Done`, `- note`, `Complexity: O(n)`."""
    found = names(unit.source)
    plain = all(
        isinstance(node, ast.Expr) or (isinstance(node, ast.AnnAssign) and node.value is None)
        for node in unit.nodes
    )
    return plain and found is not None and bool(found.immediate - bound)


def _needed(known: list[tuple[Unit, Names]], asked: frozenset[str], own: Sources) -> set[str]:
    binders: dict[str, list[Names]] = {}
    for unit, found in known:
        for name in found.bound:
            # What would take the function's name needs nothing: see `_takes_a_name`.
            if name not in asked & own.written or own.bind(unit.nodes, name) or is_main_guard(unit.nodes[0]):
                binders.setdefault(name, []).append(found)
    needed, new = set(asked), list(asked)
    while new:
        for found in binders.pop(new.pop(), []):
            fresh = found.used - needed
            needed |= fresh
            new.extend(fresh)
    return needed


def is_main_guard(node: ast.stmt) -> bool:
    """Whether it is an `if` that asks for `__name__`."""
    if not isinstance(node, ast.If) or not isinstance(node.test, ast.Compare):
        return False
    sides = (node.test.left, *node.test.comparators)
    return any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides)


def _only_defines(unit: Unit) -> bool:
    return all(isinstance(node, (*_FUNCTIONS, ast.ClassDef)) for node in unit.nodes)


def is_borrowed(unit: Unit) -> bool:
    """Whether it only imports, and from elsewhere than the standard library."""
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
    """Whether it changes an object that the entry point needs: `memo[0] = 1`, `table.append(1)`."""
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
        if isinstance(target, ast.Name) and target.id in needed and target.id not in {"sys", "os"}:
            return True
    return False


def _touches_sys(unit: Unit) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in {"sys", "os"}
        and node.attr in _SYS_SHOWING
        for top in unit.nodes
        for node in ast.walk(top)
    )
