"""What a scoring leaves in a folder: `results.json`, and `outcomes.jsonl` with a line a sample.

Both are written beside their final names and renamed, so a reader never sees half a file and a kill leaves
the former one. While programs are judged, their verdicts are appended to `outcomes.unfinished.jsonl`, a line
a program, in the order in which they come (`results.verdicts`): the same command goes on from there.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TypedDict

from passk_tasks._version import __version__
from passk_tasks.errors import PasskError, UsageError
from passk_tasks.judging.environment import hash_of
from passk_tasks.results.lines import dump_line
from passk_tasks.sandbox import toolchains
from passk_tasks.sandbox.interpreter import interpreter
from passk_tasks.sandbox.packages import resolve
from passk_tasks.tasks.settings import Settings

RESULTS = "results.json"
OUTCOMES = "outcomes.jsonl"
UNFINISHED = "outcomes.unfinished.jsonl"


def prepare(folder: str | os.PathLike[str], named: str = "--out") -> Path:
    """Make the folder and see that files can be written into it, before anything costly is done.

    Raises:
        UsageError: they cannot.
    """
    folder = path_of(folder, named)
    try:
        make_writable(folder)
    except OSError as error:
        raise UsageError(f"{named} {folder}: cannot be written: {error.strerror or error}") from error
    return folder


def path_of(folder: str | os.PathLike[str], named: str = "--out") -> Path:
    """Return the path of a folder; `UsageError` where it is empty, which would be the one we are in."""
    if folder == "":
        raise UsageError(f"{named}: an empty path, which names nothing: is a variable not set?")
    return Path(folder)


def make_writable(folder: Path) -> None:
    """Make a folder where it is missing, or raise the `OSError` that refuses a file in it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"x")


def write(folder: str | Path, result: Mapping[str, object], outcomes: Iterable[Mapping[str, object]]) -> None:
    """Write both files; those of an earlier scoring are replaced.

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
    """Return when and with what a result came about: now, with this package, on this host."""
    return {
        "passk_tasks": __version__,
        "date": datetime.now(timezone.utc).replace(microsecond=0),
        "python": interpreter(python).version,
        "platform": platform.platform(),
        "packages": resolve(packages, python).versions(),
        "shown": None if shown is None else hash_of(Path(shown).expanduser()),
        "toolchains": {k: v for name in sorted(languages) for k, v in toolchains.versions(name).items()},
    }


def provenance_of(settings: Settings, languages: Collection[str] = ()) -> Provenance:
    """Return `provenance` for a task's settings and the languages of its programs."""
    return provenance(settings.packages, settings.python, settings.shown, languages)


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
