"""BigCode, BigCodeBench, LiveCodeBench and MultiPL-E: their receivers' own steps, on what is written."""

from __future__ import annotations

import datetime
import gzip
import json
from dataclasses import replace

import numpy as np
import pytest

from passk_tasks.export import Details
from passk_tasks.export.bigcode import BigCode
from passk_tasks.export.bigcodebench import BigCodeBench
from passk_tasks.export.livecodebench import LiveCodeBench
from passk_tasks.export.multipl_e import MultiPLE
from passk_tasks.verdict import Verdict

HUMANEVAL = [{"task_id": f"HumanEval/{i}", "prompt": "def f():\n"} for i in range(3)]
FIFTY = [("def f():\n    return 1\n", Verdict.PASSED)] * 10 + [(None, Verdict.NO_CODE)] * 40
MIXED = [("a = 1", Verdict.PASSED), (None, Verdict.NO_CODE), ("b = 2", Verdict.TIMEOUT)]
DETAILS = Details(user="somebody", backend="vllm")


def multiple(language="lua"):
    """Return two problems in MultiPL-E's columns."""
    columns = {"language": language, "prompt": "local f", "tests": "f()"}
    return [{"task_id": f"HumanEval_{i}_f", "name": f"HumanEval_{i}_f", **columns} for i in range(2)]


def contest(count=3):
    """Return problems in LiveCodeBench's columns; their numbers are not in the order of their texts."""
    columns = {"question_title": "t", "question_content": "c", "platform": "leetcode", "contest_id": "w"}
    columns |= {"starter_code": "", "difficulty": "easy", "contest_date": datetime.datetime(2024, 1, 2)}
    return [{"task_id": str(8 + i), "question_id": str(8 + i), **columns} for i in range(count)]


def test_bigcode_s_summary_is_what_its_script_makes(source):
    """The leaderboard's group_jsons.py would make the summary of the metrics that lie beside it."""
    runs = [
        source(HUMANEVAL, FIFTY, family="humaneval", published=True),
        source(multiple(), FIFTY, family="multiple_humaneval_lua", published=True),
    ]
    assert list(BigCode().missing(runs, DETAILS)) == []
    files = BigCode().files(runs, DETAILS)
    folder = "community_results/org_model_somebody"
    summary = json.loads(files[f"{folder}/org_model_somebody.json"])
    again = []
    for path, content in files.items():
        name = path.rpartition("/")[2]
        if name.startswith("metrics_"):
            task = name.removesuffix(".json").split("_")[1]
            again.append({"task": task, "pass@1": json.loads(content)[task]["pass@1"]})
    assert summary == {"results": again, "meta": {"model": "org/model"}}
    assert [one["task"] for one in summary["results"]] == ["humaneval", "multiple-lua"]
    assert [one["pass@1"] for one in summary["results"]] == pytest.approx([0.2, 0.2])
    generations = json.loads(files[f"{folder}/generations_model/generations_humaneval_model.json"])
    assert [len(found) for found in generations] == [50, 50, 50]
    metrics = json.loads(files[f"{folder}/metrics_model/metrics_humaneval_model.json"])
    assert metrics["config"]["uncertainty"]["over_problems"]["method"]


def test_bigcode_takes_its_own_languages_alone(source):
    """MBPP, a language without a column there, and problems that are not the hub's are refused."""
    for family, published, says in (
        ("multiple_mbpp_lua", True, "MultiPL-E in one of js, java"),
        ("multiple_humaneval_scala", True, "MultiPL-E in one of js, java"),
        ("custom", True, "MultiPL-E in one of js, java"),
        ("multiple_humaneval_lua", False, "from the hub"),
    ):
        (text,) = BigCode().missing([source(multiple(), FIFTY, family=family, published=published)], DETAILS)
        assert says in text, family


def test_bigcode_says_everything_at_once(source):
    """Model, user, problems, n, temperature and top_p are all named, not the first of them alone."""
    found = source(
        HUMANEVAL,
        MIXED,
        family="humaneval",
        published=True,
        total=164,
        model=None,
        temperature=0.8,
        sampling={},
    )
    said = list(BigCode().missing([found], Details()))
    for part in ("--model", "--user", "all 164 problems", "n = 50", "temperature 0.2", "top_p = 0.95"):
        assert sum(part in text for text in said) == 1, part
    assert len(said) == 6


def test_a_task_is_submitted_once(source):
    """Two runs of one task are refused: the leaderboard has one place for them."""
    one = source(HUMANEVAL, FIFTY, family="humaneval", published=True)
    assert any("2 of them are of humaneval" in text for text in BigCode().missing([one, one], DETAILS))


@pytest.mark.parametrize("name", ["../../etc", "a b", "", "-x"])
def test_names_cannot_leave_the_folder(source, name):
    """A user's name becomes part of a path, so it has to be a name."""
    found = source(HUMANEVAL, FIFTY, family="humaneval", published=True)
    (text,) = BigCode().missing([found], Details(user=name))
    assert "--user" in text


