"""Worked examples above each problem: LiveCodeBench's base tasks, few-shot forms, and the setting `shots`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contest_rows import lcb_row, write_jsonl

from passk_tasks import benchmarks
from passk_tasks.errors import PasskError, SettingsError
from passk_tasks.harness.task import PasskTask
from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Limits, Program
from passk_tasks.scoring.summary import cautions
from passk_tasks.tasks.catalog import load_task, load_yaml
from passk_tasks.verdict import Verdict

BASE = "passk_livecodebench_greedy"
FOLDER = "lcb_runner/prompts/few_shot_examples/generation"
FUNC = {"question": "Q of a function", "sample_code": "class Solution:\n    pass", "answer": "A"}
STDIN = {"question": "Q of a program", "answer": "print(1)\n"}


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Return a file with a program and a function."""
    write_jsonl(tmp_path / "lcb.jsonl", [lcb_row(1), lcb_row(2, functional=True)])
    return tmp_path / "lcb.jsonl"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with examples where LiveCodeBench's repository has them; the second is never shown."""
    folder = tmp_path / "checkout" / FOLDER
    folder.mkdir(parents=True)
    (folder / "func.json").write_text(json.dumps([FUNC, {**FUNC, "question": "second"}]))
    (folder / "stdin.json").write_text(json.dumps([STDIN, {**STDIN, "question": "second"}]))
    return tmp_path / "checkout"


def task_of(name: str, **settings: object) -> PasskTask:
    """Build a task as lm-eval does."""
    config = load_yaml(load_task(name).source)
    flat = {f"passk.{key}": value for key, value in settings.items()}
    source = str(load_task(name).source)
    task = PasskTask({**config, "metadata": {**config["metadata"], **flat, "config_source": source}})
    task.set_fewshot_seed(1)
    return task


def asked(task: PasskTask, shots: int | None = None) -> list[str]:
    """Return the prompt of each problem."""
    shots = task.config.num_fewshot if shots is None else shots
    return [str(task.fewshot_context(doc, num_fewshot=shots)) for doc in task.eval_docs]


def test_as_the_repository_asks(rows: Path, checkout: Path) -> None:
    """With a checkout the prompt is LiveCodeBench's, letter by letter."""
    program, function = asked(task_of(BASE, data_files=str(rows), shots=str(checkout)))
    starter = lcb_row(2, functional=True)["starter_code"]
    assert program == (
        "### Question\nQ of a program\n\n### Answer\n\nprint(1)\n\n\n"
        "### Question\nAdd up the numbers.\n\n### Answer\n\n"
    )
    assert function == (
        "### Question\nQ of a function\n\n### Starter Code\nclass Solution:\n    pass\n\n### Answer\n\nA\n\n"
        f"### Question\nAdd up the numbers.\n\n### Starter Code\n{starter}\n\n### Answer\n\n"
    )


def test_other_places_of_the_examples(rows: Path, checkout: Path, tmp_path: Path) -> None:
    """The folder alone, and a file in the columns of the YAML, give the same prompts."""
    wanted = asked(task_of(BASE, data_files=str(rows), shots=str(checkout)))
    assert asked(task_of(BASE, data_files=str(rows), shots=str(checkout / FOLDER))) == wanted
    examples = [
        {"question_content": e["question"], "starter_code": e.get("sample_code", ""), "answer": e["answer"]}
        for e in (STDIN, FUNC)
    ]
    write_jsonl(tmp_path / "own.jsonl", examples)
    assert asked(task_of(BASE, data_files=str(rows), shots=str(tmp_path / "own.jsonl"))) == wanted


def test_our_own_examples(rows: Path) -> None:
    """Without the setting each kind has an example of this package's own, and results say so."""
    task = task_of(BASE, data_files=str(rows))
    program, function = asked(task)
    assert program.count("### Question\n") == function.count("### Question\n") == 2
    assert (program.count("### Starter Code"), function.count("### Starter Code")) == (0, 2)
    assert asked(task, 0)[0] == "### Question\nAdd up the numbers.\n\n### Answer\n\n"
    dataset = benchmarks.load(benchmarks.get("livecodebench"), task.spec.settings)
    assert "this package's own" in " ".join(cautions(task.spec, dataset))


