"""Tests of passk_tasks.extraction.programs: whole programs in answers of chat models."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.extraction import extract

PROGRAM = "import sys\nn = int(input())\nprint(n + 1)\n"
FENCE = "```python\n{}```\n"

CASES = {
    "the text": (PROGRAM, PROGRAM, "whole_file"),
    "a block": (f"Here:\n{FENCE.format(PROGRAM)}Done.", PROGRAM, "fence"),
    "the last of two": (
        FENCE.format("print(1)\n") + "Better:\n" + FENCE.format(PROGRAM),
        PROGRAM,
        "fence",
    ),
    "not the example output": (FENCE.format(PROGRAM) + "Output:\n```\n3\n4\n```\n", PROGRAM, "fence"),
    "not the example input": (FENCE.format(PROGRAM) + "Input:\n```\n3 4\nabc def\n```\n", PROGRAM, "fence"),
    "not what breaks off": (FENCE.format(PROGRAM) + "Or:\n```python\nprint(2)\n", PROGRAM, "fence"),
    "what breaks off, if nothing else": ("```python\n" + PROGRAM.rstrip(), PROGRAM, "fence_unclosed"),
    "opened by the template": (PROGRAM + "```\nIt works.", PROGRAM, "fence_prefilled"),
    "after reasoning": (
        f"<think>\n{FENCE.format('print(1)')}\n</think>\n{FENCE.format(PROGRAM)}",
        PROGRAM,
        "fence+reasoning",
    ),
    "main guard and prints stay": (
        FENCE.format("def main():\n    print(input())\nif __name__ == '__main__':\n    main()\n"),
        "def main():\n    print(input())\nif __name__ == '__main__':\n    main()\n",
        "fence",
    ),
    "a return outside of functions": (
        FENCE.format("print(1)\n") + FENCE.format(PROGRAM + "if n:\n    return\nprint(0)\n"),
        PROGRAM + "if n:\n    return\nprint(0)\n",
        "fence",
    ),
    "broken code": (FENCE.format("def main(:\n"), "def main(:\n", "fence"),
    "a fence in a string": (
        "print('''\n```python\n1\n```\n''')",
        "print('''\n```python\n1\n```\n''')",
        "whole_file",
    ),
    "endless reasoning": (f"<think>\n{FENCE.format(PROGRAM)}", None, "none:unterminated_reasoning+reasoning"),
    "prose": ("I cannot solve this.", None, "none:no_code_found"),
    "a word": ("Hello", None, "none:no_code_found"),
    "nothing": (" \n", None, "none:empty"),
}


@pytest.mark.parametrize("case", CASES)
def test_answers(case: str) -> None:
    """The last block that is a program is taken as a whole; what is none is `no_code`."""
    text, code, strategy = CASES[case]
    found = extract(text, mode="answer", prompt="", entry_point="")
    assert (found.code, found.strategy) == (code, strategy)


def test_the_other_modes_take_the_text() -> None:
    """A base model's text is the program, up to the stop sequences."""
    found = extract(PROGRAM + "###\nmore", mode="completion", prompt="", entry_point="", stops=["###"])
    assert found.code == PROGRAM
    assert extract("x", mode="verbatim", prompt="", entry_point="").code == "x"


@given(st.text(st.sampled_from("`~ \npython<>/thik='\"():3"), max_size=200))
def test_never_raises(text: str) -> None:
    """Whatever the text, there is an answer, with code exactly where the strategy says so."""
    found = extract(text, mode="answer", prompt="", entry_point="")
    assert (found.code is None) == found.strategy.startswith("none:")


