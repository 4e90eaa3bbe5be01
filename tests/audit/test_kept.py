"""`passk audit --references --out FILE`: what a killed audit goes on with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from passk_tasks import api
from passk_tasks.audit.audit import Audit, facts
from passk_tasks.cli import main
from passk_tasks.errors import UsageError

TASK = "passk_humaneval_greedy"


def audited(out: Path, task: str = TASK, **settings: object) -> Audit:
    """Audit the first three references."""
    return api.audit_task(task, settings, problems=3, references=True, out=out)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the file of an audit that ran to its end."""
    out = tmp_path_factory.mktemp("audit") / "kept.jsonl"
    assert audited(out).kept == 0
    return out.read_bytes()


def test_references_alone() -> None:
    """Only references are tried, the result says so, and with what and when they were judged."""
    found = api.audit_task(TASK, problems=3, references=True)
    assert [[trial.kind for trial in problem.trials] for problem in found.problems] == [["reference"]] * 3
    content = found.as_dict()
    assert content["references_only"]
    assert {"passk_tasks", "python", "date"} <= content["versions"].keys()
    assert [name for name, _ in facts(content)] == ["problems audited", "references that pass"]


def test_a_killed_audit_goes_on(whole: bytes, tmp_path: Path) -> None:
    """Whole lines are taken up, half a line is judged again, and the file is as if nothing had happened."""
    out = tmp_path / "kept.jsonl"
    lines = whole.splitlines(keepends=True)
    out.write_bytes(b"".join(lines[:3]) + lines[3][:40])
    found = audited(out)
    assert (found.kept, len(found.problems), found.failing) == (2, 3, [])
    assert {json.loads(line)["program"] for line in out.read_bytes().splitlines()[1:]} == {
        json.loads(line)["program"] for line in lines[1:]
    }
    assert audited(out).kept == 3


def test_kept_outcomes_count(whole: bytes, tmp_path: Path) -> None:
    """What the file says of a reference is what the audit says of it."""
    out = tmp_path / "kept.jsonl"
    header, first, *others = whole.splitlines(keepends=True)
    failed = {**json.loads(first), "verdict": "failed", "detail": "by hand"}
    out.write_bytes(b"".join([header, json.dumps(failed).encode() + b"\n", *others]))
    (problem,) = audited(out).failing
    assert problem.task_id == failed["task_id"]


@pytest.mark.parametrize(
    ("settings", "named"), [({"timeout_s": 7}, "confinement"), ({"memory_mib": 700}, "confinement")]
)
def test_other_conditions(whole: bytes, tmp_path: Path, settings: dict[str, object], named: str) -> None:
    """Outcomes that came about under other limits are refused by name, and the file stays as it is."""
    out = tmp_path / "kept.jsonl"
    out.write_bytes(whole)
    with pytest.raises(UsageError, match=f"other conditions \\({named} differ\\)"):
        audited(out, **settings)
    assert out.read_bytes() == whole


@pytest.mark.parametrize(
    "content", [b'{"task_id": "HumanEval/0", "completion": ""}\n', b"# notes\n", b'{"passk_audit": 1}\n[]\n']
)
def test_some_other_file(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is no audit's is refused and not written to."""
    out = tmp_path / "kept.jsonl"
    out.write_bytes(content)
    assert main(["audit", TASK, "--references", "--problems", "1", "--out", str(out)]) == 2
    assert str(out) in capsys.readouterr().err
    assert out.read_bytes() == content


def test_a_file_that_cannot_be(tmp_path: Path) -> None:
    """A file in a folder that is not there is an error before anything is judged."""
    with pytest.raises(UsageError, match="cannot be used: No such file"):
        audited(tmp_path / "no" / "kept.jsonl")
