"""Chat and reasoning models: a whole program somewhere in an answer.

LiveCodeBench takes the last block of an answer (`lcb_runner/utils/extraction_utils.py`). But example input
and output, and code that shows the program at work, are often fenced too. So we take the last piece of the
highest rank (`_Rank`), below the pieces that define what it needs. Only prose around a program and an import
of itself are cut off.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from itertools import chain
from typing import NamedTuple

from passk_tasks.extraction.classes import is_method
from passk_tasks.extraction.examples import is_borrowed, is_main_guard, is_prose
from passk_tasks.extraction.excerpts import elides, repeats, shows_again, statements
from passk_tasks.extraction.fences import blocks, dedent, longer, prefilled
from passk_tasks.extraction.reasoning import strip_reasoning, thinks_in_words
from passk_tasks.extraction.runs import compiling_segments
from passk_tasks.extraction.strategies import Extraction, Repair, Strategy, extraction
from passk_tasks.extraction.syntax import (
    BUILTINS,
    FRAMEWORKS,
    Parsed,
    Parser,
    Unit,
    binds_callable,
    imported_from,
    is_stub,
    leaves_out,
    may_return,
    names,
)
from passk_tasks.extraction.tokens import cut_at_token, ends_turn, other_reading, strip_outer, without_marks
from passk_tasks.extraction.wrapped import in_fences, readings

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_SILENT = (*_DEFINITIONS, ast.Import, ast.ImportFrom)
_ACTING = (*_SILENT, ast.Call, ast.Assign, ast.AugAssign, ast.For, ast.While)
_READING = frozenset(("input", "stdin", "__stdin__", "raw_input", "fileinput"))
_INPUTS = frozenset(("stdin", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"))  # texts that name it
_MADE_UP = frozenset(("StringIO", "BytesIO"))
_WRITING = frozenset(("print", "stdout", "write", "writelines"))
_MAX_PIECES = 64  # only so many pieces are tried, from the last; bounds the work on degenerate texts


class _Rank(IntEnum):
    """How well a piece answers the request for a program, the best last."""

    EXAMPLE = 0  # it uses what another piece defines, is a test, or leaves something out
    DEFINITIONS = 1  # nothing happens when it runs
    ACTS = 2  # it does something, but reads nothing
    READS = 3  # it reads, but writes nothing
    PROGRAM = 4  # it reads its input and writes, by itself or with what it needs from other pieces
    FUNCTION = 5  # it defines the function that the tests call


class _Piece(NamedTuple):
    """A block of an answer, or lines of code among its prose, that compiles."""

    parsed: Parsed
    line: int  # where it begins
    fenced: bool
    closed: bool  # whether it is complete, as lines outside of fences always are
    disowned: bool = False  # whether the words above it say that it is wrong


class _Choice(NamedTuple):
    code: str
    strategy: Strategy
    repairs: frozenset[Repair]
    score: tuple[int, int] = (0, 0)  # its rank, and minus the number of names that it lacks


def find_program(text: str, functions: Sequence[str] = ()) -> Extraction:
    """Return the program in a chat model's answer.

    Args:
        text: what the model generated.
        functions: the tests call the first of them, a function or a method of a class; empty where they run
            the program.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    repairs: set[Repair] = set()
    if not text.strip():
        return extraction(None, Strategy.NONE_EMPTY, frozenset())
    outer = strip_outer(text)
    parser = Parser()
    search = _Search(parser, functions[0] if functions else "")
    if outer != text:
        repairs.add(Repair.SPECIAL_TOKENS)
    whole = search.whole(outer)
    if whole is not None:
        return extraction(whole.code, whole.strategy, frozenset(repairs | whole.repairs))
    stripped = strip_reasoning(outer)
    shown = strip_outer(stripped.text) if stripped.cut else outer
    long = in_fences(shown)
    inner = cut_at_token(long, ends_turn)
    if inner != long or shown != stripped.text:
        repairs.add(Repair.SPECIAL_TOKENS)
    if stripped.cut:
        repairs.add(Repair.REASONING)
    if stripped.unterminated:
        return extraction(None, Strategy.NONE_UNTERMINATED_REASONING, frozenset(repairs))
    choice, unmarked = search.anywhere(inner), without_marks(inner)
    other = search.anywhere(unmarked.text) if unmarked.text != inner else None
    if other is not None and (choice is None or other.score > choice.score):
        choice = other
        if unmarked.tokens:
            repairs.add(Repair.SPECIAL_TOKENS)
    reading = other_reading(long, inner)
    if reading is not None and choice is not None:
        other = search.anywhere(reading.text)
        if other is not None and other.code != choice.code:
            repairs.add(Repair.UNDECIDED)
            choice = other if reading.likelier else choice
    if thinks_in_words(long):
        repairs.add(Repair.UNDECIDED)
    if choice is None:
        others = (other for text in readings(shown) if (other := search.anywhere(text)) is not None)
        choice = next((other for other in others if not other.score[1]), None)  # an example lacks names
        if choice is not None:
            repairs.add(Repair.UNWRAPPED)
    choice = choice or search.broken(inner)
    if choice is None:
        none = Strategy.NONE_NO_CODE_FOUND if shown.strip() else Strategy.NONE_EMPTY
        return extraction(None, none, frozenset(repairs))
    return extraction(choice.code, choice.strategy, frozenset(repairs | choice.repairs))