def test_bigcodebench_s_names_and_results(source):
    """The file is named as its generation names it; the model and the score can be read back from it."""
    rows = [{"task_id": f"BigCodeBench/{i}", "code_prompt": "def task_func():"} for i in range(148)]
    found = source(rows, MIXED)
    assert list(BigCodeBench().missing([found], DETAILS)) == []
    files = BigCodeBench().files([found], DETAILS)
    name = next(iter(files))
    assert name == "org--model--main--bigcodebench-hard-complete--vllm-0.2-3-sanitized_calibrated.jsonl"
    results = json.loads(files[name.replace(".jsonl", "_eval_results.json")])["eval"]
    assert [one["status"] for one in results["BigCodeBench/0"]] == ["pass", "fail", "timeout"]
    # What bigcodebench.evaluate runs for a calibrated sample.
    assert results["BigCodeBench/0"][0]["solution"] == "def task_func():\n    pass\na = 1"
    scores = json.loads(files[name.replace(".jsonl", "_pass_at_k.json")])
    correct = [sum(one["status"] == "pass" for one in found) / len(found) for found in results.values()]
    assert scores["pass@1"] == pytest.approx(np.mean(correct))
    assert scores["subset"] == "hard"


def test_bigcodebench_wants_its_own_problems(source):
    """HumanEval under its name is refused, and so is a set of another size."""
    said = list(BigCodeBench().missing([source(HUMANEVAL, MIXED)], Details()))
    for part in ("BigCodeBench/0", "'code_prompt'", "has 3", "--backend"):
        assert sum(part in text for text in said) == 1, part


def test_livecodebench_s_evaluator_takes_it(source):
    """As many problems as there are, sorted as its evaluator sorts them, whatever order they were in."""
    found = source(contest(), MIXED)
    assert list(LiveCodeBench().missing([found], DETAILS)) == []
    files = LiveCodeBench().files([found], DETAILS)
    output = json.loads(files["custom_output.json"])
    assert output == sorted(output, key=lambda one: str(one["question_id"]))
    assert [one["question_id"] for one in output] == ["10", "8", "9"]
    assert output[0]["code_list"] == ["a = 1", "", "b = 2"]
    graded = json.loads(files["model/Scenario.codegeneration_3_0.2_eval_all.json"])
    for one in graded:
        assert one["pass@1"] == one["graded_list"].count(True) / len(one["graded_list"])
        assert datetime.datetime.fromisoformat(one["contest_date"]).year == 2024
    assert graded[0]["graded_list"] == [True, False, False]
    assert [json.loads(one).get("error_code") for one in graded[0]["metadata"]] == [None, -4, -3]


def test_livecodebench_wants_its_columns_and_a_temperature(source):
    """Other problems, and samples whose temperature nobody recorded, are refused."""
    said = list(LiveCodeBench().missing([source(HUMANEVAL, MIXED, temperature=None)], DETAILS))
    assert any("'question_id'" in text for text in said)
    assert any("temperature" in text for text in said)


def test_multipl_e_s_script_counts_the_same(source):
    """Its pass_k.py counts status OK with exit code 0, and wants one temperature."""
    rows = [{**row, "stop_tokens": ["\nlocal"]} for row in multiple()]
    found = replace(source(rows, MIXED), hub_name="humaneval-lua")
    assert list(MultiPLE().missing([found], DETAILS)) == []
    files = MultiPLE().files([found], DETAILS)
    assert set(files) == {f"humaneval-lua/HumanEval_{i}_f.results.json.gz" for i in range(2)}
    for content in files.values():
        data = json.loads(gzip.decompress(content))
        right = [one for one in data["results"] if one["status"] == "OK" and one["exit_code"] == 0]
        assert (len(data["results"]), len(right), data["temperature"]) == (3, 1, 0.2)
        assert (data["top_p"], data["stop_tokens"]) == (0.95, ["\nlocal"])
        assert [one["status"] for one in data["results"]] == ["OK", "Exception", "Timeout"]
        assert data["results"][0]["program"] == "a = 1\nf()"
    assert MultiPLE().files([found], DETAILS) == files


def test_multipl_e_knows_two_temperatures(source):
    """Any other is an error of its script, so it is refused here."""
    (text,) = MultiPLE().missing([source(multiple(), MIXED, temperature=0.5)], DETAILS)
    assert "0.2 or 0.8" in text
    rows = [{**row, "name": "../x"} for row in multiple()]
    assert any("../x" in text for text in MultiPLE().missing([source(rows, MIXED)], DETAILS))
    for language in ("../..", "/tmp", "a/b", "", "."):
        rows = [{**row, "language": language} for row in multiple()]
        assert any(repr(language) in text for text in MultiPLE().missing([source(rows, MIXED)], DETAILS))
