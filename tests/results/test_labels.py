"""What people call stored runs, written into their results files."""

from __future__ import annotations

import json

import pytest

from passk_tasks.cli import main
from passk_tasks.errors import UsageError
from passk_tasks.results import reading
from passk_tasks.results.labels import relabel

COUNTS = {"HumanEval/0": (4, 1), "HumanEval/1": (4, 2)}


@pytest.mark.parametrize("kind", ["scored", "evaluated"])
def test_a_label_is_written_and_nothing_else(tmp_path, request, kind):
    """Label, note and tags are read back from either kind of file, and can be taken away again."""
    made = request.getfixturevalue(kind)(tmp_path / "run", COUNTS)
    (stored,) = reading.stored_in(made)
    before = json.loads(stored.path.read_bytes())
    relabel([stored], label="few-shot", note="with 3 examples\nby hand", tags=["a", "b"])
    (changed,) = reading.stored_in(made)
    assert (changed.label, changed.note, changed.tags) == ("few-shot", "with 3 examples\nby hand", ("a", "b"))
    assert reading.load(changed).counts == COUNTS
    relabel([changed], tags=["c", "a"], without=["b"])
    (changed,) = reading.stored_in(made)
    assert (changed.label, changed.tags) == ("few-shot", ("a", "c"))
    relabel([changed], label="", note="", without=["a", "c"])
    assert json.loads(stored.path.read_bytes()) == before


def test_one_label_is_of_one_run(tmp_path, scored):
    """A label for two files is refused before anything is written; tags are not."""
    runs = reading.stored_in([scored(tmp_path / name, COUNTS) for name in "ab"])
    with pytest.raises(UsageError, match="a label is of one run"):
        relabel(runs, label="x", tags=["y"])
    assert all(run.tags == () for run in reading.stored_in(tmp_path))
    relabel(runs, tags=["y"])
    assert all(run.tags == ("y",) for run in reading.stored_in(tmp_path))


def test_the_command_shows_what_runs_are_called(tmp_path, scored, capsys):
    """`passk label` writes and shows; `runs` and `show` show it, too; a label of two lines is refused."""
    folder = str(scored(tmp_path / "run", COUNTS))
    assert main(["label", folder, "--label", "base line", "--note", "first of all", "--tag", "t"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "base line  passk_humaneval, run"
    assert main(["label", folder]) == 0
    assert "  tags: t\n  first of all\n" in capsys.readouterr().out
    assert main(["runs", folder, "--tag", "t"]) == 0
    out = capsys.readouterr().out
    assert "  base line  " in out
    assert "  base line: first of all" in out
    assert main(["show", folder]) == 0
    assert "  label     base line\n  note      first of all\n  tags      t\n" in capsys.readouterr().out
    assert main(["label", folder, "--label", "a\nb"]) == 2
    assert "label must be a name in one line" in capsys.readouterr().err
