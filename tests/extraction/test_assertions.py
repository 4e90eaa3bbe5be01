"""Tests of the answers that are one side of an assertion."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks import extraction

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=8,
)


def side(text: str, which: str) -> str | None:
    """Return the expression in a text that was asked for one side of an assertion."""
    return extraction.extract(
        text, mode=f"assertion_{which}", prompt="", entry_point="", stops=["[/ANSWER]"]
    ).code


@given(st.lists(plain, max_size=3), plain)
def test_any_value_comes_back(arguments: list[object], output: object) -> None:
    """Whatever literals the assertion holds, `==`, `assert` and tags in them too, both sides come back."""
    # Tags within a value are the repository's stop sequence: no way around them.
    call = f"f({', '.join(map(repr, arguments))})"
    text = f"assert {call} == {output!r}"
    if "ANSWER]" in text:
        return
    for wrapped in (text, f"{text}\n[/ANSWER]\nnoise == 1", f"[ANSWER]\n{text}\n[/ANSWER]"):
        found = side(wrapped, "output")
        assert found is not None
        assert ast.literal_eval(found) == output
        assert ast.dump(ast.parse(side(wrapped, "input") or "")) == ast.dump(ast.parse(call))


@given(st.text(alphabet="f()[]{}'\"=,:; \n\\#1aassert[ANSWER]/lambda", max_size=60))
def test_any_text_is_bounded_to_one_expression(text: str) -> None:
    """No text raises, and what counts as an expression is one, unparsed to one line that is the same one."""
    for which in ("output", "input"):
        found = side(text, which)
        tree = None if found is None else extraction.expression(found)
        if tree is not None:
            again = ast.parse(f"({ast.unparse(tree)})")
            assert [type(node) for node in again.body] == [ast.Expr]


@pytest.mark.parametrize(
    ("text", "output", "call"),
    [
        (" 17\n", "17", "17"),
        ("assert f(17) == 17", "17", "f(17)"),
        ("assert f('a==b') == ['a', 'b']", "['a', 'b']", "f('a==b')"),
        ("assert f(1) == 2, 'two'", "2", "f(1)"),
        ("f(1) == 2", "2", "f(1)"),
        ("let me think [ANSWER] assert f(1) == 2 [/ANSWER] or [ANSWER]3[/ANSWER]", "2", "f(1)"),
        ("<think>assert f(9) == 9</think>\n[ANSWER]\nassert f(1) == 2\n[/ANSWER]", "2", "f(1)"),
        ("assert f(1) == 2\nassert f(2) == 3", "2\nassert f(2)", "f(1)"),
        ("assert f(1 == 2", "2", "f(1"),
        ("", None, None),
        ("[ANSWER][/ANSWER]", None, None),
        ("<think>assert f(1) == 2", None, None),
    ],
)
def test_the_repository_s_way(text: str, output: str | None, call: str | None) -> None:
    """The first answer tag, then what stands around `==`, as facebookresearch/cruxeval takes it."""
    assert (side(text, "output"), side(text, "input")) == (output, call)


@pytest.mark.parametrize(
    "text",
    [
        "1\nimport os",
        "1; import os",
        "1)\nimport os\n(1",
        "1 or True",
        "1 == 1",
        "1 if x else True",
        "1 is not None",
        "not 1",
        "lambda: 1",
        "x = 1",
        "x := 1",
        "",
        "#",
        "1 \\",
        "\0",
        "9" * 5000,
        "(" * 5000 + ")" * 5000,
        "[" * 90_000,
        "-" * 100_000 + "1",
        "1" + "+1" * 100_000,
        "assert True",
    ],
)
def test_not_one_expression(text: str) -> None:
    """What is more or less than the right side of one assertion is no expression, and costs little to say."""
    assert extraction.expression(text) is None


@pytest.mark.parametrize("text", ["1", "(x := 1)", "[1,\n 2]", "f(1)", "1 # one", "1, 'message'", "(yield)"])
def test_one_expression(text: str) -> None:
    """Any expression that binds as strongly as `==` asks for may stand there."""
    assert extraction.expression(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "[ANSWER]\n```python\n{}\n```\n[/ANSWER]",
        "I'll put it in [ANSWER] tags.\n[ANSWER]\n{}\n[/ANSWER]",
        "I use [ANSWER] and [/ANSWER].\n\n[ANSWER]\n{}\n[/ANSWER]",
        "[ANSWER] `{}` [/ANSWER]",
        "**[ANSWER]**\n**{}**\n**[/ANSWER]**",
        "```\n[ANSWER]\n{}\n[/ANSWER]\n```",
        "[ANSWER]\n~~~python\n{}\n~~~\n[/ANSWER]",
        "[answer]\n> {}\n[/answer]",
        "It adds one, so:\n\n```python\n{}\n```\n",
        "It adds 1.\n\n{}\n\nSince 2 + 1 is 3.",
        "[ANSWER]\n{}<|im_end|>",
        "[ANSWER]\n{}\n<EOT>",
        "{}<|endoft",
    ],
)
def test_what_chat_models_put_around_an_assertion(text: str) -> None:
    """Markdown, mentions of the tag, prose and tokens leave the assertion as it is."""
    found = extraction.extract(
        text.format("assert f(2) == 3"), mode="assertion_output", prompt="", entry_point=""
    )
    assert found.code == "3"
    found = extraction.extract(
        text.format("assert f(2) == 3"), mode="assertion_input", prompt="", entry_point=""
    )
    assert found.code == "f(2)"


@pytest.mark.parametrize(
    "text",
    [
        "The answer is \\boxed{['a', 'b']}.",
        "So \\(\\boxed{\\text{['a', 'b']}}\\) it is.",
        "[ANSWER]\\boxed{['a', 'b']}[/ANSWER]",
        "First \\boxed{3}, no:\n\n$\\boxed{\\texttt{['a', 'b']}}$",
        "\\boxed{assert f('x') == ['a', 'b']}",
        '{"why": "split", "answer": "assert f(\'x\') == [\'a\', \'b\']"}',
    ],
)
def test_boxes_and_json(text: str) -> None:
    """Models that reason put their answer into a box; others give it as a value of JSON."""
    assert side(text, "output") == "['a', 'b']"
    assert side("[ANSWER]\\boxed{\\{1: '\\_'\\}}[/ANSWER]", "output") == "{1: '_'}"


@pytest.mark.parametrize(
    ("text", "output", "call"),
    [
        ("assert [1, 2] == f(3)", "[1, 2]", "f(3)"),
        ("[1, 2] == f(3)", "[1, 2]", "f(3)"),
        ("assert f(3) is None", "None", "f(3)"),
        ("f(3) is True", "True", "f(3)"),
        ("f('a==b') == 'a==b'", "'a==b'", "f('a==b')"),
        ("assert f(3) == (1 < 2)", "(1 < 2)", "f(3)"),
        ("assert f(3) == (0 or [5])", "(0 or [5])", "f(3)"),
        ("assert f(3) == (not True)", "(not True)", "f(3)"),
        ("assert f(3) == f(3)", "f(3)", "f(3)"),
    ],
)
def test_sides_are_what_they_are(text: str, output: str, call: str) -> None:
    """The output may stand first, be compared by `is`, or be in parentheses that it needs to be one value."""
    assert (side(text, "output"), side(text, "input")) == (output, call)
    assert extraction.expression(output) is not None


def test_numbers_of_too_many_digits() -> None:
    """A number that Python can read, by its base, and cannot write raises nothing."""
    number = "0x" + "f" * 5000
    assert (side(f"assert f(1) == {number}", "output"), side(f"assert f({number}) == 1", "input")) == (
        number,
        f"f({number})",
    )
