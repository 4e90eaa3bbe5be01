"""Small mistakes made in a right program, by operators on its syntax tree (DeMillo et al., 1978).

    mutants(source) -> Mutant(code, operator, line), each differing from `source` in one place

The more of these a benchmark's tests catch, the better they are, and two judges that are equally good pass
the same ones. Nothing is executed here; only the order is random, from a seed.
"""

from __future__ import annotations

import ast
import copy
import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A program with one mistake.

    Attributes:
        operator: the kind of change: `comparison`, `arithmetic`, `logic`, `constant`, `condition`, `return`
            or `statement`.
        line: the changed line in the original source, from 1.
    """

    code: str
    operator: str
    line: int


def mutants(source: str, *, limit: int | None = None, seed: int = 0) -> list[Mutant]:
    """Return programs that differ from `source` in one place, each text once, none equal to the original.

    Args:
        source: a program.
        limit: how many at most; None for all.
        seed: seed of the choice and the order. The same arguments give the same list.

    Raises:
        SyntaxError: `source` is not Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in datasets
        tree = ast.parse(source)
    original = ast.unparse(tree)
    by_code: dict[str, Mutant] = {}
    places = [(number, change) for number, node in enumerate(ast.walk(tree)) for change in _changes(node)]
    random.Random(seed).shuffle(places)
    for number, (operator, change) in places:
        if limit is not None and len(by_code) >= limit:
            break
        copied = copy.deepcopy(tree)
        # ast.walk has the same order over a copy.
        node = next(node for at, node in enumerate(ast.walk(copied)) if at == number)
        change(node)
        code = ast.unparse(ast.fix_missing_locations(copied)) + "\n"
        if code.rstrip("\n") != original:
            by_code.setdefault(code, Mutant(code, operator, getattr(node, "lineno", 0)))
    return list(by_code.values())


Change = tuple[str, Callable[[ast.AST], None]]


def _changes(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            if type(operator) in _COMPARISONS:
                yield "comparison", _compare_with(index, _COMPARISONS[type(operator)])
    elif isinstance(node, (ast.BinOp, ast.AugAssign)):
        if type(node.op) in _ARITHMETIC:
            yield "arithmetic", _operate_with(_ARITHMETIC[type(node.op)])
    elif isinstance(node, ast.BoolOp):
        yield "logic", _operate_with(ast.Or if isinstance(node.op, ast.And) else ast.And)
    elif isinstance(node, ast.Constant):
        # `type` tells bool, which is negated, from int. A changed docstring would be no mistake.
        if type(node.value) in (int, float):
            yield "constant", _shift(1)
            yield "constant", _shift(-1)
        elif type(node.value) is bool:
            yield "constant", _negate_constant
    elif isinstance(node, (ast.If, ast.While, ast.IfExp)):
        yield "condition", _negate_test
    elif isinstance(node, ast.Return) and node.value is not None:
        # `return None` stays as it is; `mutants` leaves out what equals the original.
        yield "return", _return_none
    # Without its assignment a name raises NameError, which any test catches: only updates and calls are
    # dropped.
    if isinstance(node, (ast.FunctionDef, ast.For, ast.While, ast.If, ast.With)):
        for index, statement in enumerate(node.body):
            is_call = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
            if is_call or isinstance(statement, (ast.AugAssign, ast.Continue, ast.Break)):
                yield "statement", _drop(index)


def _compare_with(index: int, operator: type[ast.cmpop]) -> Callable[[ast.AST], None]:
    def change(node: ast.AST) -> None:
        assert isinstance(node, ast.Compare)
        node.ops[index] = operator()

    return change


def _operate_with(operator: type[ast.operator] | type[ast.boolop]) -> Callable[[ast.AST], None]:
    def change(node: ast.AST) -> None:
        node.op = operator()  # type: ignore[attr-defined]

    return change


def _shift(by: int) -> Callable[[ast.AST], None]:
    def change(node: ast.AST) -> None:
        assert isinstance(node, ast.Constant)
        node.value = node.value + by  # type: ignore[operator]

    return change


def _negate_constant(node: ast.AST) -> None:
    assert isinstance(node, ast.Constant)
    node.value = not node.value


def _negate_test(node: ast.AST) -> None:
    assert isinstance(node, (ast.If, ast.While, ast.IfExp))
    node.test = ast.UnaryOp(ast.Not(), node.test)


def _return_none(node: ast.AST) -> None:
    assert isinstance(node, ast.Return)
    node.value = ast.Constant(None)


def _drop(index: int) -> Callable[[ast.AST], None]:
    def change(node: ast.AST) -> None:
        node.body[index] = ast.Pass()  # type: ignore[attr-defined]

    return change
