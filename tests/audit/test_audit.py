"""How good a benchmark's tests are, tried with right and wrong programs."""

from __future__ import annotations

import json

import contest_rows
import hub_layout
import pytest

from passk_tasks import benchmarks
from passk_tasks.audit.audit import MUTANT, TRIVIAL, audit, trivial
from passk_tasks.errors import UsageError
from passk_tasks.tasks.catalog import load_task
from passk_tasks.verdict import Verdict

STRONG = "def check(candidate):\n" + "".join(
    f"    assert candidate({n}) == {n * n + 1}\n" for n in (0, 1, 2, 3, -4)
)
WEAK = "def check(candidate):\n    assert candidate(0) == 1\n"
# Tests without an assertion are refused when they are loaded; this one no value can fail.
BLIND = "def check(candidate):\n    assert candidate(0) is not NotImplemented\n"


def rows(*tests, body="    return n * n + 1\n"):
    """Return problems that differ in their tests only."""
    return [
        {
            "task_id": f"T/{number}",
            "prompt": "def f(n):\n",
            "canonical_solution": body,
            "test": test,
            "entry_point": "f",
        }
        for number, test in enumerate(tests)
    ]


def audited(tmp_path, lines, **options):
    """Audit the problems as a task of HumanEval's columns."""
    path = tmp_path / "problems.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in lines))
    spec = load_task("passk_humaneval", {"data_files": str(path)})
    dataset = benchmarks.load(benchmarks.get("humaneval"), spec.settings)
    return audit(spec, dataset, **options)


def test_strong_tests_catch_more_than_weak_ones(tmp_path):
    """Shares, survivors and trivial passes tell three kinds of tests apart."""
    strong, weak, blind = audited(tmp_path, rows(STRONG, WEAK, BLIND)).problems
    assert strong.caught == 1.0
    assert not strong.survivors
    assert not strong.trivial_passes
    assert 0 < weak.caught < 1
    assert any("n * n + 1 -> return n + n + 1" in trial.what for trial in weak.survivors)
    assert [trial.what for trial in weak.trivial_passes] == ["constant True", "constant 1"]
    assert blind.caught == 0.0
    # All but the one that raises.
    tried = [trial.what for trial in blind.trials if trial.kind == TRIVIAL]
    assert [trial.what for trial in blind.trivial_passes] == [what for what in tried if what != "stub"]


def test_a_reference_that_fails_is_named_and_its_mutants_do_not_count(tmp_path):
    """Nothing can be said of tests by mutants of a wrong program."""
    found = audited(tmp_path, rows(STRONG, body="    return n\n"))
    assert [problem.task_id for problem in found.failing] == ["T/0"]
    (problem,) = found.problems
    assert any(trial.kind == MUTANT for trial in problem.trials)
    assert problem.mutants == []
    assert problem.caught is None
    assert found.caught is None


def test_the_mean_counts_each_problem_once(tmp_path):
    """As in pass@k, whatever the number of mutants."""
    found = audited(tmp_path, rows(STRONG, BLIND))
    assert found.caught == 0.5
    assert found.as_dict()["caught"] == 0.5
    json.dumps(found.as_dict())


def test_base_tests_that_the_reference_fails_say_nothing(tmp_path):
    """Where the assertions beside the tests are wrong, no mutant counts as caught by them."""
    right, wrong = ({**row, "task_id": n} for n, row in enumerate([hub_layout.MBPP_PLUS[0]] * 2, start=11))
    wrong["test_list"] = ["assert double(1) == 3"]
    path = tmp_path / "problems.jsonl"
    path.write_text(json.dumps(right) + "\n" + json.dumps(wrong) + "\n")
    spec = load_task("passk_mbpp_plus", {"data_files": str(path)})
    found = audit(spec, benchmarks.load(benchmarks.get("mbpp_plus"), spec.settings))
    assert found.failing == []
    assert [problem.base_caught is None for problem in found.problems] == [False, True]
    assert found.problems[0].base_caught == found.base_caught
    assert found.problems[0].caught == found.problems[1].caught


