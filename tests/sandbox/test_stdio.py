"""Programs under the judge `stdio`, in the real sandbox; the hostile ones are in tests/selfcheck."""

from __future__ import annotations

import functools
import time
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.benchmarks.contests import LINES, SETS, TOKENS
from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Comparison, Confinement, Judge, Limits, Program, StdioTests, Tests
from passk_tasks.sandbox import supervisor, worker
from passk_tasks.sandbox.box import frames, landlock
from passk_tasks.verdict import Verdict

LIMITS = Limits(timeout_s=0.6, memory_mib=512, output_mib=8, backstop=1000.0)
cases_of = functools.partial(StdioTests.of, comparison=LINES)
NEXT = cases_of([("1\n", "2\n"), ("5\n", "6\n")], base=1)


def judge(*codes, tests=NEXT, limits=LIMITS, sandbox="strict"):
    """Judge programs, and return their outcomes."""
    programs = [Program("t/0", code, tests) for code in codes]
    return batch.judge(programs, local(Confinement(limits, sandbox), 1)).outcomes


RIGHT = {
    "input": "print(int(input()) + 1)",
    "lines of stdin": "import sys\nfor line in sys.stdin: print(int(line) + 1)",
    "buffer": "import sys\nsys.stdout.buffer.write(b'%d' % (int(sys.stdin.buffer.read()) + 1))",
    "descriptor 0": "print(int(open(0).read()) + 1)",
    "one read": "import os\nos.write(1, str(int(os.read(0, 10**8)) + 1).encode())",
    "by path": "print(int(open('/dev/stdin').read()) + 1, file=open('/dev/stdout', 'w'))",
    "seeks": "import sys\nsys.stdin.read()\nsys.stdin.seek(0)\nprint(int(input()) + 1)",
    "end of input": "n = int(input())\ntry:\n    input()\nexcept EOFError:\n    print(n + 1)",
    "main guard": "def main(): print(int(input()) + 1)\nif __name__ == '__main__': main()",
    "is the main module": "import sys\nx = int(input())\nprint(sys.modules['__main__'].x + 1)",
    "sys.exit": "import sys\nprint(int(input()) + 1)\nsys.exit()",
    "exit 0": "print(int(input()) + 1)\nexit(0)",
    "os._exit": "import os\nprint(int(input()) + 1, flush=True)\nos._exit(0)",
    "thread": "import threading\nthreading.Thread(target=lambda: print(int(input()) + 1)).start()",
    "deep recursion in a thread": (
        "import sys, threading\nsys.setrecursionlimit(10**6)\nthreading.stack_size(2**27)\n"
        "def f(n): return n and 1 + f(n - 1)\ndef main(): print(int(input()) + 1 + f(10**4) - 10**4)\n"
        "t = threading.Thread(target=main)\nt.start()\nt.join()"
    ),
    "deep recursion": (
        "import sys\nsys.setrecursionlimit(10**6)\n"
        "def f(n): return n and 1 + f(n - 1)\nprint(int(input()) + 1 + f(10**4) - 10**4)"
    ),
    "at exit": "import atexit, os\natexit.register(lambda: os.write(1, b'%d' % (int(input()) + 1)))",
    "another stdout": "import io, sys\nout, sys.stdout = sys.stdout, io.StringIO()\nprint(int(input()) + 1)\n"
    "out.write(sys.stdout.getvalue())",
    "never closed": "f = open(1, 'w')\nf.write(str(int(input()) + 1))",
    "errors beside": "import sys\nprint('debug', file=sys.stderr)\nprint(int(input()) + 1)",
    "closes what is not its own": "import os\nos.closerange(3, 99)\nprint(int(input()) + 1)",
    "another interpreter": "import os, sys\n"
    "os.execv(sys.executable, [sys.executable, '-S', '-c', 'print(int(input()) + 1)'])",
    "a pipe of its own": "import subprocess, sys\n"
    "print(subprocess.run([sys.executable, '-S', '-c', 'print(int(input()) + 1)'], stdin=0,"
    " capture_output=True, text=True).stdout)",
    "no arguments": "import sys\nprint(int(input()) + len(sys.argv))",
    "pickles its own class": "import pickle\nclass C:\n    pass\npickle.loads(pickle.dumps(C()))\n"
    "print(int(input()) + 1)",
}

