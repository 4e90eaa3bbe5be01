"""Judges answers while the model writes others, so that the verdicts are there when the last answer is.

A thread takes the answers as the journal gets them, and judges what waits, in an order that chance decides.
It keeps outcomes by the hash of the program; the scoring at the end judges what has none. So nothing rests on
this thread: where it fails, everything is judged at the end.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Dataset
from passk_tasks.errors import PasskError
from passk_tasks.harness.invocation import Invocation
from passk_tasks.judging.executor import Executor, executor_for, local
from passk_tasks.judging.known import Known
from passk_tasks.program import Program
from passk_tasks.results.journal import FIRST
from passk_tasks.results.samples import RESPONSE, Sample
from passk_tasks.sandbox.cpus import usable_cpus
from passk_tasks.scoring.candidates import candidate
from passk_tasks.scoring.records import Record
from passk_tasks.tasks.catalog import TaskSpec
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Outcome, Verdict

_log = logging.getLogger("lm_eval.passk")


def here() -> int:
    """Return the usable CPUs of this rank: all ranks on this host judge at the same time."""
    return max(1, usable_cpus() // max(1, int(os.environ.get("LOCAL_WORLD_SIZE") or 1)))


def granted(settings: Settings, run: Invocation) -> int:
    """Return how many programs may be judged at one time beside generation; 0 for none.

    Where the setting `beside` does not say: for a server, and for a model on an accelerator, all CPUs but
    one, since the model's process needs that one. A model on the CPU needs them all, and what plays saved
    answers back is done at once.
    """
    if settings.cluster is not None:  # its nodes are asked once, at the end
        return 0
    if settings.beside is not None:
        return settings.beside
    device = str(getattr(run.model, "device", "cpu")).partition(":")[0]
    spare = min(here() - 1, settings.workers or here())
    if run.model_is("TemplateAPI"):
        return max(1, spare)
    return 0 if run.model_is("ReplayLM") or device in ("cpu", "None") else spare


class Beside:
    """Judges answers of one task, in a thread that the first one starts.

    Args:
        spec: the task.
        dataset: its problems, which know how they are judged.
        workers: how many programs are judged at one time; with 0, none is before it is asked for.

    Attributes:
        outcomes: by the hash of the program; none of them is an `infra_error`.
        judged: how many answers have a verdict.
        passed: how many of these passed.
        seconds: wall seconds in which programs were judged.
    """

    def __init__(self, spec: TaskSpec, dataset: Dataset, workers: int) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.judged = self.passed = 0
        self.seconds = 0.0
        self._spec, self._dataset, self._workers = spec, dataset, workers
        self._benchmark = benchmarks.get(spec.settings.benchmark)
        self._warnings: tuple[str, ...] = ()
        self._waiting: list[Sample] = []
        self._busy = False
        self._ended = not workers
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, key: tuple[str, int], text: str, stops: tuple[str, ...]) -> None:
        """Take an answer in, which was asked for with these stops; any thread may call this."""
        if key[1] >= FIRST:
            return
        sample = Sample(*key, text, RESPONSE, "", stops, self._spec.settings.extraction)
        with self._changed:
            if self._ended:
                return
            self._waiting.append(sample)
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._judge_all, name="passk judging", daemon=True)
                self._thread.start()

    def end(self) -> None:
        """Judge no more; what is in judgement now may end later."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def executor(self, workers: int) -> Executor:
        """End, and return what judges the rest with so many workers, and knows the outcomes so far."""
        self.end()
        return Known(executor_for(self._spec.settings, workers), dict(self.outcomes), self._warnings)

    def local(self, workers: int) -> Executor:
        """Return this host's sandbox for the task."""
        return local(self._benchmark.confinement(self._spec.settings), workers)

    def settled(self, executor: Executor) -> Executor:
        """Return what judges the rest by another executor, once all that was added is judged."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or not (self._waiting or self._busy))
        return Known(executor, self.outcomes, self._warnings)

    def remember(self, records: Iterable[Record]) -> None:
        """Keep outcomes that came about elsewhere."""
        for record in records:
            if record.outcome.verdict is not Verdict.INFRA_ERROR and record.extraction.code is not None:
                self.outcomes[record.program_sha256] = record.outcome

    def _judge_all(self) -> None:
        try:
            with self.local(self._workers) as executor:
                self._warnings = executor.warnings
                while samples := self._taken():
                    began = time.monotonic()
                    self._judge(samples, executor)
                    self.seconds += time.monotonic() - began
        except Exception as error:  # whatever it is, the end of the run judges everything and says it again
            kind = "" if isinstance(error, PasskError) else f"{type(error).__name__}: "
            _log.warning(
                "task %s: nothing more is judged beside generation (%s%s)", self._spec.name, kind, error
            )
            self.end()

    def _taken(self) -> Sequence[Sample]:
        """Wait for answers and return them in any order; none at the end."""
        with self._changed:
            self._busy = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._waiting or self._ended)
            samples, self._waiting = self._waiting, []
            self._busy = True
            if self._ended:
                return ()
        # No program can choose which other one meets what it leaves behind.
        random.SystemRandom().shuffle(samples)
        return samples

    def _judge(self, samples: Sequence[Sample], executor: Executor) -> None:
        programs: dict[str, Program] = {}
        counts: Counter[str] = Counter()
        for sample in samples:
            problem = self._dataset.problems[sample.task_id]
            found = candidate(sample, problem, self._spec)
            if found.code is None:
                self.judged += 1
                continue
            program = self._benchmark.program(problem, found.code, self._spec.settings.judge.place)
            programs[program.sha256] = program
            counts[program.sha256] += 1
        for name in [name for name in programs if name in self.outcomes]:
            self._count(self.outcomes[name], counts[name])
            del programs[name]
        names = list(programs)
        for number, outcome in executor.run(list(programs.values())):
            if outcome.verdict is not Verdict.INFRA_ERROR:
                self.outcomes[names[number]] = outcome
                self._count(outcome, counts[names[number]])
            if self._ended:
                return

    def _count(self, outcome: Outcome, samples: int) -> None:
        self.judged += samples
        self.passed += samples * outcome.passed
