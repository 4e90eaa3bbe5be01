"""What is executed: a candidate, the tests that judge it, and the limits it runs under."""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import ClassVar, Literal, TypeAlias

from passk_tasks.errors import SettingsError


class Judge(str, Enum):
    """How a program is judged, in one word: settings and results have it.

    The first two say where the tests of functions run. The third says what kind of tests there are.
    """

    ISOLATED = "isolated"  # tests in a process of their own; plain values cross
    SCRIPT = "script"  # the ancestors' way: tests in the candidate's process, below the candidate
    STDIO = "stdio"  # the candidate is a program: input on stdin, its output is compared outside

    def __str__(self) -> str:
        return self.value

    @property
    def place(self) -> Place:
        """Where function tests run that this word is said of: `stdio` speaks of other tests."""
        return Judge.SCRIPT if self is Judge.SCRIPT else Judge.ISOLATED


Place: TypeAlias = Literal[Judge.ISOLATED, Judge.SCRIPT]
"""Where the tests of functions run: in a process of their own, or in the candidate's."""


@dataclass(frozen=True, slots=True)
class Tests:
    """The tests of one problem, shared by all of its candidates.

    Attributes:
        source: statements that raise unless the candidate is right, e.g. HumanEval's `check` and its call.
        names: names in `source` that mean the candidate's functions. Under `isolated` they are proxies that
            call into the candidate's process.
        prelude: trusted code that `source` needs besides those names (helpers from the prompt). It runs on
            the tests' side under `isolated`. Under `script` the candidate's own namespace has it; tests have
            its functions, where it is functions and imports alone, whatever the candidate made of those.
        base: statements that run first, in the same execution, and the outcome says how they went. `""` where
            there is no such stage.
        base_decides: `source` is reached only where the base holds, so that a pass needs both. If False, the
            base is measured beside `source`, which runs all the same and alone decides.
        objects: under `isolated` the tests call methods of objects that the candidate makes, e.g. where the
            entry point is a class. If False, such an object equals nothing but itself and has no methods.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    source: str
    names: tuple[str, ...]
    prelude: str = ""
    base: str = ""
    base_decides: bool = True
    objects: bool = False
    timeout_s: ClassVar[None] = None

    @property
    def size(self) -> int:
        """Characters of the tests."""
        return len(self.source)


@dataclass(frozen=True, slots=True)
class Comparison:
    """When an output is the expected one: a benchmark's own rule, which runs on the tests' side.

    Attributes:
        name: what it is called in hashes; no other rule may have it.
        source: Python text without other imports than the standard library. It defines a function of that
            name, which takes an output and the expected one and returns "", or what is wrong in a few words.

    Raises:
        ValueError: another rule has that name: programs under the two would have one hash.
    """

    name: str
    source: str

    def __post_init__(self) -> None:
        if _RULES.setdefault(self.name, self.source) != self.source:
            raise ValueError(f"there are two comparison rules {self.name!r}: give one of them another name")

    def __str__(self) -> str:
        return self.name


_RULES: dict[str, str] = {}  # sources by name


@dataclass(frozen=True, slots=True)
class StdioTests:
    """The cases of one problem whose candidates are programs, shared by all of them. Made by `of`.

    Attributes:
        packed: the cases, compressed: those of a benchmark are gigabytes.
        size: bytes of the cases when unpacked.
        sha256: of the cases.
        comparison: when an output is the expected one.
        timeout_s: the problem's own limit for each case, in seconds; it can raise that of the run, never
            lower it. None where the problem has none.
        base: that many cases, the first ones, are the examples that the problem shows. The outcome says
            whether they held.
    """

    packed: bytes
    size: int
    sha256: str
    comparison: Comparison
    timeout_s: float | None = None
    base: int = 0

    @classmethod
    def of(
        cls,
        cases: Iterable[tuple[str, str]],
        *,
        comparison: Comparison,
        timeout_s: float | None = None,
        base: int = 0,
    ) -> StdioTests:
        """Return tests of (input, expected output) in this order.

        Raises:
            ValueError: there are none; a program would pass untested.
        """
        listed = [[given, expected] for given, expected in cases]
        if not listed:
            raise ValueError("a problem without cases tests nothing")
        raw = json.dumps(listed, separators=(",", ":")).encode("ascii")
        packed = zlib.compress(raw, 1)
        return cls(packed, len(raw), hashlib.sha256(raw).hexdigest(), comparison, timeout_s, base)

    def cases(self) -> list[tuple[str, str]]:
        """Return (input, expected output) of each case."""
        return [(given, expected) for given, expected in json.loads(zlib.decompress(self.packed))]


@dataclass(frozen=True, slots=True)
class Program:
    """A candidate and what judges it.

    Attributes:
        task_id: the problem it belongs to.
        code: the candidate's whole source; None where the model's text held no code.
        tests: what must hold, of either kind.
        place: where `Tests` run. `StdioTests` have but one way, whatever this says.
    """

    task_id: str
    code: str | None
    tests: Tests | StdioTests
    place: Place = Judge.ISOLATED

    def __post_init__(self) -> None:
        if self.place not in (Judge.ISOLATED, Judge.SCRIPT):
            raise ValueError(f"{self.task_id}: tests run isolated or as a script, not as {self.place}")

    @property
    def judge(self) -> Judge:
        """How it is judged: what kind of tests it has, and where they run."""
        return Judge.STDIO if isinstance(self.tests, StdioTests) else self.place

    @property
    def sha256(self) -> str:
        """Hash of everything that determines the verdict: code, tests and judge."""
        digest = hashlib.sha256()
        tests = self.tests
        if isinstance(tests, StdioTests):
            what: tuple[str, ...] = (
                tests.sha256,
                tests.comparison.name,
                str(tests.timeout_s),
                str(tests.base),
            )
        else:
            what = (tests.prelude, tests.base, tests.source, *tests.names)
            if not tests.base_decides:
                what = ("base beside", *what)
            if tests.objects:
                what = ("objects", *what)
        for part in (self.judge.value, *what, self.code):
            # Lengths keep neighbouring parts apart; lone surrogates are legal in model text.
            raw = b"\xff" if part is None else part.encode("utf-8", "surrogatepass")
            digest.update(b"%d:" % len(raw))
            digest.update(raw)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one candidate may use.

    Attributes:
        timeout_s: seconds of work. CPU time and time asleep count, time spent waiting for a busy CPU does
            not, so that a loaded machine does not turn right answers into timeouts.
        memory_mib: address space of each process of the candidate, in MiB; all of its processes together may
            use four times as much. At the default, a program that takes ever more ends after about 0.3 s of
            page faults.
        output_mib: what it may write to standard output and to any one file, in MiB.
        processes: processes and threads at one time.
        backstop: wall seconds may reach `backstop * timeout_s` whatever the load; then the run goes on.
    """

    timeout_s: float = 3.0
    memory_mib: int = 512
    output_mib: int = 16
    processes: int = 64
    backstop: float = 20.0

    def __post_init__(self) -> None:
        for name, least, most, unit in (
            ("timeout_s", 0.05, 86_400, "seconds"),
            ("memory_mib", 64, 1 << 20, "MiB"),
            ("output_mib", 1, 1 << 16, "MiB"),
            ("processes", 1, 4096, "processes"),
            ("backstop", 1, 1000, "times the timeout"),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise SettingsError(f"{name} must be a number of {unit}, not {value!r}")
            if not least <= value <= most:
                raise SettingsError(f"{name} must be between {least} and {most} {unit}, not {value!r}")

    def as_dict(self) -> dict[str, float]:
        """Return the limits as stored with a run."""
        return asdict(self)


MODES = ("strict", "rlimits")


@dataclass(frozen=True, slots=True)
class Confinement:
    """What candidates are kept in.

    Attributes:
        limits: what each of them may use.
        mode: `strict` (namespaces, private root, Landlock, seccomp; on a host that forbids user namespaces,
            Landlock, seccomp and a reaper) or `rlimits` (resource limits only).
        packages: which installed packages they can import: `installed` (all), `stdlib` (none) or names of
            distributions, which bring what they require. Under `rlimits` a candidate that looks for others in
            the file system finds them.

    Raises:
        SettingsError: there is no such mode.
    """

    limits: Limits = Limits()
    mode: str = "strict"
    packages: str | tuple[str, ...] = "installed"

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise SettingsError(f"sandbox must be one of {', '.join(MODES)}, not {self.mode!r}")
