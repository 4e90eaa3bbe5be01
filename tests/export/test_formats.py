"""What holds for every format."""

from __future__ import annotations

import gzip
import io
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from one_run import stored

from passk_tasks.errors import UsageError
from passk_tasks.export import FORMATS, Details, _is_inside, export
from passk_tasks.verdict import Verdict

DETAILS = Details(
    model="org/model",
    user="me",
    organization="Somebody",
    relationship="other",
    dataset_id="a/b",
    dataset_task="t",
    source_url="https://example.org",
    backend="vllm",
)
ROW = {
    **{
        "task_id": "HumanEval/0",
        "prompt": "def f():\n",
        "name": "HumanEval_0",
        "language": "lua",
        "tests": "t",
    },
    **{"code_prompt": "def f():", "question_id": "0", "question_title": "", "question_content": ""},
    **{"platform": "", "contest_id": "", "contest_date": "2024-01-01", "starter_code": "", "difficulty": ""},
}


def parsed(path, content):
    """Return what a file holds, by its name."""
    if path.endswith(".gz"):
        return json.loads(gzip.decompress(content))
    if path.endswith(".eval"):
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            return [json.loads(file.read(name)) for name in file.namelist()]
    if path.endswith(".jsonl"):
        return [json.loads(line) for line in content.splitlines()]
    return yaml.safe_load(content) if path.endswith(".yaml") else json.loads(content)


def strings(value):
    """Yield every text in a value."""
    if isinstance(value, str):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(one)


@pytest.mark.parametrize("name", [name for name, one in FORMATS.items() if one.candidates])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40)
@given(code=st.text(st.characters(), min_size=1))
def test_any_code_survives(source, name, code):
    """Control characters, line separators and lone surrogates of a candidate survive in every format."""
    found = source([ROW], [(code, Verdict.FAILED)], family="humaneval", total=148, text=code)
    files = FORMATS[name].files([found], DETAILS)
    texts = [text for path, content in files.items() for text in strings(parsed(path, content))]
    assert any(code in text for text in texts)
    # Files are ASCII, or compressed: no tool's idea of encodings or line ends can change them.
    assert all(content.isascii() for path, content in files.items() if not path.endswith((".gz", ".eval")))


@pytest.mark.parametrize("name", FORMATS)
def test_notes_say_where_it_goes(source, name):
    """Each note is about submitting, or about what reads the files."""
    found = source([ROW], [("a = 1", Verdict.PASSED)], family="humaneval", total=148)
    note = FORMATS[name].note([found], DETAILS)
    assert any(word in note for word in ("http", "evaluate_functional_correctness", "pass_k.py", "README.md"))


@pytest.mark.parametrize("name", FORMATS)
def test_runs_whose_n_differs_are_refused_or_right(source, name):
    """After topping up n differs: a format that needs one n says so, and the others claim none."""
    found = source([ROW], [("a = 1", Verdict.PASSED)], family="humaneval", total=1)
    found = replace(found, run=replace(found.run, conditions=replace(found.run.conditions, n=None)))
    refused = any("same number of samples" in text for text in FORMATS[name].missing([found], DETAILS))
    assert refused == (name not in ("human-eval", "every-eval-ever", "inspect"))
    if not refused:
        files = FORMATS[name].files([found], DETAILS)
        assert not any("n = None" in text or '"n": null' in text for text in map(str, files.values()))


@pytest.mark.parametrize("name", FORMATS)
def test_every_file_stays_in_the_folder(source, name):
    """No file has a path that leads out of the folder that was named."""
    found = source([ROW], [("a = 1", Verdict.PASSED)], family="humaneval", total=148)
    for path in FORMATS[name].files([found], DETAILS):
        assert not path.startswith("/")
        assert ".." not in path.split("/")


def test_a_run_without_pass_at_1_says_so(source):
    """Receivers that want pass@1 are not given another budget's score."""
    found = source([ROW], [("a = 1", Verdict.PASSED)], family="humaneval")
    found.run.metrics.clear()
    for name in ("bigcode", "hf-eval-results", "every-eval-ever"):
        assert any("pass@1: the run has no score" in text for text in FORMATS[name].missing([found], DETAILS))


@pytest.mark.parametrize("name", [name for name, one in FORMATS.items() if one.several])
def test_several_runs_are_of_one_model(source, name):
    """Runs of two models are not put under one name, unless that name is given for both."""
    found = [source([ROW], [("a = 1", Verdict.PASSED)], model=model) for model in ("a/b", "c/d")]
    text = "runs of one model: these are of 'a/b', 'c/d'"
    assert any(text in said for said in FORMATS[name].missing(found, Details()))
    assert not any(text in said for said in FORMATS[name].missing(found, DETAILS))


def test_one_run_is_taken(tmp_path, scored_run):
    """A format for one run refuses two, and none."""
    run = stored(scored_run(tmp_path / "run", n=1))
    for several in ([run, run], []):
        with pytest.raises(UsageError, match=f"takes one run, not {len(several)}"):
            export(several, "evalplus", tmp_path / "out")


@given(st.lists(st.sampled_from(["a", "..", ".", "", "/", "//", "b.json", "\0", "..."]), min_size=1))
def test_a_path_stays_inside_or_is_refused(parts):
    """Whatever a row's text is made a path of: one that is not refused is below the folder."""
    relative = "/".join(parts)
    if _is_inside(Path("/out/folder"), relative):
        assert "\0" not in relative
        assert os.path.normpath(os.path.join("/out/folder", relative)).startswith("/out/folder/")  # noqa: PTH118
