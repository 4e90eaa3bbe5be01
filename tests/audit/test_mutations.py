"""Tests of passk_tasks.audit.mutations."""

from __future__ import annotations

import ast

import pytest

from passk_tasks import benchmarks
from passk_tasks.audit.mutations import mutants
from passk_tasks.tasks.settings import Settings

SOURCE = '''def f(xs, limit=3):
    """Doc with 7 in it."""
    total = 0
    for x in xs:
        if x < limit and x != 2:
            total += x
            continue
        xs.sort()
    return total if total else None
'''


def test_each_operator() -> None:
    """Every kind of mistake is made where there is something to make it in, and says its line."""
    found = {(m.operator, m.line) for m in mutants(SOURCE)}
    assert found == {
        ("comparison", 5),
        ("arithmetic", 6),
        ("logic", 5),
        ("constant", 1),
        ("constant", 3),
        ("constant", 5),
        ("condition", 5),
        ("condition", 9),
        ("return", 9),
        ("statement", 5),
        ("statement", 4),
    }


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = a < b", {"x = a <= b"}),
        ("x = a - b", {"x = a + b"}),
        ("x = a and b", {"x = a or b"}),
        ("x = 5", {"x = 6", "x = 4"}),
        ("x = True", {"x = False"}),
        ("x = 'text'", set()),
        ("x = 1 if a else 2", {"x = 1 if not a else 2", "x = 2 if a else 2", "x = 0 if a else 2"}),
    ],
)
def test_one_mistake_each(source: str, expected: set[str]) -> None:
    """A mutant differs from the program in the one place that its operator changes."""
    assert expected <= {m.code.strip() for m in mutants(source)}
    if len(expected) < 3:
        assert expected == {m.code.strip() for m in mutants(source)}


def test_mutants_are_programs_of_their_own() -> None:
    """All mutants of real solutions compile, no two are alike, and none is the original."""
    family = benchmarks.get("humaneval")
    for problem in list(benchmarks.load(family, Settings()).problems.values())[:40]:
        code = family.canonical(problem)
        assert code is not None
        found = [m.code for m in mutants(code)]
        assert len(found) == len(set(found)) > 0
        assert ast.unparse(ast.parse(code)) not in {text.strip() for text in found}
        for text in found:
            compile(text, "mutant", "exec")


def test_the_choice_is_repeatable() -> None:
    """The same seed gives the same mutants, a limit a part of them, another seed another order."""
    assert mutants(SOURCE) == mutants(SOURCE)
    assert mutants(SOURCE, limit=4) == mutants(SOURCE)[:4]
    assert mutants(SOURCE, seed=1) != mutants(SOURCE)
    assert {m.code for m in mutants(SOURCE, seed=1)} == {m.code for m in mutants(SOURCE)}


def test_not_python() -> None:
    """A source that does not compile is an error."""
    with pytest.raises(SyntaxError):
        mutants("def f(:\n")
