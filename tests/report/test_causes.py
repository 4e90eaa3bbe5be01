"""The part of the page that says what moved the number, and when."""

from __future__ import annotations

import pytest

from passk_tasks import api, trend
from passk_tasks.report import causes
from passk_tasks.statistics.metrics import Metric

LOW, HIGH = [1, 2, 0, 3, 1, 0, 2, 4] * 3, [4, 6, 3, 7, 5, 2, 6, 9] * 3
WARM = {"generation_kwargs": {"until": [], "do_sample": True, "temperature": 0.8}}
COLD = {"generation_kwargs": {"until": [], "do_sample": True, "temperature": 0.2}}


@pytest.fixture
def runs(tmp_path, scored):
    """Three days: nothing changes on the second, the temperature on the third."""
    for day, (c, changes) in enumerate(((LOW, COLD), (LOW, COLD), (HIGH, WARM)), 1):
        counts = {f"HumanEval/{i}": (10, correct) for i, correct in enumerate(c)}
        scored(tmp_path / str(day), counts, date=f"2026-02-{day:02d}T00:00:00+00:00", **changes)
    return api.load_runs([tmp_path / str(day) for day in (1, 2, 3)])


def test_rows_and_figures(runs):
    """One effect, two repeats, one trend; each figure has what it is of."""
    told, drawn = causes.described(runs, Metric("pass@K", 1), None)
    (row,) = told["effects"]
    assert (row["words"], row["difference"], row["apart"]) == ("temperature 0.2 → 0.8", "+0.3625", True)
    assert told["notes"] == ["A, B have the same conditions and are averaged."]
    assert [one["figure"] for one in told["trends"]] == ["trend-0"]
    assert set(drawn) == {"effects", "trend-0"}
    (axes,) = drawn["effects"][0].axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["temperature 0.2 → 0.8"]
    (axes,) = drawn["trend-0"][0].axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["A\n02-01", "B\n02-02", "C\n02-03"]
    assert [text.get_text() for text in axes.texts] == ["temperature"]  # nothing changed before B


def test_two_days_are_no_trend(runs):
    """Of two runs the page has the effect, and no curve through two points."""
    told, drawn = causes.described(runs[1:], Metric("pass@K", 1), None)
    assert told["trends"] == []
    assert set(drawn) == {"effects"}


def test_a_page_has_both(runs):
    """The section stands in the page, with both pictures and a link to it."""
    page = api.report_runs(runs)
    assert 'href="#causes"' in page
    assert "what changed alone" in page
    assert page.count('aria-label="by date"') == 1


def test_a_trend_stands_in_the_page_without_any_cause(tmp_path, scored):
    """Three days on which no condition changed have their curve, and no table of causes."""
    for day in (1, 2, 3):
        counts = {f"HumanEval/{i}": (10, correct) for i, correct in enumerate(LOW)}
        scored(tmp_path / str(day), counts, date=f"2026-02-{day:02d}T00:00:00+00:00", **COLD)
    page = api.report_runs(api.load_runs([tmp_path / str(day) for day in (1, 2, 3)]))
    assert "by date, with 95 % intervals" in page
    assert "what changed alone" not in page


def test_a_score_that_is_not_known_is_no_point(runs):
    """A budget that no run can give leaves an empty picture, not an error."""
    (one,) = trend.trends(runs, metric=Metric("pass@K", 50))
    (axes,) = causes.over_time(one, "ABC").axes
    assert len(axes.lines) == 1  # the dashed one
