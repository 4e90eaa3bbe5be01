"""The host's side: starts workers, hands out programs, and survives whatever happens to a worker.

    run(programs) ──> [worker] tests' side <──plain data──> candidate
                      [worker] ...                             ^ forked by the worker's zygote

One thread, one selector. Each worker has one program in judgement and one waiting, so that it is never idle.
A worker that dies or falls silent is replaced, and the program it was judging is a suspect: it is tried
alone, in a fresh worker that has just judged an empty program under the same tests. If two such workers end
over the suspect, the suspect is at fault (`crashed`). If two end over the empty program, the host or the
tests are (`infra_error`).
"""

from __future__ import annotations

import collections
import itertools
import json
import platform
import selectors
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import TracebackType

from passk_tasks.errors import SandboxError, SettingsError
from passk_tasks.program import AnyTests, CommandTests, Confinement, Program
from passk_tasks.sandbox import cgroups, remembered, termination, toolchains
from passk_tasks.sandbox.beside import beside
from passk_tasks.sandbox.box import frames, ledger
from passk_tasks.sandbox.box.limits import TESTS_EXTRA_MIB
from passk_tasks.sandbox.cpus import choose_cpus, usable_cpus
from passk_tasks.sandbox.interpreter import interpreter
from passk_tasks.sandbox.packages import resolve
from passk_tasks.sandbox.waiting import PROBE, Ahead, Suspects, Waiting
from passk_tasks.sandbox.worker import (
    LIBRARIES,
    MEMORY,
    MESSAGE_LIMIT,
    PIPES,
    RefusedError,
    Surroundings,
    Worker,
)
from passk_tasks.verdict import Machine, Outcome, Verdict

# The ways of each mode, the strongest first.
_WAYS = {"strict": ("namespaces", "landlock"), "rlimits": ("rlimits",)}
_WATCH_S = 0.5
# More than one worker pays for so many programs, or after so long; a start takes half of that time.
_PAYS_PROGRAMS, _PAYS_S = 256, 0.2
_GRACE_S = 10.0  # after a candidate's backstop, until a silent worker is given up
_MAX_FAILED_STARTS = 3
_QUEUE = 2  # programs that a worker holds: one in judgement, one waiting
_MOST_TRIES_AGAIN = 3
_PART = 1 << 20  # characters
_SPARE_MIB = 32  # memory of the tests' side without any program


