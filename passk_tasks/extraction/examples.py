"""Cuts example usage off an answer: what a chat model shows of its function is not the function.

The tests decide whether the function is right, so an example can only spoil a right one: by a wrong
assertion, an error shown on purpose, `input()`, or a long run. What prepares the function stays, also where
it stands below it: tables, caches, `sys.setrecursionlimit`, wrappers such as `f = lru_cache(f)`.
"""

from __future__ import annotations

import ast
import sys

from passk_tasks.extraction.syntax import BUILTINS, Names, Parsed, Unit, names

# A statement at module level that uses one of these shows something, asks for something, or ends the program.
_SHOWING_NAMES = "print pprint input exit quit breakpoint doctest unittest pytest timeit SystemExit"
_SHOWING = frozenset(_SHOWING_NAMES.split())
_SYS_SHOWING = frozenset(("exit", "_exit", "stdin", "stdout", "stderr"))
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def without_examples(parsed: Parsed, entry_point: str) -> str:
    """Return the source without the top-level statements that only show the function at work."""
    units = parsed.units()
    known = [(unit, found) for unit in units if (found := names(unit.source)) is not None]
    if len(known) < len(units):
        return parsed.source  # not understood: as the model wrote it
    needed = _needed(known, entry_point)
    bound = {name for _, found in known for name in found.bound}
    if any(_imports_star(node) for unit in units for node in unit.nodes):
        bound.add("*")  # anything may be bound
    entry_stays = any(
        entry_point in found.bound and not all(_is_main_guard(node) for node in unit.nodes)
        for unit, found in known
    )
    dropped: list[Unit] = []
    tainted: set[str] = set()  # names that exist only in what was dropped
    calling: set[str] = {entry_point}  # functions that call the entry point, or show something
    for unit, found in known:
        if _is_example(unit, found, needed, bound, tainted, calling, entry_stays=entry_stays):
            dropped.append(unit)
            tainted |= found.bound - needed
        elif _only_defines(unit) and found.used & (calling | tainted | _SHOWING) and not found.bound & needed:
            calling |= found.bound
    if not dropped:
        return parsed.source
    lines = parsed.source.split("\n")
    gone = {number for unit in dropped for number in range(unit.first, unit.last + 1)}
    return "\n".join(line for number, line in enumerate(lines, start=1) if number not in gone)


def _needed(known: list[tuple[Unit, Names]], entry_point: str) -> set[str]:
    """Return the names that the entry point needs, directly or through others; it is one of them."""
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


def _is_example(
    unit: Unit,
    found: Names,
    needed: set[str],
    bound: set[str],
    tainted: set[str],
    calling: set[str],
    *,
    entry_stays: bool,
) -> bool:
    if all(_is_main_guard(node) for node in unit.nodes):
        return entry_stays
    if all(isinstance(node, ast.Assert) for node in unit.nodes):
        return True
    if found.bound & needed:
        return False
    if all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in unit.nodes):
        # Unneeded and perhaps not installed: what the examples wanted. `import sys` costs nothing to keep.
        return not any(map(_imports_star, unit.nodes)) and not all(map(_is_stdlib, unit.nodes))
    if _only_defines(unit):
        return bool(found.immediate & tainted)
    if "*" not in bound and any(_is_prose(node, found, bound) for node in unit.nodes):
        return True
    if _mutates(unit, needed, calling):
        return False
    return bool(found.used & (calling | tainted | _SHOWING)) or _touches_sys(unit)


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


def _is_prose(node: ast.stmt, found: Names, bound: set[str]) -> bool:
    """Whether it is a line of prose that parses: `Explanation`, `[PYTHON]`, `Complexity: O(n)`."""
    if isinstance(node, ast.AnnAssign):
        plain = node.value is None
    else:
        value = node.value if isinstance(node, ast.Expr) else None
        parts = value.elts if isinstance(value, (ast.List, ast.Tuple)) else [value]
        plain = all(isinstance(part, ast.Name) for part in parts)
    return plain and bool(found.immediate - bound - BUILTINS)


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
