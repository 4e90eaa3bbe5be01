"""A disk of the host's that others fill up is never the candidate's fault."""

from __future__ import annotations

import subprocess
import sys

import pytest
from under_load import HANG_S

# Candidates write to a small disk, which this process, the host, fills once a candidate runs.
RUN = """
import os, sys, tempfile, threading, time
from passk_tasks.program import Confinement, Limits, Program, Tests
from passk_tasks.sandbox import supervisor
from passk_tasks.sandbox.box import kernel
disk, way, ends, kind = sys.argv[1:]
uid, gid = os.getuid(), os.getgid()
try:
    kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS)
    kernel.put("/proc/self/setgroups", "deny")
    kernel.put("/proc/self/uid_map", f"0 {uid} 1")
    kernel.put("/proc/self/gid_map", f"0 {gid} 1")
    kernel.mount("tmpfs", disk, "tmpfs", 0, "size=250m,nr_inodes=2k")
except OSError:
    sys.exit(77)
tempfile.tempdir = disk
supervisor._WAYS["strict"] = (way,)

def fill():
    if kind == "files":
        for n in range(2000):
            os.mkdir(f"{disk}/filler/{n}")
    with open(f"{disk}/filler/bytes", "wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 20))

def host():
    while not os.listdir(disk + "/asked"):
        time.sleep(0.01)
    try:
        fill()
    except OSError:
        os.rmdir(disk + "/free")

def bury(self, *arguments):
    if ends == "freed":
        os.system(f"rm -r {disk}/filler")
    return buried(self, *arguments)

buried, supervisor.Sandbox._bury = supervisor.Sandbox._bury, bury
for name in ("asked", "free", "filler"):
    os.mkdir(f"{disk}/{name}")
os.chmod(disk + "/asked", 0o777)
threading.Thread(target=host, daemon=True).start()
code = f'''
import os, time
def f():
    open("asked", "w").close()
    while os.path.exists("{disk}/free"):
        time.sleep(0.01)
    for n in range(20):
        with open(str(n), "wb") as file:
            file.write(bytes(100_000))
    return 1
'''.replace('"asked"', f'"{disk}/asked/now"')
program = Program("t/0", code, Tests("assert f() == 1", ("f",)))
with supervisor.Sandbox(Confinement(Limits(timeout_s=1000)), 1, hidden=()) as box:
    [(_, outcome)] = box.run([program])
print(outcome.verdict.value, outcome.detail)
"""


@pytest.mark.parametrize("kind", ["bytes", "files"])
@pytest.mark.parametrize("ends", ["freed", "full"])
def test_what_fails_for_want_of_disk_is_tried_again(tmp_path, ends, kind):
    """It passes once there is room; where there is none, the host is at fault, by name."""
    command = [sys.executable, "-c", RUN, str(tmp_path), "rlimits", ends, kind]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_S)
    if done.returncode == 77:
        pytest.skip("this host lets nobody mount a small disk")
    assert done.returncode == 0, done.stderr
    if ends == "freed":
        assert done.stdout.startswith("passed")
    else:
        assert done.stdout.startswith("infra_error")
        assert f"are free where candidates write ({tmp_path})" in done.stdout
