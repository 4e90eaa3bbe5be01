"""Finds what a call changed in its arguments, and changes the tests' objects in the same way."""

from __future__ import annotations

import array
import collections
import sys
from collections.abc import Callable
from typing import Any

from passk_tasks.sandbox.box.codec.form import Content, Deep, ProtocolError, UnsupportedError, dumps
from passk_tasks.sandbox.box.codec.writing import Writing, numbers_of, tree_of

_OTHER_SIZE = "another size of an array of the tests, who may hold views of its memory"


def changed(now: list[Any], before: list[Any]) -> list[int]:
    """Return the numbers of the containers that no longer hold what they held.

    Raises:
        UnsupportedError: an array has another size, which `assign` refuses.
    """
    if any(_is_ndarray(was) and was.size != is_.size for is_, was in zip(now, before, strict=True)):
        raise UnsupportedError(_OTHER_SIZE)
    contents = map(_Contents(now).of, now), map(_Contents(before).of, before)
    return [n for n, (is_, was) in enumerate(zip(*contents, strict=True)) if is_ is None or is_ != was]


class _Contents:
    """What each container holds, as texts to compare."""

    def __init__(self, memo: list[Any]) -> None:
        self._memo = memo
        self._numbers = numbers_of(memo)

    def of(self, value: Any) -> str | None:
        """Return a value's content, "" if it cannot change, None if its content cannot be written."""
        if not _is_mutable(value):
            return ""
        try:
            return self._text(value)
        except RecursionError:
            with Deep():
                return self._text(value)
        except UnsupportedError:
            return None

    def _text(self, value: Any) -> str:
        known = len(self._memo)
        state = Writing(self._memo, lambda _kind, other: {"object": id(other)}, False, self._numbers)
        try:
            return dumps([tree_of(Content(value), state, 0), state.parts])
        finally:
            for added in self._memo[known:]:
                self._numbers.pop(id(added), None)
            del self._memo[known:]


def _refill(kind: Any) -> Callable[[Any, Any], None]:
    def put(target: Any, content: Any) -> None:
        kind.clear(target)
        kind.update(target, content)

    return put


def _put_items(target: Any, content: Any) -> None:
    target[:] = content


def _put_data(target: Any, content: Any) -> None:
    target.data = content.data


def _put_deque(target: Any, content: Any) -> None:
    target.clear()
    target.extend(content)


def _put_maps(target: Any, content: Any) -> None:
    target.maps = content.maps


_PUT: dict[type, Callable[[Any, Any], None]] = {
    list: lambda target, content: list.__setitem__(target, slice(None), content),
    bytearray: _put_items,
    array.array: _put_items,
    dict: _refill(dict),
    collections.OrderedDict: _refill(collections.OrderedDict),
    collections.defaultdict: _refill(dict),
    collections.Counter: _refill(collections.Counter),
    set: _refill(set),
    collections.deque: _put_deque,
    collections.UserList: _put_data,
    collections.UserDict: _put_data,
    collections.ChainMap: _put_maps,
}


def _is_ndarray(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def _is_mutable(value: Any) -> bool:
    return type(value) in _PUT or _is_ndarray(value)


def assign(target: Any, content: Any) -> None:
    """Give `target`, an object of the tests, the content that the candidate's copy has now.

    Only `target` changes: items that the tests hold too came back as the same objects.

    Raises:
        ProtocolError: the content is of another kind, or `target` cannot change.
    """
    kind = type(content)
    if _is_ndarray(target) and _is_ndarray(content):
        # Another size is other memory, and nothing tells whether the tests view the old one.
        if target.size != content.size:
            raise ProtocolError(_OTHER_SIZE)
        try:
            if target.shape != content.shape:
                target.resize(content.shape, refcheck=False)  # the memory stays where it is
            target[...] = content
        except (ValueError, TypeError):
            raise ProtocolError("an array that cannot change in this way") from None
    elif kind in _PUT and isinstance(target, kind):
        _PUT[kind](target, content)
    else:
        raise ProtocolError("a change of an object that cannot change")
