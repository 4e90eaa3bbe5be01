from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from lm_eval.api.instance import Instance
from lm_eval.api.registry import get_model
from support import canonical, record

from passk_tasks.errors import SamplesError, UsageError
from passk_tasks.harness import host
from passk_tasks.harness.replay import EMBEDDED_FILE, EMBEDDED_ORIGIN, ReplayLM
from passk_tasks.plugins import FAMILIES


def request(task_id: str, *, idx: int = 0, repeats: int = 1, prompt: str = "def f():\n") -> Instance:
    """A request as lm-eval builds it."""
    return Instance(
        request_type="generate_until",
        doc={"task_id": task_id, "prompt": prompt},
        arguments=(prompt, {"until": [], "temperature": 0.8, "top_p": 0.95}),
        idx=idx,
        metadata=("passk_humaneval", 0, repeats),
        **({"task_name": "passk_humaneval", "doc_id": 0} if host.IS_NEW else {}),
    )


def save(path: Path, lines: list[dict[str, str]]) -> Path:
    """Write lines of samples."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def two(tmp_path) -> Path:
    """Three samples of HumanEval/0 and one of HumanEval/1."""
    names = ["HumanEval/0", "HumanEval/1", "HumanEval/0", "HumanEval/0"]
    return save(
        tmp_path / "two.jsonl",
        [{"task_id": name, "completion": f"    return {number}\n"} for number, name in enumerate(names)],
    )


def test_lm_eval_knows_it() -> None:
    """The model is registered under its name."""
    assert get_model("replay") is ReplayLM


@pytest.mark.parametrize("name", ["file", "paths", "pretrained", "samples"])
def test_an_argument_that_it_does_not_take_is_an_error(two, name) -> None:
    """With a misspelt `path` it would play the embedded samples, whose scores are somebody else's."""
    with pytest.raises(UsageError, match=f"--model_args {name}=.*takes `path` alone"):
        ReplayLM.create_from_arg_obj(
            {name: str(two)}, {"batch_size": 1, "max_batch_size": None, "device": None}
        )


def test_the_embedded_generations() -> None:
    """By default it has 20 samples of each of HumanEval's 164 problems, and says how they were drawn."""
    model = ReplayLM.create_from_arg_obj({}, {"batch_size": 1, "device": "cuda:0"})
    assert {len(samples) for samples in model._texts.values()} == {20}
    assert list(model._texts) == [f"HumanEval/{number}" for number in range(164)]
    assert model.get_model_info() == {"replay": {"paths": ["embedded"], "drawn_with": EMBEDDED_ORIGIN}}


def test_it_imports_no_family_of_a_package(two, package) -> None:
    """The names of a family's problems matter once a task has asked for the family, and not before."""
    package("its-tasks", {FAMILIES: {"its": "gone:Its"}}, {})
    assert ReplayLM(str(two)).generate_until([request("HumanEval/1")]) == ["    return 1\n"]


def test_the_note_on_the_embedded_generations_is_true() -> None:
    """The README beside the embedded file states its hash."""
    import hashlib

    import passk_tasks

    folder = Path(passk_tasks.__file__).parent / "data"
    digest = hashlib.sha256((folder / EMBEDDED_FILE).read_bytes()).hexdigest()
    assert digest in (folder / "README.md").read_text(encoding="utf-8")


def test_repeats_and_seeds_get_the_same_samples(two) -> None:
    """One request three times, and three requests once, are answered with samples 0, 1 and 2."""
    model = ReplayLM(path=str(two))
    one = request("HumanEval/0", repeats=3)
    expected = ["    return 0\n", "    return 2\n", "    return 3\n"]
    assert model.generate_until([one, one, one]) == expected
    assert model.generate_until([request("HumanEval/0", idx=index) for index in range(3)]) == expected


def test_two_tasks_get_the_same_samples(two) -> None:
    """A second task, or a second call, starts again with sample 0."""
    model = ReplayLM(path=str(two))
    assert model.generate_until([request("HumanEval/0"), request("HumanEval/0")]) == ["    return 0\n"] * 2


def test_padding_needs_no_samples(two) -> None:
    """A request that lm-eval repeats as padding is answered, whatever with, and asks for no sample more."""
    model = ReplayLM(path=str(two))
    one = request("HumanEval/0", repeats=3)
    assert len(model.generate_until([one] * 7)) == 7


def test_several_files(two, tmp_path) -> None:
    """Several files, as a list or with commas, are read one after the other."""
    more = save(tmp_path / "more.jsonl", [{"task_id": "HumanEval/1", "completion": "    return 9\n"}])
    one = request("HumanEval/1", repeats=2)
    for path in ([str(two), str(more)], f"{two},{more}"):
        assert ReplayLM(path=path).generate_until([one, one]) == ["    return 1\n", "    return 9\n"]


def test_a_comma_in_a_name(two) -> None:
    """A file whose name has a comma in it is one file."""
    path = two.rename(two.with_name("a,b.jsonl"))
    assert ReplayLM(path=str(path)).paths == [str(path)]


