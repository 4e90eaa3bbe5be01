"""Programs that use or misuse the system's commands, which the sandbox shows."""

from __future__ import annotations

from passk_tasks.selfcheck.attack import (
    AS_LOOP,
    AS_TREE,
    ISOLATED,
    PASSED,
    REACHED,
    SOLVE,
    Attack,
    Guarantee,
    maker,
    source,
)

_kernel = maker("kernel", Guarantee.KERNEL, tests=REACHED, real="unseen")
_write = maker("host files", Guarantee.WRITE, tests=REACHED, real="unseen")
_read = maker("secrets", Guarantee.SECRET, tests=REACHED)
_signal = maker("signals", Guarantee.SIGNAL, tests=REACHED, host_probe="victims")
_network = maker("network", Guarantee.NETWORK, tests=REACHED, host_probe="sockets", real="unseen")
_between = maker("between candidates", Guarantee.BETWEEN, tests=REACHED, real="unseen")
_stops = maker("stops the run", Guarantee.RUN, tests=SOLVE, judges=ISOLATED, real="unseen")
_stays = maker(
    "descendants",
    Guarantee.SURVIVOR,
    tests=SOLVE,
    expected=PASSED,
    host_probe="survivors",
    times=AS_LOOP,
    real="unseen",
)
_right = maker("right programs", Guarantee.RIGHT, tests=SOLVE, expected=PASSED)

_ON_PATH = (
    "[os.path.join(f, n) for f in os.environ['PATH'].split(':') if os.path.isdir(f) for n in os.listdir(f)]"
)


def _says(make: object, name: str, command: str, condition: str, **fields: object) -> Attack:
    """Return an attack that reached its aim where a condition on what a shell command prints holds."""
    attack: Attack = make(  # type: ignore[operator]
        name,
        f"""
        import subprocess

        def attack():
            done = subprocess.run({command!r}, shell=True, capture_output=True, text=True)
            out = done.stdout
            return "reached" if {condition} else "nothing"
        """,
        **fields,
    )
    return attack


def _runs(name: str, condition: str) -> Attack:
    return _right(
        name,
        f"""
        import os, shutil, subprocess, sys

        def out(*command, **options):
            return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout

        def solve(n):
            assert {condition}
            return n * n + 7
        """,
    )


