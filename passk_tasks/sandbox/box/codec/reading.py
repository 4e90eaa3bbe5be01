"""From a message back to a value, whatever the bytes are."""

from __future__ import annotations

import array
import binascii
import collections
import datetime
import decimal
import fractions
import functools
import re
import sys
import time
import types
from collections.abc import Callable
from typing import Any

from passk_tasks.sandbox.box.codec import memory
from passk_tasks.sandbox.box.codec.form import (
    ARRAYS,
    ATOMS,
    MAX_DEPTH,
    NANS,
    PATHS,
    TYPES,
    Deep,
    NumpyMissingError,
    ProtocolError,
    Reference,
    are_fields,
    loads,
    unpack,
)

_DTYPE = re.compile(r"[<>|=]?[biufcSUMm?](?:\d{1,5})?(?:\[[a-zA-Z0-9]{1,8}\])?")

_INVALID = (
    ValueError, TypeError, KeyError, IndexError, ArithmeticError, RecursionError, SystemError, AttributeError,
    ImportError, OSError,
)  # fmt: skip

may_load_numpy = True
"""Whether decoding an array may load numpy.

The tests' side must not: a candidate could make it load numpy just before time or memory runs out, and half
of numpy would be there for the next candidate.
"""


def decode(raw: bytes | str, resolve: Reference, memo: list[Any] | None = None) -> Any:
    """Return the value of a message.

    Args:
        raw: the message.
        resolve: called with `(tag, payload)` of a reference; returns its object.
        memo: objects that crossed before, by number; new ones are added.

    Raises:
        ProtocolError: this is no valid message.
    """
    memo = [] if memo is None else memo
    known = len(memo)
    try:
        try:
            return _read(raw, memo, resolve)
        except RecursionError:
            del memo[known:]
            with Deep():
                return _read(raw, memo, resolve)
    except ProtocolError:
        raise
    except _INVALID as error:
        raise ProtocolError(f"invalid message: {type(error).__name__}") from None


def _read(raw: bytes | str, memo: list[Any], resolve: Reference) -> Any:
    tree, parts = loads(raw) if isinstance(raw, str) else unpack(raw), []
    if type(tree) is dict and "parts" in tree:
        tree, parts = tree["parts"]
    return _value(tree, _Reading(memo, resolve, parts), 0)


class _Reading:
    """The state of reading one message."""

    __slots__ = ("memo", "parts", "resolve")

    def __init__(self, memo: list[Any], resolve: Reference, parts: list[Any]) -> None:
        self.memo, self.resolve, self.parts = memo, resolve, parts


def _value(tree: Any, state: _Reading, depth: int) -> Any:
    kind = type(tree)
    if kind in ATOMS:
        return tree
    if depth > MAX_DEPTH:
        raise ProtocolError("nested too deep")
    if kind is list:
        if set(map(type, tree)) <= ATOMS:
            state.memo.append(tree)
            return tree
        made: Any = []
        state.memo.append(made)
        made += [_value(item, state, depth + 1) for item in tree]
        return made
    if kind is not dict or len(tree) != 1:
        raise ProtocolError("an object must have one key, its tag")
    [(tag, payload)] = tree.items()
    unnumbered = _UNNUMBERED.get(tag)
    if unnumbered is not None:
        return unnumbered(payload, state, depth)
    if tag in _FILLERS:
        make, fill = _FILLERS[tag]
        made = make(payload)
        state.memo.append(made)
        fill(made, payload, state, depth + 1)
        return made
    reader = _READERS.get(tag)
    made = state.resolve(tag, payload) if reader is None else reader(payload, state, depth + 1)
    state.memo.append(made)
    return made


def _values(items: Any, state: _Reading, depth: int) -> list[Any]:
    if type(items) is not list:
        raise ProtocolError("expected a list")
    if set(map(type, items)) <= ATOMS:
        return items
    return [_value(item, state, depth) for item in items]


def _fill_pairs(made: Any, pairs: Any, state: _Reading, depth: int) -> None:
    for k, v in pairs:
        key = _value(k, state, depth)
        made[key] = _value(v, state, depth)


def _as_dict(pairs: Any, state: _Reading, depth: int) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    _fill_pairs(made, pairs, state, depth)
    return made


def _fill_texts(made: Any, payload: Any, state: _Reading, depth: int) -> None:
    made.update({_text(k): _value(v, state, depth) for k, v in payload.items()})


def _fill_default(made: Any, payload: Any, state: _Reading, depth: int) -> None:
    factory, pairs = payload
    factory = _value(factory, state, depth)
    if factory is not None and not callable(factory):
        raise ProtocolError("a factory that cannot be called")
    made.default_factory = factory
    _fill_pairs(made, pairs, state, depth)


