"""From a value to a tree that JSON can hold, and its text."""

from __future__ import annotations

import array
import binascii
import collections
import datetime
import decimal
import fractions
import operator
import sys
import time
import types
from collections.abc import Callable
from typing import Any

from passk_tasks.sandbox.box.codec.form import (
    ARRAYS,
    ATOMS,
    MAX_BYTES,
    MAX_DEPTH,
    NANS,
    PATHS,
    TYPES,
    Content,
    Deep,
    ProtocolError,
    Reference,
    TooDeepError,
    UnsupportedError,
    are_fields,
    dumps,
)
from passk_tasks.sandbox.box.codec.memory import Owners, place

_PART_LEVELS = 40
_LONG_BYTES = 1 << 16
# Python refuses to convert larger ints to decimal, and would take quadratic time: they cross as hexadecimal.
_SMALL_INT_BITS = 8192
_SMALL_INT = 1 << _SMALL_INT_BITS


def encode(
    value: Any, reference: Reference, memo: list[Any] | None = None, *, own_classes: bool = False
) -> bytes:
    """Turn a value into bytes; see `text`."""
    raw = text(value, reference, memo=memo, own_classes=own_classes).encode("utf-8", "surrogatepass")
    _check_size(len(raw), MAX_BYTES)
    return raw


def text(
    value: Any,
    reference: Reference,
    limit: int = MAX_BYTES,
    memo: list[Any] | None = None,
    *,
    own_classes: bool = False,
    keep_memory: bool = False,
) -> str:
    """Turn a value into text.

    Args:
        value: anything.
        reference: called with `(kind, value)` (`iterator`, `function`, `object`) for what is not plain data;
            returns the tree to send in its place, or raises `UnsupportedError`.
        limit: the most characters.
        memo: objects that crossed before, by number, which the reader knows too; new ones are added.
        own_classes: whether instances of the candidate's classes are objects even where their base is plain.
        keep_memory: whether arrays are refused that share memory in a way that cannot be told.

    Raises:
        UnsupportedError: such arrays; from `reference`, or as TooDeepError because the value nests too deep.
        ProtocolError: the text would be longer than `limit`.
    """
    memo = [] if memo is None else memo
    known = len(memo)
    owners = Owners(memo) if "numpy" in sys.modules else None
    raw = _write_deep(value, memo, reference, own_classes, owners)
    if owners is not None and owners.share():
        del memo[known:]
        raw = _write_deep(value, memo, reference, own_classes, owners)
    if keep_memory and owners is not None and owners.untold:
        del memo[known:]
        raise UnsupportedError("arrays that share memory in a way that does not cross")
    _check_size(len(raw), limit)
    return raw


def _write_deep(
    value: Any, memo: list[Any], reference: Reference, own_classes: bool, owners: Owners | None
) -> str:
    known = len(memo)
    try:
        return _write(value, Writing(memo, reference, own_classes, owners=owners))
    except RecursionError:
        del memo[known:]
        if owners is not None:
            owners.forget()
        with Deep():
            return _write(value, Writing(memo, reference, own_classes, owners=owners))


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise ProtocolError(f"a value of {size >> 20} MiB is too large to cross")


def _write(value: Any, state: Writing) -> str:
    tree = tree_of(value, state, 0)
    return dumps({"parts": [tree, state.parts]} if state.parts else tree)


def numbers_of(memo: list[Any]) -> dict[int, int]:
    """Return the number of each object, by its address."""
    return {id(value): number for number, value in enumerate(memo)}


class Writing:
    """The state of writing one message."""

    __slots__ = ("memo", "numbers", "own_classes", "owners", "parts", "reference")

    def __init__(
        self,
        memo: list[Any],
        reference: Reference,
        own_classes: bool,
        numbers: dict[int, int] | None = None,
        owners: Owners | None = None,
    ) -> None:
        self.owners = owners
        self.memo, self.reference, self.own_classes = memo, reference, own_classes
        self.numbers = numbers if numbers is not None else numbers_of(memo) if memo else {}
        self.parts: list[Any] = []

    def add(self, value: Any) -> None:
        """Give a value the next number, and keep it alive, so that its address stays its own."""
        self.numbers[id(value)] = len(self.memo)
        self.memo.append(value)


