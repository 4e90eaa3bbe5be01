"""Caps for all processes of a worker, where cgroups can be made."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from under_load import HANG_S

from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Limits, Program, Tests
from passk_tasks.sandbox import cgroups
from passk_tasks.sandbox.box import landlock
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


@pytest.mark.parametrize(
    ("own", "mounts", "files"),
    [
        ("0::/pod/me\n", "cgroup2 /cg cgroup2 rw 0 0\n", ("cg/memory.max", "cg/pod/memory.max")),
        ("0::/\n", "cgroup2 /cg cgroup2 rw 0 0\n", ("cg/memory.max",)),
        ("4:memory:/host/path\n", "cgroup /cg cgroup rw,memory 0 0\n", ("cg/memory.limit_in_bytes",)),
    ],
    ids=["an ancestor's", "of the root of a container", "version 1, the path of the host"],
)
def test_less_memory_than_programs_may_use_is_said(tmp_path, own, mounts, files):
    """Each limit above us binds; without one, the machine's memory does."""
    host(tmp_path, own, mounts)
    assert cgroups.scarce(512, 64, 2, tmp_path) == ()  # nothing is known
    (tmp_path / "proc/meminfo").write_text("MemTotal:        8388608 kB\nMemFree: 1 kB\n")
    assert cgroups.scarce(8192, 64, 2, tmp_path) == ()
    assert "has 8,192:" in cgroups.scarce(8193, 64, 2, tmp_path)[0]
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("max\n")
    assert cgroups.scarce(512, 64, 2, tmp_path) == ()
    (tmp_path / files[-1]).write_text(f"{300 << 20}\n")
    [warning] = cgroups.scarce(512, 64, 2, tmp_path)
    assert "has 300:" in warning


def test_a_machine_that_promises_no_more_memory_than_it_has_is_named(tmp_path):
    """There a program is refused memory that others have reserved, whether or not they use it."""
    host(tmp_path, "", "")
    meminfo = "MemTotal: 8388608 kB\nHugePages_Total: 0\nCommitLimit: 4194304 kB\nCommitted_AS: 2097152 kB\n"
    (tmp_path / "proc/meminfo").write_text(meminfo)
    (tmp_path / "proc/sys/vm").mkdir(parents=True)
    for way, workers, warns in (("0", 8, False), ("2", 4, False), ("2", 5, True)):
        (tmp_path / "proc/sys/vm/overcommit_memory").write_text(f"{way}\n")
        warnings = cgroups.scarce(512, 64, workers, tmp_path)
        assert [("2,048 MiB are left" in warning) for warning in warnings] == [True] * warns


def test_fewer_processes_than_programs_may_start_is_said(tmp_path):
    """A fork that a container refuses is an error of the program: nobody can tell it from others."""
    host(tmp_path, "8:pids:/a\n", "cgroup /cg/pids cgroup rw,pids 0 0\n")
    (tmp_path / "cg/pids/a").mkdir(parents=True)
    (tmp_path / "cg/pids/a/pids.max").write_text("144\n")
    assert cgroups.scarce(512, 64, 2, tmp_path) == ()
    [warning] = cgroups.scarce(512, 64, 3, tmp_path)
    assert "216" in warning
    assert "144" in warning


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


HOLDS = "import time\ndef f():\n    held = bytearray({mib} << 20)\n    time.sleep(0.4)\n    return 1\n"
LOSES_A_CHILD = (
    "import os\ndef f():\n    child = os.fork()\n    if child:\n        return 1 + os.waitpid(child, 0)[1]\n"
    "    held = bytearray({mib} << 20)\n    os._exit(0)\n"
)
IN_A_SMALL_CONTAINER = """
import json, os, sys
from pathlib import Path
group, way, workers, codes = sys.argv[1:]
Path(group, "cgroup.procs").write_text(str(os.getpid()))
from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Limits, Program, Tests
from passk_tasks.sandbox import supervisor
supervisor._WAYS["strict"] = (way,)
programs = [
    Program("t", code, Tests(f"assert f() == 1  # {number}", ("f",)))
    for number, code in enumerate(json.loads(codes))
]
judged = batch.judge(programs, local(Confinement(Limits(timeout_s=3)), int(workers)))
print(json.dumps([[(o.verdict, o.detail) for o in judged.outcomes], judged.warnings]))
"""


@pytest.fixture
def in_a_container():
    """A function that judges programs in a group of this host that has little memory."""
    made = cgroups.create(1 << 30, 70)
    try:
        if "memory cgroup" not in made:
            pytest.skip("no memory cgroup is delegated to this process")

        def judged(mib, workers, codes, way="namespaces"):
            group = made["memory cgroup"]
            name = "memory.max" if (group / "memory.max").exists() else "memory.limit_in_bytes"
            (group / name).write_text(str(mib << 20))
            command = [sys.executable, "-c", IN_A_SMALL_CONTAINER, group, way, str(workers)]
            done = subprocess.run([*command, json.dumps(codes)], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)

        yield judged
    finally:
        cgroups.remove(made)


@pytest.mark.parametrize("way", ["namespaces", "landlock"])
def test_programs_that_the_kernel_ends_for_want_of_memory_are_judged_alone(in_a_container, way):
    """Two that each use less than they may are too much together: each passes, tried after the others."""
    if way == "landlock" and landlock.abi() < 1:
        pytest.skip("this kernel has no Landlock")
    codes = [text.format(mib=400) for text in (HOLDS, LOSES_A_CHILD) for _ in range(3)]
    outcomes, warnings = in_a_container(700, 2, codes, way)
    assert [verdict for verdict, _ in outcomes] == ["passed"] * 6, outcomes
    assert not any("MiB" in warning for warning in warnings)


def test_a_program_that_the_machine_has_no_memory_for_has_no_verdict(in_a_container):
    """A right one and one that would reach its own limit cannot be told apart here; a warning says so."""
    codes = [HOLDS.format(mib=mib) for mib in (50, 400, 900)]
    outcomes, [warning] = in_a_container(300, 1, codes)
    assert [verdict for verdict, _ in outcomes] == ["passed", "infra_error", "infra_error"]
    assert "the machine ran out of memory both times" in outcomes[1][1]
    assert "has 300:" in warning
