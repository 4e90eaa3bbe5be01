"""A replacement for `evaluate.load("code_eval")` that judges in this package's sandbox.

    metric = evaluate.load(PATH)        PATH is what `passk path --code-eval` prints; nothing is downloaded
    pass_at_k, results = metric.compute(references=[tests], predictions=[[candidate, …]], k=[1, 10])

Arguments and results are those of code_eval, with two differences. No environment variable has to be set,
since candidates cannot reach the user's files or the network. A k is left out with a warning if some problem
has fewer candidates. References are arbitrary code that needs the candidate's namespace, so both run in one
process (judge `script`); SECURITY.md says what that leaves open.

`evaluate` copies this file into its cache and runs it there, so it imports nothing relative to its own place.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
import numpy as np

from passk_tasks.errors import InfrastructureError, UsageError
from passk_tasks.judging import batch, selftest
from passk_tasks.judging.executor import Executor, local
from passk_tasks.program import Confinement, Judge, Limits, Program, Tests
from passk_tasks.statistics.estimators import pass_at_k
from passk_tasks.verdict import Outcome, Verdict

_DESCRIPTION = """\
Executes candidates against tests and estimates pass@k, the probability that at least one of k candidates is
correct (Chen et al. 2021, arXiv:2107.03374). Every candidate runs in a sandboxed process of its own.
"""

_INPUTS = """\
Args:
    predictions: for each problem, a list of candidates: strings of Python code.
    references: for each problem, a string of Python code that raises unless the candidate before it is right.
    k: budgets; one that is larger than the number of candidates of some problem is left out, with a warning.
    num_workers: candidates judged at one time.
    timeout: seconds that a candidate may work.
    memory_mib: memory that a candidate may use, in MiB.
    sandbox: "strict", or the weaker "rlimits".

Returns:
    pass_at_k: dict of "pass@k" to its estimate, the mean over problems.
    results: dict of the problem's number to a list of (completion_id, dict with "task_id", "passed", "result"
        and "completion_id"); "result" is "passed", "timed out" or "failed: " and the reason.
"""

_CITATION = """\
@misc{chen2021evaluating,
      title={Evaluating Large Language Models Trained on Code},
      author={Mark Chen and Jerry Tworek and Heewoo Jun and Qiming Yuan and others},
      year={2021},
      eprint={2107.03374},
      archivePrefix={arXiv},
      primaryClass={cs.LG}
}
"""

PROGRAM = Program("", "", Tests("", names=()), Judge.SCRIPT)
"""An empty one: all are of this kind."""


class CodeEval(evaluate.Metric):  # type: ignore[misc]
    """The metric; `evaluate.load` returns an instance of it."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features(
                {
                    "predictions": datasets.Sequence(datasets.Value("string")),
                    "references": datasets.Value("string"),
                }
            ),
            reference_urls=["https://arxiv.org/abs/2107.03374"],
        )

    def _compute(
        self,
        predictions: Sequence[Sequence[str]],
        references: Sequence[str],
        k: Sequence[int] | int = (1, 10, 100),
        num_workers: int = 4,
        timeout: float = 3.0,
        memory_mib: int = 1024,
        sandbox: str = "strict",
    ) -> tuple[dict[str, float], dict[int, list[tuple[int, dict[str, Any]]]]]:
        """Return the scores and the single results."""
        return judge_candidates(predictions, references, k, num_workers, timeout, memory_mib, sandbox)


def judge_candidates(
    predictions: Sequence[Sequence[str]],
    references: Sequence[str],
    k: Sequence[int] | int,
    num_workers: int = 4,
    timeout: float = 3.0,
    memory_mib: int = 1024,
    sandbox: str = "strict",
) -> tuple[dict[str, float], dict[int, list[tuple[int, dict[str, Any]]]]]:
    """Return what `CodeEval.compute` does, of the same arguments."""
    limits = Limits(timeout_s=timeout, memory_mib=memory_mib)
    with local(Confinement(limits, sandbox), num_workers) as executor:
        selftest.require([PROGRAM], executor)
        return judge_in(executor, predictions, references, k)


def judge_in(
    executor: Executor,
    predictions: Sequence[Sequence[str]],
    references: Sequence[str],
    k: Sequence[int] | int,
) -> tuple[dict[str, float], dict[int, list[tuple[int, dict[str, Any]]]]]:
    """Return what `judge_candidates` does, in a sandbox that is open and has been tried."""
    ks = [k] if isinstance(k, int) else list(k)
    if bad := [budget for budget in ks if budget < 1]:
        raise UsageError(f"k must be at least 1, not {bad[0]}")
    places = [(task, i) for task, candidates in enumerate(predictions) for i in range(len(candidates))]
    programs = [
        Program(str(task), predictions[task][i], Tests(references[task], names=()), Judge.SCRIPT)
        for task, i in places
    ]
    judged = batch.judge(programs, executor)
    results: dict[int, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for (task, i), outcome in zip(places, judged.outcomes, strict=True):
        if outcome.verdict is Verdict.INFRA_ERROR:
            raise InfrastructureError(
                f"candidate {i} of problem {task} has no verdict, for a reason that is not its own: "
                f"{outcome.detail}"
            )
        result = {"task_id": task, "passed": outcome.passed, "result": _describe(outcome)}
        results[task].append((i, {**result, "completion_id": i}))
    return _estimate(results, ks), results


def _estimate(results: dict[int, list[tuple[int, dict[str, Any]]]], ks: list[int]) -> dict[str, float]:
    # As in code_eval, a problem without candidates does not count.
    total = np.array([len(result) for result in results.values()])
    correct = np.array([sum(r["passed"] for _, r in result) for result in results.values()])
    fewest = int(total.min(initial=np.iinfo(np.int64).max)) if total.size else 0
    if dropped := ", ".join(f"pass@{k}" for k in ks if k > fewest):
        message = f"{dropped} left out: some problem has only {fewest} candidates"
        warnings.warn(message, UserWarning, stacklevel=2)
    return {f"pass@{k}": pass_at_k(total, correct, k).mean() for k in ks if k <= fewest}


def _describe(outcome: Outcome) -> str:
    if outcome.passed:
        return "passed"
    reason = outcome.detail or outcome.verdict.value
    return "timed out" if outcome.verdict is Verdict.TIMEOUT else f"failed: {reason}"
