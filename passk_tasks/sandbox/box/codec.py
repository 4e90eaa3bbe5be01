"""What crosses between a candidate and its tests: plain data of exact types, never code.

Both sides use this module. The candidate's side may be replaced by anything that the candidate likes, so
`decode` trusts nothing: whatever the bytes are, it returns a value built of the types below or raises
`ProtocolError`. No user class is ever looked up, no attribute read, nothing imported but numpy.

JSON carries None, bool, int, float, str and list as they are. Everything else is an object with one key, its
tag. Instances of subclasses cross as the base value they hold, read by the base type's own methods, so that
an overridden `__eq__` stays behind.
"""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import fractions
import json
import re
import sys
import types
from collections.abc import Callable
from typing import Any

MAX_DEPTH = 150  # of nested containers
MAX_BYTES = 32 << 20  # of one message
# Decimal conversion of larger ints is refused by Python and quadratic besides: they cross as hexadecimal.
_SMALL_INT_BITS = 8192
_SMALL_INT = 1 << _SMALL_INT_BITS

_ATOMS = frozenset({type(None), bool, int, float, str})
_ARRAYS = frozenset("bBhHiIlLqQfd")  # type codes of array.array and memoryview that any bytes are valid for
_DTYPE = re.compile(r"[<>|=]?[biufcSUMm?](?:\d{1,5})?(?:\[[a-zA-Z0-9]{1,8}\])?")
_TYPES: dict[str, type] = {
    t.__name__: t
    for t in (bool, int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, dict, type(None))
}

Reference = Callable[[str, Any], Any]


def _make_dumps() -> Callable[[Any], str]:
    """Return json.dumps without spaces, three times as fast on small values: no encoder is made each time."""
    try:
        encode = json.encoder.c_make_encoder(  # type: ignore[attr-defined]
            None, None, json.encoder.encode_basestring, None, ":", ",", False, False, True
        )
        assert "".join(encode(["x", 1.5, None], 0)) == '["x",1.5,null]'
    except (AttributeError, TypeError, AssertionError):  # an interpreter that has it not, or another one
        return json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode
    return lambda tree: "".join(encode(tree, 0))


dumps = _make_dumps()
_scan = json.JSONDecoder().raw_decode


def loads(text: str) -> Any:
    """Return what `dumps` wrote; whatever else it is given is an error of the kinds that `decode` knows."""
    tree, end = _scan(text)
    if end != len(text):
        raise ValueError("more than one value")
    return tree


def pack(tree: Any) -> bytes:
    """Return a tree that JSON can hold as bytes.

    Not in JSON's escapes, where two lone surrogates side by side become one character.
    """
    return dumps(tree).encode("utf-8", "surrogatepass")


def unpack(raw: bytes) -> Any:
    """Return what `pack` wrote; errors as those of `loads`."""
    return loads(raw.decode("utf-8", "surrogatepass"))


class ProtocolError(Exception):
    """The bytes are not a message that this codec writes."""


class NumpyMissingError(ProtocolError):
    """An array came, and numpy is not loaded yet; see `may_load_numpy`."""


may_load_numpy = True
"""Whether decoding an array may be what loads numpy.

Not on the tests' side: a candidate could have it loaded when time or memory is about to run out, and half of
it would be there for the next one.
"""


class UnsupportedError(Exception):
    """A value that is not plain data."""


class Opaque:
    """Stands for an object that cannot cross; equal to nothing but itself."""

    __slots__ = ("kind", "number")

    def __init__(self, kind: str, number: int | None = None) -> None:
        self.kind, self.number = kind, number

    def __repr__(self) -> str:
        return f"<an object of type {self.kind!r} that is not plain data>"


def encode(value: Any, reference: Reference) -> bytes:
    """Turn a value into bytes; see `text`."""
    raw = text(value, reference).encode("utf-8", "surrogatepass")
    _check_size(len(raw), MAX_BYTES)
    return raw


def text(value: Any, reference: Reference, limit: int = MAX_BYTES) -> str:
    """Turn a value into text.

    Args:
        value: anything.
        reference: called with `(kind, value)` (`iterator`, `function`, `object`) for what is not plain data;
            returns the tree to send in its place, or raises `UnsupportedError`.
        limit: the most characters.

    Raises:
        UnsupportedError: from `reference`, or because the value nests too deep.
        ProtocolError: the text would be longer than `limit`.
    """
    raw = dumps(_tree(value, reference, 0))
    _check_size(len(raw), limit)
    return raw


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise ProtocolError(f"a value of {size >> 20} MiB is too large to cross")


