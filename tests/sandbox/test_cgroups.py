"""Caps for all processes of a worker, where cgroups can be made."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from under_load import HANG_S

from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Limits, Program, Tests
from passk_tasks.sandbox import cgroups
from passk_tasks.sandbox.supervisor import Sandbox


def host(root, own, mounts):
    """Lay out the files of a host."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(own)
    (root / "proc/self/mounts").write_text(mounts)


def test_version_1_makes_a_group_below_ours(tmp_path):
    """Memory and processes have a hierarchy each."""
    mounts = "cgroup /cg/memory cgroup rw,memory 0 0\ncgroup /cg/pids cgroup rw,pids 0 0\n"
    host(tmp_path, "4:memory:/a\n8:pids:/\n1:cpu:/\n", mounts)
    (tmp_path / "cg/memory/a").mkdir(parents=True)
    (tmp_path / "cg/pids").mkdir(parents=True)
    made = cgroups.create(1 << 30, 70, tmp_path)
    assert (made["memory cgroup"] / "memory.limit_in_bytes").read_text() == str(1 << 30)
    assert made["memory cgroup"].parent == tmp_path / "cg/memory/a"
    assert (made["process cgroup"] / "pids.max").read_text() == "70"


def test_version_2_makes_a_group_beside_ours(tmp_path):
    """One group with the controllers that our parent hands down."""
    host(tmp_path, "0::/user/me\n", "cgroup2 /cg cgroup2 rw 0 0\n")
    (tmp_path / "cg/user/me").mkdir(parents=True)
    (tmp_path / "cg/user/cgroup.subtree_control").write_text("cpu memory")
    made = cgroups.create(1 << 30, 70, tmp_path)
    assert list(made) == ["memory cgroup"]
    assert made["memory cgroup"].parent == tmp_path / "cg/user"
    assert (made["memory cgroup"] / "memory.max").read_text() == str(1 << 30)


@pytest.mark.parametrize("own", ["0::/\n", "0::/user/me\n", "", "4:memory:/nowhere\n"])
def test_without_delegation_there_is_no_group(tmp_path, own):
    """A missing hierarchy, or one that is not ours to change, is no error."""
    host(tmp_path, own, "cgroup2 /cg cgroup2 rw 0 0\ncgroup /cg/memory cgroup rw,memory 0 0\n")
    assert cgroups.create(1 << 30, 70, tmp_path) == {}


def test_groups_of_killed_runs_are_swept(tmp_path):
    """A group whose process is no more goes; a young one, a living run's and a stranger's stay."""
    host(tmp_path, "8:pids:/\n", "cgroup /cg/pids cgroup rw,pids 0 0\n")
    ended = subprocess.Popen(["true"])
    ended.wait()
    names = {
        f"passk-{ended.pid}-0": 3600,
        f"passk-{ended.pid}-1": 0,
        f"passk-{os.getppid()}-0": 3600,
        "other": 3600,
    }
    for name, age_s in names.items():
        folder = tmp_path / "cg/pids" / name
        folder.mkdir(parents=True)
        os.utime(folder, (time.time() - age_s,) * 2)
    cgroups.remove(cgroups.create(1 << 30, 70, tmp_path))
    left = {path.name for path in (tmp_path / "cg/pids").iterdir()} - {f"passk-{os.getpid()}-0"}
    assert set(names) - left == {f"passk-{ended.pid}-0"}


@pytest.fixture
def groups():
    """Groups of the real host."""
    made = cgroups.create(1 << 30, 70)
    cgroups.remove(made)
    assert not any(group.exists() for group in made.values())
    if not made:
        pytest.skip("no cgroup is delegated to this process")
    return made


def test_what_is_still_in_a_group_is_ended(groups):
    """A process that outlived its worker does not keep the group."""
    made = cgroups.create(1 << 30, 70)
    process = subprocess.Popen(["sleep", "1000"])
    for group in made.values():
        (group / "cgroup.procs").write_text(str(process.pid))
    cgroups.remove(made)
    assert process.wait(HANG_S) == -signal.SIGKILL
    assert not any(group.exists() for group in made.values())


def test_a_worker_is_in_its_groups_and_leaves_none(groups):
    """The layers are named while the groups are there, and no group stays."""
    program = Program("t/0", "def f(): return 1", Tests("assert f() == 1", ("f",)))

    def there():
        return {p for group in groups.values() for p in group.parent.glob(f"passk-{os.getpid()}-*")}

    others = there()  # of sandboxes that other tests share
    with Sandbox(Confinement(Limits(), "strict"), 1, hidden=()) as box:
        assert set(groups) <= {name for name, active in box.layers.items() if active}
        [(_, outcome)] = box.run([program])
        assert outcome.passed
        made = there() - others
        assert len(made) == len(groups)
        assert all((group / "cgroup.procs").read_text().split() for group in made)
    assert there() == others


def test_processes_that_grow_together_are_capped(groups):
    """Forks that each stay below their limit do not together take the host's memory."""
    if "memory cgroup" not in groups:
        pytest.skip("no memory cgroup is delegated to this process")
    code = (
        "import os, time\nfor _ in range(20):\n    if not os.fork():\n        x = bytearray(60 << 20)\n"
        "        for i in range(0, len(x), 4096): x[i] = 1\n        time.sleep(1000)\n        os._exit(0)\n"
        "time.sleep(1000)\ndef f(): return 1"
    )
    program = Program("t/0", code, Tests("assert f() == 1", ("f",)))
    outcome = batch.judge([program], local(Confinement(Limits(timeout_s=60, memory_mib=100)), 1)).outcomes[0]
    assert outcome.verdict.value in ("memory_limit", "crashed"), outcome
