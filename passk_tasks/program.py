"""What is executed: a candidate, the tests that judge it, and the limits it runs under."""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from passk_tasks.errors import SettingsError


class Judge(str, Enum):
    """Who decides that a candidate passed."""

    ISOLATED = "isolated"  # tests in a process of their own; plain values cross
    SCRIPT = "script"  # the ancestors' way: tests appended to the candidate

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Tests:
    """The tests of one problem, shared by all of its candidates.

    Attributes:
        source: statements that raise unless the candidate is right, e.g. HumanEval's `check` and its call.
        names: names in `source` that mean the candidate's functions. Under `isolated` they are proxies that
            call into the candidate's process.
        prelude: trusted code that `source` needs besides those names (helpers from the prompt). It runs on
            the tests' side under `isolated`, and is not used under `script`, where the candidate's own
            namespace has it.
        base: statements that run first, in the same execution. `source` is reached only where they hold, so a
            pass needs both, and the outcome says how the base went. `""` where there is no such stage.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    source: str
    names: tuple[str, ...]
    prelude: str = ""
    base: str = ""


@dataclass(frozen=True, slots=True)
class Program:
    """A candidate and what judges it.

    Attributes:
        task_id: the problem it belongs to.
        code: the candidate's whole source; None where the model's text held no code.
        tests: what must hold.
        judge: who decides.
    """

    task_id: str
    code: str | None
    tests: Tests
    judge: Judge = Judge.ISOLATED

    @property
    def sha256(self) -> str:
        """Hash of everything that determines the verdict: code, tests and judge."""
        digest = hashlib.sha256()
        tests = self.tests
        for part in (self.judge.value, tests.prelude, tests.base, tests.source, *tests.names, self.code):
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
        memory_mib: address space of each process of the candidate, in MiB. A program that takes ever more
        ends
            after about 0.3 s of page faults at the default; all of its processes together may use four times
            it.
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

    def as_dict(self) -> dict[str, Any]:
        """Return the limits as stored with a run."""
        return asdict(self)
