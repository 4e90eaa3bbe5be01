"""Tests of tasks that ask twice for each sample: HumanEvalPack's explanations, through lm-eval."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from support import Canned, outcomes

from passk_tasks.errors import SamplesError, SettingsError
from passk_tasks.harness.journaling import StoppedError
from passk_tasks.results import sample_files

TASK = "passk_humanevalpack_explain_python"
SOLUTION = "    doubled = sum([number, number])\n    return doubled\n"
DECLARATION = "def twice(number: int) -> int:\n"
ROW = {
    "task_id": "Python/0",
    "prompt": f'{DECLARATION}    """ Return two times\n    the number.\n    """\n',
    "declaration": DECLARATION,
    "canonical_solution": SOLUTION,
    "buggy_solution": "    return number\n",
    "test": "def check(f):\n    assert f(3) == 6\n    assert f(0) == 0\n\ncheck(twice)\n",
    "entry_point": "twice",
    "docstring": "Return two times\nthe number, or what is the same, its sum with itself.",
    "instruction": "Write a function.",
}
FIRST = (
    f"{DECLARATION}{SOLUTION}\nProvide a concise natural language description of the code using at most "
    f"{len(ROW['docstring'])} characters."
)


class Describing(Canned):
    """Describes what it is shown, and writes right code by the description of every other sample."""

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        self.requests += [request.args for request in requests]
        answers = []
        for number, request in enumerate(requests):
            described = request.args[0] == FIRST
            right = f"{SOLUTION}    # {number}\n" if number % 2 == 0 else "\n    return None\n"
            answers.append(self.answer(request.doc, number) if described else f"\n{right}")
            self.cache_hook.add_partial("generate_until", request.args, answers[-1])
        return answers


@pytest.fixture
def metadata(tmp_path) -> dict[str, str]:
    """Settings that name a file of the row."""
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(ROW) + "\n")
    return {"passk.data_files": str(path), "passk.samples": "4", "passk.k": "1"}


def describe(_doc: dict[str, Any], number: int) -> str:
    """A description of each sample's own, with a line of the solution and more than a docstring's length."""
    return f"  Sample {number}:\ndoubled = sum([number, number])\nadds " + "it to itself, " * 20


def test_each_sample_is_described_and_written(evaluate, metadata) -> None:
    """The first questions are the benchmark's, the second tell what was said, as it cuts that."""
    model = Describing(describe)
    found = evaluate(model, TASK, metadata=metadata, limit=None)
    first, second = model.requests[:4], model.requests[4:]
    assert [asked[0] for asked in first] == [FIRST] * 4
    said = [describe({}, n).strip()[: len(ROW["docstring"])].rstrip() for n in range(4)]
    told = [text.replace("doubled = sum([number, number])", "") for text in said]
    assert [asked[0] for asked in second] == [
        f"{text}\nWrite functional code in Python according to the description.\n\n{DECLARATION.rstrip()}"
        for text in told
    ]
    assert [asked[1] for asked in first] == [asked[1] for asked in second]
    assert found["results"][TASK]["pass@1,none"] == 0.5
    (line,) = found["samples"][TASK]
    assert [one["verdict"] for one in outcomes(line)] == ["passed", "failed", "passed", "failed"]
    assert all(text in str(line["arguments"]) for text in ("Sample 3:", "according to the description"))


def test_what_is_there_is_asked_for_neither_way(evaluate, metadata, tmp_path) -> None:
    """A run that goes on asks both questions for the samples that it lacks, and no other."""
    metadata["passk.journal"] = str(tmp_path)
    evaluate(Describing(describe), TASK, metadata=metadata, limit=None)
    (journal,) = tmp_path.glob("passk_journal_*.jsonl")
    header, *answers, _end = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join([header, *answers[:2], *answers[4:6]]))  # half of what was said, and written
    model = Describing(describe)
    evaluate(model, TASK, metadata={**metadata, "passk.resume": str(journal)}, limit=None)
    assert len(model.requests) == 4
    for path in tmp_path.glob("passk_journal_*"):
        path.unlink()
    journal.write_text("".join([header, *answers[:7]]))
    model = Describing(describe)
    found = evaluate(model, TASK, metadata={**metadata, "passk.resume": str(journal)}, limit=None)
    ((prompt, _),) = model.requests
    assert "Sample 3:" in prompt
    assert found["results"][TASK]["pass@1,none"] == 0.75  # the one that came now is right


