"""What killed runs left is removed by the next one, and nothing else is."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from passk_tasks.errors import SandboxError
from passk_tasks.sandbox import leftovers


@pytest.fixture
def ended():
    """Pid of a process that is no more."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def aged(path, age_s=3600):
    """Make a folder that looks old."""
    path.mkdir(mode=0o700)
    (path / "file").write_text("x")
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def test_scratch_folders_of_killed_runs_are_removed(tmp_path, monkeypatch, ended):
    """Only those: not a living run's, a link, or what merely has a similar name."""
    monkeypatch.setattr(leftovers.tempfile, "tempdir", str(tmp_path))
    stale = aged(tmp_path / f"passk-{ended}-abc")
    living = aged(tmp_path / f"passk-{ended}-living")
    lock = leftovers._lock(str(living))
    kept = [
        living,
        aged(tmp_path / "passk-selfcheck-abc"),
        aged(tmp_path / "elsewhere"),
    ]
    link = tmp_path / f"passk-{ended}-link"
    link.symlink_to(kept[-1])
    made, _ = leftovers.make_scratch()
    os.close(lock)
    assert not stale.exists()
    assert all((path / "file").exists() for path in kept)
    assert link.is_symlink()
    assert Path(made).is_dir()
    assert f"passk-{os.getpid()}-" in made


def test_a_disk_that_takes_no_folder_is_named(tmp_path, monkeypatch):
    """A full or read-only one is an error of the host, with what to do."""
    monkeypatch.setattr(leftovers.tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(SandboxError, match=r"cannot make a folder .*none.*set TMPDIR"):
        leftovers.make_scratch()


@pytest.mark.parametrize("name", ["passk-99999999999999999999-0", "passk-4194304999-0"])
def test_numbers_that_are_no_process_are_stale(tmp_path, name):
    """A pid that cannot be, or is out of range, belongs to nobody."""
    assert leftovers.is_stale(aged(tmp_path / name))


def test_what_is_gone_meanwhile_is_not_stale(tmp_path, ended):
    """Two runs may sweep at one time."""
    assert not leftovers.is_stale(tmp_path / f"passk-{ended}-0")
