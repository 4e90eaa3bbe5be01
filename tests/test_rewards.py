"""Rewards in training: the signatures of TRL and verl, on one sandbox that many threads use."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import json
import multiprocessing
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import contest_rows
import pytest

import passk_tasks
from passk_tasks.errors import SamplesError, SandboxError, SettingsError, UsageError
from passk_tasks.judging import cases
from passk_tasks.rewards import Rewards
from passk_tasks.verdict import Outcome, Verdict

PROBLEMS = passk_tasks.load_problems("passk_humaneval").problems
RIGHT = {task_id: problem.canonical_solution for task_id, problem in PROBLEMS.items()}
WRONG = "    return None\n"


@pytest.fixture(scope="module")
def rewards() -> Iterator[Rewards]:
    """Return rewards of HumanEval, whose sandbox all tests of this module share."""
    with Rewards("passk_humaneval", {"workers": 2}) as made:
        yield made


def test_trl_gets_a_reward_for_each_completion_in_order(rewards: Rewards) -> None:
    """Texts and conversations are taken; other columns and arguments of the trainer are of no matter."""
    # As GRPOTrainer._calculate_rewards calls it: by these keywords, each column as a list, None into NaN.
    talk = [{"role": "tool", "content": "no"}, {"role": "assistant", "content": RIGHT["HumanEval/2"]}]
    got = rewards(
        prompts=["p"] * 4,
        completions=[RIGHT["HumanEval/0"], WRONG, talk, ""],
        completion_ids=[[1]] * 4,
        task_id=["HumanEval/0", "HumanEval/0", "HumanEval/2", "HumanEval/1"],
        difficulty=[1, 1, 2, 3],
        trainer_state=object(),
        log_extra=print,
        log_metric=print,
    )
    assert got == [1.0, 0.0, 1.0, 0.0]
    assert not inspect.iscoroutinefunction(rewards)
    assert rewards.__name__ == "passk_humaneval_reward"


def test_verl_gets_one_reward(rewards: Rewards) -> None:
    """`ground_truth` names the problem, in a number too, and `extra_info` wins."""
    right = RIGHT["HumanEval/3"]
    assert rewards.compute_score("code", right, "HumanEval/3") == 1.0
    assert rewards.compute_score(data_source="code", solution_str=right, ground_truth=3, extra_info={}) == 1.0
    assert rewards.compute_score("code", right, "3", {"task_id": "HumanEval/4"}) == 0.0
    # As verl's `naive` and `dapo` managers call it: from a pool of threads, with what the rollout adds.
    extra = {"index": 3, "num_turns": None, "rollout_reward_scores": {}}
    asked = functools.partial(
        rewards.compute_score,
        data_source="code",
        solution_str=right,
        ground_truth="HumanEval/3",
        extra_info=extra,
        reward_router_address=None,
        reward_model_tokenizer=None,
    )

    async def scored() -> list[float | None]:
        loop = asyncio.get_running_loop()
        return await asyncio.gather(*(loop.run_in_executor(None, asked) for _ in range(8)))

    assert asyncio.run(scored()) == [1.0] * 8


def test_many_threads_ask_at_one_time(rewards: Rewards) -> None:
    """Each of 16 threads, which come and go, gets the rewards of its own answers."""

    def asked(number: int) -> bool:
        task_id = f"HumanEval/{number % 8}"
        return rewards.compute_score("", RIGHT[task_id] if number % 3 else WRONG, task_id) == bool(number % 3)

    for _ in range(2):
        with ThreadPoolExecutor(16) as threads:
            assert all(threads.map(asked, range(48)))


def test_the_sandbox_stays_open_between_calls(rewards: Rewards) -> None:
    """The same workers judge a later call."""
    rewards.compute_score("", WRONG, "HumanEval/0")
    assert rewards._thread is not None
    before = list(rewards._thread._executor._pool)  # type: ignore[attr-defined]
    rewards.compute_score("", RIGHT["HumanEval/0"], "HumanEval/0")
    assert before
    assert before[0] in rewards._thread._executor._pool  # type: ignore[attr-defined]


def test_what_has_no_verdict_is_none() -> None:
    """An infra_error is no reward of 0, nor a case of the share; neither is a problem that was left out."""
    passed, failed, none = (Outcome(Verdict(v)) for v in ("passed", "failed", "infra_error"))
    assert [cases.share(mine) for mine in ([passed], [failed], [none], [passed, none], [])] == [
        1,
        0,
        None,
        None,
        None,
    ]
    assert cases.share([passed, failed, failed, passed]) == 0.5


def test_an_error_reaches_those_who_wait_and_the_next_answer_is_judged(rewards: Rewards) -> None:
    """A sandbox that breaks raises in the caller; the next call opens new workers, and is right."""
    rewards.compute_score("", WRONG, "HumanEval/0")
    assert rewards._thread is not None
    sandbox = rewards._thread._executor
    original = sandbox.run

    def broken(programs: object) -> Iterator[tuple[int, Outcome]]:
        sandbox.run = original  # type: ignore[method-assign]
        raise SandboxError("no more processes")
        yield

    sandbox.run = broken  # type: ignore[method-assign,assignment]
    with pytest.raises(SandboxError, match="no more processes"):
        rewards.compute_score("", RIGHT["HumanEval/0"], "HumanEval/0")
    assert rewards.compute_score("", RIGHT["HumanEval/0"], "HumanEval/0") == 1.0


def test_after_close_the_thread_has_ended_and_the_next_answer_opens_it_anew(rewards: Rewards) -> None:
    """`close` leaves no thread and no worker; it may be called twice."""
    rewards.compute_score("", WRONG, "HumanEval/0")
    rewards.close()
    rewards.close()
    assert not [t for t in threading.enumerate() if t.name == "passk-rewards"]
    assert rewards.compute_score("", RIGHT["HumanEval/0"], "HumanEval/0") == 1.0


def test_rewards_that_nobody_has_any_more_end_their_thread() -> None:
    """Without `close`, the sandbox ends with the object."""
    forgotten = Rewards("passk_humaneval", {"workers": 1})
    assert forgotten.compute_score("", WRONG, "HumanEval/0") == 0.0
    assert forgotten._thread is not None
    thread = forgotten._thread._thread
    del forgotten
    gc.collect()
    assert not thread.is_alive()


def _in_a_fork(rewards: Rewards, answer: Any) -> None:
    answer.put(rewards.compute_score("", RIGHT["HumanEval/0"], "HumanEval/0"))
    rewards.close()


def test_a_forked_process_opens_its_own_sandbox(rewards: Rewards) -> None:
    """Managers of verl fork: the child gets its reward, and the parent's workers go on."""
    rewards.compute_score("", WRONG, "HumanEval/0")
    context = multiprocessing.get_context("fork")
    answer = context.Queue()
    child = context.Process(target=_in_a_fork, args=(rewards, answer))
    child.start()
    assert answer.get(timeout=60) == 1.0
    child.join()
    assert rewards.compute_score("", RIGHT["HumanEval/1"], "HumanEval/1") == 1.0


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"solution": ["x"]}, "needs a column task_id.*it has 'solution'"),
        ({}, "no columns"),
        ({"task_id": ["HumanEval/0"] * 2}, "1 completions, and 2 values of task_id"),
        ({"task_id": ["HumanEval/999"]}, "no problem 'HumanEval/999'"),
    ],
)
def test_training_data_that_does_not_fit_is_refused(
    rewards: Rewards, columns: dict[str, list[str]], message: str
) -> None:
    """What names no problem of the task is an error, never a reward."""
    with pytest.raises(UsageError, match=message):
        rewards(["p"], [WRONG], **columns)


