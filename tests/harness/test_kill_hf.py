"""`kill -9` of runs with lm-eval's `hf` on a tiny model of random weights: slow, and none without torch."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import environment, logged, record, results
from under_load import wait_until

from passk_tasks.results import sample_files

torch = pytest.importorskip("torch", reason="needs torch")
transformers = pytest.importorskip("transformers", reason="needs lm_eval[hf]")

pytestmark = pytest.mark.slow

GREEDY, SAMPLED = "passk_humaneval_greedy", "passk_humaneval"
PROBLEMS = {GREEDY: 16, SAMPLED: 6}
N = {GREEDY: 1, SAMPLED: 3}
KILLS = 5
Saved = dict[tuple[str, int], str]

OF_THE_MOMENT = {"cpu_s", "wall_s", "peak_mib", "at_s", "judging_s", "generation_s", "date", "journals"}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A GPT-2 with one small layer and a tokenizer of bytes."""
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
    shape = {"vocab_size": len(vocabulary), "n_positions": 2048, "n_embd": 64, "n_layer": 1, "n_head": 2}
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
        folder.mkdir(parents=True, exist_ok=True)
        settings = [] if task == GREEDY else [f"passk.samples={N[task]}", "passk.k=1"]
        arguments = [
            *("run", "--tasks", task, "--limit", str(PROBLEMS[task]), "--log_samples"),
            *("--model", "hf", "--model_args", f"pretrained={self.model},dtype=float32", "--device", "cpu"),
            *("--batch_size", "1", "--output_path", str(folder / "runs"), "--gen_kwargs", "max_gen_toks=24"),
            *("--metadata", *settings, "passk.workers=1", "passk.beside=1", *more),
        ]
        files = [str(folder / "log"), str(folder / "asked")]
        print(json.dumps([*files, *arguments]), file=self.process.stdin, flush=True)
        return int(self._line())

    def status(self) -> int:
        """Wait for the run's end and return its status."""
        return int(self._line())

    def finished(self, task: str, folder: Path, *more: str) -> None:
        """Let a run end well."""
        self.start(task, folder, *more)
        assert self.status() == 0, (folder / "log").read_text()

    def killed(self, task: str, folder: Path, answers: int) -> Saved:
        """Start a run or go on with it, kill it once there are so many answers, and return all that are."""
        pid = self.start(task, folder, "--resume")
        try:
            wait_until(lambda: there(folder) >= answers or self.ended(), f"{answers} answers")
        finally:
            os.kill(pid, signal.SIGKILL)
        assert self.status() == -signal.SIGKILL, (folder / "log").read_text()
        return saved(folder)

    def ended(self) -> bool:
        """Whether the run has ended; it stays to be waited for."""
        return bool(select.select([self.process.stdout], [], [], 0)[0])

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


def there(folder: Path) -> int:
    """How many answers the newest journal has, which has those of the older ones too."""
    return max((path.read_bytes().count(b"\n") for path in folder.rglob("passk_journal_*")), default=1) - 1


def saved(folder: Path) -> Saved:
    """The answers in the journals, as far as their lines are whole."""
    found = {}
    for path in folder.rglob("passk_journal_*"):
        if path.read_bytes().count(b"\n"):
            found |= {(s.task_id, s.index): s.text for s in sample_files.read(path).samples}
    return found


def timeless(value: Any) -> Any:
    """What stands in lm-eval's files without what a clock or a gauge says, that in JSON texts included."""
    if isinstance(value, dict):
        return {key: timeless(inner) for key, inner in value.items() if key not in OF_THE_MOMENT}
    if isinstance(value, list):
        return [timeless(inner) for inner in value]
    return timeless(json.loads(value)) if isinstance(value, str) and value.startswith('{"verdict"') else value


def left(folder: Path, task: str) -> str:
    """What a run that ended leaves: its samples by problem, its numbers, and all that is recorded of them."""
    lines = sorted(logged(folder, task), key=lambda line: line["doc_id"])
    found = results(folder)
    return json.dumps(timeless([lines, found["results"], record(found, task)]), sort_keys=True, indent=1)


def chain(forker: Forker, task: str, folder: Path, seed: int) -> Saved:
    """Kill a run at `KILLS` moments by chance while answers come, each time going on, and let it end at last.

    Returns the answers that were there at the last kill.
    """
    total = PROBLEMS[task] * N[task]
    known: Saved = {}
    kills = sorted(random.Random(seed).sample(range(1, total), KILLS))
    for answers in kills:
        before, known = known, forker.killed(task, folder, answers)
        assert known.items() >= before.items(), "an answer was lost, or is another one"
    forker.finished(task, folder, "--resume")
    assert f"resumed: {len(known)} of {total} answers are there" in (folder / "log").read_text()
    # What was under way at a kill is asked for once more: with batches of one, an answer a kill.
    asked = (folder / "asked").read_bytes().count(b"\n")
    assert total <= asked <= total + KILLS, "an answer that was there was asked for again"
    print(f"killed with {kills} of {total} answers, asked for {asked}")
    return known


@pytest.fixture(scope="module")
def undisturbed(forker, tmp_path_factory) -> str:
    """What the greedy run leaves that nobody kills."""
    folder = tmp_path_factory.mktemp("undisturbed")
    forker.finished(GREEDY, folder)
    return left(folder, GREEDY)


@pytest.mark.parametrize("seed", range(4))
def test_a_greedy_run_goes_on_to_the_same_bytes(forker, undisturbed, tmp_path, seed) -> None:
    """Killed again and again, a greedy run goes on to the undisturbed run's samples, numbers and records."""
    chain(forker, GREEDY, tmp_path, seed)
    assert left(tmp_path, GREEDY) == undisturbed


@pytest.mark.parametrize("seed", range(4))
def test_a_sampled_run_loses_nothing_that_had_arrived(forker, tmp_path, seed) -> None:
    """Killed again and again, a sampled run goes on: what had arrived stays, and the rest is new."""
    known = chain(forker, SAMPLED, tmp_path, seed)
    texts = {
        (line["doc"]["task_id"], index): text
        for line in logged(tmp_path, SAMPLED)
        for index, text in enumerate(text for group in line["resps"] for text in group)
    }
    assert len(texts) == PROBLEMS[SAMPLED] * N[SAMPLED]
    assert texts.items() >= known.items()
    assert len(set(texts.values())) == len(texts), "a resumed run drew an answer again"
