"""Samples of several files, or of a program's memory, each once, and which of the files are of one run.

Samples that two files agree on are the same samples, of one run. Files that give other texts for the same
samples are of several runs, whose samples are pooled: `SampleFile.runs` names them.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from passk_tasks.benchmarks import Benchmark
from passk_tasks.errors import SamplesError
from passk_tasks.results.answers import reply_of
from passk_tasks.results.journal import JournalHeader
from passk_tasks.results.lines import Paths, listed
from passk_tasks.results.readers import read_file, read_folder
from passk_tasks.results.samples import RESPONSE, Sample, Samples, Source


@dataclass(frozen=True)
class SampleFile:
    """All samples of one or several files, in their order.

    Attributes:
        samples: at least one.
        sources: the files, as they were read.
        header: the journal's header, where the files are journals.
        until: the stop sequences that lm-eval recorded, where its files were read and agree.
        warnings: what a person should know, e.g. that a journal ends early.
        runs: where the files are of several runs that have samples of the same problems, one file of each.
    """

    samples: Samples
    sources: Sequence[Source] = field(repr=False)
    header: JournalHeader | None = None
    until: tuple[str, ...] | None = None
    warnings: tuple[str, ...] = ()
    runs: tuple[Path, ...] = ()

    def named(self, benchmark: Benchmark, task_ids: Collection[str]) -> SampleFile:
        """Return the samples under the task_ids of a benchmark's problems, where other tools have others."""
        meant = self._by_position(list(task_ids))
        meant |= {
            name: task_id
            for name in self.samples.names
            if name not in task_ids and (task_id := benchmark.task_id_of(name)) in task_ids
        }
        return _together([source.renamed(meant) for source in self.sources]) if meant else self

    def _by_position(self, task_ids: Sequence[str]) -> dict[str, str]:
        """Return which problem is meant where a file gives their order alone.

        Raises:
            SamplesError: it is not of as many problems, so which ones it has cannot be known.
        """
        for source in self.sources:
            if source.positions not in (None, len(task_ids)):
                raise SamplesError(
                    f"{source.path}: {source.positions} lists of programs without names, and {len(task_ids)} "
                    "problems: which ones they are for cannot be known; write a line a sample, with task_id"
                )
        if all(source.positions is None for source in self.sources):
            return {}
        return {Source.position(number): task_id for number, task_id in enumerate(task_ids)}


def read(paths: Paths) -> SampleFile:
    """Read every sample of `paths`, plain or gzipped.

    Samples are numbered per problem in the order in which they appear; a journal carries its own numbers.
    What is in several files alike, under whatever names, counts once. Samples of a further run are numbered
    on.

    Raises:
        SamplesError: a file that is missing, broken or of no known kind, with file and line; no samples at
            all; journals of different tasks or settings; a journal together with other samples than its own.
    """
    named = [Path(path) for path in listed(paths)]
    files: dict[str, Path] = {}
    for path in named:
        files.setdefault(os.path.realpath(path), path)  # pathlib fails at a loop of links
    sources = [read_folder(path) if path.is_dir() else read_file(path) for path in files.values()]
    if not any(source.samples for source in sources):
        why = "".join(f"; {warning}" for source in sources for warning in source.warnings)
        raise SamplesError(f"{', '.join(map(str, named)) or 'nothing was named'}: no samples{why}")
    return _together(sources)


def in_memory(texts: Mapping[str, Sequence[object]]) -> SampleFile:
    """Return what a model wrote, by task_id, as samples: raw text, which extraction has yet to read.

    Each is a text, or messages as chat models have them.

    Raises:
        SamplesError: no samples at all, or one that is no text; the message says which.
    """
    source = Source(Path("texts"))
    for task_id, answers in texts.items():
        where = f"texts[{task_id!r}]"
        if isinstance(answers, (str, bytes, Mapping)) or not isinstance(answers, Iterable):
            raise SamplesError(f"{where}: a list of texts expected, found {type(answers).__name__}")
        for number, answer in enumerate(answers):
            try:
                text = reply_of(answer)
            except ValueError as error:
                raise SamplesError(f"{where}[{number}]: {error}") from None
            source.add(str(task_id), text, RESPONSE, f"{where}[{number}]")
    if not source.samples:
        raise SamplesError("texts: no samples")
    return _together([source])


