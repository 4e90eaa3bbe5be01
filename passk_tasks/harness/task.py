"""The task class behind every YAML of this package, hook by hook.

build_all_requests   preflight; for each problem one request with n repeats, or n requests with a seed each
apply_filters        the only hook that sees the whole batch: journal, judge, verdicts into `filtered_resps`
process_results      verdicts of one problem -> metrics; executes nothing, since lm-eval calls it per problem
dump_config          provenance into the results
"""

from __future__ import annotations

import json
import logging
import os
import weakref
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
from lm_eval.api.instance import Instance

from passk_tasks import benchmarks
from passk_tasks.errors import PasskError, SettingsError
from passk_tasks.harness import (
    asking,
    beside,
    failures,
    host,
    invocation,
    journaling,
    preflight,
    provenance,
    recorder,
    resume,
    sent,
    stopping,
    topping_up,
)
from passk_tasks.harness.replay import ReplayLM
from passk_tasks.judging import libraries
from passk_tasks.results.answers import written_text_of
from passk_tasks.results.journal import JournalHeader
from passk_tasks.results.samples import RESPONSE, Sample
from passk_tasks.results.summary import Summary
from passk_tasks.scoring.candidates import candidate
from passk_tasks.scoring.score import score
from passk_tasks.scoring.summary import Record, kept_counts
from passk_tasks.statistics import metrics
from passk_tasks.statistics.metrics import KEPT, PASS
from passk_tasks.tasks.catalog import TaskSpec, load_yaml, spec_from_config
from passk_tasks.tasks.settings import NAMESPACE
from passk_tasks.verdict import Verdict

_log = logging.getLogger("lm_eval.passk")

FILTER = "none"
"""The name in the column Filter of lm-eval's table; it is also the default name in lm-eval's groups."""


