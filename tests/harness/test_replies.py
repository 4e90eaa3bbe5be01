"""A server's reply without an answer ends the run; it is judged as no answer of the model."""

from __future__ import annotations

from typing import Any

import pytest
from lm_eval.models.openai_completions import LocalChatCompletion
from serving import serve

from passk_tasks.errors import PasskError
from passk_tasks.harness import replies

TEXT = {"index": 0, "text": "    pass"}
CHAT = {"index": 0, "message": {"content": "pass"}}

NO_ANSWERS = {
    "no JSON object": [None],
    "is an error": {"error": {"message": "overloaded"}},
    "in place of a text": {"choices": [{**CHAT, "error": {"code": 502}}]},
    "error in place": {"choices": [{**CHAT, "finish_reason": "error"}]},
    "no choices": {"object": "chat.completion"},
    "are no JSON objects": {"choices": ["pass"]},
    "without a text or a message": {"choices": [{"index": 0, "message": None}]},
    "0 answers to 1 prompts": {"choices": []},
    "2 answers to 1 prompts": {"choices": [TEXT, {**TEXT, "index": 1}]},
    r"\[None\]": {"choices": [{"message": {"content": "pass"}}]},
    r"\[7\]": {"choices": [{**TEXT, "index": 7}]},
}


@pytest.mark.parametrize("why", NO_ANSWERS)
def test_what_is_no_answer_is_named(why: str) -> None:
    """The message says what is wrong with the reply, and shows it."""
    with pytest.raises(PasskError, match=rf"(?s){why}.*no answer of the model"):
        replies.check(NO_ANSWERS[why], None, 1)


@pytest.mark.parametrize(("asked", "count"), [(3, 2), (2, 3)])
def test_a_batch_has_an_answer_to_each_prompt(asked: int, count: int) -> None:
    """lm-eval would give answers to other prompts, or lose some."""
    choices = [{**TEXT, "index": number} for number in range(count)]
    with pytest.raises(PasskError, match=f"{count} answers to {asked} prompts"):
        replies.check({"choices": choices}, ["prompt"] * asked, 4)
    replies.check({"choices": choices[::-1]}, ["prompt"] * count, 4)


def test_answers_with_one_number_are_refused() -> None:
    """lm-eval would keep the last one, and make nulls of the others."""
    with pytest.raises(PasskError, match=r"\[0, 0\]"):
        replies.check({"choices": [TEXT, TEXT]}, None, 2)


@pytest.mark.parametrize(
    "reply",
    [
        {"choices": [TEXT], "error": None},
        {"choices": [{**CHAT, "message": {"content": None}}]},
        {"choices": [{**CHAT, "message": {"tool_calls": []}, "finish_reason": "tool_calls"}]},
        {"choices": [{**TEXT, "text": "", "finish_reason": "length"}]},
        {"content": [{"type": "text", "text": "pass"}]},
        {"text": "pass", "meta_info": {}},
    ],
)
def test_what_the_model_wrote_is_an_answer(reply: dict[str, Any]) -> None:
    """Also where it is empty, null, or a call of a tool, and in the form of other servers."""
    replies.check(reply, None, 1)


@pytest.mark.parametrize("concurrent", [1, 4])
def test_an_error_with_status_200_is_not_judged(evaluate, concurrent: int) -> None:
    """A gateway's error body was an empty answer, and failed, beside lm-eval's line in the log."""
    with serve() as server:
        server.failure = lambda number: (200, {"error": {"message": "overloaded"}}) if number == 1 else None
        model = LocalChatCompletion(
            model="m",
            base_url=server.url.replace("/v1/completions", "/v1/chat/completions"),
            num_concurrent=concurrent,
            max_retries=1,
        )
        with pytest.raises(PasskError, match=r"is an error.*overloaded"):
            evaluate(model, "passk_humaneval_instruct", apply_chat_template=True, limit=3)


def test_backends_of_others_have_their_own_replies(evaluate) -> None:
    """What lm-eval does not bring reads its server's replies by itself."""

    class Own(LocalChatCompletion):
        def parse_generations(self, outputs: Any, **_: Any) -> list[str]:  # type: ignore[override]
            return [outputs["choices"][0]["message"]["content"]]

    with serve() as server:
        server.more = lambda _: ({"index": 7}, {})
        url = server.url.replace("/v1/completions", "/v1/chat/completions")
        found = evaluate(
            Own(model="m", base_url=url), "passk_humaneval_instruct", apply_chat_template=True, limit=1
        )
    assert found["results"]
