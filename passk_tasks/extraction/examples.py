"""Cuts example usage off an answer: what a chat model shows of its function is not the function.

The tests decide whether the function is right, so an example can only spoil a right one: by a wrong
assertion, an error shown on purpose, `input()`, or a long run. What prepares the function stays, also where
it stands below it: tables, caches, `sys.setrecursionlimit`, wrappers such as `f = lru_cache(f)`.
"""

from __future__ import annotations

import ast
import sys

from passk_tasks.extraction.syntax import BUILTINS, Names, Parsed, Unit, binds_callable, names

# A statement at module level that uses one of these shows something, asks for something, or ends the program.
_SHOWING_NAMES = "print pprint input open exit quit breakpoint doctest unittest pytest timeit SystemExit"
_SHOWING = frozenset(_SHOWING_NAMES.split())
_SYS_SHOWING = frozenset(("argv", "exit", "_exit", "stdin", "stdout", "stderr"))
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def without_examples(
    parsed: Parsed, entry_point: str, given: frozenset[str] = frozenset(), first_line: int = 1
) -> str:
    """Return the source without the top-level statements that only show the function at work.

    `given` are names that the program may use without binding them: the prompt's. What begins above
    `first_line` stays.
    """
    units = parsed.units()
    known = [(unit, found) for unit in units if (found := names(unit.source)) is not None]
    if len(known) < len(units):
        return parsed.source  # not understood: as the model wrote it
    view = _View(known, entry_point, given)
    dropped: list[Unit] = []
    for unit, found in known:
        if unit.first >= first_line and view.is_example(unit, found):
            dropped.append(unit)
            view.tainted |= found.bound - view.needed
        elif _only_defines(unit) and view.shows(found) and not found.bound & view.needed:
            view.calling |= found.bound
    if not dropped:
        return parsed.source
    lines = parsed.source.split("\n")
    gone = {number for unit in dropped for number in range(unit.first, unit.last + 1)}
    return "\n".join(line for number, line in enumerate(lines, start=1) if number not in gone)


class _View:
    """What is known of a program's names while its statements are judged in order.

    Attributes:
        needed: the entry point, and what it needs, directly or through others.
        bound: every name that the program binds or may take for bound.
        tainted: names that exist only in what was dropped.
        calling: the entry point, and functions that call it or show something.
    """

    def __init__(self, known: list[tuple[Unit, Names]], entry_point: str, given: frozenset[str]) -> None:
        self._entry = entry_point
        self.needed = _needed(known, entry_point)
        self.bound = {name for _, found in known for name in found.bound} | given | BUILTINS
        self.tainted: set[str] = set()
        self.calling = {entry_point}
        nodes = [node for unit, _ in known for node in unit.nodes]
        self._star = any(map(_imports_star, nodes))
        # Where only a main guard defines the entry point, it is no example.
        self._stays = binds_callable([node for node in nodes if not _is_main_guard(node)], entry_point)

    def shows(self, found: Names) -> bool:
        """Whether it calls the entry point, uses a result of it, prints, reads, or ends the program."""
        return not found.used.isdisjoint(self.calling | self.tainted | _SHOWING)

    def is_example(self, unit: Unit, found: Names) -> bool:
        """Whether the program is better off without the statement."""
        nodes = unit.nodes
        if all(_is_main_guard(node) for node in nodes):
            return self._stays
        if all(isinstance(node, ast.Assert) for node in nodes):
            return True
        if found.bound & self.needed:
            # total = total([1, 2]): the example takes the name from the function.
            only_entry = found.bound & self.needed == {self._entry}
            return only_entry and self._stays and not binds_callable(nodes, self._entry)
        if all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in nodes):
            # Unneeded and perhaps not installed; `import sys` costs nothing to keep.
            return not any(map(_imports_star, nodes)) and not all(map(_is_stdlib, nodes))
        if _only_defines(unit):
            return bool(found.immediate & self.tainted)
        if _mutates(unit, self.needed, self.calling):
            return False
        return self.shows(found) or _touches_sys(unit) or self._is_prose(nodes, found)

    def _is_prose(self, nodes: tuple[ast.stmt, ...], found: Names) -> bool:
        """Whether it is prose that parses, and raises NameError: `Done`, `- note`, `Complexity: O(n)`."""
        plain = all(
            isinstance(node, ast.Expr) or (isinstance(node, ast.AnnAssign) and node.value is None)
            for node in nodes
        )
        return plain and not self._star and bool(found.immediate - self.bound)


def _needed(known: list[tuple[Unit, Names]], entry_point: str) -> set[str]:
    binders: dict[str, list[Names]] = {}
    for _, found in known:
        for name in found.bound:
            binders.setdefault(name, []).append(found)
    needed, new = {entry_point}, [entry_point]
    while new:
        for found in binders.pop(new.pop(), []):
            fresh = found.used - needed
            needed |= fresh
            new.extend(fresh)
    return needed


def _is_main_guard(node: ast.stmt) -> bool:
    if not isinstance(node, ast.If) or not isinstance(node.test, ast.Compare):
        return False
    sides = (node.test.left, *node.test.comparators)
    return any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides)


def _only_defines(unit: Unit) -> bool:
    return all(isinstance(node, (*_FUNCTIONS, ast.ClassDef)) for node in unit.nodes)


def _imports_star(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)


def _is_stdlib(node: ast.stmt) -> bool:
    if isinstance(node, ast.ImportFrom):
        modules = [node.module or ""]
    else:
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    return all(module.partition(".")[0] in sys.stdlib_module_names for module in modules)


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
