"""What stands in a prompt besides the function to write: imports, assignments, helpers."""

from __future__ import annotations

import ast
from functools import lru_cache

from passk_tasks.extraction.syntax import Parsed, Parser, Unit


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


@lru_cache(maxsize=4096)
def _units(prompt: str, entry_point: str) -> tuple[Unit, ...]:
    parser = Parser()
    prompt = prompt.replace("\r\n", "\n").replace("\r", "\n")
    # A docstring is body enough; a prompt that ends with the signature needs a body.
    endings = ("", "    pass\n", "\n    pass\n", f"\n{body_indent(prompt)}pass\n")
    parsed = next((p for end in endings if (p := parser.parse(prompt + end))), None)
    if parsed is None:
        return ()
    return tuple(
        unit
        for unit in parsed.units()
        if entry_point not in _bound_by(unit) and not all(isinstance(node, ast.Expr) for node in unit.nodes)
    )


def _bound_by(unit: Unit) -> frozenset[str]:
    return Parsed(unit.source, ast.Module(list(unit.nodes), [])).bound