def decode(raw: bytes | str, resolve: Reference) -> Any:
    """Turn what was encoded back into a value; `resolve(tag, payload)` gives what stands for references.

    Raises:
        ProtocolError: the bytes are not a valid message, whatever they are.
    """
    try:
        return _value(loads(raw) if isinstance(raw, str) else unpack(raw), resolve, 0)
    except ProtocolError:
        raise
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        ArithmeticError,
        RecursionError,
        SystemError,
        AttributeError,
    ) as error:
        raise ProtocolError(f"invalid message: {type(error).__name__}") from None


# --- to a tree that JSON can hold ---


def _tree(value: Any, reference: Reference, depth: int) -> Any:
    kind = type(value)
    if kind is int:
        return value if -_SMALL_INT < value < _SMALL_INT else {"i": hex(value)}
    if kind in _ATOMS:
        return value
    if depth >= MAX_DEPTH:
        raise UnsupportedError(f"nested deeper than {MAX_DEPTH} levels")
    writer = _WRITERS.get(kind)
    if writer is not None:
        return writer(value, reference, depth + 1)
    return _other(value, kind, reference, depth)


def _items(values: Any, reference: Reference, depth: int) -> list[Any]:
    """Encode the items of a list; long lists of plain atoms are passed through at C speed."""
    kinds = set(map(type, values))
    if kinds <= _ATOMS and (
        int not in kinds or (kinds == {int} and max(values) < _SMALL_INT and min(values) > -_SMALL_INT)
    ):
        return values if type(values) is list else list(values)
    return [_tree(v, reference, depth) for v in values]


def _pairs(items: Any, reference: Reference, depth: int) -> list[list[Any]]:
    return [[_tree(k, reference, depth), _tree(v, reference, depth)] for k, v in items]


def _dict(value: Any, reference: Reference, depth: int) -> Any:
    if set(map(type, value)) <= {str}:
        return {"D": {k: _tree(v, reference, depth) for k, v in dict.items(value)}}
    return {"d": _pairs(dict.items(value), reference, depth)}


def _listed(tag: str) -> Callable[[Any, Reference, int], Any]:
    return lambda value, reference, depth: {tag: _items(list(value), reference, depth)}


def _paired(tag: str) -> Callable[[Any, Reference, int], Any]:
    return lambda value, reference, depth: {tag: _pairs(dict.items(value), reference, depth)}


def _plain(tag: str, write: Callable[[Any], Any]) -> Callable[[Any, Reference, int], Any]:
    return lambda value, _reference, _depth: {tag: write(value)}


def _memoryview(value: Any, reference: Reference, _depth: int) -> Any:
    if value.ndim != 1 or value.format not in _ARRAYS:
        return reference("object", value)
    return {"mv": [value.format, value.tobytes().decode("latin-1")]}


def _array_array(value: Any, reference: Reference, _depth: int) -> Any:
    if value.typecode not in _ARRAYS:
        return reference("object", value)
    return {"ar": [value.typecode, value.tobytes().decode("latin-1")]}