def test_the_own_examples_are_right(rows: Path) -> None:
    """The answers in our examples solve their problems, samples and all."""
    function, program = load_yaml(load_task(BASE).source)["fewshot_config"]["samples"]
    (text,) = (program["question_content"],)
    blocks = [block.strip() for block in text.split("Sample ")[1:]]
    bodies = [block.partition("\n\n")[2].split("\n\n")[0] for block in blocks]
    case = lambda given, wanted: {"input": given, "output": wanted, "testtype": "stdin"}  # noqa: E731
    stdio = json.dumps([case(bodies[i], bodies[i + 1]) for i in (0, 2)])
    calls = json.dumps([case("[4,6,7,10]\n2", "3"), case("[5,5,5]\n1", "0")])
    write_jsonl(
        rows,
        [
            lcb_row(1, public_test_cases=stdio, private_test_cases="[]"),
            lcb_row(
                2,
                functional=True,
                public_test_cases=calls,
                private_test_cases="[]",
                metadata=json.dumps({"func_name": "steadyPairs"}),
            ),
        ],
    )
    spec = load_task(BASE, {"data_files": str(rows)})
    family = benchmarks.get("livecodebench")
    problems = benchmarks.load(family, spec.settings).problems
    programs: list[Program] = [
        family.program(problems[name], code, spec.settings.judge.place)
        for name, code in (("abc1_a", program["answer"]), ("abc2_a", function["answer"]))
    ]
    judged = batch.judge(programs, local(Confinement(Limits(timeout_s=6, memory_mib=1024)))).outcomes
    assert [outcome.verdict for outcome in judged] == [Verdict.PASSED, Verdict.PASSED]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "func.json").unlink(), "func.json: no such file or folder"),
        (lambda folder: (folder / "stdin.json").write_text("{"), "stdin.json"),
        (
            lambda folder: (folder / "func.json").write_text('[{"answer": "x"}]'),
            "example 1 has no 'question_content'",
        ),
    ],
)
def test_examples_that_cannot_be(
    rows: Path, checkout: Path, spoil: Callable[[Path], Any], message: str
) -> None:
    """What is wrong with a file of examples is said by name before anything is asked."""
    spoil(checkout / FOLDER)
    with pytest.raises(PasskError, match=message):
        task_of(BASE, data_files=str(rows), shots=str(checkout))


def test_no_such_path_and_no_use(rows: Path, tmp_path: Path) -> None:
    """A path that is not there is an error, and so is the setting where a prompt has no examples."""
    with pytest.raises(PasskError, match=r"nothing.*no such file or folder \(shots"):
        task_of(BASE, data_files=str(rows), shots=str(tmp_path / "nothing"))
    for name in ("passk_livecodebench_instruct", "passk_humaneval"):
        with pytest.raises(SettingsError, match=r"no worked examples: leave passk\.shots out"):
            load_task(name, {"shots": str(tmp_path)})


def test_more_than_there_are(rows: Path, checkout: Path) -> None:
    """--num_fewshot asks for more examples of a kind only where there are as many."""
    assert len(asked(task_of(BASE, data_files=str(rows), shots=str(checkout)), 2)) == 2
    with pytest.raises(PasskError, match="2 worked examples are asked for, and there are 1"):
        asked(task_of(BASE, data_files=str(rows)), 2)


@pytest.mark.parametrize("kind", ["", "_greedy", "_instruct", "_instruct_greedy"])
@pytest.mark.parametrize(("version", "last"), [("v5", "2025-02-01"), ("v6", "2025-05-01")])
def test_windows(kind: str, version: str, last: str) -> None:
    """v5 and v6 are the windows of reports, and for the rest the tasks without them."""
    whole = load_task(f"passk_livecodebench{kind}")
    window = load_task(f"passk_livecodebench_{version}{kind}")
    assert window.settings.as_dict() == {
        **whole.settings.as_dict(),
        "release": f"release_{version}",
        "since": "2024-08-01",
        "until": last,
    }
    assert window.generation_kwargs == whole.generation_kwargs
    assert window.examples == whole.examples == (() if "instruct" in kind else ("", ""))


def test_humaneval_plus_with_one_example(humaneval_plus_file: Path) -> None:
    """HumanEval+'s one example has the form of its problems, and two blank lines after it."""
    (prompt, *_) = asked(task_of("passk_humaneval_plus_fewshot_greedy", data_files=str(humaneval_plus_file)))
    example, _, own = prompt.partition("return longest\n\n\n")
    assert example.startswith("from typing import List\n\n\ndef longest_plateau(")
    assert own == 'def double(n):\n    """Double n."""\n'


@pytest.fixture
def humaneval_plus_file(tmp_path: Path) -> Path:
    """Return one problem in HumanEval+'s columns."""
    row = {
        "task_id": "HumanEval/0",
        "prompt": 'def double(n):\n    """Double n."""\n',
        "canonical_solution": "    return 2 * n\n",
        "test": "def check(candidate):\n    assert candidate(1) == 2\n",
        "entry_point": "double",
    }
    write_jsonl(tmp_path / "plus.jsonl", [row])
    return tmp_path / "plus.jsonl"


def test_solved_in_the_prompt(tmp_path: Path) -> None:
    """MBPP+'s three examples are three of its problems; results name those that the dataset at hand has."""
    row = {
        "task_id": 2,
        "prompt": "Double.",
        "code": "def double(n):\n    return 2 * n\n",
        "test_imports": [],
        "test_list": ["assert double(1) == 2"],
        "test": "assert double(1) == 2\n",
    }
    write_jsonl(tmp_path / "plus.jsonl", [row, {**row, "task_id": 11}])
    task = task_of("passk_mbpp_plus_fewshot_greedy", data_files=str(tmp_path / "plus.jsonl"))
    assert asked(task)[1].count("[BEGIN]\n") == 4
    dataset = benchmarks.load(benchmarks.get("mbpp_plus"), task.spec.settings)
    assert "1 problems stand solved in the prompt of all others: Mbpp/2" in list(cautions(task.spec, dataset))
