"""What answers took and how they ended: from a server's replies, its tokenizer, or unknown and said so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lm_eval.models.openai_completions import LocalChatCompletion, LocalCompletionsAPI
from serving import Server, serve
from support import canonical, outcomes, record

from passk_tasks import api
from passk_tasks.harness.metering import Meter
from passk_tasks.results.spent import Spent

BASE, CHAT = "passk_humaneval", "passk_humaneval_instruct"
TWO = {"passk.samples": 2, "passk.k": [1, 2], "passk.seeds": "distinct"}
PRICE = {"passk.price": {"in": 1.0, "out": 10.0}}


def completions(server: Server, concurrent: int = 1, **arguments: Any) -> Any:
    """lm-eval's model of a server of completions."""
    tokenizer = {"tokenizer_backend": "none", "tokenized_requests": False, **arguments}
    return LocalCompletionsAPI(model="m", base_url=server.url, num_concurrent=concurrent, **tokenizer)


def replies(reason: str | None = "stop", **usage: int) -> Any:
    """What a server says besides the text."""
    of_choice = {} if reason is None else {"finish_reason": reason}
    return lambda _: (of_choice, {"usage": usage} if usage else {})


@pytest.mark.parametrize("concurrent", [1, 16])
def test_a_server_s_own_count_is_recorded_and_priced(evaluate, tmp_path: Path, concurrent: int) -> None:
    """Tokens, the limit and money stand in samples, journal and results, and a rescoring has them too."""
    metadata = {**TWO, **PRICE, "passk.journal": str(tmp_path)}
    with serve() as server:
        server.more = replies("length", prompt_tokens=100, completion_tokens=50)
        found = evaluate(completions(server, concurrent), BASE, metadata=metadata)
    facts = record(found)
    cost, cut = facts["cost"], facts["cut_off"]
    assert (cost["tokens_in"], cost["tokens_out"], cost["counted"]) == (600, 300, {"server": 6})
    assert cost["money"] == pytest.approx((600 * 1 + 300 * 10) / 1e6)
    assert cost["per_sample"]["tokens_out"] == 50
    assert "tokens_out" not in cost["per_solved_problem"]  # none was solved
    assert cost["generation_s"] > 0
    assert cost["judging_s"] > 0
    assert (cut["samples"], cut["limit_hit"], cut["limit_unknown"], cut["share"]) == (6, 6, 0, 1.0)
    assert cut["bounds"]["pass@1"] == [0.0, 1.0]
    assert any("6 of 6 answers (100.0%) were cut off" in text for text in facts["warnings"])
    lines = [json.loads(line) for line in Path(facts["journals"][0]).read_text().splitlines()]
    assert [line["spent"] for line in lines[1:-1]] == [
        {"in": 100, "out": 50, "limit_hit": True, "by": "server"}
    ] * 6
    again = api.score_samples(facts["journals"])
    assert again.cost is not None
    assert (again.cost.tokens_out, again.cost.money) == (300, cost["money"])
    # The journal has the time until its last answer, in milliseconds.
    assert 0 < again.cost.generation_s <= cost["generation_s"] + 2e-3
    assert again.cut_off is not None
    assert again.cut_off.limit_hit == 6


def test_a_chat_server_s_answers_keep_their_own_counts(evaluate, tmp_path: Path) -> None:
    """With sixteen requests at one time each answer has the count of its own reply."""
    with serve() as server:
        server.more = lambda text: ({"finish_reason": "stop"}, {"usage": {"completion_tokens": len(text)}})
        model = LocalChatCompletion(model="m", base_url=server.url, num_concurrent=16)
        found = evaluate(model, CHAT, metadata=TWO, apply_chat_template=True, limit=8)
    facts = record(found, CHAT)
    lines = [json.loads(line) for line in Path(facts["journals"][0]).read_text().splitlines()][1:-1]
    assert len(lines) == 16
    assert all(line["spent"]["out"] == len(line["text"]) for line in lines)
    assert facts["cut_off"]["limit_unknown"] == 0
    assert facts["cut_off"]["samples"] == 0