_WRITERS: dict[type, Callable[[Any, Reference, int], Any]] = {
    list: _items,
    tuple: _listed("t"),
    set: _listed("s"),
    frozenset: _listed("fs"),
    dict: _dict,
    bytes: _plain("b", lambda v: v.decode("latin-1")),
    bytearray: _plain("ba", lambda v: v.decode("latin-1")),
    complex: _plain("c", lambda v: [v.real, v.imag]),
    range: _plain("r", lambda v: [hex(v.start), hex(v.stop), hex(v.step)]),
    decimal.Decimal: _plain("dec", str),
    fractions.Fraction: _plain("fr", lambda v: [hex(v.numerator), hex(v.denominator)]),
    datetime.date: _plain("date", datetime.date.isoformat),
    datetime.time: _plain("time", lambda v: [v.isoformat(), v.fold]),
    datetime.datetime: _plain("dt", lambda v: [v.isoformat(), v.fold]),
    datetime.timedelta: _plain("td", lambda v: [v.days, v.seconds, v.microseconds]),
    collections.deque: lambda v, reference, depth: {"dq": [_items(list(v), reference, depth), v.maxlen]},
    collections.Counter: _paired("ctr"),
    collections.OrderedDict: _paired("od"),
    collections.defaultdict: _paired("dd"),
    collections.UserList: lambda v, reference, depth: {"ul": _tree(v.data, reference, depth)},
    collections.UserDict: lambda v, reference, depth: {"ud": _tree(v.data, reference, depth)},
    collections.UserString: lambda v, reference, depth: {"us": _tree(v.data, reference, depth)},
    collections.ChainMap: lambda v, reference, depth: {"cm": _items(v.maps, reference, depth)},
    types.MappingProxyType: lambda v, reference, depth: {"mp": _pairs(v.items(), reference, depth)},
    array.array: _array_array,
    memoryview: _memoryview,
    slice: lambda v, reference, depth: {"sl": _items([v.start, v.stop, v.step], reference, depth)},
    type({}.keys()): _listed("dk"),
    type({}.values()): _listed("dv"),
    type({}.items()): _listed("di"),
    type(NotImplemented): _plain("ni", lambda _v: 0),
    type(...): _plain("el", lambda _v: 0),
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


def _other(value: Any, kind: type, reference: Reference, depth: int) -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is not None and kind.__module__ == "numpy":
        if isinstance(value, numpy.ndarray) and not value.dtype.hasobject and value.dtype.names is None:
            return {"np": [value.dtype.str, list(value.shape), value.tobytes().decode("latin-1")]}
        if kind is numpy.ndarray and value.dtype.kind == "O":
            return {"no": [list(value.shape), _items(value.ravel().tolist(), reference, depth + 1)]}
        if isinstance(value, numpy.generic) and not value.dtype.hasobject and value.dtype.names is None:
            return {"ns": [value.dtype.str, value.tobytes().decode("latin-1")]}
    if kind is type and value in _TYPES.values():
        return {"ty": value.__name__}
    for base, exact in _BASES:
        if issubclass(kind, base):
            return _tree(exact(value), reference, depth)
    if hasattr(kind, "__next__"):
        return reference("iterator", value)
    if callable(value):
        return reference("function", value)
    return reference("object", value)


# --- and back ---


def _value(tree: Any, resolve: Reference, depth: int) -> Any:
    kind = type(tree)
    if kind in _ATOMS:
        return tree
    if depth > MAX_DEPTH:
        raise ProtocolError("nested too deep")
    if kind is list:
        return _values(tree, resolve, depth)
    if kind is not dict or len(tree) != 1:
        raise ProtocolError("an object must have one key, its tag")
    [(tag, payload)] = tree.items()
    reader = _READERS.get(tag)
    if reader is not None:
        return reader(payload, resolve, depth + 1)
    return resolve(tag, payload)


def _values(items: Any, resolve: Reference, depth: int) -> list[Any]:
    if type(items) is not list:
        raise ProtocolError("expected a list")
    if set(map(type, items)) <= _ATOMS:
        return items
    return [_value(item, resolve, depth + 1) for item in items]


def _as_dict(pairs: Any, resolve: Reference, depth: int) -> dict[Any, Any]:
    return {_value(k, resolve, depth): _value(v, resolve, depth) for k, v in pairs}


def _hex(text: Any) -> int:
    return int(_text(text), 16)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ProtocolError("expected a string")
    return value


def _raw(value: Any) -> bytes:
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
        raise ProtocolError("not a text")  # numpy crashes on it later
    return made.reshape([int(n) for n in shape]).copy()


def _object_array(payload: Any, resolve: Reference, depth: int) -> Any:
    numpy = _numpy()
    shape, items = payload
    found = _values(items, resolve, depth)
    made = numpy.empty(len(found), dtype=object)
    for index, item in enumerate(found):  # one by one: numpy would take lists apart
        made[index] = item
    return made.reshape([int(n) for n in shape])


def _numbers(payload: Any) -> Any:
    code, data = payload
    if _text(code) not in _ARRAYS:
        raise ProtocolError("not an array of numbers")
    return array.array(code, _raw(data))


def _exactly(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ProtocolError(f"expected a {kind.__name__}")
    return value


def _scalar(payload: Any) -> Any:
    dtype, data = payload
    return _array([dtype, [1], data])[0]


_READERS: dict[str, Callable[[Any, Reference, int], Any]] = {
    "i": lambda p, _r, _d: _hex(p),
    "t": lambda p, r, d: tuple(_values(p, r, d)),
    "s": lambda p, r, d: set(_values(p, r, d)),
    "fs": lambda p, r, d: frozenset(_values(p, r, d)),
    "D": lambda p, r, d: {_text(k): _value(v, r, d) for k, v in p.items()},
    "d": _as_dict,
    "b": lambda p, _r, _d: _raw(p),
    "ba": lambda p, _r, _d: bytearray(_raw(p)),
    "c": lambda p, _r, _d: complex(float(p[0]), float(p[1])),
    "r": lambda p, _r, _d: range(_hex(p[0]), _hex(p[1]), _hex(p[2])),
    "dec": lambda p, _r, _d: decimal.Decimal(_text(p)),
    "fr": lambda p, _r, _d: fractions.Fraction(_hex(p[0]), _hex(p[1])),
    "date": lambda p, _r, _d: datetime.date.fromisoformat(_text(p)),
    "time": lambda p, _r, _d: datetime.time.fromisoformat(_text(p[0])).replace(fold=int(p[1])),
    "dt": lambda p, _r, _d: datetime.datetime.fromisoformat(_text(p[0])).replace(fold=int(p[1])),
    "td": lambda p, _r, _d: datetime.timedelta(int(p[0]), int(p[1]), int(p[2])),
    "dq": lambda p, r, d: collections.deque(_values(p[0], r, d), None if p[1] is None else int(p[1])),
    "ctr": lambda p, r, d: collections.Counter(_as_dict(p, r, d)),
    "od": lambda p, r, d: collections.OrderedDict(_as_dict(p, r, d)),
    "dd": lambda p, r, d: collections.defaultdict(None, _as_dict(p, r, d)),
    "dk": lambda p, r, d: dict.fromkeys(_values(p, r, d)).keys(),
    "dv": lambda p, r, d: dict(enumerate(_values(p, r, d))).values(),
    "di": lambda p, r, d: dict(_values(p, r, d)).items(),
    "ul": lambda p, r, d: collections.UserList(_exactly(list, _value(p, r, d))),
    "ud": lambda p, r, d: collections.UserDict(_exactly(dict, _value(p, r, d))),
    "us": lambda p, r, d: collections.UserString(_exactly(str, _value(p, r, d))),
    "cm": lambda p, r, d: collections.ChainMap(*[_exactly(dict, m) for m in _values(p, r, d)]),
    "mp": lambda p, r, d: types.MappingProxyType(_as_dict(p, r, d)),
    "ar": lambda p, _r, _d: _numbers(p),
    "mv": lambda p, _r, _d: memoryview(_raw(p[1])).cast("B").cast(_numbers([p[0], ""]).typecode),
    "sl": lambda p, r, d: slice(*_values(p, r, d)),
    "no": _object_array,
    "np": lambda p, _r, _d: _array(p),
    "ns": lambda p, _r, _d: _scalar(p),
    "ty": lambda p, _r, _d: _TYPES[_text(p)],
    "ni": lambda _p, _r, _d: NotImplemented,
    "el": lambda _p, _r, _d: ...,
}


def assign(target: Any, changed: Any) -> Any:
    """Make `target`, an argument that the tests still hold, equal to what the candidate made of it.

    Containers are changed in place, level by level, so that whoever holds one of them sees the change, as in
    one process. Returns what should stand in `target`'s place where it cannot be changed in place.
    """
    kind = type(target)
    if kind is not type(changed):
        return changed
    if kind is list:
        target[:] = [*map(assign, target, changed), *changed[len(target) :]]
        return target
    if kind is bytearray or kind is array.array:
        target[:] = changed
        return target
    if kind is collections.UserList or kind is collections.UserDict:
        target.data = assign(target.data, changed.data)
        return target
    if kind is dict or kind in (collections.OrderedDict, collections.defaultdict, collections.Counter):
        merged = {k: assign(target[k], v) if k in target else v for k, v in changed.items()}
        target.clear()
        target.update(merged)
        return target
    if kind is set:
        target.clear()
        target.update(changed)
        return target
    if kind is collections.deque:
        merged_items = [*map(assign, target, changed), *list(changed)[len(target) :]]
        target.clear()
        target.extend(merged_items)
        return target
    if kind is tuple and len(target) == len(changed):
        kept = tuple(map(assign, target, changed))
        return target if all(map(lambda a, b: a is b, target, kept)) else kept
    numpy = sys.modules.get("numpy")
    if (
        numpy is not None
        and kind is numpy.ndarray
        and target.shape == changed.shape
        and target.flags.writeable
    ):
        target[...] = changed
        return target
    return changed
