"""Tests of MultiPL-E's families."""

from __future__ import annotations

import gzip
import json

import pytest
import shared_data

from passk_tasks import benchmarks
from passk_tasks.benchmarks import multipl_e
from passk_tasks.errors import DatasetError
from passk_tasks.program import CommandTests, Judge
from passk_tasks.results.samples import COMPLETION, RESPONSE, SOLUTION, Sample
from passk_tasks.scoring.candidates import candidate
from passk_tasks.tasks.catalog import load_task
from passk_tasks.tasks.settings import Settings

ROW = {
    "name": "HumanEval_7_twice_it",
    "language": "cpp",
    "prompt": "#include<assert.h>\n// twice_it(1)\nlong twice_it(long n) {\n",
    "doctests": "transform",
    "original": "HumanEval_7_twice_it.py",
    "prompt_terminology": "reworded",
    "tests": "}\nint main() {\n    assert(twice_it(2) == 4);\n}\n",
    "stop_tokens": ["\n}"],
}


def family(name: str = "multiple_humaneval_cpp"):
    """Return a family."""
    return benchmarks.get(name)


def test_a_row_s_name_is_its_task_id() -> None:
    """Name, function, stops, and whether the tests close the function come from the row."""
    problem = family().problem(ROW)
    assert (problem.task_id, problem.entry_point, problem.prompt) == (
        "HumanEval_7_twice_it",
        "twice_it",
        ROW["prompt"],
    )
    assert (problem.protocol.stops, problem.protocol.closed_by_tests) == (("\n}",), True)
    document = family().document(ROW)
    assert (document["task_id"], document["fence"]) == ("HumanEval_7_twice_it", "cpp")
    java = family("multiple_humaneval_java").problem(
        {
            **ROW,
            "language": "java",
            "prompt": "class P {\n public long twiceIt(long n) {\n",
            "tests": "} twiceIt",
        }
    )
    assert java.entry_point == "twiceIt"
    other = family().problem({**ROW, "name": "HumanEval_23_strlen"})
    assert other.entry_point == "twice_it"


def test_the_program_is_the_candidate_above_the_tests() -> None:
    """All programs of a problem share their tests, which a command judges."""
    problem = family().problem(ROW)
    one, other = (family().program(problem, code, Judge.ISOLATED) for code in ("a", None))
    assert isinstance(one.tests, CommandTests)
    assert one.tests is other.tests
    assert (one.tests.language, one.tests.source, one.judge) == ("cpp", ROW["tests"], Judge.COMMAND)
    assert family().canonical(problem) is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"language": "java"}, "column 'language' is 'java'.*humaneval-cpp"),
        ({"stop_tokens": "\n}"}, "'stop_tokens' must be a list of texts"),
        ({"tests": None}, "'tests' must be text"),
    ],
)
def test_rows_that_are_wrong(change: dict, says: str) -> None:
    """The message names the row and the column."""
    with pytest.raises(DatasetError, match=f"HumanEval_7.*{says}"):
        family().problem({**ROW, **change})


def sample(text: str, form: str, **more) -> Sample:
    """Return a sample of the row."""
    return Sample(str(ROW["name"]), 0, text, form, "here", **more)


def test_samples_of_every_form() -> None:
    """A completion ends at the stops, whatever was recorded; a solution is everything before the tests."""
    problem, spec = family().problem(ROW), load_task("passk_multiple_humaneval_cpp")
    text = "    return 2 * n;\n}\n\nint main() { return 1; }\n"
    whole = ROW["prompt"] + "    return 2 * n;"
    for form, stops in ((COMPLETION, None), (RESPONSE, None), (RESPONSE, ("\n}",)), (RESPONSE, ())):
        assert candidate(sample(text, form, stops=stops), problem, spec).code == whole, (form, stops)
    assert candidate(sample(text, SOLUTION), problem, spec).code == text
    chat = load_task("passk_multiple_humaneval_cpp_instruct")
    answer = f"```cpp\n{ROW['prompt']}    if (n) {{\n        n = 2 * n;\n    }}\n    return n;\n}}\n```"
    for stops in (None, ()):
        found = candidate(sample(answer, RESPONSE, stops=stops), problem, chat).code
        assert found is not None
        assert found.endswith("    return n;\n}\n\nstatic void passk_end() {")


def test_stops_are_sent_with_a_question() -> None:
    """Those of the row to a base model, none to a chat model; the user's own come behind."""
    from passk_tasks.tasks import stops

    protocol = family().problem(ROW).protocol
    assert stops.sent((), "f", "completion", protocol) == ("\n}",)
    assert stops.sent(("\n//", "\n}", "\ndef"), "f", "completion", protocol) == ("\n}", "\n//")
    assert stops.sent(("</s>",), "f", "answer", protocol) == ("</s>",)


def test_the_families_are_the_hub_s() -> None:
    """24 configurations of HumanEval and 23 of MBPP, as far as their languages can be judged."""
    names = {found.hub_name for found in multipl_e.FAMILIES}
    assert {"humaneval-cpp", "mbpp-rs", "humaneval-rkt", "mbpp-cs"} <= names
    assert "mbpp-dart" not in names


@pytest.mark.parametrize("found", multipl_e.FAMILIES, ids=lambda found: found.name)
def test_the_published_sets(found: type[multipl_e.MultiPLE]) -> None:
    """Every row is read, its function's name stands in its tests, and its stops are not empty."""
    path = shared_data.path(f"multipl_e/{found.hub_name}.jsonl.gz")
    settings = Settings(benchmark=found.name, data_files=str(path), judge="command")
    dataset = benchmarks.load(benchmarks.get(found.name), settings)
    assert len(dataset.problems) == len(gzip.decompress(path.read_bytes()).splitlines())
    for problem in dataset.problems.values():
        assert problem.entry_point in problem.test
        assert problem.protocol is not None
        assert problem.protocol.stops
    closed = {problem.protocol.closed_by_tests for problem in dataset.problems.values()}
    assert closed == {found.language in ("cpp", "rs", "sh", "swift", "java", "cs", "scala", "dart", "adb")}


def test_a_folder_in_the_hub_s_layout(tmp_path) -> None:
    """A local copy of one configuration is read as the hub's is."""
    folder = tmp_path / "humaneval-cpp"
    folder.mkdir()
    (folder / "test.jsonl").write_text(json.dumps(ROW) + "\n")
    settings = Settings(benchmark="multiple_humaneval_cpp", data_files=str(tmp_path), judge="command")
    assert list(benchmarks.load(family(), settings).problems) == [ROW["name"]]
