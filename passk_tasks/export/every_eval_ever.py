"""Every Eval Ever: one JSON with the scores of a model, and a line for each of its samples.

Schema 0.3.0, `every_eval_ever/schemas/` of the PyPI package every-eval-ever; the data's repository is
https://huggingface.co/datasets/evaleval/EEE_datastore, with `data/BENCHMARK/DEVELOPER/MODEL/UUID.json` and
`UUID_samples.jsonl` beside it.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from typing import ClassVar

from passk_tasks.export import base
from passk_tasks.export.base import Details, Format
from passk_tasks.export.source import Source
from passk_tasks.problem import Problem
from passk_tasks.results.spent import Spent
from passk_tasks.scoring.candidates import Candidate
from passk_tasks.statistics.metrics import AVG, BASE_PASS, FAMILIES, HAT, KEPT, PASS, Metric, Score

SCHEMA = "0.3.0"
# Metrics of this kind may be averaged over benchmarks there.
_PASS_RATES = (PASS, BASE_PASS, HAT, AVG)
_PARAMETERS = {"T": "share", "N": "submissions"}


class EveryEvalEver(Format):
    """An aggregate and its samples. A subset of the problems is fine: their number is in it."""

    name: ClassVar[str] = "every-eval-ever"
    summary: ClassVar[str] = "Every Eval Ever: data/BENCHMARK/DEVELOPER/MODEL/UUID.json and its samples"

    def missing(self, sources: Sequence[Source], details: Details) -> Iterator[str]:
        """Who evaluated, what they are to the model's makers, a date, the model by its name on the hub."""
        (source,) = sources
        yield from base.demand_repository(sources, details)
        if not details.organization:
            yield "who evaluated: --organization NAME"
        if details.relationship not in base.RELATIONSHIPS:
            yield f"what they are to the model's makers: --relationship {'|'.join(base.RELATIONSHIPS)}"
        if source.run.date is None:
            yield "when it was evaluated: the run did not record it"
        yield from base.demand_first(source)
        yield from base.demand_verdicts(source)

    def files(self, sources: Sequence[Source], details: Details) -> dict[str, bytes]:
        """The aggregate and the samples."""
        (source,) = sources
        assert source.run.date is not None
        model = base.model_name(source, details)
        timestamp = str(source.run.date.timestamp())
        identity = f"{source.family}/{model}/{timestamp}"
        samples = base.lines(_samples(source, model, identity))
        # A UUID of version 4 as demanded, but of the content: the same run gives the same file.
        name = uuid.UUID(bytes=hashlib.sha256(samples + timestamp.encode()).digest()[:16], version=4)
        folder = f"data/{source.family}/{model}"
        aggregate = {
            "schema_version": SCHEMA,
            "evaluation_id": identity,
            "evaluation_timestamp": source.run.date.isoformat(),
            "retrieved_timestamp": timestamp,
            "source_metadata": {
                "source_name": "passk-tasks",
                "source_type": "evaluation_run",
                "source_organization_name": details.organization,
                "evaluator_relationship": details.relationship,
                **({"source_organization_url": details.source_url} if details.source_url else {}),
            },
            "eval_library": {
                "name": "passk-tasks",
                "version": source.run.conditions.passk_tasks or "unknown",
                "additional_details": {"harness": "lm_eval"},
            },
            "model_info": {
                "name": model.partition("/")[2],
                "id": model,
                "developer": model.partition("/")[0],
                "additional_details": {
                    "deployment_type": "unknown",
                    "model_availability": "unknown",
                    **({"revision": details.revision} if details.revision else {}),
                },
            },
            "evaluation_results": [_result(source, score) for score in source.run.metrics.values()],
            "detailed_evaluation_results": {
                "format": "jsonl",
                "file_path": f"{folder}/{name}_samples.jsonl",
                "hash_algorithm": "sha256",
                "checksum": hashlib.sha256(samples).hexdigest(),
                "total_rows": samples.count(b"\n"),
            },
        }
        return {f"{folder}/{name}.json": base.dumps(aggregate), f"{folder}/{name}_samples.jsonl": samples}

    def note(self, sources: Sequence[Source], details: Details) -> str:
        """What checks it, and where it goes."""
        return (
            "To check it with the receiver's own code: pip install every-eval-ever, cd into the output "
            "folder (its paths begin with data/), and every_eval_ever validate data/*/*/*/*. To submit: open "
            "a pull request at https://huggingface.co/datasets/evaleval/EEE_datastore with data/ as it is. "
            "`deployment_type` and `model_availability` are `unknown`: no run records them; put in what you "
            "know."
        )


def _result(source: Source, score: Score) -> dict[str, object]:
    name, over_problems = score.name, score.over_problems
    uncertainty: dict[str, object] = {"num_samples": source.run.problems}
    if over_problems.se is not None:
        uncertainty["standard_error"] = {"value": over_problems.se, "method": "over problems"}
    if over_problems.ci95 is not None:
        low, high = over_problems.ci95
        uncertainty["confidence_interval"] = {
            "lower": low,
            "upper": high,
            "confidence_level": 0.95,
            "method": over_problems.method,
        }
    return {
        "evaluation_result_id": name,
        "evaluation_name": source.run.task,
        "source_data": _data(source),
        "evaluation_timestamp": "" if source.run.date is None else source.run.date.isoformat(),
        "metric_config": {
            **_metric(name, source),
            "metric_unit": "proportion",
            "lower_is_better": False,
            "score_type": "continuous",
            "min_score": 0.0,
            "max_score": 1.0,
        },
        "score_details": {
            "score": score.value,
            "uncertainty": uncertainty,
            "details": {
                f"over_samples_{key}": str(value) for key, value in score.over_samples.as_dict().items()
            },
        },
        "generation_config": _generation(source),
    }


