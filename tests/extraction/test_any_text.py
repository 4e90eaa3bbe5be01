"""Whatever the text: no exception, a closed set of strategies, bounded time."""

from __future__ import annotations

import ast
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


MEBI = 1 << 20
HOSTILE = {
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
    "one long line": "x" * MEBI,
    "spaces": " " * MEBI,
    "newlines": "\n" * MEBI,
    "lines": "x\n" * (MEBI // 2),
    "definitions": "def total(xs):\n    return 1\n" * (MEBI // 29),
    "broken definitions": "def total(xs)\n" * (MEBI // 14),
    "imports and prose": "import x\nand then\n" * (MEBI // 18) + FUNCTION,
    "fences": "```\n" * (MEBI // 4),
    "fences without lines": "```" * (MEBI // 3),
    "python fences": "```python\ndef total(xs\n```\n" * (MEBI // 28),
    "open python fences": "```python\ntotal\n" * (MEBI // 16),
    "bodies in fences": "```\nreturn 1\n```\n" * (MEBI // 17),
    "docstring fences": '```\ntotal = """\n```\n' * (MEBI // 20),
    "tildes": "~" * MEBI,
    "backticks": "`" * MEBI,
    "opening tags": "<think>" * (MEBI // 7),
    "opening tags on lines": "<think>\n" * (MEBI // 8),
    "closing tags": "</think>" * (MEBI // 8),
    "closing tags on lines": "</think>\n" * (MEBI // 9),
    "both tags": "<think>a</think>" * (MEBI // 16),
    "tags of two kinds": "<think>\n<thought>\n" * (MEBI // 18) + "</think>",
    "half tags": "<" * MEBI,
    "tags in fences": "```\n<think>\n</think>\n" * (MEBI // 22),
    "channels": "<|channel|>final<|message|>" * (MEBI // 27),
    "channel headers": "<|channel|>a" * (MEBI // 12),
    "special tokens": "</s>" * (MEBI // 4),
    "leading tokens": "<s>" * (MEBI // 3) + "x",
    "tokens": "a<|im_end|>" * (MEBI // 11),
    "quoted tokens": "'<|im_end|>' " * (MEBI // 13),
    "quotes": "'" * MEBI,
    "triple quotes": "def total(xs):\n" + '"""' * (MEBI // 3),
    "NULs": "\0" * MEBI,
    "lone surrogates": "\ud800" * MEBI,
    "NUL in a function": "def total(xs):\n    return '\0'\n",
    "surrogate in a function": "def total(xs):\n    return '\udcff'\n",
    "backslashes": "\\" * MEBI,
    "backslash lines": "total = 1 + \\\n" * (MEBI // 14),
    "invalid escapes": "def total(xs):\n    return " + "'\\d' " * 20_000,
    "helpers": fence("def total(xs): return a0\n")
    + "".join(fence(f"def a{n}(): return a{n + 1}\n") for n in range(20_000)),
    "carriage returns": "\r" * MEBI,
    "bullets": "- " * (MEBI // 2),
    "blocks of HTML": "<pre>" * (MEBI // 5),
    "files that a shell writes": "".join(f"<<A{n}\n" for n in range(MEBI // 8)),
    "patches": "```diff\n+a\n```\n" * (MEBI // 15),
    "numbered lines": "".join(f"{n} x\n" for n in range(MEBI // 8)),
    "asserts": FUNCTION + "assert total\n" * 9_000,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("mode", ["answer", "completion"])
def test_hostile_text_is_survived_in_time(name, mode, recwarn):
    """No text of up to a mebibyte raises, warns, or hangs the extraction."""
    before = time.process_time()
    found = extract(
        HOSTILE[name], mode=mode, prompt=PROMPT, entry_point="total", stops=["\nclass ", "\nprint("]
    )
    # It takes about a second; a guard against a hang, for what is quadratic takes hours.
    assert time.process_time() - before < 120
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
