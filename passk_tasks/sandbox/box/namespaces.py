"""The way `namespaces`: the worker, its tests' side and its candidates in kernel namespaces of their own."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import socket
from typing import NoReturn

from passk_tasks.sandbox.box import kernel, privileges, rootfs, traces
from passk_tasks.sandbox.box.limits import DISK_MIB
from passk_tasks.sandbox.box.on_host import OnHost
from passk_tasks.sandbox.box.protocol import Configuration

_SCRATCH_MIB = DISK_MIB // len(rootfs.SCRATCH)
_ANY_USER = 1879048192  # the first of the numbers that neither users nor containers get (systemd's table)
_SOCKETS = (
    ("ipv4/tcp_rmem", "4096 65536 131072"),
    ("ipv4/tcp_wmem", "4096 16384 131072"),
    ("core/somaxconn", "16"),
)
_FIRST_PID, _LAST_PID = 300, 30_000


class Namespaces(OnHost):
    """Private root, private /proc, no network; everything below a zygote ends with it."""

    is_init = own_network = True

    def __init__(self, config: Configuration) -> None:
        super().__init__(config)
        self.own_network = not config["loopback"]  # then each zygote has another one

    def enter(self, layers: dict[str, bool], supervisor: int, lifeline: int) -> None:
        """Enter the namespaces. This process stays on the host and waits; its child goes on."""
        self.identity = _enter_namespaces(layers, self._config["slot"])
        pid = os.fork()
        if pid:
            os.close(supervisor)
            _wait(pid, lifeline)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)

    def prepare(self, layers: dict[str, bool]) -> None:
        """Enter the private root."""
        config = self._config
        self._shown = rootfs.build(
            [*config["shown"], *config["beside"]], config["packages"], config["hidden"]
        )
        layers["private root"] = True

    def confine_tests_side(self) -> None:
        """Give up every privilege; /dev/null is all that can be written to."""
        rootfs.seal()
        privileges.confine(self.identity, {}, readable=["/"], writable=["/dev/null"], memfd=True)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)  # the change of user has cleared it

    def make_folders(self) -> tuple[str, ...]:
        """Return the writable folders of the private root, which each zygote mounts for itself."""
        return rootfs.SCRATCH

    def remove_folders(self, folders: tuple[str, ...]) -> None:
        """Do nothing: they ended with the zygote."""

    def wait_for_zygote(self, pid: int) -> int:
        """Return the wait status of the zygote, the child's child."""
        status = os.waitpid(pid, 0)[1]
        return os.wait()[1] if status == 0 else status

    def enter_zygote(self) -> None:
        """Become init of a pid namespace, with mounts of its own."""
        network = kernel.CLONE_NEWNET if self._config["loopback"] else 0
        kernel.unshare(kernel.CLONE_NEWPID | kernel.CLONE_NEWNS | network)
        if os.fork():
            os._exit(0)  # the nursery adopts the zygote

    def own_loopback(self) -> traces.Network | None:
        """Raise the loopback, and limit what the kernel holds for one connection and for those that wait."""
        if not self._config["loopback"]:
            return None
        kernel.raise_loopback()
        for name, value in _SOCKETS:
            with contextlib.suppress(OSError):  # a host may have masked /proc; memory is counted all the same
                kernel.put(f"/proc/sys/net/{name}", value)
        return traces.Network()

    def show_folders(self, folders: tuple[str, ...], layers: dict[str, bool]) -> None:  # noqa: ARG002
        """Mount /proc and the folders."""
        _start_anywhere()
        # Only the processes' folders: the rest of /proc tells about the host.
        layers["private proc"] = rootfs.mount_proc(options="subset=pid") or rootfs.mount_proc()
        rootfs.mount_scratch(_SCRATCH_MIB, self._shown)
        if layers["private proc"]:  # last: this process, init, finds its own descriptors there
            rootfs.hide_init()
        rootfs.seal()

    def confine_zygote(self, folders: tuple[str, ...], layers: dict[str, bool]) -> None:
        """Give up every privilege, for the zygote and so for its candidates."""
        # The kernel counts per user namespace, so the user's processes on the host do not count. An ordinary
        # user's nursery is the same user as the candidates.
        processes = self._config["processes"] + (os.getuid() == self.identity)
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
        privileges.confine(
            self.identity,
            layers,
            readable=["/"],
            writable=[*folders, "/dev/null"],
            loopback=self._config["loopback"],
        )

    def end(self) -> None:
        """Do nothing: everything ends with this process, init of its namespace."""


