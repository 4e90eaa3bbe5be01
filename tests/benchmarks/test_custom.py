"""Tests of passk_tasks.benchmarks.custom: problems of one's own, and what is said of wrong ones."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import hub_layout
import pytest
import shared_data
import started

from passk_tasks import benchmarks
from passk_tasks.benchmarks import hub, loading
from passk_tasks.errors import DatasetError, SettingsError
from passk_tasks.judging import batch
from passk_tasks.problem import Protocol
from passk_tasks.program import CommandTests, Judge
from passk_tasks.tasks import stops
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Verdict

FAMILY = benchmarks.get("custom")
ROW: dict[str, Any] = {
    "task_id": "one",
    "prompt": "def f(x):\n",
    "entry_point": "f",
    "test": "assert f(1) == 2\n",
}


def judged(row: dict[str, Any], code: str, judge: Judge = Judge.ISOLATED) -> Verdict:
    """Return the verdict of a candidate for a row."""
    program = FAMILY.program(FAMILY.problem(row), code, judge)
    return batch.judge([program], started.sandbox()).outcomes[0].verdict


@pytest.mark.parametrize("judge", [Judge.ISOLATED, Judge.SCRIPT])
@pytest.mark.parametrize(
    "tests",
    [
        {"test": "assert f(1) == 2\n"},
        {"test": "def check(candidate):\n    assert candidate(1) == 2\n"},
        {"test": "def check(candidate):\n    assert candidate(1) == 2\ncheck(f)"},
        {"test_list": ["assert f(1) == 2", "assert TWO == f(1)"], "test": None, "setup": "TWO = 2"},
    ],
)
def test_every_form_of_tests(tests: dict[str, Any], judge: Judge) -> None:
    """Statements, HumanEval's `check` with and without its call, and lists of assertions all decide."""
    row = {**ROW, **tests}
    assert judged(row, "def f(x):\n    return x + 1\n", judge) is Verdict.PASSED
    assert judged(row, "def f(x):\n    return x\n", judge) is Verdict.FAILED


