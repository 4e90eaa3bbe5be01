"""What is written wins over what is imported, wherever the two stand, and all that tests call is found."""

from __future__ import annotations

import pytest
from shapes import BODY, FUNCTION, answer, completion, fence, run

from passk_tasks.extraction import extract

CHECK = "def test_it():\n    assert total([1, 2]) == 4\n"
TAKERS = {
    "import": "from solution import total\n\n" + CHECK,
    "relative": "from .solution import total\n" + CHECK,
    "renamed": "from solution import compute as total\nassert total([1]) == 2\n",
    "module": "import total\nprint(total.total([1]))\n",
    "attribute": "import solution\ntotal = solution.total\nassert total([1]) == 2\n",
    "importlib": "import importlib\ntotal = importlib.import_module('solution').total\nprint(total([1]))\n",
    "star": "from solution import *\nassert total([1]) == 2\n",
    "tried": "try:\n    from solution import total\nexcept ImportError:\n    total = None\n" + CHECK,
    "local": "def test():\n    from solution import total\n    assert total([1]) == 2\ntest()\n",
    "mock": "from unittest.mock import Mock\ntotal = Mock()\ntotal.return_value = 3\n",
    "mock with a lambda": "from unittest.mock import Mock\ntotal = Mock(side_effect=lambda xs: 0)\n",
}


@pytest.mark.parametrize("taker", TAKERS)
def test_what_is_written_wins(taker):
    """A block or lines with tests that import the function, or fake it, never replace its source."""
    code = TAKERS[taker]
    for text in (
        f"Here:\n{fence(FUNCTION)}Tests:\n{fence(code)}",
        f"Tests:\n{fence(code)}Function:\n{fence(FUNCTION)}",
        fence(FUNCTION + "\n" + code),
        f"It's so:\n\n{FUNCTION}\nTests, they're these:\n\n{code}\nIt's done.",
        f"The body:\n{fence(BODY)}Tests:\n{fence(code)}",
    ):
        assert run(answer(text))["total"]([1, 2, 3]) == 6, text


@pytest.mark.parametrize("wrap", ["{}", "```python\n{}```\nSo `print(add(1, 2))`.", "It's:\n\n{}\nIsn't it?"])
def test_an_import_alone_is_an_answer(wrap):
    """Where nothing else defines the function, its import is the answer."""
    text = wrap.format("from operator import add\n")
    found = extract(text, mode="answer", prompt="def add(x, y):\n", entry_point="add")
    assert run(found)["add"](1, 2) == 3


ENC, DEC = "def enc(s):\n    return s[::-1]\n", "def dec(s):\n    return s[::-1]\n"


@pytest.mark.parametrize(
    "text",
    [
        fence(ENC) + "and\n" + fence(DEC),
        fence(DEC) + "and\n" + fence(ENC),
        f"It's:\n\n{ENC}\nAnd the other, it's:\n\n{DEC}\nThat's it.",
        f"It's:\n\n{DEC}\nAnd the other, it's:\n\n{ENC}\nThat's it.",
        f"{fence(ENC)}And it's:\n\n{DEC}\nThat's it.",
        fence(ENC) + fence("def flip(s):\n    return s[::-1]\n\ndec = lambda s: flip(s)\nprint(dec('a'))\n"),
        fence(ENC + "dec = enc\n"),
        fence(ENC) + fence("from solution import enc, dec\nassert dec(enc('ab')) == 'ab'\n") + fence(DEC),
    ],
)
def test_all_functions_that_the_tests_call_are_found(text):
    """A second function stands in another block, in prose, or is an alias; the prompt may announce it."""
    for prompt in ("", "def enc(s):\n    'Encode.'\n\n\ndef dec(s):\n    'Decode.'\n"):
        module = run(extract(text, mode="answer", prompt=prompt, entry_point="enc", also=("enc", "dec")))
        assert module["dec"](module["enc"]("ab")) == "ab"


def test_a_class_in_prose_is_found():
    """The tests may call a class, which prose may stand around."""
    text = "Here's the class:\n\nclass total:\n    def __init__(self, xs):\n        self.n = 6\n\nIt's done."
    assert run(answer(text))["total"]([]).n == 6


HEADS = ["[PYTHON] ", "<|python_tag|>", "<|START_RESPONSE|>", "<|im_start|>assistant<|im_sep|>", "<unused12>"]


