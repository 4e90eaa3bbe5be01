"""A small clean interpreter that forks one candidate at a time and leaves nothing of it behind.

It never sees a program: a candidate reads its own from its channel after the fork. If a candidate changed
something that the next one could see (names in its folders, the numbers of processes), the zygote ends, and a
new one takes its place (`nursery`). `protocol` has its commands.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # no enums: a candidate would copy their pages
import array
import functools
import gc
import math
import os
import random
import resource
import signal
import socket
import time
from collections.abc import Callable, Sequence
from resource import setrlimit  # the C function: programs get another one
from typing import Any, NoReturn

from passk_tasks.sandbox.box import holdings, kernel, processes, protocol, rlimits, serving, traces
from passk_tasks.sandbox.box.candidate import CHANNEL

_MOST_GIVEN = 5  # descriptors that come with a command; see `protocol`
_DESCRIPTORS = 4096
_TAKEN_FIRST = b"1000"  # oom_score_adj: of all processes, the kernel ends these first when memory runs out


class Zygote:
    """Serves commands until the control socket closes.

    Args:
        control: where commands come from; on descriptor `candidate.CHANNEL`, so that the candidate's own
            channel takes its place; no descriptor above 2 is open but it, `output`, `oom_score`, those of
            `folders` and those of `network`.
        folders: what a candidate may write to, each open; the first one is the working directory.
        output: a file without a name, for the output of one candidate after another.
        is_init: whether this process is init of a pid namespace of its own: nothing inside can signal it.
        confine: called first in each candidate, if the zygote itself could not be confined.
        most_processes: how many processes a candidate may have, if the kernel counts all of the user's
            together.
        oom_score: this process's oom_score_adj, open for reading and writing; None if there is none.
        network: the candidates' own, if it is there for them.
        only_host_removes: whether somebody on the host can remove the working folder, and no candidate.
        fork_hooks: what modules want done when a candidate forks; see
            `imports.withhold_fork_hooks`.
    """

    def __init__(
        self,
        control: socket.socket,
        folders: dict[str, int],
        *,
        output: int,
        is_init: bool,
        confine: Callable[[], None] | None,
        most_processes: int | None,
        oom_score: int | None,
        network: traces.Network | None,
        only_host_removes: bool,
        fork_hooks: Sequence[dict[str, Any]],
    ) -> None:
        self._control, self._output, self._is_init, self._confine = control, output, is_init, confine
        self._working_folder = next(iter(folders)) if only_host_removes else None
        self._shown: tuple[int, ...] = (*folders.values(), output)  # the tests' side gets them once
        self._others = None if most_processes is None else _Others(most_processes)
        self._oom_score, self._network = oom_score, network
        self._own_score = b"" if oom_score is None else os.pread(oom_score, 16, 0)
        self._last_pid: int | None = None
        self._fork_hooks = fork_hooks
        self._asked: tuple[int, int, int] | None = None  # what the limits below were made of
        self._limits: list[tuple[int, tuple[int, int]]] = []
        self._looks: dict[bytes, Callable[[float], tuple[int, int]]] = {
            protocol.MEMORY: holdings.memory_kib,
            protocol.SHARED: holdings.shared_kib,
            protocol.SOCKETS: functools.partial(holdings.sockets, network),
            protocol.PIPES: holdings.pipes,
            protocol.SMALL: holdings.small_pipes,
            protocol.DISK: functools.partial(holdings.disk_kib, tuple(folders)),
        }

    def run(self) -> NoReturn:
        """Serve; the process ends when the tests' side is gone, or a new zygote is to take over."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for number in (1, 2):
            os.dup2(self._output, number)
        random.seed(0)  # verdicts should not depend on a fresh seed
        serve = serving.ready()
        gc.collect()
        gc.freeze()  # the collector never writes to what exists now: candidates copy fewer pages
        while True:
            asked, given = self._command()
            # The process number must not tell a program which case it is run for.
            skipped = traces.skip_process_numbers() if len(given) > 1 else 0
            if asked != self._asked or self._others is not None:
                self._asked, self._limits = asked, self._limits_of(*asked)
            pid = self._fork()
            if pid == 0:
                try:
                    self._become_candidate(given)
                    serve()
                finally:
                    os._exit(79)
            for fd in given:
                os.close(fd)
            if self._is_init and self._last_pid is not None and pid != self._last_pid + 1 + skipped:
                # The last candidate had processes or threads of its own, and the next numbers would tell.
                os._exit(protocol.FRESH)
            self._last_pid = pid
            self._answer_about(pid)
            self._end(pid)

    def _command(self) -> tuple[tuple[int, int, int], array.array[int]]:
        """Wait for a command to fork; return its limits, and the descriptors that came with it.

        The command stays in the queue: if this zygote must be replaced, the next one takes it.
        """
        given = array.array("i")
        command, ancillary, _flags, _address = self._control.recvmsg(
            protocol.FORKING.size, socket.CMSG_SPACE(_MOST_GIVEN * given.itemsize), socket.MSG_PEEK
        )
        if not command:
            os._exit(0)
        if command == protocol.RENEW:
            self._control.recv(1)
            os._exit(protocol.FRESH)
        if self._network is not None and self._network.moved():
            os._exit(protocol.FRESH)
        self._check_folder()
        given.frombytes(ancillary[0][2])
        _, *limits = protocol.FORKING.unpack(command)
        return (limits[0], limits[1], limits[2]), given

    def _check_folder(self) -> None:
        """End, if somebody on the host removed the working folder, no candidate: it is tried elsewhere."""
        # This asks for the path only: a candidate may have locked the folder.
        if self._working_folder is not None and not os.path.exists(self._working_folder):
            os._exit(1)

    def _fork(self) -> int:
        # The zygote may look into a candidate, to count its memory. By the time that the candidate gets its
        # program, nobody may look into the zygote.
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
        if self._oom_score is not None:
            # The candidate inherits this, and cannot change it once it is confined.
            os.pwrite(self._oom_score, _TAKEN_FIRST, 0)
        pid = os.fork()
        if pid:
            if self._oom_score is not None:
                os.pwrite(self._oom_score, self._own_score, 0)
            kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        return pid

    def _limits_of(self, cpu_s: int, address_mib: int, file_mib: int) -> list[tuple[int, tuple[int, int]]]:
        """Return the limits of a candidate's processes: soft and hard ones."""
        limits = [
            (resource.RLIMIT_CPU, (cpu_s, cpu_s + 1)),
            (resource.RLIMIT_AS, rlimits.at_most(resource.RLIMIT_AS, address_mib)),
            (resource.RLIMIT_FSIZE, rlimits.at_most(resource.RLIMIT_FSIZE, file_mib)),
        ]
        if self._others is not None:
            limits.append((resource.RLIMIT_NPROC, self._others.most()))
        return limits

    def _become_candidate(self, given: array.array[int]) -> None:
        """Make this process a candidate's: its descriptors, session, limits and confinement.

        Each page that is touched here is copied, which costs more than the calls: so there are few of them.
        """
        os.dup2(given[0], CHANNEL, False)
        if len(given) == 1:  # its output is the zygote's
            os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        for number, fd in zip((0, 1, 2, protocol.GIVEN), given[1:], strict=False):
            os.dup2(fd, number)
        os.setsid()
        for limit, values in self._limits:
            setrlimit(limit, values)
        _signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._confine is not None:
            self._confine()
        if len(given) == _MOST_GIVEN:
            os.closerange(CHANNEL + 1, protocol.GIVEN)
            os.closerange(protocol.GIVEN + 1, _DESCRIPTORS)
        else:
            os.closerange(CHANNEL + 1, _DESCRIPTORS)
        for hook in self._fork_hooks:
            os.register_at_fork(**hook)

    def _answer_about(self, pid: int) -> None:
        """Announce a candidate and answer questions about it, until the order to end it comes."""
        control = self._control
        control.recv(protocol.FORKING.size)
        pidfd = kernel.pidfd_open(pid)
        descriptors = array.array("i", (pidfd, *self._shown))
        control.sendmsg([protocol.STARTED], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
        for fd in descriptors:
            os.close(fd)
        self._shown = ()
        while len(request := control.recv(protocol.LOOKING.size)) == protocol.LOOKING.size:
            what, most_s = protocol.LOOKING.unpack(request)
            started_s = time.thread_time()
            amounts = self._looks[what](started_s + most_s)
            control.send(protocol.AMOUNTS.pack(*amounts, time.thread_time() - started_s))
        if request != protocol.END:  # nobody asks any more
            processes.end(pid, is_init=self._is_init)
            os._exit(0)

    def _end(self, pid: int) -> None:
        """End a candidate and report how it ended."""
        status, cpu_s, peak_kib = processes.end(pid, is_init=self._is_init)
        self._check_folder()
        report = protocol.REPORT.pack(status, cpu_s, min(peak_kib, 0xFFFFFFFF))
        self._control.send(protocol.ENDED + report)


class _Others:
    """Counts the processes and threads of this user: the kernel's limit is for all of them together.

    Args:
        own: how many a candidate may have.
    """

    _OLD_S = 1.0
    _MORE = 128  # that may come in the meantime

    def __init__(self, own: int) -> None:
        self._own, self._at_s, self._running = own, -math.inf, 0

    def most(self) -> tuple[int, int]:
        """Return the soft and the hard limit that leave a candidate so many of its own."""
        if time.monotonic() - self._at_s > self._OLD_S:
            uid = str(os.getuid()).encode()
            self._running = 0
            for name in os.listdir("/proc"):
                if name.isdigit():
                    try:
                        with open(f"/proc/{name}/status", "rb") as file:
                            fields = dict(line.split(b":", 1) for line in file)
                        if fields[b"Uid"].split()[0] == uid:
                            self._running += int(fields[b"Threads"])
                    except (OSError, KeyError, ValueError):
                        continue  # it ended meanwhile
            self._at_s = time.monotonic()
        most = self._running + self._MORE + self._own
        hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
        return (most if hard == resource.RLIM_INFINITY else min(most, hard)), hard