def _wait(pid: int, lifeline: int) -> NoReturn:
    """Wait for the tests' side; end it when the supervisor is gone."""
    pidfd = kernel.pidfd_open(pid)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(lifeline, select.POLLIN)
    poll.poll()
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os._exit(0)


def _enter_namespaces(layers: dict[str, bool], slot: int) -> int:
    """Enter new namespaces; return the user id, inside, that candidates get."""
    identity = rootfs.USER
    if os.getuid() == 0:
        _map_two_users(identity, _ANY_USER + slot)
    else:
        uid, gid = os.getuid(), os.getgid()
        kernel.unshare(kernel.CLONE_NEWUSER)
        kernel.put("/proc/self/setgroups", "deny")
        kernel.put("/proc/self/uid_map", f"{identity} {uid} 1\n")
        kernel.put("/proc/self/gid_map", f"{identity} {gid} 1\n")
    layers["user namespace"] = True
    for name, flag in (
        ("pid namespace", kernel.CLONE_NEWPID),
        ("mount namespace", kernel.CLONE_NEWNS),
        ("network namespace", kernel.CLONE_NEWNET),
        ("ipc namespace", kernel.CLONE_NEWIPC),
        ("uts namespace", kernel.CLONE_NEWUTS),
    ):
        kernel.unshare(flag)
        layers[name] = True
    try:  # hides the names of control groups, which tell of sessions and containers; no defence needs it
        kernel.unshare(kernel.CLONE_NEWCGROUP)
        layers["cgroup namespace"] = True
    except OSError:
        layers["cgroup namespace"] = False
    socket.sethostname("box")  # the host's own name tells whose machine it is
    return identity


def _map_two_users(identity: int, own: int) -> None:
    """Enter a user namespace that has root and a second, unprivileged user for candidates.

    The kernel exempts uid 0 from the limit on processes. On the host the second user's number is this
    worker's alone, so that what the kernel counts by user (pages of pipes, queued signals) is each worker's
    own. Only root can map two users.
    """
    ready, written = os.pipe(), os.pipe()
    parent = os.getpid()
    helper = os.fork()
    if not helper:
        # Only a process outside the new namespace may map two ids. If the pipe ends, unshare has failed.
        os.close(ready[1])
        if os.read(ready[0], 1) != b"x":
            os._exit(0)
        try:
            for name in ("uid_map", "gid_map"):
                try:
                    kernel.put(f"/proc/{parent}/{name}", f"0 0 1\n{identity} {own} 1\n")
                except OSError:  # a container may have fewer numbers
                    kernel.put(f"/proc/{parent}/{name}", f"0 0 1\n{identity} {identity} 1\n")
            os.write(written[1], b"y")
        finally:
            os._exit(0)
    os.close(written[1])
    kernel.unshare(kernel.CLONE_NEWUSER)
    os.write(ready[1], b"x")
    mapped = os.read(written[0], 1) == b"y"
    for fd in (*ready, written[0]):
        os.close(fd)
    os.waitpid(helper, 0)
    if not mapped:
        raise OSError(1, "root cannot map an unprivileged user (CAP_SETUID is missing)")


def _start_anywhere() -> None:
    """Start process numbers at a random one, so that they do not tell how many came before."""
    number = _FIRST_PID + int.from_bytes(os.urandom(4), "little") % (_LAST_PID - _FIRST_PID)
    with contextlib.suppress(OSError):  # the kernel has no checkpoints, or /proc is masked
        kernel.put("/proc/sys/kernel/ns_last_pid", str(number))
