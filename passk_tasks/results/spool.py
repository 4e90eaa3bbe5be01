"""Values on the disk, in place of a list: what is held of each in memory is eight bytes."""

from __future__ import annotations

import io
import operator
import os
import pickle
import tempfile
import weakref
from array import array
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from enum import Enum, EnumMeta
from typing import IO, Any, TypeVar

from passk_tasks.lazy import Lazy

T = TypeVar("T")


class _Reducers(dict[type, Callable[[Any], Any]]):
    """How a dataclass is packed: as the call that makes it, which is read five times as fast as its state."""

    def __missing__(self, kind: type) -> Callable[[Any], Any]:
        if issubclass(kind, Enum):
            self[kind] = lambda value: (kind, (value.value,))
            return self[kind]
        if kind is EnumMeta:
            self[kind] = lambda value: value.__qualname__
            return self[kind]
        if not is_dataclass(kind):
            raise KeyError(kind)
        fields = operator.attrgetter(*kind.__dataclass_fields__)
        alone = len(kind.__dataclass_fields__) == 1
        self[kind] = lambda value: (kind, (fields(value),) if alone else fields(value))
        return self[kind]


_REDUCERS = _Reducers()


def _packed(value: object) -> bytes:
    raw = io.BytesIO()
    packer = pickle.Pickler(raw, pickle.HIGHEST_PROTOCOL)
    packer.dispatch_table = _REDUCERS
    packer.dump(value)
    return raw.getvalue()


_READ = 1 << 18  # bytes that are read at one time by who reads all
_HELD = 1 << 18  # bytes in memory, so that a few values never see a disk


class Spool(Lazy[T]):
    """A sequence to which values are appended; they lie in a file without a name, in the folder of TMPDIR."""

    def __init__(self) -> None:
        self._starts = array("Q")
        self._size = self._written = 0
        self._held = bytearray()
        self._file: IO[bytes] | None = None

    def append(self, value: T) -> int:
        """Add a value and return its place."""
        raw = _packed(value)
        self._starts.append(self._size)
        self._size += len(raw)
        self._held += raw
        if len(self._held) > _HELD:
            self._write()
        return len(self._starts) - 1

    def __len__(self) -> int:
        return len(self._starts)

    def item(self, place: int) -> T:
        """Return the value at a place."""
        value: T = pickle.loads(self._read(*self._span(place)))
        return value

    def __iter__(self) -> Iterator[T]:
        block, begin = b"", 0
        for place in range(len(self)):
            start, end = self._span(place)
            if end > begin + len(block):
                begin, block = start, self._read(start, max(end, min(start + _READ, self._written)))
            value: T = pickle.loads(memoryview(block)[start - begin : end - begin])
            yield value

    def _span(self, place: int) -> tuple[int, int]:
        """Return where the value at a place begins and ends."""
        starts = self._starts
        return starts[place], starts[place + 1] if place + 1 < len(starts) else self._size

    def _read(self, start: int, end: int) -> bytes:
        if self._file is None or start >= self._written:
            return bytes(self._held[start - self._written : end - self._written])
        return os.pread(self._file.fileno(), end - start, start)

    def _write(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  it ends with this object
            weakref.finalize(self, self._file.close)
        while self._held:
            count = self._file.write(self._held)
            del self._held[:count]
            self._written += count
