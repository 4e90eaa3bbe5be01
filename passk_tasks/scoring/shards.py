"""A scoring in parts, for job arrays: each part judges its share of the samples, and `merge` adds them up.

    shard-03-of-16.jsonl    {"passk_shard": 3, "of": 16, …}           which scoring it is a part of
                            {"program_sha256": …, "verdict": …, …}    as they come, see `results.verdicts`
                            {"end": …}                                it is complete; where it was judged

A shard has the samples whose problem and text fall to it by their hash, so that equal texts are judged once.
Merging reads the samples again, and takes the verdicts from the shards: the result is that of one scoring.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from passk_tasks.errors import UsageError
from passk_tasks.judging import trial
from passk_tasks.judging.batch import Batch
from passk_tasks.judging.executor import Executor, executor_for
from passk_tasks.program import Confinement, Program
from passk_tasks.results import sample_files, store, verdicts
from passk_tasks.results.keys import Keys
from passk_tasks.results.lines import Paths, is_pipe, listed
from passk_tasks.results.samples import Sample
from passk_tasks.scoring import shard_files
from passk_tasks.scoring.known import Verdicts
from passk_tasks.scoring.saved import Checked, check_file, finish, judge
from passk_tasks.scoring.score import score
from passk_tasks.scoring.summary import Scored
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Machine, Outcome, Verdict


@dataclass(frozen=True, kw_only=True)
class Shard:
    """What a part of a scoring came to.

    Attributes:
        path: its file.
        number: from 0.
        of: how many parts there are.
        samples: that fell to it.
        samples_total: of the scoring.
        resumed: samples whose verdicts the file had already.
        verdicts: how many of its samples ended with each verdict, those that occur.
    """

    path: Path
    number: int
    of: int
    task: str
    samples: int
    samples_total: int
    resumed: int
    verdicts: Mapping[str, int]

    def as_dict(self) -> dict[str, object]:
        """Return the object of `passk score --shard … --json`."""
        numbers = {"shard": self.number, "of": self.of, "samples": self.samples}
        counts = {"samples_total": self.samples_total, "resumed": self.resumed}
        return {
            "task": self.task,
            "path": str(self.path),
            **numbers,
            **counts,
            "verdicts": dict(self.verdicts),
        }


def score_shard(
    shard: str,
    paths: Paths,
    task: str | None = None,
    settings: Mapping[str, Any] | None = None,
    *,
    out: str | os.PathLike[str],
    extract: str = "auto",
    pool: bool = False,
    again: bool = False,
    progress: bool = False,
) -> Shard:
    """Judge one part of saved samples, as `passk score --shard i/N` does; `merge_shards` adds the parts up.

    Args:
        shard: `i/N`, with i from 0 to N-1.
        paths: samples, as `score_samples` has them and what follows; all parts are given the same.
        task: the task's name.
        settings: what to change of the task's settings.
        out: folder for the part's file; what has a verdict there is not judged again.
        extract: as `score_samples` has it.
        pool: as `score_samples` has it.
        again: judge all anew.
        progress: show a progress bar.

    Raises:
        UsageError: a mistake in files, task or settings, or the file is a part of another scoring.
        SandboxError: no sandbox of the wanted strength on this host.
    """
    number, of = _numbers(shard)
    folder, given = store.prepare(out), listed(paths)
    if pipe := next((path for path in given if is_pipe(path)), None):
        raise UsageError(f"--shard: {pipe} is a pipe, which the other parts cannot read: name a file")
    checked = check_file(sample_files.read(given), task, settings or {}, extract, pool=pool)
    asked: dict[str, object] = {"paths": list(map(str, given)), "task": task}
    asked |= {"settings": dict(sorted((settings or {}).items())), "extract": extract, "pool": pool}
    path = shard_files.path_of(folder, number, of)
    shard_files.begin(path, shard_files.header(number, of, asked, checked.samples), again=again)
    mine = _fallen_to(number, of, checked)
    kept = Verdicts(path, shared=checked.shared(), again=again)
    # All parts try the same references, since what they show is of the whole.
    tried, scored = judge(mine, kept, progress=progress, asked=checked.asked)
    shard_files.end(path, _footer(mine, tried, scored, kept), kept.lost)
    return Shard(
        path=path,
        number=number,
        of=of,
        task=checked.spec.name,
        samples=len(mine.samples),
        samples_total=len(checked.samples),
        resumed=scored.resumed,
        verdicts=scored.verdicts,
    )


def merge_shards(
    paths: Paths,
    *,
    out: str | os.PathLike[str] | None = None,
    show: Callable[[Scored], None] | None = None,
) -> Scored:
    """Add up the parts of a scoring, as `passk merge` does; the result is that of `score_samples`.

    Args:
        paths: the files of all parts, or folders with them.
        out: folder for `results.json` and `outcomes.jsonl`.
        show: called with the score before it is stored; it is stored whatever this raises.

    Raises:
        UsageError: parts that are missing, there twice, not complete, of other scorings or from unlike
            environments; the samples cannot be read any more, or are others. The message names them.
    """
    folder = None if out is None else store.prepare(out)
    parts = shard_files.complete(shard_files.found(paths))
    header, ends = parts[0].header, [part.end for part in parts]
    given = header.texts("paths")
    checked = check_file(
        sample_files.read(given),
        header.text("task"),
        dict(header.inner("settings").values),
        header.text("extract") or "auto",
        pool=header.values.get("pool") is True,
    )
    if shard_files.hash_of(checked.samples) != header.text("samples_sha256"):
        raise UsageError(
            f"{', '.join(given)}: not the samples that the shards have judged, or not in their order"
        )
    marked = {task_id for end in ends for task_id in end.texts("one_process")}
    problems = {
        task_id: replace(problem, one_process=trial.ONE_PROCESS_ONLY) if task_id in marked else problem
        for task_id, problem in checked.dataset.problems.items()
    }
    scored = score(
        checked.samples,
        spec=checked.spec,
        dataset=replace(checked.dataset, problems=problems),
        extract=checked.extract,
        executor=_Elsewhere(ends[0], checked.spec.settings),
        verdicts=_OfShards(parts),
    )
    warnings = list(dict.fromkeys(warning for end in ends for warning in end.texts("warnings")))
    return finish(scored, checked, warnings, folder, given, _provenance(checked, ends[0]), show)


# ---------------------------------------------------------------------- parts of the above


def _numbers(shard: str) -> tuple[int, int]:
    number, slash, of = shard.partition("/")
    if not (slash and number.isdecimal() and of.isdecimal() and int(number) < int(of)):
        raise UsageError(
            f"--shard {shard}: i/N expected, with i counted from 0, e.g. 0/16 to 15/16 (an array of jobs has "
            "its index in SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX)"
        )
    return int(number), int(of)


def _fallen_to(number: int, of: int, checked: Checked) -> Checked:
    """Return what is to be judged by one of the parts."""
    own = np.fromiter((_shard_of(one, of) == number for one in checked.samples), dtype=np.bool_)
    return replace(checked, samples=checked.samples.chosen(own))


def _shard_of(sample: Sample, of: int) -> int:
    text = f"{sample.task_id}\0{sample.text}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") % of


def _footer(mine: Checked, tried: trial.Tried, scored: Scored, kept: Verdicts) -> dict[str, object]:
    """Return the last line of a part's file: it is complete; how and where it was judged."""
    problems = tried.dataset.problems
    return {
        shard_files.END: len(mine.samples),
        "layers": dict(scored.layers),
        "sandbox_warnings": list(scored.sandbox_warnings),
        "warnings": list(tried.warnings),
        "one_process": [n for n, p in problems.items() if p.one_process == trial.ONE_PROCESS_ONLY],
        "judging_s": kept.seconds,
        "from_store": scored.from_store,
        "environments": list(scored.environments),
        "environment": dict(kept.environment),
        "provenance": {**mine.provenance(), "date": None},
    }


