"""What a run as a whole suffers from: really judged, and nothing said of runs that are merely weak."""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter, defaultdict

import pytest

import passk_tasks
from passk_tasks.extraction import Extraction
from passk_tasks.judging import batch, trial
from passk_tasks.judging.executor import local
from passk_tasks.languages.examples import EXAMPLES
from passk_tasks.program import CommandTests, Confinement, Program
from passk_tasks.results import findings
from passk_tasks.results.samples import Sample
from passk_tasks.sandbox import toolchains
from passk_tasks.scoring import diagnosis
from passk_tasks.scoring.diagnosis import Evidence, Tried
from passk_tasks.scoring.records import Record
from passk_tasks.tasks import catalog
from passk_tasks.verdict import Outcome, Verdict

TASK, INSTRUCT = "passk_humaneval", "passk_humaneval_instruct"
PROBLEMS = dict(list(passk_tasks.load_problems(TASK).problems.items())[:12])


def texts(make, n=2):
    """N texts for each of twelve problems; `make` gets the problem and the text's number."""
    return {name: [make(problem, i) for i in range(n)] for name, problem in PROBLEMS.items()}


def fenced(problem, number):
    """An answer in a fence; the first of a problem is wrong."""
    body = problem.canonical_solution if number else "    return None\n"
    return f"Here is version {number}:\n\n```python\n{problem.prompt}{body}```\nIt works."


def prose(problem, number):
    """A right answer among prose, without a fence."""
    return f"Version {number} goes so.\n\n{problem.prompt}{problem.canonical_solution}\nI hope it helps!"


def stripped(problem, number):
    """A right body without its indentation at the first line."""
    return problem.canonical_solution.strip() + f"  # {number}"


def whole(problem, number):
    """The whole right function, and nothing else."""
    return f"{problem.prompt}{problem.canonical_solution}\nx = {number}\n"


def body(problem, number):
    """A right body, and a statement below it."""
    return problem.canonical_solution + f"\n\nx = {number}\n"


def thinking(problem, number):
    """A chain of thought that was cut off."""
    return f"<think>\nThe function {problem.entry_point} should, {number}, wait"


def nonsense(problem, number):
    """No program at all."""
    return f"I would rather not ({number})."


def found(task, make):
    """The score of these texts, and its findings by kind."""
    scored = passk_tasks.score_texts(task, texts(make), {"k": 1})
    return scored, {one.kind: one for one in scored.findings}


@pytest.mark.parametrize(
    ("make", "would"),
    [
        (fenced, "50% would pass, not 0%"),
        (prose, "100% would pass, not 0%"),
        (whole, "100% would pass, not 0%"),
    ],
)
def test_answers_of_a_chat_model_under_a_completion_task(make, would):
    """They are named, with what would pass, the option, the task for such models, and what to type."""
    scored, kinds = found(TASK, make)
    assert list(kinds) == [findings.CHAT_ANSWERS]
    one = kinds[findings.CHAT_ANSWERS]
    assert would in one.says
    assert "(judged for all)" in one.says
    assert INSTRUCT in one.remedy
    assert one.command[-2:] == ("--extract", "answer")
    assert str(one) in scored.warnings


@pytest.mark.parametrize(("make", "task"), [(fenced, INSTRUCT), (whole, INSTRUCT), (body, TASK)])
def test_runs_that_were_asked_rightly_have_no_finding(make, task):
    """Whatever form the answers have that the task reads as it should."""
    scored, kinds = found(task, make)
    assert kinds == {}
    assert scored.scores["pass@1"] >= 0.5


def test_completions_under_a_task_for_chat_models():
    """They may well pass; but the model was not asked as it should have been."""
    _, kinds = found(INSTRUCT, body)
    assert list(kinds) == [findings.BASE_COMPLETIONS]
    assert f"the task {TASK}," in kinds[findings.BASE_COMPLETIONS].remedy
    assert "--apply_chat_template" in kinds[findings.BASE_COMPLETIONS].remedy


