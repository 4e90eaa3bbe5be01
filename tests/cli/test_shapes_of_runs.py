"""Every command on runs of every shape: the right number, or an error that says what, where and how."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from passk_tasks.cli import main


def counts(*correct, n=4, start=0):
    """Return (n, c) of problems in a row."""
    return {f"HumanEval/{start + i}": (n, c) for i, c in enumerate(correct)}


SHAPES = {
    "plain": counts(0, 1, 2, 3, 4),
    "one problem": counts(2),
    "one sample": counts(1, n=1),
    "single samples": counts(0, 1, 0, 1, 1, n=1),
    "n differs": {"HumanEval/0": (1, 1), "HumanEval/1": (4, 2), "HumanEval/2": (7, 0)},
    "all pass": counts(4, 4, 4, 4, 4),
    "all fail": counts(0, 0, 0, 0, 0),
    "other problems": counts(1, 2, 3, start=100),
    "no verdicts": counts(1, 1),
    "empty file": counts(1, 2),
    "no file": counts(1, 2),
    "twice": counts(1, 2),
}


@pytest.fixture
def stored(tmp_path, scored):
    """Write a run of each shape asked for, and return their folders."""

    def write(*shapes):
        folders = []
        for shape in shapes:
            folder = scored(tmp_path / shape, SHAPES[shape], date=f"2026-01-{len(folders) + 1:02}T00:00:00Z")
            file = folder / "outcomes.jsonl"
            lines = file.read_text().splitlines(keepends=True)
            if shape == "no verdicts":
                lines = [json.dumps({**json.loads(line), "verdict": "infra_error"}) + "\n" for line in lines]
                results = json.loads((folder / "results.json").read_text())
                verdicts = {"infra_error": len(lines)}
                (folder / "results.json").write_text(json.dumps({**results, "verdicts": verdicts}))
            elif shape == "twice":
                lines.append(lines[0])
            file.write_text("" if shape == "empty file" else "".join(lines))
            if shape == "no file":
                file.unlink()
            folders.append(str(folder))
        return folders

    return write


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "command",
    [
        *(["show"], ["show", "--k", "50"], ["show", "--metrics", "pass^2,g-pass@2_0.5"]),
        *(["curve"], ["curve", "--json"], ["curve", "--k", "50"], ["curve", "--tail", "50"]),
        *(["curve", "--forecast", "20"], ["plan", "--half-width", "0.1"]),
        *(["plan", "--half-width", "0.1", "--k", "2"], ["runs"], ["runs", "--json"]),
        ["export", "--format", "human-eval", "--out", "no-such-folder"],
        *(["compare", "plain"], ["compare", "single samples", "plain"], ["compare", "plain", "--k", "2,50"]),
        *(["compare", "plain", "--json"], ["report"], ["report", "plain"]),
    ],
    ids=" ".join,
)
def test_every_command_takes_every_shape(stored, capsys, tmp_path, shape, command):
    """A run of any shape gives a result, or one error with exit code 2 that names a file."""
    others = [part for part in command if part in SHAPES]
    options = [part for part in command if part not in SHAPES]
    if command[0] == "report":
        pytest.importorskip("matplotlib")
        options += ["--out", str(tmp_path / "report.html")]
    code = main([*options, *stored(*dict.fromkeys([*others, shape]))])
    out, err = capsys.readouterr()
    assert code in (0, 2)
    if code == 2:
        assert err.startswith("passk: error: ")
        assert ".json" in err
        assert "k must not exceed n" not in err, "an error of the mathematics, which knows no file"
        assert "zero-size" not in err
    else:
        assert "nan" not in out.split()


def test_a_problem_without_a_verdict_is_spoken_of(stored, capsys):
    """Where all samples of a problem lack one, no score counts it, and `show` and `compare` say so."""
    run, other = stored("plain", "all pass")
    file = Path(run) / "outcomes.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    lines = [{**one, "verdict": "infra_error"} if one["task_id"] == "HumanEval/0" else one for one in lines]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    results = json.loads((Path(run) / "results.json").read_text())
    verdicts = {"passed": 10, "failed": 6, "infra_error": 4}
    (Path(run) / "results.json").write_text(json.dumps({**results, "verdicts": verdicts}))
    for command in (["show", run], ["compare", run, other]):
        assert main(command) == 0
        assert "1 of 5 problems have no sample with a verdict" in capsys.readouterr().out


def test_a_curve_says_how_n_differs(stored, capsys):
    """The headline has the fewest and the most samples of a problem."""
    assert main(["curve", *stored("n differs")]) == 0
    assert "3 problems, n = 1 to 7" in capsys.readouterr().out


def test_runs_of_one_and_of_several_samples_are_compared_together(stored, capsys):
    """McNemar's counts are there for the pairs that have one sample a problem, and a dash for the others."""
    assert main(["compare", *stored("single samples", "plain", "all pass")]) == 0
    assert main(["compare", *stored("single samples", "one sample", "plain"), "--all"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if " → " in line]
    assert [row[-3:] for row in rows if row[:3] == ["A", "→", "B"]][-1] == ["0", "1", "1.0000"]
    assert [row[-3:] for row in rows if row[:3] == ["A", "→", "C"]][-1] == ["-", "-", "-"]


@pytest.mark.parametrize(
    ("command", "shapes", "said"),
    [
        (["plan", "--half-width", "0.1"], ["no verdicts"], "no sample has a verdict"),
        (["curve"], ["no verdicts"], "no sample has a verdict"),
        (["compare"], ["plain", "no verdicts"], "no verdicts/results.json: no sample has a verdict"),
        (
            ["curve", "--k", "50"],
            ["plain"],
            "pass@50 needs 50 samples of each problem, but HumanEval/0 has 4",
        ),
        (
            ["curve", "--tail", "9"],
            ["plain"],
            "pass@9 needs 9 samples of each problem, but HumanEval/0 has 4",
        ),
        (["plan", "--half-width", "0.1", "--k", "2"], ["n differs"], "needs a pilot of 4 samples a problem"),
        (["show"], ["twice"], "twice/outcomes.jsonl:9: sample 0 of HumanEval/0 is there twice"),
        (["compare"], ["plain", "other problems"], "other problems/results.json has HumanEval/100"),
        (["compare"], ["plain"], "plain/results.json holds one run"),
    ],
)
def test_an_error_says_what_is_wrong_and_where(stored, capsys, command, shapes, said):
    """The message names the run, and the problem or the number that is short."""
    assert main([*command, *stored(*shapes)]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["plan", "RUN", "--half-width", "0.1", "--problems", "3"], "--problems goes with --rate"),
        (["plan", "--rate", "0.5", "--half-width", "0.1", "--task", "x"], "--task goes with RUN"),
        (["plan", "--rate", "0.5", "--half-width", "0.1", "--k", "1001"], "1,000"),
        (["show", "RUN", "--cluster", "none", "--problems", "x.jsonl"], "--problems needs --cluster COLUMN"),
    ],
)
def test_an_option_without_effect_is_a_mistake(stored, capsys, options, said):
    """What a command would not look at is refused."""
    assert main([stored("plain")[0] if option == "RUN" else option for option in options]) == 2
    assert said in capsys.readouterr().err
