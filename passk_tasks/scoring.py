"""Samples in, `Scored` out: what `passk score` and the task class share.

    samples -> candidates -> programs -> one batch of judging -> records -> counts (n, c) -> pass@k

n is counted from the data, problem by problem; nothing here believes a setting about it.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from passk_tasks import benchmarks, extraction
from passk_tasks.benchmarks import Dataset
from passk_tasks.benchmarks.contests import LINES
from passk_tasks.errors import SamplesError, UsageError, did_you_mean
from passk_tasks.extraction import Extraction, Strategy
from passk_tasks.judging import batch, libraries, trial
from passk_tasks.problem import Problem
from passk_tasks.program import Judge, Program, StdioTests, Tests
from passk_tasks.results.samples import COMPLETION, RESPONSE, SOLUTION, Sample
from passk_tasks.statistics import metrics
from passk_tasks.statistics.estimators import n_at_k
from passk_tasks.statistics.intervals import cluster_of, over_problems, over_samples_of
from passk_tasks.statistics.metrics import PASS, Metric, Score
from passk_tasks.tasks import stops
from passk_tasks.tasks.catalog import TaskSpec
from passk_tasks.verdict import Outcome, Verdict

EXTRACT = ("auto", "verbatim", "completion", "answer", "snippet")
"""What `extract` may be; `auto` lets each sample's form decide."""

_SELFTESTS = 3  # references that are tried before they are named as wrong

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

    @property
    def coverage(self) -> float:
        """Share of the task's problems that have samples; those left out count as having none."""
        return len(self.counts) / len(self.dataset.problems)

    @property
    def infra_errors(self) -> int:
        """Samples that remained without a verdict."""
        return self.verdicts.get(Verdict.INFRA_ERROR.value, 0)

    def as_dict(self) -> dict[str, Any]:
        """Return the object of `passk score --json`, without what only the command knows (files, date)."""
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
        return result


def score(
    samples: Sequence[Sample],
    *,
    spec: TaskSpec,
    dataset: Dataset,
    extract: str = "auto",
    strict_k: bool = False,
    progress: bool = False,
    told: Callable[[Record], None] | None = None,
) -> Scored:
    """Judge samples, all in one batch, and estimate pass@k.

    Args:
        samples: any number for any of the task's problems; n may differ between problems.
        spec: the task, with the settings and stop sequences in force.
        dataset: its problems.
        extract: `auto` takes completions and solutions verbatim and extracts from responses as the task
            says; any other mode is applied to all of them.
        strict_k: a k that some problem has too few samples for is an error; otherwise it is skipped, and
            the result says so.
        progress: show a progress bar.
        told: called with each record whose program was judged, as it is known.

    Raises:
        SamplesError: a sample of a problem that the task does not have.
        UsageError: an unknown way of extraction, or a k that is too large under `strict_k`.
        SandboxError: no sandbox of the wanted strength.
    """
    check(samples, spec=spec, dataset=dataset, extract=extract, strict_k=strict_k)
    settings = spec.settings
    benchmark = benchmarks.get(settings.benchmark)
    candidates = [candidate(sample, dataset.problems[sample.task_id], spec, extract) for sample in samples]
    programs = [
        benchmark.program(dataset.problems[sample.task_id], found.code, settings.judge)
        for sample, found in zip(samples, candidates, strict=True)
    ]

    def record(index: int, outcome: Outcome) -> Record:
        sample = samples[index]
        cluster = dataset.problems[sample.task_id].cluster
        return Record(sample, candidates[index], outcome, programs[index].sha256, cluster)

    judged = batch.judge(
        programs,
        limits=settings.limits(),
        sandbox=settings.sandbox,
        workers=settings.workers,
        packages=settings.packages,
        progress=progress,
        shuffle=True,
        told=None if told is None else lambda index, outcome: told(record(index, outcome)),
    )
    records = [record(index, outcome) for index, outcome in enumerate(judged.outcomes)]
    return summarise(
        records, spec=spec, dataset=dataset, layers=judged.layers, sandbox_warnings=judged.warnings
    )


def check(
    samples: Sequence[Sample],
    *,
    spec: TaskSpec,
    dataset: Dataset,
    extract: str = "auto",
    strict_k: bool = False,
) -> None:
    """Find the user's mistakes before anything is executed; arguments and errors are those of `score`."""
    if extract not in EXTRACT:
        raise UsageError(f"there is no extraction {extract!r}{did_you_mean(extract, EXTRACT)}")
    check_task_ids(samples, dataset, spec.name)
    if extract == "completion" and (whole := next((s for s in samples if s.form == SOLUTION), None)):
        raise UsageError(
            f"{whole.origin}: --extract completion continues the prompt, but this is a self-contained "
            "solution: use auto, or answer where there is text around the code"
        )
    beyond = budgets_beyond(samples, spec.settings.k)
    if beyond and strict_k:
        raise UsageError(_too_few(samples, max(beyond)))


