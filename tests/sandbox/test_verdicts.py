"""Verdicts of real programs in the real sandbox; the hostile ones are in tests/selfcheck."""

from __future__ import annotations

import resource

import pytest
from under_load import BY_USE_ALONE, HANG_S, lift_backstop

from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Judge, Limits, Program, Tests
from passk_tasks.sandbox import worker
from passk_tasks.sandbox.supervisor import Sandbox
from passk_tasks.verdict import Verdict

LIMITS = Limits(timeout_s=0.6, memory_mib=160, output_mib=4, backstop=1000.0)
SQUARE = Tests("def check(f):\n    assert f(2) == 4\n    assert f(3) == 9\ncheck(square)\n", ("square",))


def judge(code, tests=SQUARE, how=Judge.ISOLATED, limits=LIMITS, sandbox="strict"):
    """Judge one program."""
    program = Program("t/0", code, tests, how)
    return batch.judge([program], local(Confinement(limits, sandbox), 1)).outcomes[0]


RIGHT = "def square(x): return x * x\n"
CASES = [
    ("def square(x): return x * x", Verdict.PASSED, ""),
    ("def square(x): return 4", Verdict.FAILED, ""),
    ("def square(x): return x / 0", Verdict.ERROR, "ZeroDivisionError"),
    ("def other(x): return x", Verdict.ERROR, "square"),
    ("def square(x: return x", Verdict.SYNTAX_ERROR, "SyntaxError"),
    ("def square(x): return '\ud800' + 1 # \ud800", Verdict.SYNTAX_ERROR, ""),
    ("def square(x): return x\0", Verdict.SYNTAX_ERROR, ""),
    ("raise ValueError('early')", Verdict.ERROR, "ValueError: early"),
    ("while True: pass", Verdict.TIMEOUT, ""),
    ("def square(x):\n    import time\n    time.sleep(60)", Verdict.TIMEOUT, ""),
    ("x = [0] * 10**10", Verdict.MEMORY_LIMIT, ""),
    ("x = []\nwhile True: x.append(bytearray(10**6))", Verdict.MEMORY_LIMIT, ""),
    ("while True: print('x' * 10**5)", Verdict.OUTPUT_LIMIT, ""),
    ("import os\nos._exit(0)", Verdict.CRASHED, "status 0"),
    ("def square(x): raise SystemExit(0)", Verdict.CRASHED, "SystemExit"),
    ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", Verdict.CRASHED, "SIGKILL"),
    ("def square(x):\n    import ctypes\n    ctypes.string_at(0)", Verdict.CRASHED, "SIGSEGV"),
]


@pytest.mark.parametrize("how", [Judge.ISOLATED, Judge.SCRIPT])
@pytest.mark.parametrize("sandbox", ["strict", "rlimits"])
def test_each_end_has_its_verdict(how, sandbox):
    """The table of ends, under both judges and both sandboxes; one batch for each."""
    programs = [Program("t/0", code, SQUARE, how) for code, _, _ in CASES]
    judged = batch.judge(programs, local(Confinement(LIMITS, sandbox), 1))
    for (code, verdict, detail), outcome in zip(CASES, judged.outcomes, strict=True):
        assert outcome.verdict is verdict, (code, outcome)
        assert detail in outcome.detail, (code, outcome)
        assert outcome.judge == how.value


def test_a_failed_assertion_is_named():
    """The detail shows the line of the tests that did not hold."""
    assert judge("def square(x): return 4").detail == "assert f(3) == 9"


