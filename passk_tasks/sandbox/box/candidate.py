"""The candidate's process as its drivers see it.

Everything here shares an interpreter with hostile code, so nothing here decides anything. What it sends is
believed to be data, never a verdict.
"""

from __future__ import annotations

import builtins
import linecache
import operator
import os
import sys
import types
from typing import Any

from passk_tasks.sandbox.box import codec

CHANNEL = 3
FILENAME = "/box/solution.py"
# A source with one of these may read its own file: by name, or in an interpreter that multiprocessing starts.
_NEEDS_FILE = ("__file__", "multiprocessing", "concurrent")
TEXT_LIMIT = 2000  # characters of an exception's text that cross
_REST_LIMIT = 20 * TEXT_LIMIT  # characters of what there is of it besides
_CHAIN_LIMIT = 4  # exceptions that are the cause of one
FIELDS = ("filename", "filename2", "name", "path", "obj")  # of builtin exceptions, beside their arguments
_EXCEPTIONS = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
}


class _References:
    """What the candidate made and the tests hold, by number; the same object has the same one."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.own_classes = False
        self._numbers: dict[int, int] = {}

    def refer(self, kind: str, value: Any) -> dict[str, Any]:
        """Return the tree that stands for an object."""
        number = self._numbers.setdefault(id(value), len(self.values))
        if number == len(self.values):
            self.values.append(value)
        if kind == "object":
            return {"ob": [_name(value), number]}
        return {"it" if kind == "iterator" else "fn": number}

    def clear(self) -> None:
        """Let go of all of them."""
        self.values.clear()


class Candidate:
    """One candidate: its module, what it handed out, and how far the request in hand got.

    Attributes:
        module: what `load` runs.
        references: what the candidate made and the tests hold.
        phase: what an exception would come from: `compile`, `load`, `call`, `reply` or `tests`.
        arguments: of a call, encoded.
        crossed: with the arguments, by number.
    """

    def __init__(self) -> None:
        self.module = types.ModuleType("solution")
        self.references = _References()
        self.begin()

    def begin(self) -> None:
        """Forget the request before."""
        self.phase, self.arguments = "compile", ""
        self.crossed: list[Any] = []

    def named(self, name: str) -> Any:
        """Return what the candidate defines by a name."""
        try:
            return self.module.__dict__[name]
        except KeyError:
            raise NameError(f"name {name!r} is not defined") from None

    def referred(self, number: int) -> Any:
        """Return what the candidate made and handed out as this number."""
        return self.references.values[number]

    def handed_back(self, tag: str, payload: Any) -> Any:
        """Return what the tests hand back of the candidate's own."""
        return self.referred(payload) if tag == "ref" else self.named(payload)

    def encoded(self, reply: list[Any]) -> bytes:
        """Return an answer with what the candidate made in it."""
        references = self.references
        return codec.encode(reply, references.refer, self.crossed, own_classes=references.own_classes)

    def changes(self) -> list[list[Any]]:
        """Return what the arguments hold by now, where that is not what arrived."""
        if len(self.crossed) < 2:  # the list of them alone
            return []
        now: list[Any] = []
        try:
            same = codec.text(self.crossed[0], _no_reference, sys.maxsize, now) == self.arguments
            if same and all(
                map(operator.is_, now, self.crossed)
            ):  # an equal one may stand in the place of another
                return []
        except (codec.UnsupportedError, codec.ProtocolError):
            pass  # objects that the tests handed back, or that it holds now
        before: list[Any] = []
        codec.decode(self.arguments, self.handed_back, before)
        return [
            [number, codec.Content(self.crossed[number])] for number in codec.changed(self.crossed, before)
        ]

    def raised(self, error: BaseException) -> bytes:
        """Return the answer for an exception; see `drivers.isolated`."""
        reply = ["raised", *_describe(error), self.phase, _rest(error)]
        try:
            if self.phase == "call" and (changes := self.changes()):
                return self.encoded([*reply, changes])
        except BaseException as worse:
            return codec.pack(["raised", *_describe(worse), "reply", _rest(worse)])
        return codec.pack(reply)

    def raised_memory_error(self) -> bytes:
        """Let go of everything, and return the answer for want of memory."""
        self.references.clear()
        self.module.__dict__.clear()
        return b'["raised","MemoryError","[]","","MemoryError","call"]'


def register(module: types.ModuleType, source: str) -> str:
    """Make the candidate a module like any other, so that pickle, inspect and typing find it.

    Returns its file name. The file itself is there for who may want it: writing one costs as much as most
    programs take.
    """
    file = FILENAME
    if any(word in source for word in _NEEDS_FILE):
        file = os.path.join(os.getcwd(), os.path.basename(FILENAME))
        try:
            with open(file, "w", encoding="utf-8", errors="surrogatepass", newline="") as written:
                written.write(source)
        except OSError:
            pass  # larger than a file may be: most of those words are in passing
    module.__file__ = file
    sys.modules[module.__name__] = module
    # Lazily: splitting the source costs more than most programs take.
    linecache.cache[file] = (lambda: source,)
    return file


def _describe(error: BaseException) -> tuple[str, str, str, str]:
    """Return nearest builtin exception, encoded arguments, text and own name; never raises."""
    nearest, arguments, text, own = "Exception", "[]", "", "Exception"
    try:
        nearest = next(k.__name__ for k in type(error).__mro__ if _EXCEPTIONS.get(k.__name__) is k)
        own = _name(error)
        text = str.__str__(str(error))[:TEXT_LIMIT]
        plain = codec.text(list(error.args), _no_reference)
        if len(plain) <= TEXT_LIMIT:
            arguments = plain
    except BaseException:
        pass
    return nearest, arguments, text, own


def _rest(error: BaseException, depth: int = 0) -> str:
    """Return what there is of an exception besides, encoded; never raises."""

    def whole(other: BaseException | None) -> list[str] | None:
        if other is None or depth == _CHAIN_LIMIT:
            return None
        return [*_describe(other), _rest(other, depth + 1)]

    try:
        values = {**{name: getattr(error, name, None) for name in FIELDS}, **vars(error)}
        fields = {name: value for name, value in values.items() if value is not None and _is_short(value)}
        chain = {"cause": whole(error.__cause__), "context": whole(error.__context__)}
        raw = codec.text({"fields": fields, **chain, "hidden": error.__suppress_context__}, _no_reference)
        return raw if len(raw) <= _REST_LIMIT else "{}"
    except BaseException:
        return "{}"


def _is_short(value: Any) -> bool:
    try:
        return len(codec.text(value, _no_reference)) <= TEXT_LIMIT
    except (codec.UnsupportedError, codec.ProtocolError):
        return False


def _name(value: Any) -> str:
    return str(type.__dict__["__name__"].__get__(type(value)))[:200]


def _no_reference(tag: str, _payload: Any) -> Any:
    raise codec.ProtocolError(f"unexpected reference {tag!r}")
