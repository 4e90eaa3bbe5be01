"""What stands in a prompt besides the function to write: imports, assignments, helpers."""

from __future__ import annotations

import ast
import math
from functools import lru_cache

from passk_tasks.extraction.syntax import Parsed, Parser, Unit

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def context(prompt: str, entry_point: str) -> str:
    """Return the prompt's imports, assignments and helper definitions, without the entry point.

    `""` where there are none, or where the prompt is not the beginning of a Python program.
    """
    return "".join(unit.source + "\n" for unit in _units(prompt, entry_point))


def with_context(parsed: Parsed, prompt: str, entry_point: str) -> str:
    """Return the source below those parts of the prompt's context that it does not bind itself."""
    bound = parsed.bound
    lacking = "".join(
        unit.source + "\n" for unit in _units(prompt, entry_point) if not _bound_by(unit) <= bound
    )
    if not lacking:
        return parsed.source
    # `from __future__` must stay the first statement of the source.
    futures = [
        node.end_lineno or node.lineno
        for node in parsed.tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]
    lines = parsed.source.split("\n")
    at = max(futures, default=0)
    head = "".join(line + "\n" for line in lines[:at])
    return head + lacking + "\n".join(lines[at:])


def body_indent(prompt: str) -> str:
    """Return the indentation of the body of the function that ends the prompt."""
    lines = [line for line in prompt.split("\n") if line.strip()]
    if not lines:
        return "    "
    last = lines[-1]
    indent = last[: len(last) - len(last.lstrip())]
    if last.rstrip().endswith(":") or not indent:
        # The prompt ends with the signature: the body is one level deeper.
        return indent + "    "
    return indent


def first_line(text: str) -> str:
    """Return the first line that is not blank, `""` where there is none."""
    stripped = text.lstrip()
    start = text.rfind("\n", 0, len(text) - len(stripped)) + 1
    return text[start:].partition("\n")[0] if stripped else ""


def fits(node: ast.stmt, prompt: str, entry_point: str) -> bool:
    """Whether a function can be called as the one in the prompt is; True where nothing says otherwise."""
    own = [
        one for unit in _parsed_units(prompt) for one in unit.nodes if getattr(one, "name", "") == entry_point
    ]
    asked = own[-1] if own else None
    if not isinstance(node, _FUNCTIONS) or not isinstance(asked, _FUNCTIONS):
        return True
    if isinstance(node, ast.AsyncFunctionDef) != isinstance(asked, ast.AsyncFunctionDef):
        return False
    (fewest, most), (given_fewest, given_most) = _counts(node), _counts(asked)
    return fewest <= given_most and given_fewest <= most and all(node.args.kw_defaults)


def _counts(node: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[float, float]:
    """Return how many arguments a function needs, and how many it takes, by their position."""
    takes = len(node.args.posonlyargs) + len(node.args.args)
    return takes - len(node.args.defaults), math.inf if node.args.vararg else takes


@lru_cache(maxsize=4096)
def _parsed_units(prompt: str) -> tuple[Unit, ...]:
    parser = Parser()
    prompt = prompt.replace("\r\n", "\n").replace("\r", "\n")
    # A docstring is body enough; a prompt that ends with the signature needs a body.
    endings = ("", "    pass\n", "\n    pass\n", f"\n{body_indent(prompt)}pass\n")
    parsed = next((p for end in endings if (p := parser.parse(prompt + end))), None)
    return tuple(parsed.units()) if parsed is not None else ()


def _units(prompt: str, entry_point: str) -> list[Unit]:
    return [
        unit
        for unit in _parsed_units(prompt)
        if entry_point not in _bound_by(unit) and not all(isinstance(node, ast.Expr) for node in unit.nodes)
    ]


def _bound_by(unit: Unit) -> frozenset[str]:
    return Parsed(unit.source, ast.Module(list(unit.nodes), [])).bound
