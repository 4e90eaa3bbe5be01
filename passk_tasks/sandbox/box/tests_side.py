"""The tests' side: runs the tests of one candidate after another and decides.

It is a trusted program in a sandbox of its own. A candidate reaches it only by the data that `codec` lets
through, so a pass means that the tests, here, ran to their end.

    supervisor -> here    {"tests": id, "source", "prelude", "names", "base", "base_decides"},
                          {"tests": id, "packed", "comparison", "timeout_s", "base"}, {"drop": id},
                          {"program": index, "tests": id, "code", "judge"}
    here -> supervisor    {"program": index, "verdict", "detail", "cpu_s", "wall_s", "peak_mib", "flags",
                           "base": whether the base tests passed, null where there are none}, {"alive": index}
"""

from __future__ import annotations

import array
import builtins
import collections
import contextlib
import functools
import gc
import importlib
import json
import os
import random
import re
import secrets
import select
import signal
import socket
import struct
import sys
import time
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

from passk_tasks.sandbox.box import codec, frames, stdio, zygote
from passk_tasks.sandbox.box.limits import DISK_MIB, TREE_MEMORY

DETAIL_LIMIT = 500  # characters
_MAX_FLAGS = 20
_IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t]+([A-Za-z_][\w.]*)", re.MULTILINE)
TESTS_FILE, BASE_FILE = "<tests>", "<base tests>"
_EFBIG = 27
_TICKS = os.sysconf("SC_CLK_TCK")  # of /proc's CPU times, a second
_LOOK_S = 0.1  # a candidate that runs longer is looked at this often
_STALL_S = 1.5 * _LOOK_S
_TREE_BACKSTOP = 6.0  # times the time limit, for a candidate of several processes: it may starve itself
_AHEAD, _AHEAD_BYTES = 32, 1 << 15  # requests, and their bytes, that are sent before the first reply
_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / (1 << 20)
_SOCKET_MIB = 212_992 / (1 << 20)  # net.core.wmem_default: what one sender may have under way
_DATAGRAMS = (
    11  # net.unix.max_dgram_qlen of a new namespace, and one more: senders that one receiver may keep
)


class CandidateGone(BaseException):
    """The candidate's process ended, or was ended, before the tests did; not for tests to catch."""

    def __init__(self, verdict: str, detail: str) -> None:
        super().__init__(verdict, detail)
        self.verdict, self.detail = verdict, detail


class TestsTimeout(BaseException):
    """The tests themselves used up the CPU seconds of the limit."""

    __test__ = False


# How long an answer of each kind is.
_LENGTHS = {"ok": (1,), "proof": (3,), "stop": (2,), "value": (2, 3)}