def _fill_data(kind: type) -> Callable[[Any, Any, _Reading, int], None]:
    def fill(made: Any, payload: Any, state: _Reading, depth: int) -> None:
        made.data = _checked(kind, _value(payload, state, depth))

    return fill


def _fill_maps(made: Any, payload: Any, state: _Reading, depth: int) -> None:
    made.maps = [_checked(dict, mapping) for mapping in _values(payload, state, depth)] or [{}]


def _number(payload: Any, limit: int) -> int:
    if type(payload) is not int or not 0 <= payload < limit:
        raise ProtocolError("no such number")
    return payload


def _again(payload: Any, state: _Reading, depth: int) -> Any:
    """Return an object that one of its own items needed before it; the copy here is read and dropped."""
    tree, number = payload
    _value(tree, state, depth)
    state.memo.pop()
    return state.memo[_number(number, len(state.memo))]


def _part(payload: Any, state: _Reading, depth: int) -> Any:
    """Read a part, only once: a part in many places could grow larger than any message."""
    number = _number(payload, len(state.parts))
    tree, state.parts[number] = state.parts[number], None
    if tree is None:
        raise ProtocolError("a part that came before")
    return _value(tree, state, depth)


def _hex(text: Any) -> int:
    return int(_text(text), 16)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ProtocolError("expected a string")
    return value


def _raw(value: Any) -> bytes:
    if type(value) is list:
        [value] = value
        return binascii.a2b_base64(_text(value))
    return _text(value).encode("latin-1")


def _numpy() -> Any:
    if "numpy" not in sys.modules and not may_load_numpy:
        raise NumpyMissingError("an array")
    try:
        import numpy
    except ImportError:
        raise ProtocolError("an array where there is no numpy") from None
    return numpy


def _array(payload: Any) -> Any:
    numpy = _numpy()
    dtype, shape, data = payload
    if not _DTYPE.fullmatch(_text(dtype)):
        raise ProtocolError("not a plain dtype")
    made = numpy.frombuffer(_raw(data), dtype=dtype)
    if (
        made.dtype.kind == "U"
        and made.size
        and made.view(numpy.dtype("u4").newbyteorder(made.dtype.byteorder)).max() > sys.maxunicode
    ):
        raise ProtocolError("not a text")  # numpy would crash on it later
    return made.reshape([int(n) for n in shape]).copy()


def _array_view(payload: Any, state: _Reading, depth: int) -> Any:
    _numpy()
    tree, dtype, offset, shape, strides = payload
    owner = _value(tree, state, depth)
    if not _DTYPE.fullmatch(_text(dtype)):
        raise ProtocolError("not a plain dtype")
    return memory.view(owner, dtype, offset, shape, strides)


def _object_array(payload: Any) -> Any:
    numpy = _numpy()
    shape, items = payload
    return numpy.empty(len(items), dtype=object).reshape([int(n) for n in shape])


def _fill_object_array(made: Any, payload: Any, state: _Reading, depth: int) -> None:
    flat = made.reshape(-1)
    for index, item in enumerate(_values(payload[1], state, depth)):  # numpy would unpack lists
        flat[index] = item


@functools.lru_cache(maxsize=64)
def _named(name: str, fields: tuple[str, ...]) -> Any:
    return collections.namedtuple(name, fields)


def _fields_and_items(payload: Any, state: _Reading, depth: int) -> Any:
    name, fields, items = payload
    if type(fields) is not list or not are_fields(name, fields):
        raise ProtocolError("no names of fields")
    return _named(name, tuple(fields))._make(_values(items, state, depth))


def _path(payload: Any) -> Any:
    import pathlib

    name, path = payload
    if _text(name) not in PATHS:
        raise ProtocolError("no path")
    return getattr(pathlib, name)(_text(path))


def _uuid(payload: Any) -> Any:
    import uuid

    return uuid.UUID(int=_hex(payload))


def _zone_of(key: Any) -> Any:
    import zoneinfo

    return zoneinfo.ZoneInfo(_text(key))


def _tzinfo(tree: Any, state: _Reading, depth: int) -> Any:
    zone = _value(tree, state, depth)
    if zone is not None and not isinstance(zone, datetime.tzinfo):
        raise ProtocolError("no time zone")
    return zone


def _clock(kind: Any) -> Callable[[Any, _Reading, int], Any]:
    return lambda p, r, d: kind.fromisoformat(_text(p[0])).replace(fold=int(p[1]), tzinfo=_tzinfo(p[2], r, d))


