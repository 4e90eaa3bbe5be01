"""What the probes put on the host, and that they see what is done to it."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from under_load import HANG_S, wait_until

from passk_tasks.selfcheck.attack import PASSED, SOLVE, Attack, Guarantee
from passk_tasks.selfcheck.probes import MARK, Probes
from passk_tasks.verdict import Outcome, Verdict

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the probes look into /proc")


def attack(code: str = "", *, name: str = "one", probe: str | None = None) -> Attack:
    """Return an attack with this code."""
    return Attack(name, "test", Guarantee.WRITE, code, SOLVE, expected=PASSED, host_probe=probe)


@pytest.fixture
def probes() -> Iterator[Probes]:
    """Return probes that are set up."""
    with Probes() as found:
        yield found


def path_of(probes: Probes, one: Attack) -> Path:
    """Return the canary of an attack."""
    return Path(probes.fill(one, "@CANARY@"))


def test_nothing_done_is_nothing_found(probes: Probes) -> None:
    """Attacks that only learnt where things are have done nothing."""
    one, two = attack(), attack(name="two", probe="ipc")
    for each in (one, two):
        probes.fill(
            each, "@CANARY@ @VICTIM@ @TCP@ @UDP@ @ABSTRACT@ @SOCKET@ @KEY@ @TOKEN@ @SECRET_FILE@ @HOME@"
        )
    assert probes.findings([one, two]) == {}
    assert probes.host_findings() == []


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_text("mine"),
        lambda path: path.unlink(),
        lambda path: path.chmod(0o600),
        lambda path: os.utime(path, (0, 0)),
        lambda path: path.rename(path.parent / "gone"),
        lambda path: os.link(path, path.parent / "link"),
        lambda path: (path.parent / "new").mkdir(),
        lambda path: os.truncate(path, 0),
        lambda path: (path.unlink(), path.write_text("canary\n"), path.chmod(0o666)),
    ],
    ids=["write", "remove", "mode", "touch", "rename", "link", "new", "truncate", "replace"],
)
def test_changed_files_are_seen(probes: Probes, harm: Callable[[Path], object]) -> None:
    """Whatever is done to a canary is seen, and laid at the right attack's door."""
    one, two = attack(), attack(name="two")
    harm(path_of(probes, one))
    path_of(probes, two)
    assert list(probes.findings([one, two])) == ["one"]


def test_each_attack_is_told_its_own(probes: Probes) -> None:
    """Two attacks have different canaries, tokens, victims and keys; an attack keeps its own."""
    one, two = attack(), attack(name="two")
    text = "@CANARY@ @TOKEN@ @VICTIM@ @KEY@"
    assert probes.fill(one, text) == probes.fill(one, text)
    assert not set(probes.fill(one, text).split()) & set(probes.fill(two, text).split())


def test_tokens_fit_a_process_name(probes: Probes) -> None:
    """The kernel cuts a process's name after 15 bytes: a token is no longer."""
    assert len(probes.token(attack())) <= 15


@pytest.mark.parametrize("word", ["@TCP@", "@ABSTRACT@", "@SOCKET@", "@UDP@", "@DATAGRAM@"])
def test_reached_sockets_are_seen(probes: Probes, word: str) -> None:
    """What arrives at a listener is laid at the door of the attack whose token it carries."""
    one, address = attack(), probes.fill(attack(), word)
    message = probes.token(one).encode()
    if word == "@TCP@":
        client = socket.create_connection(("127.0.0.1", int(address)))
    elif word == "@UDP@":
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.connect(("127.0.0.1", int(address)))
    else:
        client = socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM if word == "@DATAGRAM@" else socket.SOCK_STREAM
        )
        client.connect("\0" + address if word == "@ABSTRACT@" else address)
    with client:
        client.sendall(message)
        assert "was reached" in str(probes.findings([attack(name="two"), one])["one"])


def test_a_connection_that_says_nothing_does_not_hang(probes: Probes) -> None:
    """A connection without a token is left alone."""
    with socket.create_connection(("127.0.0.1", int(probes.fill(attack(), "@TCP@")))):
        assert probes.findings([attack()]) == {}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM])
def test_hurt_victims_are_seen(probes: Probes, number: signal.Signals) -> None:
    """A process that was killed or stopped is seen."""
    one = attack()
    pid = int(probes.fill(one, "@VICTIM@"))
    os.kill(pid, number)
    wait_until(lambda: probes.findings([one]), "what the signal did")
    assert "a host process" in str(probes.findings([one])["one"])


