"""Records of judged samples, and the score that they add up to.

    records -> counts (n, c) -> pass@k, its uncertainties, and what a person must know to read them

n is counted from the data, problem by problem; nothing here believes a setting about it.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Dataset
from passk_tasks.judging import libraries, own_environment, trial
from passk_tasks.program import Judge
from passk_tasks.results import model
from passk_tasks.results.findings import IDENTICAL, Finding
from passk_tasks.results.summary import Summary
from passk_tasks.scoring import diagnosis, spending
from passk_tasks.scoring.diagnosis import Evidence
from passk_tasks.scoring.records import Kind
from passk_tasks.scoring.records import Record as Record
from passk_tasks.statistics import metrics
from passk_tasks.statistics.estimators import max_at_k
from passk_tasks.statistics.intervals import cluster_of, over_problems, over_samples_of
from passk_tasks.statistics.metrics import KEPT, MAX, Score
from passk_tasks.tasks.catalog import TaskSpec
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Machine, Outcome, Verdict

ALIKE = 0.05
"""Share of samples, beyond the first of their problem, that must be new; below it sampling has failed.

It is 0 where each problem got one text n times over, and 1 where no two texts are the same.
"""


@dataclass(frozen=True, kw_only=True, repr=False)
class Scored(Summary):
    """The score of a set of samples, with each of them.

    Attributes:
        spec: the task as it was scored.
        dataset: its problems, all of them.
        records: one a sample, in input order.
        counts: (n, c) by task_id, in order of appearance; n leaves out what has no verdict (infra_error).
        sandbox_warnings: those of `warnings` that are about the sandbox's layers.
        resumed: samples whose verdicts an earlier scoring had left in the folder of the results.
        seen: what the texts show of the way they were asked for and read.
    """

    spec: TaskSpec = field(repr=False)
    dataset: Dataset = field(repr=False)
    records: Sequence[Record] = field(repr=False)
    counts: dict[str, tuple[int, int]] = field(repr=False)
    sandbox_warnings: tuple[str, ...] = ()
    resumed: int = 0
    seen: Evidence = field(default_factory=Evidence, repr=False)


def summarise(
    records: Sequence[Record],
    *,
    spec: TaskSpec,
    dataset: Dataset,
    layers: Mapping[str, bool],
    sandbox_warnings: Sequence[str] = (),
    judging_s: float | None = None,
    machines: Sequence[Machine] = (),
    seen: Evidence | None = None,
    grouped: Grouped | None = None,
) -> Scored:
    """Return the score of records that were judged already, from one process or gathered from several.

    `layers` are the sandbox's, `sandbox_warnings` what to know of them, `judging_s` the wall seconds that it
    took, `machines` who judged, `grouped` the records by problem, where somebody has them; the rest is as
    `Scored` has it.
    """
    grouped = grouped or Grouped(records)
    outcomes, texts, clusters = grouped.outcomes, grouped.texts, grouped.clusters
    counts, settings = model.counts_of(outcomes), spec.settings
    fewest = min((n for n, _ in counts.values()), default=0)
    k_skipped = tuple(k for k in settings.k if k > fewest)
    verdicts = Counter(outcome.verdict for mine in outcomes.values() for outcome in mine)
    deciders = {name: one.judge for name, mine in outcomes.items() for one in mine if one.judge}
    ks = [k for k in settings.budgets if k <= fewest]
    cut, seen = spending.cut_off(grouped.kinds, counts, ks), seen or Evidence()
    found = (*diagnosis.found_in(grouped.kinds, seen, spec), *spending.cut_finding(cut), *_identical(texts))
    cautioned = (*cautions(spec, dataset), *_warnings(counts, k_skipped, texts, dataset, settings))
    scored = Scored(
        spec=spec,
        dataset=dataset,
        records=records,
        counts=counts,
        task=spec.name,
        task_version=spec.version,
        problems=len(counts),
        problems_total=len(dataset.problems),
        samples=len(records),
        n=_common_length(texts.values()),
        k=tuple(k for k in settings.k if k <= fewest),
        k_skipped=k_skipped,
        metrics=_scores(grouped, counts, ks, settings),
        verdicts={verdict.value: verdicts[verdict] for verdict in Verdict if verdicts[verdict]},
        distinct=_distinct(texts),
        judges=dict(Counter(deciders.values()).most_common()),
        one_process=_one_process(deciders, spec, dataset),
        layers=dict(layers),
        clusters=len({clusters.get(task_id, task_id) for task_id in counts}) if clusters else None,
        flags=_flags(grouped.kinds),
        no_code=spending.without_code(grouped.kinds),
        cut_off=cut,
        machines=tuple(machines),
        cost=grouped.tokens.cost(len(records), counts, settings.price, judging_s),
        findings=found,
        seen=seen,
        warnings=(*map(str, found), *sandbox_warnings, *cautioned),
        sandbox_warnings=tuple(sandbox_warnings),
    )
    return _with_conditions(scored)


def told(machines: Sequence[Machine], settings: Settings) -> tuple[Machine, ...]:
    """Return who judged, where results say it: a cluster's nodes, or several machines."""
    return tuple(machines) if settings.cluster is not None or len(machines) > 1 else ()


