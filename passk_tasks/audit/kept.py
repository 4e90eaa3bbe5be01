"""Outcomes of an audit in a file, line by line as they come, so that one that was killed goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from passk_tasks.errors import SamplesError, UsageError
from passk_tasks.program import Program
from passk_tasks.results import verdicts
from passk_tasks.results.lines import dump_line, numbered_lines, parse_object
from passk_tasks.results.reading import outcome_of
from passk_tasks.verdict import Outcome, Verdict

_FORMAT = "passk_audit"


class Kept:
    """The outcomes that a file has, by the hash of their program; a context manager that adds more.

    Args:
        path: the file; made where it is missing. None keeps nothing.
        conditions: what the outcomes depend on, JSON-ready: task, problems, judge, limits, versions.

    Raises:
        UsageError: the file cannot be read or written, or holds something else or outcomes of
            other conditions.
    """

    def __init__(self, path: str | os.PathLike[str] | None, conditions: Mapping[str, object]) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self._file: IO[bytes] | None = None
        if path is None:
            return
        path = Path(path)
        header = json.loads(json.dumps({_FORMAT: 1, **conditions}))
        try:
            end = self._read(path, header) if path.exists() else 0
            self._file = path.open("ab", buffering=0)
            os.truncate(path, end)  # a kill may have left half a line
            if not end:
                self._file.write(dump_line(header))
        except SamplesError as error:
            raise UsageError(str(error)) from None
        except OSError as error:
            raise UsageError(f"{path}: cannot be used: {error.strerror or error}") from error

    def _read(self, path: Path, header: Mapping[str, object]) -> int:
        """Read the whole lines of the file; return where the last of them ends."""
        whole = path.read_bytes().rpartition(b"\n")
        end = len(whole[0] + whole[1])
        for number, line in numbered_lines(path):
            if not line.endswith(b"\n"):
                break
            content = parse_object(line, f"{path}:{number}")
            if number > 1:
                self.outcomes[str(content.get("program"))] = outcome_of(content, f"{path}:{number}")
            elif _FORMAT not in content:
                raise UsageError(f"{path}: is not a file of `passk audit --out`: name another")
            elif unlike := [name for name in header if content.get(name) != header[name]]:
                raise UsageError(
                    f"{path}: holds an audit under other conditions ({', '.join(unlike)} differ): "
                    "name another file"
                )
        return end

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, program: Program, outcome: Outcome) -> None:
        """Keep an outcome; one that is missing for a reason of the host is tried again next time."""
        if self._file is None or outcome.verdict is Verdict.INFRA_ERROR:
            return
        line = {"program": program.sha256, "task_id": program.task_id, **verdicts.as_dict(outcome)}
        self._file.write(dump_line(line))
