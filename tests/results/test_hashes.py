from __future__ import annotations

import hashlib

import pytest

from passk_tasks.results import hashes

REAL = [hashlib.sha256(bytes([number])).hexdigest() for number in range(3)]


@pytest.mark.parametrize("listed", [[], REAL, ["", REAL[0]], ["abc"], [REAL[0].upper()]])
def test_packed_hashes_read_as_they_were_written(listed):
    """Whatever stands where a hash is expected comes back, by number from either end, in slices, in turn."""
    packed = hashes.packed(list(map(hashes.short, listed)))
    assert (list(packed), len(packed)) == (listed, len(listed))
    assert [packed[place] for place in range(-len(listed), len(listed))] == listed * 2
    assert list(packed[1:]) == listed[1:]
    with pytest.raises(IndexError):
        packed[len(listed)]


def test_a_million_hashes_take_32_bytes_each():
    """Hashes are held as bytes, without a text for each."""
    assert isinstance(packed := hashes.packed([*map(hashes.short, REAL)] * 100), hashes.Hashes)
    assert len(packed._raw) == 32 * len(packed)