def test_limits(tmp_path):
    """At most so many mutants a problem, only the first so many problems; the same draw for the same seed."""
    found = audited(tmp_path, rows(STRONG, WEAK), mutants=2, problems=1)
    assert [len(problem.mutants) for problem in found.problems] == [2]
    assert found.problems_total == 2
    again = audited(tmp_path, rows(STRONG, WEAK), mutants=2, problems=1)
    assert [t.code for t in found.problems[0].trials] == [t.code for t in again.problems[0].trials]


def test_without_references_there_is_nothing_to_audit(monkeypatch, tmp_path):
    """It is said before anything runs."""
    monkeypatch.setattr(type(benchmarks.get("humaneval")), "canonical", lambda *_: None)
    with pytest.raises(UsageError, match="reference solution"):
        audited(tmp_path, rows(STRONG))


@pytest.mark.parametrize(
    ("reference", "echo"),
    [
        ("def f(a, b):\n    '''Doc.'''\n    return b\n", "return a"),
        ("class Solution:\n    def f(self, x):\n        return x\n", "return x"),
        ("def f(*, key):\n    return key\n", None),
    ],
)
def test_trivial_bodies_keep_the_signature(reference, echo):
    """Every body compiles; the echo is there where there is a first argument."""
    bodies = dict(trivial(reference, "f"))
    for code in bodies.values():
        compile(code, "trivial", "exec")
    assert ("echo of the first argument" in bodies) == (echo is not None)
    if echo:
        assert echo in bodies["echo of the first argument"]


def test_a_program_without_the_function_has_no_trivial_bodies():
    """One that reads its input has nothing to replace."""
    assert trivial("print(input())\n", "f") == []


def test_programs_that_read_input_have_trivial_ones_of_their_own(tmp_path):
    """Constants and an echo; weak cases let one pass."""
    row = contest_rows.apps_row(1)
    weak = {"inputs": ["0\n"], "outputs": ["0\n"]}
    contest_rows.write_jsonl(
        tmp_path / "test.jsonl", [row, {**row, "id": 2, "input_output": json.dumps(weak)}]
    )
    spec = load_task("passk_apps_introductory", {"data_files": str(tmp_path)})
    dataset = benchmarks.load(benchmarks.get(spec.settings.benchmark), spec.settings)
    strong, weak = audit(spec, dataset, mutants=3).problems
    assert strong.reference.outcome.passed
    assert not strong.trivial_passes
    assert [trial.what for trial in weak.trivial_passes] == ["constant 0", "echo of the input"]


def test_functions_of_contests_are_replaced_too(tmp_path):
    """A function that only the tests name, in a class or not, gets the trivial bodies."""
    contest_rows.write_jsonl(tmp_path / "test.jsonl", [contest_rows.apps_row(1, functional=True)])
    spec = load_task("passk_apps_introductory", {"data_files": str(tmp_path)})
    dataset = benchmarks.load(benchmarks.get(spec.settings.benchmark), spec.settings)
    (problem,) = audit(spec, dataset, mutants=3).problems
    assert problem.reference.outcome.passed
    assert sum(trial.kind == TRIVIAL for trial in problem.trials) == 10
    assert not problem.trivial_passes


@pytest.mark.parametrize("name", ["passk_cruxeval_output", "passk_cruxeval_input", "passk_ds1000_numpy"])
def test_answers_that_are_no_functions(name, tmp_path):
    """Expressions and snippets have trivial answers of their own, which run and fail."""
    family = load_task(name).settings.benchmark
    spec = load_task(name, {"data_files": str(hub_layout.folder(family, tmp_path))})
    found = audit(spec, benchmarks.load(benchmarks.get(family), spec.settings), mutants=2)
    assert found.failing == []
    for problem in found.problems:
        tried = [trial for trial in problem.trials if trial.kind == TRIVIAL]
        assert len(tried) >= 6
        assert not problem.trivial_passes
        assert problem.mutants or "cruxeval" in name
        assert not {trial.outcome.verdict for trial in tried} & {Verdict.SYNTAX_ERROR, Verdict.NO_CODE}
