"""The interface between judging and what runs programs: this host's sandbox, or the nodes of a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Protocol

from passk_tasks import benchmarks
from passk_tasks.program import Confinement, Program
from passk_tasks.sandbox.supervisor import Sandbox
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Machine, Outcome


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

    @property
    def machines(self) -> tuple[Machine, ...]:
        """Who judges, and how many programs each judged; kept until the executor is entered anew."""

    def run(self, programs: Sequence[Program]) -> Iterator[tuple[int, Outcome]]:
        """Judge programs that have code; yield the position and outcome of each as soon as it is known.

        The sequence reads a program from the disk when it is asked for one: there may be a million, so that
        nobody should hold all of them.
        """

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


def executor_for(settings: Settings, workers: int | None = None) -> Executor:
    """Return what runs the programs of a task with these settings: a cluster's nodes, or this host's sandbox.

    Args:
        settings: of the task.
        workers: candidates that run at one time on this host; None for the settings' own number, which nodes
            of a cluster always have.

    Raises:
        SandboxError: the host is not Linux.
        SettingsError: a package is not installed.
        UsageError: a cluster is named, and Ray is not installed.
    """
    confinement = benchmarks.get(settings.benchmark).confinement(settings)
    if settings.cluster is None:
        return local(confinement, settings.workers if workers is None else workers)
    from passk_tasks.judging.cluster import Cluster  # Ray is an extra

    return Cluster(settings.cluster, confinement, settings.workers, mixed=settings.mixed)


def local(confinement: Confinement, workers: int = 0) -> Executor:
    """Return this host's sandbox, with the packages that hold tests or solutions hidden from candidates.

    With `workers` candidates at one time; 0 for the number of usable CPUs.

    Raises:
        SandboxError: the host is not Linux.
        SettingsError: a package is not installed, or the number of workers is negative.
    """
    return Sandbox(confinement, workers, hidden=benchmarks.hidden_packages())