# code: (verdict, what the detail says, whether the first case held)
WRONG = {
    "print(int(input()))": (Verdict.FAILED, "test 1 of 2: line 1 is '1', expected '2'", False),
    "print(2)": (Verdict.FAILED, "test 2 of 2: line 1 is '2', expected '6'", True),
    "pass": (Verdict.FAILED, "test 1 of 2: line 1 is '', expected '2'", False),
    "input()\ninput()": (Verdict.ERROR, "test 1 of 2: EOFError", False),
    "n = int(input())\nprint(n + 1 if n == 1 else [][1])": (Verdict.ERROR, "test 2 of 2: IndexError", True),
    "assert False, 'no'": (Verdict.FAILED, "test 1 of 2: AssertionError: no", False),
    "print(int(input()) + 1)\nexit(3)": (Verdict.CRASHED, "test 1 of 2: exited with status 3", False),
    "print(int(input()) + 1)\nexit('no')": (Verdict.CRASHED, "exited with status 1", False),
    "def": (Verdict.SYNTAX_ERROR, "SyntaxError: invalid syntax", False),
    "while True: pass": (Verdict.TIMEOUT, "test 1 of 2: no result after 0.6 s", False),
    "import time\ntime.sleep(60)": (Verdict.TIMEOUT, "test 1 of 2", False),
    "import threading, time\nthreading.Thread(target=time.sleep, args=[60]).start()": (
        Verdict.TIMEOUT,
        "test 1 of 2",
        False,
    ),
    "while True: print('x' * 10**5)": (Verdict.OUTPUT_LIMIT, "File too large", False),
    "x = [0] * 10**10": (Verdict.MEMORY_LIMIT, "test 1 of 2", False),
    "import os\nos.kill(os.getpid(), 9)": (Verdict.CRASHED, "test 1 of 2: killed by SIGKILL", False),
    "import ctypes\nctypes.string_at(0)": (Verdict.CRASHED, "SIGSEGV", False),
    "import sys\nsys.stdout.close()": (Verdict.FAILED, "test 1 of 2", False),
}


@pytest.fixture(params=["namespaces", "landlock", "rlimits"])
def sandbox(request, monkeypatch):
    """Each of the three ways."""
    if request.param == "landlock" and landlock.abi() < 1:
        pytest.skip("this kernel has no Landlock")
    if request.param != "rlimits":
        monkeypatch.setitem(supervisor._WAYS, "strict", (request.param,))
    return "rlimits" if request.param == "rlimits" else "strict"


def test_right_programs_pass(sandbox):
    """However a program reads, writes and ends, it passes if its output is right."""
    for name, outcome in zip(RIGHT, judge(*RIGHT.values(), sandbox=sandbox), strict=True):
        assert outcome.passed, (name, outcome)
        assert outcome.base_passed is True
        assert outcome.judge == "stdio"


def test_each_end_has_its_verdict(sandbox):
    """A wrong program gets the verdict of its end, and the detail names the case."""
    outcomes = judge(*WRONG, sandbox=sandbox)
    for (code, (verdict, detail, base)), outcome in zip(WRONG.items(), outcomes, strict=True):
        assert outcome.verdict is verdict, (code, outcome)
        assert detail in outcome.detail, (code, outcome)
        assert outcome.base_passed is base, (code, outcome)


def test_large_inputs_and_outputs():
    """Megabytes go in and come out, byte for byte."""
    text = "".join(f"{i} läßt {i * i}\n" for i in range(150_000))
    tests = cases_of([(text, text)])
    assert tests.size > 3 << 20
    echo = "import sys\nsys.stdout.write(sys.stdin.read())"
    seen = judge(echo, echo + "\nprint('x')", "print(len(input()))", tests=tests)
    assert [outcome.passed for outcome in seen] == [True, False, False]


