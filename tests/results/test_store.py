from __future__ import annotations

import json

import pytest

from passk_tasks.errors import PasskError, UsageError
from passk_tasks.results import store
from passk_tasks.results.summary import Summary


def test_both_files_are_written(tmp_path):
    """The result becomes results.json, each outcome one line of outcomes.jsonl, in their order."""
    store.write(tmp_path / "new" / "out", {"task": "t", "ci95": None}, [{"sample": 0}, {"sample": 1}])
    folder = tmp_path / "new" / "out"
    assert json.loads((folder / "results.json").read_text()) == {"task": "t", "ci95": None}
    assert (folder / "outcomes.jsonl").read_text() == '{"sample": 0}\n{"sample": 1}\n'


def test_nothing_else_is_left_behind(tmp_path):
    """The files that were written beside the final names are gone."""
    store.write(tmp_path, {}, [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outcomes.jsonl", "results.json"]


def test_text_of_candidates_survives_as_ascii(tmp_path):
    """A detail with a lone surrogate or an escape sequence is stored as JSON escapes and read back."""
    detail = "AssertionError: \ud800 \x1b[2J \u2028"
    store.write(tmp_path, {}, [{"detail": detail}])
    raw = (tmp_path / "outcomes.jsonl").read_bytes()
    assert raw.isascii()
    assert b"\x1b" not in raw
    assert json.loads(raw)["detail"] == detail


def test_a_failure_leaves_the_former_results(tmp_path):
    """An outcome that cannot be written breaks off, and the files of the last scoring are whole."""
    store.write(tmp_path, {"run": 1}, [{"sample": 0}])
    with pytest.raises(TypeError):
        store.write(tmp_path, {"run": 2}, [{"sample": object()}])
    assert json.loads((tmp_path / "results.json").read_text()) == {"run": 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outcomes.jsonl", "results.json"]


def test_not_a_number_is_never_stored(tmp_path):
    """NaN is not JSON; it is refused rather than written."""
    with pytest.raises(ValueError, match="JSON compliant"):
        store.write(tmp_path, {"value": float("nan")}, [])


def test_new_files_have_the_users_usual_mode(tmp_path):
    """The files can be read by whom the umask lets read."""
    store.write(tmp_path, {}, [])
    (tmp_path / "usual").write_text("")
    assert (tmp_path / "results.json").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_folder_that_cannot_be_made_is_found_beforehand(tmp_path):
    """`--out` below a file is an error before anything was judged."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"--out .*file/out: cannot be written: "):
        store.prepare(tmp_path / "file" / "out")


def test_a_folder_that_vanished_meanwhile_is_an_error_with_its_path(tmp_path):
    """A disk that refuses after judging is told as such."""
    (tmp_path / "out").write_text("a file took its place")
    with pytest.raises(PasskError, match="out: the results cannot be written"):
        store.write(tmp_path / "out", {}, [])


def test_provenance_names_versions():
    """Python, this package and what candidates may import are all in."""
    found = store.provenance("installed")
    assert found["passk_tasks"]
    assert "numpy" in found["packages"]
    written = Summary(task="t", problems=0, problems_total=0, samples=0, metrics={}, verdicts={}, **found)
    assert json.loads(store.dumps(written.as_dict())) == written.as_dict()