def tree_of(value: Any, state: Writing, depth: int) -> Any:
    """Return the tree that stands for a value, `depth` levels below the message."""
    kind = type(value)
    if kind is int:
        return value if -_SMALL_INT < value < _SMALL_INT else {"i": hex(value)}
    if kind is float:
        return value if value == value else _nan(value, state)
    if kind in ATOMS:
        return value
    number = state.numbers.get(id(value))
    if number is not None:
        return {"=": number}
    if depth >= MAX_DEPTH:
        raise TooDeepError(f"a value nested deeper than {MAX_DEPTH} levels")
    if kind is list:
        state.add(value)
        tree: Any = _items(value, state, depth + 1)
    elif kind in _WRITERS:
        tree = _written(value, kind, value, state, depth)
    else:
        tree = _other(value, kind, state, depth)
    if depth % _PART_LEVELS == _PART_LEVELS - 1:
        state.parts.append(tree)
        return {"part": len(state.parts) - 1}
    return tree


def _written(value: Any, kind: type, plain: Any, state: Writing, depth: int) -> Any:
    """Write a value by the writer of `kind`, as `plain`: the value itself, or a subclass's base value."""
    if kind in _FILLED:
        state.add(value)
        return _WRITERS[kind](plain, state, depth + 1)
    tree = _WRITERS[kind](plain, state, depth + 1)
    number = state.numbers.get(id(value))
    if number is not None:  # one of its items holds it, and was written first
        return {"again": [tree, number]}
    state.add(value)
    return tree


def _nan(value: float, state: Writing) -> Any:
    """Write a nan: some comparisons hold only for the same object, so it has a number."""
    number = state.numbers.get(id(value))
    if number is not None:
        return {"=": number}
    state.add(value)
    for name in NANS:
        if value is getattr(sys.modules.get(name), "nan", None):
            return {"nan": name}
    return {"nan": ""}


def _items(values: Any, state: Writing, depth: int) -> list[Any]:
    """Write the items of a list; lists of plain atoms pass at C speed."""
    kinds = set(map(type, values))
    if (
        kinds <= ATOMS
        and (int not in kinds or (kinds == {int} and max(values) < _SMALL_INT and min(values) > -_SMALL_INT))
        and (float not in kinds or not any(map(operator.ne, values, values)))
    ):
        return values if type(values) is list else list(values)
    return [tree_of(v, state, depth) for v in values]


def _pairs(items: Any, state: Writing, depth: int) -> list[list[Any]]:
    return [[tree_of(k, state, depth), tree_of(v, state, depth)] for k, v in items]


def _dict(value: Any, state: Writing, depth: int) -> Any:
    if set(map(type, value)) <= {str}:
        return {"D": {k: tree_of(v, state, depth) for k, v in dict.items(value)}}
    return {"d": _pairs(dict.items(value), state, depth)}


_Writer = Callable[[Any, Writing, int], Any]


def _listed(tag: str) -> _Writer:
    return lambda value, state, depth: {tag: _items(list(value), state, depth)}


def _paired(tag: str, items: Callable[[Any], Any] = dict.items) -> _Writer:
    return lambda value, state, depth: {tag: _pairs(items(value), state, depth)}


def _plain(tag: str, write: Callable[[Any], Any]) -> _Writer:
    return lambda value, _state, _depth: {tag: write(value)}


def _bytes(raw: bytes) -> Any:
    """Return bytes as JSON can hold them: characters, or base64 where six times the size is too much."""
    if len(raw) < _LONG_BYTES:
        return raw.decode("latin-1")
    return [binascii.b2a_base64(raw, newline=False).decode("ascii")]


def _memoryview(value: Any, state: Writing, _depth: int) -> Any:
    if value.ndim != 1 or value.format not in ARRAYS:
        return state.reference("object", value)
    return {"mv": [value.format, _bytes(value.tobytes())]}


def _array_array(value: Any, state: Writing, _depth: int) -> Any:
    if value.typecode not in ARRAYS:
        return state.reference("object", value)
    return {"ar": [value.typecode, _bytes(value.tobytes())]}


