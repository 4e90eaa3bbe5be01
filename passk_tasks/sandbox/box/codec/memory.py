"""Arrays of numpy that share memory: where one lies in the other.

Only within a message, as with identity. An array is written with its own content, unless another one in the
same message has the same owner: then the owner is written once, and its views by their place in it.
"""

from __future__ import annotations

import math
import sys
from typing import Any

_MORE_TIMES, _MORE_BYTES = 16, 1 << 16  # an owner that is larger than its views by more is not sent for them


class Owners:
    """The owners of the arrays in one message, each the array whose memory its views show.

    Args:
        crossed: objects that crossed before; an array that is a view of one of them is written as such.

    Attributes:
        shared: addresses of the owners that are written once for all of their views.
        untold: whether some arrays share memory, and are written without it.
    """

    def __init__(self, crossed: list[Any]) -> None:
        self.shared: set[int] = set()
        self.untold = False
        self._seen: dict[int, _Seen] = {}
        numpy = sys.modules.get("numpy")
        if numpy is not None:
            owners = (owner_of(value) for value in crossed if isinstance(value, numpy.ndarray))
            self.shared.update(map(id, owners))

    def see(self, array: Any) -> Any:
        """Note an array; return its owner if it is to be written as a view of that, else None."""
        if not array.nbytes:
            return None
        owner = owner_of(array)
        can_be_told = _can_be_told(array, owner)
        if can_be_told and id(owner) in self.shared:
            return None if owner is array else owner
        seen = self._seen.setdefault(id(owner), _Seen(owner))
        seen.arrays += 1
        seen.size += array.nbytes
        seen.can_be_told = seen.can_be_told and can_be_told
        return None

    def share(self) -> bool:
        """Choose the owners that more than one array showed; return whether there are any."""
        for number, seen in self._seen.items():
            if seen.arrays > 1:
                if seen.can_be_told and seen.owner.nbytes <= _MORE_TIMES * seen.size + _MORE_BYTES:
                    self.shared.add(number)
                else:
                    self.untold = True
        self.forget()
        return bool(self.shared)

    def forget(self) -> None:
        """Forget the arrays that were noted: they are written once more."""
        self._seen.clear()


class _Seen:
    """An owner, and the arrays that showed its memory: how many, how many bytes, and whether all can tell."""

    def __init__(self, owner: Any) -> None:
        self.owner, self.arrays, self.size, self.can_be_told = owner, 0, 0, True


def owner_of(array: Any) -> Any:
    """Return what owns an array's memory: an array, perhaps itself, or another object."""
    ndarray, owner = sys.modules["numpy"].ndarray, array
    while isinstance(owner, ndarray) and owner.base is not None:
        owner = owner.base
    return owner


def _can_be_told(array: Any, owner: Any) -> bool:
    """Return whether the place of an array in its owner's memory can be told."""
    return (
        type(owner) is sys.modules["numpy"].ndarray
        and bool(owner.flags.c_contiguous)
        and array.nbytes <= owner.nbytes
        and may_show(owner.dtype, array.dtype)
    )


def may_show(owned: Any, shown: Any) -> bool:
    """Return whether memory of one dtype can be shown as another: no references or fields, texts as such."""
    if owned.hasobject or shown.hasobject or owned.names or shown.names:
        return False
    return bool(owned == shown or "U" not in (owned.kind, shown.kind))


def place(array: Any, owner: Any) -> list[Any]:
    """Return where an array lies in its owner's memory: dtype, offset in bytes, shape, strides in bytes."""
    start, begin = (a.__array_interface__["data"][0] for a in (array, owner))
    return [array.dtype.str, start - begin, list(array.shape), list(array.strides)]


def view(owner: Any, dtype: Any, offset: Any, shape: Any, strides: Any) -> Any:
    """Return the view of an array that `place` told of.

    Raises:
        ValueError, TypeError: it does not lie within the array.
    """
    numpy = sys.modules["numpy"]
    dtype = numpy.dtype(dtype)
    numbers = [offset, *shape, *strides]
    if not all(type(number) is int for number in numbers) or len(shape) != len(strides):
        raise TypeError("no place in an array")
    if not isinstance(owner, numpy.ndarray) or not may_show(owner.dtype, dtype):
        raise TypeError("no memory that this can be a view of")
    if not shape or min(shape) > 0:
        reach = [stride * (length - 1) for stride, length in zip(strides, shape, strict=True)]
        first = offset + sum(number for number in reach if number < 0)
        last = offset + sum(number for number in reach if number > 0) + dtype.itemsize
    else:
        raise ValueError("an empty view")
    # With strides of 0, a view could be larger than any message.
    if first < 0 or last > owner.nbytes or math.prod(shape) * dtype.itemsize > owner.nbytes:
        raise ValueError("a view beyond its array")
    # The tests' own array may be spread; a copy has its items where the candidate's copy has them.
    return numpy.ndarray(shape, dtype, numpy.ascontiguousarray(owner), offset, strides)
