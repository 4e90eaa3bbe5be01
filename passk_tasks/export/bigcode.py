"""The folder of a submission to the BigCode models leaderboard.

bigcode-evaluation-harness, leaderboard/README.md and leaderboard/group_jsons.py: HumanEval and MultiPL-E with
50 samples at T = 0.2 and top_p = 0.95; a summary of every task's pass@1, with generations and metrics beside
it for credibility, in `community_results/ORGANISATION_MODEL_USER/` of the leaderboard's space.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import ClassVar

from passk_tasks.export import base
from passk_tasks.export.base import Details, Format
from passk_tasks.export.human_eval import demand_published
from passk_tasks.export.source import Source

LANGUAGES = ("js", "java", "cpp", "swift", "php", "d", "jl", "lua", "r", "rkt", "rb", "rs")
"""MultiPL-E languages that the leaderboard has a column for; Python is HumanEval itself."""

_N, _TEMPERATURE, _TOP_P = 50, 0.2, 0.95


class BigCode(Format):
    """A summary, the generations and the metrics of one model."""

    name: ClassVar[str] = "bigcode"
    summary: ClassVar[str] = "BigCode models leaderboard: community_results/ORGANISATION_MODEL_USER/"
    several: ClassVar[bool] = True

    def missing(self, sources: Sequence[Source], details: Details) -> Iterator[str]:
        """HumanEval or MultiPL-E, n = 50, T = 0.2, top_p = 0.95; model and user by their names on the hub."""
        yield from base.demand_repository(sources, details)
        yield from base.demand_name(details.user, "your name on the hub", "--user NAME")
        tasks = [_task(source) for source in sources]
        for task in dict.fromkeys(tasks):
            if task is not None and tasks.count(task) > 1:
                yield f"one run a task: {tasks.count(task)} of them are of {task}"
        yield from base.demand_of_each(sources, _missing)

    def files(self, sources: Sequence[Source], details: Details) -> dict[str, bytes]:
        """The summary, and for each task its generations and metrics."""
        model = base.model_name(sources[0], details)
        organisation, short = model.split("/")
        folder = f"community_results/{organisation}_{short}_{details.user}"
        results, files = [], {}
        for source in sources:
            task, score = str(_task(source)), source.run.scores[base.FIRST]
            results.append({"task": task, "pass@1": score})
            generations = [
                [candidate.code or "" for candidate in candidates] for _, _, candidates in source.in_order()
            ]
            files[f"{folder}/generations_{short}/generations_{task}_{short}.json"] = (
                json.dumps(generations).encode("ascii") + b"\n"
            )
            files[f"{folder}/metrics_{short}/metrics_{task}_{short}.json"] = base.dumps(
                {task: {"pass@1": score}, "config": _config(source, model)}
            )
        summary = {"results": results, "meta": {"model": model}}
        return {f"{folder}/{organisation}_{short}_{details.user}.json": base.dumps(summary), **files}

    def note(self, sources: Sequence[Source], details: Details) -> str:
        """Where to open the pull request."""
        return (
            "Copy community_results/ into a clone of the space "
            "https://huggingface.co/spaces/bigcode/bigcode-models-leaderboard and open a pull request there, "
            "with the title `[Community Submission] Model: ORGANISATION/MODEL, Username: USER`. The "
            "leaderboard's own runs allow 512 tokens with the prompt for base models, and have MultiPL-E's "
            "problems of revision 28441b60; say so where yours differ."
        )


def _missing(source: Source) -> Iterator[str]:
    task = _task(source)
    if task is None:
        yield (
            f"HumanEval, or MultiPL-E in one of {', '.join(LANGUAGES)}: the run is of {source.family} "
            f"({source.run.task})"
        )
    elif task == "humaneval":
        yield from demand_published(source)
    elif not source.published:
        yield (
            f"MultiPL-E's own problems, from the hub: the run has those of {source.run.dataset_source} "
            f"({source.run.task})"
        )
    yield from base.demand_all(source)
    yield from base.demand_first(source)
    if source.n is not None and source.n != _N:
        yield f"n = {_N}: the run has {source.n}; --metadata passk.samples={_N}"
    yield from base.demand_sampling(source, temperatures=(_TEMPERATURE,))
    if source.temperature is not None and source.top_p != _TOP_P:
        yield f"top_p = {_TOP_P}: the run has {source.top_p or 'none'}; --gen_kwargs top_p={_TOP_P}"


def _task(source: Source) -> str | None:
    if source.family == "humaneval":
        return "humaneval"
    language = source.family.removeprefix("multiple_humaneval_")
    return f"multiple-{language}" if language in LANGUAGES and language != source.family else None


def _config(source: Source, model: str) -> dict[str, object]:
    conditions = {**source.run.conditions.as_dict(), **base.called(source)}
    return {
        "model": model,
        "tasks": _task(source),
        "do_sample": True,
        "temperature": source.temperature,
        "top_p": source.top_p,
        "n_samples": source.n,
        "uncertainty": source.run.metrics[base.FIRST].as_dict(),
        "conditions": conditions,
    }
