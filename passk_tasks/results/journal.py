"""The journal: what a run generated, on disk as the answers come.

    {"passk_journal": 1, "task": …, "settings": {…}, …}   the header: what scoring needs besides texts
    {"task_id": "HumanEval/0", "sample": 0, "text": "…"}  a line a generation; `until` where it differs,
                                                          `request`, a hash of what was asked, `spent`, the
                                                          tokens that it took and whether these ran out, and
                                                          `at_s`, seconds of generation before it was there
    {"end": 3280}                                         the footer; without it the run broke off

Each line is flushed when it is written, so a killed process loses at most the line it was writing; against a
power cut the file is synced, at most every second. A run on several ranks leaves one journal a rank; they are
read together.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from passk_tasks.errors import PasskError, SamplesError, UsageError
from passk_tasks.results.answers import text_of
from passk_tasks.results.keys import Keys
from passk_tasks.results.lines import dump_line, parse_object
from passk_tasks.results.spent import Spent
from passk_tasks.tasks.settings import OF_PEOPLE

SCOUTS = 1_000_000
"""Samples from this number on decided how many the problem got (`passk.top_up`), and do not count."""
FIRST = 2_000_000
"""Added to a sample's number: the answer to the first of the two questions that some tasks ask for each."""

FORMAT = 1
MARK = "passk_journal"
_SYNC_S = 1.0  # so often, at most, written lines are forced onto the disk

# What may differ between journals that are scored together; none moves a verdict.
_PER_RANK_SETTINGS = frozenset({"workers", "beside", "journal", "cluster", "mixed", "verdicts", *OF_PEOPLE})


@dataclass(frozen=True)
class JournalHeader:
    """How the generations of a journal came about, and how the run meant to judge them.

    Attributes:
        settings: `Settings.as_dict()` of the run.
        until: the stop sequences that the texts were asked for with.
        dataset_sha256: hash of the problems; scoring against others is refused.
        dataset_source: where they came from, for people.
        rank: number of the process that wrote the journal.
        world_size: how many processes wrote one each.
        extra: whatever else is worth keeping, JSON-ready; read back as it was written.
    """

    task: str
    task_version: str
    settings: Mapping[str, object]
    until: tuple[str, ...]
    dataset_sha256: str
    dataset_source: str = ""
    rank: int = 0
    world_size: int = 1
    extra: Mapping[str, object] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Return the header's line as a JSON-ready object."""
        return {
            MARK: FORMAT,
            "task": self.task,
            "task_version": self.task_version,
            "settings": dict(self.settings),
            "until": list(self.until),
            "dataset_sha256": self.dataset_sha256,
            "dataset_source": self.dataset_source,
            "rank": self.rank,
            "world_size": self.world_size,
            "extra": dict(self.extra),
        }

    @classmethod
    def from_dict(cls, line: Mapping[str, Any], *, where: str) -> JournalHeader:
        """Return the header that `line` holds.

        Raises:
            SamplesError: a newer format, or a field that is missing or of the wrong type.
        """
        version = line.get(MARK)
        if version != FORMAT or isinstance(version, bool):
            raise SamplesError(
                f"{where}: a journal of format {version!r}; this passk-tasks reads format {FORMAT}, "
                "score it with the version that wrote it"
            )
        for name, kind, needed in (
            ("task", str, True),
            ("task_version", str, True),
            ("settings", dict, True),
            ("until", list, True),
            ("dataset_sha256", str, True),
            ("dataset_source", str, False),
            ("rank", int, False),
            ("world_size", int, False),
            ("extra", dict, False),
        ):
            if name not in line and not needed:
                continue
            if not isinstance(line.get(name), kind):
                raise SamplesError(
                    f"{where}: the journal's header has no usable {name!r} ({kind.__name__} expected)"
                )
        if not all(isinstance(stop, str) for stop in line["until"]):
            raise SamplesError(f"{where}: the journal's header has a stop sequence that is not a string")
        return cls(
            task=line["task"],
            task_version=line["task_version"],
            settings=line["settings"],
            until=tuple(line["until"]),
            dataset_sha256=line["dataset_sha256"],
            dataset_source=line.get("dataset_source", ""),
            rank=line.get("rank", 0),
            world_size=line.get("world_size", 1),
            extra=line.get("extra", {}),
        )

    def difference(self, other: JournalHeader) -> str:
        """Return what keeps `self` and `other` from being of one run, or an empty string."""
        # Its attempts may differ in the number of ranks, in n, and in how the answers were to be judged.
        resumed = self.extra.get("run_id") is not None and self.extra.get("run_id") == other.extra.get(
            "run_id"
        )
        for name in (
            "task",
            "task_version",
            "dataset_sha256",
            "until",
            *(() if resumed else ("world_size",)),
        ):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                return f"{name} is {mine!r} here and {theirs!r} there"
        return "" if resumed else self._other_setting(other)

    def same_attempt(self, other: JournalHeader) -> bool:
        """Whether two journals of a run may be of ranks that ran at one time."""
        return self.world_size == other.world_size and not self._other_setting(other)

    def _other_setting(self, other: JournalHeader) -> str:
        for key in sorted((self.settings.keys() | other.settings.keys()) - _PER_RANK_SETTINGS):
            mine, theirs = self.settings.get(key), other.settings.get(key)
            if mine != theirs:
                return f"the setting {key} is {mine!r} here and {theirs!r} there"
        return ""


class Entry(NamedTuple):
    """One generation of a journal.

    Attributes:
        where: file and line.
        sample: its number, from 0.
        until: the stops it was asked for with; None where the header's hold.
        request: hash of prompt and generation arguments; None in journals of earlier versions.
        spent: what it took; None where that was not recorded.
        at_s: wall seconds of generation before it was there, over all attempts; None where not recorded.
    """

    where: str
    task_id: str
    sample: int
    text: str
    until: tuple[str, ...] | None
    request: str | None
    spent: Spent | None = None
    at_s: float | None = None


