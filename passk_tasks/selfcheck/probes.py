"""Puts files, sockets and processes on the host for attacks to reach, and inspects them afterwards.

Everything is made for this: files in a temporary folder, sockets that listen, processes that wait, secrets
of random digits. A `@WORD@` in an attack's code tells it where they are. Each attack has its own, so that
every finding can be blamed on one attack.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import passk_tasks
from passk_tasks.selfcheck.attack import Attack
from passk_tasks.verdict import Outcome

MARK = "passk-" + "secret-"
PROBES = ("files", "sockets", "victims", "survivors", "secrets", "ipc")
_WORD = re.compile(r"@([A-Z_0-9]+)@")
_CANARY_TEXT = "canary\n"
_SECRET_NAME = "PASSK_SELFCHECK_SECRET"


class Probes:
    """Puts things on the host, tells attacks where, and reports what they did; a context manager."""

    def __init__(self) -> None:
        self._run = secrets.token_hex(4)
        self._secret = MARK + secrets.token_hex(16)
        self._numbers: dict[str, int] = {}
        self._canaries: dict[str, os.stat_result] = {}
        self._sockets: dict[str, socket.socket] = {}
        self._victims: dict[str, subprocess.Popen[bytes]] = {}
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Probes:
        with self._undo:
            self._folder = Path(tempfile.mkdtemp(prefix="passk-selfcheck-"))
            self._undo.callback(shutil.rmtree, self._folder, ignore_errors=True)
            self._folder.chmod(0o777)
            self._secret_file = self._folder / "secret"
            self._secret_file.write_text(self._secret, encoding="ascii")
            self._secret_file.chmod(0o644)
            self._home = Path.home()
            with contextlib.suppress(OSError):
                hidden = self._home / f".passk-{self._run}-token"
                hidden.write_text(self._secret, encoding="ascii")
                self._undo.callback(hidden.unlink, missing_ok=True)
            for name in (_SECRET_NAME, *({"HF_TOKEN"} - os.environ.keys())):
                os.environ[name] = self._secret
                self._undo.callback(os.environ.pop, name, None)
            self._undo.callback(self._end_victims)
            self._listen()
            self._limits = self._own_state()
            self._kept = self._undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept.close()

    # --- before ---------------------------------------------------------------------------------------------

    def fill(self, attack: Attack, text: str) -> str:
        """Return the code with each `@WORD@` replaced by a value of this host."""
        return _WORD.sub(lambda match: self._fact(attack, match[1]), text)

    def _fact(self, attack: Attack, word: str) -> str:
        values: dict[str, Callable[[], str]] = {
            "MARK": lambda: MARK,
            "SECRET_NAME": lambda: _SECRET_NAME,
            "SECRET_FILE": lambda: str(self._secret_file),
            "HOME": lambda: str(self._home),
            "CHECKOUT": lambda: str(Path(passk_tasks.__file__).resolve().parent),
            "PREFIX": lambda: sys.prefix,
            "PARENT": lambda: str(os.getpid()),
            "CANARY": lambda: str(self._canary(attack)),
            "CANARY_DIR": lambda: str(self._folder),
            "VICTIM": lambda: str(self._victim(attack)),
            "VICTIM_NAME": lambda: f"victim-{self._run}",
            "TOKEN": lambda: self.token(attack),
            "KEY": lambda: str(int(self._run, 16) % 1_000_000_000 + self._number(attack)),
            "TCP": lambda: self._port("tcp"),
            "TCP6": lambda: self._port("tcp6"),
            "UDP": lambda: self._port("udp"),
            "ABSTRACT": lambda: f"passk-{self._run}",
            "SOCKET": lambda: str(self._folder / "stream"),
            "DATAGRAM": lambda: str(self._folder / "datagram"),
        }
        if word == "VICTIM_NAME":
            self._victim(attack)
        return values[word]()

    def token(self, attack: Attack) -> str:
        """Return the name in an attack's traces, of at most 15 characters: a process name holds no more."""
        return f"p{self._run}{self._number(attack):04d}"

    def _number(self, attack: Attack) -> int:
        return self._numbers.setdefault(attack.name, len(self._numbers))

    def _canary(self, attack: Attack) -> Path:
        folder = self._folder / self.token(attack)
        path = folder / "canary"
        if attack.name not in self._canaries:
            folder.mkdir()
            folder.chmod(0o777)
            path.write_text(_CANARY_TEXT, encoding="ascii")
            path.chmod(0o666)
            self._canaries[attack.name] = path.stat()
        return path

    def _victim(self, attack: Attack) -> int:
        if attack.name not in self._victims:
            self._victims[attack.name] = subprocess.Popen(
                # It ends when this process closes the pipe or dies, however long the run takes.
                [sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.read()", f"victim-{self._run}"],
                stdin=subprocess.PIPE,
                start_new_session=True,
                env={},
            )
        return self._victims[attack.name].pid

    def _end_victims(self) -> None:
        for victim in self._victims.values():
            with victim:
                victim.kill()

    def _listen(self) -> None:
        kinds = (
            ("tcp", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            ("tcp6", socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0)),
            ("udp", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            ("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0passk-{self._run}"),
            ("stream", socket.AF_UNIX, socket.SOCK_STREAM, str(self._folder / "stream")),
            ("datagram", socket.AF_UNIX, socket.SOCK_DGRAM, str(self._folder / "datagram")),
        )
        for name, family, kind, address in kinds:
            with contextlib.suppress(OSError):  # a host without IPv6
                listener = self._undo.enter_context(socket.socket(family, kind))
                listener.bind(address)
                if kind == socket.SOCK_STREAM:
                    listener.listen(64)
                listener.setblocking(False)
                if isinstance(address, str) and not address.startswith("\0"):
                    Path(address).chmod(0o777)
                self._sockets[name] = listener

    def _port(self, name: str) -> str:
        return str(self._sockets[name].getsockname()[1]) if name in self._sockets else "9"

    # --- after ----------------------------------------------------------------------------------------------

    def findings(self, attacks: Sequence[Attack]) -> dict[str, list[str]]:
        """Return what each attack did to the host, by its name; attacks that did nothing are left out."""
        by_attack: dict[str, list[str]] = {}
        heard = self._heard()
        processes = _processes()
        left = _left_behind(f"p{self._run}", self._home)
        for attack in attacks:
            token = self.token(attack)
            said = [
                *self._changed_files(attack),
                *self._hurt_victims(attack),
                *([f"{heard[token]} was reached"] if token in heard else []),
                *([f"process {pid} is still there" for pid, name in processes.items() if token in name]),
                *self._ipc(attack),
                *[f"{path} was left on the host" for path in left if token in path.name],
            ]
            if said:
                by_attack[attack.name] = said
        return by_attack

    def told(self, outcome: Outcome) -> bool:
        """Whether an outcome's text holds the secret."""
        return self._secret in outcome.detail

    def host_findings(self) -> list[str]:
        """Return changes of this process and the host that cannot be blamed on a single attack."""
        now = self._own_state()
        return [f"{name} of the supervisor changed" for name in now if now[name] != self._limits[name]]

    def _changed_files(self, attack: Attack) -> list[str]:
        before = self._canaries.get(attack.name)
        if before is None:
            return []
        path = self._folder / self.token(attack) / "canary"
        try:
            now, text = path.stat(), path.read_text(encoding="ascii", errors="replace")
        except OSError as error:
            return [f"a host file is gone: {error.strerror}"]
        said = []
        if text != _CANARY_TEXT:
            said.append("a host file was written")
        same = ("st_ino", "st_mode", "st_uid", "st_size", "st_mtime_ns", "st_nlink")
        changed = [name for name in same if getattr(now, name) != getattr(before, name)]
        if changed:
            said.append(f"a host file's {', '.join(changed)} changed")
        if [p.name for p in path.parent.iterdir()] != ["canary"]:
            said.append("new files in a host folder")
        with contextlib.suppress(OSError, AttributeError):
            if "user.mine" in os.listxattr(path):
                said.append("a host file has a new attribute")
        return said

    def _hurt_victims(self, attack: Attack) -> list[str]:
        victim = self._victims.get(attack.name)
        if victim is None:
            return []
        if victim.poll() is not None:
            return [f"a host process was ended ({victim.returncode})"]
        state = Path(f"/proc/{victim.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        said = [f"a host process is in state {state}"] if state in "Tt" else []
        if resource.prlimit(victim.pid, resource.RLIMIT_NOFILE)[0] <= 1:
            said.append("a host process has lower limits")
        if os.sched_getscheduler(victim.pid) != os.sched_getscheduler(0):
            said.append("a host process is in another scheduling class")
        return said

    def _heard(self) -> dict[str, str]:
        """Return the tokens that arrived at the sockets, each with the socket's name."""
        heard = {}
        for name, listener in self._sockets.items():
            with contextlib.suppress(OSError):
                while True:
                    if listener.type == socket.SOCK_STREAM:
                        connection, _ = listener.accept()
                        with connection:
                            connection.settimeout(0.2)
                            text = connection.recv(1000)
                    else:
                        text = listener.recv(1000)
                    for token in re.findall(rb"p[0-9a-f]{8}\d{4}", text):
                        heard[token.decode("ascii")] = f"the host's {name} socket"
        return heard

    def _ipc(self, attack: Attack) -> list[str]:
        if attack.host_probe != "ipc" and "@KEY@" not in "".join(attack.before):
            return []
        key = int(self._fact(attack, "KEY"))
        libc = ctypes.CDLL(None)
        made = {
            "shared memory": libc.shmget(key, 0, 0),
            "semaphores": libc.semget(key, 0, 0),
            "a message queue": libc.msgget(key, 0),
        }
        for name, identity in made.items():
            if identity >= 0:
                remove = {"shared memory": libc.shmctl, "a message queue": libc.msgctl}.get(name)
                remove(identity, 0, None) if remove else libc.semctl(identity, 0, 0)
        return [f"{name} of the host was made" for name, identity in made.items() if identity >= 0]

    def _children(self) -> list[int]:
        """Return this process's children, without the victims."""
        children = Path(f"/proc/self/task/{os.getpid()}/children")
        pids = children.read_text(encoding="ascii").split() if children.exists() else []
        return [int(pid) for pid in pids if int(pid) not in {v.pid for v in self._victims.values()}]

    def _own_state(self) -> dict[str, object]:
        return {
            "the limits": [
                resource.getrlimit(r)
                for r in (resource.RLIMIT_NOFILE, resource.RLIMIT_CPU, resource.RLIMIT_AS)
            ],
            "the affinity": sorted(os.sched_getaffinity(0)),
            "the scheduling class": os.sched_getscheduler(0),
            "the priority": os.getpriority(os.PRIO_PROCESS, 0),
            "the working folder": os.getcwd(),  # noqa: PTH109
            "the host name": os.uname().nodename,
            "the mounts": sorted(_mounts()),
            "the groups": sorted(_groups()),
            "the children": sorted(self._children()),
        }


def _mounts() -> list[str]:
    """Return the mounts that this package made and the host sees."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
        return [line.split()[4] for line in file if re.search(r" - \S+ (passk|scratch) ", line)]


def _groups() -> list[str]:
    """Return the cgroups that this process made; the sandbox names them after it."""
    return [
        os.path.join(folder, name)  # noqa: PTH118
        for folder, names, _ in os.walk("/sys/fs/cgroup")
        for name in names
        if name.startswith(f"passk-{os.getpid()}-")
    ]


def _processes() -> dict[int, str]:
    """Return name and arguments of every process that this one can see."""
    processes = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                name = (entry / "comm").read_text(encoding="utf-8", errors="replace")
                state = (
                    (entry / "stat")
                    .read_text(encoding="utf-8", errors="replace")
                    .rpartition(")")[2]
                    .split()[0]
                )
                arguments = (entry / "cmdline").read_bytes().decode("utf-8", errors="replace")
                if state != "Z":
                    processes[int(entry.name)] = f"{name} {arguments}"
    return processes


def _left_behind(mark: str, home: Path) -> list[Path]:
    """Remove files with this mark from the host's folders that programs can write to; return their paths."""
    paths: list[Path] = []
    for folder in {Path(tempfile.gettempdir()), Path("/tmp"), Path("/dev/shm"), home, Path.cwd()}:
        with contextlib.suppress(OSError):
            paths += [path for path in folder.iterdir() if mark in path.name]
    for path in paths:
        with contextlib.suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    return sorted(paths)
