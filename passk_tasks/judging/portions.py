"""How the programs of a batch are portioned out among nodes, and what becomes of those of lost nodes."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

BATCH = 64
"""Most programs in a batch: a lost one costs little, and the engine's share is small."""

# Towards the end a batch is one of so many equal ones a node, so that no node ends long after the others.
_PORTION = 4

_LOSSES = 2  # of a batch, until its programs are tried one by one


@dataclass(eq=False)
class Batch:
    """Programs that are sent together."""

    indices: list[int]
    losses: int = 0

    @property
    def alone(self) -> bool:
        """Whether it is one program that may be what ends nodes."""
        return self.losses >= _LOSSES


class Waiting:
    """The positions of the programs that no node has: those that nobody had, and those of lost nodes."""

    def __init__(self, count: int) -> None:
        self._next, self._count = 0, count
        self._lost: deque[Batch] = deque()

    def __bool__(self) -> bool:
        return self._next < self._count or bool(self._lost)

    def take(self, nodes: int, *, alone: bool) -> Batch | None:
        """Return what is to be judged next; None where there is nothing that may go now.

        `nodes` share what is left; `alone`: it goes to a node that has nothing else.
        """
        left = self._count - self._next
        if left:
            start = self._next
            self._next += min(BATCH, math.ceil(left / (_PORTION * nodes)))
            return Batch(list(range(start, self._next)))
        if not self._lost or (self._lost[0].alone and not alone):
            return None
        return self._lost.popleft()

    def put_back(self, batch: Batch) -> list[int]:
        """Put back what a lost node held, behind all else; return those that were tried often enough."""
        if batch.alone:
            return batch.indices
        losses = batch.losses + 1
        parts = [[index] for index in batch.indices] if losses >= _LOSSES else [batch.indices]
        self._lost.extend(Batch(part, losses) for part in parts)
        return []
