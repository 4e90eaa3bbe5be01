"""Generations of one stored run, judged as another one was: what separates a model from its tooling."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from passk_tasks.errors import SamplesError, UsageError
from passk_tasks.judging.executor import executor_for
from passk_tasks.results import joining
from passk_tasks.results.model import Run
from passk_tasks.results.samples import Sample
from passk_tasks.scoring.candidates import problems_of, spec_of
from passk_tasks.scoring.score import prepare, score
from passk_tasks.tasks.settings import OF_PEOPLE
from passk_tasks.verdict import Outcome

_OF_ASKING = {"k", "samples", "seeds", "journal", "price", "top_up", *OF_PEOPLE}  # move no verdict
_OF_HOST = {"workers", "beside", "cluster", "mixed", "verdicts"}


@dataclass
class Rejudging:
    """Judges generations of stored runs again, on this host, each as often as ways of judging are wanted.

    Attributes:
        problems: task_ids of those that are judged.
        progress: show a progress bar for each judging.
        warnings: what a person must know of what was judged.
    """

    problems: Collection[str]
    progress: bool = False
    warnings: list[str] = field(default_factory=list)
    _texts: dict[tuple[Path, str], dict[str, list[Sample]]] = field(default_factory=dict)
    _judged: dict[tuple[Path, str, str], Mapping[str, tuple[Outcome, ...]]] = field(default_factory=dict)

    def judge(self, run: Run, way: Run) -> Run:
        """Return a run with the outcomes that its generations get when judged as those of `way` were.

        Extraction, judge, limits, packages, problems and their tests are those of `way`; the stop sequences
        stay those that the generations were asked for with. Each pair is judged once.

        Raises:
            UsageError: the texts or the problems are not at hand, or these texts cannot be read that way.
            SandboxError: no sandbox of the wanted strength on this host.
        """
        texts = self._texts_of(run)
        asked = spec_of(run)
        spec = replace(spec_of(way), generation_kwargs=asked.generation_kwargs, asked=asked.asked)
        extract = way.extract or "auto"
        deciding = {
            name: value
            for name, value in spec.settings.as_dict().items()
            if name not in _OF_ASKING | _OF_HOST
        }
        how = json.dumps([deciding, extract, way.dataset_sha256], sort_keys=True)
        key = (run.path, run.task, how)
        if key not in self._judged:
            dataset = problems_of(way)
            samples = [sample for of_problem in texts.values() for sample in of_problem]
            # On this host, wherever the run was judged; once for both.
            with executor_for(replace(spec.settings, cluster=None)) as executor:
                tried = prepare(spec, dataset, texts.keys(), executor)
                scored = score(
                    samples,
                    spec=spec,
                    dataset=tried.dataset,
                    executor=executor,
                    extract=extract,
                    progress=self.progress,
                )
            outcomes: dict[str, list[Outcome]] = {}
            for record in scored.records:
                outcomes.setdefault(record.sample.task_id, []).append(record.outcome)
            self._judged[key] = {task_id: tuple(mine) for task_id, mine in outcomes.items()}
            for text in (*tried.warnings, *scored.sandbox_warnings):
                if text not in self.warnings:
                    self.warnings.append(text)
        return replace(run, outcomes=self._judged[key])

    def _texts_of(self, run: Run) -> dict[str, list[Sample]]:
        key = (run.path, run.task)
        if key not in self._texts:
            try:
                saved = joining.texts(run)
            except (SamplesError, OSError) as error:
                raise UsageError(f"{run.path}: its generations cannot be judged again: {error}") from None
            self._texts[key] = {task_id: saved[task_id] for task_id in self.problems}
        return self._texts[key]
