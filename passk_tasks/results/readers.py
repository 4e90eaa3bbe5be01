"""Saved samples of one file, whichever tool wrote it; what a file is, its content says.

human-eval   {"task_id", "completion"}      text to append to the prompt
EvalPlus     {"task_id", "solution"}        a self-contained program; it wins over `completion`
EvalPlus     a folder with HumanEval_0/0.py the same
DS-1000      {"code", "metadata"}           text, or a list of them, read by DS-1000's rule
lm-eval      samples_<task>_<date>.jsonl    raw model text, joined on doc["task_id"]
passk-tasks  a journal                      raw model text, and the settings of the run
others       see `documents`
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from passk_tasks.errors import SamplesError
from passk_tasks.results import documents, journal
from passk_tasks.results.journal import JournalHeader
from passk_tasks.results.lines import is_pipe, loads, numbered_lines, parse_object
from passk_tasks.results.samples import COMPLETION, RESPONSE, SOLUTION, Sample, Source, document_id


def read_file(path: Path) -> Source:
    """Read a file, plain or gzipped; `SamplesError` where it is broken or of no known kind."""
    source = Source(path)
    if is_pipe(path):
        source.warnings.append(
            f"{path}: a pipe, which nobody can read again: exports, and pages that show texts, will need the "
            "samples in a file"
        )
    lines = numbered_lines(path)
    first = next(lines, None)
    if first is None:
        return source
    number, raw = first
    where = f"{path}:{number}"
    if raw.startswith(documents.ZIP_MAGIC):
        documents.read_zip(source)
        return source
    line = _object_or_document(source, raw, lines, where)
    if line is None:
        return source
    if journal.MARK in line:
        source.header = JournalHeader.from_dict(line, where=where)
        _read_journal(source, source.header, lines)
    elif documents.is_batch(line):
        rest = ((parse_object(raw, f"{path}:{number}"), f"{path}:{number}") for number, raw in lines)
        documents.read_batch(source, itertools.chain([(line, where)], rest))
    else:
        _read_lines(source, itertools.chain([first], lines))
    return source


def _read_lines(source: Source, lines: Iterable[tuple[int, bytes]]) -> None:
    """Take in lines of human-eval, EvalPlus, DS-1000 or lm-eval."""
    for number, raw in lines:
        where = f"{source.path}:{number}"
        line = parse_object(raw, where)
        if journal.MARK in line:
            raise SamplesError(
                f"{where}: a journal begins inside a file; give each journal as a file of its own"
            )
        if _is_ds1000(line):
            texts = line["code"] if isinstance(line["code"], list) else [line["code"]]
            for text in texts:
                source.add(document_id({"metadata": line["metadata"]}, where), text, COMPLETION, where)
        elif "resps" not in line:
            source.add_plain(line, where)
        else:
            source.add_lm_eval(line, where)


def _is_ds1000(line: dict[str, object]) -> bool:
    return (
        "code" in line and isinstance(line.get("metadata"), dict) and not {"task_id", "resps"} & line.keys()
    )


def _object_or_document(
    source: Source, raw: bytes, lines: Iterator[tuple[int, bytes]], where: str
) -> dict[str, object] | None:
    """Return the object in the first line; None where the whole file was one document, which was taken in.

    Raises:
        SamplesError: the line holds no object, and the file is no document of a known kind.
    """
    error: SamplesError | None = None
    try:
        line = parse_object(raw, where)
        if not documents.is_inspect(line):
            return line
    except SamplesError as no_object:
        error = no_object
    try:
        document = loads(b"".join([raw, *(rest for _, rest in lines)]))
    except (ValueError, RecursionError):
        if raw.strip() == b"{":
            error = SamplesError(
                f"{where}: an object over several lines, where a line a sample is expected: `jq -c . FILE` "
                "writes one"
            )
        raise (error or SamplesError(f"{where}: a log of Inspect, and lines behind it")) from None
    if isinstance(document, list):
        documents.read_list(source, document)
    elif isinstance(document, dict) and documents.is_inspect(document):
        documents.read_inspect(source, document)
    else:
        raise SamplesError(
            f"{where}: one JSON document, where a line a sample is expected; lm-eval's samples_*.jsonl "
            "(--log_samples) has the texts, its results_*.json has not"
        )
    return None


def _read_journal(source: Source, header: JournalHeader, lines: Iterator[tuple[int, bytes]]) -> None:
    asked = header.settings.get("extraction")
    scouts = 0
    for entry in journal.read_entries(source.path, lines, source.warnings):
        task_id, index = entry.task_id, entry.sample
        if index >= journal.SCOUTS:
            scouts += index < journal.FIRST
            continue
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
    if scouts:
        source.warnings.append(
            f"{source.path}: {scouts} answers that decided how many samples each problem got (passk.top_up) "
            "are left out, as they must be"
        )
    keys = source.samples.keys({})
    order = np.argsort(keys, kind="stable")
    twice = np.flatnonzero(np.diff(keys[order]) == 0)
    if len(twice):
        before, again = source.samples[int(order[twice[0]])], source.samples[int(order[twice[0] + 1])]
        raise SamplesError(
            f"{again.origin}: sample {again.index} of {again.task_id} was given already at {before.origin}"
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


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Sort key that puts `2.py` before `10.py`."""
    parts = re.split(r"([0-9]+)", path.name)
    return [(0, int(part), "") if i % 2 else (1, 0, part) for i, part in enumerate(parts)]
