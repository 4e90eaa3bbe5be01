"""Stored runs, read back for whoever compares or shows them: verdicts, counts, conditions.

    lm-eval's output folder     results_<date>.json with samples_<task>_<date>.jsonl beside it (--log_samples)
    passk score --out FOLDER    results.json with outcomes.jsonl

`listing` reads the small files only; `load` adds every sample's outcome. Nothing here executes anything.
"""

from __future__ import annotations

import json
import os
import re
import sys
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from passk_tasks.errors import SamplesError, UsageError, did_you_mean
from passk_tasks.results import store
from passk_tasks.results.conditions import Conditions, from_lm_eval, from_score
from passk_tasks.results.hashes import packed, short
from passk_tasks.results.keys import Keys
from passk_tasks.results.lines import Paths, listed, numbered_lines, parse_object, refuse_device
from passk_tasks.results.model import Listing, Run, StoredRun
from passk_tasks.results.samples import prompt_of
from passk_tasks.results.spent import Spent
from passk_tasks.results.summary import Summary, extended
from passk_tasks.verdict import Outcome, Verdict

_DATED = re.compile(r"^.+_(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d+)\.json$")  # lm-eval's name of a results file
_BITS = 63  # of a sample's number, in an array


def listing(paths: Paths) -> Listing:
    """Return the runs in results files, or anywhere below folders, each once.

    Raises:
        SamplesError: a path does not exist, or a file that was named cannot be read.
    """
    named: dict[Path, tuple[Path, bool]] = {}
    for path in map(Path, listed(paths)):
        if path.is_dir():
            below = sorted(file for file in path.rglob("*.json") if _is_results(file))
            named = {file.resolve(): (file, False) for file in below} | named
        elif path.exists():
            named[_results_of(path).resolve()] = _results_of(path), True
        else:
            raise SamplesError(f"{path}: no such file or folder")
    runs: list[StoredRun] = []
    notes: list[str] = []
    for file, by_itself in named.values():
        try:
            read, said = _read(file)
        except SamplesError as error:
            if by_itself:
                raise
            read, said = [], [str(error)]
        runs += read
        notes += said
    earliest = datetime.min.replace(tzinfo=timezone.utc)
    runs.sort(key=lambda run: (run.date or earliest, str(run.path), run.task))
    return Listing(tuple(runs), tuple(notes))


def load(stored: StoredRun) -> Run:
    """Read the outcome of every sample of a run.

    Raises:
        SamplesError: there is no file with outcomes, or it is broken or belongs to another run.
    """
    if stored.samples_path is None:
        raise SamplesError(
            f"{stored.path}: the outcomes of {stored.task}'s samples are not beside it; run with "
            "--log_samples or, where the journal is still there: passk score JOURNAL --out FOLDER"
        )
    reader = _Outcomes(stored.samples_path)
    if stored.samples_path.name == store.OUTCOMES:
        reader.read_score()
    else:
        reader.read_lm_eval()
    seen = Counter(outcome.verdict.value for listed in reader.outcomes.values() for outcome in listed)
    if dict(seen) != {name: count for name, count in stored.verdicts.items() if count}:
        raise SamplesError(
            f"{stored.samples_path}: it holds {sum(seen.values())} samples, {seen['passed']} of them passed, "
            f"and {stored.path.name} speaks of {stored.samples} and {stored.verdicts.get('passed', 0)}: the "
            "two files are not of one run"
        )
    open_ = sum(all(one.verdict is Verdict.INFRA_ERROR for one in mine) for mine in reader.outcomes.values())
    said = (
        f"{open_} of {len(reader.outcomes)} problems have no sample with a verdict: no score counts them",
    )
    # Of samples that were played back, nobody knows the prompt; the one in the file was never sent.
    prompts = reader.prompts if stored.conditions.prompt is not None else {}
    return extended(
        Run,
        stored,
        warnings=(*stored.warnings, *(said if open_ else ())),
        outcomes=reader.outcomes,
        prompts=prompts,
        programs=reader.programs,
        spent=reader.spent,
        sources=reader.clusters,
    )


def load_all(paths: Paths, task: str | None = None) -> list[Run]:
    """Read every run that `stored_in` finds, with the outcome of every sample."""
    return [load(run) for run in stored_in(paths, task)]


