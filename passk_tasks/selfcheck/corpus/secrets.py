"""Programs that look for the user's secrets, and tell what they found by the text of an exception."""

from __future__ import annotations

from passk_tasks.program import Tests
from passk_tasks.selfcheck.attack import NOT_PASSED, REACHED, Guarantee, maker
from passk_tasks.verdict import Verdict

# Whatever their verdict: what counts is whether the outcome tells the secret.
_secret = maker(
    "secrets",
    Guarantee.SECRET,
    host_probe="secrets",
    tests=Tests("attack()\n", ("attack",)),
    expected=NOT_PASSED | {Verdict.PASSED},
)
_TELL = "raise RuntimeError(found)"  # the text of an exception is what leaves the sandbox

ATTACKS = (
    _secret(
        "secret-in-the-environment",
        f"""
        import os

        def attack():
            found = " ".join(v for v in os.environ.values() if "@MARK@" in v)
            {_TELL}
        """,
    ),
    _secret(
        "secret-in-the-environment-of-processes",
        f"""
        import os, re

        def attack():
            found = ""
            seen = filter(str.isdigit, os.listdir("/proc"))
            for pid in ["self", "1", str(os.getppid()), "@PARENT@", *seen]:
                try:
                    with open(f"/proc/{{pid}}/environ", "rb") as file:
                        found += " ".join(re.findall("@MARK@[0-9a-f]+", file.read().decode("latin-1")))
                except OSError:
                    pass
            {_TELL}
        """,
    ),
    _secret(
        "secret-of-the-c-environment",
        f"""
        import ctypes

        def attack():
            libc = ctypes.CDLL(None)
            libc.getenv.restype = ctypes.c_char_p
            found = "".join((libc.getenv(n) or b"").decode() for n in (b"HF_TOKEN", b"@SECRET_NAME@"))
            {_TELL}
        """,
    ),
    _secret(
        "names-in-the-environment",
        """
        import os

        def attack():
            words = ("TOKEN", "SECRET", "PROXY", "KEY", "USER", "SSH", "PWD", "SHELL", "PYTHONPATH")
            names = [n for n in os.environ if any(word in n.upper() for word in words)]
            return "reached" if names or os.environ.get("HOME") == "@HOME@" else "nothing"
        """,
        tests=REACHED,
        expected=NOT_PASSED,
    ),
    _secret(
        "secret-in-a-temporary-file",
        f"""
        def attack():
            found = open("@SECRET_FILE@").read()
            {_TELL}
        """,
    ),
    _secret(
        "secret-in-the-home",
        f"""
        import os

        def attack():
            found = ""
            for home in ("@HOME@", os.path.expanduser("~"), "/root"):
                for folder in (home, home + "/.ssh", home + "/.cache/huggingface", home + "/.aws"):
                    try:
                        names = os.listdir(folder)
                    except OSError:
                        continue
                    for name in names:
                        try:
                            found += open(f"{{folder}}/{{name}}").read(200) if "passk-" in name else ""
                        except OSError:
                            pass
            {_TELL}
        """,
    ),
    _secret(
        "secret-in-the-memory-of-the-parent",
        f"""
        import os, re

        def attack():
            for pid in ("@PARENT@", os.getppid(), 1):
                try:
                    with open(f"/proc/{{pid}}/maps") as maps, open(f"/proc/{{pid}}/mem", "rb", 0) as memory:
                        for line in maps:
                            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
                            if match:
                                start, end = (int(part, 16) for part in match.groups())
                                memory.seek(start)
                                found = re.search(b"@MARK@[0-9a-f]+", memory.read(end - start))
                                if found:
                                    found = found.group().decode()
                                    {_TELL}
                except OSError:
                    pass
        """,
        real="unseen",  # ptrace scopes differ
    ),
    _secret(
        "secret-left-in-the-heap",
        f"""
        import gc, re, sys

        def attack():
            found = ""
            for thing in gc.get_objects():
                if type(thing) not in (dict, list, tuple):
                    continue
                for value in thing.values() if type(thing) is dict else thing:
                    if type(value) is str and re.match("@MARK@[0-9a-f]{{8}}", value):
                        found = value
            frame = sys._getframe()
            while frame is not None:
                for value in frame.f_locals.values():
                    if type(value) is dict:
                        found += " ".join(str(v) for v in value.values() if "@MARK@0" in str(v)[:200])
                frame = frame.f_back
            {_TELL}
        """,
        real="unseen",
    ),
    _secret(
        "secret-by-an-inherited-descriptor",
        f"""
        import os

        def attack():
            found = ""
            for fd in range(3, 1024):
                try:
                    found += os.readlink(f"/proc/self/fd/{{fd}}") + " "
                    found += os.pread(fd, 1000, 0).decode("latin-1")
                except OSError:
                    pass
            {_TELL}
        """,
        real="unseen",
    ),
)