def _content(content: Any, state: Writing, depth: int) -> Any:
    value = content.value
    kind = type(value)
    return _WRITERS[kind](value, state, depth) if kind in _WRITERS else _ndarray(value, state, depth)


def _ndarray(value: Any, state: Writing, depth: int) -> Any:
    if value.dtype.kind == "O":
        return {"no": [list(value.shape), _items(value.ravel().tolist(), state, depth)]}
    return {"np": [value.dtype.str, list(value.shape), _bytes(value.tobytes())]}


def _zone(zone: Any, offset: Any, name: Any) -> Any:
    """Return a time zone that can cross; for one of another class, the offset and name that it gives."""
    zones = sys.modules.get("zoneinfo")
    if type(zone) is datetime.timezone or (zones and type(zone) is zones.ZoneInfo and zone.key is not None):
        return zone
    if offset is None:
        return None
    return datetime.timezone(offset) if name is None else datetime.timezone(offset, str.__str__(name))


def _clock(tag: str) -> _Writer:
    """Return what writes a time of day, with a date or without one."""

    def write(value: Any, state: Writing, depth: int) -> Any:
        zone = _zone(value.tzinfo, value.utcoffset(), value.tzname()) if value.tzinfo is not None else None
        return {tag: [value.replace(tzinfo=None).isoformat(), value.fold, tree_of(zone, state, depth)]}

    return write


def _timezone(value: Any, _state: Writing, _depth: int) -> Any:
    offset, *name = value.__getinitargs__()
    return {"tz": [offset.days, offset.seconds, offset.microseconds, *name]}


_WRITERS: dict[type, _Writer] = {
    list: _items,
    tuple: _listed("t"),
    set: _listed("s"),
    frozenset: _listed("fs"),
    dict: _dict,
    bytes: _plain("b", _bytes),
    bytearray: _plain("ba", _bytes),
    complex: _plain("c", lambda v: [v.real, v.imag]),
    range: _plain("r", lambda v: [hex(v.start), hex(v.stop), hex(v.step)]),
    decimal.Decimal: _plain("dec", str),
    fractions.Fraction: _plain("fr", lambda v: [hex(v.numerator), hex(v.denominator)]),
    datetime.date: _plain("date", datetime.date.isoformat),
    datetime.time: _clock("time"),
    datetime.datetime: _clock("dt"),
    datetime.timedelta: _plain("td", lambda v: [v.days, v.seconds, v.microseconds]),
    datetime.timezone: _timezone,
    time.struct_time: lambda v, state, depth: {"st": _items([*v, v.tm_zone, v.tm_gmtoff], state, depth)},
    collections.deque: lambda v, state, depth: {"dq": [v.maxlen, _items(list(v), state, depth)]},
    collections.Counter: _paired("ctr"),
    collections.OrderedDict: _paired("od", collections.OrderedDict.items),
    collections.defaultdict: lambda v, state, depth: {
        "dd": [tree_of(v.default_factory, state, depth), _pairs(dict.items(v), state, depth)]
    },
    collections.UserList: lambda v, state, depth: {"ul": tree_of(v.data, state, depth)},
    collections.UserDict: lambda v, state, depth: {"ud": tree_of(v.data, state, depth)},
    collections.UserString: lambda v, state, depth: {"us": tree_of(v.data, state, depth)},
    collections.ChainMap: lambda v, state, depth: {"cm": _items(v.maps, state, depth)},
    types.MappingProxyType: lambda v, state, depth: {"mp": _pairs(v.items(), state, depth)},
    array.array: _array_array,
    memoryview: _memoryview,
    slice: lambda v, state, depth: {"sl": _items([v.start, v.stop, v.step], state, depth)},
    type({}.keys()): _listed("dk"),
    type({}.values()): _listed("dv"),
    type({}.items()): _listed("di"),
    type(NotImplemented): _plain("ni", lambda _v: 0),
    type(...): _plain("el", lambda _v: 0),
    Content: _content,
}
# Containers that get their number before their items, which may refer to them.
_FILLED = frozenset(
    (list, set, dict, collections.deque, collections.Counter, collections.OrderedDict,
     collections.defaultdict, collections.UserList, collections.UserDict, collections.ChainMap, Content)
)  # fmt: skip
# How classes are written whose modules are used only if somebody has loaded them: by name, with the module
# that programs import them from. Their `__module__` may be another one: `pathlib._local` in Python 3.13.
_LIBRARY: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "UUID": ("uuid", lambda v: {"uuid": hex(v.int)}),
    "ZoneInfo": ("zoneinfo", lambda v: {"zi": v.key}),
    **{name: ("pathlib", lambda v: {"path": [type(v).__name__, str(v)]}) for name in PATHS},
}

