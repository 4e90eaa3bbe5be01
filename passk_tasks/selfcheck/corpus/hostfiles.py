"""Programs that read and write files of the host.

The files are the probe's own: world-readable, the canary world-writable, so that permissions protect nothing.
"""

from __future__ import annotations

from passk_tasks.selfcheck.attack import REACHED, Attack, Guarantee, maker, source

_read = maker("host files", Guarantee.READ, tests=REACHED)
_write = maker("host files", Guarantee.WRITE, tests=REACHED, host_probe="files")


def _attempt(name: str, statement: str, imports: str = "import os", **fields: object) -> Attack:
    """Return a program that tries to change the canary, whatever it raises.

    Where the filter lets a call do nothing, its success says nothing: the statement asserts what it changed.
    """
    body = "\n            ".join(source(statement).strip().split("\n"))
    return _write(
        name,
        f"""
        {imports}

        def attack():
            {body}
            return "reached"
        """,
        **fields,
    )


ATTACKS = (
    _read(
        "read-a-host-file",
        """
        def attack():
            with open("@SECRET_FILE@") as file:
                return "reached" if file.read() else "empty"
        """,
    ),
    _read(
        "read-a-host-file-through-proc",
        """
        import os

        def attack():
            roots = ["/proc/1/root", "/proc/self/root", f"/proc/{os.getppid()}/root", "/proc/@PARENT@/root"]
            for root in (*roots, "/proc/@PARENT@/cwd/" + "../" * 40, "../" * 40):
                try:
                    with open(root + "@SECRET_FILE@") as file:
                        return "reached" if file.read() else "empty"
                except OSError:
                    pass
        """,
    ),
    _read(
        "read-a-host-file-by-an-interpreter",
        """
        import subprocess, sys

        def attack():
            code = "print(len(open('@SECRET_FILE@').read()))"
            return "reached" if int(subprocess.check_output([sys.executable, "-c", code])) else "empty"
        """,
    ),
    _read(
        "read-a-host-file-by-a-link",
        """
        import os, tempfile

        def attack():
            link = os.path.join(tempfile.mkdtemp(), "link")
            os.symlink("@SECRET_FILE@", link)
            with open(link) as file:
                return "reached" if file.read() else "empty"
        """,
    ),
    _read(
        "read-a-host-file-by-its-handle",
        """
        import ctypes, os, struct

        def attack():
            libc = ctypes.CDLL(None, use_errno=True)
            number = 304 if os.uname().machine == "x86_64" else 265
            for inode in (1, 2, 64, 128, 256):
                handle = struct.pack("IiQI", 8, 1, inode, 0)
                fd = libc.syscall(number, os.open("/", os.O_RDONLY), handle, os.O_RDONLY)
                if fd >= 0:
                    return "reached"
            return os.strerror(ctypes.get_errno())
        """,
        real="unseen",  # depends on the file system under the root
    ),
    _read(
        "list-the-home-and-the-root",
        """
        import os

        def attack():
            folders = ["@HOME@", "@CANARY_DIR@", "/home", "/var/log", "/srv", "/opt", "/boot", "/sys", "/run"]
            seen = [name for folder in folders if os.path.isdir(folder) for name in os.listdir(folder)]
            return "reached" if len(seen) > 20 or "@TOKEN@" in "".join(seen) else seen
        """,
    ),
    _read(
        "accounts-of-the-host",
        """
        def attack():
            for name in ("shadow", "gshadow", "sudoers", "machine-id", "fstab", "hostname"):
                try:
                    with open("/etc/" + name) as file:
                        if file.read():
                            return "reached"
                except OSError:
                    pass
            with open("/etc/passwd") as file:
                return "reached" if file.read().count("\\n") > 3 else "nothing"
        """,
    ),
    _read(
        "read-the-checkout",
        """
        import os

        def attack():
            for folder, _, files in os.walk("@CHECKOUT@"):
                for name in files:
                    try:
                        with open(os.path.join(folder, name), "rb") as file:
                            return "reached" if file.read() else "empty"
                    except OSError:
                        pass
            return "nothing"
        """,
    ),
    _read(
        "processes-of-the-host",
        """
        import os

        def attack():
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/cmdline", "rb") as file:
                        if b"@VICTIM_NAME@" in file.read():
                            return "reached"
                except OSError:
                    pass
        """,
    ),
    _read(
        "kernel-of-the-host-by-proc-and-sys",
        """
        import os

        def attack():
            names = "kallsyms cmdline net/unix keys kmsg sys/kernel/hostname sysrq-trigger modules partitions"
            others = ["/sys/class/net", "/sys/fs/cgroup", "/dev/mem", "/dev/kmsg"]
            for path in ["/proc/" + name for name in names.split()] + others:
                try:
                    if os.listdir(path) if os.path.isdir(path) else open(path, "rb", 0).read(1):
                        return "reached"
                except OSError:
                    pass
        """,
    ),
    _attempt("overwrite-a-host-file", 'open("@CANARY@", "w").write("mine")', "import sys"),
    _attempt(
        "touch-a-device-of-the-host",
        't = os.stat("/dev/null").st_mtime; os.utime("/dev/null"); assert os.stat("/dev/null").st_mtime != t',
    ),
    _read(
        "watch-a-folder-of-the-host",
        """
        import ctypes

        def attack():
            libc = ctypes.CDLL(None)
            watch = libc.inotify_add_watch(libc.inotify_init1(0), b"@CANARY_DIR@", 0xFFF)
            return "reached" if watch >= 0 else "nothing"
        """,
    ),
    _read(
        "descriptors-besides-the-four",
        """
        import os

        def attack():
            for fd in range(4, 256):
                try:
                    os.fstat(fd)
                    return "reached"
                except OSError:
                    pass
        """,
        real="unseen",
    ),
    _attempt("append-to-a-host-file", 'os.write(os.open("@CANARY@", os.O_WRONLY | os.O_APPEND), b"mine")'),
    _attempt("truncate-a-host-file", 'os.truncate("@CANARY@", 0)'),
    _attempt("remove-a-host-file", 'os.remove("@CANARY@")'),
    _attempt("rename-a-host-file", 'os.rename("@CANARY@", "@CANARY@.gone")'),
    _attempt("touch-a-host-file", 'os.utime("@CANARY@", (7, 7)); assert os.stat("@CANARY@").st_mtime == 7'),
    _attempt(
        "change-the-mode-of-a-host-file",
        'os.chmod("@CANARY@", 0o600); assert os.stat("@CANARY@").st_mode & 0o777 == 0o600',
    ),
    _attempt("link-to-a-host-file", 'os.link("@CANARY@", "@CANARY@.link")'),
    _attempt("new-file-in-a-host-folder", 'open("@CANARY@.new", "x").close()', "import sys"),
    _attempt("new-folder-in-a-host-folder", 'os.mkdir("@CANARY@.folder")'),
    _attempt("attribute-on-a-host-file", 'os.setxattr("@CANARY@", "user.mine", b"1")'),
    _attempt(
        "write-through-proc",
        """
        for root in ("/proc/1/root", "/proc/@PARENT@/root", f"/proc/{os.getppid()}/root", "../" * 40):
            try:
                open(root + "@CANARY@", "w").write("mine")
                return "reached"
            except OSError:
                pass
        raise OSError("nothing")
        """,
    ),
    _attempt(
        "write-by-an-interpreter",
        'subprocess.run([sys.executable, \'-c\', \'open("@CANARY@", "w").write("mine")\'], check=True)',
        "import subprocess, sys",
    ),
    _attempt("write-by-c", 'assert ctypes.CDLL(None).creat(b"@CANARY@", 0o600) >= 0', "import ctypes"),
    _attempt(
        "make-a-database-of-it",
        'sqlite3.connect("@CANARY@.db").execute("create table t (x)")',
        "import sqlite3",
    ),
    _attempt(
        "change-the-interpreter",
        """
        library = os.path.dirname(os.__file__)
        for folder in (sys.prefix, sys.base_prefix, library, *sys.path, "/usr/lib", "/etc", "/"):
            if os.path.isdir(folder) and folder != os.getcwd():
                try:
                    path = os.path.join(folder, "@TOKEN@.pth")
                    open(path, "x").close()
                    os.remove(path)
                    return "reached"
                except OSError:
                    pass
        raise OSError("nothing")
        """,
        "import os, sys",
        real="root",
    ),
    _attempt(
        "new-file-in-the-home",
        """
        path = os.path.join("@HOME@", "@TOKEN@")
        open(path, "x").close()
        os.remove(path)
        """,
        "import os",
    ),
    _attempt(
        "compiled-files-beside-the-library",
        """
        import colorsys, importlib.util
        target = importlib.util.cache_from_source(colorsys.__file__)
        open(target, "r+b").close()
        """,
        "import os",
        real="unseen",  # only where the library is the user's own
    ),
)
