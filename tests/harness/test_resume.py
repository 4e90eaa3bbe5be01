"""A run that broke off goes on: nothing that had arrived is lost, and nothing is asked for twice."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import our_tasks
import pytest
from serving import Server, serve
from support import Canned, canonical, environment, outcomes, record
from under_load import HANG_S, wait_until

from passk_tasks.errors import PasskError, PreflightError
from passk_tasks.harness import resume
from passk_tasks.harness.recorder import Recorder
from passk_tasks.harness.replay import ReplayLM
from passk_tasks.results import sample_files

pytest.importorskip("tenacity", reason="needs lm_eval[api]")
pytest.importorskip("aiohttp", reason="needs lm_eval[api]")

TASK = "passk_humaneval"
CHAT = "passk_humaneval_instruct"
SAMPLING = {"do_sample": True, "temperature": 0.8, "max_gen_toks": 64}


@pytest.fixture
def server():
    """A loopback server that counts."""
    with serve() as running:
        yield running


@pytest.fixture
def go(evaluate, server, tmp_path):
    """A run against the server: 3 problems, n samples of each."""

    def run(n: int = 4, *, tasks=(TASK,), at_once=1, model="local-completions", args=None, **changes: Any):
        metadata = {
            "passk.samples": n,
            "passk.k": 1,
            "passk.seeds": "distinct",
            "passk.journal": str(tmp_path),
        }
        arguments = {
            **{"model": "m", "base_url": server.url, "num_concurrent": at_once, "max_retries": 1},
            **{"tokenized_requests": False, "tokenizer_backend": None},
            **(args or {}),
        }
        return evaluate(
            model,
            *tasks,
            metadata={**metadata, **changes.pop("metadata", {})},
            model_args=arguments,
            gen_kwargs={**SAMPLING, **changes.pop("gen_kwargs", {})},
            **changes,
        )

    return run


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Any]:
    """What a run gave that nothing disturbed; the first test that needs it fills it in."""
    return {}


RESUME = {"passk.resume": "latest"}


def journals(folder: Path) -> list[Path]:
    """The journals in a folder, the oldest first."""
    return sorted(folder.glob("passk_journal_*"), key=lambda path: path.stat().st_mtime_ns)


def texts(found: dict[str, Any], task: str = TASK) -> list[Any]:
    """What a run generated, a list a problem."""
    return [line["resps"] for line in sorted(found["samples"][task], key=lambda line: line["doc_id"])]


def broken_off(go, server: Server, after: int, **arguments: Any) -> PasskError:
    """Let the server fail for good after some answers, and return the run's error."""
    server.failure = lambda number: (429, {}) if number >= after else None
    with pytest.raises(PasskError) as caught:
        go(**arguments)
    server.failure = lambda _: None
    return caught.value


FAILURES = {
    "429": (429, {"error": "slow down"}),
    "500": (500, {}),
    "no choices": (200, {"choices": []}),
    "cut": (0, None),
    "not JSON of a completion": (200, {"choices": [{"index": 0}]}),
}


@pytest.mark.parametrize("at_once", [1, 16])
@pytest.mark.parametrize("failure", FAILURES)
def test_a_failing_server_costs_no_answer_that_had_arrived(
    go, server, tmp_path, failure, at_once, undisturbed
) -> None:
    """Whatever ends the model, the error names the journal, and the run goes on to the undisturbed result."""
    if not undisturbed:
        undisturbed |= go()
    server.asked.clear()
    for path in journals(tmp_path):
        path.unlink()
    server.failure = lambda number: FAILURES[failure] if number == 7 else None
    with pytest.raises(
        PasskError, match=r"answers are saved in .* goes on from there with --resume"
    ) as caught:
        go(at_once=at_once)
    server.failure = lambda _: None
    (journal,) = journals(tmp_path)
    assert str(journal) in str(caught.value)
    saved = len(sample_files.read(journal).samples)
    assert saved == 7 if at_once == 1 else saved >= 1
    # Another server: requests that the broken run gave up may still be under way to the first one.
    with serve() as fresh:
        server.url = fresh.url
        found = go(at_once=at_once, metadata={"passk.resume": str(journal)})
        assert fresh.asked.total() == 12 - saved
    assert texts(found) == texts(undisturbed)
    assert record(found)["metrics"] == record(undisturbed)["metrics"]
    (whole,) = record(found)["journals"]
    file = sample_files.read(whole)
    assert (len(file.samples), file.warnings) == (12, ())