CASES = (
    "import unittest\nclass T(unittest.TestCase):\n    def test(self):\n        self.assertEqual(f(1), 2)\n"
)
RUN_BY_THEMSELVES = {
    "a class that nobody runs": CASES,
    "unittest.main": f"{CASES}unittest.main()\n",
    "unittest.main that goes on": f"{CASES}unittest.main(exit=False)\n",
    "its result": f"{CASES}assert unittest.main(argv=['x'], exit=False).result.wasSuccessful()\n",
    "below a guard": f"{CASES}\nif __name__ == '__main__':\n    unittest.main()\n",
    "a subclass": f"{CASES}class U(T):\n    def test_more(self):\n        self.assertEqual(f(2), 3)\n",
    "a runner": f"{CASES}suite = unittest.defaultTestLoader.loadTestsFromTestCase(T)\n"
    "assert unittest.TextTestRunner().run(suite).wasSuccessful()\n",
    "by name": f"{CASES}suite = unittest.defaultTestLoader.loadTestsFromName('__main__')\n"
    "assert unittest.TextTestRunner().run(suite).wasSuccessful()\n",
    "by this module": f"import sys\n{CASES}"
    "suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])\n"
    "assert unittest.TextTestRunner().run(suite).wasSuccessful() and sum([1]) == 1\n",
    "a runner that only prints": f"{CASES}suite = unittest.TestSuite([T('test')])\n"
    "print(unittest.TextTestRunner().run(suite).wasSuccessful())\n",
    "main in a function": f"{CASES}def main():\n    unittest.main(exit=False)\n    print('end')\nmain()\n",
    "main's exit caught": f"{CASES}try:\n    unittest.main()\nexcept SystemExit:\n    pass\n",
    "by other names": CASES.replace("import unittest", "import unittest as u").replace("unittest.T", "u.T")
    + "u.main()\n",
    "a class that is named again": f"{CASES}T.maxDiff = None\nprint(T)\n",
    "inherited tests": CASES.replace("(unittest.TestCase)", "")
    + "class U(T, unittest.TestCase):\n    pass\n",
    "tests set afterwards": "import unittest\nclass T(unittest.TestCase):\n    pass\n"
    "setattr(T, 'test', lambda self: self.assertEqual(f(1), 2))\nunittest.main()\n",
    "tests that are no functions": CASES.replace("def test(self):\n       ", "test = lambda self:"),
    "in a branch": f"if True:\n    {CASES.replace(chr(10), chr(10) + '    ')}\n",
    "runTest": CASES.replace("def test", "def runTest"),
    "another guard": "if __name__ in ('__main__',):\n    assert f(1) == 2\n",
    "the other branch of a guard": "if __name__ != '__main__':\n    pass\nelse:\n    assert f(1) == 2\n",
    "a guard within a condition": "__name__ == '__main__' and f(1) == 2 or exec('raise ValueError')\n",
    "doctest that only prints": "if __name__ == '__main__':\n    import doctest\n    doctest.testmod()\n",
    "doctest's suite": "import doctest, unittest\nr = unittest.TextTestRunner().run(doctest.DocTestSuite())\n"
    "assert r.wasSuccessful()\n",
    "load_tests": "import doctest, unittest\ndef load_tests(loader, tests, pattern):\n"
    "    tests.addTests(doctest.DocTestSuite('__main__'))\n    return tests\n",
    "doctest's result that is printed": "import doctest\nprint(doctest.testmod())\n",
    "doctest's result that is looked at and printed": "import doctest\nresult = doctest.testmod()\n"
    "if result.failed:\n    print('FAILED')\n",
    "a decorator": "def run(test):\n    test()\n@run\ndef test():\n"
    "    assert f.__name__ == 'f' and f(1) == 2\n",
    "functions of pytest": "def test_it():\n    assert f(1) == 2\n",
    "one beside assertions": "f(1)\ndef test_it(x=1):\n    assert f(x) == 2\n",
    "its parameters": "import pytest\n@pytest.mark.parametrize('x, y', [(1, 2), pytest.param(2, 3)])\n"
    "@pytest.mark.parametrize('z', [{'one': 1}])\n"
    "def test_it(x, y, z):\n    assert f(x) == y == x + z['one']\n"
    "if __name__ == '__main__':\n    pytest.main()\n",
    "functions that a decorator takes": "def run(test):\n    test(1, 2)\n@run\n"
    "def test_it(x, y):\n    assert f(x) == y\n",
    "a class of pytest": "class TestF:\n    def setup_method(self, method):\n        self.x = 1\n"
    "    def test_it(self):\n        assert f(self.x) == 2\n",
    "functions by their names": "def test_it():\n    assert f(1) == 2\n"
    "for name, value in list(globals().items()):\n    if name.startswith('test_'):\n        value()\n",
    "functions below a guard": "def test():\n    assert f(1) == 2\nif __name__ == '__main__':\n    test()\n",
    "doctest": "import doctest\nassert not doctest.testmod().failed\n",
}


def test_tests_that_run_by_themselves() -> None:
    """Unittest's classes, doctests and what stands below a main guard decide, as in a file of their own."""
    solution = "def f(x):\n    '''\n    >>> f(1)\n    2\n    '''\n    return x + {}\nsum = 5\n"
    problems = [FAMILY.problem({**ROW, "test": test}) for test in RUN_BY_THEMSELVES.values()]
    programs = [
        FAMILY.program(problem, solution.format(added), Judge.ISOLATED)
        for problem in problems
        for added in (1, 0)
    ]
    passed = [outcome.passed for outcome in batch.judge(programs, started.sandbox()).outcomes]
    assert dict(zip(RUN_BY_THEMSELVES, zip(passed[::2], passed[1::2], strict=True), strict=True)) == (
        dict.fromkeys(RUN_BY_THEMSELVES, (True, False))
    )


@pytest.mark.parametrize(
    "solution",
    ["    return x + 1\n", "def f(x):\n    return x + 1\n", "y = 1\n\n\ndef f(x):\n    return x + y\n"],
)
def test_a_reference_solution_of_either_form(solution: str) -> None:
    """A canonical solution goes on with the prompt, or is the whole program."""
    row = {**ROW, "canonical_solution": solution}
    code = FAMILY.canonical(FAMILY.problem(row))
    assert code is not None
    assert judged(row, code) is Verdict.PASSED