def test_a_completion_that_is_no_text_is_refused(rewards: Rewards) -> None:
    """A number, and a conversation without an answer, are errors."""
    for answer in (5, [{"role": "user", "content": "x"}]):
        with pytest.raises(SamplesError, match="no text"):
            rewards(["p"], [answer], task_id=["HumanEval/0"])


def test_tasks_without_cases_have_no_share() -> None:
    """`partial` is refused before anything is executed where tests are functions."""
    with pytest.raises(SettingsError, match="leave partial out"):
        Rewards("passk_humaneval", partial=True)


def test_the_share_of_cases_that_hold_is_the_reward_where_asked_for(tmp_path: Path) -> None:
    """Each case counts, those behind a wrong one too; a problem of functions is right or wrong."""
    data = tmp_path / "problems.jsonl"
    rows = [contest_rows.lcb_row(1), contest_rows.lcb_row(2, functional=True)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    small = "n = sum(map(int, input().split()))\nprint(n if n == 3 or n > 99 else 0)\n"  # wrong in the second
    method = contest_rows.METHOD
    answers = [contest_rows.PROGRAM, small, "print(0)\n", "no code at all ("]
    fenced = [f"```python\n{code}```" for code in (*answers, method, method.replace("sum", "max"))]
    task_ids = ["abc1_a"] * 4 + ["abc2_a"] * 2
    settings = {"data_files": str(data), "workers": 2}
    with Rewards("passk_livecodebench_instruct", settings, partial=True) as partial:
        assert partial([""] * 6, fenced, task_id=task_ids) == [1.0, 2 / 3, 0.0, 0.0, 1.0, 0.0]
    with Rewards("passk_livecodebench_instruct", settings) as whole:
        assert whole([""] * 6, fenced, task_id=task_ids) == [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
