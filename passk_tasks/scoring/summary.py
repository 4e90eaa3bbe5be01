"""Records of judged samples, and the score that they add up to.

    records -> counts (n, c) -> pass@k, its uncertainties, and what a person must know to read them

n is counted from the data, problem by problem; nothing here believes a setting about it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Dataset
from passk_tasks.extraction import Extraction
from passk_tasks.judging import libraries, trial
from passk_tasks.program import Judge
from passk_tasks.results.samples import Sample
from passk_tasks.statistics import metrics
from passk_tasks.statistics.estimators import n_at_k
from passk_tasks.statistics.intervals import cluster_of, over_problems, over_samples_of
from passk_tasks.statistics.metrics import PASS, Metric, Score
from passk_tasks.tasks.catalog import TaskSpec
from passk_tasks.verdict import Outcome, Verdict

BASE = "base_"
"""Before the name of a metric: of the base stage of the tests alone."""

ALIKE = 0.05
"""Share of samples, beyond the first of their problem, that must be new; below it sampling has failed.

It is 0 where each problem got one text n times over, and 1 where no two texts are the same.
"""


@dataclass(frozen=True, slots=True)
class Record:
    """What came of one sample.

    Attributes:
        sample: as it was saved.
        extraction: the candidate found in it, and how.
        outcome: what the judge said.
        program_sha256: hash of what was executed; equal hashes were executed once.
        cluster: what its problem shares with others.
    """

    sample: Sample
    extraction: Extraction
    outcome: Outcome
    program_sha256: str
    cluster: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the sample's line of `outcomes.jsonl`; its last three keys where they say something."""
        outcome = self.outcome
        line: dict[str, Any] = {
            "task_id": self.sample.task_id,
            "sample": self.sample.index,
            "verdict": outcome.verdict.value,
            "detail": outcome.detail,
            "extraction": self.extraction.strategy,
            "judge": outcome.judge,
            "cpu_s": outcome.cpu_s,
            "wall_s": outcome.wall_s,
            "peak_mib": outcome.peak_mib,
            "program_sha256": self.program_sha256,
        }
        if outcome.base_passed is not None:
            line["base_passed"] = outcome.base_passed
        if outcome.flags:
            line["flags"] = list(outcome.flags)
        if self.cluster is not None:
            line["cluster"] = self.cluster
        return line


@dataclass(frozen=True)
class Scored:
    """The score of a set of samples.

    Attributes:
        spec: the task as it was scored.
        dataset: its problems, all of them.
        records: one a sample, in input order.
        counts: (n, c) by task_id, in order of appearance; n leaves out what has no verdict (infra_error).
        metrics: pass@k over the problems that have samples, each with both of its uncertainties; base_pass@k
            beside it where the tests have a base stage.
        k_skipped: budgets that some problem has too few samples for.
        verdicts: how many samples ended with each verdict, those that occur.
        distinct: mean over the problems with n > 1 of distinct texts / n; None where there is none.
        layers: of the sandbox that was used; empty where nothing ran.
        clusters: how many sources the problems come from; None where each stands for itself.
        judges: how many of the problems were decided by each judge.
        one_process: why problems were judged in one process that need not be asked for: reason -> problems.
        warnings: what a person must know to read the numbers rightly.
        sandbox_warnings: those of them that are about the sandbox's layers.
        origin: how and when saved samples were scored, and from which files; JSON-ready.
    """

    spec: TaskSpec
    dataset: Dataset
    records: list[Record]
    counts: dict[str, tuple[int, int]]
    metrics: dict[str, Score]
    k_skipped: tuple[int, ...]
    verdicts: dict[str, int]
    distinct: float | None
    layers: dict[str, bool]
    clusters: int | None = None
    judges: Mapping[str, int] = field(default_factory=dict)
    one_process: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    sandbox_warnings: tuple[str, ...] = ()
    origin: Mapping[str, Any] = field(default_factory=dict)

    @property
    def coverage(self) -> float:
        """Share of the task's problems that have samples; those left out count as having none."""
        return len(self.counts) / len(self.dataset.problems)

    @property
    def infra_errors(self) -> int:
        """Samples that remained without a verdict."""
        return self.verdicts.get(Verdict.INFRA_ERROR.value, 0)

    def as_dict(self) -> dict[str, Any]:
        """Return the object of `passk score --json`."""
        settings = self.spec.settings
        ns = set(Counter(record.sample.task_id for record in self.records).values())
        flags = Counter(flag for record in self.records for flag in record.outcome.flags)
        result: dict[str, Any] = {
            "task": self.spec.name,
            "task_version": self.spec.version,
            "problems": len(self.counts),
            "problems_total": len(self.dataset.problems),
            "coverage": self.coverage,
            "samples": len(self.records),
            "n": ns.pop() if len(ns) == 1 else None,
            "k": [k for k in settings.k if k not in self.k_skipped],
            "k_skipped": list(self.k_skipped),
            "metrics": {name: found.as_dict() for name, found in self.metrics.items()},
            "verdicts": self.verdicts,
            "distinct": self.distinct,
            "judge": settings.judge.value,
            "judges": dict(self.judges),
            "sandbox": {"mode": settings.sandbox, "layers": self.layers},
            "limits": settings.limits().as_dict(),
            "dataset": {"source": self.dataset.source, "sha256": self.dataset.sha256},
            "settings": settings.as_dict(),
            "warnings": list(self.warnings),
        }
        if self.dataset.left_out:
            result["left_out"] = {name: list(lacks) for name, lacks in self.dataset.left_out.items()}
        if self.clusters is not None:
            result["clusters"] = self.clusters
        if self.one_process:
            result["one_process"] = dict(self.one_process)
        if flags:
            result["flags"] = dict(flags.most_common())
        return {**result, **self.origin}


