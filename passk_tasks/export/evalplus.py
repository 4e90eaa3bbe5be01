"""EvalPlus: lines of self-contained solutions, and the results that its evaluation writes.

evalplus 0.3.1 (evalplus/evaluate.py, evalplus/data/utils.py) reads both: `samples.jsonl`, and where
`samples_eval_results.json` lies beside it that instead of judging again. It wants every problem; a status is
`pass`, `fail` or `timeout`, and `plus_status` is null where the additional tests did not run (--base-only).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from passk_tasks.export.base import Details, Format, demand_all, dumps, lines, metric, status
from passk_tasks.export.human_eval import demand_published
from passk_tasks.export.source import Candidate, Source

SAMPLES = "samples.jsonl"
RESULTS = "samples_eval_results.json"


class EvalPlus(Format):
    """`task_id` and `solution`; then the status of each."""

    name: ClassVar[str] = "evalplus"
    summary: ClassVar[str] = f"EvalPlus: {SAMPLES} and {RESULTS}"

    def missing(self, sources: Sequence[Source], details: Details) -> Iterator[str]:
        """Every problem, judged by the base tests, which are HumanEval's own."""
        (source,) = sources
        yield from demand_published(source)
        yield from demand_all(source)

    def files(self, sources: Sequence[Source], details: Details) -> dict[str, bytes]:
        """Both files, problem by problem."""
        (source,) = sources
        solutions = (
            {"task_id": task_id, "solution": candidate.code or ""}
            for task_id, _, candidates in source.in_order()
            for candidate in candidates
        )
        return {SAMPLES: lines(solutions), RESULTS: dumps(_results(source))}

    def note(self, sources: Sequence[Source], details: Details) -> str:
        """What reads them, and what is not in them."""
        return (
            f"To see them as EvalPlus does: evalplus.evaluate --dataset humaneval --samples {SAMPLES} "
            f"--base_only. For its leaderboard the additional tests must run too: remove {RESULTS}, evaluate "
            "without --base_only (in EvalPlus's container: it has no sandbox of its own), and open an issue "
            "at https://github.com/evalplus/evalplus with the results. The hash in the results is that of "
            "our rows, not of EvalPlus's file."
        )


def statuses(candidate: Candidate) -> tuple[str, str | None]:
    """Return the status by the base tests, and by the additional ones, None where those did not run."""
    return status(candidate), None


def _results(source: Source) -> dict[str, Any]:
    date = source.run.date
    results: dict[str, list[dict[str, Any]]] = {}
    for task_id, _, candidates in source.in_order():
        results[task_id] = []
        for candidate in candidates:
            base, plus = statuses(candidate)
            results[task_id].append(
                {
                    "task_id": task_id,
                    "solution": candidate.code or "",
                    "base_status": base,
                    "plus_status": plus,
                    "base_fail_tests": [],
                    "plus_fail_tests": [],
                }
            )
    scores = {name: metric(source, name)["value"] for name in source.run.scores if name.startswith("pass@")}
    return {
        "date": "" if date is None else date.strftime("%Y-%m-%d %H:%M"),
        "hash": source.run.conditions.dataset,
        "eval": results,
        "pass_at_k": {"base": scores},
    }