def _metric(name: str, source: Source) -> dict[str, object]:
    """Return which metric a score is of: pass@k by the receiver's own word, others by words of ours.

    Names that `Metric.parse` does not know, `kept_pass@k` and `max@k` among them, have their budget last.
    """
    try:
        metric = Metric.parse(name)
    except ValueError:
        words, _, k = name.partition("@")
        family, meaning = f"{words}@K", name
        parameters: dict[str, object] = {"k": int(k)} if k.isdigit() else {}
    else:
        family, meaning = metric.family, FAMILIES[metric.family].meaning
        parameters = {"k": metric.k} if "K" in family else {}
        parameters |= {key: metric.parameter for letter, key in _PARAMETERS.items() if letter in family}
    own = family.replace("@", "_at_").replace("^", "_hat_").replace("-", "_").lower()
    return {
        "metric_id": own if family == PASS else f"passk_tasks.{own}",
        "metric_name": name,
        "metric_kind": "pass_rate" if family in _PASS_RATES or name.startswith(KEPT) else own,
        "metric_parameters": {**parameters, **({} if source.n is None else {"n": source.n})},
        "evaluation_description": f"{name} on {source.family}: {meaning}",
    }


def _data(source: Source) -> dict[str, object]:
    identity = {"sha256": str(source.run.conditions.dataset)}
    if not source.published:
        return {"dataset_name": source.family, "source_type": "other", "additional_details": identity}
    return {
        "dataset_name": source.family,
        "source_type": "hf_dataset",
        "hf_repo": source.hub_path,
        "hf_split": source.split,
        "samples_number": source.run.problems,
        "additional_details": identity,
    }


def _generation(source: Source) -> dict[str, object]:
    conditions = source.run.conditions
    arguments: dict[str, object] = {"temperature": source.temperature, "top_p": source.top_p}
    longest = (conditions.sampling or {}).get("max_gen_toks")
    if isinstance(longest, int) and longest > 0:
        arguments["max_tokens"] = longest
    arguments["sandbox"] = {"type": str(conditions.sandbox)}
    names = ("n", "stops", "extraction", "judge", "limits", "version", "python")
    texts = ("prompt", "system_instruction", "chat_template")
    told = {name: value for name, value in conditions.as_dict().items() if name in names + texts}
    if conditions.packages is not None:
        told["packages"] = ", ".join(f"{name}=={version}" for name, version in conditions.packages.items())
    told = {name: value for name, value in {**told, **base.called(source)}.items() if value is not None}
    return {
        "generation_args": {key: value for key, value in arguments.items() if value is not None},
        "additional_details": {name: str(value) for name, value in {**told, **_cost(source)}.items()},
    }


def _cost(source: Source) -> dict[str, object]:
    """Return what the run took: wall seconds, tokens, and who counted them of how many samples."""
    cost = source.run.cost
    if cost is None:
        return {}
    counted = {f"tokens_counted_by_{who}": number for who, number in cost.counted.items()}
    return {**cost.sums(), **counted}


def _samples(source: Source, model: str, identity: str) -> Iterator[dict[str, object]]:
    for task_id, _, candidates in source.in_order():
        for index, candidate in enumerate(candidates):
            sample = _sample(source, model, identity, source.problems[task_id], candidate, index)
            yield {**sample, **_spent(source.spent(task_id, index))}


def _spent(spent: Spent | None) -> dict[str, object]:
    """Return the tokens of a sample, where both kinds were counted: the receiver demands both."""
    if spent is None or spent.tokens_in is None or spent.tokens_out is None:
        return {}
    return {"token_usage": base.tokens(spent.tokens_in, spent.tokens_out)}


def _sample(
    source: Source, model: str, identity: str, problem: Problem, candidate: Candidate, index: int
) -> dict[str, object]:
    prompt, solution = problem.prompt, problem.canonical_solution
    reference = [] if solution is None else [solution]
    outcome = candidate.outcome
    return {
        "schema_version": SCHEMA,
        "evaluation_id": identity,
        "model_id": model,
        "evaluation_name": source.run.task,
        "evaluation_result_id": base.FIRST,
        "sample_id": problem.task_id,
        "sample_hash": hashlib.sha256(
            "".join([prompt, *reference]).encode("utf-8", "surrogatepass")
        ).hexdigest(),
        "interaction_type": "single_turn",
        "input": {"raw": prompt, "reference": reference},
        "output": {"raw": [candidate.text]},
        "messages": None,
        "answer_attribution": [
            {
                "turn_idx": 0,
                "source": "output.raw",
                "extracted_value": candidate.code or "",
                "extraction_method": candidate.strategy,
                "is_terminal": True,
            }
        ],
        "evaluation": {"score": float(outcome.passed), "is_correct": outcome.passed},
        "metadata": {
            "sample": str(index),
            "verdict": outcome.verdict.value,
            "detail": outcome.detail,
            "judge": outcome.judge,
        },
    }
