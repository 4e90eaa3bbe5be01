"""Rewards for training: tests of a task as a function of prompts and answers, as TRL and verl call it.

    any thread:   answers -> candidates -> programs -> queue -> waits for its outcomes
    one thread:   all that is queued -> one batch of judging, in a sandbox that stays open

A sandbox is for one thread. It gets one of its own, and no lock, so that what many threads ask for while a
batch is judged is the next batch: their programs run beside each other.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Benchmark, Dataset
from passk_tasks.errors import UsageError
from passk_tasks.judging import batch, cases, libraries
from passk_tasks.judging.executor import Executor, executor_for
from passk_tasks.program import Program
from passk_tasks.results import sample_files
from passk_tasks.results.samples import Sample
from passk_tasks.scoring.candidates import candidate
from passk_tasks.scoring.saved import load_problems
from passk_tasks.scoring.score import check_task_ids, prepare
from passk_tasks.tasks import catalog
from passk_tasks.verdict import Outcome, Verdict

_log = logging.getLogger(__name__)

_Asked = tuple[Program, "Future[Outcome]"]


class Rewards:
    """Reward functions of a task, and the sandbox behind them; many threads may call them at one time.

    A reward is 1.0 where the tests pass and 0.0 where they do not. It is None where there is no verdict: the
    fault is not the model's, so no number would be true.

    The sandbox is tried when this is made, opens with the first answer, and stays open until `close`, or the
    end of a `with` block. A process that is forked later opens its own.

    Args:
        task: the task's name.
        settings: what to change of the task's settings; `workers` says how many programs run at one time.
        partial: the setting of that name: for problems with cases of input and output, the reward is the
            share of cases that hold. Each of them is tried, by itself. Problems whose tests are functions are
            right or wrong.

    Attributes:
        warnings: what a person must know of the problems and of the sandbox; they are logged too.

    Raises:
        UsageError: there is no such task or setting, or no problem of the task has such cases.
        DatasetError: the problems cannot be loaded.
        SandboxError: this host cannot give the sandbox asked for, or it judges wrongly.
    """

    def __init__(
        self, task: str, settings: Mapping[str, Any] | None = None, *, partial: bool | None = None
    ) -> None:
        said = {} if partial is None else {"partial": partial}
        self._spec = catalog.load_task(task, {**(settings or {}), **said})
        self._family: Benchmark = benchmarks.get(self._spec.settings.benchmark)
        dataset = load_problems(self._spec)
        libraries.require(dataset, self._spec.settings, f"task {task}")
        executor = self._executor()
        tried = prepare(self._spec, dataset, None, executor)
        self.warnings = (*dataset.warnings, *tried.warnings, *executor.warnings)
        for warning in self.warnings:
            _log.warning("%s: %s", task, warning)
        self._dataset: Dataset = tried.dataset
        self._queueing = threading.Lock()
        self._thread: _SandboxThread | None = None
        self.__name__ = f"{task}_reward"  # trainers call a reward by the name of its function

    def __enter__(self) -> Rewards:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the sandbox, after the answers that are being judged; the next answer would open it anew."""
        with self._queueing:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.end()

    def __call__(
        self,
        prompts: Sequence[object],  # noqa: ARG002  TRL's signature
        completions: Sequence[object],
        **columns: Any,
    ) -> list[float | None]:
        """Return a reward for each completion, as TRL asks for them.

        Args:
            prompts: not looked at: the problem is that of the column `task_id`.
            completions: texts, or lists of messages, of which the assistant's last one counts.
            columns: of the training data; `task_id` has the problem of each completion.

        Raises:
            UsageError: there is no column `task_id`, it has a problem that the task does not have, or a
                completion is no text.
            SandboxError: the sandbox could not be opened again.
        """
        task_ids = columns.get("task_id")
        if task_ids is None:
            raise UsageError(
                f"{self.__name__}: the training data needs a column task_id, which names the problem of each "
                f"prompt; it has {', '.join(map(repr, columns)) or 'no columns'}"
            )
        if len(task_ids) != len(completions):
            raise UsageError(
                f"{self.__name__}: {len(completions)} completions, and {len(task_ids)} values of task_id"
            )
        return self._rewards(list(zip(map(str, task_ids), completions, strict=True)))

    def compute_score(
        self,
        data_source: object,  # noqa: ARG002  verl's signature
        solution_str: str,
        ground_truth: object,
        extra_info: Mapping[str, Any] | None = None,
        **_kwargs: Any,
    ) -> float | None:
        """Return the reward of one answer, as verl asks for it.

        Args:
            data_source: not looked at.
            solution_str: the model's text.
            ground_truth: the task_id of its problem, unless `extra_info` has one.
            extra_info: columns of the training data; `task_id` names the problem.

        Raises:
            UsageError: the task has no such problem.
            SandboxError: the sandbox could not be opened again.
        """
        named = (extra_info or {}).get("task_id")
        return self._rewards([(str(ground_truth if named is None else named), solution_str)])[0]

    def _rewards(self, answers: Sequence[tuple[str, object]]) -> list[float | None]:
        asked = [self._programs(self._sample(*answer)) for answer in answers]
        outcomes = [[future.result() for future in mine] for mine in self._queued(asked)]
        rewards = [cases.share(mine) for mine in outcomes]
        if without := rewards.count(None):
            details = {o.detail for mine in outcomes for o in mine if o.verdict is Verdict.INFRA_ERROR}
            why = "; ".join(sorted(details)) or "their problems are left out, since libraries are missing"
            _log.warning(
                "%d of %d samples have no verdict, and no reward: %.300s", without, len(rewards), why
            )
        return rewards

    def _sample(self, task_id: str, answer: object) -> Sample:
        name = task_id if task_id in self._dataset.problems else self._family.task_id_of(task_id)
        (sample,) = sample_files.in_memory({name: [answer]}).samples
        check_task_ids([sample], self._dataset, self._spec.name)
        return sample

    def _programs(self, sample: Sample) -> list[Program]:
        """Return what decides about a sample: a program, or one a case; none for a problem left out."""
        if sample.task_id in self._dataset.skipped:
            return []
        problem = self._dataset.problems[sample.task_id]
        found = candidate(sample, problem, self._spec)
        program = self._family.program(problem, found.code, self._spec.settings.judge.place)
        return cases.by_case(program) if self._spec.settings.partial else [program]

    def _executor(self) -> Executor:
        return executor_for(self._spec.settings)

    def _queued(self, asked: Sequence[Sequence[Program]]) -> list[list[Future[Outcome]]]:
        """Queue programs, and return what will be the outcome of each."""
        with self._queueing:
            if self._thread is None or not self._thread.is_of_this_process:
                self._thread = _SandboxThread(self._executor())
                # The thread has no reference to this object, which would keep it alive for ever.
                weakref.finalize(self, self._thread.end)
            return [[self._thread.judge(program) for program in programs] for programs in asked]


