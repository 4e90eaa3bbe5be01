"""Checks before the first token is generated: everything that would spoil a run, each with its remedy.

`build_all_requests` calls them: it is the last hook of a task before generation, and the first that sees the
generation arguments after `--gen_kwargs`.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Benchmark, Dataset
from passk_tasks.errors import DatasetError, PreflightError, SandboxError, SettingsError
from passk_tasks.harness import host, sent
from passk_tasks.harness.invocation import Invocation
from passk_tasks.judging import libraries, own_environment, selftest, trial
from passk_tasks.results.store import make_writable
from passk_tasks.scoring.summary import cautions
from passk_tasks.tasks import fim, stops
from passk_tasks.tasks.catalog import TaskSpec
from passk_tasks.tasks.settings import Settings

# A child of lm-eval's logger, since lm-eval sets a handler and a level only for its own.
_log = logging.getLogger("lm_eval.passk")

OPENAI_STYLE = (
    "local-completions",
    "local-chat-completions",
    "openai-completions",
    "openai-chat-completions",
    "azure-openai-chat-completions",
)
"""Names of lm-eval's models that send one fixed `seed` with every request."""

_OPENAI_STYLE_CLASS = "LocalCompletionsAPI"  # the common base of their classes
_TOKEN_BUDGETS = (*sent.TOKEN_LIMITS, "max_length")

_ANSWERS = ("n", "num_return_sequences")  # how many answers a server, or hf, gives to one request
_NO_LIMIT = -1  # some servers read it so

_tested: set[tuple[Any, ...]] = set()  # the sandboxes whose self-test has passed in this process


def check(
    spec: TaskSpec,
    dataset: Dataset,
    invocation: Invocation,
    journal_folder: Path,
    *,
    predict_only: bool,
    chat: bool,
) -> None:
    """Check everything that can be checked before generation.

    Raises:
        PreflightError: the run could not give what the user asked for.
        SandboxError: this host cannot give the sandbox.
    """
    where = f"task {spec.name}"
    check_budgets(spec.settings, where)
    _warn_of_cuts(spec.settings, spec.generation_kwargs, dataset, where)
    check_sampling(spec.settings, spec.generation_kwargs, where)
    check_model(spec.settings, spec.generation_kwargs, invocation, where)
    if not invocation.model_is("ReplayLM"):  # it reads no prompt
        check_fim(spec.settings, where)
        for caution in cautions(spec, dataset):
            _log.warning("%s: %s", where, caution)
    _warn_of_form(spec.settings, invocation, where, chat=chat)
    if invocation.results_folder is not None:
        check_folder(invocation.results_folder, f"{where}: --output_path {invocation.output_path}")
    check_folder(
        journal_folder,
        f"{where}: the journal's folder {journal_folder}",
        remedy="set passk.journal to another",
    )
    if spec.settings.verdicts is not None and not predict_only:
        check_folder(
            Path(spec.settings.verdicts).expanduser(), f"{where}: passk.verdicts {spec.settings.verdicts}"
        )
    if not predict_only:
        libraries.require(dataset, spec.settings, where)
        for warning in own_environment.warnings(dataset, spec.settings):
            _log.warning("%s: %s", where, warning)
        check_sandbox(spec, dataset)


