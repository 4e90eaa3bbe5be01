"""The interface between judging and what runs programs: this host's sandbox, or one day many machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Protocol

from passk_tasks import benchmarks
from passk_tasks.program import Confinement, Program
from passk_tasks.sandbox.supervisor import Sandbox
from passk_tasks.verdict import Outcome


class Executor(Protocol):
    """Runs programs; a context manager that may be entered again, inside itself and after its end.

    The executor decides how many machines run programs, how it sends them there, and what it tries again when
    a machine fails. Its caller gets one outcome for each program.
    """

    @property
    def confinement(self) -> Confinement:
        """The limits, mode and packages of the candidates."""

    @property
    def packages(self) -> Mapping[str, str]:
        """The version of each distribution that candidates can import, by canonical name."""

    @property
    def layers(self) -> Mapping[str, bool]:
        """Whether each layer is active wherever programs run, by name; known once entered."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user must know about the layers; known once entered."""

    def run(self, programs: Sequence[Program]) -> Iterator[tuple[int, Outcome]]:
        """Judge programs that have code; yield the position and outcome of each as soon as it is known."""

    def selftest(self, programs: Sequence[Program]) -> Iterator[tuple[int, Outcome]]:
        """Judge each program on every machine that `run` uses; yield its position and outcome for each."""

    def __enter__(self) -> Executor:
        """Start the machinery that runs programs.

        Raises:
            SandboxError: the confinement cannot be enforced.
        """

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave; the last exit ends everything that runs."""


def local(confinement: Confinement, workers: int = 0) -> Executor:
    """Return this host's sandbox, with the packages that hold tests or solutions hidden from candidates.

    Args:
        confinement: limits, mode and packages of the candidates.
        workers: candidates that run at one time; 0 for the number of usable CPUs.

    Raises:
        SandboxError: the host is not Linux.
        SettingsError: a package is not installed, or the number of workers is negative.
    """
    return Sandbox(confinement, workers, hidden=benchmarks.hidden_packages())