# Subclasses: the base value, by the base type's own methods.
_BASES: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (int, int.__int__),
    (float, float.__pos__),
    (complex, complex.__pos__),
    (str, str.__str__),
    (bytes, lambda v: bytes.__getitem__(v, slice(None))),
    (bytearray, lambda v: bytearray.__getitem__(v, slice(None))),
    (tuple, lambda v: tuple.__getitem__(v, slice(None))),
    (list, lambda v: list.__getitem__(v, slice(None))),
    (set, lambda v: set(set.__iter__(v))),
    (frozenset, lambda v: frozenset(frozenset.__iter__(v))),
    (dict, lambda v: dict(dict.items(v))),
    (decimal.Decimal, lambda v: decimal.Decimal(decimal.Decimal.__str__(v))),
    (fractions.Fraction, lambda v: fractions.Fraction(v.numerator, v.denominator)),
    (datetime.datetime, lambda v: datetime.datetime.combine(v.date(), v.timetz())),
    (datetime.date, lambda v: datetime.date(v.year, v.month, v.day)),
    (datetime.timedelta, lambda v: datetime.timedelta(v.days, v.seconds, v.microseconds)),
)


def _other(value: Any, kind: type, state: Writing, depth: int) -> Any:
    tree = _of_library(value, kind, state, depth)
    if tree is None and not (state.own_classes and kind.__module__ == "solution"):
        for base, exact in _BASES:
            if issubclass(kind, base):
                plain = exact(value)
                if base is tuple:
                    tree = _named_tuple(plain, kind, state, depth)
                    break
                if type(plain) in ATOMS:
                    return tree_of(plain, state, depth)
                return _written(value, base, plain, state, depth)
    if tree is None:
        if hasattr(kind, "__next__"):
            tree = state.reference("iterator", value)
        else:
            tree = state.reference("function" if callable(value) else "object", value)
    number = state.numbers.get(id(value))
    if number is not None:
        return tree if "no" in tree else {"again": [tree, number]}
    state.add(value)
    return tree


def _named_tuple(items: Any, kind: type, state: Writing, depth: int) -> Any:
    """Write an instance of a subclass of tuple, with its fields' names if it has some."""
    fields, name = getattr(kind, "_fields", None), kind.__name__
    tree = {"t": _items(list(items), state, depth + 1)}
    if type(fields) is tuple and len(fields) == len(items) and are_fields(name, fields):
        return {"nt": [name, list(fields), tree["t"]]}
    return tree


def _of_library(value: Any, kind: type, state: Writing, depth: int) -> Any:
    """Write objects of numpy and of the library's larger modules; return None for everything else."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and kind.__module__ == "numpy":
        if isinstance(value, numpy.ndarray) and not value.dtype.hasobject and value.dtype.names is None:
            owner = None if state.owners is None else state.owners.see(value)
            if owner is not None:
                return {"nv": [tree_of(owner, state, depth + 1), *place(value, owner)]}
            return _ndarray(value, state, depth + 1)
        if kind is numpy.ndarray and value.dtype.kind == "O":
            if state.owners is not None:
                state.owners.see(value)
            state.add(value)
            return _ndarray(value, state, depth + 1)
        if isinstance(value, numpy.generic) and not value.dtype.hasobject and value.dtype.names is None:
            return {"ns": [value.dtype.str, _bytes(value.tobytes())]}
    if kind is type and value in TYPES.values():
        return {"ty": value.__name__}
    home, write = _LIBRARY.get(kind.__name__, ("", None))
    if write is not None and getattr(sys.modules.get(home), kind.__name__, None) is kind:
        tree = write(value)
        return None if tree == {"zi": None} else tree
    return None
