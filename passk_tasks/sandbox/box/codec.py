"""What crosses between a candidate and its tests: plain data of exact types, never code.

Both sides use this module. The candidate's side may be replaced by anything that the candidate likes, so
`decode` trusts nothing: whatever the bytes are, it returns a value built of the types below or raises
`ProtocolError`. No user class is ever looked up, no attribute read, nothing imported but numpy and a few
modules of the standard library.

JSON carries None, bool, int, float, str and list as they are. Everything else is an object with one key, its
tag. Instances of subclasses cross as the base value they hold, read by the base type's own methods, so that
an overridden `__eq__` stays behind.

Identity is kept as pickle keeps it: whatever is no atom gets a number, in the order in which both sides meet
it, and where it comes again that number stands (`{"=": 3}`). A reply goes on with the numbers of its request,
so that an argument that comes back is the very object that the tests handed over. Atoms are equal to what
they are, but for a float that is no number, which has a number therefore. Containers get theirs before their
items, which may refer to them; tuples and the rest afterwards.

What nests deep goes in parts: JSON's own reader and writer are bounded by the C stack.
"""

from __future__ import annotations

import array
import binascii
import collections
import datetime
import decimal
import fractions
import functools
import json
import keyword
import operator
import re
import sys
import time
import types
from collections.abc import Callable
from typing import Any

# Levels of containers. Before Python 3.11 each Python call takes some of the C stack.
MAX_DEPTH = 10_000 if sys.version_info >= (3, 11) else 1_200
MAX_BYTES = 256 << 20  # of one message
_FRAMES = 5  # Python calls for a level, at most
_PART_LEVELS = 40
_LONG_BYTES = 1 << 16
# Decimal conversion of larger ints is refused by Python and quadratic besides: they cross as hexadecimal.
_SMALL_INT_BITS = 8192
_SMALL_INT = 1 << _SMALL_INT_BITS

_ATOMS = frozenset({type(None), bool, int, float, str})
_ARRAYS = frozenset("bBhHiIlLqQfd")  # type codes of array.array and memoryview that any bytes are valid for
_DTYPE = re.compile(r"[<>|=]?[biufcSUMm?](?:\d{1,5})?(?:\[[a-zA-Z0-9]{1,8}\])?")
_NANS = ("math", "cmath", "numpy")  # modules with an object of that name, the same for all who ask
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


class TooDeepError(UnsupportedError):
    """A value that nests deeper than can cross."""


class Opaque:
    """Stands for an object that cannot cross; equal to nothing but itself."""

    __slots__ = ("kind", "number")

    def __init__(self, kind: str, number: int | None = None) -> None:
        self.kind, self.number = kind, number

    def __repr__(self) -> str:
        return f"<an object of type {self.kind!r} that is not plain data>"


class Content:
    """Stands for what a container holds by now, where its number would say only which one it is."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


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
) -> str:
    """Turn a value into text.

    Args:
        value: anything.
        reference: called with `(kind, value)` (`iterator`, `function`, `object`) for what is not plain data;
            returns the tree to send in its place, or raises `UnsupportedError`.
        limit: the most characters.
        memo: what has crossed before, by number, and is known to whoever reads this; what crosses now is
            added.
        own_classes: whether instances of the candidate's classes are objects even where they are of a plain
            base.

    Raises:
        UnsupportedError: from `reference`, or because the value nests too deep.
        ProtocolError: the text would be longer than `limit`.
    """
    memo = [] if memo is None else memo
    known = len(memo)
    try:
        raw = _write(value, _Writing(memo, reference, own_classes))
    except RecursionError:
        del memo[known:]
        with _Deep():
            raw = _write(value, _Writing(memo, reference, own_classes))
    _check_size(len(raw), limit)
    return raw


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise ProtocolError(f"a value of {size >> 20} MiB is too large to cross")


def decode(raw: bytes | str, resolve: Reference, memo: list[Any] | None = None) -> Any:
    """Turn what was encoded back into a value; `resolve(tag, payload)` gives what stands for references.

    Args:
        raw: the message.
        resolve: gives what a reference stands for.
        memo: what has crossed before, by number; what comes now is added.

    Raises:
        ProtocolError: the bytes are not a valid message, whatever they are.
    """
    memo = [] if memo is None else memo
    known = len(memo)
    try:
        try:
            return _read(raw, memo, resolve)
        except RecursionError:
            del memo[known:]
            with _Deep():
                return _read(raw, memo, resolve)
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
        ImportError,
        OSError,
    ) as error:
        raise ProtocolError(f"invalid message: {type(error).__name__}") from None


class _Deep:
    """What recurses goes as deep as a value may nest, whatever the interpreter's own limit."""

    def __enter__(self) -> None:
        self._limit = sys.getrecursionlimit()
        sys.setrecursionlimit(self._limit + _FRAMES * MAX_DEPTH)

    def __exit__(self, *_: object) -> None:
        sys.setrecursionlimit(self._limit)


