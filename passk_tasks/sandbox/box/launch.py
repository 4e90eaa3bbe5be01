"""Entry of a worker: from a clean interpreter to the two sides of the sandbox.

    worker (waits, on the host)
    └── tests' side: init of pid namespace A; sees the private root
        └── nursery: starts a zygote, and another one each time a candidate left traces
            └── zygote: init of pid namespace B, inside A; has the writable folders
                └── one candidate at a time

There are three ways (`config["way"]`). `namespaces` is that. `landlock` is for hosts that forbid user
namespaces: worker, tests' side, nursery and zygote are ordinary processes, each candidate confines itself to
the interpreter's files and a folder of its own, cannot open sockets or signal others, and is found by the
zygote, a subreaper, whatever it does. `rlimits` is the same without the confinement.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from passk_tasks.sandbox.box import (
    candidate,
    frames,
    kernel,
    landlock,
    rootfs,
    seccomp,
    tests_side,
    trees,
    zygote,
)
from passk_tasks.sandbox.box.limits import DISK_MIB, OPEN_FILES, TESTS_EXTRA_MIB

_THREAD_STACK_BYTES = 8 << 20
_SCRATCH_MIB = DISK_MIB // len(rootfs.SCRATCH)
_SIGNALS = 1024
_TIMER_SLACK_NS = 50_000  # the kernel's default
_PATIENCE_S = 1.0
_DESCRIPTORS = 256  # the least that candidates are to have; OPEN_FILES where the host allows
_ANY_USER = 1879048192  # the first of the numbers that neither users nor containers get (systemd's table)
_FIRST_PID, _LAST_PID = 300, 30_000


class LimitError(Exception):
    """A limit of whoever started the run leaves too little; the message names it."""


def main(config: dict[str, Any]) -> NoReturn:
    """Become a worker. Descriptor 0 is the supervisor's socket, 1 a pipe that closes when the supervisor
    dies.
    """
    supervisor = os.dup(0)
    lifeline = os.dup(1)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
    layers: dict[str, bool] = {}
    # Folders, files and sockets made here have the modes that are given with them, whoever started this.
    os.umask(0o022)
    try:
        _forget_parent()
        _raise_limits(config)
        strict = config["way"] == "namespaces"
        for group in config["cgroups"]:
            _put(os.path.join(group, "cgroup.procs"), str(os.getpid()))
        if config["cpu"] is not None:
            os.sched_setaffinity(0, {config["cpu"]})
        if strict:
            identity = _enter_namespaces(layers, config["slot"])
            pid = os.fork()
            if pid:
                os.close(supervisor)
                _wait(pid, lifeline)
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        else:
            identity = None
            kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        os.close(lifeline)
        _preload(config["preload"], config["packages"], config["shown"])
        if strict:
            shown = rootfs.build(config["shown"], config["packages"])
            layers["private root"] = True
            folders: tuple[str, ...] = rootfs.SCRATCH
        else:
            shown = rootfs.Shown([], {})
            folders = (config["scratch"],)
            if config["way"] == "landlock":
                identity = _landlock_identity()
                if identity is not None:
                    os.chmod(folders[0], 0o711)  # to pass through
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        nursery = os.fork()
        if not nursery:
            _become_nursery(theirs, config, identity, folders, shown)
        theirs.close()
        layers.update(json.loads(ours.recv(1 << 16)))
        if "fatal" in layers:
            raise RuntimeError(layers["fatal"])
        if strict:
            rootfs.seal()
            _confine(identity, {}, readable=["/"], writable=["/dev/null"], memfd=True)
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)  # the change of user has cleared it
        elif config["way"] == "landlock":
            trees, listed = rootfs.readable_paths(config["shown"], config["packages"])
            _drop_privileges(identity, {})
            landlock.enforce(landlock.ruleset([*trees, "/proc"], ["/dev/null", folders[0]], listed))
            kernel.install_seccomp(seccomp.program(sockets=False, memfd=True))
        resource.setrlimit(resource.RLIMIT_AS, _mib(config["memory_mib"] + TESTS_EXTRA_MIB))
        frames.write(supervisor, json.dumps({"layers": layers}).encode())
        tests_side.prepare()
        side = tests_side.TestsSide(
            ours,
            config["timeout_s"],
            config["backstop_s"],
            config["memory_mib"],
            nursery,
            own_network=strict,
            disk=None if strict else folders[0],
        )
        try:
            side.serve(supervisor)
        finally:
            ours.close()
            if not strict:
                _await_children()
    except BaseException as error:
        with contextlib.suppress(OSError):
            limit = isinstance(error, LimitError)
            text = str(error) if limit else "".join(traceback.format_exception_only(error)).strip()
            answer = {"fatal": text, "layers": layers, "limit": limit}
            frames.write(supervisor, json.dumps(answer).encode())
        os._exit(1)
    os._exit(0)


def _forget_parent() -> None:
    """Undo what a process inherits of how its parent takes signals and time; programs get what is usual."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in signal.valid_signals():
        # The interpreter itself ignores these two; at its start it leaves alone what is ignored already.
        if number not in (signal.SIGPIPE, signal.SIGXFSZ) and signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    kernel.prctl(kernel.PR_SET_TIMERSLACK, _TIMER_SLACK_NS)


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
    """Enter new namespaces; return the user id, inside, that candidates get.

    Root maps a second, unprivileged id and uses that for candidates: the kernel exempts uid 0 from the limit
    on processes. Others can map only themselves. On the host that id is a number that nobody else has, other
    workers neither: what the kernel counts by user (pages of pipes, queued signals) is each worker's own.
    """
    uid, gid = os.getuid(), os.getgid()
    identity = rootfs.USER
    if uid == 0:
        ready, written = os.pipe(), os.pipe()
        parent = os.getpid()
        helper = os.fork()
        if not helper:
            # Outside the new namespace: only there may two ids be mapped. An end means that it failed.
            os.close(ready[1])
            if os.read(ready[0], 1) != b"x":
                os._exit(0)
            try:
                own = _ANY_USER + slot
                for name in ("uid_map", "gid_map"):
                    try:
                        _put(f"/proc/{parent}/{name}", f"0 0 1\n{identity} {own} 1\n")
                    except OSError:  # in a container, numbers may end earlier
                        _put(f"/proc/{parent}/{name}", f"0 0 1\n{identity} {identity} 1\n")
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
    else:
        kernel.unshare(kernel.CLONE_NEWUSER)
        _put("/proc/self/setgroups", "deny")
        _put("/proc/self/uid_map", f"{identity} {uid} 1\n")
        _put("/proc/self/gid_map", f"{identity} {gid} 1\n")
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
    try:  # its groups' names tell of sessions and containers; nothing rests on it
        kernel.unshare(kernel.CLONE_NEWCGROUP)
        layers["cgroup namespace"] = True
    except OSError:
        layers["cgroup namespace"] = False
    socket.sethostname("box")  # the host's own name tells whose machine it is
    return identity