def _provenance(checked: Checked, end: Keys) -> store.Provenance:
    """Return with what the parts were judged; the date is that of the merging."""
    here, there = checked.provenance(), end.inner("provenance")
    packages, toolchains = there.inner("packages"), there.inner("toolchains")
    return {
        "passk_tasks": there.text("passk_tasks") or here["passk_tasks"],
        "date": here["date"],
        "python": there.text("python") or here["python"],
        "platform": there.text("platform") or here["platform"],
        "packages": {name: str(packages.values[name]) for name in packages},
        "shown": there.text("shown"),
        "toolchains": {name: str(toolchains.values[name]) for name in toolchains},
    }


class _OfShards(Verdicts):
    """The verdicts of all parts, which are all that there are."""

    def __init__(self, parts: Sequence[shard_files.Part]) -> None:
        super().__init__()
        self._parts = parts
        ends = [part.end for part in parts]
        self.environments = tuple(sorted({name for end in ends for name in end.texts("environments")}))
        stored = [count for end in ends if (count := end.whole("from_store")) is not None]
        self.from_store = sum(stored) if stored else None

    @property
    def seconds(self) -> float:
        """Wall seconds of the part that took longest."""
        return max(float(part.end.number("judging_s") or 0.0) for part in self._parts)

    def known(
        self,
        batch: Batch,
        executor: Executor,  # noqa: ARG002  nothing is left to run
        place: Callable[[int, Outcome], None],
    ) -> npt.NDArray[np.bool_]:
        """Return that all programs have a verdict, and hand each one over."""
        taken = np.zeros(len(batch), dtype=np.bool_)
        for part in self._parts:
            self._machines += verdicts.judged_by(part.path, self.environments)
            for known in verdicts.read(part.path, batch.has, without=True):
                number = batch.number(known.program_sha256)
                assert number is not None
                # Of what remained without a verdict once, a later attempt may have one.
                if known.outcome.verdict is not Verdict.INFRA_ERROR or not taken[number]:
                    place(number, known.outcome)
                taken[number] = True
        if not taken.all():
            program, lacking = batch.program(int(np.flatnonzero(~taken)[0])), int((~taken).sum())
            folder = self._parts[0].path.parent
            raise UsageError(
                f"{folder}: the shards have no verdict of {lacking} programs, e.g. one of {program.task_id}: "
                "files were cut, or code was found otherwise then; judge again"
            )
        return taken


class _Elsewhere:
    """An executor of programs that were all judged: what is to be known of where; it judges others here."""

    def __init__(self, end: Keys, settings: Settings) -> None:
        self._settings = settings
        layers = end.inner("layers").values
        self.confinement, self.packages = Confinement(), dict[str, str]()
        self.layers = {name: bool(active) for name, active in layers.items()}
        self.warnings = end.texts("sandbox_warnings")

    @property
    def machines(self) -> tuple[Machine, ...]:
        """Return nobody: all is judged."""
        return ()

    def run(self, programs: Sequence[Program]) -> Iterator[tuple[int, Outcome]]:
        """Judge what no part had to judge, e.g. what other ways of reading the samples give."""
        if programs:
            with executor_for(self._settings) as here:
                yield from here.run(programs)

    selftest = run

    def __enter__(self) -> _Elsewhere:
        return self

    def __exit__(self, *_: object) -> None:
        pass
