"""What a candidate's interpreter has loaded, and what of it is done when the candidate forks."""

from __future__ import annotations

from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Judge, Program, Tests

FORKS = """
import os, random

def f():
    before = random.getstate()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, b"%d" % (random.getstate() != before))
        os._exit(0)
    os.waitpid(child, 0)
    return random.getstate() == before and os.read(reading, 1) == b"1"
"""


def test_a_child_of_a_candidate_draws_other_random_numbers():
    """As under the interpreter: modules that were loaded before have their hooks for forks."""
    for judge in (Judge.ISOLATED, Judge.SCRIPT):
        program = Program("t/0", FORKS, Tests("assert f()\n", ("f",)), judge)
        assert batch.judge([program], local(Confinement(), 1)).outcomes[0].passed


def test_every_candidate_draws_the_same_random_numbers():
    """Verdicts do not depend on a seed."""
    code = "import random\ndef f(): return random.Random(0).getstate() == random.getstate()\n"
    programs = [Program("t/0", f"{code}# {i}", Tests("assert f()\n", ("f",))) for i in range(3)]
    assert all(outcome.passed for outcome in batch.judge(programs, local(Confinement(), 1)).outcomes)
