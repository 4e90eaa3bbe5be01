"""Natural tests of people's own problems: right programs pass, wrong ones do not, all get a verdict."""

# ruff: noqa: E501  a line a program

from __future__ import annotations

from dataclasses import dataclass

import pytest

from passk_tasks import benchmarks
from passk_tasks.errors import DatasetError
from passk_tasks.judging.batch import judge
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Judge
from passk_tasks.verdict import Outcome, Verdict


@dataclass(frozen=True)
class Case:
    """Tests of one problem, with a right and a wrong program; `one_process` is who must judge it."""

    name: str
    test: str
    right: str
    wrong: str
    one_process: bool = True


def _function(name: str, test: str, right: str, wrong: str, one_process: bool = True) -> Case:
    return Case(name, test, *(f"def f{body}\n" for body in (right, wrong)), one_process)


FUNCTIONS = [
    # --- output that is captured, input that is given
    _function(
        "stdout",
        "import contextlib, io\nout = io.StringIO()\nwith contextlib.redirect_stdout(out):\n    f('x')\n"
        "assert out.getvalue() == '<x>\\n'",
        "(a): print(f'<{a}>')",
        "(a): print(a)",
    ),
    _function(
        "stderr",
        "import contextlib, io\nerr = io.StringIO()\nwith contextlib.redirect_stderr(err):\n    f()\n"
        "assert 'bad' in err.getvalue()",
        "():\n    import sys\n    print('bad', file=sys.stderr)",
        "(): print('bad')",
    ),
    _function(
        "stdout by hand",
        "import io, sys\nold, sys.stdout = sys.stdout, io.StringIO()\nf()\ntext = sys.stdout.getvalue()\n"
        "sys.stdout = old\nassert text == '1 2\\n'",
        "(): print(1, 2)",
        "(): return '1 2'",
    ),
    _function(
        "input patched",
        "import builtins\nbuiltins.input = lambda *_: '42'\nassert f() == 42",
        "(): return int(input('n? '))",
        "(): return input()",
    ),
    _function(
        "input mocked",
        "from unittest.mock import patch\nwith patch('builtins.input', side_effect=['a', 'b']):\n"
        "    assert f() == 'ab'",
        "(): return input() + input()",
        "(): return input()",
    ),
    _function(
        "stdin",
        "import io, sys\nsys.stdin = io.StringIO('3\\n4\\n')\nassert f() == 7",
        "():\n    import sys\n    return sum(map(int, sys.stdin))",
        "(): return 3",
    ),
    _function(
        "print mocked",
        "from unittest import mock\nwith mock.patch('builtins.print') as p:\n    f(2)\n"
        "assert p.call_count == 2",
        "(n):\n    for i in range(n): print(i)",
        "(n): print(n)",
    ),
    # --- chance, time and the surroundings
    _function(
        "seed",
        "import random\nrandom.seed(3)\nexpected = [random.random() for _ in range(2)]\nrandom.seed(3)\n"
        "assert f(2) == expected",
        "(n):\n    import random\n    return [random.random() for _ in range(n)]",
        "(n): return [0.5] * n",
    ),
    _function(
        "seed from",
        "from random import randrange, seed\nseed('x')\na = randrange(10**9)\nseed('x')\nassert f() == a",
        "():\n    import random\n    return random.randrange(10**9)",
        "(): return 4",
    ),
    _function(
        "random patched",
        "import random\nrandom.choice = lambda xs: xs[-1]\nassert f([1, 2, 3]) == 3",
        "(xs):\n    import random\n    return random.choice(xs)",
        "(xs): return xs[0]",
    ),
    _function(
        "numpy's seed",
        "import numpy as np\nnp.random.seed(0)\na = np.random.rand(2)\nnp.random.seed(0)\n"
        "assert (f() == a).all()",
        "():\n    import numpy as np\n    return np.random.rand(2)",
        "():\n    import numpy as np\n    return np.zeros(2)",
    ),
    _function(
        "environment",
        "import os\nos.environ['MODE'] = 'fast'\nassert f() == 'fast'\ndel os.environ['MODE']\n"
        "assert f() == 'slow'",
        "():\n    import os\n    return os.environ.get('MODE', 'slow')",
        "(): return 'fast'",
    ),
    _function(
        "environment set",
        "import os\nf('K', 'v')\nassert os.environ['K'] == 'v'",
        "(k, v):\n    import os\n    os.environ[k] = v",
        "(k, v): return {k: v}",
    ),
    _function(
        "monkeypatched time",
        "import time\ntime.time = lambda: 86400.0\nassert f() == 1",
        "():\n    import time\n    return int(time.time() // 86400)",
        "(): return 0",
    ),
    _function(
        "sleep patched",
        "import time\nslept = []\ntime.sleep = slept.append\nf()\nassert slept == [1, 2]",
        "():\n    import time\n    time.sleep(1)\n    time.sleep(2)",
        "(): pass",
    ),
    _function(
        "duration",
        "import time\nstart = time.perf_counter()\nf()\nassert time.perf_counter() - start < 100",
        "(): return sum(range(10))",
        "():\n    import time\n    late = time.perf_counter() + 200\n    time.perf_counter = lambda: late",
    ),
    _function(
        "decimal context",
        "import decimal\ndecimal.getcontext().prec = 3\nassert f() == decimal.Decimal('0.333')",
        "():\n    from decimal import Decimal\n    return Decimal(1) / 3",
        "(): return 1 / 3",
    ),
    _function(
        "recursion limit",
        "import sys\nsys.setrecursionlimit(5000)\nassert f(3000) == 3000",
        "(n): return 0 if n == 0 else 1 + f(n - 1)",
        "(n): return n - 1",
    ),
    _function(
        "arguments of the command line",
        "import sys\nsys.argv = ['p', 'a']\nassert f() == ['a']",
        "():\n    import sys\n    return sys.argv[1:]",
        "(): return []",
    ),
    # --- files
    _function(
        "temporary file",
        "import os, tempfile\nh, name = tempfile.mkstemp()\nos.write(h, b'a\\nb\\n')\nos.close(h)\n"
        "assert f(name) == 2\nos.unlink(name)",
        "(p): return len(open(p).readlines())",
        "(p): return 0",
    ),
    _function(
        "temporary folder",
        "import os, tempfile\nwith tempfile.TemporaryDirectory() as d:\n    p = os.path.join(d, 'x')\n"
        "    f(p, 'hi')\n    with open(p) as h:\n        assert h.read() == 'hi'",
        "(p, t):\n    with open(p, 'w') as h: h.write(t)",
        "(p, t):\n    with open(p, 'w') as h: h.write('')",
    ),
    _function(
        "Path",
        "from pathlib import Path\nassert f(Path('a/b.txt')) == '.txt'",
        "(p): return p.suffix",
        "(p): return p.name",
    ),
    _function(
        "Path as a result",
        "import pathlib\nassert f('a') == pathlib.Path('a') / 'b'",
        "(a):\n    import pathlib\n    return pathlib.Path(a, 'b')",
        "(a): return a + '/b'",
    ),
    _function(
        "file object",
        "import io\nassert f(io.StringIO('a b\\nc')) == 3",
        "(h): return len(h.read().split())",
        "(h): return 2",
    ),
    _function(
        "file object as a result",
        "assert f('abc').read() == 'abc'",
        "(t):\n    import io\n    return io.StringIO(t)",
        "(t): return t",
    ),
    # --- logging and warnings
    _function(
        "logging",
        "import logging\nseen = []\nclass H(logging.Handler):\n    def emit(self, record):\n"
        "        seen.append(record.getMessage())\nlogging.getLogger().addHandler(H())\nf()\n"
        "assert seen == ['careful']",
        "():\n    import logging\n    logging.warning('careful')",
        "(): print('careful')",
    ),
    _function(
        "warnings",
        "import warnings\nwith warnings.catch_warnings(record=True) as w:\n    warnings.simplefilter('always')\n"
        "    f()\nassert len(w) == 1 and 'old' in str(w[0].message)",
        "():\n    import warnings\n    warnings.warn('old')",
        "(): return 'old'",
    ),
    _function(
        "warnings as errors",
        "import warnings\nwarnings.simplefilter('error')\ntry:\n    f()\nexcept DeprecationWarning:\n    pass\n"
        "else:\n    assert False",
        "():\n    import warnings\n    warnings.warn('x', DeprecationWarning)",
        "(): pass",
    ),
    # --- the function itself
    _function("doc", "assert f.__doc__ == 'Say.'\nassert f() == 1", "():\n    'Say.'\n    return 1", "(): return 1"),
    _function("name", "assert f.__name__ == 'f' and f.__module__", "(): pass\n", "(): pass\nf = (lambda: 0)"),
    _function(
        "annotations",
        "assert f.__annotations__ == {'a': int, 'return': str}",
        "(a: int) -> str: return str(a)",
        "(a): return str(a)",
    ),
    _function("defaults", "assert f.__defaults__ == (1,)", "(a=1): return a", "(a): return a"),
    _function(
        "signature",
        "import inspect\nassert str(inspect.signature(f)) == '(a, *, b=2)'",
        "(a, *, b=2): return a",
        "(a, b=2): return a",
    ),
    _function(
        "source",
        "import inspect\nassert inspect.isgeneratorfunction(f)",
        "():\n    yield 1",
        "(): return iter([1])",
    ),
    _function("attribute", "assert f.calls == 0\nf()\nassert f.calls == 1",
              "(): f.calls += 1\nf.calls = 0", "(): pass\nf.calls = 0"),
    _function("wraps", "@f\ndef g():\n    'G'\nassert g.__doc__ == 'G'",
              "(g):\n    import functools\n    return functools.wraps(g)(lambda: g())", "(g): return lambda: g()"),
    _function("decorator", "@f\ndef g(x):\n    return x\nassert g(2) == 4",
              "(g): return lambda x: 2 * g(x)", "(g): return g"),
    _function("decorator by hand", "g = f(lambda x: x + 1)\nassert g(1) == 3",
              "(g): return lambda x: g(g(x))", "(g): return g"),
    _function("decorator with arguments", "@f(3)\ndef g():\n    return 'a'\nassert g() == 'aaa'",
              "(n): return lambda g: lambda: g() * n", "(n): return lambda g: g"),
    _function("global of the candidate", "f()\nassert total == 1",
              "():\n    global total\n    total += 1\ntotal = 0", "(): pass\ntotal = 0"),
    _function("constant of the candidate", "assert f(1) == SCALE", "(x): return x * SCALE\nSCALE = 7",
              "(x): return x\nSCALE = 7"),
    # --- exceptions
    _function("own exception", "try:\n    f()\nexcept OwnError as e:\n    assert e.code == 5\nelse:\n    assert False",
              "(): raise OwnError(5)\nclass OwnError(Exception):\n    def __init__(self, code): self.code = code",
              "(): pass\nclass OwnError(Exception): pass"),
    _function("text of an exception", "try:\n    f(-1)\nexcept ValueError as e:\n    assert str(e) == 'bad: -1'\n"
              "else:\n    assert False",
              "(x): raise E(x)\nclass E(ValueError):\n    def __str__(self): return f'bad: {self.args[0]}'",
              "(x): raise ValueError(x)"),
    _function("cause", "try:\n    f({})\nexcept ValueError as e:\n    assert type(e.__cause__) is KeyError\n"
              "else:\n    assert False",
              "(d):\n    try: d['a']\n    except KeyError as e: raise ValueError from e", "(d): raise ValueError"),
    _function("exit", "try:\n    f()\nexcept SystemExit as e:\n    assert e.code == 3\nelse:\n    assert False",
              "():\n    import sys\n    sys.exit(3)", "():\n    import sys\n    sys.exit(4)"),
    _function("interrupt", "try:\n    f()\nexcept KeyboardInterrupt:\n    pass\nelse:\n    assert False",
              "(): raise KeyboardInterrupt", "(): pass"),
    _function("errno", "try:\n    f()\nexcept OSError as e:\n    assert e.errno == 2\nelse:\n    assert False",
              "(): open('/no/such/file')", "(): raise OSError(5, 'x')"),
    _function("builtin exception", "try:\n    f(0)\nexcept ZeroDivisionError:\n    pass\nelse:\n    assert False",
              "(x): return 1 / x", "(x): return 0", one_process=False),
    _function("assertRaises", "import unittest\ncase = unittest.TestCase()\nwith case.assertRaises(TypeError):\n    f(1)\n"
              "case.assertEqual(f('a'), 'aa')",
              "(x):\n    if x == 1: raise TypeError\n    return x * 2", "(x): return x * 2"),
    _function("unittest", "import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n"
              "        self.assertEqual(f(2), 4)\nassert unittest.TextTestRunner(stream=open('/dev/null', 'w')).run("
              "unittest.defaultTestLoader.loadTestsFromTestCase(T)).wasSuccessful()",
              "(x): return x * x", "(x): return x * 3"),
    # --- generators and iterators
    _function("send", "g = f()\nnext(g)\nassert g.send(3) == 6", "():\n    x = yield\n    yield 2 * x",
              "():\n    x = yield\n    yield x"),
    _function("throw", "g = f()\nnext(g)\nassert g.throw(ValueError) == 'caught'",
              "():\n    try: yield\n    except ValueError: yield 'caught'", "():\n    yield"),
    _function("close", "g = f()\nnext(g)\ng.close()\nassert closed == [1]",
              "():\n    try: yield\n    finally: closed.append(1)\nclosed = []",
              "():\n    yield\nclosed = []"),
    _function("generator type", "import types\nassert isinstance(f(), types.GeneratorType)",
              "():\n    yield 1", "(): return [1]"),
    _function("generator listed", "assert list(f(3)) == [0, 1, 4]", "(n):\n    for i in range(n): yield i * i",
              "(n): yield from range(n)", one_process=False),
    _function("iterator given", "assert f(iter([1, 2, 3])) == 1", "(it): return next(it)", "(it): return 2"),
    # --- threads, event loops
    _function("threads", "import threading\nout = []\nts = [threading.Thread(target=lambda i=i: out.append(f(i))) "
              "for i in range(3)]\n[t.start() for t in ts]\n[t.join() for t in ts]\nassert sorted(out) == [0, 2, 4]",
              "(i): return 2 * i", "(i): return i"),
    _function("executor", "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(2) as e:\n"
              "    assert list(e.map(f, [1, 2])) == [2, 3]", "(x): return x + 1", "(x): return x"),
    _function("lock given", "import threading\nlock = threading.Lock()\nf(lock)\nassert lock.locked()",
              "(lock): lock.acquire()", "(lock): pass"),
    _function("event loop", "import asyncio\nassert asyncio.run(f(2)) == 4",
              "(x):\n    import asyncio\n    async def g(): return x * 2\n    return g()",
              "(x):\n    async def g(): return x\n    return g()"),
    # --- objects handed over, or given back
    _function("own object given", "class P:\n    def __init__(self, x): self.x = x\nassert f(P(3)) == 3",
              "(p): return p.x", "(p): return p"),
    _function("dataclass given", "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n"
              "p = P(1)\nf(p)\nassert p.x == 2", "(p): p.x += 1", "(p): pass"),
    _function("enum given", "import enum\nclass C(enum.Enum):\n    A = 1\nassert f(C.A) == 'A'",
              "(c): return c.name", "(c): return c.value"),
    _function("callback", "seen = []\nf(seen.append)\nassert seen == [1]", "(g): g(1)", "(g): pass"),
    _function("own object as a result", "p = f(1)\nassert p.x == 1 and str(p) == 'P1'",
              "(x): return P(x)\nclass P:\n    def __init__(self, x): self.x = x\n    def __str__(self): return f'P{self.x}'",
              "(x): return P(x)\nclass P:\n    def __init__(self, x): self.x = x"),
    _function("text of a result", "assert str(f(2)) == '<2>'",
              "(x): return P(x)\nclass P:\n    def __init__(self, x): self.x = x\n    def __str__(self): return f'<{self.x}>'",
              "(x): return x"),
    _function("text by format", "assert f'{f(2)}' == '2!'",
              "(x): return P()\nclass P:\n    def __format__(self, spec): return '2!'", "(x): return x"),
    _function("named tuple", "assert f(1, 2).y == 2",
              "(x, y):\n    from collections import namedtuple\n    return namedtuple('P', 'x y')(x, y)",
              "(x, y): return (x, y)"),
    _function("match", "assert f('a1').group(1) == '1'",
              "(s):\n    import re\n    return re.search(r'(\\d)', s)", "(s): return s"),
    _function("missing key", "d = f('ab')\nassert d['z'] == 0 and d['a'] == 1",
              "(s):\n    from collections import defaultdict\n    d = defaultdict(int)\n    for c in s: d[c] += 1\n    return d",
              "(s): return {'a': 1}"),
    _function("defaultdict given", "import collections\nassert f(collections.defaultdict(list)) == []",
              "(d): return d['x']", "(d): return 0"),
    _function("weak reference", "import weakref\nassert weakref.ref(f(1))().x == 1\n",
              "(x):\n    p = P(x)\n    keep.append(p)\n    return p\nkeep = []\nclass P:\n"
              "    def __init__(self, x): self.x = x", "(x): return x"),
    _function("uuid", "import uuid\nassert isinstance(f(), uuid.UUID)",
              "():\n    import uuid\n    return uuid.uuid4()", "(): return 'x'"),
    # --- identity, and changes afterwards
    _function("copy", "a = [[1]]\nb = f(a)\nassert b == a and b is not a and b[0] is not a[0]",
              "(a): return [list(x) for x in a]", "(a): return list(a)"),
    _function("copy by change", "a = [[1]]\nb = f(a)\nb[0].append(2)\nassert a == [[1]]",
              "(a): return [list(x) for x in a]", "(a): return list(a)"),
    _function("change of an argument afterwards", "a = [1]\nb = f(a)\na.append(2)\nassert b == [1]",
              "(a): return list(a)", "(a): return a"),
    _function("two results", "a = f(1)\nb = f(2)\nassert a == [1] and b == [2]",
              "(x, acc=None): return (acc or []) + [x]", "(x, acc=[]): acc.append(x); return acc"),
    _function("results in a list", "r = [f(i) for i in range(3)]\nassert r == [[0], [1], [2]]",
              "(i): return [i]", "(i, acc=[]): acc[:] = [i]; return acc"),
    _function("results in a dictionary", "r = {i: f(i) for i in range(2)}\nassert r == {0: [0], 1: [1]}",
              "(i): return [i]", "(i, acc=[]): acc[:] = [i]; return acc"),
    _function("argument kept", "a = [1]\nf(a)\nf([2])\nassert a == [1]",
              "(a): return len(a)", "(a):\n    kept.append(a)\n    kept[0].append(9)\n    return 1\nkept = []"),
    _function("the same object", "a = [1]\nassert f(a) is a", "(a): a.append(2); return a", "(a): return a + [2]"),
    _function("id", "a = [1]\nassert id(f(a)) == id(a)", "(a): return a", "(a): return list(a)"),
    _function("cache", "a = f(3)\nassert f(3) is a", "(n): return cache.setdefault(n, [n])\ncache = {}",
              "(n): return [n]"),
    _function("changed in place", "a = [3, 1]\nassert f(a) is None\nassert a == [1, 3]",
              "(a): a.sort()", "(a): sorted(a)", one_process=False),
    _function("one list twice", "a = []\nf(a, a)\nassert a == [1, 2]",
              "(a, b): a.append(1); b.append(2)", "(a, b): a.append(1)", one_process=False),
    # --- plain data, which must stay apart
    _function("numbers", "assert abs(f(2) - 1.4142) < 1e-3", "(x): return x ** 0.5", "(x): return x", one_process=False),
    _function("cases", "for x, y in [(1, 2), (2, 3)]:\n    assert f(x) == y", "(x): return x + 1", "(x): return 2",
              one_process=False),
    _function("helper", "def check(g, x, y):\n    assert g(x) == y\ncheck(f, 1, 2)\ncheck(f, 3, 4)",
              "(x): return x + 1", "(x): return 2", one_process=False),
    _function("kinds", "r = f()\nassert isinstance(r, tuple) and len(r) == 2 and r[0] is None and type(r[1]) is int",
              "(): return None, 1", "(): return None, True", one_process=False),
    _function("closure", "g = f(3)\nassert g(4) == 7 and g(0) == 3", "(n): return lambda x: x + n",
              "(n): return lambda x: x", one_process=False),
    _function("key", "assert sorted([1, 3, 2], key=f) == [3, 2, 1]", "(x): return -x", "(x): return x",
              one_process=False),
    _function("scalars kept", "a = f(1)\nb = f(2)\nassert a == 1 and b == 4", "(x): return x * x",
              "(x): return x", one_process=False),
    _function("arrays", "import numpy as np\nassert np.allclose(f(np.eye(2)), 2 * np.eye(2))",
              "(a): return a + a", "(a): return a", one_process=False),
    _function("by chance", "import random\nxs = [random.randint(0, 9) for _ in range(20)]\nassert f(xs) == sorted(xs)",
              "(xs): return sorted(xs)", "(xs): return []", one_process=False),
]  # fmt: skip

