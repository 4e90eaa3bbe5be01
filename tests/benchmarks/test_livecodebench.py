"""Tests of passk_tasks.benchmarks.livecodebench, on files in the hub's layout and columns."""

from __future__ import annotations

import base64
import json
import pickle
import sys
import zlib
from pathlib import Path

import pytest
import started
from contest_rows import METHOD, PROGRAM, lcb_row, packed, write_jsonl

from passk_tasks import benchmarks
from passk_tasks.benchmarks import contests
from passk_tasks.benchmarks.contests import LINES
from passk_tasks.benchmarks.livecodebench import IMPORTS, RELEASES, LiveCodeBench
from passk_tasks.errors import DatasetError, SettingsError
from passk_tasks.judging import batch
from passk_tasks.program import Judge, Limits, Program, StdioTests, Tests
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Verdict

FAMILY = LiveCodeBench()
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a folder with the six data files, a problem each, of as many months."""
    for number in range(1, 7):
        name = "test.jsonl" if number == 1 else f"test{number}.jsonl"
        row = lcb_row(number, functional=number % 2 == 0, day=f"2024-0{number}-15")
        write_jsonl(tmp_path / name, [row])
    (tmp_path / "README.md").write_text("---\n---\n")
    (tmp_path / "code_generation_lite.py").write_text("raise SystemExit('never run')\n")
    return tmp_path


def load(path: Path, **settings: object) -> benchmarks.Dataset:
    """Load local rows."""
    return benchmarks.load(FAMILY, Settings(data_files=str(path), judge=Judge.STDIO, **settings))


def verdicts(*programs: Program) -> list[str]:
    """Judge as the tasks do."""
    outcomes = batch.judge(list(programs), started.sandbox(Limits(timeout_s=6, memory_mib=1024))).outcomes
    return [outcome.verdict.value for outcome in outcomes]


@pytest.mark.parametrize(("release", "count"), [(None, 6), *((f"release_v{n}", n) for n in range(1, 7))])
def test_releases_add_up(repository: Path, release: str | None, count: int) -> None:
    """A release has the files of all before it; without one, it is the newest."""
    dataset = load(repository, release=release)
    assert list(dataset.problems) == [f"abc{number}_a" for number in range(1, count + 1)]
    assert list(RELEASES)[-1] == "release_v6"


@pytest.mark.parametrize(
    ("since", "until", "numbers"),
    [
        ("2024-03-15", None, [3, 4, 5, 6]),
        (None, "2024-03-15", [1, 2, 3]),
        ("2024-02-16", "2024-04-15", [3, 4]),
        ("2024-03-15", "2024-03-15", [3]),
    ],
)
def test_window(repository: Path, since: str | None, until: str | None, numbers: list[int]) -> None:
    """Both days of a window are in it."""
    dataset = load(repository, since=since, until=until)
    assert list(dataset.problems) == [f"abc{number}_a" for number in numbers]


def test_settings_that_cannot_be(repository: Path) -> None:
    """A release that there is not, days in the wrong order and an empty window are named before anything."""
    with pytest.raises(SettingsError, match=r"no release 'release_v9' \(did you mean 'release_v"):
        load(repository, release="release_v9")
    with pytest.raises(SettingsError, match="since 2025-01-01 is after until 2024-01-01"):
        load(repository, since="2025-01-01", until="2024-01-01")
    with pytest.raises(DatasetError, match="holds no problems that the settings choose, of 6"):
        load(repository, since="2030-01-01")
    with pytest.raises(SettingsError, match="judge must be one of stdio, script, not isolated"):
        benchmarks.load(FAMILY, Settings(data_files=str(repository)))
    (repository / "test5.jsonl").unlink()
    with pytest.raises(DatasetError, match=r"test5\.jsonl missing"):
        load(repository)


def test_other_benchmarks_have_no_window() -> None:
    """A window on problems that have no date is an error, not ignored."""
    with pytest.raises(SettingsError, match=r"humaneval has no problems by since: leave passk\.since out"):
        benchmarks.load(benchmarks.get("humaneval"), Settings(since="2024-01-01"))


def test_documents_have_no_tests(repository: Path) -> None:
    """What prompts are made of has a task_id and none of the tests."""
    for row in load(repository).rows:
        assert row["task_id"] == row["question_id"]
        assert not [name for name in row if "test_cases" in name]


def test_problems(repository: Path) -> None:
    """Programs get all cases, the public ones first; functions get tests that call them."""
    problems = load(repository).problems
    program = FAMILY.program(problems["abc1_a"], PROGRAM, Judge.ISOLATED)
    assert isinstance(program.tests, StdioTests)
    assert program.tests.cases()[0] == ("1 2\n", "3\n")
    assert len(program.tests.cases()) == 3
    assert program.tests.comparison is LINES
    assert program.code == IMPORTS + PROGRAM
    called = FAMILY.program(problems["abc2_a"], METHOD, Judge.ISOLATED)
    assert isinstance(called.tests, Tests)
    assert called.judge is Judge.ISOLATED
    assert FAMILY.program(problems["abc2_a"], METHOD, Judge.SCRIPT).judge is Judge.SCRIPT
    assert FAMILY.program(problems["abc1_a"], PROGRAM, Judge.SCRIPT).judge is Judge.STDIO
    assert FAMILY.program(problems["abc1_a"], None, Judge.ISOLATED).code is None


def test_right_and_wrong_answers(repository: Path) -> None:
    """The right answer passes; one that knows the public tests, or does nothing, fails."""
    problems = load(repository).problems
    answers = {
        "abc1_a": {
            PROGRAM: "passed",
            "print(3)": "failed",
            "pass": "failed",
            "print(reduce(add, [3]))": "failed",
        },
        "abc2_a": {METHOD: "passed", METHOD.replace("sum(nums)", "3"): "failed", "x = 1": "error"},
    }
    programs, expected = [], []
    for task_id, codes in answers.items():
        for code, verdict in codes.items():
            programs.append(FAMILY.program(problems[task_id], code, Judge.ISOLATED))
            expected.append(verdict)
    outcomes = batch.judge(programs, started.sandbox(Limits(timeout_s=6, memory_mib=1024))).outcomes
    assert [o.verdict.value for o in outcomes] == expected, outcomes


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"private_test_cases": packed(json.loads)},
            "'private_test_cases' is no list, and .* other than text",
        ),
        ({"private_test_cases": packed(["x"])}, "'private_test_cases' is no list, and .* other than text"),
        ({"private_test_cases": "no base64"}, "'private_test_cases' is no list, and no packed text"),
        ({"private_test_cases": packed("{}")}, "'private_test_cases' must hold a list, not dict"),
        ({"public_test_cases": "["}, "'public_test_cases' is not valid JSON"),
        (
            {
                "metadata": '{"func_name": "f"}',
                "public_test_cases": json.dumps([{"input": "[" * 10**6, "output": "1"}]),
            },
            "arguments must be JSON, a line each: .*recursion",
        ),
        ({"public_test_cases": '[{"input": "1"}]'}, "'public_test_cases' must hold objects with the texts"),
        ({"public_test_cases": "[]", "private_test_cases": "[]"}, "has no tests"),
        ({"metadata": "7"}, "'metadata' must hold a dict, not int"),
        ({"metadata": '{"func_name": "a b"}'}, "'metadata' names a function 'a b'"),
        ({"metadata": '{"func_name": "f"}'}, "arguments must be JSON, a line each"),
        ({"contest_date": "soon"}, "'contest_date' is no date: 'soon'"),
        ({"question_content": None}, "'question_content' must be text, not NoneType"),
    ],
)
def test_broken_rows(changes: dict[str, object], says: str, tmp_path: Path) -> None:
    """A broken row is an error that names file, row and column; a hostile pickle is one of them."""
    write_jsonl(tmp_path / "test.jsonl", [lcb_row(1), lcb_row(2, **changes)])
    with pytest.raises(DatasetError, match=rf"test\.jsonl: problem 2: row 'abc2_a': .*{says}"):
        load(tmp_path / "test.jsonl")


@pytest.mark.parametrize(
    ("given", "expected", "values"),
    [
        ("[1, 2]\n3", "[1, 2]", ([1, 2], 3)),
        ("[1, 2]\n3", "[1, 2]\n", ([1, 2], 3)),
        ("[1, 2]\r\n3\n\n", "\n [1,\n 2]\r\n", ([1, 2], 3)),
        (" 7", "\t[1, 2] ", (7,)),
        ('"a\\n"', "[1, 2]\n\n", ("a\n",)),
    ],
)
def test_whitespace_around_json(
    given: str, expected: str, values: tuple[object, ...], tmp_path: Path
) -> None:
    """Whitespace around an argument, or around and in what is expected, is none of it."""
    case = json.dumps([{"input": given, "output": expected, "testtype": "functional"}])
    row = lcb_row(1, functional=True, public_test_cases=case, private_test_cases="[]")
    write_jsonl(tmp_path / "test.jsonl", [row])
    (problem,) = load(tmp_path / "test.jsonl").problems.values()
    code = f"def total(*given):\n    return [1, 2] if given == {values!r} else given"
    assert verdicts(FAMILY.program(problem, code, Judge.ISOLATED)) == ["passed"]


@pytest.mark.parametrize("start", ["", " ", "\n", "\n\n  ", "\t"])
def test_blanks_before_an_answer(start: str, repository: Path) -> None:
    """Blanks before what a base model writes are none of the program."""
    problem = load(repository).problems["abc1_a"]
    assert verdicts(FAMILY.program(problem, start + PROGRAM, Judge.ISOLATED)) == ["passed"]


@pytest.mark.parametrize("place", [Judge.ISOLATED, Judge.SCRIPT])
def test_integers_of_many_digits(place: Judge, tmp_path: Path) -> None:
    """Data and candidates may turn integers of 50,000 digits to text and back, and no longer ones."""
    number = "7" * 50_000
    longer = 50_000 if sys.version_info < (3, 12) else 60_000  # which counts the digits of long ones roughly
    cases = json.dumps([{"input": f"[{number}]", "output": number}])
    row = lcb_row(1, functional=True, public_test_cases=cases, private_test_cases="[]")
    program = lcb_row(2, public_test_cases=json.dumps([{"input": number, "output": number}]))
    program["private_test_cases"] = "[]"
    write_jsonl(tmp_path / "test.jsonl", [row, program])
    function, stdio = load(tmp_path / "test.jsonl").problems.values()
    assert verdicts(
        FAMILY.program(function, METHOD.replace("sum(nums)", "int(str(nums[0]))"), place),
        FAMILY.program(function, METHOD.replace("sum(nums)", f"len(str(10**{longer}))"), place),
        FAMILY.program(function, METHOD.replace("sum(nums)", f"int('{number}')"), place),
        FAMILY.program(function, f"x = len(str(10**6000))\n{METHOD}", place),
        FAMILY.program(stdio, "print(int(input()))", place),
        FAMILY.program(stdio, f"print(10**{longer})", place),
    ) == ["passed", "error", "passed", "passed", "passed", "error"]


def test_private_tests_may_be_plain(tmp_path: Path) -> None:
    """Private tests that are JSON, without a pickle, are read too."""
    plain = json.dumps([{"input": "9\n", "output": "9\n", "testtype": "stdin"}])
    write_jsonl(tmp_path / "test.jsonl", [lcb_row(1, private_test_cases=plain)])
    (problem,) = load(tmp_path / "test.jsonl").problems.values()
    assert FAMILY.program(problem, "", Judge.ISOLATED).tests.cases()[-1] == ("9\n", "9\n")


def test_a_published_problem() -> None:
    """A problem of the first release, with its own packed tests, judges a right and a wrong program."""
    path = SHARED / "more" / "live_code_bench_v1.jsonl"
    if not path.exists():
        pytest.skip("needs ../shared/data beside the checkout")
    right = "for _ in range(int(input())):\n    print('NO' if input() in ('bca', 'cab') else 'YES')"
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        # SandboxFusion packs a dictionary, which `unpack_text` refuses.
        raw = zlib.decompress(base64.b64decode(row["test"]))
        with pytest.raises(ValueError, match="other than text"):
            contests.unpack_text(row["test"])
        tests = json.loads(pickle.loads(raw)["input_output"])
        cases = StdioTests.of(zip(tests["inputs"], tests["outputs"], strict=True), comparison=LINES)
        problem = contests.ContestProblem("t", "", "", "", tests=cases)
        programs = [problem.program(code, Judge.ISOLATED) for code in (right, row["canonical_solution"])]
        outcomes = batch.judge(programs, started.sandbox(Limits(timeout_s=6))).outcomes
        assert [o.verdict for o in outcomes] == [Verdict.PASSED, Verdict.FAILED], outcomes