ATTACKS = (
    _kernel(
        "commands-with-the-rights-of-others",
        f"""
        import os, shutil

        def attack():
            files = {_ON_PATH}
            rights = [f for f in files if os.path.exists(f) and os.stat(f).st_mode & 0o6000]
            names = [n for n in ("su", "sudo", "mount", "passwd", "chsh", "newgrp") if shutil.which(n)]
            return "reached" if rights or names else "nothing"
        """,
    ),
    _says(
        _kernel,
        "root-by-a-shell",
        "id -u; cat /proc/self/status",
        "'NoNewPrivs:\\t0' in out",
    ),
    _says(_kernel, "capabilities-by-a-shell", "grep CapEff /proc/self/status", "int(out.split()[1], 16)"),
    _kernel(
        "a-copy-of-a-shell-with-its-set-user-bit",
        """
        import os, shutil, subprocess

        def attack():
            shutil.copy(shutil.which("sh"), "sh")
            os.chmod("sh", 0o6755)
            who = subprocess.run(["./sh", "-p", "-c", "id -u"], capture_output=True, text=True).stdout
            return "reached" if who.strip() != str(os.getuid()) else "nothing"
        """,
    ),
    _write(
        "write-into-a-command",
        """
        import os, shutil

        def attack():
            with open(os.path.realpath(shutil.which("true")), "r+b") as file:
                file.write(file.read(1))
            return "reached"
        """,
    ),
    _write(
        "put-a-command-on-the-path",
        """
        import os

        def attack():
            for folder in os.environ["PATH"].split(":"):
                try:
                    with open(os.path.join(folder, "@TOKEN@"), "w"):
                        return "reached"
                except OSError:
                    pass
        """,
    ),
    _says(_read, "secret-file-by-cat", "cat @SECRET_FILE@ @HOME@/.*token", "'@MARK@' in out"),
    _says(_read, "environments-by-a-shell", "cat /proc/[0-9]*/environ", "'@MARK@' in out"),
    _says(_read, "secret-file-by-find-and-xargs", "find / -name secret | xargs cat", "'@MARK@' in out"),
    _says(_read, "secret-file-by-another-language", "perl -pe 1 @SECRET_FILE@", "'@MARK@' in out"),
    _says(_signal, "kill-by-a-shell", "kill -9 @VICTIM@ && echo done", "'done' in out"),
    _says(_signal, "kill-by-name", "pkill -f @VICTIM_NAME@ && echo done", "'done' in out", real="unseen"),
    _says(
        _network,
        "tcp-by-bash",
        "bash -c 'echo @TOKEN@ > /dev/tcp/127.0.0.1/@TCP@' && echo done",
        "'done' in out",
    ),
    _between(
        "command-left-before-the-others",
        "import shutil\n\n\ndef attack():\n    return 'reached' if shutil.which('@TOKEN@') else 'nothing'\n",
        before=(
            source(
                """
                import os
                for folder in [*os.environ["PATH"].split(":"), ".", "/tmp"]:
                    try:
                        with open(os.path.join(folder, "@TOKEN@"), "w") as file:
                            os.fchmod(file.fileno(), 0o755)
                    except OSError:
                        pass
                """
            ),
        ),
    ),
    _stops(
        "fork-bomb-of-a-shell",
        """
        import subprocess

        def solve(n):
            subprocess.run(["bash", "-c", "bomb() { bomb | bomb & }; bomb; while :; do :; done"])
        """,
        harms=True,
        times=AS_TREE,
    ),
    _stops(
        "endless-output-of-a-command", "import subprocess\n\n\ndef solve(n):\n    subprocess.run('yes')\n"
    ),
    _stops(
        "a-disk-full-of-zeros",
        """
        import subprocess

        def solve(n):
            subprocess.run("for i in 1 2 3 4 5 6 7 8 9; do dd if=/dev/zero of=$i bs=1M; done", shell=True)
        """,
        harms=True,
    ),
    _stays(
        "daemon-of-a-shell",
        """
        import subprocess
        subprocess.run("setsid bash -c 'exec -a @TOKEN@ sleep 300' >/dev/null 2>&1 &", shell=True)

        def solve(n):
            return n * n + 7
        """,
    ),
    _runs("a-command-that-does-nothing", 'subprocess.run(["true"]).returncode == 0'),
    _runs("a-command-that-fails", 'subprocess.run(["false"]).returncode == 1'),
    _runs("a-pipe-of-a-shell", "out('sh', '-c', 'echo b; echo a | tr a c') == 'b\\nc\\n'"),
    _runs("a-shell-by-os-system", 'os.system("exit 3") == 3 << 8 and os.popen("echo x").read() == "x\\n"'),
    _runs(
        "commands-are-found",
        "all(map(shutil.which, ('ls', 'cat', 'sh', 'grep', 'sort', 'awk', 'sed', 'tar')))",
    ),
    _runs("python-by-name", "out('python3', '-c', 'import sys; print(sys.version)').strip() == sys.version"),
    _runs(
        "a-script-in-the-working-folder",
        """[
                open("s.sh", "w").write("#!/bin/sh\\necho $((1 + $1))\\n")
            ] and out("sh", "s.sh", "2") == "3\\n\"""",
    ),
    _runs(
        "an-archive-by-commands",
        """[
                open("f", "w").write("text"), out("tar", "-czf", "f.tgz", "f"), os.remove("f")
            ] and out("tar", "-xzOf", "f.tgz") == "text\"""",
    ),
    _runs("a-command-with-input-and-a-time-limit", "out('sort', input='b\\na\\n', timeout=60) == 'a\\nb\\n'"),
)