def test_an_outcome_has_its_measures():
    """CPU, wall seconds and memory are the candidate's own."""
    work = "import time\nwhile time.process_time() < 0.1: pass\ntime.sleep(0.1)\nx = bytearray(60 << 20)\n"
    outcome = judge(work + RIGHT)
    assert outcome.passed
    assert 0.1 <= outcome.cpu_s <= LIMITS.timeout_s
    assert outcome.wall_s >= 0.2
    assert 60 < outcome.peak_mib < 150


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("timeout_s", "import time\ndef square(x):\n    time.sleep(0.4)\n    return x * x"),
        ("memory_mib", "x = bytearray(150 << 20)\ndef square(x): return x * x"),
        ("output_mib", "print('x' * (2 << 20), flush=True)\ndef square(x): return x * x"),
        (
            "processes",
            "import os, time\nfor _ in range(5):\n    os.fork() or time.sleep(1000)\n" + RIGHT,
        ),
    ],
)
def test_every_limit_reaches_what_it_names(field, code):
    """A program that needs more than a lowered limit passes with the limit raised, and not without."""
    low = {"timeout_s": 0.3, "memory_mib": 100, "output_mib": 1, "processes": 3}
    high = {"timeout_s": 60.0, "memory_mib": 400, "output_mib": 4, "processes": 50}
    assert judge(code, limits=Limits(**high)).passed
    assert not judge(code, limits=Limits(**{**high, field: low[field]})).passed


def test_arguments_that_a_test_looks_at_afterwards_are_changed():
    """A function that sorts in place changes the list that the tests hold, its inner lists too."""
    tests = Tests(
        "inner = [3, 1]\nx = [inner, [2]]\nassert work(x, more={'k': x}) is None\n"
        "assert inner == [1, 3]\nassert x == [[1, 3], [2], 'new']\n",
        ("work",),
    )
    code = "def work(x, more):\n    x[0].sort()\n    x.append('new')"
    assert judge(code, tests).passed
    assert judge("def work(x, more): pass", tests).verdict is Verdict.FAILED


def test_exceptions_that_a_test_expects():
    """A builtin exception arrives as itself, an own one as its nearest builtin base."""
    tests = Tests(
        "def raises(kind, *args):\n    try:\n        work(*args)\n"
        "    except kind as error:\n        return error\n"
        "    raise AssertionError('nothing raised')\n"
        "assert str(raises(KeyError, 1)) == \"'k'\"\n"
        "assert raises(ValueError, 2).args == ('own', 7)\n"
        "assert raises(FileNotFoundError, 3).errno == 2\n",
        ("work",),
    )
    code = (
        "class Own(ValueError): pass\n"
        "def work(x):\n    if x == 1: raise KeyError('k')\n"
        "    if x == 2: raise Own('own', 7)\n    open('/nowhere')"
    )
    assert judge(code, tests).passed


def test_generators_and_functions_cross_as_references():
    """A generator is advanced only as far as the tests read it; a returned function can be called."""
    tests = Tests(
        "g = numbers()\nassert next(g) == 0\nassert [next(g), next(g)] == [1, 2]\n"
        "assert adder(3)(4) == 7\nassert list(finite(2)) == ['a', 'b']\nassert seen() == 3\n",
        ("numbers", "adder", "finite", "seen"),
    )
    code = (
        "count = 0\n"
        "def numbers():\n    global count\n    while True:\n        count += 1\n        yield count - 1\n"
        "def adder(n): return lambda m: n + m\n"
        "def finite(n): return map(str, 'ab')\n"
        "def seen(): return count\n"
    )
    assert judge(code, tests).passed


def test_an_endless_iterator_ends_as_a_timeout():
    """Reading all of an endless iterator uses the candidate's time up."""
    tests = Tests("assert list(f()) == []\n", ("f",))
    assert judge("import itertools\ndef f(): return itertools.count()", tests).verdict is Verdict.TIMEOUT


def test_tests_that_swallow_everything_cannot_pass_a_dead_candidate():
    """A bare except in the tests does not hide that the candidate is gone."""
    tests = Tests("try:\n    f()\nexcept BaseException:\n    pass\n", ("f",))
    outcome = judge("import os\ndef f(): os._exit(0)", tests)
    assert outcome.verdict is Verdict.CRASHED


@pytest.mark.parametrize(
    "source",
    [
        "assert f(lambda x: x) == 1\n",
        "try:\n    right = f(lambda x: x) == 1\nexcept Exception:\n    right = True\nassert right\n",
        "class A:\n    def __call__(self, x): return x\nassert f(A()) == 1\n",
    ],
)
def test_what_is_not_plain_data_is_handed_over_in_one_process(source):
    """Tests that hand over an object are run in the candidate's process instead, and the outcome says so."""
    tests = Tests(source, ("f",))
    outcome = judge("def f(g): return g(1)", tests)
    assert (outcome.verdict, outcome.judge) == (Verdict.PASSED, "script")
    assert any(flag.startswith("judged in one process: the tests hand over") for flag in outcome.flags)
    wrong = judge("def f(g): return g(2)", tests)
    assert (wrong.verdict, wrong.judge) == (Verdict.FAILED, "script")
    assert judge("def f(g): return g(1)", tests, Judge.SCRIPT).flags == ()


