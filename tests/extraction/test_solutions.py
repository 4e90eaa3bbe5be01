"""HumanEval's own solutions in many wrappings, and real generations of a base model."""

from __future__ import annotations

import ast
import gzip
import json
import sys
import types
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapes import DATA, PROBLEMS, fence, run

from passk_tasks.extraction import Extraction, extract

GENERATIONS = DATA / "gemma3_270m_humaneval_n20.jsonl.gz"
GENERATION_STOPS = ("\nclass ", "\ndef ", "\n# ", "\nif ", "\nprint")


def function_only(problem: dict[str, str]) -> str:
    """Return the source of the entry point's definition alone."""
    source = problem["prompt"] + problem["canonical_solution"]
    node = next(n for n in ast.parse(source).body if getattr(n, "name", "") == problem["entry_point"])
    return "\n".join(source.split("\n")[node.lineno - 1 : node.end_lineno]) + "\n"


def whole(problem: dict[str, str]) -> str:
    """Return prompt and solution."""
    return problem["prompt"] + problem["canonical_solution"]


PROSE = "It's simple; let me explain (briefly)."
SHAPES = {
    "body": ("completion", lambda p: p["canonical_solution"]),
    "body, stripped": ("completion", lambda p: p["canonical_solution"].strip()),
    "body, verbatim": ("verbatim", lambda p: p["canonical_solution"]),
    "file, completion": ("completion", whole),
    "body, answer": ("answer", lambda p: p["canonical_solution"]),
    "body, answer, stripped": ("answer", lambda p: p["canonical_solution"].strip()),
    "body in a fence": ("answer", lambda p: f"{PROSE}\n{fence(p['canonical_solution'])}{PROSE}"),
    "function": ("answer", function_only),
    "file": ("answer", whole),
    "function in a fence": ("answer", lambda p: fence(function_only(p))),
    "file in a fence": ("answer", lambda p: f"{PROSE}\n\n{fence(whole(p), '')}\n{PROSE}"),
    "prompt, then solution": (
        "answer",
        lambda p: f"You asked:\n{fence(p['prompt'])}\n{PROSE}\n{fence(function_only(p))}",
    ),
    "list item": ("answer", lambda p: "1. Code:\n" + "   ".join(("\n" + fence(whole(p))).splitlines(True))),
    "unclosed": ("answer", lambda p: f"{PROSE}\n```py\n{function_only(p)}"),
    "prefilled": ("answer", lambda p: f"{p['canonical_solution']}```\n{PROSE}\n```python\nprint(1)\n```"),
    "think": ("answer", lambda p: f"<think>\n{PROSE}\n```python\n{p['prompt']}\n</think>\n{fence(whole(p))}"),
    "think, unfenced": ("answer", lambda p: f"{PROSE}\n</think>\n\n{function_only(p)}"),
    "function in prose": ("answer", lambda p: f"{PROSE}\n\n{function_only(p)}\n{PROSE}\n"),
    "file in prose": ("answer", lambda p: f"{PROSE}\n\n{whole(p)}\n{PROSE}\n"),
    "examples": (
        "answer",
        lambda p: fence(whole(p) + f"\nassert {p['entry_point']}() == 1\nprint({p['entry_point']}())\n"),
    ),
    "CRLF": ("answer", lambda p: f"{PROSE}\n{fence(whole(p))}".replace("\n", "\r\n")),
}


def fingerprint(function: types.FunctionType) -> tuple[object, ...]:
    """Return what makes two compiled functions the same, whatever file and line they come from."""

    def of(code: types.CodeType) -> tuple[object, ...]:
        constants = tuple(of(c) if isinstance(c, types.CodeType) else c for c in code.co_consts)
        return code.co_code, code.co_names, code.co_varnames, repr(constants)

    return of(function.__code__)


@pytest.mark.parametrize("shape", SHAPES)
def test_humanevals_solutions_survive_every_shape(shape):
    """Each of the 164 canonical solutions comes back as the same function."""
    mode, wrap = SHAPES[shape]
    for task_id, problem in PROBLEMS.items():
        name = problem["entry_point"]
        found = extract(wrap(problem), mode=mode, prompt=problem["prompt"], entry_point=name)
        expected = run(Extraction(whole(problem), ""))
        actual = run(found)
        mine, theirs = actual[name], expected[name]
        assert fingerprint(mine)[:3] == fingerprint(theirs)[:3], (task_id, found)
        # The prompt's helpers and constants are there too.
        assert {key for key in expected if key != "__builtins__"} <= set(actual), task_id


@pytest.mark.skipif(not GENERATIONS.exists(), reason=f"{GENERATIONS.name} is not beside this checkout")
def test_real_completions_are_appended_unchanged():
    """Of 3,280 generations of a base model, those with any text are prompt + completion, none repaired."""
    strategies = Counter()
    with gzip.open(GENERATIONS, "rt", encoding="utf-8") as lines:
        for sample in map(json.loads, lines):
            problem = PROBLEMS[sample["task_id"]]
            found = extract(
                sample["completion"],
                mode="completion",
                prompt=problem["prompt"],
                entry_point=problem["entry_point"],
                stops=GENERATION_STOPS,
            )
            strategies[found.strategy] += 1
            if sample["completion"].strip():
                assert found.code == problem["prompt"] + sample["completion"]
            else:
                assert found.code is None
    newer = int(sys.version_info < (3, 12))  # f"{string.count("s")}"
    assert strategies == {"body": 3262 - newer, "body+newer_syntax": newer, "none:empty": 18}


@settings(max_examples=100)
@given(st.sampled_from(sorted(PROBLEMS)), st.sampled_from(sorted(SHAPES)))
def test_a_found_solution_is_a_fixed_point(task_id, shape):
    """What was extracted from a right answer is extracted from itself, unchanged."""
    mode, wrap = SHAPES[shape]
    problem = PROBLEMS[task_id]
    keys = {"prompt": problem["prompt"], "entry_point": problem["entry_point"]}
    found = extract(wrap(problem), mode=mode, **keys)
    assert extract(found.code or "", mode="answer", **keys).code == found.code
