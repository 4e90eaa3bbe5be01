"""System calls that Python does not wrap, by ctypes."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
from typing import Any

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
PR_SET_CHILD_SUBREAPER = 36
PR_SET_TIMERSLACK = 29
PR_MCE_KILL, PR_SET_SECUREBITS, PR_SET_THP_DISABLE, PR_SET_MEMORY_MERGE = 33, 28, 41, 67

MFD_CLOEXEC, MFD_ALLOW_SEALING = 1, 2
_F_ADD_SEALS, _F_SEAL_ALL = 1033, 1 | 2 | 4 | 8  # against sealing, shrinking, growing, writing

# The same number on every architecture: they were added after the tables were unified.
_SYS_MOUNT_SETATTR, _SYS_PIDFD_OPEN = 442, 434
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_SYS_CAPSET = {"x86_64": 126, "aarch64": 91}
_SYS_MEMFD_CREATE = {"x86_64": 319, "aarch64": 279}
_SYS_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
_SYS_SET_MEMPOLICY = {"x86_64": 238, "aarch64": 237}
_MOUNT_ATTR_RDONLY, _MOUNT_ATTR_NOSUID, _MOUNT_ATTR_NODEV = 1, 2, 4
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000

_sysinfo, _SYSINFO = ctypes.create_string_buffer(256), struct.Struct("Q48xI")  # twice what a sysinfo takes
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1

_NO_PROTOCOL = 99

_libc = ctypes.CDLL(None, use_errno=True)
# What is called for each candidate knows its types, so that no call makes objects of them.
_int = ctypes.c_int
_pair = (_int * 2)()
_libc.socket.argtypes = [_int, _int, _int]
_libc.socketpair.argtypes = [_int, _int, _int, ctypes.c_void_p]
_libc.prctl.argtypes = [_int, *[ctypes.c_ulong] * 4]
_machine = os.uname().machine


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def put(path: str, text: str) -> None:
    """Write to one of the kernel's own files."""
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def syscall(number: int, what: str, *arguments: Any) -> int:
    """Call by number; integers become C longs. Raises OSError with `what` in its text."""
    converted = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _check(_libc.syscall(ctypes.c_long(number), *converted), what)


def pidfd_open(pid: int) -> int:
    """Return a descriptor of a process, also where the interpreter lacks `os.pidfd_open`."""
    if hasattr(os, "pidfd_open"):
        return os.pidfd_open(pid)
    return syscall(_SYS_PIDFD_OPEN, "pidfd_open", pid, 0)


def new_file_in_memory() -> int:
    """Return a descriptor of an empty file that has no name."""
    flags = MFD_CLOEXEC | MFD_ALLOW_SEALING
    if hasattr(os, "memfd_create"):
        return os.memfd_create("stdio", flags)
    # An interpreter built on an old system.
    return syscall(_SYS_MEMFD_CREATE[_machine], "memfd_create", b"stdio", flags)


def file_in_memory(content: bytes | None = None) -> int:
    """Return a descriptor of a file that has no name: empty, to append to, or with fixed content."""
    fd = new_file_in_memory()
    if content is None:
        # As with a pipe, what several descriptors write comes in the order of their writes.
        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND)
    else:
        view = memoryview(content)
        while view:
            view = view[os.write(fd, view) :]
        os.lseek(fd, 0, os.SEEK_SET)
        seal(fd)
    return fd


