"""Inspect's log, `.eval`: a zip with the head of a run, and a file a sample. `inspect view` shows it.

Version 2 of the form, as inspect_ai 0.3.285 reads it (inspect_ai/log/_log.py, _recorders/eval.py). A sample
of ours is an epoch of theirs. The zip's dates are all one, so that the same run gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from datetime import timezone
from typing import ClassVar

from passk_tasks.export import base
from passk_tasks.export.base import Details, Format
from passk_tasks.export.source import Source
from passk_tasks.results.spent import Spent
from passk_tasks.scoring.candidates import Candidate
from passk_tasks.verdict import Verdict

SCORER = "passk"
_VERSION = 2
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip knows


class InspectLog(Format):
    """The whole run: prompts, answers, code, verdicts, and all scores with their uncertainty."""

    name: ClassVar[str] = "inspect"
    summary: ClassVar[str] = "Inspect: a log, DATE_TASK_ID.eval, which inspect view shows"

    def missing(self, sources: Sequence[Source], details: Details) -> Iterator[str]:
        """A date."""
        (source,) = sources
        if source.run.date is None:
            yield "when it was evaluated: the run did not record it"

    def files(self, sources: Sequence[Source], details: Details) -> dict[str, bytes]:
        """One log."""
        (source,) = sources
        assert source.run.date is not None
        model = base.model_name(source, details)
        samples = list(_samples(source, model))
        content = {f"samples/{one['id']}_epoch_{one['epoch']}.json": one for one in samples}
        task = source.run.task.replace("_", "-")  # a name of theirs ends at `_`
        identity = hashlib.sha256(json.dumps(samples).encode()).hexdigest()[:22]
        head = _head(source, model, identity, samples)
        start = {key: head[key] for key in ("version", "eval", "plan")}
        packed = _zipped(
            {
                "_journal/start.json": start,
                **content,
                "summaries.json": [_summary(one) for one in samples],
                "header.json": head,
            }
        )
        date = source.run.date.astimezone(timezone.utc)
        return {f"{date:%Y-%m-%dT%H-%M-%S+00-00}_{task}_{identity}.eval": packed}

    def note(self, sources: Sequence[Source], details: Details) -> str:
        """What shows it, and what it is not."""
        return (
            "To see it: pip install inspect-ai, and inspect view --log-dir with this folder "
            "(https://inspect.aisi.org.uk/log-viewer.html). Our samples are epochs there; a score is C where "
            "the tests passed and I where they did not. The prompts are the benchmark's, without what a chat "
            "template or worked examples put around them."
        )


def _head(
    source: Source, model: str, identity: str, samples: Sequence[dict[str, object]]
) -> dict[str, object]:
    run = source.run
    assert run.date is not None
    date = run.date.isoformat()
    sampling = run.conditions.sampling or {}
    generation = {
        "temperature": source.temperature,
        "top_p": source.top_p,
        "max_tokens": sampling.get("max_gen_toks"),
        "stop_seqs": list(run.conditions.stops or ()) or None,
    }
    scored = sum(bool(one["scores"]) for one in samples)
    cost = run.cost
    usage = (
        {} if cost is None or not cost.all_counted else {model: base.tokens(cost.tokens_in, cost.tokens_out)}
    )
    return {
        "version": _VERSION,
        "status": "success",
        "eval": {
            "eval_id": identity,
            "run_id": identity,
            "task_id": identity,
            "created": date,
            "task": run.task,
            "task_version": run.task_version,
            "dataset": {
                "name": source.family,
                "location": source.hub_path if source.published else run.dataset_source,
                "samples": run.problems,
                "sample_ids": [task_id for task_id, _, _ in source.in_order()],
                "shuffled": False,
            },
            "model": model,
            "model_generate_config": {key: value for key, value in generation.items() if value is not None},
            "config": {"epochs": source.n} if source.n else {},
            "packages": {"passk-tasks": run.conditions.passk_tasks or "unknown"},
            "metadata": {"conditions": run.conditions.as_dict(), **base.called(source)},
        },
        "plan": {"name": "plan", "steps": [{"solver": "generate", "params": {}}], "config": {}},
        "results": {
            "total_samples": len(samples),
            "completed_samples": len(samples),
            "scores": [
                {
                    "name": SCORER,
                    "scorer": SCORER,
                    "scored_samples": scored,
                    "unscored_samples": len(samples) - scored,
                    "metrics": {
                        name: {"name": name, "value": score.value, "metadata": score.as_dict()}
                        for name, score in run.metrics.items()
                    },
                }
            ],
        },
        "stats": {"started_at": date, "completed_at": date, "model_usage": usage},
    }


def _samples(source: Source, model: str) -> Iterator[dict[str, object]]:
    for task_id, _, candidates in source.in_order():
        problem = source.problems[task_id]
        for index, candidate in enumerate(candidates):
            answer = {"role": "assistant", "content": candidate.text, "source": "generate", "model": model}
            output = _output(answer, model, source.spent(task_id, index))
            yield {
                "id": task_id,
                "epoch": index + 1,
                "input": problem.prompt,
                "target": problem.canonical_solution or "",
                "messages": [{"role": "user", "content": problem.prompt}, answer],
                "output": output,
                "scores": _score(candidate),
                "metadata": {"verdict": candidate.outcome.verdict.value},
                **({"model_usage": {model: output["usage"]}} if "usage" in output else {}),
            }


def _output(answer: dict[str, str], model: str, spent: Spent | None) -> dict[str, object]:
    hit = spent is not None and spent.limit_hit
    choice = {"message": answer, "stop_reason": "max_tokens" if hit else "stop"}
    output: dict[str, object] = {"model": model, "choices": [choice], "completion": answer["content"]}
    if spent is not None and spent.tokens_in is not None and spent.tokens_out is not None:
        output["usage"] = base.tokens(spent.tokens_in, spent.tokens_out)
    elif spent is not None and spent.tokens_out is not None:  # their form writes 0 for what nobody counted
        output["metadata"] = {"output_tokens": spent.tokens_out}
    return output


def _score(candidate: Candidate) -> dict[str, object]:
    """Return the score; none where there is no verdict."""
    outcome = candidate.outcome
    if outcome.verdict is Verdict.INFRA_ERROR:
        return {}
    said = {"judge": outcome.judge, "extraction": candidate.strategy}
    return {
        SCORER: {
            "value": "C" if outcome.passed else "I",
            "answer": candidate.code or "",
            "explanation": f"{outcome.verdict.value}{outcome.detail and ': '}{outcome.detail}",
            "metadata": said,
        }
    }


def _summary(sample: dict[str, object]) -> dict[str, object]:
    kept = ("id", "epoch", "input", "target", "metadata", "scores", "model_usage")
    return {**{key: sample[key] for key in kept if key in sample}, "completed": True, "message_count": 2}


def _zipped(content: dict[str, object]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, value in content.items():
            file.writestr(
                zipfile.ZipInfo(name, _DATE),
                json.dumps(value, allow_nan=False),
                compress_type=zipfile.ZIP_DEFLATED,
            )
    return packed.getvalue()