class Box:
    """One candidate's process, as the tests see it."""

    def __init__(
        self,
        control: socket.socket,
        timeout_s: float,
        backstop_s: float,
        memory_mib: int,
        zygote_pid: int,
        streams: tuple[int, ...] = (),
        own_network: bool = False,
        disk: str | None = None,
    ) -> None:
        self._control, self._zygote_pid, self._counts_sockets = control, zygote_pid, own_network
        self._timeout_s, self._backstop_s, self._memory_mib = timeout_s, backstop_s, memory_mib
        self._disk, self._free_mib = disk, 0.0 if disk is None else _free_mib(disk)
        self._wall_s, self._waited_s, self._look_at_s = 0.0, 0.0, _LOOK_S
        self._stolen_before_s: float | None = None
        self._buffer = frames.Buffer(codec.MAX_BYTES)
        self.fatal: CandidateGone | None = None
        self._ahead, self._turn = 0, 0  # replies that are still to come, and whose they are
        self._channel, theirs = socket.socketpair()
        self._channel.setblocking(False)
        given = array.array("i", (theirs.fileno(), *streams))
        command = zygote.FORK.pack(b"F", int(timeout_s) + 2)
        control.sendmsg([command], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, given)])
        theirs.close()
        answer, ancillary, _flags, _address = control.recvmsg(1, socket.CMSG_SPACE(4))
        if answer != b"P":
            raise EOFError("the zygote is gone")
        self._pidfd: int = struct.unpack("i", ancillary[0][2][:4])[0]
        self._poll = select.poll()
        self._poll.register(self._channel, select.POLLIN)
        self._poll.register(self._pidfd, select.POLLIN)

    def request(self, message: list[Any]) -> bytes:
        """Send a request and return the reply, undecoded.

        Raises:
            CandidateGone: the process ended, ran out of time or sent what is no message.
        """
        if self.fatal is not None:
            raise self.fatal
        self._forget_ahead()
        try:
            self._send(frames.pack(codec.pack(message)))
            return self._receive()
        except CandidateGone as gone:
            self.fatal = gone
            raise

    def requests(self, messages: Iterator[list[Any]]) -> Iterator[bytes]:
        """Send requests before the replies to earlier ones are there; yield the replies in order.

        First one at a time, then more: a candidate that fails, fails early. Never more together than a socket
        takes at once: a candidate that waits for us to read its reply, while we wait for it to read, waits
        until its time is up.

        Raises:
            CandidateGone: as `request`; replies that came before it are yielded first.
        """
        most = 1
        held: list[bytes] = []
        for message in messages:
            raw = frames.pack(codec.pack(message))
            if held and (len(held) == most or sum(map(len, held)) + len(raw) > _AHEAD_BYTES):
                yield from self._exchange(held)
                held, most = [], min(2 * most, _AHEAD)
            held.append(raw)
        yield from self._exchange(held)

    def _exchange(self, messages: list[bytes]) -> Iterator[bytes]:
        if self.fatal is not None:
            raise self.fatal
        self._forget_ahead()
        try:
            self._ahead, turn = len(messages), self._turn
            self._send(b"".join(messages))
            for _ in messages:
                if turn != self._turn:
                    raise RuntimeError("another call came between, and the answers were given up")
                reply = self._receive()
                self._ahead -= 1
                yield reply
        except CandidateGone as gone:
            self.fatal = gone
            raise

    def _forget_ahead(self) -> None:
        """Read what nobody waits for any more, lest it be taken for the next answer."""
        self._turn += 1
        try:
            while self._ahead:
                self._receive()
                self._ahead -= 1
        except CandidateGone as gone:
            self.fatal = gone
            raise

    def finish(self, message: list[Any]) -> bytes | None:
        """Send a last request and wait for the process to end by itself; return a reply, if it sent one.

        Raises:
            CandidateGone: its time is up, or it sent what is no message.
        """
        try:
            return self.request(message)
        except CandidateGone as gone:
            if gone.verdict != "crashed" or gone.detail:
                raise
            self.fatal = None
        # Ended, or it closed the channel and lives on.
        self._poll.unregister(self._channel)
        try:
            while not self._pause():
                pass
        except CandidateGone as gone:
            self.fatal = gone
            raise
        return None

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self._channel.send(view) :]
            except BlockingIOError:
                self._wait(select.POLLOUT)
            except OSError:
                raise CandidateGone("crashed", "") from None

    def _receive(self) -> bytes:
        while True:
            try:
                message = self._buffer.take()
            except ValueError as error:
                raise CandidateGone(
                    "crashed", f"the candidate's process wrote to its channel: {error}"
                ) from None
            if message is not None:
                return message
            self._wait(select.POLLIN)
            try:
                # A larger buffer would be mapped and unmapped by the C library for each message.
                data = self._channel.recv(1 << 16)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                raise CandidateGone("crashed", "")
            self._buffer.feed(data)

    def _wait(self, event: int) -> None:
        """Wait until the channel is ready.

        Raises:
            CandidateGone: the process ended, or its time is up.
        """
        if event != select.POLLIN:
            self._poll.modify(self._channel, event)
        while True:
            ready = self._pause()
            if any(fd != self._pidfd for fd, _ in ready):
                break
            # Ended? What it wrote before is still to be read, whoever else may hold its channel.
            if ready and not select.select([self._channel], [], [], 0)[0]:
                raise CandidateGone("crashed", "")
            if ready:
                break
        if event != select.POLLIN:
            self._poll.modify(self._channel, select.POLLIN)

    def _pause(self) -> list[tuple[int, int]]:
        """Wait for a moment; return the descriptors that are ready."""
        started = time.monotonic()
        ready = self._poll.poll(_LOOK_S * 1000)
        passed_s = time.monotonic() - started
        self._wall_s += passed_s
        # Longer than it was asked for: this process had no CPU (a paused container, a loaded machine), and
        # the candidate, on the same one, neither. What it worked meanwhile is in its CPU seconds.
        self._waited_s += min(passed_s, _STALL_S)
        # By the sum of all waits: answers that trickle in do not put the next look off.
        if self._waited_s >= self._look_at_s:
            self._look()
            self._look_at_s = self._waited_s + _LOOK_S
        return ready

    def _look(self) -> None:
        """End a candidate that used up its time, or whose processes together use too much memory.

        What it used of its time is CPU seconds, or the wall seconds in which it did not wait for a CPU: the
        second is what a sleeping program uses. Time on a run queue is the machine's doing, not the program's,
        and so is time that the host of a virtual machine took away (steal).
        Orphans count: whatever lives below the zygote is the candidate's.
        """
        cpu_s = queued_s = resident_mib = mapped_mib = 0.0
        tree = zygote.descendants(self._zygote_pid, zombies=True)
        for process in tree:
            try:
                stat = _read(f"/proc/{process}/stat").rpartition(")")[2].split()
                cpu_s += sum(map(int, stat[11:15])) / _TICKS  # its own, and of children it waited for
                for thread in os.listdir(f"/proc/{process}/task"):
                    queued_s += int(_read(f"/proc/{process}/task/{thread}/schedstat").split()[1]) * 1e-9
                mapped, resident = _read(f"/proc/{process}/statm").split()[:2]
                mapped_mib, resident_mib = (
                    mapped_mib + int(mapped) * _PAGE_MIB,
                    resident_mib + int(resident) * _PAGE_MIB,
                )
            except (OSError, ValueError, IndexError):
                continue  # it ended meanwhile
        backstop_s = self._backstop_s
        if len(tree) > 1:
            backstop_s = min(backstop_s, _TREE_BACKSTOP * self._timeout_s)
        stolen_s = _stolen_s()
        if self._stolen_before_s is None:
            self._stolen_before_s = stolen_s
        used_s = max(cpu_s, self._waited_s - queued_s - (stolen_s - self._stolen_before_s))
        if used_s >= self._timeout_s or self._wall_s >= backstop_s:
            raise CandidateGone("timeout", f"no result after {self._timeout_s:g} s")
        # Each process has its own limit.
        most_mib = TREE_MEMORY * self._memory_mib
        if max(resident_mib, mapped_mib) > most_mib:
            # Forks share pages, and processes keep pages that are not resident in any: the zygote knows.
            together_mib = self._ask_mib(b"M") or resident_mib
            if together_mib > most_mib:
                raise CandidateGone(
                    "memory_limit", f"{len(tree)} processes use {together_mib:.0f} MiB together"
                )
        if self._counts_sockets and (sockets_mib := _sockets_mib()) > most_mib:
            raise CandidateGone("memory_limit", f"its sockets may hold {sockets_mib:.0f} MiB")

        if self._disk is not None and self._free_mib - _free_mib(self._disk) > DISK_MIB:
            # Somebody fills the disk.
            written_mib = self._ask_mib(b"W")
            if written_mib > DISK_MIB:
                raise CandidateGone("output_limit", f"{written_mib:.0f} MiB were written")

    def _ask_mib(self, what: bytes) -> float:
        self._control.send(what)
        answer = self._control.recv(zygote.AMOUNT.size)
        if len(answer) != zygote.AMOUNT.size:
            raise EOFError("the zygote is gone")
        return float(zygote.AMOUNT.unpack(answer)[0]) / 1024

    def end(self) -> tuple[int, float, float]:
        """Kill the process and all that it left; return wait status, CPU seconds and peak MiB."""
        self._channel.close()
        os.close(self._pidfd)
        self._control.send(b"E")
        report = self._control.recv(1 + zygote.REPORT.size)
        if report[:1] != b"R":
            raise EOFError("the zygote is gone")
        status, cpu_s, peak_kib = zygote.REPORT.unpack(report[1:])
        return status, cpu_s, peak_kib / 1024


