"""Scores on the Hugging Face hub: `.eval_results/*.yaml` of a model's repository, and the model card's index.

Both are built and read back by `huggingface_hub`, which knows what the hub accepts:
https://huggingface.co/docs/hub/eval-results and https://huggingface.co/docs/hub/model-cards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import yaml

from passk_tasks.errors import UsageError
from passk_tasks.export import base
from passk_tasks.export.base import Details, Format
from passk_tasks.export.source import Source
from passk_tasks.statistics.metrics import Score


class EvalResults(Format):
    """One score for a registered benchmark, in a YAML file of the model's repository."""

    name: ClassVar[str] = "hf-eval-results"
    summary: ClassVar[str] = "Hugging Face: .eval_results/DATASET.yaml of a model's repository"
    candidates: ClassVar[bool] = False

    def missing(self, sources: Sequence[Source], details: Details) -> Iterator[str]:
        """Every problem; the registered benchmark and its task, which nobody can check offline."""
        (source,) = sources
        yield from base.demand_all(source)
        yield from base.demand_first(source)
        if not base.REPOSITORY.fullmatch(details.dataset_id or ""):
            yield "the registered benchmark's repository on the hub: --dataset-id ORGANISATION/DATASET"
        yield from base.demand_name(
            details.dataset_task, "its task, one that the dataset's eval.yaml names", "--dataset-task TASK"
        )
        if (details.user or details.organization) and details.source_url is None:
            yield "a page about the evaluation, which goes with who evaluated: --source-url URL"

    def files(self, sources: Sequence[Source], details: Details) -> dict[str, bytes]:
        """One file with one entry."""
        (source,) = sources
        try:
            from huggingface_hub import (
                EvalResultEntry,
                eval_result_entries_to_yaml,
                parse_eval_result_entries,
            )
        except ImportError as error:
            raise UsageError(
                "this huggingface_hub does not know .eval_results yet: pip install -U huggingface_hub"
            ) from error
        assert details.dataset_id is not None
        assert details.dataset_task is not None
        score = source.run.metrics[base.FIRST]
        entry = EvalResultEntry(
            dataset_id=details.dataset_id,
            task_id=details.dataset_task,
            value=round(100 * score.value, 4),
            dataset_revision=_revision(source, details),
            date=None if source.run.date is None else source.run.date.isoformat(),
            source_url=details.source_url,
            source_name=details.source_url
            and f"passk-tasks {source.run.conditions.passk_tasks or ''}".strip(),
            source_user=details.user,
            source_org=details.organization,
            notes=f"{base.FIRST} in percent; {base.conditions(source)}; as a share {base.interval(score)}",
        )
        content = yaml.safe_dump(eval_result_entries_to_yaml([entry]), sort_keys=False, width=100)
        if parse_eval_result_entries(yaml.safe_load(content)) != [entry]:
            raise UsageError(f"{source.run.path}: what it says does not survive in YAML")
        return {f".eval_results/{details.dataset_id.rpartition('/')[2]}.yaml": content.encode()}

    def note(self, sources: Sequence[Source], details: Details) -> str:
        """How the file gets into the repository."""
        name = (details.dataset_id or "").rpartition("/")[2]
        (source,) = sources
        lacking = []
        if _revision(source, details) is None:
            lacking.append("dataset.revision, since the problems came from elsewhere or without a commit")
        if not details.source_url:
            lacking.append("source: name a page about the evaluation with --source-url")
        left_out = f" Left out: {'; '.join(lacking)}." if lacking else ""
        return (
            f"See first that https://huggingface.co/datasets/{details.dataset_id} has an eval.yaml with the "
            f"task {details.dataset_task}, and how its leaderboard scales scores: here it is percent. Then "
            f"add the file to the model's repository as .eval_results/{name}.yaml, by a pull request where "
            f"it is not yours. The form has no field for uncertainty; it is in the notes.{left_out}"
        )


class ModelIndex(Format):
    """The `model-index` of a model card."""

    name: ClassVar[str] = "model-index"
    summary: ClassVar[str] = "Hugging Face: model-index of a model card, model-index.yaml"
    candidates: ClassVar[bool] = False
    several: ClassVar[bool] = True

    def missing(self, sources: Sequence[Source], details: Details) -> Iterator[str]:
        """Every problem; the model by its name on the hub."""
        yield from base.demand_repository(sources, details)
        yield from base.demand_of_each(sources, base.demand_all)

    def files(self, sources: Sequence[Source], details: Details) -> dict[str, bytes]:
        """YAML with all pass@k of all runs."""
        from huggingface_hub import EvalResult, ModelCardData
        from huggingface_hub.repocard_data import eval_results_to_model_index, model_index_to_eval_results

        name = base.model_name(sources[0], details)
        results = [
            EvalResult(
                task_type="text-generation",
                dataset_type=source.hub_path,
                dataset_name=source.family,
                dataset_config=source.hub_name,
                dataset_split=source.split,
                metric_type=metric_name,
                metric_value=score.value,
                metric_name=f"{metric_name} ({source.run.task})",
                metric_args=_arguments(source, score),
            )
            for source in sources
            for metric_name, score in source.run.metrics.items()
        ]
        index = eval_results_to_model_index(name, results)
        content = yaml.safe_dump({"model-index": index}, sort_keys=False, width=100)
        # Read back as the hub's own library reads a card.
        name_again, results_again = model_index_to_eval_results(yaml.safe_load(content)["model-index"])
        card = ModelCardData(model_name=name, eval_results=results)
        if name_again != name or results_again != results or card.to_dict()["model-index"] != index:  # type: ignore[no-untyped-call]
            raise UsageError(f"{sources[0].run.path}: what it says does not survive in a model card")
        return {"model-index.yaml": content.encode()}

    def note(self, sources: Sequence[Source], details: Details) -> str:
        """How it gets into the card."""
        return (
            "Put it into the YAML at the head of the model's README.md, or have it merged: "
            "huggingface_hub.metadata_update(REPOSITORY, yaml.safe_load(open('model-index.yaml'))). The form "
            "has no field for uncertainty; it is in the metric's args."
        )


def _revision(source: Source, details: Details) -> str | None:
    """Return the commit of the hub's problems; None where they came from elsewhere, or without one."""
    return source.hub_revision if details.dataset_id == source.hub_path else None


def _arguments(source: Source, score: Score) -> dict[str, object]:
    told: dict[str, object] = {"n": source.n, "temperature": source.temperature, "top_p": source.top_p}
    for key, estimate in (("over_problems", score.over_problems), ("over_samples", score.over_samples)):
        told[f"se_{key}"] = estimate.se
        told[f"ci95_{key}"] = estimate.ci95 and list(estimate.ci95)
        told[f"method_{key}"] = estimate.method  # a bound is no standard error
    told["conditions"] = base.conditions(source)
    return {key: value for key, value in told.items() if value is not None}
