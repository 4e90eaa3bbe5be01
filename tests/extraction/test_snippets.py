"""Tests of snippets: DS-1000's tags, fences, echoes of the prompt, and indentation."""

from __future__ import annotations

import library_layout
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.benchmarks import get
from passk_tasks.extraction import extract
from passk_tasks.results.samples import COMPLETION, RESPONSE, SOLUTION, Sample
from passk_tasks.scoring.candidates import candidate
from passk_tasks.tasks.catalog import load_task

FLAT, INDENTED = (str(row["prompt"]) for row in library_layout.DS1000)
CODE = "result = np.sort(a)\n"


def found(text: str, prompt: str = FLAT) -> tuple[str | None, str]:
    """Return code and strategy."""
    one = extract(text, mode="snippet", prompt=prompt, entry_point="")
    return one.code, one.strategy


@pytest.mark.parametrize(
    ("text", "strategy"),
    [
        (CODE, "body"),
        (f"\n\n{CODE}", "body"),
        (f"{CODE}</code>\nEND SOLUTION\n<code>\nprint(result)\n</code>", "body"),
        (f"{CODE}# SOLUTION END\nplt.show()", "body"),
        (f"{CODE}END SOLUTION\nIt sorts.", "body"),
        (f"<code>\n{CODE}</code>", "prose_code"),
        (f"This sorts it:\n<code>\n{CODE}</code>\nIt works.", "prose_code"),
        (f"```python\n{CODE}```", "fence"),
        (f"This sorts it:\n\n```python\n{CODE}```\n\nAnd to print:\n```python\nprint(result)\n```", "fence"),
        (f"```python\n{CODE}", "fence_unclosed"),
        (f"{CODE}```\nIt works.", "fence_prefilled"),
        (f"<code>\n```python\n{CODE}```\n</code>", "fence"),
        (f"A:\nBEGIN SOLUTION\n<code>\n{CODE}</code>", "prose_code"),
        (f"# SOLUTION START\n{CODE}# SOLUTION END", "body"),
        (f"<think>\nUse <code>sort</code>.\n</think>\n{CODE}", "body+reasoning"),
        (f"{CODE}<|im_end|>", "body+special_tokens"),
    ],
)
def test_one_snippet_in_many_dresses(text, strategy) -> None:
    """The same lines come out of tags, fences, echoes and chains of thought."""
    assert found(text) == (CODE, strategy)


@pytest.mark.parametrize(
    ("text", "strategy"),
    [
        ("", "none:empty"),
        (" \n", "none:empty"),
        ("<code>\n</code>", "none:no_code_found"),
        ("<think>\nUse sort", "none:unterminated_reasoning+reasoning"),
    ],
)
def test_no_snippet(text, strategy) -> None:
    """Nothing is nothing, with its reason."""
    assert found(text) == (None, strategy)


BODY = "    b = np.sort(a)\n    return b\n"


@pytest.mark.parametrize(
    ("text", "strategy"),
    [
        (BODY, "body"),
        (BODY[4:], "body+indent"),
        (f"```python\n{BODY}```", "fence"),
        ("```python\nb = np.sort(a)\nreturn b\n```", "fence+indent"),
        (f"\n{BODY}### END SOLUTION", "body"),
    ],
)
def test_the_end_of_a_function(text, strategy) -> None:
    """Below a prompt that ends within a function, an indentation that was lost on the way is restored."""
    assert found(text, INDENTED) == (BODY, strategy)


def test_what_the_model_wrote_stays() -> None:
    """What does not fit with any indentation is left as it is, for an honest error."""
    assert found("  b = 1\n c = 2\n", INDENTED)[0] == "  b = 1\n c = 2\n"


@given(st.text(st.sampled_from("ab =\n `<code>/~#SOLUTIONENDBEGIN") | st.characters(), max_size=200))
def test_any_text(text) -> None:
    """No text raises, and code is never blank."""
    for prompt in (FLAT, INDENTED, ""):
        code, strategy = found(text, prompt)
        assert (code is None) == strategy.startswith("none:")
        assert code is None or code.strip()


@pytest.mark.parametrize("form", [COMPLETION, RESPONSE, SOLUTION])
def test_saved_samples_stand_for_themselves(form) -> None:
    """Whatever form a saved snippet has, no prompt is put above it: the prompt is prose."""
    family, spec = get("ds1000"), load_task("passk_ds1000")
    problem = family.problem(next(iter(family.rows(library_layout.DS1000))))
    sample = Sample(problem.task_id, 0, CODE, form, "here")
    for extract_as in ("auto", "verbatim"):
        assert candidate(sample, problem, spec, extract_as).code == CODE