_STACK = "class C:\n    def __init__(self): self.items = []\n    def push(self, x): self.items.append(x)\n"
_POINT = "class C:\n    def __init__(self, x): self.x = x\n"
CLASSES = [
    Case("methods", "s = C()\ns.push(1)\ns.push(2)\nassert s.pop() == 2 and s.pop() == 1",
         _STACK + "    def pop(self): return self.items.pop()", _STACK + "    def pop(self): return self.items.pop(0)",
         one_process=False),
    Case("length", "s = C()\ns.push(1)\nassert len(s) == 1", _STACK + "    def __len__(self): return len(self.items)",
         _STACK + "    def __len__(self): return 0", one_process=False),
    Case("field", "assert C(3).x == 3", _POINT, "class C:\n    def __init__(self, x): self.x = 0", one_process=False),
    Case("repr", "assert repr(C(3)) == 'C(3)'", _POINT + "    def __repr__(self): return f'C({self.x})'", _POINT,
         one_process=False),
    Case("equality", "assert C(1) == C(1) and C(1) != C(2)",
         _POINT + "    def __eq__(self, o): return self.x == o.x", _POINT, one_process=False),
    Case("operators", "assert (C(1) + C(2)).x == 3", _POINT + "    def __add__(self, o): return C(self.x + o.x)",
         _POINT + "    def __add__(self, o): return C(self.x)", one_process=False),
    Case("iteration", "c = C(3)\nassert list(c) == [0, 1, 2] and 2 in c",
         _POINT + "    def __iter__(self): return iter(range(self.x))",
         _POINT + "    def __iter__(self): return iter([])", one_process=False),
    Case("error of a method", "c = C(1)\ntry:\n    c.go()\nexcept ValueError:\n    pass\nelse:\n    assert False",
         _POINT + "    def go(self): raise ValueError", _POINT + "    def go(self): pass", one_process=False),
    Case("context", "with C(5) as v:\n    assert v == 5\n    raise ValueError",
         _POINT + "    def __enter__(self): return self.x\n    def __exit__(self, *a): return True",
         _POINT + "    def __enter__(self): return 0\n    def __exit__(self, *a): return False"),
    Case("subclass", "class D(C):\n    pass\nassert D(2).x == 2", _POINT, "class C:\n    def __init__(self, x): self.x = 1"),
    Case("isinstance", "c = C(1)\nassert isinstance(c.twin(), C)", _POINT + "    def twin(self): return C(self.x)",
         _POINT + "    def twin(self): return None"),
    Case("fields", "assert vars(C(1)) == {'x': 1}", _POINT, _POINT + "        self.y = 2"),
    Case("what a method gives is changed", "s = C()\ns.push(1)\ns.items.append(2)\nassert s.items == [1, 2]",
         _STACK, _STACK + "    def __getattribute__(self, n): return [1] if n == 'items' else lambda x: 0"),
    Case("static", "assert C.zero().x == 0", _POINT + "    @classmethod\n    def zero(cls): return cls(0)",
         _POINT + "    @classmethod\n    def zero(cls): return cls(1)"),
    Case("raised", "try:\n    raise C(1)\nexcept C as e:\n    assert e.x == 1",
         "class C(Exception):\n    def __init__(self, x): self.x = x", "class C(Exception):\n    x = 2"),
]  # fmt: skip
CASES = FUNCTIONS + CLASSES
FAMILY = benchmarks.get("custom")