def stored_in(paths: Paths, task: str | None = None) -> list[StoredRun]:
    """Return every run that `paths` hold, in their order, those of one folder by date, each run once."""
    chosen: dict[tuple[Path, str], StoredRun] = {}
    for path in listed(paths):
        below = listing(path)
        wanted = [run for run in below.runs if task in (None, run.task)]
        if not wanted:
            raise SamplesError(nothing(path, below, task))
        for run in wanted:
            chosen.setdefault((run.path.resolve(), run.task), run)
    return list(chosen.values())


def only_one(runs: Sequence[StoredRun], where: str) -> StoredRun:
    """Return the run where there is one, or raise a `UsageError` that lists them."""
    if len(runs) > 1:
        files = "".join(f"\n  {run.path} ({run.task})" for run in runs)
        raise UsageError(f"{where} holds {len(runs)} runs; name one, or --task:{files}")
    return runs[0]


def _is_results(path: Path) -> bool:
    return path.name == store.RESULTS or _DATED.match(path.name) is not None


def _results_of(path: Path) -> Path:
    """Return the results file that a file named by the user stands for: itself, or the one beside it."""
    if path.name == store.OUTCOMES:
        return path.with_name(store.RESULTS)
    match = re.match(r"^samples_.+_(\d{4}-\d\d-\d\dT[\d.-]+)\.jsonl$", path.name)
    if match:
        beside = sorted(path.parent.glob(f"*_{match[1]}.json"))
        if beside:
            return beside[0]
    return path


def _read(path: Path) -> tuple[list[StoredRun], list[str]]:
    try:
        refuse_device(path)
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise SamplesError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise SamplesError(f"{path}: not JSON: {error}") from error
    if not isinstance(content, Mapping):
        raise SamplesError(f"{path}: expected a JSON object, found {type(content).__name__}")
    try:
        if isinstance(content.get("configs"), Mapping):
            return _read_lm_eval(path, Keys(content))
        if {"task", "verdicts", "settings"} <= content.keys():
            summary, beside = Summary.from_dict(content), path.with_name(store.OUTCOMES)
            model = Keys(summary.asked).text("model")
            return [_stored(path, beside, model, from_score(summary), summary)], []
    except ValueError as error:
        raise SamplesError(f"{path}: not as a run of ours leaves it: {error}") from error
    raise SamplesError(
        f"{path}: neither lm-eval's results nor those of `passk score --out`; samples and journals become a "
        "run with: passk score FILE --out FOLDER"
    )


def _read_lm_eval(path: Path, content: Keys) -> tuple[list[StoredRun], list[str]]:
    runs, notes = [], []
    match, settings = _DATED.match(path.name), content.inner("config")
    model = content.text("model_name") or settings.text("model")
    model = settings.inner("replay").inner("drawn_with").text("model") or model
    for task in content.inner("configs"):
        config = content.inner("configs").inner(task)
        metadata = config.inner("metadata")
        if "passk_results" not in metadata:
            ours = "passk" in metadata.values
            why = "its samples were not judged (--predict_only)" if ours else "not a task of ours"
            notes.append(f"{path}: {task}: {why}")
            continue
        summary = Summary.from_dict(metadata.values["passk_results"])
        samples = path.with_name(f"samples_{task}_{match[1]}.jsonl") if match else None
        runs.append(_stored(path, samples, model, from_lm_eval(content, config, summary), summary))
    return runs, notes


def _stored(
    path: Path, samples: Path | None, model: str | None, conditions: Conditions, summary: Summary
) -> StoredRun:
    beside = samples if samples is not None and samples.exists() else None
    return extended(StoredRun, summary, path=path, samples_path=beside, model=model, conditions=conditions)


class _Line(NamedTuple):
    """What is stored of one sample."""

    outcome: Outcome
    program: str | bytes
    spent: Spent | None


class _Unordered(NamedTuple):
    """What is stored of a problem's samples, in the order of the file."""

    samples: array[int]  # their numbers
    numbers: array[int]  # of their lines
    lines: list[_Line]