def test_the_server_s_tokenizer_counts_where_replies_do_not(evaluate) -> None:
    """Through lm-eval's own remote tokenizer; the limit is hit where the count reaches what was sent."""
    with serve() as server:
        server.counts_tokens = True
        model = completions(server, tokenizer_backend="remote")
        facts = record(evaluate(model, BASE, metadata=TWO, gen_kwargs={"max_gen_toks": 5}))
        short = record(evaluate(model, BASE, metadata=TWO, gen_kwargs={"max_gen_toks": 4}))
    assert short["cut_off"]["limit_hit"] == 6
    assert facts["cost"]["counted"] == {"tokenizer": 6}
    assert facts["cost"]["per_sample"]["tokens_out"] == len(["return", "None", "#", "x"])
    assert facts["cut_off"]["limit_hit"] == 0


def test_without_any_count_nothing_is_claimed(evaluate, canned) -> None:
    """A model without a tokenizer: no tokens, no money, and the limit is unknown of every answer."""
    facts = record(evaluate(canned(canonical), BASE, metadata={**TWO, **PRICE}))
    assert "tokens_out" not in facts["cost"]
    assert "money" not in facts["cost"]
    assert facts["cost"]["counted"] == {}
    assert facts["cut_off"]["limit_unknown"] == 6


def test_an_answer_that_had_ended_before_the_limit_is_not_cut_off() -> None:
    """A server that ignores stop sequences writes on to the limit, and the text is cut at the stop."""
    with serve() as server:
        model = completions(server)
    meter = Meter(model)
    reply = {"choices": [{"index": 0, "text": "return 1\ndef g", "finish_reason": "length"}]}
    with meter.listening():
        (text,) = model.parse_generations(outputs=reply)
        assert meter.spent(("x", {"until": ["\ndef"]}), text) == Spent(limit_hit=False)
        (text,) = model.parse_generations(outputs=reply)
        assert meter.spent(("x", {"until": ["\nclass"]}), text) == Spent(limit_hit=True)
    assert "parse_generations" not in vars(model)


def test_a_reply_with_several_answers_gives_each_its_end() -> None:
    """Usage is of the whole reply, so it is nobody's; the reasons are told in the answers' order."""
    with serve() as server:
        model = completions(server, batch_size=2)
    choices = [
        {"index": 1, "text": "b", "finish_reason": "stop"},
        {"index": 0, "text": "a", "finish_reason": "length"},
    ]
    meter = Meter(model)
    with meter.listening():
        texts = model.parse_generations(outputs={"choices": choices, "usage": {"completion_tokens": 9}})
        assert [meter.spent(("x", {}), text) for text in texts] == [
            Spent(limit_hit=True),
            Spent(limit_hit=False),
        ]


@pytest.mark.parametrize(
    "reply",
    [
        {"choices": [{"index": 0, "text": "a", "finish_reason": 7}], "usage": "none"},
        {"choices": [{"index": 0, "text": "a"}], "usage": None},
        {"choices": [{"index": 0, "text": "a", "finish_reason": None}]},
    ],
)
def test_replies_of_other_forms_cost_no_answer(reply: dict[str, Any]) -> None:
    """What cannot be read is unknown."""
    with serve() as server:
        model = completions(server)
    meter = Meter(model)
    with meter.listening():
        assert model.parse_generations(outputs=reply) == ["a"]
        assert meter.spent(("x", {}), "a") is None


def test_a_resumed_run_adds_up(evaluate, tmp_path: Path) -> None:
    """Counts and seconds of the first attempt are those of the whole run."""
    metadata = {**TWO, "passk.journal": str(tmp_path)}
    with serve() as server:
        server.more = replies("stop", prompt_tokens=100, completion_tokens=50)
        first = record(evaluate(completions(server), BASE, metadata=metadata))
        whole = Path(first["journals"][0])
        lines = whole.read_text().splitlines(keepends=True)
        whole.write_text("".join(lines[:4]))
        again = record(evaluate(completions(server), BASE, metadata={**metadata, "passk.resume": str(whole)}))
    assert again["cost"]["counted"] == {"server": 6}
    assert again["cost"]["tokens_in"] == 600
    assert again["cost"]["generation_s"] > json.loads(lines[3])["at_s"]


def test_lm_eval_s_samples_hold_it(evaluate) -> None:
    """What each answer took stands in the outcomes that lm-eval logs."""
    with serve() as server:
        server.more = replies("stop", prompt_tokens=100, completion_tokens=50)
        found = evaluate(completions(server), BASE, metadata=TWO)
    spent = [outcome["spent"] for line in found["samples"][BASE] for outcome in outcomes(line)]
    assert spent == [{"in": 100, "out": 50, "limit_hit": False, "by": "server"}] * 6