def _become_nursery(
    control: socket.socket,
    config: dict[str, Any],
    identity: int | None,
    folders: tuple[str, ...],
    shown: rootfs.Shown,
) -> NoReturn:
    """Start a zygote, and another one when it ends because a candidate left traces.

    This process hears nothing from candidates but how their zygote ended. It keeps the privileges that a new
    zygote takes to be made, and no program sees it: under `namespaces` it is in another pid namespace, in the
    other ways it cannot be signalled or written to.
    """
    # The other end of `control` among the rest: it closes when the tests' side ends, and all below does too.
    os.dup2(control.fileno(), candidate.CHANNEL)
    control.detach()
    control = socket.socket(fileno=candidate.CHANNEL)
    os.closerange(candidate.CHANNEL + 1, 4096)
    strict = config["way"] == "namespaces"
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    is_first = True
    while True:
        mine = folders if strict else (_make_folder(folders[0], identity),)
        pid = os.fork()
        if not pid:
            _become_zygote(control, config, identity, mine, shown, is_first=is_first)
        status = os.waitpid(pid, 0)[1]
        if strict and status == 0:  # that one only stood between: only its child is in the namespaces
            status = os.wait()[1]
        is_first = False
        if not os.WIFEXITED(status) or os.WEXITSTATUS(status) != zygote.FRESH:
            os._exit(0)
        if not strict:
            _clean_aside(mine[0])