class _Outcomes:
    """The outcomes in one file, of either kind."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.outcomes: dict[str, tuple[Outcome, ...]] = {}
        self.prompts: dict[str, str] = {}
        self.programs: dict[str, Sequence[str]] = {}
        self.spent: dict[str, tuple[Spent | None, ...]] = {}
        self.clusters: dict[str, str] = {}
        self._same: dict[Spent | None, Spent | None] = {}  # a million samples have few that differ

    def read_score(self) -> None:
        read: dict[str, _Unordered] = {}
        for number, raw in numbered_lines(self.path):
            where = f"{self.path}:{number}"
            line = parse_object(raw, where)
            index = line.get("sample")
            if not isinstance(index, int) or index.bit_length() > _BITS:
                raise SamplesError(f"{where}: the sample has no number")
            task_id = task_id_in(line, where)
            mine = read.setdefault(task_id, _Unordered(array("q"), array("q"), []))
            mine.samples.append(index)
            mine.numbers.append(number)
            mine.lines.append(_line(line, where))
            self._note(task_id, line)
        # A file that pools runs may hold them in turn; the samples' own numbers are their order.
        for task_id, (samples, numbers, lines) in read.items():
            order = sorted(range(len(lines)), key=samples.__getitem__)
            for one, other in pairwise(order):
                if samples[one] == samples[other]:
                    where = f"{self.path}:{numbers[other]}"
                    raise SamplesError(f"{where}: sample {samples[other]} of {task_id} is there twice")
            self._add(task_id, [lines[place] for place in order])
            lines.clear()

    def read_lm_eval(self) -> None:
        for number, raw in numbered_lines(self.path):
            where = f"{self.path}:{number}"
            line = parse_object(raw, where)
            doc = line.get("doc")
            task_id = task_id_in(doc if isinstance(doc, Mapping) else {}, where)
            if task_id in self.outcomes:
                raise SamplesError(f"{where}: {task_id} is there twice")
            prompt = prompt_of(line.get("arguments"))
            if prompt is not None:
                self.prompts[task_id] = prompt
            # One request with n answers or n requests with one: a list of lists in either case.
            answers = line.get("filtered_resps")
            nested = answers if isinstance(answers, list) else []
            texts = [text for item in nested for text in (item if isinstance(item, list) else [item])]
            if not texts:
                raise SamplesError(f"{where}: {task_id} has no outcomes in `filtered_resps`")
            answered = [parse_object(str(text).encode("utf-8", "surrogatepass"), where) for text in texts]
            self._add(task_id, [_line(answer, where) for answer in answered])
            self._note(task_id, answered[0])

    def _add(self, task_id: str, lines: Sequence[_Line]) -> None:
        self.outcomes[task_id] = tuple(line.outcome for line in lines)
        self.programs[task_id] = packed([line.program for line in lines])
        self.spent[task_id] = tuple(self._same.setdefault(line.spent, line.spent) for line in lines)

    def _note(self, task_id: str, line: Mapping[str, object]) -> None:
        if isinstance(prompt := line.get("prompt"), str):
            self.prompts.setdefault(task_id, prompt)
        if line.get("cluster") is not None:
            self.clusters[task_id] = str(line["cluster"])


def task_id_in(row: Mapping[str, object], where: str) -> str:
    """Return a row's task_id, or raise `SamplesError`, naming where it stands."""
    if "task_id" not in row:
        raise SamplesError(f"{where}: there is no task_id")
    return str(row["task_id"])


def _line(line: Mapping[str, object], where: str) -> _Line:
    program = str(line.get("program_sha256", ""))
    return _Line(outcome_of(line, where), short(program), Spent.from_dict(line.get("spent")))


def outcome_of(line: Mapping[str, object], where: str) -> Outcome:
    """Return the outcome in a stored line.

    Raises:
        SamplesError: it has none; the message starts with `where`.
    """
    keys = Keys(line)
    try:
        return Outcome(
            verdict=Verdict(line["verdict"]),
            # Once each, since a million samples have few that differ.
            detail=sys.intern(keys.text("detail") or ""),
            judge=sys.intern(keys.text("judge") or ""),
            cpu_s=float(keys.number("cpu_s") or 0),
            wall_s=float(keys.number("wall_s") or 0),
            peak_mib=float(keys.number("peak_mib") or 0),
            flags=keys.texts("flags"),
            base_passed=bool(line["base_passed"]) if "base_passed" in keys else None,
            actual=keys.text("actual") or "",
        )
    except (KeyError, ValueError):
        verdicts = [verdict.value for verdict in Verdict]
        shown = line.get("verdict")
        raise SamplesError(
            f"{where}: no outcome of ours: its verdict is {shown!r}{did_you_mean(str(shown), verdicts)}"
        ) from None


def nothing(path: str | os.PathLike[str], below: Listing, task: str | None) -> str:
    """Return what to say of a path without any run, or without one of the task."""
    if below.runs:
        tasks = {run.task for run in below.runs}
        return f"{path}: no run of {task} in it{did_you_mean(str(task), tasks)}"
    if below.notes:
        return f"{path}: no run in it that can be read: {below.notes[0]}"
    return f"{path}: no results in it; lm-eval writes them with --output_path, `passk score` with --out"
