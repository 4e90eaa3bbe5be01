"""The driver in the candidate's process.

Everything here shares an interpreter with hostile code, so nothing here decides anything: it loads the
candidate, calls its functions with the arguments that arrive, and sends back what they return. What it sends
is believed to be data, never a verdict. Under the judge `script` it runs the tests as well, by
`in_one_process`, and sends back a proof that comes when they have ended; SECURITY.md says what that is worth.

Requests, each a JSON list:

    ["load", source, own classes]     -> ["ok"] or an exception; whether instances of the candidate's classes
                                         are objects, even those of a plain base
    ["call", name, arguments]         -> ["value", result], and a third item if the call changed arguments: a
                                         list of [number in the message, content]
    ["apply", n, arguments]           -> the same, for a function that crossed as reference n
    ["do", operation, arguments]      -> the same, for one of `operations`
    ["next", n]                       -> ["value", item] or ["stop", value] for an iterator
    ["keep", names of modules]        -> ["ok"]; what is in them is put back before the tests run
    ["tests", prepared]               -> ["ended", flags] or an exception; `Prepared` makes them
    ["prove", proof]                  -> ["proof", proof]
    ["main", source]                  -> the process ends with the program's own status, or an exception

Arguments are encoded as one list, or as a dictionary of those with names, and the others under "".

An exception is ["raised", builtin name, arguments as an encoded list, text, own name, phase, the rest], and
an eighth item if the call changed arguments. The rest is an encoded dictionary: the exception's `fields`,
what its `cause` and `context` are (None, or the same texts without the phase), and whether the context is
`hidden`.
"""

from __future__ import annotations

import builtins
import linecache
import operator
import os
import sys
import types
from typing import Any, NoReturn

from passk_tasks.sandbox.box import codec, frames, in_one_process, program_driver
from passk_tasks.sandbox.box.operations import OPERATIONS

CHANNEL = 3
FILENAME = "/box/solution.py"
# A source with one of these may read its own file: by name, or in an interpreter that multiprocessing starts.
_NEEDS_FILE = ("__file__", "multiprocessing", "concurrent")
TEXT_LIMIT = 2000  # characters of an exception's text that cross
_REST_LIMIT = 20 * TEXT_LIMIT  # characters of what there is of it besides
_CHAIN_LIMIT = 4  # exceptions that are the cause of one
_FIELDS = ("filename", "filename2", "name", "path", "obj")  # of builtin exceptions, beside their arguments
_EXCEPTIONS = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
}


def serve() -> NoReturn:
    """Answer requests until the channel closes; never returns."""
    references = _References()
    module = types.ModuleType("solution")
    channel = frames.Reader(CHANNEL)
    try:
        while True:
            reply = _answer(codec.unpack(channel.read()), module, references)
            frames.write(CHANNEL, reply)
    except MemoryError:
        os._exit(77)
    except BaseException:
        os._exit(78)


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


def _answer(request: list[Any], module: types.ModuleType, references: _References) -> bytes:
    refer = references.refer

    def named(name: str) -> Any:
        try:
            return module.__dict__[name]
        except KeyError:
            raise NameError(f"name {name!r} is not defined") from None

    def handed_back(tag: str, payload: Any) -> Any:
        return references.values[payload] if tag == "ref" else named(payload)

    verb = request[0]
    phase = "compile"
    crossed: list[Any] = []  # with the arguments, by number
    own = references.own_classes
    try:
        if verb == "main":
            file = _register(types.ModuleType("__main__"), request[1])
            code = program_driver.compiled(request[1], file)
            phase = "call"
            program_driver.run(code)
        if verb == "load":
            file = _register(module, request[1])
            code = compile(request[1], file, "exec", dont_inherit=True)
            phase = "load"
            references.own_classes = request[2]
            exec(code, module.__dict__)
            return b'["ok"]'
        if verb == "keep":
            in_one_process.keep(request[1])
            return b'["ok"]'
        if verb == "tests":
            phase = "tests"
            return codec.pack(["ended", in_one_process.run(module, request.pop())])
        if verb == "prove":
            return codec.pack(["proof", request[1]])
        phase = "call"
        if verb == "next":
            try:
                value = next(references.values[request[1]])
            except StopIteration as stop:
                return codec.encode(["stop", stop.value], refer, own_classes=own)
            return codec.encode(["value", value], refer, own_classes=own)
        if verb == "call":
            function = named(request[1])
        elif verb == "do":
            function = OPERATIONS[request[1]]
        else:
            function = references.values[request[1]]
        given = codec.decode(request[2], handed_back, crossed)
        if type(given) is list:
            result = function(*given)
        else:
            result = function(*given[""], **{name: value for name, value in given.items() if name})
        phase = "reply"
        reply = ["value", result]
        if changes := _changes(crossed, request, handed_back):
            reply.append(changes)
        return codec.encode(reply, refer, crossed, own_classes=own)
    except MemoryError:
        references.clear()
        module.__dict__.clear()
        return b'["raised","MemoryError","[]","","MemoryError","call"]'
    except BaseException as error:
        reply = ["raised", *_describe(error), phase, _rest(error)]
        try:
            if phase == "call" and (changes := _changes(crossed, request, handed_back)):
                return codec.encode([*reply, changes], refer, crossed, own_classes=own)
        except BaseException as worse:
            return codec.pack(["raised", *_describe(worse), "reply", _rest(worse)])
        return codec.pack(reply)


def _changes(crossed: list[Any], request: list[Any], handed_back: codec.Reference) -> list[list[Any]]:
    """Return what the arguments hold by now, where that is not what arrived."""
    if len(crossed) < 2:  # the list of them alone
        return []
    now: list[Any] = []
    try:
        same = codec.text(crossed[0], _no_reference, sys.maxsize, now) == request[2]
        if same and all(map(operator.is_, now, crossed)):  # an equal one may stand in the place of another
            return []
    except (codec.UnsupportedError, codec.ProtocolError):
        pass  # objects that the tests handed back, or that it holds now
    before: list[Any] = []
    codec.decode(request[2], handed_back, before)
    return [[number, codec.Content(crossed[number])] for number in codec.changed(crossed, before)]


def _register(module: types.ModuleType, source: str) -> str:
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
        values = {**{name: getattr(error, name, None) for name in _FIELDS}, **vars(error)}
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
