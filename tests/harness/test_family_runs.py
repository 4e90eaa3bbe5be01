"""Tests of the hub's families through lm-eval's own evaluate, on folders in the hub's layout."""

from __future__ import annotations

import hub_layout
import pytest
from support import outcomes, record

from passk_tasks import benchmarks
from passk_tasks.program import Judge
from passk_tasks.results import reading, store
from passk_tasks.tasks import catalog

# One task a family; the other tasks of a family differ in their requests only.
TASKS = {
    "humaneval_plus": "passk_humaneval_plus",
    "mbpp": "passk_mbpp_greedy",
    "mbpp_sanitized": "passk_mbpp_sanitized_greedy",
    "mbpp_plus": "passk_mbpp_plus",
    **{
        f"humaneval_infilling_{subset}": f"passk_humaneval_infilling_{subset}"
        for subset in ("single_line", "multi_line", "random_span", "random_span_light")
    },
    "custom": "passk_custom_greedy",
    "cruxeval_output": "passk_cruxeval_output",
    "cruxeval_input": "passk_cruxeval_input",
    **{
        f"evoeval_{subset}": f"passk_evoeval_{subset}"
        for subset in ("difficult", "creative", "subtle", "combine", "tool_use", "verbose", "concise")
    },
}


def test_every_family_is_here() -> None:
    """No family of the hub goes without a run through lm-eval.

    Those of programs are in test_contest_runs, those of several languages in test_language_runs.
    """
    python = [n for n in benchmarks.names() if not benchmarks.get(n).variant]
    functions = {n for n in python if Judge.ISOLATED in benchmarks.get(n).judges}
    assert {*TASKS, "humaneval"} == functions


@pytest.mark.parametrize("family", TASKS)
def test_right_and_wrong(evaluate, canned, here, family) -> None:
    """A right answer to the first problem and a wrong one to the second score one half."""
    name = TASKS[family]
    first = hub_layout.rows(family)[0]

    def answer(doc, _index):
        if "suffix" in doc:
            return (hub_layout.right if doc == first else hub_layout.wrong)(doc)
        number = str(first.get("task_id", first.get("id"))).rpartition("/")[2]
        is_first = str(doc["task_id"]).rpartition("/")[2] == number
        return (hub_layout.right if is_first else hub_layout.wrong)(doc)

    found = evaluate(canned(answer), name, metadata=here(name), limit=None)
    assert found["results"][name]["pass@1,none"] == 0.5
    facts = record(found, name)
    assert facts["verdicts"]["passed"] == catalog.load_task(name).settings.samples
    assert facts["judge"] == "isolated"
    is_plus = benchmarks.get(family).base_stage
    assert found["results"][name].get("base_pass@1,none") == (0.5 if is_plus else None)
    assert list(facts["metrics"]) == ["pass@1", "base_pass@1"] if is_plus else ["pass@1"]


def test_hard_coded_assertions_score_nothing(evaluate, canned, here) -> None:
    """An MBPP+ model that only answers the assertions shown has pass@1 of 0, and base_pass@1 of 1."""

    def answer(doc, _index):
        if "double" in doc["code"]:
            return "def double(n):\n    return {1: 2, 2: 4, 3: 6}.get(n)\n"
        return "def hypotenuse(a, b):\n    return {3: 5.0, 6: 10.0}.get(a)\n"

    name = "passk_mbpp_plus"
    found = evaluate(canned(answer), name, metadata=here(name), limit=None)
    values = found["results"][name]
    assert (values["pass@1,none"], values["base_pass@1,none"]) == (0.0, 1.0)
    assert all(one["base_passed"] for line in found["samples"][name] for one in outcomes(line))


