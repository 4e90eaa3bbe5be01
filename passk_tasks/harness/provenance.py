"""What a run's numbers rest on: gathered from all ranks, stored in lm-eval's results, shown to people.

    records of a rank -> RankReport -> gathered on rank 0 -> summarise -> Summary

It is that of `passk score`, and also says how the samples were drawn and where they are.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Dataset
from passk_tasks.extraction import Extraction
from passk_tasks.harness.invocation import Invocation
from passk_tasks.judging import libraries
from passk_tasks.results import store
from passk_tasks.results.findings import with_samples
from passk_tasks.results.summary import Summary
from passk_tasks.scoring import diagnosis
from passk_tasks.scoring.diagnosis import Evidence
from passk_tasks.scoring.summary import Record, Scored, summarise, told
from passk_tasks.tasks.catalog import TaskSpec
from passk_tasks.text import summary
from passk_tasks.verdict import Machine, added_up

_log = logging.getLogger("lm_eval.passk")


@dataclass(frozen=True)
class RankReport:
    """What one rank reports; small, since it is sent between processes.

    Attributes:
        records: its samples, each text replaced by a hash and the code left out.
        layers: layers of its sandbox, and whether each is active.
        warnings: warnings about its sandbox.
        generation_s: wall seconds in which its model generated, over all attempts.
        judging_s: wall seconds in which it judged.
        environments: in which it judged.
        from_store: how many samples have their verdict from a store; None without one.
        seen: what its texts show.
    """

    records: Sequence[Record]
    layers: Mapping[str, bool]
    journal: str
    warnings: tuple[str, ...] = ()
    generation_s: float | None = None
    judging_s: float | None = None
    environments: tuple[str, ...] = ()
    from_store: int | None = None
    machines: tuple[Machine, ...] = ()
    seen: Evidence = field(default_factory=Evidence)


def report(scored: Scored, journal: str, generation_s: float | None, beside_s: float = 0.0) -> RankReport:
    """Return the report of this rank; `beside_s` were spent on judging while its model generated."""
    records = [_light(record) for record in scored.records]
    judging_s = None if scored.cost is None else (scored.cost.judging_s or 0.0) + beside_s
    return RankReport(
        records,
        scored.layers,
        journal,
        scored.sandbox_warnings,
        generation_s,
        judging_s,
        scored.environments,
        scored.from_store,
        scored.machines,
        scored.seen,
    )


def collect(
    spec: TaskSpec,
    dataset: Dataset,
    reports: Sequence[RankReport],
    *,
    ranks: int,
    notes: Sequence[str] = (),
    sent: Mapping[str, object] | None = None,
) -> Summary:
    """Return the provenance of a run over the `ranks` that should report.

    `notes` are warnings from before the judging; `sent` is the sampling that went out, None where not known.
    """
    scored = summarise(
        [record for of_rank in reports for record in of_rank.records],
        spec=spec,
        dataset=dataset,
        layers=_common(of_rank.layers for of_rank in reports),
        sandbox_warnings=list(dict.fromkeys(warning for of_rank in reports for warning in of_rank.warnings)),
        judging_s=max((of_rank.judging_s or 0.0 for of_rank in reports), default=None),
        seen=sum((of_rank.seen for of_rank in reports), Evidence()),
    )
    from_store = [of_rank.from_store for of_rank in reports if of_rank.from_store is not None]
    journals = tuple(of_rank.journal for of_rank in reports)
    generation = [of_rank.generation_s for of_rank in reports if of_rank.generation_s is not None]
    partial = f"this summary covers {len(reports)} of the run's {ranks} ranks; lm-eval's own table covers all"
    return replace(
        scored,
        warnings=(*notes, *scored.warnings, *([partial] if len(reports) != ranks else ())),
        generation_kwargs=json_ready(spec.generation_kwargs),
        sent=sent,
        cost=scored.cost and replace(scored.cost, generation_s=max(generation, default=None)),
        journals=journals,
        findings=with_samples((*diagnosis.of_references(notes), *scored.findings), journals),
        ranks=len(reports),
        machines=told(added_up(m for of_rank in reports for m in of_rank.machines), spec.settings),
        environments=tuple(sorted({name for of_rank in reports for name in of_rank.environments})),
        from_store=sum(from_store) if from_store else None,
        **store.provenance_of(
            spec.settings, libraries.languages(benchmarks.get(spec.settings.benchmark), dataset)
        ),
    )


def json_ready(arguments: Mapping[str, object]) -> dict[str, object]:
    """Return generation arguments as JSON values; objects that JSON does not know become their repr."""
    ready: dict[str, object] = json.loads(json.dumps(arguments, default=repr))
    return ready


def text_hash(text: str) -> str:
    """Return a hash that tells one generation's text from another's."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass
class Collected:
    """What `collecting` collected from a run."""

    results: list[Summary] = field(default_factory=list)
    invocation: Invocation | None = None

    @property
    def speaks(self) -> bool:
        """Whether lm-eval lets this process write and print; among several, only one may."""
        return self.invocation is not None and self.invocation.rank == 0 and _local_rank() == 0


_collectors: list[Collected] = []  # one for each open `collecting`, the innermost last


def begun(invocation: Invocation) -> None:
    """Note the run to which a task belongs."""
    if _collectors:
        _collectors[-1].invocation = invocation


def finished(result: Summary) -> None:
    """Log the provenance of a finished task, or collect it where `collecting` is open."""
    if _local_rank() != 0:
        return  # under tensor parallelism every process is rank 0, but only one may print
    for warning in result.warnings:
        _log.warning("task %s: %s", result.task, warning)
    if _collectors:
        _collectors[-1].results.append(result)
    else:
        _log.info("\n%s", summary.render(result))


@contextlib.contextmanager
def collecting() -> Iterator[Collected]:
    """Collect the provenance of the tasks that finish inside, instead of logging each."""
    collected = Collected()
    _collectors.append(collected)
    try:
        yield collected
    finally:
        _collectors.pop()


def _local_rank() -> int:
    return int(os.environ.get("LOCAL_RANK") or 0)


def _light(record: Record) -> Record:
    return replace(
        record,
        sample=replace(record.sample, text=text_hash(record.sample.text)),
        extraction=Extraction(None, record.extraction.strategy),
    )


def _common(layers: Iterable[Mapping[str, bool]]) -> dict[str, bool]:
    # A layer counts as active where every rank had it.
    active: dict[str, bool] = {}
    for of_rank in layers:
        for name, on in of_rank.items():
            active[name] = active.get(name, True) and on
    return active
