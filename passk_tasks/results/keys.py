"""A JSON object of somebody's file, read key by key with the type that each value must have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class Keys:
    """The keys of a JSON object. A key whose value is null counts as one that is not there.

    Args:
        value: the object; None for one that is not there, which has no keys.
        where: what stands before a message.

    Raises:
        ValueError: `value` is no object; every method raises it too, at a value of another type.
    """

    def __init__(self, value: object, where: str = "") -> None:
        if value is not None and not isinstance(value, Mapping):
            raise ValueError(f"{where or 'the file'} should hold an object, not {type(value).__name__}")
        self.values: Mapping[str, object] = value or {}
        self._where = where

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def __contains__(self, key: str) -> bool:
        return self.values.get(key) is not None

    def text(self, key: str) -> str | None:
        """Return a text, or a number as text."""
        value = self.values.get(key)
        return value if type(value) is str else self._read(key, "a text", str, str, int, float)

    def whole(self, key: str) -> int | None:
        """Return a whole number."""
        return self._read(key, "a whole number", int, int, float, str)

    def number(self, key: str) -> float | None:
        """Return a number, whole or not, as it stands there."""
        value = self.values.get(key)
        return value if type(value) is float else self._read(key, "a number", lambda value: value, int, float)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; empty where there is none."""
        return tuple(map(str, self._read(key, "a list", list, list, tuple) or ()))

    def objects(self, key: str) -> tuple[object, ...]:
        """Return a list of whatever it holds; empty where there is none."""
        return tuple(self._read(key, "a list", list, list, tuple) or ())

    def wholes(self, key: str) -> tuple[int, ...]:
        """Return a list of whole numbers; empty where there is none."""
        return tuple(map(int, self.texts(key)))

    def counts(self, key: str) -> dict[str, int]:
        """Return an object of whole numbers; empty where there is none."""
        inner = self.inner(key)
        return {name: inner.must(inner.whole, name) for name in inner}

    def inner(self, key: str) -> Keys:
        """Return an object within this one; without keys where there is none."""
        return Keys(self.values.get(key), f"{self._where}{key}.")

    def inners(self, key: str) -> list[Keys]:
        """Return the objects of a list; empty where there is none."""
        listed = self._read(key, "a list", list, list) or []
        return [Keys(value, f"{self._where}{key}[{number}].") for number, value in enumerate(listed)]

    def must(self, read: Callable[[str], T | None], key: str) -> T:
        """Return what `read`, a method of this object, gives for a key that has to be there."""
        value = read(key)
        if value is None:
            raise ValueError(f"there is no {self._where}{key}")
        return value

    def without(self, known: Iterable[str]) -> dict[str, object]:
        """Return all other keys with their values."""
        return {key: value for key, value in self.values.items() if key not in set(known)}

    def _read(self, key: str, kind: str, convert: Callable[[Any], T], *types: type) -> T | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, types):
            raise ValueError(f"{self._where}{key} should be {kind}, not {type(value).__name__}")
        return convert(value)
