"""Base models, as EvalPlus and BigCodeBench read them: what the entry point reaches, and nothing else.

Both repositories sanitise what they score (`evalplus/sanitize.py`, `bigcodebench/sanitize.py`): of prompt +
text they take the longest run of lines that parses, and of that the imports, and the functions, classes and
assignments to a name that the entry point reaches. A name reaches what it names anywhere, a local one too.
The first definition of a name counts; a function without `return` gives way to one with it, as the prompt's
signature does to a function that the text writes again.

Ours differs where theirs loses what the entry point reaches: what has decorators stays, if their names are
bound, and functions without `return` where nothing else defines their names.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Sequence

from passk_tasks.extraction.completion import complete
from passk_tasks.extraction.strategies import Extraction, Repair
from passk_tasks.extraction.syntax import Parsed, Parser, Unit, imported_from, is_stub

# A terminal's escape sequences, as EvalPlus deletes them: backends that print to one leave them in texts.
_COLOURS = re.compile(r"\x1B(?:[@-Z\\-_]|\[[0-?]*[ -/]*[@-~])")


def sanitized(text: str, prompt: str, entry_point: str, also: Sequence[str] = ()) -> Extraction:
    """Return what the functions that the tests call reach in prompt + text; the caller has applied the stops.

    Where prompt + text defines none of them, the longest run of lines that parses is returned as it is, as
    EvalPlus does; where nothing parses within the parser's budget, prompt + text.
    """
    whole = complete(text, prompt, entry_point)
    if whole.code is None:
        return whole
    bare = _COLOURS.sub("", whole.code)
    run = _longest_run(bare.replace("\r\n", "\n").replace("\r", "\n").split("\n"), Parser(compiles=False))
    if run is None:
        return whole
    repairs = [Repair.TRIMMED] if run.source.strip() != whole.code.strip() else []
    code, units = run.source + "\n", run.units()
    reached = _reached(run, (entry_point, *also))
    if reached and reached != units:
        repairs += [Repair.EXAMPLES] * (len(reached) < len(units))
        # A backslash would join the last line to what stands below it now.
        code = "\n".join(unit.source.removesuffix("\\") for unit in reached) + "\n"
    elif not repairs:
        return whole
    return Extraction(code, "+".join([whole.strategy, *(repair.value for repair in repairs)]))


def _longest_run(lines: list[str], parser: Parser) -> Parsed | None:
    """Return the run of lines that parses and has the most lines that are not blank; the first of several."""
    left = [0]  # lines that are not blank, from each line on
    for line in reversed(lines):
        left.append(left[-1] + bool(line.strip()))
    left.reverse()
    longest, most = None, 0
    for first in range(len(lines)):
        end = len(lines)
        while left[first] - left[end] > most:
            source = "\n".join(lines[first:end])
            parsed = parser.parse(source)
            if parsed is not None:
                longest, most = parsed, left[first] - left[end]
                break
            # What has an error in a line has it in every longer run.
            error = parser.error_line(source)
            if error == 0:  # too long, too deep, or the budget is spent
                break
            end = min(end, first + error) - 1
    return longest


def _reached(run: Parsed, asked: Sequence[str]) -> list[Unit]:
    """Return the imports, then the definitions that the names reach; nothing where none is defined."""
    units = run.units()
    imports = [unit for unit in units if all(map(imported_from, unit.nodes))]
    binders: dict[str, Unit] = {}
    known = run.bound | vars(builtins).keys()
    defining = [
        unit
        for unit in units
        if all(_defines(node) and ("*" in known or _decorators(node) <= known) for node in unit.nodes)
    ]
    returning = [unit for unit in defining if not any(map(_lacks_return, unit.nodes))]
    for unit in (*returning, *(unit for unit in defining if not is_stub(unit.nodes))):
        for name in Parsed(unit.source, ast.Module(list(unit.nodes), [])).bound:
            binders.setdefault(name, unit)
    new, reached = list(asked), set[int]()
    while new:
        name = new.pop()
        if name in binders:
            unit = binders.pop(name)
            reached.add(unit.first)
            new.extend(_identifiers(unit))
    return [*imports, *(unit for unit in units if unit.first in reached)] if reached else []


def _defines(node: ast.stmt) -> bool:
    """Whether a statement is a function, a class, or an assignment to names, one each."""
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return all(isinstance(target, ast.Name) for target in targets)
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))


def _decorators(node: ast.stmt) -> set[str]:
    """Return the names in the decorators of a statement."""
    nodes = (inner for one in getattr(node, "decorator_list", ()) for inner in ast.walk(one))
    return {inner.id for inner in nodes if isinstance(inner, ast.Name)}


def _lacks_return(node: ast.stmt) -> bool:
    is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    return is_function and not any(isinstance(inner, ast.Return) for inner in ast.walk(node))


def _identifiers(unit: Unit) -> set[str]:
    """Return all names in a unit, local ones, attributes and arguments included."""
    nodes = (node for top in unit.nodes for node in ast.walk(top) if not isinstance(node, ast.Constant))
    return {value for node in nodes for value in vars(node).values() if isinstance(value, str)}
