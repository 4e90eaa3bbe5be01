"""Whatever the text: no exception, a closed set of strategies, bounded time."""

from __future__ import annotations

import ast
import functools
import time
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapes import BARE, BODY, FILE, FUNCTION, HELPED, PROMPT, TABBED, answer, completion, fence

from passk_tasks.extraction import Extraction, Repair, Strategy, extract, syntax
from passk_tasks.tasks.values import EXTRACTIONS

MARKDOWN = ["```", "```python\n", "~~~", "````", "1. ", "- ", "**", "Text", "`", ">>> ", "# "]
TAGS = ["<think>", "</think>", "</thinking>", "<|channel|>", "<|message|>", "final", "analysisW", "</s>"]
CODE = ["def total(xs):\n", "    return sum(xs)\n", "import x\n", "class A:\n", "return", "lambda:", "async "]
EXAMPLES = ["if __name__ == '__main__':\n", "total(1)\n", "assert total\n", "total = 1\n", "print(1)\n"]
SIGNS = ["'", '"""', "(", "@", ";", "\\", "'\\d'", "from __future__ import annotations\n", "<|im_end|>"]
CHARACTERS = ["\n", "    ", "\t", "\r\n", "\r", "\0", "\ud800", "\ufeff", "\x0c", "\u2028"]
PIECES = st.sampled_from([*MARKDOWN, *TAGS, *CODE, *EXAMPLES, *SIGNS, *CHARACTERS])
TEXTS = st.one_of(
    st.text(st.characters(), max_size=200),
    st.lists(PIECES, max_size=40).map("".join),
    st.lists(st.one_of(PIECES, st.sampled_from([FUNCTION, BODY, FILE, fence(FUNCTION)])), max_size=12).map(
        "".join
    ),
)
STOPS = st.lists(st.sampled_from(["\ndef", "\nclass", "```", "\n#", "return", "x", ""]), max_size=4)
LABELS = {repair.value for repair in Repair}


@settings(max_examples=400)
@given(
    TEXTS,
    st.sampled_from(EXTRACTIONS),
    st.sampled_from([PROMPT, HELPED, BARE, TABBED, "", "Sum\0 \ud800"]),
    STOPS,
)
def test_extraction_never_raises_and_speaks_a_closed_language(text, mode, prompt, stops):
    """Any text gives a known strategy, None exactly under `none:…`, and the same a second time."""
    found = extract(text, mode=mode, prompt=prompt, entry_point="total", stops=stops)
    strategy, *repairs = found.strategy.split("+")
    assert strategy in {member.value for member in Strategy}
    assert set(repairs) <= LABELS
    assert len(set(repairs)) == len(repairs)
    assert isinstance(found.code, str) == (not strategy.startswith("none:"))
    assert extract(text, mode=mode, prompt=prompt, entry_point="total", stops=stops) == found


@settings(max_examples=200)
@given(TEXTS, STOPS)
def test_a_completion_without_repair_is_a_prefix_of_the_text(text, stops):
    """Below the prompt stands the text up to its first stop sequence, and no stop sequence."""
    found = completion(text, stops=tuple(stops))
    if found.strategy == "body":
        assert found.code is not None
        assert found.code.startswith(PROMPT)
        body = found.code.removeprefix(PROMPT)
        assert text.startswith(body)
        assert not any(stop in body for stop in stops if stop)


