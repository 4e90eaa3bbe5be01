"""Which stop sequences go out with the requests of a run: none that would cut the code that is asked for."""

from __future__ import annotations

import logging
from copy import deepcopy
from dataclasses import replace
from typing import Any

from passk_tasks.benchmarks import Dataset
from passk_tasks.problem import Problem
from passk_tasks.tasks import stops
from passk_tasks.tasks.catalog import TaskSpec

_log = logging.getLogger("lm_eval.passk")


def in_force(spec: TaskSpec, arguments: dict[str, Any], dataset: Dataset) -> TaskSpec:
    """Return the task with the generation arguments in force, and only the stops that are sent.

    The stops of `arguments`, the run's own, are changed in place.
    """
    users_own = arguments["until"] != spec.generation_kwargs["until"]
    spec = replace(spec, generation_kwargs=deepcopy(dict(arguments)))
    if users_own:
        spec = replace(spec, asked=None)  # the user's stops are meant for this way of asking
    sent = {of_problem(spec, dataset.problems[str(row["task_id"])]) for row in dataset.rows}
    stated = replace(spec, asked=None).until
    dropped = [stop for stop in stated if any(stop not in until for until in sent)]
    # Where all problems have the same stops, the results show these; else each request has its own.
    until = sent.pop() if len(sent) == 1 else spec.until
    if dropped:
        _log.log(
            logging.WARNING if users_own else logging.INFO,
            "task %s: stop sequences that would cut the requested code are not sent: %s",
            spec.name,
            ", ".join(map(repr, dropped)),
        )
    arguments["until"] = list(until)
    return replace(spec, generation_kwargs=deepcopy(dict(arguments)), asked=None)


def of_problem(spec: TaskSpec, problem: Problem) -> tuple[str, ...]:
    """Return the stops that are sent with the requests of a problem."""
    return stops.sent(spec.until, problem.entry_point, spec.settings.extraction, problem.protocol)
