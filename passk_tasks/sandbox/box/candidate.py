"""What the drivers use in the candidate's process.

All of this shares an interpreter with hostile code, so nothing here decides anything. The tests' side takes
what it sends as data, never as a verdict.
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
# A source with one of these words may read its own file: by name, or from an interpreter that it starts.
_FILE, _PROCESSES, _POOLS = "__file__", "multiprocessing", "concurrent"
TEXT_LIMIT = 2000  # characters of an exception's text that cross
_REST_LIMIT = 20 * TEXT_LIMIT  # characters of its fields and causes
_ATOMS = frozenset((type(None), bool, int, float, str))
_STEP_OBJECTS, _STEP_BYTES = 64, 1 << 20  # of one iterator, which are known again
_AGAIN = b'{"=":'
_CHAIN_LIMIT = 4  # causes, one of the other
FIELDS = ("filename", "filename2", "name", "path", "obj")  # of builtin exceptions, beside their arguments
_EXCEPTIONS = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
}


class _References:
    """Objects that the candidate made and the tests hold, each under one number."""

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
        """Release all of them."""
        self.values.clear()


class Steps:
    """The objects that an iterator gave, by number, as the tests have them; the oldest are forgotten.

    Both sides of the channel have one, which must forget the same objects.
    """

    def __init__(self) -> None:
        self.objects: list[Any] = []
        self._size = 0

    def fits(self, size: int) -> bool:
        """Whether a step whose answer has so many bytes may be kept."""
        return self._size + size <= _STEP_BYTES

    def end(self, item: Any, known: int, size: int) -> None:
        """Forget what is not kept of a step: all objects if they are many, or those beside a known item.

        Args:
            item: what the step gave.
            known: how many objects there were before it.
            size: bytes of the answer.
        """
        if not self.fits(size) or len(self.objects) > _STEP_OBJECTS:
            self.objects.clear()
            self._size = 0
            return
        self._size += size
        if type(item) in _ATOMS or any(item is one for one in self.objects[:known]):
            del self.objects[known:]


class Candidate:
    """One candidate: its module, the objects that it handed out, and the state of the current request.

    Attributes:
        references: the objects that the candidate made and the tests hold.
        phase: where an exception would come from: `compile`, `load`, `call`, `reply` or `tests`.
        arguments: the encoded arguments of a call.
        crossed: the objects that came with the arguments, by number.
    """

    def __init__(self) -> None:
        self.module = types.ModuleType("solution")
        self.references = _References()
        self._steps: dict[int, tuple[list[Any], Steps]] = {}
        self.begin()

    def begin(self) -> None:
        """Forget the request before."""
        self.phase, self.arguments = "compile", ""
        self.crossed: list[Any] = []

    def named(self, name: str) -> Any:
        """Return the value of a name in the candidate's module."""
        try:
            return self.module.__dict__[name]
        except KeyError:
            raise NameError(f"name {name!r} is not defined") from None

    def referred(self, number: int) -> Any:
        """Return the object that the candidate handed out under a number."""
        return self.references.values[number]

    def handed_back(self, tag: str, payload: Any) -> Any:
        """Return the candidate's own object that the tests hand back."""
        return self.referred(payload) if tag == "ref" else self.named(payload)

    def encoded(self, reply: list[Any]) -> bytes:
        """Return an answer as bytes; the candidate's own objects in it become references."""
        references = self.references
        return codec.encode(reply, references.refer, self.crossed, own_classes=references.own_classes)

    def step(self, number: int, reply: list[Any]) -> bytes:
        """Return an iterator's answer as bytes; an object that it gave before is the same one again.

        Content that changed since goes along, where one of them comes again, and at the end.
        """
        given, copies = self._steps.setdefault(number, ([], Steps()))
        known = len(given)
        self.crossed = given
        try:
            raw = self.encoded(reply)
            if known and (reply[0] == "stop" or _AGAIN in raw):
                pairs = zip(given[:known], copies.objects, strict=True)
                same = [type(one) is type(other) for one, other in pairs]  # no instance of a subclass
                changed = [n for n in codec.changed(given[:known], copies.objects) if same[n]]
                if changed:
                    del given[known:]
                    reply.append([[n, codec.Content(given[n])] for n in changed])
                    raw = self.encoded(reply)
            copy = reply
            if copies.fits(len(raw)):
                copy = codec.decode(raw, self._given_out, copies.objects)
                for n, content in copy[2] if len(copy) == 3 else []:
                    codec.assign(copies.objects[n], content)
        except BaseException:
            del given[known:], copies.objects[known:]
            raise
        copies.end(copy[1], known, len(raw))
        del given[len(copies.objects) :]
        return raw

    def _given_out(self, tag: str, payload: Any) -> Any:
        return self.referred(payload[1] if tag == "ob" else payload)

    def changes(self) -> list[list[Any]]:
        """Return the new content of each argument that is no longer as it arrived."""
        if len(self.crossed) < 2:  # only the list of arguments itself
            return []
        now: list[Any] = []
        try:
            same = codec.text(self.crossed[0], _no_reference, sys.maxsize, now) == self.arguments
            # The same text is not enough: an equal object may have taken the place of another.
            if same and all(map(operator.is_, now, self.crossed)):
                return []
        except (codec.UnsupportedError, codec.ProtocolError):
            pass  # some of it is no plain data
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
        """Release everything, and return the answer for a lack of memory."""
        self.references.clear()
        self.module.__dict__.clear()
        return b'["raised","MemoryError","[]","","MemoryError","call"]'


def register(module: types.ModuleType, source: str) -> str:
    """Make the candidate a module that pickle, inspect and typing find; return the path of its file.

    The file is only written for a source that may read it: writing costs as much as most programs take.
    """
    file = FILENAME
    if _FILE in source or _PROCESSES in source or _POOLS in source:
        file = os.path.join(os.getcwd(), os.path.basename(FILENAME))
        try:
            with open(file, "w", encoding="utf-8", errors="surrogatepass", newline="") as written:
                written.write(source)
        except OSError:
            pass  # larger than a file may be; most sources only mention those words
    module.__file__ = file
    sys.modules[module.__name__] = module
    # A function, called on demand: splitting the source costs more than most programs take.
    linecache.cache[file] = (lambda: source,)
    return file


def _describe(error: BaseException) -> tuple[str, str, str, str]:
    """Return the nearest builtin exception, encoded arguments, text and own name; never raises."""
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
    """Return an exception's fields, cause and context, encoded; never raises."""

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
