"""What one candidate could tell the next one: files, and numbers that the kernel counts up."""

from __future__ import annotations

import errno
import mmap
import os
from pathlib import Path

import pytest

from passk_tasks.sandbox.box import kernel, traces


@pytest.mark.parametrize("supported", [True, False])
def test_a_file_without_a_name(tmp_path, monkeypatch, supported):
    """It can be appended to and read, and is in no folder; also where the file system knows no such files."""
    real = os.open

    def refusing(path, flags, *mode):
        if not supported and flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "not supported")
        return real(path, flags, *mode)

    monkeypatch.setattr(traces.os, "open", refusing)
    fd = traces.nameless_file(str(tmp_path))
    try:
        os.write(fd, b"one ")
        os.lseek(fd, 0, os.SEEK_SET)
        os.write(fd, b"two")
        assert os.pread(fd, 100, 0) == b"one two"
        assert list(tmp_path.iterdir()) == []
    finally:
        os.close(fd)


@pytest.mark.parametrize("low", [kernel._LOW, 0x7F0000000000])
def test_numbers_of_shared_mappings(monkeypatch, low):
    """They count up, wherever the mapping lies; each CPU counts its own, so the test stays on one."""
    monkeypatch.setattr(kernel, "_LOW", low)
    maps = os.open("/proc/self/maps", os.O_RDONLY)
    cpus = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(cpus)})
        numbers = [kernel.new_shared_mapping(maps) for _ in range(4)]
        with mmap.mmap(-1, 4096):
            lines = Path("/proc/self/maps").read_text().splitlines()
            known = [int(line.split()[4]) for line in lines if line.endswith("/dev/zero (deleted)")]
    finally:
        os.sched_setaffinity(0, cpus)
        os.close(maps)
    assert numbers == sorted(set(numbers))
    assert numbers[-1] < max(known)


def test_numbers_move_on_by_more_than_a_candidate_moved_them():
    """At random; not at all where nobody took one, and by few where the candidate had no time for more."""
    at = 0

    def take(count):
        nonlocal at
        at += count
        return at

    numbers = traces.Numbers(take)
    numbers.stir(1.0)
    assert at == 2
    steps = set()
    for used, cpu_s, most in ((1, 1.0, 24), (1000, 1.0, 4004), (10_000_000, 0.0, 24)):
        for _ in range(20):
            at += used
            before = at
            numbers.stir(cpu_s)
            assert 0 < at - before <= most
            steps.add(at - before)
    assert max(steps) > 24
    assert len(steps) > 20
