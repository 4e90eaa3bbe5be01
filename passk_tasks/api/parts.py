"""What several of the functions need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from passk_tasks.errors import UsageError
from passk_tasks.results import joining
from passk_tasks.statistics.metrics import PASS, Counts, Metric

# What scoring does not need is imported by the functions that need it, so that scoring starts at once.
if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from passk_tasks.results.model import Run


def metrics_of(named: Sequence[str | Metric] | None) -> list[Metric] | None:
    """Return metrics by their names; a name that is none is the user's mistake."""
    return None if named is None else list(map(metric_of, named))


def metric_of(named: str | Metric) -> Metric:
    """Return a metric by its name; a name that is none is the user's mistake."""
    with for_people():
        return named if isinstance(named, Metric) else Metric.parse(named)


def counted(
    run: Run, ks: Sequence[int] = ()
) -> tuple[list[str], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the task_ids of a run with n and c of each, once these budgets are known to fit."""
    task_ids, n, c = joining.counted(run)
    budgets = [Metric(PASS, k) for k in ks if k > 0]  # the statistics refuse others
    joining.check_metrics(run, budgets, task_ids, Counts(n, c))
    return task_ids, n, c


@contextmanager
def for_people(path: Path | None = None) -> Iterator[None]:
    """Turn a ValueError of the statistics into a UsageError that names the results file."""
    try:
        yield
    except ValueError as error:
        raise UsageError(str(error) if path is None else f"{path}: {error}") from None
