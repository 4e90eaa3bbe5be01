"""One candidate's process as the tests' side sees it: messages both ways, and limits on what it uses."""

from __future__ import annotations

import array
import errno
import os
import random
import select
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from passk_tasks.sandbox.box import codec, frames, kernel, protocol, usage
from passk_tasks.sandbox.box.limits import DISK_MIB, Room
from passk_tasks.sandbox.box.traces import Traces
from passk_tasks.verdict import Verdict

_LOOK_S = 0.1  # between two looks at a candidate, half of it more or less
_STALL_S = 0.05
_TREE_BACKSTOP = 6.0  # time limits of wall time for a candidate of several processes: it may starve itself
_AHEAD, _AHEAD_BYTES = 32, 1 << 15  # at most so many requests, and bytes, are sent before the first reply
_chance = random.Random()  # not the module's own, which tests seed
_DESCRIPTORS = socket.CMSG_SPACE(4 * 8)  # room for those that come with an answer
_PIPES_MOST = 256  # of a candidate; where a user has more than 1024, the kernel makes new ones smaller
# As many files may be under way: of a user's 1024 the kernel takes no more.


class CandidateGone(BaseException):
    """The candidate's process ended, or was ended, before the tests; tests are not meant to catch this."""

    def __init__(self, verdict: Verdict, detail: str) -> None:
        super().__init__(verdict, detail)
        self.verdict, self.detail = verdict, detail


class _Clock:
    """A time limit and its backstop, in seconds, and since when they count."""

    def __init__(self, limit_s: float, backstop_s: float) -> None:
        self.limit_s, self.backstop_s = limit_s, backstop_s
        self._used_before_s: float | None = 0.0  # None until the next look: a look costs more than most calls
        self._wall_before_s = 0.0

    def begin(self, wall_s: float) -> None:
        """Count from now on; what is used before the next look, a tenth of a second, does not count."""
        self._used_before_s, self._wall_before_s = None, wall_s

    def looked(self, used_s: float) -> None:
        """Take what the candidate has used by the time of a look."""
        if self._used_before_s is None:
            self._used_before_s = used_s

    def left_s(self, used_s: float) -> float:
        """Return the seconds that are left of the limit."""
        return self.limit_s - (0.0 if self._used_before_s is None else used_s - self._used_before_s)

    def wall_s(self, wall_s: float) -> float:
        """Return the wall seconds that count."""
        return wall_s - self._wall_before_s