class _Run:
    """The sources of one run: they agree on every sample that two of them have."""

    def __init__(self, numbers: dict[str, int]) -> None:
        self.sources: list[Source] = []
        self.samples = Samples()
        self._numbers = numbers
        self._sorted: tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]] | None = None

    def other(self, source: Source) -> Sample | None:
        """Return the first sample of a source that is another one here; None where it may be of the run."""
        dates = {other.date for other in self.sources if other.date is not None}
        another_run = source.date is not None and bool(dates) and source.date not in dates
        there, digests = self._there(source)
        unlike = there & (another_run | (digests != source.samples.digests))
        return source.samples[int(np.argmax(unlike))] if unlike.any() else None

    def shares(self, source: Source) -> bool:
        """Return whether a sample of a source is here, whatever its text."""
        return bool(self._there(source)[0].any())

    def add(self, source: Source) -> str | None:
        """Take in a source, and return what to say where others have samples of it already."""
        there, _ = self._there(source)
        said = None
        if there.any():
            mine = source.samples.keys(self._numbers)[there]
            first = next(o for o in self.sources if np.isin(o.samples.keys(self._numbers), mine).any())
            said = f"{int(there.sum())} samples of {source.path} are in {first.path} too; they count once"
        new = source.samples.chosen(~there) if there.any() else source.samples
        parts = [part for part in (self.samples, new) if len(part)]
        self.samples = parts[0] if len(parts) == 1 else Samples.joined([(p, p.indices) for p in parts])
        self._sorted = None
        self.sources.append(source)
        return said

    def _there(self, source: Source) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.uint64]]:
        """Return which samples of a source are here, and the hash of each one's text here."""
        if not len(self.samples):
            return np.zeros(len(source.samples), np.bool_), np.zeros(len(source.samples), np.uint64)
        if self._sorted is None:
            mine = self.samples.keys(self._numbers)
            order = np.argsort(mine, kind="stable")
            self._sorted = mine[order], self.samples.digests[order]
        keys, digests = self._sorted
        asked = source.samples.keys(self._numbers)
        at = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
        return keys[at] == asked, digests[at]

    def missing_ranks(self) -> str | None:
        given: dict[int, set[int]] = {}
        for header in (source.header for source in self.sources):
            if header is not None:
                given.setdefault(header.world_size, set()).add(header.rank)
        # Attempts with other numbers of ranks: one that is whole has what the ones before it had.
        if given and all(len(ranks) < world_size for world_size, ranks in given.items()):
            world_size, ranks = next(iter(given.items()))
            return f"{len(ranks)} of the run's {world_size} journals were given, one a rank"
        return None


def _together(sources: Sequence[Source]) -> SampleFile:
    """Return the samples of all sources, each once, those of further runs numbered on."""
    journals = _newest_first([source for source in sources if source.header is not None])
    others = [source for source in sources if source.header is None]
    header = journals[0].header if journals else None
    warnings = [warning for source in sources for warning in source.warnings]
    runs: list[_Run] = []
    numbers: dict[str, int] = {}
    pooled = ""
    for source in [*journals, *others]:
        if source.header is not None and header is not None and (unlike := source.header.difference(header)):
            raise SamplesError(
                f"{source.path}:1: not of the same run as {journals[0].path}: {unlike}; score them apart"
            )
        if source.header is None and header is not None:
            _only_journaled(source, runs, journals[0].path, header)
        run = next((run for run in runs if run.other(source) is None), None)
        if run is None:
            if runs and not pooled and (sample := runs[0].other(source)) is not None:
                first = runs[0].sources[0].path
                pooled = f"{first} and {source.path} both have samples of {sample.task_id}; they are pooled"
            runs.append(run := _Run(numbers))
        warnings += filter(None, [run.add(source)])
    warnings += filter(None, [*(run.missing_ranks() for run in runs), pooled])
    untils = {sample.stops for source in others if source.of_lm_eval for sample in source.samples}
    if len(untils) > 1:
        warnings.append("the lines record different stop sequences; each text ends at its own")
    if header is None:
        warnings += filter(None, (source.padding() for source in sources))
    return SampleFile(
        samples=_numbered_on(runs),
        sources=sources,
        header=header,
        until=next(iter(untils)) if len(untils) == 1 else None,
        warnings=tuple(warnings),
        runs=tuple(run.sources[0].path for run in runs) if len(runs) > 1 else (),
    )


def _newest_first(journals: Sequence[Source]) -> list[Source]:
    """Return journals in their order, but those of a run's last attempt first: it says how to judge."""
    attempts: list[tuple[JournalHeader, list[Source]]] = []
    for source in journals:
        assert source.header is not None
        for header, attempt in attempts:
            if source.header.same_attempt(header):
                attempt.append(source)
                break
        else:
            attempts.append((source.header, [source]))
    if len(attempts) > 1 and not any(header.difference(attempts[0][0]) for header, _ in attempts):
        attempts.sort(key=lambda pair: -max(source.path.stat().st_mtime_ns for source in pair[1]))
        last = attempts[0][1][0]
        last.warnings.append(f"{last.path} is of the run's last attempt, whose settings hold for all of it")
    return [source for _, attempt in attempts for source in attempt]


def _only_journaled(source: Source, runs: Sequence[_Run], journal_path: Path, header: JournalHeader) -> None:
    """Leave to a file beside a journal what may be of the journal's run; refuse one of anything else."""
    n = header.settings.get("samples")
    if source.of_lm_eval and isinstance(n, int):  # lm-eval's padding of uneven ranks
        source.samples = source.samples.chosen(source.samples.indices < n)
    if not any(run.other(source) is None and run.shares(source) for run in runs):
        raise SamplesError(
            f"{source.path}: not a journal, but {journal_path} is one, of other samples; score them apart"
        )


def _numbered_on(runs: Sequence[_Run]) -> Samples:
    """Return the samples of all runs, those of a problem in a further run with numbers that go on."""
    if len(runs) == 1:
        return runs[0].samples
    following: dict[str, int] = {}
    parts = []
    for run in runs:
        samples = run.samples
        before = np.array([following.get(name, 0) for name in samples.names], dtype=np.int64)
        indices = samples.indices + before[samples.problems]
        ends = np.zeros(len(samples.names), dtype=np.int64)
        np.maximum.at(ends, samples.problems, indices + 1)
        for name, end in zip(samples.names, ends, strict=True):
            following[name] = max(int(end), following.get(name, 0))
        parts.append((samples, indices))
    return Samples.joined(parts)
