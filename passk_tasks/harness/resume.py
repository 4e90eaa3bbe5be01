"""Answers that a run which broke off left in its journals: found, checked, handed to the run that goes on.

A run goes on where `metadata.passk.resume` (`passk run --resume`) names a journal, or `latest`. The journals
of a run carry its name: those of all its ranks, and of all attempts so far, are read together. What was asked
must be what is asked now; whatever differs is named, and nothing is generated.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from passk_tasks.errors import PreflightError, SamplesError
from passk_tasks.harness.invocation import Invocation
from passk_tasks.results.journal import MARK, Entry, JournalHeader, read_entries
from passk_tasks.results.lines import numbered_lines, parse_object
from passk_tasks.tasks.settings import NAMESPACE

_log = logging.getLogger("lm_eval.passk")

LATEST = "latest"
KEY = "resume"

# Arguments of lm-eval's models that do not change what they generate, or are secret.
_OF_THE_HOST = frozenset(
    {
        *("api_key", "auth_token", "token", "header", "verify_certificate", "max_retries", "timeout"),
        *("num_concurrent", "batch_size", "max_batch_size", "device", "parallelize"),
        *("tensor_parallel_size", "data_parallel_size", "gpu_memory_utilization"),
    }
)
# Those that may differ, which is said: the same server at another address, a new stream of random numbers.
_MAY_DIFFER = ("the model's base_url", "the model's seed")


def taken(metadata: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """Return the journal that a task's metadata names, and the metadata without it."""
    rest = dict(metadata)
    named = rest.pop(f"{NAMESPACE}.{KEY}", None)
    inner = rest.get(NAMESPACE)
    if isinstance(inner, Mapping) and KEY in inner:
        rest[NAMESPACE] = {key: value for key, value in inner.items() if key != KEY}
        named = inner[KEY] if named is None else named
    return (str(named) if named else None), rest


def request_hash(arguments: Iterable[Any]) -> str:
    """Return the hash of a request: its prompt and its generation arguments, in whatever order they stand."""
    text = json.dumps(list(arguments), sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def model_of(run: Invocation) -> dict[str, object]:
    """Return what a journal says of the model, as far as it moves what is generated."""
    arguments = {key: value for key, value in run.model_args.items() if key not in _OF_THE_HOST}
    text = json.dumps({"name": run.model_name, **arguments}, default=repr)
    described: dict[str, object] = json.loads(text)
    return described


@dataclass
class Recovered:
    """What the journals of a run that broke off hold.

    Attributes:
        run: name of the run; None where there is nothing to resume.
        entries: its answers by problem and number of the sample.
        paths: its journals, the newest first.
    """

    run: str | None = None
    entries: dict[tuple[str, int], Entry] = field(default_factory=dict)
    paths: tuple[Path, ...] = ()

    def answers(self, asked: Mapping[tuple[str, int], str], where: str) -> dict[tuple[str, int], Entry]:
        """Return the answers to what is asked now; `asked` has the hash of each request.

        Raises:
            PreflightError: another prompt was asked.
        """
        answers = {key: self.entries[key] for key in asked if key in self.entries}
        for (task_id, _), entry in answers.items():
            if entry.request != asked[task_id, entry.sample]:
                raise PreflightError(
                    f"{where}: the prompt of {task_id} is not the one that {entry.where} was asked with, so "
                    "the run cannot go on from there: restore what changed it (the task, the chat template, "
                    "--system_instruction, seed= in --model_args), or run without --resume"
                )
        return answers


def recover(named: str, folder: Path, now: JournalHeader) -> Recovered:
    """Return what the journals of a run hold for a task.

    Args:
        named: a journal, or `latest` for the newest of the task in `folder`.
        folder: where the run that goes on has its journals.
        now: the header of the journal that this run will write.

    Raises:
        PreflightError: there is no such journal, or its run asked another model, or asked it otherwise.
    """
    where = f"task {now.task}"
    given = Path(named).expanduser()
    if named != LATEST and not given.is_file():
        raise PreflightError(
            f"{where}: --resume {named}: there is no such journal; `latest` finds the newest"
        )
    beside = _headers(folder if named == LATEST else given.parent)
    ours = [(path, header) for path, header in beside if header.task == now.task]
    if named == LATEST:
        named, header = (str(ours[0][0]), ours[0][1]) if ours else (named, None)
    else:
        header = next((header for path, header in beside if path.samefile(given)), None)
        if header is None:
            raise PreflightError(f"{where}: --resume {named}: not a journal")
    run = header.extra.get("run_id") if header else None
    if header and not isinstance(run, str):
        raise PreflightError(
            f"{where}: {named}: an earlier version wrote this journal, without what was asked, so the "
            "prompts cannot be compared: no run can go on from it; `passk score` reads it"
        )
    ours = [(path, header) for path, header in ours if header.extra.get("run_id") == run]
    if not ours:
        _log.warning("%s: nothing to resume in %s; all answers are asked for", where, folder)
        return Recovered(run if isinstance(run, str) else None)
    recovered = Recovered(str(run), paths=tuple(path for path, _ in ours))
    unlike = 0
    for path, header in ours:
        if difference := _difference(header, now):
            raise PreflightError(
                f"{where}: the run cannot go on from {path}: {difference}. Give what that run was given, or "
                "run without --resume"
            )
        warnings: list[str] = []
        lines = numbered_lines(path)
        next(lines)
        for entry in read_entries(path, lines, warnings):
            unlike += recovered.entries.setdefault((entry.task_id, entry.sample), entry).text != entry.text
        for warning in warnings:
            _log.warning("%s: %s", where, warning)
    if unlike:
        _log.warning(
            "%s: %d samples differ between the journals of the run; the newest journal's are used",
            where,
            unlike,
        )
    return recovered


def _headers(folder: Path) -> list[tuple[Path, JournalHeader]]:
    """Return the journals of a folder with their headers, the newest first."""
    journals = []
    for path in sorted(
        folder.glob("*.jsonl"), key=lambda path: (path.stat().st_mtime_ns, path), reverse=True
    ):
        header = _header(path)
        if header is not None:
            journals.append((path, header))
    return journals


def _header(path: Path) -> JournalHeader | None:
    try:
        for _, raw in numbered_lines(path):
            line = parse_object(raw, str(path))
            return JournalHeader.from_dict(line, where=str(path)) if MARK in line else None
    except SamplesError as error:
        if path.name.startswith(MARK):
            _log.warning("%s; no run goes on from it", error)
    return None  # or a kill came before the header


def _difference(then: JournalHeader, now: JournalHeader) -> str:
    """Return what of the model, the problems or the sampling is not as it was, or an empty string."""
    if then.dataset_sha256 != now.dataset_sha256:
        return f"the dataset is another: {then.dataset_source} there, {now.dataset_source} now"
    pairs = [
        ("the setting seeds", then.settings.get("seeds"), now.settings.get("seeds")),
        *_pairs(then, now, "model", "the model's "),
        *_pairs(then, now, "generation_kwargs", ""),
    ]
    for name, before, after in pairs:
        if before == after:
            continue
        if name in _MAY_DIFFER:
            _log.warning("task %s: %s was %r and is %r now", now.task, name, before, after)
            continue
        return f"{name} is {before!r} there and {after!r} now"
    return ""


def _pairs(
    then: JournalHeader, now: JournalHeader, part: str, prefix: str
) -> list[tuple[str, object, object]]:
    before, after = ({**_mapping(header.extra.get(part))} for header in (then, now))
    return [(prefix + key, before.get(key), after.get(key)) for key in sorted(before.keys() | after.keys())]


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