def test_a_victim_lives_as_long_as_its_probes(tmp_path: Path) -> None:
    """Nothing but its parent's end ends a victim: it waits at a pipe, for no length of time."""
    code = (
        "from passk_tasks.selfcheck.attack import PASSED, SOLVE, Attack, Guarantee\n"
        "from passk_tasks.selfcheck.probes import Probes\n"
        "one = Attack('one', 'test', Guarantee.WRITE, '', SOLVE, expected=PASSED)\n"
        "with Probes() as probes:\n    print(probes.fill(one, '@VICTIM@'), flush=True)\n    input()\n"
    )
    folders = {**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", code]
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=folders)
    with parent:
        assert parent.stdout is not None
        victim = os.pidfd_open(int(parent.stdout.readline()))
        assert select.select([victim], [], [], 0) == ([], [], [])
        parent.kill()
        assert select.select([victim], [], [], HANG_S) == ([victim], [], [])
    os.close(victim)


def test_a_victim_in_another_class_is_seen(probes: Probes) -> None:
    """A process that was moved to the idle scheduling class is seen."""
    one = attack()
    os.sched_setscheduler(int(probes.fill(one, "@VICTIM@")), os.SCHED_IDLE, os.sched_param(0))
    assert "scheduling class" in str(probes.findings([one])["one"])


def test_survivors_are_seen(probes: Probes) -> None:
    """A process that carries a token in its arguments or its name is a survivor, until it has ended."""
    one, two = attack(), attack(name="two")
    by_argument = [sys.executable, "-c", "import time; time.sleep(1000)", probes.token(one)]
    name = probes.token(two)
    by_name = [
        sys.executable,
        "-c",
        "import ctypes, time\n"
        f"ctypes.CDLL(None).prctl(15, b'{name[:4]}' + b'{name[4:]}')\n"
        "print(flush=True); time.sleep(1000)",
    ]
    with (
        subprocess.Popen(by_argument) as first,
        subprocess.Popen(by_name, stdout=subprocess.PIPE) as second,
    ):
        assert second.stdout is not None
        second.stdout.readline()
        assert set(probes.findings([one, two])) == {"one", "two"}
        first.kill()
        second.kill()
    assert probes.findings([one, two]) == {}


def test_files_left_on_the_host_are_seen(probes: Probes) -> None:
    """A file whose name carries a token is seen in the folders that programs write to, and taken away."""
    one = attack()
    path = Path("/tmp") / probes.token(one)
    path.touch()
    try:
        assert str(path) in str(probes.findings([one])["one"])
        assert not path.exists()
    finally:
        path.unlink(missing_ok=True)


def test_shared_memory_is_seen_and_removed(probes: Probes) -> None:
    """Shared memory of System V under an attack's key is seen once, and taken away."""
    one = attack(probe="ipc")
    key = int(probes.fill(one, "@KEY@"))
    assert ctypes.CDLL(None).shmget(key, 4096, 0o1600) >= 0
    assert "shared memory" in str(probes.findings([one])["one"])
    assert probes.findings([one]) == {}


def test_the_secret_is_recognised(probes: Probes) -> None:
    """The secret is in the environment and in files; an outcome that tells it is recognised."""
    secret = os.environ["PASSK_SELFCHECK_SECRET"]
    assert secret.startswith(MARK)
    assert Path(probes.fill(attack(), "@SECRET_FILE@")).read_text(encoding="ascii") == secret
    assert probes.told(Outcome(Verdict.ERROR, f"RuntimeError: {secret}"))
    assert not probes.told(Outcome(Verdict.ERROR, f"RuntimeError: {MARK}"))


def test_nothing_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """After the probes no file, process, listener or variable of theirs is left; HF_TOKEN is the user's."""
    monkeypatch.setenv("HF_TOKEN", "mine")
    monkeypatch.setenv("HOME", str(tmp_path))
    with Probes() as probes:
        one = attack()
        path, pid = path_of(probes, one), int(probes.fill(one, "@VICTIM@"))
        port = int(probes.fill(one, "@TCP@"))
        assert os.environ["HF_TOKEN"] == "mine"
    assert not path.parent.parent.exists()
    assert list(tmp_path.iterdir()) == []
    assert "PASSK_SELFCHECK_SECRET" not in os.environ
    assert os.environ["HF_TOKEN"] == "mine"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