class PasskTask(host.TaskBase):  # type: ignore[misc]
    """A task whose samples are judged by executing them. Built by lm-eval from a YAML with `class:`."""

    confirmed = False
    """Whether the user asked for our sandboxed tasks by name, so that lm-eval need not ask again."""

    def __init__(self, config: Mapping[str, Any], **_: Any) -> None:
        config = dict(config)
        config.pop("class", None)  # lm-eval leaves it in, but its TaskConfig refuses it
        metadata = config.get("metadata") or {}
        self._resume, metadata = resume.taken(metadata)
        self.spec: TaskSpec = spec_from_config(
            {**config, "metadata": metadata}, source=metadata.get("config_source", "inline")
        )
        settings = self.spec.settings
        preflight.check_file(config, settings, f"task {self.spec.name}")
        self._samples_given = self._gives_samples(metadata)
        self._benchmark = benchmarks.get(settings.benchmark)
        self._data = libraries.leave_out(benchmarks.load(self._benchmark, settings), settings)
        self.journal: journaling.TaskJournal
        self._journal: Path | None = None  # once it is complete
        self._notes: tuple[str, ...] = ()  # what was to be said before generation
        self._sent: dict[str, object] | None = None  # the sampling that goes out; None where it is not known
        self.scouts: list[Sample] = []
        self.topped_up: dict[str, object] | None = None
        self._no_texts: list[str] = []  # a message for each answer that is not text
        self._ranks = 1
        self._summary: Summary | None = None  # on the rank that gathers
        self._metrics = metrics.reported(
            settings.budgets, base=self._benchmark.base_stage, submissions=self._benchmark.submissions
        )
        self._kept = [metric for metric in self._metrics if metric.family == PASS and self._benchmark.own_n]
        self._better: dict[str, bool | None] = {metric.name: True for metric in self._metrics}
        self._better |= {KEPT + metric.name: True for metric in self._kept}
        if settings.samples > 1 or host.IS_NEW:  # there, --repeats may come later
            self._better["distinct"] = None  # neither more nor fewer distinct samples are better
        host.register_metrics(list(self._better))
        super().__init__(
            config={
                **config,
                "repeats": settings.samples,
                "test_split": self._benchmark.split,
                "metric_list": [
                    # `mean` is the one aggregation with a closed-form standard error.
                    {"metric": name, "aggregation": "mean", "higher_is_better": higher}
                    for name, higher in self._better.items()
                ],
                # With None lm-eval would look the metrics up on the hub. The method below is called anyway.
                "process_results": "process_results",
            }
        )
        self.UNSAFE_CODE = not self.confirmed
        if self.spec.examples:
            _ = self.sampler  # lm-eval 0.5 would read the examples while it builds the requests

    def higher_is_better(self) -> dict[str, bool | None]:
        """Return whether a higher value is better, for each metric; None where neither is."""
        better: dict[str, bool | None] = super().higher_is_better()
        return {name: self._better.get(name, higher) for name, higher in better.items()}

    def set_repeats(self, repeats: int) -> None:
        """Take n from lm-eval's `--repeats`, which lm-eval 0.5 has.

        Raises:
            SettingsError: `passk.samples` was given too, and is another number.
        """
        settings = self.spec.settings
        if self._samples_given and int(repeats) != settings.samples:
            raise SettingsError(
                f"task {self.task_name}: --repeats {repeats} and passk.samples={settings.samples} both say "
                "how many samples a problem gets: leave one of them out"
            )
        super().set_repeats(repeats)
        self.spec = replace(self.spec, settings=replace(settings, samples=int(repeats)))

    # ------------------------------------------------------------------ documents and requests

    def download(self, *_: Any, **__: Any) -> None:
        """Hand lm-eval the problems that `benchmarks.load` returned."""
        self.dataset = {self._benchmark.split: datasets.Dataset.from_list(self._data.rows)}

    def doc_to_text(self, doc: Mapping[str, object], doc_to_text: Any = None) -> Any:
        """Return the prompt of a document: the benchmark's where settings decide on it, else the YAML's."""
        own = self._benchmark.request(doc, self.spec.settings) if doc_to_text is None else None
        return super().doc_to_text(doc, doc_to_text) if own is None else own

    def fewshot_docs(self) -> Any:
        """Return the worked examples: those that the setting `shots` names, else the YAML's."""
        self._examples = super().fewshot_docs()
        if self.spec.settings.shots is not None:
            self._examples = preflight.examples(self._benchmark, self.spec, like=self._examples[0])
        return self._examples

    def fewshot_context(self, doc: dict[str, object], num_fewshot: int = 0, *args: Any, **kwargs: Any) -> Any:
        """Return the prompt of a document below those worked examples that go with it."""
        if self.spec.examples and num_fewshot:
            fitting = [example for example in self._examples if self._benchmark.fits(example, doc)]
            preflight.check_examples(len(fitting), num_fewshot, f"task {self.task_name}")
            self.sampler.replace_df(fitting)
        return super().fewshot_context(doc, num_fewshot, *args, **kwargs)

    def build_all_requests(
        self, *, cache_requests: bool = False, apply_chat_template: bool = False, **kwargs: Any
    ) -> None:
        """Check everything that can be wrong, then build the requests."""
        run = invocation.current()
        provenance.begun(run)
        where, problems = f"task {self.task_name}", len(self._data.rows)
        preflight.check_chosen(kwargs.get("samples"), kwargs.get("limit"), problems, run, where)
        preflight.check_arguments(self.config.generation_kwargs, where)
        self.spec = stopping.in_force(self.spec, self.config.generation_kwargs, self._data)
        if not self.config.num_fewshot:
            self.spec = replace(self.spec, examples=())
        journal_folder = journaling.folder(self.spec.settings, run)
        self._journal = None
        preflight.check(
            self.spec,
            self._data,
            run,
            journal_folder,
            predict_only=self._predict_only,
            chat=apply_chat_template,
        )
        topping_up.check(self.spec.settings, run, where, problems=problems, predict_only=self._predict_only)
        goes_out, differs = preflight.check_sent(self.spec, run)
        self._sent = None if goes_out is None else provenance.json_ready(goes_out.as_dict())
        self._notes = tuple(differs)
        if not self._predict_only:
            tried = preflight.try_references(self.spec, self._data, kwargs.get("limit"))
            self._data, self._notes = tried.dataset, (*differs, *tried.warnings)
        if cache_requests:
            # lm-eval's cache key holds neither n nor the generation arguments (0.4.13, api/task.py).
            _log.warning(
                "task %s: --cache_requests is not used; it could return requests of other settings",
                self.task_name,
            )
        self._ranks = int(kwargs.get("world_size") or 1)
        super().build_all_requests(cache_requests=False, apply_chat_template=apply_chat_template, **kwargs)
        self._begin_journal(run, journal_folder, kwargs.get("system_instruction"))

    def construct_requests(
        self, doc: dict[str, object], ctx: Any, **kwargs: Any
    ) -> Instance | list[Instance]:
        """Return one request with n repeats or, with `seeds: distinct`, n requests with one repeat each.

        Sample i of a problem has the seed `sent.first_seed` + i.
        The seeds are the same for all problems, because lm-eval batches requests whose generation arguments
        are equal.
        """
        request = host.the_request(super().construct_requests(doc, ctx, **kwargs))
        until = stopping.of_problem(self.spec, self._data.problems[str(doc["task_id"])])
        arguments = request.arguments[1]
        if until != self.spec.until:
            arguments = {**arguments, "until": list(until)}
            request = host.with_arguments(request, arguments)
        if self.spec.settings.seeds != "distinct":
            return request
        base = sent.first_seed(arguments, invocation.current().model)
        return [
            host.with_arguments(request, {**deepcopy(arguments), "seed": base + index}, index)
            for index in range(self.spec.settings.samples)
        ]

    # ------------------------------------------------------------------ after generation

    def apply_filters(self) -> None:
        """Journal the generations, judge them in one batch, and put the outcomes into `filtered_resps`.

        Raises:
            InfrastructureError: samples remained without a verdict; outcomes and generations are on disk.
            PasskError: an answer is missing, or is not text; all others are in the journal.
        """
        run = invocation.current()
        recorder.write_all()
        if self._journal is None and any(instance.resps for instance in self.instances):
            self.write_journal()
        samples = self.samples()
        if self._predict_only:
            self._fill([{"extraction": self._strategy(sample)} for sample in samples])
            return
        spec = replace(
            self.spec,
            settings=replace(self.spec.settings, workers=self.spec.settings.workers or beside.here()),
        )
        ahead = self.journal.beside
        executor = None if ahead is None else ahead.executor(spec.settings.workers)
        try:
            scored = score(samples, spec=spec, dataset=self._data, executor=executor, progress=run.rank == 0)
        except PasskError as error:
            raise type(error)(
                f"{error} (task {self.task_name}; its generations are safe in {self._journal})"
            ) from error
        self._fill([_outcome(record) for record in scored.records])
        seconds, judging_s = self.journal.seconds or None, ahead.seconds if ahead else 0.0
        reports = run.gather(provenance.report(scored, str(self._journal), seconds, judging_s))
        if reports is not None:
            self._summary = provenance.collect(
                self.spec, self._data, reports, ranks=self._ranks, notes=self._notes, sent=self._sent
            )
            self._summary = replace(self._summary, top_up=self.topped_up)
        assert self._journal is not None
        failures.refuse_infra_errors(scored, self._summary or scored, self._journal)
        if self._summary is not None:
            provenance.finished(self._summary)

    def process_results(
        self,
        doc: Mapping[str, object],  # noqa: ARG002  lm-eval's signature
        results: Sequence[Any],
    ) -> Mapping[str, float | None]:
        """Return the metrics of one problem from the outcomes that `apply_filters` stored."""
        if self._predict_only:
            return {host.BYPASS: None}
        outcomes = [json.loads(text) for text in host.answers(results)]
        n = len(outcomes)
        correct = sum(outcome["verdict"] == Verdict.PASSED.value for outcome in outcomes)
        base = sum(outcome.get("base_passed") is True for outcome in outcomes)
        worth = {metric.name: float(metric.values(n, correct, base)[0]) for metric in self._metrics}
        answers = [(str(outcome["verdict"]), outcome.get("left_out") is True) for outcome in outcomes]
        worth |= {
            KEPT + metric.name: float(metric.values(*kept_counts(answers, metric.k))[0])
            for metric in self._kept
        }
        if self.spec.settings.samples > 1:
            worth["distinct"] = len({outcome["text_sha256"] for outcome in outcomes}) / n
        return worth

    def dump_config(self) -> dict[str, object]:
        """Return the configuration with the run's provenance under `metadata.passk_results`."""
        config = dict(super().dump_config())
        if self._summary is not None:
            config["metadata"] = {
                **(config.get("metadata") or {}),
                "passk_results": deepcopy(self._summary.as_dict()),
            }
        return config

    # ------------------------------------------------------------------ parts of the above

    @property
    def problems(self) -> benchmarks.Dataset:
        """The problems, which know how they are judged."""
        return self._data

    @property
    def answered(self) -> bool:
        """Whether every request of this rank has all its answers."""
        return bool(self.instances) and all(
            len(instance.resps) >= instance.repeats for instance in self.instances
        )

    def samples(self) -> list[Sample]:
        """Return the generations of this rank, n a problem, in the order of the requests.

        Raises:
            PasskError: the model gave more or fewer answers than asked for, or one that is not text.
        """
        samples = self._generated()
        if self._no_texts:
            raise PasskError(
                f"{self._no_texts[0]} ({len(self._no_texts)} of the run's answers are not text); the other "
                f"{len(samples)} are saved in {self._journal}, which `passk score` can read"
            )
        counts = Counter(sample.task_id for sample in samples)
        asked: Counter[str] = Counter()
        for instance in self.instances:
            asked[str(instance.doc["task_id"])] += instance.repeats
        for task_id, n in asked.items():
            if counts[task_id] != n:
                raise PasskError(
                    f"task {self.task_name}: {task_id} has {counts[task_id]} generations and should have "
                    f"{n}: the model did not answer every request, or `repeats` was changed; set n with "
                    f"--metadata passk.samples={counts[task_id]}"
                    + (f" (the generations are safe in {self._journal})" if self._journal else "")
                )
        return samples

    def write_journal(self) -> None:
        """Complete the journal of this rank."""
        self._journal = self.journal.complete([*self._generated(), *self.scouts])

    def _begin_journal(self, run: invocation.Invocation, folder: Path, system: str | None) -> None:
        """Listen to the model, so that its answers are saved as they come, and read those to resume."""
        spec = self.spec
        requests = {
            (str(instance.doc["task_id"]), instance.idx + number): resume.request_hash(instance.args)
            for instance in self.instances
            for number in range(instance.repeats)
        }
        header = JournalHeader(
            task=spec.name,
            task_version=spec.version,
            settings=spec.settings.as_dict(),
            until=spec.until,
            dataset_sha256=self._data.sha256,
            dataset_source=self._data.source,
            rank=run.rank,
            world_size=run.world_size,
            extra={
                "generation_kwargs": provenance.json_ready(self._drawn_with(run.model)),
                "model": resume.model_of(run),
                **({"examples": list(spec.examples)} if spec.examples else {}),
                **({} if self._sent is None else {"sent": self._sent}),
                **asking.described(run, super().dump_config(), self.instances, system),
            },
        )
        recovered = resume.Recovered()
        if self._resume is not None:
            recovered = resume.recover(self._resume, folder, header)
        # All ranks have read what there is once they agree.
        name = run.agreed(recovered.run or os.urandom(8).hex())
        header = replace(header, extra={**header.extra, "run_id": name})
        self.journal = journaling.TaskJournal(folder, header, requests, recovered)
        workers = beside.granted(spec.settings, run)
        if (workers or spec.settings.top_up) and not self._predict_only:
            self.journal.beside = beside.Beside(spec, self._data, workers)
            weakref.finalize(self, self.journal.beside.end)
        recorder.expect(self, run.model)

    def _generated(self) -> list[Sample]:
        """Return the answers that are text, and put each text into the request, where lm-eval logs it."""
        samples = []
        self._no_texts = []
        for instance in self.instances:
            # On several ranks lm-eval pads the shorter ones with copies of the last request; those answers
            # are dropped.
            del instance.resps[instance.repeats :]
            task_id = str(instance.doc["task_id"])
            until = tuple(instance.args[1]["until"])
            for number, answer in enumerate(instance.resps):
                index = instance.idx + number  # one of the two is 0
                where = f"{self.task_name}, {task_id}, sample {index}"
                try:
                    text = written_text_of(answer)
                except ValueError as error:
                    self._no_texts.append(f"{where}: {error}")
                    continue
                instance.resps[number] = text
                spent = self.journal.spent((task_id, index))
                samples.append(Sample(task_id, index, text, RESPONSE, where, until, self._asked, spent))
        return samples

    def _gives_samples(self, metadata: Mapping[str, Any]) -> bool:
        """Whether the user says n, in the dotted form or in the object that replaces the YAML's."""
        source = self.spec.source
        declared = load_yaml(source).get("metadata", {}).get(NAMESPACE) if source.is_file() else None
        own = metadata.get(NAMESPACE)
        return f"{NAMESPACE}.samples" in metadata or (own != declared and "samples" in (own or {}))

    @property
    def _asked(self) -> str:
        return self.spec.settings.extraction

    def _drawn_with(self, model: Any) -> dict[str, object]:
        """Return the arguments with which samples were drawn: the task's, or those of replayed samples."""
        if not isinstance(model, ReplayLM):
            return self.spec.generation_kwargs
        drawn = {key: value for key, value in (model.origin or {}).items() if key != "model"}
        return {**({"do_sample": True} if drawn else {}), **drawn, "until": list(self.spec.until)}

    @property
    def _predict_only(self) -> bool:
        return host.is_predict_only(self)

    def _strategy(self, sample: Sample) -> str:
        return candidate(sample, self._data.problems[sample.task_id], self.spec).strategy

    def _fill(self, outcomes: Sequence[Mapping[str, object]]) -> None:
        # As JSON text, because lm-eval turns these values into text when it logs samples.
        texts = iter([json.dumps(outcome, separators=(",", ":")) for outcome in outcomes])
        for instance in self.instances:
            instance.filtered_resps[FILTER] = [next(texts) for _ in range(instance.repeats)]


def _outcome(record: Record) -> dict[str, object]:
    # lm-eval adds the problem and the number of the sample; `distinct` counts the hashes.
    line = {key: value for key, value in record.as_dict().items() if key not in ("task_id", "sample")}
    return {**line, "text_sha256": provenance.text_hash(record.sample.text), "asked": record.sample.asked}
