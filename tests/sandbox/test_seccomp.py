"""The system call filter, run instruction by instruction for both machines it knows."""

from __future__ import annotations

import errno
import struct

import pytest

from passk_tasks.sandbox.box import seccomp

ALLOW, KILL = 0x7FFF0000, 0x80000000
ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


@pytest.fixture(params=["x86_64", "aarch64"])
def machine(request, monkeypatch):
    """Each machine that has a table."""
    monkeypatch.setattr(seccomp.platform, "machine", lambda: request.param)
    return request.param


def run(program, nr, arch, *arguments):
    """Interpret a classic BPF program over one `struct seccomp_data`."""
    arguments = (*arguments, *(0,) * (6 - len(arguments)))
    data = struct.pack("<iIQ6Q", nr, arch, 0, *arguments)
    code = [struct.unpack_from("HBBI", program, i) for i in range(0, len(program), 8)]
    at = accumulator = 0
    while True:
        op, jt, jf, k = code[at]
        at += 1
        if op == 0x20:
            accumulator = struct.unpack_from("<I", data, k)[0]
        elif op == 0x06:
            return k
        else:
            holds = {
                0x15: accumulator == k,
                0x25: accumulator > k,
                0x35: accumulator >= k,
                0x45: bool(accumulator & k),
            }[op]
            at += jt if holds else jf


def number(table, name, machine):
    """A call's number."""
    return seccomp._numbers(table, machine)[name]


def refused(error):
    """The answer that makes a call fail with `error`."""
    return 0x00050000 | error


def test_every_call_in_the_tables_gets_its_answer(machine):
    """Each name of the allowed and refused tables is answered so under its own number."""
    program = seccomp.program()
    for name, nr in seccomp._numbers(seccomp._ALLOWED, machine).items():
        assert run(program, nr, ARCH[machine]) == ALLOW, name
    for name, nr in seccomp._numbers(seccomp._REFUSED, machine).items():
        assert run(program, nr, ARCH[machine]) == refused(errno.EPERM), name


def test_unknown_calls_do_not_exist(machine):
    """A call of the future, and x32's numbers, fail with ENOSYS."""
    program = seccomp.program()
    for nr in (600, 10_000, 0x40000000, 0x40000000 + 59):
        assert run(program, nr, ARCH[machine]) == refused(errno.ENOSYS)


def test_another_architecture_is_killed(machine):
    """32-bit calls on a 64-bit kernel, whose numbers mean other things, end the process."""
    assert run(seccomp.program(), 1, 0x40000003) == KILL


@pytest.mark.parametrize(
    ("name", "arguments", "answer"),
    [
        ("socket", (1, 1, 0), ALLOW),
        ("socket", (2, 1, 0), refused(errno.EAFNOSUPPORT)),
        ("socket", (16, 3, 0), refused(errno.EAFNOSUPPORT)),
        ("socketpair", (1, 1, 0), ALLOW),
        ("clone", (0x11,), ALLOW),
        ("clone", (0x003D0F00,), ALLOW),  # a thread
        ("clone", (0x10000011,), refused(errno.EPERM)),  # a user namespace
        ("clone", (0x20000,), refused(errno.EPERM)),
        ("clone3", (), refused(errno.ENOSYS)),
        ("ioctl", (0, 0x5401), ALLOW),
        ("ioctl", (0, 0x5412), refused(errno.EPERM)),
        ("ioctl", (0, 0x541C), refused(errno.EPERM)),
        ("ioctl", (0, 0x541B), ALLOW),  # how much there is to read
        ("ioctl", (0, 0x40086602), refused(errno.ENOTTY)),  # flags of an inode
        ("ioctl", (0, 0x400C6613), refused(errno.ENOTTY)),  # encrypting a folder
        ("ioctl", (0, 0x8912), refused(errno.ENOTTY)),  # network interfaces
        ("fcntl", (0, 3), ALLOW),
        ("fcntl", (0, 1024), refused(errno.EPERM)),  # a lease
        ("fcntl", (0, 1026), refused(errno.EPERM)),  # a watch on a folder
        ("setsockopt", (3, 1, 2), ALLOW),
        ("setsockopt", (3, 6, 7), ALLOW),  # another level's 7
        ("setsockopt", (3, 1, 7), refused(0)),
        ("setsockopt", (3, 1, 32), refused(0)),
        ("setrlimit", (9,), ALLOW),
        ("setrlimit", (4,), refused(0)),
        ("prlimit64", (0, 7), ALLOW),
        ("prlimit64", (0, 7, 1 << 40), ALLOW),
        ("prlimit64", (0, 4), ALLOW),
        ("prlimit64", (0, 4, 1 << 40), refused(0)),
        ("prlimit64", (0, 4, 1 << 20), refused(0)),
        ("prlimit64", (1, 7), refused(errno.EPERM)),
        ("sched_setaffinity", (0,), refused(0)),
        ("sched_setaffinity", (1,), refused(errno.EPERM)),
        ("setpriority", (0, 0), ALLOW),
        ("setpriority", (0, 1), refused(errno.EPERM)),
        ("setpriority", (1, 0), refused(errno.EPERM)),
    ],
)
def test_calls_that_depend_on_an_argument(machine, name, arguments, answer):
    """Local sockets, plain forks and what touches only the caller are allowed, dangerous forms are not."""
    nr = number(seccomp._CHECKED, name, machine)
    assert run(seccomp.program(), nr, ARCH[machine], *arguments) == answer


def test_attributes_of_files_change_in_appearance_only(machine):
    """The calls report success and do nothing; every other call is left to the filter below."""
    numbers = seccomp._numbers(seccomp._ALLOWED, machine)
    for name in set(seccomp._ATTRIBUTES) & set(numbers):
        assert run(seccomp.attributes_program(), numbers[name], ARCH[machine]) == refused(0), name
    for name in ("getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr"):
        assert run(seccomp.attributes_program(), numbers[name], ARCH[machine]) == refused(errno.ENOTSUP), name
    checked = seccomp._numbers(seccomp._CHECKED, machine)
    for name, arguments, answer in (
        ("setrlimit", (6, 5), refused(0)),
        ("setrlimit", (9, 5), ALLOW),
        ("prlimit64", (0, 6, 5), refused(0)),
        ("prlimit64", (0, 6, 1 << 40), refused(0)),
        ("prlimit64", (0, 6, 0, 5), ALLOW),
        ("prlimit64", (0, 9, 5), ALLOW),
    ):
        assert run(seccomp.attributes_program(), checked[name], ARCH[machine], *arguments) == answer, name
    for other in ("openat", "mkdirat", "fsync", "umask", "unlinkat", "renameat2"):
        number = {**numbers, **checked}[other]
        assert run(seccomp.attributes_program(), number, ARCH[machine]) == ALLOW


def test_no_call_stands_in_two_tables(machine):
    """The order of the tables decides nothing."""
    seen = [
        nr
        for table in (seccomp._ALLOWED, seccomp._CHECKED, seccomp._REFUSED)
        for nr in seccomp._numbers(table, machine).values()
    ]
    assert len(seen) == len(set(seen))


def test_other_machines_are_an_error(monkeypatch):
    """A machine without a table gets no filter rather than a wrong one."""
    monkeypatch.setattr(seccomp.platform, "machine", lambda: "riscv64")
    with pytest.raises(OSError, match="riscv64"):
        seccomp.program()
