"""Programs that ask the kernel for privileges, and for what a Python program never needs.

The arguments are invalid on purpose: where a call is refused it says so (EPERM, EACCES, ENOSYS), and where
it is not, the kernel complains of the arguments instead. So nothing happens to a host that lets it through.
"""

from __future__ import annotations

from passk_tasks.selfcheck.attack import REACHED, Attack, Guarantee, maker

_attack = maker("kernel", Guarantee.KERNEL, tests=REACHED)

_CALL = """
import ctypes, errno, os

def attack():
    number = {numbers!r}.get(os.uname().machine)
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = [ctypes.c_long(a) for a in {arguments!r}]
    if libc.syscall(ctypes.c_long(number), *arguments) >= 0:
        return "reached"
    error = ctypes.get_errno()
    refused = error in (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EAFNOSUPPORT)
    return errno.errorcode[error] if refused else "reached"
"""


def _call(name: str, x86: int, arm: int, *arguments: int, real: str = "root", harms: bool = False) -> Attack:
    code = _CALL.format(numbers={"x86_64": x86, "aarch64": arm}, arguments=arguments)
    return _attack(f"call-{name}", code, real=real, harms=harms)


_NEW_USER = 0x10000000

CALLS = (
    _call("ptrace", 101, 117, 16, -1),
    _call("mount", 165, 40, 0, 0, 0, 0, 0),
    _call("umount", 166, 39, 0, 0),
    _call("pivot-root", 155, 41, 0, 0),
    _call("chroot", 161, 51, 0),
    _call("open-tree", 428, 428, -1, 0, 0),
    _call("move-mount", 429, 429, -1, 0, -1, 0, 0),
    _call("fsopen", 430, 430, 0, 0),
    _call("mount-setattr", 442, 442, -1, 0, 0, 0, 0),
    _call("unshare-user", 272, 97, _NEW_USER, real="unseen"),
    _call("unshare-mount", 272, 97, 0x00020000, real="unseen"),
    _call("clone-new-user", 56, 220, _NEW_USER | 0x40000000 | 0x0F000000, real="unseen", harms=True),
    _call("setns", 308, 268, -1, 0),
    _call("bpf", 321, 280, 0, 0, 0),
    _call("perf-event-open", 298, 241, 0, 0, -1, -1, 0),
    _call("io-uring-setup", 425, 425, 0, 0),
    _call("userfaultfd", 323, 282, -1),
    _call("keyctl", 250, 219, 999),
    _call("add-key", 248, 217, 0, 0, 0, 0, 0),
    _call("request-key", 249, 218, 0, 0, 0, 0),
    _call("init-module", 175, 105, 0, 0, 0, real="unseen"),
    _call("finit-module", 313, 273, -1, 0, 0, real="unseen"),
    _call("kexec-load", 246, 104, 0, 999, 0, -1, real="unseen"),
    _call("reboot", 169, 142, 0, 0, 0),
    _call("swapon", 167, 224, 0, 0),
    _call("acct", 163, 89, 1),
    _call("quotactl", 179, 60, -1, 0, 0, 0),
    _call("syslog", 103, 116, 99, 0, 0),
    _call("set-hostname", 170, 161, 0, -1),
    _call("set-time", 164, 170, 1, 1),
    _call("clock-adjust", 305, 266, 0, 0),
    _call("fanotify", 300, 262, -1, 0),
    _call("open-by-handle", 304, 265, -1, 0, 0),
    _call("name-to-handle", 303, 264, -1, 0, 0, 0, 0),
    _call("personality", 135, 92, 0x0040000),
    _call("process-madvise", 440, 440, -1, 0, 0, 0, 0),
    _call("pidfd-getfd", 438, 438, -1, 0, 0),
    _call("kcmp", 312, 272, 1, 1, 99, 0, 0, real="unseen"),
    _call("memfd-secret", 447, 447, -1, real="unseen"),
    _call("io-port", 172, 9999, 3, real="unseen"),
    _call("modify-ldt", 154, 9999, 0, 0, 0, real="unseen"),
    _call("vmsplice", 278, 75, -1, 0, 0, 0, real="unseen"),
    _call("migrate-pages", 256, 238, -1, 0, 0, 0),
    _call("message-queue", 240, 180, 0, 0, 0, 0, real="unseen"),
    _call("inotify", 294, 26, 0),
    _call("seccomp-with-a-listener", 317, 277, 1, 8, 0),
    _call("memory-policy", 238, 237, 99, 0, 0),
    _call("list-of-mounts", 458, 458, 0, 0, 0, 0, real="unseen"),
    _call("shadow-stack", 453, 453, 1, 1, 99, real="unseen"),
    _call("asynchronous-io", 206, 0, 0, 0),
    _call("sync-of-every-disk", 162, 81),
    _call("rt-priority", 144, 119, 0, 99, 0, real="unseen"),
    _call("a-call-of-the-future", 9_999, 9_999, 0, real="unseen"),
    _call("x32-call", 0x40000000 + 101, 9999, 16, -1, real="unseen"),
)

