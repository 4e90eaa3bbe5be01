"""Ending a candidate and all that it started, where no namespace does it at once."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# A subreaper starts a candidate, which starts others and says that it is ready; then the subreaper ends all.
_REAPER = """
import ctypes, json, os, signal, sys, threading, time
from passk_tasks.sandbox.box import processes

ctypes.CDLL(None).prctl(36, 1)
looks = []
descendants = processes.descendants
processes.descendants = lambda *args, **kwargs: looks.append(1) or descendants(*args, **kwargs)
reading, writing = os.pipe()
pid = os.fork()
if not pid:
    os.setsid()
    def started(then):
        child = os.fork()
        if not child:
            os.setsid()
            then()
            signal.pause()
        return child
    def say(word):
        os.write(writing, (word + "\\n").encode())
{body}
    signal.pause()
os.close(writing)
with os.fdopen(reading) as said:
    for line in said:
        if line == "ready\\n":
            break
    status, cpu_s, peak_kib = processes.end(pid, is_init=False)
    rest = said.read()  # ends only when nobody is left who could write
answer = {{"signal": os.WTERMSIG(status), "looks": len(looks), "cpu_s": cpu_s, "peak_kib": peak_kib}}
print(json.dumps(answer))
"""


def _ended(body: str) -> dict[str, float]:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    done = subprocess.run(
        [sys.executable, "-c", _REAPER.format(body=lines)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def test_alone() -> None:
    """A candidate that is alone is ended without a look through the host's processes."""
    ended = _ended("say('ready')")
    assert (ended["signal"], ended["looks"]) == (9, 0)
    assert ended["cpu_s"] > 0
    assert ended["peak_kib"] > 0


@pytest.mark.parametrize(
    "body",
    [
        "started(lambda: say('ready'))",
        "started(lambda: started(lambda: say('ready')))",
        "started(lambda: (started(lambda: say('ready')), os._exit(0)))",
        "threading.Thread(target=lambda: (started(lambda: say('ready')), time.sleep(999))).start()",
        "for _ in range(30): started(lambda: None)\nstarted(lambda: say('ready'))",
        "started(lambda: started(lambda: (say('ready'), time.sleep(999))))\nos._exit(0)",
    ],
    ids=["child", "grandchild", "orphan", "thread's child", "many", "ended itself"],
)
def test_not_alone(body: str) -> None:
    """Whatever a candidate started ends with it, in sessions of their own, orphans, or a thread's."""
    ended = _ended(body)
    assert ended["looks"] > 0
