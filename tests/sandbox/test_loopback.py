"""A network of the candidate's own, for families that ask for it."""

from __future__ import annotations

import socket

import pytest

from passk_tasks import benchmarks
from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Limits, Program, Tests
from passk_tasks.sandbox import supervisor
from passk_tasks.sandbox.box import landlock, seccomp
from passk_tasks.tasks.settings import Settings

LIMITS = Limits(timeout_s=20.0)
SERVES = """
import socket
def f():
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            server.accept()[0].sendall(b"text")
            return client.recv(10) == b"text"
"""
CLEAN = """
def f():
    return not any(map(int, open("/proc/self/net/dev").read().split("lo:")[1].split()))
"""


def judge(*codes: str, loopback: bool = True):
    """Judge programs one after another in one worker."""
    programs = [Program("t", code, Tests("assert f() is True\n", ("f",))) for code in codes]
    return batch.judge(programs, local(Confinement(LIMITS, loopback=loopback), 1))


def test_a_candidate_reaches_itself_and_leaves_nothing():
    """It serves and connects at 127.0.0.1; the next one finds counters at zero, and may do the same."""
    outcomes = judge(CLEAN + "#1", SERVES + "#1", CLEAN + "#2", SERVES + "#2").outcomes
    assert [outcome.verdict.value for outcome in outcomes] == ["passed"] * 4


def test_nobody_else_is_reached():
    """A server of the host at 127.0.0.1 is not the candidate's."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket\ndef f(): return socket.socket().connect_ex(('127.0.0.1', {port})) == 111\n"
        assert judge(code).outcomes[0].passed
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_without_being_asked_for_there_is_none():
    """The filter refuses TCP and UDP to all other families."""
    [outcome] = judge(SERVES, loopback=False).outcomes
    assert "Address family not supported" in outcome.detail
    assert seccomp.program() != seccomp.program(loopback=True)


@pytest.mark.parametrize("name", benchmarks.names())
def test_which_families_ask_for_it(name):
    """BigCodeBench's right programs open sockets; nobody else's do."""
    family = benchmarks.get(name)
    settings = Settings(benchmark=name, judge=family.judges[0])
    assert family.confinement(settings).loopback == name.startswith("bigcodebench")


@pytest.mark.skipif(landlock.abi() < 1, reason="this kernel has no Landlock")
def test_without_namespaces_a_warning_says_so(monkeypatch):
    """All networks are the host's there, so programs that open sockets fail, and results say why."""
    monkeypatch.setitem(supervisor._WAYS, "strict", ("landlock",))
    judged = judge(SERVES)
    assert not judged.outcomes[0].passed
    assert any("no network of their own" in warning for warning in judged.warnings)