def changed(now: list[Any], before: list[Any]) -> list[int]:
    """Return the numbers of the containers that no longer hold what they held.

    Args:
        now: what crossed, by number.
        before: the same, as it was: with the same numbers.
    """
    contents = map(_Contents(now).of, now), map(_Contents(before).of, before)
    return [n for n, (is_, was) in enumerate(zip(*contents, strict=True)) if is_ is None or is_ != was]


class _Contents:
    """What each container holds, as texts to compare."""

    def __init__(self, memo: list[Any]) -> None:
        self._memo = memo
        self._numbers = _numbers(memo)

    def of(self, value: Any) -> str | None:
        """Return what it holds, `""` where it cannot change, None where that cannot be told."""
        if not _is_mutable(value):
            return ""
        try:
            return self._text(value)
        except RecursionError:
            with _Deep():
                return self._text(value)
        except UnsupportedError:
            return None

    def _text(self, value: Any) -> str:
        known = len(self._memo)
        state = _Writing(self._memo, lambda _kind, other: {"object": id(other)}, False, self._numbers)
        try:
            return dumps([_tree(Content(value), state, 0), state.parts])
        finally:
            for added in self._memo[known:]:
                self._numbers.pop(id(added), None)
            del self._memo[known:]


# --- to a tree that JSON can hold ---


def _write(value: Any, state: _Writing) -> str:
    tree = _tree(value, state, 0)
    return dumps({"parts": [tree, state.parts]} if state.parts else tree)


def _numbers(memo: list[Any]) -> dict[int, int]:
    return {id(value): number for number, value in enumerate(memo)}


class _Writing:
    """What one message has written so far."""

    __slots__ = ("memo", "numbers", "own_classes", "parts", "reference")

    def __init__(
        self, memo: list[Any], reference: Reference, own_classes: bool, numbers: dict[int, int] | None = None
    ) -> None:
        self.memo, self.reference, self.own_classes = memo, reference, own_classes
        self.numbers = numbers if numbers is not None else _numbers(memo) if memo else {}
        self.parts: list[Any] = []

    def add(self, value: Any) -> None:
        """Give a value the next number; it is kept, so that no other has its address meanwhile."""
        self.numbers[id(value)] = len(self.memo)
        self.memo.append(value)


def _tree(value: Any, state: _Writing, depth: int) -> Any:
    kind = type(value)
    if kind is int:
        return value if -_SMALL_INT < value < _SMALL_INT else {"i": hex(value)}
    if kind is float:
        return value if value == value else _nan(value, state)
    if kind in _ATOMS:
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


def _written(value: Any, kind: type, plain: Any, state: _Writing, depth: int) -> Any:
    """Write a value as the plain one that it is, or is of a subclass of."""
    if kind in _FILLED:
        state.add(value)
        return _WRITERS[kind](plain, state, depth + 1)
    tree = _WRITERS[kind](plain, state, depth + 1)
    number = state.numbers.get(id(value))
    if number is not None:  # one of its items holds it, and needed it first
        return {"again": [tree, number]}
    state.add(value)
    return tree


def _nan(value: float, state: _Writing) -> Any:
    """Write a float that is no number: equal to itself only where it is the same object."""
    number = state.numbers.get(id(value))
    if number is not None:
        return {"=": number}
    state.add(value)
    for name in _NANS:
        if value is getattr(sys.modules.get(name), "nan", None):
            return {"nan": name}
    return {"nan": ""}


