"""What the records of a run say of its cost, and of answers that were cut off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from passk_tasks.results.findings import CUT_OFF, CUT_REASONING, Finding
from passk_tasks.results.spent import FENCE, REASONING, Cost, CutOff, Spent
from passk_tasks.scoring.records import Record
from passk_tasks.statistics.metrics import PASS, Metric
from passk_tasks.statistics.spending import cut_bounds
from passk_tasks.tasks.values import Price
from passk_tasks.verdict import Verdict

LOUD = 0.02
"""Share of answers that were cut off, above which a run warns of it."""


def is_cut_off(record: Record) -> bool:
    """Whether an answer shows a sign of having been cut off."""
    return record.unfinished is not None or bool(_spent(record).limit_hit)


def cut_off(records: Sequence[Record], counts: Mapping[str, tuple[int, int]], ks: Iterable[int]) -> CutOff:
    """Return how many answers were cut off, and between which numbers each pass@k lies for it.

    Args:
        records: of the run.
        counts: (n, c) by task_id.
        ks: budgets, at most the smallest n.
    """
    samples = 0
    signs, limits = Counter[str](), Counter[bool | None]()
    cut, correct = Counter[str](), Counter[str]()  # by task_id, of those with a verdict
    for record in records:  # once, since they may lie on the disk
        limits[_spent(record).limit_hit] += 1
        if record.unfinished is not None:
            signs[record.unfinished] += 1
        if not is_cut_off(record):
            continue
        samples += 1
        if record.outcome.verdict is not Verdict.INFRA_ERROR:
            cut[record.sample.task_id] += 1
            correct[record.sample.task_id] += record.outcome.passed
    bounds = {}
    if cut:
        task_ids = sorted(counts)
        pairs = np.array([counts[task_id] for task_id in task_ids], dtype=np.int64)
        ended_early = np.array([(cut[task_id], correct[task_id]) for task_id in task_ids], dtype=np.int64)
        (n, c), (early, early_correct) = pairs.T, ended_early.T
        bounds = {Metric(PASS, k).name: cut_bounds(n, c, early, early_correct, k) for k in ks}
    return CutOff(
        samples=samples,
        of=len(records),
        reasoning=signs[REASONING],
        fence=signs[FENCE],
        limit_hit=limits[True],
        limit_unknown=limits[None],
        bounds=bounds,
    )


def cut_finding(cut: CutOff) -> Iterator[Finding]:
    """Yield what to say where many answers were cut off."""
    if cut.share <= LOUD:
        return
    signs = {
        "ended by the limit of tokens": cut.limit_hit,
        "with reasoning that never ended": cut.reasoning,
        "with a fence that never ended": cut.fence,
    }
    shown = ", ".join(f"{count} {sign}" for sign, count in signs.items() if count)
    ends = "; ".join(
        f"{name} is between {low:.4f} and {high:.4f}" for name, (low, high) in cut.bounds.items()
    )
    yield Finding(
        CUT_REASONING if 2 * cut.reasoning > cut.samples else CUT_OFF,
        f"{cut.samples} of {cut.of} answers ({cut.share:.1%}) were cut off ({shown}): {ends or 'no score'} "
        "(all of them wrong, or as right as the rest)",
        "generate again with a larger limit, --gen_kwargs max_gen_toks=…",
    )


def without_code(records: Sequence[Record]) -> dict[str, int]:
    """Return how many samples without code (`no_code`) ended in each way, the most frequent first."""
    return dict(
        Counter(
            record.extraction.strategy.partition("+")[0].removeprefix("none:")
            for record in records
            if record.outcome.verdict is Verdict.NO_CODE
        ).most_common()
    )


def cost(
    records: Sequence[Record],
    counts: Mapping[str, tuple[int, int]],
    price: Price | None,
    judging_s: float | None,
) -> Cost:
    """Return what a run cost, but for the time of generation, which no record has.

    Args:
        records: of the run.
        counts: (n, c) by task_id.
        price: of tokens.
        judging_s: wall seconds of judging.
    """
    counted, tokens_in, tokens_out = Counter[str](), 0, 0
    for spent in map(_spent, records):
        if spent.tokens_out is not None:
            counted[spent.by] += 1
            tokens_in += spent.tokens_in or 0
            tokens_out += spent.tokens_out
    return Cost(
        samples=len(records),
        solved=sum(c > 0 for _, c in counts.values()),
        judging_s=judging_s,
        counted=dict(counted),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        price=price,
    )


def _spent(record: Record) -> Spent:
    return record.sample.spent or Spent()