class Journal:
    """Writes one journal, a new file; a context manager, which leaves it without footer on an error.

    Raises:
        UsageError: the file exists already, or cannot be created.
    """

    def __init__(self, path: str | Path, header: JournalHeader) -> None:
        self.path = Path(path)
        self._count = 0
        self._synced = time.monotonic()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{self.path}: its folder cannot be made: {error.strerror or error}") from error
        try:
            # Never over another run's generations: they may be all that is left of it.
            self._file = self.path.open("xb")
        except FileExistsError as error:
            raise UsageError(f"{self.path}: exists already; a journal never replaces another") from error
        except OSError as error:
            raise UsageError(
                f"{self.path}: the journal cannot be created: {error.strerror or error}"
            ) from error
        self._write(header.as_dict())

    def write(
        self,
        task_id: str,
        index: int,
        text: str,
        until: Sequence[str] | None = None,
        request: str | None = None,
        spent: Spent | None = None,
        at_s: float | None = None,
    ) -> None:
        """Append one generation, number `index` of its problem.

        Args:
            task_id: the problem.
            index: from 0.
            text: what was generated.
            until: the stops it was asked for with, where they are not the header's.
            request: hash of what was asked, without which no run can resume from the line.
            spent: what it took.
            at_s: wall seconds of generation before it was there.

        Raises:
            PasskError: the disk refused, or `text` is none; no line is written then.
        """
        if not isinstance(text, str):
            raise PasskError(f"{self.path}: sample {index} of {task_id} is no text: {type(text).__name__}")
        own: dict[str, object] = {} if until is None else {"until": list(until)}
        if request is not None:
            own["request"] = request
        if spent is not None:
            own["spent"] = spent.as_dict()
        if at_s is not None:
            own["at_s"] = round(at_s, 3)
        self._write({"task_id": task_id, "sample": index, "text": text, **own})
        self._count += 1

    def close(self, *, complete: bool = True) -> None:
        """Write the footer and make the file durable; `complete=False` leaves the footer out. Idempotent."""
        if self._file.closed:
            return
        try:
            if complete:
                self._write({"end": self._count})
            os.fsync(self._file.fileno())
        finally:
            self._file.close()
        self._sync_folder()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(complete=kind is None)

    def _write(self, line: dict[str, object]) -> None:
        try:
            self._file.write(dump_line(line))
            self._file.flush()
            if time.monotonic() - self._synced >= _SYNC_S:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            raise PasskError(
                f"{self.path}: the journal cannot be written: {error.strerror or error}"
            ) from error

    def _sync_folder(self) -> None:
        # The name must survive a power cut as the bytes do; a file system that refuses loses nothing by it.
        try:
            folder = os.open(self.path.parent, os.O_RDONLY)
        except OSError:
            return
        try:
            os.fsync(folder)
        except OSError:
            pass
        finally:
            os.close(folder)


def read_entries(path: Path, lines: Iterable[tuple[int, bytes]], warnings: list[str]) -> Iterator[Entry]:
    """Yield the generations in the numbered `lines` that follow a journal's header.

    An answer in parts, or null, which early journals may hold, is its text.

    A kill while the journal was written leaves its last line torn or its footer missing: that is appended to
    `warnings` once all entries are out.

    Raises:
        SamplesError: a torn line before the last one, a line of another kind, or a footer that counts
            differently.
    """
    count, torn, ended = 0, "", False
    for number, raw in lines:
        where = f"{path}:{number}"
        if torn:  # more lines follow, so no kill tore it
            raise SamplesError(torn)
        if ended:
            raise SamplesError(
                f"{where}: a line after the journal's end; give each journal as a file of its own"
            )
        try:
            line = parse_object(raw, where)
        except SamplesError as error:
            torn = str(error)
            continue
        if "end" in line:
            ended = True
            if line["end"] != count:
                raise SamplesError(
                    f"{where}: the journal should end after {line['end']!r} samples, not {count}"
                )
            continue
        yield _entry(line, where)
        count += 1
    if torn or not ended:
        cause = "its last line is torn" if torn else "its footer is missing"
        warnings.append(
            f"{path}: the journal ends early ({cause}): the run broke off; "
            f"the {count} samples before that are used"
        )


def _entry(line: Mapping[str, Any], where: str) -> Entry:
    """Return the generation that a line holds; `SamplesError` where it is of another kind."""
    task_id, sample, until = line.get("task_id"), line.get("sample"), line.get("until")
    if not isinstance(task_id, str) or type(sample) is not int or sample < 0 or "text" not in line:
        raise SamplesError(f"{where}: not a journal's line (task_id: str, sample: int, text: str expected)")
    if until is not None and not (isinstance(until, list) and all(isinstance(s, str) for s in until)):
        raise SamplesError(f"{where}: not a journal's line: until should be a list of stop sequences")
    try:
        text = text_of(line["text"])
    except ValueError as error:
        raise SamplesError(f"{where}: not a journal's line: {error}") from None
    request = line.get("request")
    return Entry(
        where,
        task_id,
        sample,
        text,
        None if until is None else tuple(until),
        request if isinstance(request, str) else None,
        Spent.from_dict(line.get("spent")),
        _seconds(line),
    )


def _seconds(line: Mapping[str, object]) -> float | None:
    try:
        seconds = Keys(line).number("at_s")
    except ValueError:  # another tool's key of that name
        return None
    return None if seconds is None else float(seconds)
