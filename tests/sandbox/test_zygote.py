"""What the zygote does outside of any sandbox."""

from __future__ import annotations

import errno
import os
import time

import pytest

from passk_tasks.sandbox.box import zygote


@pytest.mark.parametrize("supported", [True, False])
def test_a_file_without_a_name(tmp_path, monkeypatch, supported):
    """It can be appended to and read, and is in no folder; also where the file system knows no such files."""
    real = os.open

    def refusing(path, flags, *mode):
        if not supported and flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "not supported")
        return real(path, flags, *mode)

    monkeypatch.setattr(zygote.os, "open", refusing)
    fd = zygote.nameless_file(str(tmp_path))
    try:
        os.write(fd, b"one ")
        os.lseek(fd, 0, os.SEEK_SET)
        os.write(fd, b"two")
        assert os.pread(fd, 100, 0) == b"one two"
        assert list(tmp_path.iterdir()) == []
    finally:
        os.close(fd)


def test_stirring_does_not_answer_what_others_move() -> None:
    """It takes a few times what the candidate can have done with its CPU time, and no more."""
    numbers = zygote.Numbers()
    numbers.stir(zygote._START_S)
    took_s = []
    for is_candidates in (False, True):
        stirred_s = 0.0
        for _ in range(4):
            started_s = time.thread_time()
            for _ in range(5000):
                zygote._new_pipe()
            moving_s = time.thread_time() - started_s
            numbers.stir(zygote._START_S + is_candidates * moving_s)
            stirred_s += time.thread_time() - started_s - moving_s
        took_s.append(stirred_s / moving_s)
    assert took_s[0] < 0.5 < took_s[1]