def test_what_is_said_first_is_saved_as_it_comes(evaluate, metadata, tmp_path) -> None:
    """A model that fails among the first questions costs none of the answers before; scoring skips these."""
    metadata["passk.journal"] = str(tmp_path)

    def fails(doc: dict[str, Any], number: int) -> str:
        if number == 3:
            raise RuntimeError("out of memory")
        return describe(doc, number)

    with pytest.raises(StoppedError, match="3 of 8 answers are saved"):
        evaluate(Describing(fails), TASK, metadata=metadata, limit=None)
    (journal,) = tmp_path.glob("passk_journal_*.jsonl")
    with pytest.raises(SamplesError, match="no samples"):
        sample_files.read(journal)
    model = Describing(describe)
    evaluate(model, TASK, metadata={**metadata, "passk.resume": "latest"}, limit=None)
    assert [asked[0] == FIRST for asked in model.requests] == [True, *[False] * 4]
    whole = max(tmp_path.glob("passk_journal_*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    read = sample_files.read(whole)
    assert (len(read.samples), read.warnings) == (4, ())


def test_descriptions_stay_out_of_caches(evaluate, metadata) -> None:
    """A cache hears second questions alone: what answers a first one is no sample."""
    heard = []

    class Hook:
        def add_partial(self, _: str, request: Any, answer: str) -> None:
            heard.append(request[0])

    model = Describing(describe)
    model.set_cache_hook(Hook())
    evaluate(model, TASK, metadata=metadata, limit=None)
    assert len(heard) == 4
    assert FIRST not in heard


def test_a_description_that_is_missing(evaluate, metadata) -> None:
    """A model that leaves out an answer ends the run by name, and nothing is taken for another's."""
    model = Describing(describe)
    generate = model.generate_until
    model.generate_until = lambda requests, **_: generate(requests)[:-1]
    with pytest.raises(Exception, match="3 answers to 4 requests"):
        evaluate(model, TASK, metadata=metadata, limit=None)


def test_no_topping_up(evaluate, metadata) -> None:
    """Further samples would be written by the first one's description: refused before anything is asked."""
    model = Describing(describe)
    metadata |= {"passk.samples": "2", "passk.top_up": {"half_width": 0.1, "most": 9}}
    with pytest.raises(SettingsError, match=r"asks twice for each sample: leave passk\.top_up out"):
        evaluate(model, TASK, metadata=metadata, limit=None)
    assert model.requests == []


class Renaming(Describing):
    """Names its requests by other arguments, as vLLM does."""

    def set_cache_hook(self, hook: Any) -> None:
        def add_partial(attr: str, request: Any, answer: str) -> None:
            hook.add_partial(attr, (request[0], {"max_gen_toks": 1}), answer)

        self.cache_hook = SimpleNamespace(add_partial=add_partial)


@pytest.mark.parametrize("kind", [Describing, Renaming])
def test_both_questions_count(evaluate, metadata, tmp_path, kind) -> None:
    """What a sample took is what both of its questions and answers took."""
    model = kind(describe)
    model.tokenizer = lambda text, **_: {"input_ids": text.split()}
    evaluate(model, TASK, metadata=metadata | {"passk.journal": str(tmp_path)}, limit=None)
    (journal,) = tmp_path.glob("passk_journal_*.jsonl")
    _, *answers, _ = map(json.loads, journal.read_text().splitlines())
    answers = answers[4:]  # the first ones were said to the first questions
    asked = [
        [len(prompt.split()) for prompt, *_ in part] for part in (model.requests[:4], model.requests[4:])
    ]
    assert [answer["spent"]["in"] for answer in answers] == [sum(both) for both in zip(*asked, strict=True)]
    assert [answer["spent"]["out"] for answer in answers] == [
        len(describe({}, number).split()) + len(answer["text"].split())
        for number, answer in enumerate(answers)
    ]
