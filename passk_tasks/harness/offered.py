"""What other people's task files can name, in lm-eval's registries: a filter and a metric.

    filter_list:
      - {name: code, filter: [{function: passk_code, mode: answer}]}
    metric_list:
      - {metric: passk_tests, k: [1, 10], aggregation: mean, higher_is_better: true}

The filter finds the code in each answer. The metric judges all answers to a problem in the sandbox, by the
program that `doc_to_target` renders, as code_eval does. `passk run` knows both names, and so does lm-eval
where it reads entry points.
"""

from __future__ import annotations

import atexit
import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

# lm-eval registers its own filters and metrics only while none is registered.
import lm_eval.api.metrics
import lm_eval.filters  # noqa: F401
from lm_eval.api.filter import Filter
from lm_eval.api.registry import register_filter, register_metric

from passk_tasks.errors import UsageError, check_name
from passk_tasks.extraction import extract
from passk_tasks.harness import beside, host
from passk_tasks.judging import selftest
from passk_tasks.judging.executor import Executor, local
from passk_tasks.program import Confinement, Limits
from passk_tasks.tasks.values import EXTRACTIONS

FILTER, METRIC = "passk_code", "passk_tests"


@register_filter(FILTER)
class CodeFilter(Filter):  # type: ignore[misc]
    """Puts the code in each answer in place of the answer.

    Args:
        mode: how it is found, a name that `passk.extraction` takes too.
        prompt: the column with the code that the model was to complete.
        entry_point: the column with the name of the function that the tests call.
    """

    def __init__(
        self, mode: str = "answer", prompt: str = "prompt", entry_point: str = "entry_point", **_: Any
    ) -> None:
        check_name(f"mode of {FILTER}", mode, EXTRACTIONS)
        self._mode, self._prompt, self._entry_point = mode, prompt, entry_point

    def apply(self, resps: Iterable[Sequence[str]], docs: Sequence[Mapping[str, Any]]) -> list[list[str]]:
        """Return the code of each answer; the empty program where there is none."""
        return [[self._code(text, doc) for text in answers] for answers, doc in zip(resps, docs, strict=True)]

    def _code(self, text: str, doc: Mapping[str, Any]) -> str:
        columns = [doc.get(self._prompt), doc.get(self._entry_point)]
        if not all(isinstance(column, str) for column in columns):
            raise UsageError(
                f"the filter {FILTER} needs the columns {self._prompt!r} and {self._entry_point!r} as text: "
                "name others with prompt: and entry_point: in the task's YAML"
            )
        found = extract(text, mode=self._mode, prompt=str(columns[0]), entry_point=str(columns[1]))
        return found.code or ""


@register_metric(metric=METRIC, higher_is_better=True, output_type="generate_until", aggregation="mean")  # type: ignore[untyped-decorator]
def judged(
    references: Sequence[str],
    predictions: Sequence[Any],
    k: Sequence[int] | int = 1,
    timeout: float = 3.0,
    memory_mib: int = 1024,
) -> dict[str, Any]:
    """Return pass@k of a problem, for each k.

    Args:
        references: the program that raises unless the candidate before it is right, alone in a list.
        predictions: the candidates; lm-eval's line 0.4 puts their list into another one.
        k: budgets, at most as many as there are candidates.
        timeout: seconds that a candidate may work.
        memory_mib: memory that a candidate may use, in MiB.

    Raises:
        UsageError: there are fewer candidates than some k.
        InfrastructureError: a candidate remains without a verdict.
    """
    (reference,) = [references] if isinstance(references, str) else references
    nested = [predictions] if isinstance(predictions[0], str) else predictions
    (candidates,) = nested
    ks = [k] if isinstance(k, int) else list(k)
    if max(ks) > len(candidates):
        raise UsageError(
            f"the metric {METRIC} has {len(candidates)} answers to a problem, too few for pass@{max(ks)}: "
            "raise `repeats` in the task's YAML, or lower k"
        )
    from passk_tasks import code_eval  # imports `evaluate`, which no other run needs

    with _sandbox(Limits(timeout_s=timeout, memory_mib=memory_mib)) as executor:
        scores, _ = code_eval.judge_in(executor, [candidates], [reference], ks)
    return {name: host.of_problem(score) for name, score in scores.items()}


_open: dict[tuple[int, Limits], Executor] = {}  # by the process that opened it


@contextlib.contextmanager
def _sandbox(limits: Limits) -> Iterator[Executor]:
    """Use a sandbox that stays open until the process ends: lm-eval asks for one problem after the other."""
    from passk_tasks import code_eval  # as above

    place = (os.getpid(), limits)
    executor = _open.pop(place, None)
    with contextlib.ExitStack() as ending:  # a batch that breaks off takes its sandbox with it
        if executor is None:
            executor = ending.enter_context(local(Confinement(limits), beside.here()))
            selftest.require([code_eval.PROGRAM], executor)
            atexit.register(_close, place)
        else:
            ending.push(executor)
        yield executor
        ending.pop_all()
        _open[place] = executor


def _close(place: tuple[int, Limits]) -> None:
    if place[0] == os.getpid() and place in _open:
        _open.pop(place).__exit__(None, None, None)
