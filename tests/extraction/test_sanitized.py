"""`sanitized`: of prompt + text, what the entry point reaches, as EvalPlus and BigCodeBench have it."""

from __future__ import annotations

import pytest
from shapes import BODY, PROMPT, run

from passk_tasks.extraction import Extraction, extract


def sanitized(text: str, prompt: str = PROMPT, *also: str) -> Extraction:
    """Return what is extracted from a completion of `total`."""
    return extract(text, mode="sanitized", prompt=prompt, entry_point="total", also=also)


@pytest.mark.parametrize(
    ("below", "repairs"),
    [
        ("", ""),
        ("```\nThis adds them up.\n", "+trimmed"),
        ("\nThis function adds them up.\nIt's linear.\n", "+trimmed"),
        ("\n\ndef helper(xs):\n    return [x for x in", "+trimmed"),
        ("\nprint(total([1,", "+trimmed"),
        ("\\\n", "+trimmed"),
        ("# \\\n    return xs\\\n\nprint(total([]))\n", "+examples"),
        ("\x00\nexit()\n", "+trimmed"),
        ("\ud800\nexit()\n", "+trimmed"),
        ("\ntotal([1, 'a'])\n", "+examples"),
        ("\nassert total([1]) == 2\n", "+examples"),
        ("\nn = int(input())\n", "+examples"),
        ("\nxs, result = map(int, input().split())\n", "+examples"),
        ("\nexit(1)\n", "+examples"),
        ("\nwhile True:\n    pass\n", "+examples"),
        ("\ndef total(xs):\n    return 0\n", "+examples"),
        ("\ntotal = None\n", "+examples"),
        ("\nif __name__ == '__main__':\n    print(total(input()))\n", "+examples"),
        ("\nn = int(input())\nIt reads n.\n", "+trimmed+examples"),
        ("\n@decorated\ndef main():\n    return total([])\n", "+examples"),
        ("\n@decorated.by('x')\ndef xs():\n    return 0\n", "+examples"),  # a local name reaches it
    ],
)
def test_what_stands_below_a_right_body(below, repairs) -> None:
    """Prose, fences, what breaks off, examples and redefinitions below a right body cost nothing."""
    found = sanitized(BODY + below)
    assert found.strategy == "body" + repairs
    assert run(found)["total"]([1, 2, 3]) == 6
    if not repairs:
        assert found.code == PROMPT + BODY


@pytest.mark.parametrize(
    "above",
    [
        "SCALE = 1\n\n\ndef scaled(x):\n    return x * SCALE\n",
        "import functools\n\n\n@functools.lru_cache\ndef scaled(x):\n    return x\n",
        "class Scaled:\n    def of(self, x):\n        return x\n\n\nscaled = Scaled().of\n",
        "scaled: type = int\n",
        "def scaled(x):\n    yield_nothing(x)\n    return x\n\n\ndef yield_nothing(x):\n    pass\n",
    ],
)
def test_what_the_function_reaches_stays(above) -> None:
    """Helpers, constants, classes and decorators that the function reaches stay, in their order."""
    text = "    return sum(scaled(x) for x in xs)\n\n\n" + above + "print('example')\n"
    found = sanitized(text)
    assert found.strategy == "body+examples"
    assert "example" not in str(found.code)
    if "yield_nothing" not in above:
        assert run(found)["total"]([1, 2, 3]) == 6


def test_escape_sequences_are_deleted() -> None:
    """What a terminal took for colours costs nothing, as in EvalPlus."""
    found = sanitized("    return \x1b[1msum(xs)\x1b[0m\n")
    assert run(found)["total"]([1, 2, 3]) == 6
    assert found.strategy == "body+trimmed"


def test_imports_stand_above_what_uses_them() -> None:
    """Imports come first, wherever the text has them, as in EvalPlus."""
    helper = "\n\ndef scaled(x: Optional[int]):\n    return x\n\n\nfrom typing import Optional\n"
    found = sanitized("    return sum(map(scaled, xs))\n" + helper)
    assert run(found)["total"]([1, 2, 3]) == 6
    assert found.strategy == "body"


@pytest.mark.parametrize("body", ["    pass\n", "    xs.sort()\n", "    '''Add.'''\n"])
def test_a_function_written_again(body) -> None:
    """A definition without `return` gives way to one that returns, whatever the first one does."""
    found = sanitized(body + "\n\ndef total(xs):\n    return sum(xs)\n")
    assert run(found)["total"]([1, 2, 3]) == 6


def test_names_of_the_tests_and_local_names() -> None:
    """What the tests call besides the function stays; a local name reaches an assignment, as in EvalPlus."""
    below = "\n\ndef other(x):\n    return x\n"
    assert "other" not in str(sanitized(BODY + below).code)
    assert "other" in str(sanitized(BODY + below, PROMPT, "other").code)
    assert "input()" in str(sanitized(BODY + "\nresult = input()\n").code)
    assert "input()" not in str(sanitized(BODY + "\nresults = input()\n").code)


def test_what_a_function_lacks_is_not_cut_off() -> None:
    """A function with an error that only compiling finds stays whole, and is no shorter one that passes."""
    text = BODY + "    continue\n"
    assert sanitized(text) == Extraction(PROMPT + text, "body")


@pytest.mark.parametrize(
    ("text", "strategy"),
    [("", "none:empty"), ("    return (\n", "body+trimmed"), ("    pass\n", "body"), ("x" * 200_000, "body")],
)
def test_without_the_function(text, strategy) -> None:
    """Where the function is not there or too long to be parsed, what parses, or all, is what is judged."""
    found = sanitized(text)
    assert found.strategy == strategy
    assert (found.code is None) == (not text)