def test_a_request_in_words() -> None:
    """A prompt need not be code, for chat models."""
    row = {**ROW, "prompt": "Write a function f that adds 1."}
    assert judged(row, "def f(x):\n    return x + 1\n") is Verdict.PASSED


PROGRAM: dict[str, Any] = {
    "task_id": "sum",
    "prompt": "Write a program that adds the numbers on each line.",
    "stdin_tests": [{"input": "1 2\n", "output": "3\n"}, {"input": "4\n5 6\n", "output": "4\n11\n"}],
    "canonical_solution": "import sys\nfor line in sys.stdin:\n    print(sum(map(int, line.split())))\n",
}


def test_programs_that_read_input() -> None:
    """With `stdin_tests` a candidate is a program, judged by stdio, and no entry point is needed."""
    problem = FAMILY.problem(PROGRAM)
    code = FAMILY.canonical(problem)
    assert code is not None
    assert FAMILY.program(problem, code, Judge.ISOLATED).judge is Judge.STDIO
    assert judged(PROGRAM, code) is Verdict.PASSED
    assert judged(PROGRAM, "print(sum(map(int, input().split())))\n") is Verdict.FAILED


def test_tests_that_hand_over_objects() -> None:
    """A problem whose tests hand over a function is judged by script."""
    row = {**ROW, "test": "assert f(lambda: 1) == 2\n"}
    assert FAMILY.program(FAMILY.problem(row), "", Judge.ISOLATED).judge is Judge.SCRIPT
    assert judged(row, "def f(x):\n    return x() + 1\n") is Verdict.PASSED


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"prompt": 1}, "row 'one': column 'prompt' must be text, not int"),
        ({"task_id": 1.5}, "column 'task_id' must be text, not float"),
        ({"test": "import pytest\nf(1)\npytest.main(['tests.py'])"}, "hand themselves to pytest"),
        (
            {"test": "def test(tmp_path):\n    assert f(tmp_path)"},
            "never called, and needs tmp_path: fixtures",
        ),
        ({"test": "import unittest as u\nT = type('T', (u.TestCase,), {})\nf(1)"}, "is run by nobody"),
        ({"entry_point": "f(x)"}, "row 'one': column 'entry_point' must be the name of a function: 'f(x)'"),
        (
            {"test": None},
            "row 'one': one of the columns test, test_list, stdin_tests, tests is needed",
        ),
        ({"test_list": ["assert f(1) == 2"]}, "is needed, there is test and test_list"),
        (
            {"test": None, "test_list": "assert f(1)"},
            "'test_list' must be a list of texts, not 'assert f(1)'",
        ),
        ({"test": None, "test_list": ["assert g(1) == 2"]}, "'test_list' calls the entry_point 'f'"),
        ({"test": None, "test_list": ["assert f(1"]}, "row 'one': this is not Python"),
        ({"test": "assert f(1"}, "row 'one': column 'test' is not Python"),
        ({"test": None, "stdin_tests": []}, "'stdin_tests' must be a list of {"),
        ({"test": None, "stdin_tests": [{"input": "1"}]}, "'stdin_tests' must be a list of {"),
        ({"test": None, "stdin_tests": [["1", "2"]]}, "'stdin_tests' must be a list of {"),
        ({"test": "def examine():\n    assert f(1) == 2\n"}, "row 'one': the tests never call 'f'"),
        ({"test": "import sys\nsys.exit(f(1) != 2)\n"}, "row 'one': the tests end the process"),
        (
            {"test": "if f(1) == 2:\n    exit(0)\nelse:\n    raise SystemExit(1)\n"},
            "row 'one': the tests end the process",
        ),
        ({"setup": 3}, "row 'one': column 'setup' must be text, not int"),
    ],
)
def test_a_wrong_column_shows_the_row(change: dict[str, Any], says: str, tmp_path: Path) -> None:
    """A wrong column is an error with the file, the row and what was expected."""
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps(ROW | {"task_id": "zero"}) + "\n" + json.dumps(ROW | change) + "\n")
    with pytest.raises(DatasetError) as caught:
        benchmarks.load(FAMILY, Settings(benchmark="custom", data_files=str(path)))
    message = str(caught.value)
    assert message.startswith(f"{path}: problem 2: ")
    assert says in message
    assert "the row: {task_id: " in message
    assert "expected: task_id, prompt, and entry_point with test or test_list, or stdin_tests" in message


