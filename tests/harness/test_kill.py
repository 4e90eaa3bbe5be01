from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from support import OUR_TASKS_ALONE, environment, record

from passk_tasks.harness.replay import ReplayLM

SETTINGS = {"passk.samples": 2, "passk.k": [1, 2], "passk.timeout_s": 0.3}


def journal_of(folder: Path, process: subprocess.Popen[bytes]) -> Path:
    """Wait for a complete journal and return it."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for path in folder.glob("**/passk_journal_*"):
            if path.read_bytes().splitlines()[-1:] == [b'{"end": 8}']:
                return path
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.02)
    raise AssertionError("no journal after two minutes")


def test_a_killed_run_is_finished_from_its_journal(dataset, evaluate, passk, tmp_path) -> None:
    """After a kill while judging, `passk score` on the journal gives the result of the undisturbed run."""
    saved = tmp_path / "samples.jsonl"
    problems = list(dataset.problems.values())[:4]
    with saved.open("w") as file:
        for problem in problems:
            # The loops keep the judge busy for seconds, so that the kill meets it at work.
            for completion in ("    while True:\n        pass\n", problem.canonical_solution):
                file.write(json.dumps({"task_id": problem.task_id, "completion": completion}) + "\n")
    folder = tmp_path / "runs"
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", OUR_TASKS_ALONE, "--tasks", "passk_humaneval", "--limit", "4"),
            *("--model", "replay", "--model_args", f"path={saved}", "--output_path", str(folder), "-s"),
            *("--metadata", *(f"{key}={value}".replace(" ", "") for key, value in SETTINGS.items())),
            "passk.workers=1",
        ],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        journal = journal_of(folder, process)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while not children.read_text():  # its workers
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert list(journal.parent.iterdir()) == [journal]

    scored = json.loads(passk("score", str(journal), "--task", "passk_humaneval", "--json").stdout)
    undisturbed = record(evaluate(ReplayLM(path=str(saved)), metadata=SETTINGS, limit=4))
    assert undisturbed["verdicts"] == {"passed": 4, "timeout": 4}
    for key in ("metrics", "verdicts", "distinct", "problems", "samples", "n", "k", "limits", "dataset"):
        assert scored[key] == undisturbed[key]
