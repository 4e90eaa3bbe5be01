"""HumanEval-style tasks for lm-evaluation-harness: an honest sandbox, unbiased pass@k, error bars.

The map, from the bottom up; imports go down only, docs/architecture.md has the whole table.

    errors  verdict  program  problem     plain frozen values
    plugins                               what other installed packages bring
    statistics/                           pass@k, its standard error and interval, comparison, forecast
    tasks/                                a task's YAML, its settings, how its question is asked
    extraction                            model text -> candidate code
    benchmarks/                           dataset row -> Problem, candidate -> Program
    sandbox/  judging/                    Program -> Outcome
    results/  scoring/                    saved samples -> score
    compare  report/  export/             stored runs against each other, as a page, and as others want them
    code_eval  rewards                    the same for users of `evaluate`, and for training
    api                                   what each command does, on Python values; the names below
    harness/                              the same inside lm-eval, which nothing else here imports
    cli/                                  the command `passk`
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from passk_tasks._version import __version__

if TYPE_CHECKING:
    from passk_tasks.api import (
        attribute_runs,
        audit_task,
        check_sandbox,
        clusters_of,
        code_eval_path,
        compare_runs,
        cost_curve,
        export_runs,
        find_runs,
        forecast_run,
        gate_runs,
        label_runs,
        list_runs,
        list_tasks,
        load_problems,
        load_run,
        load_runs,
        load_task,
        outside_benchmarks,
        pass_curve,
        plan_from_rate,
        plan_from_run,
        read_samples,
        report_runs,
        score_run,
        score_samples,
        score_texts,
        tail_problems,
        task_configs_path,
        task_folder,
        trend_runs,
    )
    from passk_tasks.errors import PasskError
    from passk_tasks.program import Judge, Limits
    from passk_tasks.rewards import Rewards
    from passk_tasks.statistics.estimators import g_pass_at_k, mg_pass_at_k, pass_at_k, pass_hat_k
    from passk_tasks.statistics.metrics import Metric
    from passk_tasks.tasks.catalog import task_names
    from passk_tasks.verdict import Outcome, Verdict

__all__ = [
    "Judge",
    "Limits",
    "Metric",
    "Outcome",
    "PasskError",
    "Rewards",
    "Verdict",
    "__version__",
    "attribute_runs",
    "audit_task",
    "check_sandbox",
    "clusters_of",
    "code_eval_path",
    "compare_runs",
    "cost_curve",
    "export_runs",
    "find_runs",
    "forecast_run",
    "g_pass_at_k",
    "gate_runs",
    "label_runs",
    "list_runs",
    "list_tasks",
    "load_problems",
    "load_run",
    "load_runs",
    "load_task",
    "mg_pass_at_k",
    "outside_benchmarks",
    "pass_at_k",
    "pass_curve",
    "pass_hat_k",
    "plan_from_rate",
    "plan_from_run",
    "read_samples",
    "report_runs",
    "score_run",
    "score_samples",
    "score_texts",
    "tail_problems",
    "task_configs_path",
    "task_folder",
    "task_names",
    "trend_runs",
]

# Where each name is defined, loaded when it is first asked for: `import passk_tasks` alone costs nothing.
_HOMES = {
    "tasks.catalog": ("task_configs_path", "task_names"),
    "errors": ("PasskError",),
    "statistics.estimators": ("g_pass_at_k", "mg_pass_at_k", "pass_at_k", "pass_hat_k"),
    "statistics.metrics": ("Metric",),
    "program": ("Judge", "Limits"),
    "rewards": ("Rewards",),
    "verdict": ("Outcome", "Verdict"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOME.get(name, 'api')}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
