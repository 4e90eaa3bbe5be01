from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from lm_eval.loggers import EvaluationTracker
from lm_eval.models import MODEL_MAPPING, openai_completions
from lm_eval.tasks import TaskManager
from support import canonical

from passk_tasks.errors import PreflightError, SettingsError
from passk_tasks.harness import preflight
from passk_tasks.harness.invocation import Invocation
from passk_tasks.judging import selftest
from passk_tasks.tasks.catalog import task_configs_path

FILE = Path(__file__)  # a file where a folder is wanted: refused to root as well


@pytest.fixture
def refused(evaluate, canned):
    """Runs a task that must be refused, and returns the message; no request may have reached the model."""

    def run(*names: str, error: type[Exception] = PreflightError, **arguments) -> str:
        model = canned(canonical)
        with pytest.raises(error) as caught:
            evaluate(model, *names, limit=1, **arguments)
        assert model.requests == []
        return str(caught.value)

    return run


def test_k_above_n(refused) -> None:
    """A k above n is refused with both remedies."""
    message = refused(metadata={"passk.samples": 5})
    assert "k is 10 and n (samples) is 5" in message
    assert "raise passk.samples to 10" in message


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"do_sample": False}, "do_sample is False"),
        ({"do_sample": "yes"}, "do_sample is 'yes'"),
        ({"temperature": 0}, "at temperature 0"),
        ({"temperature": -1}, "at temperature -1"),
        ({"temperature": "warm"}, "temperature must be a number, not 'warm'"),
        ({"top_k": 1}, "top_k=1 leaves one token"),
        ({"top_p": 0}, "top_p=0 leaves one token"),
    ],
)
def test_many_samples_that_would_be_alike(refused, arguments, said) -> None:
    """Several samples without real sampling, as --gen_kwargs leaves it, is refused."""
    message = refused(gen_kwargs=arguments)
    assert message.startswith("task passk_humaneval: ")
    assert said in message


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"until": 5}, "until must be a list of texts, not 5"),
        ({"until": ["a", None]}, "until must be a list of texts"),
        ({"seed": "abc"}, "seed must be a number, not 'abc'"),
        ({"seed": 1.5}, "seed must be a whole number, not 1.5"),
        ({"seed": float("inf")}, "seed must be a whole number"),
        ({"max_gen_toks": "many"}, "max_gen_toks must be a number"),
        ({"max_gen_toks": 0}, "max_gen_toks=0 leaves no token"),
        ({"max_tokens": -7.0}, "max_tokens=-7.0 leaves no token"),
        ({"max_new_tokens": True}, "max_new_tokens must be a whole number"),
        ({"n": 3}, "n=3 asks for several answers to a request"),
        ({"num_return_sequences": 2}, "say --metadata passk.samples=2"),
    ],
)
def test_arguments_that_cannot_be(refused, arguments, said) -> None:
    """They ended in a traceback, or went out, and each answer was empty or another problem's."""
    assert said in refused(gen_kwargs=arguments)


