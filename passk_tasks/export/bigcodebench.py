"""BigCodeBench: solutions, results and pass@k as `bigcodebench.evaluate` names and writes them.

bigcodebench 0.2.5 (bigcodebench/generate.py for the name, bigcodebench/evaluate.py for the rest). Its
evaluation puts `code_prompt` before each solution unless told otherwise; the file's name says that it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from passk_tasks.export import base
from passk_tasks.export.base import Details, Format
from passk_tasks.export.source import Source
from passk_tasks.scoring.candidates import Candidate

_SUBSETS = {1140: "full", 148: "hard"}


class BigCodeBench(Format):
    """Solutions under the benchmark's own name, with what the evaluation leaves beside them."""

    name: ClassVar[str] = "bigcodebench"
    summary: ClassVar[str] = "BigCodeBench: solutions, eval_results and pass_at_k"

    def missing(self, sources: Sequence[Source], details: Details) -> Iterator[str]:
        """All problems of the full or the hard set; what ran the model."""
        (source,) = sources
        yield from base.demand_ids(source, "BigCodeBench/", "BigCodeBench")
        yield from base.demand_columns(source, ("code_prompt",), "BigCodeBench")
        yield from base.demand_all(source)
        if source.run.problems_total not in _SUBSETS:
            yield f"the full set (1140 problems) or the hard one (148): the run's has {len(source.rows)}"
        yield from base.demand_sampling(source)
        yield from base.demand_name(details.backend, "what ran the model", "--backend vllm|hf|openai|…")
        model = _model(source, details)
        if not base.NAME.fullmatch(model):
            yield f"a model's name that can stand in a file's: {model!r} cannot; --model NAME"
        if details.revision is not None:
            yield from base.demand_name(details.revision, "the model's revision", "--revision NAME")

    def files(self, sources: Sequence[Source], details: Details) -> dict[str, bytes]:
        """Three files that share their names' beginning."""
        (source,) = sources
        subset = _SUBSETS[source.run.problems_total]
        split = _split(source)
        model = _model(source, details)
        hard = "-hard" if subset == "hard" else ""
        stem = (
            f"{model}--{details.revision or 'main'}--bigcodebench{hard}-{split}--"
            f"{details.backend}-{source.temperature}-{source.n}-sanitized_calibrated"
        )
        results = {
            "date": base.minute(source),
            "eval": {
                task_id: [_result(task_id, str(row["code_prompt"]), candidate) for candidate in candidates]
                for task_id, row, candidates in source.in_order()
            },
        }
        scores: dict[str, object] = {
            name: value for name, value in source.run.scores.items() if name[:5] == "pass@"
        }
        scores |= {"model": model, "split": split, "subset": subset, "calibrated": True}
        return {
            f"{stem}.jsonl": base.solutions(source),
            f"{stem}_eval_results.json": base.dumps(results),
            f"{stem}_pass_at_k.json": base.dumps(scores),
        }

    def note(self, sources: Sequence[Source], details: Details) -> str:
        """Who judges them for the leaderboard."""
        return (
            "The leaderboard's authors judge submissions again: bigcodebench.evaluate --samples FILE.jsonl "
            f"--split {_split(sources[0])} --subset full|hard does what they do. Open an issue at "
            "https://github.com/bigcode-project/bigcodebench with the solutions. Its hosted evaluator "
            "(--execution gradio, the default) seems dead since 2025: judge with --execution local, in their "
            "container. `gt_pass_rate` is left out: we did not run the references under their limits."
        )


def _split(source: Source) -> str:
    return "instruct" if source.run.conditions.extraction == "answer" else "complete"


def _model(source: Source, details: Details) -> str:
    return base.model_name(source, details).replace("/", "--")


def _result(task_id: str, code_prompt: str, candidate: Candidate) -> dict[str, object]:
    # What their evaluation runs and writes down: the solution below the prompt's function that does nothing.
    outcome = candidate.outcome
    return {
        "task_id": task_id,
        "solution": f"{code_prompt}\n    pass\n{candidate.code or ''}",
        "status": base.status(candidate),
        "details": {} if outcome.passed else {"ALL": outcome.detail or outcome.verdict.value},
    }
