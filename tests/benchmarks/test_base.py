from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hub_layout
import pytest
from contest_rows import PROGRAM, apps_row

from passk_tasks import api, benchmarks
from passk_tasks.errors import DatasetError, SamplesError
from passk_tasks.tasks import catalog

NAMES = [
    *(("humaneval", name, "HumanEval/53") for name in (53, "53", "053", "humaneval/53", "HumanEval_53")),
    *(("humaneval", name, "HumanEval/53") for name in ("human-eval-53", "HumanEval53", "HumanEval/53")),
    *(("humaneval_plus", name, "HumanEval/0") for name in (0, "HumanEval_0")),
    *(("mbpp", name, "Mbpp/11") for name in (11, "11", "Mbpp/11", "MBPP/11", "mbpp_11", "MBPP-011")),
    *((family, 601, "Mbpp/601") for family in ("mbpp_sanitized", "mbpp_plus")),
    *(("bigcodebench_hard", name, "BigCodeBench/13") for name in (13, "13", "bigcodebench_13")),
    *(("ds1000_numpy", name, "DS-1000/511") for name in (511, "511", "ds1000/511", "DS-1000/511")),
    *(("cruxeval_input", name, "sample_7") for name in (7, "7", "sample_7", "sample/7")),
    *(("evoeval_subtle", name, "EvoEval/3") for name in (3, "EvoEval_3")),
    *(("apps_interview", name, "APPS/12") for name in (12, "0012", "apps_12")),
    ("livecodebench", 2727, "2727"),
    ("livecodebench", "abc301_a", "abc301_a"),
    ("code_contests", "1575_A. Sorting", "1575_A. Sorting"),
    ("custom", 11, "11"),
    ("custom", "Mbpp/11", "Mbpp/11"),
    # Of another family, or of one of whose problems a number makes many: nobody's.
    ("humaneval", "Mbpp/11", "Mbpp/11"),
    ("humaneval", "Python/53", "Python/53"),
    ("mbpp", "MbppPlus/11", "MbppPlus/11"),
    ("mbpp", "11a", "11a"),
    ("mbpp", "-11", "-11"),
    *(("humaneval", name, name) for name in ("HumanEval/-1", "HumanEval/ 1", "HumanEval/1/2")),
    ("mbpp", "", ""),
    ("humaneval_infilling_single_line", "HumanEval/0", "HumanEval/0"),
    ("humaneval_infilling_single_line", 0, "0"),
]


@pytest.mark.parametrize(("family", "foreign", "task_id"), NAMES)
def test_a_family_knows_what_others_call_its_problems(family: str, foreign: str | int, task_id: str) -> None:
    """A number, alone or behind the family's word, is the family's own task_id; other names stay."""
    assert benchmarks.get(family).task_id_of(foreign) == task_id


@pytest.mark.parametrize("family", benchmarks.names())
def test_a_family_s_own_names_stay(family: str, tmp_path: Path) -> None:
    """What a family calls its problems means those problems."""
    settings = {"data_files": str(hub_layout.folder(family, tmp_path))} if family != "humaneval" else {}
    names = catalog.task_names()
    task = next(name for name in names if api.load_task(name).settings.benchmark == family)
    benchmark = benchmarks.get(family)
    for task_id in api.load_problems(api.load_task(task, settings)).problems:
        assert benchmark.task_id_of(task_id) == task_id


@pytest.mark.parametrize("number", [11, "11", "0011", "Mbpp/11"])
def test_rows_with_mere_numbers_are_the_same_problems(tmp_path: Path, number: Any) -> None:
    """Rows that number their problems, in numbers or in text, are the family's, under the same names."""
    (tmp_path / "rows.jsonl").write_text(json.dumps({**hub_layout.MBPP[0], "task_id": number}))
    spec = api.load_task("passk_mbpp_greedy", {"data_files": str(tmp_path / "rows.jsonl")})
    assert list(api.load_problems(spec).problems) == ["Mbpp/11"]