@pytest.mark.parametrize("arguments", [{"until": None}, {"until": "x"}, {"max_gen_toks": -1.0}, {"n": 1}])
def test_arguments_that_can_be(evaluate, canned, arguments) -> None:
    """No stop sequence, a single one, no limit of tokens, and what each request asks for anyway."""
    assert evaluate(canned(canonical), "passk_humaneval_greedy", limit=1, gen_kwargs=arguments)["results"]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"limit": 0}, "--limit leaves no problem"),
        ({"limit": -1}, "--limit leaves no problem"),
        ({"samples": {"passk_humaneval": []}}, "--samples names no problem"),
        ({"samples": {"passk_humaneval": [3, 164]}}, "the problem 164: the numbers are from 0 to 163"),
        ({"samples": {"passk_humaneval": [3, -1]}}, "the problem -1"),
        ({"samples": {"passk_humaneval": ["3"]}}, "the problem '3'"),
    ],
)
def test_problems_that_are_not_there(evaluate, canned, chosen, said) -> None:
    """lm-eval asks for all problems where none is named, passes over some, and ends in a traceback."""
    model = canned(canonical)
    with pytest.raises(PreflightError, match=said):
        evaluate(model, **{"limit": None, **chosen})
    assert model.requests == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("repeats: 3", "its file says repeats: 3, and passk.samples"),
        ("filter_list: [{name: mine, filter: [{function: take_first}]}]", "has filter_list"),
        ("metric_list: [{metric: exact_match}]", "has metric_list"),
        ("process_results: '{{x}}'", "has process_results"),
    ],
)
def test_keys_of_a_file_that_change_nothing(tmp_path, line, said) -> None:
    """A user's file with keys whose part this package does is refused; they had no effect, without a word."""
    ours = task_configs_path() / "humaneval" / "passk_humaneval.yaml"
    (tmp_path / "own.yaml").write_text(f"include: {ours}\ntask: own\n{line}\n")
    with pytest.raises(SettingsError, match=said):
        TaskManager(include_path=str(tmp_path), include_defaults=False).load(["own"])


def test_n_samples_of_a_greedy_task(refused) -> None:
    """More samples of a greedy task need do_sample, and the message says how to ask for it."""
    message = refused("passk_humaneval_greedy", metadata={"passk.samples": 10})
    assert "--gen_kwargs do_sample=true temperature=" in message


def test_a_missing_temperature(dataset) -> None:
    """do_sample without a temperature is refused, since lm-eval's models differ in what they take for it."""
    settings = preflight.Settings(samples=2)
    with pytest.raises(PreflightError, match="need a temperature"):
        preflight.check_sampling(settings, {"until": [], "do_sample": True}, "task t")


def test_one_greedy_sample_is_fine(evaluate, canned) -> None:
    """A single sample needs no sampling."""
    model = canned(canonical)
    evaluate(model, metadata={"passk.samples": 1, "passk.k": 1}, limit=1, gen_kwargs={"do_sample": False})
    assert len(model.requests) == 1


@pytest.mark.parametrize("path", [FILE, FILE / "below", FILE / "results.json"])
def test_an_output_path_that_cannot_be_written(refused, path) -> None:
    """An output path where lm-eval could not save, which it would not even say, is refused."""
    message = refused(evaluation_tracker=EvaluationTracker(output_path=str(path)))
    assert f"--output_path {path} cannot be written" in message


def test_a_journal_folder_that_cannot_be_written(refused) -> None:
    """A journal folder that cannot be written is refused."""
    message = refused(metadata={"passk.journal": str(FILE / "below")})
    assert "journal" in message
    assert "set passk.journal to another" in message


@pytest.mark.parametrize("path", ["runs", "runs/named.json"])
def test_the_journal_goes_beside_the_results(evaluate, canned, tmp_path, path) -> None:
    """The journal is written into the folder where lm-eval puts its results."""
    tracker = EvaluationTracker(output_path=str(tmp_path / path))
    found = evaluate(canned(canonical), "passk_humaneval_greedy", limit=1, evaluation_tracker=tracker)
    tracker.save_results_aggregated(results=found)
    journals = list(tmp_path.glob("runs/**/passk_journal_passk_humaneval_greedy_*_rank0.jsonl"))
    saved = list(tmp_path.glob("runs/**/*.json"))
    assert len(journals) == len(saved) == 1
    assert journals[0].parent == saved[0].parent


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"canonical_solution": "    return 7\n"}, "no reference solution that was tried passes"),
        (
            {"test": "def check(candidate):\n    assert candidate(0) == None\n"},
            "a function that only returns None passes",
        ),
    ],
)
def test_problems_that_cannot_be_right(evaluate, canned, dataset, tmp_path, caplog, changes, said) -> None:
    """A reference that fails its tests, and tests that cannot fail, are warned of before generation."""
    rows = tmp_path / "test.jsonl"
    rows.write_text(json.dumps({**dataset.rows[0], **changes}) + "\n")
    evaluate(canned(canonical), "passk_humaneval_greedy", metadata={"passk.data_files": str(rows)})
    assert f"task passk_humaneval_greedy: {said}" in caplog.text