def seal(fd: int) -> None:
    """Keep a file in memory as it is, for good; nobody may have it mapped for writing."""
    fcntl.fcntl(fd, _F_ADD_SEALS, _F_SEAL_ALL)


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` for new ones."""
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """Mount a file system, or change a mount; the kernel's own arguments."""
    *paths, options = [None if s is None else os.fsencode(s) for s in (source, target, kind, data)]
    _check(_libc.mount(*paths, ctypes.c_ulong(flags), options), f"mount {target}")


def umount(target: str, flags: int = MNT_DETACH) -> None:
    """Unmount; lazily unless told otherwise."""
    _check(_libc.umount2(os.fsencode(target), ctypes.c_int(flags)), f"umount {target}")


def make_readonly(target: str, *, device: bool = False) -> None:
    """Make a bind mount, and every mount under it, read-only, without set-user-id and other devices."""
    flags = _MOUNT_ATTR_RDONLY | _MOUNT_ATTR_NOSUID | (0 if device else _MOUNT_ATTR_NODEV)
    attributes = struct.pack("QQQQ", flags, 0, 0, 0)
    place = (_AT_FDCWD, os.fsencode(target), _AT_RECURSIVE)
    try:
        syscall(_SYS_MOUNT_SETATTR, f"mount_setattr {target}", *place, attributes, len(attributes))
    except OSError:
        # Before Linux 5.12. A user namespace cannot drop the flags of the host's mount, so keep them.
        flags = os.statvfs(target).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC | 1024 | 2048)
        mount(None, target, None, MS_REMOUNT | MS_BIND | MS_RDONLY | flags)


def raise_loopback() -> None:
    """Let this network namespace reach itself at 127.0.0.1 and ::1; needs CAP_NET_ADMIN in it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", _IFF_UP))


def pivot_to(root: str) -> None:
    """Make `root` the root and let go of the old one."""
    os.chdir(root)
    # With both arguments ".", the old root lies on top of the new one until it is unmounted.
    syscall(_SYS_PIVOT_ROOT[_machine], "pivot_root", b".", b".")
    umount(".")
    os.chdir("/")


def prctl(option: int, argument: int = 0, second: int = 0) -> None:
    """Change an attribute of this process."""
    if _libc.prctl(option, argument, second, 0, 0) < 0:
        _check(-1, f"prctl {option}")


def forget_priorities() -> None:
    """Let this process's input and output be of the usual class, and its memory from anywhere."""
    for name, number in (("ioprio_set", _SYS_IOPRIO_SET), ("set_mempolicy", _SYS_SET_MEMPOLICY)):
        with contextlib.suppress(OSError):
            syscall(number[_machine], name, int(name == "ioprio_set"), 0, 0)


def set_thread_stack(size: int) -> None:
    """Set the stack size of threads that are started without one, where the C library can."""
    attributes = ctypes.create_string_buffer(128)  # twice what a pthread_attr_t takes
    if hasattr(_libc, "pthread_setattr_default_np"):
        _libc.pthread_attr_init(attributes)
        _libc.pthread_attr_setstacksize(attributes, ctypes.c_size_t(size))
        _libc.pthread_setattr_default_np(attributes)
        _libc.pthread_attr_destroy(attributes)


def shared_bytes() -> int:
    """Return the bytes of shared memory and files in memory on this host, of all processes."""
    _check(_libc.sysinfo(_sysinfo), "sysinfo")
    # After the uptime, three loads, and the whole and the free memory; the unit follows the high memory.
    shared, unit = _SYSINFO.unpack_from(_sysinfo, 48)
    return int(shared * unit)


def no_socket() -> None:
    """Ask for a socket of a protocol that there is not; the kernel takes a number for it first."""
    _libc.socket(socket.AF_UNIX, socket.SOCK_STREAM, _NO_PROTOCOL)


def no_pair_of_sockets() -> None:
    """Ask for two such sockets, where the filter refuses a single one; it fails at the first."""
    _libc.socketpair(socket.AF_UNIX, socket.SOCK_STREAM, _NO_PROTOCOL, _pair)


def drop_bounding_capabilities() -> None:
    """Let nothing that is executed from now on gain a capability, if we may (CAP_SETPCAP)."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # the last one that this kernel knows was before, or we may not


def drop_capabilities() -> None:
    """Give up every capability that this process has."""
    header = struct.pack("Ii", 0x20080522, 0)
    syscall(_SYS_CAPSET[_machine], "capset", header, struct.pack("6I", *(0,) * 6))


def install_seccomp(program: bytes) -> None:
    """Install a filter, for good; needs no_new_privs."""
    buffer = ctypes.create_string_buffer(program, len(program))
    fprog = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    header = ctypes.create_string_buffer(fprog, len(fprog))
    prctl(PR_SET_SECCOMP, 2, ctypes.addressof(header))