def _row(case: Case) -> dict[str, str]:
    entry = "C" if case in CLASSES else "f"
    prompt = "class C:\n" if case in CLASSES else "def f(*args):\n"
    return {"task_id": case.name, "prompt": prompt, "entry_point": entry, "test": case.test + "\n"}


@pytest.fixture(scope="module")
def outcomes() -> dict[str, tuple[Outcome, Outcome]]:
    """Return what came of the right and the wrong program of each case."""
    programs = [
        FAMILY.program(FAMILY.problem(_row(case)), code, Judge.ISOLATED)
        for case in CASES
        for code in (case.right, case.wrong)
    ]
    judged = judge(programs, local(Confinement())).outcomes
    return {case.name: (judged[2 * i], judged[2 * i + 1]) for i, case in enumerate(CASES)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_right_passes_and_wrong_does_not(case: Case, outcomes: dict[str, tuple[Outcome, Outcome]]) -> None:
    """A right program passes a person's own tests, and a wrong one ends with a verdict that is no pass."""
    right, wrong = outcomes[case.name]
    assert right.passed, right
    assert not wrong.passed
    assert wrong.verdict is not Verdict.INFRA_ERROR


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_who_judges(case: Case) -> None:
    """One process is for tests that need it; those of plain data stay apart from the candidate."""
    problem = FAMILY.problem(_row(case))
    assert (problem.one_process is not None) is case.one_process, problem.one_process


@pytest.mark.parametrize(
    ("said", "test"),
    [
        ("line 2 of the tests, `f(2) == 3`, is compared", "assert f(1) == 2\nf(2) == 3\n"),
        ("line 3 of the tests, `f(2) is None`", "assert f(1) == 2\ndef test_it():\n    f(2) is None\n"),
        (
            "line 2 of the tests, `assert (f(2) == 3, 'no')`, always",
            "assert f(1) == 2\nassert (f(2) == 3, 'no')\n",
        ),
        ("line 2 of the tests, `f(2) == 3`", ["assert f(1) == 2", "f(2) == 3"]),
    ],
)
def test_what_looks_like_an_assertion_and_is_none_is_refused(said: str, test: str | list[str]) -> None:
    """Beside other assertions nobody would see that a comparison is dropped, or that a tuple always holds."""
    row = {"task_id": "one", "prompt": "p", "entry_point": "f"}
    with pytest.raises(DatasetError) as raised:
        FAMILY.problem({**row, "test" if isinstance(test, str) else "test_list": test})
    assert said in str(raised.value)


def test_a_comparison_may_be_there_to_raise() -> None:
    """Within `with` and `try`, and of an order."""
    test = "try:\n    f(1) == 2\n    assert False\nexcept TypeError:\n    pass\ndef less():\n    f(1) < f(2)\nless()\n"
    assert FAMILY.problem({"task_id": "one", "prompt": "p", "entry_point": "f", "test": test}).test
