"""Tests of passk_tasks.benchmarks.code_contests, on files in the hub's layout and columns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import started
from contest_rows import PROGRAM, contests_row, write_jsonl, write_parquet

from passk_tasks import benchmarks
from passk_tasks.benchmarks.code_contests import CodeContests
from passk_tasks.benchmarks.contests import TOKENS
from passk_tasks.errors import DatasetError
from passk_tasks.judging import batch
from passk_tasks.program import Judge, Limits, Program, StdioTests
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Verdict

FAMILY = CodeContests()
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def load(path: Path) -> benchmarks.Dataset:
    """Load local rows."""
    return benchmarks.load(FAMILY, Settings(data_files=str(path), judge=Judge.STDIO))


@pytest.fixture
def dataset(tmp_path: Path) -> benchmarks.Dataset:
    """Return two problems from a copy of the repository."""
    write_parquet(tmp_path / "data" / "test-00000-of-00001-9c49eeff30aacaa8.parquet", [contests_row(1)])
    write_parquet(tmp_path / "data" / "train-00000-of-00039-e991a271dbfa9925.parquet", [contests_row(2)])
    (tmp_path / "dataset_infos.json").write_text("{}")
    return load(tmp_path)


def test_only_the_test_split(dataset: benchmarks.Dataset) -> None:
    """Of the repository the test split is read, and documents hold neither tests nor solutions."""
    assert list(dataset.problems) == ["1_A. Sum"]
    (row,) = dataset.rows
    assert row["task_id"] == "1_A. Sum"
    assert not [name for name in row if name.endswith(("_tests", "solutions"))]


def test_problem(dataset: benchmarks.Dataset) -> None:
    """All three kinds of tests count, the examples first; limit and solution are the problem's own."""
    (problem,) = dataset.problems.values()
    program = FAMILY.program(problem, PROGRAM, Judge.ISOLATED)
    assert program.code == PROGRAM
    assert isinstance(program.tests, StdioTests)
    assert program.tests.cases() == [("1 2\n", "3\n"), ("3 4 5\n", "12\n"), ("5\n", "5\n"), ("7 7\n", "14\n")]
    assert (program.tests.base, program.tests.timeout_s) == (1, 2.5)
    assert program.tests.comparison is TOKENS
    assert FAMILY.canonical(problem) == PROGRAM


def test_right_and_wrong_answers(dataset: benchmarks.Dataset) -> None:
    """The reference solution passes all tests; an answer for the examples passes those only."""
    (problem,) = dataset.problems.values()
    codes = [FAMILY.canonical(problem), "print(3)", "print(4)", None]
    programs = [FAMILY.program(problem, code, Judge.ISOLATED) for code in codes]
    outcomes = batch.judge(programs, started.sandbox(Limits(timeout_s=2))).outcomes
    assert [o.verdict for o in outcomes[:3]] == [Verdict.PASSED, Verdict.FAILED, Verdict.FAILED]
    assert [o.base_passed for o in outcomes[:3]] == [True, True, False]
    assert outcomes[3].verdict is Verdict.NO_CODE


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"public_tests": None}, "'public_tests' must hold lists `input` and `output`"),
        ({"private_tests": {"input": ["1"], "output": []}}, "'private_tests' must hold lists"),
        ({"generated_tests": {"input": [1], "output": [2]}}, "'generated_tests' must hold lists"),
        ({name: {"input": [], "output": []} for name in ("public_tests", "private_tests", "generated_tests")},
         "has no tests"),
        ({"description": None}, "'description' must be text"),
    ],
)  # fmt: skip
def test_broken_rows(changes: dict[str, object], says: str, tmp_path: Path) -> None:
    """A broken row is an error that names file, row and column."""
    write_jsonl(tmp_path / "test.jsonl", [contests_row(1), contests_row(2, **changes)])
    with pytest.raises(DatasetError, match=rf"test\.jsonl: problem 2: row '2_A\. Sum': .*{says}"):
        load(tmp_path / "test.jsonl")