def test_one_process_has_what_the_tests_need():
    """The prelude, the base tests and calls ahead work there as they do outside."""
    tests = Tests(
        "assert list(f.each([(apply, 1), (apply, 2)])) == [2, 3]\n",
        ("f",),
        prelude="def apply(x):\n    return x + 1\n",
        base="assert f(apply, 5) == 6\n",
    )
    right, wrong = judge("def f(g, x): return g(x)", tests), judge("def f(g, x): return g(5)", tests)
    assert (right.verdict, right.judge, right.base_passed) == (Verdict.PASSED, "script", True)
    assert (wrong.verdict, wrong.base_passed) == (Verdict.FAILED, True)


def test_a_candidate_cannot_choose_one_process():
    """What it returns and gets back never makes its tests run beside it."""
    tests = Tests("assert f(f([])) == 1\n", ("f",))
    for code in (
        "def f(x):\n    r = []\n    for _ in range(9_999): r = [r]\n    return r\n",
        "def f(x): return object()",
        "def f(x): return iter([1])",
        "def f(x): return f",
        "def f(x): return memoryview(b'abcd').cast('B', (2, 2))",
    ):
        outcome = judge(code, tests)
        assert not outcome.passed
        assert (outcome.judge, outcome.flags) == ("isolated", ())


def test_candidates_start_alike():
    """No file, module state or environment of one program is there for the next."""
    dirty = (
        "import os, sys, math\nmath.pi = 3\nos.environ['X'] = '1'\nsys.modules['left'] = sys\n"
        "for d in ('/tmp', '/box', '/dev/shm'):\n"
        "    os.makedirs(d + '/a/b', exist_ok=True)\n    open(d + '/a/b/c', 'w').close()\n"
        "    os.chmod(d + '/a/b', 0)\n"
        "def square(x): return x * x"
    )
    clean = (
        "import os, sys, math\n"
        "left = [n for d in ('/tmp', '/box', '/dev/shm') for n in os.listdir(d)\n"
        "        if n in 'ab' or n[0] == '.']\n"
        "assert not left and math.pi > 3.1 and 'X' not in os.environ and 'left' not in sys.modules, left\n"
        "def square(x): return x * x"
    )
    programs = [Program("t/0", code, SQUARE) for code in (dirty, clean, dirty + "\n#", clean + "\n#")]
    outcomes = batch.judge(programs, local(Confinement(LIMITS), 1)).outcomes
    assert [o.verdict for o in outcomes] == [Verdict.PASSED] * 4, outcomes


def test_the_same_program_gets_the_same_random_numbers():
    """Hash seed and random seed are fixed, on both sides."""
    code = "import random\nx = (random.random(), hash('a'))\ndef f(y): return x == y\ndef g(): return x"
    tests = Tests("import random\nprint(random.random())\nassert g() == g()\nassert f(g())", ("f", "g"))
    assert judge(code, tests).passed
    shown = code + "\nraise ValueError(repr(x))"
    assert judge(shown, tests).detail == judge(shown + "\n", tests).detail


HOSTILE_ANSWERS = [
    ("def square(x): return 10**10000", Verdict.FAILED),  # no text for so large a number
    ("def square(x):\n    raise UnicodeDecodeError('utf-8', b'', -10**15, 0, '')", None),
    ("import time\ndef square(x):\n    for _ in range(99): time.sleep(0.08)", Verdict.TIMEOUT),
    (
        "import os, time\nos.write(3, (20_000_000).to_bytes(4, 'little'))\n"
        "while True:\n    os.write(3, b'x')\n    time.sleep(0.05)",
        Verdict.TIMEOUT,
    ),
    ("import os\nos.write(3, b'\\xff' * 8)\nwhile True: pass", Verdict.CRASHED),
    ("import os\nos.write(3, b'\\x06\\0\\0\\0[\"ok\"]' * 9)\ndef square(x): return x * x", Verdict.CRASHED),
    (
        "import json, os\n"
        "args = json.dumps(['utf-8', {'b': ''}, -9, 0, ''])\n"
        "m = json.dumps(['raised', 'UnicodeDecodeError', args, '', 'X', 'call']).encode()\n"
        "os.write(3, len(m).to_bytes(4, 'little') + m)\nos.read(0, 1)\nos._exit(0)",
        Verdict.ERROR,
    ),
    (
        "import os\nfor _ in range(20):\n    if not os.fork():\n        if os.fork(): os._exit(0)\n"
        "        while True: pass\nwhile True: pass",
        Verdict.TIMEOUT,
    ),
]


