"""Tests of snippets: DS-1000's tags, fences, echoes of the prompt, and indentation."""

from __future__ import annotations

import json

import library_layout
import pytest
import shared_data
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.benchmarks import get
from passk_tasks.extraction import extract
from passk_tasks.results.samples import COMPLETION, RESPONSE, SOLUTION, Sample
from passk_tasks.scoring.candidates import candidate
from passk_tasks.tasks.catalog import load_task

FLAT, INDENTED = (str(row["prompt"]) for row in library_layout.DS1000)
CODE = "result = np.sort(a)\n"


def found(text: str, prompt: str = FLAT, mode: str = "snippet") -> tuple[str | None, str]:
    """Return code and strategy."""
    one = extract(text, mode=mode, prompt=prompt, entry_point="")
    return one.code, one.strategy


DRESSES = [
    (CODE, "body"),
    (f"{CODE}</code>\nEND SOLUTION\n<code>\nprint(result)\n</code>", "body"),
    (f"<code>{CODE}</code>", "prose_code"),
    (f"This sorts it:\n<code>{CODE}</code>\nIt works.", "prose_code"),
    (f"Sorted\n<code>{CODE}", "prose_code"),
    (f"# Sorting\n```\n{CODE}```\nIt works.", "fence"),
    (f"```py\n{CODE}```", "fence"),
    (f"This sorts it:\n\n```python\n{CODE}```\n\nAnd to print:\n```python\nprint(result)\n```", "fence"),
    (f"This sorts it:\n```python\n{CODE}", "fence_unclosed"),
    (f"{CODE}```\nIt works.", "fence_prefilled"),
    (f"A:\nBEGIN SOLUTION\n<code>{CODE}</code>", "prose_code"),
    (f"BEGIN SOLUTION\n{CODE}", "body"),
    (f"<think>\nUse <code>sort</code>.\n</think>{CODE}", "body+reasoning"),
    (f"```python\nresult = a\n```\nNo.\n</think>{CODE}", "body+reasoning"),
    (f"{CODE}<|im_end|>", "body+special_tokens"),
]

# Nothing in these is Python before the notation is undone.
NOTATIONS = [
    json.dumps({"code": CODE}),
    f"```json\n{json.dumps({'why': 'It sorts.', 'code': CODE})}\n```",
    f"<call>\n{json.dumps({'name': 'run', 'arguments': {'code': CODE}})}\n</call>",
    "".join(f"> {line}\n" for line in f"```python\n{CODE}```".split("\n")),
    f"<solution>\n{CODE}</solution>\n",
    f"```python\n{CODE}```".replace(" ", "\u00a0"),
]


@pytest.mark.parametrize("text", NOTATIONS)
def test_notations_are_undone(text) -> None:
    """JSON, quotations, tags, spaces that only look so."""
    code, strategy = found(text)
    assert (code or "").strip() == CODE.strip()
    assert "unwrapped" in strategy


@pytest.mark.parametrize(("text", "strategy"), DRESSES)
def test_one_snippet_in_many_dresses(text, strategy) -> None:
    """The same lines come out of tags, fences, echoes and chains of thought."""
    assert found(text) == (CODE, strategy)


@pytest.mark.parametrize("text", ["", "Sorry.", *(text for text, _ in DRESSES)])
def test_the_rule_alone(text) -> None:
    """`snippet_exact` gives what DS-1000's rule leaves, prose and thoughts with it; blanks are no code."""
    left = own_rule(text)
    assert found(text, mode="snippet_exact")[0] == (left if left.strip() else None)


INSIDE = "    ### END SOLUTION\n    return b\n"


