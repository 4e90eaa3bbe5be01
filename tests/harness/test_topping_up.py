"""Topping up in a run: rounds until the interval is short, each sample once, scouts that do not count."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
from serving import Server, serve
from support import Canned, alternating, outcomes, record

from passk_tasks import api
from passk_tasks.errors import PasskError, PreflightError, SandboxError
from passk_tasks.harness import topping_up
from passk_tasks.results import sample_files
from passk_tasks.results.journal import SCOUTS
from passk_tasks.statistics.estimators import pass_at_k
from passk_tasks.statistics.top_up import Needed

pytestmark = pytest.mark.whole

pytest.importorskip("tenacity", reason="needs lm_eval[api]")

TASK = "passk_humaneval"
PROBLEMS = 6
RATES = [0.0, 1.0, 0.5, 0.3, 0.0, 0.7]
FIRST = 4


class Skilled(Server):
    """Solves each problem at a rate of its own."""

    solutions: dict[str, tuple[str, float]]  # by prompt

    def answer(self, body: dict[str, Any]) -> tuple[int, Any]:
        status, reply = super().answer(body)
        if status == 200 and reply.get("choices"):
            solution, rate = self.solutions[body["prompt"].strip()]
            drawn = int(hashlib.sha256(reply["choices"][0]["text"].encode()).hexdigest()[:8], 16) / 2**32
            if drawn < rate:
                reply["choices"][0]["text"] = f"{solution}\n# {body['seed']}\n"
        return status, reply


@pytest.fixture
def server(dataset, monkeypatch):
    """The server."""
    problems = list(dataset.problems.values())[:PROBLEMS]
    rates = zip(problems, RATES, strict=True)
    solutions = {p.prompt.strip(): (p.canonical_solution, rate) for p, rate in rates}
    monkeypatch.setattr(Skilled, "solutions", solutions, raising=False)
    monkeypatch.setattr("serving.Server", Skilled)
    with serve() as running:
        yield running


@pytest.fixture
def go(evaluate, server, tmp_path):
    """A run against the server that is topped up."""

    def run(half_width: float = 0.06, most: int = 60, **metadata: Any) -> dict[str, Any]:
        goal = json.dumps({"half_width": half_width, "most": most})
        settings = {"samples": FIRST, "k": 1, "seeds": "distinct", "top_up": goal}
        settings["journal"] = str(tmp_path / "journals")
        arguments = {"model": "m", "base_url": server.url, "num_concurrent": 4, "max_retries": 1}
        return evaluate(
            "local-completions",
            TASK,
            limit=PROBLEMS,
            metadata={f"passk.{name}": value for name, value in {**settings, **metadata}.items()},
            model_args={**arguments, "tokenized_requests": False, "tokenizer_backend": None},
            gen_kwargs={"do_sample": True, "temperature": 0.8, "max_gen_toks": 64},
        )

    return run


@pytest.fixture
def scouts(monkeypatch):
    """Scouts, whether they pay or not."""
    real = topping_up.needed
    monkeypatch.setattr(
        topping_up, "needed", lambda *args: Needed(3, real(*args).total, real(*args).half_width)
    )


def counts(found: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """N and c of each problem, from what lm-eval logs."""
    verdicts = {line["doc"]["task_id"]: outcomes(line) for line in found["samples"][TASK]}
    return {
        task_id: (len(mine), sum(one["verdict"] == "passed" for one in mine))
        for task_id, mine in verdicts.items()
    }


def check(found: dict[str, Any]) -> dict[str, Any]:
    """Check that the numbers are those of the logged samples; return the results."""
    facts, counted = record(found), counts(found)
    n, c = np.array(list(counted.values())).T
    expected = float(np.mean(pass_at_k(n, c, 1)))
    assert facts["metrics"]["pass@1"]["value"] == pytest.approx(expected, abs=1e-12)
    assert found["results"][TASK]["pass@1,none"] == pytest.approx(expected, abs=1e-12)
    assert facts["samples"] == n.sum()
    low, high = facts["metrics"]["pass@1"]["over_samples"]["ci95"]
    assert facts["top_up"]["half_width"] == pytest.approx((high - low) / 2)
    assert (facts["top_up"]["least"], facts["top_up"]["most"]) == (n.min(), n.max())
    return facts


def test_rounds_until_the_interval_is_short_enough(go, server) -> None:
    """All problems get more until the interval is short enough; each sample is asked for once."""
    facts = check(go())
    assert facts["top_up"]["half_width"] <= facts["top_up"]["wanted"] == 0.06
    assert facts["top_up"]["rounds"] >= 1
    assert set(server.asked.values()) == {1}
    assert server.asked.total() == facts["samples"] + facts["top_up"]["scouts"]["samples"]
    assert not any("n differs" in warning for warning in facts["warnings"])


def test_scouts_decide_and_do_not_count(go, server, scouts, passk) -> None:
    """With scouts n differs between problems; they are in the journal, have a price, and are in no number."""
    server.more = lambda _: ({}, {"usage": {"prompt_tokens": 7, "completion_tokens": 5}})
    found = go(most=200, price=json.dumps({"in": 3, "out": 9}))
    facts = check(found)
    assert facts["n"] is None
    assert facts["top_up"]["scouts"]["samples"] == 3 * PROBLEMS
    assert server.asked.total() == facts["samples"] + 3 * PROBLEMS
    assert sum(seed >= 1234 + SCOUTS for _, seed in server.asked) == 3 * PROBLEMS
    assert facts["top_up"]["scouts"]["money"] == pytest.approx(3 * PROBLEMS * (7 * 3 + 5 * 9) / 1e6)
    (journal,) = facts["journals"]
    file = sample_files.read(journal)
    assert Counter(sample.task_id for sample in file.samples) == {t: n for t, (n, _) in counts(found).items()}
    assert any("18 answers that decided how many samples each problem got" in w for w in file.warnings)
    scored = api.score_samples(journal)
    assert scored.as_dict()["metrics"] == facts["metrics"]
    assert dict(scored.verdicts) == facts["verdicts"]


def test_nothing_more_where_the_first_samples_are_enough(go, server) -> None:
    """A wide interval needs no round, and no scouts."""
    facts = check(go(half_width=0.3))
    assert (facts["top_up"]["rounds"], server.asked.total()) == (0, FIRST * PROBLEMS)


def test_the_most_is_not_exceeded(go, server) -> None:
    """Where the interval cannot be reached, each problem gets the most, and the results say what was."""
    facts = check(go(half_width=0.001, most=9))
    assert (facts["n"], server.asked.total()) == (9, 9 * PROBLEMS)
    assert facts["top_up"]["half_width"] > 0.001


@pytest.mark.parametrize("after", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (30, 50)), 90])
def test_broken_off_anywhere_it_goes_on_to_the_same_result(go, server, scouts, tmp_path, after) -> None:
    """At first, among scouts or in a round: what had arrived is not asked for again, the end is the same."""
    whole = go(most=200)
    total = server.asked.total()
    assert total > 91
    server.asked.clear()
    for path in (tmp_path / "journals").iterdir():
        path.unlink()
    server.failure = lambda number: (500, {}) if number >= after else None
    with pytest.raises(PasskError, match="answers are saved in"):
        go(most=200)
    server.failure = lambda _: None
    saved = sum(
        b'"sample"' in line
        for path in (tmp_path / "journals").iterdir()
        for line in path.read_bytes().splitlines()
    )
    with serve() as fresh:
        server.url = fresh.url
        again = go(most=200, resume="latest")
        assert fresh.asked.total() == total - saved
        assert set(fresh.asked.values()) == {1}
    assert counts(again) == counts(whole)
    told, before = record(again), record(whole)
    assert told["metrics"] == before["metrics"]
    assert told["top_up"] == before["top_up"]
    (journal,) = told["journals"]
    assert len(sample_files.read(journal).samples) == told["samples"]


def test_a_failure_of_judging_loses_no_answer(go, server, tmp_path, monkeypatch) -> None:
    """Where no program can be judged between rounds, the error says how to go on; nothing is asked again."""

    def broken(*_: Any, **__: Any) -> Any:
        raise SandboxError("no more processes")

    with monkeypatch.context() as patched:
        patched.setattr(topping_up, "score", broken)
        with pytest.raises(
            SandboxError, match=r"no more processes\n24 of 24 answers are saved in .* --resume"
        ):
            go()
    (journal,) = (tmp_path / "journals").iterdir()
    assert len(sample_files.read(journal).samples) == FIRST * PROBLEMS
    go(resume="latest")
    assert set(server.asked.values()) == {1}


def test_a_fixed_n_goes_on_after_it(go, server) -> None:
    """What was asked for by rounds serves a run with a fixed n, and the other way round."""
    go(most=12, half_width=0.001)
    before = server.asked.total()
    go(samples=12, top_up="", resume="latest")
    assert server.asked.total() == before
    facts = check(go(most=14, half_width=0.001, resume="latest"))
    assert (server.asked.total() - before, facts["n"]) == (2 * PROBLEMS, 14)


def test_a_model_in_the_process(evaluate, state_folder) -> None:
    """A model without seeds answers requests with repeats; the new samples have new numbers."""
    goal = {"half_width": 0.08, "most": 60}
    metadata = {"passk.samples": 4, "passk.k": 1, "passk.top_up": goal}
    model = Canned(alternating)
    model.answer = lambda doc, index: alternating(doc, index) + f"# {len(model.requests)}\n"
    found = evaluate(model, metadata=metadata, limit=3)
    facts = check(found)
    assert facts["top_up"]["half_width"] <= 0.08
    for line in found["samples"][TASK]:
        texts = [text for group in line["resps"] for text in group]
        assert len(texts) == facts["n"] > 4
    (journal,) = facts["journals"]
    keys = [(s.task_id, s.index) for s in sample_files.read(journal).samples]
    assert sorted(keys) == sorted({(f"HumanEval/{p}", i) for p in range(3) for i in range(facts["n"])})


@pytest.mark.parametrize(
    ("metadata", "named"),
    [
        ({"samples": 1}, r"must be from 2 \(2k.*passk.samples=2"),
        ({"samples": 61}, "to its `most`, 60, and are 61"),
        ({"samples": 10, "k": "1,10"}, r"must be from 20 \(2k, for the interval of pass@10"),
        ({"top_up": {"half_width": 0.1, "most": 60, "k": 3}}, "none of passk.k: add it there"),
    ],
)
def test_what_cannot_be_is_refused(go, server, metadata, named) -> None:
    """Too few samples at first, or a budget that is not reported, end the run before anything is asked."""
    with pytest.raises(PreflightError, match=named):
        go(**metadata)
    assert not server.asked


def test_models_that_have_no_more(evaluate) -> None:
    """Played back samples cannot be topped up."""
    from passk_tasks.harness.replay import ReplayLM

    goal = {"half_width": 0.1, "most": 60}
    with pytest.raises(PreflightError, match="the model replay has the samples that it has"):
        evaluate(ReplayLM(), metadata={"passk.samples": 4, "passk.k": 1, "passk.top_up": goal}, limit=3)


def test_what_will_be_asked_is_said_before(go, caplog) -> None:
    """Before anything is spent, and before each round, the run says what it will ask for."""
    caplog.set_level("INFO")
    go()
    said = [line for line in caplog.messages if "top-up" in line]
    assert "4 samples of each of up to 164 problems at first, and then more until pass@1" in said[0]
    assert "more answers should make it ± 0.0" in said[1]
    assert "round 1: " in said[2]


def test_scouts_have_numbers_of_their_own() -> None:
    """Numbers of scouts are beyond those that any problem gets."""
    from passk_tasks.tasks.values import MOST_SAMPLES

    assert SCOUTS >= MOST_SAMPLES
