"""Classes that an answer shows in parts: the whole in one block, methods in others."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from textwrap import indent

from passk_tasks.extraction.fences import dedent
from passk_tasks.extraction.syntax import Parsed, Parser, is_stub

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def members(node: ast.stmt) -> set[str]:
    """Return the names of a class's methods, without stubs, and helpers, which a new version may not need."""
    parts = getattr(node, "body", ()) if isinstance(node, ast.ClassDef) else ()
    return {
        part.name
        for part in parts
        if isinstance(part, (*_FUNCTIONS, ast.ClassDef))
        and not part.name.startswith("_")
        and not is_stub([part])
    }


def with_methods(parsed: Parsed, node: ast.stmt, below: Iterable[str], parser: Parser) -> Parsed | None:
    """Return a program whose class has those methods, too, that stand alone in blocks below it.

    None where there are none. A block of methods is nothing but functions of `self` or `cls` that the class
    lacks.
    """
    if not isinstance(node, ast.ClassDef) or node.body[0].lineno == node.lineno:
        return None
    lines = parsed.source.split("\n")
    first = lines[node.body[0].lineno - 1]
    margin = first[: len(first) - len(first.lstrip())]
    known = {part.name for part in node.body if isinstance(part, _FUNCTIONS)}
    methods: list[str] = []
    for content in below:
        part = parser.parse(dedent(content))
        functions = [one for one in part.tree.body if isinstance(one, _FUNCTIONS)] if part else []
        names = {one.name for one in functions if is_method(one)}
        if part is not None and names - known and len(names) == len(part.tree.body) and not names & known:
            methods.append(indent(part.source.rstrip("\n"), margin))
            known |= names
    if not methods:
        return None
    at = node.end_lineno or len(lines)
    return parser.parse("\n".join([*lines[:at], *methods, *lines[at:]]))


def is_method(node: ast.AST) -> bool:
    """Whether this is a method, by its first parameter."""
    if not isinstance(node, _FUNCTIONS):
        return False
    given = [*node.args.posonlyargs, *node.args.args][:1]
    return [argument.arg for argument in given] in (["self"], ["cls"])
