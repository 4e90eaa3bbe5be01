"""Syntax of newer Pythons than the one that looks."""

from __future__ import annotations

import ast
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapes import PROMPT, answer, completion, fence

from passk_tasks.extraction import extract
from passk_tasks.extraction.newer import as_older
from passk_tasks.extraction.syntax import is_newer, names

NEWER = {
    "its own quotes": 'x = f"{d["a"]} and {d["b"]:>{w["c"]}}"\n',
    "triple quotes": 'x = f"""\n{f\'{d["""a"""]}\'}\n"""\n',
    "a backslash": "x = f'{\"\\n\".join(rows)}'\n",
    "a comment": 'x = f"{\n    d["a"]  # }\n}"\n',
    "in one another": "x = f'{f'{f'{1}'}'}'\n",
    "a raw one": 'x = rf"{d["\\d"]}\\d"\n',
    "beside others": 'x = (f"{d["a"]}"\n     "b" f"{c}")\n',
    "a function's parameters": "def f[T: (int, str), *Ts](x: T) -> list[T]:\n    return [x]\n",
    "a class's": "class A[T](dict[str, T]):\n    pass\n",
    "an alias": "type Pair[T] = tuple[T, T]\n",
    "a nested alias": "def f():\n    type X = int\n    return X\n",
}
OLDER = [
    "x = f\"{d['a']:>{w}} {{}} {a!r} {a != b}\"\n",
    "# it's f\"{\nx = 1\n",
    'x = """ f"{d["a"]}" """\n',
    'x = "a\\"b"; y = f"\\n{x}"\n',
    "x = {'f': 1}\ntype = 3\nprint(type(x))\n",
    "def f(x): return x[0]\nclass A(list[int]): pass\n",
]
PIECES = st.sampled_from(
    ["f", "'", '"', '"""', "{", "}", "{{", ":", "\n", "\\", "#", "x", "[", "]", "(", "type X = ", "def f["]
)


def parses(source: str) -> bool:
    """Whether this Python parses a source."""
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


@pytest.mark.parametrize("source", NEWER.values(), ids=NEWER)
def test_newer_syntax_is_put_in_older_words(source):
    """Every Python parses it then, line by line."""
    older = as_older(source)
    assert parses(older)
    assert older.count("\n") == source.count("\n")
    assert is_newer(source) is (sys.version_info < (3, 12))
    assert names(source) is not None


@pytest.mark.parametrize("source", OLDER)
def test_older_syntax_stays(source):
    """What every Python knows is not touched."""
    assert as_older(source) == source
    assert not is_newer(source)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_whatever_the_text_lines_stay(text):
    """Nothing raises, and what is broken in every Python stays broken where nothing newer stands in it."""
    older = as_older(text)
    assert older.count("\n") == text.count("\n")
    if parses(text):
        assert parses(older)


@pytest.mark.parametrize(
    "source", ['x = f"{d["a"]}\n', "x = f'{d[0}'\n", "def f[T(x): pass\n", "x = f'{1'\n"]
)
def test_what_no_python_parses_is_not_called_newer(source):
    """A string without an end, a bracket without its other one."""
    assert not is_newer(source)


def test_names_in_such_strings_are_seen():
    """In their fields, the fields of their formats, and strings in them; not in their text."""
    scope = names('x = f"{a("a")!r:>{b["b"]}} text {c=} {f"{d["d"]}"} {e != {\'k\': g}}"\n')
    assert scope is not None
    assert scope.used == {"a", "b", "c", "d", "e", "g"}


def test_a_helper_that_only_such_a_string_calls_stays():
    """In every mode that cuts what the function does not reach."""
    helper = "def shown(x):\n    return str(x)\n\n\n"
    text = f'{helper}def total(xs):\n    return f"{{shown("a")}}" and sum(xs)\n\n\nprint(total([1]))\n'
    for found in (
        answer(fence(text)),
        answer(text),
        extract(text, mode="sanitized", prompt="", entry_point="total"),
    ):
        assert "def shown" in found.code
        assert "print(total" not in found.code


FUNCTION = 'def total(xs):\n    return f"{xs["a"]}" and sum(xs)\n'


def test_an_answer_in_newer_syntax_is_found_whole():
    """As another Python would find it: without its examples and the prose around it; the strategy says so."""
    label = "+newer_syntax" if sys.version_info < (3, 12) else ""
    for text, strategy in (
        (f"Here:\n{fence(FUNCTION + 'print(total([1]))' + chr(10))}Done.", "fence+examples"),
        (f"It is this:\n\n{FUNCTION}\nIt adds them.", "prose_code"),
        (FUNCTION, "restated_function"),
    ):
        found = answer(text)
        assert found.strategy == strategy + label
        assert FUNCTION.strip() in found.code
        assert "print" not in found.code
    body = completion('    return f"{xs["a"]}"\n')
    assert (body.strategy, body.code) == (f"body{label}", PROMPT + '    return f"{xs["a"]}"\n')
