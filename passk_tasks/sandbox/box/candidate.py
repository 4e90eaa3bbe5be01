"""The driver in the candidate's process.

Everything here shares an interpreter with hostile code, so nothing here decides anything: it loads the
candidate, calls its functions with the arguments that arrive, and sends back what they return. What it sends
is believed to be data, never a verdict. Under the judge `script` it runs the tests as well and sends back the
proof that came with them; SECURITY.md says what that is worth.

Requests, each a JSON list:

    ["load", source]                  -> ["ok"] or an exception
    ["call", name, args, kwargs]      -> ["value", result], and a third item if the call changed arguments: a
                                         list of [position or keyword, new value]
    ["apply", n, args, kwargs]        -> the same, for a function that crossed as reference n
    ["next", n]                       -> ["value", item] or ["stop", value] for an iterator
    ["tests", source, proof]          -> ["proof", proof, flags] or an exception
    ["main", source]                  -> the process ends with the program's own status, or an exception

An exception is ["raised", builtin name, arguments as an encoded list, text, own name, phase].
"""

from __future__ import annotations

import builtins
import copy
import json
import linecache
import math
import os
import random
import sys
import types
from typing import Any, NoReturn

from passk_tasks.sandbox.box import codec, frames, program_driver

CHANNEL = 3
FILENAME = "/box/solution.py"
# A source with one of these may read its own file: by name, or in an interpreter that multiprocessing starts.
_NEEDS_FILE = ("__file__", "multiprocessing", "concurrent")
TEXT_LIMIT = 2000  # characters of an exception's text that cross
_EXCEPTIONS = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
}

# What tests rely on and a candidate in the same interpreter could change.
_PRISTINE = {
    module.__name__: {k: v for k, v in vars(module).items() if callable(v)}
    for module in (builtins, copy, math, random)
}


def serve() -> NoReturn:
    """Answer requests until the channel closes; never returns."""
    references: list[Any] = []
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


def _answer(request: list[Any], module: types.ModuleType, references: list[Any]) -> bytes:
    def refer(kind: str, value: Any) -> dict[str, Any]:
        references.append(value)
        number = len(references) - 1
        if kind == "object":
            return {"ob": [_name(value), number]}
        return {"it" if kind == "iterator" else "fn": number}

    def handed_back(tag: str, payload: Any) -> Any:
        return references[payload] if tag == "ref" else module.__dict__[payload]

    verb = request[0]
    phase = "compile"
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
            exec(code, module.__dict__)
            return b'["ok"]'
        if verb == "tests":
            phase = "tests"
            flags = _tampered()
            exec(compile(request[1], "/box/tests.py", "exec", dont_inherit=True), module.__dict__)
            return json.dumps(["proof", request[2], sorted({*flags, *_tampered()})]).encode()
        phase = "call"
        if verb == "next":
            try:
                value = next(references[request[1]])
            except StopIteration as stop:
                return codec.encode(["stop", stop.value], refer)
            return codec.encode(["value", value], refer)
        if verb == "call":
            try:
                function = module.__dict__[request[1]]
            except KeyError:
                raise NameError(f"name {request[1]!r} is not defined") from None
        else:
            function = references[request[1]]
        args = [codec.decode(raw, handed_back) for raw in request[2]]
        kwargs = {key: codec.decode(raw, handed_back) for key, raw in request[3].items()}
        result = function(*args, **kwargs)
        phase = "reply"
        changed = [
            [key, value]
            for key, value, raw in (
                *((i, value, raw) for i, (value, raw) in enumerate(zip(args, request[2], strict=True))),
                *((key, kwargs[key], raw) for key, raw in request[3].items()),
            )
            if raw[0] in "[{" and _differs(value, raw)
        ]
        return codec.encode(["value", result, changed] if changed else ["value", result], refer)
    except MemoryError:
        references.clear()
        module.__dict__.clear()
        return b'["raised","MemoryError","[]","","MemoryError","call"]'
    except BaseException as error:
        return codec.pack(["raised", *_describe(error), phase])


def _differs(value: Any, raw: str) -> bool:
    """Whether an argument is no longer what it was; what it holds now may not be plain data."""
    try:
        return codec.text(value, _no_reference, sys.maxsize) != raw
    except (codec.UnsupportedError, codec.ProtocolError):
        return False


def _tampered() -> list[str]:
    """Name what a candidate changed that its tests rely on, as far as it lets itself be seen."""
    flags = [
        f"patched {name}.{key}"
        for name, kept in _PRISTINE.items()
        for key, value in kept.items()
        if vars(sys.modules[name]).get(key) is not value
    ]
    if sys.gettrace() is not None or sys.getprofile() is not None:
        flags.append("trace function")
    if len(sys._current_frames()) > 1:
        flags.append("thread left running")
    return flags


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


def _name(value: Any) -> str:
    return str(type.__dict__["__name__"].__get__(type(value)))[:200]


def _no_reference(tag: str, _payload: Any) -> Any:
    raise codec.ProtocolError(f"unexpected reference {tag!r}")
