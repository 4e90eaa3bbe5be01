"""What reading and writing share: JSON's text, bounds, types by name, and errors."""

from __future__ import annotations

import json
import keyword
import sys
from collections.abc import Callable
from typing import Any

# Levels of containers. Before Python 3.11 each Python call takes some of the C stack.
MAX_DEPTH = 10_000 if sys.version_info >= (3, 11) else 1_200
MAX_BYTES = 256 << 20  # of one message
_FRAMES = 5  # Python calls for a level, at most

ATOMS = frozenset({type(None), bool, int, float, str})
ARRAYS = frozenset("bBhHiIlLqQfd")  # type codes of array.array and memoryview that any bytes are valid for
NANS = ("math", "cmath", "numpy")  # modules that have one object `nan`
TYPES: dict[str, type] = {
    t.__name__: t
    for t in (bool, int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, dict, type(None))
}
PATHS = ("PurePosixPath", "PureWindowsPath", "PosixPath")  # classes of pathlib

Reference = Callable[[str, Any], Any]


def _make_dumps() -> Callable[[Any], str]:
    """Return a json.dumps without spaces that makes no encoder each time: small values take a third."""
    try:
        encode = json.encoder.c_make_encoder(  # type: ignore[attr-defined]
            None, None, json.encoder.encode_basestring, None, ":", ",", False, False, True
        )
        assert "".join(encode(["x", 1.5, None], 0)) == '["x",1.5,null]'
    except (AttributeError, TypeError, AssertionError):  # the interpreter has none, or a different one
        return json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode
    return lambda tree: "".join(encode(tree, 0))


dumps = _make_dumps()
_scan = json.JSONDecoder().raw_decode


def loads(text: str) -> Any:
    """Return what `dumps` wrote; for any other text, raise an error of the kinds that `decode` knows."""
    tree, end = _scan(text)
    if end != len(text):
        raise ValueError("more than one value")
    return tree


def pack(tree: Any) -> bytes:
    """Return a tree that JSON can hold as bytes, without JSON's escapes: they join two lone surrogates."""
    return dumps(tree).encode("utf-8", "surrogatepass")


def unpack(raw: bytes) -> Any:
    """Return what `pack` wrote; raise as `loads` does."""
    return loads(raw.decode("utf-8", "surrogatepass"))


class ProtocolError(Exception):
    """The bytes are not a message that this codec writes."""


class NumpyMissingError(ProtocolError):
    """An array came, and numpy is not loaded; see `may_load_numpy`."""


class UnsupportedError(Exception):
    """A value that is not plain data."""


class TooDeepError(UnsupportedError):
    """A value nests too deep to cross."""


class Opaque:
    """Stands for an object that cannot cross; equal to nothing but itself."""

    __slots__ = ("kind", "number")

    def __init__(self, kind: str, number: int | None = None) -> None:
        self.kind, self.number = kind, number

    def __repr__(self) -> str:
        return f"<an object of type {self.kind!r} that is not plain data>"


class Content:
    """Stands for a container's present content, where its number would only say which container it is."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Deep:
    """Lets recursion go as deep as a value may nest, whatever the interpreter's own limit."""

    def __enter__(self) -> None:
        self._limit = sys.getrecursionlimit()
        sys.setrecursionlimit(self._limit + _FRAMES * MAX_DEPTH)

    def __exit__(self, *_: object) -> None:
        sys.setrecursionlimit(self._limit)


def are_fields(name: Any, fields: Any) -> bool:
    """Whether these can be names of a named tuple and its fields, and hide no attribute of a tuple."""
    return (
        all(type(field) is str and field.isidentifier() and field.isascii() for field in (name, *fields))
        and not any(field[0] == "_" or keyword.iskeyword(field) or hasattr(tuple, field) for field in fields)
        and not keyword.iskeyword(name)
        and len(set(fields)) == len(fields)
    )
