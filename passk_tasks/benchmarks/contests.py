"""What the benchmarks of contest problems share: candidates under tests, and safe reading of the data."""

from __future__ import annotations

import ast
import base64
import inspect
import json
import pickletools
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from passk_tasks.benchmarks import output_rules
from passk_tasks.benchmarks.base import Benchmark, any_digits
from passk_tasks.errors import DatasetError
from passk_tasks.extraction.syntax import may_return, silently
from passk_tasks.problem import Problem
from passk_tasks.program import Comparison, Place, Program, StdioTests, Tests

CALL = "passk_call"
"""The name by which tests call the candidate's function, or the method of its class `Solution`."""

_RULES = inspect.getsource(output_rules)
LINES = Comparison("lines", _RULES)  # LiveCodeBench
TOKENS = Comparison("tokens", _RULES)  # CodeContests
SETS = Comparison("sets", _RULES)  # APPS

_MOST_BYTES = 1 << 30
"""Limit of one problem's unpacked tests; the largest published ones have some 100 MB."""


@dataclass(frozen=True, slots=True)
class ContestProblem(Problem):
    """A problem whose candidates are programs, or functions that are called with plain data.

    Attributes:
        tests: cases for programs, or statements that call `CALL`.
        function: the function's name; `""` for programs.
        imports: statements that the benchmark's own harness puts above every candidate.
        wrapped: whether that harness runs a program as the body of a function, which `return` may end.
    """

    tests: Tests | StdioTests | None = None
    function: str = ""
    imports: str = ""
    wrapped: bool = False

    def program(self, code: str | None, place: Place) -> Program:
        """Return a candidate under its tests; those of a function run in `place`."""
        assert self.tests is not None
        if code is not None:
            code = below(self.imports, with_returns(code) if self.wrapped else code)
            if self.function:
                code += _ADAPTER.format(call=CALL, function=self.function)
        return Program(self.task_id, code, self.tests, place)


class Contest(Benchmark):
    """What the families of contest problems share."""

    hub_name: ClassVar[str | None] = None
    split: ClassVar[str] = "test"
    own_problems: ClassVar[bool] = False

    def program(self, problem: Problem, code: str | None, place: Place) -> Program:
        """Return the candidate below the imports of the benchmark's own harness."""
        assert isinstance(problem, ContestProblem)
        return problem.program(code, place)

    def written_tests(self, problem: Problem) -> None:
        """Return None: rows hold cases."""

    def function(self, problem: Problem) -> str:
        """Return the name in the problem's tests; `""` for programs."""
        assert isinstance(problem, ContestProblem)
        return problem.function

    def canonical(self, problem: Problem) -> str | None:
        """Return the reference solution, if the dataset has one; it may be for another version of Python."""
        return problem.canonical_solution


_NOT_READ = (SyntaxError, ValueError, MemoryError, RecursionError)
_ADAPTER = """
{call} = getattr(Solution(), {function!r}) if "Solution" in globals() else globals()[{function!r}]
"""


def below(imports: str, code: str) -> str:
    """Return code below imports; its `from __future__` stays the first statement."""
    if "__future__" in code:
        body = _statements(code)
        futures = [n for n in body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
        if futures:
            lines = code.split("\n")
            at = max(node.end_lineno or node.lineno for node in futures)
            return "\n".join([*lines[:at], imports, *lines[at:]])
    return imports + code


def with_returns(code: str) -> str:
    """Return a program with a `return` outside of functions as the body of one, and any other as it is."""
    body = _statements(code) if "return" in code else []
    if not may_return(body):
        return code
    tree = ast.parse("def passk_program(): pass\npassk_program()")
    imports = [node for node in body if isinstance(node, (ast.Import, ast.ImportFrom))]
    tree.body[0].body = [node for node in body if node not in imports]  # type: ignore[attr-defined]
    tree.body[:0] = imports
    try:
        return ast.unparse(tree) + "\n"
    except _NOT_READ:
        return code


def _statements(code: str) -> list[ast.stmt]:
    """Return the statements of a program; none of what does not parse."""
    try:
        return silently(lambda: ast.parse(code)).body
    except _NOT_READ:
        return []


_AS_IT_IS = """\
def arguments(given):
    return given

def holds(result, expected):
    # As the benchmark has it: expected sequences are lists, whatever the function returns.
    return (list(result) if isinstance(result, tuple) else result) == expected
"""

_CALLS = """\
import base64, json, sys, zlib
{digits}
{helpers}
cases = json.loads(zlib.decompress(base64.b64decode("{packed}")))
for number, (given, expected) in enumerate(cases, start=1):
    assert holds({call}(*arguments(given)), expected), f"test {{number}} of {{len(cases)}}"
"""


def most_digits(number: int) -> str:
    """Return a statement by which texts of integers may have that many digits; 0 is any number."""
    return f'if hasattr(sys, "set_int_max_str_digits"): sys.set_int_max_str_digits({number})'


@any_digits()
def call_tests(
    cases: Iterable[tuple[Any, Any]], helpers: str = _AS_IT_IS, *, whole_times: float, digits: int = 0
) -> Tests:
    """Return tests that call the function with the arguments of each case.

    Args:
        cases: arguments and expected result as the dataset has them, JSON values.
        helpers: source of `arguments(given)`, which returns the list of arguments, and of
            `holds(result, expected)`.
        whole_times: as `Tests` has it.
        digits: as many digits texts of integers may have, in the candidate's process too; 0 is any number.
    """
    raw = json.dumps([[given, expected] for given, expected in cases]).encode("ascii")
    packed = base64.b64encode(zlib.compress(raw, 1)).decode("ascii")
    source = _CALLS.format(packed=packed, call=CALL, helpers=helpers, digits=most_digits(digits))
    return Tests(source, (CALL,), whole_times=whole_times)


# The opcodes of which a pickle of one text consists: the text, and what pickle writes around it.
_TEXTS = frozenset({"UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"})
_AROUND = frozenset({"PROTO", "FRAME", "MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "STOP"})


def _pickled_text(raw: bytes) -> str:
    """Return the text in a pickle of one text.

    The opcodes are read and not executed, so nothing is looked up, called or built. Even an unpickler that
    looks no names up would allocate a gigabyte for twelve bytes that ask for a large memo.
    """
    texts = []
    for opcode, argument, _ in pickletools.genops(raw):
        if opcode.name in _TEXTS:
            texts.append(argument)
        elif opcode.name not in _AROUND:
            raise ValueError(f"it is a pickle of something other than text ({opcode.name})")
    if len(texts) != 1 or not isinstance(texts[0], str):
        raise ValueError(f"it is a pickle of {len(texts)} texts")
    return texts[0]


def unpack_text(packed: str) -> str:
    """Return the text in a zlib-compressed pickle in base64; nothing but text can come out.

    Raises:
        ValueError: it is not such a pickle, is larger than a gigabyte, or holds something other than text.
    """
    try:
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(base64.b64decode(packed, validate=True), _MOST_BYTES)
        if unpacker.unconsumed_tail or not unpacker.eof:
            raise ValueError("it does not end, or is larger than a gigabyte")
        return _pickled_text(raw)
    except Exception as error:  # a broken pickle raises nearly anything
        raise ValueError(f"no packed text: {error}") from None


@any_digits()
def parsed(text: str, kind: type, what: str) -> Any:
    """Return the value in a column of JSON; `what` names the column in messages.

    Raises:
        DatasetError: it is not JSON, or not of this kind.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{what} is not valid JSON: {error}") from None
    if not isinstance(value, kind):
        raise DatasetError(f"{what} must hold a {kind.__name__}, not {type(value).__name__}")
    return value