def test_input_reaches_a_program_as_it_is():
    """Line ends and characters beyond ASCII are those of the case."""
    tests = cases_of([("a\r\nb\x0c ä\U0001f600", "b'a\\r\\nb\\x0c \\xc3\\xa4\\xf0\\x9f\\x98\\x80'")])
    assert judge("import sys\nprint(sys.stdin.buffer.read())", tests=tests)[0].passed


def test_every_case_starts_afresh():
    """What a program leaves in one case is not there in the next, and neither is its input."""
    code = (
        "import os\nn = int(input())\nfor d in ('.', '/tmp', '/dev/shm'):\n"
        "    assert not os.path.exists(d + '/left')\n    open(d + '/left', 'w').close()\n"
        "try:\n    os.pwrite(0, b'9', 0)\n    os.ftruncate(0, 0)\nexcept OSError:\n    print(n + 1)"
    )
    assert judge(code)[0].passed


def test_no_program_knows_the_number_of_its_case():
    """Answers in the order of the cases, chosen by the process number, are right as often as by chance."""
    evens = [n % 2 for n in (3, 8, 10, 11, 6, 15, 21, 2)]
    cases = cases_of([(f"{n}\n", f"{n % 2}\n") for n in (3, 8, 10, 11, 6, 15, 21, 2)])
    codes = [
        f"import os\nprint({evens}[(os.getpid() - {n}) % 8])\n# {k}" for n in range(8) for k in range(12)
    ]
    # One in 256 by chance; one in eight where process numbers count up by one.
    assert sum(outcome.passed for outcome in judge(*codes, tests=cases)) < 6


def test_each_case_has_the_limit_for_itself():
    """Cases that take longer than the limit together pass; one that takes longer does not."""
    tests = cases_of([("0.1", "")] * 4)
    code = "import time\nend = time.process_time() + float(input())\nwhile time.process_time() < end: pass"
    short = Limits(timeout_s=0.3, backstop=1000.0)
    outcome = judge(code, tests=tests, limits=short)[0]
    assert outcome.passed
    assert outcome.cpu_s > 0.4
    assert outcome.base_passed is None
    assert judge(code, tests=cases_of([("0.4", "")]), limits=short)[0].verdict is Verdict.TIMEOUT


def test_a_problem_can_raise_the_limit():
    """A problem's own limit holds where it is longer than the run's, and not where it is shorter."""
    code = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    short, long = (cases_of([("", "")], timeout_s=s) for s in (0.1, 2.0))
    limits = Limits(timeout_s=0.2, backstop=1000.0)
    assert judge(code, tests=long, limits=limits)[0].passed
    assert judge(code, tests=short, limits=limits)[0].verdict is Verdict.TIMEOUT
    assert judge(code, tests=short)[0].passed


def test_a_worker_that_works_long_is_not_given_up(monkeypatch):
    """Many cases may take longer together than a silent worker is waited for: it has a word for each."""
    words = []
    take = frames.Buffer.take

    def hear(buffer):
        word = take(buffer)
        words.extend([word] if word and b"alive" in word else [])
        return word

    # By this clock nearly all the time that a worker may be silent passes from word to word.
    silence_s = LIMITS.timeout_s * (LIMITS.backstop + 1) + supervisor._GRACE_S
    clock = types.SimpleNamespace(monotonic=lambda: 0.9 * silence_s * len(words), sleep=time.sleep)
    monkeypatch.setattr(frames.Buffer, "take", hear)
    for module in (supervisor, worker):
        monkeypatch.setattr(module, "time", clock)
    assert judge("", tests=cases_of([("", "")] * 6))[0].passed
    assert len(words) == 6


