from __future__ import annotations

import json

import pytest

from passk_tasks.cli import main
from passk_tasks.export import FORMATS


def test_a_refused_run_is_told_everything(tmp_path, scored, capsys):
    """Exit code 2, one line for each thing that is missing, and no file."""
    folder = scored(tmp_path / "run", {"HumanEval/0": (4, 1)})
    assert main(["export", str(folder), "--format", "model-index", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "--model ORGANISATION/MODEL" in said
    assert "all 164 problems: the run has 1" in said
    assert said.count("\n  - ") == 2
    assert not (tmp_path / "out").exists()


def test_what_was_written_is_printed(tmp_path, scored, capsys):
    """Files, scores with their intervals, conditions, and how to submit."""
    folder = scored(tmp_path / "run", {f"HumanEval/{i}": (4, 1) for i in range(164)})
    command = ["export", str(folder), "--format", "model-index", "--out", str(tmp_path / "out")]
    assert main([*command, "--model", "org/model"]) == 0
    shown = capsys.readouterr().out
    assert str(tmp_path / "out" / "model-index.yaml") in shown
    assert "over problems" in shown
    assert "n = 4" in shown
    assert "Nothing was uploaded." in shown
    assert main([*command, "--model", "org/model", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["files"] == [str(tmp_path / "out" / "model-index.yaml")]


def test_an_unknown_format_names_the_nearest(tmp_path, capsys):
    """A mistyped format is told the right one, before any file is read."""
    assert main(["export", "nowhere", "--format", "evalpls", "--out", str(tmp_path)]) == 2
    assert "did you mean 'evalplus'?" in capsys.readouterr().err


def test_several_runs_are_named(tmp_path, scored, capsys):
    """A format for one run does not choose among several."""
    for name in "ab":
        scored(tmp_path / name, {"HumanEval/0": (4, 1)})
    assert main(["export", str(tmp_path), "--format", "evalplus", "--out", str(tmp_path / "out")]) == 2
    assert "takes one run, not 2" in capsys.readouterr().err


def test_the_help_lists_every_format(capsys):
    """Each format stands in the help with what it writes."""
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    shown = capsys.readouterr().out
    for name, one in FORMATS.items():
        assert f"  {name}" in shown
        assert one.summary in shown
