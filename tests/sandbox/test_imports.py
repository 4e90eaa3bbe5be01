"""What a candidate's interpreter has loaded, and what of it is done when the candidate forks."""

from __future__ import annotations

import pytest

from passk_tasks import benchmarks
from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Judge, Limits, Program, Tests
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Outcome, Verdict

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


def judged(code: str, confinement: Confinement) -> Outcome:
    """Return the outcome of a candidate whose `f` must return something true."""
    program = Program("t/0", code, Tests("assert f()\n", ("f",)), Judge.SCRIPT)
    return batch.judge([program], local(confinement, 1)).outcomes[0]


LOADED = "import sys\nloaded = 'numpy' in sys.modules\ndef f(): return loaded\n"


@pytest.mark.parametrize(
    ("confinement", "loaded"),
    [
        (Confinement(libraries=("numpy", "no_such_library")), True),
        (Confinement(), False),
        (Confinement(libraries=("numpy",), packages="stdlib"), False),
        (Confinement(libraries=("numpy",), mode="rlimits"), False),
    ],
    ids=["asked for", "not asked for", "not shown", "no root of its own"],
)
def test_libraries_are_loaded_before_candidates_are_forked(confinement: Confinement, loaded: bool) -> None:
    """Where they are asked for, shown and in a root of their own, each candidate finds them imported."""
    assert judged(LOADED, confinement).passed is loaded


def test_a_library_that_is_loaded_is_as_it_is_imported() -> None:
    """All draw the same numbers of numpy's, write where they may, and use processes and threads."""
    code = """
import numpy as np
drawn = np.random.rand(3).tolist()

def f():
    import multiprocessing, tempfile
    from concurrent.futures import ThreadPoolExecutor
    np.random.seed(0)
    assert drawn == np.random.rand(3).tolist()
    np.save(tempfile.mkdtemp() + "/x.npy", np.ones(3))
    with multiprocessing.Pool(2) as pool:
        assert pool.map(abs, [-1, -2]) == [1, 2]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda n: (np.ones((n, n)) @ np.ones((n, n)))[0, 0], [3, 300])) == [3, 300]
"""
    assert judged(code, Confinement(libraries=("numpy",))).passed


@pytest.mark.parametrize(("mib", "verdict"), [(120, Verdict.PASSED), (250, Verdict.MEMORY_LIMIT)])
def test_libraries_are_not_the_memory_of_candidates(mib: int, verdict: Verdict) -> None:
    """The limit is for what a candidate holds beside them."""
    code = f"import numpy as np\ndef f(): return np.ones(({mib} << 20) // 8).any()\n"
    outcome = judged(code, Confinement(Limits(memory_mib=160), libraries=("pandas",)))
    assert outcome.verdict is verdict, outcome
    assert outcome.passed or " of libraries; 160 are allowed" in outcome.detail


def test_families_whose_tests_are_the_candidate_s_process_load_their_libraries() -> None:
    """DS-1000 and BigCodeBench judge in one process, which imports what they are about."""
    asked = {
        name: benchmarks.get(name).confinement(Settings(benchmark=name)).libraries
        for name in ("ds1000_numpy", "ds1000", "bigcodebench", "humaneval_plus", "humaneval")
    }
    assert asked["ds1000_numpy"] == ("numpy",)
    assert {"numpy", "pandas", "matplotlib"} <= {*asked["ds1000"]} & {*asked["bigcodebench"]}
    assert asked["humaneval_plus"] == asked["humaneval"] == ()
