"""What a scoring leaves in a folder: `results.json`, and `outcomes.jsonl` with a line a sample.

Both are written beside their final names and renamed, so a reader never sees half a file and a kill leaves
the former one. While programs are judged, their lines are appended to `outcomes.unfinished.jsonl`, in the
order in which they come: that is what a kill leaves of this one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TypedDict

from passk_tasks._version import __version__
from passk_tasks.errors import PasskError, UsageError
from passk_tasks.results.lines import dump_line
from passk_tasks.sandbox import toolchains
from passk_tasks.sandbox.interpreter import interpreter
from passk_tasks.sandbox.packages import resolve
from passk_tasks.tasks.settings import Settings

RESULTS = "results.json"
OUTCOMES = "outcomes.jsonl"
UNFINISHED = "outcomes.unfinished.jsonl"


def prepare(folder: str | os.PathLike[str]) -> Path:
    """Make the folder and see that files can be written into it, before anything costly is done.

    Raises:
        UsageError: they cannot.
    """
    folder = Path(folder)
    try:
        make_writable(folder)
    except OSError as error:
        raise UsageError(f"--out {folder}: cannot be written: {error.strerror or error}") from error
    return folder


def make_writable(folder: Path) -> None:
    """Make a folder where it is missing, or raise the `OSError` that refuses a file in it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"x")


class Unfinished:
    """Appends outcomes to `outcomes.unfinished.jsonl` as they come; a context manager.

    Nothing that a disk refuses here stops the judging: the same lines are written once more at the end.
    """

    def __init__(self, folder: str | Path) -> None:
        self._file: IO[bytes] | None
        try:
            self._file = (Path(folder) / UNFINISHED).open("wb", buffering=0)
        except OSError:
            self._file = None

    def __enter__(self) -> Unfinished:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def append(self, outcome: Mapping[str, object]) -> None:
        """Add the line of one sample."""
        if self._file is not None:
            try:
                self._file.write(dump_line(outcome))
            except OSError:  # a full disk: what is there stays, and half a line ends it
                self._file.close()
                self._file = None


def write(folder: str | Path, result: Mapping[str, object], outcomes: Iterable[Mapping[str, object]]) -> None:
    """Write both files; those of an earlier scoring are replaced.

    Args:
        folder: made where it is missing.
        result: the object of `passk score --json`.
        outcomes: lines of `outcomes.jsonl`, one a sample, in input order.

    Raises:
        PasskError: the disk refused.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # results.json last: whoever sees it finds its outcomes beside it.
        replace(folder / OUTCOMES, (dump_line(outcome) for outcome in outcomes))
        replace(folder / RESULTS, [dumps(result).encode("ascii"), b"\n"])
        (folder / UNFINISHED).unlink(missing_ok=True)
    except OSError as error:
        raise PasskError(f"{folder}: the results cannot be written: {error.strerror or error}") from error


def dumps(result: Mapping[str, object]) -> str:
    """Return a result as indented JSON, pure ASCII."""
    return json.dumps(result, indent=2, allow_nan=False)


class Provenance(TypedDict):
    """When and with what a result came about: attributes of a `Summary`."""

    passk_tasks: str
    date: datetime
    python: str
    platform: str
    packages: dict[str, str]
    shown: str | None
    toolchains: dict[str, str]


def provenance(
    packages: str | Sequence[str],
    python: str | None = None,
    shown: str | None = None,
    languages: Collection[str] = (),
) -> Provenance:
    """Return when and with what a result came about: now, with this package, on this host.

    Args:
        packages: the setting of that name.
        python: the setting of that name; the versions are those of its interpreter.
        shown: the setting of that name.
        languages: those of the programs, by the names of their records.
    """
    return {
        "passk_tasks": __version__,
        "date": datetime.now(timezone.utc).replace(microsecond=0),
        "python": interpreter(python).version,
        "platform": platform.platform(),
        "packages": resolve(packages, python).versions(),
        "shown": None if shown is None else _sha256_of(Path(shown).expanduser()),
        "toolchains": {k: v for name in sorted(languages) for k, v in toolchains.versions(name).items()},
    }


def provenance_of(settings: Settings, languages: Collection[str] = ()) -> Provenance:
    """Return `provenance` for a task's settings and the languages of its programs."""
    return provenance(settings.packages, settings.python, settings.shown, languages)


def _sha256_of(folder: Path) -> str:
    """Return a hash of the names and contents of all files in a folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = hashlib.sha256()
        with contextlib.suppress(OSError), path.open("rb") as file:  # nor can candidates read it
            while block := file.read(1 << 20):
                content.update(block)
        digest.update(
            f"{path.relative_to(folder)}\0{content.hexdigest()}\n".encode("utf-8", "surrogateescape")
        )
    return digest.hexdigest()


def replace(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file so that nobody ever sees half of it; one that was there is replaced."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with unfinished.open("wb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
