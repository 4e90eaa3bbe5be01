"""EvalPlus: lines of self-contained solutions, and the results that its evaluation writes.

evalplus 0.3.1 (evalplus/evaluate.py, evalplus/data/utils.py) reads both: `samples.jsonl`, and where
`samples_eval_results.json` lies beside it that instead of judging again. It wants every problem; a status is
`pass`, `fail` or `timeout`, and `plus_status` is null where the additional tests did not run (--base-only).
The site (github.com/evalplus/evalplus.github.io) shows `results.json`, an object with a row a model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from passk_tasks.export.base import (
    FIRST,
    REPOSITORY,
    Details,
    Format,
    demand_all,
    dumps,
    minute,
    model_name,
    solutions,
    status,
)
from passk_tasks.export.human_eval import demand_published
from passk_tasks.export.source import Source
from passk_tasks.scoring.candidates import Candidate

SAMPLES = "samples.jsonl"
RESULTS = "samples_eval_results.json"
ROW = "results_row.json"

_PLUS = {"humaneval_plus": 164, "mbpp_plus": 378}  # families with both kinds of tests, and how many problems
_SETS = {"humaneval_plus": "humaneval", "mbpp_plus": "mbpp"}  # as the site calls them


class EvalPlus(Format):
    """`task_id` and `solution`; then the status of each."""

    name: ClassVar[str] = "evalplus"
    summary: ClassVar[str] = f"EvalPlus: {SAMPLES} and {RESULTS}; the site's {ROW}"

    def missing(self, sources: Sequence[Source], details: Details) -> Iterator[str]:
        """Every problem, judged by HumanEval's own tests, or by those and the additional ones in turn."""
        (source,) = sources
        if source.family not in _PLUS:
            yield from demand_published(source)
        elif any(
            candidate.outcome.base_passed is None
            for _, _, candidates in source.in_order()
            for candidate in candidates
        ):
            yield "the base tests' own verdict for every sample: some have none; score them again"
        yield from demand_all(source)
        wanted = _PLUS.get(source.family, source.run.problems_total)
        if source.run.problems_total != wanted:
            yield f"EvalPlus's {wanted} problems: the run's set has {source.run.problems_total}"

    def files(self, sources: Sequence[Source], details: Details) -> dict[str, bytes]:
        """Both files, problem by problem; the site's row of a run with both kinds of tests."""
        (source,) = sources
        row = {ROW: dumps(_row(source, details))} if _has_row(source) else {}
        return {SAMPLES: solutions(source), RESULTS: dumps(_results(source)), **row}

    def note(self, sources: Sequence[Source], details: Details) -> str:
        """What reads them, and what is not in them."""
        plus = sources[0].family in _PLUS
        dataset = "mbpp" if sources[0].family == "mbpp_plus" else "humaneval"
        more = (
            f"For its leaderboard the additional tests must run too: remove {RESULTS} and leave --base_only "
            "away, in EvalPlus's container, since it has no sandbox of its own. "
        )
        return (
            f"To see them as EvalPlus does: evalplus.evaluate --dataset {dataset} --samples {SAMPLES}"
            f"{'' if plus else ' --base_only'}. {'' if plus else more}To submit, open an issue at "
            "https://github.com/evalplus/evalplus with the results. The hash in them is that of our rows, "
            f"not of EvalPlus's file.{_about_row(sources[0])}"
        )


def statuses(candidate: Candidate) -> tuple[str, str | None]:
    """Return the status by the base tests, and by the additional ones, None where there are none.

    Where the base tests failed both are the verdict: HumanEval+'s additional tests have not run, since a pass
    of EvalPlus needs both anyway, and MBPP+'s have the base inputs among them.
    """
    base_passed, last = candidate.outcome.base_passed, status(candidate)
    if base_passed is None:
        return last, None
    return ("pass", last) if base_passed else (last, last)


def _has_row(source: Source) -> bool:
    return source.family in _PLUS and {FIRST, f"base_{FIRST}"} <= source.run.scores.keys()


def _row(source: Source, details: Details) -> dict[str, object]:
    """Return the site's row: percent with one digit, null for what neither the run nor its user says."""
    name, scores = model_name(source, details), source.run.scores
    mine = _SETS[source.family]
    percent: dict[str, float | None] = {f"{of}{plus}": None for of in _SETS.values() for plus in ("", "+")}
    percent |= {
        mine: round(100 * scores[f"base_{FIRST}"], 1),
        f"{mine}+": round(100 * scores[FIRST], 1),
    }
    page = f"https://huggingface.co/{name}" if REPOSITORY.fullmatch(name) else None
    return {
        name.rpartition("/")[2]: {
            "link": details.source_url or page,
            "open-data": details.open_data,
            "pass@1": percent,
            "prompted": source.run.conditions.extraction == "answer",
            "size": details.size,
        }
    }


def _about_row(source: Source) -> str:
    if not _has_row(source):
        return ""
    sampled = "" if source.temperature == 0 else " It shows greedy runs, and this one is sampled."
    return (
        f" The site takes {ROW}, by a pull request with it in results.json of "
        "https://github.com/evalplus/evalplus.github.io. It has null for the benchmark that was not run, as "
        "rows of the site have, for `size` without --size, which the site has null for closed models alone, "
        f"and for `open-data` without --open-data, which it always has.{sampled} The receiver seems dead: "
        "nothing has changed there since December 2024."
    )


def _results(source: Source) -> dict[str, object]:
    results: dict[str, list[dict[str, object]]] = {}
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
    scores = source.run.scores
    passed = {name: value for name, value in scores.items() if name.startswith("pass@")}
    by_tests = {"base": passed}
    if source.family in _PLUS:
        base_passed = {name[5:]: value for name, value in scores.items() if name.startswith("base_pass@")}
        by_tests = {"base": base_passed, "plus": passed}
    return {
        "date": minute(source),
        "hash": source.run.conditions.dataset,
        "eval": results,
        "pass_at_k": by_tests,
    }
