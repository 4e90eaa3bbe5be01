"""Tests of BigCodeBench: rows of the hub, calibration, and answers that would rather not be tested."""

from __future__ import annotations

import json

import library_layout
import pytest
import shared_data
import started

from passk_tasks import benchmarks
from passk_tasks.errors import DatasetError
from passk_tasks.judging import batch, libraries
from passk_tasks.program import Judge, Limits
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Outcome, Verdict

FAMILY = benchmarks.get("bigcodebench")
ROWS = library_layout.BIGCODEBENCH
LIMITS = Limits(timeout_s=60, memory_mib=1024)
RIGHT = "def task_func(words):\n    return {word: words.count(word) for word in words}\n"


def judged(*codes: str, row: dict = ROWS[1], family=FAMILY) -> list[Outcome]:
    """Return the outcomes of candidates for one problem."""
    problem = family.problem(row)
    programs = [family.program(problem, code, Judge.SCRIPT) for code in codes]
    return batch.judge(programs, started.sandbox(LIMITS, workers=2)).outcomes


def row_with(body: str) -> dict:
    """Return the second problem's row with other tests."""
    return {**ROWS[1], "test": f"import unittest\n{body}"}


@pytest.mark.parametrize("name", [n for n in library_layout.FAMILIES if n.startswith("bigcodebench")])
def test_one_version_of_the_hubs_repository(name, tmp_path) -> None:
    """A copy of the repository gives the split of the newest version, and no other."""
    path = library_layout.folder(name, tmp_path)
    found = benchmarks.load(
        benchmarks.get(name), Settings(benchmark=name, judge=Judge.SCRIPT, data_files=str(path))
    )
    assert list(found.problems) == ["BigCodeBench/9000", "BigCodeBench/9001"]
    assert all(problem.test != "old" for problem in found.problems.values())


def test_another_version_only(tmp_path) -> None:
    """A copy without the version is refused, and the files that are there are named."""
    path = library_layout.folder("bigcodebench", tmp_path)
    next(path.glob("data/v0.1.4-*")).unlink()
    with pytest.raises(DatasetError, match=r"no data file of the split 'v0\.1\.4'.*v0\.1\.3"):
        benchmarks.load(FAMILY, Settings(benchmark="bigcodebench", judge=Judge.SCRIPT, data_files=str(path)))


def test_what_a_row_says() -> None:
    """Prompt, methods and libraries come from the row; the standard library is no library."""
    problem = FAMILY.problem({**ROWS[0], "libs": "['json', 'sklearn.svm', 'os']"})
    assert problem.prompt == ROWS[0]["complete_prompt"]
    assert problem.methods == ("test_dump_is_called", "test_file", "test_sum")
    assert problem.libraries == ("numpy", "sklearn")  # numpy is in the tests only
    assert FAMILY.one_process(problem)
    assert FAMILY.program(problem, "x = 1", Judge.ISOLATED).judge is Judge.SCRIPT


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"libs": "json, os"}, "column 'libs' must be a list of names, not 'json, os'"),
        ({"libs": None}, "column 'libs' must be a list of names, not None"),
        ({"test": "class TestCase: pass"}, "column 'test' has no class TestCases"),
        ({"test": "class TestCases:\n    def check(self): pass"}, "has no test method"),
        ({"test": "class TestCases"}, "column 'test' is not Python"),
        ({"code_prompt": "import os\ndef task_func("}, "column 'code_prompt' is not Python"),
        ({"entry_point": 1}, "column 'entry_point' must be text"),
    ],
)
def test_bad_rows(changed, said) -> None:
    """A row that cannot be judged is an error that names row and column."""
    with pytest.raises(DatasetError) as caught:
        FAMILY.problem({**ROWS[0], **changed})
    assert str(caught.value).startswith("row 'BigCodeBench/9000': ")
    assert said in str(caught.value)


def test_a_missing_column() -> None:
    """A missing column is named, and what was expected."""
    row = {key: value for key, value in ROWS[0].items() if key != "libs"}
    with pytest.raises(
        DatasetError, match=r"column 'libs' is missing.*expected are task_id, complete_prompt"
    ):
        FAMILY.problem(row)


