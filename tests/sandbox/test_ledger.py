"""What sandboxes on one CPU tell each other of the numbers that they take."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.program import Confinement
from passk_tasks.sandbox.box import ledger, traces
from passk_tasks.sandbox.supervisor import Sandbox


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Keep the file to this test."""
    monkeypatch.setattr(ledger, "_FOLDER", str(tmp_path))
    return tmp_path


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["announce", "take", "took", "leave", "begin", "candidate", "look"]),
        st.integers(0, 2),
    ),
    max_size=60,
)


@given(STEPS)
def test_what_others_took_is_never_too_much(steps):
    """Whatever they do meanwhile, and if one ends while it takes some: a candidate hides nothing there."""
    page = memoryview(bytearray(4096))
    ours = ledger.Ledger(page, 3).kind(1)
    others = {n: ledger.Ledger(page, n).kind(1) for n in range(3)}
    pending = dict.fromkeys(others, 0)  # announced, and not yet taken
    really = 0
    for step, n in steps:
        if step == "announce" and not pending[n]:
            others[n].announce(5)
            pending[n] = 5
        elif step == "take" and pending[n]:
            pending[n] -= 1
            really += 1
        elif step == "took" and not pending[n]:
            others[n].took()
        elif step == "leave":
            others[n] = ledger.Ledger(page, n).kind(1)
            pending[n] = 0
        elif step == "begin":
            ours.begin()
            really = 0
        assert 0 <= ours.others() <= really


def test_all_that_others_took_is_known():
    """Where they said it before and after; a worker's own do not count, nor do those of another kind."""
    page = memoryview(bytearray(4096))
    ours, other = ledger.Ledger(page, 0), ledger.Ledger(page, 63)
    mine, theirs, of_another_kind = ours.kind(0), other.kind(0), other.kind(1)
    mine.begin()
    for taken, count in ((mine, 7), (theirs, 11), (theirs, 2), (of_another_kind, 100)):
        taken.announce(count)
        taken.took()
    assert mine.others() == 13
    mine.begin()
    assert mine.others() == 0


def test_what_a_neighbour_stirred_is_not_stirred_again():
    """What nobody told of, which may be a candidate's, is."""
    page = memoryview(bytearray(4096))
    at = 0

    def take():
        nonlocal at
        at += 1
        return at

    numbers = traces.Numbers(take, [take], ledger.Ledger(page, 0).kind(0))
    neighbour = ledger.Ledger(page, 1).kind(0)
    for told, untold, most in ((1000, 0, 1), (1000, 1000, 4001 + traces._LEFT_LEAST)):
        steps = set()
        for _ in range(20):
            neighbour.announce(told)
            at += told + untold
            neighbour.took()
            before = at
            numbers.stir(1.0)
            steps.add(at - before)
        assert max(steps) <= most + 1
        assert most == 1 or max(steps) > most / 4


def test_workers_on_one_cpu_share_a_page(folder):
    """Each has a slot of its own; another CPU has another page; the file goes with the last of them."""
    files = [ledger.File(ledger.of_user(), cpu) for cpu in (2, 2, 0)]
    one, two, elsewhere = (file.ledger().kind(0) for file in files)
    for taken, count in ((one, 3), (elsewhere, 50)):
        taken.announce(count)
        taken.took()
    assert [two.others(), one.others(), elsewhere.others()] == [3, 0, 0]
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600]
    del one, two, elsewhere, taken
    for file in files:
        ledger.remove()
        assert len(list(folder.iterdir())) == 1
        os.close(file.fd)
    ledger.remove()
    assert list(folder.iterdir()) == []


def test_without_a_file_nothing_is_told(folder, monkeypatch):
    """No folder, another's file, no CPU, or no slot that is free."""
    assert ledger.File(ledger.of_user(), None).fd is None
    held = ledger.File(ledger.of_user(), 0)
    monkeypatch.setattr(ledger, "_SLOTS", 1)
    assert ledger.File(ledger.of_user(), 0).fd is None
    os.close(held.fd)
    next(folder.iterdir()).chmod(0o666)
    assert ledger.File(ledger.of_user(), 0).fd is None
    ledger.remove()  # no error
    monkeypatch.setattr(ledger, "_FOLDER", str(folder / "missing"))
    file = ledger.File(ledger.of_user(), 0)
    assert file.fd is None
    assert file.ledger().kind(0).others() == 0


def test_a_run_leaves_no_file(folder):
    """But one that ends beside another leaves it to the other."""
    with Sandbox(Confinement(), 1, hidden=()):
        with Sandbox(Confinement(), 1, hidden=()):
            pass
        assert len(list(folder.iterdir())) == 1
    assert list(folder.iterdir()) == []