@pytest.mark.parametrize("limit", [None, {"seconds": None, "nanos": None}])
def test_no_limit_of_its_own(limit: object, tmp_path: Path) -> None:
    """A problem without a limit has the run's."""
    write_jsonl(tmp_path / "test.jsonl", [contests_row(1, time_limit=limit)])
    (problem,) = load(tmp_path / "test.jsonl").problems.values()
    assert FAMILY.program(problem, "", Judge.ISOLATED).tests.timeout_s is None


SOLUTIONS = {
    # By the names of SandboxFusion's samples of published problems.
    "digjump": """
        from collections import deque
        s = input().strip()
        where = {}
        for i, c in enumerate(s):
            where.setdefault(c, []).append(i)
        far = {0: 0}
        todo = deque([0])
        while todo:
            i = todo.popleft()
            for j in [i - 1, i + 1, *where.pop(s[i], [])]:
                if 0 <= j < len(s) and j not in far:
                    far[j] = far[i] + 1
                    todo.append(j)
        print(far[len(s) - 1])
    """,
    "1000_A. Codehorses T-shirts": """
        from collections import Counter
        n = int(input())
        a = Counter(input() for _ in range(n))
        b = Counter(input() for _ in range(n))
        print(sum((b - a).values()))
    """,
    "1139_C. Edgy Trees": """
        import sys
        data = list(map(int, sys.stdin.buffer.read().split()))
        n, k = data[:2]
        up = list(range(n + 1))
        def find(x):
            while up[x] != x:
                up[x] = up[up[x]]
                x = up[x]
            return x
        for u, v, black in zip(data[2::3], data[3::3], data[4::3]):
            if not black:
                up[find(u)] = find(v)
        sizes = {}
        for v in range(1, n + 1):
            sizes[find(v)] = sizes.get(find(v), 0) + 1
        m = 10**9 + 7
        print((pow(n, k, m) - sum(pow(s, k, m) for s in sizes.values())) % m)
    """,
}  # fmt: skip


def test_published_problems() -> None:
    """On published problems right programs pass all tests, and the same ones slightly wrong do not."""
    import textwrap

    path = SHARED / "more" / "code_contests.jsonl"
    if not path.exists():
        pytest.skip("needs ../shared/data beside the checkout")
    rows = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        rows[json.loads(row["labels"])["name"]] = row
    programs = []
    for name, code in SOLUTIONS.items():
        pairs = [(t["input"]["stdin"], t["output"]["stdout"]) for t in json.loads(rows[name]["test"])]
        tests = StdioTests.of(pairs, comparison=TOKENS)
        right = textwrap.dedent(code)
        wrong = right.replace("print(", "print(1 + ", 1)
        programs += [Program(name, one, tests, Judge.ISOLATED) for one in (right, wrong)]
    outcomes = batch.judge(programs, started.sandbox(Limits(timeout_s=10))).outcomes
    assert [o.verdict for o in outcomes] == [Verdict.PASSED, Verdict.FAILED] * len(SOLUTIONS), outcomes


def test_the_output_alone_decides(dataset: benchmarks.Dataset) -> None:
    """AlphaCode's tester compares what a program wrote, whatever its exit status."""
    (problem,) = dataset.problems.values()
    ends = ["exit(1)", "raise ValueError('no')", "assert False", "pass"]
    programs = [FAMILY.program(problem, f"{PROGRAM}\n{end}\n", Judge.ISOLATED) for end in ends]
    programs.append(FAMILY.program(problem, "print(3)\nexit(1)\n", Judge.ISOLATED))
    outcomes = batch.judge(programs, started.sandbox(Limits(timeout_s=2))).outcomes
    assert [outcome.verdict for outcome in outcomes] == [Verdict.PASSED] * len(ends) + [Verdict.CRASHED]
    assert [outcome.base_passed for outcome in outcomes] == [True] * (len(ends) + 1)
