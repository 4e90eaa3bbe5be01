"""One of several ranks of an lm-eval evaluation, started by test_ranks.py: `python rank.py FOLDER PORT`.

With torch the ranks are a gloo group, as under `torchrun`. Without it two processes talk over a socket, and a
module of two functions stands in for what `lm_eval.evaluator` itself asks of torch: to wrap one number.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import json
import os
import sys
import time
import types
from multiprocessing.connection import Client, Listener
from pathlib import Path
from typing import Any

import lm_eval
from lm_eval.api.task import Task
from lm_eval.tasks import TaskManager

from passk_tasks.harness.replay import ReplayLM
from passk_tasks.tasks.catalog import task_configs_path

RANK = int(os.environ["RANK"])
KEY = b"ranks"


class Number(list):
    """What lm-eval does to the tensor of counts that it gathers."""

    def cpu(self) -> Number:
        return self

    detach = numpy = cpu

    def tolist(self) -> list[int]:
        return list(self)


class SocketGroup:
    """Two ranks that talk over a socket, with the calls of `passk_tasks.harness.distributed.Group`."""

    rank, world_size = RANK, 2

    def __init__(self, port: int) -> None:
        address = ("127.0.0.1", port)
        if RANK == 0:
            self.peer = Listener(address, authkey=KEY).accept()
            return
        while not hasattr(self, "peer"):
            with contextlib.suppress(ConnectionRefusedError):  # rank 0 is still importing
                self.peer = Client(address, authkey=KEY)
            time.sleep(0.05)

    def exchange(self, value: Any) -> list[Any]:
        self.peer.send(value)
        other = self.peer.recv()
        return [value, other] if RANK == 0 else [other, value]

    def all_gather(self, tensor: Number) -> Number:
        return Number(self.exchange(tensor[0]))

    def gather_object(self, value: Any, dst: int) -> list[Any] | None:
        values = self.exchange(value)
        return values if dst == RANK else None

    def barrier(self) -> None:
        self.exchange(None)


def model(port: int) -> ReplayLM:
    """The replay model as one of two ranks."""
    if importlib.util.find_spec("torch"):
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        return ReplayLM()
    stand_in = types.ModuleType("torch")
    stand_in.__spec__ = importlib.machinery.ModuleSpec("torch", None)
    stand_in.manual_seed = lambda seed: None
    stand_in.tensor = lambda value, device=None: Number([value])
    sys.modules["torch"] = stand_in
    del os.environ["WORLD_SIZE"]
    made = ReplayLM()
    made._group, made._rank, made._world_size = SocketGroup(port), RANK, 2
    return made


def load(seeds: str) -> Task:
    """The task, with few enough samples for a quick test."""
    metadata = {"passk.samples": 3, "passk.k": [1, 2], "passk.seeds": seeds}
    path = str(task_configs_path())
    manager = TaskManager(include_path=path, include_defaults=False, metadata=metadata)
    return manager.load(["passk_humaneval"])["tasks"]["passk_humaneval"]


def main(folder: Path, port: int) -> None:
    """Evaluate with both shapes of requests and leave what lm-eval returns on rank 0."""
    tasks = {seeds: load(seeds) for seeds in ("same", "distinct")}  # before anything calls itself torch
    lm = model(port)
    for seeds, task in tasks.items():
        found = lm_eval.simple_evaluate(
            model=lm,
            tasks=[task],
            task_manager=TaskManager(include_defaults=False),  # the default one reads thousands of files
            limit=5,  # odd, so that one rank is padded
            confirm_run_unsafe_code=True,
            bootstrap_iters=1,
        )
        assert (found is None) == (RANK != 0)
        if found is not None:
            (folder / f"{seeds}.json").write_text(json.dumps(found, default=str))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
