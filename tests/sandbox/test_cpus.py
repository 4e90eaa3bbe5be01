"""How many programs may run at once, and where."""

from __future__ import annotations

import os

import pytest

from passk_tasks.sandbox import cpus

AFFINITY = hasattr(os, "sched_getaffinity")
pytestmark = pytest.mark.skipif(not AFFINITY, reason="no CPU affinity on this system")


def write(path, text):
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_usable_cpus_is_at_most_the_affinity():
    """Never more than this process may run on, never none."""
    assert 1 <= cpus.usable_cpus() <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("limit", "quota"), [("150000 100000", 1.5), ("max 100000", None), ("50000 100000", 0.5)]
)
def test_cgroup_v2_quota(tmp_path, limit, quota):
    """`cpu.max` holds microseconds of CPU in a period, or max."""
    write(tmp_path / "proc/self/cgroup", "0::/a/b\n")
    write(tmp_path / "proc/self/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n")
    write(tmp_path / "sys/fs/cgroup/a/b/cpu.max", limit)
    assert cpus._cgroup_quota(tmp_path) == quota


def test_cgroup_v2_ancestors_bind(tmp_path):
    """A parent's limit holds for its children."""
    write(tmp_path / "proc/self/cgroup", "0::/a/b\n")
    write(tmp_path / "proc/self/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n")
    write(tmp_path / "sys/fs/cgroup/a/b/cpu.max", "max 100000")
    write(tmp_path / "sys/fs/cgroup/a/cpu.max", "200000 100000")
    assert cpus._cgroup_quota(tmp_path) == 2.0


def test_cgroup_v1_quota(tmp_path):
    """Version 1 has two files; -1 means no limit."""
    write(tmp_path / "proc/self/cgroup", "4:cpu,cpuacct:/x\n")
    mounts = "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n"
    write(tmp_path / "proc/self/mounts", mounts)
    folder = tmp_path / "sys/fs/cgroup/cpu,cpuacct/x"
    write(folder / "cpu.cfs_quota_us", "300000")
    write(folder / "cpu.cfs_period_us", "100000")
    assert cpus._cgroup_quota(tmp_path) == 3.0
    write(folder / "cpu.cfs_quota_us", "-1")
    assert cpus._cgroup_quota(tmp_path) is None


def test_no_cgroup_no_quota(tmp_path):
    """A system without cgroups limits nothing."""
    assert cpus._cgroup_quota(tmp_path) is None


@pytest.fixture
def four_cpus(monkeypatch):
    """A process that may run on four CPUs and is no rank of a launch."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 2, 4, 6})
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)


def test_each_worker_gets_a_cpu_of_its_own(four_cpus):
    """Distinct CPUs out of the affinity, as long as there are enough."""
    chosen = cpus.choose_cpus(3)
    assert len(set(chosen)) == 3
    assert set(chosen) <= {0, 2, 4, 6}
    assert cpus.choose_cpus(5) == [None] * 5


def test_ranks_take_disjoint_cpus(four_cpus, monkeypatch):
    """Two ranks of one launch do not share a CPU."""
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    chosen = []
    for rank in ("0", "1"):
        monkeypatch.setenv("LOCAL_RANK", rank)
        chosen += cpus.choose_cpus(2)
    assert sorted(chosen) == [0, 2, 4, 6]
