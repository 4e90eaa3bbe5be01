"""All that differs between the two lines of lm-eval that this package works with.

                         0.4                          0.5 (its pre-releases)
    base class           ConfigurableTask             GenerateTask
    --predict_only       replaces `_metric_fn_list`   replaces the scorers
    requests of a row    one                          a list
    answers of a row     a list for each request      one list
    gathering objects    a method of the model        a function of the evaluator
    --repeats            none                         calls `set_repeats`
    metrics              any name                     registered ones, or a warning
    value of a problem   a number                     a list of one a sample, or of one
    a name not found     ValueError                   KeyError
    index of tasks       `task_index`                 `_task_index`

0.5 also has scorers, whose `score_instances` sees a batch. It is not used: lm-eval calls `apply_filters` and
`process_results` before it in both lines, so that one way through the task serves both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import copy
from itertools import chain
from typing import Any

import lm_eval.api.task
from lm_eval.api import registry
from lm_eval.api.instance import Instance

IS_NEW = hasattr(lm_eval.api.task, "GenerateTask")
"""Whether the installed lm-eval is of the line 0.5."""

TaskBase: Any = lm_eval.api.task.GenerateTask if IS_NEW else lm_eval.api.task.ConfigurableTask

BYPASS = "bypass"  # the metric by which --predict_only replaces all others


def is_predict_only(task: Any) -> bool:
    """Return whether the user asked for generations alone."""
    return bool(task._has_metric(BYPASS)) if IS_NEW else BYPASS in task._metric_fn_list


def the_request(built: Instance | list[Instance]) -> Instance:
    """Return the one request that lm-eval built for a row."""
    if isinstance(built, list):
        [built] = built
    return built


def with_arguments(request: Instance, arguments: Mapping[str, Any], index: int | None = None) -> Instance:
    """Return a copy of a request with other generation arguments.

    Args:
        request: a request that was not sent.
        arguments: all its generation arguments.
        index: number of the one sample that the copy asks for; None for all samples of the request.
    """
    prompt, _, *rest = request.arguments
    other = copy(request)
    other.arguments = (prompt, arguments, *rest)
    other.resps, other.filtered_resps = [], {}
    if index is not None:
        other.idx, other.repeats = index, 1
        if not IS_NEW:
            other.metadata = (*request.metadata[:2], 1)
    return other


def answers(results: Sequence[Any]) -> list[str]:
    """Return the answers to a row from what `process_results` is given."""
    return list(results) if IS_NEW else list(chain.from_iterable(results))


def of_problem(value: float) -> Any:
    """Return a metric's value of a problem as a registered metric returns it under one of several names."""
    return [float(value)] if IS_NEW else float(value)


def gather(model: Any, value: Any, rank: int, world_size: int, to: int) -> list[Any] | None:
    """Return the values of all ranks on rank `to`, and None elsewhere."""
    if not IS_NEW:
        gathered = model.gather_object(value, dst=to)
    else:
        from lm_eval.evaluator_utils import torch_gather_object

        gathered = torch_gather_object(value, rank=rank, world_size=world_size, dst=to)
    return None if gathered is None else list(gathered)


def index(manager: Any) -> Mapping[str, Any]:
    """Return what a task manager knows by each name: tasks, groups and tags."""
    known: Mapping[str, Any] = manager._task_index if IS_NEW else manager.task_index
    return known


def name_not_found(error: BaseException) -> str | None:
    """Return the names of tasks that lm-eval says it does not know; None where the error is another one."""
    said = str(error.args[0]) if isinstance(error, (KeyError, ValueError)) and error.args else ""
    found = re.fullmatch(r"Tasks not found: (.*)|Spec '(.*)' is not a registered task\b.*", said, re.DOTALL)
    return found and (found[1] or found[2])


def loses_chosen(samples: Sequence[int] | None) -> bool:
    """Whether lm-eval, asked to log documents chosen by number, fails or gives them wrong numbers.

    0.5.0.dev1 takes a document's number for a position among the chosen ones, after the model has answered
    (`_build_logged_samples`).
    """
    numbers = list(samples or ())
    return IS_NEW and any(numbers[i : i + 1] != [i] for i in numbers)


def register_metrics(names: Sequence[str]) -> None:
    """Tell lm-eval the names of metrics that `process_results` returns, where it warns of other ones."""
    if IS_NEW:
        for name in names:
            if name not in registry.metric_registry:
                registry.register_metric(name, aggregation="mean", output_type="generate_until")(_values_come)


def _values_come(*_: Any) -> float:
    raise NotImplementedError("process_results returns this metric's values")