def test_references_pass_and_stubs_fail() -> None:
    """Reference solutions pass, in folders and with patches of their own; stubs fail."""
    for row in ROWS:
        canonical = FAMILY.canonical(FAMILY.problem(row))
        right, wrong = judged(canonical, "def task_func(*args, **kwargs):\n    return None\n", row=row)
        assert (right.verdict, right.detail, right.judge) == (Verdict.PASSED, "", "script")
        assert wrong.verdict is Verdict.FAILED
        assert "tests failed; test_" in wrong.detail


def test_calibration() -> None:
    """The prompt's imports stand above a calibrated candidate, and above no other."""
    code = "def task_func(words):\n    return dict(collections.Counter(words))\n"
    (calibrated,) = judged(code)
    (as_it_stands,) = judged(code, family=benchmarks.get("bigcodebench_uncalibrated"))
    assert calibrated.verdict is Verdict.PASSED
    assert as_it_stands.verdict is Verdict.ERROR
    assert "collections" in as_it_stands.detail
    program = FAMILY.program(FAMILY.problem(ROWS[1]), "x = 1\n", Judge.SCRIPT)
    assert program.code == ROWS[1]["code_prompt"] + "\n    pass\nx = 1\n"


def test_uncalibrated_answers_get_no_imports() -> None:
    """What extraction puts above an uncalibrated answer is the signature at most."""
    family = benchmarks.get("bigcodebench_uncalibrated")
    assert family.problem(ROWS[0]).prompt == "def task_func(path, key='total'):\n"


HOSTILE = {
    "another unittest.main": "import unittest\nunittest.main = lambda *a, **k: None\n",
    "no assertions": "import unittest\n"
    "for name in dir(unittest.TestCase):\n"
    "    if name.startswith('assert'):\n"
    "        setattr(unittest.TestCase, name, lambda *a, **k: None)\n",
    "run does nothing": "import unittest\nunittest.TestCase.run = lambda self, result=None: None\n",
    "run reports success": "import unittest\n"
    "unittest.TestCase.run = lambda self, result: result.addSuccess(self)\n"
    "unittest.case.TestCase.__call__ = unittest.TestCase.run\n",
    "empty suites": "import unittest\n"
    "unittest.TestLoader.loadTestsFromTestCase = lambda self, case: unittest.TestSuite()\n"
    "unittest.loader.TestLoader.getTestCaseNames = lambda self, case: []\n",
    "results without failures": "import unittest.result\n"
    "unittest.result.TestResult.addFailure = unittest.result.TestResult.addError = lambda *a: None\n",
    "another unittest": "import sys, types\nfake = types.ModuleType('unittest')\n"
    "fake.TestCase = type('TestCase', (), {})\nsys.modules['unittest'] = fake\n",
    "another TestCase below": "class TestCases:\n    pass\n",
    "builtins of its own": "import builtins\n"
    "__builtins__ = {**vars(builtins), 'set': lambda *a: frozenset()}\n",
    "names of the driver": "set = exec = run = lambda *a, **k: None\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_changed_machinery_passes_nothing(name) -> None:
    """A wrong answer does not pass by changing what runs the tests, and a right one still does."""
    wrong, right = judged(
        HOSTILE[name] + "def task_func(words):\n    return {}\n",
        HOSTILE[name] + RIGHT,
    )
    assert wrong.verdict is Verdict.FAILED
    assert wrong.detail.startswith("AssertionError: 1 of 2 tests failed; test_two: ")
    assert right.verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("body", "verdict", "said"),
    [
        ("    import unittest\n    raise unittest.SkipTest('no')", Verdict.FAILED,
         "2 of 2 tests were not run"),
        ("    raise SystemExit(0)", Verdict.CRASHED, "exited before the tests ended"),
        ("    import os\n    os._exit(0)", Verdict.CRASHED, "exited with status 0 before the tests ended"),
        ("    raise KeyboardInterrupt", Verdict.ERROR, "KeyboardInterrupt"),
        ("    import sys\n    sys.modules['solution'].TestCases.test_two = lambda s: None\n    return {}",
         Verdict.FAILED, "the tests were changed while they ran: TestCases.test_two"),
        ("    import unittest\n    unittest.TestCase.assertEqual = lambda *a: None\n    return {}",
         Verdict.FAILED, "the tests were changed while they ran: TestCase.assertEqual"),
    ],
)  # fmt: skip
def test_answers_that_leave_the_test(body, verdict, said) -> None:
    """Skipping, exiting and interrupting from within a test are no success."""
    (found,) = judged(f"def task_func(words):\n{body}\n")
    assert found.verdict is verdict
    assert said in found.detail