def test_the_sandbox_is_tried_once(dataset, load, monkeypatch) -> None:
    """Several tasks with the same sandbox try it once a process."""
    calls = []
    monkeypatch.setattr(preflight, "_tested", set())
    monkeypatch.setattr(selftest, "require", lambda *a: calls.append(a))
    for name in ("passk_humaneval", "passk_humaneval_greedy"):
        preflight.check_sandbox(load(name).spec, dataset)
    preflight.check_sandbox(load(**{"passk.timeout_s": 9}).spec, dataset)
    assert len(calls) == 2


def test_a_stop_at_blank_lines_is_warned_of(evaluate, canned, caplog) -> None:
    """A stop sequence of white space, which cuts programs short, is warned of."""
    evaluate(canned(canonical), "passk_humaneval_greedy", limit=1, gen_kwargs={"until": ["\n\n"]})
    assert r"stop sequence '\n\n' cuts a program at its first blank line" in caplog.text


def test_the_wrong_kind_of_prompt_is_warned_of(evaluate, canned, caplog) -> None:
    """A chat task without a chat template is warned of."""
    evaluate(canned(canonical), "passk_humaneval_instruct_greedy", limit=1)
    assert "add --apply_chat_template" in caplog.text


def test_one_seed_for_all_is_warned_of(evaluate, canned, caplog) -> None:
    """A fixed seed in the generation arguments, the same for all n requests, is warned of."""
    metadata = {"passk.samples": 2, "passk.k": 1}
    evaluate(canned(canonical), limit=1, metadata=metadata, gen_kwargs={"seed": 7})
    assert "every request carries the same seed" in caplog.text
    caplog.clear()
    evaluate(
        canned(canonical), limit=1, metadata={**metadata, "passk.seeds": "distinct"}, gen_kwargs={"seed": 7}
    )
    assert "every request carries the same seed" not in caplog.text


def test_openai_style_models_are_known_by_their_class(dataset) -> None:
    """The models that `passk run` gives distinct seeds are those of the class that the warning looks for."""
    named = {
        name
        for name, target in MODEL_MAPPING.items()
        if target.startswith("lm_eval.models.openai_completions:")
    }
    assert named | {"azure-openai-chat-completions"} == set(preflight.OPENAI_STYLE)
    for name in named:
        cls = getattr(openai_completions, MODEL_MAPPING[name].split(":")[1])
        assert preflight._OPENAI_STYLE_CLASS in [parent.__name__ for parent in cls.__mro__]


def test_hf_with_distinct_seeds_is_refused() -> None:
    """lm-eval's hf model takes no seed in its generation arguments, so distinct seeds are refused for it."""

    class HFLM:
        rank, world_size = 0, 1

    with pytest.raises(PreflightError, match="seeds=distinct is for servers"):
        preflight.check_model(
            preflight.Settings(samples=2, seeds="distinct"), {}, Invocation(lm=HFLM()), "task t"
        )


@pytest.mark.parametrize(("world_size", "started", "refused"), [(1, 2, True), (2, 2, False), (1, 1, False)])
def test_processes_that_share_no_documents_are_refused(world_size: int, started: int, refused: bool) -> None:
    """Without two GPUs each process that a launcher starts for hf would do the whole run."""
    model = SimpleNamespace(rank=0, world_size=world_size, accelerator=SimpleNamespace(num_processes=started))
    raised = pytest.raises(PreflightError, match="2 processes were started") if refused else nullcontext()
    with raised:
        preflight.check_model(preflight.Settings(), {}, Invocation(lm=model), "task t")
