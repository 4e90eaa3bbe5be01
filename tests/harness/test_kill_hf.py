"""`kill -9` of runs with lm-eval's `hf` on a tiny model of random weights: slow, and none without torch."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import environment, outcomes, results
from under_load import wait_until

from passk_tasks.results import sample_files

torch = pytest.importorskip("torch", reason="needs torch")
transformers = pytest.importorskip("transformers", reason="needs lm_eval[hf]")

pytestmark = pytest.mark.slow

GREEDY, SAMPLED = "passk_humaneval_greedy", "passk_humaneval"
PROBLEMS, N = 6, 3


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A GPT-2 with two small layers and a tokenizer of bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("model")
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<eos>": 0, **{letter: number for number, letter in enumerate(letters, start=1)}}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<eos>"
    ).save_pretrained(folder)
    torch.manual_seed(7)
    shape = {"vocab_size": len(vocabulary), "n_positions": 2048, "n_embd": 64, "n_layer": 2, "n_head": 2}
    ends = {"bos_token_id": 0, "eos_token_id": 0}
    transformers.GPT2LMHeadModel(transformers.GPT2Config(**shape, **ends)).save_pretrained(folder)
    return folder


class Forker:
    """`passk` in processes that have imported torch already; see forked.py."""

    def __init__(self, model: Path) -> None:
        self.model = model
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("forked.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(OMP_NUM_THREADS="1"),
        )

    def start(self, task: str, folder: Path, *more: str) -> int:
        """Start a run and return its process's number."""
        settings = [] if task == GREEDY else [f"passk.samples={N}", "passk.k=1", "passk.workers=1"]
        arguments = [
            *("run", "--tasks", task, "--limit", str(PROBLEMS), "--log_samples"),
            *("--model", "hf", "--model_args", f"pretrained={self.model},dtype=float32", "--device", "cpu"),
            *("--batch_size", "1", "--output_path", str(folder), "--gen_kwargs", "max_gen_toks=150"),
            *("--metadata", *settings, "passk.beside=1", *more),
        ]
        print(json.dumps([str(folder.parent / "log"), *arguments]), file=self.process.stdin, flush=True)
        return int(self._line())

    def status(self) -> int:
        """Wait for the run's end and return its status."""
        return int(self._line())

    def ended(self, seconds: float) -> bool:
        """Wait that long for the run's end; return whether it came."""
        return bool(select.select([self.process.stdout], [], [], seconds)[0])

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@pytest.fixture(scope="module")
def forker(model) -> Iterator[Forker]:
    """The process that runs are forked from."""
    running = Forker(model)
    yield running
    assert running.process.stdin is not None
    with running.process:  # closes its pipes, which ends it
        running.process.stdin.close()


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """The lines of the samples file, by problem."""
    (path,) = folder.glob("*/samples_*.jsonl")
    return sorted(map(json.loads, path.read_text().splitlines()), key=lambda line: line["doc_id"])


def finished(forker: Forker, task: str, folder: Path, *more: str) -> list[dict[str, Any]]:
    """Let a run end well and return its lines."""
    forker.start(task, folder, *more)
    assert forker.status() == 0, (folder.parent / "log").read_text()
    return lines_of(folder)


def saved(folder: Path) -> dict[tuple[str, int], str]:
    """The answers in the journals, as far as their lines are whole."""
    found = {}
    for path in folder.glob("*/passk_journal_*"):
        if path.read_bytes().count(b"\n"):
            found |= {(s.task_id, s.index): s.text for s in sample_files.read(path).samples}
    return found


@pytest.fixture(scope="module")
def undisturbed(forker, tmp_path_factory) -> tuple[list[dict[str, Any]], dict[str, Any], float]:
    """The greedy run that nobody kills: its lines, its results, and how long it took in seconds."""
    folder = tmp_path_factory.mktemp("undisturbed") / "runs"
    folder.mkdir()
    began = time.monotonic()
    lines = finished(forker, GREEDY, folder)
    return lines, results(folder), time.monotonic() - began


@pytest.mark.parametrize("seed", range(20))
def test_a_greedy_run_goes_on_to_the_same_bytes(forker, undisturbed, tmp_path, seed) -> None:
    """Killed at any moment, a greedy run goes on to the undisturbed run's answers, verdicts and numbers."""
    lines, expected, seconds = undisturbed
    folder = tmp_path / "runs"
    folder.mkdir()
    pid = forker.start(GREEDY, folder)
    moment = random.Random(seed).uniform(0, seconds)
    if not forker.ended(moment):
        os.kill(pid, signal.SIGKILL)
    status, before = forker.status(), saved(folder)
    for path in folder.glob("*/*"):
        if not path.name.startswith("passk_journal_"):
            path.unlink()  # the run had ended
    again = finished(forker, GREEDY, folder, "--resume")
    print(f"status {status} at {moment:.1f} of {seconds:.1f} s, with {len(before)} of {PROBLEMS} answers")
    log = (tmp_path / "log").read_text()
    assert f"resumed: {len(before)} of {PROBLEMS} answers are there" in log or not before
    for line, other in zip(lines, again, strict=True):
        assert line["resps"] == other["resps"]
        assert [one["verdict"] for one in outcomes(line)] == [one["verdict"] for one in outcomes(other)]
    assert results(folder)["results"] == expected["results"]


@pytest.mark.parametrize("seed", range(4))
def test_a_sampled_run_loses_nothing_that_had_arrived(forker, tmp_path, seed) -> None:
    """Killed after some answers, a sampled run goes on: these stay as they were, and the rest is new."""
    folder = tmp_path / "runs"
    folder.mkdir()
    pid = forker.start(SAMPLED, folder)
    wanted = random.Random(seed).randint(1, PROBLEMS * N - 1)

    def there() -> bool:
        assert not forker.ended(0), (tmp_path / "log").read_text()
        return len(saved(folder)) >= wanted

    wait_until(there, f"{wanted} answers")
    os.kill(pid, signal.SIGKILL)
    assert forker.status() == -signal.SIGKILL
    before = saved(folder)
    lines = finished(forker, SAMPLED, folder, "--resume")
    print(f"killed with {len(before)} of {PROBLEMS * N} answers")
    assert f"resumed: {len(before)} of {PROBLEMS * N} answers are there" in (tmp_path / "log").read_text()
    texts = {
        (line["doc"]["task_id"], index): text
        for line in lines
        for index, text in enumerate(text for group in line["resps"] for text in group)
    }
    assert len(texts) == PROBLEMS * N
    assert {key: texts[key] for key in before} == before
    assert len(set(texts.values())) == PROBLEMS * N, "a resumed run drew an answer again"