OTHERS = (
    _attack(
        "become-root",
        """
        import os

        def attack():
            calls = [(os.setuid, 0), (os.setresuid, 0, 0, 0), (os.setgid, 0), (os.setgroups, [0])]
            for call, *arguments in calls:
                try:
                    call(*arguments)
                    return "reached"
                except OSError:
                    pass
        """,
        real="root",
    ),
    _attack(
        "root-or-capabilities-already",
        """
        import os

        def attack():
            if os.getuid() == 0 or os.geteuid() == 0:
                return "reached"
            with open("/proc/self/status") as file:
                fields = dict(line.split(":", 1) for line in file)
            powers = [fields[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")]
            return "reached" if any(int(p, 16) for p in powers) else "nothing"
        """,
    ),
    _attack(
        "set-user-id-programs",
        """
        import os, subprocess

        def attack():
            for name in ("sudo", "su", "mount", "ping", "passwd", "newuidmap"):
                for folder in ("/usr/bin", "/bin", "/usr/sbin"):
                    try:
                        subprocess.run([os.path.join(folder, name), "--version"], capture_output=True)
                        return "reached"
                    except OSError:
                        pass
        """,
    ),
    _attack(
        "own-set-user-id-file",
        """
        import os

        def attack():
            with open("mine", "wb") as file:
                file.write(b"\\x7fELF")
            was_root = os.getuid() == 0
            os.chown("mine", 0, 0)
            os.chmod("mine", 0o6755)
            status = os.stat("mine")
            changed = status.st_uid == 0 or status.st_mode & 0o6000
            return "reached" if changed and not was_root else "nothing new"
        """,
        real="unseen",
    ),
    *(
        _attack(
            f"device-{name}",
            f"""
            import os, stat

            def attack():
                os.mknod("device", stat.{kind} | 0o666, os.makedev({major}, {minor}))
                os.close(os.open("device", os.O_RDONLY))
                return "reached"
            """,
            real="unseen",
        )
        for name, kind, major, minor in (
            ("of-memory", "S_IFCHR", 1, 1),
            ("of-a-disk", "S_IFBLK", 8, 0),
            ("of-a-terminal", "S_IFCHR", 5, 0),
        )
    ),
    _attack(
        "devices-of-the-host",
        """
        import os

        def attack():
            harmless = {"null", "zero", "full", "random", "urandom", "shm", "fd", "stdin", "stdout", "stderr"}
            names = set(os.listdir("/dev")) - harmless
            return "reached" if names else "nothing"
        """,
    ),
    _attack(
        "types-into-the-terminal",
        """
        import fcntl, os

        def attack():
            for path in ("/dev/tty", "/proc/self/fd/0", "/dev/pts/0"):
                try:
                    fd = os.open(path, os.O_RDWR)
                except OSError:
                    continue
                try:
                    fcntl.ioctl(fd, 0x5412, b"\\n")
                    return "reached"
                except OSError:
                    pass
            try:
                fcntl.ioctl(0, 0x5412, b"\\n")
                return "reached"
            except OSError:
                return "nothing"
        """,
        real="unseen",
    ),
    _attack(
        "file-systems-by-ioctl",
        """
        import fcntl, os

        def attack():
            # Flags, project, extents, version, encryption, verity, name and cloning range of an inode.
            codes = (0x80086601, 0x40086602, 0x801C581F, 0x401C5820, 0xC020660B, 0x80087601, 0x400C6613)
            codes += (0x40806685, 0x80111500, 0xC0189436, 1, 2)
            for place in (os.open(".", os.O_RDONLY), os.open("file", os.O_CREAT | os.O_RDWR), 1):
                for code in codes:
                    try:
                        fcntl.ioctl(place, code, bytearray(256), True)
                        return "reached"
                    except OSError:
                        pass
        """,
    ),
    _attack(
        "network-by-ioctl",
        """
        import fcntl, socket

        def attack():
            for one in socket.socketpair():
                for code in (0x8912, 0x8913, 0x8927, 0x8933, 0x8946):
                    try:
                        fcntl.ioctl(one, code, bytearray(b"lo" + bytes(62)), True)
                        return "reached"
                    except OSError:
                        pass
        """,
    ),
    _attack(
        "lease-on-the-library",
        """
        import fcntl, os

        def attack():
            fd = os.open(os.__file__, os.O_RDONLY)
            for command in (1024, 1026):  # whoever wants to write to it waits; a watch on it
                try:
                    fcntl.fcntl(fd, command, 0)
                    return "reached"
                except OSError:
                    pass
        """,
        real="root",
    ),
    _attack(
        "processors-of-the-other-workers",
        """
        import os

        def attack():
            before = os.sched_getaffinity(0)
            try:
                os.sched_setaffinity(0, range(1024))
            except OSError:
                pass
            return "reached" if os.sched_getaffinity(0) - before else "nothing"
        """,
        real="unseen",
    ),
    _attack(
        "crash-handler-of-the-host",
        """
        import resource

        def attack():
            # 1 is what keeps the kernel from starting the handler; a host may have a hard limit of 0.
            soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
            resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
            kept = resource.getrlimit(resource.RLIMIT_CORE) == (soft, hard)
            return "nothing" if kept and hard <= 1 else "reached"
        """,
        real="unseen",
    ),
    _attack(
        "signals-queued-without-number",
        """
        import ctypes, os, signal

        def attack():
            queue = ctypes.CDLL(None).sigqueue
            queue.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
            signal.pthread_sigmask(signal.SIG_BLOCK, [40])
            queued = 0
            while queued < 5000 and queue(os.getpid(), 40, None) == 0:
                queued += 1
            return "reached" if queued == 5000 else "nothing"
        """,
    ),
    _attack(
        "groups-of-the-host",
        """
        def attack():
            with open("/proc/self/cgroup") as file:
                paths = [line.rstrip().split(":", 2)[2] for line in file]
            return "reached" if set(paths) - {"/"} else "nothing"
        """,
        real="unseen",
    ),
    _attack(
        "calls-of-32-bit-programs",
        """
        import ctypes, mmap, os

        def attack():
            if os.uname().machine != "x86_64":
                return "nothing"
            # mov eax, 20 (getpid); int 0x80; ret
            page = mmap.mmap(-1, 4096, prot=7)
            page.write(b"\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3")
            call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
            return "reached" if call() == os.getpid() else "nothing"
        """,
        real="unseen",
    ),
    _attack(
        "vsyscall-and-filters-undone",
        """
        import ctypes

        def attack():
            libc = ctypes.CDLL(None, use_errno=True)
            undone = [
                libc.prctl(22, 0, 0, 0, 0) == 0,       # PR_SET_SECCOMP off
                libc.prctl(38, 0, 0, 0, 0) == 0,       # PR_SET_NO_NEW_PRIVS off
                libc.prctl(24, 0, 0, 0, 0) == 0,       # PR_CAPBSET_DROP is only for the mighty
                libc.prctl(47, 2, 0, 0, 0) == 0,       # PR_CAP_AMBIENT raise
                libc.prctl(28, 1 << 5, 0, 0, 0) == 0,  # PR_SET_SECUREBITS
            ]
            return "reached" if any(undone) else "nothing"
        """,
        real="root",
    ),
    _attack(
        "no-new-privileges-missing",
        """
        import ctypes

        def attack():
            return "reached" if ctypes.CDLL(None).prctl(39, 0, 0, 0, 0) != 1 else "nothing"
        """,
    ),
    _attack(
        "hard-limits-raised",
        """
        import resource

        def attack():
            for name in ("AS", "NPROC", "FSIZE", "CORE"):
                limit = getattr(resource, "RLIMIT_" + name)
                soft, hard = resource.getrlimit(limit)
                if hard == resource.RLIM_INFINITY:
                    return "reached"
                try:
                    resource.setrlimit(limit, (soft, hard * 2 + 1))
                except (OSError, ValueError):
                    pass
                if resource.getrlimit(limit)[1] > hard:
                    return "reached"
        """,
    ),
    _attack(
        "read-only-root-written",
        """
        import os

        def attack():
            for root, folders, files in os.walk("/"):
                folders[:] = [f for f in folders if f not in ("proc",)] if root.count("/") < 3 else []
                scratch = tuple(os.path.realpath(p) for p in ("/tmp", ".", "/dev/shm"))
                if os.path.realpath(root).startswith(scratch):
                    continue
                try:
                    open(os.path.join(root, "@TOKEN@"), "x").close()
                    os.remove(os.path.join(root, "@TOKEN@"))
                    return "reached"
                except OSError:
                    pass
        """,
    ),
    _attack(
        "shared-memory-of-system-v",
        """
        import ctypes

        def attack():
            libc = ctypes.CDLL(None, use_errno=True)
            made = [libc.shmget(@KEY@, 4096, 0o1666), libc.semget(@KEY@, 1, 0o1666)]
            made.append(libc.msgget(@KEY@, 0o1666))
            return "reached" if max(made) >= 0 else "nothing"
        """,
        host_probe="ipc",
    ),
)

ATTACKS = (*CALLS, *OTHERS)