@pytest.mark.parametrize(
    ("text", "code", "strategy"),
    [
        ("result = a.sum()\n<code>", "result = a.sum()\n", "prose_code"),
        ("result = a.sum()\n<code>\n", "result = a.sum()\n\n", "prose_code"),
        ("b = a\n<code>\nresult = b\n</code>", "b = a\n\nresult = b\n", "prose_code"),
        ("for x in a:\n<code>\n    x = 1", "for x in a:\n\n    x = 1", "prose_code"),
        ("result = a<code>.sum()", "result = a.sum()", "prose_code"),
        ("result = = a\n<code>\nresult = a", "result = = a\n\nresult = a", "prose_code"),
        ("    return b\n<code>\nprint(f())", "    return b\n\nprint(f())", "prose_code"),
        (f"# Sorting\n<code>\n{CODE}", f"# Sorting\n\n{CODE}", "prose_code"),
        (f"\n\n{CODE}", f"\n\n{CODE}", "body"),
        ("result = a", "result = a", "body"),
        ("result = 1\r\nx = 2", "result = 1\r\nx = 2", "body"),
        (f"{CODE}END SOLUTION\nIt sorts.", CODE[:-1], "body"),
        (f"    b = a\n{INSIDE}", f"    b = a\n{INSIDE}", "body"),
        (f"{CODE}# SOLUTION END\nplt.show()", f"{CODE}# SOLUTION END\nplt.show()", "body"),
        (f"# SOLUTION START\n{CODE}", f"# SOLUTION START\n{CODE}", "body"),
        (f"```python\n{CODE}```", f"\n{CODE}", "fence"),
        (f"```python\n{CODE}", f"\n{CODE}", "fence_unclosed"),
        (f"b = a\n```python\n{CODE}```", f"b = a\n\n{CODE}", "fence"),
        (f"<code>\n```python\n{CODE}```\n</code>", f"\n\n{CODE}", "fence"),
        ("s = '<|im_end|></think>'", "s = '<|im_end|></think>'", "body"),
    ],
)
def test_the_benchmarks_own_rule(text, code, strategy) -> None:
    """Where DS-1000's rule leaves code, that is taken to the letter, whatever else a text may seem to be."""
    assert found(text) == (code, strategy) == found(text, INDENTED)


def own_rule(text: str) -> str:
    """Return what `postprocess` of DS-1000's test_ds1000.py returns, written anew."""
    text, _, _ = text.partition("</code>")
    text, _, _ = text.replace("```python", "").partition("```")
    text, _, _ = text.partition("\nEND SOLUTION")
    return text.replace("<code>", "")


@pytest.mark.parametrize("model", ["codex002", "gpt-4-0613"])
def test_published_answers(model) -> None:
    """All 1,000 answers of a model that DS-1000's authors published are the code that its own rule makes."""
    prompts = {
        r["metadata"]["problem_id"]: r["prompt"] for r in shared_data.rows("whole/ds1000/test.jsonl.gz")
    }
    answers = shared_data.rows(f"whole/ds1000/answers/{model}-answers.jsonl.gz")
    assert len(answers) == 1000
    for row in answers:
        text = row["code"] if isinstance(row["code"], str) else row["code"][0]
        number = row["metadata"]["problem_id"]
        assert (number, found(text, prompts[number])[0]) == (number, own_rule(text))


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
FLAT_BODY = "b = np.sort(a)\nreturn b\n"


@pytest.mark.parametrize(
    ("text", "strategy"),
    [
        (BODY, "body"),
        (BODY[4:], "body+indent"),
        (FLAT_BODY, "body+indent"),
        (f"Sorted:\n<code>{FLAT_BODY}</code>", "prose_code+indent"),
        (f"{BODY}</code>", "body"),
    ],
)
def test_the_end_of_a_function(text, strategy) -> None:
    """Below a prompt that ends within a function, lost indentation is restored where the task asks for it."""
    assert found(text, INDENTED, "snippet_indented") == (BODY, strategy)
    assert found(text, FLAT, "snippet_indented") == found(text, FLAT) == found(text, INDENTED)


def test_what_the_model_wrote_stays() -> None:
    """What does not fit with any indentation is left as it is, for an honest error."""
    assert found("  b = 1\n c = 2\n", INDENTED, "snippet_indented")[0] == "  b = 1\n c = 2\n"


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
