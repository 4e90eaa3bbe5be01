"""Messages between a candidate and its tests: plain data of exact types, never code.

Both sides use this module. The candidate can replace its own side by anything, so `decode` trusts nothing:
whatever the bytes are, it returns a value made of the types below or raises `ProtocolError`. It never looks
up a user's class or reads an attribute, and imports nothing but numpy and a few modules of the standard
library.

JSON carries None, bool, int, float, str and list as they are. Everything else is an object with one key, its
tag. An instance of a subclass crosses as its base value, read by the base type's own methods, so that an
overridden `__eq__` stays behind.

Identity is kept as pickle keeps it: everything but an atom gets a number, in the order in which both sides
meet it, and where it comes again its number stands (`{"=": 3}`). A reply goes on with the numbers of its
request, so that an argument that comes back is the very object that the tests handed over. Atoms need no
number; a float that is not equal to itself (nan) has one. Containers get their number before their items,
which may refer to them; tuples and the rest get it afterwards.

Deep values are sent in parts, because the C stack bounds JSON's own reader and writer.
"""

from __future__ import annotations

from passk_tasks.sandbox.box.codec.changes import assign, changed
from passk_tasks.sandbox.box.codec.form import (
    MAX_BYTES,
    Content,
    NumpyMissingError,
    Opaque,
    ProtocolError,
    TooDeepError,
    UnsupportedError,
    pack,
    unpack,
)
from passk_tasks.sandbox.box.codec.reading import decode
from passk_tasks.sandbox.box.codec.writing import encode, text

__all__ = [
    "MAX_BYTES", "Content", "NumpyMissingError", "Opaque", "ProtocolError", "TooDeepError",
    "UnsupportedError", "assign", "changed", "decode", "encode", "pack", "text", "unpack",
]  # fmt: skip
