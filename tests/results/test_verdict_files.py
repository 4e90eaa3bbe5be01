"""Files of verdicts: torn lines, several writers, and what a store holds."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from pathlib import Path

import pytest

from passk_tasks.results.verdicts import Appended, Store, as_dict, read
from passk_tasks.verdict import Outcome, Verdict

ENVIRONMENT = "e" * 32


def sha(name: object) -> str:
    """Return the hash of a program."""
    return hashlib.sha256(str(name).encode()).hexdigest()


def line(name: object, outcome: Outcome) -> dict[str, object]:
    """Return the line of a verdict."""
    return {"program_sha256": sha(name), "environment": ENVIRONMENT, "task_id": "t", **as_dict(outcome)}


def outcomes(*, of: Store | Path) -> dict[str, Outcome]:
    """Return all that a store or a file holds, by the hash of the program."""
    found = of.read(ENVIRONMENT, lambda _: True) if isinstance(of, Store) else read(of, lambda _: True)
    return {known.program_sha256: known.outcome for known in found}


FULL = Outcome(Verdict.FAILED, "a \ud800 b", "isolated", 0.1, 0.2, 3.0, ("early exit",), True)


def test_an_outcome_survives_whole(tmp_path: Path) -> None:
    """Every field, and text that is no UTF-8."""
    with Appended(tmp_path / "f", at_once=True) as file:
        file.add(line(1, FULL))
        file.add(line(2, Outcome(Verdict.PASSED)))
    assert outcomes(of=tmp_path / "f") == {sha(1): FULL, sha(2): Outcome(Verdict.PASSED)}


@pytest.mark.parametrize("cut", [1, 2, 40, 200])
def test_a_torn_last_line_is_passed_over_and_nothing_else(tmp_path: Path, cut: int) -> None:
    """What a kill tore is judged again; the next writer begins on a line of its own."""
    path = tmp_path / "f"
    with Appended(path, at_once=True) as file:
        for number in range(3):
            file.add(line(number, FULL))
    path.write_bytes(path.read_bytes()[:-cut])
    whole = 3 if cut == 1 else 2  # the line's end alone is missing
    assert len(outcomes(of=path)) == whole
    with Appended(path, at_once=True) as file:
        file.add(line(9, FULL))
    assert outcomes(of=path).keys() == {*map(sha, range(whole)), sha(9)}


def test_lines_that_are_no_verdicts_are_passed_over(tmp_path: Path) -> None:
    """Neither garbage nor what says nothing is a verdict; no file holds none."""
    path = tmp_path / "f"
    bad = [
        "",
        "{}",
        "[1]",
        "1" * 5000,
        '{"program_sha256": 1}',
        "\0\0\0",
        '{"program_sha256": "' + sha(1) + '"}',
    ]
    lost = json.dumps(line(2, Outcome(Verdict.INFRA_ERROR, "gone")))
    path.write_bytes("\n".join([*bad, lost, json.dumps(line(3, FULL))]).encode() + b"\n\xff\xfe\n")
    assert outcomes(of=path) == {sha(3): FULL}
    assert outcomes(of=tmp_path / "none") == {}


def test_a_store_never_holds_what_another_run_might_not_repeat(tmp_path: Path) -> None:
    """Timeouts and missing verdicts are not written, and not read where somebody wrote them."""
    with Store(tmp_path) as store:
        for number, verdict in enumerate(Verdict):
            outcome = Outcome(verdict)
            store.add(ENVIRONMENT, {"python": "3.11"}, line(number, outcome), outcome)
    held = {outcome.verdict for outcome in outcomes(of=Store(tmp_path)).values()}
    assert held == set(Verdict) - {Verdict.TIMEOUT, Verdict.INFRA_ERROR}
    (about,) = tmp_path.glob("*/environment.json")
    assert json.loads(about.read_text()) == {"python": "3.11"}
    (file,) = tmp_path.glob("*/*.jsonl")
    with file.open("ab") as appended:
        appended.write(json.dumps(line("late", Outcome(Verdict.TIMEOUT))).encode() + b"\n")
    assert sha("late") not in outcomes(of=Store(tmp_path))


def test_verdicts_of_another_environment_are_not_found(tmp_path: Path) -> None:
    """An environment has a folder of its own; a file that was moved there holds nothing of it."""
    with Store(tmp_path) as store:
        store.add(ENVIRONMENT, {}, line(1, FULL), FULL)
    assert list(Store(tmp_path).read("f" * 32, lambda _: True)) == []
    (tmp_path / ENVIRONMENT).rename(tmp_path / ("f" * 32))
    assert list(Store(tmp_path).read("f" * 32, lambda _: True)) == []


def _add_many(folder: Path, writer: int, die: bool) -> None:
    store = Store(folder)
    for number in range(500):
        store.add(ENVIRONMENT, {}, line((writer, number), FULL), FULL)
        if number % 50 == 0:
            for file in store._files.values():
                file._write(sync=False)
    if die:  # within a line, as a kill may
        (file,) = store._files.values()
        os.write(file._file, b'{"program_sha256": "' + b"0" * 30)
        os._exit(0)
    store.__exit__()


def test_several_processes_write_at_one_time(tmp_path: Path) -> None:
    """Each line arrives whole, also beside one that is killed within a line."""
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_add_many, args=(tmp_path, n, n == 0)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    there = outcomes(of=Store(tmp_path))
    assert all(sha((writer, number)) in there for writer in (1, 2, 3) for number in range(500))
    assert sum(sha((0, number)) in there for number in range(500)) >= 451  # what was held was not written
    assert set(there.values()) == {FULL}


def test_a_disk_that_refuses_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verdicts are dropped from then on, and `lost` says why."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    file = Appended(tmp_path / "f", at_once=True)
    file.add(line(1, FULL))
    monkeypatch.setattr(os, "write", full)
    file.add(line(2, FULL))
    file.add(line(3, FULL))
    file.close()
    assert file.lost == "No space left on device"
    assert outcomes(of=tmp_path / "f") == {sha(1): FULL}
    assert Appended(tmp_path / "no" / "f", at_once=True).lost == "No such file or directory"