def test_modules_that_candidates_do_not_have_are_told():
    """A right program may fail for the host's libraries; what one that is there lacks is its own fault."""

    def importing(problem, number):
        name = ("no_such_library.part", "json.no_such_part")[number % 2]
        return f"    import {name}\n{problem.canonical_solution}"

    _, kinds = found(TASK, importing)
    assert list(kinds) == [findings.ABSENT_MODULES]
    says = kinds[findings.ABSENT_MODULES].says
    assert says.startswith("12 of 24 programs ended")
    assert says.endswith(": no_such_library (12)")


@pytest.mark.parametrize(
    ("verdict", "detail", "lacks"),
    [
        (Verdict.ERROR, "ModuleNotFoundError: No module named 'sympy.abc'", "sympy"),
        (Verdict.ERROR, "test 2 of 3: ModuleNotFoundError: No module named 'sympy'", "sympy"),
        (Verdict.ERROR, "ImportError: cannot import name 'x' from 'sympy'", ""),
        (Verdict.FAILED, "ModuleNotFoundError: No module named 'sympy'", ""),
    ],
)
def test_the_module_is_read_from_what_ended_the_program(verdict, detail, lacks):
    """Of programs that read input, too."""
    sample = Sample("HumanEval/0", 0, "", "completion", "x:1")
    record = Record(sample, Extraction("", "body"), Outcome(verdict, detail), "0")
    assert record.kind.lacks == lacks


# A line that asks for a library that no host has, what goes before it in a program, and the library's name.
LIBRARIES = {
    "cpp": ("#include <no_such/part>\n", "", "no_such/part"),
    "d": ("import no_such;\n", "", "no_such"),
    "elixir": ("import NoSuch\n", "", "NoSuch"),
    "go": ('import "no_such.org/part"\n', "package f_test\n", "no_such.org/part"),
    "hs": ("import No.Such\n", "", "No.Such"),
    "java": ("import no.such.Part;\n", "", "no.such"),
    "js": ("require('no_such')\n", "", "no_such"),
    "lua": ("require('no_such')\n", "", "no_such"),
    "ml": ("open No_such\n", "", "No_such"),
    "php": ("require 'no_such/part.php';\n", "<?php\n", "no_such/part.php"),
    "pl": ("use No::Such;\n", "", "No/Such"),
    "r": ("library(nosuch)\n", "", "nosuch"),
    "rb": ("require 'no_such'\n", "", "no_such"),
    "rs": ("use no_such::Part;\n", "", "no_such"),
    "scala": ("import no_such.Part\n", "", "no_such"),
    "ts": ("import * as all from 'no_such'\n", "", "no_such"),
}


@pytest.mark.slow
@pytest.mark.parametrize("language", LIBRARIES)
def test_a_library_that_is_not_there_is_named_in_other_languages(language):
    """By the words of their own tools; a misspelt name is no library."""
    if missing := toolchains.hint([language]):
        pytest.skip(missing)
    line, before, name = LIBRARIES[language]
    example = EXAMPLES[language]
    right = before + line + example.right.removeprefix(before)
    tests = CommandTests(language, example.tests)
    programs = [Program("t", code, tests) for code in (right, example.right.replace("x + 1", "y_y + 1"))]
    for outcome, lacks in zip(batch.judge(programs, local(Confinement())).outcomes, (name, ""), strict=True):
        sample = Sample("HumanEval_0_f", 0, "", "completion", "x:1")
        assert Record(sample, Extraction("", "body"), outcome, "0").kind.lacks == lacks, outcome


