"""What judging needs of whatever runs programs: this host's sandbox, or one day many machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Protocol

from passk_tasks import benchmarks
from passk_tasks.program import Confinement, Program
from passk_tasks.sandbox.supervisor import Sandbox
from passk_tasks.verdict import Outcome


class Executor(Protocol):
    """Runs programs; a context manager, which may be entered again within itself and after its end.

    How many machines there are, how programs come to them, and what is tried again where one of them fails
    is its own affair. Whoever judges sees each program's outcome once.
    """

    @property
    def confinement(self) -> Confinement:
        """What candidates are kept in."""

    @property
    def packages(self) -> Mapping[str, str]:
        """Version of each distribution that candidates can import, by its canonical name."""

    @property
    def layers(self) -> Mapping[str, bool]:
        """Name of each layer and whether it was active wherever programs ran; known when entered."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person must know of the layers; known when entered."""

    def run(self, programs: Sequence[Program]) -> Iterator[tuple[int, Outcome]]:
        """Judge programs that have code; yield each one's position and outcome once, as it is known."""

    def selftest(self, programs: Sequence[Program]) -> Iterator[tuple[int, Outcome]]:
        """Judge each program on every machine that `run` uses; yield its position as often, with outcomes."""

    def __enter__(self) -> Executor:
        """Start what runs programs.

        Raises:
            SandboxError: candidates cannot be kept as the confinement says.
        """

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all that runs, unless it was entered more often than left."""


def local(confinement: Confinement, workers: int = 0) -> Executor:
    """Return this host's sandbox, in which no candidate sees the packages that hold tests or solutions.

    Args:
        confinement: what candidates are kept in.
        workers: candidates that run at one time; 0 means as many as there are usable CPUs.

    Raises:
        SandboxError: this is no Linux.
        SettingsError: a package that is not installed, or a negative number of workers.
    """
    return Sandbox(confinement, workers, hidden=benchmarks.hidden_packages())
