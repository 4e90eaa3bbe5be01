"""What the samples of a run say of its cost, and of answers that were cut off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from passk_tasks.results.findings import CUT_OFF, CUT_REASONING, Finding
from passk_tasks.results.spent import FENCE, REASONING, Cost, CutOff, Spent
from passk_tasks.scoring.records import Kind
from passk_tasks.statistics.metrics import PASS, Metric
from passk_tasks.statistics.rounding import percent
from passk_tasks.statistics.spending import cut_bounds
from passk_tasks.tasks.values import Price
from passk_tasks.verdict import Verdict

LOUD = 0.02
"""Share of answers that were cut off, above which a run warns of it."""


def cut_off(kinds: Counter[Kind], counts: Mapping[str, tuple[int, int]], ks: Iterable[int]) -> CutOff:
    """Return how many answers were cut off, and between which numbers each pass@k lies for it."""
    samples = 0
    signs, limits = Counter[str](), Counter[bool | None]()
    cut, correct = Counter[str](), Counter[str]()  # by task_id, of those with a verdict
    for kind, count in kinds.items():
        limits[kind.limit_hit] += count
        if kind.unfinished is not None:
            signs[kind.unfinished] += count
        if not kind.cut_off:
            continue
        samples += count
        if kind.verdict is not Verdict.INFRA_ERROR:
            cut[kind.task_id] += count
            correct[kind.task_id] += count * (kind.verdict is Verdict.PASSED)
    bounds = {}
    if cut:
        task_ids = sorted(counts)
        pairs = np.array([counts[task_id] for task_id in task_ids], dtype=np.int64)
        ended_early = np.array([(cut[task_id], correct[task_id]) for task_id in task_ids], dtype=np.int64)
        (n, c), (early, early_correct) = pairs.T, ended_early.T
        bounds = {Metric(PASS, k).name: cut_bounds(n, c, early, early_correct, k) for k in ks}
    return CutOff(
        samples=samples,
        of=kinds.total(),
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
        f"{cut.samples} of {cut.of} answers ({percent(cut.share, 1)}) were cut off ({shown}): "
        f"{ends or 'no score'} (all of them wrong, or as right as the rest)",
        "generate again with a larger limit, --gen_kwargs max_gen_toks=…",
    )


def without_code(kinds: Counter[Kind]) -> dict[str, int]:
    """Return how many samples without code (`no_code`) ended in each way, the most frequent first."""
    ways = Counter[str]()
    for kind, count in kinds.items():
        if kind.verdict is Verdict.NO_CODE:
            ways[kind.strategy.partition("+")[0].removeprefix("none:")] += count
    return dict(ways.most_common())


class Tokens:
    """Tokens of samples, as they are added up.

    Attributes:
        counted: how many samples have a number of tokens, by who counted these.
        tokens_in: of their prompts.
        tokens_out: of their answers.
    """

    def __init__(self) -> None:
        self.counted = Counter[str]()
        self.tokens_in = self.tokens_out = 0

    def add(self, spent: Spent | None) -> None:
        """Take in what a sample took."""
        if spent is not None and spent.tokens_out is not None:
            self.counted[spent.by] += 1
            self.tokens_in += spent.tokens_in or 0
            self.tokens_out += spent.tokens_out

    def cost(
        self,
        samples: int,
        counts: Mapping[str, tuple[int, int]],
        price: Price | None,
        judging_s: float | None,
    ) -> Cost:
        """Return what a run cost, but for the time of generation, which no record has."""
        return Cost(
            samples=samples,
            solved=sum(c > 0 for _, c in counts.values()),
            judging_s=judging_s,
            counted=dict(self.counted),
            tokens_in=self.tokens_in,
            tokens_out=self.tokens_out,
            price=price,
        )