def _with_conditions(scored: Scored) -> Scored:
    """Return a score with what task and dataset say, whatever the samples are."""
    dataset, settings = scored.dataset, scored.spec.settings
    return replace(
        scored,
        judge=settings.judge.value,
        sandbox=settings.sandbox,
        limits=_limits(settings),
        dataset_source=dataset.source,
        dataset_sha256=dataset.sha256,
        settings=settings.as_dict(),
        left_out=dataset.left_out,
        unpinned={name: pin for name, (pin, _) in own_environment.unpinned(dataset, settings).items()},
        out_of_reach=own_environment.unread(dataset, settings),
        untested=dataset.untested,
    )


class Grouped:
    """By task_id what numbers are made of: eight bytes a sample and column, however large it is.

    Attributes:
        outcomes: of each its verdict, judge and base stage.
        texts: a hash of each.
        answers: the verdict, and whether the answer may be left out of n.
        shares: of cases that hold, where they are known.
        clusters: what the problem shares with others.
        kinds: how many samples of all problems are of each.
        tokens: of all samples.
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.outcomes: defaultdict[str, list[Outcome]] = defaultdict(list)
        self.texts: defaultdict[str, array[int]] = defaultdict(lambda: array("Q"))
        self.answers: defaultdict[str, list[tuple[str, bool]]] = defaultdict(list)
        self.shares: defaultdict[str, array[float]] = defaultdict(lambda: array("d"))
        self.clusters: dict[str, str] = {}
        self.kinds, self.tokens = Counter[Kind](), spending.Tokens()
        self._shared: dict[object, Any] = {}  # few differ
        for record in records:
            self.add(record)

    def add(self, record: Record) -> None:
        """Take in a sample."""
        task_id, outcome, text = record.sample.task_id, record.outcome, record.sample.text
        light = Outcome(outcome.verdict, judge=outcome.judge, base_passed=outcome.base_passed)
        answer = (outcome.verdict.value, record.left_out)
        self.outcomes[task_id].append(self._shared.setdefault(light, light))
        self.answers[task_id].append(self._shared.setdefault(answer, answer))
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self.texts[task_id].append(int.from_bytes(digest, "big"))
        self.shares[task_id].extend(() if record.share is None else (record.share,))
        if record.cluster is not None:
            self.clusters[task_id] = record.cluster
        self.kinds[record.kind] += 1
        self.tokens.add(record.sample.spent)


def _flags(kinds: Counter[Kind]) -> dict[str, int]:
    """Return how many samples have each flag, the most frequent first."""
    flags = Counter[str]()
    for kind, count in kinds.items():
        for flag in kind.flags:
            flags[flag] += count
    return dict(flags.most_common())


def _scores(
    grouped: Grouped, counts: Mapping[str, tuple[int, int]], ks: Sequence[int], settings: Settings
) -> dict[str, Score]:
    """Return all metrics that are reported of a task."""
    benchmark, clusters = benchmarks.get(settings.benchmark), grouped.clusters
    scores = estimate(counts, ks, clusters, model.base_counts_of(grouped.outcomes), benchmark.submissions)
    scores |= _kept_scores(grouped.answers, ks, clusters) if benchmark.own_n else {}
    scores |= _largest_shares(grouped.shares, ks, clusters) if settings.partial else {}
    return scores


def _kept_scores(
    answers: Mapping[str, Sequence[tuple[str, bool]]], ks: Sequence[int], clusters: Mapping[str, str]
) -> dict[str, Score]:
    """Return pass@k with the n of the benchmark's own program, as `kept_pass@k`."""
    scores = {}
    for k in ks:
        counts = {task_id: kept_counts(mine, k) for task_id, mine in answers.items()}
        for score in estimate(counts, [k], clusters).values():
            scores[KEPT + score.name] = replace(score, name=KEPT + score.name)
    return scores