class Box:
    """One candidate's process.

    Args:
        call_s: time limit of each request.
        whole_s: time limit of all requests of a stage.
        stages: how many stages with such a limit there are.
        backstop: what has a time limit may take so many times the limit in wall seconds.
        traces: what candidates may leave; removed after each.

    Attributes:
        room: how much memory it may use.
        fatal: what ended the candidate; None while it lives.
        crowds_others: whether it used up pipes, which all processes of a user share: others may have failed.
        is_crowded: whether they were used up, by whomever, at one of the looks: it may have failed for that.
    """

    def __init__(
        self,
        control: socket.socket,
        call_s: float,
        whole_s: float,
        stages: int,
        backstop: float,
        room: Room,
        traces: Traces,
        nursery_pid: int,
        own_queued_s: Callable[[], float],
        own_network: bool,
        disk: str | None,
        streams: tuple[int, ...] = (),
    ) -> None:
        self._control, self._traces, self._own_network = control, traces, own_network
        self.room, self._stages = room, stages
        self._call, self._stage = (_Clock(limit_s, backstop * limit_s) for limit_s in (call_s, whole_s))
        self._disk, self._free_mib = disk, 0.0 if disk is None else usage.free_mib(disk)
        self.disk_error: OSError | None = None  # that others left too little of the disk
        if disk is not None and self._free_mib < DISK_MIB:
            # A program that fails because the disk is full would be judged wrong.
            raise _disk_error(disk, self._free_mib)
        self._shared_bytes = kernel.shared_bytes()
        self._wall_s, self._waited_s, self._looked_at_s = 0.0, 0.0, 0.0
        self._tree = usage.Tree(nursery_pid, own_queued_s)
        self._plan_look()
        self._buffer = frames.Buffer(codec.MAX_BYTES)
        self.fatal: CandidateGone | None = None
        self.crowds_others = self.is_crowded = False
        self._ahead, self._turn = 0, 0  # replies still to come, and the number of the exchange they belong to
        self._channel, theirs = traces.begin()
        self._channel.setblocking(False)
        given = array.array("i", (theirs.fileno(), *streams))
        limits = int(stages * whole_s) + 2, room.address_mib, room.file_mib
        command = protocol.FORKING.pack(protocol.FORK, *limits)
        control.sendmsg([command], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, given)])
        theirs.close()
        answer, ancillary, _flags, _address = control.recvmsg(1, _DESCRIPTORS)
        if answer != protocol.STARTED:
            raise EOFError("the zygote is gone")
        self._pidfd, *of_zygote = array.array("i", ancillary[0][2])
        if of_zygote:
            traces.adopt(of_zygote)
        self._poll = select.poll()
        self._poll.register(self._channel, select.POLLIN)
        self._poll.register(self._pidfd, select.POLLIN)

    def request(self, message: list[Any]) -> bytes:
        """Send a request and return the reply, undecoded.

        Raises:
            CandidateGone: the process ended, ran out of time or sent something that is no message.
        """
        if self.fatal is not None:
            raise self.fatal
        try:
            self._forget_ahead()
            self._call.begin(self._wall_s)
            self._send(frames.pack(codec.pack(message)))
            return self._receive()
        except CandidateGone as gone:
            self.fatal = gone
            raise

    def requests(self, messages: Iterator[list[Any]]) -> Iterator[bytes]:
        """Send requests before the replies to earlier ones are there; yield the replies in order.

        The first is sent alone, then more at a time: a candidate that fails, fails early. No more are sent
        together than a socket takes at once: else we could wait for the candidate to read while it waits for
        us to read, until its time is up.

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
        try:
            self._forget_ahead()
            self._ahead, turn = len(messages), self._turn
            self._send(b"".join(messages))
            for _ in messages:
                if turn != self._turn:
                    raise RuntimeError("another call came between these, and their answers are lost")
                self._call.begin(self._wall_s)
                reply = self._receive()
                self._ahead -= 1
                yield reply
        except CandidateGone as gone:
            self.fatal = gone
            raise

    def _forget_ahead(self) -> None:
        """Read the answers that nobody waits for any more, so that the next one read is the right one."""
        self._turn += 1
        while self._ahead:
            self._call.begin(self._wall_s)
            self._receive()
            self._ahead -= 1

    def begin_stage(self) -> None:
        """Begin another stage: where each has its own time, that of all requests counts from now on."""
        if self._stages > 1:
            self._stage.begin(self._wall_s)

    @property
    def used_s(self) -> float:
        """Seconds of its time that the candidate had used at the last look."""
        return self._tree.used_s

    def finish(self, message: list[Any]) -> bytes | None:
        """Send a last request and wait for the process to end by itself; return its reply, if there is one.

        Raises:
            CandidateGone: its time is up, or it sent something that is no message.
        """
        try:
            return self.request(message)
        except CandidateGone as gone:
            if gone.verdict is not Verdict.CRASHED or gone.detail:
                raise
            self.fatal = None
        # It ended, or it closed the channel and lives on.
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
                raise CandidateGone(Verdict.CRASHED, "") from None

    def _receive(self) -> bytes:
        while True:
            try:
                message = self._buffer.take()
            except ValueError as error:
                raise CandidateGone(
                    Verdict.CRASHED, f"the candidate's process wrote to its channel: {error}"
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
                raise CandidateGone(Verdict.CRASHED, "")
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
            if len(ready) > 1 or (ready and ready[0][0] != self._pidfd):
                break
            # If it has ended, read first what it wrote before; others may still hold its channel.
            if ready and not select.select([self._channel], [], [], 0)[0]:
                raise CandidateGone(Verdict.CRASHED, "")
            if ready:
                break
        if event != select.POLLIN:
            self._poll.modify(self._channel, select.POLLIN)

    def _pause(self) -> list[tuple[int, int]]:
        """Wait for a moment; return the descriptors that are ready."""
        started = time.monotonic()
        asked_s = max(0.001, self._look_at_s - self._waited_s)
        ready = self._poll.poll(asked_s * 1000)
        passed_s = time.monotonic() - started
        # Where the wait was longer than asked for, this process had no CPU (a paused container, a loaded
        # machine), nor had the candidate on the same CPU. If it did work, its CPU seconds say so.
        self._waited_s += min(passed_s, asked_s + _STALL_S)
        # The sum of all waits counts: answers that trickle in do not delay the next look.
        if self._waited_s >= self._look_at_s:
            self._look()
            self._plan_look()
            passed_s = time.monotonic() - started
        self._wall_s += passed_s
        return ready

    def _plan_look(self) -> None:
        """Choose the time of the next look: no candidate foresees it; once its time is up, it comes soon."""
        self._look_at_s = self._waited_s + min(max(0.01, self._left_s()), _LOOK_S * _chance.uniform(0.5, 1.5))

    def _left_s(self) -> float:
        return min(clock.left_s(self._tree.used_s) for clock in (self._call, self._stage))

    def _look(self) -> None:
        """End a candidate that used up its time, or that holds too much memory, pipes, sockets or disk.

        Its time is the larger of its CPU seconds and the wall seconds in which it did not wait for a CPU: a
        sleeping program uses the second. Time on a run queue is not the program's doing, nor is time that the
        host of a virtual machine took away (steal). The time to look at thousands of mappings is.
        """
        tree = self._tree
        tree.look(self._waited_s - self._looked_at_s)
        self._looked_at_s = self._waited_s
        for clock in (self._call, self._stage):
            clock.looked(tree.used_s)
        self._check_time()
        if too_large := self.room.exceeded(tree.largest_mib):
            raise CandidateGone(Verdict.MEMORY_LIMIT, too_large)
        # The kernel limits the address space of each process; here all count together.
        most_mib = self.room.together_mib
        shared_bytes = kernel.shared_bytes()
        self._shared_bytes = min(self._shared_bytes, shared_bytes)  # what neighbours freed hides nothing
        grown_mib = (shared_bytes - self._shared_bytes) / (1 << 20)
        if max(tree.resident_mib, grown_mib) > most_mib or (
            tree.mapped_mib > most_mib and any(self._ask(protocol.SHARED))
        ):
            # Forks share pages, and some pages are resident in no process: the zygote counts exactly.
            together_kib, shared_kib = self._ask(protocol.MEMORY)
            self._check_time()  # once its time is up, the zygote stops counting, and its amounts say nothing
            together_mib, shared_mib = together_kib / 1024 or tree.resident_mib, shared_kib / 1024
            if shared_mib:
                # A shared mapping keeps its unmapped pages while one page is mapped. They cannot be seen;
                # they are at most what the host's shared memory grew by, and what these processes ever
                # touched.
                together_mib += max(0.0, min(grown_mib, tree.faulted_mib) - shared_mib)
            if together_mib > most_mib:
                raise CandidateGone(
                    Verdict.MEMORY_LIMIT, f"{tree.processes} processes use {together_mib:.0f} MiB together"
                )
        self.look_at_pipes()
        if (sockets_mib := self._sockets_mib()) > most_mib:
            raise CandidateGone(Verdict.MEMORY_LIMIT, f"its sockets may hold {sockets_mib:.0f} MiB")
        self.check_disk()
        self._check_time()

    def look_at_pipes(self) -> None:
        """End a candidate that holds too many pipes, or hides some while its user's are used up."""
        self.is_crowded = self.is_crowded or usage.new_pipes_are_small()
        # One process may have enough files open for twice that number of pipes.
        pipes, under_way = self._ask(protocol.PIPES)
        if max(pipes, under_way) > _PIPES_MOST or (self.is_crowded and under_way):
            self.crowds_others = True
            also = f", and {under_way} files that nobody received" if under_way else ""
            raise CandidateGone(
                Verdict.MEMORY_LIMIT, f"{self._tree.processes} processes hold {pipes} pipes{also}"
            )

    def check_pipes_at_end(self, verdict: Verdict) -> None:
        """Look once more: between two looks pipes may have been used up, by this candidate or by others.

        One that waits at a small pipe, which others left it for a moment, would wait forever.

        Raises:
            CandidateGone: it passed, and holds too many.
        """
        self.is_crowded = self.is_crowded or usage.new_pipes_are_small()
        if self.is_crowded and verdict is Verdict.PASSED:
            self.look_at_pipes()
        elif verdict is Verdict.TIMEOUT and not self.is_crowded:
            self.is_crowded = self._ask(protocol.SMALL, 0.1)[0] > 0

    def _check_time(self) -> None:
        tree = self._tree
        for clock in (self._call, self._stage):
            backstop_s = clock.backstop_s
            if tree.processes > 1:
                backstop_s = min(backstop_s, _TREE_BACKSTOP * clock.limit_s)
            if clock.left_s(tree.used_s) > 0 and clock.wall_s(self._wall_s) < backstop_s:
                continue
            detail = f"no result after {clock.limit_s:g} s"
            if tree.looking_s > 0.5 * clock.limit_s:
                detail += f": its {tree.processes} processes took {tree.looking_s:.1f} s to look at"
            raise CandidateGone(Verdict.TIMEOUT, detail)

    def _sockets_mib(self) -> float:
        """Return what the candidate's sockets may hold."""
        if self._own_network:
            return usage.sockets_mib()
        return usage.sockets_mib(*self._ask(protocol.SOCKETS))

    @property
    def on_disk(self) -> bool:
        """Whether the candidate writes to a disk of the host's."""
        return self._disk is not None

    def check_disk(self, *, at_end: bool = False) -> None:
        """End a candidate that holds too much of a disk of the host's; set `disk_error` where others do.

        Args:
            at_end: the last look, which counts the candidate's files in any case. Each look before it trusts
                the free space, which a neighbour's removals raise meanwhile.

        Raises:
            CandidateGone: it holds too much.
        """
        if self._disk is None:
            return
        free_mib = usage.free_mib(self._disk)
        self._free_mib = max(self._free_mib, free_mib)
        gone_mib = self._free_mib - free_mib
        if gone_mib <= DISK_MIB <= free_mib and not at_end:
            return
        # Somebody may fill the disk; ask whether it is the candidate.
        sure_kib, beyond_kib = self._ask(protocol.DISK)
        most_kib = sure_kib + beyond_kib
        if free_mib + most_kib / 1024 < DISK_MIB:
            self.disk_error = _disk_error(self._disk, free_mib)
        if sure_kib > DISK_MIB << 10:
            raise CandidateGone(Verdict.OUTPUT_LIMIT, f"its files hold {sure_kib / 1024:.0f} MiB of disk")
        if gone_mib > DISK_MIB and most_kib > DISK_MIB << 10:
            how = "it hides its files" if beyond_kib == protocol.UNSEEN_KIB else "it wrote as much"
            raise CandidateGone(Verdict.OUTPUT_LIMIT, f"{gone_mib:.0f} MiB of disk are gone, and {how}")

    def _ask(self, what: bytes, most_s: float | None = None) -> tuple[int, int]:
        """Ask the zygote for two amounts; it looks for `most_s`, else while the candidate has time left."""
        self._control.send(protocol.LOOKING.pack(what, most_s or max(0.0, self._left_s())))
        answer = self._control.recv(protocol.AMOUNTS.size)
        if len(answer) != protocol.AMOUNTS.size:
            raise EOFError("the zygote is gone")
        first, second, looked_s = protocol.AMOUNTS.unpack(answer)
        self._tree.looking_s += looked_s
        return first, second

    def end(self) -> tuple[int, float, float]:
        """Kill the process and everything that it started; return wait status, CPU seconds and peak MiB."""
        self._channel.close()
        os.close(self._pidfd)
        self._control.send(protocol.END)
        report = self._control.recv(1 + protocol.REPORT.size)
        if report[:1] != protocol.ENDED:
            raise EOFError("the zygote is gone")
        status, cpu_s, peak_kib = protocol.REPORT.unpack(report[1:])
        if not self._traces.remove(cpu_s):
            self._control.send(protocol.RENEW)
        return status, cpu_s, peak_kib / 1024


def _disk_error(disk: str, free_mib: float) -> OSError:
    return OSError(
        errno.ENOSPC,
        f"{free_mib:.0f} MiB are free where candidates write ({os.path.dirname(disk)}), and {DISK_MIB} are "
        "needed: free some, or set TMPDIR to a folder on another disk (see `df`; and `df -i`, for files)",
    )