@pytest.mark.parametrize("column", ["task_id", "prompt", "entry_point"])
def test_a_missing_column_shows_the_row(column: str) -> None:
    """A missing column is named, beside the row that lacks it."""
    with pytest.raises(DatasetError, match=rf"column '{column}' is missing.*\n  the row: .*\n  expected: "):
        FAMILY.problem({key: value for key, value in ROW.items() if key != column})


def test_without_problems() -> None:
    """Without a file or a repository both are asked for."""
    with pytest.raises(DatasetError, match=r"custom has no problems of its own: set data_files=PATH.*OWNER"):
        benchmarks.load(FAMILY, Settings(benchmark="custom", dataset="hub"))
    assert FAMILY.missing(Settings(dataset="hub")) == ["problems (set data_files or dataset)"]


@pytest.mark.parametrize(
    ("dataset", "asked"),
    [
        ("me/mine", ("me/mine", None, "test")),
        ("me/mine/v2", ("me/mine", "v2", "test")),
        ("me/mine/v2/train", ("me/mine", "v2", "train")),
    ],
)
def test_any_repository(dataset: str, asked: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository, its configuration and its split are what the setting says."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(hub, "read", lambda *called: calls.append(called) or hub_layout.CUSTOM)
    found = loading.load(FAMILY, Settings(benchmark="custom", dataset=dataset))
    assert calls == [asked]
    assert list(found.problems) == ["1", "2"]


@pytest.mark.parametrize("dataset", ["me", "me/", "a/b/c/d/e", "a b/c", ""])
def test_no_repository(dataset: str) -> None:
    """What is no repository is refused, with the forms there are."""
    with pytest.raises(SettingsError, match="dataset must be embedded, hub, or a repository of the hub"):
        Settings(dataset=dataset)


MHPP = {
    "table_tennis_results": """
def table_tennis_results(marks):
    a = b = won = lost = 0
    for mark in marks:
        a, b = a + (mark == "A"), b + (mark == "B")
        if max(a, b) >= 11 and abs(a - b) >= 2:
            won, lost = won + (a > b), lost + (b > a)
            a = b = 0
    lead = (won - lost) or (a - b)
    return (lead > 0) - (lead < 0)
""",
    "expectation_number": "def expectation_number(scores):\n    return len(set(scores))\n",
}
"""Right answers to two of SandboxFusion's samples of MHPP, which come without any."""


def test_another_benchmark(tmp_path: Path) -> None:
    """MHPP's samples need no family but renamed columns, and right and wrong answers are told apart."""
    path = tmp_path / "mhpp.jsonl"
    with path.open("w") as file:
        for row in shared_data.rows("more/mhpp.jsonl"):
            prompt = row["content"].split("\n\n", 1)[1]
            name = re.findall(r"^def (\w+)\(", prompt, re.MULTILINE)[-1]
            line = {"task_id": row["id"], "prompt": prompt, "entry_point": name, "test": row["test"]}
            file.write(json.dumps(line) + "\n")
    problems = benchmarks.load(FAMILY, Settings(benchmark="custom", data_files=str(path))).problems.values()
    assert len(problems) == 10
    answers = [
        (problem, code)
        for problem in problems
        for code in (MHPP.get(problem.entry_point), f"def {problem.entry_point}(*_):\n    return []\n")
        if code is not None
    ]
    programs = [FAMILY.program(problem, code, Judge.ISOLATED) for problem, code in answers]
    outcomes = batch.judge(programs, started.sandbox()).outcomes
    passed = {problem.entry_point for (problem, _), o in zip(answers, outcomes, strict=True) if o.passed}
    assert passed == set(MHPP)
    assert sum(outcome.passed for outcome in outcomes) == len(MHPP)


SH_ROW = {
    "task_id": "twice",
    "language": "sh",
    "prompt": "twice() {\n",
    "entry_point": "twice",
    "canonical_solution": "    echo $((2 * $1))",
    "tests": '}\nset -e\nread -r wanted < wanted.txt\n[[ $(twice 2) = "$wanted" ]]\n',
    "stop_tokens": ["\n}"],
    "files": {"wanted.txt": "4\n", "absent.txt": None},
}


def test_a_problem_in_another_language() -> None:
    """Its tests are text after the program; stops and files are the row's own."""
    family = benchmarks.get("custom")
    problem = family.problem(SH_ROW)
    assert problem.protocol == Protocol("sh", ("\n}",), closed_by_tests=True)
    program = family.program(problem, family.canonical(problem), Judge.ISOLATED)
    assert program.judge is Judge.COMMAND
    assert program.tests == CommandTests("sh", str(SH_ROW["tests"]), (("wanted.txt", "4\n"),))
    assert program.code == "twice() {\n    echo $((2 * $1))"
    assert stops.sent(("\ndef", "\n#", "\n//"), "twice", "completion", problem.protocol) == ("\n}", "\n//")


def test_a_column_tests_beside_others_is_left_alone() -> None:
    """Rows that had such a column before stay problems in Python."""
    row = {"task_id": 1, "prompt": "def f():\n", "entry_point": "f", "test": "assert f() == 1", "tests": "t"}
    problem = benchmarks.get("custom").problem({**row, "task_id": "1", "language": "lua"})
    assert problem.protocol is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"language": "bahs"}, "column 'language' is 'bahs', which no judge knows"),
        ({"language": None}, "column 'language' must be text"),
        ({"files": ["a"]}, "'files' must hold texts by plain names"),
        ({"files": {"../a": "b"}}, "'files' must hold texts by plain names"),
        ({"files": {"a": 1}}, "'files' must hold texts by plain names"),
    ],
)
def test_wrong_rows_in_another_language(change: dict[str, object], says: str) -> None:
    """The message names row and column, before anything runs."""
    with pytest.raises(DatasetError, match=f"row 'twice'.*{says}"):
        benchmarks.get("custom").problem({**SH_ROW, **change})


