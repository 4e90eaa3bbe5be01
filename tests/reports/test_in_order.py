"""Programs of ../shared/data/reports that mean something only beside others, or show on the host."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import Any

import programs
import pytest
import shared_data

from passk_tasks.judging.batch import judge
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Limits, Program
from passk_tasks.sandbox import supervisor
from passk_tasks.sandbox.box import landlock
from passk_tasks.verdict import Outcome, Verdict

LANDLOCK = pytest.param(
    "landlock", marks=pytest.mark.skipif(landlock.abi() < 1, reason="this kernel has no Landlock")
)
RIGHT_BODY = "    return any(abs(a - b) < threshold for i, a in enumerate(numbers) for b in numbers[:i])\n"
RIGHT_IMPORTS = "    import calendar, csv, difflib, pprint, queue, shlex, textwrap\n" + RIGHT_BODY
RIGHT_PIPE = """
    import os
    def halves(data):
        r, w = os.pipe()
        os.write(w, data)  # no reader yet: it has to fit
        os.close(w)
        with os.fdopen(r, "rb") as file:
            return len(file.read())
    assert halves(bytes(30_000)) == 30_000
    balance = 0
    for operation in operations:
        balance += operation
        if balance < 0:
            return True
    return False
"""


@pytest.fixture(params=["namespaces", LANDLOCK])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Leave one way of `strict`."""
    monkeypatch.setitem(supervisor._WAYS, "strict", (request.param,))
    return str(request.param)


def row_of(name: str) -> dict[str, Any]:
    """Return a program of the file."""
    return next(row for row in shared_data.rows("reports/programs.jsonl") if row["id"] == name)


def judged(*given: Program, workers: int = 1, timeout_s: float = 3.0) -> tuple[Outcome, ...]:
    """Return what comes of programs; with one worker, of one after another."""
    return tuple(judge(list(given), local(Confinement(Limits(timeout_s=timeout_s)), workers)).outcomes)


def body(row: dict[str, Any], completion: str) -> Program:
    """Return another completion of a row's problem."""
    return programs.program({**row, "completion": completion})


def test_nothing_is_learnt_by_samples_before(way: str) -> None:
    """Twenty samples that hand on what they found out of the expected values: none of them passes."""
    row = row_of("oracle-by-inode-counter")
    samples = [
        body(row, re.sub(r"# variant \d+", f"# variant {number}", row["completion"]))
        for number in range(row["repeat"])
    ]
    assert len({sample.code for sample in samples}) == row["repeat"]
    assert not any(outcome.passed for outcome in judged(*samples))


@pytest.mark.parametrize("before", ["names-left-for-the-next", "folder-size-tells"])
def test_folders_are_empty_and_small_for_the_next(way: str, before: str) -> None:
    """Whatever names the program before left, the next ones find none, no trace, and import the library."""
    leaves, look = row_of(before), row_of("names-look" if before.startswith("names") else before)
    first = leaves["completion"] if before.startswith("names") else look["before"][0]
    for next_one, passes in ((look["completion"], False), (RIGHT_IMPORTS, True)):
        left, outcome = judged(body(leaves, first), body(look, next_one), timeout_s=20.0)
        assert left.verdict is not Verdict.INFRA_ERROR
        assert outcome.passed is passes, outcome


@pytest.mark.parametrize("name", ["dgram-pair-to-host-socket", "esc-dgram-to-host"])
def test_no_datagram_reaches_the_host(way: str, name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A socket that listens where the program was told gets nothing."""
    import tempfile

    row = row_of(name)
    known, own = "redcanary", f"redcanary-{os.getpid()}"  # an abstract name is the whole host's
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as abstract,
    ):
        path = Path(folder, "canary.sock")
        listener.bind(str(path))
        abstract.bind(f"\0{own}")
        path.chmod(0o777)
        path.parent.chmod(0o755)
        [outcome] = judged(body(row, row["completion"].replace("@BOX@", folder).replace(known, own)))
        assert not outcome.passed, outcome
        for ears in (listener, abstract):
            ears.setblocking(False)
            with pytest.raises(BlockingIOError):
                ears.recv(100)


def test_pipes_used_up_beside_change_no_verdict(way: str) -> None:
    """Who takes the pipes is ended, and right programs beside it, which fill one, pass."""
    row = row_of("pipes-of-the-user-used-up")
    given = []
    for number in range(4):
        given += [body(row, f"{row['completion']}# {number}\n"), body(row, f"{RIGHT_PIPE}# {number}\n")]
    outcomes = judged(*given, workers=2)
    assert [outcome.passed for outcome in outcomes] == [False, True] * 4, outcomes