def _make_folder(parent: str, identity: int | None) -> str:
    folder = os.path.join(parent, os.urandom(4).hex())
    os.mkdir(folder, 0o700)
    if identity is not None:
        os.chown(folder, identity, identity)
    return folder


def _clean_aside(folder: str) -> None:
    """Remove a folder while the next candidate runs, in time that nobody else has a use for."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    if not os.fork():
        try:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            trees.remove(folder)
        except OSError:
            pass  # the supervisor removes it with all the others
        finally:
            os._exit(0)


def _become_zygote(
    control: socket.socket,
    config: dict[str, Any],
    identity: int | None,
    folders: tuple[str, ...],
    shown: rootfs.Shown,
    *,
    is_first: bool,
) -> NoReturn:
    layers: dict[str, Any] = {}
    strict = config["way"] == "namespaces"
    confine = None
    try:
        if strict:
            kernel.unshare(kernel.CLONE_NEWPID | kernel.CLONE_NEWNS)
            if os.fork():
                os._exit(0)  # the nursery adopts the zygote
        oom_score = None
        with contextlib.suppress(OSError):
            # Should memory run out, the kernel ends candidates first. Nobody opens this once it is confined.
            oom_score = os.open("/proc/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)
        maps = None
        if strict:
            maps = os.open("/proc/self/maps", os.O_RDONLY | os.O_CLOEXEC)
            _start_anywhere()
            # Process folders only: the rest of /proc tells about the host.
            layers["private proc"] = rootfs.mount_proc(options="subset=pid") or rootfs.mount_proc()
            if layers["private proc"]:
                rootfs.hide_init()
            rootfs.mount_scratch(_SCRATCH_MIB, shown)
            rootfs.seal()
        else:
            kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
            os.environ.update(HOME=folders[0], TMPDIR=folders[0])
        os.chdir(folders[0])
        sys.path.insert(0, folders[0])  # as for a script: a program may import what it wrote
        # For all candidates of this zygote, from before there are any: the number of a file is no message.
        output = zygote.nameless_file(".")
        os.utime(output, (0, 0))
        if identity is not None and identity != os.getuid():
            os.fchown(output, identity, identity)
        scratch = zygote.Scratch(folders)
        _limit(config, shares_user=strict and os.getuid() == identity)
        layers["resource limits"] = True
        if strict:
            _confine(identity, layers, readable=["/"], writable=[*folders, "/dev/null"])
        elif config["way"] == "landlock":
            confine = _prepare_landlock(identity, layers, config, folders)
        else:
            kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        zygote.let_limits_be_raised()
        zygote.drop_traces()
        if is_first:
            control.send(json.dumps(layers).encode())
    except BaseException as error:
        text = "".join(traceback.format_exception_only(type(error), error)).strip()
        if is_first:
            control.send(json.dumps({"fatal": text}).encode())
        os._exit(1)
    processes = config["processes"] if config["way"] == "landlock" and os.getuid() != 0 else None
    zygote.run(
        control,
        scratch,
        output=output,
        is_init=strict,
        confine=confine,
        processes=processes,
        oom_score=oom_score,
        maps=maps,
        keeps_folder=config["way"] != "rlimits",
    )


def _start_anywhere() -> None:
    """Let the numbers of processes start somewhere: how many there were before is nobody's business."""
    number = _FIRST_PID + int.from_bytes(os.urandom(4), "little") % (_LAST_PID - _FIRST_PID)
    with contextlib.suppress(OSError):  # a kernel without checkpoints; /proc may be masked
        _put("/proc/sys/kernel/ns_last_pid", str(number))