def _free_mib(folder: str) -> float:
    status = os.statvfs(folder)
    return status.f_bfree * status.f_frsize / (1 << 20)


def _sockets_mib() -> float:
    """Return what the sockets of this network namespace may hold at most.

    It is the kernel's memory and no process's. A socket that waits to be accepted is nobody's descriptor, and
    may be full all the same.
    """
    try:
        kinds = [line.split()[4] for line in _read("/proc/net/unix").splitlines()[1:]]
    except (OSError, IndexError):
        return 0.0
    return sum(_SOCKET_MIB * (_DATAGRAMS if kind == "0002" else 1) for kind in kinds)


def _stolen_s() -> float:
    """Seconds that a virtual machine's host took from the CPUs that this process may use; 0 if unknown."""
    try:
        lines = _read("/proc/stat").splitlines()
        names = {f"cpu{number}" for number in os.sched_getaffinity(0)}
        return sum(int(fields[8]) for line in lines if (fields := line.split())[0] in names) / _TICKS
    except (OSError, ValueError, IndexError):
        return 0.0


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

    def run_tests(self, source: str, proof: str) -> None:
        """Run tests in the candidate's own namespace; returns only when `proof` comes back."""
        reply = self._reply(["tests", source, proof], "proof")
        if reply[1] != proof:
            self._violation("the tests' proof is missing")
        self.flags += [one_line(flag) for flag in reply[2] if type(flag) is str][:_MAX_FLAGS]

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


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _refuse(kind: str, value: Any) -> NoReturn:
    raise codec.UnsupportedError(f"{kind} of type {type(value).__name__}")


