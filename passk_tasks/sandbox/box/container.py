"""Objects of a candidate's own classes, as the tests see them where they take results for plain data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from passk_tasks.sandbox.box import codec


class Caller(Protocol):
    """The way to the candidate's process."""

    def call(self, verb: str, target: str, args: tuple[Any, ...], kwargs: dict[str, Any], /) -> Any:
        """Call a function there."""


class RemoteContainer(codec.Opaque):
    """An object of the candidate that is not plain data, and may hold some.

    It can be looped over, counted and indexed in the candidate's process. What it says about equality is not
    believed, so that `in` looks at its items.
    """

    __slots__ = ("remote",)

    def __init__(self, remote: Caller, kind: str, number: int) -> None:
        super().__init__(kind, number)
        self.remote = remote

    def __iter__(self) -> Iterator[Any]:
        return iter(self.remote.call("do", "iter", (self,), {}))

    def __len__(self) -> int:
        return self._told("len")  # type: ignore[no-any-return]

    def __bool__(self) -> bool:
        return bool(self._told("bool"))

    def __getitem__(self, key: Any) -> Any:
        return self._told("getitem", key)

    def __contains__(self, value: Any) -> bool:
        return any(item is value or item == value for item in self)

    def _told(self, operation: str, *arguments: Any) -> Any:
        return self.remote.call("do", operation, (self, *arguments), {})