def _landlock_identity() -> int | None:
    """Return the user that candidates get without a user namespace, None to stay who we are.

    Root becomes an unprivileged user where that one can read the interpreter; its folders may be closed to
    others.
    """
    if os.getuid() != 0:
        return None
    needed = rootfs.interpreter_paths()  # found as root: the other user may not even see that they are there
    probe = os.fork()
    if not probe:
        try:
            os.setgroups([])
            os.setresgid(rootfs.USER, rootfs.USER, rootfs.USER)
            os.setresuid(rootfs.USER, rootfs.USER, rootfs.USER)
            readable = all(os.access(path, os.R_OK) for path in needed)
            os._exit(0 if readable else 1)
        finally:
            os._exit(1)
    if os.waitpid(probe, 0)[1] != 0:
        return None
    return rootfs.USER


def _prepare_landlock(
    identity: int | None, layers: dict[str, Any], config: dict[str, Any], folders: tuple[str, ...]
) -> Callable[[], None]:
    """Confine the zygote as far as it can be, and return what confines a candidate the rest of the way."""
    if not seccomp.supported():
        raise OSError(38, "no system call filter for this machine")
    trees, listed = rootfs.readable_paths(config["shown"], config["packages"])
    rules = landlock.ruleset(trees, [*folders, "/dev/null"], listed)
    scoped = landlock.abi() >= 6
    _drop_privileges(identity, layers)
    kernel.install_seccomp(seccomp.program(sockets=False))
    layers.update({"landlock": True, "seccomp": True, "reaper": True})

    def confine() -> None:
        landlock.enforce(rules)
        kernel.install_seccomp(seccomp.attributes_program())
        if not scoped:
            kernel.install_seccomp(seccomp.signals_program(os.getpid()))

    return confine


def _confine(
    identity: int | None,
    layers: dict[str, Any],
    *,
    readable: list[str],
    writable: list[str],
    memfd: bool = False,
) -> None:
    """Give up every privilege; after this only what the filter and the domain allow is possible."""
    _drop_privileges(identity, layers)
    try:
        landlock.enforce(landlock.ruleset(readable, writable))
        layers["landlock"] = True
    except OSError:
        layers["landlock"] = False
    if seccomp.supported():
        try:
            kernel.install_seccomp(seccomp.program(memfd=memfd))
            layers["seccomp"] = True
        except OSError:
            layers["seccomp"] = False
    else:
        layers["seccomp"] = False


def _drop_privileges(identity: int | None, layers: dict[str, Any]) -> None:
    kernel.drop_bounding_capabilities()  # root only can
    if identity is not None and os.getuid() != identity:
        os.setgroups([])
        os.setresgid(identity, identity, identity)
        os.setresuid(identity, identity, identity)
    kernel.drop_capabilities()
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    layers["no new privileges"] = True
    layers["unprivileged user"] = os.getuid() != 0


def _needs(config: dict[str, Any]) -> tuple[tuple[int, str, int], ...]:
    """Return what limits must allow: each limit, how `ulimit` calls it, and how much."""
    memory = (config["memory_mib"] + TESTS_EXTRA_MIB) << 20
    return (
        (resource.RLIMIT_NOFILE, "open files (ulimit -n)", _DESCRIPTORS),
        (resource.RLIMIT_FSIZE, "bytes of a file (ulimit -f, in KiB)", config["output_mib"] << 20),
        (resource.RLIMIT_AS, "bytes of address space (ulimit -v, in KiB)", memory),
        (resource.RLIMIT_DATA, "bytes of data (ulimit -d, in KiB)", memory),
        (resource.RLIMIT_NPROC, "processes (ulimit -u)", config["processes"] + 8),
        (resource.RLIMIT_CPU, "CPU seconds (ulimit -t)", int(config["backstop_s"]) + 3),
    )


