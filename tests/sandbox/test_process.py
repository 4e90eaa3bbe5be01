"""What the tests' side makes of a zygote's answers."""

from __future__ import annotations

import array
import os
import socket
import subprocess
import sys
import threading

import pytest

from passk_tasks.sandbox.box import kernel, protocol
from passk_tasks.sandbox.box.limits import Room
from passk_tasks.sandbox.box.process import Box, CandidateGone
from passk_tasks.verdict import Verdict

CANDIDATE = (
    "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"  # a process below a process
)


class Channel:
    """Stands in for what candidates may leave: a channel, whose other end nobody reads."""

    def __init__(self, ours):
        self._ours = ours

    def begin(self):
        """Return both ends."""
        return self._ours, socket.socket()


def a_zygote_without_time(control, candidate):
    """Start a candidate and answer each question as a zygote does that has no time left to count."""
    _command, given, _flags, _address = control.recvmsg(protocol.FORKING.size, 1024)
    candidate_fd = kernel.pidfd_open(candidate)
    descriptors = array.array("i", [candidate_fd])
    control.sendmsg([protocol.STARTED], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
    for fd in (candidate_fd, *array.array("i", given[0][2])):
        os.close(fd)
    while request := control.recv(protocol.LOOKING.size):
        _what, most_s = protocol.LOOKING.unpack(request)
        control.send(protocol.AMOUNTS.pack(0, 0, most_s + 1e-6))


def test_memory_that_nobody_had_the_time_to_count_is_no_verdict():
    """Forks share pages, which only the zygote's count tells: cut short by the time limit, a timeout."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    channel, unread = socket.socketpair()
    room = Room(each_mib=1 << 20, address_mib=1 << 20, together_mib=0, file_mib=1)
    with (
        ours,
        theirs,
        channel,
        unread,
        subprocess.Popen([sys.executable, "-c", CANDIDATE], stdin=subprocess.PIPE) as candidate,
    ):
        zygote = threading.Thread(target=a_zygote_without_time, args=(theirs, candidate.pid))
        zygote.start()
        box = Box(ours, 5.0, 5.0, 1, 1000.0, room, Channel(channel), os.getpid(), lambda: 0.0, True, None)
        with pytest.raises(CandidateGone) as gone:
            box.request(["answer"])
        candidate.communicate(b"\n")
        os.close(box._pidfd)
        ours.close()
        zygote.join()
    assert gone.value.verdict is Verdict.TIMEOUT
