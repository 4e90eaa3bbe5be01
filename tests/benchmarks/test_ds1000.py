"""Tests of DS-1000: rows of the hub, the test program around a snippet, and what its judge is worth."""

from __future__ import annotations

import library_layout
import pytest
import started

from passk_tasks import benchmarks
from passk_tasks.errors import DatasetError
from passk_tasks.judging import batch
from passk_tasks.program import Judge, Limits
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Outcome, Verdict

FAMILY = benchmarks.get("ds1000")
ROWS = list(FAMILY.rows(library_layout.DS1000))
LIMITS = Limits(timeout_s=60, memory_mib=1024)


def judged(*codes: str, row: dict = ROWS[0]) -> list[Outcome]:
    """Return the outcomes of snippets for one problem."""
    problem = FAMILY.problem(row)
    programs = [FAMILY.program(problem, code, Judge.SCRIPT) for code in codes]
    return batch.judge(programs, started.sandbox(LIMITS, workers=2)).outcomes


@pytest.mark.parametrize("name", [n for n in library_layout.FAMILIES if n.startswith("ds1000")])
def test_the_hubs_file_by_library(name, tmp_path) -> None:
    """Each family takes its library's rows of the one file, and the whole takes all."""
    others = [f for f in library_layout.FAMILIES if f.startswith("ds1000_")]
    rows = [
        {**row, "metadata": {**row["metadata"], "problem_id": 10 * number + i}}
        for number, family in enumerate(others)
        for i, row in enumerate(library_layout.rows(family))
    ]
    path = library_layout.folder(name, tmp_path, rows)
    found = benchmarks.load(
        benchmarks.get(name), Settings(benchmark=name, judge=Judge.SCRIPT, data_files=str(path))
    )
    wanted = others if name == "ds1000" else [name]
    assert list(found.problems) == [
        f"DS-1000/{10 * number + i}" for number, f in enumerate(others) if f in wanted for i in (0, 1)
    ]
    assert list(found.rows[0])[:2] == ["task_id", "prompt"]


def test_rewritings_of_a_question_are_a_cluster() -> None:
    """A question and what was made of it share their origin, which counts within a library."""
    assert [FAMILY.problem(row).cluster for row in ROWS] == ["Numpy/0", "Numpy/0"]
    metadata = {**ROWS[0]["metadata"], "library": "Pandas"}
    assert FAMILY.problem({**ROWS[0], "metadata": metadata}).cluster == "Pandas/0"
    del metadata["perturbation_origin_id"]
    assert FAMILY.problem({**ROWS[0], "metadata": metadata}).cluster is None


def test_what_a_row_says() -> None:
    """A problem needs its library, and what its test program imports at either level."""
    context = ROWS[0]["code_context"].replace(
        "a = test_input", "from sklearn.svm import SVC\nimport seaborn as sns, os.path\na = test_input"
    )
    metadata = {**ROWS[0]["metadata"], "library": "Pytorch"}
    problem = FAMILY.problem({**ROWS[0], "metadata": metadata, "code_context": context})
    assert problem.libraries == ("numpy", "seaborn", "sklearn", "torch")
    assert (problem.task_id, problem.entry_point) == ("DS-1000/9001", "")
    assert FAMILY.program(problem, "x", Judge.ISOLATED).judge is Judge.SCRIPT


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"metadata": "{}"}, "column 'metadata' must be a mapping with problem_id and library"),
        ({"metadata": {"problem_id": 1}}, "column 'metadata' must be a mapping"),
        (
            {"metadata": {"problem_id": 1, "library": "Polars"}},
            "column 'metadata': there is no library 'Polars' in DS-1000",
        ),
        ({"code_context": "def test(): pass"}, "row 'DS-1000/9001': column 'code_context' defines no"),
        ({"prompt": None}, "row 'DS-1000/9001': column 'prompt' must be text"),
    ],
)
def test_bad_rows(changed, said) -> None:
    """A row that cannot be judged is an error that names row and column."""
    with pytest.raises(DatasetError) as caught:
        FAMILY.problem(next(iter(FAMILY.rows([{**library_layout.DS1000[0], **changed}]))))
    assert said in str(caught.value)


def test_the_test_program_is_the_benchmarks() -> None:
    """What runs is context, code and the calls of DS-1000's test_ds1000.py; test_string only where it is."""
    one, two = (FAMILY.program(FAMILY.problem(row), "x = 'ü'\n", Judge.SCRIPT) for row in ROWS)
    assert one.code == "code = \"x = 'ü'\\n\"\n"
    assert one.tests.source == f"{ROWS[0]['code_context']}\ntest_execution(code)\n"
    assert two.tests.source == f"{ROWS[1]['code_context']}\ntest_execution(code)\ntest_string(code)\n"
    assert FAMILY.program(FAMILY.problem(ROWS[0]), None, Judge.SCRIPT).code is None


def test_references_pass_and_others_fail() -> None:
    """Reference snippets pass; wrong, broken and forbidden ones fail, each with its verdict."""
    right, wrong, broken, error = judged(
        ROWS[0]["reference_code"], "result = a", "result = = a", "result = b"
    )
    assert right.verdict is Verdict.PASSED
    assert wrong.verdict is Verdict.FAILED
    assert (broken.verdict, error.verdict) == (Verdict.ERROR, Verdict.ERROR)
    assert "SyntaxError" in broken.detail
    assert "NameError" in error.detail
    inside, looping = judged(
        ROWS[1]["reference_code"],
        "    b = sorted(a)[::-1]\n    for _ in a :\n        pass\n    return np.array(b)",
        row=ROWS[1],
    )
    assert inside.verdict is Verdict.PASSED
    assert looping.verdict is Verdict.FAILED  # by test_string


@pytest.mark.parametrize("way", ["raise SystemExit(0)", "import os; os._exit(0)", "exit()"])
def test_leaving_is_no_pass(way) -> None:
    """The proof comes back only when the tests ended: no way of leaving before gives it."""
    (found,) = judged(way)
    assert found.verdict is Verdict.CRASHED


def test_what_script_is_worth() -> None:
    """A snippet that reaches for the test program passes: SECURITY.md says so, and this is the program."""
    (found,) = judged("import sys\nsys._getframe(1).f_globals['exec_test'] = lambda *a: 1\nresult = 0")
    assert found.verdict is Verdict.PASSED
