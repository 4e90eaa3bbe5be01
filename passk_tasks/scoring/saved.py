"""The workflow of `passk score`: samples in files in, `Scored` out; the same for texts in memory.

read the samples -> the task and its problems -> check -> try the sandbox -> judge -> store
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Dataset
from passk_tasks.errors import DatasetError, UsageError
from passk_tasks.judging import libraries, trial
from passk_tasks.judging.executor import executor_for
from passk_tasks.results import sample_files, samples, store
from passk_tasks.results.findings import with_samples
from passk_tasks.results.journal import JournalHeader
from passk_tasks.results.keys import Keys
from passk_tasks.results.lines import Paths, is_pipe, listed
from passk_tasks.results.sample_files import SampleFile
from passk_tasks.results.samples import Samples
from passk_tasks.scoring import diagnosis
from passk_tasks.scoring.candidates import cut_warning, extract_as_set, verbatim_warning
from passk_tasks.scoring.known import Verdicts
from passk_tasks.scoring.score import check, prepare, score
from passk_tasks.scoring.summary import Scored, told
from passk_tasks.tasks import catalog
from passk_tasks.tasks.catalog import TaskSpec
from passk_tasks.tasks.settings import Settings


def score_samples(
    paths: Paths,
    task: str | None = None,
    settings: Mapping[str, Any] | None = None,
    *,
    extract: str = "auto",
    pool: bool = False,
    out: str | os.PathLike[str] | None = None,
    again: bool = False,
    progress: bool = False,
    show: Callable[[Scored], None] | None = None,
) -> Scored:
    """Judge saved samples in the sandbox and estimate pass@k, as `passk score` does.

    Args:
        paths: samples; a journal brings its task and its settings.
        task: the task's name; needed unless the samples are a journal.
        settings: what to change of the task's settings.
        extract: one of `scoring.candidates.EXTRACT`: `auto`, `verbatim`, `completion`, `answer`, `snippet`,
            `snippet_exact`, `snippet_indented`, `sanitized`.
        pool: add up the samples of several runs; otherwise it is an error to give several.
        out: folder for `results.json` and `outcomes.jsonl`, which `load_runs` reads. While programs are
            judged, the verdicts so far are in `outcomes.unfinished.jsonl`, and what has one there, or in the
            results of an earlier scoring, is not judged again where nothing has changed that decides it.
        again: judge all anew, whatever has a verdict in the folder or in the store of the settings.
        progress: show a progress bar.
        show: called with the score before it is stored; it is stored whatever this raises.

    Raises:
        UsageError: a mistake in files, task or settings; nothing was executed.
        SandboxError: no sandbox of the wanted strength on this host.
        PasskError: the results cannot be written.
    """
    folder = None if out is None else store.prepare(out)
    paths = listed(paths)
    inputs = () if any(map(is_pipe, paths)) else tuple(map(str, paths))  # what others will read again
    checked = check_file(sample_files.read(paths), task, settings or {}, extract, pool=pool)
    return _judged(checked, folder, inputs, again=again, progress=progress, show=show)


def score_texts(
    task: str,
    texts: Mapping[str, Sequence[object]],
    settings: Mapping[str, Any] | None = None,
    *,
    extract: str = "auto",
    out: str | os.PathLike[str] | None = None,
    again: bool = False,
    progress: bool = False,
) -> Scored:
    """Judge what a model wrote, from memory, as `score_samples` judges the responses in a file.

    Args:
        task: the task's name.
        texts: by task_id, any number for each problem: texts, or messages of a chat, of which the assistant's
            last one counts. The code is found in them as the task finds it.
        settings: what to change of the task's settings.
        extract: as `score_samples` has it.
        out: folder for `results.json` and `outcomes.jsonl`; None writes nothing.
        again: as `score_samples` has it.
        progress: show a progress bar.

    Raises:
        UsageError: a mistake in texts, task or settings; nothing was executed.
        SandboxError: no sandbox of the wanted strength on this host.
        PasskError: the results cannot be written.
    """
    folder = None if out is None else store.prepare(out)
    checked = check_file(sample_files.in_memory(texts), task, settings or {}, extract, pool=False)
    return _judged(checked, folder, (), again=again, progress=progress, show=None)


def _judged(
    checked: Checked,
    folder: Path | None,
    inputs: tuple[str, ...],
    *,
    again: bool,
    progress: bool,
    show: Callable[[Scored], None] | None,
) -> Scored:
    """Judge samples that were checked, and store the score where there is a folder for it."""
    journal = None if folder is None else folder / store.UNFINISHED
    if journal is not None and again:
        journal.unlink(missing_ok=True)
    tried, scored = judge(
        checked, Verdicts(journal, folder, checked.shared(), again=again), progress=progress
    )
    return finish(scored, checked, tried.warnings, folder, inputs, checked.provenance(), show)


def judge(
    checked: Checked, verdicts: Verdicts, *, progress: bool, asked: Collection[str] | None = None
) -> tuple[trial.Tried, Scored]:
    """Judge samples that were checked; return what trying the references came to, and the bare score.

    `asked` has the problems whose references are tried, where these are more than those of the samples.
    """
    with executor_for(checked.spec.settings) as executor:  # once for both: nodes of a cluster start slowly
        tried = prepare(checked.spec, checked.dataset, checked.asked if asked is None else asked, executor)
        scored = score(
            checked.samples,
            spec=checked.spec,
            dataset=tried.dataset,
            executor=executor,
            extract=checked.extract,
            progress=progress,
            verdicts=verdicts,
        )
    return tried, scored


def finish(
    scored: Scored,
    checked: Checked,
    warnings: Sequence[str],
    folder: Path | None,
    inputs: tuple[str, ...],
    provenance: store.Provenance,
    show: Callable[[Scored], None] | None,
) -> Scored:
    """Return a score with all that is known of its samples, shown, and stored where there is a folder."""
    wrong = tuple(diagnosis.of_references(warnings))
    scored = replace(
        scored,
        findings=with_samples((*wrong, *scored.findings), inputs),
        warnings=(*checked.warnings, *warnings, *scored.warnings),
        extract=checked.extract,
        inputs=inputs,
        machines=told(scored.machines, checked.spec.settings),
        asked=checked.texts,
        generation_kwargs=checked.generated_with,
        sent=checked.sent,
        cost=scored.cost and replace(scored.cost, generation_s=checked.generation_s),
        **provenance,
    )
    try:
        if show is not None:
            show(scored)
    finally:  # the numbers cost hours
        if folder is not None:
            store.write(folder, scored.as_dict(), _lines(scored, checked.prompts))
    return scored


@dataclass(frozen=True)
class Checked:
    """What is to be judged; all that can be known to be wrong without executing anything was looked for.

    Attributes:
        samples: those that are judged.
        spec: the task, with the settings in force.
        dataset: its problems.
        extract: how code is found in the samples.
        generated_with: generation arguments that the samples record; None where they do not.
        sent: what of these went out with the requests; None where that is not recorded.
        generation_s: wall seconds in which they were generated; None where that is not recorded.
        texts: who was asked, and with which texts, as `Summary.asked` has it; None where not recorded.
        prompts: each problem's prompt as it was sent, by task_id, where that is recorded.
    """

    samples: Samples
    spec: TaskSpec
    dataset: Dataset
    extract: str
    generated_with: Mapping[str, object] | None
    sent: Mapping[str, object] | None
    generation_s: float | None
    texts: Mapping[str, object] | None
    prompts: Mapping[str, str]
    warnings: list[str]

    @property
    def asked(self) -> set[str]:
        """The problems that have samples."""
        return set(self.samples.counts)

    def shared(self) -> str | None:
        """Return the folder of the store that the settings name; `UsageError` where it cannot be written."""
        folder = self.spec.settings.verdicts
        if folder is not None:
            store.prepare(Path(folder).expanduser(), "--verdicts (passk.verdicts)")
        return folder

    def provenance(self) -> store.Provenance:
        """Return when and with what the samples are judged here."""
        benchmark = benchmarks.get(self.spec.settings.benchmark)
        return store.provenance_of(self.spec.settings, libraries.languages(benchmark, self.dataset))


def check_file(
    file: SampleFile, task: str | None, settings: Mapping[str, Any], extract: str, *, pool: bool
) -> Checked:
    """Return what is to be judged of samples that were read; errors are those of `score_samples`."""
    spec = _task_of(file, task, settings)
    dataset = load_problems(spec)
    file = file.named(benchmarks.get(spec.settings.benchmark), dataset.problems)
    if file.runs and not pool:
        raise UsageError(
            f"these are several runs: {', '.join(map(str, file.runs))} have different samples of the same "
            "problems; score each run for itself, or add their samples up with --pool (pool=True)"
        )
    if "extraction" in settings:
        extract = extract_as_set(file.samples, spec, extract)
    chosen, left_out = _chosen(file.samples, spec, dataset, "samples" in settings)
    check(chosen, spec=spec, dataset=dataset, extract=extract, strict_k="k" in settings)
    asked = set(chosen.counts)
    libraries.require(dataset, spec.settings, f"task {spec.name}", asked)
    warnings = [*file.warnings, *_check_dataset(file.header, dataset, settings), *left_out]
    warnings += filter(
        None, [verbatim_warning(chosen, spec, extract), cut_warning(chosen, spec, dataset, extract)]
    )
    sent = None if file.header is None else Keys(file.header.extra).inner("sent").values or None
    return Checked(
        chosen,
        spec,
        dataset,
        extract,
        _generated_with(file),
        sent,
        _generation_s(file),
        *_asked_with(file),
        warnings,
    )


def load_problems(task: TaskSpec | str) -> Dataset:
    """Return the problems of a task: rows as the dataset has them, and `Problem`s by task_id.

    Raises:
        DatasetError: they cannot be had, or are not what they should be.
        UsageError: there is no such task.
    """
    spec = catalog.load_task(task) if isinstance(task, str) else task
    dataset = benchmarks.load(benchmarks.get(spec.settings.benchmark), spec.settings)
    return libraries.leave_out(dataset, spec.settings)


def _task_of(file: SampleFile, task: str | None, settings: Mapping[str, Any]) -> TaskSpec:
    header = file.header
    if header is None:
        if task is None:
            raise UsageError(
                "--task is needed: these samples do not say of which task they are (see `passk tasks`)"
            )
        return catalog.load_task(task, settings)
    if task is not None and task != header.task:
        raise UsageError(
            f"{file.samples[0].origin}: the journal is of {header.task}, not of {task}: leave --task away, "
            "and change single settings with --set"
        )
    # From the journal alone: the task's YAML may be the user's own, or have changed since.
    recorded = Settings.parse(header.settings, where="the journal's settings")
    return TaskSpec(
        name=header.task,
        version=header.task_version,
        description="",
        settings=Settings.parse(settings, where=f"task {header.task}", base=recorded),
        generation_kwargs={"until": list(header.until)},
        source=Path(file.samples[0].origin),
        asked=recorded.extraction,
        examples=Keys(header.extra).texts("examples"),
    )


def _chosen(given: Samples, spec: TaskSpec, dataset: Dataset, only_first: bool) -> tuple[Samples, list[str]]:
    """Return the samples that are judged, and what to say of the others."""
    chosen, said = given, []
    if skipped := [number for number, name in enumerate(given.names) if name in dataset.skipped]:
        chosen = given.chosen(~np.isin(given.problems, skipped))
    if len(chosen) < len(given):
        said.append(f"{len(given) - len(chosen)} samples of problems that are left out are not judged")
    if only_first:
        chosen, beyond = samples.first(chosen, spec.settings.samples)
        if beyond:
            said.append(
                f"{beyond} samples beyond the first {spec.settings.samples} of a problem are left out"
            )
    return chosen, said


def _generated_with(file: SampleFile) -> dict[str, object] | None:
    # What the samples themselves record; the task's own arguments say nothing about somebody else's samples.
    if file.header is not None:
        return {"until": list(file.header.until), **Keys(file.header.extra).inner("generation_kwargs").values}
    return None if file.until is None else {"until": list(file.until)}


def _asked_with(file: SampleFile) -> tuple[Mapping[str, object] | None, Mapping[str, str]]:
    """Return who was asked and with which texts, and each prompt as it was sent; a journal knows."""
    asked: Mapping[str, object] | None = None
    prompts: dict[str, str] = {}
    for source in file.sources:
        if source.header is not None and "asked" in source.header.extra:
            keys = Keys(Keys(source.header.extra).inner("asked").values)
            asked = asked or keys.without(["prompts"])
            prompts |= {task_id: str(text) for task_id, text in keys.inner("prompts").values.items()}
    return asked, prompts


def _lines(scored: Scored, prompts: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """Yield the line of each sample; the first one of a problem has its prompt."""
    seen = set[str]()
    for record in scored.records:
        task_id = record.sample.task_id
        first = task_id in prompts and task_id not in seen
        seen.add(task_id)
        yield {**record.as_dict(), **({"prompt": prompts[task_id]} if first else {})}


def _generation_s(file: SampleFile) -> float | None:
    """Return the wall seconds of generation: those of a run's slowest rank, of all runs that are pooled."""
    runs: dict[str, float] = {}
    for source in file.sources:
        if source.header is not None and source.generation_s is not None:
            run = str(source.header.extra.get("run_id"))
            runs[run] = max(runs.get(run, 0.0), source.generation_s)
    return sum(runs.values()) if runs else None


def _check_dataset(header: JournalHeader | None, dataset: Dataset, settings: Mapping[str, Any]) -> list[str]:
    if header is None or header.dataset_sha256 == dataset.sha256:
        return []
    difference = (
        f"the problems ({dataset.source}, sha256 {dataset.sha256[:12]}) are not those of the journal "
        f"({header.dataset_source}, sha256 {header.dataset_sha256[:12]})"
    )
    if settings.keys() & {"data_files", "dataset", "benchmark"}:
        return [difference]
    raise DatasetError(f"{difference}; name the ones to use with --set data_files=PATH")