def _items(values: Any, state: _Writing, depth: int) -> list[Any]:
    """Encode the items of a list; long lists of plain atoms are passed through at C speed."""
    kinds = set(map(type, values))
    if (
        kinds <= _ATOMS
        and (int not in kinds or (kinds == {int} and max(values) < _SMALL_INT and min(values) > -_SMALL_INT))
        and (float not in kinds or not any(map(operator.ne, values, values)))
    ):
        return values if type(values) is list else list(values)
    return [_tree(v, state, depth) for v in values]


def _pairs(items: Any, state: _Writing, depth: int) -> list[list[Any]]:
    return [[_tree(k, state, depth), _tree(v, state, depth)] for k, v in items]


def _dict(value: Any, state: _Writing, depth: int) -> Any:
    if set(map(type, value)) <= {str}:
        return {"D": {k: _tree(v, state, depth) for k, v in dict.items(value)}}
    return {"d": _pairs(dict.items(value), state, depth)}


_Writer = Callable[[Any, _Writing, int], Any]


def _listed(tag: str) -> _Writer:
    return lambda value, state, depth: {tag: _items(list(value), state, depth)}


def _paired(tag: str, items: Callable[[Any], Any] = dict.items) -> _Writer:
    return lambda value, state, depth: {tag: _pairs(items(value), state, depth)}


def _plain(tag: str, write: Callable[[Any], Any]) -> _Writer:
    return lambda value, _state, _depth: {tag: write(value)}


def _bytes(raw: bytes) -> Any:
    """Return bytes as JSON can hold them: characters, or base64 where six times their size is too much."""
    if len(raw) < _LONG_BYTES:
        return raw.decode("latin-1")
    return [binascii.b2a_base64(raw, newline=False).decode("ascii")]


def _memoryview(value: Any, state: _Writing, _depth: int) -> Any:
    if value.ndim != 1 or value.format not in _ARRAYS:
        return state.reference("object", value)
    return {"mv": [value.format, _bytes(value.tobytes())]}


def _array_array(value: Any, state: _Writing, _depth: int) -> Any:
    if value.typecode not in _ARRAYS:
        return state.reference("object", value)
    return {"ar": [value.typecode, _bytes(value.tobytes())]}


def _content(content: Any, state: _Writing, depth: int) -> Any:
    value = content.value
    kind = type(value)
    return _WRITERS[kind](value, state, depth) if kind in _WRITERS else _ndarray(value, state, depth)


def _ndarray(value: Any, state: _Writing, depth: int) -> Any:
    if value.dtype.kind == "O":
        return {"no": [list(value.shape), _items(value.ravel().tolist(), state, depth)]}
    return {"np": [value.dtype.str, list(value.shape), _bytes(value.tobytes())]}


def _zone(zone: Any, offset: Any, name: Any) -> Any:
    """Return a time zone that can cross: of a class that is not the library's, what it says of one time."""
    zones = sys.modules.get("zoneinfo")
    if type(zone) is datetime.timezone or (zones and type(zone) is zones.ZoneInfo and zone.key is not None):
        return zone
    if offset is None:
        return None
    return datetime.timezone(offset) if name is None else datetime.timezone(offset, str.__str__(name))


def _datetime(value: Any, state: _Writing, depth: int) -> Any:
    zone = _zone(value.tzinfo, value.utcoffset(), value.tzname()) if value.tzinfo is not None else None
    return {"dt": [value.replace(tzinfo=None).isoformat(), value.fold, _tree(zone, state, depth)]}


def _time(value: Any, state: _Writing, depth: int) -> Any:
    zone = _zone(value.tzinfo, value.utcoffset(), value.tzname()) if value.tzinfo is not None else None
    return {"time": [value.replace(tzinfo=None).isoformat(), value.fold, _tree(zone, state, depth)]}