# --- one program after another ------------------------------------------------------------------------------


class _Suite:
    """The tests of one problem, compiled once for all of its candidates."""

    def __init__(self, source: str, prelude: str, names: list[str], base: str, base_decides: bool) -> None:
        self.source, self.names, self.base, self.base_decides = source, names, base, base_decides
        self.prelude = compile(prelude, "<prelude>", "exec", dont_inherit=True) if prelude else None
        self._codes: list[types.CodeType] = []

    def stages(self) -> list[types.CodeType]:
        """Return the base tests, where there are some, and the tests."""
        if not self._codes:
            named = [(self.base, BASE_FILE)] if self.base else []
            named.append((self.source, TESTS_FILE))
            self._codes = [compile(source, name, "exec", dont_inherit=True) for source, name in named]
            text = f"{self.base}\n{self.source}"
            used = set().union(*map(_names, self._codes))
            for name in dict.fromkeys(_IMPORT.findall(text)):
                if name in used:
                    with contextlib.suppress(Exception):  # raised again where it is explained
                        importlib.import_module(name)
        return self._codes

    def line(self, file: str, number: int) -> str:
        """Return a line of either stage, without what surrounds it; `""` where there is none."""
        lines = (self.base if file == BASE_FILE else self.source).split("\n")
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""


