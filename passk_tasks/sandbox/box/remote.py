"""Calls into the candidate's process: what the tests see of its functions, iterators and exceptions."""

from __future__ import annotations

import builtins
import collections
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

from passk_tasks.sandbox.box import codec
from passk_tasks.sandbox.box.process import Box, CandidateGone

_MAX_FLAGS = 20
# How long an answer of each kind is.
_LENGTHS = {"ok": (1,), "ended": (2,), "proof": (2,), "stop": (2,), "value": (2, 3)}


class Remote:
    """Calls into the candidate's process, and remembers what it raised there."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.raised: list[tuple[BaseException, str, str]] = []  # exception, own name, text
        self.flags: list[str] = []
        self.base_passed = False
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
        if self.box.fatal is not None:  # they may have caught the exception that says so
            self.base_passed = False
            raise self.box.fatal

    def call(self, verb: str, target: str | int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function by name (`call`) or reference (`apply`); changed arguments change here too."""
        try:
            sent = [codec.text(arg, self._hand_back, sys.maxsize) for arg in args]
            named = {key: codec.text(arg, self._hand_back, sys.maxsize) for key, arg in kwargs.items()}
        except codec.UnsupportedError as error:
            raise NotPlainError(str(error)) from None
        reply = self._reply([verb, target, sent, named], "value")
        if len(reply) == 3:
            self._assign(args, kwargs, reply[2])
        return reply[1]

    def each(self, verb: str, target: str | int, calls: Iterable[Iterable[Any]]) -> Iterator[Any]:
        """Call a function with one list of arguments after another, without waiting; yield the results.

        What a call changes in its arguments changes here when its result is yielded: calls whose arguments
        share an object are not for this.
        """
        under_way: collections.deque[tuple[Any, ...]] = collections.deque()

        def messages() -> Iterator[list[Any]]:
            for call in calls:
                args = tuple(call)
                under_way.append(args)
                try:
                    yield [verb, target, [codec.text(arg, self._hand_back, sys.maxsize) for arg in args], {}]
                except codec.UnsupportedError as error:
                    raise NotPlainError(str(error)) from None

        for raw in self.box.requests(messages()):
            args = under_way.popleft()
            reply = self._answer(raw, "value")
            if len(reply) == 3:
                self._assign(args, {}, reply[2])
            yield reply[1]

    def _assign(self, args: tuple[Any, ...], kwargs: dict[str, Any], changes: list[Any]) -> None:
        """Do to the tests' own arguments what the candidate did to its copies."""
        for change in changes:
            if type(change) is not list or len(change) != 2:
                self._violation("a change of no argument")
            key, value = change
            if type(key) is int and 0 <= key < len(args):
                codec.assign(args[key], value)
            elif type(key) is str and key in kwargs:
                codec.assign(kwargs[key], value)
            else:
                self._violation("a change of no argument")

    def next(self, number: int) -> Any:
        """Fetch an iterator's next item; StopIteration at its end."""
        reply = self._reply(["next", number], "value", "stop")
        if reply[0] == "stop":
            raise StopIteration(reply[1])
        return reply[1]

    def load(self, source: str) -> None:
        """Run the candidate's module."""
        self._reply(["load", source], "ok")

    def keep(self, modules: list[str]) -> None:
        """Have modules loaded, and what is in them kept, before the candidate is."""
        if modules:
            self._reply(["keep", modules], "ok")

    def run_tests(self, prepared: dict[str, Any]) -> None:
        """Run prepared tests in the candidate's own namespace; returns only when they have ended there.

        The proof of that, which nobody can know ahead, is not in the candidate's process while they run.
        """
        flags = self._reply(["tests", prepared], "ended")[1]
        proof = secrets.token_hex(16)
        if type(flags) is not list or self._reply(["prove", proof], "proof")[1] != proof:
            self._violation("the tests' proof is missing")
        self.flags += [flag for flag in flags if type(flag) is str][:_MAX_FLAGS]

    def run_program(self, source: str) -> None:
        """Run the candidate as a program, until it has ended by itself; what it raised is raised here."""
        reply = self.box.finish(["main", source])
        if reply is not None:
            self._answer(reply)

    def _reply(self, request: list[Any], *kinds: str) -> list[Any]:
        """Ask, and return an answer of one of the kinds: a list that starts with its name."""
        return self._answer(self.box.request(request), *kinds)

    def _answer(self, raw: bytes, *kinds: str) -> list[Any]:
        try:
            reply = codec.decode(raw, self._resolve)
        except codec.NumpyMissingError:
            self.wants_numpy = True
            self._violation("an array")
        except codec.ProtocolError as error:
            self._violation(str(error))
        if type(reply) is not list or not reply:
            self._violation("an answer of the wrong form")
        if reply[0] == "raised":
            self._raise(reply)
        if reply[0] not in kinds or len(reply) not in _LENGTHS[reply[0]]:
            self._violation("an answer of the wrong form")
        if len(reply) == 3 and type(reply[2]) is not list:
            self._violation("an answer of the wrong form")
        return reply

    def _raise(self, reply: list[Any]) -> NoReturn:
        if len(reply) != 6 or not all(type(part) is str for part in reply):
            self._violation("an exception of the wrong form")
        _, kind_name, arguments, text, own, phase = reply
        kind = vars(builtins).get(kind_name)
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            self._violation("an exception of no builtin type")
        if phase == "compile" and not issubclass(kind, MemoryError):
            raise CandidateGone("syntax_error", f"{own}: {text}")
        if phase == "reply" and own == "ProtocolError":
            raise CandidateGone("output_limit", text)
        if phase == "reply" and own == "UnsupportedError":
            raise CandidateGone("failed", f"the result cannot be compared: {text}")
        if issubclass(kind, SystemExit):
            raise CandidateGone("crashed", f"exited before the tests ended (SystemExit: {text})")
        error = _exception(kind, arguments, text)
        self.raised.append((error, own, text))
        raise error

    def _hand_back(self, kind: str, value: Any) -> dict[str, Any]:
        """Name what the candidate made and gets back; whatever else is not plain data is refused."""
        if isinstance(value, RemoteIterator) and value.remote is self:
            return {"ref": value.number}
        if isinstance(value, RemoteFunction) and value.remote is self:
            return {"name" if value.verb == "call" else "ref": value.target}
        if isinstance(value, codec.Opaque) and value.number is not None:
            return {"ref": value.number}
        return _refuse(kind, value)

    def _resolve(self, tag: str, payload: Any) -> Any:
        if tag == "it" and type(payload) is int:
            return RemoteIterator(self, payload)
        if tag == "fn" and type(payload) is int:
            return RemoteFunction(self, "apply", payload)
        if tag == "ob" and type(payload) is list and list(map(type, payload)) == [str, int]:
            return codec.Opaque(*payload)
        raise codec.ProtocolError("unknown tag")

    def _violation(self, what: str) -> NoReturn:
        self.box.fatal = CandidateGone("crashed", f"the candidate's process wrote to its channel: {what}")
        raise self.box.fatal


class NotPlainError(Exception):
    """The tests hand over a value that is not plain data: this problem needs the judge `script`."""


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


def _exception(kind: type[BaseException], arguments: str, text: str) -> BaseException:
    """Make the exception that the candidate raised, as far as its arguments are plain data."""
    if issubclass(kind, UnicodeError) and kind is not UnicodeError:
        return kind.__new__(kind)  # CPython trusts the positions in its arguments, as far as a crash
    try:
        return kind(*codec.decode(arguments, _refuse))
    except (TypeError, ValueError, codec.ProtocolError, codec.UnsupportedError):
        if not issubclass(kind, Exception):
            return Exception(text)
    try:
        return kind.__new__(kind)
    except TypeError:  # a group; what it held does not cross
        return kind(text, [Exception(text)])


def _refuse(kind: str, value: Any) -> NoReturn:
    raise codec.UnsupportedError(f"{kind} of type {type(value).__name__}")
