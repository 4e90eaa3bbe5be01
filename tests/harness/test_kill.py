from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import our_tasks
import pytest
from support import environment, record
from under_load import wait_until

from passk_tasks.harness.replay import ReplayLM
from passk_tasks.sandbox.box.processes import descendants

# Under rlimits a candidate sees the host: it can be told when to go on.
SETTINGS = {"passk.samples": 2, "passk.k": [1, 2], "passk.timeout_s": 1000, "passk.sandbox": "rlimits"}


def journal_of(folder: Path, process: subprocess.Popen[bytes]) -> Path:
    """Wait for a complete journal and return it."""

    def look() -> list[Path]:
        assert process.poll() is None, "the run ended before it could be killed"
        paths = folder.glob("**/passk_journal_*")
        return [path for path in paths if path.read_bytes().splitlines()[-1:] == [b'{"end": 8}']]

    return wait_until(look, "a complete journal")[0]


@pytest.mark.whole
def test_a_killed_run_is_finished_from_its_journal(dataset, evaluate, passk, tmp_path) -> None:
    """After a kill while judging, `passk score` on the journal gives the result of the undisturbed run."""
    saved, go = tmp_path / "samples.jsonl", tmp_path / "go"
    waits = f"    import os, time\n    while not os.path.exists({str(go)!r}): time.sleep(0.01)\n"
    problems = list(dataset.problems.values())[:4]
    with saved.open("w") as file:
        for problem in problems:
            # The kill meets the judge at work: a program waits to be told.
            for completion in (waits, problem.canonical_solution):
                file.write(json.dumps({"task_id": problem.task_id, "completion": completion}) + "\n")
    folder = tmp_path / "runs"
    process = subprocess.Popen(
        [
            *(*our_tasks.RUN, "--tasks", "passk_humaneval", "--limit", "4"),
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
        wait_until(lambda: descendants(process.pid) or process.poll() is not None, "its workers")
        assert process.poll() is None, "the run ended before it could be killed"
    finally:
        process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert list(journal.parent.iterdir()) == [journal]

    go.touch()
    scored = json.loads(passk("score", str(journal), "--task", "passk_humaneval", "--json").stdout)
    undisturbed = record(evaluate(ReplayLM(path=str(saved)), metadata=SETTINGS, limit=4))
    assert undisturbed["verdicts"] == {"passed": 4, "failed": 4}
    for key in ("metrics", "verdicts", "distinct", "problems", "samples", "n", "k", "limits", "dataset"):
        assert scored[key] == undisturbed[key]
