"""pass@k of counts with its uncertainty over samples, as every command has it."""

from __future__ import annotations

from typing import Any

from passk_tasks.statistics.intervals import Estimate
from passk_tasks.statistics.metrics import PASS, Metric, score


def over_samples(n: Any, c: Any, k: int) -> Estimate:
    """Return pass@k of these problems with its uncertainty over samples alone."""
    return score(Metric(PASS, k), n, c).over_samples
