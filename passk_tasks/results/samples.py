"""Readers for saved samples, whichever tool wrote them; what a file is, its content says.

human-eval   {"task_id", "completion"}      text to append to the prompt
EvalPlus     {"task_id", "solution"}        a self-contained program; it wins over `completion`
EvalPlus     a folder with HumanEval_0/0.py the same
lm-eval      samples_<task>_<date>.jsonl    raw model text, joined on doc["task_id"]
passk-tasks  a journal                      raw model text, and the settings of the run
"""

from __future__ import annotations

import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from passk_tasks.errors import SamplesError
from passk_tasks.results import journal
from passk_tasks.results.journal import JournalHeader
from passk_tasks.results.lines import numbered_lines, parse_object

COMPLETION = "completion"
SOLUTION = "solution"
RESPONSE = "response"


@dataclass(frozen=True, slots=True)
class Sample:
    """One generation as it was saved.

    Attributes:
        task_id: the problem it answers.
        index: its number among the samples of that problem, from 0.
        text: the saved text.
        form: `completion` (text to append to the prompt), `solution` (self-contained) or `response` (raw
            model text, which extraction has yet to read).
        origin: where it stands, `file:line`.
    """

    task_id: str
    index: int
    text: str
    form: str
    origin: str


@dataclass(frozen=True)
class SampleFile:
    """All samples of one or several files, in their order.

    Attributes:
        samples: at least one.
        header: the journal's header, where the files are journals.
        until: the stop sequences that lm-eval recorded, where its files were read and agree.
        warnings: what a person should know, e.g. that a journal ends early.
    """

    samples: list[Sample]
    header: JournalHeader | None = None
    until: tuple[str, ...] | None = None
    warnings: tuple[str, ...] = ()