def test_null_content_is_an_answer_like_another(go, server, tmp_path) -> None:
    """An answer of null, which lm-eval fills with a text, is saved and not asked for again."""
    server.failure = lambda number: (200, {"choices": [{"index": 0, "text": None}]}) if number == 2 else None
    first = go()
    again = go(metadata=RESUME)
    assert server.asked.total() == 12
    assert texts(again) == texts(first)


ODD = {
    "parts": lambda text: [{"type": "text", "text": text[:9]}, {"type": "text", "text": text[9:]}],
    "null": lambda _: None,
}


@pytest.mark.parametrize("at_once", [1, 16])
@pytest.mark.parametrize("content", ODD)
def test_odd_content_before_a_failure_costs_no_answer(go, server, tmp_path, content, at_once) -> None:
    """Answers in parts are saved as they come, and so is a null, which lm-eval's hook is not told of."""

    def odd(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
        nth = int(hashlib.sha256(text.encode()).hexdigest(), 16) % 3
        return ({"message": {"content": ODD[content](text)}} if not nth else {}), {}

    def chat(**more: Any) -> dict[str, Any]:
        return go(
            tasks=(CHAT,), at_once=at_once, model="local-chat-completions", apply_chat_template=True, **more
        )

    server.url = server.url.replace("/v1/completions", "/v1/chat/completions")
    server.more = odd
    undisturbed = chat()
    server.asked.clear()
    for path in journals(tmp_path):
        path.unlink()
    server.failure = lambda number: (500, {}) if number == 7 else None
    with pytest.raises(PasskError, match="answers are saved in"):
        chat()
    server.failure = lambda _: None
    saved = {(s.task_id, s.index) for path in journals(tmp_path) for s in sample_files.read(path).samples}
    with serve() as fresh:
        fresh.more = odd
        server.url = fresh.url.replace("/v1/completions", "/v1/chat/completions")
        found = chat(metadata=RESUME)
        assert fresh.asked.total() == 12 - len(saved)
    if at_once == 1:
        assert len(saved) == 7
    assert texts(found, CHAT) == texts(undisturbed, CHAT)


@pytest.mark.parametrize("seeds", ["same", "distinct"])
def test_chat_with_sixteen_at_one_time(go, server, tmp_path, seeds) -> None:
    """Chat answers that come in any order have the same numbers in the journal and in lm-eval's samples."""
    server.url = server.url.replace("/v1/completions", "/v1/chat/completions")
    server.alike = seeds == "same"
    found = go(
        tasks=(CHAT,),
        at_once=16,
        model="local-chat-completions",
        apply_chat_template=True,
        metadata={"passk.seeds": seeds},
    )
    saved = sample_files.read(record(found, CHAT)["journals"])
    of = {(sample.task_id, sample.index): sample.text for sample in saved.samples}
    for line in found["samples"][CHAT]:
        answers = [text for group in line["resps"] for text in group]
        assert answers == [of[line["doc"]["task_id"], index] for index in range(4)]
    assert len(set(of.values())) == 12


def test_a_larger_n_asks_for_more(go, server) -> None:
    """After a run of 2, one of 5 asks for the 3 that are missing, with the seeds they would have had."""
    go(n=2)
    assert server.asked.total() == 6
    found = go(n=5, metadata=RESUME)
    assert set(server.asked.values()) == {1}
    assert {seed for _, seed in server.asked} == {1234, 1235, 1236, 1237, 1238}
    server.asked.clear()
    assert texts(found) == texts(go(n=5))
    assert (server.asked.total(), record(found)["samples"]) == (15, 15)


def test_more_problems_and_several_tasks(go, server) -> None:
    """Each task of a run finds its own journal, and problems that were not asked yet are."""
    tasks = (TASK, "passk_humaneval_greedy")
    error = broken_off(go, server, 3, tasks=tasks, limit=2, n=1, metadata={"passk.seeds": "same"})
    assert "3 of" in str(error)
    before = server.asked.total()
    go(tasks=tasks, limit=3, n=1, metadata={**RESUME, "passk.seeds": "same"})
    assert server.asked.total() - before == 3


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"gen_kwargs": {"temperature": 0.2}}, "temperature is 0.8 there and 0.2 now"),
        ({"gen_kwargs": {"until": ["\nSTOP"]}}, "until is"),
        ({"gen_kwargs": {"max_gen_toks": 65}}, "max_gen_toks is 64 there and 65 now"),
        ({"gen_kwargs": {"top_p": 0.9}}, "top_p is 0.95 there and 0.9 now"),
        ({"gen_kwargs": {"seed": 5}}, "seed is None there and 5 now"),
        ({"args": {"model": "other"}}, "the model's model is 'm' there and 'other' now"),
        ({"args": {"revision": "x"}}, "the model's revision is None there and 'x' now"),
        ({"metadata": {"passk.seeds": "same"}}, "the setting seeds is 'distinct' there and 'same' now"),
        ({"num_fewshot": 0, "system_instruction": "Be brief."}, "the prompt of HumanEval/0 is not the one"),
    ],
)
def test_what_changed_is_named(go, server, changes, named) -> None:
    """A run that asks something else is refused by the name of what changed, before anything is asked."""
    go(n=2)
    before = server.asked.total()
    changes["metadata"] = {**RESUME, **changes.get("metadata", {})}
    with pytest.raises(PreflightError, match=named):
        go(n=2, **changes)
    assert server.asked.total() == before


