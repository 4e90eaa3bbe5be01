"""Helpers of the tests of harness/: a canned model, and what lm-eval leaves in a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # before lm-eval is imported: its libraries read it once

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

ROOT = Path(__file__).resolve().parents[2]

Answer = Callable[[dict[str, Any], int], str]


class Canned(LM):
    """A model whose answer to the i-th request for a document is a function of the two."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer
        self.requests: list[Instance] = []

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        self.requests += requests
        asked: dict[str, int] = {}
        answers = []
        for request in requests:
            task_id = request.doc["task_id"]
            asked[task_id] = asked.get(task_id, -1) + 1
            answers.append(self.answer(request.doc, asked[task_id]))
        return answers

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        raise NotImplementedError

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        raise NotImplementedError


def canonical(doc: dict[str, Any], index: int) -> str:
    """Every sample is right, and no two texts are the same."""
    return f"{doc['canonical_solution']}\n    # sample {index}\n"


def alternating(doc: dict[str, Any], index: int) -> str:
    """Samples 0, 2, 4, … are right, the others return None."""
    return canonical(doc, index) if index % 2 == 0 else f"    return None  # sample {index}\n"


def environment(**changes: str) -> dict[str, str]:
    """The environment of a command: offline, with this checkout, and of no launcher."""
    launcher = {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"}
    kept = {name: value for name, value in os.environ.items() if name not in launcher}
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**kept, "HF_HUB_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(paths), **changes}


def results(folder: Path) -> dict[str, Any]:
    """lm-eval's results file in a folder; there must be one."""
    (path,) = folder.glob("**/results_*.json")
    return json.loads(path.read_text(encoding="utf-8"))


def record(found: dict[str, Any], task: str = "passk_humaneval") -> dict[str, Any]:
    """Our provenance in lm-eval's results."""
    return found["configs"][task]["metadata"]["passk_results"]


def logged(folder: Path, task: str = "passk_humaneval") -> list[dict[str, Any]]:
    """Lines of lm-eval's samples file in a folder; there must be one."""
    return [json.loads(line) for line in samples_file(folder, task).read_text(encoding="utf-8").splitlines()]


def samples_file(folder: Path, task: str = "passk_humaneval") -> Path:
    """lm-eval's samples file in a folder; there must be one."""
    (path,) = folder.glob(f"**/samples_{task}_2*.jsonl")
    return path


def outcomes(line: dict[str, Any]) -> list[dict[str, Any]]:
    """The outcomes in one line of samples, whichever shape its requests have."""
    groups = line["filtered_resps"]
    texts = [text for group in groups for text in (group if isinstance(group, list) else [group])]
    return [json.loads(text) for text in texts]
