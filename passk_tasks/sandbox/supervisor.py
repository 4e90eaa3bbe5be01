"""The host's side: starts workers, hands out programs, and survives whatever happens to a worker.

    run(programs) ──> [worker] tests' side <──plain data──> candidate
                      [worker] ...                             ^ forked by the worker's zygote

One thread, one selector. Each worker has one program in judgement and one waiting, so that it is never idle.
A worker that dies or falls silent is replaced, and the program it was judging is a suspect: it is tried
alone, in a fresh worker that has just judged an empty program under the same tests. A suspect that takes two
of those down is at fault (`crashed`). Where two end over the empty one, the host or the tests are
(`infra_error`).
"""

from __future__ import annotations

import base64
import collections
import contextlib
import itertools
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from passk_tasks.errors import SandboxError, SettingsError, TerminatedError
from passk_tasks.program import MODES, Limits, Program, StdioTests, Tests
from passk_tasks.sandbox import cgroups, leftovers, remembered
from passk_tasks.sandbox.box import frames
from passk_tasks.sandbox.box.limits import TESTS_EXTRA_MIB, TREE_MEMORY
from passk_tasks.sandbox.cpus import choose_cpus, usable_cpus
from passk_tasks.sandbox.packages import INSTALLED, Packages, resolve
from passk_tasks.verdict import Outcome, Verdict

# How each mode may be had, the strongest first.
_WAYS = {"strict": ("namespaces", "landlock"), "rlimits": ("rlimits",)}
_START_S = 30.0  # a worker starts in well under a second; a machine may be very busy
_WATCH_S = 0.5
_GRACE_S = 10.0  # beyond a candidate's backstop, before a silent worker is given up
_MAX_FAILED_STARTS = 3
_MAX_DEATHS = 2  # of fresh workers: of a suspect, or of the empty programs before it
_PROBE = -1  # the index of an empty program that shows whether a worker works
_QUEUE = 2  # programs that a worker holds: one in judgement, one waiting
_MESSAGE_LIMIT = 1 << 20
_PART = 1 << 20  # characters
_SPARE_MIB = 32  # what the tests' side has without any program
_OWN_PROCESSES = 8  # of a worker, beside the candidate's
_SUITES_KEPT = 64  # problems whose tests a worker keeps compiled
_CASES_KEPT = 64 << 20  # bytes of tests that a worker keeps, beside those of the newest problem

# Imported once by the zygote: what candidates commonly import. numpy would make every fork dearer.
PRELOADED = (
    "bisect", "collections", "copy", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools",
    "hashlib", "heapq", "itertools", "json", "linecache", "math", "operator", "random", "re", "statistics",
    "string", "struct", "time", "types", "typing",
)  # fmt: skip

# The packages above `box` are stood in for, so that their `__init__` (numpy, yaml) is not run in every
# worker.
_BOOT = """
import sys
sys.path[:] = [path for path in sys.path if path]
import json, os, types
size = int.from_bytes(os.read(0, 4), "little")
data = b""
while len(data) < size:
    data += os.read(0, size - len(data))
config = json.loads(data)
for name, path in config["stand_in"].items():
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
from passk_tasks.sandbox.box import launch
launch.main(config)
"""


