"""Tests of passk_tasks.benchmarks.contests: data that is not trusted, functions that are called."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pickle
import tracemalloc
import zlib

import pytest
import started
from contest_rows import apps_row, contests_row, lcb_row, packed
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks import benchmarks
from passk_tasks.benchmarks import contests
from passk_tasks.benchmarks.contests import CALL, ContestProblem, below, call_tests, unpack_text
from passk_tasks.errors import DatasetError
from passk_tasks.judging import batch
from passk_tasks.program import Judge, Limits
from passk_tasks.verdict import Verdict


class Command:
    """What a pickle can do to whoever reads it with `pickle.loads`."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return (os.mkdir, (self.path,))


@given(st.text())
def test_text_comes_back(text: str) -> None:
    """Text that was packed as LiveCodeBench packs it is unpacked."""
    assert unpack_text(packed(text)) == text


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol(protocol: int) -> None:
    """Text is read whatever the version of the pickle."""
    raw = base64.b64encode(zlib.compress(pickle.dumps("läßt", protocol))).decode()
    assert unpack_text(raw) == "läßt"


def test_a_hostile_pickle_runs_nothing(tmp_path) -> None:
    """A pickle that names a function is refused; no opcode is executed."""
    path = tmp_path / "made"
    hostile = packed(Command(str(path)))
    with pytest.raises(ValueError, match=r"no packed text: it is a pickle of something other than text"):
        unpack_text(hostile)
    assert not path.exists()
    pickle.loads(zlib.decompress(base64.b64decode(hostile)))
    assert path.exists()  # so the attack was real


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (packed(["a list"]), r"other than text \(EMPTY_LIST\)"),
        (packed(b"bytes"), r"other than text \(SHORT_BINBYTES\)"),
        (packed(7), r"other than text \(BININT1\)"),
        (packed(json.JSONDecodeError), "other than text"),
        (base64.b64encode(zlib.compress(pickle.dumps("a")[:-1] + pickle.dumps("b"))).decode(), "of 2 texts"),
        (base64.b64encode(zlib.compress(b"N.")).decode(), r"other than text \(NONE\)"),
        (base64.b64encode(zlib.compress(b"\x80\x04.")).decode(), "of 0 texts"),
        (base64.b64encode(zlib.compress(b"")).decode(), "no packed text"),
        (base64.b64encode(zlib.compress(b"\x80\x04garbage")).decode(), "no packed text"),
        (base64.b64encode(zlib.compress(pickle.dumps("x"))[:-4]).decode(), "it does not end"),
        (base64.b64encode(b"no zlib").decode(), "no packed text"),
        ("!!!", "no packed text"),
        ("", "no packed text"),
    ],
)
def test_what_is_no_text(raw: str, says: str) -> None:
    """Whatever is not a packed text is refused with the reason."""
    with pytest.raises(ValueError, match=says):
        unpack_text(raw)


def test_a_large_memo_is_not_made() -> None:
    """A pickle of a few bytes that asks for gigabytes of memo costs nothing."""
    raw = b"X\x01\x00\x00\x00ar" + (1 << 31).to_bytes(4, "little") + b"."
    tracemalloc.start()
    try:
        assert unpack_text(base64.b64encode(zlib.compress(raw)).decode()) == "a"
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is unpacked than tests can be large."""
    monkeypatch.setattr(contests, "_MOST_BYTES", 1 << 16)
    with pytest.raises(ValueError, match="larger"):
        unpack_text(packed("0" * (1 << 20)))


@given(st.binary(max_size=100))
def test_any_pickle(raw: bytes) -> None:
    """Random opcodes yield text or a ValueError, and nothing else."""
    with contextlib.suppress(ValueError):
        assert type(unpack_text(base64.b64encode(zlib.compress(raw)).decode())) is str


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = 1", "import a\nx = 1"),
        ("", "import a\n"),
        ("# __future__\nx = 1", "import a\n# __future__\nx = 1"),
        (
            '"""Doc."""\nfrom __future__ import annotations\nx = 1',
            '"""Doc."""\nfrom __future__ import annotations\nimport a\n\nx = 1',
        ),
        ("from __future__ import (", "import a\nfrom __future__ import ("),
    ],
)
def test_imports_stand_above(code: str, expected: str) -> None:
    """A harness's imports stand above the candidate, but below `from __future__`."""
    assert below("import a\n", code) == expected


def test_parsed_names_what_is_wrong() -> None:
    """A column that is no JSON, or other JSON, is named."""
    with pytest.raises(DatasetError, match="column 'x' is not valid JSON"):
        contests.parsed("{", dict, "column 'x'")
    with pytest.raises(DatasetError, match="column 'x' must hold a dict, not list"):
        contests.parsed("[]", dict, "column 'x'")


CODES = {
    "def f(a, b): return a + b": Verdict.PASSED,
    "class Solution:\n    def f(self, a, b): return a + b": Verdict.PASSED,
    "class Solution:\n    def f(self, a, b): return tuple(a) + tuple(b)": Verdict.PASSED,
    "def f(a, b): return a": Verdict.FAILED,
    "def g(a, b): return a + b": Verdict.ERROR,
    "class Solution:\n    pass\ndef f(a, b): return a + b": Verdict.ERROR,
    "def f(a, b: return": Verdict.SYNTAX_ERROR,
    "import os\nos._exit(0)": Verdict.CRASHED,
}


@pytest.mark.parametrize("judge", [Judge.ISOLATED, Judge.SCRIPT])
def test_functions_are_called(judge: Judge) -> None:
    """A function, or a method of `Solution`, is called with each case's arguments."""
    tests = call_tests([([[1], [2]], [1, 2]), ([[], []], [])], whole_times=10)
    problem = ContestProblem("t", "", "", "", tests=tests, function="f")
    programs = [problem.program(code, judge) for code in CODES]
    assert {program.judge for program in programs} == {judge}
    assert programs[0].tests.names == (CALL,)
    outcomes = batch.judge(programs, started.sandbox(Limits(timeout_s=2))).outcomes
    for (code, verdict), outcome in zip(CODES.items(), outcomes, strict=True):
        assert outcome.verdict is verdict, (code, outcome)


RETURNS = """from __future__ import annotations
import sys
numbers = list(map(int, sys.stdin.read().split()))
try:
    if len(numbers) < 3:
        print(sum(numbers))
        return
except:
    print("a return is no exception")
total = 0
for number in numbers:
    total += number
print(total)
"""


@pytest.mark.parametrize(
    ("family", "row", "verdict"),
    [
        ("livecodebench", lcb_row(1), Verdict.PASSED),
        ("apps_introductory", apps_row(1), Verdict.PASSED),
        ("code_contests", contests_row(1), Verdict.SYNTAX_ERROR),
    ],
)
def test_a_program_returns_where_the_harness_makes_it_a_function(family: str, row, verdict: Verdict) -> None:
    """LiveCodeBench and APPS run a program as the body of a function; CodeContests runs it as it is."""
    benchmark = benchmarks.get(family)
    problem = benchmark.problem(next(iter(benchmark.rows([row]))))
    programs = [benchmark.program(problem, code, Judge.ISOLATED) for code in (RETURNS, RETURNS[:-13])]
    right, wrong = batch.judge(programs, started.sandbox(Limits(timeout_s=2))).outcomes
    assert right.verdict is verdict, right
    assert not wrong.passed


def test_programs_without_such_a_return_stay_as_they_are() -> None:
    """Nothing else is made a function, whatever the program holds."""
    for code in ("def f():\n    return 1\n", "class A:\n    return 1\n", "return (", "x = 1 # return\n"):
        assert contests.with_returns(code) == code
