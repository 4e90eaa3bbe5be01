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


def test_saved_completions_are_middles() -> None:
    """Verbatim, too, the suffix follows the text: the form of openai/human-eval-infilling's samples."""
    found = extraction.extract("b", mode="verbatim", prompt="a", entry_point="f", suffix="c")
    assert found.code == "abc"


def test_missing_suffix() -> None:
    """A row without a suffix is named with what it should have."""
    row = {key: value for key, value in ROWS[0].items() if key != "suffix"}
    with pytest.raises(DatasetError, match=r"'SingleLineInfilling/HumanEval/32/L0': column 'suffix' is miss"):
        FAMILY.problem(row)