class _Search:
    def __init__(self, parser: Parser, function: str) -> None:
        self._parser, self._loose = parser, Parser(compiles=False)
        self._function = function

    def whole(self, text: str) -> _Choice | None:
        """Return the text where all of it is a program; tried first, since its strings may hold fences."""
        parsed = self._program(text)
        if parsed is None:
            return None
        whole = (_Rank.FUNCTION, -len(_lacking(parsed)))
        return self._chosen(parsed, Strategy.WHOLE_FILE)._replace(score=whole)

    def anywhere(self, text: str) -> _Choice | None:
        """Return the best piece of a text, None where none compiles."""
        choice = self.whole(text)
        if choice is not None:
            return choice
        split = prefilled(text)
        if split is not None and (parsed := self._program(split[0] + "\n")) is not None:
            return self._chosen(parsed, Strategy.FENCE_PREFILLED)
        pieces = self._pieces(text)
        if not pieces:
            return None
        ranked = []
        for at, piece in enumerate(pieces):
            joined = self._joined(pieces, at)
            rank, closed = self._rank(piece, joined, pieces), piece.fenced and piece.closed
            ranked.append((rank, not piece.disowned, closed, at, joined))
        rank, owned, _, at, joined = max(ranked, key=lambda row: row[:4])
        best, doubtful = (rank, owned, at, joined), False
        for rank, owned, closed, at, joined in sorted(ranked, key=lambda row: row[:4], reverse=True):
            if rank < best[0] or not owned or not closed:
                break
            gives_way, sure = self._gives_way(pieces[best[2]], best[3], pieces[at], joined)
            doubtful |= not sure
            if gives_way:
                best = (rank, owned, at, joined)
        rank, owned, at, joined = best
        piece = pieces[at]
        below = doubtful or any(row[0] == rank and not row[1] and row[3] > at for row in ranked)
        strategy = Strategy.FENCE if piece.closed else Strategy.FENCE_UNCLOSED
        if not piece.fenced:
            strategy = Strategy.PROSE_CODE
        elif joined is not piece.parsed:
            strategy = Strategy.FENCE_JOINED
        choice = self._chosen(joined, strategy)
        undecided = {Repair.UNDECIDED} if owned and below else set[Repair]()
        return choice._replace(repairs=choice.repairs | undecided, score=(rank, -len(_lacking(joined))))

    def broken(self, text: str) -> _Choice | None:
        """Return what the model meant as code, so that the verdict is an honest `syntax_error`."""
        fenced = [b for b in blocks(text) if b.may_be_python and b.content.strip()][-_MAX_PIECES:]
        ordered = [*reversed([b for b in fenced if b.closed]), *(b for b in fenced if not b.closed)]
        chosen = next((b for b in ordered if b.language), ordered[0] if ordered else None)
        if chosen is None:
            return None
        strategy = Strategy.FENCE if chosen.closed else Strategy.FENCE_UNCLOSED
        return _Choice(chosen.content, strategy, frozenset())

    def _program(self, source: str) -> Parsed | None:
        parsed = self._parser.parse(source)
        if parsed is None and not self._function and "return" in source:
            # Harnesses that make a function of a program take a `return` outside of one.
            parsed = self._loose.parse(source)
            if parsed is not None and not may_return(parsed.tree.body):
                parsed = None
        if parsed is None or not any(isinstance(node, _ACTING) for node in ast.walk(parsed.tree)):
            return None
        return parsed

    def _pieces(self, text: str) -> list[_Piece]:
        pieces: list[_Piece] = []
        lines = text.split("\n")
        for block in blocks(text)[-_MAX_PIECES:]:
            for index in range(max(block.first - 1, 0), min(block.last + 1, len(lines))):
                lines[index] = ""
            ways = chain(
                (block.content, dedent(block.content), without_marks(block.content).text), longer(block, text)
            )
            parsed = next((p for way in ways if (p := self._program(way)) is not None), None)
            # Text, output or JSON may parse: a block of another language must be Python without doubt.
            if parsed is not None and (block.may_be_python or self._reads(parsed) or self._defines(parsed)):
                pieces.append(
                    _Piece(parsed, block.first, fenced=True, closed=block.closed, disowned=block.disowned)
                )
        for line, segment in compiling_segments(lines, self._parser):
            parsed = self._program(segment)
            if parsed is not None:
                pieces.append(_Piece(parsed, line, fenced=False, closed=True))
        return sorted(pieces, key=lambda piece: piece.line)

    def _rank(self, piece: _Piece, joined: Parsed, pieces: list[_Piece]) -> _Rank:
        parsed = piece.parsed
        if leaves_out(parsed.tree):
            return _Rank.EXAMPLE
        if self._function and self._defines(parsed):
            return _Rank.FUNCTION
        others = [other.parsed for other in pieces if other is not piece]
        lacking = _lacking(parsed)
        givers = [other for other in others if lacking & other.bound or _imports_from(parsed, other)]
        tests = any(imported_from(node) & FRAMEWORKS for node in ast.walk(parsed.tree))
        if self._acts(joined):
            if tests or any(self._acts(o) and self._reads(o) and self._writes(o) for o in givers):
                return _Rank.EXAMPLE
            if self._reads(joined):
                return _Rank.PROGRAM if self._writes(joined) else _Rank.READS
            # A program without input has such a main block too; `print(Solution().f(1))` is an example.
            classes = {n.name for o in givers for n in o.tree.body if isinstance(n, ast.ClassDef)}
            checks = any(isinstance(node, ast.Assert) for node in parsed.tree.body)
            shows = checks or lacking & classes or any(_imports_from(parsed, other) for other in givers)
            return _Rank.EXAMPLE if givers and shows else _Rank.ACTS
        defines = any(isinstance(node, _DEFINITIONS) for node in parsed.tree.body)
        return _Rank.EXAMPLE if tests or givers or not defines else _Rank.DEFINITIONS

    def _gives_way(self, piece: _Piece, joined: Parsed, other: _Piece, whole: Parsed) -> tuple[bool, bool]:
        """Return whether a piece gives way to one above it, and whether that is sure."""
        if other.line >= piece.line:
            return False, True
        if self._function:
            shown, full = (self._body(one.parsed) for one in (piece, other))
            return shows_again(shown, full, dots=elides(piece.parsed.source))
        if whole is not other.parsed:
            return False, True
        lines, all_lines = ([line.strip() for line in statements(p.tree.body)] for p in (joined, whole))
        again = repeats(lines, all_lines)
        # Pieces that need each other may be new, or explain a program above them that needs none of them.
        together = joined is not piece.parsed
        return again and together, not again if not together else again

    def _body(self, parsed: Parsed) -> list[str]:
        """Return the lines of the function that the tests call."""
        nodes = [node for node in ast.walk(parsed.tree) if getattr(node, "name", "") == self._function]
        return statements(getattr(nodes[-1] if nodes else parsed.tree, "body", []))

    def _joined(self, pieces: list[_Piece], at: int) -> Parsed:
        """Return a piece below those parts of other pieces that define the names that it lacks."""
        parsed = pieces[at].parsed
        others = [piece for piece in pieces if piece is not pieces[at] and piece.closed]
        above: dict[int, list[str]] = {}
        lacking, bound = _lacking(parsed), set(parsed.bound)
        for index in reversed(range(len(others))):
            other = others[index].parsed
            if not lacking & _given(other):
                continue
            if not self._writes_at_once(other):
                # Cells of one program are taken whole, since a statement that fills a table binds no name.
                above[index] = [other.source.rstrip("\n") + "\n"]
                lacking = (lacking | _lacking(other)) - other.bound - bound
                bound |= other.bound
                continue
            units: list[str] = []
            for unit in reversed(other.units()):
                scope = names(unit.source)
                if scope is not None and scope.bound & lacking and not is_borrowed(unit):
                    units.insert(0, unit.source + "\n")
                    bound |= scope.bound
                    lacking = (lacking | (scope.used - BUILTINS)) - bound
            above[index] = units
        if not self._reads(parsed) and any(self._reads(others[index].parsed) for index in above):
            # Cells of one program: those above that read go along, since each takes its share of the input.
            for index in range(max(above)):
                other = others[index].parsed
                if index not in above and not other.bound & bound and not self._writes_at_once(other):
                    above[index] = [other.source.rstrip("\n") + "\n"] if self._reads(other) else []
        text = "".join(source for index in sorted(above) for source in above[index])
        return (self._parser.parse(text + parsed.source) if text else None) or parsed

    def _defines(self, parsed: Parsed) -> bool:
        """Whether it has the function that the tests call; where they call none, any definition."""
        if not self._function:
            return any(isinstance(node, _DEFINITIONS) for node in parsed.tree.body)
        members = [m for node in parsed.tree.body if isinstance(node, ast.ClassDef) for m in node.body]
        methods = (m for m in members if isinstance(m, (ast.FunctionDef, ast.AsyncFunctionDef)))
        assigned = (m for m in members if isinstance(m, (ast.Assign, ast.AnnAssign)))
        alone: list[ast.AST] = [n for n in parsed.tree.body if getattr(n, "name", "") == self._function]
        return (
            (parsed.writes(self._function) and not all(map(is_method, alone or [parsed.tree])))
            or not all(is_stub([method]) for method in methods if method.name == self._function)
            or binds_callable(assigned, self._function)
        )

    def _acts(self, parsed: Parsed) -> bool:
        """Whether anything is called when it runs, apart from decorators and default values."""
        top = (node for node in parsed.tree.body if not isinstance(node, _SILENT))
        return any(isinstance(inner, ast.Call) for node in top for inner in ast.walk(node))

    def _reads(self, parsed: Parsed) -> bool:
        """Whether it reads standard input, without an input of its own in the place of that."""
        nodes = list(ast.walk(parsed.tree))
        return not any(map(_makes_up_input, nodes)) and any(map(_reads_input, nodes))

    def _writes(self, parsed: Parsed) -> bool:
        return _shows(parsed.tree, _WRITING)

    def _writes_at_once(self, parsed: Parsed) -> bool:
        """Whether a piece shows something when it runs, by itself or by a function of its own."""
        showing = {n.name for n in parsed.tree.body if isinstance(n, _DEFINITIONS) and _shows(n, _WRITING)}
        top = [node for node in parsed.tree.body if not isinstance(node, _SILENT)]
        shown = any(_shows(node, (*_WRITING, *showing)) for node in top)
        return shown or any(isinstance(n, ast.Assert) or is_main_guard(n) for n in top)

    def _chosen(self, parsed: Parsed, strategy: Strategy) -> _Choice:
        """Return the program without imports of itself and without prose at its edges that parses."""
        units = parsed.units()
        bound = parsed.bound | BUILTINS
        star = any(isinstance(n, ast.ImportFrom) and n.names[0].name == "*" for n in parsed.tree.body)
        kept = units if star else _without_edges(units, lambda unit: is_prose(unit, bound))
        own = {node.name for node in parsed.tree.body if isinstance(node, _DEFINITIONS)}
        kept = [unit for unit in kept if not (is_borrowed(unit) and _bound(unit.nodes) <= own)]
        if len(kept) == len(units) or not kept:
            return _Choice(parsed.source, strategy, frozenset())
        lines = parsed.source.split("\n")
        gone = {n for unit in units if unit not in kept for n in range(unit.first, unit.last + 1)}
        source = "\n".join(line for number, line in enumerate(lines, start=1) if number not in gone)
        return _Choice(source, strategy, frozenset({Repair.TRIMMED}))


