"""LiveCodeBench: what its custom evaluator takes, and what a submission holds.

LiveCodeBench/LiveCodeBench, lcb_runner/runner/custom_evaluator.py (every problem, sorted by
`str(question_id)`) and lcb_runner/benchmarks/code_generation.py (`insert_output_evaluation`: the objects of
`…_eval_all.json`); submissions are folders of the repository LiveCodeBench/submissions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import ClassVar

from passk_tasks.export import base
from passk_tasks.export.base import Details, Format
from passk_tasks.export.source import Source
from passk_tasks.scoring.candidates import Candidate
from passk_tasks.verdict import Verdict

OUTPUT = "custom_output.json"

_COLUMNS = (
    "question_title",
    "question_content",
    "platform",
    "question_id",
    "contest_id",
    "contest_date",
    "starter_code",
    "difficulty",
)

# As lcb_runner/evaluation/testing_util.py numbers them.
_ERRORS = {
    Verdict.FAILED: (-2, "Wrong Answer"),
    Verdict.TIMEOUT: (-3, "Time Limit Exceeded"),
}
_RUNTIME_ERROR = (-4, "Runtime Error")


class LiveCodeBench(Format):
    """The evaluator's input, and the graded form that is submitted."""

    name: ClassVar[str] = "livecodebench"
    summary: ClassVar[str] = f"LiveCodeBench: {OUTPUT} and MODEL/Scenario.codegeneration_N_T_eval_all.json"

    def missing(self, sources: Sequence[Source], details: Details) -> Iterator[str]:
        """Every problem, one n and one temperature; a model's name."""
        (source,) = sources
        yield from base.demand_columns(source, _COLUMNS, "LiveCodeBench")
        yield from base.demand_all(source)
        yield from base.demand_sampling(source)
        if not base.NAME.fullmatch(_model(source, details)):
            yield f"a model's name for the folder: {_model(source, details)!r} cannot be one; --model NAME"

    def files(self, sources: Sequence[Source], details: Details) -> dict[str, bytes]:
        """Both files, sorted as the evaluator sorts them."""
        (source,) = sources
        in_order = sorted(source.in_order(), key=lambda item: str(item[1]["question_id"]))
        output = [
            {
                "question_id": row["question_id"],
                "code_list": [candidate.code or "" for candidate in candidates],
            }
            for _, row, candidates in in_order
        ]
        name = f"Scenario.codegeneration_{source.n}_{source.temperature}_eval_all.json"
        graded = [_graded(row, candidates) for _, row, candidates in in_order]
        return {OUTPUT: base.dumps(output), f"{_model(source, details)}/{name}": base.dumps(graded)}

    def note(self, sources: Sequence[Source], details: Details) -> str:
        """Where to open the pull request, and how to judge again."""
        return (
            f"To judge again: python -m lcb_runner.runner.custom_evaluator --custom_output_file {OUTPUT}, "
            "with the release_version of your problems. To submit: copy the model's folder into a clone of "
            "https://github.com/LiveCodeBench/submissions and open a pull request; but the receiver seems "
            "dead: it has taken nothing since February 2025."
        )


def _model(source: Source, details: Details) -> str:
    return base.model_name(source, details).rpartition("/")[2]


def _graded(row: Mapping[str, object], candidates: Sequence[Candidate]) -> dict[str, object]:
    passed = [candidate.outcome.passed for candidate in candidates]
    shown = {column: row[column] for column in _COLUMNS}
    when = row["contest_date"]
    shown["contest_date"] = when.isoformat() if isinstance(when, (date, datetime)) else str(when)
    return {
        **shown,
        "output_list": [candidate.text for candidate in candidates],
        "code_list": [candidate.code or "" for candidate in candidates],
        "graded_list": passed,
        "pass@1": sum(passed) / len(passed),
        "metadata": [_metadata(candidate) for candidate in candidates],
    }


def _metadata(candidate: Candidate) -> str:
    outcome = candidate.outcome
    if outcome.passed:
        return "{}"
    code, message = _ERRORS.get(outcome.verdict, _RUNTIME_ERROR)
    return json.dumps({"error_code": code, "error_message": message, "error": outcome.detail})
