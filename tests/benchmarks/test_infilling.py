"""Tests of passk_tasks.benchmarks.infilling."""

from __future__ import annotations

import hub_layout
import pytest

from passk_tasks import benchmarks, extraction
from passk_tasks.benchmarks.infilling import SUBSETS
from passk_tasks.errors import DatasetError
from passk_tasks.program import Judge

FAMILY = benchmarks.get("humaneval_infilling_single_line")
ROWS = hub_layout.rows("humaneval_infilling_single_line")


def test_subsets() -> None:
    """The four subsets are the configurations of the hub's repository."""
    assert [family.hub_name for family in SUBSETS] == [
        "HumanEval-SingleLineInfilling",
        "HumanEval-MultiLineInfilling",
        "HumanEval-RandomSpanInfilling",
        "HumanEval-RandomSpanInfillingLight",
    ]


def test_gaps_of_one_function_are_a_cluster() -> None:
    """Whatever the subset, the function is in the name of the gap."""
    names = ("SingleLineInfilling/HumanEval/12/L0", "MultiLineInfilling/HumanEval/12/L0_L1")
    names += ("RandomSpanInfilling/HumanEval/12/7", "RandomSpanInfillingLight/HumanEval/12")
    found = [FAMILY.problem({**ROWS[0], "task_id": name}).cluster for name in names]
    assert found == ["HumanEval/12"] * 4
    assert FAMILY.problem({**ROWS[0], "task_id": "mine"}).cluster is None


def test_helpers_of_any_prefix_reach_the_tests() -> None:
    """Tests get the helpers of the prompt, even where it ends within a line, and are judged by isolated."""
    row = {**ROWS[0], "prompt": ROWS[0]["prompt"] + "    x = next(", "canonical_solution": "iter([n]))\n"}
    problem = FAMILY.problem(row)
    assert FAMILY.one_process(problem) is None
    assert FAMILY.program(problem, "", Judge.ISOLATED).tests.prelude == "def square(x):\n    return x * x\n"


@pytest.mark.parametrize(
    ("text", "middle"),
    [
        ("+", "+"),
        (" +  ", " +  "),
        ("", ""),
        ("+<|endoftext|>", "+"),
        ("+<fim_pad><|endoftext|>", "+"),
        ("+STOP and more", "+"),
        ("+<|file_sep|>import os", "+"),
    ],
)
def test_the_middle_is_taken_as_it_is(text: str, middle: str) -> None:
    """A candidate is prefix, middle and suffix; only stop sequences and control tokens are cut off."""
    problem = FAMILY.problem(ROWS[1])
    found = extraction.extract(
        text,
        mode="completion",
        prompt=problem.prompt,
        entry_point=problem.entry_point,
        stops=["STOP"],
        suffix=problem.suffix,
    )
    assert found.code == f"{problem.prompt}{middle}{problem.suffix}"


@pytest.mark.parametrize(
    ("text", "strategy"),
    [
        ("    y = b\n", "body"),
        ("    y = b\n <EOT>", "body+special_tokens"),
        ("    y = b\n<EOT>", "body+special_tokens"),
        ("    y = b\n ", "body+special_tokens"),  # the stop `<EOT>` leaves the token's blank
        ("    y = b\n▁", "body+special_tokens"),
        ("    y = b\n </s>", "body+special_tokens"),
        ("    y = b\n<|endof", "body+special_tokens"),
        ("<|fim_middle|>    y = b\n", "body+special_tokens"),
        (" <MID>    y = b\n <EOT>", "body+special_tokens"),
        ("<fim_middle>\n    y = b\n<fim-suffix>", "body+special_tokens"),
        ("   y = b\n", "body+indent"),  # decoders of sentencepiece drop the first space
        ("   y = b\n <EOT>", "body+indent+special_tokens"),
    ],
)
def test_lines_of_a_gap_keep_their_ends(text: str, strategy: str) -> None:
    """A token takes its own blank with it, and not the end of the line that parts the gap from the suffix."""
    prefix, suffix = "def add(a, b):\n    x = a\n", "    return x + y\n"
    found = extraction.extract(text, mode="completion", prompt=prefix, entry_point="add", suffix=suffix)
    assert found.code in (f"{prefix}    y = b\n{suffix}", f"{prefix}\n    y = b\n{suffix}")
    assert set(found.strategy.split("+")) == set(strategy.split("+"))


@pytest.mark.parametrize("text", ["   y = b\n  z = 1\n", "y = b\n", "    x = a\n    return x\n  "])
def test_a_middle_that_is_wrong_stays_as_it_is(text: str) -> None:
    """Only a first space is put back, and nothing is changed where the program does not compile with that."""
    prefix, suffix = "def add(a, b):\n    x = (\n", "    return x + y\n"
    found = extraction.extract(text, mode="completion", prompt=prefix, entry_point="add", suffix=suffix)
    assert found.code == prefix + text + suffix


@pytest.mark.parametrize(
    ("text", "strategy"),
    [
        ("    y = b\n", "body"),
        ("The missing line:\n\n```python\n    y = b\n```\n", "fence_body"),
        ("```python\n    y = b\n    return x + y\n```\n", "fence_body"),
        ("```python\ndef add(a, b):\n    x = a\n    y = b\n    return x + y\n```\n", "fence"),
    ],
)
def test_an_answer_of_a_chat_model_is_the_gap_or_the_whole(text: str, strategy: str) -> None:
    """The suffix follows an answer that holds the gap alone, and no answer that ends with it."""
    prefix, suffix = "def add(a, b):\n    x = a\n", "    return x + y\n"
    found = extraction.extract(text, mode="answer", prompt=prefix, entry_point="add", suffix=suffix)
    assert (found.code, found.strategy) == (f"{prefix}    y = b\n{suffix}", strategy)


def test_an_answer_may_be_a_gap_within_a_line() -> None:
    """What is no body either is tried between prefix and suffix."""
    prefix, suffix = "def add(a, b):\n    return a +", " b\n"
    text = "```python\n 0 +\n```"
    found = extraction.extract(text, mode="answer", prompt=prefix, entry_point="add", suffix=suffix)
    assert (found.code, found.strategy) == (f"{prefix} 0 +{suffix}", "fence_body")


def test_saved_completions_are_middles() -> None:
    """Verbatim, too, the suffix follows the text: the form of openai/human-eval-infilling's samples."""
    found = extraction.extract("b", mode="verbatim", prompt="a", entry_point="f", suffix="c")
    assert found.code == "abc"


def test_missing_suffix() -> None:
    """A row without a suffix is named with what it should have."""
    row = {key: value for key, value in ROWS[0].items() if key != "suffix"}
    with pytest.raises(DatasetError, match=r"'SingleLineInfilling/HumanEval/32/L0': column 'suffix' is miss"):
        FAMILY.problem(row)
