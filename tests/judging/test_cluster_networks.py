"""Nodes as ordinary users, each in a network namespace of its own, which is nearest to several machines."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from under_load import HANG_S

from passk_tasks.judging import batch, cluster
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Limits, Program, Tests

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
BRIDGE = "passk0"
TESTS = Tests("assert f() == 1\n", ("f",))
CONFINEMENT = Confinement(Limits(timeout_s=2.0), packages="stdlib")
_RAY = {"RAY_USAGE_STATS_ENABLED": "0"}
# In a mount namespace of its own, what lies below root's home, maybe the interpreter, is open to everyone.
OPENED = r"""
kept=$1; shift
mount --make-rprivate /
mount --rbind /root "$kept"
mount -t tmpfs -o mode=755 tmpfs /root
while [ "$1" != -- ]; do
    case "$1" in /root/*) mkdir -p "$1"; mount --bind "$kept${1#/root}" "$1";; esac
    shift
done
shift
exec "$@"
"""


def ip(*arguments: str) -> None:
    """Run a command of iproute2."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@dataclass
class Host:
    """A network namespace with an address, and an ordinary user in it."""

    number: int
    home: Path

    @property
    def name(self) -> str:
        """The name of the namespace."""
        return f"passk{self.number}"

    @property
    def address(self) -> str:
        """The address."""
        return f"10.213.0.{self.number}"

    def start(self, *how: str) -> None:
        """Start a Ray node."""
        user = str(61000 + self.number)
        os.chown(self.home, int(user), int(user))
        ray = [sys.executable, "-m", "ray.scripts.scripts", "start", f"--node-ip-address={self.address}"]
        ray += ["--num-cpus=1", "--object-store-memory=80000000", f"--temp-dir={self.home}/ray", *how]
        (kept := self.home / "kept").mkdir()
        places = [str(kept), sys.prefix, sys.base_prefix, str(ROOT), "--"]
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        inside = ["ip", "netns", "exec", self.name, "unshare", "-m", "sh", "-ec", OPENED, "sh"]
        log = self.home / "log"
        with log.open("w") as file:  # a pipe would stay open in what it starts
            done = subprocess.run(
                [*inside, *places, *as_user, *ray],
                env={**os.environ, **_RAY, "HOME": str(self.home), "PYTHONPATH": str(ROOT)},
                check=False,
                stdout=file,
                stderr=file,
                timeout=HANG_S,
            )
        assert done.returncode == 0, log.read_text()

    def end(self) -> None:
        """End whatever runs in the namespace, and the namespace."""
        pids = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True, check=True)
        for pid in pids.stdout.split():
            subprocess.run(["kill", "-9", pid], check=False, capture_output=True)
        ip("netns", "delete", self.name)


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    """Two hosts, and this machine on the same wire."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'passk-tasks[ray]'")
    if os.getuid() or not all(map(shutil.which, ("ip", "setpriv", "unshare"))):
        pytest.skip("network namespaces need root, iproute2 and util-linux")
    Path("/tmp/passk-net").mkdir(exist_ok=True)
    made = []
    ip("link", "add", BRIDGE, "type", "bridge")
    try:
        ip("address", "add", "10.213.0.1/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        for number in (2, 3):
            home = Path(f"/tmp/passk-net/{number}")
            home.mkdir(exist_ok=True)
            made.append(host := Host(number, home))
            ip("netns", "add", host.name)
            ip("link", "add", f"{host.name}v", "type", "veth", "peer", "eth0", "netns", host.name)
            ip("link", "set", f"{host.name}v", "master", BRIDGE, "up")
            ip("-n", host.name, "address", "add", f"{host.address}/24", "dev", "eth0")
            ip("-n", host.name, "link", "set", "eth0", "up")
            ip("-n", host.name, "link", "set", "lo", "up")
            ip("-n", host.name, "route", "add", "default", "via", "10.213.0.1")
        yield made
    finally:
        for host in made:
            host.end()
        ip("link", "delete", BRIDGE)
        shutil.rmtree("/tmp/passk-net")


def test_ordinary_users_in_networks_of_their_own(hosts: list[Host]) -> None:
    """Two such nodes give this machine's outcomes to Ray's client, also where the network cuts one off."""
    pytest.importorskip("grpc", reason="Ray's client is not installed: pip install 'passk-tasks[ray]'")
    head, other = hosts
    head.start("--head", "--port=6399", "--include-dashboard=false", "--ray-client-server-port=10001")
    other.start(f"--address={head.address}:6399")
    asked = [Program(f"p{n}", f"def f():  # {n}\n    return {n % 3}\n", TESTS) for n in range(600)]
    here = batch.judge(asked, local(CONFINEMENT, 1))
    executor = cluster.Cluster(f"ray://{head.address}:10001", CONFINEMENT)
    verdicts = {}
    with executor:
        assert len(executor.machines) == 2
        for index, outcome in executor.run(asked):
            if not verdicts:
                ip("link", "set", f"{other.name}v", "down")
            verdicts[index] = (outcome.verdict, outcome.detail)
    assert [verdicts[n] for n in range(len(asked))] == [(o.verdict, o.detail) for o in here.outcomes]
    assert any(f"({other.address}) was lost" in warning for warning in executor.warnings)
