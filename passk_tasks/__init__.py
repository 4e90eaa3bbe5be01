"""HumanEval-style tasks for lm-evaluation-harness: an honest sandbox, unbiased pass@k, error bars.

The map, from the bottom up; imports go down only, docs/architecture.md has the whole table.

    errors  verdict  program  problem     plain frozen values
    estimators  intervals                 pass@k, its standard error and interval
    settings  catalog                     what stands in a task's YAML
    extraction                            model text -> candidate code
    benchmarks/                           dataset row -> Problem, candidate -> Program
    sandbox/  runner                      Program -> Outcome
    results/  scoring                     saved samples -> score
    code_eval                             the same for users of `evaluate`
    harness/                              the same inside lm-eval, which nothing else here imports
    cli/                                  the command `passk`
"""

from __future__ import annotations

from passk_tasks._version import __version__
from passk_tasks.catalog import task_configs_path
from passk_tasks.errors import PasskError
from passk_tasks.estimators import pass_at_k, pass_hat_k
from passk_tasks.program import Judge, Limits
from passk_tasks.verdict import Outcome, Verdict

__all__ = [
    "Judge",
    "Limits",
    "Outcome",
    "PasskError",
    "Verdict",
    "__version__",
    "pass_at_k",
    "pass_hat_k",
    "task_configs_path",
]