def read(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> SampleFile:
    """Read every sample of `paths`, plain or gzipped.

    Samples are numbered per problem in the order in which they appear; a journal carries its own numbers.

    Raises:
        SamplesError: a file that is missing, broken or of no known kind, with file and line; no samples at
            all; a journal together with anything but the other ranks of its run.
    """
    files = [Path(paths)] if isinstance(paths, (str, os.PathLike)) else [Path(path) for path in paths]
    reader = _Reader()
    real: set[str] = set()
    for path in files:
        where = os.path.realpath(path)  # where pathlib fails at a loop of links, reading names the file
        if where in real:
            raise SamplesError(f"{path}: named twice; its samples would count twice")
        real.add(where)
        if path.is_dir():
            reader.read_folder(path)
        else:
            reader.read_file(path)
    if not reader.samples:
        raise SamplesError(f"{', '.join(map(str, files)) or 'nothing was named'}: no samples")
    return reader.result()


def first(samples: Sequence[Sample], n: int) -> tuple[list[Sample], int]:
    """Return the first `n` samples of every problem, in their order, and how many were left out.

    Raises:
        SamplesError: a problem has fewer.
    """
    taken: Counter[str] = Counter()
    kept = []
    for sample in samples:
        if taken[sample.task_id] < n:
            taken[sample.task_id] += 1
            kept.append(sample)
    for task_id, count in taken.items():
        if count < n:
            origin = next(sample.origin for sample in reversed(kept) if sample.task_id == task_id)
            raise SamplesError(f"{origin}: samples={n} were asked for, but {task_id} has {count}")
    return kept, len(samples) - len(kept)


@dataclass
class _Reader:
    samples: list[Sample] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    headers: list[tuple[Path, JournalHeader]] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)  # files that are not journals
    untils: set[tuple[str, ...] | None] = field(default_factory=set)
    lm_eval_file: dict[str, str] = field(default_factory=dict)  # the first with samples of a problem
    responses: Counter[str] = field(default_factory=Counter)  # of lm-eval's files, a problem
    next_index: Counter[str] = field(default_factory=Counter)
    journaled: dict[tuple[str, int], str] = field(default_factory=dict)
    pooled: str = ""

    def read_file(self, path: Path) -> None:
        lines = numbered_lines(path)
        first = next(lines, None)
        if first is None:
            self.others.append(path)
            return
        number, raw = first
        where = f"{path}:{number}"
        line = _parse_first(raw, path, where)
        if journal.MARK in line:
            self.read_journal(path, lines, JournalHeader.from_dict(line, where=where), where)
            return
        self.others.append(path)
        first_filter = line.get("filter")
        for number, raw in itertools.chain([first], lines):
            where = f"{path}:{number}"
            line = parse_object(raw, where)
            if journal.MARK in line:
                raise SamplesError(
                    f"{where}: a journal begins inside a file; give each journal as a file of its own"
                )
            if "resps" not in line:
                self.add_plain(line, where)
            elif line.get("filter") == first_filter:
                # lm-eval writes every document once a filter, each time with the same responses.
                self.add_lm_eval(line, where)

    def add_plain(self, line: dict[str, Any], where: str) -> None:
        form = next((key for key in (SOLUTION, COMPLETION) if line.get(key) is not None), None)
        if form is None:
            raise SamplesError(f"{where}: no sample in this line: {_expected(line)}")
        self.add(_task_id(line.get("task_id"), where), line[form], form, where)

    def add_lm_eval(self, line: dict[str, Any], where: str) -> None:
        doc, resps = line.get("doc"), line["resps"]
        if not isinstance(doc, dict) or doc.get("task_id") is None:
            raise SamplesError(
                f"{where}: lm-eval's line has no doc['task_id'], by which samples find their problems"
            )
        if not isinstance(resps, list) or not resps:
            raise SamplesError(f"{where}: 'resps' should be a list of lists of texts")
        task_id = _task_id(doc["task_id"], where)
        self.untils.add(_until(line.get("arguments")))
        path = where.rpartition(":")[0]
        if self.lm_eval_file.setdefault(task_id, path) != path and not self.pooled:
            self.pooled = (
                f"{self.lm_eval_file[task_id]} and {path} both have samples of {task_id}; they are pooled"
            )
        # One request with n responses, or n requests (seeds of their own) with one each: the same order.
        for group in resps:
            for text in group if isinstance(group, list) else [group]:
                self.add(task_id, text, RESPONSE, where)
                self.responses[task_id] += 1

    def read_journal(
        self, path: Path, lines: Iterator[tuple[int, bytes]], header: JournalHeader, where: str
    ) -> None:
        for other_path, other in self.headers:
            if difference := header.difference(other):
                raise SamplesError(
                    f"{where}: not of the same run as {other_path}: {difference}; score them apart"
                )
        self.headers.append((path, header))
        for entry_where, task_id, index, text in journal.read_entries(path, lines, self.warnings):
            before = self.journaled.setdefault((task_id, index), entry_where)
            if before is not entry_where:
                raise SamplesError(
                    f"{entry_where}: sample {index} of {task_id} was given already at {before}; "
                    "several journals must be the ranks of one run"
                )
            self.samples.append(Sample(task_id, index, text, RESPONSE, entry_where))

    def read_folder(self, path: Path) -> None:
        self.others.append(path)
        try:
            folders = sorted((p for p in path.iterdir() if p.is_dir()), key=_natural)
            files = [
                (folder, file) for folder in folders for file in sorted(folder.glob("*.py"), key=_natural)
            ]
        except OSError as error:
            raise SamplesError(f"{path}: cannot be read: {error.strerror or error}") from error
        if not files:
            inside = sorted(p.name for pattern in ("*.jsonl", "*.jsonl.gz") for p in path.glob(pattern))
            hint = f"; name a file in it: {', '.join(inside[:3])}" if inside else ""
            raise SamplesError(
                f"{path}: a folder of samples holds HumanEval_0/0.py and so on, this one does not{hint}"
            )
        for folder, file in files:
            try:
                text = file.read_bytes().decode("utf-8")
            except UnicodeDecodeError as error:
                line = error.object.count(b"\n", 0, error.start) + 1
                raise SamplesError(
                    f"{file}:{line}: not UTF-8: byte 0x{error.object[error.start]:02x}"
                ) from error
            except OSError as error:
                raise SamplesError(f"{file}: cannot be read: {error.strerror or error}") from error
            self.add("/".join(folder.name.rsplit("_", 1)), text, SOLUTION, f"{file}:1")

    def add(self, task_id: str, text: object, form: str, where: str) -> None:
        if not isinstance(text, str):
            raise SamplesError(f"{where}: the {form} of {task_id} should be a string, not {_type_name(text)}")
        self.samples.append(Sample(task_id, self.next_index[task_id], text, form, where))
        self.next_index[task_id] += 1

    def result(self) -> SampleFile:
        if self.headers and self.others:
            raise SamplesError(
                f"{self.others[0]}: not a journal, but {self.headers[0][0]} is one; score them apart"
            )
        header = self.headers[0][1] if self.headers else None
        if header is not None and len(self.headers) < header.world_size:
            self.warnings.append(
                f"{len(self.headers)} of the run's {header.world_size} journals were given, one a rank"
            )
        if self.pooled:
            self.warnings.append(self.pooled)
        until = None
        if len(self.untils) == 1:
            until = next(iter(self.untils))
        elif self.untils:
            self.warnings.append("the lines record different stop sequences; the task's own are applied")
        if len(set(self.responses.values())) > 1:
            (usual, _), *_ = Counter(self.responses.values()).most_common(1)
            task_id = next(t for t, n in self.responses.items() if n != usual)
            self.warnings.append(
                f"most problems have {usual} responses, {task_id} has {self.responses[task_id]}: "
                f"lm-eval pads uneven ranks with extra ones; --set samples={usual} cuts them off"
            )
        return SampleFile(self.samples, header, until, tuple(self.warnings))