def test_removing_traces_takes_no_time_of_the_tests(monkeypatch):
    """What follows a candidate, and others may make long, counts neither for it nor for its tests."""
    start = "launch.main(config, fork_hooks)"
    stir = (
        "def stir(self, cpu_s):\n    import time\n    end = time.process_time() + 0.8 * (cpu_s > 0.05)\n"
        "    while time.process_time() < end: pass\n"
        "from passk_tasks.sandbox.box import traces\ntraces.Numbers.stir = stir\n"
    )
    assert worker._BOOT.count(start) == 1
    monkeypatch.setattr(worker, "_BOOT", worker._BOOT.replace(start, stir + start))
    spin = "import time\nend = time.process_time() + 0.06\nwhile time.process_time() < end: pass\n"
    limits, tests = Limits(timeout_s=0.2, backstop=1000.0), cases_of([("1\n", "2\n")])
    assert judge(spin + RIGHT["input"], tests=tests, limits=limits)[0].passed


def test_many_problems_in_one_worker(monkeypatch):
    """Cases that a worker has dropped are sent again, and large ones while it is busy."""
    monkeypatch.setattr(worker, "_CASES_KEPT", 1 << 20)
    pad = " " * 600_000
    suites = [cases_of([(f"{n}{pad}", f"{n + 1}")]) for n in range(6)]
    code = "print(int(input()) + 1)"
    programs = [Program("t", f"{code} # {i}", suite) for i in range(3) for suite in suites]
    programs.insert(0, Program("t", "import time\ntime.sleep(0.3)\n" + code, suites[0]))
    outcomes = batch.judge(programs, local(Confinement(LIMITS), 1)).outcomes
    assert all(outcome.passed for outcome in outcomes), outcomes


def test_the_comparison_is_the_tests_own():
    """The same output is right or wrong by the rule that the tests name."""
    cases = [("", "1 2\n")]
    passed = {
        rule: judge("print(2, 1)", tests=cases_of(cases, comparison=rule))[0].passed
        for rule in (LINES, TOKENS, SETS)
    }
    assert passed == {LINES: False, TOKENS: False, SETS: True}


def test_a_rule_can_come_with_the_tests():
    """The sandbox knows none: a family that is not of this package brings its own."""
    longest = Comparison(
        "longest", "def longest(output, expected):\n    return '' if output > expected else 'less'"
    )
    tests = StdioTests.of([("", "4")], comparison=longest)
    assert judge("print(5)", tests=tests)[0].passed
    assert judge("print(3)", tests=tests)[0].detail == "test 1 of 1: less"


def test_the_judge_follows_from_the_tests():
    """Cases are judged by `stdio` whatever the place, and `stdio` is no place for other tests."""
    for place in (Judge.ISOLATED, Judge.SCRIPT):
        assert Program("t", "", NEXT, place).judge is Judge.STDIO
        assert Program("t", "", Tests("", ()), place).judge is place
    with pytest.raises(ValueError, match="isolated or as a script, not as stdio"):
        Program("t", "", Tests("", ()), Judge.STDIO)
    with pytest.raises(ValueError, match="without cases"):
        cases_of([])


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=5))
def test_cases_come_back(cases):
    """Whatever the text of cases is, they are packed without loss."""
    assert cases_of(cases).cases() == cases


def test_the_hash_covers_what_decides():
    """Other code, cases, comparison, limit or base is another program."""
    tests = [
        NEXT,
        cases_of([("1\n", "2\n"), ("5\n", "7\n")], base=1),
        cases_of(NEXT.cases()),
        cases_of(NEXT.cases(), base=1, timeout_s=2.0),
        cases_of(NEXT.cases(), base=1, comparison=TOKENS),
    ]
    hashes = {Program("t", code, one).sha256 for one in tests for code in ("a", "b")}
    assert len(hashes) == 10
    assert Program("t", "a", cases_of(NEXT.cases(), base=1)).sha256 in hashes