def test_hostile_answers_have_verdicts_in_time(monkeypatch):
    """Whatever comes over the channel, and however slowly, is the candidate's failure, without a backstop."""
    lift_backstop(monkeypatch)
    tests = Tests(SQUARE.source.replace("== 4", "== 4, square(2)"), ("square",))
    programs = [Program("t/0", code, tests) for code, _ in HOSTILE_ANSWERS]
    outcomes = batch.judge(programs, local(Confinement(BY_USE_ALONE), 1)).outcomes
    for (code, verdict), outcome in zip(HOSTILE_ANSWERS, outcomes, strict=True):
        assert outcome.verdict not in (Verdict.PASSED, Verdict.INFRA_ERROR), (code, outcome)
        assert verdict in (None, outcome.verdict), (code, outcome)
        assert max(outcome.cpu_s, outcome.wall_s) < HANG_S, (code, outcome)


def test_one_sandbox_judges_batch_after_batch():
    """Tests of an earlier batch are never taken for those of a later one."""
    with Sandbox(Confinement(LIMITS, "strict"), 1, hidden=()) as box:
        for expected in range(3):
            tests = Tests(f"assert f() == {expected}\n", ("f",))
            [(_, outcome)] = box.run([Program("t/0", "def f(): return 1", tests)])
            assert outcome.passed == (expected == 1)


@pytest.mark.parametrize(
    ("code", "flags"),
    [
        ("def square(x): return x * x", ()),
        (
            "import builtins\nbuiltins.abs = lambda x: 0\ndef square(x): return x * x",
            ("patched builtins.abs",),
        ),
        ("import math\nmath.fabs = len\ndef square(x): return x * x", ("patched math.fabs",)),
        ("import sys\nsys.settrace(lambda *a: None)\ndef square(x): return x * x", ("trace function",)),
        (
            "import threading, time\nthreading.Thread(target=time.sleep, args=(9,)).start()\n"
            "def square(x): return x * x",
            ("thread left running",),
        ),
    ],
)
def test_what_can_be_seen_of_tampering_is_flagged(code, flags):
    """A pass under `script` carries what the candidate changed of what its tests rely on."""
    outcome = judge(code, how=Judge.SCRIPT)
    assert outcome.passed
    assert outcome.flags == flags


@pytest.mark.parametrize("how", [Judge.ISOLATED, Judge.SCRIPT])
def test_cpu_seconds_decide_exactly(how):
    """A little more than the limit does not pass, however often anyone looks; half of it does."""
    spin = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass\n" + RIGHT
    limits = Limits(timeout_s=0.6, backstop=1000.0)
    assert judge(spin.format(0.3), how=how, limits=limits).passed
    assert judge(spin.format(0.62), how=how, limits=limits).verdict is Verdict.TIMEOUT


def test_the_name_of_the_host_is_not_told():
    """In a namespace of its own, a program sees a name that says nothing."""
    program = Program(
        "t/0", "import os\ndef f(): return os.uname().nodename", Tests("assert f() == 'box', f()", ("f",))
    )
    judged = batch.judge([program], local(Confinement(), 1))
    if "uts namespace" not in judged.layers:
        pytest.skip("this host allows no user namespace")
    assert judged.outcomes[0].passed, judged.outcomes[0]


