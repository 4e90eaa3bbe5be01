from __future__ import annotations

import json

import pytest

from passk_tasks.cli import main
from passk_tasks.statistics.forecast import forecast

COUNTS = {f"HumanEval/{i}": (20, c) for i, c in enumerate((0, 0, 0, 1, 1, 3, 10, 20, 20, 2))}


@pytest.fixture
def folder(tmp_path, scored):
    """A stored run."""
    return str(scored(tmp_path / "run", COUNTS))


def test_the_curve_and_its_tail_are_shown(folder, capsys):
    """A short table up to n, and the problems that only the tail solves; no forecast unasked."""
    assert main(["curve", folder]) == 0
    out = capsys.readouterr().out
    rows = [line.split()[0] for line in out.splitlines() if " … " in line]
    assert rows == ["1", "2", "5", "10", "20"]
    assert "2 problems are solved, but by 10 samples no more often than not:" in out
    assert "    HumanEval/3  1/20\n    HumanEval/4  1/20" in out
    assert "forecast" not in out
    assert main(["curve", folder, "--k", "3,4", "--tail", "3"]) == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines() if " … " in line] == ["3", "4"]
    assert "4 problems are solved, but by 3 samples" in out


def test_the_forecast_is_there_when_asked_for(folder, capsys):
    """Its budgets stand in a table of their own, under a head that says on what they rest."""
    assert main(["curve", folder, "--forecast", "100,40"]) == 0
    out = capsys.readouterr().out
    assert "95 % if the fit holds" in out
    expected = forecast(20, [c for _, c in COUNTS.values()], [40, 100])
    for one in expected:
        assert f"{one.k:>8}  {one.value:.4f}  {one.ci95[0]:.4f} … {one.ci95[1]:.4f}" in out


def test_json_has_every_point(folder, capsys):
    """All k from 1 to n, the tail, and the forecast; an empty one where none was asked for."""
    assert main(["curve", folder, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [point["k"] for point in found["points"]] == list(range(1, 21))
    assert found["points"][0]["over_samples"]["method"] == "over-samples"
    assert found["tail"]["k"] == 10
    assert found["forecast"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--k", "21"], "pass@21 needs 21 samples of each problem"),
        (["--k", "x"], "--k x: whole numbers expected"),
        (["--forecast", "20"], "needs no forecast"),
        (["--forecast", "5000"], "100 times beyond"),
        (["--tail", "0"], "k must be at least 1"),
    ],
)
def test_mistakes_of_the_curve_are_told(folder, capsys, arguments, message):
    """Each is one line and exit code 2."""
    assert main(["curve", folder, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_plan_from_a_pilot(folder, capsys):
    """Samples for the half-width over samples, and what that leaves over problems."""
    assert main(["plan", folder, "--half-width", "0.02"]) == 0
    out = capsys.readouterr().out
    assert "pass@1 near 0.2850 within ± 0.02" in out
    assert "for each of the 10 problems" in out
    assert "never below" in out
    assert main(["plan", folder, "--half-width", "0.02", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["problems"] == 10
    assert f"n = {found['samples']:,} for each" in out


def test_a_plan_without_a_pilot(capsys):
    """The expected rate and the number of problems are enough."""
    assert main(["plan", "--rate", "0.5", "--problems", "100", "--half-width", "0.02"]) == 0
    assert "for each of the 100 problems" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a RUN as the pilot"),
        (["--rate", "2"], "pass rate must be in [0, 1]"),
    ],
)
def test_mistakes_of_the_plan_are_told(capsys, arguments, message):
    """Each is one line and exit code 2."""
    assert main(["plan", "--half-width", "0.02", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_pilot_that_is_too_small_says_what_it_takes(folder, capsys):
    """pass@11 takes 22 samples a problem."""
    assert main(["plan", folder, "--half-width", "0.02", "--k", "11"]) == 2
    assert "needs a pilot of 22 samples a problem, and there are 20" in capsys.readouterr().err
    assert main(["plan", folder, "--rate", "0.5", "--half-width", "0.02"]) == 2
