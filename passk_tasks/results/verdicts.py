"""Verdicts on disk, as they come: what a scoring that broke off goes on from, and the store that runs share.

    {"program_sha256": …, "environment": …, "task_id": …, "verdict": …, …}    a line a program
    {"judged_by": […], "environments": […]}                                   who judged so many of them

A verdict holds for its program and its environment: the limits, the sandbox's layers, the packages, the tools
(`judging.environment`). Files are appended to and never rewritten. A line that a kill tore is passed over.

    FOLDER of a store
        ENVIRONMENT/environment.json     what the environment is, for people
        ENVIRONMENT/HOST.jsonl           the verdicts that a host's processes found, however many at one time
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from passk_tasks.errors import SamplesError
from passk_tasks.results.keys import Keys
from passk_tasks.results.lines import dump_line
from passk_tasks.results.reading import outcome_of
from passk_tasks.results.store import replace
from passk_tasks.results.summary import machine_of, of_machine
from passk_tasks.verdict import Machine, Outcome, Verdict

_HEAD = b'{"program_sha256": "'
_JUDGED_BY = b'{"judged_by": '
_SYNC_S = 1.0  # so often, at most, what was written is forced onto the disk
_UNSHARED = frozenset({Verdict.TIMEOUT, Verdict.INFRA_ERROR})
"""What another run, on another machine or under another load, might not repeat."""


class Known(NamedTuple):
    """A verdict that a file has.

    Attributes:
        environment: name of the environment that it was judged in; empty where the file does not say.
        at_s: wall seconds of judging before it was known, over all attempts; 0 where not recorded.
    """

    program_sha256: str
    environment: str
    outcome: Outcome
    at_s: float


def read(path: Path, wanted: Callable[[str], bool], *, without: bool = False) -> Iterator[Known]:
    """Yield the verdicts in a file, in their order; lines that are none are passed over.

    `wanted` says whether the program with a hash is of interest. With `without` it also yields that a program
    remained without a verdict (`infra_error`).
    """
    try:
        file = path.open("rb")
    except OSError:
        return
    with file:
        for raw in file:
            name = raw[len(_HEAD) : len(_HEAD) + 64].decode("latin-1") if raw.startswith(_HEAD) else None
            if name is not None and not wanted(name):
                continue  # a store may hold a hundred times of what a run needs
            try:
                line = json.loads(raw)
                outcome = outcome_of(line, "")
                at_s = float(line.get("at_s") or 0.0)
                known = Known(str(line["program_sha256"]), str(line.get("environment", "")), outcome, at_s)
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError, SamplesError):
                continue  # torn, or no verdict
            kept = without or outcome.verdict is not Verdict.INFRA_ERROR
            if kept and (known.program_sha256 == name or wanted(known.program_sha256)):
                yield known


def judged_by(path: Path, environments: Collection[str]) -> Iterator[Machine]:
    """Yield the machines that judged in one of these environments, as often as a file names them."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        for raw in file:
            if raw.startswith(_JUDGED_BY):
                with contextlib.suppress(ValueError, TypeError, AttributeError):  # torn
                    line = Keys(json.loads(raw))
                    if not set(line.texts("environments")).isdisjoint(environments):
                        yield from map(machine_of, line.inners("judged_by"))


def judged_by_line(machines: Sequence[Machine], environments: Sequence[str]) -> dict[str, object]:
    """Return the line of who judged, as `judged_by` reads it."""
    return {"judged_by": [of_machine(machine) for machine in machines], "environments": list(environments)}


def as_dict(outcome: Outcome) -> dict[str, object]:
    """Return an outcome as `outcome_of` reads it; its last three keys where they say something."""
    line: dict[str, object] = {
        "verdict": outcome.verdict.value,
        "detail": outcome.detail,
        "judge": outcome.judge,
        "cpu_s": outcome.cpu_s,
        "wall_s": outcome.wall_s,
        "peak_mib": outcome.peak_mib,
    }
    if outcome.base_passed is not None:
        line["base_passed"] = outcome.base_passed
    if outcome.flags:
        line["flags"] = list(outcome.flags)
    if outcome.actual:
        line["actual"] = outcome.actual
    return line


class Appended:
    """A file to which lines are appended, by one process or by several at one time; a context manager.

    Nothing that a disk refuses stops the judging: from then on lines are dropped, and `lost` says why.

    Args:
        path: made where it is missing.
        at_once: write each line as it comes; if not, what has come within a second in one piece.
    """

    def __init__(self, path: Path, *, at_once: bool) -> None:
        self.lost: str | None = None
        self._at_once, self._held = at_once, bytearray()
        self._file: int | None = None
        self._synced = time.monotonic()
        try:
            # No process moves another one's end of the file, since the kernel finds it for each piece.
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
            size = os.fstat(self._file).st_size
            torn = size > 0 and os.pread(self._file, 1, size - 1) != b"\n"
        except OSError as error:
            self._refused(error)
        else:
            self._held += b"\n" if torn else b""

    def __enter__(self) -> Appended:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, line: Mapping[str, object]) -> None:
        """Append a line."""
        if self._file is None:
            return
        self._held += dump_line(line)
        due = time.monotonic() - self._synced >= _SYNC_S
        if due or self._at_once:
            self._write(sync=due)

    def close(self) -> None:
        """Write what is held, and make it durable."""
        self._write(sync=True)
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, *, sync: bool) -> None:
        if self._file is None:
            return
        try:
            if self._held:
                # Another process may have been killed within a line since: ours begin on one of their own.
                self._held[:0] = b"" if self._at_once else b"\n"
                while self._held:
                    del self._held[: os.write(self._file, self._held)]
            if sync:
                os.fsync(self._file)
                self._synced = time.monotonic()
        except OSError as error:
            self._refused(error)

    def _refused(self, error: OSError) -> None:
        self.lost = error.strerror or str(error)
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Store:
    """The verdicts that runs share, in a folder; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, Appended] = {}

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    def read(self, environment: str, wanted: Callable[[str], bool]) -> Iterator[Known]:
        """Yield the verdicts of an environment; where there are several of a program, the last one holds."""
        for path in sorted((self._folder / environment).glob("*.jsonl")):
            for known in read(path, wanted):
                if known.environment == environment and known.outcome.verdict not in _UNSHARED:
                    yield known

    def add(
        self, environment: str, described: Mapping[str, object], line: Mapping[str, object], outcome: Outcome
    ) -> None:
        """Add a verdict, unless it is one that another run might not repeat."""
        if outcome.verdict in _UNSHARED:
            return
        if environment not in self._files:
            self._files[environment] = self._opened(environment, described)
        self._files[environment].add(line)

    def _opened(self, environment: str, described: Mapping[str, object]) -> Appended:
        folder = self._folder / environment
        with contextlib.suppress(OSError):  # then the file cannot be opened either
            folder.mkdir(parents=True, exist_ok=True)
            about = folder / "environment.json"
            if not about.exists():
                replace(about, [json.dumps(described, indent=2, sort_keys=True).encode("ascii"), b"\n"])
        host = re.sub(r"[^\w.-]", "_", platform.node()) or "host"
        return Appended(folder / f"{host}.jsonl", at_once=False)
