from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from passk_tasks.compare import compare
from passk_tasks.errors import UsageError
from passk_tasks.report import figures
from passk_tasks.report.svg import COLOURS, themed
from passk_tasks.results import joining, reading
from passk_tasks.statistics import curve

ROOT = Path(__file__).resolve().parents[2]
COUNTS = {f"HumanEval/{i}": (20, min(i, 20)) for i in range(30)}
FEWER = {task_id: (n, c // 2) for task_id, (n, c) in COUNTS.items()}


@pytest.fixture
def several(tmp_path, evaluated):
    """Three runs over the same problems."""
    for name, counts in (("a", COUNTS), ("b", FEWER), ("c", COUNTS)):
        evaluated(tmp_path / name, counts, content={"model_name": f"org/{name}"})
    return reading.load_all([tmp_path / "a", tmp_path / "b", tmp_path / "c"])


def test_the_curve_is_that_of_passk_curve(several):
    """The line goes through pass@k for every k, and both bands are the stored intervals."""
    (axes,) = figures.curves(several[:1]).axes
    points = curve.curve(*joining.counted(several[0])[1:])
    (line,) = axes.lines
    assert list(line.get_xdata()) == list(range(1, 21))
    assert list(line.get_ydata()) == [point.score.value for point in points]
    wide, narrow = (band.get_paths()[0].vertices for band in axes.collections)
    assert wide[:, 1].max() == max(point.score.over_problems.ci95[1] for point in points)
    assert narrow[:, 0].max() == 10  # beyond n/2 there is no unbiased estimate over samples
    assert {tuple(vertex) for vertex in wide} >= {(1.0, points[0].score.over_problems.ci95[0])}


def test_several_curves_have_a_legend(several):
    """Each run has a line of its own colour, called by its letter and name."""
    (axes,) = figures.curves(several).axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["A  org/a", "B  org/b", "C  org/c"]
    assert len({line.get_color() for line in axes.lines}) == 3
    (axes,) = figures.curves(several, labels="xyz").axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["x", "y", "z"]


def test_many_samples_are_drawn_by_few_points(tmp_path, evaluated):
    """At n = 200 not every k is estimated, but both ends and the round ones are, on a log axis."""
    evaluated(tmp_path, {f"HumanEval/{i}": (200, 7 * i) for i in range(20)})
    (run,) = reading.load_all([tmp_path])
    (axes,) = figures.curves([run]).axes
    ks = list(axes.lines[0].get_xdata())
    assert {1, 2, 5, 10, 20, 50, 100, 200} <= set(ks)
    assert len(ks) < 70
    assert axes.get_xscale() == "log"


def test_one_sample_a_problem_is_a_point_with_its_interval(tmp_path, evaluated):
    """At n = 1 there is no curve; what there is of it is drawn."""
    evaluated(tmp_path, {f"HumanEval/{i}": (1, i % 2) for i in range(20)})
    (run,) = reading.load_all([tmp_path])
    (axes,) = figures.curves([run]).axes
    assert list(axes.lines[0].get_ydata()) == [0.5]
    assert len(axes.lines) >= 2


def test_verdicts_are_shares_of_the_samples(several):
    """The bars of one run are its verdicts; stacked, those of several add up to 1."""
    (axes,) = figures.verdicts(several[:1]).axes
    passed, failed = (bar.get_width() for bar in axes.patches)
    assert passed == several[0].verdicts["passed"] / several[0].samples
    assert passed + failed == pytest.approx(1)
    (axes,) = figures.verdicts(several).axes
    widths = np.array([bar.get_width() for bar in axes.patches]).reshape(-1, 3)
    assert widths.sum(axis=0) == pytest.approx([1, 1, 1])
    assert widths[0] == pytest.approx([run.verdicts["passed"] / run.samples for run in several])


def test_time_and_memory_are_counted(several):
    """Every sample that was executed is in both histograms."""
    for axes in figures.resources(several[:1]).axes:
        (polygon,) = axes.patches
        heights = polygon.get_xy()[:, 1]
        assert heights.max() == several[0].samples  # all took the same


def test_nothing_measured_is_said(tmp_path, evaluated):
    """A run whose samples hold no measurements has a figure that says so."""
    evaluated(tmp_path, {"HumanEval/0": (2, 1)})
    (path,) = tmp_path.glob("samples_*")
    text = (
        path.read_text()
        .replace('cpu_s\\": 0.002', 'cpu_s\\": 0')
        .replace('peak_mib\\": 13.5', 'peak_mib\\": 0')
    )
    path.write_text(text)
    figure = figures.resources(reading.load_all([tmp_path]))
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["not recorded"] * 2


def test_differences_are_a_forest_plot_of_the_answer(several):
    """Each run that was asked about has its difference to the reference, its interval, and its name."""
    for asked, others in ({}, "BC"), ({"baseline": "B"}, "AC"), ({"last": True}, "C"):
        comparison = compare(several, **asked)
        pairs = comparison.question.pairs
        (axes,) = figures.differences(comparison, labels="ABC").axes
        dots = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
        assert dots == [pair.difference.value for pair in pairs]
        spans = [tuple(line.get_xdata()) for line in axes.lines[1:] if line.get_marker() != "o"]
        assert spans == [pair.difference.ci95 for pair in pairs]
        assert sorted(label.get_text() for label in axes.get_yticklabels()) == sorted(others)
        assert axes.get_xlabel() == f"difference in pass@1 to {'ABC'[comparison.question.reference]}"
    (axes,) = figures.differences(compare(several)).axes
    assert axes.get_yticklabels()[0].get_text() == "C  org/c"


def test_nine_runs_have_nine_colours(tmp_path, evaluated):
    """No two of nine runs are drawn alike, and eight are set against the best."""
    for i in range(9):
        changes = {"date": f"2026-01-0{i + 1}T00-00-00.0", "generation_kwargs": {"temperature": i / 10 + 0.1}}
        evaluated(tmp_path / str(i), {f"HumanEval/{j}": (4, min(4, i)) for j in range(9)}, **changes)
    runs = reading.load_all([tmp_path])
    (axes,) = figures.curves(runs).axes
    assert len({line.get_color() for line in axes.lines}) == 9
    (axes,) = figures.differences(compare(runs)).axes
    assert len(axes.get_yticklabels()) == 8


def test_a_run_without_verdicts_has_no_curve(tmp_path, evaluated):
    """It is an error for people, with the file."""
    evaluated(tmp_path, {"HumanEval/0": (1, 0)}, verdicts={"infra_error": 1})
    (path,) = tmp_path.glob("samples_*")
    path.write_text(path.read_text().replace("failed", "infra_error"))
    with pytest.raises(UsageError, match="no sample has a verdict"):
        figures.curves(reading.load_all([tmp_path]))


# ---------------------------------------------------------------------- on the page


def drawn(several):
    """Return every figure that a page has."""
    return {
        "curves": figures.curves(several),
        "one": figures.curves(several[:1]),
        "verdicts": figures.verdicts(several),
        "histogram": figures.verdicts(several[:1]),
        "resources": figures.resources(several),
        "differences": figures.differences(compare(several)),
    }


def test_svg_has_the_page_s_colours_alone(several):
    """Every colour is a variable of the style sheet, and nothing needs a style that the policy refuses."""
    used = set()
    for name, figure in drawn(several).items():
        text = themed(figure, name, "a picture")
        ElementTree.fromstring(text)
        assert not re.search(r'(?:fill|stroke)="#', text), name
        assert " style=" not in text
        assert "<style" not in text
        assert "<!--" not in text
        assert len(text) < 60_000
        used |= set(re.findall(r"var\(--([\w-]+)\)", text))
    assert used <= set(COLOURS.values())
    assert {"ink", "dim", "grid", "run-0", "v-passed"} <= used


def test_svg_of_two_figures_share_no_id(several):
    """What refers to an id finds its own figure's."""
    seen: set[str] = set()
    for name, figure in drawn(several).items():
        text = themed(figure, name, "a picture")
        ids = re.findall(r' id="([^"]*)"', text)
        assert len(ids) == len(set(ids))
        assert not seen & set(ids)
        assert set(re.findall(r"[\"(]#([\w-]+)", text)) <= set(ids)
        seen |= set(ids)


def test_svg_is_the_same_every_time(several):
    """The same run makes the same bytes."""
    first, second = (themed(figures.curves(several), "curves", "x") for _ in range(2))
    assert first == second


def test_names_are_text(tmp_path, evaluated):
    """A name is neither mathematics nor markup, whatever stands in it, and needs no glyph to be measured."""
    name = '$\\frac{<script>"&\u202e\x00\ud800漢'
    for folder in "ab":
        evaluated(tmp_path / folder, COUNTS, content={"model_name": name})
    found = reading.load_all([tmp_path / "a", tmp_path / "b"])
    for figure in (figures.curves(found), figures.verdicts(found), figures.resources(found)):
        text = themed(figure, "x", name.replace("\x00", "").replace("\ud800", ""))
        assert "$\\frac{&lt;script&gt;" in text
        assert "<script" not in text
        assert "\u202e" not in re.sub(r"aria-label=\"[^\"]*\"", "", text)


def test_without_matplotlib_the_error_says_what_to_install(tmp_path, evaluated):
    """A missing extra is found at once, before any file is read."""
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from passk_tasks.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "report", "nowhere", "-o", str(tmp_path / "x.html")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install 'passk-tasks[report]'" in done.stderr
    assert "Traceback" not in done.stderr