def test_where_any_end_is_as_good_the_output_decides(sandbox):
    """However a program ends by itself, the right output passes; a wrong one has the verdict of its end."""
    ends = {
        "exit(1)": Verdict.CRASHED,
        "exit('no')": Verdict.CRASHED,
        "raise ValueError('no')": Verdict.ERROR,
        "assert False": Verdict.FAILED,
        "1 / 0": Verdict.ERROR,
        "raise KeyboardInterrupt": Verdict.ERROR,
        "import os, sys\nsys.stdout.flush()\nos._exit(3)": Verdict.CRASHED,
        "import os, sys\nsys.stdout.flush()\nos.kill(os.getpid(), 9)": Verdict.CRASHED,
        "import sys\nsys.excepthook = lambda *_: exit(7)\n1 / 0": Verdict.CRASHED,
        "import atexit\natexit.register(print)\n1 / 0": Verdict.ERROR,
        "import threading\nthreading.Thread(target=print).start()\n1 / 0": Verdict.ERROR,
    }
    cases = [("1\n", "2\n"), ("5\n", "6\n")]
    right = [f"print(int(input()) + 1)\n{end}" for end in ends]
    assert {o.verdict for o in judge(*right, tests=cases_of(cases, any_end=True), sandbox=sandbox)} == {
        Verdict.PASSED
    }
    wrong = [f"print(3)\n{end}" for end in ends]
    for tests in (cases_of(cases, any_end=True), cases_of(cases)):
        assert [o.verdict for o in judge(*wrong, tests=tests, sandbox=sandbox)] == list(ends.values())
    assert Verdict.PASSED not in {o.verdict for o in judge(*right, tests=cases_of(cases), sandbox=sandbox)}


def test_where_any_status_is_as_good(sandbox):
    """An exit does not look at its status; exceptions, signals and wrong output are as ever."""
    ends = {
        "exit(1)": True,
        "exit('no')": True,
        "import os, sys\nsys.stdout.flush()\nos._exit(3)": True,
        "import os, sys\nsys.stdout.flush()\nos.kill(os.getpid(), 9)": False,
        "1 / 0": False,
        "import atexit\natexit.register(print)\n1 / 0": False,
    }
    tests = cases_of([("1\n", "2\n"), ("5\n", "6\n")], any_status=True)
    right = judge(*(f"print(int(input()) + 1)\n{end}" for end in ends), tests=tests, sandbox=sandbox)
    assert [outcome.passed for outcome in right] == list(ends.values())
    wrong = judge(*(f"print(3)\n{end}" for end in ends), tests=tests, sandbox=sandbox)
    assert not any(outcome.passed for outcome in wrong)


def test_what_is_printed_after_an_exception_counts_where_any_end_does():
    """Threads and exit functions end as under an interpreter, and their output is part of it."""
    later = "import threading, time\nn = int(input())\n{}\nraise ValueError"
    ways = [
        "threading.Thread(target=lambda: (time.sleep(0.1), print(n + 1))).start()",
        "import atexit\natexit.register(lambda: print(n + 1))",
    ]
    tests = cases_of([("1\n", "2\n")], any_end=True)
    outcomes = judge(*(later.format(way) for way in ways), tests=tests)
    assert all(outcome.passed for outcome in outcomes), outcomes


def test_limits_hold_where_any_end_is_as_good():
    """The right output does not help a program that a limit ends, or that does not compile."""
    ends = {
        "while True: pass": Verdict.TIMEOUT,
        "import time\ntime.sleep(60)": Verdict.TIMEOUT,
        "x = [0] * 10**10": Verdict.MEMORY_LIMIT,
        "while True: print('x' * 10**5)": Verdict.OUTPUT_LIMIT,
    }
    tests = cases_of([("1\n", "2\n")], any_end=True)
    codes = [f"print(int(input()) + 1, flush=True)\n{end}" for end in ends]
    assert [o.verdict for o in judge(*codes, tests=tests)] == list(ends.values())
    assert judge("print(2)\ndef", tests=tests)[0].verdict is Verdict.SYNTAX_ERROR
