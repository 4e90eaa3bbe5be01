"""Calls into the candidate's process: its functions, objects and exceptions, as the tests see them."""

from __future__ import annotations

import builtins
import collections
import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

from passk_tasks.sandbox.box import codec, operations
from passk_tasks.sandbox.box.candidate import FIELDS, TEXT_LIMIT, Steps
from passk_tasks.sandbox.box.container import RemoteContainer
from passk_tasks.sandbox.box.process import Box, CandidateGone
from passk_tasks.verdict import Verdict

_MAX_FLAGS = 20
# The lengths that an answer of each kind may have.
_LENGTHS = {"ok": (1,), "ended": (2,), "proof": (2,), "stop": (2, 3), "value": (2, 3)}


class Remote:
    """Calls into the candidate's process, and remembers what the candidate raised.

    Args:
        box: the process.
        objects: whether a value that is not plain data is a `RemoteObject`; else it has no methods.

    Attributes:
        not_plain: the error if the tests handed over a value that is not plain data.
        raised: each exception that the candidate raised, with its own class's name and its text.
        flags: signs of an attempt to fool the tests.
        base_passed: whether the base tests passed.
        returned: what the last call returned, alone in a list; empty if there was none.
        wants_numpy: whether an array came, and numpy is not loaded.
    """

    def __init__(self, box: Box, objects: bool = False) -> None:
        self.box, self.objects = box, objects
        self.not_plain: NotPlainError | None = None
        self._proxies: dict[tuple[str, int], Any] = {}
        self._steps: dict[int, Steps] = {}
        self.raised: list[tuple[BaseException, str, str]] = []
        self.flags: list[str] = []
        self.base_passed = False
        self.returned: list[Any] = []
        self.wants_numpy = False

    def run_base(self, run: Callable[[], None], decides: bool) -> None:
        """Run the base tests and note whether they passed; go on after a failure unless they decide."""
        try:
            run()
        except Exception as error:
            if decides or isinstance(error, NotPlainError):
                raise
        else:
            self.base_passed = True
        self.box.begin_stage()
        if self.box.fatal is not None:  # the tests may have caught it
            self.base_passed = False
            raise self.box.fatal

    def call(self, verb: str, target: str | int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function by name (`call`), reference (`apply`) or operation (`do`).

        What it changes in its arguments changes here too; an argument that it returns is the same object
        here.
        """
        message, crossed = self._message(verb, target, args, kwargs)
        self.returned = [self._answer(self._ask(message), "value", crossed=crossed)[1]]
        return self.returned[0]

    def each(self, verb: str, target: str | int, calls: Iterable[Iterable[Any]]) -> Iterator[Any]:
        """Call a function with one list of arguments after another, without waiting; yield the results.

        What a call changes in its arguments changes here when its result is yielded. So the arguments of
        different calls must not share an object.
        """
        under_way: collections.deque[list[Any]] = collections.deque()

        def messages() -> Iterator[list[Any]]:
            for call in calls:
                message, crossed = self._message(verb, target, tuple(call), {})
                under_way.append(crossed)
                yield message

        replies = self.box.requests(messages())
        while True:
            try:
                raw = next(replies)
            except StopIteration:
                return
            except MemoryError:
                self._out_of_memory()
            self.returned = [self._answer(raw, "value", crossed=under_way.popleft())[1]]
            yield self.returned[0]

    def _message(
        self, verb: str, target: str | int, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[list[Any], list[Any]]:
        """Return a request, and the objects that cross with it, by number."""
        crossed: list[Any] = []
        arguments = {"": list(args), **kwargs} if kwargs else list(args)
        try:
            raw = codec.text(arguments, self._hand_back, sys.maxsize, crossed, keep_memory=True)
        except codec.TooDeepError as error:
            self.box.fatal = CandidateGone(Verdict.ERROR, f"the tests hand over {error}")
            raise self.box.fatal from None
        except codec.UnsupportedError as error:
            self.not_plain = NotPlainError(str(error))
            raise self.not_plain from None
        return [verb, target, raw], crossed

    def _assign(self, crossed: list[Any], sent: int, changes: Any) -> None:
        """Change the tests' objects as the candidate changed its copies; the first `sent` may be changed."""
        for change in changes if type(changes) is list else [None]:
            number, content = change if type(change) is list and len(change) == 2 else (None, None)
            if type(number) is not int or not 0 <= number < sent:
                self._violation("a change of no argument")
            try:
                codec.assign(crossed[number], content)
            except codec.ProtocolError as error:
                self._violation(str(error))

    def next(self, number: int) -> Any:
        """Return an iterator's next item; raise StopIteration at its end."""
        steps = self._steps.setdefault(number, Steps())
        known = len(steps.objects)
        raw = self._ask(["next", number])
        try:
            reply = self._answer(raw, "value", "stop", crossed=steps.objects)
        except BaseException:
            del steps.objects[known:]
            raise
        steps.end(reply[1], known, len(raw))
        if reply[0] == "stop":
            raise StopIteration(reply[1])
        return reply[1]

    def load(self, source: str) -> None:
        """Run the candidate's module, under the limit of digits that holds here."""
        digits = getattr(sys, "get_int_max_str_digits", lambda: None)()
        self._reply(["load", source, self.objects, digits], "ok")

    def keep(self, modules: list[str]) -> None:
        """Load modules and keep their content, before the candidate is loaded."""
        if modules:
            self._reply(["keep", modules], "ok")

    def run_tests(self, prepared: dict[str, Any]) -> None:
        """Run prepared tests in the candidate's own namespace; returns only when they have ended there.

        The candidate's process must then send back a random proof, which it does not have while they run.
        """
        flags = self._reply(["tests", prepared], "ended")[1]
        proof = os.urandom(16).hex()
        if type(flags) is not list or self._reply(["prove", proof], "proof")[1] != proof:
            self._violation("the tests' proof is missing")
        self.flags += [flag for flag in flags if type(flag) is str][:_MAX_FLAGS]

    def run_program(self, source: str) -> None:
        """Run the candidate as a program until it ends by itself; raise what it raised."""
        reply = self.box.finish(["main", source])
        if reply is not None:
            self._answer(reply)

    def _reply(self, request: list[Any], *kinds: str) -> list[Any]:
        """Send a request; return the answer, a list that starts with the name of one of these kinds."""
        return self._answer(self._ask(request), *kinds)

    def _ask(self, request: list[Any]) -> bytes:
        try:
            return self.box.request(request)
        except MemoryError:
            self._out_of_memory()

    def _answer(self, raw: bytes, *kinds: str, crossed: list[Any] | None = None) -> list[Any]:
        crossed = [] if crossed is None else crossed
        sent = len(crossed)
        try:
            reply = codec.decode(raw, self._resolve, crossed)
        except codec.NumpyMissingError:
            self.wants_numpy = True
            self._violation("an array")
        except codec.ProtocolError as error:
            self._violation(str(error))
        except MemoryError:
            self._out_of_memory()
        if type(reply) is not list or not reply:
            self._violation("an answer of the wrong form")
        if reply[0] == "raised":
            if len(reply) == 8:
                self._assign(crossed, sent, reply.pop())
            self._raise(reply)
        if reply[0] not in kinds or len(reply) not in _LENGTHS[reply[0]]:
            self._violation("an answer of the wrong form")
        if len(reply) == 3 and type(reply[2]) is not list:
            self._violation("an answer of the wrong form")
        if len(reply) == 3:
            self._assign(crossed, sent, reply[2])
        return reply

    def _raise(self, reply: list[Any]) -> NoReturn:
        if not 6 <= len(reply) <= 7 or not all(type(part) is str for part in reply):
            self._violation("an exception of the wrong form")
        _, kind_name, arguments, text, own, phase, *rest = reply
        kind = _builtin(kind_name)
        if kind is None:
            self._violation("an exception of no builtin type")
        if phase == "compile" and not issubclass(kind, MemoryError):
            raise CandidateGone(Verdict.SYNTAX_ERROR, f"{own}: {text}")
        if phase == "reply" and own == "ProtocolError":
            raise CandidateGone(Verdict.OUTPUT_LIMIT, text)
        if phase == "reply" and own in ("UnsupportedError", "TooDeepError"):
            raise CandidateGone(Verdict.FAILED, f"the result cannot be compared: {text}")
        if issubclass(kind, SystemExit):
            raise CandidateGone(Verdict.CRASHED, f"exited before the tests ended (SystemExit: {text})")
        error = _exception(kind, arguments, text, own, *rest)
        self.raised.append((error, own, text))
        raise error

    def _hand_back(self, kind: str, value: Any) -> dict[str, Any]:
        """Return the tree for an object that the candidate made; refuse others that are not plain data."""
        target: str | int | None = None
        if type(value) is RemoteObject:
            remote, target = _whereabouts(value)
            target = target if remote is self else None
        elif type(value) is RemoteIterator and value.remote is self:
            target = value.number
        elif type(value) is RemoteFunction and value.remote is self:
            target = value.target
        elif type(value) is RemoteContainer and value.remote is self:
            target = value.number
        if target is None:
            return _refuse(kind, value)
        return {"name" if type(target) is str else "ref": target}

    def _resolve(self, tag: str, payload: Any) -> Any:
        named = tag == "ob" and type(payload) is list and len(payload) == 2
        name, number = payload if named else ("", payload)
        if tag not in ("it", "fn", "ob") or type(number) is not int or type(name) is not str:
            raise codec.ProtocolError("unknown tag")
        if (tag, number) not in self._proxies:
            if self.objects:
                made: Any = RemoteObject(self, number)
            elif tag == "ob":
                made = RemoteContainer(self, name, number)
            elif tag == "it":
                made = RemoteIterator(self, number)
            else:
                made = RemoteFunction(self, "apply", number)
            self._proxies[tag, number] = made
        return self._proxies[tag, number]

    def _out_of_memory(self) -> NoReturn:
        """End the candidate: only half a message was read, and the rest would look like the next answer."""
        self.box.fatal = CandidateGone(Verdict.MEMORY_LIMIT, "the tests ran out of memory over what crosses")
        raise self.box.fatal

    def _violation(self, what: str) -> NoReturn:
        self.box.fatal = CandidateGone(
            Verdict.CRASHED, f"the candidate's process wrote to its channel: {what}"
        )
        raise self.box.fatal


class NotPlainError(Exception):
    """The tests hand over a value that is not plain data: they have to run in the candidate's process."""


class RemoteFunction:
    """A function of the candidate, by name or by reference."""

    def __init__(self, remote: Remote, verb: str, target: str | int) -> None:
        self.remote, self.verb, self.target = remote, verb, target
        self.__name__ = str(target)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it where it lives."""
        return self.remote.call(self.verb, self.target, args, kwargs)

    def each(self, calls: Iterable[Iterable[Any]]) -> Iterator[Any]:
        """Call it with one list of arguments after another; see `Remote.each`."""
        return self.remote.each(self.verb, self.target, calls)


class RemoteIterator:
    """An iterator of the candidate; each item is fetched when the tests ask for it."""

    def __init__(self, remote: Remote, number: int) -> None:
        self.remote, self.number = remote, number

    def __iter__(self) -> RemoteIterator:
        return self

    def __next__(self) -> Any:
        return self.remote.next(self.number)


class RemoteObject:
    """An object of the candidate, or one of its classes; every operation is done in the candidate's process.

    It has no attribute of its own: even `__class__` and `__doc__` are the object's. A result is plain data or
    another such object.
    """

    __slots__ = ("__remote", "__target", "__weakref__")

    def __init__(self, remote: Remote, target: str | int) -> None:
        object.__setattr__(self, "_RemoteObject__remote", remote)
        object.__setattr__(self, "_RemoteObject__target", target)

    def __getattribute__(self, name: str) -> Any:
        if name == "__deepcopy__":  # `copy` looks for it in the object, not in its class
            return lambda _memo: _do(self, "deepcopy", self)
        return _do(self, "getattr", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _do(self, "setattr", self, name, value)

    def __delattr__(self, name: str) -> None:
        _do(self, "delattr", self, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it, or make an object of the class that it is."""
        remote, _ = _whereabouts(self)
        return remote.call("do", "call", (self, *args), kwargs)

    def __exit__(self, kind: Any, error: Any, _trace: Any) -> Any:
        if error is None:
            return _do(self, "exit", self, None, [])
        nearest = next(base.__name__ for base in type(error).__mro__ if _builtin(base.__name__) is base)
        return _do(self, "exit", self, nearest, list(error.args))


def _whereabouts(value: RemoteObject) -> tuple[Remote, str | int]:
    return (
        object.__getattribute__(value, "_RemoteObject__remote"),
        object.__getattribute__(value, "_RemoteObject__target"),
    )


def _do(value: RemoteObject, operation: str, *args: Any) -> Any:
    return _whereabouts(value)[0].call("do", operation, args, {})


def _next(value: RemoteObject) -> Any:
    remote, target = _whereabouts(value)
    return remote.next(target) if type(target) is int else _do(value, "next", value)


def _give_methods() -> None:
    """Give RemoteObject the methods that Python looks for in its class."""

    def straight(operation: str) -> Callable[..., Any]:
        return lambda self, *args: _do(self, operation, self, *args)

    def reflected(operation: str) -> Callable[..., Any]:
        return lambda self, other: _do(self, operation, other, self)

    same = (
        *operations.BINARY, *operations.COMPARISONS, *operations.UNARY, "getitem", "setitem", "delitem",
        "contains", "copy", "enter", "instancecheck", "subclasscheck",
    )  # fmt: skip
    for name in same:
        setattr(RemoteObject, f"__{name}__", straight(name))
    RemoteObject.__next__ = _next  # type: ignore[attr-defined]
    for name in operations.BINARY:
        setattr(RemoteObject, f"__r{name}__", reflected(name))
        if name != "divmod":
            setattr(RemoteObject, f"__i{name}__", straight(f"i{name}"))


_give_methods()


def _builtin(name: str) -> type[BaseException] | None:
    kind = vars(builtins).get(name)
    return kind if isinstance(kind, type) and issubclass(kind, BaseException) else None


def _exception(
    kind: type[BaseException], arguments: str, text: str, own: str, rest: str = "{}"
) -> BaseException:
    """Make the exception that the candidate raised, with as much of its content as is plain data.

    An exception of the candidate's own class gets a new class of that name, and the same text.
    """
    if own != kind.__name__ and own.isidentifier() and len(text) < TEXT_LIMIT:
        kind = type(own, (kind,), {"__str__": lambda _self: text})
    error = _of_arguments(kind, arguments, text)
    try:
        more = codec.decode(rest, _refuse)
        for name, value in more.get("fields", {}).items():
            if name in FIELDS or not (name.startswith("_") or hasattr(kind, name)):
                with contextlib.suppress(AttributeError, TypeError):
                    setattr(error, name, value)
        if more.get("context") is not None:
            error.__context__ = _chained(*more["context"])
        if more.get("cause") is not None:
            error.__cause__ = _chained(*more["cause"])
        error.__suppress_context__ = more.get("hidden") is True
    except (TypeError, ValueError, AttributeError, codec.ProtocolError, codec.UnsupportedError):
        pass  # the candidate sent nonsense about its own exception
    return error


def _chained(kind_name: str, arguments: str, text: str, own: str, rest: str) -> BaseException:
    if not all(type(part) is str for part in (kind_name, arguments, text, own, rest)):
        raise TypeError("an exception of the wrong form")
    return _exception(_builtin(kind_name) or Exception, arguments, text, own, rest)


def _of_arguments(kind: type[BaseException], arguments: str, text: str) -> BaseException:
    try:
        args = codec.decode(arguments, _refuse)
        if issubclass(kind, (UnicodeDecodeError, UnicodeEncodeError)):
            # CPython trusts the positions in its arguments, and can crash.
            _encoding, given, start, end, _reason = args
            if not 0 <= start < end <= len(given):
                return kind.__new__(kind)
        elif issubclass(kind, UnicodeTranslateError):
            return kind.__new__(kind)
        return kind(*args)
    except (TypeError, ValueError, codec.ProtocolError, codec.UnsupportedError):
        if not issubclass(kind, Exception):
            return Exception(text)
    try:
        return kind.__new__(kind)
    except TypeError:  # an exception group; its exceptions do not cross
        return kind(text, [Exception(text)])


def _refuse(kind: str, value: Any) -> NoReturn:
    raise codec.UnsupportedError(f"{kind} of type {type(value).__name__}")
