"""What can be said of one executed program, and of a machine that executes programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum


class Verdict(str, Enum):
    """The end of one program. Everything but `PASSED` and `INFRA_ERROR` is an incorrect sample."""

    PASSED = "passed"  # every test ran and held
    FAILED = "failed"  # an assertion, or a wrong answer
    ERROR = "error"  # another exception
    SYNTAX_ERROR = "syntax_error"  # the candidate does not compile
    NO_CODE = "no_code"  # there was nothing to run in the model's text
    TIMEOUT = "timeout"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    CRASHED = "crashed"  # a signal, or an exit before the tests ended
    INFRA_ERROR = "infra_error"  # ours, never the model's

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one program.

    Attributes:
        verdict: the decision.
        detail: one bounded line for people: the failing assertion, the exception, the signal. Candidate
            text may be in it, so whoever shows it must treat it as hostile.
        judge: name of the judge that decided (`isolated`, `script`, `stdio`), empty where nothing ran.
        cpu_s: CPU seconds of the candidate's processes.
        wall_s: wall seconds from the start of the candidate's process to its verdict.
        peak_mib: largest resident set of the candidate's process, in MiB.
        flags: what looks like an attempt to fool the judge, in short words.
        base_passed: whether the base stage of the tests passed; None where they have none. Where the base
            does not decide (`Tests.base_decides`), a candidate can pass without it.
        actual: where an assertion of the tests failed: what the candidate's last call returned, one bounded
            line; empty where that is not known. As hostile as `detail`.
    """

    verdict: Verdict
    detail: str = ""
    judge: str = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_mib: float = 0.0
    flags: tuple[str, ...] = ()
    base_passed: bool | None = None
    actual: str = ""

    @property
    def passed(self) -> bool:
        """Whether the tests passed."""
        return self.verdict is Verdict.PASSED


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that judged.

    Attributes:
        name: its host name; of a node of a cluster with its address.
        cpus: how many programs it judged at one time.
        programs: how many it judged.
        differs: where its environment is not that of the machine that asked: both values by name, the asking
            machine's first; None for what is missing.
    """

    name: str
    cpus: int
    programs: int
    differs: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)


def added_up(machines: Iterable[Machine]) -> tuple[Machine, ...]:
    """Return each machine once, by name: its programs added up, the rest as it was said last."""
    by_name: dict[str, Machine] = {}
    for machine in machines:
        before = by_name.get(machine.name)
        programs = machine.programs + (before.programs if before else 0)
        by_name[machine.name] = replace(machine, programs=programs)
    return tuple(by_name[name] for name in sorted(by_name))