def test_other_problems_are_refused(go, server, tmp_path, dataset) -> None:
    """A dataset of other content is refused by name."""
    go(n=2)
    changed = tmp_path / "problems.jsonl"
    rows = [{**row, "prompt": row["prompt"] + "    # more\n"} for row in dataset.rows[:3]]
    changed.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(PreflightError, match="the dataset is another"):
        go(n=2, metadata={**RESUME, "passk.data_files": str(changed)})


def test_what_moves_no_answer_may_change(go, server, caplog) -> None:
    """Limits of judging, the number of requests at one time and the server's address may differ."""
    found = go(n=2)
    other = server.url.replace("127.0.0.1", "localhost")
    changes = {"metadata": {**RESUME, "passk.timeout_s": 5}, "args": {"base_url": other, "timeout": 9}}
    assert texts(go(n=2, at_once=4, **changes)) == texts(found)
    assert server.asked.total() == 6
    assert "the model's base_url was" in caplog.text


@pytest.mark.parametrize("greedy", [False, True])
def test_beside_another_cache(go, server, tmp_path, greedy) -> None:
    """With --use_cache too answers are journaled as they come, and what either has is not asked for again."""
    cache = str(tmp_path / "cache")
    changes: dict[str, Any] = {"use_cache": cache}
    if greedy:
        changes |= {"n": 1, "gen_kwargs": {"do_sample": False, "temperature": 0}}
    broken_off(go, server, 2, **changes)
    (journal,) = journals(tmp_path)
    assert len(sample_files.read(journal).samples) == 2
    before = server.asked.total()
    found = go(**changes, metadata=RESUME)
    assert server.asked.total() - before == record(found)["samples"] - 2
    (whole,) = record(found)["journals"]
    assert len(sample_files.read(whole).samples) == record(found)["samples"]


@pytest.mark.parametrize("cut", [1, 9, 60])
def test_a_torn_line_is_counted_and_said(go, server, tmp_path, cut, caplog) -> None:
    """A journal that ends in the middle of a line is read up to there; that one sample is asked for again."""
    broken_off(go, server, 5)
    (journal,) = journals(tmp_path)
    journal.write_bytes(journal.read_bytes()[:-cut])
    before = server.asked.total()
    go(metadata=RESUME)
    readable = 5 if cut == 1 else 4  # without its newline alone a line is whole
    assert server.asked.total() - before == 12 - readable
    assert f"the {readable} samples before that are used" in caplog.text


def test_an_unfinished_resumption_loses_nothing(go, server, tmp_path) -> None:
    """Broken off again, also while the new journal was begun, a run has the answers of both attempts."""
    broken_off(go, server, 5)
    broken_off(go, server, 6 + 3, metadata=RESUME)  # 5 answers and a failure, then 3 more
    _, second = journals(tmp_path)
    assert len(sample_files.read(second).samples) == 8
    second.write_bytes(b"".join(second.read_bytes().splitlines(keepends=True)[:2]))
    before = server.asked.total()
    go(metadata=RESUME)
    assert server.asked.total() - before == 7


