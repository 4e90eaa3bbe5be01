"""Finds the lines of code that define a function among lines that are not Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from passk_tasks.extraction.fences import dedent
from passk_tasks.extraction.syntax import Parsed, Parser

_MAX_DEFINITIONS = 6  # how many definitions of the function are tried, from the last
_MAX_CUTS = 40  # how many pieces of prose are cut off around a definition
_MAX_LINES = 4000  # the longest run that is tried where a whole program is looked for

# The beginning of a statement that may stand above a function.
_STATEMENT = re.compile(
    r"@\w|from\s+[\w.]+\s+import\s|import\s+\w|(?:async\s+)?def\s+\w+|class\s+\w+\s*[:(]"
    r"|[A-Za-z_]\w*(?:\[[^\]\n]{0,80}\]|\.\w+)?\s*(?::[^=\n]{0,80})?=[^=]|(?:try|if|for|while|with)\b[^\n]{0,300}:\s*$"
    r"|#|\"\"\"|'''"
)
_BEGINS = re.compile(
    rf"[ \t]*(?:{_STATEMENT.pattern}|[A-Za-z_][\w., ]{{0,80}}(?:[-+*/%&|^]|//|\*\*)?=[^=]|[A-Za-z_][\w.]*\()"
)
_NESTING = re.compile(r"\s*(?:class|def|async\s+def)\b|\s*\)[^\n]{0,200}:\s*$")
# A line that begins so continues the statement above it or is a comment: a function does not end there.
_NO_CUT = ("#", ")", "]", "}", '"', "'")


def compiling_run(
    text: str, entry_point: str, parser: Parser, defines: Callable[[Parsed], bool]
) -> Parsed | None:
    """Return the run of lines around the last definition that compiles and `defines` the function."""
    return next(compiling_runs(text, entry_point, parser, defines), None)


def compiling_runs(
    text: str, entry_point: str, parser: Parser, defines: Callable[[Parsed], bool]
) -> Iterator[Parsed]:
    """Yield the largest runs of lines around the definitions that compile and `define` it, the last first.

    A run starts at the first statement above the definition, leaves out prose between the two, and ends
    before the first line below that does not parse. It ends only before a line without indentation, so that a
    function that breaks off in its middle is not completed by leaving its rest out.
    """
    name = re.escape(entry_point)
    pattern = re.compile(
        rf"^(?P<indent>[ \t]*)(?:(?:async[ \t]+)?def|class)[ \t]+{name}\b|^{name}[ \t]*=[^=]", re.MULTILINE
    )
    definitions = [(m.start(), m["indent"]) for m in pattern.finditer(text)] if entry_point else []
    for position, indent in reversed(definitions[-_MAX_DEFINITIONS:]):
        lines, at = text.split("\n"), text.count("\n", 0, position)
        if indent:
            region = _indented_region(lines, at, indent)
            if region is None:
                continue
            lines, at = region
        # Where the lines above do not fit, the function alone is tried.
        parsed = _around(lines, at, parser, defines) or _around(lines[at:], 0, parser, defines)
        if parsed is not None:
            yield parsed


def _indented_region(lines: list[str], at: int, indent: str) -> tuple[list[str], int] | None:
    """Return the lines around `at` with at least its indentation, dedented; None inside a class."""
    first = last = at
    while first > 0 and (lines[first - 1].startswith(indent) or not lines[first - 1].strip()):
        first -= 1
    while last + 1 < len(lines) and (lines[last + 1].startswith(indent) or not lines[last + 1].strip()):
        last += 1
    if first > 0 and _NESTING.match(lines[first - 1]):
        return None  # the tests cannot call a method, or a function within another
    region = dedent("\n".join(lines[first : last + 1])).split("\n")
    return region, at - first


def _around(lines: list[str], at: int, parser: Parser, defines: Callable[[Parsed], bool]) -> Parsed | None:
    start = next((i for i in range(at) if _STATEMENT.match(lines[i])), at)
    kept, at = lines[start:], at - start
    for _ in range(_MAX_CUTS):
        source = "\n".join(kept) + "\n"
        parsed = parser.parse(source)
        if parsed is not None:
            return parsed if defines(parsed) else None
        error = parser.error_line(source) - 1
        if error < 0:
            return None
        if error < at or (error == at > 0 and any(line.strip() for line in kept[:at])):
            # Blank out prose above the function, up to the next line that looks like code. The parser blames
            # the function's own line where the line above it lacks its block.
            error = min(error, at - 1)
            first = next((i for i in range(error, -1, -1) if kept[i][:1].strip()), 0)
            after = next((i for i in range(error + 1, at) if _STATEMENT.match(kept[i])), at)
            if not any(line.strip() for line in kept[first:after]):
                return None
            kept[first:after] = [""] * (after - first)
        else:
            end = _end(kept, min(error, len(kept) - 1), at, parser)
            if end <= at:
                return None
            del kept[end:]
    return None


def _end(lines: list[str], error: int, at: int, parser: Parser) -> int:
    """Return how many lines to keep where one does not parse: those before it, or before its statement."""
    if lines[error].startswith((")", "]", "}")) and parser.parse("\n".join(lines[:error]) + "\n") is not None:
        return error  # it closes nothing: a mark around the code
    while error > at and (not lines[error][:1].strip() or lines[error].startswith(_NO_CUT)):
        error -= 1
    return error


def begins_like_code(line: str) -> bool:
    """Whether a line begins as a statement does: an assignment, a call, a keyword, a comment."""
    return _BEGINS.match(line) is not None


def compiling_segments(lines: list[str], parser: Parser) -> Iterator[tuple[int, str]]:
    """Yield each run of lines that compiles and begins like code, with the index of its first line."""
    at = cuts = 0
    margin: str | None = None  # of the first run; lines that are indented more may be inside a broken one
    while at < len(lines) and cuts < _MAX_CUTS:
        if not begins_like_code(lines[at]):
            at += 1
            continue
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip(" \t"))]
        margin = indent if margin is None or margin.startswith(indent) else margin
        if indent != margin:
            at += 1
            continue
        last = at
        while last < min(len(lines), at + _MAX_LINES) and (
            not lines[last].strip() or lines[last].startswith(indent)
        ):
            last += 1
        region = [line.removeprefix(indent) for line in lines[at:last]]
        while region and cuts < _MAX_CUTS:
            cuts += 1
            source = "\n".join(region).rstrip("\n") + "\n"
            if parser.parse(source) is not None:
                yield at, source
                break
            end = _end(region, min(parser.error_line(source), len(region)) - 1, 0, parser)
            region = region[: max(end, 0)]
        else:
            region = []
        at += max(len(region), 1)
