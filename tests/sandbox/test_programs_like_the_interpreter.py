"""Programs under the judge `stdio` against the bare interpreter: the same output, and the same end."""

from __future__ import annotations

import subprocess
import sys

from passk_tasks.benchmarks.contests import LINES
from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Program, StdioTests
from passk_tasks.verdict import Verdict

GIVEN = "3\n1 2 3\n"
PROGRAMS = {
    "the interpreter's stream detached": "import io, sys\n"
    "sys.stdout = io.TextIOWrapper(sys.stdout.detach())\nprint(input())",
    "names of the streams": "import sys\nprint(sys.stdin.name, sys.stdout.name, sys.stdin.mode)",
    "exit False": "import sys\nprint(1)\nsys.exit(False)",
    "exit True": "import sys\nprint(1)\nsys.exit(True)",
    "exit 256": "import sys\nprint(1)\nsys.exit(256)",
    "exit 2**70": "import sys\nprint(1)\nsys.exit(2**70)",
    "exit of an IntEnum": "import enum, sys\nclass E(enum.IntEnum):\n    OK = 0\nprint(1)\nsys.exit(E.OK)",
    "exit of an int's subclass": "import sys\nclass I(int): pass\nprint(1)\nraise SystemExit(I(0))",
    "exit of 0.0": "import sys\nprint(1)\nsys.exit(0.0)",
    "exit of an empty text": "import sys\nprint(1)\nsys.exit('')",
    "exit with two arguments": "print(1)\nraise SystemExit(0, 0)",
    "excepthook ends well": "import os, sys\nprint(1, flush=True)\n"
    "sys.excepthook = lambda *a: os._exit(0)\n1 / 0",
    "excepthook exits": "import sys\nprint(1)\nsys.excepthook = lambda *a: sys.exit(0)\n1 / 0",
    "excepthook only prints": "import sys\nprint(1)\nsys.excepthook = lambda *a: print(2)\n1 / 0",
    "own stdout": "import os, sys\nclass Out:\n    text = ''\n    def write(self, t): self.text += t\n"
    "    def flush(self): os.write(1, self.text.encode()); self.text = ''\n"
    "sys.stdout = Out()\nprint(input())",
    "own stdout without flush": "import sys\nclass Out:\n    def write(self, t): pass\n"
    "sys.stdout = Out()\nprint(1)",
    "stream whose writable is an attribute": "import io, os, sys\n"
    "class Out(io.IOBase):\n    writable = True\n"
    "    def __init__(self): self.parts = []\n    def write(self, t): self.parts.append(t)\n"
    "    def flush(self): os.write(1, ''.join(self.parts).encode()); self.parts.clear()\n"
    "sys.stdout = Out()\nprint(input())",
    "destructor prints": "class C:\n    def __del__(self): print('end')\nc = C()",
    "destructor in a cycle": "class C:\n    def __del__(self): print('end', total)\n"
    "total = 5\nc = C()\nc.me = c",
    "destructor that a function uses": "class C:\n    def __del__(self): f()\ndef f(): print('end', n)\n"
    "n = 3\nc = C()",
    "destructor that a library holds": "import math\nclass C:\n    def __del__(self): print('end', n)\n"
    "n = 3\nmath.held = C()",
    "destructors in a library's list": "import collections\nclass C:\n    def __del__(self): print('end')\n"
    "class D(C): pass\nclass E: pass\ncollections.held = [C(), D(), E()]",
    "destructor that a library holds raises": "import math\nclass C:\n    def __del__(self): 1 / 0\n"
    "math.held = C()\nprint(1)",
    "destructor of a class without a hash": "import math\nclass M(type):\n    __hash__ = None\n"
    "    def __eq__(self, other): 1 / 0\nclass C(metaclass=M):\n    def __del__(self): print('end')\n"
    "math.held = C()\nprint(1)",
    "destructor that was called": "import math\nclass C:\n    def __del__(self):\n        print('end')\n"
    "        math.held = self\nc = C()\ndel c\nprint(1)",
    "destructor that a daemon holds": "import threading, time\nclass C:\n"
    "    def __del__(self): print('end')\ndef f(c, ready):\n    ready.set()\n    time.sleep(60)\n"
    "ready = threading.Event()\n"
    "threading.Thread(target=f, args=(C(), ready), daemon=True).start()\nready.wait()\nprint(1)",
    "atexit after an exception ends well": "import atexit, os, sys\nprint(input(), flush=True)\n"
    "atexit.register(os._exit, 0)\nraise ValueError",
    "atexit after an exception prints": "import atexit\natexit.register(print, 'end')\nraise ValueError",
    "thread after an exception ends well": "import os, threading, time\nprint(1, flush=True)\n"
    "threading.Thread(target=lambda: (time.sleep(0.2), os._exit(0))).start()\nraise ValueError",
    "generator left open": "def g():\n    try: yield\n    finally: print('closed')\nx = g()\nnext(x)",
    "weakref.finalize": "import weakref\nclass C: pass\nc = C()\nweakref.finalize(c, print, 'gone')",
    "held in a list": "import os\nheld = [os.fdopen(os.dup(1), 'w')]\nheld[0].write('x')",
    "held by a library": "import math, os\nmath.held = os.fdopen(os.dup(1), 'w')\nmath.held.write('x')",
    "held by a function": "import os\ndef f(o=os.fdopen(os.dup(1), 'wb')): o.write(b'x')\nf()",
    "wrapped buffer": "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer)\nprint(input())",
    "printf of C": "import ctypes\nctypes.CDLL(None).printf(b'%d\\n', 5)",
    "atexit prints": "import atexit\natexit.register(print, 'end')\nprint('first')",
    "atexit raises": "import atexit\natexit.register(lambda: 1 / 0)\nprint('first')",
    "thread ends last": "import threading, time\n"
    "threading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()\nprint('first')",
    "byte order mark": "\ufeffprint(input())",
    "/dev/fd": "print(open('/dev/fd/0').read())\nopen('/dev/fd/1', 'a').write('x')",
    "sys.stdout is None": "import os, sys\nos.write(1, b'x')\nsys.stdout = None",
    "asyncio's pipes": "import asyncio, sys\nasync def main():\n    loop = asyncio.get_running_loop()\n"
    "    reader = asyncio.StreamReader()\n"
    "    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)\n"
    "    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout)\n"
    "    writer = asyncio.StreamWriter(transport, protocol, reader, loop)\n"
    "    while line := await reader.readline():\n        writer.write(line)\n"
    "    await writer.drain()\nasyncio.run(main())",
    "asyncio's pipe for input alone": "import asyncio, sys\nasync def main():\n"
    "    reader = asyncio.StreamReader()\n    loop = asyncio.get_running_loop()\n"
    "    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)\n"
    "    print((await reader.read()).decode())\nasyncio.run(main())",
    "main module gone": "import sys\nprint(1)\ndel sys.modules['__main__']",
}


def test_programs_end_as_under_the_interpreter(tmp_path):
    """What reaches standard output, and whether the status is 0, is what the bare interpreter makes of it."""
    programs, ends = [], []
    for number, code in enumerate(PROGRAMS.values()):
        file = tmp_path / f"{number}.py"
        file.write_text(code, encoding="utf-8")
        command = [sys.executable, "-E", "-X", "utf8", file]
        bare = subprocess.run(command, input=GIVEN.encode(), capture_output=True, check=False)
        ends.append(bare.returncode)
        tests = StdioTests.of([(GIVEN, bare.stdout.decode())], comparison=LINES)
        programs.append(Program("t", code, tests))
    outcomes = batch.judge(programs, local(Confinement())).outcomes
    differing = [
        (name, end, outcome.verdict, outcome.detail)
        for name, end, outcome in zip(PROGRAMS, ends, outcomes, strict=True)
        if outcome.passed is not (end == 0)
        or (outcome.verdict is Verdict.CRASHED and f"status {end}" not in outcome.detail)
    ]
    assert not differing
    assert ends.count(0) > len(ends) // 2  # the interpreter itself ran them
