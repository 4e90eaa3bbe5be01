"""What goes out with a request: recorded, warned of where it was not asked for, refused where it spoils."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lm_eval.models.gguf import GGUFLM
from lm_eval.models.openai_completions import LocalCompletionsAPI, OpenAIChatCompletion
from lm_eval.models.sglang_causallms import SGLangLM
from lm_eval.models.sglang_generate_API import SGLANGGENERATEAPI
from serving import serve
from support import canonical, record

from passk_tasks import api
from passk_tasks.errors import PreflightError
from passk_tasks.harness import sent

GREEDY = "passk_humaneval_greedy"
SAMPLED = {"do_sample": True, "temperature": 0.2, "top_p": 0.95, "max_gen_toks": 512, "until": ["\ndef"]}
ALONE = {"passk.samples": 1, "passk.k": 1}


def server_model(kind: type[Any] = OpenAIChatCompletion, name: str = "gpt-4.1", url: str = "x") -> Any:
    """A server's backend without a tokenizer."""
    return kind(model=name, base_url=url, tokenizer_backend=None, tokenized_requests=False)


@pytest.mark.parametrize("name", ["gpt-5-mini", "o1", "o3-mini", "o4-mini", "gpt-3.5-turbo", "my-15b"])
def test_a_name_with_a_certain_digit_is_sampled_at_1(name: str) -> None:
    """lm-eval's OpenAI chat backend sends temperature 1 and no stops for such a name."""
    goes_out = sent.of(server_model(name=name), SAMPLED)
    assert goes_out is not None
    assert (goes_out.temperature, goes_out.max_tokens, goes_out.stops) == (1, 512, ())
    assert goes_out.others == {"top_p": 0.95}


def test_what_is_sent_as_asked_is_not_warned_of() -> None:
    """A backend that renames arguments and keeps their values needs no warning."""
    goes_out = sent.of(server_model(), SAMPLED)
    assert goes_out is not None
    assert (goes_out.temperature, goes_out.max_tokens) == (0.2, 512)
    assert sent.check(goes_out, SAMPLED, 1, seeds=False, where="it") == []


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        (OpenAIChatCompletion, {"until": list("abcde")}, "does not send the stop sequences 'e'"),
        (
            LocalCompletionsAPI,
            {"max_gen_toks": None, "max_new_tokens": 512},
            "256 tokens, not max_new_tokens",
        ),
        (LocalCompletionsAPI, {"max_gen_toks": None, "max_completion_tokens": 99}, None),
        (LocalCompletionsAPI, {"max_gen_toks": None, "max_tokens": 99}, None),
        (SGLANGGENERATEAPI, {"max_gen_toks": None, "max_new_tokens": 99}, None),
        (SGLANGGENERATEAPI, {}, None),
    ],
)
def test_renamed_and_dropped_arguments(kind: type[Any], changes: dict[str, Any], words: str | None) -> None:
    """A limit under a name that the backend does not know, and stops beyond its number, are said."""
    asked = {key: value for key, value in {**SAMPLED, **changes}.items() if value is not None}
    goes_out = sent.of(server_model(kind), asked)
    assert goes_out is not None
    said = " ".join(sent.check(goes_out, asked, 1, seeds=False, where="it"))
    assert words in said if words else not said


@pytest.mark.parametrize("kind", [OpenAIChatCompletion, LocalCompletionsAPI, SGLANGGENERATEAPI])
def test_do_sample_false_with_a_temperature_is_sampled_by_servers(kind: type[Any]) -> None:
    """Servers are not sent do_sample, so a greedy task with a temperature left in it would be sampled."""
    asked = {**SAMPLED, "do_sample": False}
    goes_out = sent.of(server_model(kind), asked)
    assert goes_out is not None
    assert goes_out.temperature == 0.2
    with pytest.raises(PreflightError, match="asked for greedy decoding, but sends"):
        sent.check(goes_out, asked, 1, seeds=False, where="it")


def test_a_backend_that_is_always_greedy_gives_no_n_samples() -> None:
    """The backend gguf sends temperature 0 whatever it is asked."""
    goes_out = sent.of(GGUFLM("http://x"), SAMPLED)
    assert goes_out is not None
    assert "sends temperature 0, not the 0.2" in sent.check(goes_out, SAMPLED, 1, seeds=False, where="it")[0]
    with pytest.raises(PreflightError, match="greedily whatever it is asked, so all 20 samples"):
        sent.check(goes_out, SAMPLED, 20, seeds=False, where="it")


def test_an_engine_s_own_code_is_asked() -> None:
    """TensorRT-LLM's backend takes do_sample=false for temperature 0; SGLang's would sample."""
    engines = pytest.importorskip(
        "lm_eval.models.trtllm_causallms", reason="this lm-eval has no TensorRT-LLM"
    )
    asked = {**SAMPLED, "do_sample": False}
    engine, other = engines.TRTLLM.__new__(engines.TRTLLM), SGLangLM.__new__(SGLangLM)
    engine._max_gen_toks = other._max_gen_toks = 256
    goes_out = sent.of(engine, asked)
    assert goes_out is not None
    assert (goes_out.temperature, goes_out.max_tokens, goes_out.stops) == (0, 512, ("\ndef",))
    goes_out = sent.of(other, asked)
    assert goes_out is not None
    assert (goes_out.temperature, goes_out.max_tokens, goes_out.stops) == (0.2, 512, ("\ndef",))
    with pytest.raises(PreflightError, match="asked for greedy decoding"):
        sent.check(goes_out, asked, 1, seeds=False, where="it")


def test_a_backend_that_nobody_knows_says_nothing(canned) -> None:
    """Of a model without such code nothing is known."""
    assert sent.of(canned(canonical), SAMPLED) is None


def test_a_greedy_task_is_refused_before_a_token_is_generated(evaluate, monkeypatch) -> None:
    """No request reaches the server, and the message says what to do."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with (
        serve() as server,
        pytest.raises(PreflightError, match="gpt-5-mini") as refused,
    ):
        evaluate(server_model(name="gpt-5-mini", url=server.url), GREEDY, apply_chat_template=True)
    assert not server.asked
    assert "do_sample=true temperature=1" in str(refused.value)


def test_what_was_sent_is_recorded_and_compared(evaluate, monkeypatch, tmp_path: Path, caplog) -> None:
    """The temperature that the server got stands in results, journal and conditions, with a warning."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    metadata = {**ALONE, "passk.journal": str(tmp_path)}
    with serve() as server:
        model = server_model(name="gpt-5-mini", url=server.url)
        found = evaluate(model, "passk_humaneval_instruct", metadata=metadata, apply_chat_template=True)
    assert {body["temperature"] for body in server.bodies} == {1}
    facts = record(found, "passk_humaneval_instruct")
    assert facts["sent"]["temperature"] == 1
    assert facts["generation_kwargs"]["temperature"] == 0.2
    assert any("sends temperature 1, not the 0.2" in text for text in facts["warnings"])
    assert "sends temperature 1, not the 0.2" in caplog.text
    header = json.loads(Path(facts["journals"][0]).read_text().splitlines()[0])
    assert header["extra"]["sent"]["temperature"] == 1
    api.score_samples(facts["journals"], out=tmp_path / "out")
    assert api.load_run(tmp_path / "out").conditions.temperature == 1
