"""Hashes of many programs, 32 bytes each, where a text takes 200."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from passk_tasks.lazy import Lazy

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SIZE = 32  # bytes of a hash


class Hashes(Lazy[str]):
    """Hexadecimal SHA-256 by number, held as bytes; see `packed`."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def __len__(self) -> int:
        return len(self._raw) // _SIZE

    def item(self, place: int) -> str:
        """Return the hash at a place."""
        return self._raw[place * _SIZE : (place + 1) * _SIZE].hex()

    def __iter__(self) -> Iterator[str]:
        text = self._raw.hex()
        return (text[start : start + 2 * _SIZE] for start in range(0, len(text), 2 * _SIZE))


def short(text: str) -> str | bytes:
    """Return a hash as bytes; the text itself where it is no SHA-256, as where none was recorded."""
    return bytes.fromhex(text) if _SHA256.fullmatch(text) else text


def packed(hashes: Sequence[str | bytes]) -> Sequence[str]:
    """Return what `short` made as texts again, packed; a tuple where one is no SHA-256."""
    known = [one for one in hashes if isinstance(one, bytes)]
    if len(known) == len(hashes):
        return Hashes(b"".join(known))
    return tuple(one.hex() if isinstance(one, bytes) else one for one in hashes)