def _largest_shares(
    of_problems: Mapping[str, Sequence[float]], ks: Sequence[int], clusters: Mapping[str, str]
) -> dict[str, Score]:
    """Return max@k of the shares of cases that hold; their uncertainty over samples is the labelled bound."""
    named = sorted(of_problems)
    shares = [of_problems[name] for name in named]
    shared = cluster_of(named, clusters)
    scores = {}
    for k in ks:
        if all(len(mine) >= k for mine in shares):
            values = [min(max_at_k(mine, k), 1.0) for mine in shares]
            over_samples = over_samples_of(values, None, 1.0)
            scores[f"{MAX}{k}"] = Score(f"{MAX}{k}", over_problems(values, shared), over_samples)
    return scores


def kept_counts(answers: Sequence[tuple[str, bool]], k: int) -> tuple[int, int]:
    """Return the (n, c) of a problem of which pass@k is what the benchmark's own program makes of it.

    It leaves answers out of n if another one is right. Where fewer than k are left, that one is certain to be
    among them.

    Args:
        answers: the verdict of each, and whether it is one that the program leaves out.
        k: the budget.
    """
    judged = [(verdict, out) for verdict, out in answers if verdict != Verdict.INFRA_ERROR.value]
    kept = [verdict for verdict, out in judged if not out]
    correct = kept.count(Verdict.PASSED.value)
    return (max(len(kept), k) if correct else len(judged), correct)


def _limits(settings: Settings) -> dict[str, float]:
    """Return the limits, and what `timeout_s` means: for each call, and how long all of them may take."""
    limits = settings.limits().as_dict()
    whole_times = benchmarks.get(settings.benchmark).whole_times
    if whole_times is not None:
        limits["whole_s"] = whole_times * settings.timeout_s
        if settings.judge is not Judge.SCRIPT:
            limits["call_s"] = settings.timeout_s
    return limits


def _common_length(each: Iterable[Sequence[int]]) -> int | None:
    lengths = {len(mine) for mine in each}
    return lengths.pop() if len(lengths) == 1 else None


def _distinct(texts: Mapping[str, Sequence[int]]) -> float | None:
    shares = [len(set(mine)) / len(mine) for mine in texts.values() if len(mine) > 1]
    return sum(shares) / len(shares) if shares else None


def _one_process(deciders: Mapping[str, str], spec: TaskSpec, dataset: Dataset) -> dict[str, int]:
    if spec.settings.judge is not Judge.ISOLATED:
        return {}
    script = [task_id for task_id, judge in deciders.items() if judge == Judge.SCRIPT.value]
    family = benchmarks.get(spec.settings.benchmark)
    reasons = [family.one_process(dataset.problems[task_id]) or trial.ONE_PROCESS_ONLY for task_id in script]
    return dict(Counter(reasons).most_common())


