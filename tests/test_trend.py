"""A metric over time: the order, the steps, what changed, and what cannot be compared."""

from __future__ import annotations

import json

import pytest

from passk_tasks import api
from passk_tasks.cli.app import main
from passk_tasks.cli.trend import render

LOW, HIGH = [1, 2, 0, 3, 1, 0, 2, 4] * 3, [4, 6, 3, 7, 5, 2, 6, 9] * 3
WARM = {"generation_kwargs": {"until": [], "do_sample": True, "temperature": 0.8}}
COLD = {"generation_kwargs": {"until": [], "do_sample": True, "temperature": 0.2}}


@pytest.fixture
def folder(tmp_path, scored):
    """Store runs of these counts and changes, a day apart, in folders named the other way round."""

    def build(*runs, task="passk_humaneval"):
        for day, (c, changes) in enumerate(runs, 1):
            counts = {f"HumanEval/{i}": (10, correct) for i, correct in enumerate(c)}
            date = {"date": f"2026-02-{day:02d}T03:04:05+00:00"}
            scored(tmp_path / task / str(99 - day), counts, task=task, **{**COLD, **date, **changes})
        return tmp_path

    return build


def test_runs_stand_by_date_and_a_jump_is_named(folder, capsys):
    """The third day's rise is beyond noise and comes with the temperature; the fourth changes nothing."""
    where = folder((LOW, {}), (LOW, {}), (HIGH, WARM), (HIGH, WARM))
    (found,) = api.trend_runs(where)
    assert [point.run.date.day for point in found.points] == [1, 2, 3, 4]
    first, second, third, fourth = (point.step for point in found.points)
    assert first is None
    assert (second.apart, third.apart, fourth.apart) == (False, True, False)
    assert (second.changes, third.changes) == ((), ("temperature 0.2 → 0.8",))
    assert third.difference.value == pytest.approx(0.3625)
    assert found.conclusion == f"pass@1 moved beyond noise: {found.points[2].name} +0.3625 (temperature)."
    assert main(["trend", str(where)]) == 0
    assert "temperature 0.2 → 0.8" in capsys.readouterr().out


def test_a_drop_that_nothing_recorded_explains(folder, capsys):
    """The same conditions and another number: something that is not recorded broke."""
    assert main(["trend", str(folder((HIGH, {}), (LOW, {})))]) == 0
    shown = capsys.readouterr().out
    assert "-0.3625 (nothing that is recorded changed)" in shown
    assert ": nothing that is recorded changed" in shown


def test_steps_are_corrected_for_their_number(folder):
    """Three steps: each p is at most three times what it was alone."""
    (found,) = api.trend_runs(
        folder((LOW, {}), ([c + (i % 3 == 0) for i, c in enumerate(LOW)], {}), (LOW, {}))
    )
    steps = [point.step for point in found.points[1:]]
    assert steps[0].p_adjusted == steps[1].p_adjusted == pytest.approx(2 * steps[0].difference.p)


def test_other_problems_are_a_mark_and_no_difference(folder, capsys):
    """A new version of the task measured something else; nothing is subtracted."""
    where = folder((LOW, {}), (HIGH, {"task_version": "2.0"}))
    (found,) = api.trend_runs(where)
    assert found.points[1].step.difference is None
    assert main(["trend", str(where)]) == 0
    assert "not compared: another version: it measured something else" in capsys.readouterr().out


def test_each_task_has_its_own(folder, tmp_path, capsys):
    """A folder with two tasks is two trends; --task takes one, --json has both."""
    folder((LOW, {}), (HIGH, {}))
    where = folder((LOW, {}), task="passk_mbpp")
    assert main(["trend", str(where), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert {(one["task"], len(one["points"])) for one in result} == {
        ("passk_humaneval", 2),
        ("passk_mbpp", 1),
    }
    assert [one.task for one in api.trend_runs(where, task="passk_mbpp")] == ["passk_mbpp"]
    assert main(["trend", str(tmp_path / "nowhere")]) == 2


def test_what_has_no_samples_has_its_stored_score(folder, tmp_path):
    """Where the outcomes are not beside the results, the score is known and no difference is."""
    where = folder((LOW, {}), (HIGH, {}))
    (where / "passk_humaneval" / "97" / "outcomes.jsonl").unlink()
    (found,) = api.trend_runs(where)
    assert found.points[1].score.value == pytest.approx(sum(HIGH) / 240)
    assert "not beside" in found.points[1].step.why_not


def test_a_budget_that_a_run_cannot_give(folder):
    """pass@20 of ten samples is no point, and the step says why."""
    (found,) = api.trend_runs(folder((LOW, {}), (HIGH, {})), "pass@20")
    assert [point.score for point in found.points] == [None, None]
    assert "pass@20 needs 20 samples" in found.points[1].step.why_not


def test_a_run_without_a_date_is_named(folder):
    """Nobody knows where it belongs, so it stands below."""
    (found,) = api.trend_runs(folder((LOW, {}), (HIGH, {"date": None})))
    assert len(found.points) == 1
    assert "without a date" in render(found)


@pytest.mark.parametrize("width", [60, 80, None])
def test_it_fits_the_terminal(folder, width):
    """At 60 columns the chart goes and the numbers stay."""
    (found,) = api.trend_runs(folder((LOW, {}), (HIGH, WARM), (LOW, {"judge": "script"})))
    shown = render(found, width=width)
    assert width is None or all(len(line) <= width for line in shown.splitlines())
    assert "+0.3625" in shown
    assert ("●" in shown) == (width is None)