def _names(code: types.CodeType) -> set[str]:
    """Return the names that a code and the functions in it use."""
    inner = [_names(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return set(code.co_names).union(*inner)


class TestsSide:
    """Judges programs; one at a time.

    Args:
        control: socket to the zygote.
        timeout_s: the limit, as `Limits.timeout_s`.
        backstop_s: wall seconds after which a candidate's time is up whatever the load.
        memory_mib: the candidate's limit, to tell a crash for want of memory from others.
        own_network: whether the network namespace has no sockets but the candidate's and this package's.
        disk: the candidates' folder where it is on a disk of the host, None where it has a size of its own.
    """

    __test__ = False

    def __init__(
        self,
        control: socket.socket,
        timeout_s: float,
        backstop_s: float,
        memory_mib: int,
        *,
        own_network: bool = False,
        disk: str | None = None,
    ) -> None:
        self._memory_mib, self._timeout_s = memory_mib, timeout_s
        [zygote_pid] = zygote.descendants(os.getpid())
        self._backstop = backstop_s / timeout_s
        self._box = functools.partial(
            Box, control, memory_mib=memory_mib, zygote_pid=zygote_pid, own_network=own_network, disk=disk
        )
        self._suites: dict[int, _Suite | stdio.Cases] = {}
        self._armed = False
        signal.signal(signal.SIGPROF, self._on_timer)

    def _on_timer(self, _number: int, frame: Any) -> None:
        if not self._armed:
            return
        while frame is not None:
            if frame.f_code.co_filename.startswith("<frozen importlib"):
                # Half a module would stay for the next candidate's tests, and its time is not this one's.
                signal.setitimer(signal.ITIMER_PROF, self._timeout_s)
                return
            frame = frame.f_back
        raise TestsTimeout

    def serve(self, supervisor: int) -> None:
        """Answer the supervisor until it closes its socket."""
        while True:
            try:
                request = json.loads(frames.read(supervisor))
            except EOFError:
                return
            if "program" in request:
                index, suite = request["program"], self._suites[request["tests"]]
                if isinstance(suite, stdio.Cases):
                    alive = json.dumps({"alive": index}).encode("ascii")
                    tell = functools.partial(frames.write, supervisor, alive)
                    outcome = self._judge_cases(suite, request["code"], tell)
                else:
                    outcome = self._judge(suite, request["code"], request["judge"])
                frames.write(supervisor, json.dumps({**outcome, "program": index}).encode("ascii"))
            elif "drop" in request:
                self._suites.pop(request["drop"], None)
            elif "packed" in request:
                self._suites[request["tests"]] = stdio.Cases(
                    request["packed"], request["comparison"], request["timeout_s"], request["base"]
                )
            else:
                parts = ("source", "prelude", "names", "base", "base_decides")
                self._suites[request["tests"]] = _Suite(*(request[part] for part in parts))

    def _judge(self, suite: _Suite, code: str, judge: str) -> dict[str, Any]:
        if judge == "isolated":
            # Megabytes of literals and imports take their time, which is not the first candidate's.
            with contextlib.suppress(Exception):  # raised again where it is explained
                suite.stages()
        run: Callable[[Remote, _Suite, str], None] = {"isolated": _run_isolated, "script": _run_script}[judge]
        outcome, wants_numpy = self._judge_once(run, suite, code)
        if wants_numpy:
            with contextlib.suppress(Exception):  # there may be none
                importlib.import_module("numpy")
            codec.may_load_numpy = True
            outcome, _ = self._judge_once(run, suite, code)
        return outcome

    def _judge_once(
        self, run: Callable[[Remote, _Suite, str], None], suite: _Suite, code: str
    ) -> tuple[dict[str, Any], bool]:
        """Return an outcome, and whether it is none because numpy has to be loaded first."""
        remote = Remote(self._start(self._timeout_s))
        random.seed(0)  # tests that draw examples draw the same ones for every candidate
        if "numpy.random" in sys.modules:
            sys.modules["numpy.random"].seed(0)
        outcome = self._outcome(remote, lambda: run(remote, suite, code), self._timeout_s, suite)
        return outcome, remote.wants_numpy

    def _judge_cases(self, cases: stdio.Cases, code: str, tell: Callable[[], None]) -> dict[str, Any]:
        """Run a program on one case after another, until one does not hold; `tell` the supervisor of each."""
        timeout_s = max(self._timeout_s, cases.timeout_s)
        cpu_s = wall_s = peak_mib = 0.0
        held = 0
        outcome: dict[str, Any] = {}
        for given, expected in cases.pairs:
            with stdio.Streams(given) as streams:
                remote = Remote(self._start(timeout_s, streams.fds))
                outcome = self._outcome(
                    remote,
                    functools.partial(remote.run_program, code),
                    timeout_s,
                    check=functools.partial(streams.check, cases.comparison, expected),
                )
            cpu_s, wall_s = cpu_s + outcome["cpu_s"], wall_s + outcome["wall_s"]
            peak_mib = max(peak_mib, outcome["peak_mib"])
            if outcome["verdict"] != "passed":
                if outcome["verdict"] != "syntax_error":
                    where = f"test {held + 1} of {len(cases.pairs)}: "
                    outcome["detail"] = one_line(where + outcome["detail"])
                break
            held += 1
            tell()
        base = held >= cases.base if cases.base else None
        return {**outcome, "cpu_s": cpu_s, "wall_s": wall_s, "peak_mib": peak_mib, "base": base}

    def _start(self, timeout_s: float, streams: tuple[int, ...] = ()) -> Box:
        return self._box(timeout_s=timeout_s, backstop_s=self._backstop * timeout_s, streams=streams)

    def _outcome(
        self,
        remote: Remote,
        run: Callable[[], None],
        timeout_s: float,
        suite: _Suite | None = None,
        check: Callable[[], None] | None = None,
    ) -> dict[str, Any]:
        """Run the tests of one process, end it, and say what came of them.

        Args:
            remote: the process.
            run: the tests; under `stdio` it returns once the process has ended by itself.
            timeout_s: the limit of the process, and of the tests themselves.
            suite: where the tests come from, for the line that did not hold.
            check: what must hold besides, when nothing of the candidate is left; it also had to end well.
        """
        started = time.monotonic()
        verdict, detail = self._guarded(run, remote, timeout_s, suite)
        if remote.box.fatal is not None:  # whatever tests made of it: they may catch everything
            verdict, detail = remote.box.fatal.verdict, remote.box.fatal.detail
        wall_s = time.monotonic() - started
        status, cpu_s, peak_mib = remote.box.end()
        if verdict == "passed" and cpu_s > timeout_s:  # it ended between two looks
            verdict, detail = "timeout", f"{cpu_s:.2f} s of CPU time"
        if verdict == "passed" and check is not None:
            verdict, detail = self._guarded(check, remote, timeout_s) if status == 0 else ("crashed", "")
        if verdict == "crashed" and not detail:
            verdict, detail = _explain_status(status, cpu_s >= timeout_s, peak_mib >= 0.9 * self._memory_mib)
            if check is None:
                detail += " before the tests ended" if verdict == "crashed" else ""
        return {
            "verdict": verdict,
            "detail": one_line(detail),
            "cpu_s": round(cpu_s, 6),
            "wall_s": round(wall_s, 6),
            "peak_mib": round(peak_mib, 3),
            "flags": remote.flags,
            "base": remote.base_passed if suite is not None and suite.base else None,
        }

    def _guarded(
        self, run: Callable[[], None], remote: Remote, timeout_s: float, suite: _Suite | None = None
    ) -> tuple[str, str]:
        """Call something that hostile values go through; return verdict and detail."""
        self._armed = True
        signal.setitimer(signal.ITIMER_PROF, timeout_s)
        try:
            run()
        except BaseException as error:
            self._armed = False
            try:
                return _explain(error, remote, suite)
            except Exception as worse:  # hostile values are in there: turning them to text may fail
                return "error", f"{type(error).__name__}, and {type(worse).__name__} in showing it"
        finally:
            self._armed = False
            signal.setitimer(signal.ITIMER_PROF, 0)
        return "passed", ""


def _run_isolated(remote: Remote, suite: _Suite, code: str) -> None:
    remote.load(code)
    namespace: dict[str, Any] = {"__name__": "tests", "__builtins__": builtins}
    if suite.prelude is not None:
        exec(suite.prelude, namespace)
    for name in suite.names:
        namespace[name] = RemoteFunction(remote, "call", name)
    *base, tests = suite.stages()
    for stage in base:
        remote.run_base(functools.partial(exec, stage, dict(namespace)), suite.base_decides)
    exec(tests, namespace)


def _run_script(remote: Remote, suite: _Suite, code: str) -> None:
    remote.load(code)
    if suite.base:
        run = functools.partial(remote.run_tests, suite.base, secrets.token_hex(16))
        remote.run_base(run, suite.base_decides)
    remote.run_tests(suite.source, secrets.token_hex(16))


def _explain(error: BaseException, remote: Remote, suite: _Suite | None) -> tuple[str, str]:
    """Return verdict and detail for what ended the tests."""
    if isinstance(error, CandidateGone):
        return error.verdict, error.detail
    if isinstance(error, TestsTimeout):
        return "timeout", "the tests used up the time over what the candidate returned"
    if isinstance(error, NotPlainError):
        return "infra_error", f"the tests hand over a {error}, which is not plain data; use judge=script"
    for mine, own, text in remote.raised:
        if mine is error:
            return _explain_raised(error, own, text)
    if isinstance(error, stdio.WrongAnswerError):
        return "failed", str(error)
    where = _line_of(error, suite) if suite is not None else "the comparison"
    if isinstance(error, AssertionError):
        text = _text(error)
        return "failed", f"{where}: {text}" if text else where
    if isinstance(error, MemoryError):
        return "memory_limit", "the tests ran out of memory over what the candidate returned"
    return "error", f"{type(error).__name__}: {_text(error)} in {where}"


def _explain_raised(error: BaseException, own: str, text: str) -> tuple[str, str]:
    detail = f"{own}: {text}" if text else own
    if isinstance(error, AssertionError):
        return "failed", detail
    if isinstance(error, MemoryError):
        return "memory_limit", detail
    if isinstance(error, OSError) and error.errno == _EFBIG:
        return "output_limit", detail
    return "error", detail


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except ValueError:  # an int of more digits than Python turns to text
        return "(too long to show)"


def _line_of(error: BaseException, suite: _Suite) -> str:
    trace, shown = error.__traceback__, ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file in (TESTS_FILE, BASE_FILE):
            shown = suite.line(file, trace.tb_lineno)
        trace = trace.tb_next
    return shown or "the tests"


def _explain_status(status: int, cpu_spent: bool, memory_spent: bool) -> tuple[str, str]:
    """Return verdict and detail for a process that ended by itself."""
    code = os.waitstatus_to_exitcode(status)
    if code == 77:
        return "memory_limit", "out of memory"
    if code >= 0:
        return "crashed", f"exited with status {code}"
    name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
    if -code == signal.SIGXCPU or (-code == signal.SIGKILL and cpu_spent):
        return "timeout", "out of CPU time"
    if memory_spent and -code in (signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL, signal.SIGBUS):
        return "memory_limit", f"killed by {name} at the memory limit"
    return "crashed", f"killed by {name}"


def one_line(text: str) -> str:
    """Bound a text and make it safe to store: one line, no control characters, no lone surrogates."""
    text = " ".join(text[: 2 * DETAIL_LIMIT].split())
    text = "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )
    return text if len(text) <= DETAIL_LIMIT else text[: DETAIL_LIMIT - 1] + "…"


def prepare() -> None:
    """Make ready for many programs: what is loaded by now is never collected, so never looked at again."""
    codec.may_load_numpy = False
    gc.collect()
    gc.freeze()
