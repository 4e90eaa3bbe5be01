"""One candidate's process as the tests' side sees it: messages both ways, and what it uses meanwhile."""

from __future__ import annotations

import array
import errno
import os
import select
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

from passk_tasks.sandbox.box import codec, frames, zygote
from passk_tasks.sandbox.box.limits import DISK_MIB, TREE_MEMORY

_TICKS = os.sysconf("SC_CLK_TCK")  # of /proc's CPU times, a second
_LOOK_S = 0.1  # a candidate that runs longer is looked at this often
_STALL_S = 1.5 * _LOOK_S
_TREE_BACKSTOP = 6.0  # times the time limit, for a candidate of several processes: it may starve itself
_AHEAD, _AHEAD_BYTES = 32, 1 << 15  # requests, and their bytes, that are sent before the first reply
_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / (1 << 20)
_SOCKET_MIB = 212_992 / (1 << 20)  # net.core.wmem_default: what one sender may have under way
_PIPES_MOST = 256  # of a candidate of several processes; a user may have 1024 before new ones shrink
_DATAGRAMS = (
    11  # net.unix.max_dgram_qlen of a new namespace, and one more: senders that one receiver may keep
)


class CandidateGone(BaseException):
    """The candidate's process ended, or was ended, before the tests did; not for tests to catch."""

    def __init__(self, verdict: str, detail: str) -> None:
        super().__init__(verdict, detail)
        self.verdict, self.detail = verdict, detail


class Box:
    """One candidate's process, as the tests see it."""

    def __init__(
        self,
        control: socket.socket,
        timeout_s: float,
        backstop_s: float,
        memory_mib: int,
        nursery_pid: int,
        streams: tuple[int, ...] = (),
        own_network: bool = False,
        disk: str | None = None,
    ) -> None:
        self._control, self._nursery_pid, self._counts_sockets = control, nursery_pid, own_network
        self._timeout_s, self._backstop_s, self._memory_mib = timeout_s, backstop_s, memory_mib
        self._disk, self._free_mib = disk, 0.0 if disk is None else _free_mib(disk)
        if disk is not None and self._free_mib < DISK_MIB:
            # What fails for want of it would be the candidate's failure.
            raise OSError(
                errno.ENOSPC,
                f"{self._free_mib:.0f} MiB are free where candidates write ({os.path.dirname(disk)}), and "
                f"{DISK_MIB} are needed: free some, or set TMPDIR to a folder on another disk",
            )
        self._wall_s, self._waited_s, self._look_at_s = 0.0, 0.0, _LOOK_S
        self._stolen_before_s: float | None = None
        self._buffer = frames.Buffer(codec.MAX_BYTES)
        self.fatal: CandidateGone | None = None
        self.crowds_others = False  # whether it took of what a user has, so that others may have lacked it
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
        Orphans count: whatever lives below a zygote, which lives below the nursery, is the candidate's.
        """
        cpu_s = queued_s = resident_mib = mapped_mib = 0.0
        tree = zygote.descendants(self._nursery_pid, zombies=True, below=1)
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
        if len(tree) > 1 and (pipes := self._ask(b"N")) > _PIPES_MOST:
            self.crowds_others = True
            raise CandidateGone("memory_limit", f"{len(tree)} processes hold {pipes} pipes")
        if self._counts_sockets and (sockets_mib := _sockets_mib()) > most_mib:
            raise CandidateGone("memory_limit", f"its sockets may hold {sockets_mib:.0f} MiB")

        if self._disk is not None and self._free_mib - _free_mib(self._disk) > DISK_MIB:
            # Somebody fills the disk.
            written_mib = self._ask_mib(b"W")
            if written_mib > DISK_MIB:
                raise CandidateGone("output_limit", f"{written_mib:.0f} MiB were written")

    def _ask_mib(self, what: bytes) -> float:
        return self._ask(what) / 1024

    def _ask(self, what: bytes) -> int:
        self._control.send(what)
        answer = self._control.recv(zygote.AMOUNT.size)
        if len(answer) != zygote.AMOUNT.size:
            raise EOFError("the zygote is gone")
        return int(zygote.AMOUNT.unpack(answer)[0])

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


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