def _parse_first(raw: bytes, path: Path, where: str) -> dict[str, Any]:
    try:
        return parse_object(raw, where)
    except SamplesError as error:
        try:
            json.loads(path.read_bytes())
        except (ValueError, RecursionError, OSError):
            raise error from None
        raise SamplesError(
            f"{where}: one JSON document, where a line a sample is expected; lm-eval's samples_*.jsonl "
            "(--log_samples) has the texts, its results_*.json has not"
        ) from None


def _task_id(value: object, where: str) -> str:
    # MBPP's own identifiers are numbers.
    if isinstance(value, str) or type(value) is int:
        return str(value)
    if value is None:
        raise SamplesError(f"{where}: no task_id")
    raise SamplesError(f"{where}: task_id should be a string, not {_type_name(value)}")


def _until(arguments: object) -> tuple[str, ...] | None:
    """Return the stop sequences in lm-eval's `{"gen_args_0": {"arg_0": prompt, "arg_1": {"until": …}}}`."""
    try:
        until = arguments["gen_args_0"]["arg_1"]["until"]  # type: ignore[index]
    except (KeyError, TypeError):
        return None
    stops = [until] if isinstance(until, str) else until
    if isinstance(stops, list) and all(isinstance(stop, str) for stop in stops):
        return tuple(stops)
    return None


def _expected(line: dict[str, Any]) -> str:
    if "verdict" in line and "program_sha256" in line:
        return "outcomes of `passk score` have no texts; give the samples they were made from"
    found = ", ".join(sorted(map(repr, line))) or "nothing"
    return f"'task_id' with 'completion' or 'solution' expected, found {found}"


def _type_name(value: object) -> str:
    return "null" if value is None else type(value).__name__


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Sort key that puts `2.py` before `10.py`."""
    parts = re.split(r"([0-9]+)", path.name)
    return [(0, int(part), "") if i % 2 else (1, 0, part) for i, part in enumerate(parts)]
