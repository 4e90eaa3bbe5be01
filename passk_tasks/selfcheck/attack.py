"""What a program of the corpus is, and which verdicts it may have.

An attack reports its success by passing: `attack()` returns `"reached"` only where it got what it wanted, and
its tests assert that. So a guarantee is broken when a hostile program passes, when the run has no verdict for
it, or when a probe on the host sees what it did. A right program breaks its guarantee by not passing.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from passk_tasks.program import AnyTests, Judge, Tests
from passk_tasks.verdict import Verdict

BOTH = (Judge.ISOLATED, Judge.SCRIPT)
ISOLATED = (Judge.ISOLATED,)

# How many times as long as a plain endless loop an attack may take. A tree of processes may starve its own
# main process, so only the wall clock ends it, and that limit is laxer.
AS_LOOP, AS_TREE = 2.0, 8.0

# A hostile program that does not compile attacks nothing, so `syntax_error` proves nothing.
NOT_PASSED = frozenset(
    {
        Verdict.FAILED,
        Verdict.ERROR,
        Verdict.TIMEOUT,
        Verdict.MEMORY_LIMIT,
        Verdict.OUTPUT_LIMIT,
        Verdict.CRASHED,
    }
)
PASSED = frozenset({Verdict.PASSED})

# `solve(n)` should be n * n + 7, which no program returns by chance.
SOLVE = Tests(
    "def check(candidate):\n    assert candidate(3) == 16\n    assert candidate(10) == 107\n\ncheck(solve)\n",
    ("solve",),
)
REACHED = Tests('assert attack() == "reached"\n', ("attack",))


class Guarantee(str, Enum):
    """What the sandbox and its judges promise, in the order of the table."""

    VERDICT = "a wrong program does not pass by forging its verdict"
    ORACLE = "expected values and tests stay out of reach, and results are plain data"
    EXIT = "an early exit is no pass"
    CHANNEL = "hostile bytes on the channel are `crashed`"
    RUN = "no program stops the run or loses its verdict"
    BETWEEN = "no program meets what another one left behind"
    SURVIVOR = "nothing survives its verdict or delays it"
    TIME = "the time limit holds"
    MEMORY = "the memory limit holds"
    OUTPUT = "output and disk limits hold"
    READ = "host files cannot be read"
    WRITE = "host files cannot be written"
    SECRET = "secrets of the user stay out of reach"
    NETWORK = "no network, no socket of the host"
    SIGNAL = "no process of the host can be signalled or read"
    KERNEL = "privileges and risky system calls are refused"
    RIGHT = "right programs pass"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Attack:
    """One program of the corpus; plain data.

    Attributes:
        name: unique, in kebab case.
        category: the kind of attack, the same for a whole module, e.g. `early exits`.
        guarantee: what it tries to break.
        code: the candidate; `Probes.fill` replaces each `@WORD@` by a value of this host.
        tests: the tests that judge it.
        judges: the judges under which it is tried.
        expected: verdicts under which the guarantee holds.
        host_probe: what is inspected on the host afterwards, a name in `probes.PROBES`.
        known_gap: why the judge `script` cannot refuse it; None where it must.
        before: programs that run just before it, in the same worker.
        harms: whether it would harm a host without namespaces; then it is not tried there.
        loopback: whether it is a candidate of a family that asks for a network of its own.
        own_root: whether it needs a root of its own, in which there are `/dev/shm` and a user's name.
        times: how many times as long as a plain endless loop it may take; None where that does not matter.
        real: when it succeeds against a harness without isolation: `always`, as `root`, or `unseen` where
            that is not tried (it would do harm, or is aimed at this package's own driver).
    """

    name: str
    category: str
    guarantee: Guarantee
    code: str
    tests: AnyTests
    judges: tuple[Judge, ...] = BOTH
    expected: frozenset[Verdict] = NOT_PASSED
    host_probe: str | None = None
    known_gap: str | None = None
    before: tuple[str, ...] = ()
    harms: bool = False
    loopback: bool = False
    own_root: bool = False
    times: float | None = None
    real: str = "always"

    @property
    def is_right(self) -> bool:
        """Whether it is a program that must pass."""
        return self.expected == PASSED

    def gap(self, judge: Judge) -> str | None:
        """Return why this judge cannot refuse it, None where it must."""
        return self.known_gap if judge is Judge.SCRIPT else None


def maker(category: str, guarantee: Guarantee, **defaults: object) -> Callable[..., Attack]:
    """Return a function `(name, code, **fields) -> Attack` with the fields that a module's attacks share."""
    base = Attack("", category, guarantee, "", REACHED)
    base = replace(base, **defaults)  # type: ignore[arg-type]

    def make(name: str, code: str, **fields: object) -> Attack:
        return replace(base, name=name, code=source(code), **fields)  # type: ignore[arg-type]

    return make


def source(code: str) -> str:
    """Return a block of code of a corpus module without its indentation and first newline."""
    return textwrap.dedent(code).lstrip("\n")


def checks(statements: str, *names: str, prelude: str = "") -> Tests:
    """Return tests made of statements about the named functions."""
    return Tests(source(statements).rstrip("\n") + "\n", names or ("solve",), source(prelude))