def summarise(
    records: Sequence[Record],
    *,
    spec: TaskSpec,
    dataset: Dataset,
    layers: Mapping[str, bool],
    sandbox_warnings: Sequence[str] = (),
) -> Scored:
    """Return the score of records that were judged already, from one process or gathered from several.

    Args:
        records: one a sample.
        spec: the task as it was scored.
        dataset: all of its problems.
        layers: of the sandbox that judged.
        sandbox_warnings: what a person must know of them.
    """
    total: Counter[str] = Counter()
    correct: Counter[str] = Counter()
    base_correct: Counter[str] = Counter()
    texts: defaultdict[str, set[str]] = defaultdict(set)
    sampled: Counter[str] = Counter()
    verdicts: Counter[Verdict] = Counter()
    for record in records:
        task_id, verdict = record.sample.task_id, record.outcome.verdict
        verdicts[verdict] += 1
        sampled[task_id] += 1
        texts[task_id].add(record.sample.text)
        total[task_id] += verdict is not Verdict.INFRA_ERROR
        correct[task_id] += verdict is Verdict.PASSED
        base_correct[task_id] += bool(record.outcome.base_passed) and verdict is not Verdict.INFRA_ERROR
    counts = {task_id: (total[task_id], correct[task_id]) for task_id in sampled}
    fewest = min(total.values(), default=0)
    k_skipped = tuple(k for k in spec.settings.k if k > fewest)
    ks = [k for k in spec.settings.budgets if k <= fewest]
    clusters = {record.sample.task_id: record.cluster for record in records if record.cluster is not None}
    found = estimate(counts, ks, clusters)
    if any(record.outcome.base_passed is not None for record in records):
        base = {task_id: (n, base_correct[task_id]) for task_id, (n, _) in counts.items()}
        found |= {BASE + name: one for name, one in estimate(base, ks, clusters).items()}
        for n, k in submissions(spec.settings.benchmark, ks):
            values = np.array([n_at_k(counts[t][0], base[t][1], counts[t][1], n, k) for t in sorted(counts)])
            share = k / np.array([counts[t][0] for t in sorted(counts)], dtype=np.float64)
            # No unbiased variance over samples is known for it: what holds over problems bounds it.
            bound = over_samples_of(values, None, share)
            shared = cluster_of(sorted(counts), clusters)
            found[f"{n}@{k}"] = Score(Metric(PASS, k), over_problems(values, shared), bound)
    deciders = {r.sample.task_id: r.outcome.judge for r in records if r.outcome.judge}
    one_process: Counter[str] = Counter(
        dataset.problems[task_id].one_process or trial.ONE_PROCESS_ONLY
        for task_id, decider in deciders.items()
        if decider == Judge.SCRIPT.value and spec.settings.judge is Judge.ISOLATED
    )
    shares = [len(texts[task_id]) / n for task_id, n in sampled.items() if n > 1]
    warnings = list(sandbox_warnings)
    if verdicts[Verdict.INFRA_ERROR]:
        warnings.append(
            f"{verdicts[Verdict.INFRA_ERROR]} samples have no verdict (infra_error) and are left out of n: "
            "the numbers are not final"
        )
    if dataset.left_out:
        lacking = libraries.Missing(dataset.left_out)
        warnings.append(
            f"{libraries.explain(lacking, len(dataset.problems))}; they are left out (skip_missing), and the "
            "coverage counts them"
        )
    if k_skipped and counts:
        poorest = next(task_id for task_id in counts if total[task_id] == fewest)
        names = ", ".join(f"pass@{k}" for k in k_skipped)
        warnings.append(f"{names} cannot be estimated and is left out: {poorest} has {fewest} samples")
    if len(set(sampled.values())) > 1:
        warnings.append(
            f"n differs between problems: {min(sampled.values())} to {max(sampled.values())} samples"
        )
    if alike := alike_warning(sampled, texts):
        warnings.append(alike)
    return Scored(
        spec=spec,
        dataset=dataset,
        records=list(records),
        counts=counts,
        metrics=found,
        k_skipped=k_skipped,
        verdicts={verdict.value: verdicts[verdict] for verdict in Verdict if verdicts[verdict]},
        distinct=sum(shares) / len(shares) if shares else None,
        layers=dict(layers),
        judges=dict(Counter(deciders.values()).most_common()),
        one_process=dict(one_process.most_common()),
        clusters=len({clusters.get(task_id, task_id) for task_id in counts}) if clusters else None,
        warnings=tuple(warnings),
        sandbox_warnings=tuple(sandbox_warnings),
    )


