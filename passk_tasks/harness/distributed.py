"""The processes that `torchrun` or `accelerate launch` started, for a model that does not use torch.

lm-eval distributes the documents over the ranks and gathers the metrics through the model object. A model
takes part by knowing its rank and offering three calls. torch, which lm-eval itself uses there, is imported
only where a launcher started more than one process.
"""

from __future__ import annotations

import atexit
import os
from typing import Any

from passk_tasks.errors import UsageError


class Group:
    """The processes of this run: one, or as many as the launcher started."""

    def __init__(self) -> None:
        self.world_size = max(1, int(os.environ.get("WORLD_SIZE") or 1))
        self.rank = int(os.environ.get("RANK") or 0) if self.world_size > 1 else 0
        if self.world_size == 1:
            return
        try:
            import torch.distributed as dist
        except ImportError as error:
            raise UsageError(
                f"WORLD_SIZE is {self.world_size}, and several processes need torch to talk to each other: "
                "install it, or start one process"
            ) from error
        self._dist: Any = dist
        if not dist.is_initialized():
            dist.init_process_group("gloo")  # no GPU is needed to play samples back
            atexit.register(dist.destroy_process_group)

    def all_gather(self, tensor: Any) -> Any:
        """Return the tensors of all ranks, one after the other."""
        if self.world_size == 1:
            return tensor
        import torch

        parts = [torch.zeros_like(tensor) for _ in range(self.world_size)]
        self._dist.all_gather(parts, tensor)
        return torch.stack(parts) if tensor.dim() == 0 else torch.cat(parts)

    def gather_object(self, value: Any, dst: int) -> list[Any] | None:
        """Return the values of all ranks on rank `dst`, and None elsewhere."""
        if self.world_size == 1:
            return [value]
        values: list[Any] | None = [None] * self.world_size if self.rank == dst else None
        self._dist.gather_object(value, values, dst=dst)
        return values

    def barrier(self) -> None:
        """Wait for all ranks."""
        if self.world_size > 1:
            self._dist.barrier()