def test_an_empty_or_torn_journal_hides_no_other(go, server, tmp_path, caplog) -> None:
    """A kill before or within a journal's first line leaves a file that `latest` passes over."""
    broken_off(go, server, 5)
    (tmp_path / "passk_journal_passk_humaneval_9_rank0.jsonl").write_bytes(b"")
    (tmp_path / "passk_journal_passk_humaneval_8_rank0.jsonl").write_bytes(b'{"passk_jour')
    before = server.asked.total()
    go(metadata=RESUME)
    assert server.asked.total() - before == 7
    assert "_8_rank0.jsonl: not a line of JSON" in caplog.text


def test_nothing_to_resume(go, server, tmp_path, caplog) -> None:
    """`latest` without a journal asks for everything and says so; a name without one is an error."""
    with pytest.raises(PreflightError, match="there is no such journal"):
        go(metadata={"passk.resume": str(tmp_path / "none.jsonl")})
    assert not server.asked
    go(n=1, metadata=RESUME)
    assert "nothing to resume" in caplog.text


def test_a_journal_of_an_earlier_version_is_refused(go, server, tmp_path) -> None:
    """Without the hashes of its requests nobody can say what a journal was asked with."""
    go(n=2)
    (journal,) = journals(tmp_path)
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    for line in lines:
        line.pop("request", None)
        line.get("extra", {}).pop("run_id", None)
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert len(sample_files.read(journal).samples) == 6
    with pytest.raises(PreflightError, match="an earlier version wrote this journal"):
        go(n=2, metadata=RESUME)


def test_a_disk_that_refuses_stops_no_model(go, server, tmp_path, monkeypatch, caplog) -> None:
    """Answers that cannot be saved at once are saved when all are there, in a journal that can be read."""
    from passk_tasks.results.journal import Journal

    write, calls = Journal._write, []

    def full(self: Journal, line: dict[str, object]) -> None:
        calls.append(line)
        if len(calls) == 4:
            self._file.write(b'{"task_id": "Hum')
            raise PasskError("no space left")
        write(self, line)

    monkeypatch.setattr(Journal, "_write", full)
    found = go()
    (journal,) = record(found)["journals"]
    assert len(sample_files.read(journal).samples) == 12
    assert (server.asked.total(), "no space left" in caplog.text) == (12, True)


class Drawing(Canned):
    """A model that hands over what it generates in the order of vLLM, with changed arguments."""

    later = ""  # what it appends to an answer after it handed it over

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        answers = [f"    return {len(self.requests) + number}\n" for number in range(len(requests))]
        self.requests += requests
        for at in sorted(
            range(len(requests)), key=lambda at: (-len(requests[at].args[0]), requests[at].args[0])
        ):
            prompt, arguments = requests[at].args
            self.cache_hook.add_partial("generate_until", (prompt, {**arguments, "n": 1}), answers[at])
        return [answer + self.later for answer in answers]


N3 = {"passk.samples": 3, "passk.k": 1}


@pytest.mark.parametrize("seeds", ["same", "distinct"])
def test_changed_arguments_are_known_by_their_prompt(evaluate, state_folder, seeds, caplog) -> None:
    """A model that changes the arguments it hands over, as vLLM does, is journaled as its answers come."""
    found = evaluate(Drawing(canonical), metadata={**N3, "passk.seeds": seeds})
    saved = sample_files.read(record(found)["journals"]).samples
    assert len(journals(state_folder)) == 1
    answers = [text for line in texts(found) for group in line for text in group]
    assert {sample.text for sample in saved} == set(answers)
    assert [s.text for s in sorted(saved, key=lambda s: (int(s.task_id[10:]), s.index))] == answers
    again = evaluate(silent := Drawing(canonical), metadata={**N3, **RESUME, "passk.seeds": seeds})
    assert (silent.requests, texts(again)) == ([], texts(found))


def test_an_answer_that_changes_later_is_the_last_one(evaluate, state_folder, caplog) -> None:
    """Where a model returns another text than it handed over, what it returned is judged and journaled."""
    model = Drawing(canonical)
    model.later = "# later\n"
    found = evaluate(model, metadata=N3)
    (journal,) = record(found)["journals"]
    assert all(sample.text.endswith("# later\n") for sample in sample_files.read(journal).samples)
    assert "9 answers are not those that the model had handed over before" in caplog.text


