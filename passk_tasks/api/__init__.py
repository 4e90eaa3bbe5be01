"""The functions behind the commands, on Python values.

    list_tasks, outside_benchmarks, load_task, load_problems  passk tasks
    task_configs_path, task_folder, code_eval_path            passk path
    read_samples, score_samples, score_texts                  passk score
    score_shard, merge_shards                                 passk score --shard, passk merge
    audit_task                                                passk audit
    check_sandbox                                             passk selfcheck
    list_runs                                                 passk runs
    label_runs                                                passk label
    load_run, load_runs, clusters_of                          every command that reads stored runs
    score_run                                                 passk show
    compare_runs                                              passk compare
    attribute_runs                                            passk factors
    trend_runs                                                passk trend
    gate_runs                                                 passk gate
    pass_curve, cost_curve, tail_problems, forecast_run       passk curve
    plan_from_run, plan_from_rate                             passk plan
    report_runs                                               passk report
    find_runs, export_runs                                    passk export

Everything here is a name of `passk_tasks` itself; docs/api.md has an example that runs.
"""

from __future__ import annotations

from passk_tasks.api.runs import (
    clusters_of,
    find_runs,
    label_runs,
    list_runs,
    load_run,
    load_runs,
    score_run,
)
from passk_tasks.api.studies import (
    attribute_runs,
    compare_runs,
    cost_curve,
    export_runs,
    forecast_run,
    gate_runs,
    pass_curve,
    plan_from_rate,
    plan_from_run,
    report_runs,
    tail_problems,
    trend_runs,
)
from passk_tasks.api.tasks import (
    audit_task,
    check_sandbox,
    code_eval_path,
    list_tasks,
    outside_benchmarks,
    read_samples,
)
from passk_tasks.scoring.saved import (
    load_problems,
    score_samples,
    score_texts,
)
from passk_tasks.scoring.shards import merge_shards, score_shard
from passk_tasks.tasks.catalog import (
    load_task,
    task_configs_path,
    task_folder,
)

__all__ = [
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
    "gate_runs",
    "label_runs",
    "list_runs",
    "list_tasks",
    "load_problems",
    "load_run",
    "load_runs",
    "load_task",
    "merge_shards",
    "outside_benchmarks",
    "pass_curve",
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
    "trend_runs",
]