@pytest.mark.parametrize("head", HEADS)
def test_a_token_on_the_line_of_def_goes(head):
    """What looks like a token ahead of the function hides it nowhere, and the strategy says so."""
    for text in (head + FUNCTION, fence(head + FUNCTION), f"It's so:\n\n{head}{FUNCTION}\nIt's done."):
        found = answer(text)
        assert run(found)["total"]([1, 2, 3]) == 6
        assert "special_tokens" in found.strategy


TAILS = [
    "<EOT>",
    "<eot>",
    " <EOT>\n",
    "<fim-middle>",
    "<|endoftext|",
    "<|end_of_te",
    "</s",
    "[/INST]",
    "<turn|>",
]


@pytest.mark.parametrize("tail", TAILS)
def test_a_token_at_the_end_goes(tail):
    """Whole or cut by the limit, in completions and answers, where the text compiles only without it."""
    body, function = BODY.rstrip("\n") + tail, FUNCTION.rstrip("\n") + tail
    found = (completion(body), completion(body.lstrip()), answer(body), answer(f"```python\n{function}"))
    for one in found:
        assert run(one)["total"]([1, 2, 3]) == 6
        assert "special_tokens" in one.strategy


@pytest.mark.parametrize(
    "text",
    [
        "    return xs <y> z\n",
        "    return xs <xs>",
        "    return [1][0]",
        '    print("<EOT>")\n    return 1',
        "    return 1 < 2 > 1",
        "    x: list[int] = []\n    return x[0]",
        "    return '''\n<EOT>\n'''",
        '    return "<|end',
    ],
)
def test_honest_code_keeps_its_end(text):
    """Comparisons, subscripts and strings are no tokens, even where they break off."""
    assert completion(text).code == completion("    pass").code.removesuffix("    pass") + text


ANALYSIS = "<|channel|>analysis<|message|>"


@pytest.mark.parametrize(
    "between",
    [
        "<|end|>",
        "<|end|><|start|>assistant",
        "<|end|><|start|>assistant<|message|>",
        f"<|end|><|start|>assistant{ANALYSIS}more<|end|>",
    ],
)
def test_text_behind_a_closed_analysis_is_the_answer(between):
    """With a header or without, what follows the last closed message of analysis is the answer."""
    draft = fence("def total(xs):\n    return -1\n")
    for code in (FUNCTION, fence(FUNCTION)):
        assert run(answer(f"{ANALYSIS}{draft}{between}{code}"))["total"]([1, 2, 3]) == 6
    nothing = answer(f"{ANALYSIS}{fence(FUNCTION)}{between.removesuffix('more<|end|>')}")
    assert nothing.code is None


STACK = (
    "class Stack:\n    def push(self, x):\n        self.x = x\n\n    def pop(self):\n        return self.x\n"
)


@pytest.mark.parametrize(
    ("excerpt", "strategy"),
    [
        ("class Stack:\n    def push(self, x):\n        self.x = x\n", "fence"),
        ("class Stack:\n    ...\n    def pop(self):\n        return self.x\n", "fence"),
        ("class Stack:\n    def push(self, x):\n        self.y = x\n", "fence+undecided"),
        ("class Stack:\n    def pop(self):\n        ...\n        return self.x\n", "fence"),
        ("class Stack:\n    def push(self, x): ...\n    def pop(self): ...\n", "fence"),
    ],
)
def test_an_excerpt_is_no_answer(excerpt, strategy):
    """A class with fewer methods below the whole one explains it; where it differs, the strategy says so."""
    found = extract(fence(STACK) + "Here\n" + fence(excerpt), mode="answer", prompt="", entry_point="Stack")
    assert (found.code, found.strategy) == (STACK, strategy)
    anew = "class Stack:\n    def push(self, x): return x\n    def pop(self): return 0\n"
    draft = STACK + "\n    def _grow(self):\n        pass\n"
    found = extract(fence(draft) + "No:\n" + fence(anew), mode="answer", prompt="", entry_point="Stack")
    assert (found.code, found.strategy) == (anew, "fence")


def test_a_function_that_leaves_something_out():
    """A block with `...` shows a part of the function; it is the answer only where there is no other."""
    whole = "def enc(s):\n    t = s[1:]\n    return t + s[0]\n"
    part = "def enc(s):\n    ...\n    return t + s[0]\n"
    for text, code in ((fence(whole) + fence(part), whole), (fence(part), part)):
        assert extract(text, mode="answer", prompt="", entry_point="enc").code == code