def test_tests_that_may_be_skipped() -> None:
    """A test that says itself that it may be skipped need not run, but not all of them may be."""
    one = "    def test_one(self):\n        self.assertEqual(task_func(['a']), {'a': 1})\n"
    two = "    @unittest.skipIf(True, 'no')\n    def test_two(self):\n        self.fail()\n"
    three = "    def test_three(self):\n        self.skipTest('no')\n"
    case = "class TestCases(unittest.TestCase):\n"
    row = row_with(case + one + two + three)
    assert FAMILY.problem(row).may_skip == ("test_three", "test_two")
    right, wrong = judged(RIGHT, "def task_func(words): return 0\n", row=row)
    assert (right.verdict, wrong.verdict) == (Verdict.PASSED, Verdict.FAILED)
    (all_skipped,) = judged(RIGHT, row=row_with(case + two + three))
    assert all_skipped.verdict is Verdict.FAILED
    assert "were not run to their end" in all_skipped.detail


def test_every_kind_of_test_counts() -> None:
    """Inherited and asynchronous tests, subtests, and fixtures of the class are run as unittest runs them."""
    row = row_with(
        "class Base(unittest.IsolatedAsyncioTestCase):\n"
        "    @classmethod\n    def setUpClass(cls):\n        cls.words = ['a']\n"
        "    async def test_inherited(self):\n        self.assertEqual(task_func(self.words), {'a': 1})\n"
        "class TestCases(Base):\n"
        "    def test_parts(self):\n"
        "        for words, count in (['a'], {'a': 1}), (['b', 'b'], {'b': 2}):\n"
        "            with self.subTest(words):\n                self.assertEqual(task_func(words), count)\n"
    )
    assert FAMILY.problem(row).methods == ("test_inherited", "test_parts")
    right, half = judged(RIGHT, "def task_func(words): return {'a': 1}\n", row=row)
    assert right.verdict is Verdict.PASSED
    assert half.detail.startswith("AssertionError: 1 of 2 tests failed; test_parts: ")


def test_what_the_benchmarks_runner_gives_a_module() -> None:
    """Candidates find os, sys and environ without importing them, as in the benchmark's own batch."""
    code = "def task_func(words):\n    os.getcwd(), sys.path, environ.get('HOME')\n"
    (found,) = judged(code + RIGHT.partition("\n")[2])
    assert found.verdict is Verdict.PASSED


@pytest.mark.slow
def test_real_problems() -> None:
    """References of real problems pass where this host has their libraries and the network is not needed."""
    settings = Settings(benchmark="bigcodebench", memory_mib=4096, timeout_s=240)
    rows = []
    for row in shared_data.rows("more/bigcodebench.jsonl"):
        prompt, entry_point = row["content"], json.loads(row["labels"])["entry_point"]
        head = prompt[: prompt.index(":\n", prompt.index(f"def {entry_point}")) + 2]
        rows.append(
            {
                "task_id": row["id"],
                "complete_prompt": prompt,
                "instruct_prompt": "",
                "canonical_solution": row["canonical_solution"],
                "code_prompt": head,
                "test": row["test"],
                "entry_point": entry_point,
                "libs": "[]",
            }
        )
    problems = [FAMILY.problem(row) for row in rows]
    there = [p for p in problems if not libraries.absent(p.libraries, "installed")]
    there = [p for p in there if p.task_id != "BigCodeBench/1005"]  # downloads a file
    assert {"BigCodeBench/0", "BigCodeBench/1", "BigCodeBench/10"} <= {p.task_id for p in there}
    programs = [FAMILY.program(p, FAMILY.canonical(p), Judge.SCRIPT) for p in there]
    outcomes = batch.judge(programs, started.sandbox(settings.limits())).outcomes
    assert {p.task_id: o.verdict for p, o in zip(there, outcomes, strict=True)} == {
        p.task_id: Verdict.PASSED for p in there
    }
