"""One worker: its process, what it was given, and what it answers."""

from __future__ import annotations

import base64
import collections
import contextlib
import dataclasses
import itertools
import json
import math
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from passk_tasks.errors import SandboxError
from passk_tasks.program import AnyTests, CommandTests, Limits, Program
from passk_tasks.sandbox import cgroups, leftovers, toolchains
from passk_tasks.sandbox.beside import Beside
from passk_tasks.sandbox.box import frames, ledger, processes
from passk_tasks.sandbox.box.limits import TESTS_EXTRA_MIB, TREE_MEMORY
from passk_tasks.sandbox.box.protocol import Configuration, Greeting, unpacked_outcome
from passk_tasks.sandbox.interpreter import Interpreter
from passk_tasks.sandbox.packages import Packages
from passk_tasks.verdict import Outcome

MESSAGE_LIMIT = 1 << 20
PIPES, MEMORY = "pipes of the user were used up", "the machine ran out of memory"
_START_S = 120.0  # a guard against a hang: a start takes 0.1 s of CPU, and a busy machine gives it late
_GRACE_S = 60.0  # for the processes of a worker to end; on an idle machine it takes milliseconds
_SUITES_KEPT = 64  # problems: a worker keeps their tests compiled
_CASES_KEPT = 64 << 20  # bytes of tests that a worker keeps, without those of the newest problem
# Under root each worker gets a user number of its own: for this many runs, with this many workers each.
_RUNS, _SLOTS = 1 << 18, 1 << 10
_slots = itertools.count()

# What candidates commonly import, imported once before the forks. numpy would make every fork dearer, and so
# would hashlib, which few import: with OpenSSL a fork costs a seventh more.
PRELOADED = (
    "bisect", "collections", "copy", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools",
    "heapq", "itertools", "json", "linecache", "math", "operator", "random", "re", "statistics",
    "string", "struct", "time", "types", "typing",
)  # fmt: skip

# Libraries that may be imported before the forks, where most candidates import them: an import takes up to a
# second, and a fork with all of them a millisecond more. They start no threads but pyarrow's, which pandas
# imports and which has none to do; torch and tensorflow have some, and do not work in a fork.
LIBRARIES = {
    "numpy": "numpy",
    "pandas": "pandas",
    "scipy": "scipy.stats",
    "sklearn": "sklearn.pipeline",
    "matplotlib": "matplotlib.pyplot",
    "seaborn": "seaborn",
}
_LIBRARIES_MIB = 512  # all of them take half of it