def test_a_library_that_is_not_there_is_told_in_other_languages():
    """Whatever module of Python has its name."""
    detail = (
        "solution.ts(1,20): error TS2307: Cannot find module 'json' or its corresponding type declarations."
    )
    outcome = Outcome(Verdict.SYNTAX_ERROR, detail, "command")
    kind = Record(Sample("t", 0, "", "completion", "x:1"), Extraction("", "body"), outcome, "0").kind
    [finding] = diagnosis.found_in(
        Counter({kind: 3}), Evidence(), catalog.load_task("passk_multiple_humaneval_ts")
    )
    assert finding.kind == findings.ABSENT_MODULES
    assert finding.says.startswith("3 of 3 programs ended at the import of a module")
    assert finding.says.endswith(": json (3)")


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python knows the syntax of 3.12")
def test_programs_for_a_newer_python_are_told():
    """They fail here for the interpreter, not for the code; one is enough to be named."""

    def newer(problem, number):
        right = fenced(problem, 1)
        return right if number else right.replace("```python\n", '```python\nSHOWN = f"{str("a")}"\n', 1)

    _, kinds = found(INSTRUCT, newer)
    assert list(kinds) == [findings.NEWER_SYNTAX]
    assert "12 of 24 programs: a syntax error in Python" in kinds[findings.NEWER_SYNTAX].says
    assert "python=ENV" in kinds[findings.NEWER_SYNTAX].remedy


def test_answers_that_can_be_read_in_two_ways():
    """One is enough to be named."""

    def two(problem, number):
        draft, right = fenced(problem, 0), fenced(problem, 1)
        return right if number else f"{draft}<|end|>{right}"

    scored, kinds = found(INSTRUCT, two)
    assert list(kinds) == [findings.UNDECIDED]
    assert "12 of 24 answers" in kinds[findings.UNDECIDED].says
    assert scored.scores["pass@1"] == 1


def test_texts_that_lost_their_indentation(tmp_path):
    """`verbatim` takes them as they are; the task's own way is named where it is as good as another."""
    path = tmp_path / "samples.jsonl"
    lines = [{"task_id": name, "completion": stripped(problem, 0)} for name, problem in PROBLEMS.items()]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    scored = passk_tasks.score_samples([path], TASK)
    (one,) = scored.findings
    assert one.kind == findings.EXTRACTION
    assert "12 of 12 samples (100%) ended in no_code or syntax_error; with `completion`" in one.says
    assert one.typed == f"passk score {path} --task {TASK} --extract completion"
    again = passk_tasks.score_samples([path], TASK, extract="completion")
    assert again.findings == ()
    assert f"{again.scores['pass@1']:.0%} would pass" in one.says


@pytest.mark.parametrize("task", [TASK, INSTRUCT])
def test_reasoning_that_never_ended(task):
    """It is named as such under every task, and once."""
    _, kinds = found(task, thinking)
    assert list(kinds) == [findings.CUT_REASONING]
    assert "max_gen_toks" in kinds[findings.CUT_REASONING].remedy


def test_texts_without_any_program():
    """No way of reading helps; that is said, and nothing is promised."""
    _, kinds = found(TASK, nonsense)
    assert list(kinds) == [findings.NO_PROGRAMS]
    assert kinds[findings.NO_PROGRAMS].command == ()


def test_large_runs_are_tried_by_a_part(monkeypatch):
    """A bounded number of samples is judged again, drawn from all, and the sentence says how many."""
    monkeypatch.setattr(diagnosis, "TRIED", 10)
    scored, kinds = found(TASK, prose)
    assert scored.seen.looked == 10
    assert scored.seen.tried["answer"] == Tried(of=10, now=0, would=10)
    assert "(judged for 10 drawn at random)" in kinds[findings.CHAT_ANSWERS].says


def test_evidence_of_ranks_adds_up():
    """Several ranks each try their own; the run has the sum."""
    first = Evidence(10, 9, 1, {"answer": Tried(10, 1, 5)})
    second = Evidence(20, 1, 2, {"answer": Tried(20, 2, 6), "completion": Tried(20, 2, 3)})
    assert first + second == Evidence(30, 10, 3, {"answer": Tried(30, 3, 11), "completion": Tried(20, 2, 3)})


