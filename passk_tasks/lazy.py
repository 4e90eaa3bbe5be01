"""Sequences that make an item when it is asked for, and so hold none."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar, overload

T = TypeVar("T")


class Lazy(Sequence[T], Generic[T]):
    """A sequence of what `item` makes; who derives from it says how many there are."""

    @abstractmethod
    def item(self, place: int) -> T:
        """Return the item at a place, which is in range and counts from the front."""

    @overload
    def __getitem__(self, place: int) -> T: ...

    @overload
    def __getitem__(self, place: slice) -> list[T]: ...

    def __getitem__(self, place: int | slice) -> T | list[T]:
        places = range(len(self))[place]
        return self.item(places) if isinstance(places, int) else [self.item(at) for at in places]

    def __iter__(self) -> Iterator[T]:
        return map(self.item, range(len(self)))
