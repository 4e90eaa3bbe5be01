"""What one candidate could tell the next one: files, and numbers that the kernel counts up."""

from __future__ import annotations

import errno
import mmap
import os
import time
from pathlib import Path

import pytest

from passk_tasks.sandbox.box import kernel, ledger, traces


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


@pytest.fixture
def on_one_cpu():
    """Each CPU counts numbers of its own."""
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cpus)})
    yield
    os.sched_setaffinity(0, cpus)


@pytest.mark.usefixtures("on_one_cpu")
def test_numbers_of_shared_mappings():
    """Files in memory have the same numbers, which count up."""
    numbers = [traces.new_shared_file() for _ in range(4)]
    with mmap.mmap(-1, 4096):
        lines = Path("/proc/self/maps").read_text().splitlines()
        known = [int(line.split()[4]) for line in lines if line.endswith("/dev/zero (deleted)")]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] < max(known)


@pytest.mark.usefixtures("on_one_cpu")
@pytest.mark.parametrize("take", [kernel.no_socket, kernel.no_pair_of_sockets])
def test_a_socket_that_cannot_be_made_takes_a_number(take):
    """So the numbers of pipes can be moved on by one call each, which leaves nothing."""
    before, opened = traces.new_pipe(), len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(100):
        take()
    assert traces.new_pipe() - before > 100
    assert len(list(Path("/proc/self/fd").iterdir())) == opened


class _Counter:
    """Stands for the kernel's numbers."""

    def __init__(self) -> None:
        self.at = 0

    def take(self) -> int:
        self.at += 1
        return self.at

    def refuse(self) -> None:
        """Take none, as a call that a filter refuses."""


@pytest.mark.parametrize(
    ("used", "cpu_s", "most"),
    [(0, 1.0, 8), (1, 1.0, 8), (1000, 1.0, 4004), (100, 0.0, 8), (10_000_000, 0.0, 8)],
)
def test_numbers_move_on_by_more_than_a_candidate_moved_them(used, cpu_s, most):
    """At random; by few where the candidate had no time for more."""
    counter = _Counter()
    numbers = traces.Numbers(counter.take, [counter.refuse, counter.take], ledger.alone().kind(0))
    steps = set()
    for _ in range(20):
        numbers.begin(counter.at)
        counter.at += used
        before = counter.at
        numbers.stir(cpu_s)
        assert 2 <= counter.at - before < most + 2 + traces._LEFT_LEAST
        steps.add(counter.at - before)
    assert len(steps) > 5
    assert max(steps) > most / 4


def test_stirring_takes_a_part_of_a_candidates_time():
    """However many numbers others took meanwhile."""
    counter = _Counter()
    numbers = traces.Numbers(counter.take, [counter.take], ledger.alone().kind(0))
    steps = []
    for _ in range(100):
        counter.at += 10_000
        before = counter.at
        numbers._each_s, numbers._start_s = 1e-3, 0.0  # fixed: half a second is enough for 500
        numbers.stir(0.5)
        steps.append(counter.at - before)
    most = 2 * traces._STIRRED_SHARE * 500
    assert most / 2 < max(steps) < most + 2 + traces._LEFT_LEAST


def test_numbers_stay_where_nobody_took_one():
    """Reading them takes one."""
    counter = _Counter()
    numbers = traces.Numbers(counter.take, [counter.take], ledger.alone().kind(0))
    before = counter.at
    numbers.stir(1.0)
    assert counter.at == before + 1


def test_what_a_candidate_takes_is_in_one_range_of_numbers():
    """A CPU takes a thousand at a time, and the next thousand may lie anywhere."""
    counter = _Counter()
    numbers = traces.Numbers(counter.take, [counter.take], ledger.alone().kind(0))
    for _ in range(300):
        counter.at += 3
        numbers.stir(0.0)
        assert -counter.at % traces._RANGE >= traces._LEFT_LEAST - 1


def test_a_folder_that_changed_is_given_up(tmp_path):
    """Also if what was made in it is gone; else its times are the same for every candidate."""
    kept = traces.Traces(ledger.alone())
    for number, makes in enumerate((False, True)):
        folder = tmp_path / str(number)
        folder.mkdir()
        output = traces.nameless_file(str(tmp_path))
        fds = os.open(folder, os.O_RDONLY), output
        kept.adopt(fds)
        assert kept.remove(0.0)
        os.write(output, b"text")
        if makes:
            time.sleep(0.02)  # before Linux 6.13, times change with the ticks of a clock
            (folder / "name").touch()
            (folder / "name").unlink()
        assert kept.remove(0.0) is not makes
        if not makes:
            assert os.fstat(output).st_size == 0
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(output)