def examples(benchmark: Benchmark, spec: TaskSpec, *, like: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the worked examples that the setting `shots` names; they must have the columns of `like`.

    Raises:
        PreflightError: they cannot be read, or lack a column.
    """
    assert spec.settings.shots is not None
    path = Path(spec.settings.shots).expanduser()
    try:
        rows = [{**row, "is_fewshot": True} for row in benchmark.examples(path)]
    except DatasetError as error:
        raise PreflightError(f"task {spec.name}: passk.shots: {error}") from None
    for number, row in enumerate(rows, start=1):
        for column in like:
            if column != "task_id" and not isinstance(row.get(column), type(like[column])):
                raise PreflightError(
                    f"task {spec.name}: {path}: worked example {number} has no {column!r}; it needs "
                    f"{', '.join(name for name in like if name not in ('task_id', 'is_fewshot'))}"
                )
    return rows


def check_examples(fitting: int, wanted: int, where: str) -> None:
    """Raise unless there are as many worked examples of a problem's kind as are to stand above it."""
    if fitting < wanted:
        raise PreflightError(
            f"{where}: {wanted} worked examples are asked for, and there are {fitting} that go with one of "
            f"its problems: lower it with --num_fewshot {fitting}, or name a file of more with passk.shots"
        )


def check_file(config: Mapping[str, Any], settings: Settings, where: str) -> None:
    """Raise where a task's file has keys of lm-eval's that would change nothing, since passk does that part.

    Raises:
        SettingsError: it names the key and what to write instead.
    """
    repeats = config.get("repeats")
    if repeats not in (None, settings.samples):
        raise SettingsError(
            f"{where}: its file says repeats: {repeats}, and passk.samples, which says how many samples a "
            f"problem gets, is {settings.samples}: write `samples` under metadata.passk instead"
        )
    for key in ("filter_list", "metric_list", "process_results"):
        if config.get(key):
            raise SettingsError(
                f"{where}: its file has {key}, which changes nothing: answers are read as passk.extraction "
                "says, and metrics are those of passk.k; leave it out"
            )


def check_arguments(generation_kwargs: Mapping[str, Any], where: str) -> None:
    """Raise where a generation argument has a value that it cannot have, or asks for several answers at once.

    Backends send what they get, so a server would turn it down, or answer each request with nothing.

    Raises:
        PreflightError: it names the argument and what it must be.
    """
    until = generation_kwargs.get("until")
    if not all(isinstance(stop, str) for stop in _items(until)):
        raise PreflightError(f"{where}: until must be a list of texts, not {until!r}")
    for name in ("seed", *_TOKEN_BUDGETS, *_ANSWERS):
        value = generation_kwargs.get(name)
        if value is None:
            continue
        number = None if isinstance(value, bool) else _number(value, f"{where}: {name}")
        if number is None or not number.is_integer():
            raise PreflightError(f"{where}: {name} must be a whole number, not {value!r}")
        if name in _TOKEN_BUDGETS and number < 1 and number != _NO_LIMIT:
            raise PreflightError(f"{where}: {name}={value} leaves no token for an answer: raise it")
        if name in _ANSWERS and number != 1:
            raise PreflightError(
                f"{where}: {name}={value} asks for several answers to a request, of which lm-eval loses some "
                f"or gives them to other problems: leave it out, and say --metadata passk.samples={value}"
            )


def check_budgets(settings: Settings, where: str) -> None:
    """Raise unless every k is at most n."""
    try:
        settings.check_k(where)
    except SettingsError as error:
        raise PreflightError(str(error)) from None


def check_sampling(settings: Settings, generation_kwargs: Mapping[str, Any], where: str) -> None:
    """Raise where n samples of a problem would be identical."""
    if settings.samples == 1:
        return
    n = settings.samples
    do_sample = generation_kwargs.get("do_sample")
    if do_sample is not True:
        raise PreflightError(
            f"{where}: {n} samples a problem need sampling, but do_sample is {do_sample!r} in the generation "
            "arguments, so all samples would be the same greedy answer: add --gen_kwargs "
            "do_sample=true temperature=0.2, or take one sample with --metadata passk.samples=1 passk.k=1"
        )
    if "temperature" not in generation_kwargs:
        # The defaults in lm-eval 0.4.13: 0 for hf and the OpenAI-style models, 1 for vLLM.
        raise PreflightError(
            f"{where}: {n} samples a problem need a temperature, and the default differs between lm-eval's "
            "models (0 for most): add it, e.g. --gen_kwargs temperature=0.2"
        )
    temperature = _number(generation_kwargs["temperature"], f"{where}: temperature")
    if temperature <= 0:
        raise PreflightError(
            f"{where}: {n} samples a problem at temperature {temperature:g} would all be the same greedy "
            "answer: raise it with --gen_kwargs temperature=0.2, or take one sample with "
            "--metadata passk.samples=1 passk.k=1"
        )
    for name, only_one in (("top_k", 1), ("top_p", 0)):
        if name in generation_kwargs and _number(generation_kwargs[name], f"{where}: {name}") == only_one:
            raise PreflightError(
                f"{where}: {name}={only_one} leaves one token to choose from, so {n} samples a problem would "
                f"all be identical: change it with --gen_kwargs {name}=…, or take one sample"
            )


def check_model(
    settings: Settings, generation_kwargs: Mapping[str, Any], invocation: Invocation, where: str
) -> None:
    """Raise or warn where the model cannot do what its processes, or the setting `seeds`, ask of it."""
    processes = getattr(getattr(invocation.model, "accelerator", None), "num_processes", 1)
    if processes > 1 and invocation.world_size == 1:  # lm-eval's hf, with fewer than two GPUs
        raise PreflightError(
            f"{where}: {processes} processes were started, and the model {invocation.model_name} does not "
            "share the documents among them: each would generate every answer, and write the same files. "
            "lm-eval's hf shares them over two or more GPUs alone: start one process"
        )
    if settings.seeds == "distinct":
        if invocation.model_is("HFLM"):
            raise PreflightError(
                f"{where}: passk.seeds=distinct is for servers that take a `seed` with each request; the "
                "model hf takes none, and draws n different samples anyway: leave the setting out"
            )
        return
    if settings.samples > 1 and (invocation.model_is(_OPENAI_STYLE_CLASS) or "seed" in generation_kwargs):
        _log.warning(
            "%s: every request carries the same seed, so a server that honours it returns %d identical "
            "samples a problem; add --metadata passk.seeds=distinct (`passk run` does so by itself)",
            where,
            settings.samples,
        )


def check_sent(spec: TaskSpec, invocation: Invocation) -> tuple[sent.Sent | None, list[str]]:
    """Return what goes out with a request, and what to say where that is not what the task asks for.

    Raises:
        PreflightError: a greedy task would be sampled, or n samples would be the same greedy answer.
    """
    settings, arguments = spec.settings, dict(spec.generation_kwargs)
    if settings.seeds == "distinct":  # as every request will have one
        arguments["seed"] = sent.first_seed(arguments, invocation.model)
    goes_out = None if invocation.model_is("ReplayLM") else sent.of(invocation.model, arguments)
    if goes_out is None:
        return None, []
    name = getattr(invocation.model, "model", None)
    of = f"{invocation.model_name} ({name})" if isinstance(name, str) else invocation.model_name
    warnings = sent.check(
        goes_out,
        arguments,
        settings.samples,
        seeds=settings.seeds == "distinct",
        where=f"task {spec.name}: the model {of}",
    )
    for warning in warnings:
        _log.warning("%s", warning)
    return goes_out, warnings


def check_fim(settings: Settings, where: str) -> None:
    """Raise where the model must fill a gap, and `fim` does not say how the gap is shown to it."""
    if benchmarks.get(settings.benchmark).fills_gaps and settings.fim is None:
        raise PreflightError(
            f"{where}: each family of models marks a gap with its own tokens; choose with --metadata "
            f"passk.fim=NAME, one of {', '.join(fim.TEMPLATES)}, or give your own text with {{prefix}} and "
            '{suffix}: --metadata \'{"passk": {"fim": "…{prefix}…{suffix}…"}}\''
        )


def check_chosen(
    samples: Sequence[Any] | None, limit: float | None, problems: int, invocation: Invocation, where: str
) -> None:
    """Raise where `--limit` or `--samples` chooses no problem, or lm-eval cannot log those chosen by number.

    lm-eval asks for all problems where the list is empty, and passes over numbers below 0.
    """
    if limit is not None and not limit > 0:
        raise PreflightError(f"{where}: --limit leaves no problem: it must be above 0")
    if samples is not None and not samples:
        raise PreflightError(f"{where}: --samples names no problem of it: leave the task out of the run")
    for number in samples or ():
        if not isinstance(number, Integral) or not 0 <= int(number) < problems:
            raise PreflightError(
                f"{where}: --samples names the problem {number!r}: the numbers are from 0 to {problems - 1}"
            )
    if invocation.logs_samples and host.loses_chosen(samples):
        raise PreflightError(
            f"{where}: this lm-eval fails after the last answer where --samples and --log_samples come "
            "together: leave --log_samples out (the journal has every answer), or take the first problems "
            "with --limit"
        )


def check_folder(folder: Path, what: str, remedy: str = "name a folder that can be written") -> None:
    """Raise unless a file can be made in `folder`; a missing folder is made."""
    try:
        make_writable(folder)
    except OSError as error:
        raise PreflightError(f"{what} cannot be written ({error.strerror or error}): {remedy}") from error


def check_sandbox(spec: TaskSpec, dataset: Dataset) -> None:
    """Let the sandbox judge a right and a wrong program in each way that the problems need.

    Once in this process for each confinement.

    Raises:
        SandboxError: the sandbox does not start, or gives one of them the wrong verdict.
    """
    settings = spec.settings
    confinement = benchmarks.get(settings.benchmark).confinement(settings)
    key = (settings.benchmark, settings.judge, confinement, dataset.sha256)
    if key in _tested:
        return
    try:
        warnings = selftest.of_task(spec, dataset)
    except SandboxError as error:
        raise SandboxError(f"task {spec.name}: {error}") from error
    for warning in warnings:
        _log.warning("task %s: %s", spec.name, warning)
    _tested.add(key)


def try_references(spec: TaskSpec, dataset: Dataset, limit: float | None) -> trial.Tried:
    """Judge the reference solutions, warn of what they showed, and return the dataset with what was learned.

    `limit` is lm-eval's: so many problems, or that share of them; None for all.
    """
    asked = [str(row["task_id"]) for row in dataset.rows]
    if limit is not None:
        asked = asked[: int(limit if limit >= 1 else math.ceil(len(asked) * limit))]
    tried = trial.references(spec.settings, dataset, frozenset(asked))
    for warning in tried.warnings:
        _log.warning("task %s: %s", spec.name, warning)
    return tried


def _warn_of_cuts(
    settings: Settings, generation_kwargs: Mapping[str, Any], dataset: Dataset, where: str
) -> None:
    """Warn of arguments that cut programs short; stops that stand in the rows are the benchmark's own."""
    of_rows = {
        stop for problem in dataset.problems.values() if problem.protocol for stop in problem.protocol.stops
    }
    until = generation_kwargs.get("until") or []
    until = [until] if isinstance(until, str) else until
    in_answers = [stop for stop in until if stops.begins_statement(stop)]
    if in_answers and settings.extraction == stops.ANSWER:
        _log.warning(
            "%s: chat models answer with whole functions, and the stop sequences %s cut them off; remove the "
            "stop sequences: --gen_kwargs until=[]",
            where,
            ", ".join(map(repr, in_answers)),
        )
    for stop in until:
        if not str(stop).strip() and stop not in of_rows:
            _log.warning(
                "%s: the stop sequence %r cuts a program at its first blank line; change it in the task's "
                "`until`",
                where,
                stop,
            )
    if not any(name in generation_kwargs for name in _TOKEN_BUDGETS):
        _log.warning(
            "%s: without max_gen_toks lm-eval's models stop after 256 tokens, which cuts longer programs; "
            "add --gen_kwargs max_gen_toks=…",
            where,
        )


def _warn_of_form(settings: Settings, invocation: Invocation, where: str, *, chat: bool) -> None:
    if invocation.model_is("ReplayLM"):
        return  # it reads no prompt
    if settings.extraction == "answer" and not chat:
        _log.warning(
            "%s: the task is for chat models, but no chat template is applied: add --apply_chat_template",
            where,
        )
    elif settings.extraction in ("completion", "sanitized") and chat:
        _log.warning(
            "%s: the task asks a base model to continue a piece of code, but a chat template is applied, so "
            "the model may answer instead; the tasks for chat models have `instruct` in their names",
            where,
        )


def _items(value: Any) -> Sequence[Any]:
    """Return the items of a list, none of None; what is no list is its only item."""
    return () if value is None else value if isinstance(value, (list, tuple)) else [value]


def _number(value: Any, what: str) -> float:
    with contextlib.suppress(TypeError, ValueError):
        return float(value)
    raise PreflightError(f"{what} must be a number, not {value!r}")
