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