def cautions(spec: TaskSpec, dataset: Dataset) -> Iterator[str]:
    """Yield what is known before any sample, and says what a number is not."""
    yield from dataset.warnings
    if "" in spec.examples and spec.settings.shots is None:
        yield (
            "the worked example in the prompt is this package's own, so these are not the numbers of a "
            "leaderboard or a model card, whose examples differ: passk.shots=PATH names others"
        )
    number_of = benchmarks.get(spec.settings.benchmark).task_id_of
    shown = [name for name in map(number_of, spec.examples) if name in dataset.problems]
    if shown and spec.settings.shots is None:
        yield f"{len(shown)} problems stand solved in the prompt of all others: {', '.join(shown)}"


def _warnings(
    counts: Mapping[str, tuple[int, int]],
    k_skipped: Sequence[int],
    texts: Mapping[str, Sequence[int]],
    dataset: Dataset,
    settings: Settings,
) -> Iterator[str]:
    sizes = [len(mine) for mine in texts.values()]
    without = sum(sizes) - sum(n for n, _ in counts.values())
    if without:
        yield (
            f"{without} samples have no verdict (infra_error) and are left out of n: the numbers are not "
            "final"
        )
    if dataset.left_out:
        lacking = libraries.explain(dataset.left_out, len(dataset.problems), dataset, settings)
        yield f"{lacking}; they are left out (skip_missing), and the coverage counts them"
    yield from own_environment.warnings(dataset, settings)
    if k_skipped and counts:
        poorest = min(counts, key=lambda task_id: counts[task_id][0])
        names = ", ".join(f"pass@{k}" for k in k_skipped)
        has = f"{counts[poorest][0]} samples with a verdict"
        yield f"{names} cannot be estimated and is left out: {poorest} has {has}"
    if len(set(sizes)) > 1 and settings.top_up is None:
        yield f"n differs between problems: {min(sizes)} to {max(sizes)} samples"


def _identical(texts: Mapping[str, Sequence[int]]) -> Iterator[Finding]:
    news = [(len(set(mine)) - 1) / (len(mine) - 1) for mine in texts.values() if len(mine) > 1]
    if news and sum(news) / len(news) < ALIKE:
        yield Finding(
            IDENTICAL,
            "the samples of a problem are all or nearly all identical, so pass@k for k > 1 says little",
            "either they were generated greedily (do_sample, temperature), or a server got the same seed "
            "with every request (generate with --metadata passk.seeds=distinct), or a cache answered for the "
            "model",
        )


def estimate(
    counts: Mapping[str, tuple[int, int]],
    ks: Sequence[int],
    clusters: Mapping[str, str] | None = None,
    base: Mapping[str, int] | None = None,
    submissions: Sequence[int] = (),
) -> dict[str, Score]:
    """Return the metrics that are reported unasked, by name.

    Args:
        counts: (n, c) by task_id; n may differ and must be at least k.
        ks: the budgets.
        clusters: what problems share, by task_id; those that share nothing may be left out.
        base: samples that passed the base stage, by task_id; None where the tests have none.
        submissions: numbers of submissions that the benchmark allows.
    """
    if not counts:
        return {}
    # By task_id, so that neither the order of a file nor the number of ranks moves the last digit of a sum.
    pairs = np.array([counts[task_id] for task_id in sorted(counts)])
    shared = cluster_of(sorted(counts), clusters or {})
    staged = None if base is None else np.array([base[task_id] for task_id in sorted(counts)])
    return {
        metric.name: metrics.score(metric, pairs[:, 0], pairs[:, 1], shared, staged)
        for metric in metrics.reported(ks, base=base is not None, submissions=submissions)
    }