def _timezone(value: Any, _state: _Writing, _depth: int) -> Any:
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
    datetime.time: _time,
    datetime.datetime: _datetime,
    datetime.timedelta: _plain("td", lambda v: [v.days, v.seconds, v.microseconds]),
    datetime.timezone: _timezone,
    time.struct_time: lambda v, state, depth: {"st": _items([*v, v.tm_zone, v.tm_gmtoff], state, depth)},
    collections.deque: lambda v, state, depth: {"dq": [v.maxlen, _items(list(v), state, depth)]},
    collections.Counter: _paired("ctr"),
    collections.OrderedDict: _paired("od", collections.OrderedDict.items),
    collections.defaultdict: lambda v, state, depth: {
        "dd": [_tree(v.default_factory, state, depth), _pairs(dict.items(v), state, depth)]
    },
    collections.UserList: lambda v, state, depth: {"ul": _tree(v.data, state, depth)},
    collections.UserDict: lambda v, state, depth: {"ud": _tree(v.data, state, depth)},
    collections.UserString: lambda v, state, depth: {"us": _tree(v.data, state, depth)},
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
# Those that are there before what they hold, which may be themselves.
_FILLED = frozenset(
    {
        list,
        set,
        dict,
        collections.deque,
        collections.Counter,
        collections.OrderedDict,
        collections.defaultdict,
        collections.UserList,
        collections.UserDict,
        collections.ChainMap,
        Content,
    }
)
# Classes of modules that are asked only where somebody has loaded them: how they are written.
_LIBRARY: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("uuid", "UUID"): lambda v: {"uuid": hex(v.int)},
    ("zoneinfo", "ZoneInfo"): lambda v: {"zi": v.key},
    **{
        ("pathlib", name): lambda v: {"path": [type(v).__name__, str(v)]}
        for name in ("PurePosixPath", "PureWindowsPath", "PosixPath")
    },
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


def _other(value: Any, kind: type, state: _Writing, depth: int) -> Any:
    tree = _of_library(value, kind, state, depth)
    if tree is None and not (state.own_classes and kind.__module__ == "solution"):
        for base, exact in _BASES:
            if issubclass(kind, base):
                plain = exact(value)
                if base is tuple:
                    tree = _named_tuple(plain, kind, state, depth)
                    break
                if type(plain) in _ATOMS:
                    return _tree(plain, state, depth)
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


def _named_tuple(items: Any, kind: type, state: _Writing, depth: int) -> Any:
    """Write a tuple of a subclass: with the names of its fields, where it has some."""
    fields, name = getattr(kind, "_fields", None), kind.__name__
    tree = {"t": _items(list(items), state, depth + 1)}
    if type(fields) is tuple and len(fields) == len(items) and _are_fields(name, fields):
        return {"nt": [name, list(fields), tree["t"]]}
    return tree


def _are_fields(name: Any, fields: Any) -> bool:
    """Whether these can be the names of a class and of its fields, and hide nothing that a tuple has."""
    return (
        all(type(field) is str and field.isidentifier() and field.isascii() for field in (name, *fields))
        and not any(field[0] == "_" or keyword.iskeyword(field) or hasattr(tuple, field) for field in fields)
        and not keyword.iskeyword(name)
        and len(set(fields)) == len(fields)
    )