class Sandbox:
    """Workers that run programs; a context manager.

    Args:
        confinement: what candidates are kept in.
        workers: how many candidates run at one time; 0 means as many as there are usable CPUs.
        hidden: packages that no candidate sees, whatever is chosen: they hold tests and solutions.
        cpus: one for each worker to stay on; None lets each start choose.

    Attributes:
        layers: name of each layer and whether it is active on this host.
        warnings: what a person must know of the layers: those that this host gave before, and why it did not
            give a stronger way that its kernel allows.

    Raises:
        SandboxError: the host cannot give what the mode promises; the message says what is missing.
        SettingsError: there is no such interpreter, a package is not installed, or the number of workers is
            negative.
    """

    def __init__(
        self,
        confinement: Confinement,
        workers: int = 0,
        *,
        hidden: Collection[str],
        cpus: Sequence[int] | None = None,
    ) -> None:
        if sys.platform != "linux":
            raise SandboxError(f"the sandbox needs Linux, not {sys.platform}: judge on a Linux machine")
        if workers < 0:
            raise SettingsError(f"workers must be 0 (automatic) or more, not {workers}")
        self.confinement = confinement
        self.limits, self.mode = confinement.limits, confinement.mode
        self.workers = workers or usable_cpus()
        self._cpus = cpus
        self.layers: dict[str, bool] = {}
        self.warnings: tuple[str, ...] = ()
        used = interpreter(confinement.python)
        self._surroundings = Surroundings(
            used,
            resolve(confinement.packages, confinement.python),
            beside(used, confinement.shown),
            tuple(sorted(hidden)),
            confinement.loopback,
            tuple(LIBRARIES[name] for name in confinement.libraries if name in LIBRARIES),
        )
        # For a moment the tests' side holds each message twice.
        fitting = (self.limits.memory_mib + TESTS_EXTRA_MIB - _SPARE_MIB << 20) // 2
        self._most_bytes = min(fitting, frames.MOST_BYTES - MESSAGE_LIMIT)
        self._entered = 0
        self._judged = 0
        self._languages: frozenset[str] = frozenset()  # whose toolchains the workers show
        self._tools: tuple[str, ...] = ()
        self._pool: list[Worker] = []
        self._failed_starts = 0
        self._numbers = itertools.count()
        # Programs in judgement while something that all share was used up, and what; those that used it up.
        self._disturbed: dict[int, str] = {}
        self._crowding: set[int] = set()
        self._tries_again: collections.Counter[int] = collections.Counter()
        # Programs that memory ran out for: those that are to be tried alone, and those that are tried so.
        self._lonely: collections.deque[int] = collections.deque()
        self._starved: set[int] = set()
        self._unwinds = False  # at SIGTERM

    @property
    def packages(self) -> dict[str, str]:
        """The version of each distribution that candidates can import; reads the metadata of each."""
        return self._surroundings.packages.versions()

    @property
    def machines(self) -> tuple[Machine, ...]:
        """This machine, and how many programs it judged."""
        return (Machine(platform.node(), self.workers, self._judged),)

    def __enter__(self) -> Sandbox:
        self._entered += 1
        if self._entered > 1:
            return self
        self._judged = 0
        self._selector = selectors.DefaultSelector()
        self._free_cpus: list[int | None] = list(self._cpus or choose_cpus(self.workers))
        try:
            self._unwinds = termination.unwind()
            self._find_way()
            self.layers = dict(self._pool[0].layers)
            if lost := remembered.lost_layers(self.mode, self.layers):
                self.warnings += (remembered.warning(lost),)
            self.warnings += cgroups.scarce(self.limits.memory_mib, self.limits.processes, self.workers)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._entered == 1:
            self.close()
        else:
            self._entered -= 1

    def close(self) -> None:
        """End every worker and all that runs in it."""
        self._entered = 0
        for worker in self._pool:
            worker.stop()
        ledger.remove()
        self._pool.clear()
        self._selector.close()
        if self._unwinds:
            termination.restore()
            self._unwinds = False

    def run(self, programs: Sequence[Program]) -> Iterator[tuple[int, Outcome]]:
        """Judge programs; yield each one's position and outcome, in the order of completion.

        They are read from the sequence shortly before they are judged, and not held after that. A program
        that alone ends its worker twice is `crashed`, or `infra_error` if an empty program does so too. One
        that is too large to be handed over is `memory_limit`. The caller sorts out programs without code.
        """
        self._disturbed.clear()
        self._crowding.clear()
        self._tries_again.clear()
        self._lonely.clear()
        self._starved.clear()
        ahead, waiting, suspects = Ahead(programs), Waiting(), Suspects()
        suites: dict[AnyTests, int] = {}
        left, began_s = len(programs), time.monotonic()
        while left:
            for index, program in ahead.read(least=2 * _QUEUE * self.workers, stops=self._lacks_tools):
                size = _handed_bytes(program.code or "", self._most_bytes)
                if size > self._most_bytes:
                    ahead.drop(index)
                    left -= 1
                    self._judged += 1
                    yield index, self._too_large(program, size)
                    continue
                if program.tests not in suites:
                    # No number is used twice: a worker keeps tests by their number.
                    suites[program.tests] = next(self._numbers)
                waiting.add(index, suites[program.tests])
            if not left:
                break
            if not ahead.held:
                self._show_tools(ahead.next, others=ahead.begun)
                continue
            self._top_up(left, began_s, fresh=bool(suspects))
            self._give(ahead.held, suites, suspects, waiting)
            for index, outcome in self._receive(suspects, waiting):
                if index == PROBE:
                    continue
                if index in self._disturbed and not outcome.passed:
                    last = self._last(index, outcome, waiting)
                    if last is None:
                        continue
                    outcome = last
                left -= 1
                ahead.drop(index)
                waiting.forget(index)
                self._judged += 1
                yield index, outcome

    selftest = run  # there is one machine, this one

    def _give(
        self,
        held: Mapping[int, Program],
        suites: Mapping[AnyTests, int],
        suspects: Suspects,
        waiting: Waiting,
    ) -> None:
        """Give workers what they can take: suspects, what waits, and at the end what must be alone."""
        if any(worker.held.keys() & self._starved for worker in self._pool):
            return
        for worker in self._pool:
            if suspects and worker.is_fresh:
                suspect = suspects.take()
                program = held[suspect]
                worker.give(PROBE, replace(program, code=""), suites[program.tests])
                worker.give(suspect, program, suites[program.tests])
                worker.is_full = True
            while waiting and not worker.is_full and len(worker.held) < _QUEUE:
                index, suite = waiting.take(worker)
                worker.give(index, held[index], suite)
        if self._lonely and not any(worker.held for worker in self._pool):
            index = self._lonely.popleft()
            self._starved.add(index)
            self._pool[0].give(index, held[index], suites[held[index].tests])

    def _last(self, index: int, outcome: Outcome, waiting: Waiting) -> Outcome | None:
        """Return the outcome of a program that lacked something; None where it is tried again."""
        lacked = self._disturbed.pop(index)
        if lacked == MEMORY:
            if index not in self._starved:
                self._lonely.append(index)
                return None
            detail = (
                f"{MEMORY} both times that it ran, the second time with no other program of this run beside "
                f"it, while its largest process used {outcome.peak_mib:.0f} MiB ({outcome.detail})"
            )
            return replace(outcome, verdict=Verdict.INFRA_ERROR, detail=detail)
        # Its own pipes may have been the small ones.
        self._tries_again[index] += 1
        if self._tries_again[index] <= (1 if index in self._crowding else _MOST_TRIES_AGAIN):
            waiting.put_back([index], last=True)
            return None
        if index in self._crowding:
            return outcome
        return replace(outcome, flags=(*outcome.flags, lacked))

    def _too_large(self, program: Program, size: int) -> Outcome:
        detail = (
            f"the program's text is over {size >> 20:,} MiB on its way to its process: "
            f"with memory_mib={self.limits.memory_mib} it may be {self._most_bytes >> 20:,} MiB"
        )
        return Outcome(Verdict.MEMORY_LIMIT, detail, program.judge.value)

    def _lacks_tools(self, program: Program, begun: bool) -> bool:
        """Return whether no worker may have a program yet: its toolchain is not shown, or too much is."""
        needed = _languages_of(program)
        return not needed <= self._languages if begun else needed != self._languages

    def _show_tools(self, program: Program, *, others: bool) -> None:
        """Let workers show the toolchain of a program, with those of the programs before it, and no others.

        Raises:
            SandboxError: a toolchain is not complete.
        """
        self._languages = _languages_of(program) | (self._languages if others else frozenset())
        self._tools = toolchains.shown(self._languages)
        self.warnings += tuple(w for w in toolchains.slower(self._languages) if w not in self.warnings)
        for worker in self._pool:  # they are idle
            self._selector.unregister(worker.socket)
            worker.stop()
            self._free_cpus.append(worker.cpu)
        self._pool.clear()

    def _top_up(self, left: int, began_s: float, *, fresh: bool) -> None:
        """Start the missing workers for what is left; with `fresh`, at least one has judged nothing."""
        pays = left >= _PAYS_PROGRAMS or time.monotonic() - began_s > _PAYS_S
        wanted = min(left, self.workers if pays else 1)
        while len(self._pool) < wanted or (fresh and not any(worker.is_fresh for worker in self._pool)):
            self._start_worker()

    def _find_way(self) -> None:
        """Start the first worker in the strongest way that works, so that errors come before the run."""
        refused: list[RefusedError] = []
        for way in _WAYS[self.mode]:
            self._way = way
            try:
                self._start_worker()
            except RefusedError as error:
                refused.append(error)
                continue
            # Kernels that forbid namespaces are common, and their users know. The rest can be mended.
            self.warnings = tuple(
                f"programs were confined by {way}, not by {stronger}, which this kernel allows: {error}"
                for error, stronger in zip(refused, _WAYS[self.mode], strict=False)
                if error.layers.get("mount namespace")
            )
            if self.confinement.loopback and way == "landlock":
                self.warnings += (_NO_LOOPBACK,)
            return
        reasons = "; ".join(f"{error} ({way})" for error, way in zip(refused, _WAYS[self.mode], strict=True))
        if self.mode != "strict":
            raise SandboxError(f"this host cannot give the sandbox {self.mode!r}: {reasons}")
        missing = ", ".join(name for name in _NAMESPACES if not refused[0].layers.get(name))
        raise SandboxError(
            f"this host cannot give the sandbox 'strict': {reasons} (missing: {missing}){_REMEDY}"
        )

    def _start_worker(self) -> None:
        cpu = self._free_cpus.pop()
        try:
            worker = Worker(self.limits, self._way, self._surroundings.with_tools(self._tools), cpu)
        except SandboxError:
            self._free_cpus.append(cpu)
            self._failed_starts += 1
            if not self._pool or self._failed_starts >= _MAX_FAILED_STARTS:
                raise
            return
        self._failed_starts = 0
        self._pool.append(worker)
        self._selector.register(worker.socket, selectors.EVENT_READ, worker)

    def _receive(self, suspects: Suspects, waiting: Waiting) -> list[tuple[int, Outcome]]:
        """Wait for outcomes and return them; put back what dead or silent workers held."""
        for worker in self._pool:
            self._selector.modify(worker.socket, worker.events, worker)
        ready = self._selector.select(_WATCH_S if len(self._pool) == self.workers else _PAYS_S)
        finished: list[tuple[int, Outcome]] = []
        for key, events in ready:
            worker = key.data
            try:
                if events & selectors.EVENT_WRITE:
                    worker.send()
                if events & selectors.EVENT_READ:
                    crowding, disturbed = worker.read(finished)
                    self._disturbed |= disturbed
                    if crowding:
                        self._crowding |= crowding
                        others = (other for other in self._pool if other.held and other is not worker)
                        self._disturbed |= {next(iter(other.held)): PIPES for other in others}
            except (OSError, EOFError, ValueError, KeyError, TypeError, RecursionError) as error:
                finished += self._bury(worker, suspects, waiting, None, str(error))
        for worker in list(self._pool):
            silent_s = time.monotonic() - worker.heard_s
            timeout_s = worker.timeout_s
            silence_s = timeout_s * (self.limits.backstop + 1) + _GRACE_S
            if not worker.held or silent_s <= timeout_s:
                continue
            if silent_s > silence_s:
                # It does not work, or it would have ended below: the machine stood still, or we have a bug.
                why = f"no word from it for {silent_s:.0f} s"
                finished += self._bury(worker, suspects, waiting, None, why)
            elif worker.tests_cpu_s() > timeout_s + _WATCH_S:
                # It hangs where no signal reaches the interpreter, e.g. in the sum of an endless range.
                detail = f"the tests did not end in {silent_s:.1f} s over what the candidate returned"
                judge = next(iter(worker.held.values())).judge.value
                outcome = Outcome(Verdict.TIMEOUT, detail, judge, wall_s=silent_s)
                finished += self._bury(worker, suspects, waiting, outcome, detail)
        return finished

    def _bury(
        self, worker: Worker, suspects: Suspects, waiting: Waiting, outcome: Outcome | None, why: str
    ) -> list[tuple[int, Outcome]]:
        """Remove a worker. The program in judgement gets `outcome`, another try, or a verdict on them."""
        self._pool.remove(worker)
        self._selector.unregister(worker.socket)
        worker.stop()
        self._free_cpus.append(worker.cpu)
        if not worker.held:
            return []
        first, *others = worker.held
        judge = worker.held[first].judge.value
        if outcome is not None and first != PROBE:
            waiting.put_back(others)
            return [(first, outcome)]
        if not worker.is_full:
            waiting.put_back(others)
            suspects.add(first)
            return []
        verdict = suspects.verdict(first, *others)
        if verdict is None:
            return []
        suspect = others[0] if first == PROBE else first
        how = {
            Verdict.CRASHED: "alone it ended a fresh process of the sandbox twice; an empty program did not",
            Verdict.INFRA_ERROR: "the sandbox's process ended while judging, and twice over an empty program",
        }[verdict]
        return [(suspect, Outcome(verdict, f"{how}: {why}", judge))]


_REMEDY = (
    ". Allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, "
    "kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces>0; in a container: "
    "--security-opt seccomp=unconfined), or choose the weaker --sandbox rlimits, which does not keep "
    "programs from your files or the network"
)


_NO_LOOPBACK = (
    "without namespaces candidates have no network of their own: right programs that open TCP or UDP "
    "sockets, at 127.0.0.1 too, cannot pass on this host"
)

_NAMESPACES = ("user namespace", "pid namespace", "mount namespace", "network namespace", "private root")


def _languages_of(program: Program) -> frozenset[str]:
    return frozenset({program.tests.language} if isinstance(program.tests, CommandTests) else ())


def _handed_bytes(code: str, most: int) -> int:
    """Return a text's bytes in the message that hands it over; once over `most`, it stops counting."""
    size = 0
    for start in range(0, len(code), _PART):
        if (size := size + len(json.dumps(code[start : start + _PART]))) > most:
            break
    return size
