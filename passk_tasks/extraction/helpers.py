"""What the chosen program of an answer lacks and other parts of the answer define."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from passk_tasks.extraction.examples import is_borrowed
from passk_tasks.extraction.fences import Block
from passk_tasks.extraction.runs import compiling_run
from passk_tasks.extraction.syntax import BUILTINS, Parsed, Parser, Unit, is_stub, names

MAX_BLOCKS = 64  # only so many blocks are tried, from the last; bounds the work on degenerate texts
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Rest:
    """An answer, in which what its program lacks is looked for.

    Attributes:
        text: the answer.
        fenced: its blocks.
        asked: the names that the tests call, the entry point first.
        given: names that the prompt binds.
        parser: with the budget of this text.
    """

    text: str
    fenced: Sequence[Block]
    asked: tuple[str, ...]
    given: frozenset[str]
    parser: Parser

    def with_helpers(self, parsed: Parsed, others: Sequence[Block]) -> Parsed | None:
        """Return the program below helpers that it lacks and the text defines; None if it defines none."""
        helpers: list[str] = []
        source, bound = parsed.source, parsed.bound
        lacking = _lacking(source, bound | self.given)
        if not lacking:
            return None
        python = self._python(others)
        examples = [other for other in python if self._is_example(other)]
        plain = [other for other in python if other not in examples]
        # The source of a helper is better than an import of it, and data of an example are the last resort.
        for group, borrowed in ((plain, False), (examples, False), (python, True)):
            for other in reversed(group[-MAX_BLOCKS:]):
                units = [unit for unit in other.units() if is_borrowed(unit) == borrowed]
                pieces, lacking, bound = self._gathered(units, lacking, bound)
                helpers = pieces + helpers
        for name in sorted(lacking):
            found = self._in_text(name, bound)
            if found is not None and self.asked[0] not in found.bound:  # a function among prose
                helpers.insert(0, found.source)
        return self.parser.parse("".join(helpers) + source) if helpers else None

    def with_others(self, parsed: Parsed) -> Parsed:
        """Return the program above those other functions that the tests call and that it lacks."""
        for name in self.asked[1:]:
            if name in parsed.bound | self.given or name not in self.text:
                continue
            other = self._elsewhere(name)
            if other is None:
                continue
            pieces, _, _ = self._gathered(other.units(), frozenset({name}), parsed.bound)
            joined = self.parser.parse(parsed.source.rstrip("\n") + "\n" + "".join(pieces))
            parsed = joined if joined is not None else parsed
        return parsed

    def sources(self, others: Iterable[Block]) -> set[str]:
        """Return the names of functions and classes whose source stands in other blocks."""
        return {name for other in self._python(others) for name in defined(other)}

    def _python(self, others: Iterable[Block]) -> list[Parsed]:
        """Return the blocks that are Python."""
        parsed = (self.parser.parse(block.content) for block in others if block.may_be_python)
        return [other for other in parsed if other is not None]

    def _gathered(
        self, units: Sequence[Unit], wanted: frozenset[str], bound: frozenset[str]
    ) -> tuple[list[str], frozenset[str], frozenset[str]]:
        """Return the sources of the units that bind what is wanted, or what those need, in their order.

        And what is wanted still, and what is bound then. None of them binds the entry point.
        """
        pieces: list[str] = []
        for unit in reversed(units):
            scope = names(unit.source)
            if scope is not None and scope.bound & wanted and self.asked[0] not in scope.bound:
                pieces.insert(0, unit.source + "\n")
                bound |= scope.bound
                wanted = (wanted - scope.bound) | (scope.used - bound - BUILTINS)
        return pieces, wanted, bound

    def _is_example(self, parsed: Parsed) -> bool:
        """Whether a block calls the function when it runs."""
        scope = names(parsed.source)
        return scope is not None and not scope.immediate.isdisjoint(self.asked)

    def _elsewhere(self, name: str) -> Parsed | None:
        """Return the last closed block, or else the last lines of code, that hold the source of `name`."""
        known = frozenset((*self.asked, *self.given))
        python = [block for block in self.fenced if block.may_be_python and name in block.content]
        for block in reversed([block for block in python if block.closed][-MAX_BLOCKS:]):
            other = self.parser.parse(block.content)
            if other is not None and other.writes(name, known - {name}):
                return other
        return self._in_text(name, known - {name})

    def _in_text(self, name: str, known: frozenset[str]) -> Parsed | None:
        """Return the last lines of code, in blocks or among prose, that hold the source of `name`."""
        return compiling_run(self.text, name, self.parser, lambda parsed: parsed.writes(name, known))


def defined(parsed: Parsed) -> set[str]:
    """Return the names of a program's functions and classes that are more than stubs."""
    return {node.name for node in parsed.tree.body if isinstance(node, _DEFINITIONS) and not is_stub([node])}


def without_stand_ins(parsed: Parsed, elsewhere: Collection[str], parser: Parser) -> Parsed:
    """Return a program without the stubs and imports that stand for what has its source `elsewhere`.

    Models repeat a given helper as `def helper(x): ...`, and import it from a file that nobody has.
    """
    lines, changed = parsed.source.split("\n"), False
    for unit in reversed(parsed.units()):
        instead = _instead(unit, elsewhere)
        if instead is not None:
            lines[unit.first - 1 : unit.last] = instead
            changed = True
    return (parser.parse("\n".join(lines)) if changed else None) or parsed


def _instead(unit: Unit, elsewhere: Collection[str]) -> list[str] | None:
    """Return the lines that take the place of a stub or an import; None where the unit is neither."""
    if is_borrowed(unit):
        aliases = [alias for node in unit.nodes if isinstance(node, ast.ImportFrom) for alias in node.names]
        if not aliases or any(alias.name not in elsewhere for alias in aliases):
            return None
        return [
            f"{alias.asname} = {alias.name}" for alias in aliases if alias.asname not in (None, alias.name)
        ]
    stubs = all(
        isinstance(node, _DEFINITIONS) and node.name in elsewhere and is_stub([node]) for node in unit.nodes
    )
    return [] if stubs else None


def _lacking(source: str, bound: frozenset[str]) -> frozenset[str]:
    scope = names(source)
    return scope.used - bound - BUILTINS if scope is not None else frozenset()
