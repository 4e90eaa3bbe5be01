"""Tests of mutants made by the text, and of the audit of programs in other languages."""

from __future__ import annotations

import json

from passk_tasks import api
from passk_tasks.audit.text_mutations import mutants
from passk_tasks.extraction.languages import syntax
from passk_tasks.extraction.pieces import hidden

SOURCE = (
    "int f(vector<int> x) { // 1 < 2\n    if (x.size() < 3 && true) return x[0] + 1;\n"
    '    return g("1 + 1") - 0x10;\n}\n'
)


def test_one_place_changes() -> None:
    """Operators between spaces, numbers and truth values change; comments, strings and types stay."""
    code = hidden(SOURCE, syntax("cpp"))
    found = mutants(SOURCE, code, 0, limit=100, seed=0)
    changed = {mutant.code.split("\n")[mutant.line - 1].strip() for mutant in found}
    assert len(changed) == len(found) == 10
    assert "if (x.size() <= 3 && true) return x[0] + 1;" in changed
    assert "if (x.size() < 3 || true) return x[0] + 1;" in changed
    assert "if (x.size() < 3 && false) return x[0] + 1;" in changed
    assert 'return g("1 + 1") + 0x10;' in changed
    assert all(mutant.code.startswith("int f(vector<int> x) { // 1 < 2\n") for mutant in found)
    assert mutants(SOURCE, code, 0, limit=3, seed=1) == mutants(SOURCE, code, 0, limit=3, seed=1)
    assert {mutant.line for mutant in mutants(SOURCE, code, SOURCE.index("return g"), limit=9, seed=0)} == {3}


def test_an_audit_in_bash(tmp_path) -> None:
    """References, bodies that ignore the problem, and mutants are judged by commands as well."""
    row = {
        "task_id": "twice",
        "language": "sh",
        "prompt": "twice() {\n",
        "entry_point": "twice",
        "canonical_solution": "    if [[ $1 > 5 ]]; then echo 10; else echo $(( 2 * $1 )); fi",
        "tests": '}\nset -e\n[[ $(twice 2) = "4" ]]\n[[ $(twice 0) = "0" ]]\n',
        "stop_tokens": ["\n}"],
    }
    path = tmp_path / "rows.jsonl"
    easy = {**row, "task_id": "easy", "tests": '}\nset -e\n[[ $(twice 0) = "0" ]]\n'}
    without = {**row, "task_id": "without", "canonical_solution": None}
    path.write_text("".join(json.dumps(one) + "\n" for one in (row, easy, without)))
    audit = api.audit_task("passk_custom", {"data_files": str(path)}, mutants=4)
    by_id = {problem.task_id: problem for problem in audit.problems}
    assert audit.failing == []
    assert audit.without_reference == 1
    assert by_id["twice"].trivial_passes == []
    assert [trial.what for trial in by_id["easy"].trivial_passes] == ["constant 0"]
    assert len(by_id["twice"].mutants) == 4
    assert 0 < by_id["twice"].caught <= 1
    assert all(trial.what.startswith("line 2: ") for trial in by_id["twice"].mutants)
