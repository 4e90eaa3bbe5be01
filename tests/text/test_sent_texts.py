"""What was sent, as text, and the lines in which texts differ."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.results import reading
from passk_tasks.results.differing import Condition, own_parts
from passk_tasks.text import sent
from passk_tasks.text.terminal import Page

LINES = st.lists(st.sampled_from(["a", "b", "  c", "", "a b"]), max_size=12).map("\n".join)


@given(LINES, LINES)
def test_the_lines_that_differ_are_all_there(before, after):
    """With all lines around, both texts can be read from what is shown."""
    found = list(sent.changed_lines(before, after, around=50))
    if before == after:
        assert found == []
    else:
        assert "\n".join(line for mark, line in found if mark in " -") == before
        assert "\n".join(line for mark, line in found if mark in " +") == after


def test_lines_far_from_a_change_are_left_out():
    """A mark stands for them."""
    before = "\n".join(map(str, range(20)))
    found = list(sent.changed_lines(before, before.replace("9", "nine", 1)))
    assert found == [("…", ""), (" ", "8"), ("-", "9"), ("+", "nine"), (" ", "10")]


def test_each_text_is_set_against_the_usual_one():
    """Titles name the runs; lists are texts with an item a line; what is no text has no lines."""
    conditions = [
        Condition("temperature", (0.2, 0.8, 0.8)),
        Condition("system_instruction", ("Be short.", "none", "none")),
        Condition("stops", (["\n#"], ["\n#"], [])),
    ]
    assert list(sent.texts(conditions, "ABC")) == [
        ("system instruction: - others, + A", [("+", "Be short.")]),
        ("stop list: - others, + C", [("-", '"\\n#"')]),
    ]
    assert sent.by_value(conditions[0], "ABC") == "A: 0.2; others: 0.8"


@given(st.lists(st.text(max_size=80), min_size=1, max_size=6))
def test_different_texts_have_different_parts(texts):
    """Parts have one line and a bounded length, apart from a number; the same text has the same part."""
    parts = own_parts(texts, 20)
    assert len(set(parts)) == len(set(texts))
    for one, part in zip(texts, parts, strict=True):
        assert part == parts[texts.index(one)]
        assert len(part) <= 20 + len(" (6)")
        assert len(part.splitlines()) <= 1


def test_what_was_sent_is_shown(tmp_path, evaluated):
    """Instruction, template, a problem's prompt as it went out, and every condition by name."""
    told = {"system_instruction": "You write\nPython.", "system_instruction_sha": "x"}
    packages = {"numpy": "2.0.0"}
    path = evaluated(
        tmp_path, {"HumanEval/0": (1, 1)}, content=told, prompt="Solve {task_id}:\n", packages=packages
    )
    (run,) = reading.load_all(path)
    page = Page()
    sent.sent(page, run)
    out = str(page)
    assert "  system instruction\n    You write\n    Python.\n" in out
    assert "  HumanEval/0, as it was sent\n    Solve HumanEval/0:\n" in out
    assert "  prompt, the template\n    {{prompt}}\n" in out
    assert "  chat template\n    none\n" in out
    assert "  packages     numpy 2.0.0" in out