# Empty modules stand in for the packages above `box`, so that no worker runs their `__init__` (numpy, yaml).
_BOOT = """
import sys
sys.path[:] = [path for path in sys.path if path]
import ctypes, json, os, resource, types
# What the kernel lays a process out by when it is started: once more, where the parent had set that.
hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
stack = 8 << 20 if hard == resource.RLIM_INFINITY else min(8 << 20, hard)
plain = (stack, hard) == resource.getrlimit(resource.RLIMIT_STACK)
libc = ctypes.CDLL(None)
if len(sys.argv) == 1 and not (plain and libc.personality(0xFFFFFFFF) == 0):
    libc.personality(0)
    resource.setrlimit(resource.RLIMIT_STACK, (stack, hard))
    os.execv(sys.executable, [*sys.orig_argv, "again"])
del os.environ["LD_BIND_NOW"]
size = int.from_bytes(os.read(0, 4), "little")
data = b""
while len(data) < size:
    data += os.read(0, size - len(data))
config = json.loads(data)
for name, path in config["stand_in"].items():
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
# What workers are made of is kept compiled, as this interpreter does it; what candidates import is not.
sys.dont_write_bytecode = not config["keep_compiled"]
from passk_tasks.sandbox.box import imports
fork_hooks = imports.withhold_fork_hooks()
from passk_tasks.sandbox.box import launch
sys.dont_write_bytecode = True
launch.main(config, fork_hooks)
"""


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What candidates find around them.

    Attributes:
        interpreter: what runs them and their tests.
        packages: what they can import.
        beside: what else they see.
        hidden: import names of packages that no candidate sees.
        loopback: whether they have a network that ends in their machine.
        libraries: modules that are imported once, before they are forked.
        builds: whether candidates are built first, by toolchains among what is `beside`.
    """

    interpreter: Interpreter
    packages: Packages
    beside: Beside
    hidden: tuple[str, ...]
    loopback: bool
    libraries: tuple[str, ...] = ()
    builds: bool = False

    def with_tools(self, tools: tuple[str, ...]) -> Surroundings:
        """Return these, with the paths of toolchains."""
        beside = dataclasses.replace(self.beside, paths=(*self.beside.paths, *tools))
        return dataclasses.replace(self, beside=beside, builds=bool(tools))


class Worker:
    """One worker's process and what it holds.

    Attributes:
        layers: the name of each layer, and whether it is active.
        socket: the socket to the process; the caller waits on it for `events`.
        cpu: the CPU that the process is bound to; None for any.
        held: the programs that it has not judged yet, by index; the first is in judgement.
        is_fresh: whether it has been given nothing yet.
        is_full: whether it is given nothing more until it has judged what it holds.
        heard_s: when it last sent something, or was given something to do.
    """

    def __init__(self, limits: Limits, way: str, surroundings: Surroundings, cpu: int | None) -> None:
        self.cpu, self._way, self._timeout_s = cpu, way, limits.timeout_s
        self._cpu_at_first_s: float | None = None
        self.held: dict[int, Program] = {}
        self.is_fresh, self.is_full = True, False
        self.heard_s = time.monotonic()
        # The tests that the process has, the least recently used first: number -> size.
        self._suites: collections.OrderedDict[int, int] = collections.OrderedDict()
        self._buffer = frames.Buffer(MESSAGE_LIMIT)
        self._unsent = bytearray()
        # In namespaces the scratch folders are in memory, and end with them.
        self._scratch = None if way == "namespaces" else leftovers.make_scratch()
        self._groups = {} if way == "rlimits" else _make_groups(limits, surroundings)
        self._memory_events = (0, 0)
        self._slot = next(_slots) % _SLOTS
        self.socket, theirs = socket.socketpair()
        reading, self._lifeline = os.pipe()
        try:
            self._process = subprocess.Popen(
                # Without `site`, no file of the user runs. Not -I, which would ignore PYTHONHASHSEED; the
                # environment has only what is given here.
                [surroundings.interpreter.executable, "-s", "-S", "-B", "-c", _BOOT],
                stdin=theirs.fileno(),
                stdout=reading,
                stderr=subprocess.PIPE,
                cwd="/",
                env={**_ENVIRONMENT, **surroundings.beside.variables},
                start_new_session=True,  # an interrupt from the terminal is ours to handle
            )
        except OSError as error:
            self.socket.close()
            os.close(self._lifeline)
            raise SandboxError(f"cannot start {surroundings.interpreter.executable}: {error}") from error
        finally:
            theirs.close()
            os.close(reading)
        try:
            self.layers = self._greet(limits, surroundings)
        except BaseException:
            self.stop()
            raise
        finally:
            assert self._process.stderr is not None
            self._process.stderr.close()
        self.socket.setblocking(True)

    def _greet(self, limits: Limits, surroundings: Surroundings) -> dict[str, bool]:
        """Send the configuration; return the active layers."""
        here = Path(__file__).resolve().parent
        config: Configuration = {
            "stand_in": {"passk_tasks": str(here.parent), "passk_tasks.sandbox": str(here)},
            "keep_compiled": not sys.dont_write_bytecode,
            "way": self._way,
            "scratch": self._scratch and self._scratch[0],
            "slot": os.getpid() % _RUNS * _SLOTS + self._slot,
            "cgroups": sorted({str(group) for group in self._groups.values()}),
            "cpu": self.cpu,
            "numbers": ledger.of_user(),
            "packages": surroundings.packages.folders,
            "shown": surroundings.packages.shown,
            "beside": surroundings.beside.paths,
            "hidden": surroundings.hidden,
            "loopback": surroundings.loopback,
            "preload": PRELOADED,
            "libraries": surroundings.libraries,
            "timeout_s": limits.timeout_s,
            "backstop_s": limits.timeout_s * limits.backstop,
            "memory_mib": limits.memory_mib,
            "output_mib": limits.output_mib,
            "processes": limits.processes,
        }
        self.socket.settimeout(_START_S)
        try:
            frames.write(self.socket.fileno(), json.dumps(config).encode())
            answer: Greeting = json.loads(self._first())
        except (OSError, EOFError, ValueError) as error:
            self._process.kill()
            assert self._process.stderr is not None
            said = self._process.stderr.read().decode(errors="replace").strip().rpartition("\n")[2]
            why = said or str(error) or type(error).__name__
            raise SandboxError(f"the sandbox's process did not start: {why}") from error
        if answer.get("limit"):
            raise SandboxError(answer["fatal"])
        if "fatal" in answer:
            raise RefusedError(answer["fatal"], answer["layers"])
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
        judge = program.judge.value
        messages: list[dict[str, Any]] = []
        if suite in self._suites:
            self._suites.move_to_end(suite)
        else:
            self._suites[suite] = program.tests.size
            given = dataclasses.asdict(self._given(program.tests))
            messages.append({"tests": suite, "judge": judge, "given": given})
            # The worker has judged everything that needs these tests before it reads this.
            while (
                len(self._suites) > _SUITES_KEPT
                or sum(self._suites.values()) - self._suites[suite] > _CASES_KEPT
            ):
                messages.append({"drop": self._suites.popitem(last=False)[0]})
        messages.append({"program": index, "tests": suite, "code": program.code, "judge": judge})
        if not self.held:
            self.heard_s = time.monotonic()
        self.held[index] = program
        for message in messages:
            self._unsent += frames.pack(json.dumps(message, default=_in_base64).encode("ascii"))
        self.send()

    def _given(self, tests: AnyTests) -> Any:
        """Return the dataclass whose fields the driver makes its tests from."""
        if not isinstance(tests, CommandTests):
            return tests
        # Root's candidates are another user, who may not reach root's caches where there is no private root.
        prepared = self._way == "namespaces" or os.getuid() != 0
        return toolchains.given(tests, prepared=prepared, proc=self._way != "landlock")

    def send(self) -> None:
        """Send what the worker takes at once: it does not read while it judges, and may never read again."""
        try:
            with memoryview(self._unsent) as view:
                sent = self.socket.send(view, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:  # the worker is dead; `read` will notice
            sent = len(self._unsent)
        del self._unsent[:sent]

    @property
    def events(self) -> int:
        """The events to wait for on the socket."""
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)

    def read(self, finished: list[tuple[int, Outcome]]) -> tuple[set[int], dict[int, str]]:
        """Add what has been judged to `finished`, even if an error comes after it.

        Returns:
            The programs that used up what those beside them need; and those that had too little of something,
            and of what.

        Raises:
            EOFError: the worker is gone.
            ValueError, KeyError, TypeError, RecursionError: it sent nonsense.
        """
        # A larger buffer would be mapped and unmapped by the C library each time.
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError("the sandbox's process ended")
        self._buffer.feed(data)
        crowding: set[int] = set()
        disturbed: dict[int, str] = {}
        while (message := self._buffer.take()) is not None:
            answer = json.loads(message)
            if "fatal" in answer:
                raise EOFError(str(answer["fatal"]))
            self.heard_s = time.monotonic()
            # What it does to remove a candidate's traces is no hanging of its tests, however long it takes.
            self._cpu_at_first_s = math.inf if "removes" in answer else None
            if "alive" in answer:
                continue
            index = answer["program"]
            outcome = unpacked_outcome(answer["outcome"])
            del self.held[index]
            if answer["crowds_others"]:
                crowding.add(index)
            if answer["is_crowded"]:
                disturbed[index] = PIPES
            if answer["is_starved"] and self._starved():
                disturbed[index] = MEMORY
            finished.append((index, outcome))
            self.is_full = self.is_full and bool(self.held)
        return crowding, disturbed

    def _starved(self) -> bool:
        """Whether the kernel ended one of this worker's processes, and the worker was below its own cap."""
        if (group := self._groups.get("memory cgroup")) is None:
            return True
        ended, capped = self._memory_events
        self._memory_events = cgroups.memory_events(group)
        return self._memory_events[0] > ended and self._memory_events[1] == capped

    @property
    def timeout_s(self) -> float:
        """The time limit of the program in judgement, until the worker sends something again."""
        in_judgement = next(iter(self.held.values()), None)
        return self._timeout_s if in_judgement is None else in_judgement.tests.longest_s(self._timeout_s)

    def tests_cpu_s(self) -> float:
        """Return the CPU seconds of the tests' side since the first call after its last message."""
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
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        if self._process.returncode is None and self._way == "namespaces":
            self._process.kill()
        elif self._way != "namespaces":
            # Without the tests' side, the zygote ends what is left of the candidate, then itself. It and the
            # nursery are the only other processes of the group, which candidates have left.
            self._process.kill()
            until_s = time.monotonic() + _GRACE_S
            while processes.of_group(self._process.pid) and time.monotonic() < until_s:
                time.sleep(0.01)
            for pid in processes.of_group(self._process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._process.wait()
        cgroups.remove(self._groups)
        if self._scratch is not None:
            leftovers.remove_scratch(*self._scratch)


class RefusedError(SandboxError):
    """A worker could not set up one way of sandboxing; `layers` are those that it could."""

    def __init__(self, why: str, layers: dict[str, bool]) -> None:
        super().__init__(why)
        self.layers = layers


def _in_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _make_groups(limits: Limits, surroundings: Surroundings) -> dict[str, Path]:
    """Cap what a worker's processes take together: the tests' side, and a candidate's tree or a build."""
    builds_mib = toolchains.MOST_MIB if surroundings.builds else 0
    memory_mib = max(TREE_MEMORY * limits.memory_mib, builds_mib) + TESTS_EXTRA_MIB
    memory_mib += _LIBRARIES_MIB * bool(surroundings.libraries)
    return cgroups.create(memory_mib << 20, limits.processes + cgroups.OWN_PROCESSES)


# The environment of candidates, with nothing of the user's; `beside` adds what is shown.
_ENVIRONMENT = {
    "HOME": "/box",
    "TMPDIR": "/tmp",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONHASHSEED": "0",
    # For the worker alone: what the loader puts off until a function is called, each fork would do again.
    "LD_BIND_NOW": "1",
    # A candidate has one CPU; pools of threads, and heaps of their own, only cost address space.
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # Avoid a search for a display, and a page of log for each program.
    "MPLBACKEND": "Agg",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