def prepare(spec: TaskSpec, dataset: Dataset, asked: Collection[str] | None = None) -> trial.Tried:
    """Try the sandbox, and the references of people's own problems, before anything rests on them.

    Returns the dataset to go on with, whose problems know how they are judged, and what to tell people.

    Args:
        spec: the task.
        dataset: its problems.
        asked: task_ids of those at hand; None for all.

    Raises:
        SandboxError: no sandbox of the wanted strength, or it gives a wrong verdict.
    """
    warnings = selftest(spec, dataset)
    tried = trial.references(spec.settings, dataset, asked)
    return trial.Tried(tried.dataset, (*warnings, *tried.warnings))


def selftest(spec: TaskSpec, dataset: Dataset) -> tuple[str, ...]:
    """Judge a right and a wrong program under the task's own limits, before anything rests on the sandbox.

    They are this package's own, one pair for each judge that the problems need: a dataset's own solution may
    be wrong. Of those, up to three are tried until one passes; what is returned names them where none does.

    Raises:
        SandboxError: no sandbox of the wanted strength, or a wrong verdict for either program.
    """
    settings = spec.settings
    benchmark = benchmarks.get(settings.benchmark)
    problems = [p for p in dataset.problems.values() if p.task_id not in dataset.left_out]
    for judge in dict.fromkeys(benchmark.judge_of(problem, settings.judge) for problem in problems):
        right, wrong = (Program("selftest", code, tests, judge) for tests, code in _selftests(judge))
        batch.selftest(
            right,
            wrong,
            limits=settings.limits(),
            sandbox=settings.sandbox,
            packages=settings.packages,
        )
    if benchmark.own_problems or settings.judge is Judge.STDIO:  # tried one by one; or slow, or missing
        return ()
    canonicals = ((problem, benchmark.canonical(problem)) for problem in problems)
    failed = []
    for problem, code in itertools.islice(((p, c) for p, c in canonicals if c is not None), _SELFTESTS):
        nothing = f"def {problem.entry_point}(*args, **kwargs):\n    return None\n"
        judged = batch.judge(
            [benchmark.program(problem, code, settings.judge) for code in (code, nothing)],
            limits=settings.limits(),
            sandbox=settings.sandbox,
            workers=1,
            packages=settings.packages,
        )
        reference, empty = judged.outcomes
        if empty.passed:
            return (f"a function that only returns None passes the tests of {problem.task_id}",)
        if reference.passed:
            return ()
        failed.append(f"{problem.task_id} ({reference.verdict}: {reference.detail:.120})")
    if not failed:
        return ()
    return (
        f"no reference solution that was tried passes its own tests, though the sandbox judges rightly: "
        f"{', '.join(failed)}; the reference or the tests are wrong, or a limit was set too low",
    )


_NEXT = StdioTests.of([("1\n", "2\n"), ("5\n", "6\n")], comparison=LINES)
_NEXT_FUNCTION = Tests("assert following(1) == 2\nassert following(5) == 6\n", ("following",))


def _selftests(judge: Judge) -> tuple[tuple[Tests | StdioTests, str], ...]:
    """Return a right and a wrong program for a judge, each after its tests."""
    if judge is Judge.STDIO:
        return (_NEXT, "print(int(input()) + 1)\n"), (_NEXT, "print(2)\n")
    right, wrong = (f"def following(x):\n    return {result}\n" for result in ("x + 1", "2"))
    return (_NEXT_FUNCTION, right), (_NEXT_FUNCTION, wrong)


def candidate(sample: Sample, problem: Problem, spec: TaskSpec, extract: str = "auto") -> Extraction:
    """Return the candidate in a sample: taken as it stands, or extracted from the model's text.

    Args:
        sample: what was saved.
        problem: its problem.
        spec: the task; it gives the mode for responses, and the stop sequences.
        extract: one of `EXTRACT`.
    """
    if sample.form == SOLUTION and extract in ("auto", "verbatim"):
        if not sample.text.strip():  # what EvalPlus writes where a model gave nothing
            return Extraction(None, Strategy.NONE_EMPTY.value)
        return Extraction(sample.text, Strategy.VERBATIM.value)
    mode, own = _mode(sample, spec, extract), spec.settings.extraction
    return extraction.extract(
        sample.text,
        mode=mode,
        # A snippet goes into a program of the tests, whose prompt is prose.
        prompt="" if mode == "verbatim" and own == "snippet" else problem.prompt,
        entry_point=problem.entry_point,
        suffix=problem.suffix,
        also=problem.functions,
        stops=_stops(sample, problem, spec, mode)[1],
    )