TWICE = "def twice(n):\n    return 2 * n\n"
MAIN = "print(twice(int(input())))\n"
WHOLE = TWICE + "\n\n" + MAIN
SHOWS = {
    "assertion": "assert twice(3) == 6\n",
    "call": "print(twice(3))\n",
    "import": "from solution import twice\nprint(twice(3))\n",
    "unittest": "import unittest\nfrom solution import twice\n\nclass T(unittest.TestCase):\n"
    "    def test(self):\n        self.assertEqual(twice(3), 6)\n\nunittest.main()\n",
    "its own input": "import io, sys\nsys.stdin = io.StringIO('3')\nprint(twice(int(input())))\n",
}


@pytest.mark.parametrize("example", SHOWS)
def test_the_program_wins_over_what_shows_it(example: str) -> None:
    """Whatever the order and the fence, a block that uses the program is no program."""
    shows = FENCE.format(SHOWS[example])
    program = FENCE.format(WHOLE)
    for text in (program + shows, shows + program, program.replace("python", "text") + shows):
        assert extract(text, mode="answer", prompt="", entry_point="").code == WHOLE
    two = FENCE.format(TWICE) + "and\n" + FENCE.format(MAIN) + shows
    found = extract(two, mode="answer", prompt="", entry_point="")
    assert (found.code, found.strategy) == (TWICE + MAIN, "fence_joined")


@pytest.mark.parametrize(
    "reading",
    [
        "import sys\nstdin = sys.stdin\nn = int(stdin.readline())\n",
        "import sys\nclass IO:\n    def __init__(self):\n        self.stdin = sys.stdin\n"
        "n = int(IO().stdin.read())\n",
        "import io, sys\nsys.stdin = io.TextIOWrapper(sys.stdin.buffer)\nn = int(input())\n",
        "import io, os, sys\nsys.stdin = io.BytesIO(os.read(0, 9))\nn = int(input())\n",
        "import io, sys\nsys.stdin = io.StringIO(sys.stdin.read())\nn = int(input())\n",
        "import os, sys\nif os.path.exists('in'):\n    sys.stdin = open('in')\nn = int(input())\n",
        "import sys\nn = int(sys.__stdin__.readline())\n",
        "from pathlib import Path\nn = int(Path('/dev/stdin').read_text())\n",
        "import io\nn = int(io.open(0).read())\n",
        "n = int(open(file=0).read())\n",
    ],
)
def test_the_last_program_wins_however_it_reads(reading: str) -> None:
    """A program reads by any name of standard input; the last one is the answer, as in LiveCodeBench."""
    text = FENCE.format(PROGRAM) + "That is wrong. Better:\n" + FENCE.format(reading + "print(n + 2)\n")
    found = extract(text, mode="answer", prompt="", entry_point="")
    assert (found.code, found.strategy) == (reading + "print(n + 2)\n", "fence")