def test_n_samples_have_both_counts(evaluate, canned, here, tmp_path) -> None:
    """With several samples base_pass@k is estimated from its own c, and a stored run reads back with both."""
    codes = [
        "def double(n):\n    return 2 * n\n",
        "def double(n):\n    return {1: 2, 2: 4, 3: 6}.get(n)\n",
        "def double(n):\n    return 0\n",
        "",
    ]
    name = "passk_mbpp_plus_n20"
    metadata = {**here(name), "passk.samples": 4, "passk.k": [1, 2]}
    found = evaluate(canned(lambda _doc, index: codes[index]), name, metadata=metadata, limit=1)
    values = found["results"][name]
    assert values["pass@1,none"] == pytest.approx(1 / 4)
    assert values["pass@2,none"] == pytest.approx(1 / 2)
    assert values["base_pass@1,none"] == pytest.approx(2 / 4)
    assert values["base_pass@2,none"] == pytest.approx(1 - 1 / 6)
    facts = record(found, name)
    assert list(facts["metrics"]) == ["pass@1", "pass@2", "base_pass@1", "base_pass@2"]
    (line,) = found["samples"][name]
    assert [one["base_passed"] for one in outcomes(line)] == [True, True, False, False]

    lines = [{"task_id": "Mbpp/11", "sample": i, **one} for i, one in enumerate(outcomes(line))]
    store.write(tmp_path / "scored", facts, lines)
    (run,) = reading.load_all([tmp_path / "scored"])
    assert [one.base_passed for one in run.outcomes["Mbpp/11"]] == [True, True, False, False]
    assert run.counts == {"Mbpp/11": (4, 1)}
    assert run.scores["base_pass@1"] == pytest.approx(2 / 4)


@pytest.mark.parametrize("name", ["passk_mbpp_fewshot", "passk_mbpp_sanitized_fewshot_greedy"])
def test_the_papers_three_shots(load, here, name) -> None:
    """The few-shot task asks as the MBPP paper does: three solved problems, then the one to solve."""
    task = load(name, **here(name))
    task.set_fewshot_seed(1)
    doc = task.eval_docs[0]
    asked = task.fewshot_context(doc, num_fewshot=task.config.num_fewshot)
    intro = "You are an expert Python programmer, and here is your task: "
    assert asked.count(intro) == 4
    assert asked.count("[BEGIN]\n") == 4
    assert asked.count("\n[DONE]\n\n") == 3
    assert "[BEGIN]\ndef similar_elements(" in asked
    assert asked.endswith(
        f"{intro}Write a function to double a number. Your code should pass these tests:\n\n"
        "assert double(1) == 2\nassert double(2) == 4\nassert double(3) == 6\n[BEGIN]\n"
    )
    assert "\r" not in asked.replace(doc["code"], "")


CHAT = [
    name
    for name in catalog.task_names()
    if catalog.load_task(name).settings.extraction == "answer"
    and catalog.load_task(name).settings.dataset == "hub"
    and catalog.load_task(name).settings.judge is Judge.ISOLATED
    and not benchmarks.get(catalog.load_task(name).settings.benchmark).variant
]


@pytest.mark.parametrize("name", CHAT)
def test_chat_models_answer_in_a_block(evaluate, canned, here, name) -> None:
    """A chat task shows the whole problem and takes the code out of an answer around it."""

    def answer(doc, _index):
        code = hub_layout.right(doc)
        code = doc["prompt"] + code if "canonical_solution" in doc else code
        return f"Here it is:\n```python\n{code}\n```\nIt works since it must."

    model = canned(answer)
    found = evaluate(model, name, metadata=here(name), limit=1)
    assert found["results"][name]["pass@1,none"] == 1.0
    request = model.requests[0]
    doc = request.doc
    shown = (doc.get("test_list") or [doc["prompt"].strip()])[0]
    assert shown in request.args[0]
    assert request.args[0].endswith("\n```")


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("output", "\n[PYTHON]\n{code}\nassert f({input}) == ??\n[/PYTHON]\n[ANSWER]\n"),
        ("input", "\n[PYTHON]\n{code}\nassert f(??) == {output}\n[/PYTHON]\n[ANSWER]\n"),
        ("output_cot", "\n[PYTHON]\n{code}\nassert f({input}) == ??\n[/PYTHON]\n[THOUGHT]\n"),
        ("input_cot_t08", "\n[PYTHON]\n{code}\nassert f(??) == {output}\n[/PYTHON]\n[THOUGHT]\n"),
        ("input_instruct", "\n[PYTHON]\n{code}\nassert f(??) == {output}\n[/PYTHON]\n[THOUGHT]\n"),
    ],
)
def test_cruxeval_asks_for_the_other_side(load, here, name, asked) -> None:
    """A CRUXEval prompt shows the function and one side of its assertion, to the last line end."""
    task = load(f"passk_cruxeval_{name}", **here(f"passk_cruxeval_{name}"))
    doc = task.eval_docs[1]
    assert task.doc_to_text(doc).endswith(asked.format(**doc))
    assert task.doc_to_text(doc).count("[PYTHON]") == (2 if "cot" in name or "instruct" in name else 3)