def _shows(node: ast.AST, writing: Iterable[str]) -> bool:
    return any(_named(inner, writing, ast.Load) for inner in ast.walk(node))


def _without_edges(units: list[Unit], goes: Callable[[Unit], bool]) -> list[Unit]:
    first, last = 0, len(units)
    while first < last and goes(units[first]):
        first += 1
    while first < last and goes(units[last - 1]):
        last -= 1
    return units[first:last]


def _lacking(parsed: Parsed) -> frozenset[str]:
    scope = names(parsed.source)
    return scope.used - parsed.bound - BUILTINS if scope is not None else frozenset()


def _given(parsed: Parsed) -> frozenset[str]:
    """Return the names that a piece defines and others may need; a test has none."""
    if any(imported_from(node) & FRAMEWORKS for node in ast.walk(parsed.tree)):
        return frozenset()
    return frozenset().union(*(_bound(unit.nodes) for unit in parsed.units() if not is_borrowed(unit)))


def _bound(nodes: Iterable[ast.stmt]) -> frozenset[str]:
    return Parsed("", ast.Module(list(nodes), [])).bound


def _imports_from(parsed: Parsed, other: Parsed) -> bool:
    """Whether one piece imports, not from the standard library, a name that the other defines."""
    units = [unit for unit in parsed.units() if is_borrowed(unit)]
    return any(_bound(unit.nodes) & other.bound for unit in units)


def _makes_up_input(node: ast.AST) -> bool:
    """Whether a statement puts a text of its own in the place of standard input."""
    if not isinstance(node, ast.Assign) or not any(_named(t, ("stdin",), ast.Store) for t in node.targets):
        return False
    parts = list(ast.walk(node.value))
    return any(_named(part, _MADE_UP, ast.Load) for part in parts) and not any(map(_reads_input, parts))


def _reads_input(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=str(text)):
            return text in _INPUTS
        case ast.Call(
            func=ast.Name(id="open") | ast.Attribute(attr="open"), args=[ast.Constant(value=0), *_]
        ):
            return True
        case ast.Call(
            func=ast.Name(id="open"), keywords=[ast.keyword(arg="file", value=ast.Constant(value=0)), *_]
        ):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="os"), attr="read" | "fdopen")):
            return True
    return _named(node, _READING, ast.Load)


def _named(node: ast.AST, wanted: Iterable[str], context: type[ast.expr_context]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in wanted and isinstance(node.ctx, context)
    if isinstance(node, ast.alias):
        return node.name in wanted and context is ast.Load
    return isinstance(node, ast.Attribute) and node.attr in wanted and isinstance(node.ctx, context)
