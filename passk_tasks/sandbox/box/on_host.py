"""The ways without namespaces, for hosts that forbid them.

Worker, tests' side, nursery and zygote are ordinary processes. The zygote is a subreaper, so no process of a
candidate escapes it. Under `landlock` each candidate confines itself to the interpreter's files and a folder
of its own, and cannot open sockets or signal others. Under `rlimits` only resource limits hold it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable

from passk_tasks.sandbox.box import kernel, landlock, privileges, processes, rootfs, seccomp, traces, trees
from passk_tasks.sandbox.box.protocol import FRESH, Configuration

_PATIENCE_S = 1.0


class OnHost:
    """The way `rlimits`; the other ways override what they do differently.

    Attributes:
        identity: the user that candidates become; None if they stay the user who runs this.
        is_init: whether a zygote is init of a pid namespace of its own.
        own_network: whether the network namespace has no sockets but the candidate's and this package's.
        only_host_removes: whether somebody on the host can remove the working folder, and no candidate.
        disk: the candidates' folder if it is on a disk of the host; None if it has a size limit of its own.
    """

    is_init = own_network = only_host_removes = False

    def __init__(self, config: Configuration) -> None:
        self._config = config
        self.disk = config["scratch"]
        self.identity: int | None = None

    def enter(self, layers: dict[str, bool], supervisor: int, lifeline: int) -> None:  # noqa: ARG002
        """Separate this process from the host; returns in the process that becomes the tests' side."""
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)

    def prepare(self, layers: dict[str, bool]) -> None:
        """Prepare what candidates see; everything is imported by now."""

    def confine_tests_side(self) -> None:
        """Confine this process, the tests' side; the nursery runs by now."""

    def make_folders(self) -> tuple[str, ...]:
        """Return the folders that the candidates of the next zygote may write to."""
        assert self.disk is not None
        folder = os.path.join(self.disk, os.urandom(4).hex())
        os.mkdir(folder, 0o700)
        if self.identity is not None:
            os.chown(folder, self.identity, self.identity)
        return (folder,)

    def remove_folders(self, folders: tuple[str, ...]) -> None:
        """Remove the folders while the next candidate runs, in CPU time that nobody else uses."""
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not os.fork():
            try:
                os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
                trees.remove(folders[0])
            except OSError:
                pass  # the supervisor removes all folders at the end
            finally:
                os._exit(0)

    def wait_for_zygote(self, pid: int) -> int:
        """Return the wait status of a zygote; `pid` is the child that became or started it.

        Unless another zygote takes its place, nothing that it started is left: one that was killed, or that
        failed because the tests' side was killed under it, has not ended its candidate.
        """
        status = os.waitpid(pid, 0)[1]
        if not is_fresh(status):
            processes.end(pid, is_init=False)
        return status

    def enter_zygote(self) -> None:
        """Make this process, the nursery's child, the zygote."""
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)

    def own_loopback(self) -> traces.Network | None:
        """Return the network that candidates have for themselves, if they have one."""
        return None

    def show_folders(self, folders: tuple[str, ...], layers: dict[str, bool]) -> None:  # noqa: ARG002
        """Let candidates find their folders."""
        os.environ.update(HOME=folders[0], TMPDIR=folders[0])

    def confine_zygote(
        self,
        folders: tuple[str, ...],  # noqa: ARG002
        layers: dict[str, bool],  # noqa: ARG002
    ) -> Callable[[], None] | None:
        """Confine the zygote; return a function that confines a candidate further, or None."""
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        return None

    def most_processes(self) -> int | None:
        """Return how many processes a candidate may have, if no namespace counts them."""
        return None

    def end(self) -> None:
        """Wait until the zygote has ended what is left of a candidate; after a while, end it ourselves."""
        until_s = time.monotonic() + _PATIENCE_S
        while True:
            try:
                ended, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not ended:
                if time.monotonic() > until_s:
                    for child in processes.descendants(os.getpid(), zombies=True):
                        with contextlib.suppress(OSError):
                            os.kill(child, signal.SIGKILL)
                time.sleep(0.005)


def is_fresh(status: int) -> bool:
    """Return whether a zygote with this wait status ended so that a new one takes its place."""
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) == FRESH


class Landlock(OnHost):
    """The way `landlock`."""

    only_host_removes = True

    def prepare(self, layers: dict[str, bool]) -> None:  # noqa: ARG002
        """Choose the user of candidates."""
        if os.getuid() == 0 and _can_read_interpreter(rootfs.USER):
            assert self.disk is not None
            self.identity = rootfs.USER
            os.chmod(self.disk, 0o711)  # to pass through

    def _readable(self) -> tuple[list[str], list[str]]:
        config = self._config
        shown = [*config["shown"], *config["beside"]]
        return rootfs.readable_paths(shown, config["packages"], config["hidden"])

    def confine_tests_side(self) -> None:
        """Allow only what candidates see, the list of processes, and files in memory."""
        assert self.disk is not None
        readable, listed = self._readable()
        privileges.drop(self.identity, {})
        landlock.enforce(landlock.ruleset([*readable, "/proc"], ["/dev/null", self.disk], listed))
        kernel.install_seccomp(seccomp.program(sockets=False, memfd=True))

    def confine_zygote(self, folders: tuple[str, ...], layers: dict[str, bool]) -> Callable[[], None]:
        """Filter the zygote's system calls; candidates give up the rest, which the zygote needs."""
        readable, listed = self._readable()
        rules = landlock.ruleset(readable, [*folders, "/dev/null"], listed)
        scoped = landlock.abi() >= 6
        privileges.drop(self.identity, layers)
        kernel.install_seccomp(seccomp.program(sockets=False))
        layers.update({"landlock": True, "seccomp": True, "reaper": True})

        def confine() -> None:
            landlock.enforce(rules)
            kernel.install_seccomp(seccomp.attributes_program())
            if not scoped:
                kernel.install_seccomp(seccomp.signals_program(os.getpid()))

        return confine

    def most_processes(self) -> int | None:
        """Return the setting; None for root, whom no limit on processes holds."""
        return self._config["processes"] if os.getuid() != 0 else None


def _can_read_interpreter(user: int) -> bool:
    """Return whether an unprivileged user can read the interpreter's files."""
    needed = rootfs.interpreter_paths()  # found as root: the other user may not see them
    probe = os.fork()
    if not probe:
        try:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            os._exit(0 if all(os.access(path, os.R_OK) for path in needed) else 1)
        finally:
            os._exit(1)
    return os.waitpid(probe, 0)[1] == 0