def estimate(
    counts: Mapping[str, tuple[int, int]], ks: Sequence[int], clusters: Mapping[str, str] | None = None
) -> dict[str, Score]:
    """Return pass@k over problems of (n, c), keyed `pass@k`.

    Args:
        counts: (n, c) by task_id; n may differ and must be at least k.
        ks: the budgets.
        clusters: what problems share, by task_id; those that share nothing may be left out.
    """
    if not counts:
        return {}
    # By task_id, so that neither the order of a file nor the number of ranks moves the last digit of a sum.
    pairs = np.array([counts[task_id] for task_id in sorted(counts)])
    shared = cluster_of(sorted(counts), clusters or {})
    wanted = [Metric(PASS, k) for k in ks]
    return {metric.name: metrics.score(metric, pairs[:, 0], pairs[:, 1], shared) for metric in wanted}


def submissions(benchmark: str, ks: Sequence[int]) -> list[tuple[int, int]]:
    """Return (n, k) of each n@k that a benchmark reports for these budgets; where n ≥ k it is pass@k."""
    return [(n, k) for k in ks for n in benchmarks.get(benchmark).submissions if n < k]


def alike_warning(sampled: Mapping[str, int], texts: Mapping[str, set[str]]) -> str | None:
    """Return what to say where the n samples of a problem are all or nearly all the same text, else None.

    Args:
        sampled: samples of each problem.
        texts: its distinct texts.
    """
    news = [(len(texts[task_id]) - 1) / (n - 1) for task_id, n in sampled.items() if n > 1]
    if not news or sum(news) / len(news) >= ALIKE:
        return None
    return (
        "the samples of a problem are all or nearly all identical, so pass@k for k > 1 says little: either "
        "they were generated greedily (do_sample, temperature), or a server got the same seed with every "
        "request (generate with --metadata passk.seeds=distinct), or a cache answered for the model"
    )