def _mode(sample: Sample, spec: TaskSpec, extract: str) -> str:
    own = spec.settings.extraction
    if extract != "auto":
        return extract
    if sample.form == SOLUTION:
        return "verbatim"
    return "verbatim" if sample.form == COMPLETION and own != "snippet" else own


def _stops(
    sample: Sample, problem: Problem, spec: TaskSpec, mode: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the stops that a text was asked for with, and those of them at which it ends."""
    recorded = sample.stops is not None
    given = sample.stops if sample.stops is not None else spec.until
    asked = sample.asked if recorded else spec.asked or spec.settings.extraction
    return given, stops.applied(given, problem.entry_point, mode, asked)


def extract_as_set(samples: Sequence[Sample], spec: TaskSpec, extract: str) -> str:
    """Return how code is to be found where the user names the setting `extraction`: so in every form.

    Solutions cannot continue a prompt; they stay as they are where that is what the setting says.
    """
    own, forms = spec.settings.extraction, {sample.form for sample in samples}
    follow = extract == "auto" and own in EXTRACT and forms != {RESPONSE}
    return own if follow and (own != "completion" or SOLUTION not in forms) else extract


def verbatim_warning(samples: Sequence[Sample], spec: TaskSpec, extract: str) -> str | None:
    """Return what to say where completions are taken as they are though the task asks for answers."""
    count = sum(sample.form == COMPLETION for sample in samples)
    if not count or extract != "auto" or spec.settings.extraction != stops.ANSWER:
        return None
    return (
        f"{count} completions are appended to their prompts as they stand, though {spec.name} asks for "
        "answers of chat models: --extract answer looks for the code in them"
    )


def cut_warning(
    samples: Sequence[Sample], spec: TaskSpec, dataset: Dataset, extract: str = "auto"
) -> str | None:
    """Return what to say where texts were asked for with stops that do not go with how they are read."""
    unlike: dict[str, None] = {}
    count = 0
    for sample in samples:
        mode = _mode(sample, spec, extract)
        if mode == "verbatim" or sample.stops is None:
            continue
        given, applied = _stops(sample, dataset.problems[sample.task_id], spec, mode)
        unlike.update(dict.fromkeys(stop for stop in given if stop not in applied))
        count += given != applied
    if not count:
        return None
    return (
        f"{count} samples were asked for with stop sequences that also stand within what they are read as "
        f"({', '.join(map(repr, unlike))}): no text is cut at those here, and what a server cut off at them "
        "is missing"
    )


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


def budgets_beyond(samples: Sequence[Sample], ks: Sequence[int]) -> tuple[int, ...]:
    """Return those of `ks` that are larger than the smallest n of any problem with samples."""
    fewest = min(Counter(sample.task_id for sample in samples).values(), default=0)
    return tuple(k for k in ks if k > fewest)


def check_task_ids(samples: Sequence[Sample], dataset: Dataset, task: str) -> None:
    """Raise `SamplesError` at the first sample of a problem that the task does not have."""
    for sample in samples:
        if sample.task_id not in dataset.problems:
            first, *_, last = [*dataset.problems, *dataset.problems]
            ends = [name for name in dataset.problems if re.split(r"[/_]", name)[-1] == sample.task_id]
            near = did_you_mean(sample.task_id, dataset.problems)
            hint = near if near.startswith(" (did") else f" (it has {first} to {last})"
            if ends:  # a number that the benchmark does not give its problems
                hint = (
                    f" (it may mean {' or '.join(ends[:3])}{', …' if ends[3:] else ''}: name the one meant)"
                )
            raise SamplesError(f"{sample.origin}: {task} has no problem {sample.task_id!r}{hint}")


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


def _too_few(samples: Sequence[Sample], k: int) -> str:
    counts = Counter(sample.task_id for sample in samples)
    task_id = min(counts, key=lambda task_id: counts[task_id])
    last = next(sample for sample in reversed(samples) if sample.task_id == task_id)
    return (
        f"{last.origin}: pass@{k} needs at least {k} samples of every problem, but {task_id} has "
        f"{counts[task_id]}: lower k to {counts[task_id]} or give more samples"
    )