# Of 64 MiB each: four times that together.
KEPT_BY_CHILDREN = """
import mmap, os, time
for _ in range(10):
    block = mmap.mmap(-1, 32 << 20)
    block.write(bytes(32 << 20))
    if os.fork() == 0:
        {child}
        time.sleep(1000)
    block.close()
time.sleep(1000)
"""
FULL_SOCKETS = """
import socket, time
kept = []
for number in range(16):
    kept.append(socket.socket(socket.AF_UNIX, socket.{kind}))
    kept[-1].bind(f"\\0{{number}}")
    if {listens}:
        kept[-1].listen(100)
    for _ in range({senders}):
        one = socket.socket(socket.AF_UNIX, socket.{kind})
        one.connect(f"\\0{{number}}")
        {keep}
time.sleep(1000)
"""
HIDE = "import ctypes; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)"
HELD = [
    KEPT_BY_CHILDREN.format(child="pass"),
    KEPT_BY_CHILDREN.format(child=HIDE),
    FULL_SOCKETS.format(kind="SOCK_STREAM", listens=True, senders=90, keep="one.close()"),
    FULL_SOCKETS.format(kind="SOCK_DGRAM", listens=False, senders=8, keep="kept.append(one)"),
]


@pytest.mark.parametrize("code", HELD, ids=["mapped", "hidden", "streams", "datagrams"])
def test_memory_that_no_process_shows_counts(code, monkeypatch):
    """Shared mappings that only children keep, and sockets; without a cgroup to cap them."""
    monkeypatch.setattr(worker, "_make_groups", lambda *_: {})
    program = Program("t/0", code, SQUARE)
    judged = batch.judge([program], local(Confinement(Limits(timeout_s=60, memory_mib=64)), 1))
    if "network namespace" not in judged.layers and "socket" in code:
        pytest.skip("where there are no namespaces there are no such sockets")
    assert judged.outcomes[0].verdict is Verdict.MEMORY_LIMIT, judged.outcomes[0]


RESERVED = {
    "the stack of a thread": (
        "threading.stack_size(256 << 20)\nt = threading.Thread(target=int)\nt.start()\nt.join()"
    ),
    "stacks of threads at once": (
        "threading.stack_size(64 << 20)\nstop = threading.Event()\n"
        "all_of_them = [threading.Thread(target=stop.wait) for _ in range(6)]\n"
        "for t in all_of_them: t.start()\nstop.set()\nfor t in all_of_them: t.join()"
    ),
    "threads with usual stacks": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(40) as pool: assert sum(pool.map(abs, range(400))) == 79800"
    ),
    "a mapping": "m = mmap.mmap(-1, 400 << 20)\nm[5] = 7\nassert m[5] == 7",
    "a mapping without changes": "assert mmap.mmap(-1, 400 << 20, access=mmap.ACCESS_COPY)[5] == 0",
    "zeros": "x = bytes(400 << 20)\nassert x[5] == 0",
    "a file of holes": (
        "with tempfile.TemporaryFile() as f:\n    f.truncate(3 << 20)\n"
        "    for _ in range(100): mmap.mmap(f.fileno(), 3 << 20); m = mmap.mmap(f.fileno(), 0)"
    ),
    "zeros of numpy": "import numpy\nx = numpy.zeros((7000, 7000))\nx[9, 5] = 1\nassert x[9].sum() == 1",
    "an empty array of numpy": "import numpy\nx = numpy.empty(5 * 10**7)\nx[3] = 2\nassert x[3] == 2",
}


@pytest.mark.parametrize("how", [Judge.ISOLATED, Judge.SCRIPT])
def test_memory_that_is_reserved_and_never_touched_does_not_count(how):
    """Right programs pass that reserve more than the limit and touch little of it, each time."""
    imports = "import mmap, tempfile, threading\n"
    texts = [f"{imports}{code}\n{RIGHT}# {turn}" for code in RESERVED.values() for turn in range(3)]
    programs = [Program("t/0", text, SQUARE, how) for text in texts]
    outcomes = batch.judge(programs, local(Confinement(Limits(timeout_s=20, memory_mib=160)))).outcomes
    assert not [(text, o) for text, o in zip(texts, outcomes, strict=True) if not o.passed]


