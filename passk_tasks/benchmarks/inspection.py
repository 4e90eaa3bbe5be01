"""What the syntax tree of tests tells, before anything runs.

`functions` says what the tests call of a candidate, `needs` whether they need one process with it, and
`passes_anything` whether they test it at all.
Nothing here executes them.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from keyword import iskeyword

from passk_tasks.benchmarks.asserting import cannot_fail
from passk_tasks.benchmarks.base import any_digits
from passk_tasks.benchmarks.plainness import Proof, prove
from passk_tasks.errors import DatasetError
from passk_tasks.extraction.languages import syntax
from passk_tasks.extraction.pieces import hidden
from passk_tasks.extraction.syntax import silently
from passk_tasks.program import CommandTests

_LONG_LINE = re.compile(r"^([ \t]*\w+[ \t]*=[ \t]*)(\[.{1000,}\])[ \t]*$", re.MULTILINE)
_TEXT = re.compile(r"""(?:\b[rbuRBU]{1,2})?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")
_KEPT = 1024  # proofs: problems are often loaded again in one process
_WORD = re.compile(r"(?<![\w.])[^\W\d]\w*")
_CALLED = re.compile(r"(\w+)\s*\(")
_NAMELESS = re.compile(r"[_-]")  # what languages write names with, or do not


def functions(assertions: Sequence[str], setup: str = "", code: str = "") -> tuple[str, ...]:
    """Return the names that assertions call of the candidate, the most called one first.

    Args:
        assertions: statements, e.g. `assert f(1) == 2`.
        setup: code that they need; names bound there are not the candidate's.
        code: a reference candidate. Names that it defines are the candidate's, even where Python has a
            function of that name: some of MBPP's problems ask for a function `sum`.

    Raises:
        DatasetError: the assertions are not Python, or call nothing that a candidate could define.
    """
    counted: Counter[str] = Counter()
    bound = _bound(_parse(setup))
    defined = {n.name for n in _parse(code).body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    for assertion in assertions:
        tree = _parse(_LONG_LINE.sub(_words_only, assertion))
        own = (_loaded(tree) - _bound(tree) - bound - set(dir(builtins))) | defined
        counted.update(dict.fromkeys((name for name in _called(tree) if name in own), 1))
    if not counted:
        raise DatasetError(f"no assertion calls a function to be tested: {' '.join(assertions)!r:.120}")
    # most_common keeps the order of appearance among equals.
    return tuple(name for name, _ in counted.most_common())


def needs(
    source: str, names: Collection[str], classes: Collection[str] = (), compares: Collection[str] = ()
) -> Proof:
    """Return whether tests need one process with the candidate; arguments as in `plainness.prove`."""
    return _needs(_LONG_LINE.sub(_words_only, source), tuple(names), tuple(classes), tuple(compares))


@lru_cache(maxsize=_KEPT)
def _needs(source: str, *named: tuple[str, ...]) -> Proof:
    return prove(_parse(source), *named)


def passes_anything(source: str, names: Collection[str]) -> bool:
    """Return whether no candidate can fail tests by what it returns; False for what is not Python."""
    # A long list of constants becomes an empty one there, over which no loop would begin.
    short = _LONG_LINE.sub(lambda line: _words_only(line).replace("[", "[0, ", 1), source)
    return _passes_anything(short, tuple(names))


@lru_cache(maxsize=_KEPT)
def _passes_anything(source: str, names: tuple[str, ...]) -> bool:
    try:
        return cannot_fail(_parse(source), names)
    except DatasetError:
        return False


def names_no_candidate(tests: CommandTests, entry_point: str, prompt: str) -> bool:
    """Return whether tests in another language name neither the function nor `candidate`, however spelled.

    Args:
        tests: those that name files of their own may call it there.
        entry_point: the function's name; some rows have the one of another language.
        prompt: it ends with the function's declaration.
    """
    declared = _CALLED.findall(hidden(prompt, syntax(tests.language.removesuffix("_pack"))))[-1:]
    text = _NAMELESS.sub("", tests.source.lower())
    names = {_NAMELESS.sub("", name.lower()) for name in (entry_point, "candidate", *declared)} - {""}
    return not tests.files and not any(name in text for name in names)


def classes_of(names: Collection[str], *sources: str | None) -> tuple[str, ...]:
    """Return the names that a source defines as a class; a source may be a prompt that breaks off."""
    return tuple(
        name
        for name in names
        if any(re.search(rf"^class {name}\b", source, re.MULTILINE) for source in sources if source)
    )


def _words_only(line: re.Match[str]) -> str:
    """Return the assignment of a long list with only the names in that list.

    Parsing a benchmark's inputs takes seconds and gigabytes, and only the names in them matter here.
    """
    words = set(_WORD.findall(_TEXT.sub("", line[2])))
    if any(map(iskeyword, words - {"None", "True", "False"})):
        return line[0]
    return f"{line[1]}[{', '.join(sorted(words))}]"


@any_digits()
def _parse(source: str) -> ast.Module:
    try:
        return silently(lambda: ast.parse(source))  # datasets have invalid escapes
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise DatasetError(f"this is not Python: {error}: {source!r:.120}") from None


def _called(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def _loaded(tree: ast.Module) -> set[str]:
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _bound(tree: ast.Module) -> set[str]:
    """Return the names bound anywhere in a tree, in any scope, except those of `*` imports."""
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    return bound