def test_wrong_references_are_a_finding():
    """What the trial said of them, in two parts; other warnings of it are none."""
    said = f"the reference of a/1 (failed) {trial.FAILS_ITSELF}, so x: mend the reference or the tests"
    (one,) = diagnosis.of_references(["another", said])
    assert (one.kind, one.remedy) == (findings.WRONG_REFERENCE, "mend the reference or the tests")
    assert str(one) == said


def test_a_weak_model_is_no_finding():
    """Real samples of a small base model, of which 4 % pass: nothing is wrong with the run."""
    path = passk_tasks.task_configs_path().parent / "passk_tasks/data/gemma3_270m_humaneval_n20.jsonl.gz"
    given = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if line["task_id"] in PROBLEMS:
                given[line["task_id"]].append(line["completion"])
    scored = passk_tasks.score_texts(TASK, given, {"k": 1})
    assert scored.samples == 240
    assert scored.findings == ()


def test_tagged_answers_to_questions_about_assertions(tmp_path):
    """Saved texts whose answer stands in tags are tried as the task reads answers, and can be read so."""
    problems, path = tmp_path / "problems.jsonl", tmp_path / "samples.jsonl"
    rows = [{"id": f"sample_{i}", "code": f"def f(x):\n    return x + {i}", "input": "1"} for i in range(4)]
    problems.write_text(
        "".join(json.dumps({**row, "output": str(i + 1)}) + "\n" for i, row in enumerate(rows))
    )
    lines = [{"task_id": f"sample_{i}", "completion": f"[ANSWER]{i + 1}[/ANSWER]"} for i in range(4)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    asked = (path, "passk_cruxeval_output", {"data_files": str(problems), "k": 1})
    (one,) = passk_tasks.score_samples(*asked).findings
    assert one.kind == findings.EXTRACTION
    assert "with `assertion_output`, 100% would pass, not 0%" in one.says
    assert one.command[-2:] == ("--set", "extraction=assertion_output")
    again = passk_tasks.score_samples(*asked[:2], {**asked[2], "extraction": "assertion_output"})
    assert again.scores["pass@1"] == 1.0
    assert again.findings == ()


def test_a_remedy_names_no_other_task_where_the_task_is_for_chat_models(tmp_path):
    """Answers read as completions under a task for chat models were asked rightly, and are read wrongly."""
    path = tmp_path / "samples.jsonl"
    lines = [{"task_id": name, "completion": fenced(problem, 1)} for name, problem in PROBLEMS.items()]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (one,) = passk_tasks.score_samples([path], INSTRUCT).findings
    assert (one.kind, one.remedy) == (findings.CHAT_ANSWERS, "read the answers with --extract answer")


def test_fenced_answers_in_another_language(tmp_path):
    """What gave no program is known there by its verdict, so that other ways of reading are tried too."""
    problems, path = tmp_path / "problems.jsonl", tmp_path / "samples.jsonl"
    prompt = "#!/bin/bash\n# Return twice a number.\n#\n# $1 is an integer\ntwice() {\n"
    tests = (
        '}\n\ncandidate() {\n    twice "$@"\n}\n\nset -e\n'
        'run_test() {\n    [[ $(candidate "2") = "4" ]]\n}\n\nrun_test'
    )
    row = {
        "name": "HumanEval_7_twice",
        "language": "sh",
        "prompt": prompt,
        "tests": tests,
        "stop_tokens": ["\n}"],
    }
    problems.write_text(json.dumps(row | {"doctests": "transform", "prompt_terminology": "reworded"}) + "\n")
    text = f"```bash\n{prompt}    echo $(($1 * 2))\n}}\n```"
    path.write_text(json.dumps({"task_id": "HumanEval_7_twice", "completion": text}) + "\n")
    asked = {"data_files": str(problems), "k": 1}
    (one,) = passk_tasks.score_samples(path, "passk_multiple_humaneval_sh", asked).findings
    assert one.kind == findings.CHAT_ANSWERS
    assert "with `answer`, 100% would pass, not 0%" in one.says