def test_numbers_of_other_tools(tmp_path) -> None:
    """Samples that number their problems are found by the documents, of whichever benchmark they are."""
    lines = [{"task_id": name, "completion": f"    return {name!r}\n"} for name in (11, "HumanEval/12")]
    model = ReplayLM(path=str(save(tmp_path / "numbers.jsonl", lines)))
    for task_id in ("Mbpp/11", "HumanEval/11", "sample_11"):
        assert model.generate_until([request(task_id)]) == ["    return 11\n"]
    with pytest.raises(UsageError, match="Mbpp/12 has no saved sample"):
        model.generate_until([request("Mbpp/12")])


def test_gzip(two) -> None:
    """A gzipped file is read as it is."""
    path = two.with_suffix(".jsonl.gz")
    path.write_bytes(gzip.compress(two.read_bytes()))
    assert ReplayLM(path=str(path)).generate_until([request("HumanEval/1")]) == ["    return 1\n"]


def test_missing_samples_are_named(two) -> None:
    """Problems without samples, and with too few, are named with how many there are, before any answer."""
    model = ReplayLM(path=str(two))
    one = request("HumanEval/1", repeats=3)
    with pytest.raises(UsageError) as caught:
        model.generate_until([request("HumanEval/0"), one, one, one, request("HumanEval/77")])
    message = str(caught.value)
    assert "HumanEval/1 has 1 saved samples, and 3 are asked for" in message
    assert "HumanEval/77 has no saved sample" in message
    assert str(two) in message


def test_a_missing_file_is_named(tmp_path) -> None:
    """A file that is not there is an error with its name."""
    with pytest.raises(SamplesError, match=r"nowhere\.jsonl"):
        ReplayLM(path=str(tmp_path / "nowhere.jsonl"))


def test_documents_without_task_id(two) -> None:
    """A task whose documents have no task_id is an error that names the task."""
    other = request("x")
    other.doc = {"question": "?"}
    with pytest.raises(UsageError, match="task_id, and the documents of the task passk_humaneval have none"):
        ReplayLM(path=str(two)).generate_until([other])


def test_likelihoods_are_refused(two) -> None:
    """A task that asks for likelihoods is an error that names it."""
    model = ReplayLM(path=str(two))
    for method in (model.loglikelihood, model.loglikelihood_rolling):
        with pytest.raises(UsageError, match="no likelihoods, but the task passk_humaneval asks"):
            method([request("HumanEval/0")])


def test_a_solution_that_repeats_the_prompt(tmp_path) -> None:
    """A self-contained solution is answered from where the prompt ends; another one is left as it is."""
    prompt = "def f():\n"
    path = save(
        tmp_path / "solutions.jsonl",
        [{"task_id": "a", "solution": f"{prompt}    return 1\n"}, {"task_id": "b", "solution": "f = abs\n"}],
    )
    model = ReplayLM(path=str(path))
    assert model.generate_until([request("a", prompt=prompt), request("b", prompt=prompt)]) == [
        "    return 1\n",
        "f = abs\n",
    ]


def test_other_sampling_is_noted_once(caplog) -> None:
    """Where the task asks for another temperature than the samples were drawn with, one warning says so."""
    model = ReplayLM()
    model.generate_until([request("HumanEval/0")])
    assert "drawn with" not in caplog.text
    colder = request("HumanEval/0")
    colder.arguments[1]["temperature"] = 0.2
    model.generate_until([colder])
    model.generate_until([colder])
    assert caplog.text.count("drawn with temperature 0.8 (the task asks for 0.2)") == 1


def test_a_run_can_be_replayed_from_its_journal(evaluate, canned, state_folder) -> None:
    """The journal of a run, played back, gives the run's numbers again, under other seeds too."""
    metadata = {"passk.samples": 2, "passk.k": 1}

    def half(doc, index):
        return canonical(doc, index) if doc["task_id"] != "HumanEval/1" else f"    return None  # {index}\n"

    first = evaluate(canned(half), metadata=metadata)
    (journal,) = state_folder.iterdir()
    for seeds in ("same", "distinct"):
        again = evaluate(ReplayLM(path=str(journal)), metadata={**metadata, "passk.seeds": seeds})
        assert again["results"] == first["results"]
        assert record(again)["verdicts"] == {"passed": 4, "failed": 2}


def test_chat_templates_are_accepted(evaluate, tmp_path) -> None:
    """Answers of a chat model are replayed under --apply_chat_template, with its prompts in the log."""
    body = "    return [n for n in numbers]\n"
    path = save(tmp_path / "chat.jsonl", [{"task_id": "HumanEval/0", "completion": body}])
    found = evaluate(
        ReplayLM(path=str(path)), "passk_humaneval_instruct_greedy", limit=1, apply_chat_template=True
    )
    (line,) = found["samples"]["passk_humaneval_instruct_greedy"]
    assert json.loads(line["arguments"][0][0])[0]["role"] == "user"


def test_a_journal_of_played_back_samples_says_how_they_were_drawn(evaluate, state_folder) -> None:
    """The task's own temperature, which drew nothing, is not what the journal records."""
    evaluate(ReplayLM(), metadata={"passk.samples": 2, "passk.k": 1}, limit=1)
    (journal,) = state_folder.iterdir()
    told = json.loads(journal.read_text(encoding="utf-8").splitlines()[0])["extra"]["generation_kwargs"]
    assert (told["do_sample"], told["temperature"], told["max_gen_toks"]) == (True, 0.8, 300)
    assert "\ndef" in told["until"]
    assert ReplayLM(path=str(journal)).origin["temperature"] == 0.8