def test_a_problem_under_two_names_is_refused(tmp_path: Path) -> None:
    """Two rows that are one problem by different names are an error that names it."""
    rows = [{**hub_layout.MBPP[0], "task_id": name} for name in (11, "Mbpp/11")]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    spec = api.load_task("passk_mbpp_greedy", {"data_files": str(tmp_path / "rows.jsonl")})
    with pytest.raises(DatasetError, match="the task_id 'Mbpp/11' is there twice"):
        api.load_problems(spec)


def stock(path: Path, *lines: tuple[dict[str, Any], str]) -> Path:
    """Write samples as lm-eval's stock tasks log them: a document as the hub has it, and a response."""
    path.write_text("".join(json.dumps({"doc": doc, "resps": [[text]]}) + "\n" for doc, text in lines))
    return path


def test_stock_samples_of_cruxeval_are_scored(tmp_path: Path) -> None:
    """lm-eval's own task logs rows without a task_id; their `id` says which problem is meant."""
    folder = hub_layout.folder("cruxeval_output", tmp_path / "hub")
    rows = [
        {"id": "sample_0", "code": "def f(text): ..."},
        {"id": 1, "code": "def f(n, by=2): ..."},
    ]
    answers = ["assert f('a==b') == ['a', 'b']\n[/ANSWER]", "assert f(7, by=3) == (7, 2)\n"]
    path = stock(tmp_path / "s.jsonl", *zip(rows, answers, strict=True))
    scored = api.score_samples(path, "passk_cruxeval_output", {"data_files": str(folder), "k": 1})
    assert scored.verdicts == {"passed": 2}
    assert list(scored.counts) == ["sample_0", "sample_1"]


def test_samples_that_number_apps_are_scored(tmp_path: Path) -> None:
    """A row of the hub's APPS names its problem by a number, in samples as in rows."""
    row = apps_row(12, difficulty="interview")
    (tmp_path / "rows.jsonl").write_text(json.dumps(row))
    path = stock(tmp_path / "s.jsonl", ({"problem_id": "0012", "question": "?"}, PROGRAM))
    settings = {"data_files": str(tmp_path / "rows.jsonl"), "k": 1}
    scored = api.score_samples(path, "passk_apps_interview", settings)
    assert scored.counts == {"APPS/12": (1, 1)}


def test_a_number_that_may_mean_several_problems_is_refused(tmp_path: Path) -> None:
    """Where names of one's own end in the same number, the sample names none of them, and both are shown."""
    rows = [{**hub_layout.CUSTOM[0], "task_id": name} for name in ("geometry/1", "algebra/1")]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = stock(tmp_path / "s.jsonl", ({"task_id": 1}, "    return 1\n"))
    with pytest.raises(
        SamplesError, match=r"no problem '1' .it may mean geometry/1 or algebra/1: name the one"
    ):
        api.score_samples(path, "passk_custom_greedy", {"data_files": str(tmp_path / "rows.jsonl")})


def test_a_run_of_foreign_names_is_read_back(tmp_path: Path) -> None:
    """The texts and the clusters of a stored run are found under the names of the tools that wrote them."""
    folder = hub_layout.folder("mbpp", tmp_path / "hub")
    path = stock(tmp_path / "s.jsonl", ({"task_id": 11}, "def double(n):\n    return 2 * n\n"))
    api.score_samples(path, "passk_mbpp_greedy", {"data_files": str(folder)}, out=tmp_path / "out")
    (run,) = api.load_runs(tmp_path / "out")
    from passk_tasks.results import joining

    assert list(joining.texts(run)) == ["Mbpp/11"]
    (tmp_path / "groups.jsonl").write_text('{"task_id": 11, "source": "x"}\n')
    assert joining.clusters(run, "source", tmp_path / "groups.jsonl") == {"Mbpp/11": '"x"'}
