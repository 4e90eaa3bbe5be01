from __future__ import annotations

import subprocess
import sys
import warnings
from collections import defaultdict
from pathlib import Path

import pytest
from under_load import HANG_S

import passk_tasks

evaluate = pytest.importorskip("evaluate")

PATH = Path(passk_tasks.__file__).resolve().parent / "code_eval.py"

RIGHT = "def add(a, b):\n    return a + b"
WRONG = "def add(a, b):\n    return a * b"
TEST = "assert add(2, 3) == 5"


@pytest.fixture(scope="module")
def metric(tmp_path_factory):
    """The metric as a user loads it: from its path, copied by evaluate into a cache of its own."""
    folder = tmp_path_factory.mktemp("hf")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evaluate.config.HF_METRICS_CACHE", str(folder / "metrics"))
        patch.setattr("evaluate.config.HF_MODULES_CACHE", str(folder / "modules"))
        patch.setattr("evaluate.config.HF_EVALUATE_OFFLINE", True)
        patch.setattr("sys.path", [str(folder / "modules"), *sys.path])
        patch.delenv("HF_ALLOW_CODE_EVAL", raising=False)
        yield evaluate.load(str(PATH), cache_dir=str(folder / "metrics"))


def test_the_example_of_code_eval(metric):
    """The example in code_eval's own documentation gives what is printed there."""
    pass_at_k, results = metric.compute(references=[TEST], predictions=[[WRONG, RIGHT]], k=[1, 2])
    assert pass_at_k == {"pass@1": 0.5, "pass@2": 1.0}
    assert all(isinstance(value, float) for value in pass_at_k.values())
    assert isinstance(results, defaultdict)
    assert [completion_id for completion_id, _ in results[0]] == [0, 1]
    assert results[0][1][1] == {"task_id": 0, "passed": True, "result": "passed", "completion_id": 1}
    assert results[0][0][1]["result"].startswith("failed: ")
    assert results[99] == []


def test_results_have_the_shape_of_code_eval(metric):
    """Each problem has its candidates in order, with task_id, passed, result and completion_id."""
    loops = "def add(a, b):\n    while True: pass"
    exits = "import sys\nsys.exit(0)"
    _, results = metric.compute(
        references=[TEST, "assert add(1, 1) == 2"],
        predictions=[[RIGHT, loops, "def add(a, b:"], [exits, RIGHT]],
        k=[1],
        timeout=0.5,
        num_workers=2,
    )
    assert sorted(results) == [0, 1]
    for task_id, candidates in results.items():
        for number, (completion_id, result) in enumerate(candidates):
            assert completion_id == number
            assert result["task_id"] == task_id
            assert result["completion_id"] == number
            assert result["passed"] is (result["result"] == "passed")
    assert [result["result"] for _, result in results[0]][:2] == ["passed", "timed out"]
    assert results[0][2][1]["result"].startswith("failed: ")
    assert not results[1][0][1]["passed"], "an exit before the tests is no pass"


def test_tests_see_the_candidates_namespace(metric):
    """References may use any name of the candidate, as with code_eval."""
    reference = "import unittest\nassert TABLE['x'] == helper() == 3\nassert isinstance(Thing(), Base)"
    candidate = "TABLE = {'x': 3}\ndef helper(): return 3\nclass Base: pass\nclass Thing(Base): pass"
    pass_at_k, _ = metric.compute(references=[reference], predictions=[[candidate]], k=[1])
    assert pass_at_k == {"pass@1": 1.0}


def test_a_k_beyond_some_problems_candidates_is_left_out_with_a_warning(metric):
    """Like code_eval the default k of 10 and 100 are dropped for two candidates, but not without a word."""
    with pytest.warns(UserWarning, match="pass@10, pass@100 left out: some problem has only 2 candidates"):
        pass_at_k, _ = metric.compute(references=[TEST], predictions=[[WRONG, RIGHT]])
    assert list(pass_at_k) == ["pass@1"]


def test_n_may_differ_between_problems(metric):
    """pass@1 is the mean of the problems' own shares."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pass_at_k, _ = metric.compute(
            references=[TEST, TEST], predictions=[[RIGHT], [WRONG, RIGHT, WRONG]], k=[1]
        )
    assert pass_at_k["pass@1"] == pytest.approx((1 + 1 / 3) / 2)


def test_a_single_k_may_be_a_number(metric):
    """`k=1` means `k=[1]`."""
    assert metric.compute(references=[TEST], predictions=[[RIGHT]], k=1)[0] == {"pass@1": 1.0}


def test_an_impossible_k_is_refused(metric):
    """A budget of 0 is an error before anything runs."""
    with pytest.raises(ValueError, match="k must be at least 1, not 0"):
        metric.compute(references=[TEST], predictions=[[RIGHT]], k=[0])


def test_candidates_cannot_reach_the_users_files(metric, tmp_path):
    """A candidate that reads a file of the user does not find it."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    candidate = f"text = open({str(secret)!r}).read()"
    _, results = metric.compute(references=["assert text"], predictions=[[candidate]], k=[1])
    assert not results[0][0][1]["passed"]
    assert "No such file" in results[0][0][1]["result"] or "denied" in results[0][0][1]["result"]


def test_it_loads_from_any_folder_without_a_network(tmp_path):
    """In a fresh process, elsewhere, offline, with an empty cache, the path is all that is needed."""
    script = (
        "import evaluate, sys\n"
        "m = evaluate.load(sys.argv[1])\n"
        f"print(m.compute(references=[{TEST!r}], predictions=[[{RIGHT!r}]], k=[1])[0]['pass@1'])\n"
    )
    environment = {
        "HOME": str(tmp_path),
        "HF_HOME": str(tmp_path / "hf"),
        "HF_EVALUATE_OFFLINE": "1",
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(PATH.parent.parent),
        "PATH": "/usr/bin:/bin",
    }
    shown = subprocess.run(
        [sys.executable, "-c", script, str(PATH)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=HANG_S,
        check=False,
    )
    assert shown.stdout.strip() == "1.0", shown.stderr