class _SandboxThread:
    """The one thread that uses a sandbox, and the queue in front of it."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._queue: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()  # None asks for the end
        self._ending = False
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._serve, name="passk-rewards", daemon=True)
        self._thread.start()

    @property
    def is_of_this_process(self) -> bool:
        """Whether the thread lives here: a process that is forked has none of its parent's threads."""
        return self._process == os.getpid()

    def judge(self, program: Program) -> Future[Outcome]:
        """Queue a program; its future gets the outcome, or the error that ended the sandbox."""
        future: Future[Outcome] = Future()
        self._queue.put((program, future))
        return future

    def end(self) -> None:
        """Judge what is queued, and end the sandbox; whatever is queued later gets no outcome."""
        if self.is_of_this_process:
            self._queue.put(None)
            if threading.current_thread() is not self._thread:  # garbage is collected in any thread
                self._thread.join()

    def _serve(self) -> None:
        asked = self._next()
        while asked is not None:
            try:
                with self._executor:  # it stays open from batch to batch
                    while asked is not None:
                        self._judge(asked)
                        asked = self._next()
            except BaseException as error:  # noqa: PERF203  whoever waits would wait for ever
                for _, future in asked or ():
                    if not future.done():
                        future.set_exception(error)
                # What the workers still hold is of a batch that has ended, so the next one gets new workers.
                asked = self._next()

    def _judge(self, asked: Sequence[_Asked]) -> None:
        programs, futures = [program for program, _ in asked], [future for _, future in asked]
        judged = batch.judge(
            programs,
            self._executor,
            shuffle=True,
            told=lambda index, outcome: futures[index].set_result(outcome),
        )
        for future, outcome in zip(futures, judged.outcomes, strict=True):
            if not future.done():  # no code, so nothing ran
                future.set_result(outcome)

    def _next(self) -> list[_Asked] | None:
        """Wait for programs, and return all that are queued by then; None at the end."""
        asked: list[_Asked] = []
        entry = None if self._ending else self._queue.get()
        while entry is not None:
            asked.append(entry)
            try:
                entry = self._queue.get_nowait()
            except queue.Empty:
                return asked
        self._ending = True
        return asked or None