def test_unittest_that_skips_all_tests_does_not_pass() -> None:
    """A class whose every test is skipped says nothing of a candidate; one of two skipped is no fault."""
    skipped = CASES.replace("    def", "    @unittest.skip('never')\n    def")
    other = "    def test_more(self):\n        self.assertEqual(f(2), 3)\n"
    right = "def f(x):\n    return x + 1\n"
    assert judged({**ROW, "test": skipped}, right) is Verdict.FAILED
    assert judged({**ROW, "test": skipped + other}, right) is Verdict.PASSED


def test_lists_that_the_tests_fill_are_not_taken_for_empty() -> None:
    """A loop over a dictionary that is filled by item, or by a function of the tests, can fail."""
    by_item = "T = {}\nT['a'] = 2\nfor want in T.values():\n    assert f(1) == want\n"
    handed = "def fill(rows):\n    rows.append(2)\nT = []\nfill(T)\nfor want in T:\n    assert f(1) == want\n"
    for test in (by_item, handed):
        problem = FAMILY.problem({**ROW, "test": test})
        assert not loading._passes_anything(FAMILY, problem)


def test_rows_that_no_program_can_solve_are_refused() -> None:
    """One input with two outputs, and a row without a name, are named before anything is judged."""
    stdio: dict[str, Any] = {"task_id": "one", "prompt": "Double."}
    cases = [{"input": "1", "output": "2"}, {"input": "1", "output": "2\n"}, {"input": "1", "output": "3"}]
    assert FAMILY.problem({**stdio, "stdin_tests": cases[:2]})
    with pytest.raises(DatasetError, match="'stdin_tests' wants two outputs for the input '1': '2' and '3'"):
        FAMILY.problem({**stdio, "stdin_tests": cases})
    with pytest.raises(DatasetError, match="'task_id' must name the problem"):
        FAMILY.problem({**ROW, "task_id": " "})
