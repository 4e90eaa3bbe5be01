from __future__ import annotations

import importlib.util
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support import environment, outcomes, record, results
from under_load import HANG_S

from passk_tasks.harness import host, resume
from passk_tasks.harness.replay import ReplayLM
from passk_tasks.results import sample_files

pytestmark = pytest.mark.whole

PROGRAM = Path(__file__).with_name("rank.py")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A port that is bound here, so that the kernel gives it to nobody, and free for whoever asks for it."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory, port) -> Path:
    """The folder of an evaluation by two processes."""
    if host.IS_NEW and importlib.util.find_spec("torch") is None:
        pytest.skip("lm-eval 0.5 gathers what ranks found through torch alone, which is not installed")
    folder = tmp_path_factory.mktemp("ranks")
    launcher = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "XDG_STATE_HOME": str(folder / "state")}
    log = folder / "log"
    with log.open("wb") as output:
        ranks = [
            subprocess.Popen(
                [sys.executable, str(PROGRAM), str(folder), str(port)],
                env=environment(RANK=str(rank), LOCAL_RANK=str(rank), **launcher),
                stdout=output,
                stderr=output,
            )
            for rank in range(2)
        ]
    try:
        assert [rank.wait(HANG_S) for rank in ranks] == [0, 0], log.read_text()
    finally:
        for rank in ranks:
            rank.kill()
            rank.wait()
    return folder


@pytest.mark.parametrize("seeds", ["same", "distinct"])
def test_two_ranks_give_the_numbers_of_one(two_ranks, evaluate, seeds) -> None:
    """Two processes that share an odd number of problems give what one process gives, sample by sample."""
    together = json.loads((two_ranks / f"{seeds}.json").read_text())
    metadata = {"passk.samples": 3, "passk.k": [1, 2], "passk.seeds": seeds}
    alone = evaluate(ReplayLM(), metadata=metadata, limit=5)

    def verdicts(found):
        lines = sorted(found["samples"]["passk_humaneval"], key=lambda line: line["doc_id"])
        return [(line["doc"]["task_id"], [one["verdict"] for one in outcomes(line)]) for line in lines]

    assert verdicts(together) == verdicts(alone)
    assert [len(found) for _, found in verdicts(together)] == [3] * 5
    for name, value in alone["results"]["passk_humaneval"].items():
        expected = value if isinstance(value, str) else pytest.approx(value, abs=1e-12)
        assert together["results"]["passk_humaneval"][name] == expected
    ours, theirs = record(together), record(alone)
    assert (ours["ranks"], theirs["ranks"]) == (2, 1)
    for key in (
        "metrics",
        "verdicts",
        "distinct",
        "problems",
        "samples",
        "n",
        "sandbox",
        "warnings",
    ):
        assert ours[key] == theirs[key]


def test_padding_is_in_no_file(two_ranks) -> None:
    """The answers to lm-eval's padding are neither in the samples nor in the journals, one a rank."""
    found = json.loads((two_ranks / "same.json").read_text())
    assert [len(line["resps"][0]) for line in found["samples"]["passk_humaneval"]] == [3] * 5
    journals = record(found)["journals"]
    assert [Path(path).stem[-5:] for path in journals] == ["rank0", "rank1"]
    file = sample_files.read(journals)
    assert len(file.samples) == 15
    assert not file.warnings


def test_the_journals_of_both_ranks_can_be_scored(two_ranks, passk) -> None:
    """`passk score` on the journals of the two ranks gives the run's result."""
    ran = record(json.loads((two_ranks / "same.json").read_text()))
    scored = json.loads(passk("score", *ran["journals"], "--task", "passk_humaneval", "--json").stdout)
    for key in ("metrics", "verdicts", "distinct", "problems", "samples"):
        assert scored[key] == ran[key]


def test_the_ranks_of_a_run_are_resumed_together(two_ranks) -> None:
    """The journals of all ranks carry one name; any of them leads to the answers of all, whoever goes on."""
    ran = record(json.loads((two_ranks / "same.json").read_text()))
    headers = [sample_files.read(path).header for path in ran["journals"]]
    assert len({header.extra["run_id"] for header in headers}) == 1
    for path in ran["journals"]:
        now = replace(headers[0], rank=0, world_size=1)
        recovered = resume.recover(path, two_ranks, now)
        assert len(recovered.entries) == 15
        assert {str(one) for one in recovered.paths} == set(ran["journals"])


@pytest.mark.skipif(shutil.which("torchrun") is None, reason="needs torch, which brings torchrun")
def test_a_torchrun_launch(tmp_path, port) -> None:
    """`torchrun` with two processes runs `passk run` on replay as one job, with one results file."""
    done = subprocess.run(
        [
            *("torchrun", "--nproc-per-node", "2", "--master-port", str(port), "-m", "passk_tasks"),
            *("run", "--tasks", "passk_humaneval", "--limit", "5", "--output_path", str(tmp_path)),
        ],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )
    assert done.returncode == 0, done.stderr
    facts = record(results(tmp_path))
    assert (facts["ranks"], facts["problems"], facts["samples"]) == (2, 5, 100)
    assert done.stdout.count("passk_humaneval: 5 of 164 problems, 100 samples") == 1
