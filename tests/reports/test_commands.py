"""The commands of ../shared/data/reports: small inputs that once came out wrong, with what is right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shared_data

from passk_tasks.cli import main

CUSTOM, STDIO = "passk_custom_greedy", "passk_custom"
INSTRUCT = "passk_humaneval_instruct_greedy"


@pytest.fixture
def scored(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Return a function that gives what `passk score --json` prints for files of reports/."""

    def score(samples: str, task: str, *options: str, problems: str | None = None) -> dict[str, Any]:
        data = ("--set", f"data_files={shared_data.path(f'reports/{problems}')}") if problems else ()
        file = str(shared_data.path(f"reports/{samples}"))
        status = main(["score", file, "--task", task, "--json", *data, *options])
        said = capsys.readouterr()
        assert status == 0, said.err
        return json.loads(said.out)

    return score


@pytest.mark.parametrize(
    ("case", "task", "problems", "verdicts"),
    [
        ("k1", INSTRUCT, False, {"passed": 2}),
        ("k2", "passk_livecodebench_instruct_greedy", True, {"passed": 3}),
        ("k4", CUSTOM, True, {"failed": 1}),
        ("k5", INSTRUCT, False, {"passed": 1}),
        ("k7", "passk_mbpp_fewshot_greedy", True, {"passed": 1}),
        ("k8", INSTRUCT, False, {"passed": 1, "no_code": 1}),
        ("k9", INSTRUCT, False, {"passed": 3}),
        ("k10", "passk_humaneval_greedy", False, {"passed": 3}),
        ("k11", "passk_custom_instruct_greedy", True, {"passed": 1}),
        ("k12", "passk_cruxeval_output_instruct", True, {"passed": 2}),
    ],
)
def test_case_is_right(
    scored: Callable[..., dict[str, Any]], case: str, task: str, problems: bool, verdicts: dict[str, int]
) -> None:
    """What was reported wrong is right."""
    options = ("--k", "1") if case == "k12" else ()
    kind = "hand_problems" if case == "k4" else "problems"
    files = f"{case}_{kind}.jsonl"
    samples = f"{case}_hand{'_samples' if case == 'k4' else ''}.jsonl"
    result = scored(samples, task, *options, problems=files if problems else None)
    assert result["verdicts"] == verdicts
    if case == "k8":
        assert result["metrics"]["pass@1"]["value"] == 0.5


def test_k3_tests_of_every_shape_have_a_verdict(scored: Callable[..., dict[str, Any]]) -> None:
    """Classes, captured output, seeds, docstrings, match objects and decorators are judged rightly."""
    result = scored("k3_hand_samples.jsonl", CUSTOM, problems="k3_hand_problems.jsonl")
    assert result["verdicts"] == {"passed": 6}


def test_k6_an_answer_in_parts_is_its_text(tmp_path: Path) -> None:
    """A list of content parts is the text in it, in the run and in the journal that the run leaves."""
    script = shared_data.path("reports/k6_hand.py").read_text(encoding="utf-8")
    # The report is older than the package's folders; and lm-eval's own tasks take seconds to be read.
    script = script.replace("passk_tasks.catalog", "passk_tasks.tasks.catalog")
    script = script.replace("TaskManager(", "TaskManager(include_defaults=False, ")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "'pass@1,none': 1.0" in done.stdout or '"pass@1": 1.0' in done.stdout, done.stdout
    [journal] = (tmp_path / "k6_journal_k6_hand").glob("*.jsonl")
    command = [sys.executable, "-m", "passk_tasks", "score", str(journal), "--json"]
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(again.stdout)["verdicts"] == {"passed": 1}


def test_k13_layers_are_the_same_whatever_the_umask(scored: Callable[..., dict[str, Any]]) -> None:
    """A strict umask takes no layer away."""
    layers = []
    before = os.umask(0o022)
    try:
        for umask in (0o022, 0o002, 0o027, 0o077):
            os.umask(umask)
            layers.append(scored("k10_hand.jsonl", "passk_humaneval_greedy")["sandbox"]["layers"])
    finally:
        os.umask(before)
    assert layers == layers[:1] * 4
