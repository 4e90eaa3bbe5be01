"""Every command of the README and of the pages for users, run in a fresh folder in the order of its page."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import our_tasks
import pytest
from under_load import HANG_S

from passk_tasks.api import load_problems
from passk_tasks.cli.app import main

pytestmark = pytest.mark.whole

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "docs/models.md", "docs/tasks.md", "docs/scoring.md", "docs/runs.md", "docs/api.md")

# What needs more than this package brings; the rest of its line, or its page, is run.
NEEDS_MORE = {
    "-m venv": "installs from an index",
    "pip install": "installs from an index",
    "trackio": "needs a tracker; tests/harness runs one",
    "passk_ds1000": "needs the hub's problems and an environment of its own",
    "passk_mbpp_plus": "needs the hub's problems",
    "--cost": "needs a run whose tokens were counted; tests/cli/test_cost_of_runs.py has one",
    "--format bigcode": "needs 50 samples a problem; tests/export makes them",
    "infilling": "needs the hub's problems",
    "--cluster": "needs a cluster; tests/judging/test_cluster.py has one",
}
# A model's part is played by the samples that ship with the package, of few problems.
MODEL = re.compile(r"--model (?:hf|vllm|local-completions|local-chat-completions) --model_args \S+")
CODES = {"compare": {0, 1}, "gate": {0, 5, 6}}


def lines_of(page: str) -> list[str]:
    """Return the lines of a page's shell blocks that can be run here, without what a model needs."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [
        line for line in lines if not line.startswith("#") and not any(word in line for word in NEEDS_MORE)
    ]


def adapted(line: str) -> str:
    """Return a command for the replay model and few problems."""
    line = re.sub(r"\s+#.*", "", line).replace("--since 3m", "--since 2026-01-01")
    if line.startswith("lm-eval"):
        return re.sub(r"--model hf --model_args \S+", "--model dummy --limit 1", line)
    line = MODEL.sub("--model replay", line).replace("--apply_chat_template ", "")
    if " run " in f" {line}" and "--model replay" not in line:
        line += " --model replay"
    if line.startswith("passk run "):
        # An export needs all problems, so the story has two samples of each.
        few = "--metadata passk.samples=2 passk.k=1 passk.timeout_s=0.5"  # some do not end
        line += f" {few}" if "--label" in line else " --limit 2"
        line = line.replace("--tasks passk_custom", "--model_args path=answers.jsonl --tasks passk_custom")
        line = re.sub(r"passk\.samples=50 'passk\.k=\[1,10,25\]'", "passk.samples=20 passk.k=[1,10]", line)
    if line.startswith("passk audit"):
        line += " --problems 1 --mutants 1"
    return line.replace("--user NAME", "--user someone")


@pytest.fixture(autouse=True, scope="module")
def index() -> Iterator[None]:
    """Let lm-eval know our tasks alone."""
    with our_tasks.read_once(own=False):
        yield


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evaluated: Callable[..., Path]) -> Path:
    """A folder with the runs and files that the pages name; the commands run in it."""
    problems = load_problems("passk_humaneval").problems
    counts = {task_id: (20, 3 + 7 * (number % 2)) for number, task_id in enumerate(problems)}
    for name in ("base", "tuned", "tonight"):
        evaluated(tmp_path / "runs" / name, counts)
    first = list(problems.values())[:2]
    sample = [{"task_id": p.task_id, "completion": p.canonical_solution} for p in first for _ in range(20)]
    own = {
        "task_id": "own/0",
        "prompt": "def one():\n",
        "entry_point": "one",
        "test_list": ["assert one() == 1"],
    }
    files = {
        "samples.jsonl": sample,
        "problems.jsonl": [own],
        "answers.jsonl": [{"task_id": "own/0", "completion": "    return 1\n"}] * 20,
    }
    for name, rows in files.items():
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    rule = "tasks:\n  passk_humaneval:\n    baseline: runs/base\n    largest_drop: 0.05\n"
    (tmp_path / "gate.yaml").write_text(rule)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, program in (("passk", ("-m", "passk_tasks")), ("lm-eval", ("-c", our_tasks.LM_EVAL))):
        command = shlex.join([sys.executable, *program])
        (tools / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "0")
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def words_of(line: str) -> list[str]:
    """Return the words of a command as a shell expands them."""
    shown = subprocess.run(
        ["bash", "-c", f"for word in {line}; do printf '%s\\0' \"$word\"; done"],
        capture_output=True,
        text=True,
        check=True,
        timeout=HANG_S,
    )
    return shown.stdout.split("\0")[:-1]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_works(page: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The commands of a page end as they should, one after the other; shipped samples play the model."""
    ran = 0
    real = ["run", "--tasks", "passk_humaneval", "--log_samples", "--output_path"]
    if page == "docs/scoring.md":  # what `passk run` left, in place of runs without a model's texts
        shutil.rmtree("runs")
        assert main([*real, "runs/", "--limit", "2"]) == 0
    if page == "docs/runs.md":
        few = ["passk.samples=2", "passk.k=1", "passk.timeout_s=0.5"]
        assert main([*real, "real/", "--metadata", *few]) == 0
    for line in map(adapted, lines_of(page)):
        if line.startswith("passk ") and "samples.jsonl.gz" in line:
            line = line.replace("samples.jsonl.gz", "samples.jsonl")
        if "data_files=problems.jsonl" in line and line.startswith("passk score"):
            line = line.replace("samples.jsonl --task passk_humaneval", "answers.jsonl --task passk_custom")
        if line.startswith("passk export runs/base/"):
            line = line.replace("runs/base/", "real/")
        if not line.startswith("passk ") or "$(" in line.partition(" ")[0] or "&&" in line:
            done = subprocess.run(
                ["bash", "-ec", line], capture_output=True, text=True, timeout=HANG_S, check=False
            )
            assert done.returncode == 0, f"{line}\n{done.stderr}"
            continue
        words = words_of(line)[1:]
        if words[0] == "merge":  # an array of jobs has ended
            for index in range(16):
                shard = ["score", "samples.jsonl", "--task", "passk_humaneval", "--out", "scored/"]
                assert main([*shard, "--shard", f"{index}/16"]) == 0
        code = main(words)
        assert code in CODES.get(words[0], {0}), f"{line}: {code}\n{capsys.readouterr().err}"
        ran += 1
    assert ran or page == "docs/api.md"


def test_what_is_not_run_is_there() -> None:
    """Each reason not to run a command is of one that stands in a page."""
    text = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    assert all(word in text for word in NEEDS_MORE)
