"""The commands of ../shared/data/reports: small inputs that once came out wrong, with what is right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import shared_data

CUSTOM, STDIO = "passk_custom_greedy", "passk_custom"
INSTRUCT = "passk_humaneval_instruct_greedy"


def scored(samples: str, task: str, *options: str, problems: str | None = None) -> dict[str, Any]:
    """Return what `passk score --json` prints for files of reports/."""
    data = ("--set", f"data_files={shared_data.path(f'reports/{problems}')}") if problems else ()
    file = shared_data.path(f"reports/{samples}")
    command = [sys.executable, "-m", "passk_tasks", "score", str(file), "--task", task, "--json"]
    done = subprocess.run([*command, *data, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


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
def test_case_is_right(case: str, task: str, problems: bool, verdicts: dict[str, int]) -> None:
    """What was reported wrong is right."""
    options = ("--k", "1") if case == "k12" else ()
    kind = "hand_problems" if case == "k4" else "problems"
    files = f"{case}_{kind}.jsonl"
    samples = f"{case}_hand{'_samples' if case == 'k4' else ''}.jsonl"
    result = scored(samples, task, *options, problems=files if problems else None)
    assert result["verdicts"] == verdicts
    if case == "k8":
        assert result["metrics"]["pass@1"]["value"] == 0.5


def test_k3_tests_of_every_shape_have_a_verdict() -> None:
    """Classes, captured output, seeds, docstrings, match objects and decorators are judged rightly."""
    result = scored("k3_hand_samples.jsonl", CUSTOM, problems="k3_hand_problems.jsonl")
    assert result["verdicts"] == {"passed": 6}


def test_k6_an_answer_in_parts_is_its_text(tmp_path: Path) -> None:
    """A list of content parts is the text in it, in the run and in the journal that the run leaves."""
    script = shared_data.path("reports/k6_hand.py")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, str(script)],
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


@pytest.mark.parametrize("umask", ["002", "027", "077"])
def test_k13_layers_are_the_same_whatever_the_umask(umask: str) -> None:
    """A strict umask takes no layer away."""
    layers = []
    for mask in ("022", umask):
        file = shared_data.path("reports/k10_hand.jsonl")
        command = f"umask {mask}; exec {sys.executable} -m passk_tasks score {file}"
        done = subprocess.run(
            ["bash", "-c", f"{command} --task passk_humaneval_greedy --json"],
            capture_output=True,
            text=True,
            check=True,
        )
        layers.append(json.loads(done.stdout)["sandbox"]["layers"])
    assert layers[0] == layers[1]