class Sandbox:
    """Workers that run programs; a context manager.

    Args:
        limits: what each candidate may use.
        mode: `strict` (namespaces, private root, Landlock, seccomp; on a host that forbids user namespaces,
            Landlock, seccomp and a reaper) or `rlimits` (resource limits only).
        workers: candidates that run at one time; 0 means as many as there are usable CPUs.
        packages: which installed packages candidates can import: `installed`, `stdlib` or names. Under
            `rlimits` a candidate that looks for others in the file system finds them.

    Attributes:
        layers: name of each layer and whether it is active on this host.
        warnings: what a person must know of the layers: those that this host gave before.

    Raises:
        SandboxError: the host cannot give what `mode` promises; the message names what is missing.
        SettingsError: an unknown mode or a negative number of workers.
    """

    def __init__(
        self,
        limits: Limits,
        mode: str = "strict",
        workers: int = 0,
        packages: str | Sequence[str] = INSTALLED,
    ) -> None:
        if mode not in MODES:
            raise SettingsError(f"sandbox must be one of {', '.join(MODES)}, not {mode!r}")
        if sys.platform != "linux":
            raise SandboxError(f"the sandbox needs Linux, not {sys.platform}: judge on a Linux machine")
        if workers < 0:
            raise SettingsError(f"workers must be 0 (automatic) or more, not {workers}")
        self.limits, self.mode = limits, mode
        self.workers = workers or usable_cpus()
        self.layers: dict[str, bool] = {}
        self.warnings: tuple[str, ...] = ()
        self._packages = resolve(packages)
        # The tests' side has each message twice for a moment.
        fitting = (limits.memory_mib + TESTS_EXTRA_MIB - _SPARE_MIB << 20) // 2
        self._most_bytes = min(fitting, frames.MOST_BYTES - _MESSAGE_LIMIT)
        self._selector = selectors.DefaultSelector()
        self._pool: list[_Worker] = []
        self._failed_starts = 0
        self._numbers = itertools.count()
        self._free_cpus = choose_cpus(self.workers)
        self._disturbed: set[int] = set()  # programs in judgement while another one used up what all share
        self._tried_again: set[int] = set()
        self._terminates: Any = None

    def __enter__(self) -> Sandbox:
        try:
            self._end_orderly_when_terminated()
            self._find_way()
            self.layers = dict(self._pool[0].layers)
            if lost := remembered.lost_layers(self.mode, self.layers):
                self.warnings = (remembered.warning(lost),)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every worker and all that runs in it."""
        for worker in self._pool:
            worker.stop()
        self._pool.clear()
        self._selector.close()
        if self._terminates is not None:
            signal.signal(signal.SIGTERM, self._terminates)
            self._terminates = None

    def _end_orderly_when_terminated(self) -> None:
        """Let SIGTERM unwind the stack, as Ctrl-C does, where nobody else has a use for it."""
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGTERM)
            if before is signal.SIG_DFL:
                signal.signal(signal.SIGTERM, _terminated)
                self._terminates = before

    def run(self, programs: Sequence[Program]) -> Iterator[tuple[int, Outcome]]:
        """Judge programs; yield each one's position and outcome as it is known, in the order of completion.

        A program that brings its worker down twice while it is alone is `crashed`, or `infra_error` where an
        empty one does so too. One too large to be handed over is `memory_limit`. Programs without code are
        the caller's to sort out.
        """
        self._disturbed.clear()
        self._tried_again.clear()
        suites: dict[Tests | StdioTests, int] = {}
        for program in programs:
            if program.tests not in suites:
                # Never a number twice in the life of a worker, which knows tests by it.
                suites[program.tests] = next(self._numbers)
        large = {
            index: size
            for index, program in enumerate(programs)
            if (size := _handed_bytes(program.code or "", self._most_bytes)) > self._most_bytes
        }
        for index, size in large.items():
            detail = (
                f"the program's text is over {size >> 20:,} MiB on its way to its process: "
                f"with memory_mib={self.limits.memory_mib} it may be {self._most_bytes >> 20:,} MiB"
            )
            yield index, Outcome(Verdict.MEMORY_LIMIT, detail, programs[index].judge.value)
        waiting = _Waiting({i: suites[p.tests] for i, p in enumerate(programs) if i not in large})
        suspects = _Suspects()
        left = len(programs) - len(large)
        while left:
            self._top_up(min(self.workers, left), fresh=bool(suspects))
            for worker in self._pool:
                if suspects and worker.is_fresh:
                    suspect = suspects.take()
                    program = programs[suspect]
                    worker.give(_PROBE, replace(program, code=""), suites[program.tests])
                    worker.give(suspect, program, suites[program.tests])
                    worker.is_full = True
                while waiting and not worker.is_full and len(worker.held) < _QUEUE:
                    index, suite = waiting.take(worker)
                    worker.give(index, programs[index], suite)
            for index, outcome in self._receive(suspects, waiting):
                if index == _PROBE:
                    continue
                if index in self._disturbed and not outcome.passed and index not in self._tried_again:
                    # Once, and without the neighbour: its own pipes may have been the small ones.
                    self._tried_again.add(index)
                    waiting.put_back([index])
                    continue
                left -= 1
                yield index, outcome

    def _top_up(self, wanted: int, *, fresh: bool) -> None:
        """Replace workers that died and start the ones that are not there yet, a fresh one among them."""
        while len(self._pool) < wanted or (fresh and not any(worker.is_fresh for worker in self._pool)):
            self._start_worker()

    def _find_way(self) -> None:
        """Start the first worker in the strongest way that works: an error belongs here, not into the run."""
        refused: list[_RefusedError] = []
        for way in _WAYS[self.mode]:
            self._way = way
            try:
                self._start_worker()
            except _RefusedError as error:
                refused.append(error)
                continue
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
            worker = _Worker(self.limits, self._way, self._packages, cpu)
        except SandboxError:
            self._free_cpus.append(cpu)
            self._failed_starts += 1
            if not self._pool or self._failed_starts >= _MAX_FAILED_STARTS:
                raise
            return
        self._failed_starts = 0
        self._pool.append(worker)
        self._selector.register(worker.socket, selectors.EVENT_READ, worker)

    def _receive(self, suspects: _Suspects, waiting: _Waiting) -> list[tuple[int, Outcome]]:
        """Wait for outcomes; put back what dead or silent workers held."""
        for worker in self._pool:
            self._selector.modify(worker.socket, worker.events, worker)
        ready = self._selector.select(_WATCH_S)
        finished: list[tuple[int, Outcome]] = []
        for key, events in ready:
            worker = key.data
            try:
                if events & selectors.EVENT_WRITE:
                    worker.send()
                if events & selectors.EVENT_READ and worker.read(finished):
                    others = (other for other in self._pool if other.held and other is not worker)
                    self._disturbed |= {next(iter(other.held)) for other in others}
            except (OSError, EOFError, ValueError, KeyError, TypeError, RecursionError) as error:
                finished += self._bury(worker, suspects, waiting, None, str(error))
        for worker in list(self._pool):
            silent_s = time.monotonic() - worker.heard_s
            timeout_s = worker.timeout_s
            silence_s = timeout_s * (self.limits.backstop + 1) + _GRACE_S
            if not worker.held or silent_s <= timeout_s:
                continue
            if silent_s > silence_s:
                # Not at work, or it would have been ended below: the machine stood still, or we have a bug.
                why = f"no word from it for {silent_s:.0f} s"
                finished += self._bury(worker, suspects, waiting, None, why)
            elif worker.tests_cpu_s() > timeout_s + _WATCH_S:
                # Hung where no signal reaches the interpreter, e.g. in the sum of a range without end.
                detail = f"the tests did not end in {silent_s:.1f} s over what the candidate returned"
                judge = next(iter(worker.held.values())).judge.value
                outcome = Outcome(Verdict.TIMEOUT, detail, judge, wall_s=silent_s)
                finished += self._bury(worker, suspects, waiting, outcome, detail)
        return finished

    def _bury(
        self,
        worker: _Worker,
        suspects: _Suspects,
        waiting: _Waiting,
        outcome: Outcome | None,
        why: str,
    ) -> list[tuple[int, Outcome]]:
        """Take a worker out. The program it was judging gets `outcome`, another try, or a verdict on that."""
        self._pool.remove(worker)
        self._selector.unregister(worker.socket)
        worker.stop()
        self._free_cpus.append(worker.cpu)
        if not worker.held:
            return []
        first, *others = worker.held
        judge = worker.held[first].judge.value
        if outcome is not None and first != _PROBE:
            waiting.put_back(others)
            return [(first, outcome)]
        if not worker.is_full:
            waiting.put_back(others)
            suspects.add(first)
            return []
        verdict = suspects.verdict(first, *others)
        if verdict is None:
            return []
        suspect = others[0] if first == _PROBE else first
        how = {
            Verdict.CRASHED: "alone it ended a fresh process of the sandbox twice; an empty program did not",
            Verdict.INFRA_ERROR: "the sandbox's process ended while judging, and twice over an empty program",
        }[verdict]
        return [(suspect, Outcome(verdict, f"{how}: {why}", judge))]


class _Suspects:
    """Programs that a worker ended over, and how often one did that was theirs alone."""

    def __init__(self) -> None:
        self._indices: collections.deque[int] = collections.deque()
        self._deaths: collections.Counter[tuple[int, bool]] = collections.Counter()

    def __bool__(self) -> bool:
        return bool(self._indices)

    def add(self, index: int) -> None:
        """Have a program tried alone."""
        self._indices.append(index)

    def take(self) -> int:
        """Return the next one to try."""
        return self._indices.popleft()

    def verdict(self, first: int, *others: int) -> Verdict | None:
        """Return what the end of a worker that held these tells; None where the suspect is tried again."""
        is_probe = first == _PROBE
        suspect = others[0] if is_probe else first
        self._deaths[suspect, is_probe] += 1
        if self._deaths[suspect, is_probe] < _MAX_DEATHS:
            self.add(suspect)
            return None
        return Verdict.INFRA_ERROR if is_probe else Verdict.CRASHED


class _Waiting:
    """Programs that no worker has yet, by their tests: a worker compiles those of a problem for itself.

    Args:
        suites: the number of each program's tests, by the program's position.
    """

    def __init__(self, suites: Mapping[int, int]) -> None:
        self._suites = suites
        self._indices: dict[int, collections.deque[int]] = {}
        self._chosen: dict[_Worker, int] = {}
        for index, suite in suites.items():
            self._indices.setdefault(suite, collections.deque()).append(index)
        self._fresh = collections.deque(self._indices)

    def __bool__(self) -> bool:
        return bool(self._indices)

    def take(self, worker: _Worker) -> tuple[int, int]:
        """Return a program and the number of its tests: those that the worker has, others that no one has.

        Where all are begun, it helps with those of which most programs are left.
        """
        suite = self._chosen.get(worker)
        if suite not in self._indices:
            if self._fresh:
                suite = self._fresh.popleft()
            else:
                suite = max(self._indices, key=lambda number: len(self._indices[number]))
            self._chosen[worker] = suite
        index = self._indices[suite].popleft()
        if not self._indices[suite]:
            del self._indices[suite]
        return index, suite

    def put_back(self, indices: Iterable[int]) -> None:
        """Take back what a worker did not finish, for whoever is next."""
        for index in indices:
            self._indices.setdefault(self._suites[index], collections.deque()).appendleft(index)


class _Worker:
    """One worker's process and what it holds."""

    def __init__(self, limits: Limits, way: str, packages: Packages, cpu: int | None) -> None:
        self.cpu, self._way, self._timeout_s = cpu, way, limits.timeout_s
        self._cpu_at_first_s: float | None = None
        self.held: dict[int, Program] = {}  # by index; the first is in judgement
        self.is_fresh, self.is_full = True, False  # nothing given yet; nothing more to be given
        self.heard_s = time.monotonic()
        self._suites: collections.OrderedDict[int, int] = collections.OrderedDict()  # number -> size
        self._buffer = frames.Buffer(_MESSAGE_LIMIT)
        self._unsent = bytearray()
        # In namespaces the scratch folders are in memory, and end with them.
        self._groups = {} if way == "rlimits" else _make_groups(limits)
        self._scratch = None if way == "namespaces" else leftovers.make_scratch()
        self._slot = next(_slots) % _SLOTS
        self.socket, theirs = socket.socketpair()
        reading, self._lifeline = os.pipe()
        try:
            self._process = subprocess.Popen(
                # Without site no file of the user is run. Not -I: it would ignore PYTHONHASHSEED, and of the
                # environment there is only what is given here.
                [sys.executable, "-s", "-S", "-B", "-c", _BOOT],
                stdin=theirs.fileno(),
                stdout=reading,
                stderr=subprocess.PIPE,
                cwd="/",
                env=_environment(),
                start_new_session=True,  # an interrupt from the terminal is ours to handle
            )
        except OSError as error:
            self.socket.close()
            os.close(self._lifeline)
            raise SandboxError(f"cannot start {sys.executable}: {error}") from error
        finally:
            theirs.close()
            os.close(reading)
        try:
            self.layers = self._greet(limits, way, packages)
        except BaseException:
            self.stop()
            raise
        finally:
            assert self._process.stderr is not None
            self._process.stderr.close()
        self.socket.setblocking(True)

    def _greet(self, limits: Limits, way: str, packages: Packages) -> dict[str, bool]:
        """Send the configuration; return the active layers."""
        here = Path(__file__).resolve().parent
        config = {
            "stand_in": {"passk_tasks": str(here.parent), "passk_tasks.sandbox": str(here)},
            "way": way,
            "scratch": self._scratch and self._scratch[0],
            "slot": os.getpid() % _RUNS * _SLOTS + self._slot,
            "cgroups": sorted({str(group) for group in self._groups.values()}),
            "cpu": self.cpu,
            "packages": packages.folders,
            "shown": packages.shown,
            "preload": PRELOADED,
            "backstop_s": limits.timeout_s * limits.backstop,
            **limits.as_dict(),
        }
        self.socket.settimeout(_START_S)
        try:
            frames.write(self.socket.fileno(), json.dumps(config).encode())
            answer = json.loads(self._first())
        except (OSError, EOFError, ValueError) as error:
            self._process.kill()
            assert self._process.stderr is not None
            said = self._process.stderr.read().decode(errors="replace").strip().rpartition("\n")[2]
            why = said or str(error) or type(error).__name__
            raise SandboxError(f"the sandbox's process did not start: {why}") from error
        if answer.get("limit"):
            raise SandboxError(answer["fatal"])
        if "fatal" in answer:
            raise _RefusedError(answer["fatal"], answer["layers"])
        return {**answer["layers"], **dict.fromkeys(self._groups, True)}

    def _first(self) -> bytes:
        while (message := self._buffer.take()) is None:
            data = self.socket.recv(1 << 16)
            if not data:
                raise EOFError("it ended at once")
            self._buffer.feed(data)
        return message

    def give(self, index: int, program: Program, suite: int) -> None:
        """Send a program, and its problem's tests if the worker does not have them."""
        self.is_fresh = False
        messages: list[dict[str, Any]] = []
        if suite in self._suites:
            self._suites.move_to_end(suite)
        else:
            tests = program.tests
            if isinstance(tests, StdioTests):
                self._suites[suite] = tests.size
                packed = base64.b64encode(tests.packed).decode("ascii")
                message = {"packed": packed, "comparison": tests.comparison.value}
                messages.append({"tests": suite, "timeout_s": tests.timeout_s, "base": tests.base, **message})
            else:
                self._suites[suite] = len(tests.source)
                messages.append(
                    {
                        "tests": suite,
                        "source": tests.source,
                        "prelude": tests.prelude,
                        "names": tests.names,
                        "base": tests.base,
                        "base_decides": tests.base_decides,
                        "objects": tests.objects,
                    }
                )
            # Whatever the worker still has to judge with them came before.
            while (
                len(self._suites) > _SUITES_KEPT
                or sum(self._suites.values()) - self._suites[suite] > _CASES_KEPT
            ):
                messages.append({"drop": self._suites.popitem(last=False)[0]})
        judge = program.judge.value
        messages.append({"program": index, "tests": suite, "code": program.code, "judge": judge})
        if not self.held:
            self.heard_s = time.monotonic()
        self.held[index] = program
        for message in messages:
            self._unsent += frames.pack(json.dumps(message).encode("ascii"))
        self.send()

    def send(self) -> None:
        """Send what the worker takes at once: it reads nothing while it judges, and may never again."""
        try:
            with memoryview(self._unsent) as view:
                sent = self.socket.send(view, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:  # a dead worker is found when it is read
            sent = len(self._unsent)
        del self._unsent[:sent]

    @property
    def events(self) -> int:
        """What to wait for on the socket."""
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)

    def read(self, finished: list[tuple[int, Outcome]]) -> bool:
        """Add what has been judged to `finished`: also what came before an error.

        Returns:
            Whether one of them used up what programs beside it need.

        Raises:
            EOFError: the worker is gone.
            ValueError, KeyError, TypeError, RecursionError: it talks nonsense.
        """
        data = self.socket.recv(1 << 18)
        if not data:
            raise EOFError("the sandbox's process ended")
        self._buffer.feed(data)
        crowds_others = False
        while (message := self._buffer.take()) is not None:
            answer = json.loads(message)
            if "fatal" in answer:
                raise EOFError(str(answer["fatal"]))
            self.heard_s = time.monotonic()
            self._cpu_at_first_s = None
            if "alive" in answer:
                continue
            index = answer["program"]
            judge = answer.get("judge", self.held.pop(index).judge.value)
            outcome = Outcome(
                Verdict(answer["verdict"]),
                answer["detail"],
                judge,
                answer["cpu_s"],
                answer["wall_s"],
                answer["peak_mib"],
                tuple(answer["flags"]),
                answer["base"],
            )
            crowds_others = crowds_others or answer["crowds_others"]
            finished.append((index, outcome))
            self.is_full = self.is_full and bool(self.held)
        return crowds_others

    @property
    def timeout_s(self) -> float:
        """The limit of what is in judgement, before the worker says something again."""
        tests = next((program.tests for program in self.held.values()), None)
        own_s = tests.timeout_s if isinstance(tests, StdioTests) else None
        return max(self._timeout_s, own_s or 0.0)

    def tests_cpu_s(self) -> float:
        """CPU seconds that the tests' side has used since this was first asked after its last word."""
        pid = self._process.pid
        with contextlib.suppress(OSError, ValueError, IndexError):
            if self._way == "namespaces":  # the process itself only waits for the tests' side
                pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()[0])
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
            used_s = sum(map(int, stat.rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")
            if self._cpu_at_first_s is None:
                self._cpu_at_first_s = used_s
            return used_s - self._cpu_at_first_s
        return 0.0

    def stop(self) -> None:
        """End the worker's processes and wait for them."""
        self.socket.close()
        with contextlib.suppress(OSError):
            os.close(self._lifeline)
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            if self._way != "namespaces":
                # Without the tests' side the zygote ends what is left of the candidate, then itself. It is
                # the other one of the group; candidates have left that.
                self._process.kill()
                self._process.wait()
                until_s = time.monotonic() + _GRACE_S
                with contextlib.suppress(ProcessLookupError):
                    while time.monotonic() < until_s:
                        os.killpg(self._process.pid, 0)
                        time.sleep(0.01)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        cgroups.remove(self._groups)
        if self._scratch is not None:
            leftovers.remove_scratch(*self._scratch)


# Users of the host that workers get under root: of this many runs, and of this many workers of each.
_RUNS, _SLOTS = 1 << 18, 1 << 10
_slots = itertools.count()


def _terminated(_number: int, _frame: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one is enough; `close` brings back what was before
    raise TerminatedError


_REMEDY = (
    ". Allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, "
    "kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces>0; in a container: "
    "--security-opt seccomp=unconfined), or choose the weaker --sandbox rlimits, which does not keep "
    "programs from your files or the network"
)


_NAMESPACES = ("user namespace", "pid namespace", "mount namespace", "network namespace", "private root")


class _RefusedError(SandboxError):
    """A worker could not set up one way of sandboxing; `layers` holds what it got as far as."""

    def __init__(self, why: str, layers: dict[str, bool]) -> None:
        super().__init__(why)
        self.layers = layers


def _handed_bytes(code: str, most: int) -> int:
    """Return how long a text is in the message that hands it over, in bytes; or what is over `most` of it."""
    size = 0
    for start in range(0, len(code), _PART):
        if (size := size + len(json.dumps(code[start : start + _PART]))) > most:
            break
    return size


def _make_groups(limits: Limits) -> dict[str, Path]:
    """Cap what a worker's processes take together: the tests' side, and a candidate's tree."""
    memory_mib = TREE_MEMORY * limits.memory_mib + TESTS_EXTRA_MIB
    return cgroups.create(memory_mib << 20, limits.processes + _OWN_PROCESSES)


def _environment() -> dict[str, str]:
    """The whole environment of candidates: nothing of the user's."""
    return {
        "PATH": "",
        "HOME": "/box",
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        # One candidate has one CPU; pools of threads only cost address space, as do heaps of their own.
        "MALLOC_ARENA_MAX": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        # Without a search for a display, and without a page of log for each program.
        "MPLBACKEND": "Agg",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