def _of_library(value: Any, kind: type, state: _Writing, depth: int) -> Any:
    """Write what numpy and the library's larger modules make; None for everything else."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and kind.__module__ == "numpy":
        if isinstance(value, numpy.ndarray) and not value.dtype.hasobject and value.dtype.names is None:
            return _ndarray(value, state, depth + 1)
        if kind is numpy.ndarray and value.dtype.kind == "O":
            state.add(value)
            return _ndarray(value, state, depth + 1)
        if isinstance(value, numpy.generic) and not value.dtype.hasobject and value.dtype.names is None:
            return {"ns": [value.dtype.str, _bytes(value.tobytes())]}
    if kind is type and value in _TYPES.values():
        return {"ty": value.__name__}
    write = _LIBRARY.get((kind.__module__, kind.__name__))
    if write is not None and getattr(sys.modules.get(kind.__module__), kind.__name__, None) is kind:
        tree = write(value)
        return None if tree == {"zi": None} else tree
    return None


# --- and back ---


def _read(raw: bytes | str, memo: list[Any], resolve: Reference) -> Any:
    tree, parts = loads(raw) if isinstance(raw, str) else unpack(raw), []
    if type(tree) is dict and "parts" in tree:
        tree, parts = tree["parts"]
    return _value(tree, _Reading(memo, resolve, parts), 0)


class _Reading:
    """What one message has given so far."""

    __slots__ = ("memo", "parts", "resolve")

    def __init__(self, memo: list[Any], resolve: Reference, parts: list[Any]) -> None:
        self.memo, self.resolve, self.parts = memo, resolve, parts


def _value(tree: Any, state: _Reading, depth: int) -> Any:
    kind = type(tree)
    if kind in _ATOMS:
        return tree
    if depth > MAX_DEPTH:
        raise ProtocolError("nested too deep")
    if kind is list:
        if set(map(type, tree)) <= _ATOMS:
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
    if set(map(type, items)) <= _ATOMS:
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
    """Read what one of its own items needed first: it is there, and its second copy has no number."""
    tree, number = payload
    _value(tree, state, depth)
    state.memo.pop()
    return state.memo[_number(number, len(state.memo))]


def _part(payload: Any, state: _Reading, depth: int) -> Any:
    """Read a part, once: parts that stand in many places would be as large as a message can never be."""
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
        raise ProtocolError("not a text")  # numpy crashes on it later
    return made.reshape([int(n) for n in shape]).copy()


def _object_array(payload: Any) -> Any:
    numpy = _numpy()
    shape, items = payload
    return numpy.empty(len(items), dtype=object).reshape([int(n) for n in shape])


def _fill_object_array(made: Any, payload: Any, state: _Reading, depth: int) -> None:
    flat = made.reshape(-1)
    for index, item in enumerate(_values(payload[1], state, depth)):  # numpy would take lists apart
        flat[index] = item


@functools.lru_cache(maxsize=64)
def _named(name: str, fields: tuple[str, ...]) -> Any:
    return collections.namedtuple(name, fields)


def _fields_and_items(payload: Any, state: _Reading, depth: int) -> Any:
    name, fields, items = payload
    if type(fields) is not list or not _are_fields(name, fields):
        raise ProtocolError("no names of fields")
    return _named(name, tuple(fields))._make(_values(items, state, depth))


def _path(payload: Any) -> Any:
    import pathlib

    name, path = payload
    if (pathlib.__name__, _text(name)) not in _LIBRARY:
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


def _nan_of(name: Any) -> float:
    """Return the one of that module, where both sides have it, or another float that is no number."""
    known = getattr(sys.modules.get(name), "nan", None) if name in _NANS else None
    return float("nan") if known is None else known


def _array_of_numbers(payload: Any) -> Any:
    code, data = payload
    if _text(code) not in _ARRAYS:
        raise ProtocolError("not an array of numbers")
    return array.array(code, _raw(data))


def _checked(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise ProtocolError(f"expected a {kind.__name__}")
    return value


def _scalar(payload: Any) -> Any:
    dtype, data = payload
    return _array([dtype, [1], data])[0]


# What comes before its items: how it is made, and filled.
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
    "time": lambda p, r, d: datetime.time.fromisoformat(_text(p[0])).replace(
        fold=int(p[1]), tzinfo=_tzinfo(p[2], r, d)
    ),
    "dt": lambda p, r, d: datetime.datetime.fromisoformat(_text(p[0])).replace(
        fold=int(p[1]), tzinfo=_tzinfo(p[2], r, d)
    ),
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
    "ns": lambda p, _r, _d: _scalar(p),
    "ty": lambda p, _r, _d: _TYPES[_text(p)],
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


# --- what a call did to its arguments ---


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
    """Let `target`, which the tests hold, hold what the candidate put into its copy.

    It alone changes: what it holds and the tests hold too came back as the same objects.

    Raises:
        ProtocolError: the content is of another kind, or there is none to change.
    """
    kind = type(content)
    if _is_ndarray(target) and _is_ndarray(content):
        try:
            if target.shape != content.shape:
                target.resize(content.shape, refcheck=False)
            target[...] = content
        except (ValueError, TypeError):
            raise ProtocolError("an array that cannot change so") from None
    elif kind in _PUT and isinstance(target, kind):
        _PUT[kind](target, content)
    else:
        raise ProtocolError("a change of what cannot change")