def _raise_limits(config: dict[str, Any]) -> None:
    """Take the whole of what the user's limits allow, and more than that where we may.

    Raises:
        LimitError: a hard limit leaves too little.
    """
    for limit, name, needed in _needs(config):
        hard = resource.getrlimit(limit)[1]
        if hard != resource.RLIM_INFINITY and hard < needed:
            try:
                resource.setrlimit(limit, (needed, needed))
            except (OSError, ValueError):
                raise LimitError(
                    f"the hard limit on {name} is {hard}, and the sandbox needs {needed}: raise it for who "
                    "starts the run (limits.conf, `docker run --ulimit`), or start it where it is not lowered"
                ) from None
        else:
            resource.setrlimit(limit, (hard, hard))


def _limit(config: dict[str, Any], *, shares_user: bool) -> None:
    # Not 0, which a core pattern that is a pipe takes for no limit: some crash handler of the host's would be
    # started for each crash. At 1 the kernel dumps nothing, whatever the pattern; the filter keeps it there.
    resource.setrlimit(resource.RLIMIT_CORE, _at_most(resource.RLIMIT_CORE, 1))
    # Counted for the user in all, who may be the one who runs this: no timers and signals without number.
    resource.setrlimit(resource.RLIMIT_SIGPENDING, _at_most(resource.RLIMIT_SIGPENDING, _SIGNALS))
    resource.setrlimit(resource.RLIMIT_AS, _mib(config["memory_mib"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, _mib(config["output_mib"]))
    resource.setrlimit(resource.RLIMIT_NOFILE, _at_most(resource.RLIMIT_NOFILE, OPEN_FILES))
    # The address space bounds stacks. A number here would be what each thread of a program that a candidate
    # starts reserves, and programs may raise it (deep recursion): for the main thread there are 128 MiB.
    most = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (most, most))
    # What threads of the candidate itself reserve would be what this host's limit was when we started.
    kernel.set_thread_stack(_THREAD_STACK_BYTES)
    if config["way"] == "namespaces":
        # Counted per user namespace; on the host it would count the user's other processes too.
        # An ordinary user's nursery has the same user as the candidates.
        processes = config["processes"] + shares_user
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))


def _mib(size: int) -> tuple[int, int]:
    return size << 20, size << 20


def _at_most(limit: int, value: int) -> tuple[int, int]:
    hard = resource.getrlimit(limit)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    return value, value


def _preload(modules: list[str], packages: list[str], shown: list[str]) -> None:
    """Import what candidates commonly import, once, before anything is forked."""
    sys.path[:] = [p for p in sys.path if p in _standard_path()] + packages
    if packages != shown:
        sys.meta_path.insert(0, _OnlyShown(packages, shown))
    import site

    site.setquit()
    site.setcopyright()
    site.sethelper()
    for name in modules:
        importlib.import_module(name)
    sys.argv[:] = [""]


class _OnlyShown:
    """Hides packages that were not chosen, also where no private root does.

    Args:
        folders: site-packages folders.
        shown: what of them was chosen.
    """

    def __init__(self, folders: list[str], shown: list[str]) -> None:
        self._folders = set(folders)
        self._names = {os.path.basename(path).split(".")[0] for path in shown}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Raise for a top-level module that only a hidden package has; otherwise leave it to the others."""
        del target
        if path is None and name not in self._names:
            for folder in self._folders:
                if os.path.exists(os.path.join(folder, name)) or os.path.exists(
                    os.path.join(folder, name + ".py")
                ):
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _standard_path() -> set[str]:
    import sysconfig

    folders = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]
    return {*folders, *(os.path.join(f, "lib-dynload") for f in folders)}


def _await_children() -> None:
    """Wait until the zygote has ended what is left of a candidate; in the end do it ourselves."""
    until_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not ended:
            if time.monotonic() > until_s:
                for child in zygote.descendants(os.getpid(), zombies=True):
                    with contextlib.suppress(OSError):
                        os.kill(child, signal.SIGKILL)
            time.sleep(0.005)


def _put(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