@pytest.mark.parametrize(
    "text",
    [
        f"It's so:\n\n{WHOLE}\nIt's done.",
        f"Solution\n\n{WHOLE}\nDone\n",
        f"[PYTHON]\n{WHOLE}[/PYTHON]",
        f"[PYTHON] {WHOLE}[/PYTHON]",
        f"<answer>{WHOLE.rstrip()}</answer>",
        f"```text\n{WHOLE}```\n",
        f"{WHOLE.rstrip()}<EOT>",
        json.dumps({"language": "python", "code": WHOLE}),
        f"Sure!\n```json\n{json.dumps([FENCE.format(WHOLE)])}\n```\n",
        f"{WHOLE.rstrip()}[e~[",
        FENCE.format(WHOLE)
        + FENCE.format("def twice(n):\n    ...\n    return 2 * n\n\nprint(int(input()))\n"),
        FENCE.format(WHOLE) + "It reads:\n" + FENCE.format("n = int(input())\n"),
        f"First a helper, it's:\n\n{TWICE}\nThen the rest, it's:\n\n{MAIN}\nIt's done.",
        "".join("> " + line for line in f"Here:\n{FENCE.format(WHOLE)}".splitlines(True)),
        f"<pre><code class='x'>{WHOLE}</code></pre>",
        f"<solution><![CDATA[\n{WHOLE}]]></solution>",
        FENCE.format("".join(f"{n:3} | {line}" for n, line in enumerate(WHOLE.splitlines(True), start=1))),
        FENCE.format("".join(f"{n}: {line}" for n, line in enumerate(WHOLE.splitlines(True), start=9))),
        FENCE.format(
            "".join(("... " if line[:1].isspace() else ">>> ") + line for line in WHOLE.splitlines(True))
        ),
        "```diff\n@@ -0,0 +1,9 @@\n" + "".join(f"+{line}" for line in WHOLE.splitlines(True)) + "```\n",
        f"```bash\ncat > main.py <<'EOF'\n{WHOLE}EOF\npython main.py\n```\n",
        FENCE.format(WHOLE.replace(" ", "\u00a0")),
        FENCE.format("%%time\n" + WHOLE),
        f"'''python\n{WHOLE}'''\n",
        json.dumps({"name": "run", "arguments": json.dumps({"code": WHOLE})}),
        f"{{{{{{#!python\n{WHOLE}}}}}}}",
    ],
)
def test_a_program_in_other_dress(text: str) -> None:
    """Prose, tags, tokens and a text fence stand around a program as they do around a function."""
    for source in (text, text.replace("\n", "\r\n")):
        code = extract(source, mode="answer", prompt="", entry_point="").code
        assert code is not None
        assert code.replace("\n", "") == WHOLE.replace("\n", "")


def test_cells_of_one_program() -> None:
    """Cells that read go along with a last one that reads nothing: each takes its share of the input."""
    cells = ["n = int(input())\n", "xs = input().split()\n", "print(*xs)\n"]
    for last, strategy in (([], "fence_joined"), (["".join(cells)], "fence")):
        text = "and\n".join(map(FENCE.format, [*cells, *last]))
        found = extract(text, mode="answer", prompt="", entry_point="")
        assert (found.code, found.strategy) == ("".join(cells), strategy)


def test_a_fence_in_a_programs_docstring() -> None:
    """It does not end the program's block, even at the margin."""
    program = f'"""Doubles.\n\n```\n3\n```\n"""\n{WHOLE}'
    assert extract(FENCE.format(program), mode="answer", prompt="", entry_point="").code == program


def test_a_program_that_may_not_be_the_answer() -> None:
    """Where two messages or a turn in words leave open which program is meant, the strategy says so."""
    right, draft = FENCE.format(WHOLE), FENCE.format("print(int(input()) + 1)\n")
    for text in (f"{draft}No.<|end|>{right}", f"{right}\n### Human: no\n### Assistant:\n{draft}"):
        found = extract(text, mode="answer", prompt="", entry_point="")
        assert (found.code, found.strategy.rpartition("+")[2]) == (WHOLE, "undecided")


@pytest.mark.parametrize("also", [(), ("total",)])
def test_the_class_wins_over_its_use(also: tuple[str, ...]) -> None:
    """A block that only makes a Solution and calls it is no answer."""
    solution = "class Solution:\n    def total(self, nums):\n        return sum(nums)\n"
    use = "s = Solution()\nprint(s.total([1, 2]))\n"
    for text in (FENCE.format(solution) + FENCE.format(use), FENCE.format(use) + FENCE.format(solution)):
        assert extract(text, mode="answer", prompt="", entry_point="", also=also).code == solution


@pytest.mark.parametrize(
    "body", ["    total = lambda self, nums: sum(nums)\n", "    total: Any = staticmethod(added)\n"]
)
def test_a_method_that_is_assigned(body: str) -> None:
    """The last block with the method is the answer, however its class has it."""
    wrong = FENCE.format("class Solution:\n    def total(self, nums):\n        return 0\n")
    right = f"def added(nums):\n    return sum(nums)\n\nclass Solution:\n{body}"
    found = extract(wrong + FENCE.format(right), mode="answer", prompt="", entry_point="", also=("total",))
    assert found.code == right