@settings(max_examples=200)
@given(TEXTS)
def test_extracting_from_extracted_code_changes_nothing(text):
    """A candidate that compiles is an answer that gives itself."""
    found = answer(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(found.code or "(", "<candidate>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return
    assert answer(found.code or "").code == found.code


@functools.cache
def hostile(size: int) -> dict[str, str]:
    """Return texts of up to so many bytes, each of another kind."""
    return {
        "parentheses": "(" * 100_000,
        "parentheses, balanced": "(" * 50_000 + ")" * 50_000,
        "parentheses in a function": "def total(xs):\n    return " + "(" * 100_000,
        "brackets in a fence": "```python\ntotal = " + "[" * 100_000 + "\n```",
        "braces in a fence": "```python\ntotal = " + "{1:" * 30_000,
        "sum": "def total(xs):\n    return " + "1+" * 40_000 + "1\n",
        "negations": "def total(xs):\n    return " + "not " * 30_000 + "1\n",
        "minus": "total = " + "-" * 100_000 + "1\n",
        "lambdas": "total = " + "lambda:" * 18_000 + "1\n",
        "attributes": "total = x" + ".a" * 60_000,
        "calls": "total = x" + "()" * 60_000,
        "elif": "def total(xs):\n    if 1: pass\n" + "    elif 1: pass\n" * 7_000,
        "indentation": "def total(xs):\n" + "".join(" " * n + "if 1:\n" for n in range(1, 500)),
        "digits": "total = " + "9" * 120_000,
        "one long line": "x" * size,
        "spaces": " " * size,
        "newlines": "\n" * size,
        "lines": "x\n" * (size // 2),
        "definitions": "def total(xs):\n    return 1\n" * (size // 29),
        "broken definitions": "def total(xs)\n" * (size // 14),
        "imports and prose": "import x\nand then\n" * (size // 18) + FUNCTION,
        "fences": "```\n" * (size // 4),
        "fences without lines": "```" * (size // 3),
        "python fences": "```python\ndef total(xs\n```\n" * (size // 28),
        "open python fences": "```python\ntotal\n" * (size // 16),
        "bodies in fences": "```\nreturn 1\n```\n" * (size // 17),
        "docstring fences": '```\ntotal = """\n```\n' * (size // 20),
        "tildes": "~" * size,
        "backticks": "`" * size,
        "opening tags": "<think>" * (size // 7),
        "opening tags on lines": "<think>\n" * (size // 8),
        "closing tags": "</think>" * (size // 8),
        "closing tags on lines": "</think>\n" * (size // 9),
        "both tags": "<think>a</think>" * (size // 16),
        "tags of two kinds": "<think>\n<thought>\n" * (size // 18) + "</think>",
        "half tags": "<" * size,
        "tags in fences": "```\n<think>\n</think>\n" * (size // 22),
        "channels": "<|channel|>final<|message|>" * (size // 27),
        "channel headers": "<|channel|>a" * (size // 12),
        "special tokens": "</s>" * (size // 4),
        "leading tokens": "<s>" * (size // 3) + "x",
        "tokens": "a<|im_end|>" * (size // 11),
        "quoted tokens": "'<|im_end|>' " * (size // 13),
        "quotes": "'" * size,
        "triple quotes": "def total(xs):\n" + '"""' * (size // 3),
        "NULs": "\0" * size,
        "lone surrogates": "\ud800" * size,
        "NUL in a function": "def total(xs):\n    return '\0'\n",
        "surrogate in a function": "def total(xs):\n    return '\udcff'\n",
        "backslashes": "\\" * size,
        "backslash lines": "total = 1 + \\\n" * (size // 14),
        "invalid escapes": "def total(xs):\n    return " + "'\\d' " * 20_000,
        "helpers": fence("def total(xs): return a0\n")
        + "".join(fence(f"def a{n}(): return a{n + 1}\n") for n in range(20_000)),
        "carriage returns": "\r" * size,
        "bullets": "- " * (size // 2),
        "blocks of HTML": "<pre>" * (size // 5),
        "files that a shell writes": "".join(f"<<A{n}\n" for n in range(size // 8)),
        "patches": "```diff\n+a\n```\n" * (size // 15),
        "numbered lines": "".join(f"{n} x\n" for n in range(size // 8)),
        "asserts": FUNCTION + "assert total\n" * 9_000,
    }  # fmt: skip


MEBI = 1 << 20
SIZES = [pytest.param(MEBI // 4, id="quarter"), pytest.param(MEBI, id="mebibyte", marks=pytest.mark.slow)]


@pytest.mark.parametrize("name", hostile(0))
@pytest.mark.parametrize("mode", ["answer", "completion"])
@pytest.mark.parametrize("size", SIZES)
def test_hostile_text_is_survived_in_time(size, name, mode, recwarn):
    """No text of up to a mebibyte raises, warns, or hangs the extraction."""
    before = time.process_time()
    text = hostile(size)[name]
    found = extract(text, mode=mode, prompt=PROMPT, entry_point="total", stops=["\nclass ", "\nprint("])
    # A mebibyte takes about a second; a guard against a hang, for what is quadratic takes hours.
    assert time.process_time() - before < 120 * size / MEBI
    assert isinstance(found, Extraction)
    assert not recwarn.list


def test_a_warning_in_the_code_is_neither_printed_nor_an_error(capsys):
    """Code that compiles with a SyntaxWarning is code, also where warnings are errors."""
    text = "def total(xs):\n    assert (xs, '')\n    return '\\d' is 1 or sum(xs)\n"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert answer(fence(text)).strategy == "fence"
        assert completion(text).strategy == "restated_function"
    assert capsys.readouterr() == ("", "")


def test_a_count_that_other_threads_spoilt_costs_no_answer(monkeypatch):
    """What CPython 3.11 says of a right text while another thread converts a tree is not its verdict."""
    parse, failures = (
        ast.parse,
        [SystemError("AST constructor recursion depth mismatch (before=25, after=26)")],
    )

    def spoilt(source, *rest, **named):
        if failures:
            raise failures.pop()
        return parse(source, *rest, **named)

    monkeypatch.setattr(ast, "parse", spoilt)
    assert syntax.Parser().parse(FUNCTION) is not None
    assert not failures