def test_memory_that_was_touched_for_a_moment_counts(monkeypatch):
    """The verdict does not depend on whether a look fell into the moment, nor on what comes afterwards."""
    monkeypatch.setattr(worker, "_make_groups", lambda *_: {})
    moment = "x = b'x' * (200 << 20)\ndel x\n"
    codes = [
        moment + RIGHT,
        moment + "def square(x): return 4",
        moment + "def square(x): return x / 0",
        moment + "def square(x): raise SystemExit(0)",
        "import os\nif not os.fork():\n    "
        + moment.replace("\n", "; ")
        + "os._exit(0)\nos.wait()\n"
        + RIGHT,
    ]
    programs = [Program("t/0", code, SQUARE, how) for code in codes for how in (Judge.ISOLATED, Judge.SCRIPT)]
    for outcome in batch.judge(programs, local(Confinement(LIMITS))).outcomes:
        assert outcome.verdict is Verdict.MEMORY_LIMIT, outcome
        assert "160 are allowed" in outcome.detail


def test_memory_that_forks_share_counts_once():
    """Ten processes that read the same data hold it once."""
    code = (
        "import os, time\ndata = b'x' * (100 << 20)\nchildren = []\nfor _ in range(10):\n"
        "    children.append(os.fork())\n    if not children[-1]:\n        time.sleep(0.3)\n"
        "        os._exit(data[5] != 120)\n"
        "assert all(os.waitpid(c, 0)[1] == 0 for c in children)\n" + RIGHT
    )
    outcome = judge(code, limits=Limits(timeout_s=60, memory_mib=200))
    assert outcome.passed, outcome


def test_imports_of_the_tests_take_no_candidates_time():
    """However short the limit, the first candidate has it for itself."""
    tests = Tests("import numpy, hypothesis.strategies\nassert square(2) == 4\n", ("square",))
    programs = [Program("t/0", f"{RIGHT}# {number}", tests) for number in range(3)]
    outcomes = batch.judge(programs, local(Confinement(Limits(timeout_s=0.1)), 1)).outcomes
    assert [o.verdict for o in outcomes] == [Verdict.PASSED] * 3, outcomes


def test_the_first_array_loads_numpy_outside_of_the_program():
    """Where the tests do not load it, the program is run again when it is there."""
    code = "import numpy\ndef square(x): return numpy.int64(x * x)"
    outcomes = batch.judge(
        [Program("t/0", text, SQUARE) for text in (code, code.replace("int64", "float64"), code + "\n")],
        local(Confinement(), 1),
    ).outcomes
    assert [o.verdict for o in outcomes] == [Verdict.PASSED] * 3, outcomes
    forged = (
        "import json, os, time\ndef square(x):\n"
        "    m = json.dumps(['value', {'ns': ['<i8', chr(4) + chr(0) * 7]}]).encode()\n"
        "    os.write(3, len(m).to_bytes(4, 'little') + m)\n    time.sleep(9)"
    )
    program = Program("t/0", forged, SQUARE)
    [outcome] = batch.judge([program], local(Confinement(LIMITS, packages="stdlib"), 1)).outcomes
    assert outcome.verdict is Verdict.CRASHED
    assert "no numpy" in outcome.detail


def test_tests_may_hand_over_more_than_comes_back():
    """The limit on a message is for what candidates send."""
    tests = Tests("text = 'x' * (33 << 20)\nassert size(text) == 33 << 20\n", ("size",))
    assert judge("def size(text): return len(text)", tests, limits=Limits()).passed


def test_threads_start_whatever_the_hosts_limit_on_stacks():
    """A limit of a gigabyte would be what each thread reserves."""
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    if hard != resource.RLIM_INFINITY:
        pytest.skip("this host does not let the limit be raised")
    resource.setrlimit(resource.RLIMIT_STACK, (1 << 30, hard))
    try:
        outcome = judge("import threading\nthreading.Thread(target=print).start()\n" + RIGHT)
    finally:
        resource.setrlimit(resource.RLIMIT_STACK, (soft, hard))
    assert outcome.passed, outcome


def test_a_source_larger_than_a_file_may_be_is_judged():
    """It is written down for whoever reads itself, and need not be."""
    code = f"# concurrent\nTEXT = '{'x' * (2 << 20)}'\n{RIGHT}"
    assert judge(code, limits=Limits(output_mib=1)).passed