def test_a_model_of_its_own_stream_is_warned_of(evaluate, caplog, monkeypatch) -> None:
    """What draws from one stream of random numbers may repeat itself: hf gets a new one, others a warning."""
    evaluate(Drawing(canonical), metadata={**N3, "passk.samples": 1})
    evaluate(Drawing(canonical), metadata={**N3, **RESUME}, gen_kwargs=SAMPLING_OF_TASK)
    assert "Drawing draws with a seed of its own" in caplog.text
    caplog.clear()
    seeds: list[int] = []
    torch = types.SimpleNamespace(manual_seed=seeds.append, initial_seed=lambda: 1234)
    monkeypatch.setitem(sys.modules, "torch", torch)
    model = type("HFLM", (Drawing,), {})(canonical)
    recorder = Recorder(model)
    request = types.SimpleNamespace(args=("", {"do_sample": True}))
    recorder._new_stream(3, [types.SimpleNamespace(position=0)], [request])
    assert (seeds, caplog.text) == ([1237], "")


SAMPLING_OF_TASK: dict[str, Any] = {}


def test_replayed_samples_keep_their_numbers(evaluate, state_folder) -> None:
    """A replay with a larger n takes up the samples that are missing, not the first ones again."""
    evaluate(ReplayLM(), metadata=N3)
    more = {"passk.samples": 6, "passk.k": 1}
    found = evaluate(ReplayLM(), metadata={**more, **RESUME})
    assert texts(found) == texts(evaluate(ReplayLM(), metadata=more))


def test_requests_are_hashed_by_what_they_say() -> None:
    """The order of generation arguments does not count; their values, the prompt and the seed do."""
    base = resume.request_hash(("p", {"a": 1, "until": ["x"]}))
    assert base == resume.request_hash(("p", {"until": ["x"], "a": 1}))
    others = [("q", {"a": 1, "until": ["x"]}), ("p", {"a": 2, "until": ["x"]}), ("p", {"a": 1, "until": []})]
    assert base not in {resume.request_hash(other) for other in others}


def start(server: Server, folder: Path, *more: str) -> subprocess.Popen[bytes]:
    """`passk run` against the server in a process of its own."""
    arguments = (
        f"model=m,base_url={server.url},num_concurrent=2,tokenized_requests=False,tokenizer_backend=None"
    )
    with (folder.parent / "log").open("ab") as log:
        return subprocess.Popen(
            [
                *(*our_tasks.RUN, "--tasks", TASK, "--limit", "4", "--log_samples"),
                *("--model", "local-completions", "--model_args", arguments, "--output_path", str(folder)),
                *("--gen_kwargs", "do_sample=true", "temperature=0.8"),
                *("--metadata", "passk.samples=5", "passk.k=1", *more),
            ],
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=log,
        )


def killed_at(server: Server, folder: Path, count: int, *more: str) -> None:
    """Start the run and kill it as soon as the server has had `count` requests."""
    process = start(server, folder, *more)

    def asked() -> bool:
        assert process.poll() is None, (folder.parent / "log").read_text()
        return server.asked.total() >= count

    wait_until(asked, f"{count} requests", every_s=0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.whole
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 20))])
def test_kill_9_at_a_random_moment(server, tmp_path, seed) -> None:
    """After `kill -9` the run goes on by the same command and --resume to the undisturbed run's answers."""
    folder = tmp_path / "runs"
    folder.mkdir()
    killed_at(server, folder, random.Random(seed).randint(1, 19))
    saved = [s for path in folder.glob("*/passk_journal_*") if path.stat().st_size for s in _whole(path)]
    asked = server.asked.total()
    # Another server: what was under way when the kill came may still arrive at the first one.
    with serve() as fresh:
        process = start(fresh, folder, "--resume")
        assert process.wait(HANG_S) == 0, (tmp_path / "log").read_text()
        assert set(fresh.asked.values()) <= {1}
        assert fresh.asked.total() == 20 - len(saved)
    assert asked - len(saved) <= 2 + 2, "more than was under way was lost"
    (path,) = folder.glob("*/samples_*.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    got = {line["doc"]["task_id"]: [text for group in line["resps"] for text in group] for line in lines}
    for line in lines:
        prompt = line["arguments"]["gen_args_0"]["arg_0"]
        expected = [server.answer({"prompt": prompt, "seed": 1234 + i}) for i in range(5)]
        assert got[line["doc"]["task_id"]] == [answer["choices"][0]["text"] for _, answer in expected]
        assert len(outcomes(line)) == 5


def _whole(path: Path) -> list[str]:
    lines = path.read_bytes().splitlines(keepends=True)
    return [line for line in lines[1:] if line.endswith(b"\n") and b'"end"' not in line]
