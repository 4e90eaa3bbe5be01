"""Hashes of many programs, 32 bytes each, where a text takes 200."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SIZE = 32  # bytes of a hash


class Hashes(Sequence[str]):
    """Hexadecimal SHA-256 by number, held as bytes; see `packed`."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def __len__(self) -> int:
        return len(self._raw) // _SIZE

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...

    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        if isinstance(place, slice):
            return tuple(self[at] for at in range(*place.indices(len(self))))
        start = range(len(self))[place] * _SIZE
        return self._raw[start : start + _SIZE].hex()

    def __iter__(self) -> Iterator[str]:
        text = self._raw.hex()
        return (text[start : start + 2 * _SIZE] for start in range(0, len(text), 2 * _SIZE))


def packed(hashes: Iterable[str]) -> Sequence[str]:
    """Return hashes packed; a tuple where one is no SHA-256, as where none was recorded."""
    listed = tuple(hashes)
    if all(map(_SHA256.fullmatch, listed)):
        return Hashes(bytes.fromhex("".join(listed)))
    return listed
