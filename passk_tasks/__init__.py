"""Code models evaluated: HumanEval-style tasks judged in a sandbox, unbiased pass@k, error bars.

Samples that you have, judged and scored (`passk score`):

    import passk_tasks as pt

    scored = pt.score_samples("samples.jsonl", "passk_humaneval", out="results")
    scored.scores                             # {"pass@1": 0.4116, ...}
    scored.metrics["pass@1"].over_problems    # value, se and ci95

Texts in memory: `score_texts`; rewards for training: `Rewards`. A model is asked by `passk run` in a shell.

Runs that are stored, listed, named and read:

    pt.list_runs("results", tags=["nightly"], best="pass@1")
    pt.label_runs("results/a", label="with examples", tags=["nightly"])
    run = pt.load_run("results/a")
    run.to_frame()                            # pandas: a row a sample

Which is better, and is that more than noise; a page and files for others:

    runs = pt.load_runs("results")
    pt.compare_runs(runs, baseline="with examples").conclusion
    html = pt.report_runs(runs)
    pt.export_runs(run, "evalplus", "export")

More samples: `pass_curve`, `forecast_run`, `plan_from_run`. Tasks: `list_tasks`, `load_task`,
`load_problems`; what their tests are worth: `audit_task`. What the sandbox holds: `check_sandbox`. The
estimators: `pass_at_k`. Errors that are yours to mend are `PasskError`. `help(passk_tasks.NAME)` has the
arguments and errors of a name, docs/api.md longer examples, docs/architecture.md the map of the package.
"""

# ruff: noqa: F405  the functions of `api` are listed there
from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from passk_tasks._version import __version__

if TYPE_CHECKING:
    from passk_tasks.api import *  # noqa: F403
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
    "merge_shards",
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
    "score_shard",
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