def _nan_of(name: Any) -> float:
    """Return the nan object of that module, or, if it is not loaded, a new nan."""
    known = getattr(sys.modules.get(name), "nan", None) if name in NANS else None
    return float("nan") if known is None else known


def _array_of_numbers(payload: Any) -> Any:
    code, data = payload
    if _text(code) not in ARRAYS:
        raise ProtocolError("not an array of numbers")
    return array.array(code, _raw(data))


def _checked(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise ProtocolError(f"expected a {kind.__name__}")
    return value


def _scalar(payload: Any) -> Any:
    dtype, data = payload
    return _array([dtype, [1], data])[0]


# Containers that get their number before their items: how each is made, and how it is filled.
_FILLERS: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any, _Reading, int], None]]] = {
    "s": (lambda _p: set(), lambda made, p, r, d: made.update(_values(p, r, d))),
    "D": (lambda _p: {}, _fill_texts),
    "d": (lambda _p: {}, _fill_pairs),
    "dq": (
        lambda p: collections.deque(maxlen=None if p[0] is None else int(p[0])),
        lambda made, p, r, d: made.extend(_values(p[1], r, d)),
    ),
    "ctr": (lambda _p: collections.Counter(), _fill_pairs),
    "od": (lambda _p: collections.OrderedDict(), _fill_pairs),
    "dd": (lambda _p: collections.defaultdict(), _fill_default),
    "ul": (lambda _p: collections.UserList(), _fill_data(list)),
    "ud": (lambda _p: collections.UserDict(), _fill_data(dict)),
    "cm": (lambda _p: collections.ChainMap(), _fill_maps),
    "no": (_object_array, _fill_object_array),
}
_READERS: dict[str, Callable[[Any, _Reading, int], Any]] = {
    "t": lambda p, r, d: tuple(_values(p, r, d)),
    "nt": _fields_and_items,
    "fs": lambda p, r, d: frozenset(_values(p, r, d)),
    "b": lambda p, _r, _d: _raw(p),
    "ba": lambda p, _r, _d: bytearray(_raw(p)),
    "c": lambda p, _r, _d: complex(float(p[0]), float(p[1])),
    "r": lambda p, _r, _d: range(_hex(p[0]), _hex(p[1]), _hex(p[2])),
    "dec": lambda p, _r, _d: decimal.Decimal(_text(p)),
    "fr": lambda p, _r, _d: fractions.Fraction(_hex(p[0]), _hex(p[1])),
    "date": lambda p, _r, _d: datetime.date.fromisoformat(_text(p)),
    "time": _clock(datetime.time),
    "dt": _clock(datetime.datetime),
    "td": lambda p, _r, _d: datetime.timedelta(int(p[0]), int(p[1]), int(p[2])),
    "tz": lambda p, _r, _d: datetime.timezone(
        datetime.timedelta(int(p[0]), int(p[1]), int(p[2])), *map(_text, p[3:])
    ),
    "zi": lambda p, _r, _d: _zone_of(p),
    "st": lambda p, r, d: time.struct_time(_values(p, r, d)),
    "dk": lambda p, r, d: dict.fromkeys(_values(p, r, d)).keys(),
    "dv": lambda p, r, d: dict(enumerate(_values(p, r, d))).values(),
    "di": lambda p, r, d: dict(_values(p, r, d)).items(),
    "us": lambda p, r, d: collections.UserString(_checked(str, _value(p, r, d))),
    "mp": lambda p, r, d: types.MappingProxyType(_as_dict(p, r, d)),
    "ar": lambda p, _r, _d: _array_of_numbers(p),
    "mv": lambda p, _r, _d: memoryview(_raw(p[1])).cast("B").cast(_array_of_numbers([p[0], ""]).typecode),
    "sl": lambda p, r, d: slice(*_values(p, r, d)),
    "np": lambda p, _r, _d: _array(p),
    "nv": _array_view,
    "ns": lambda p, _r, _d: _scalar(p),
    "ty": lambda p, _r, _d: TYPES[_text(p)],
    "ni": lambda _p, _r, _d: NotImplemented,
    "el": lambda _p, _r, _d: ...,
    "nan": lambda p, _r, _d: _nan_of(_text(p)),
    "uuid": lambda p, _r, _d: _uuid(p),
    "path": lambda p, _r, _d: _path(p),
}
_UNNUMBERED: dict[str, Callable[[Any, _Reading, int], Any]] = {
    "=": lambda p, r, _d: r.memo[_number(p, len(r.memo))],
    "i": lambda p, _r, _d: _hex(p),
    "again": _again,
    "part": _part,
}
